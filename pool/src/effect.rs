use scape_aggregate::{Commitment, Hash, ValidTx};

use crate::{EntryId, PeerId, Record, Refusal, SinkId, Source};

/// What the host has to do, in the order in which it comes out of [`crate::Pool::poll_effect`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Send `tx` to `relay` as a stem transaction. If that cannot be done, say so with
    /// [`crate::Pool::handle_undelivered`].
    Stem {
        /// The peer to send it to.
        relay: PeerId,
        /// One transaction, or several merged.
        tx: ValidTx,
        /// What it was merged from.
        parts: Vec<EntryId>,
    },
    /// Seal `tx` to `sink` and give it to somebody who carries it there. If that cannot be done, say
    /// so with [`crate::Pool::handle_undelivered`].
    Seal {
        /// The node that alone may read it.
        sink: SinkId,
        /// One transaction, or several merged.
        tx: ValidTx,
        /// What it was merged from.
        parts: Vec<EntryId>,
        /// To how many sinks it was sealed before; none of them seems to have got it, so that it had
        /// better be carried by others.
        attempt: u8,
    },
    /// Tell everyone of `tx`. It is in the txpool.
    Fluff {
        /// One transaction, or several merged.
        tx: ValidTx,
        /// The peer who told us, who need not be told.
        except: Option<PeerId>,
    },
    /// Keep one of the owner's transactions over a crash, in place of what was kept under its
    /// [`Record::key`]. It must be safe before the effects that follow are carried out: then what was
    /// acknowledged is never lost, and nothing is sent twice. Private.
    Keep(Record),
    /// Erase what is kept: it is settled, or others have it now.
    Erase {
        /// The [`Record::key`].
        key: Hash,
    },
    /// Something that the owner may want to know. Private: see [`crate`], Security.
    Notice(Notice),
}

/// Why a stem transaction was fluffed here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FluffReason {
    /// Its coin said so.
    Coin,
    /// It was sealed to this node, which gathered what came.
    Gathered,
    /// Nobody saw it in time.
    Embargo,
    /// There was no relay to send it to.
    NoRelay,
    /// It came back on the stem while coins are sticky.
    Loop,
    /// A relative of it was fluffed, and a family takes one way.
    Family,
    /// The owner asked for it.
    Asked,
}

/// What a transaction lost to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rival {
    /// A transaction, named by the excess of its first kernel.
    Transaction(Commitment),
    /// A block.
    Block(Hash),
}

/// What happened to transactions that the pool accepted. Kernels are named by their hashes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A stem transaction was accepted.
    Stemmed {
        /// Its kernels.
        kernels: Vec<Hash>,
        /// Who sent it.
        source: Source,
    },
    /// An aggregate was handed to a relay.
    Relayed {
        /// Its kernels.
        kernels: Vec<Hash>,
        /// How many entries it was merged from.
        parts: usize,
        /// How many outputs vanished because another part spends them.
        cut_through: usize,
    },
    /// An aggregate was fluffed from the stempool.
    Fluffed {
        /// Its kernels.
        kernels: Vec<Hash>,
        /// How many entries it was merged from.
        parts: usize,
        /// How many outputs vanished because another part spends them.
        cut_through: usize,
        /// Why: the reason of the first part whose own reason it was.
        reason: FluffReason,
    },
    /// Kernels that were in the stempool were seen in public, fluffed by somebody else.
    Seen {
        /// The kernels.
        kernels: Vec<Hash>,
    },
    /// Kernels that were in one of the pools are in a block.
    Mined {
        /// The kernels.
        kernels: Vec<Hash>,
        /// The height of the block.
        height: u64,
    },
    /// A block was undone; its kernels are in the txpool again.
    Unmined {
        /// The kernels.
        kernels: Vec<Hash>,
    },
    /// Something public spends what the transaction spends, its parent is gone for good, or what
    /// paid for it became public without it.
    Conflicted {
        /// The kernels of what was given up.
        kernels: Vec<Hash>,
        /// What it lost to, if that is known.
        by: Option<Rival>,
    },
    /// A transaction of the owner waits until there is a way out, see
    /// [`Router::way_out`](crate::Router::way_out).
    Held {
        /// Its kernels.
        kernels: Vec<Hash>,
    },
    /// A transaction of the owner was taken, but something in the stempool excludes it: it is kept
    /// until it is seen which of the two is mined.
    Excluded {
        /// Its kernels.
        kernels: Vec<Hash>,
        /// What excludes it, if that is known.
        by: Option<Rival>,
    },
    /// A transaction waits for its parent, or for a height.
    Orphaned {
        /// Its kernels.
        kernels: Vec<Hash>,
    },
    /// An orphan waited too long, had to make room, or was refused when its parent came.
    OrphanDropped {
        /// Its kernels.
        kernels: Vec<Hash>,
        /// The refusal, if it was one.
        refusal: Option<Refusal>,
    },
    /// The txpool was full and this paid least.
    Evicted {
        /// Its kernels.
        kernels: Vec<Hash>,
    },
}
