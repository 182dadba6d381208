//! The chain view follows a real Grin node.

use std::collections::BTreeSet;
use std::time::Duration;

use scape::chain::{ChainState, ChainStatus, GrinChain, GrinConfig};
use scape::node::{Node, PushFailed, Status};
use scape::rpc::Secret;
use scape_aggregate::{Hash, Transaction};
use scape_p2p::dandelion::{Params, Preset};
use scape_p2p::zone::{PeersConfig, ZoneConfig};
use scape_pool::{Accepted, Notice, Patience, PatienceMode};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::CONSENSUS;
use crate::config::config;
use crate::grin::Grin;
use crate::keys::Keys;

struct Running {
    node: Node,
    notices: mpsc::UnboundedReceiver<Notice>,
}

/// A node beside a Grin node, which is its chain and its relay.
async fn beside(grin: &Grin, poll: Duration) -> Running {
    let interval = Duration::from_secs(3);
    let patience = Patience { interval, phase: None, mode: PatienceMode::EveryHop };
    let zone = ZoneConfig {
        params: Params { stem_probability: 1.0, patience, ..Preset::GrinDoc.params() },
        peers: PeersConfig {
            outbound: 1,
            fixed: BTreeSet::from([grin.p2p().into()]),
            dial_interval: Duration::from_millis(200),
            ..PeersConfig::default()
        },
        ..ZoneConfig::new(CONSENSUS)
    };
    let chain = GrinChain::start(GrinConfig {
        url: grin.url(),
        secret: Some(Secret::load(&grin.foreign_secret()).unwrap()),
        consensus: CONSENSUS,
        reorg_depth: 60,
        poll,
        grace: Duration::from_secs(1),
        seed: [5; 32],
    });
    let (sender, notices) = mpsc::unbounded_channel();
    let node = Node::start(config(zone, 7), chain, Some(sender)).await.unwrap();
    Running { node, notices }
}

impl Running {
    async fn until(&self, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
        let mut status = self.node.status().await.unwrap();
        let search = async {
            while !holds(&status) {
                sleep(Duration::from_millis(100)).await;
                status = self.node.status().await.unwrap();
            }
        };
        let found = timeout(Duration::from_secs(120), search).await;
        assert!(found.is_ok(), "not {what}: {:?} at {:?}", status.chain, status.tip);
        status
    }

    async fn until_ready(&self) {
        self.until("ready", |status| state(status) == ChainState::Ready).await;
    }

    /// Until it has a block of the node's that it had not.
    async fn until_it_follows(&self, grin: &Grin) {
        let from = self.node.status().await.unwrap().tip.height;
        let status = self.until("followed", |status| status.tip.height > from).await;
        let hash = grin.hash_at(status.tip.height).await;
        assert_eq!(hash, Some(status.tip.hash.to_string()));
    }

    async fn until_mined(&mut self, txs: &[Transaction]) {
        let mut missing: BTreeSet<Hash> = txs.iter().map(|tx| *tx.kernels()[0].hash()).collect();
        let search = async {
            while !missing.is_empty() {
                if let Notice::Mined { kernels, .. } = self.notices.recv().await.unwrap() {
                    missing.retain(|kernel| !kernels.contains(kernel));
                }
            }
        };
        timeout(Duration::from_secs(180), search).await.expect("mined");
    }
}

fn state(status: &Status) -> ChainState {
    let ChainStatus::Grin { state, .. } = &status.chain else { unreachable!("it is a Grin node") };
    state.clone()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the program grin, named by SCAPE_GRIN"]
async fn a_real_node_is_followed_through_restarts_and_forks() {
    let keys = Keys::start().await;
    let mut grin = Grin::start(&keys.url()).await;
    grin.until_height(8).await;
    // An hour is too long to be of help: its messages tell of its blocks.
    let told = beside(&grin, Duration::from_secs(3_600)).await;
    told.until_ready().await;
    told.until("connected", |status| !status.relays.is_empty()).await;
    told.until_it_follows(&grin).await;
    told.until_it_follows(&grin).await;
    told.node.shutdown().await;

    let mut running = beside(&grin, Duration::from_secs(5)).await;
    running.until_ready().await;
    running.until("connected", |status| !status.relays.is_empty()).await;
    // Rewards of its own mining, merged, go to it as one, and come back in blocks.
    let mature = grin.unspent_rewards(&keys, 3).await;
    let txs: Vec<_> = mature[..3].iter().map(|reward| keys.spend(reward)).collect();
    for tx in &txs {
        assert_eq!(running.node.push(tx.clone(), false).await, Ok(Accepted::Stem));
    }
    running.until_mined(&txs).await;

    // It forgets its last blocks and mines others.
    let height = running.node.status().await.unwrap().tip.height;
    grin.reset_to(height - 4).await;
    running.until_ready().await;
    running.until_it_follows(&grin).await;
    running.until_it_follows(&grin).await;

    // It goes away, and comes back with another chain: Grin's own start of a network of one's own
    // fails where it finds blocks (5.5.2 looks for a genesis without its proof of work).
    grin.stop();
    running.until("away", |status| {
        matches!(state(status), ChainState::Away { lasting, .. } if lasting.as_secs() > 1)
    })
    .await;
    let tx = keys.spend(&mature[3]);
    let refused = running.node.push(tx.clone(), true).await;
    assert!(matches!(refused, Err(PushFailed::ChainAway(_))), "{refused:?}");
    grin.start_over().await;
    grin.until_height(6).await;
    running.until_ready().await;
    running.until_it_follows(&grin).await;
    // What the old chain held is no more; what the new one holds is there.
    assert_eq!(running.node.push(tx, false).await, Ok(Accepted::Orphan));
    let tx = keys.spend(&grin.unspent_rewards(&keys, 0).await[0]);
    assert_eq!(running.node.push(tx.clone(), true).await, Ok(Accepted::Public));
    running.until_mined(&[tx]).await;

    // A node that starts now sees the same.
    let second = beside(&grin, Duration::from_secs(5)).await;
    second.until_ready().await;
    let tip = second.node.status().await.unwrap().tip;
    assert_eq!(grin.hash_at(tip.height).await, Some(tip.hash.to_string()));
    second.node.shutdown().await;
    running.node.shutdown().await;
}
