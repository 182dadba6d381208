//! Nodes with zones, as tests start them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use scape::aggregate::{Hash, Transaction};
use scape::node::{NodeConfig, OwnState, Status, ZoneSetup, ZoneStatus, Zones};
use scape::p2p::addr::{Network, PeerAddr};
use scape::p2p::book::BookConfig;
use scape::p2p::dandelion::Params;
use scape::p2p::net::transport::Isolation;
use scape::p2p::net::{NetConfig, Way};
use scape::p2p::zone::ZoneConfig;
use scape::pool::Notice;
use tokio::time::{sleep, timeout};

pub(crate) use crate::kit::Relay;
use crate::kit::{CONSENSUS, coins, spend, start};
use crate::zone;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than any test.
pub(crate) const AGES: Duration = Duration::from_secs(100_000);

/// How transactions are routed: by the stem with this probability, with this embargo.
pub(crate) fn params(stem: f64, embargo: Duration) -> Params {
    Params { relay_max_lag: 100, ..zone::params(stem, Duration::from_millis(100), embargo) }
}

fn setup(network: Network, way: Way, params: Params, peers: &[PeerAddr], seed: u8) -> ZoneSetup {
    let net = NetConfig::new(CONSENSUS, [seed + 100; 32]);
    ZoneSetup {
        zone: ZoneConfig {
            network,
            params,
            peers: zone::peers(peers.iter().copied()),
            ..ZoneConfig::new(CONSENSUS)
        },
        net: NetConfig { network, way, listen: Some((Ipv4Addr::LOCALHOST, 0).into()), ..net },
        book: BookConfig { network, allow_private: true, ..BookConfig::default() },
        seeds: Vec::new(),
        chain_lag: Duration::ZERO,
        seed: [seed; 32],
    }
}

/// A zone on Tor.
pub(crate) fn tor(proxy: SocketAddr, params: Params, peers: &[PeerAddr], seed: u8) -> ZoneSetup {
    let way = Way::Socks { proxy, isolation: Isolation::PerDial };
    let mut setup = setup(Network::Tor, way, params, peers, seed);
    setup.net.user_agent = ZoneSetup::USER_AGENT.to_owned();
    // A proxy that says nothing is given up soon.
    setup.net.timeouts.dial.answer = Duration::from_secs(1);
    setup.net.timeouts.dial.reach = Duration::from_secs(1);
    setup
}

/// A zone on I2P, through a bridge.
pub(crate) fn i2p(bridge: SocketAddr, params: Params, peers: &[PeerAddr], seed: u8) -> ZoneSetup {
    let way = Way::Sam { bridge, key: None };
    let mut setup = setup(Network::I2p, way, params, peers, seed);
    setup.net.listen = None;
    setup
}

/// A zone in the clear.
pub(crate) fn clearnet(params: Params, peers: &[SocketAddr], seed: u8) -> ZoneSetup {
    let peers: Vec<PeerAddr> = peers.iter().copied().map(PeerAddr::from).collect();
    setup(Network::Clearnet, Way::Direct, params, &peers, seed)
}

impl Relay {
    /// Starts a node with these zones, the main one first.
    pub(crate) async fn start(
        mut setups: Vec<ZoneSetup>,
        origin: &[Network],
        data: Option<&Path>,
    ) -> Self {
        let main = setups.remove(0);
        let config = NodeConfig {
            zone: main.zone,
            net: main.net,
            book: main.book,
            seeds: main.seeds,
            data_dir: data.map(Path::to_owned),
            workers: 1,
            seed: main.seed,
            zones: Zones { others: setups, origin: origin.to_vec() },
        };
        start(config).await.expect("started")
    }

    /// Where one of its zones listens.
    pub(crate) fn addr(&self, network: Network) -> SocketAddr {
        let mut all = self.node.local_addrs().iter();
        all.find(|(zone, _)| *zone == network).expect("it listens there").1
    }

    pub(crate) async fn status(&self) -> Status {
        self.node.status().await.expect("it runs")
    }

    pub(crate) async fn zone(&self, network: Network) -> ZoneStatus {
        let status = self.status().await;
        status.zones.into_iter().find(|zone| zone.network == network).expect("there is one")
    }

    /// Waits until a zone is as it should be.
    pub(crate) async fn until_zone(
        &self,
        network: Network,
        what: &str,
        holds: impl Fn(&ZoneStatus) -> bool,
    ) {
        let search = async {
            while !holds(&self.zone(network).await) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let found = timeout(PATIENCE, search).await;
        assert!(found.is_ok(), "{what}: {:?}", self.zone(network).await);
    }

    pub(crate) async fn until_relay(&self, network: Network) {
        self.until_zone(network, "a relay", |zone| !zone.relays.is_empty()).await;
    }

    /// Where the owner's transaction is.
    pub(crate) async fn own(&self, tx: &Transaction) -> Option<OwnState> {
        let excess = tx.kernels()[0].excess();
        let own = self.node.transaction(excess).await.expect("it runs");
        own.map(|own| own.state)
    }

    pub(crate) async fn until_own(
        &self,
        tx: &Transaction,
        what: &str,
        holds: impl Fn(&OwnState) -> bool,
    ) {
        let search = async {
            while !self.own(tx).await.as_ref().is_some_and(&holds) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let found = timeout(PATIENCE, search).await;
        assert!(found.is_ok(), "{what}: {:?}", self.own(tx).await);
    }

    /// The next thing that happened to this transaction of which `is_it` holds.
    pub(crate) async fn until(&mut self, what: &str, is_it: impl Fn(&Notice) -> bool) {
        let search = async { while !is_it(&self.notices.recv().await.expect("it runs")) {} };
        timeout(PATIENCE, search).await.unwrap_or_else(|_| unreachable!("{what}"));
    }
}

/// A payment, each of another coin.
pub(crate) fn payment(index: u8) -> Transaction {
    spend(coins()[usize::from(index)], index.into()).tx
}

/// The hash by which peers speak of it.
pub(crate) fn kernel(tx: &Transaction) -> Hash {
    *tx.kernels()[0].hash()
}
