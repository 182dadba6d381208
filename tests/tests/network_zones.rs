//! Several networks beside each other, and nodes that are on two of them.

use std::collections::BTreeSet;
use std::time::Duration;

use scape_aggregate::{ChainType, Consensus, Hash, Transaction, ValidTx};
use scape_p2p::addr::Network as AddrNetwork;
use scape_p2p::dandelion::Preset;
use scape_pool::{Instant, Notice, Source};
use scape_tests::flow::{Flow, Mint};
use scape_tests::invariant::{Invariants, Law};
use scape_tests::net::{
    Behaviour, Network, NetworkConfig, Node, NodeId, NodeSpec, Observation, Pass, Scope,
};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
/// How many nodes there are on each network.
const NODES: usize = 6;
/// The first one in the clear.
const PUBLIC: NodeId = NodeId(NODES);

/// Nodes on Tor, which know one of them by name, and as many in the clear.
fn beside_each_other(genesis: &Flow) -> Network {
    let config = NetworkConfig::new(CONSENSUS, 1).genesis(genesis.genesis());
    let mut net = Network::assumed(config);
    for index in 0..2 * NODES {
        let network = if index < NODES { AddrNetwork::Tor } else { AddrNetwork::Clearnet };
        let known = NodeId(if index < NODES { 0 } else { NODES });
        let spec = NodeSpec::new(CONSENSUS).params(Preset::GrinDoc.params()).on(network);
        net.add(spec.knows([known], 4).encrypts());
    }
    net
}

/// Who has a kernel in its block chain or its txpool.
fn knowing(net: &Network, kernel: &Hash) -> Vec<NodeId> {
    let knows = |node: &Node| {
        node.ledger().kernel_height(kernel).is_some()
            || node.zone().is_some_and(|zone| zone.pool().knows_public(kernel))
    };
    net.nodes().filter(|(_, node)| knows(node)).map(|(id, _)| id).collect()
}

#[test]
fn names_spread_among_those_on_the_network_and_nowhere_else() {
    let mut net = beside_each_other(&Flow::new(CONSENSUS, 1, 1));
    net.run_for(Duration::from_secs(600));
    for (id, node) in net.nodes() {
        let is_hidden = |node: NodeId| node.0 < NODES;
        let neighbours = node.neighbours();
        assert!(neighbours.len() >= 4, "{id} has {neighbours:?}");
        assert!(neighbours.iter().all(|far| is_hidden(*far) == is_hidden(id)), "{id}");
    }
}

#[test]
fn a_transaction_stays_on_its_network() {
    let mut flow = Flow::new(CONSENSUS, 1, 1);
    let mut net = beside_each_other(&flow);
    net.run_for(Duration::from_secs(60));
    let tx = flow.tx().as_transaction().clone();
    net.push(NodeId(1), tx.clone(), false);
    net.run_for(Duration::from_secs(600));
    let hidden: Vec<_> = (0..NODES).map(NodeId).collect();
    assert_eq!(knowing(&net, tx.kernels()[0].hash()), hidden);
}

/// The first one on Tor is the same node as the first one in the clear.
fn joined(genesis: &Flow, mint: &Mint, seed: u64) -> Network {
    bridged(genesis, mint, seed, |bridge| bridge)
}

/// The node that is on both is like this on Tor.
fn bridged(
    genesis: &Flow,
    mint: &Mint,
    seed: u64,
    like_this: impl FnOnce(NodeSpec) -> NodeSpec,
) -> Network {
    let mut like_this = Some(like_this);
    let config = NetworkConfig::new(CONSENSUS, seed).genesis(genesis.genesis());
    let mut net = Network::new(config.mining(Duration::from_secs(60)), mint.clone());
    for index in 0..2 * NODES {
        let is_hidden = index < NODES;
        let network = if is_hidden { AddrNetwork::Tor } else { AddrNetwork::Clearnet };
        let others = if is_hidden { 0..NODES } else { NODES..2 * NODES };
        let others = others.filter(|other| *other != index).map(NodeId);
        let spec = NodeSpec::new(CONSENSUS).params(Preset::GrinDoc.params()).on(network);
        // Blocks hold what has come out of Tor, and nothing else.
        let spec = NodeSpec { mines: !is_hidden, ..spec.knows(others, 4).encrypts() };
        net.add(match like_this.take_if(|_| index == 0) {
            Some(like_this) => like_this(spec.beside(PUBLIC)),
            None => spec,
        });
    }
    net
}

/// Keeps what it should hand over.
struct Hoarder;

impl Behaviour for Hoarder {
    fn handing_over(&mut self, _: &ValidTx, _: &mut Scope<'_>) -> Pass {
        Pass::Swallow
    }
}

#[test]
fn what_nobody_hands_over_is_noticed() {
    let (mut flow, mint) = (Flow::new(CONSENSUS, 1, 10), Mint::new());
    let mut net = bridged(&flow, &mint, 1, |bridge| bridge.mutated(Hoarder));
    let mut laws = Invariants::new(&mint);
    net.run_watched(Instant::from_secs(60), &mut laws).expect("nothing has happened");
    let tx = flow.tx();
    mint.add(&tx);
    net.push(NodeId(1), tx.as_transaction().clone(), false).expect("it is up");
    net.run_watched(Instant::from_secs(7_230), &mut laws).expect("it may still come");
    let breach = laws.settled(&net).expect_err("it was not noticed");
    assert_eq!(breach.law, Law::Lossless, "{breach}");
}

#[test]
fn what_comes_through_tor_is_stemmed_in_public_and_mined() {
    for seed in 1..=5 {
        let (mut flow, mint) = (Flow::new(CONSENSUS, seed, 10), Mint::new());
        let mut net = joined(&flow, &mint, seed);
        let mut laws = Invariants::new(&mint);
        let mut run = |net: &mut Network, secs| {
            let lawful = net.run_watched(Instant::from_secs(secs), &mut laws);
            assert_eq!(lawful, Ok(()), "seed {seed}");
        };
        run(&mut net, 60);
        let txs: Vec<_> = (1..NODES).map(|_| flow.tx()).collect();
        for (index, tx) in (1..).zip(&txs) {
            mint.add(tx);
            net.push(NodeId(index), tx.as_transaction().clone(), false).expect("it is up");
        }
        // Not the moment of a block.
        run(&mut net, 1_230);
        laws.settled(&net).expect("nothing is lost");
        let is_mined = |tx: &Transaction| {
            let kernel = tx.kernels()[0].hash();
            net.node(PUBLIC).ledger().kernel_height(kernel).is_some()
        };
        assert!(txs.iter().map(ValidTx::as_transaction).all(is_mined), "seed {seed}");
        // Alone or merged, each went on as stem in public.
        let handed_over = net.log().iter().filter_map(|entry| match &entry.what {
            Observation::Notice(Notice::Stemmed { kernels, source: Source::Zone }) => {
                (entry.node == PUBLIC).then_some(kernels)
            }
            _ => None,
        });
        let handed_over: BTreeSet<&Hash> = handed_over.flatten().collect();
        let kernels = txs.iter().map(|tx| tx.as_transaction().kernels()[0].hash());
        assert_eq!(handed_over, kernels.collect(), "seed {seed}");
    }
}
