use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use scape_aggregate::{Commitment, Hash, ValidTx};

use crate::many::Many;
use crate::pool::{Part, Usage};
use crate::store::{kernel_hashes, spends, wire_size};
use crate::{Capacity, Instant, Refusal, Source};

/// Transactions that wait for a parent or for a height.
///
/// Those of peers are bounded in number, bytes, age and share: who is over its share gives way with
/// its own oldest, and when all room is used, who uses most of what is short does. Those of the
/// owner wait as long as it takes; so do those that were accepted once and fell out by a reorg,
/// but of these only so many.
#[derive(Debug)]
pub(crate) struct Orphans {
    capacity: Capacity,
    entries: BTreeMap<u64, Orphan>,
    by_kernel: Many<Hash, u64>,
    by_input: Many<Commitment, u64>,
    by_height: BTreeSet<(u64, u64)>,
    expiries: BTreeSet<(Instant, u64)>,
    /// Those of peers that were accepted once.
    returning: BTreeSet<u64>,
    /// What peers use; the owner's orphans and those accepted once are not counted.
    usage: BTreeMap<Source, Usage>,
    total: Usage,
    /// Those that are worth another try; they may be gone meanwhile.
    ready: VecDeque<u64>,
    next_id: u64,
}

/// A transaction at the door: new, or back from waiting.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) tx: ValidTx,
    pub(crate) source: Source,
    pub(crate) past: Past,
    /// Whether it was sealed to this node.
    pub(crate) sealed: bool,
    /// When it will have waited too long; said when it first has to wait.
    pub(crate) expiry: Option<Instant>,
}

/// What a transaction was before.
#[derive(Clone, Debug)]
pub(crate) enum Past {
    New,
    /// In the stempool, under this embargo.
    Stem {
        embargo: Instant,
        left: Left,
    },
    /// In the txpool, made of these parts.
    Public {
        parts: Vec<Part>,
    },
}

/// How something left in another life of the node. What did is not sent again before its embargo
/// ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Left {
    /// It did not.
    Not,
    /// Along the stem.
    Stem,
    /// Sealed to a sink, after so many times in vain.
    Sealed { attempts: u8 },
}

impl Arrival {
    pub(crate) fn new(tx: ValidTx, source: Source) -> Self {
        Self { tx, source, past: Past::New, sealed: false, expiry: None }
    }

    /// One that was here before.
    pub(crate) fn again(tx: ValidTx, source: Source, past: Past) -> Self {
        Self { past, ..Self::new(tx, source) }
    }

    /// Whether the owner's transaction is in it.
    fn is_own(&self) -> bool {
        match &self.past {
            Past::Public { parts } => parts.iter().any(|part| part.own),
            Past::New | Past::Stem { .. } => self.source == Source::Own,
        }
    }

    /// Whether it was sent in another life of the node.
    pub(crate) fn has_left(&self) -> bool {
        matches!(self.past, Past::Stem { left: Left::Stem | Left::Sealed { .. }, .. })
    }

    /// Whether it is kept until it fits or never can: it is the owner's, or was accepted once.
    pub(crate) fn is_kept(&self) -> bool {
        self.source == Source::Own || !matches!(self.past, Past::New)
    }
}

#[derive(Debug)]
struct Orphan {
    arrival: Arrival,
    /// `None` if it is worth another try.
    waiting: Option<Waiting>,
}

impl Orphan {
    fn waits_for(&self, commitment: &Commitment) -> bool {
        match &self.waiting {
            Some(Waiting::For(missing)) => missing.contains(commitment),
            Some(Waiting::Until(_)) | None => false,
        }
    }
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
            by_kernel: Many::default(),
            by_input: Many::default(),
            by_height: BTreeSet::new(),
            expiries: BTreeSet::new(),
            returning: BTreeSet::new(),
            usage: BTreeMap::new(),
            total: Usage::default(),
            ready: VecDeque::new(),
            next_id: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn has(&self, kernel: &Hash) -> bool {
        self.by_kernel.has(kernel)
    }

    /// Whether something of the owner waits with this kernel.
    pub(crate) fn is_own(&self, kernel: &Hash) -> bool {
        let mut waiting = self.by_kernel.get(kernel).iter().filter_map(|id| self.entries.get(id));
        waiting.any(|orphan| orphan.arrival.source == Source::Own)
    }

    /// The embargo of one with this kernel that was sent in another life of the node, and how.
    pub(crate) fn sent_under(&self, kernel: &Hash) -> Option<(Instant, Left)> {
        self.by_kernel.get(kernel).iter().find_map(|id| match self.entries.get(id)?.arrival.past {
            Past::Stem { embargo, left } if left != Left::Not => Some((embargo, left)),
            _ => None,
        })
    }

    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// Keeps a transaction. Returns the kernels of those that had to make room.
    pub(crate) fn insert(
        &mut self,
        mut arrival: Arrival,
        waiting: Waiting,
        now: Instant,
    ) -> Result<Vec<Vec<Hash>>, Refusal> {
        let kept = arrival.is_kept();
        let known = arrival.tx.kernels().iter().flat_map(|k| self.by_kernel.get(k.hash()));
        let known: BTreeSet<_> = known.copied().collect();
        let mut dropped = Vec::new();
        if kept {
            if known.iter().any(|id| self.is_waiting(*id, &arrival)) {
                return Ok(dropped);
            }
            // Nobody can keep it out by having sent something alike before.
            let strangers = known.into_iter().filter(|id| !self.entries[id].arrival.is_kept());
            let strangers: Vec<_> = strangers.collect();
            strangers.into_iter().for_each(|id| dropped.extend(self.drop_one(id)));
        } else if known.is_empty() {
            dropped = self.make_room(wire_size(&arrival.tx), arrival.source)?;
            arrival.expiry.get_or_insert(now + self.capacity.orphan_age);
        } else {
            return Err(Refusal::Known);
        }
        self.index(Orphan { arrival, waiting: Some(waiting) });
        while self.returning.len() > self.capacity.tx_entries {
            let Some(oldest) = self.returning.first().copied() else { break };
            dropped.extend(self.drop_one(oldest));
        }
        Ok(dropped)
    }

    /// Whether the same transaction waits already as what is kept.
    fn is_waiting(&self, id: u64, arrival: &Arrival) -> bool {
        let waiting = self.entries.get(&id).map(|orphan| &orphan.arrival);
        waiting.is_some_and(|waiting| waiting.is_kept() && waiting.tx == arrival.tx)
    }

    /// Outputs came into being.
    pub(crate) fn created(&mut self, commitments: impl Iterator<Item = Commitment>) {
        for commitment in commitments {
            let waits = |id: &u64| self.entries[id].waits_for(&commitment);
            let spenders = self.by_input.get(&commitment).iter().copied();
            let waiting: Vec<_> = spenders.filter(waits).collect();
            waiting.into_iter().for_each(|id| self.wake(id));
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

    /// All outputs that are spent here, among them those that somebody waits for.
    pub(crate) fn spent(&self) -> impl Iterator<Item = &Commitment> {
        self.by_input.keys()
    }

    /// The next one that is worth another try.
    pub(crate) fn take_ready(&mut self) -> Option<Arrival> {
        while let Some(id) = self.ready.pop_front() {
            if let Some(arrival) = self.remove(id) {
                return Some(arrival);
            }
        }
        None
    }

    /// Drops those that have waited too long. Returns their kernels.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Vec<Hash>> {
        let mut expired = Vec::new();
        while let Some((at, id)) = self.expiries.first().copied() {
            if at > now {
                break;
            }
            expired.extend(self.drop_one(id));
        }
        expired
    }

    /// Takes out those that consist of these kernels, which are public now.
    pub(crate) fn take_known(&mut self, kernels: &HashSet<Hash>) -> Vec<Arrival> {
        let found = kernels.iter().flat_map(|kernel| self.by_kernel.get(kernel)).copied();
        let found: BTreeSet<_> = found.collect();
        let is_known = |tx: &ValidTx| tx.kernels().iter().all(|k| kernels.contains(k.hash()));
        let known = found.into_iter().filter(|id| is_known(&self.entries[id].arrival.tx));
        let known: Vec<_> = known.collect();
        known.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Takes out those that spend an output that will never come, whatever they wait for.
    pub(crate) fn take_spending(&mut self, commitment: &Commitment) -> Vec<Arrival> {
        let ids = self.by_input.get(commitment).to_vec();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Takes out those that are pointless, by kernel (it is mined) or by input (it is spent).
    pub(crate) fn take_if(&mut self, pointless: impl Fn(&ValidTx) -> bool) -> Vec<Arrival> {
        let pointless = self.entries.iter().filter(|(_, orphan)| pointless(&orphan.arrival.tx));
        let ids: Vec<_> = pointless.map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    fn wake(&mut self, id: u64) {
        let waiting = self.entries.get_mut(&id).and_then(|orphan| orphan.waiting.take());
        if let Some(waiting) = waiting {
            self.forget_height(id, &waiting);
            self.ready.push_back(id);
        }
    }

    fn forget_height(&mut self, id: u64, waiting: &Waiting) {
        if let Waiting::Until(height) = waiting {
            self.by_height.remove(&(*height, id));
        }
    }

    fn make_room(&mut self, size: usize, source: Source) -> Result<Vec<Vec<Hash>>, Refusal> {
        let capacity = self.capacity;
        let shares = capacity.shares.max(1);
        let (entries, bytes) = (capacity.orphan_entries / shares, capacity.orphan_bytes / shares);
        if size > bytes {
            return Err(Refusal::MissingInput);
        }
        let mut dropped = Vec::new();
        loop {
            let used = self.usage.get(&source).copied().unwrap_or_default();
            let greedy = if used.entries >= entries.max(1) || used.bytes + size > bytes {
                Some(source)
            } else if self.total.entries >= capacity.orphan_entries {
                self.greediest(|usage| usage.entries)
            } else if self.total.bytes + size > capacity.orphan_bytes {
                self.greediest(|usage| usage.bytes)
            } else {
                return Ok(dropped);
            };
            let mut expiries = self.expiries.iter();
            let oldest = expiries.find(|(_, id)| Some(self.entries[id].arrival.source) == greedy);
            let Some((_, id)) = oldest.copied() else { return Err(Refusal::Full) };
            dropped.extend(self.drop_one(id));
        }
    }

    fn greediest(&self, measure: impl Fn(&Usage) -> usize) -> Option<Source> {
        let greedy = self.usage.iter().max_by_key(|(_, usage)| measure(usage));
        greedy.map(|(source, _)| *source)
    }

    fn index(&mut self, orphan: Orphan) {
        self.next_id += 1;
        let id = self.next_id;
        let arrival = &orphan.arrival;
        for kernel in kernel_hashes(&arrival.tx) {
            self.by_kernel.insert(kernel, id);
        }
        for input in spends(&arrival.tx) {
            self.by_input.insert(input, id);
        }
        if let Some(Waiting::Until(height)) = &orphan.waiting {
            self.by_height.insert((*height, id));
        }
        if let Some(at) = arrival.expiry {
            self.expiries.insert((at, id));
            self.total.add(&arrival.tx);
            self.usage.entry(arrival.source).or_default().add(&arrival.tx);
        } else if !arrival.is_own() {
            self.returning.insert(id);
        }
        self.entries.insert(id, orphan);
    }

    fn drop_one(&mut self, id: u64) -> Option<Vec<Hash>> {
        self.remove(id).map(|arrival| kernel_hashes(&arrival.tx))
    }

    fn remove(&mut self, id: u64) -> Option<Arrival> {
        let Orphan { arrival, waiting } = self.entries.remove(&id)?;
        for kernel in arrival.tx.kernels() {
            self.by_kernel.remove(kernel.hash(), id);
        }
        for input in spends(&arrival.tx) {
            self.by_input.remove(&input, id);
        }
        if let Some(waiting) = waiting {
            self.forget_height(id, &waiting);
        }
        self.returning.remove(&id);
        if let Some(at) = arrival.expiry {
            self.expiries.remove(&(at, id));
            self.total.subtract(&arrival.tx);
            let usage = self.usage.get_mut(&arrival.source);
            if usage.is_some_and(|usage| usage.subtract(&arrival.tx)) {
                self.usage.remove(&arrival.source);
            }
        }
        Some(arrival)
    }
}
