//! Relays that meet at a sink, over real links.

#[path = "kit/config.rs"]
mod config;
mod kit;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use scape::aggregate::Transaction;
use scape::p2p::addr::{Network, PeerAddr};
use scape::p2p::dandelion::{Params, Preset, RendezvousParams};
use scape::p2p::noise::{NoiseConfig, ValidNoise};
use scape::p2p::peer::Direction;
use scape::p2p::zone::{PeersConfig, ZoneConfig};
use scape::pool::{FluffReason, Notice, Rendezvous};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use config::config;
use kit::{CONSENSUS, Relay, coins, spend, start};

const RELAYS: usize = 5;
const PATIENTLY: Duration = Duration::from_secs(60);

/// Whether what is sealed goes in frames of white noise.
#[derive(Clone, Copy, PartialEq)]
enum Wire {
    Bare,
    Noisy,
}

/// As the default, but for a window of seconds and a relay behind that may not ping for a while.
fn params(wire: Wire) -> Params {
    // Some frames, each after a second, and a hold of up to two.
    let secs = if wire == Wire::Noisy { 8 } else { 2 };
    let (window, spread) = (Duration::from_secs(secs), Duration::ZERO);
    let pool = Rendezvous { window, spread, attempts: 2 };
    let rendezvous = Some(RendezvousParams { pool, forward: 0.5, company: 2.5, least_known: 3 });
    let fluff_delay = Duration::from_millis(10);
    Params { rendezvous, relay_max_lag: 100, fluff_delay, ..Preset::Scape.params() }
}

fn peers(others: impl Iterator<Item = SocketAddr>) -> PeersConfig {
    let fixed: BTreeSet<_> = others.map(PeerAddr::from).collect();
    let dial_interval = Duration::from_millis(20);
    PeersConfig { outbound: fixed.len(), fixed, dial_interval, ..PeersConfig::default() }
}

fn noise() -> ValidNoise {
    let [interval, spread, lead] = [1_000, 200, 500].map(Duration::from_millis);
    let noise = NoiseConfig { interval, spread, lead, ..NoiseConfig::DEFAULT };
    noise.check().expect("possible")
}

async fn relay(index: usize, wire: Wire) -> Relay {
    let zone = ZoneConfig {
        params: params(wire),
        noise: (wire == Wire::Noisy).then(noise),
        peers: peers(std::iter::empty()),
        ..ZoneConfig::new(CONSENSUS)
    };
    let mut config = config(zone, index as u8 + 1);
    // A machine that is busy with other tests loses no link.
    config.net.timeouts.late = PATIENTLY;
    start(config).await.expect("started")
}

/// Relays that all have connected to all others.
async fn mesh(wire: Wire) -> Vec<Relay> {
    let mut relays = Vec::new();
    for index in 0..RELAYS {
        relays.push(relay(index, wire).await);
    }
    let addrs: Vec<_> = relays.iter().map(|r| r.node.local_addr().expect("it listens")).collect();
    for (relay, own) in relays.iter().zip(&addrs) {
        let others = peers(addrs.iter().copied().filter(|addr| addr != own));
        relay
            .node
            .handle()
            .configure(vec![(Network::Clearnet, params(wire), others)])
            .await
            .expect("it runs");
    }
    for relay in &relays {
        let connected = async {
            loop {
                let status = relay.node.status().await.expect("it runs");
                let out = status.peers.iter().filter(|p| p.direction == Direction::Outbound);
                if out.filter(|peer| peer.protection.is_encrypted()).count() == RELAYS - 1 {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENTLY, connected).await.expect("connected to all");
    }
    relays
}

fn payment(index: usize) -> Transaction {
    spend(coins()[index], index as u64).tx
}

/// How many were merged in what a relay fluffs first.
async fn gathered(relay: &mut Relay) -> usize {
    loop {
        let notice = relay.notices.recv().await.expect("it runs");
        if let Notice::Fluffed { parts, reason, .. } = notice {
            assert_eq!(reason, FluffReason::Gathered, "nothing else makes one fluff");
            return parts;
        }
    }
}

#[tokio::test]
async fn what_several_relays_push_is_fluffed_by_one_that_cannot_say_whose_it_was() {
    let mut gathered = meet(Wire::Bare).await;
    let mut parts = Vec::new();
    for _ in 0..2 {
        parts.push(timeout(PATIENTLY, gathered.recv()).await.expect("in time").expect("a number"));
    }
    parts.sort_unstable();
    assert_eq!(parts, [1, RELAYS - 1]);
}

/// On a busy machine a link may be lost, and what was in its frames is sealed anew too late for the
/// others. So some have to meet, not all.
#[tokio::test]
async fn what_several_relays_push_meets_under_noise_as_well() {
    let mut gathered = meet(Wire::Noisy).await;
    let together = async { while gathered.recv().await.expect("some meet") == 1 {} };
    timeout(PATIENTLY, together).await.expect("in time");
}

/// How many transactions relays fluff together that each push one.
async fn meet(wire: Wire) -> mpsc::UnboundedReceiver<usize> {
    let mut relays = mesh(wire).await;
    // The epoch that begins at height 30 is chosen by block 20, when all keys were known.
    for salt in 0..30 {
        let block = relays[0].node.propose(salt).await.expect("it runs");
        for relay in &relays {
            relay.node.deliver(block.clone()).await.expect("it runs").expect("a good block");
        }
    }
    for (index, relay) in relays.iter().enumerate() {
        relay.node.push(payment(index), false).await.expect("taken");
    }
    // The elected one seals its own to the next best.
    let (sender, done) = mpsc::unbounded_channel();
    for mut relay in relays.drain(..) {
        let sender = sender.clone();
        tokio::spawn(async move {
            let parts = gathered(&mut relay).await;
            // Who has heard enough does not wait for it.
            let _ = sender.send(parts);
        });
    }
    done
}
