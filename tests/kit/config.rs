//! A node on loopback with one zone.

use std::net::{Ipv4Addr, SocketAddr};

use scape::node::{NodeConfig, Zones};
use scape::p2p::book::BookConfig;
use scape::p2p::net::NetConfig;
use scape::p2p::zone::ZoneConfig;

/// Its peers may be on loopback too, and it keeps nothing on the disk. All chance is from the seed.
pub(crate) fn config(zone: ZoneConfig, seed: u8) -> NodeConfig {
    let seed = [seed; 32];
    let listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    NodeConfig {
        net: NetConfig { listen, ..NetConfig::new(zone.consensus, seed) },
        zone,
        book: BookConfig { allow_private: true, ..BookConfig::default() },
        seeds: Vec::new(),
        data_dir: None,
        workers: 1,
        seed,
        zones: Zones::default(),
    }
}
