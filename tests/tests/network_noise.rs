//! Networks whose nodes hide what they stem in white noise: no law is broken, nothing is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use scape_aggregate::builder::{AssumedTx, seeded};
use scape_aggregate::{ChainType, Commitment, Consensus, ValidTx};
use scape_p2p::dandelion::{Params, Preset, RendezvousParams};
use scape_p2p::noise::{FrameSize, NoiseConfig, ValidNoise};
use scape_p2p::zone::PushError;
use scape_pool::{EmbargoDelay, FluffReason, Instant, Notice};
use scape_tests::flow::{Flow, Mint};
use scape_tests::invariant::Invariants;
use scape_tests::net::{Disk, Network, NetworkConfig, NodeId, NodeSpec, Observation, random_graph};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
/// How long transactions are handed in.
const BUSY: u64 = 600;
/// By then all know each other's keys, and sinks that were chosen after that, if there are any.
const READY: u64 = 1_200;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn noise() -> ValidNoise {
    NoiseConfig::default().check().expect("the default keeps the rules")
}

/// Stems for long enough that messages of some frames get through a few hops.
fn params(preset: Preset) -> Params {
    let mut params = preset.params();
    params.embargo.delay = EmbargoDelay::Exponential { mean: secs(900) };
    params
}

/// The default, but for sinks that the few nodes of a test suffice for.
fn meeting() -> Params {
    let params = Preset::Scape.params();
    let rendezvous = params.rendezvous.expect("the default has sinks");
    Params { rendezvous: Some(RendezvousParams { least_known: 8, ..rendezvous }), ..params }
}

/// A network under the eyes of all laws.
struct World {
    seed: u64,
    /// When the first transactions are handed in, in seconds.
    begin: u64,
    net: Network,
    mint: Mint,
    flow: Flow,
}

impl World {
    fn new(seed: u64, nodes: usize, spec: impl Fn(NodeId) -> NodeSpec) -> Self {
        Self::mining(60, seed, nodes, spec)
    }

    /// All nodes have noise and meet at sinks.
    fn meeting(seed: u64, nodes: usize) -> Self {
        let spec = |_| NodeSpec::new(CONSENSUS).params(meeting()).noisy(noise());
        Self { begin: READY, ..Self::mining(20, seed, nodes, spec) }
    }

    fn mining(block_secs: u64, seed: u64, nodes: usize, spec: impl Fn(NodeId) -> NodeSpec) -> Self {
        let (mint, flow) = (Mint::new(), Flow::new(CONSENSUS, seed, 200));
        let config = NetworkConfig::new(CONSENSUS, seed).genesis(flow.genesis());
        let mut net = Network::new(config.mining(secs(block_secs)), mint.clone());
        net.watch();
        for (index, dials) in random_graph(nodes, 4, seed).into_iter().enumerate() {
            net.add(spec(NodeId(index)).dials(dials));
        }
        Self { seed, begin: 0, net, mint, flow }
    }

    /// A moment when transactions are handed in.
    fn moment(&self, secs: u64) -> Instant {
        Instant::from_secs(self.begin + secs)
    }

    fn pay_at(&mut self, at: Instant, node: NodeId, tx: ValidTx) {
        self.mint.add(&tx);
        self.net.at(at, move |net| {
            net.push(node, tx.as_transaction().clone(), false);
        });
    }

    /// Hands in transactions at random times, a quarter of which spend an earlier one.
    fn pay(&mut self, count: usize) {
        let mut rng = seeded(self.seed, 5);
        let nodes = self.net.nodes().count();
        let mut earlier: Vec<(NodeId, Instant, ValidTx)> = Vec::new();
        for _ in 0..count {
            let parent = rng.random_ratio(1, 4).then(|| earlier.pop()).flatten();
            let (node, at, tx) = match parent {
                Some((node, at, parent)) => {
                    (node, at + secs(rng.random_range(1..60)), self.flow.child(&parent))
                }
                None => {
                    let node = NodeId(rng.random_range(0..nodes));
                    (node, self.moment(rng.random_range(5..BUSY)), self.flow.tx())
                }
            };
            self.pay_at(at, node, tx.clone());
            earlier.push((node, at, tx));
        }
    }

    /// Hands in some that take messages of up to 20 frames, minutes long.
    fn pay_much(&mut self, count: usize, nodes: usize, outputs: std::ops::Range<usize>) {
        let mut rng = seeded(self.seed, 6);
        for _ in 0..count {
            let outputs = rng.random_range(outputs.clone());
            let tx = AssumedTx::new().spend(coin(&mut self.flow)).outputs(outputs);
            let tx = tx.build(&mut rng, &CONSENSUS).expect("well-formed");
            let at = self.moment(rng.random_range(5..BUSY));
            self.pay_at(at, NodeId(rng.random_range(0..nodes)), tx);
        }
    }

    /// Each minute a node crashes and comes back, or a link breaks.
    fn suffer(&mut self, nodes: usize) {
        let mut rng = seeded(self.seed, 7);
        for at in (60..BUSY).step_by(60) {
            let [node, other] = [(); 2].map(|()| NodeId(rng.random_range(0..nodes)));
            self.net.at(self.moment(at), move |net| match at % 120 {
                0 => net.restart(node, Disk::Kept),
                _ => net.disconnect(node, other),
            });
        }
    }

    /// Runs until everything is settled; how often which reason made a node fluff.
    fn finish(mut self) -> BTreeMap<FluffReason, usize> {
        let mut laws = Invariants::new(&self.mint);
        let mut fates = None;
        // Between two blocks, when all have the same.
        let minutes = (self.begin + BUSY) / 60;
        for minute in minutes..minutes + 240 {
            let end = Instant::from_secs(60 * minute + 30);
            assert_eq!(self.net.run_watched(end, &mut laws), Ok(()), "seed {}", self.seed);
            fates = Some(laws.settled(&self.net));
            if let Some(Ok(_)) = fates {
                break;
            }
        }
        let mined = fates.as_ref().and_then(|fates| fates.as_ref().ok()).map(|fates| fates.mined);
        assert!(mined.is_some_and(|mined| mined > 0), "seed {}: {fates:?}", self.seed);
        let mut reasons = BTreeMap::new();
        for entry in self.net.log() {
            if let Observation::Notice(Notice::Fluffed { reason, .. }) = entry.what {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        reasons
    }
}

#[test]
fn noisy_nodes_break_no_law_and_lose_nothing() {
    for (seed, preset) in (1..).zip(Preset::ALL) {
        let spec = |_| NodeSpec::new(CONSENSUS).params(params(preset)).noisy(noise());
        let mut world = World::new(seed, 12, spec);
        world.pay(40);
        let reasons = world.finish();
        // That coins decide, and not a lack of ways, is what a stem is.
        let by_lot = reasons.get(&FluffReason::Coin).copied().unwrap_or(0);
        let no_relay = reasons.get(&FluffReason::NoRelay).copied().unwrap_or(0);
        assert!(by_lot > 4 * no_relay, "{preset}: {reasons:?}");
    }
}

/// Relays are those only that encrypt, and everybody hears of what is public.
#[test]
fn nodes_of_other_kinds_are_in_the_same_network() {
    for seed in 20..22 {
        let spec = |id: NodeId| {
            let spec = NodeSpec::new(CONSENSUS).params(params(Preset::GrinDoc));
            match id.0 % 3 {
                0 => spec.noisy(noise()),
                1 => spec.encrypts(),
                _ => spec,
            }
        };
        let mut world = World::new(seed, 12, spec);
        world.pay(30);
        world.finish();
    }
}

#[test]
fn nodes_that_vanish_in_the_middle_of_messages_take_nothing_with_them() {
    for seed in 30..32 {
        let spec = |_| NodeSpec::new(CONSENSUS).params(params(Preset::GrinDoc)).noisy(noise());
        let mut world = World::new(seed, 10, spec);
        world.pay(20);
        world.pay_much(15, 10, 2..70);
        world.suffer(10);
        world.finish();
    }
}

/// That nothing is handed to a carrier outside of the frames is one of the laws.
#[test]
fn noisy_nodes_meet_at_sinks_and_nothing_else_fluffs() {
    for seed in 50..52 {
        let mut world = World::meeting(seed, 16);
        world.pay(40);
        let mut reasons = world.finish();
        let gathered = reasons.remove(&FluffReason::Gathered).unwrap_or(0);
        assert!((1..20).contains(&gathered), "seed {seed}: 40 leave in {gathered}");
        assert!(reasons.is_empty(), "seed {seed}: {reasons:?}");
    }
}

#[test]
fn what_is_sealed_survives_nodes_that_vanish_in_the_middle_of_messages() {
    for seed in 60..62 {
        let mut world = World::meeting(seed, 16);
        world.pay(20);
        // Up to 16 frames, sealed.
        world.pay_much(10, 16, 2..60);
        world.suffer(16);
        let reasons = world.finish();
        assert!(reasons.contains_key(&FluffReason::Gathered), "seed {seed}: {reasons:?}");
    }
}

fn coin(flow: &mut Flow) -> Commitment {
    flow.tx().inputs()[0].commitment()
}

#[test]
fn what_is_too_long_to_hide_is_refused_to_its_owner_with_the_reason() {
    let spec = |_| NodeSpec::new(CONSENSUS).params(params(Preset::GrinDoc)).noisy(noise());
    let mut world = World::new(40, 4, spec);
    let tx = AssumedTx::new().spend(coin(&mut world.flow)).outputs(90);
    let tx = tx.build(&mut seeded(40, 1), &CONSENSUS).expect("well-formed");
    world.mint.add(&tx);
    world.net.run_for(secs(10));
    world.net.push(NodeId(0), tx.as_transaction().clone(), false);
    world.net.run_for(secs(1));
    let verdict = world.net.log().iter().find_map(|entry| match &entry.what {
        Observation::Pushed(_, verdict) => Some(*verdict),
        _ => None,
    });
    let Some(Err(PushError::Unsendable(why))) = verdict else { panic!("{verdict:?}") };
    let limit = FrameSize::DEFAULT.max_message();
    assert!(why.to_string().ends_with(&format!("at most {limit}")), "{why}");
    // Where it need not be hidden it is welcome.
    world.net.push(NodeId(0), tx.as_transaction().clone(), true);
    world.net.run_for(secs(1));
    let taken =
        |entry: &scape_tests::net::Entry| matches!(entry.what, Observation::Pushed(_, Ok(_)));
    assert!(world.net.log().iter().any(taken));
}
