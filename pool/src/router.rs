use rand::Rng;

/// A connection to a peer. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerId(pub u64);

/// Where a transaction came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Source {
    /// The owner of this node.
    Own,
    /// A peer.
    Peer(PeerId),
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
}
