//! Nodes that do not keep the protocol, one deviation each.
//!
//! Those that make transactions of their own do it from a [`Purse`], so that what they make is
//! genuine; none of them can sign for others.

mod black_hole;
mod delayer;
mod eclipser;
mod flooder;
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

pub use black_hole::BlackHole;
pub use delayer::Delayer;
pub use eclipser::Eclipser;
pub use flooder::Flooder;
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

/// A peer at random.
fn anyone(scope: &mut Scope<'_>) -> Option<NodeId> {
    scope.peers.iter().copied().choose(scope.rng)
}
