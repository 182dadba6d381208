//! Our side: a node with a chain of its own, and transactions that fit the chain.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use scape::chain::DevLedger;
use scape::node::{Node, NodeConfig, Status};
use scape_aggregate::builder::{Coin, Faucet, TxBuilder, parallel, seeded};
use scape_aggregate::{ChainType, Consensus, Transaction};
use scape_p2p::addr::PeerAddr;
use scape_p2p::book::BookConfig;
use scape_p2p::dandelion::{Params, Preset};
use scape_p2p::net::NetConfig;
use scape_p2p::zone::{PeerStatus, PeersConfig, ZoneConfig};
use scape_pool::{Embargo, EmbargoDelay, Notice, Patience, PatienceMode};
use tokio::sync::mpsc;

use super::grin::Grin;
use super::{PATIENCE, eventually};

pub(crate) const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);

/// What every coin is worth, in nanogrin.
const VALUE: u64 = 60_000_000_000;
const COINS: usize = 100;

fn coins() -> Vec<Coin> {
    Faucet::new(1).coins(COINS, VALUE)
}

/// Payments that have nothing to do with each other, each of a coin of the genesis.
pub(crate) fn payments(count: usize) -> Vec<Transaction> {
    build_payments(count, false)
}

/// The same with inputs that say what they spend, so that old peers can be told.
pub(crate) fn payments_with_features(count: usize) -> Vec<Transaction> {
    build_payments(count, true)
}

fn build_payments(count: usize, input_features: bool) -> Vec<Transaction> {
    let coins = coins();
    parallel(2, count, |index, rng| {
        let builder = TxBuilder::new().input(coins[index]).split(1);
        builder.input_features(input_features).build(rng, &CONSENSUS).unwrap().tx
    })
}

/// A payment as a wallet writes it that says what it spends, with more than one of everything.
/// Written without the features its inputs are in another order.
pub(crate) fn elaborate_payment() -> Transaction {
    let builder = TxBuilder::new().inputs(coins().into_iter().rev().take(5)).input_features(true);
    let builder = builder.split(3).kernels(2).height_locked(1);
    builder.build(&mut seeded(3, 0), &CONSENSUS).unwrap().tx
}

pub(crate) fn payment() -> Transaction {
    payments(1).remove(0)
}

/// A node that always stems, waits but a moment for company, and stays connected to `fixed`.
pub(crate) fn config(fixed: &[SocketAddr]) -> NodeConfig {
    let zone = ZoneConfig {
        params: Params {
            stem_probability: 1.0,
            patience: patience(Duration::from_millis(100)),
            embargo: Embargo {
                delay: EmbargoDelay::Exponential { mean: Duration::from_secs(1_000_000) },
                sweep: Duration::from_secs(1),
            },
            fluff_delay: Duration::from_millis(10),
            ..Preset::GrinDoc.params()
        },
        peers: PeersConfig {
            outbound: 1,
            fixed: fixed.iter().copied().map(PeerAddr::from).collect(),
            dial_interval: Duration::from_millis(20),
            ..PeersConfig::default()
        },
        ..ZoneConfig::new(CONSENSUS)
    };
    NodeConfig {
        zone,
        net: net_config(),
        book: BookConfig::default(),
        seeds: Vec::new(),
        zones: Default::default(),
        data_dir: None,
        workers: 1,
        seed: [7; 32],
    }
}

pub(crate) fn patience(interval: Duration) -> Patience {
    Patience { interval, phase: Some(Duration::ZERO), mode: PatienceMode::EveryHop }
}

pub(crate) fn net_config() -> NetConfig {
    let listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    NetConfig { listen, ..NetConfig::new(CONSENSUS, [3; 32]) }
}

/// A running node.
pub(crate) struct Relay {
    pub(crate) node: Node,
    pub(crate) addr: SocketAddr,
    notices: mpsc::UnboundedReceiver<Notice>,
}

impl Relay {
    pub(crate) async fn start(config: NodeConfig) -> Self {
        let outputs = coins().into_iter().map(|coin| (coin.commitment(), coin.features()));
        let (sender, notices) = mpsc::unbounded_channel();
        let ledger = DevLedger::new(CONSENSUS, outputs);
        let node = Node::start(config, ledger, Some(sender)).await.unwrap();
        let addr = node.local_addr().unwrap();
        Self { node, addr, notices }
    }

    /// The next notice to the owner.
    pub(crate) async fn notice(&mut self) -> Notice {
        let next = tokio::time::timeout(PATIENCE, self.notices.recv()).await;
        next.unwrap_or_else(|_| panic!("the owner was told nothing")).unwrap()
    }

    pub(crate) async fn status(&self) -> Status {
        self.node.status().await.unwrap()
    }

    /// The only peer, as soon as it is there and has told its height.
    pub(crate) async fn peer(&self) -> PeerStatus {
        let ready = |status: &Status| status.peers.len() == 1 && status.peers[0].height.is_some();
        eventually("we have a peer", async || ready(&self.status().await)).await;
        self.status().await.peers.remove(0)
    }

    /// Waits until the peer may be given stem transactions.
    pub(crate) async fn relay(&self) {
        eventually("we have a relay", async || self.status().await.relays.len() == 1).await;
    }

    pub(crate) async fn mine(&self) {
        let block = self.node.propose(0).await.unwrap();
        self.node.deliver(block).await.unwrap().unwrap();
    }
}

/// Ends both sides. Ours goes first: Grin's threads see that and need not be waited for.
pub(crate) async fn finish(relay: Relay, grin: Grin) {
    relay.node.shutdown().await;
    grin.stop().await;
}
