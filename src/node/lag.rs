//! When a zone hears of the chain: pure.
//!
//! Peers see at which moment a node has a block: it tells another tip, and mined transactions leave
//! its pool. Two zones in which that were the same moment, block after block, would be one node's.

use std::collections::VecDeque;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use rand_distr::{Distribution, Exp};
use scape_pool::{ChainUpdate, Instant, Tip};

/// A block is heard of after so many means at the latest.
const LONGEST: f64 = 5.0;

/// Steps of the chain on their way to one zone.
#[derive(Debug)]
pub(super) struct Lag {
    mean: Duration,
    rng: ChaCha12Rng,
    coming: VecDeque<(Instant, ChainUpdate, Tip)>,
}

impl Lag {
    /// Steps take so long on average; none if zero.
    pub(super) fn new(mean: Duration, seed: [u8; 32]) -> Self {
        Self { mean, rng: ChaCha12Rng::from_seed(seed), coming: VecDeque::new() }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.coming.front().map(|(at, ..)| *at)
    }

    /// The chain has moved, and ends at `tip` now.
    pub(super) fn push(&mut self, update: ChainUpdate, tip: Tip, now: Instant) {
        let drawn: f64 = Exp::new(1.0).map_or(0.0, |exp| exp.sample(&mut self.rng));
        let at = now + self.mean.mul_f64(drawn.min(LONGEST));
        // No step overtakes another.
        let at = self.coming.back().map_or(at, |(last, ..)| at.max(*last));
        self.coming.push_back((at, update, tip));
    }

    /// The next step that the zone hears of now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(ChainUpdate, Tip)> {
        self.coming.front().filter(|(at, ..)| *at <= now)?;
        self.coming.pop_front().map(|(_, update, tip)| (update, tip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(height: u64) -> Tip {
        Tip { height, ..Tip::default() }
    }

    fn heard(lag: &mut Lag) -> Vec<(u64, u64)> {
        let mut heard = Vec::new();
        while let Some(at) = lag.poll_timeout() {
            let (_, tip) = lag.take_due(at).expect("due");
            heard.push((at.as_micros(), tip.height));
        }
        heard
    }

    #[test]
    fn each_zone_hears_at_times_of_its_own_and_in_order() {
        let mut lags = [1, 2].map(|seed| Lag::new(Duration::from_secs(5), [seed; 32]));
        let times = lags.each_mut().map(|lag| {
            (0..50).for_each(|n| lag.push(ChainUpdate::default(), tip(n), Instant::from_secs(n)));
            heard(lag)
        });
        for times in &times {
            assert!(times.iter().map(|(_, height)| *height).eq(0..50));
            assert!(times.is_sorted());
            let late = |(at, height): &(u64, u64)| *at > (height + 25) * 1_000_000;
            assert!(!times.iter().any(late));
        }
        let same = times[0].iter().zip(&times[1]).filter(|(a, b)| a == b).count();
        assert_eq!(same, 0);
    }

    #[test]
    fn without_a_mean_there_is_no_delay() {
        let mut lag = Lag::new(Duration::ZERO, [1; 32]);
        lag.push(ChainUpdate::default(), tip(7), Instant::from_secs(3));
        assert_eq!(lag.take_due(Instant::from_secs(3)), Some((ChainUpdate::default(), tip(7))));
        assert_eq!(lag.take_due(Instant::from_secs(9)), None);
    }
}
