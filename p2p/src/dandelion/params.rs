use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use scape_pool::{Embargo, EmbargoDelay, Patience, PatienceMode, Rendezvous};

use crate::noise::NoiseConfig;

/// The parameters of Dandelion in one zone.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Params {
    /// The probability that a stem transaction goes on along the stem.
    pub stem_probability: f64,
    /// What one flip of the coin decides on.
    pub coin: CoinScope,
    /// Whether the owner's transactions go on the stem whatever the coin says.
    pub own_always_stem: bool,
    /// How many relays are chosen for an epoch. Each source is mapped to one of them.
    pub relays: usize,
    /// How long relays, and coins of epoch scope, stay.
    pub epoch: Duration,
    /// Up to how much longer an epoch is, at random.
    pub epoch_spread: Duration,
    /// How many blocks a relay may be behind us.
    pub relay_max_lag: u64,
    /// The patience timer.
    pub patience: Patience,
    /// The embargo timer.
    pub embargo: Embargo,
    /// How transactions meet at sinks, if they do.
    pub rendezvous: Option<RendezvousParams>,
    /// How many peers, chosen at random, are told of a fluffed transaction at once.
    pub fluff_fanout: usize,
    /// The others are told after independent exponential delays of this mean.
    pub fluff_delay: Duration,
}

impl Params {
    /// How a node serves others who meet at sinks, whether or not it sends its own there: whoever is
    /// known by a key may be elected, and one that would not serve would be a black hole.
    pub fn service(&self) -> RendezvousParams {
        self.rendezvous.unwrap_or(SERVICE)
    }

    /// The embargo where there is white noise. The way to a sink takes longer there, and so does the
    /// embargo: else what is on its way would be sealed anew in vain.
    pub fn embargo_with(&self, noise: &NoiseConfig) -> Embargo {
        Embargo { delay: self.embargo.delay.longer(self.carriage(noise)), ..self.embargo }
    }

    /// What white noise adds to the way to a sink: the waits for frames of a way of average length,
    /// and the longest hold before the delivery. Zero where nothing is sealed.
    pub(super) fn carriage(&self, noise: &NoiseConfig) -> Duration {
        let Some(RendezvousParams { forward, .. }) = self.rendezvous else { return Duration::ZERO };
        // As with stems, 1,000 links stand for a way that never ends.
        let links = (1.0 / (1.0 - forward)).min(1_000.0);
        noise.wait().mul_f64(links) + noise.hold()
    }

    /// The same parameters with all times divided by `factor`, for demonstrations that should not
    /// take as long as the real thing.
    pub fn faster(self, factor: u32) -> Self {
        let faster = |time: Duration| time / factor.max(1);
        let Self { patience, embargo, .. } = self;
        let delay = match embargo.delay {
            EmbargoDelay::Uniform { base, spread } => {
                EmbargoDelay::Uniform { base: faster(base), spread: faster(spread) }
            }
            EmbargoDelay::Exponential { mean } => EmbargoDelay::Exponential { mean: faster(mean) },
        };
        let phase = patience.phase.map(faster);
        Self {
            epoch: faster(self.epoch),
            epoch_spread: faster(self.epoch_spread),
            patience: Patience { interval: faster(patience.interval), phase, ..patience },
            embargo: Embargo { delay, sweep: faster(embargo.sweep) },
            rendezvous: self.rendezvous.map(|rendezvous| RendezvousParams {
                pool: Rendezvous {
                    window: faster(rendezvous.pool.window),
                    spread: faster(rendezvous.pool.spread),
                    ..rendezvous.pool
                },
                ..rendezvous
            }),
            fluff_delay: faster(self.fluff_delay),
            ..self
        }
    }
}

/// How transactions meet at sinks. See [`super::rendezvous`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RendezvousParams {
    /// What the pool does: windows, and how many sinks are tried.
    pub pool: Rendezvous,
    /// The probability that a relay hands a sealed transaction to another relay; else it delivers it.
    /// So from its origin it is carried on `1 / (1 - forward)` links on average before the last one.
    pub forward: f64,
    /// How many others should come to a sink on average while its window is open: decides how many
    /// sinks there are. A transaction is alone with probability `exp(-company) / (1 + company)`. Who
    /// makes `n` times as many transactions as all others leaves them `company / (1 + n)` of their
    /// own kind at each sink.
    pub company: f64,
    /// Below so many nodes that may be sinks there are none, and all goes along the ordinary stem:
    /// where few are known, one adversary may be most of them.
    pub least_known: usize,
}

/// What one flip of the coin decides on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoinScope {
    /// One transaction (or one family of them).
    Transaction,
    /// All transactions of an epoch: the node relays or fluffs.
    Epoch,
}

/// Named parameters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Preset {
    /// Grin's Dandelion document: a coin for each transaction, 10 s of patience at every hop.
    GrinDoc,
    /// Grin 5 as it is: an epoch stems or fluffs, only fluffing nodes wait.
    Grin5,
    /// The Dandelion++ paper: two relays, epoch coins, memoryless embargoes, no patience.
    DandelionPlusPlus,
    /// Monero's parameters.
    Monero,
    /// The default.
    Scape,
}

impl Preset {
    /// All presets, in the order of their declaration.
    pub const ALL: [Self; 5] =
        [Self::GrinDoc, Self::Grin5, Self::DandelionPlusPlus, Self::Monero, Self::Scape];

    /// The name in configuration files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GrinDoc => "grin-doc",
            Self::Grin5 => "grin-5",
            Self::DandelionPlusPlus => "dandelion++",
            Self::Monero => "monero",
            Self::Scape => "scape",
        }
    }

    /// What the name stands for.
    pub const fn params(self) -> Params {
        match self {
            Self::GrinDoc => GRIN_DOC,
            Self::Grin5 => GRIN_5,
            Self::DandelionPlusPlus => DANDELION_PLUS_PLUS,
            Self::Monero => MONERO,
            Self::Scape => SCAPE,
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|preset| preset.name() == name).ok_or(())
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn patience(interval: u64, mode: PatienceMode) -> Patience {
    Patience { interval: secs(interval), phase: None, mode }
}

const fn embargo(delay: EmbargoDelay) -> Embargo {
    Embargo { delay, sweep: secs(10) }
}

/// `grin/doc/dandelion/dandelion.md`: 90% stem, relay for 10 minutes, embargo on the order of 30
/// to 60 seconds. The sweep of 10 s and the fluff to all are Grin's.
const GRIN_DOC: Params = Params {
    stem_probability: 0.9,
    coin: CoinScope::Transaction,
    own_always_stem: false,
    relays: 1,
    epoch: secs(600),
    epoch_spread: secs(0),
    relay_max_lag: 2,
    patience: patience(10, PatienceMode::EveryHop),
    embargo: embargo(EmbargoDelay::Uniform { base: secs(30), spread: secs(30) }),
    rendezvous: None,
    fluff_fanout: 8,
    fluff_delay: secs(2),
};

/// `grin_servers::dandelion_monitor` and `grin_p2p::DandelionConfig` 5.5.2.
const GRIN_5: Params = Params {
    coin: CoinScope::Epoch,
    own_always_stem: true,
    patience: patience(30, PatienceMode::FluffOnly),
    embargo: embargo(EmbargoDelay::Uniform { base: secs(180), spread: secs(30) }),
    ..GRIN_DOC
};

/// Fanti et al. 2018, q = 0.1. The mean of the embargo follows from the paper's formula for stems
/// of 10 hops of 175 ms and an error of 0.1: 75 s.
const DANDELION_PLUS_PLUS: Params = Params {
    coin: CoinScope::Epoch,
    own_always_stem: true,
    relays: 2,
    patience: patience(0, PatienceMode::FluffOnly),
    embargo: Embargo { delay: EmbargoDelay::Exponential { mean: secs(75) }, sweep: secs(1) },
    ..GRIN_DOC
};

/// `cryptonote_config.h`: 20% of epochs fluff, 10 minutes and up to 30 s, embargo 39 s on average.
const MONERO: Params = Params {
    stem_probability: 0.8,
    epoch_spread: secs(30),
    embargo: Embargo { delay: EmbargoDelay::Exponential { mean: secs(39) }, sweep: secs(1) },
    ..DANDELION_PLUS_PLUS
};

/// Transactions meet at sinks; where there are none it is Grin 5, by which a stem takes seconds, so
/// that its embargo names nobody. The figures are what the privacy lab measured, at 1.54
/// transactions a minute as on Grin's mainnet of May 2019:
///
/// - With one sink and a window of 120 to 150 s a listener traces 2% of all transactions, half of
///   which are fluffed after 92 s.
/// - A second sink comes with 18 transactions a minute. One that was used to capacity by less could
///   be emptied of honest company by whoever makes a few transactions a minute of his own: with a
///   company of 2.5, four times the honest traffic had half of it traced.
/// - Windows end before the embargo of Grin nodes that sent something along their stem.
/// - Relays that forward half of what they get cannot tell whom it comes from. More would lose more
///   where a share of the relays swallows it.
/// - Where a tenth swallows all that it gets, four attempts leave 3.5% of that to be fluffed by its
///   origin first.
const SCAPE: Params = Params { rendezvous: Some(SERVICE), ..GRIN_5 };

const SERVICE: RendezvousParams = RendezvousParams {
    pool: Rendezvous { window: secs(120), spread: secs(30), attempts: 4 },
    forward: 0.5,
    company: 20.0,
    least_known: 10,
};
