//! Relays that swallow what they get: the embargo brings everything out.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use std::collections::HashMap;
use std::time::Duration;

use scape_aggregate::{ChainType, Consensus, Hash};
use scape_p2p::dandelion::{Params, Preset};
use scape_pool::{FluffReason, Instant, Notice};
use scape_tests::audit::{Audit, first_fluffed};
use scape_tests::flow::{Flow, kernel, kernels};
use scape_tests::net::{BlackHole, Network, NetworkConfig, NodeId, NodeSpec, Observation};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
const USERS: usize = 8;
const HOLES: usize = 4;
const SWEEP: u64 = 10;

/// Users dial black holes only; these dial each other, and pass on what is public.
fn network(seed: u64, flow: &Flow) -> Network {
    let config = NetworkConfig::new(CONSENSUS, seed).genesis(flow.genesis());
    let mut net = Network::assumed(config);
    let params = Params { stem_probability: 1.0, ..Preset::GrinDoc.params() };
    let hole = |index: usize| NodeId(USERS + index % HOLES);
    for user in 0..USERS {
        let spec = NodeSpec::new(CONSENSUS).params(params);
        net.add(spec.dials([hole(user), hole(user + 1)]));
    }
    for index in 0..HOLES {
        let spec = NodeSpec::new(CONSENSUS).params(params);
        net.add(spec.dials([hole(index + 1)]).behaves(BlackHole));
    }
    net
}

/// When the embargo ends of everything that a node holds on the stem.
fn deadlines(net: &Network, node: NodeId) -> HashMap<Hash, Instant> {
    let zone = net.node(node).zone().unwrap();
    zone.pool().stem().map(|(tx, _, embargo)| (kernel(tx), embargo)).collect()
}

#[test]
fn black_holes_delay_but_lose_nothing() {
    for seed in 0..5 {
        let mut flow = Flow::new(CONSENSUS, seed, 100);
        let mut net = network(seed, &flow);
        let (mut audit, mut embargoes) = (Audit::new(), HashMap::new());
        net.run_until(Instant::from_secs(5));
        for round in 0..5 {
            for user in (0..USERS).map(NodeId) {
                let parent = flow.tx();
                let child = flow.child(&parent);
                for tx in [parent, child] {
                    net.push(user, tx.as_transaction().clone(), false);
                    audit.add(&tx);
                }
            }
            net.run_until(Instant::from_secs(10 + 5 * round));
            for user in (0..USERS).map(NodeId) {
                embargoes.extend(deadlines(&net, user));
            }
        }
        for secs in 31..=200 {
            net.run_until(Instant::from_secs(secs));
            // What leaves in one aggregate ends with the last of it.
            for (kernel, end) in (0..USERS).flat_map(|user| deadlines(&net, NodeId(user))) {
                let before = embargoes.insert(kernel, end);
                assert!(before <= Some(end), "seed {seed}: an embargo only ever gets longer");
            }
        }
        check_times(seed, &net, &audit, &embargoes);
        check_merged(seed, &net, &embargoes);
        net.mine(NodeId(USERS));
        net.run_for(Duration::from_secs(5));
        assert_eq!(audit.settled(&net), Ok(()), "seed {seed}");
        assert_eq!(audit.ordered(&net), Ok(()), "seed {seed}");
    }
}

/// Nothing was fluffed before its embargo, and everything at the first sweep after it.
fn check_times(seed: u64, net: &Network, audit: &Audit, embargoes: &HashMap<Hash, Instant>) {
    let fluffed = first_fluffed(net);
    let parents = audit.parents();
    for tx in audit.txs() {
        let (deadline, (at, _)) = (embargoes[&kernel(tx)], fluffed[&kernel(tx)]);
        assert!(at >= deadline, "seed {seed}: {} at {at:?}, not {deadline:?}", kernel(tx));
        let late = at.saturating_since(deadline);
        assert!(late <= Duration::from_secs(SWEEP), "seed {seed}: {late:?} late");
        for parent in &parents[&kernel(tx)] {
            assert!(embargoes[parent] <= deadline, "seed {seed}");
            assert!(fluffed[parent].0 <= at, "seed {seed}");
        }
    }
}

/// What expires between the same two sweeps at one node leaves it as one aggregate.
fn check_merged(seed: u64, net: &Network, embargoes: &HashMap<Hash, Instant>) {
    let sweep = |at: Instant| at.as_micros().div_ceil(SWEEP * 1_000_000);
    let mut departed: HashMap<(NodeId, u64), usize> = HashMap::new();
    let mut merged = 0;
    for entry in net.log() {
        let Observation::Notice(Notice::Fluffed { kernels, parts, reason, .. }) = &entry.what
        else {
            continue;
        };
        assert_eq!(*reason, FluffReason::Embargo, "seed {seed}");
        *departed.entry((entry.node, sweep(entry.at))).or_default() += 1;
        merged += usize::from(*parts > 1);
        assert!(kernels.iter().all(|kernel| sweep(embargoes[kernel]) == sweep(entry.at)));
    }
    assert!(departed.values().all(|aggregates| *aggregates == 1), "seed {seed}: {departed:?}");
    assert!(merged > 0, "seed {seed}: nothing merged");
}

#[test]
fn what_a_black_hole_got_is_nowhere_else() {
    let mut flow = Flow::new(CONSENSUS, 1, 1);
    let mut net = network(1, &flow);
    net.run_until(Instant::from_secs(5));
    let tx = flow.tx();
    net.push(NodeId(0), tx.as_transaction().clone(), false);
    net.run_until(Instant::from_secs(30));
    for (id, node) in net.nodes() {
        let pool = node.zone().unwrap().pool();
        let held: Vec<_> = pool.stem().flat_map(|(tx, ..)| kernels(tx)).collect();
        assert_eq!(held.contains(&kernel(&tx)), id == NodeId(0), "{id}");
        assert_eq!(pool.public().count(), 0, "{id}");
    }
}
