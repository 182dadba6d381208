//! Several networks beside each other.

use std::time::Duration;

use scape_aggregate::{ChainType, Consensus, Hash};
use scape_p2p::addr::Network as AddrNetwork;
use scape_p2p::dandelion::Preset;
use scape_tests::flow::Flow;
use scape_tests::net::{Network, NetworkConfig, Node, NodeId, NodeSpec};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
/// How many nodes there are on each network.
const NODES: usize = 6;

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
