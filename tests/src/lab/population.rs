//! Who takes part, and what each is like in the beginning.

use std::net::{IpAddr, Ipv6Addr};

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::Consensus;
use scape_p2p::addr::NetGroup;
use scape_p2p::book::Group;
use scape_p2p::dandelion::rendezvous::Carrier;
use scape_p2p::dandelion::{Candidate, DandelionRouter};
use scape_pool::{Capacity, Instant, PeerId, Pool, PoolConfig};

use super::experiment::Experiment;
use super::graph::Graph;

pub(super) struct Node {
    pub(super) pool: Pool,
    pub(super) router: DandelionRouter,
    pub(super) kind: NodeKind,
    pub(super) wake: Option<Instant>,
    /// What comes on the stem, or from its wallet, is fluffed at once.
    pub(super) plain: bool,
    /// Whether it follows the parameters of the experiment.
    pub(super) speaks: bool,
    pub(super) carrier: Carrier,
    /// The number of the epoch of which it knows the sinks.
    pub(super) sinks_of: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NodeKind {
    Honest,
    /// Does all that an honest node does, and tells.
    Spy,
    /// Swallows what comes on the stem, and tells.
    BlackHole,
}

pub(super) fn kinds(experiment: &Experiment, rng: &mut ChaCha12Rng) -> Vec<NodeKind> {
    let share = |share: f64| (share * experiment.nodes as f64).round() as usize;
    let mut kinds = vec![NodeKind::Honest; experiment.nodes];
    let (spies, holes) = (share(experiment.spies), share(experiment.black_holes));
    kinds.iter_mut().take(spies).for_each(|kind| *kind = NodeKind::Spy);
    kinds.iter_mut().skip(spies).take(holes).for_each(|kind| *kind = NodeKind::BlackHole);
    kinds.shuffle(rng);
    kinds
}

pub(super) fn nodes(
    experiment: &Experiment,
    kinds: Vec<NodeKind>,
    graph: &Graph,
    consensus: &Consensus,
    rng: &mut ChaCha12Rng,
) -> Vec<Node> {
    let node = |(id, kind): (u32, NodeKind)| {
        let other = kind == NodeKind::Honest && rng.random::<f64>() >= experiment.speaking;
        let params = experiment.others.filter(|_| other).unwrap_or(experiment.params);
        let config = PoolConfig {
            consensus: *consensus,
            patience: params.patience,
            embargo: params.embargo,
            rendezvous: params.rendezvous.map(|rendezvous| rendezvous.pool),
            // There are no reorgs here.
            capacity: Capacity { reorg_depth: 0, ..Capacity::default() },
        };
        // Epochs of different nodes have nothing to do with each other.
        let epoch = (params.epoch + params.epoch_spread).mul_f64(rng.random::<f64>());
        let mut router = DandelionRouter::new(params, rng.random(), Instant::ZERO + epoch);
        router.set_candidates(graph.outbound(id).iter().map(|&peer| candidate(peer, true)));
        let plain = other && experiment.others.is_none();
        Node {
            pool: Pool::new(config, rng.random()),
            router,
            kind,
            wake: None,
            plain,
            speaks: !other,
            carrier: Carrier::new(),
            sinks_of: 0,
        }
    };
    (0u32..).zip(kinds).map(node).collect()
}

/// Every node is in a group of its own.
pub(super) fn candidate(node: u32, carries: bool) -> Candidate {
    let [a, b, c, d] = node.to_be_bytes();
    let (first, second) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let ip = Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 1);
    let group = NetGroup::Ip(Group::of(IpAddr::V6(ip)));
    Candidate { peer: PeerId(u64::from(node)), group, carries }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_node_is_in_a_group_of_its_own() {
        let groups = (0..100_000).map(|node| candidate(node, true).group);
        assert_eq!(groups.collect::<BTreeSet<_>>().len(), 100_000);
    }
}
