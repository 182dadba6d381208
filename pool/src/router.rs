use std::fmt;

use rand::Rng;

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

/// The outcome of the coin of a stem transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coin {
    /// It goes on along the stem.
    Stem,
    /// It goes to everyone.
    Fluff,
}

/// Flips the coins and knows the relays. The Dandelion router of the p2p crate is the real one.
pub trait Router {
    /// Flips the coin of a transaction from `source`.
    fn coin(&mut self, source: Source, rng: &mut dyn Rng) -> Coin;

    /// The relay for transactions from `source` at this moment; `None` if there is none.
    fn relay(&self, source: Source) -> Option<PeerId>;

    /// Whether a former relay can still be handed a child of what it got.
    fn is_up(&self, relay: PeerId) -> bool;

    /// Whether coins stay as they are for an epoch. Then a stem transaction that comes back was
    /// on a way that leads nowhere else, and is fluffed; else its coin is flipped anew.
    fn coin_is_sticky(&self) -> bool;

    /// Whether transactions of the owner may leave now. While they may not they wait, whatever
    /// their coin and patience say: where nobody is there to hide behind, to tell everyone would be
    /// to tell the first one who comes whose they are.
    fn lets_own_out(&self) -> bool {
        true
    }
}
