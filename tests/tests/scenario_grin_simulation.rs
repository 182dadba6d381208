//! The scenario of Grin's simulation document (`grin/doc/dandelion/simulation.md`), with real
//! transactions through the real codec, second by second.
//!
//! ```text
//! A -> G -> D -> E <- H <- B      arrows: relays; C -> A and F -> E only listen
//! ```

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use std::time::Duration;

use scape_aggregate::builder::{Built, Coin, Faucet, TxBuilder, seeded};
use scape_aggregate::{ChainType, Commitment, Consensus, Hash, Transaction};
use scape_p2p::dandelion::{CoinScope, Params, Preset};
use scape_pool::{Accepted, Embargo, EmbargoDelay, Instant, Notice, Patience, PatienceMode};
use scape_tests::flow::{kernel, kernels};
use scape_tests::net::{Network, NetworkConfig, NodeId, NodeSpec, Observation};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const C: NodeId = NodeId(2);
const D: NodeId = NodeId(3);
const E: NodeId = NodeId(4);
const F: NodeId = NodeId(5);
const G: NodeId = NodeId(6);
const H: NodeId = NodeId(7);
const GRIN: u64 = 1_000_000_000;

/// The three payments of the document.
struct Payments {
    a_to_b: Built,
    g_to_e: Built,
    b_to_d: Built,
    genesis: Vec<Coin>,
}

impl Payments {
    fn new() -> Self {
        let mut rng = seeded(1, 0);
        let genesis = Faucet::new(1).coins(2, 60 * GRIN);
        let mut pay = |coin, value| {
            TxBuilder::new().input(coin).output(value).build(&mut rng, &CONSENSUS).unwrap()
        };
        let a_to_b = pay(genesis[0], 10 * GRIN);
        let g_to_e = pay(genesis[1], 20 * GRIN);
        let b_to_d = pay(a_to_b.coins[0], 5 * GRIN);
        Self { a_to_b, g_to_e, b_to_d, genesis }
    }

    /// The output that A pays and B spends.
    fn b1(&self) -> Commitment {
        self.a_to_b.coins[0].commitment()
    }

    fn kernels(&self) -> [Hash; 3] {
        [&self.a_to_b, &self.g_to_e, &self.b_to_d].map(|built| kernel(&built.tx))
    }
}

/// Patience of 30 s that fires first at `first`. An embargo far away: here it must not help.
fn params(first: u64, stem_probability: f64) -> Params {
    let (interval, phase) = (Duration::from_secs(30), Some(Duration::from_secs(first)));
    let delay = EmbargoDelay::Uniform { base: Duration::from_secs(600), spread: Duration::ZERO };
    Params {
        stem_probability,
        coin: CoinScope::Transaction,
        patience: Patience { interval, phase, mode: PatienceMode::EveryHop },
        embargo: Embargo { delay, sweep: Duration::from_secs(10) },
        epoch: Duration::from_secs(10_000),
        ..Preset::GrinDoc.params()
    }
}

/// The document's network; `b_first` and `h_first` say when B and H fire first.
fn network(payments: &Payments, b_first: u64, h_first: u64) -> Network {
    let genesis = payments.genesis.iter().map(|coin| (coin.commitment(), coin.features()));
    let config = NetworkConfig::new(CONSENSUS, 7).genesis(genesis.collect()).through_codec();
    let mut net = Network::verifying(config);
    let nodes: [(u64, f64, &[NodeId]); 8] = [
        (30, 1.0, &[G]),
        (b_first, 1.0, &[H]),
        (30, 1.0, &[A]),
        (55, 1.0, &[E]),
        (70, 0.0, &[]),
        (30, 1.0, &[E]),
        (45, 1.0, &[D]),
        (h_first, 1.0, &[E]),
    ];
    for (first, probability, relay) in nodes {
        let spec = NodeSpec::new(CONSENSUS).params(params(first, probability));
        net.add(spec.dials(relay.iter().copied()));
    }
    net
}

fn push_at(net: &mut Network, seconds: u64, node: NodeId, tx: &Transaction) {
    let tx = tx.clone();
    net.at(Instant::from_secs(seconds), move |net| {
        net.push(node, tx, false);
    });
}

/// What a node handed to its relay, or fluffed, in the second from `at` on.
fn departures(net: &Network, node: NodeId, at: u64) -> Vec<(Vec<Hash>, usize, usize)> {
    let mine = net.log().iter().filter(|entry| entry.node == node);
    let then = mine.filter(|entry| entry.at.as_micros() / 1_000_000 == at);
    then.filter_map(|entry| match &entry.what {
        Observation::Notice(
            Notice::Relayed { kernels, parts, cut_through }
            | Notice::Fluffed { kernels, parts, cut_through, .. },
        ) => Some((sorted(kernels), *parts, *cut_through)),
        _ => None,
    })
    .collect()
}

fn sorted(kernels: &[Hash]) -> Vec<Hash> {
    let mut kernels = kernels.to_vec();
    kernels.sort();
    kernels
}

fn assert_all_mined(net: &mut Network, payments: &Payments) {
    net.mine(E);
    net.run_for(Duration::from_secs(5));
    for (id, node) in net.nodes() {
        for kernel in payments.kernels() {
            assert!(node.ledger().kernel_height(&kernel).is_some(), "{id} misses {kernel}");
        }
        let counts = node.zone().unwrap().pool().counts();
        assert_eq!((counts.stem, counts.public, counts.orphans), (0, 0, 0), "{id}");
    }
}

/// B has A's transaction from A's wallet. B and H fire every 30 s all along, as the document's
/// nodes do, so the parent has gone ahead when the child follows at 55 s.
#[test]
fn one_aggregate_of_three_with_cut_through() {
    let payments = Payments::new();
    let mut net = network(&payments, 25, 30);
    push_at(&mut net, 5, A, &payments.a_to_b.tx);
    push_at(&mut net, 5, B, &payments.a_to_b.tx);
    push_at(&mut net, 40, G, &payments.g_to_e.tx);
    push_at(&mut net, 50, B, &payments.b_to_d.tx);
    net.run_until(Instant::from_secs(80));
    let [a, g, b] = payments.kernels();
    assert_eq!(departures(&net, A, 30), [(vec![a], 1, 0)]);
    assert_eq!(departures(&net, G, 45), [(sorted(&[a, g]), 2, 0)]);
    assert_eq!(departures(&net, D, 55), [(sorted(&[a, g]), 1, 0)]);
    assert_eq!(departures(&net, B, 55), [(vec![b], 1, 0)]);
    assert_eq!(departures(&net, H, 60), [(vec![b], 1, 0)]);
    assert_eq!(departures(&net, E, 70), [(sorted(&[a, g, b]), 3, 1)]);
    for (id, node) in net.nodes() {
        let pool = node.zone().unwrap().pool();
        let public: Vec<_> = pool.public().collect();
        assert_eq!(public.len(), 1, "{id}");
        assert_eq!(sorted(&kernels(public[0])), sorted(&[a, g, b]), "{id}");
        let b1 = payments.b1();
        assert!(!public[0].outputs().iter().any(|output| output.commitment() == b1), "{id}");
        assert!(!public[0].inputs().iter().any(|input| input.commitment() == b1), "{id}");
        assert_eq!((pool.counts().stem, pool.counts().orphans), (0, 0), "{id}");
    }
    assert!(net.node(C).zone().is_some() && net.node(F).zone().is_some());
    assert_all_mined(&mut net, &payments);
}

/// B does not know A's transaction: its own waits, and goes out when the parent is public.
#[test]
fn without_its_parent_a_spend_waits() {
    let payments = Payments::new();
    let mut net = network(&payments, 25, 30);
    push_at(&mut net, 5, A, &payments.a_to_b.tx);
    push_at(&mut net, 40, G, &payments.g_to_e.tx);
    push_at(&mut net, 50, B, &payments.b_to_d.tx);
    net.run_until(Instant::from_secs(69));
    let counts = net.node(B).zone().unwrap().pool().counts();
    assert_eq!((counts.stem, counts.orphans), (0, 1));
    let waits = |entry: &scape_tests::net::Entry| {
        matches!(entry.what, Observation::Pushed(_, Ok(Accepted::Orphan))) && entry.node == B
    };
    assert!(net.log().iter().any(waits));
    net.run_until(Instant::from_secs(80));
    let [a, g, b] = payments.kernels();
    assert_eq!(departures(&net, E, 70), [(sorted(&[a, g]), 1, 0)]);
    net.mine(E);
    net.run_until(Instant::from_secs(140));
    assert_eq!(departures(&net, B, 85), [(vec![b], 1, 0)]);
    assert_all_mined(&mut net, &payments);
    let height = |kernel| net.node(C).ledger().kernel_height(&kernel).unwrap();
    assert!(height(a) < height(b));
}

/// B fires at 55 s for the first time, so it has to hand the parent over with the child, merged.
/// E, which holds the parent merged with something else, cannot take both apart; B's embargo
/// brings the payment out all the same.
#[test]
fn overlapping_aggregates_cost_time_but_nothing_is_lost() {
    let payments = Payments::new();
    let mut net = network(&payments, 55, 60);
    push_at(&mut net, 5, A, &payments.a_to_b.tx);
    push_at(&mut net, 5, B, &payments.a_to_b.tx);
    push_at(&mut net, 40, G, &payments.g_to_e.tx);
    push_at(&mut net, 50, B, &payments.b_to_d.tx);
    net.run_until(Instant::from_secs(80));
    let [a, g, b] = payments.kernels();
    assert_eq!(departures(&net, B, 55), [(sorted(&[a, b]), 2, 1)]);
    assert_eq!(departures(&net, H, 60), [(sorted(&[a, b]), 1, 0)]);
    assert_eq!(departures(&net, E, 70), [(sorted(&[a, g]), 1, 0)]);
    net.mine(E);
    net.run_until(Instant::from_secs(700));
    assert_all_mined(&mut net, &payments);
}
