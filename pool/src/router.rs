use std::fmt;

use rand::Rng;

use crate::Context;

/// One connection to a peer, for as long as the process runs.
///
/// A number is never used twice, so an id that outlives its connection names nobody. It is no
/// identity of the remote node: two connections from one node have two ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerId(pub u64);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A node of the network at which stem transactions meet, known by what is sealed to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SinkId(pub [u8; 32]);

/// Whom a stem transaction was given to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Hop {
    /// A peer, who reads it.
    Relay(PeerId),
    /// A sink, to which it is sealed, whoever carries it.
    Sink(SinkId),
}

impl Hop {
    /// Whether it can still be handed a child of what it got. A sink of a former epoch can.
    pub(crate) fn is_up(&self, ctx: &Context<'_>) -> bool {
        match self {
            Self::Relay(relay) => ctx.router.is_up(*relay),
            Self::Sink(_) => true,
        }
    }
}

/// Where a transaction came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Source {
    /// The owner of this node.
    Own,
    /// A peer.
    Peer(PeerId),
    /// Another zone of this node, which has handed it over. It is nobody's here: it always stems as
    /// the owner's may, takes the share of one peer, and that it is here already is no loop.
    Zone,
}

/// Whether transactions of the owner can leave. While they cannot they wait, whatever their coin
/// says: where nobody is there to hide behind, to tell everyone would be to tell the first one who
/// comes whose they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WayOut {
    /// They can.
    Open,
    /// They wait, but no longer than their embargo.
    Awaited,
    /// They wait as long as it takes: their embargo begins when they leave.
    Shut,
}

/// The outcome of the coin of a stem transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coin {
    /// It goes on along the stem.
    Stem,
    /// It goes sealed to a sink; if there is none, along the stem.
    Seal,
    /// It goes to everyone.
    Fluff,
}

/// Flips the coins and knows the relays. The Dandelion router of the p2p crate is the real one.
pub trait Router {
    /// Flips the coin of a transaction from `source`.
    fn coin(&mut self, source: Source, rng: &mut dyn Rng) -> Coin;

    /// The relay for transactions from `source` at this moment; `None` if there is none.
    fn relay(&self, source: Source) -> Option<PeerId>;

    /// A sink for one transaction, if possible none of these; `None` if there is no other.
    fn sink(&self, _avoid: &[SinkId], _rng: &mut dyn Rng) -> Option<SinkId> {
        None
    }

    /// Whether a former relay can still be handed a child of what it got.
    fn is_up(&self, relay: PeerId) -> bool;

    /// Whether coins stay as they are for an epoch. Then a stem transaction that comes back was
    /// on a way that leads nowhere else, and is fluffed; else its coin is flipped anew.
    fn coin_is_sticky(&self) -> bool;

    /// Whether transactions of the owner can leave now.
    fn way_out(&self) -> WayOut {
        WayOut::Open
    }
}
