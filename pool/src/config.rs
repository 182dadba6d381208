use std::time::Duration;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp};
use scape_aggregate::Consensus;

/// The parameters of a pool.
#[derive(Clone, PartialEq, Debug)]
pub struct PoolConfig {
    /// The rules of the chain.
    pub consensus: Consensus,
    /// When fresh stem transactions are looked at.
    pub patience: Patience,
    /// How long a stem transaction may stay unseen.
    pub embargo: Embargo,
    /// How transactions meet at sinks, if they do.
    pub rendezvous: Option<Rendezvous>,
    /// How much is held at most.
    pub capacity: Capacity,
}

/// The patience timer: how long a relay waits for company.
///
/// It runs on a grid with a random phase, not from the first arrival: when an aggregate leaves
/// tells nothing about when its parts came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// The distance of two firings. Zero: never wait.
    pub interval: Duration,
    /// The first firing, counted from the origin of time; random within the interval if `None`.
    pub phase: Option<Duration>,
    /// Who has to wait.
    pub mode: PatienceMode,
}

/// Which transactions wait for the patience timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PatienceMode {
    /// All; the coin is flipped when the timer fires (Grin's Dandelion document).
    EveryHop,
    /// Only those whose coin says fluff; it is flipped on arrival (Grin 5).
    FluffOnly,
}

/// The embargo: after it a stem transaction that was not seen in public is fluffed by its holder.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Embargo {
    /// How long it is, drawn once for each transaction.
    pub delay: EmbargoDelay,
    /// Expired transactions are looked at on a grid of this distance, so that those which expire
    /// together are merged and fluffed together.
    pub sweep: Duration,
}

/// The distribution of embargo delays.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum EmbargoDelay {
    /// `base + U(0, spread)`.
    Uniform {
        /// The least delay.
        base: Duration,
        /// How much randomness is added.
        spread: Duration,
    },
    /// Exponential, memoryless: of several holders each is equally likely to be the first.
    Exponential {
        /// The mean.
        mean: Duration,
    },
}

impl EmbargoDelay {
    /// The same, longer by so much; of one without memory it is the mean that is longer.
    pub fn longer(self, by: Duration) -> Self {
        match self {
            Self::Uniform { base, spread } => Self::Uniform { base: base + by, spread },
            Self::Exponential { mean } => Self::Exponential { mean: mean + by },
        }
    }

    pub(crate) fn draw(&self, rng: &mut impl Rng) -> Duration {
        match *self {
            Self::Uniform { base, spread } => base + spread.mul_f64(rng.random::<f64>()),
            Self::Exponential { mean } => match Exp::new(1.0 / mean.as_secs_f64()) {
                // Beyond 20 means (one in half a billion) the tail is cut, to keep time finite.
                Ok(exp) => Duration::from_secs_f64(exp.sample(rng).min(20.0 * mean.as_secs_f64())),
                Err(_) => mean,
            },
        }
    }
}

/// How transactions meet at sinks.
///
/// The window of a sink runs from the first arrival, not on a grid: so nobody is alone who is
/// followed by another within the window. What that tells of the first arrival, the spread takes
/// back in part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rendezvous {
    /// How long what was sealed to this node waits for company, from the first that comes.
    pub window: Duration,
    /// Up to how much longer, at random, drawn for each window.
    pub spread: Duration,
    /// To how many sinks a transaction is sealed, one after the other, each time that its embargo
    /// ends; after that it goes along the ordinary stem once, and only then is it fluffed.
    pub attempts: u8,
}

/// How much a pool holds at most. Every bound is a refusal or an eviction by a rule that a peer
/// cannot turn against others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capacity {
    /// Transactions in the stempool.
    pub stem_entries: usize,
    /// Bytes of transactions in the stempool.
    pub stem_bytes: usize,
    /// On how many unpublished transactions one in the stempool may depend. One that depends on
    /// more waits until its parents are public: else one message could set a long chain in motion.
    pub stem_ancestors: usize,
    /// Transactions in the txpool.
    pub tx_entries: usize,
    /// Bytes of transactions in the txpool.
    pub tx_bytes: usize,
    /// Orphans of peers, on the stem and in public each.
    pub orphan_entries: usize,
    /// Bytes of orphans.
    pub orphan_bytes: usize,
    /// How long an orphan of a peer waits for its parent.
    pub orphan_age: Duration,
    /// What part of stempool and orphans one peer may fill: one in so many. Whether its next
    /// transaction is refused then depends on what it sent itself, not on what others did. The
    /// owner's always find room.
    pub shares: usize,
    /// Bytes of the owner's transactions that are guarded: those that are pending, and those in
    /// blocks that may still be undone.
    pub own_bytes: usize,
    /// For how many blocks mined transactions are kept, in case of a reorg.
    pub reorg_depth: u64,
}

impl Default for Capacity {
    /// 50,000 transactions in each pool, as Grin; an eighth of the stempool for each peer.
    fn default() -> Self {
        Self {
            stem_entries: 50_000,
            stem_bytes: 256 << 20,
            stem_ancestors: 24,
            tx_entries: 50_000,
            tx_bytes: 256 << 20,
            orphan_entries: 1_000,
            orphan_bytes: 16 << 20,
            orphan_age: Duration::from_secs(300),
            shares: 8,
            own_bytes: 256 << 20,
            reorg_depth: 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha12Rng;

    use super::*;

    fn draws(delay: EmbargoDelay) -> Vec<f64> {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        (0..10_000).map(|_| delay.draw(&mut rng).as_secs_f64()).collect()
    }

    fn mean(draws: &[f64]) -> f64 {
        draws.iter().sum::<f64>() / draws.len() as f64
    }

    #[test]
    fn memoryless_embargoes_have_their_mean_and_an_end() {
        for mean_secs in [0.1, 39.0, 1_424.0] {
            let draws =
                draws(EmbargoDelay::Exponential { mean: Duration::from_secs_f64(mean_secs) });
            assert!((mean(&draws) / mean_secs - 1.0).abs() < 0.03, "{}", mean(&draws));
            // A share of e^-1 lasts longer than the mean.
            let longer = draws.iter().filter(|draw| **draw > mean_secs).count();
            assert!((3_500..3_850).contains(&longer), "{longer}");
            assert!(draws.iter().all(|draw| *draw <= 20.0 * mean_secs));
        }
        let none = draws(EmbargoDelay::Exponential { mean: Duration::ZERO });
        assert!(none.iter().all(|draw| *draw == 0.0));
    }

    #[test]
    fn longer_embargoes_have_the_same_shape() {
        let [base, spread, by] = [180, 30, 20].map(Duration::from_secs);
        let even = EmbargoDelay::Uniform { base, spread }.longer(by);
        assert_eq!(even, EmbargoDelay::Uniform { base: base + by, spread });
        let memoryless = EmbargoDelay::Exponential { mean: base }.longer(by);
        assert_eq!(memoryless, EmbargoDelay::Exponential { mean: base + by });
    }

    #[test]
    fn even_embargoes_fill_their_range() {
        let (base, spread) = (Duration::from_secs(30), Duration::from_secs(10));
        let draws = draws(EmbargoDelay::Uniform { base, spread });
        assert!(draws.iter().all(|draw| (30.0..=40.0).contains(draw)));
        assert!((mean(&draws) - 35.0).abs() < 0.2);
    }
}
