//! What became of the owner's transactions: pure, fed by acknowledged pushes and by notices.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use scape_aggregate::{Commitment, Hash, Transaction, TxKernel};
use scape_pool::{FluffReason, Instant, Notice, Record, RecordStage, Refusal, Rival};

/// How many are remembered.
const CAPACITY: usize = 4_096;
/// How long those are remembered to which nothing more happens.
const MEMORY: Duration = Duration::from_secs(24 * 3_600);

/// One of the owner's transactions. Private.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnTransaction {
    /// The excesses of its kernels.
    pub kernels: Vec<Commitment>,
    /// How long ago it was pushed, or else the node was started.
    pub age: Duration,
    /// Where it is: of several kernels, where the one is that has come least far.
    pub state: OwnState,
    /// Until it is fluffed here if nobody else does, if it is in the stempool.
    pub embargo_left: Option<Duration>,
}

/// Where one of the owner's transactions is, in the order of how far it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OwnState {
    /// It cannot be mined any more; if something in the stempool excludes it, not as long as that is
    /// there.
    Conflicted {
        /// What it lost to, if that is known.
        by: Option<Rival>,
    },
    /// It waited too long for its parent, or was refused when that came.
    Dropped {
        /// The refusal, if it was one.
        refusal: Option<Refusal>,
    },
    /// It waits for its parent or for a height.
    Waiting,
    /// It waits for a peer that the node has dialled in a zone that it may leave by; in the clear no
    /// longer than its embargo.
    Held,
    /// It waits for patience to run out.
    Accepted,
    /// It was handed to a relay.
    InStem {
        /// How many transactions were merged; 0 if that was before a restart.
        parts: usize,
    },
    /// It was fluffed here.
    Fluffed {
        /// How many transactions were merged; 0 if that was before a restart.
        parts: usize,
        /// Why; not known if that was before a restart.
        reason: Option<FluffReason>,
    },
    /// It was seen in public, fluffed by somebody else.
    Seen,
    /// It is in a block.
    Mined {
        /// The height of the block.
        height: u64,
    },
}

impl OwnState {
    fn rank(&self) -> u8 {
        match self {
            Self::Conflicted { .. } => 0,
            Self::Dropped { .. } => 1,
            Self::Waiting => 2,
            Self::Held => 3,
            Self::Accepted => 4,
            Self::InStem { .. } => 5,
            Self::Fluffed { .. } | Self::Seen => 6,
            Self::Mined { .. } => 7,
        }
    }

    fn is_public(&self) -> bool {
        matches!(self, Self::Fluffed { .. } | Self::Seen)
    }

    /// Whether nothing more happens to it, unless the chain goes back.
    fn is_final(&self) -> bool {
        matches!(self, Self::Conflicted { .. } | Self::Dropped { .. } | Self::Mined { .. })
    }
}

/// Names one of them, in the order in which they came.
type Number = u64;

/// The owner's transactions, the latest ones.
#[derive(Debug, Default)]
pub(super) struct Owned {
    entries: BTreeMap<Number, Entry>,
    by_hash: HashMap<Hash, Number>,
    by_excess: HashMap<Commitment, Number>,
    /// Those to which nothing more happens, and since when.
    finished: BTreeSet<(Instant, Number)>,
    last: Number,
}

#[derive(Debug)]
pub(super) struct Entry {
    since: Instant,
    kernels: Vec<Kernel>,
    finished: Option<Instant>,
    /// A relay got it in another life of the node, which the pool does not tell.
    was_sent: bool,
}

#[derive(Debug)]
struct Kernel {
    hash: Hash,
    excess: Commitment,
    state: OwnState,
    /// How it became public, to go back to if its block is undone.
    public: OwnState,
}

impl Owned {
    /// A push was acknowledged. What happened to it in the same step is to be told after that.
    pub(super) fn pushed(&mut self, tx: &Transaction, now: Instant) {
        self.insert(tx, OwnState::Waiting, false, now);
    }

    /// One was found in the journal. What happens to it there is to be told after that.
    pub(super) fn restored(&mut self, record: &Record, now: Instant) {
        let (state, was_sent) = match record.stage {
            RecordStage::Waiting { .. } => (OwnState::Waiting, false),
            RecordStage::Sent { .. } | RecordStage::Sealed { .. } => {
                (OwnState::InStem { parts: 0 }, true)
            }
            RecordStage::Public => (OwnState::Fluffed { parts: 0, reason: None }, false),
        };
        self.insert(&record.tx, state, was_sent, now);
    }

    /// Gives up the one with this transaction, which goes over to another zone.
    pub(super) fn take(&mut self, tx: &Transaction) -> Option<Entry> {
        let number = *self.by_hash.get(tx.kernels().first()?.hash())?;
        self.remove(number)
    }

    /// Takes over what another zone has given up.
    pub(super) fn put(&mut self, entry: Entry) {
        self.last += 1;
        for kernel in &entry.kernels {
            self.by_hash.insert(kernel.hash, self.last);
            self.by_excess.insert(kernel.excess, self.last);
        }
        self.finished.extend(entry.finished.map(|since| (since, self.last)));
        self.entries.insert(self.last, entry);
        if self.entries.len() > CAPACITY {
            let finished = self.finished.first().map(|(_, number)| *number);
            let oldest = finished.or_else(|| self.entries.keys().next().copied());
            oldest.and_then(|number| self.remove(number));
        }
    }

    fn insert(&mut self, tx: &Transaction, state: OwnState, was_sent: bool, now: Instant) {
        let is_new = |kernel: &&TxKernel| !self.by_hash.contains_key(kernel.hash());
        let new: Vec<_> = tx.kernels().iter().filter(is_new).collect();
        if new.is_empty() {
            return;
        }
        let public = if state.is_public() { state } else { OwnState::Seen };
        let kernels = new.into_iter().map(|kernel| {
            let (hash, excess) = (*kernel.hash(), kernel.excess());
            Kernel { hash, excess, state, public }
        });
        let kernels = kernels.collect();
        self.put(Entry { since: now, kernels, finished: None, was_sent });
    }

    fn remove(&mut self, number: Number) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        for kernel in &entry.kernels {
            self.by_hash.remove(&kernel.hash);
            if self.by_excess.get(&kernel.excess) == Some(&number) {
                self.by_excess.remove(&kernel.excess);
            }
        }
        if let Some(since) = entry.finished {
            self.finished.remove(&(since, number));
        }
        Some(entry)
    }

    /// Something happened to transactions, the owner's or not.
    pub(super) fn handle_notice(&mut self, notice: &Notice, now: Instant) {
        let kernels = match notice {
            Notice::Stemmed { kernels, .. }
            | Notice::Relayed { kernels, .. }
            | Notice::Fluffed { kernels, .. }
            | Notice::Seen { kernels }
            | Notice::Mined { kernels, .. }
            | Notice::Unmined { kernels }
            | Notice::Conflicted { kernels, .. }
            | Notice::Excluded { kernels, .. }
            | Notice::Held { kernels }
            | Notice::Orphaned { kernels }
            | Notice::OrphanDropped { kernels, .. }
            | Notice::Evicted { kernels } => kernels,
        };
        for hash in kernels {
            if let Some(number) = self.by_hash.get(hash).copied() {
                self.move_kernel(number, hash, notice, now);
            }
        }
    }

    fn move_kernel(&mut self, number: Number, hash: &Hash, notice: &Notice, now: Instant) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        let Some(kernel) = entry.kernels.iter_mut().find(|kernel| kernel.hash == *hash) else {
            return;
        };
        kernel.state = match *notice {
            Notice::Stemmed { .. } if std::mem::take(&mut entry.was_sent) => {
                OwnState::InStem { parts: 0 }
            }
            Notice::Stemmed { .. } => OwnState::Accepted,
            Notice::Relayed { parts, .. } => OwnState::InStem { parts },
            Notice::Fluffed { parts, reason, .. } => {
                OwnState::Fluffed { parts, reason: Some(reason) }
            }
            Notice::Seen { .. } => OwnState::Seen,
            Notice::Mined { height, .. } => OwnState::Mined { height },
            Notice::Unmined { .. } => kernel.public,
            Notice::Conflicted { by, .. } | Notice::Excluded { by, .. } => {
                OwnState::Conflicted { by }
            }
            // The child of something that was given up waits in case that comes back.
            Notice::Orphaned { .. } => match kernel.state {
                OwnState::Conflicted { .. } => kernel.state,
                _ => OwnState::Waiting,
            },
            Notice::Held { .. } => OwnState::Held,
            Notice::OrphanDropped { refusal, .. } => OwnState::Dropped { refusal },
            Notice::Evicted { .. } => OwnState::Dropped { refusal: Some(Refusal::Full) },
        };
        if kernel.state.is_public() {
            kernel.public = kernel.state;
        }
        let finished = entry.state().is_final().then(|| entry.finished.unwrap_or(now));
        if let Some(before) = std::mem::replace(&mut entry.finished, finished) {
            self.finished.remove(&(before, number));
        }
        self.finished.extend(finished.map(|since| (since, number)));
    }

    /// Forgets those to which nothing has happened for long. Call it now and then.
    pub(super) fn forget(&mut self, now: Instant) {
        while let Some((since, number)) = self.finished.first().copied() {
            if since + MEMORY > now {
                break;
            }
            self.remove(number);
        }
    }

    /// All of them, the latest first. `embargo_of` tells the end of the embargo of a kernel that is
    /// in the stempool.
    pub(super) fn all(
        &self,
        now: Instant,
        embargo_of: impl Fn(&Hash) -> Option<Instant>,
    ) -> Vec<OwnTransaction> {
        self.entries.values().rev().map(|entry| entry.tell(now, &embargo_of)).collect()
    }

    /// The one with a kernel of this excess.
    pub(super) fn get(
        &self,
        excess: &Commitment,
        now: Instant,
        embargo_of: impl Fn(&Hash) -> Option<Instant>,
    ) -> Option<OwnTransaction> {
        let entry = self.entries.get(self.by_excess.get(excess)?)?;
        Some(entry.tell(now, &embargo_of))
    }

    /// The hashes of the kernels of the one with a kernel of this excess.
    pub(super) fn hashes(&self, excess: &Commitment) -> Option<Vec<Hash>> {
        let entry = self.entries.get(self.by_excess.get(excess)?)?;
        Some(entry.kernels.iter().map(|kernel| kernel.hash).collect())
    }
}

impl Entry {
    fn state(&self) -> OwnState {
        let states = self.kernels.iter().map(|kernel| kernel.state);
        states.min_by_key(OwnState::rank).unwrap_or(OwnState::Waiting)
    }

    fn tell(&self, now: Instant, embargo_of: &impl Fn(&Hash) -> Option<Instant>) -> OwnTransaction {
        let embargo = self.kernels.iter().find_map(|kernel| embargo_of(&kernel.hash));
        OwnTransaction {
            kernels: self.kernels.iter().map(|kernel| kernel.excess).collect(),
            age: now.saturating_since(self.since),
            state: self.state(),
            embargo_left: embargo.map(|end| end.saturating_since(now)),
        }
    }
}
