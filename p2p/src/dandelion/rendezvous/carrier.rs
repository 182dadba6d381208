//! What a node does with sealed transactions, whoever they are for.

use std::num::NonZeroUsize;

use lru::LruCache;
use rand::{Rng, RngExt};
use scape_aggregate::Hash;

/// How many sealed transactions are remembered to have passed, the latest ones.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// Where a sealed transaction goes from here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Onward {
    /// To the next relay.
    Forward,
    /// To its sink.
    Deliver,
    /// Nowhere.
    Drop,
}

/// Remembers which sealed transactions have passed, in bounded memory, and flips their coins.
///
/// No message says how far it has come, and all coins are alike: a relay that gets one cannot tell
/// whether it comes from its origin, and a sink does not know how far that is.
#[derive(Debug)]
pub struct Carrier {
    passed: LruCache<Hash, ()>,
}

impl Default for Carrier {
    fn default() -> Self {
        Self { passed: LruCache::new(REMEMBERED) }
    }
}

impl Carrier {
    /// Nothing has passed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides on a sealed transaction for somebody else, named by its hash. With probability
    /// `forward` it goes to the next relay, else to its sink. What comes back has gone round in a
    /// circle and is delivered; what comes a third time is dropped, whoever sends it. O(1).
    pub fn onward(&mut self, sealed: Hash, forward: f64, rng: &mut (impl Rng + ?Sized)) -> Onward {
        // Two entries: that it came, and that it was delivered.
        let delivered = Hash::of(&[b"delivered", sealed.as_bytes()]);
        if self.passed.contains(&delivered) {
            return Onward::Drop;
        }
        let back = self.passed.put(sealed, ()).is_some();
        if !back && rng.random::<f64>() < forward {
            return Onward::Forward;
        }
        self.passed.put(delivered, ());
        Onward::Deliver
    }

    /// Remembers one that was made here: if it comes back it is delivered.
    pub fn remember(&mut self, sealed: Hash) {
        self.passed.put(sealed, ());
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha12Rng;

    use super::*;

    fn sealed(number: u32) -> Hash {
        Hash::of(&[&number.to_be_bytes()])
    }

    #[test]
    fn coins_fall_as_the_probability_says() {
        let (mut carrier, mut rng) = (Carrier::new(), ChaCha12Rng::from_seed([1; 32]));
        let onward = (0..10_000).map(|n| carrier.onward(sealed(n), 0.3, &mut rng));
        let forwarded = onward.filter(|onward| *onward == Onward::Forward).count();
        assert!((2_850..3_150).contains(&forwarded), "{forwarded} of 10000");
    }

    #[test]
    fn a_circle_ends_at_the_sink_and_a_repetition_nowhere() {
        let (mut carrier, mut rng) = (Carrier::new(), ChaCha12Rng::from_seed([2; 32]));
        let mut onward = |n, forward| carrier.onward(sealed(n), forward, &mut rng);
        assert_eq!(onward(1, 1.0), Onward::Forward);
        assert_eq!(onward(1, 1.0), Onward::Deliver);
        assert_eq!(onward(1, 1.0), Onward::Drop);
        assert_eq!(onward(2, 0.0), Onward::Deliver);
        assert_eq!(onward(2, 0.0), Onward::Drop);
        carrier.remember(sealed(3));
        assert_eq!(carrier.onward(sealed(3), 1.0, &mut rng), Onward::Deliver);
    }

    #[test]
    fn memory_is_bounded() {
        let (mut carrier, mut rng) = (Carrier::new(), ChaCha12Rng::from_seed([3; 32]));
        for number in 0..20_000 {
            carrier.onward(sealed(number), 0.5, &mut rng);
        }
        assert_eq!(carrier.passed.len(), REMEMBERED.get());
    }
}
