//! The zones that a configuration describes: which there are, what each is told, and what cannot be.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use rand::Rng;
use scape_p2p::addr::{Network, PeerAddr};
use scape_p2p::book::BookConfig;
use scape_p2p::dandelion::Params;
use scape_p2p::net::transport::Isolation;
use scape_p2p::net::{NetConfig, Way};
use scape_p2p::zone::{PeersConfig, ZoneConfig};

use super::sections::PresetName;
use super::{Config, ConfigError};
use crate::node::ZoneSetup;

/// How long half a handshake may take through an anonymity network: circuits are slow, and many at
/// the beginning.
const SLOW_HANDSHAKE: Duration = Duration::from_secs(60);

/// What the sections of both anonymity networks say.
struct Hidden<'a> {
    network: Network,
    way: Way,
    listen: Option<SocketAddr>,
    name: Option<PeerAddr>,
    peers: &'a BTreeSet<PeerAddr>,
    seeds: &'a BTreeSet<PeerAddr>,
    outbound: usize,
    max_inbound: usize,
    preset: Option<PresetName>,
}

impl Config {
    /// The networks on which there is a zone, the one of the main zone first.
    pub fn networks(&self) -> Vec<Network> {
        let enabled = |network: &Network| match network {
            Network::Clearnet => self.network.enabled,
            Network::Tor => self.tor.enabled,
            Network::I2p => self.i2p.enabled,
        };
        Network::ALL.into_iter().filter(enabled).collect()
    }

    /// Through which zones the owner's transactions leave, the preferred one first.
    pub fn origin(&self) -> Vec<Network> {
        if let Some(origin) = &self.node.origin {
            return origin.clone();
        }
        let networks = self.networks();
        let hidden: Vec<_> = networks.iter().copied().filter(|n| n.is_anonymous()).collect();
        if hidden.is_empty() { networks } else { hidden }
    }

    /// What each zone is told, the main one first. All seeds are drawn from `rng`.
    ///
    /// # Errors
    /// As [`Config::check`].
    pub fn zone_setups(&self, rng: &mut impl Rng) -> Result<Vec<ZoneSetup>, ConfigError> {
        let networks = self.networks();
        let is_public = |network: &Network| !network.is_anonymous();
        let has_public = networks.iter().any(is_public);
        let lag = if networks.len() > 1 { ZoneSetup::CHAIN_LAG } else { Duration::ZERO };
        let setup = |network| {
            let mut seeds = [[0; 32]; 2];
            seeds.iter_mut().for_each(|seed| rng.fill_bytes(seed));
            self.zone_setup(network, seeds).map(|mut setup| {
                if network.is_anonymous() {
                    setup.chain_lag = lag;
                    setup.zone.hand_over = has_public.then_some(ZoneConfig::HAND_OVER);
                }
                setup
            })
        };
        networks.into_iter().map(setup).collect()
    }

    /// What may change while the node runs, by zone.
    ///
    /// # Errors
    /// As [`Config::check`].
    pub fn changes(&self) -> Result<Vec<(Network, Params, PeersConfig)>, ConfigError> {
        let change = |network| {
            let zone = match self.hidden(network)? {
                Some(hidden) => self.hidden_zone(&hidden)?,
                None => self.zone_config()?,
            };
            Ok((network, zone.params, zone.peers))
        };
        self.networks().into_iter().map(change).collect()
    }

    fn zone_setup(&self, network: Network, seeds: [[u8; 32]; 2]) -> Result<ZoneSetup, ConfigError> {
        let [net_seed, seed] = seeds;
        let chain_lag = Duration::ZERO;
        let Some(hidden) = self.hidden(network)? else {
            return Ok(ZoneSetup {
                zone: self.zone_config()?,
                net: self.net_config(net_seed),
                book: self.book_config(),
                seeds: self.network.seeds.iter().copied().map(PeerAddr::from).collect(),
                chain_lag,
                seed,
            });
        };
        let mut net = NetConfig {
            network,
            way: hidden.way.clone(),
            listen: hidden.listen,
            // A name of the owner's choice would be a mark that joins the zones.
            user_agent: ZoneSetup::USER_AGENT.to_owned(),
            max_inbound: hidden.max_inbound,
            ..NetConfig::new(self.consensus(), net_seed)
        };
        net.timeouts.handshake_read = SLOW_HANDSHAKE;
        net.timeouts.handshake_write = SLOW_HANDSHAKE;
        Ok(ZoneSetup {
            zone: self.hidden_zone(&hidden)?,
            net,
            book: BookConfig { network, ..self.book_config() },
            seeds: hidden.seeds.iter().copied().collect(),
            chain_lag,
            seed,
        })
    }

    /// The parameters of Dandelion in a zone.
    pub(super) fn zone_params(&self, network: Network) -> Result<Params, ConfigError> {
        let Some(hidden) = self.hidden(network)? else { return self.params() };
        let params = match hidden.preset {
            Some(PresetName(preset)) => preset.params(),
            None => self.params()?,
        };
        Ok(Params { own_always_stem: true, ..params })
    }

    fn hidden_zone(&self, hidden: &Hidden<'_>) -> Result<ZoneConfig, ConfigError> {
        Ok(ZoneConfig {
            network: hidden.network,
            params: self.zone_params(hidden.network)?,
            noise: self.noise(hidden.network)?,
            peers: PeersConfig {
                outbound: hidden.outbound,
                fixed: hidden.peers.clone(),
                own_name: hidden.name,
                ban: self.network.ban_secs.0,
                ..PeersConfig::default()
            },
            ..self.zone_config()?
        })
    }

    /// What is said of an anonymity network; `None` of clearnet.
    fn hidden(&self, network: Network) -> Result<Option<Hidden<'_>>, ConfigError> {
        Ok(match network {
            Network::Clearnet => None,
            Network::Tor => {
                let tor = &self.tor;
                let way = Way::Socks { proxy: tor.proxy, isolation: Isolation::PerDial };
                Some(Hidden {
                    network,
                    way,
                    listen: tor.listen,
                    name: tor.name,
                    peers: &tor.peers,
                    seeds: &tor.seeds,
                    outbound: tor.outbound,
                    max_inbound: tor.max_inbound,
                    preset: tor.preset,
                })
            }
            Network::I2p => {
                let i2p = &self.i2p;
                let way = match i2p.proxy {
                    Some(proxy) => Way::Socks { proxy, isolation: Isolation::None },
                    None => {
                        let key = Some(self.data_dir()?.join("i2p.key"));
                        Way::Sam { bridge: i2p.sam, key }
                    }
                };
                Some(Hidden {
                    network,
                    way,
                    listen: i2p.listen,
                    name: i2p.name,
                    peers: &i2p.peers,
                    seeds: &i2p.seeds,
                    outbound: i2p.outbound,
                    max_inbound: i2p.max_inbound,
                    preset: i2p.preset,
                })
            }
        })
    }

    /// Refuses zones that cannot be.
    pub(super) fn check_zones(&self) -> Result<(), ConfigError> {
        let networks = self.networks();
        if networks.is_empty() {
            return Err(ConfigError::NoZone);
        }
        let origin = self.origin();
        if origin.is_empty() {
            return Err(ConfigError::NoOrigin);
        }
        if let Some(off) = origin.iter().find(|network| !networks.contains(network)) {
            return Err(ConfigError::OriginOff(*off));
        }
        for network in networks {
            let Some(hidden) = self.hidden(network)? else { continue };
            hidden.check()?;
            let leads_nowhere = hidden.outbound == 0 && hidden.peers.is_empty();
            if leads_nowhere && origin.contains(&network) {
                return Err(ConfigError::OriginWithoutPeers(network));
            }
        }
        Ok(())
    }
}

impl Hidden<'_> {
    fn check(&self) -> Result<(), ConfigError> {
        let network = self.network;
        if let Some(addr) = self.listen.filter(|addr| !addr.ip().is_loopback()) {
            return Err(ConfigError::Exposed { network, addr });
        }
        let is_reached = self.listen.is_some() || matches!(self.way, Way::Sam { .. });
        if self.name.is_some() && !is_reached {
            return Err(ConfigError::NameWithoutListener(network));
        }
        let lists = [("peers", self.peers), ("seeds", self.seeds)];
        let named = self.name.iter().map(|name| ("name", name));
        let listed = lists.iter().flat_map(|(key, names)| names.iter().map(|name| (*key, name)));
        for (key, addr) in named.chain(listed) {
            if addr.network() != network {
                return Err(ConfigError::OtherNetwork { network, key, addr: *addr });
            }
            if key != "name" && Some(*addr) == self.name {
                return Err(ConfigError::OwnNameAmongPeers { network, key });
            }
        }
        Ok(())
    }
}
