//! Where a pool of ours sends what it has, when nothing is left to chance.

use rand::Rng;
use scape_pool::{Coin, PeerId, Router, Source};

/// Everything goes along one stem, and what comes back on it is fluffed.
pub(crate) struct Stem;

impl Router for Stem {
    fn coin(&mut self, _: Source, _: &mut dyn Rng) -> Coin {
        Coin::Stem
    }

    fn relay(&self, _: Source) -> Option<PeerId> {
        Some(PeerId(2))
    }

    fn is_up(&self, _: PeerId) -> bool {
        true
    }

    fn coin_is_sticky(&self) -> bool {
        true
    }
}
