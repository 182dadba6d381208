use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use scape_aggregate::{Commitment, Hash, ValidTx};

use crate::pool::{Part, Usage};
use crate::store::{kernel_hashes, wire_size};
use crate::{Capacity, Instant, Refusal, Source};

/// Transactions that wait for a parent or for a height.
///
/// Those of peers are bounded in number, bytes, age and share; when room is short, who uses most
/// gives way with its oldest. Those of the owner, and those that were accepted once and fell out
/// by a reorg, wait as long as it takes.
#[derive(Debug)]
pub(crate) struct Orphans {
    capacity: Capacity,
    entries: BTreeMap<u64, Orphan>,
    by_kernel: HashMap<Hash, u64>,
    by_missing: HashMap<Commitment, BTreeSet<u64>>,
    by_height: BTreeSet<(u64, u64)>,
    expiries: BTreeSet<(Instant, u64)>,
    /// What peers use; the owner's orphans and those accepted once are not counted.
    usage: BTreeMap<Source, Usage>,
    total: Usage,
    ready: VecDeque<Orphan>,
    next_id: u64,
}

/// A transaction that waits.
#[derive(Debug)]
pub(crate) struct Orphan {
    pub(crate) tx: ValidTx,
    pub(crate) source: Source,
    pub(crate) stem: bool,
    /// Not empty if it was public once.
    pub(crate) parts: Vec<Part>,
    waiting: Waiting,
    expiry: Option<Instant>,
}

/// What a transaction waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Waiting {
    /// Outputs that do not exist yet.
    For(Vec<Commitment>),
    /// A height of the chain.
    Until(u64),
}

impl Orphans {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            entries: BTreeMap::new(),
            by_kernel: HashMap::new(),
            by_missing: HashMap::new(),
            by_height: BTreeSet::new(),
            expiries: BTreeSet::new(),
            usage: BTreeMap::new(),
            total: Usage::default(),
            ready: VecDeque::new(),
            next_id: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// Keeps a transaction. Returns the kernels of those that had to make room.
    pub(crate) fn insert(
        &mut self,
        tx: ValidTx,
        source: Source,
        stem: bool,
        parts: Vec<Part>,
        waiting: Waiting,
        now: Instant,
    ) -> Result<Vec<Vec<Hash>>, Refusal> {
        if tx.kernels().iter().any(|kernel| self.by_kernel.contains_key(kernel.hash())) {
            return Err(Refusal::Known);
        }
        let keeps = source == Source::Own || !parts.is_empty();
        let dropped = if keeps { Vec::new() } else { self.make_room(wire_size(&tx), source)? };
        let expiry = (!keeps).then(|| now + self.capacity.orphan_age);
        self.index(Orphan { tx, source, stem, parts, waiting, expiry });
        Ok(dropped)
    }

    /// Outputs came into being, in the stempool or in public.
    pub(crate) fn created(&mut self, commitments: impl Iterator<Item = Commitment>, stem: bool) {
        for commitment in commitments {
            let waiting = self.by_missing.get(&commitment).cloned().unwrap_or_default();
            for id in waiting {
                // What is public cannot be helped by what is not.
                if !stem || self.entries.get(&id).is_some_and(|orphan| orphan.stem) {
                    self.wake(id);
                }
            }
        }
    }

    /// The chain has this height now.
    pub(crate) fn reached(&mut self, height: u64) {
        while let Some((until, id)) = self.by_height.first().copied() {
            if until > height {
                break;
            }
            self.wake(id);
        }
    }

    /// The next one that is worth another try.
    pub(crate) fn take_ready(&mut self) -> Option<Orphan> {
        self.ready.pop_front()
    }

    /// Drops those that have waited too long. Returns their kernels.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Vec<Hash>> {
        let mut expired = Vec::new();
        while let Some((at, id)) = self.expiries.first().copied() {
            if at > now {
                break;
            }
            expired.extend(self.remove(id).map(|orphan| kernel_hashes(&orphan.tx)));
        }
        expired
    }

    /// Takes out those that consist of these kernels and are public now.
    pub(crate) fn forget_known(&mut self, kernels: &[Hash]) {
        for kernel in kernels {
            let Some(id) = self.by_kernel.get(kernel).copied() else { continue };
            let known = |tx: &ValidTx| tx.kernels().iter().all(|k| kernels.contains(k.hash()));
            if known(&self.entries[&id].tx) {
                self.remove(id);
            }
        }
    }

    /// Takes out those that are pointless, by kernel (it is mined) or by input (it is spent).
    pub(crate) fn take_if(&mut self, pointless: impl Fn(&ValidTx) -> bool) -> Vec<Orphan> {
        let pointless = self.entries.iter().filter(|(_, orphan)| pointless(&orphan.tx));
        let ids: Vec<_> = pointless.map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    fn wake(&mut self, id: u64) {
        let orphan = self.remove(id);
        self.ready.extend(orphan);
    }

    fn make_room(&mut self, size: usize, source: Source) -> Result<Vec<Vec<Hash>>, Refusal> {
        if size > self.capacity.orphan_bytes / self.capacity.shares.max(1) {
            return Err(Refusal::MissingInput);
        }
        let mut dropped = Vec::new();
        while self.is_full(size) {
            let greedy = self.usage.iter().max_by_key(|(_, usage)| usage.bytes);
            let greedy = greedy.map_or(source, |(source, _)| *source);
            let oldest = self.expiries.iter().find(|(_, id)| self.entries[id].source == greedy);
            let Some((_, id)) = oldest.copied() else { return Err(Refusal::Full) };
            dropped.extend(self.remove(id).map(|orphan| kernel_hashes(&orphan.tx)));
        }
        Ok(dropped)
    }

    fn is_full(&self, size: usize) -> bool {
        self.total.entries >= self.capacity.orphan_entries
            || self.total.bytes + size > self.capacity.orphan_bytes
    }

    fn index(&mut self, orphan: Orphan) {
        self.next_id += 1;
        let id = self.next_id;
        self.by_kernel.extend(kernel_hashes(&orphan.tx).into_iter().map(|kernel| (kernel, id)));
        match &orphan.waiting {
            Waiting::Until(height) => {
                self.by_height.insert((*height, id));
            }
            Waiting::For(missing) => missing.iter().for_each(|commitment| {
                self.by_missing.entry(*commitment).or_default().insert(id);
            }),
        }
        if let Some(at) = orphan.expiry {
            self.expiries.insert((at, id));
            self.total.add(&orphan.tx);
            self.usage.entry(orphan.source).or_default().add(&orphan.tx);
        }
        self.entries.insert(id, orphan);
    }

    fn remove(&mut self, id: u64) -> Option<Orphan> {
        let orphan = self.entries.remove(&id)?;
        for kernel in orphan.tx.kernels() {
            self.by_kernel.remove(kernel.hash());
        }
        match &orphan.waiting {
            Waiting::Until(height) => {
                self.by_height.remove(&(*height, id));
            }
            Waiting::For(missing) => missing.iter().for_each(|commitment| {
                if let Some(ids) = self.by_missing.get_mut(commitment) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        self.by_missing.remove(commitment);
                    }
                }
            }),
        }
        if let Some(at) = orphan.expiry {
            self.expiries.remove(&(at, id));
            self.total.subtract(&orphan.tx);
            if self.usage.get_mut(&orphan.source).is_some_and(|usage| usage.subtract(&orphan.tx)) {
                self.usage.remove(&orphan.source);
            }
        }
        Some(orphan)
    }
}
