//! Nodes whose stem is hidden in white noise, over real links.

#[path = "kit/config.rs"]
mod config;
mod kit;

use std::time::Duration;

use scape::aggregate::Transaction;
use scape::p2p::addr::PeerAddr;
use scape::p2p::dandelion::{Params, Preset};
use scape::p2p::noise::NoiseConfig;
use scape::p2p::secure::Policy;
use scape::p2p::zone::{PeersConfig, ZoneConfig};
use scape::pool::{FluffReason, Notice, Patience, WayOut};
use tokio::time::timeout;

use config::config;
use kit::{CONSENSUS, Relay, coins, spend, start};

const PATIENTLY: Duration = Duration::from_secs(60);
/// No time between two frames is shorter.
const INTERVAL: Duration = Duration::from_millis(400);

/// One that dials the other, if there is one; its coin says stem with this probability.
async fn relay(stem_probability: f64, encryption: Policy, other: Option<&Relay>) -> Relay {
    let spread = INTERVAL / 2;
    let lead = INTERVAL / 4;
    let noise = NoiseConfig { interval: INTERVAL, spread, lead, ..NoiseConfig::DEFAULT };
    let noise = (encryption != Policy::Never).then(|| noise.check().expect("possible"));
    let preset = Preset::GrinDoc.params();
    let patience = Patience { interval: Duration::from_millis(100), ..preset.patience };
    let fixed = other.iter().filter_map(|relay| relay.node.local_addr()).map(PeerAddr::from);
    let peers = PeersConfig { fixed: fixed.collect(), outbound: 1, ..PeersConfig::default() };
    let params = Params { stem_probability, patience, ..preset };
    let zone = ZoneConfig { params, noise, peers, ..ZoneConfig::new(CONSENSUS) };
    let mut config = config(zone, other.is_some().into());
    config.net.encryption = encryption;
    start(config).await.expect("started")
}

fn payment() -> Transaction {
    spend(coins()[0], 1).tx
}

impl Relay {
    /// The first notice of which there is something to say.
    async fn first<T>(&mut self, say: impl Fn(Notice) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(said) = say(self.notices.recv().await.expect("it runs")) {
                    return said;
                }
            }
        };
        timeout(PATIENTLY, found).await.expect("soon")
    }
}

#[tokio::test]
async fn a_transaction_goes_on_in_a_frame_and_is_fluffed_by_the_other() {
    let mut bob = relay(0.0, Policy::Offered, None).await;
    let mut alice = relay(1.0, Policy::Offered, Some(&bob)).await;
    alice.node.push(payment(), false).await.expect("taken");
    let relayed = |notice| matches!(notice, Notice::Relayed { .. }).then_some(());
    alice.first(relayed).await;
    let fluffed = |notice| match notice {
        Notice::Fluffed { reason, .. } => Some(reason),
        _ => None,
    };
    assert_eq!(bob.first(fluffed).await, FluffReason::Coin);
    let seen = |notice| match notice {
        Notice::Seen { .. } => Some(true),
        Notice::Fluffed { .. } => Some(false),
        _ => None,
    };
    assert!(alice.first(seen).await, "alice fluffs nothing herself");
}

#[tokio::test]
async fn who_cannot_encrypt_gets_nothing() {
    let bob = relay(0.0, Policy::Never, None).await;
    let mut alice = relay(1.0, Policy::Offered, Some(&bob)).await;
    alice.node.push(payment(), false).await.expect("taken");
    let gone = |notice| match notice {
        Notice::Held { .. } => Some(true),
        Notice::Relayed { .. } => Some(false),
        _ => None,
    };
    assert!(alice.first(gone).await, "it waits for somebody who can");
    let zones = alice.node.status().await.expect("it runs").zones;
    assert!(zones[0].noise && zones[0].way_out == WayOut::Shut, "and the owner is told");
    assert_eq!(bob.node.status().await.expect("it runs").pools.stem, 0);
}
