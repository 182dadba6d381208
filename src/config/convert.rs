//! From what was read to what the parts of the node are told.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use scape_aggregate::{ChainType, Consensus};
use scape_p2p::addr::{Host, Network, PeerAddr};
use scape_p2p::book::{Book, BookConfig, Source, UnixTime};
use scape_p2p::dandelion::{CoinScope, Implied, Params, Preset, RendezvousParams, Warning};
use scape_p2p::net::NetConfig;
use scape_p2p::secure::Policy;
use scape_p2p::zone::{PeersConfig, ZoneConfig};
use scape_pool::{Capacity, EmbargoDelay, PatienceMode};

use super::error::EmbargoHint;
use super::sections::{
    Coin, DandelionSection, EmbargoKind, Encryption, Listen, PatienceKind, PoolSection, Seconds,
};
use super::{Config, ConfigError};

/// What a configuration that is possible implies, to be said at the start.
#[derive(Clone, PartialEq, Debug)]
pub struct Checked {
    /// By the formulas of [`Implied`].
    pub implied: Implied,
    /// Where parameters work against each other.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Checks what only several values together can break.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<Checked, ConfigError> {
        let (implied, mut warnings) = self.params()?.check()?;
        let anywhere = BookConfig { allow_private: true, ..self.book_config() };
        refuse_addresses("peers", &self.network.peers, anywhere)?;
        refuse_addresses("advertise", &self.network.advertise, anywhere)?;
        refuse_addresses("seeds", &self.network.seeds, self.book_config())?;
        self.check_zones()?;
        self.check_noise()?;
        warnings.extend(self.noise_warnings()?);
        Ok(Checked { implied, warnings })
    }

    /// The rules of the chain.
    pub fn consensus(&self) -> Consensus {
        Consensus { chain: self.chain.r#type, nrd: self.chain.nrd }
    }

    /// The parameters of Dandelion: those of the preset, and what differs from it.
    ///
    /// # Errors
    /// The embargo lacks a value or has one that it has no use for. Whether the parameters are
    /// possible is for [`Config::check`] to say.
    pub fn params(&self) -> Result<Params, ConfigError> {
        let set = &self.dandelion;
        let mut params = set.preset.params();
        put(&mut params.stem_probability, set.stem_probability);
        put(&mut params.coin, set.coin.map(CoinScope::from));
        put(&mut params.own_always_stem, set.own_always_stem);
        put(&mut params.relays, set.relays);
        put(&mut params.epoch, set.epoch_secs.map(|s| s.0));
        put(&mut params.epoch_spread, set.epoch_spread_secs.map(|s| s.0));
        put(&mut params.relay_max_lag, set.relay_max_lag);
        put(&mut params.patience.interval, set.patience_secs.map(|s| s.0));
        put(&mut params.patience.mode, set.patience_mode.map(PatienceMode::from));
        put(&mut params.embargo.sweep, set.embargo_sweep_secs.map(|s| s.0));
        put(&mut params.fluff_fanout, set.fluff_fanout);
        put(&mut params.fluff_delay, set.fluff_delay_secs.map(|s| s.0));
        params.embargo.delay = set.embargo_delay(params.embargo.delay)?;
        params.rendezvous = set.rendezvous(params.rendezvous);
        Ok(params)
    }

    /// What a zone on clearnet is told.
    ///
    /// # Errors
    /// As [`Config::params`].
    pub fn zone_config(&self) -> Result<ZoneConfig, ConfigError> {
        let network = &self.network;
        Ok(ZoneConfig {
            params: self.params()?,
            noise: self.noise(Network::Clearnet)?,
            capacity: self.pool.capacity(),
            peers: PeersConfig {
                outbound: network.outbound,
                fixed: network.peers.iter().copied().map(PeerAddr::from).collect(),
                whitelist: network.whitelist.iter().copied().map(Host::from).collect(),
                ban: network.ban_secs.0,
                ..PeersConfig::default()
            },
            ..ZoneConfig::new(self.consensus())
        })
    }

    /// What the sockets are told. The seed is for handshake nonces and the secrets of links.
    pub fn net_config(&self, seed: [u8; 32]) -> NetConfig {
        NetConfig {
            listen: self.listen(),
            advertise: self.network.advertise,
            user_agent: self.node.user_agent.clone(),
            encryption: self.network.encryption.into(),
            max_inbound: self.network.max_inbound,
            max_inbound_per_host: self.network.max_inbound_per_host,
            ..NetConfig::new(self.consensus(), seed)
        }
    }

    /// What the book of addresses is told.
    pub fn book_config(&self) -> BookConfig {
        let own_network =
            matches!(self.chain.r#type, ChainType::UserTesting | ChainType::AutomatedTesting);
        let allow_private = self.network.allow_private.unwrap_or(own_network);
        BookConfig { allow_private, ..BookConfig::default() }
    }

    /// Where to listen for peers, if at all. Unless set, on all addresses, three above the default
    /// port of Grin, whose node is often on the same host.
    pub fn listen(&self) -> Option<SocketAddr> {
        self.listen_at(self.network.listen, Ipv4Addr::UNSPECIFIED, 3)
    }

    /// Where wallets are served, if at all.
    pub fn foreign_listen(&self) -> Option<SocketAddr> {
        self.listen_at(self.api.foreign, Ipv4Addr::LOCALHOST, 4)
    }

    /// Where the owner is served, if at all.
    pub fn owner_listen(&self) -> Option<SocketAddr> {
        self.listen_at(self.api.owner, Ipv4Addr::LOCALHOST, 5)
    }

    fn listen_at(&self, set: Option<Listen>, host: Ipv4Addr, above: u16) -> Option<SocketAddr> {
        match set {
            Some(Listen::Off) => None,
            Some(Listen::At(addr)) => Some(addr),
            None => Some((host, self.chain.r#type.default_port() + above).into()),
        }
    }

    /// Where the data of this chain is kept.
    ///
    /// # Errors
    /// It is in the home directory, and there is none; so all below.
    pub fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        Ok(from_home(&self.node.data_dir)?.join(self.chain.r#type.name()))
    }

    /// The file with the password of wallets.
    ///
    /// # Errors
    /// As [`Config::data_dir`].
    pub fn foreign_secret_file(&self) -> Result<PathBuf, ConfigError> {
        self.secret_file(&self.api.foreign_secret_file, ".foreign_api_secret")
    }

    /// The file with the password of the owner.
    ///
    /// # Errors
    /// As [`Config::data_dir`].
    pub fn owner_secret_file(&self) -> Result<PathBuf, ConfigError> {
        self.secret_file(&self.api.owner_secret_file, ".owner_api_secret")
    }

    fn secret_file(&self, set: &Option<PathBuf>, name: &str) -> Result<PathBuf, ConfigError> {
        match set {
            Some(path) => from_home(path),
            None => Ok(self.data_dir()?.join(name)),
        }
    }

    /// The file with the password of the Grin node's Foreign API, if it has one.
    ///
    /// # Errors
    /// As [`Config::data_dir`].
    pub fn grin_secret_file(&self) -> Result<Option<PathBuf>, ConfigError> {
        self.grin.secret_file.as_deref().map(from_home).transpose()
    }

    /// Where log files are written, if anywhere.
    ///
    /// # Errors
    /// As [`Config::data_dir`].
    pub fn log_dir(&self) -> Result<Option<PathBuf>, ConfigError> {
        self.log.dir.as_deref().map(from_home).transpose()
    }
}

/// A path whose leading `~/` stands for the home directory.
fn from_home(path: &Path) -> Result<PathBuf, ConfigError> {
    match path.strip_prefix("~") {
        Ok(rest) => {
            Ok(env::home_dir().ok_or_else(|| ConfigError::NoHome(path.to_owned()))?.join(rest))
        }
        Err(_) => Ok(path.to_owned()),
    }
}

fn put<T>(param: &mut T, set: Option<T>) {
    if let Some(value) = set {
        *param = value;
    }
}

/// An address is refused by the same rules as those that peers tell us of.
fn refuse_addresses<'a>(
    key: &'static str,
    addrs: impl IntoIterator<Item = &'a SocketAddr>,
    config: BookConfig,
) -> Result<(), ConfigError> {
    let mut book = Book::new(config);
    for &addr in addrs {
        book.add(addr, Source::Trusted, UnixTime(0)).map_err(|reason| ConfigError::Address {
            key,
            addr,
            reason,
        })?;
    }
    Ok(())
}

impl DandelionSection {
    /// What is set has an effect where there are sinks.
    fn rendezvous(&self, preset: Option<RendezvousParams>) -> Option<RendezvousParams> {
        let default = || preset.or(Preset::Scape.params().rendezvous);
        let mut params = match self.sinks {
            Some(true) => default(),
            Some(false) => None,
            None => preset,
        }?;
        put(&mut params.pool.window, self.sink_window_secs.map(|s| s.0));
        put(&mut params.pool.spread, self.sink_spread_secs.map(|s| s.0));
        put(&mut params.pool.attempts, self.sink_attempts);
        put(&mut params.forward, self.sink_forward);
        put(&mut params.company, self.sink_company);
        put(&mut params.least_known, self.sink_least_known);
        Some(params)
    }

    fn embargo_delay(&self, preset: EmbargoDelay) -> Result<EmbargoDelay, ConfigError> {
        let (preset_kind, base, spread, mean) = match preset {
            EmbargoDelay::Uniform { base, spread } => {
                (EmbargoKind::Uniform, Some(base), Some(spread), None)
            }
            EmbargoDelay::Exponential { mean } => {
                (EmbargoKind::Exponential, None, None, Some(mean))
            }
        };
        let kind = self.embargo.unwrap_or(preset_kind);
        self.refuse_unused(kind)?;
        let choose = |missing, set: Option<Seconds>, preset| {
            set.map(|s| s.0).or(preset).ok_or(ConfigError::EmbargoIncomplete { kind, missing })
        };
        Ok(match kind {
            EmbargoKind::Uniform => EmbargoDelay::Uniform {
                base: choose("embargo_base_secs", self.embargo_base_secs, base)?,
                spread: choose("embargo_spread_secs", self.embargo_spread_secs, spread)?,
            },
            EmbargoKind::Exponential => EmbargoDelay::Exponential {
                mean: choose("embargo_mean_secs", self.embargo_mean_secs, mean)?,
            },
        })
    }

    fn refuse_unused(&self, kind: EmbargoKind) -> Result<(), ConfigError> {
        let fields = [
            ("embargo_base_secs", EmbargoKind::Uniform, self.embargo_base_secs),
            ("embargo_spread_secs", EmbargoKind::Uniform, self.embargo_spread_secs),
            ("embargo_mean_secs", EmbargoKind::Exponential, self.embargo_mean_secs),
        ];
        match fields.into_iter().find(|(_, of, set)| *of != kind && set.is_some()) {
            Some((key, of, _)) => {
                Err(ConfigError::EmbargoUnused { key, kind, hint: EmbargoHint(of) })
            }
            None => Ok(()),
        }
    }
}

impl PoolSection {
    fn capacity(&self) -> Capacity {
        Capacity {
            stem_entries: self.stem_entries,
            stem_bytes: self.stem_bytes,
            stem_ancestors: self.stem_ancestors,
            tx_entries: self.tx_entries,
            tx_bytes: self.tx_bytes,
            orphan_entries: self.orphan_entries,
            orphan_bytes: self.orphan_bytes,
            orphan_age: self.orphan_age_secs.0,
            shares: self.shares,
            own_bytes: self.own_bytes,
            reorg_depth: self.reorg_depth,
        }
    }
}

impl From<Encryption> for Policy {
    fn from(encryption: Encryption) -> Self {
        match encryption {
            Encryption::Prefer => Self::Offered,
            Encryption::Require => Self::Required,
            Encryption::Off => Self::Never,
        }
    }
}

impl From<Coin> for CoinScope {
    fn from(coin: Coin) -> Self {
        match coin {
            Coin::Transaction => Self::Transaction,
            Coin::Epoch => Self::Epoch,
        }
    }
}

impl From<PatienceKind> for PatienceMode {
    fn from(kind: PatienceKind) -> Self {
        match kind {
            PatienceKind::EveryHop => Self::EveryHop,
            PatienceKind::FluffOnly => Self::FluffOnly,
        }
    }
}
