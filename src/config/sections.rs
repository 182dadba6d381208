//! What was read. The documentation of each key is in the table of `keys.rs`.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{AddrParseError, IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use scape_aggregate::ChainType;
use scape_p2p::addr::{Network, PeerAddr};
use scape_p2p::dandelion::Preset;
use scape_p2p::zone::PeersConfig;
use scape_pool::Capacity;
use serde::{Deserialize, Serialize};

use super::keys::USER_AGENT;
use crate::rpc::Url;

/// The chain and its rules.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainSection {
    /// Which chain.
    #[serde(with = "named")]
    pub r#type: ChainType,
    /// Whether NRD kernels are allowed.
    pub nrd: bool,
}

/// This node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeSection {
    /// Where what survives a restart is kept; see [`super::Config::data_dir`].
    pub data_dir: PathBuf,
    /// What we call ourselves.
    pub user_agent: String,
    /// Verification threads of each zone. Zero: one per core.
    pub workers: usize,
    /// Through which zones the owner's transactions leave, if not as is usual.
    pub origin: Option<Vec<Network>>,
}

/// Whom the node talks to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSection {
    /// Whether there is a clearnet zone.
    pub enabled: bool,
    /// Where to listen, if not on the default port of the chain.
    pub listen: Option<Listen>,
    /// Where others reach us, if not where we listen.
    pub advertise: Option<SocketAddr>,
    /// Whether links are encrypted.
    pub encryption: Encryption,
    /// Whether stem transactions leave in white noise alone.
    pub noise: bool,
    /// Addresses to stay connected to.
    pub peers: BTreeSet<SocketAddr>,
    /// Addresses to begin with.
    pub seeds: BTreeSet<SocketAddr>,
    /// Hosts that are trusted as relays and never banned.
    pub whitelist: BTreeSet<IpAddr>,
    /// Connections of our own to keep up.
    pub outbound: usize,
    /// Inbound connections.
    pub max_inbound: usize,
    /// Inbound connections of one host.
    pub max_inbound_per_host: usize,
    /// How long a ban lasts.
    pub ban_secs: Seconds,
    /// Whether private addresses are kept, if not as the chain says.
    pub allow_private: Option<bool>,
}

/// The zone on Tor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TorSection {
    /// Whether there is one.
    pub enabled: bool,
    /// Tor's SOCKS port.
    pub proxy: SocketAddr,
    /// Where tor hands over those who come to our onion service.
    pub listen: Option<SocketAddr>,
    /// Our onion service.
    pub name: Option<PeerAddr>,
    /// Whether stem transactions leave in white noise alone.
    pub noise: bool,
    /// Names to stay connected to.
    pub peers: BTreeSet<PeerAddr>,
    /// Names to begin with.
    pub seeds: BTreeSet<PeerAddr>,
    /// Connections of our own to keep up.
    pub outbound: usize,
    /// Inbound connections.
    pub max_inbound: usize,
    /// Parameters, if not those of the dandelion section.
    pub preset: Option<PresetName>,
}

/// The zone on I2P.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct I2pSection {
    /// Whether there is one.
    pub enabled: bool,
    /// The router's SAM bridge.
    pub sam: SocketAddr,
    /// A SOCKS tunnel of the router, instead of the bridge.
    pub proxy: Option<SocketAddr>,
    /// Where a server tunnel of the router hands over those who come to us.
    pub listen: Option<SocketAddr>,
    /// Our destination.
    pub name: Option<PeerAddr>,
    /// Whether stem transactions leave in white noise alone.
    pub noise: bool,
    /// Names to stay connected to.
    pub peers: BTreeSet<PeerAddr>,
    /// Names to begin with.
    pub seeds: BTreeSet<PeerAddr>,
    /// Connections of our own to keep up.
    pub outbound: usize,
    /// Inbound connections.
    pub max_inbound: usize,
    /// Parameters, if not those of the dandelion section.
    pub preset: Option<PresetName>,
}

/// [`Preset`] by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PresetName(#[serde(with = "named")] pub Preset);

/// The Grin node whose chain is followed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrinSection {
    /// Its API, if there is such a node.
    pub url: Option<Url>,
    /// The password of its Foreign API.
    pub secret_file: Option<PathBuf>,
    /// How often it is asked for its tip.
    pub poll_secs: Seconds,
}

/// Where the node is reached over HTTP.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiSection {
    /// Where wallets reach it, if not on the default port.
    pub foreign: Option<Listen>,
    /// Their password, if not in the data directory.
    pub foreign_secret_file: Option<PathBuf>,
    /// Where the owner reaches it, if not on the default port.
    pub owner: Option<Listen>,
    /// The owner's password, if not in the data directory.
    pub owner_secret_file: Option<PathBuf>,
    /// Connections served at once.
    pub connections: usize,
}

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

/// The embedded development ledger.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerSection {
    /// From one block to the next.
    pub block_secs: Seconds,
    /// Outputs in the first block.
    pub outputs: u64,
    /// What each of them is worth, in nanogrin.
    pub value: u64,
    /// Their keys are derived from it.
    pub seed: u64,
}

/// What is written to the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// Directives as in `RUST_LOG`.
    pub filter: String,
    /// Whether each line is a JSON object.
    pub json: bool,
    /// Where files are written, if anywhere.
    pub dir: Option<PathBuf>,
    /// How many of them are kept.
    pub files: usize,
}

/// A length of time, in the file a number of seconds with or without a fraction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Seconds(pub Duration);

/// Where to listen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// Nowhere: no inbound peers.
    Off,
    /// On this address; port 0 takes a free one.
    At(SocketAddr),
}

/// [`scape_p2p::secure::Policy`] by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "documented there")]
pub enum Encryption {
    #[default]
    Prefer,
    Require,
    Off,
}

/// [`scape_p2p::dandelion::CoinScope`] by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "documented there")]
pub enum Coin {
    Transaction,
    Epoch,
}

/// [`scape_pool::PatienceMode`] by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "documented there")]
pub enum PatienceKind {
    EveryHop,
    FluffOnly,
}

/// [`scape_pool::EmbargoDelay`] by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "documented there")]
pub enum EmbargoKind {
    Uniform,
    Exponential,
}

impl Default for ChainSection {
    fn default() -> Self {
        Self { r#type: ChainType::Mainnet, nrd: false }
    }
}

impl Default for NodeSection {
    fn default() -> Self {
        Self {
            data_dir: "~/.scape".into(),
            user_agent: USER_AGENT.to_owned(),
            workers: 0,
            origin: None,
        }
    }
}

impl Default for NetworkSection {
    fn default() -> Self {
        let peers = PeersConfig::default();
        Self {
            enabled: true,
            listen: None,
            advertise: None,
            encryption: Encryption::default(),
            noise: false,
            peers: BTreeSet::new(),
            seeds: BTreeSet::new(),
            whitelist: BTreeSet::new(),
            outbound: peers.outbound,
            max_inbound: 128,
            max_inbound_per_host: 8,
            ban_secs: Seconds(peers.ban),
            allow_private: None,
        }
    }
}

impl Default for TorSection {
    fn default() -> Self {
        Self {
            enabled: false,
            proxy: (Ipv4Addr::LOCALHOST, 9_050).into(),
            listen: None,
            name: None,
            noise: false,
            peers: BTreeSet::new(),
            seeds: BTreeSet::new(),
            outbound: PeersConfig::default().outbound,
            max_inbound: 128,
            preset: None,
        }
    }
}

impl Default for I2pSection {
    fn default() -> Self {
        Self {
            enabled: false,
            sam: (Ipv4Addr::LOCALHOST, 7_656).into(),
            proxy: None,
            listen: None,
            name: None,
            noise: false,
            peers: BTreeSet::new(),
            seeds: BTreeSet::new(),
            outbound: PeersConfig::default().outbound,
            max_inbound: 128,
            preset: None,
        }
    }
}

impl Default for GrinSection {
    fn default() -> Self {
        Self { url: None, secret_file: None, poll_secs: Seconds(Duration::from_secs(15)) }
    }
}

impl Default for ApiSection {
    fn default() -> Self {
        Self {
            foreign: None,
            foreign_secret_file: None,
            owner: None,
            owner_secret_file: None,
            connections: 256,
        }
    }
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

impl Default for LedgerSection {
    fn default() -> Self {
        let block_secs = Seconds(Duration::from_secs(5));
        Self { block_secs, outputs: 1_000, value: 100_000_000_000, seed: 1 }
    }
}

impl Default for LogSection {
    fn default() -> Self {
        Self { filter: "info".to_owned(), json: false, dir: None, files: 7 }
    }
}

impl TryFrom<f64> for Seconds {
    type Error = std::time::TryFromFloatSecsError;

    fn try_from(secs: f64) -> Result<Self, Self::Error> {
        Duration::try_from_secs_f64(secs).map(Self)
    }
}

impl From<Seconds> for f64 {
    fn from(Seconds(duration): Seconds) -> Self {
        duration.as_secs_f64()
    }
}

impl FromStr for Listen {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        if text == "off" { Ok(Self::Off) } else { text.parse().map(Self::At) }
    }
}

impl TryFrom<String> for Listen {
    type Error = AddrParseError;

    fn try_from(text: String) -> Result<Self, AddrParseError> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        match listen {
            Listen::Off => "off".to_owned(),
            Listen::At(addr) => addr.to_string(),
        }
    }
}

impl fmt::Display for EmbargoKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uniform => "uniform",
            Self::Exponential => "exponential",
        })
    }
}

/// Values of other crates that have a name.
mod named {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::{Deserialize, Deserializer, Error, Unexpected};
    use serde::ser::Serializer;

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(|_| D::Error::invalid_value(Unexpected::Str(&name), &"a known name"))
    }
}
