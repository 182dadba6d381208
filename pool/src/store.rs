use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use scape_aggregate::{Commitment, Hash, Input, Output, PROOF_SIZE, TxKernel, ValidTx};

use crate::EntryId;

/// Transactions that do not exclude each other, indexed by kernel, created and spent output.
///
/// Every operation costs O(size of the transaction). `M` is what else is known of an entry.
#[derive(Debug)]
pub(crate) struct Store<M> {
    entries: BTreeMap<EntryId, Entry<M>>,
    by_kernel: HashMap<Hash, EntryId>,
    by_created: HashMap<Commitment, EntryId>,
    by_spent: HashMap<Commitment, EntryId>,
    by_nrd: HashMap<Commitment, EntryId>,
    bytes: usize,
}

/// A transaction in a store.
#[derive(Debug)]
pub(crate) struct Entry<M> {
    pub(crate) tx: ValidTx,
    pub(crate) meta: M,
}

impl<M> Default for Store<M> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            by_kernel: HashMap::new(),
            by_created: HashMap::new(),
            by_spent: HashMap::new(),
            by_nrd: HashMap::new(),
            bytes: 0,
        }
    }
}

impl<M> Store<M> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn kernel_count(&self) -> usize {
        self.by_kernel.len()
    }

    pub(crate) fn get(&self, id: EntryId) -> Option<&Entry<M>> {
        self.entries.get(&id)
    }

    pub(crate) fn meta_mut(&mut self, id: EntryId) -> Option<&mut M> {
        self.entries.get_mut(&id).map(|entry| &mut entry.meta)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = EntryId> {
        self.entries.keys().copied()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (EntryId, &Entry<M>)> {
        self.entries.iter().map(|(id, entry)| (*id, entry))
    }

    pub(crate) fn with_kernel(&self, kernel: &Hash) -> Option<EntryId> {
        self.by_kernel.get(kernel).copied()
    }

    pub(crate) fn creator(&self, commitment: &Commitment) -> Option<EntryId> {
        self.by_created.get(commitment).copied()
    }

    pub(crate) fn spender(&self, commitment: &Commitment) -> Option<EntryId> {
        self.by_spent.get(commitment).copied()
    }

    pub(crate) fn with_nrd(&self, excess: &Commitment) -> Option<EntryId> {
        self.by_nrd.get(excess).copied()
    }

    /// Adds an entry that conflicts with none that is there.
    pub(crate) fn insert(&mut self, id: EntryId, tx: ValidTx, meta: M) {
        self.by_kernel.extend(tx.kernels().iter().map(|kernel| (*kernel.hash(), id)));
        self.by_created.extend(tx.outputs().iter().map(|output| (output.commitment(), id)));
        self.by_spent.extend(tx.inputs().iter().map(|input| (input.commitment(), id)));
        self.by_nrd.extend(tx.kernels().iter().filter_map(TxKernel::nrd_excess).map(|e| (e, id)));
        self.bytes += wire_size(&tx);
        self.entries.insert(id, Entry { tx, meta });
    }

    pub(crate) fn remove(&mut self, id: EntryId) -> Option<Entry<M>> {
        let entry = self.entries.remove(&id)?;
        for kernel in entry.tx.kernels() {
            remove_own(&mut self.by_kernel, kernel.hash(), id);
            if let Some(excess) = kernel.nrd_excess() {
                remove_own(&mut self.by_nrd, &excess, id);
            }
        }
        for output in entry.tx.outputs() {
            remove_own(&mut self.by_created, &output.commitment(), id);
        }
        for input in entry.tx.inputs() {
            remove_own(&mut self.by_spent, &input.commitment(), id);
        }
        self.bytes -= wire_size(&entry.tx);
        Some(entry)
    }

    /// Entries that have at least one of these kernels, in the order of their ids.
    pub(crate) fn overlapping<'a>(
        &self,
        kernels: impl IntoIterator<Item = &'a Hash>,
    ) -> BTreeSet<EntryId> {
        kernels.into_iter().filter_map(|kernel| self.with_kernel(kernel)).collect()
    }

    /// Entries here whose outputs `tx` spends.
    pub(crate) fn parents(&self, tx: &ValidTx) -> BTreeSet<EntryId> {
        tx.inputs().iter().filter_map(|input| self.creator(&input.commitment())).collect()
    }

    /// Entries here that spend outputs of `tx`.
    pub(crate) fn children(&self, tx: &ValidTx) -> BTreeSet<EntryId> {
        tx.outputs().iter().filter_map(|output| self.spender(&output.commitment())).collect()
    }

    /// All entries, parents before children; else in the order of their ids.
    pub(crate) fn parents_first(&self) -> Vec<EntryId> {
        let parents = |id: EntryId| self.get(id).map(|entry| self.parents(&entry.tx));
        let mut order = Vec::with_capacity(self.len());
        let mut done = HashSet::new();
        for id in self.ids() {
            let mut open = vec![(id, false)];
            while let Some((id, ready)) = open.pop() {
                if ready {
                    order.push(id);
                } else if done.insert(id) {
                    open.push((id, true));
                    let parents = parents(id).unwrap_or_default();
                    open.extend(parents.into_iter().rev().map(|parent| (parent, false)));
                }
            }
        }
        order
    }

    /// Whether `tx` depends on more than `limit` entries here. Looks at no more than that.
    pub(crate) fn is_deeper_than(&self, tx: &ValidTx, limit: usize) -> bool {
        let mut found = self.parents(tx);
        let mut open: Vec<_> = found.iter().copied().collect();
        while let Some(entry) = open.pop().and_then(|id| self.get(id)) {
            if found.len() > limit {
                break;
            }
            open.extend(self.parents(&entry.tx).into_iter().filter(|id| found.insert(*id)));
        }
        found.len() > limit
    }

    /// Entries here that an entry depends on, at any distance, without itself.
    pub(crate) fn ancestors(&self, id: EntryId) -> BTreeSet<EntryId> {
        let mut found = BTreeSet::new();
        let mut open = vec![id];
        while let Some(entry) = open.pop().and_then(|id| self.get(id)) {
            open.extend(self.parents(&entry.tx).into_iter().filter(|id| found.insert(*id)));
        }
        found
    }
}

/// Two entries never share a key, but an entry that replaces another may have taken it over.
fn remove_own<K: Eq + std::hash::Hash>(index: &mut HashMap<K, EntryId>, key: &K, id: EntryId) {
    if index.get(key) == Some(&id) {
        index.remove(key);
    }
}

/// The hashes of the kernels of a transaction.
pub(crate) fn kernel_hashes(tx: &ValidTx) -> Vec<Hash> {
    tx.kernels().iter().map(|kernel| *kernel.hash()).collect()
}

pub(crate) fn kernel_set(tx: &ValidTx) -> HashSet<&Hash> {
    tx.kernels().iter().map(TxKernel::hash).collect()
}

pub(crate) fn spends(tx: &ValidTx) -> impl Iterator<Item = Commitment> {
    tx.inputs().iter().map(Input::commitment)
}

pub(crate) fn creates(tx: &ValidTx) -> impl Iterator<Item = Commitment> {
    tx.outputs().iter().map(Output::commitment)
}

/// The size of a transaction on the wire, to within the few bytes that kernel features differ by.
pub(crate) fn wire_size(tx: &ValidTx) -> usize {
    56 + tx.inputs().len() * Commitment::SIZE
        + tx.outputs().len() * (42 + PROOF_SIZE)
        + tx.kernels().len() * 106
}
