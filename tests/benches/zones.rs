//! What a zone costs: how much later its transactions are told to everybody, in virtual time, and the
//! processor time of a node that has nothing to say.
//!
//! ```text
//! cargo bench -p scape-tests --bench zones
//! ```
//!
//! Links take 50 to 150 ms in all zones, so what circuits take comes on top.

#![expect(clippy::unwrap_used, reason = "a bench may panic as tests may")]

#[path = "../kit/config.rs"]
mod config;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;
use rand::seq::IteratorRandom;
use scape::chain::DevLedger;
use scape::node::Node;
use scape_aggregate::builder::seeded;
use scape_aggregate::{ChainType, Consensus, Hash};
use scape_p2p::addr::{Network as Kind, PeerAddr};
use scape_p2p::dandelion::Preset;
use scape_p2p::noise::{NoiseConfig, ValidNoise};
use scape_p2p::secure::Policy;
use scape_p2p::zone::{PeersConfig, ZoneConfig};
use scape_pool::{Instant, Notice};
use scape_tests::flow::{Flow, Mint, kernel};
use scape_tests::net::{Network, NetworkConfig, NodeId, NodeSpec, Observation};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
/// Nodes in the clear; each has as many peers, and a zone on Tor where there are any.
const NODES: usize = 30;
const PAYMENTS: usize = 100;
/// How long transactions are handed in, and how long the last ones have.
const BUSY: u64 = 3_600;
const LATER: u64 = 1_800;

/// Which zone the owner's transactions leave by.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    kind: Kind,
    noise: bool,
}

const WAYS: [Way; 4] = [
    Way { name: "clearnet", kind: Kind::Clearnet, noise: false },
    Way { name: "clearnet, noise", kind: Kind::Clearnet, noise: true },
    Way { name: "Tor", kind: Kind::Tor, noise: false },
    Way { name: "Tor, noise", kind: Kind::Tor, noise: true },
];

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let (seeds, idle) = if quick { (1, 2) } else { (8, 120) };
    for preset in [Preset::Scape, Preset::Grin5] {
        println!("{preset}, seconds from the push until the first one tells everybody:");
        for way in WAYS {
            let mut waits: Vec<_> = (1..=seeds).flat_map(|seed| waits(seed, preset, way)).collect();
            waits.sort_unstable();
            let at = |share: f64| waits[(share * (waits.len() - 1) as f64) as usize].as_secs_f64();
            let (half, most) = (at(0.5), at(0.9));
            println!("  {:16} median {half:6.1}  90% {most:6.1}  of {}", way.name, waits.len());
        }
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("processor time of two nodes that are linked and idle, for {idle} s:");
    for (name, noise) in [("without noise", false), ("with noise", true)] {
        let used = runtime.block_on(idle_for(Duration::from_secs(idle), noise));
        let share = used.as_secs_f64() / idle as f64 / 2.0;
        println!(
            "  {name:16} {:.1} ms, {:.4}% of a core each",
            used.as_secs_f64() * 1e3,
            100.0 * share
        );
    }
}

fn noise() -> ValidNoise {
    NoiseConfig::DEFAULT.check().unwrap()
}

/// How long each payment of one network took.
fn waits(seed: u64, preset: Preset, way: Way) -> Vec<Duration> {
    let (mut flow, mint) = (Flow::new(CONSENSUS, seed, PAYMENTS), Mint::new());
    let config = NetworkConfig::new(CONSENSUS, seed).genesis(flow.genesis());
    let mut net = Network::new(config.mining(Duration::from_secs(60)), mint.clone());
    let is_hidden = way.kind != Kind::Clearnet;
    for index in 0..if is_hidden { 2 * NODES } else { NODES } {
        let spec = NodeSpec::new(CONSENSUS).params(preset.params()).encrypts();
        let spec = match index.checked_sub(NODES) {
            None => spec.knows((0..NODES).map(NodeId), 8),
            Some(public) => {
                let spec = NodeSpec { mines: false, ..spec }.on(way.kind).beside(NodeId(public));
                spec.knows((NODES..2 * NODES).map(NodeId), 8)
            }
        };
        let noisy = way.noise && is_hidden == (index >= NODES);
        net.add(if noisy { spec.noisy(noise()) } else { spec });
    }
    let mut rng = seeded(seed, 1);
    let mut pushed = BTreeMap::new();
    for _ in 0..PAYMENTS {
        let (tx, at) = (flow.tx(), Instant::from_secs(rng.random_range(300..BUSY)));
        let from = (0..NODES).choose(&mut rng).unwrap() + if is_hidden { NODES } else { 0 };
        mint.add(&tx);
        pushed.insert(kernel(tx.as_transaction()), at);
        net.at(at, move |net| {
            net.push(NodeId(from), tx.as_transaction().clone(), false);
        });
    }
    net.run_until(Instant::from_secs(BUSY + LATER));
    let mut first: BTreeMap<Hash, Duration> = BTreeMap::new();
    for entry in net.log().iter().filter(|entry| entry.node.0 < NODES) {
        if let Observation::Notice(Notice::Fluffed { kernels, .. }) = &entry.what {
            for (kernel, at) in kernels.iter().filter_map(|k| pushed.get_key_value(k)) {
                first.entry(*kernel).or_insert(entry.at.saturating_since(*at));
            }
        }
    }
    assert_eq!(first.len(), PAYMENTS, "seed {seed}: all are fluffed");
    first.into_values().collect()
}

/// The processor time of all threads while two nodes of this process have nothing to say.
async fn idle_for(time: Duration, noise: bool) -> Duration {
    let called = node(None, noise).await;
    let caller = node(called.local_addr(), noise).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(caller.status().await.unwrap().zones[0].peers.len(), 1, "they are linked");
    let before = processor_time();
    tokio::time::sleep(time).await;
    processor_time() - before
}

async fn node(other: Option<SocketAddr>, noise: bool) -> Node {
    let fixed = other.into_iter().map(PeerAddr::from).collect();
    let peers = PeersConfig { fixed, outbound: 1, ..PeersConfig::default() };
    let noise = noise.then(self::noise);
    let zone = ZoneConfig { noise, peers, ..ZoneConfig::new(CONSENSUS) };
    let mut config = config::config(zone, other.is_some().into());
    config.net.encryption = Policy::Offered;
    Node::start(config, DevLedger::new(CONSENSUS, []), None).await.unwrap()
}

/// What the threads that are alive have used, as Linux counts it.
fn processor_time() -> Duration {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let used = threads.filter_map(|thread| {
        let counted = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        counted.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(used.sum())
}
