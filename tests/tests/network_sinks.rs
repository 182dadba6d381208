//! Networks that meet at sinks: all laws hold, and nearly all is merged.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use scape_aggregate::builder::seeded;
use scape_aggregate::{ChainType, Consensus};
use scape_p2p::dandelion::{Params, Preset, RendezvousParams};
use scape_p2p::peer::Capabilities;
use scape_pool::{FluffReason, Instant, Notice};
use scape_tests::flow::{Flow, Mint};
use scape_tests::invariant::Invariants;
use scape_tests::net::{
    Disk, LinkConfig, Network, NetworkConfig, NodeId, NodeSpec, Observation, adversary,
    random_graph,
};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
const NODES: usize = 20;
/// By then all know each other's keys, and sinks that were chosen after that.
const READY: u64 = 1_200;
const PAYMENTS: usize = 40;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

struct Run {
    net: Network,
    laws: Invariants,
}

impl Run {
    /// A block each 20 s, and payments for ten minutes, a quarter of which spend another one.
    fn new(seed: u64, link: LinkConfig, cast: impl Fn(usize, NodeSpec) -> NodeSpec) -> Self {
        let mut flow = Flow::new(CONSENSUS, seed, PAYMENTS);
        let mint = Mint::new();
        let config = NetworkConfig::new(CONSENSUS, seed).genesis(flow.genesis());
        let config = config.mining(secs(20)).link(link).through_codec();
        let mut net = Network::new(config, mint.clone());
        net.watch();
        let rendezvous = Preset::Scape.params().rendezvous.expect("the default has sinks");
        let rendezvous = RendezvousParams { least_known: 8, ..rendezvous };
        let params = Params { rendezvous: Some(rendezvous), ..Preset::Scape.params() };
        for (index, dials) in random_graph(NODES, 4, seed).into_iter().enumerate() {
            let mut spec = NodeSpec::new(CONSENSUS).params(params).dials(dials);
            spec.capabilities = spec.capabilities | Capabilities::ENCRYPTED;
            net.add(cast(index, spec));
        }
        let mut rng = seeded(seed, 3);
        let mut last = None;
        for _ in 0..PAYMENTS {
            let node = NodeId(rng.random_range(0..NODES / 2));
            let at = Instant::from_secs(READY + rng.random_range(0..600));
            let (tx, node, at) = match last.take() {
                Some((parent, node, after)) if rng.random_ratio(1, 3) => {
                    (flow.child(&parent), node, after + secs(1))
                }
                _ => (flow.tx(), node, at),
            };
            mint.add(&tx);
            last = Some((tx.clone(), node, at));
            net.at(at, move |net| {
                net.push(node, tx.as_transaction().clone(), false);
            });
        }
        Self { net, laws: Invariants::new(&mint) }
    }

    /// Until all is mined. Returns how many transactions were merged to how many, by reason.
    fn finish(mut self, seed: u64) -> BTreeMap<FluffReason, (usize, usize)> {
        // Seldom just when a block was made, which not all have yet.
        for end in (READY + 907..READY + 9_000).step_by(309) {
            let ran = self.net.run_watched(Instant::from_secs(end), &mut self.laws);
            assert_eq!(ran, Ok(()), "seed {seed}");
            if self.laws.settled(&self.net).is_ok() {
                break;
            }
        }
        let settled = self.laws.settled(&self.net).map(|_| ());
        assert_eq!(settled, Ok(()), "seed {seed}");
        let mut fluffs: BTreeMap<FluffReason, (usize, usize)> = BTreeMap::new();
        for entry in self.net.log() {
            if let Observation::Notice(Notice::Fluffed { kernels, reason, .. }) = &entry.what {
                let (parts, aggregates) = fluffs.entry(*reason).or_default();
                *parts += kernels.len();
                *aggregates += 1;
            }
        }
        fluffs
    }
}

#[test]
fn all_meet_and_nothing_else_fluffs() {
    for seed in 1..4 {
        let run = Run::new(seed, LinkConfig::default(), |_, spec| spec);
        let mut fluffs = run.finish(seed);
        let (parts, aggregates) = fluffs.remove(&FluffReason::Gathered).expect("sinks are used");
        assert!(
            parts >= PAYMENTS && aggregates * 2 < parts,
            "seed {seed}: {parts} in {aggregates}"
        );
        assert!(fluffs.is_empty(), "seed {seed}: {fluffs:?}");
    }
}

#[test]
fn loss_crashes_and_black_holes_lose_nothing() {
    for seed in 1..4 {
        let lossy = LinkConfig { loss: 0.02, ..LinkConfig::default() };
        let mut run = Run::new(seed, lossy, |index, spec| match index % 10 {
            9 => spec.behaves(adversary::BlackHole),
            _ => spec,
        });
        for (index, at) in [(2, 100), (13, 150), (4, 300)] {
            let node = NodeId(index);
            run.net.at(Instant::from_secs(READY + at), move |net| net.crash(node));
            let later = Instant::from_secs(READY + at + 60);
            run.net.at(later, move |net| net.restart(node, Disk::Kept));
        }
        let fluffs = run.finish(seed);
        assert!(fluffs.contains_key(&FluffReason::Gathered), "seed {seed}: {fluffs:?}");
    }
}
