//! A whole node beside a Grin node that comes and goes.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use scape_aggregate::builder::{Coin, Faucet, TxBuilder, seeded};
use scape_aggregate::{ChainType, Consensus, Hash, Transaction};
use scape_p2p::addr::PeerAddr;
use scape_p2p::book::BookConfig;
use scape_p2p::dandelion::{Params, Preset};
use scape_p2p::net::NetConfig;
use scape_p2p::zone::{PeersConfig, ZoneConfig};
use scape_pool::{
    Accepted, Embargo, EmbargoDelay, FluffReason, Notice, Patience, PatienceMode, Source,
};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::follower::config;
use super::server::{FakeChain, FakeGrin, Mood};
use crate::chain::{Chain, ChainAway, ChainState, ChainStatus, DevLedger, GrinChain, GrinConfig};
use crate::node::{JournalState, LedgerError, Node, NodeConfig, PushFailed, Status};

const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);
const GRACE: Duration = Duration::from_millis(300);

fn coins() -> Vec<Coin> {
    Faucet::new(1).coins(4, 60_000_000_000)
}

fn server() -> FakeGrin {
    let coins = coins().into_iter().map(|coin| (coin.commitment(), coin.features()));
    let mut chain = FakeChain::new(coins);
    chain.grow(3, 0, 1);
    FakeGrin::start(chain)
}

fn follow(server: &FakeGrin) -> Chain {
    GrinChain::start(GrinConfig { grace: GRACE, ..config(server) }).into()
}

fn payment(index: usize) -> Transaction {
    let builder = TxBuilder::new().input(coins()[index]).split(1);
    builder.build(&mut seeded(1, index as u64), &CONSENSUS).expect("a payment").tx
}

fn kernels(tx: &Transaction) -> Vec<Hash> {
    tx.kernels().iter().map(|kernel| *kernel.hash()).collect()
}

struct Running {
    node: Node,
    notices: mpsc::UnboundedReceiver<Notice>,
}

/// A node that always stems, to `relay` if there is one, at once, with this embargo.
async fn start(
    chain: impl Into<Chain>,
    relay: Option<SocketAddr>,
    embargo: Duration,
    data_dir: Option<&Path>,
) -> Running {
    let interval = Duration::from_millis(50);
    let delay = EmbargoDelay::Uniform { base: embargo, spread: Duration::ZERO };
    let zone = ZoneConfig {
        params: Params {
            stem_probability: 1.0,
            patience: Patience { interval, phase: Some(interval), mode: PatienceMode::EveryHop },
            embargo: Embargo { delay, sweep: Duration::from_millis(100) },
            fluff_delay: Duration::from_millis(10),
            ..Preset::GrinDoc.params()
        },
        peers: PeersConfig {
            outbound: usize::from(relay.is_some()),
            fixed: relay.into_iter().map(PeerAddr::from).collect::<BTreeSet<_>>(),
            dial_interval: Duration::from_millis(20),
            ..PeersConfig::default()
        },
        ..ZoneConfig::new(CONSENSUS)
    };
    let listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let mut net = NetConfig { listen, ..NetConfig::new(CONSENSUS, [3; 32]) };
    net.timeouts.ping = Duration::from_millis(200);
    let config = NodeConfig {
        zone,
        net,
        book: BookConfig::default(),
        seeds: Vec::new(),
        zones: Default::default(),
        data_dir: data_dir.map(Path::to_owned),
        workers: 1,
        seed: [7; 32],
    };
    let (sender, notices) = mpsc::unbounded_channel();
    let node = Node::start(config, chain, Some(sender)).await.expect("it starts");
    Running { node, notices }
}

impl Running {
    async fn notice(&mut self, wanted: impl Fn(&Notice) -> bool) {
        let search = async { while !wanted(&self.notices.recv().await.expect("the node runs")) {} };
        timeout(Duration::from_secs(20), search).await.expect("a notice in time");
    }

    fn notices(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.notices.try_recv().ok()).collect()
    }

    async fn status(&self) -> Status {
        self.node.status().await.expect("the node runs")
    }

    async fn until(&self, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
        let search = async {
            loop {
                let status = self.status().await;
                if holds(&status) {
                    return status;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(20), search).await.expect(what)
    }

    async fn until_ready(&self) {
        self.until("ready", |status| state(status) == ChainState::Ready).await;
    }

    async fn until_away(&self) {
        self.until(
            "away",
            |status| matches!(state(status), ChainState::Away { lasting, .. } if lasting > GRACE),
        )
        .await;
    }
}

fn state(status: &Status) -> ChainState {
    match &status.chain {
        ChainStatus::Grin { state, .. } => state.clone(),
        ChainStatus::Embedded => panic!("it is a Grin node"),
    }
}

fn is_mined(tx: &Transaction, at: u64) -> impl Fn(&Notice) -> bool {
    let mined = Notice::Mined { kernels: kernels(tx), height: at };
    move |notice| *notice == mined
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_refused_while_the_node_is_away_and_all_goes_on_after_it() {
    let mut server = server();
    let mut running = start(follow(&server), None, Duration::from_secs(600), None).await;
    running.until_ready().await;
    let first = payment(0);
    assert_eq!(running.node.push(first.clone(), false).await, Ok(Accepted::Stem));
    // No relay: it is fluffed.
    running.notice(|notice| matches!(notice, Notice::Fluffed { .. })).await;

    server.go_away();
    running.until_away().await;
    let refused = running.node.push(payment(1), false).await;
    assert!(matches!(refused, Err(PushFailed::ChainAway(ChainAway::Away { .. }))), "{refused:?}");
    assert_eq!(running.status().await.pools.public, 1);

    server.chain().mine(&first);
    let height = server.chain().tip().height;
    server.come_back();
    running.notice(is_mined(&first, height)).await;
    running.until_ready().await;
    assert_eq!(running.status().await.tip, server.chain().tip());
    assert_eq!(running.node.push(payment(1), true).await, Ok(Accepted::Public));
    // And a fork takes it out again.
    server.chain().fork(1);
    server.chain().grow(2, 0, 1);
    running.notice(|n| *n == Notice::Unmined { kernels: kernels(&first) }).await;
    assert_eq!(running.status().await.pools.public, 2);
    assert_eq!(running.node.propose(0).await, Err(LedgerError::NotEmbedded));
    running.node.shutdown().await;
}

/// What the journal holds is not judged by a chain that is not there yet.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_waits_for_the_chain() {
    let mut server = server();
    let folder = tempfile::tempdir().expect("a folder");
    let data = Some(folder.path());
    let embargo = Duration::from_secs(600);
    // A relay as high as we are, to which all coins are unknown: it keeps what it gets.
    let mut ledger = DevLedger::new(CONSENSUS, []);
    for salt in 0..5 {
        ledger.accept(ledger.propose([], salt)).expect("a good block");
    }
    let sink = start(ledger, None, embargo, None).await;
    let running = start(follow(&server), sink.node.local_addr(), embargo, data).await;
    running.until_ready().await;
    running.until("a relay", |status| !status.relays.is_empty()).await;
    for index in 0..2 {
        assert_eq!(running.node.push(payment(index), false).await, Ok(Accepted::Stem));
    }
    running.node.shutdown().await;

    server.chain().mine(&payment(0));
    let height = server.chain().tip().height;
    server.go_away();
    let mut running = start(follow(&server), sink.node.local_addr(), embargo, data).await;
    running.until_away().await;
    let refused = running.node.push(payment(2), false).await;
    assert!(matches!(refused, Err(PushFailed::ChainAway(_))), "{refused:?}");
    assert_eq!(running.notices(), []);
    let kept = JournalState::Safe { records: 2, unreadable: 0 };
    assert_eq!(running.status().await.journal, kept);
    // Stopping meanwhile loses nothing either.
    running.node.shutdown().await;
    let mut running = start(follow(&server), sink.node.local_addr(), embargo, data).await;
    running.until_away().await;

    server.come_back();
    running.notice(is_mined(&payment(0), height)).await;
    let status = running.until("restored", |status| status.pools.stem == 1).await;
    assert_eq!(status.journal, JournalState::Safe { records: 1, unreadable: 0 });
    let conflicted = |notice: &Notice| matches!(notice, Notice::Conflicted { .. });
    assert!(!running.notices().iter().any(conflicted));
    running.node.shutdown().await;
    sink.node.shutdown().await;
}

/// A relay that does not know the chain takes nothing and blames nobody; who sent it fluffs it.
#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_peers_are_let_go_until_the_chain_is_known() {
    let server = server();
    server.chain().mood = Mood::Locked;
    let mut relay = start(follow(&server), None, Duration::from_secs(600), None).await;
    let coins = coins().into_iter().map(|coin| (coin.commitment(), coin.features()));
    let ledger = DevLedger::new(CONSENSUS, coins);
    let mut sender = start(ledger, relay.node.local_addr(), Duration::from_secs(1), None).await;
    sender.until("a relay", |status| !status.relays.is_empty()).await;
    // A tip of zero is the truth, and nothing to be blamed for.
    assert_eq!(relay.status().await.tip.height, 0);
    assert_eq!(sender.node.push(payment(0), false).await, Ok(Accepted::Stem));
    sender.notice(|n| matches!(n, Notice::Relayed { .. })).await;
    sender.notice(|n| matches!(n, Notice::Fluffed { reason: FluffReason::Embargo, .. })).await;
    assert_eq!(sender.node.push(payment(1), true).await, Ok(Accepted::Public));
    sleep(Duration::from_millis(300)).await;
    assert_eq!((relay.notices(), relay.status().await.pools.public), (vec![], 0));
    assert_eq!(relay.status().await.peers.len(), 1);

    server.chain().mood = Mood::Good;
    relay.until_ready().await;
    assert_eq!(relay.status().await.peers.len(), 1);
    assert_eq!(sender.node.push(payment(2), false).await, Ok(Accepted::Stem));
    relay.notice(|n| matches!(n, Notice::Stemmed { source: Source::Peer(_), .. })).await;
    relay.node.shutdown().await;
    sender.node.shutdown().await;
}
