use std::collections::{BTreeMap, BTreeSet, HashSet};

use hashbrown::HashTable;
use scape_aggregate::{Commitment, Hash, Input, Output, PROOF_SIZE, TxKernel, ValidTx};
use slab::Slab;

use crate::EntryId;
use crate::index::{Index, Key, Place};

/// Transactions that do not exclude each other, indexed by kernel, created and spent output.
///
/// Every operation costs O(size of the transaction). `M` is what else is known of an entry.
#[derive(Debug)]
pub(crate) struct Store<M> {
    entries: Slab<Entry<M>>,
    /// The places of the entries, by their ids.
    places: HashTable<u32>,
    /// The same, in the order of arrival.
    order: BTreeMap<EntryId, u32>,
    by_kernel: Index<Hash>,
    by_created: Index<Commitment>,
    by_spent: Index<Commitment>,
    by_nrd: Index<Commitment>,
    bytes: usize,
}

/// A transaction in a store.
#[derive(Debug)]
pub(crate) struct Entry<M> {
    id: EntryId,
    pub(crate) tx: ValidTx,
    pub(crate) meta: M,
    /// Whether it has spent an output of another entry, or another one its, since it came in.
    pub(crate) has_relatives: bool,
}

impl<M> Default for Store<M> {
    fn default() -> Self {
        Self {
            entries: Slab::new(),
            places: HashTable::new(),
            order: BTreeMap::new(),
            by_kernel: Index::by(|tx, index| *tx.kernels()[index].hash()),
            by_created: Index::by(|tx, index| tx.outputs()[index].commitment()),
            by_spent: Index::by(|tx, index| tx.inputs()[index].commitment()),
            by_nrd: Index::by(|tx, index| tx.kernels()[index].excess()),
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
        self.entries.get(self.place(id)?)
    }

    pub(crate) fn get_mut(&mut self, id: EntryId) -> Option<&mut Entry<M>> {
        let place = self.place(id)?;
        self.entries.get_mut(place)
    }

    pub(crate) fn meta_mut(&mut self, id: EntryId) -> Option<&mut M> {
        self.get_mut(id).map(|entry| &mut entry.meta)
    }

    fn place(&self, id: EntryId) -> Option<usize> {
        let place = self.places.find(spread(id), |place| self.entries[*place as usize].id == id);
        place.map(|place| *place as usize)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = EntryId> {
        self.order.keys().copied()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (EntryId, &Entry<M>)> {
        self.order.iter().map(|(id, place)| (*id, &self.entries[*place as usize]))
    }

    pub(crate) fn with_kernel(&self, kernel: &Hash) -> Option<EntryId> {
        self.find(&self.by_kernel, kernel)
    }

    pub(crate) fn creator(&self, commitment: &Commitment) -> Option<EntryId> {
        self.find(&self.by_created, commitment)
    }

    pub(crate) fn spender(&self, commitment: &Commitment) -> Option<EntryId> {
        self.find(&self.by_spent, commitment)
    }

    pub(crate) fn with_nrd(&self, excess: &Commitment) -> Option<EntryId> {
        self.find(&self.by_nrd, excess)
    }

    fn find<K: Key>(&self, index: &Index<K>, key: &K) -> Option<EntryId> {
        let place = index.find(key, |place| &self.entries[place as usize].tx)?;
        Some(self.entries[place as usize].id)
    }

    /// Adds an entry that conflicts with none that is there.
    pub(crate) fn insert(&mut self, id: EntryId, tx: ValidTx, meta: M) {
        self.bytes += wire_size(&tx);
        let has_relatives = self.introduce(&tx);
        let entry = Entry { id, tx: tx.clone(), meta, has_relatives };
        let entry = self.entries.insert(entry) as u32;
        self.order.insert(id, entry);
        let entries = &self.entries;
        self.places.insert_unique(spread(id), entry, |place| spread(entries[*place as usize].id));
        let txs = |entry: u32| &self.entries[entry as usize].tx;
        for (element, kernel) in (0..).zip(tx.kernels()) {
            self.by_kernel.insert(Place { entry, element }, txs);
            if kernel.nrd_excess().is_some() {
                self.by_nrd.insert(Place { entry, element }, txs);
            }
        }
        for (element, _) in (0..).zip(tx.outputs()) {
            self.by_created.insert(Place { entry, element }, txs);
        }
        for (element, _) in (0..).zip(tx.inputs()) {
            self.by_spent.insert(Place { entry, element }, txs);
        }
    }

    /// Tells parents and children that `tx` comes. Returns whether there is any.
    fn introduce(&mut self, tx: &ValidTx) -> bool {
        let parents = spends(tx).filter_map(|spent| self.creator(&spent));
        let children = creates(tx).filter_map(|created| self.spender(&created));
        let relatives: Vec<_> = parents.chain(children).collect();
        for id in &relatives {
            if let Some(relative) = self.get_mut(*id) {
                relative.has_relatives = true;
            }
        }
        !relatives.is_empty()
    }

    pub(crate) fn remove(&mut self, id: EntryId) -> Option<Entry<M>> {
        let entry = self.order.remove(&id)?;
        if let Ok(found) = self.places.find_entry(spread(id), |place| *place == entry) {
            found.remove();
        }
        let removed = self.entries.try_remove(entry as usize)?;
        let tx = &removed.tx;
        self.bytes -= wire_size(tx);
        for (element, kernel) in (0..).zip(tx.kernels()) {
            self.by_kernel.remove(Place { entry, element }, tx);
            if kernel.nrd_excess().is_some() {
                self.by_nrd.remove(Place { entry, element }, tx);
            }
        }
        for (element, _) in (0..).zip(tx.outputs()) {
            self.by_created.remove(Place { entry, element }, tx);
        }
        for (element, _) in (0..).zip(tx.inputs()) {
            self.by_spent.remove(Place { entry, element }, tx);
        }
        Some(removed)
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

    /// Entries here that depend on themselves, and what depends on those. Costs O(size of all).
    pub(crate) fn floating(&self) -> BTreeSet<EntryId> {
        let parents = |(id, entry): (EntryId, &Entry<M>)| (id, self.parents(&entry.tx).len());
        let mut open: BTreeMap<_, _> = self.iter().map(parents).collect();
        let grounded = |open: &BTreeMap<EntryId, usize>, id: &EntryId| open.get(id) == Some(&0);
        let mut ready: Vec<_> = self.ids().filter(|id| grounded(&open, id)).collect();
        while let Some(id) = ready.pop() {
            open.remove(&id);
            for child in self.get(id).map(|entry| self.children(&entry.tx)).unwrap_or_default() {
                if let Some(parents) = open.get_mut(&child) {
                    *parents -= 1;
                }
                ready.extend(grounded(&open, &child).then_some(child));
            }
        }
        open.into_keys().collect()
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

/// Spreads ids over a table by a multiple of the golden ratio (Knuth, "The Art of Computer
/// Programming", 6.4). Nobody chooses ids.
fn spread(id: EntryId) -> u64 {
    id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
