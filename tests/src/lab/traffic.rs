//! Who pays when.

use std::time::Duration;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp, Zipf};
use scape_pool::Instant;
use serde::{Deserialize, Serialize};

use super::graph::index;

/// How transactions come into being.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// Transactions a minute in the whole network.
    pub per_minute: f64,
    /// How unequal nodes are: the n-th busiest sends in proportion to `n^-zipf`. Zero: all alike.
    pub zipf: f64,
    /// The share of transactions that spend an output of one that their origin sent before and that
    /// was not mined when they were made.
    pub chained: f64,
    /// How many transactions a sender sends at once, on average.
    pub burst: f64,
    /// How many nodes send at all; zero: all honest ones.
    pub senders: usize,
}

/// A transaction to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payment {
    /// When it is pushed.
    pub at: Instant,
    /// By whom.
    pub origin: u32,
    /// Whether it spends an output of the latest one of its origin, if that is not mined.
    pub chained: bool,
}

impl Default for Traffic {
    /// As much as on Grin's mainnet in May 2019, every node alike.
    fn default() -> Self {
        Self { per_minute: 1.54, zipf: 0.0, chained: 0.0, burst: 1.0, senders: 0 }
    }
}

impl Traffic {
    /// As mainnet's of May 2019 is best described: some send much more than others. The exponent is
    /// the one for which as many transactions are merged as were then. Every node alike, as by
    /// default, is harder for privacy.
    pub fn mainnet() -> Self {
        Self { zipf: 1.1, ..Self::default() }
    }

    /// Draws what happens from `begin` on for `length`, among these senders.
    pub fn draw(
        &self,
        senders: &[u32],
        begin: Instant,
        length: Duration,
        rng: &mut impl Rng,
    ) -> Vec<Payment> {
        let mut payments = Vec::new();
        let count = if self.senders == 0 { senders.len() } else { self.senders };
        let senders = &senders[..count.min(senders.len())];
        let bursts_per_second = self.per_minute / 60.0 / self.burst.max(1.0);
        let (Ok(gap), false) = (Exp::new(bursts_per_second), senders.is_empty()) else {
            return payments;
        };
        let mut at = 0.0;
        loop {
            at += gap.sample(rng);
            if at >= length.as_secs_f64() {
                return payments;
            }
            let origin = self.sender(senders, rng);
            let at = begin + Duration::from_secs_f64(at);
            for _ in 0..self.burst_size(rng) {
                let chained = rng.random::<f64>() < self.chained;
                payments.push(Payment { at, origin, chained });
            }
        }
    }

    fn sender(&self, senders: &[u32], rng: &mut impl Rng) -> u32 {
        let place = match Zipf::new(senders.len() as f64, self.zipf) {
            Ok(zipf) if self.zipf > 0.0 => zipf.sample(rng) as usize - 1,
            _ => index(senders.len(), rng) as usize,
        };
        senders[place.min(senders.len() - 1)]
    }

    /// Geometric with this mean.
    fn burst_size(&self, rng: &mut impl Rng) -> usize {
        let end = 1.0 / self.burst.max(1.0);
        let mut size = 1;
        while rng.random::<f64>() >= end {
            size += 1;
        }
        size
    }
}
