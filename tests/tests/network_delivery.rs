//! Whatever happens to a network, what its users hand in is mined, once.

use std::time::Duration;

use rand::RngExt;
use scape_aggregate::builder::seeded;
use scape_aggregate::{ChainType, Consensus, Hash, ValidTx};
use scape_p2p::dandelion::Preset;
use scape_pool::Instant;
use scape_tests::audit::{Audit, history, merged};
use scape_tests::flow::Flow;
use scape_tests::net::{Disk, LinkConfig, Network, NetworkConfig, NodeId, NodeSpec, random_graph};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
/// How long transactions are handed in.
const BUSY: u64 = 300;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A network with a block a minute and transactions of `users`, the first nodes of it.
struct Run {
    seed: u64,
    net: Network,
    audit: Audit,
}

impl Run {
    fn new(seed: u64, nodes: usize, preset: Preset, change: impl Fn(&mut NetworkConfig)) -> Self {
        let mut flow = Flow::new(CONSENSUS, seed, 200);
        let mut config =
            NetworkConfig::new(CONSENSUS, seed).genesis(flow.genesis()).mining(secs(60));
        change(&mut config);
        let mut net = Network::assumed(config);
        for dials in random_graph(nodes, 4, seed) {
            net.add(NodeSpec::new(CONSENSUS).params(preset.params()).dials(dials));
        }
        let mut run = Self { seed, net, audit: Audit::new() };
        run.pay(&mut flow, nodes / 2, 60);
        run
    }

    /// Hands in transactions at random times; a third of them spend an earlier one, half of those
    /// at the node of their payee.
    fn pay(&mut self, flow: &mut Flow, users: usize, count: usize) {
        let mut rng = seeded(self.seed, 3);
        let mut unspent: Vec<(NodeId, ValidTx, u64)> = Vec::new();
        for _ in 0..count {
            let mut node = NodeId(rng.random_range(0..users));
            let mut at = rng.random_range(3_000_000..BUSY * 1_000_000);
            let tx = if rng.random_ratio(1, 3) && !unspent.is_empty() {
                let parent = unspent.swap_remove(rng.random_range(0..unspent.len()));
                at = parent.2 + rng.random_range(100_000..30_000_000);
                node = if rng.random_ratio(1, 2) { parent.0 } else { node };
                flow.child(&parent.1)
            } else {
                flow.tx()
            };
            self.audit.add(&tx);
            unspent.push((node, tx.clone(), at));
            self.net.at(Instant::from_micros(at), move |net| {
                net.push(node, tx.as_transaction().clone(), false);
            });
        }
    }

    /// Runs until everything is mined, and checks what must hold.
    fn finish(mut self, limit: u64) -> Network {
        let seed = self.seed;
        self.net.run_until(Instant::from_secs(2 * BUSY));
        self.net.run_while_not(secs(limit), |net| self.audit.is_settled(net));
        let settled = self.audit.settled(&self.net);
        let ordered = self.audit.ordered(&self.net);
        let unmined =
            |kernel: &Hash| self.net.node(NodeId(0)).ledger().kernel_height(kernel).is_none();
        for kernel in self.audit.kernels().filter(unmined) {
            println!("{}", history(&self.net, &kernel));
        }
        assert_eq!((settled, ordered), (Ok(()), Ok(())), "seed {seed}, {:?}", self.net.now());
        self.net
    }

    fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let nodes = self.net.nodes().count();
        (nodes / 2..nodes).map(NodeId)
    }
}

fn plain(_: &mut NetworkConfig) {}

#[test]
fn every_preset_delivers_and_merges() {
    for (seed, preset) in (10..).zip(Preset::ALL) {
        let net = Run::new(seed, 30, preset, plain).finish(4_000);
        let aggregates: usize = merged(&net).range(2..).map(|(_, count)| count).sum();
        let waits = !preset.params().patience.interval.is_zero();
        assert!(aggregates >= 1 || !waits, "seed {seed}, {preset}: {:?}", merged(&net));
    }
}

#[test]
fn the_real_codec_changes_nothing() {
    let log = |through_codec: bool| {
        let mut run = Run::new(3, 20, Preset::GrinDoc, |config| {
            if through_codec {
                *config = config.clone().through_codec();
            }
        });
        run.net.run_until(Instant::from_secs(2 * BUSY));
        (run.net.events(), run.net.take_log())
    };
    assert_eq!(log(true), log(false));
}

#[test]
fn lossy_links_lose_nothing() {
    for seed in 20..23 {
        let run = Run::new(seed, 30, Preset::GrinDoc, |config| {
            config.link = LinkConfig { loss: 0.2, ..LinkConfig::default() };
        });
        run.finish(8_000);
    }
}

#[test]
fn a_partition_heals() {
    for seed in 30..33 {
        let mut run = Run::new(seed, 30, Preset::GrinDoc, plain);
        let side: Vec<NodeId> = (0..30).step_by(3).map(NodeId).collect();
        run.net.at(Instant::from_secs(60), move |net| net.partition(side));
        run.net.at(Instant::from_secs(400), Network::heal);
        run.finish(8_000);
    }
}

#[test]
fn lost_relays_and_crashed_nodes_lose_nothing() {
    for seed in 40..43 {
        let mut run = Run::new(seed, 30, Preset::GrinDoc, plain);
        let mut rng = seeded(seed, 4);
        for node in run.others() {
            let at = rng.random_range(30..BUSY);
            run.net.at(Instant::from_secs(at), move |net| net.crash(node));
            run.net.at(Instant::from_secs(at + 60), move |net| net.restart(node, Disk::Lost));
        }
        for _ in 0..60 {
            let [a, b] = [0, 0].map(|_| NodeId(rng.random_range(0..30)));
            let at = rng.random_range(10..BUSY);
            run.net.at(Instant::from_secs(at), move |net| net.disconnect(a, b));
        }
        run.finish(8_000);
    }
}

#[test]
fn reorgs_lose_nothing() {
    for seed in 50..53 {
        let mut run = Run::new(seed, 20, Preset::GrinDoc, plain);
        for at in [150, 250, 330, 470] {
            run.net.at(Instant::from_secs(at), |net| net.reorg(NodeId(0), 2, &[]));
        }
        run.finish(8_000);
    }
}

#[test]
fn everything_at_once_loses_nothing() {
    for seed in 60..63 {
        let mut run = Run::new(seed, 50, Preset::GrinDoc, |config| {
            config.link.loss = 0.05;
        });
        let mut rng = seeded(seed, 4);
        for node in run.others().step_by(2) {
            let at = rng.random_range(30..BUSY);
            run.net.at(Instant::from_secs(at), move |net| net.crash(node));
            run.net.at(Instant::from_secs(at + 60), move |net| net.restart(node, Disk::Lost));
        }
        let side: Vec<NodeId> = (0..50).step_by(4).map(NodeId).collect();
        run.net.at(Instant::from_secs(100), move |net| net.partition(side));
        run.net.at(Instant::from_secs(220), Network::heal);
        run.net.at(Instant::from_secs(330), |net| net.reorg(NodeId(1), 3, &[]));
        run.finish(8_000);
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let digest = |seed| {
        let mut run = Run::new(seed, 20, Preset::Scape, |config| config.link.loss = 0.01);
        run.net.run_until(Instant::from_secs(BUSY));
        (run.net.digest(), run.net.events())
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}

/// Nobody merges here, for of two overlapping aggregates a node can hold only one.
#[test]
fn a_fluff_reaches_everyone() {
    let mut run = Run::new(5, 40, Preset::Monero, |config| config.mining = None);
    run.net.run_until(Instant::from_secs(BUSY + 1_000));
    for (id, node) in run.net.nodes() {
        let pool = node.zone().unwrap().pool();
        for kernel in run.audit.kernels() {
            assert!(pool.knows_public(&kernel), "seed 5: {id} misses {kernel}");
        }
        assert_eq!((pool.counts().stem, pool.counts().orphans), (0, 0), "seed 5: {id}");
    }
}

/// Aggregates that overlap cost the owner's transactions here: when an aggregate with one part of a
/// family conflicts, the pool gives up the owner's own child of it, and does not keep which own
/// transaction is inside somebody else's aggregate that may lose to a block.
#[test]
fn overlapping_aggregates_lose_nothing() {
    Run::new(3, 20, Preset::GrinDoc, plain).finish(4_000);
    let lossy = |config: &mut NetworkConfig| config.link.loss = 0.2;
    Run::new(105, 30, Preset::GrinDoc, lossy).finish(4_000);
}
