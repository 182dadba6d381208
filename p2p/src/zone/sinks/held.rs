//! What is sealed and is to leave a zone with white noise outside of its frames, for its sink.
//!
//! Whoever watches the wire sees that delivery. Came it at once, he would know which frame into this
//! node had it, and so that the frames of that channel have payload. So each is held for an even
//! share of [`NoiseConfig::hold`](crate::noise::NoiseConfig::hold): then all frames of that time,
//! on all channels, are as likely to have had it, and every channel had some.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use rand::{Rng, RngExt};
use scape_pool::{Instant, PeerId};

use crate::secure::PublicKey;
use crate::wire::Message;

/// How many are held at most, and how many bytes of them. Who comes then is dropped: who made it
/// seals it anew, and a flood displaces nothing but itself.
const MOST: (usize, usize) = (1_024, 16 << 20);

/// Something sealed by somebody else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Parcel {
    /// The peer it came from.
    pub(super) from: PeerId,
    pub(super) sink: PublicKey,
    pub(super) sealed: Bytes,
}

impl Parcel {
    pub(super) fn message(&self) -> Message {
        Message::SealedStem { sink: self.sink, sealed: self.sealed.clone() }
    }
}

/// Holds deliveries back.
#[derive(Default, Debug)]
pub(super) struct Held {
    parcels: BTreeMap<(Instant, u64), Parcel>,
    bytes: usize,
    entered: u64,
}

impl Held {
    /// When the next one is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.parcels.first_key_value().map(|((at, _), _)| *at)
    }

    /// Holds one for a random time, which is even up to `longest`; or drops it.
    pub(super) fn hold(
        &mut self,
        parcel: Parcel,
        longest: Duration,
        now: Instant,
        rng: &mut impl Rng,
    ) {
        let size = parcel.sealed.len();
        if self.parcels.len() >= MOST.0 || self.bytes + size > MOST.1 {
            return;
        }
        self.entered += 1;
        self.bytes += size;
        self.parcels.insert((now + longest.mul_f64(rng.random::<f64>()), self.entered), parcel);
    }

    /// The next one that is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Parcel> {
        let first = self.parcels.first_entry().filter(|first| first.key().0 <= now)?;
        let parcel = first.remove();
        self.bytes -= parcel.sealed.len();
        Some(parcel)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha12Rng;

    use super::*;
    use crate::dandelion::rendezvous::{MAX_SEALED, SIZES};

    const LONGEST: Duration = Duration::from_secs(30);

    fn parcel(from: u64, size: usize) -> Parcel {
        let sealed = Bytes::from(vec![0; size]);
        Parcel { from: PeerId(from), sink: PublicKey([1; 32]), sealed }
    }

    #[test]
    fn each_is_held_for_a_time_of_its_own_and_all_times_are_alike() {
        let (mut held, mut rng) = (Held::default(), ChaCha12Rng::from_seed([1; 32]));
        let (mut sum, mut late) = (Duration::ZERO, 0);
        for n in 0..10_000 {
            let now = Instant::from_secs(100 * n);
            held.hold(parcel(n, SIZES[0]), LONGEST, now, &mut rng);
            let due = held.poll_timeout().expect("it is held");
            let hold = due.saturating_since(now);
            assert!(hold <= LONGEST, "{hold:?}");
            (sum, late) = (sum + hold, late + u32::from(hold > LONGEST.mul_f64(0.9)));
            assert_eq!(held.take_due(due), Some(parcel(n, SIZES[0])));
        }
        let mean = sum / 10_000;
        assert!((14_500..15_500).contains(&mean.as_millis()), "{mean:?} on average");
        assert!((900..1_100).contains(&late), "{late} of 10000 in the last tenth");
    }

    #[test]
    fn none_leaves_before_its_time_and_each_leaves_once() {
        let (mut held, mut rng) = (Held::default(), ChaCha12Rng::from_seed([2; 32]));
        (0..50).for_each(|n| held.hold(parcel(n, 100), LONGEST, Instant::ZERO, &mut rng));
        let mut seen = std::collections::BTreeSet::new();
        while let Some(at) = held.poll_timeout() {
            assert_eq!(held.take_due(Instant::from_micros(at.as_micros() - 1)), None);
            let taken = held.take_due(at).expect("it is due");
            assert!(seen.insert(taken.from), "twice");
        }
        assert_eq!((seen.len(), held.bytes), (50, 0));
    }

    #[test]
    fn a_flood_fills_neither_places_nor_memory_and_displaces_nothing() {
        for (size, fit) in [(1, MOST.0), (MAX_SEALED, MOST.1 / MAX_SEALED)] {
            let (mut held, mut rng) = (Held::default(), ChaCha12Rng::from_seed([3; 32]));
            (0..5_000).for_each(|n| held.hold(parcel(n, size), LONGEST, Instant::ZERO, &mut rng));
            assert_eq!((held.parcels.len(), held.bytes), (fit, fit * size));
            let last = held.parcels.values().map(|parcel| parcel.from.0).max();
            assert_eq!(last, Some(fit as u64 - 1), "who came first stays");
        }
    }
}
