//! A zone for tests of the stem, in which all goes on soon but what a test holds up.

use std::collections::BTreeSet;
use std::time::Duration;

use scape::p2p::addr::PeerAddr;
use scape::p2p::dandelion::{Params, Preset};
use scape::p2p::zone::PeersConfig;
use scape::pool::{Embargo, EmbargoDelay, Patience, PatienceMode};

/// The coin says stem with this probability.
pub(crate) fn params(stem_probability: f64, patience: Duration, embargo: Duration) -> Params {
    let delay = EmbargoDelay::Uniform { base: embargo, spread: Duration::ZERO };
    Params {
        stem_probability,
        patience: Patience {
            interval: patience,
            phase: Some(patience),
            mode: PatienceMode::EveryHop,
        },
        embargo: Embargo { delay, sweep: Duration::from_millis(100) },
        fluff_delay: Duration::from_millis(10),
        ..Preset::GrinDoc.params()
    }
}

/// Stays connected to these.
pub(crate) fn peers(fixed: impl IntoIterator<Item = impl Into<PeerAddr>>) -> PeersConfig {
    let fixed: BTreeSet<PeerAddr> = fixed.into_iter().map(Into::into).collect();
    let dial_interval = Duration::from_millis(20);
    PeersConfig { outbound: fixed.len().max(1), fixed, dial_interval, ..PeersConfig::default() }
}
