//! Nodes that do not keep the protocol, one deviation each.
//!
//! Those that make transactions of their own do it from a [`Purse`], so that what they make is
//! genuine; none of them can sign for others.

mod black_hole;
mod delayer;
mod eclipser;
mod flooder;
mod garbler;
mod loop_maker;
mod overlap_maker;
mod poisoner;
mod prober;
mod purse;
mod replayer;
mod tamperer;

use std::time::Duration;

use rand::RngExt;
use rand::seq::IteratorRandom;
use scape_p2p::addr::Network as AddrNetwork;
use scape_p2p::wire::Message;

pub use black_hole::BlackHole;
pub use delayer::Delayer;
pub use eclipser::Eclipser;
pub use flooder::Flooder;
pub use garbler::Garbler;
pub use loop_maker::LoopMaker;
pub use overlap_maker::OverlapMaker;
pub use poisoner::Poisoner;
pub use prober::Prober;
pub use purse::Purse;
pub use replayer::Replayer;
pub use tamperer::Tamperer;

use super::{NodeId, Scope};

/// Asks to be woken after a random time of this mean.
fn rest(scope: &mut Scope<'_>, mean: Duration) {
    let pause = mean.mul_f64(scope.rng.random_range(0.1..1.9));
    scope.wake_at(scope.now + pause);
}

/// What a peer says that knows these nodes, on a network.
fn addresses(network: AddrNetwork, nodes: impl IntoIterator<Item = NodeId>) -> Message {
    let nodes = nodes.into_iter();
    match network.is_anonymous() {
        false => Message::PeerAddrs(nodes.map(NodeId::addr).collect()),
        true => Message::PeerNames(nodes.map(|node| node.on(network)).collect()),
    }
}

/// A peer at random.
fn anyone(scope: &mut Scope<'_>) -> Option<NodeId> {
    scope.peers.iter().copied().choose(scope.rng)
}
