//! Adversaries of each kind on Tor, behind white noise: what is handed in there is mined, and no law
//! is broken.

use std::time::Duration;

use scape_aggregate::{ChainType, Commitment, Consensus, ValidTx};
use scape_p2p::addr::Network as AddrNetwork;
use scape_p2p::dandelion::Preset;
use scape_p2p::noise::{NoiseConfig, ValidNoise};
use scape_p2p::wire::Message;
use scape_pool::Instant;
use scape_tests::audit::history;
use scape_tests::flow::{Flow, Mint};
use scape_tests::invariant::Invariants;
use scape_tests::net::adversary::{
    BlackHole, Delayer, Eclipser, Flooder, Garbler, LoopMaker, OverlapMaker, Poisoner, Prober,
    Purse, Replayer, Tamperer,
};
use scape_tests::net::{Network, NetworkConfig, NodeId, NodeSpec, Observation};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
/// How many nodes are in the clear. Each is on Tor, too.
const PUBLIC: usize = 3;
/// How many are honest and on Tor only.
const HIDDEN: usize = 5;
const EVIL: usize = 2;
const FIRST_EVIL: usize = 2 * PUBLIC + HIDDEN;
/// How long transactions are handed in.
const BUSY: u64 = 900;

fn noise() -> ValidNoise {
    let (interval, spread) = (Duration::from_secs(2), Duration::from_secs(1));
    let lead = Duration::from_millis(500);
    let noise = NoiseConfig { interval, spread, lead, ..NoiseConfig::DEFAULT };
    noise.check().expect("it keeps the rules")
}

struct World {
    net: Network,
    mint: Mint,
    txs: Vec<ValidTx>,
}

impl World {
    /// Everybody on Tor dials three others there, of whom one deviates.
    fn new(seed: u64, cast: impl Fn(NodeSpec, Purse) -> NodeSpec) -> Self {
        let (mut flow, mint) = (Flow::new(CONSENSUS, seed, 150), Mint::new());
        let config = NetworkConfig::new(CONSENSUS, seed).genesis(flow.genesis());
        let mut net = Network::new(config.mining(Duration::from_secs(60)), mint.clone());
        net.watch();
        let spec = || NodeSpec::new(CONSENSUS).params(Preset::GrinDoc.params());
        for node in 0..PUBLIC {
            net.add(spec().dials([NodeId((node + 1) % PUBLIC)]));
        }
        let hidden = || NodeSpec { mines: false, ..spec().on(AddrNetwork::Tor).noisy(noise()) };
        for place in 0..PUBLIC + HIDDEN {
            let honest = [1, 2].map(|far| NodeId(PUBLIC + (place + far) % (PUBLIC + HIDDEN)));
            let evil = NodeId(FIRST_EVIL + place % EVIL);
            let spec = hidden().dials(honest.into_iter().chain([evil]));
            net.add(if place < PUBLIC { spec.beside(NodeId(place)) } else { spec });
        }
        for _ in 0..EVIL {
            let money: Vec<Commitment> =
                (0..50).map(|_| flow.tx().inputs()[0].commitment()).collect();
            let honest = (PUBLIC..FIRST_EVIL).map(NodeId);
            let purse = Purse::new(CONSENSUS, mint.clone(), money);
            net.add(cast(hidden().dials(honest).records(), purse));
        }
        let mut world = Self { net, mint, txs: Vec::new() };
        (0..20).for_each(|number| world.pay(number, flow.tx()));
        world
    }

    /// Those who are on Tor only, and nowhere else, hand in one after the other.
    fn pay(&mut self, number: u64, tx: ValidTx) {
        self.mint.add(&tx);
        self.txs.push(tx.clone());
        let node = NodeId(2 * PUBLIC + number as usize % HIDDEN);
        self.net.at(Instant::from_secs(20 + number * 40), move |net| {
            net.push(node, tx.as_transaction().clone(), false);
        });
    }

    /// Runs until nothing is left to wait for, and wants all that was handed in to be mined.
    fn finish(&mut self, kind: &str) {
        let mut laws = Invariants::new(&self.mint);
        // Between two blocks, when all have the same.
        let settled = (BUSY / 60..BUSY / 60 + 60).any(|minute| {
            let end = Instant::from_secs(60 * minute + 30);
            if let Err(breach) = self.net.run_watched(end, &mut laws) {
                let about = breach.kernels.iter();
                let history: String = about.map(|kernel| history(&self.net, kernel)).collect();
                unreachable!("{kind}: {breach}\n{history}");
            }
            laws.settled(&self.net).is_ok()
        });
        assert!(settled, "{kind}: {:?}", laws.settled(&self.net));
        let ledger = self.net.node(NodeId(0)).ledger();
        for tx in &self.txs {
            assert!(ledger.kernel_height(tx.kernels()[0].hash()).is_some(), "{kind}");
        }
    }

    /// How many stem transactions adversaries were handed.
    fn handed_to_evil(&self) -> usize {
        let evil = (FIRST_EVIL..FIRST_EVIL + EVIL).map(NodeId);
        let inbox = evil.flat_map(|node| self.net.node(node).inbox());
        inbox.filter(|seen| matches!(seen.message, Message::StemTransaction(_))).count()
    }

    /// How often one was thrown out.
    fn expelled(&self) -> usize {
        let log = self.net.log().iter();
        log.filter(|entry| matches!(entry.what, Observation::Expelled(_))).count()
    }
}

#[test]
fn who_spoils_what_it_is_handed_costs_nobody_a_transaction() {
    type Cast = fn(NodeSpec, Purse) -> NodeSpec;
    let kinds: [(&str, Cast); 7] = [
        ("black hole", |spec, _| spec.behaves(BlackHole)),
        ("delayer", |spec, _| spec.behaves(Delayer::new(Duration::from_secs(120)))),
        ("overlap maker", |spec, purse| spec.behaves(OverlapMaker::new(purse))),
        ("replayer", |spec, _| spec.behaves(Replayer::default())),
        ("loop maker", |spec, _| spec.behaves(LoopMaker)),
        ("prober", |spec, purse| spec.behaves(Prober::new(purse))),
        ("eclipser", |spec, _| {
            let conspiracy = (FIRST_EVIL..FIRST_EVIL + EVIL).map(NodeId).collect();
            spec.behaves(Eclipser::new(NodeId(2 * PUBLIC), conspiracy))
        }),
    ];
    for (seed, (kind, cast)) in (1..).zip(kinds) {
        let mut world = World::new(seed, cast);
        world.finish(kind);
        assert!(world.handed_to_evil() > 0, "{kind} was handed nothing");
    }
}

#[test]
fn who_says_what_nobody_may_say_is_thrown_out() {
    type Cast = fn(NodeSpec, Purse) -> NodeSpec;
    let kinds: [(&str, Cast); 4] = [
        ("tamperer", |spec, _| spec.behaves(Tamperer::new(CONSENSUS))),
        ("garbler", |spec, _| spec.behaves(Garbler)),
        ("flooder", |spec, purse| spec.behaves(Flooder::new(purse))),
        ("poisoner", |spec, _| spec.behaves(Poisoner)),
    ];
    for (seed, (kind, cast)) in (11..).zip(kinds) {
        let mut world = World::new(seed, cast);
        world.finish(kind);
        // Poison comes so seldom that it is forgiven.
        assert!(world.expelled() > 0 || kind == "poisoner", "{kind}");
    }
}

/// A frame does not wait: who cannot take it at its time is as good as gone.
#[test]
fn who_is_too_slow_for_frames_keeps_nobody_waiting() {
    type Cast = fn(NodeSpec, Purse) -> NodeSpec;
    let kinds: [(&str, Cast); 2] =
        [("slow reader", |spec, _| spec.reads(50)), ("slow writer", |spec, _| spec.writes(50))];
    for (seed, (kind, cast)) in (21..).zip(kinds) {
        let mut world = World::new(seed, cast);
        world.finish(kind);
    }
}
