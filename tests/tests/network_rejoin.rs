//! Nodes that were alone when it mattered.

use std::time::Duration;

use scape_aggregate::{ChainType, Consensus};
use scape_tests::flow::{Flow, kernel};
use scape_tests::net::{Disk, Network, NetworkConfig, NodeId, NodeSpec};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);

#[test]
fn what_was_fluffed_to_nobody_is_told_to_the_next_peer() {
    let mut flow = Flow::new(CONSENSUS, 1, 1);
    let mut net = Network::assumed(NetworkConfig::new(CONSENSUS, 1).genesis(flow.genesis()));
    let [lonely, other] = [NodeId(0), NodeId(1)];
    for _ in [lonely, other] {
        net.add(NodeSpec::new(CONSENSUS).dials([other]));
    }
    net.crash(other);
    let tx = flow.tx();
    net.run_for(Duration::from_secs(10));
    net.push(lonely, tx.as_transaction().clone(), true);
    net.run_for(Duration::from_secs(10));
    net.restart(other, Disk::Lost);
    net.run_for(Duration::from_secs(100));
    let public = net.node(other).zone().unwrap().pool().public();
    assert_eq!(public.map(|tx| kernel(tx)).collect::<Vec<_>>(), [kernel(&tx)]);
}
