//! How transactions are routed, and how many are held.

use scape_p2p::dandelion::Preset;
use scape_pool::Capacity;
use serde::{Deserialize, Serialize};

use super::{Coin, EmbargoKind, PatienceKind, Seconds, named};

/// How transactions are routed: a preset, and what differs from it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields of `Params` of these names, if not as the preset says")]
pub struct DandelionSection {
    /// The parameters that hold if nothing else is set.
    #[serde(with = "named")]
    pub preset: Preset,
    pub stem_probability: Option<f64>,
    pub coin: Option<Coin>,
    pub own_always_stem: Option<bool>,
    pub relays: Option<usize>,
    pub epoch_secs: Option<Seconds>,
    pub epoch_spread_secs: Option<Seconds>,
    pub relay_max_lag: Option<u64>,
    pub patience_secs: Option<Seconds>,
    pub patience_mode: Option<PatienceKind>,
    pub embargo: Option<EmbargoKind>,
    pub embargo_base_secs: Option<Seconds>,
    pub embargo_spread_secs: Option<Seconds>,
    pub embargo_mean_secs: Option<Seconds>,
    pub embargo_sweep_secs: Option<Seconds>,
    pub sinks: Option<bool>,
    pub sink_window_secs: Option<Seconds>,
    pub sink_spread_secs: Option<Seconds>,
    pub sink_attempts: Option<u8>,
    pub sink_forward: Option<f64>,
    pub sink_company: Option<f64>,
    pub sink_least_known: Option<usize>,
    pub fluff_fanout: Option<usize>,
    pub fluff_delay_secs: Option<Seconds>,
}

impl Default for DandelionSection {
    fn default() -> Self {
        Self {
            preset: Preset::Scape,
            stem_probability: None,
            coin: None,
            own_always_stem: None,
            relays: None,
            epoch_secs: None,
            epoch_spread_secs: None,
            relay_max_lag: None,
            patience_secs: None,
            patience_mode: None,
            embargo: None,
            embargo_base_secs: None,
            embargo_spread_secs: None,
            embargo_mean_secs: None,
            embargo_sweep_secs: None,
            sinks: None,
            sink_window_secs: None,
            sink_spread_secs: None,
            sink_attempts: None,
            sink_forward: None,
            sink_company: None,
            sink_least_known: None,
            fluff_fanout: None,
            fluff_delay_secs: None,
        }
    }
}

/// How much the pools hold.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields of `Capacity` of these names")]
pub struct PoolSection {
    pub stem_entries: usize,
    pub stem_bytes: usize,
    pub stem_ancestors: usize,
    pub tx_entries: usize,
    pub tx_bytes: usize,
    pub orphan_entries: usize,
    pub orphan_bytes: usize,
    pub orphan_age_secs: Seconds,
    pub shares: usize,
    pub own_bytes: usize,
    pub reorg_depth: u64,
}

impl Default for PoolSection {
    fn default() -> Self {
        let capacity = Capacity::default();
        Self {
            stem_entries: capacity.stem_entries,
            stem_bytes: capacity.stem_bytes,
            stem_ancestors: capacity.stem_ancestors,
            tx_entries: capacity.tx_entries,
            tx_bytes: capacity.tx_bytes,
            orphan_entries: capacity.orphan_entries,
            orphan_bytes: capacity.orphan_bytes,
            orphan_age_secs: Seconds(capacity.orphan_age),
            shares: capacity.shares,
            own_bytes: capacity.own_bytes,
            reorg_depth: capacity.reorg_depth,
        }
    }
}
