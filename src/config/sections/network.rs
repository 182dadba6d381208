//! Whom the node talks to, on each network.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use scape_p2p::addr::PeerAddr;
use scape_p2p::zone::PeersConfig;
use serde::{Deserialize, Serialize};

use super::{Encryption, Listen, PresetName, Seconds};

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
    /// Whether stem transactions, sealed or not, leave in white noise alone.
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
    /// Whether stem transactions, sealed or not, leave in white noise alone.
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
    /// Whether stem transactions, sealed or not, leave in white noise alone.
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
