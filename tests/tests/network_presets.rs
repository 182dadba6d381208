//! What tells the presets apart, seen from the peers of one node.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use scape_aggregate::{ChainType, Consensus, Hash};
use scape_p2p::dandelion::Preset;
use scape_p2p::wire::Message;
use scape_pool::{FluffReason, Instant, Notice};
use scape_tests::flow::{Flow, kernel};
use scape_tests::net::{Mute, Network, NetworkConfig, NodeId, NodeSpec, Observation};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
const NODE: NodeId = NodeId(0);
const RELAYS: usize = 4;
const SOURCES: usize = 8;
/// Between two transactions of [`Star::feed`].
const PACE: Duration = Duration::from_millis(250);

/// A node that dials some relays, and that some sources have dialled. Nobody but the node says
/// anything by itself.
struct Star {
    net: Network,
    flow: Flow,
    /// Who gave which transaction.
    sources: BTreeMap<Hash, NodeId>,
    given: BTreeMap<Hash, Instant>,
}

/// A stem transaction as a relay got it.
struct Stemmed {
    relay: NodeId,
    at: Instant,
    kernels: Vec<Hash>,
}

impl Star {
    fn new(preset: Preset, seed: u64) -> Self {
        let flow = Flow::new(CONSENSUS, seed, 1_000);
        let config = NetworkConfig::new(CONSENSUS, seed).genesis(flow.genesis());
        let mut net = Network::assumed(config);
        let spec = || NodeSpec::new(CONSENSUS).params(preset.params());
        net.add(spec().dials((1..=RELAYS).map(NodeId)));
        for _ in 0..RELAYS {
            net.add(spec().behaves(Mute).records());
        }
        for _ in 0..SOURCES {
            net.add(spec().dials([NODE]).behaves(Mute).records());
        }
        // The tips are known, so the relays are chosen.
        net.run_until(Instant::from_secs(15));
        Self { net, flow, sources: BTreeMap::new(), given: BTreeMap::new() }
    }

    /// The sources hand in transactions, in turn.
    fn feed(&mut self, count: usize) {
        for index in 0..count {
            let source = NodeId(1 + RELAYS + index % SOURCES);
            let tx = self.flow.tx();
            self.sources.insert(kernel(&tx), source);
            self.given.insert(kernel(&tx), self.net.now());
            let message = Message::StemTransaction(tx.as_transaction().clone());
            assert!(self.net.send(source, NODE, message));
            self.net.run_for(PACE);
        }
    }

    /// The owner hands in a transaction.
    fn push(&mut self) -> Hash {
        let tx = self.flow.tx();
        self.given.insert(kernel(&tx), self.net.now());
        self.net.push(NODE, tx.as_transaction().clone(), false).unwrap();
        kernel(&tx)
    }

    /// What the relays got.
    fn stemmed(&self) -> Vec<Stemmed> {
        let mut all = Vec::new();
        for relay in (1..=RELAYS).map(NodeId) {
            for got in self.net.node(relay).inbox() {
                if let Message::StemTransaction(tx) = &got.message {
                    let kernels = tx.kernels().iter().map(|kernel| *kernel.hash()).collect();
                    all.push(Stemmed { relay, at: got.at, kernels });
                }
            }
        }
        all
    }

    /// What the node fluffed for this reason: when, and which kernels.
    fn fluffed(&self, wanted: FluffReason) -> Vec<(Instant, Vec<Hash>)> {
        let own = self.net.log().iter().filter(|entry| entry.node == NODE);
        let fluffed = own.filter_map(|entry| match &entry.what {
            Observation::Notice(Notice::Fluffed { kernels, reason, .. }) if *reason == wanted => {
                Some((entry.at, kernels.clone()))
            }
            _ => None,
        });
        fluffed.collect()
    }

    /// How long each transaction stayed with the node before it went on along the stem.
    fn stays(&self) -> Vec<Duration> {
        let all = self.stemmed();
        let stay = |stemmed: &Stemmed| {
            let at = stemmed.at;
            let given = stemmed.kernels.iter().map(|kernel| self.given[kernel]);
            given.map(move |given| at.saturating_since(given)).collect::<Vec<_>>()
        };
        all.iter().flat_map(stay).collect()
    }
}

#[test]
fn grin_doc_waits_at_every_hop_and_flips_a_coin_for_each_transaction() {
    let (mut stemmed, mut fluffed) = (0, 0);
    for seed in 0..4 {
        let mut star = Star::new(Preset::GrinDoc, seed);
        star.feed(100);
        star.net.run_for(Duration::from_secs(12));
        let batches = star.stemmed();
        assert!(batches.iter().any(|batch| batch.kernels.len() > 10), "seed {seed}: they merge");
        let relays: BTreeSet<NodeId> = batches.iter().map(|batch| batch.relay).collect();
        assert_eq!(relays.len(), 1, "seed {seed}: one relay for all");
        let longest = star.stays().into_iter().max().unwrap();
        assert!(longest > Duration::from_secs(8), "seed {seed}: {longest:?} with the node");
        assert!(longest < Duration::from_secs(12), "seed {seed}: {longest:?} with the node");
        stemmed += batches.iter().map(|batch| batch.kernels.len()).sum::<usize>();
        fluffed += star.fluffed(FluffReason::Coin).iter().map(|(_, k)| k.len()).sum::<usize>();
    }
    // 400 coins of 90%: four standard deviations are 24.
    assert_eq!(stemmed + fluffed, 400);
    assert!((336..=384).contains(&stemmed), "{stemmed} of 400 went on");
}

#[test]
fn grin_5_stems_at_once_or_gathers_for_an_epoch() {
    let (mut stems, mut fluffs) = (0, 0);
    for seed in 0..30 {
        let mut star = Star::new(Preset::Grin5, seed);
        let own = star.push();
        star.feed(40);
        star.net.run_for(Duration::from_secs(35));
        let stemmed = star.stemmed();
        assert!(stemmed.iter().any(|batch| batch.kernels == [own]), "seed {seed}: own always stem");
        assert!(stemmed.iter().all(|batch| batch.kernels.len() == 1), "seed {seed}: none waits");
        let longest = star.stays().into_iter().max().unwrap();
        assert!(longest < Duration::from_secs(1), "seed {seed}: {longest:?} with the node");
        match stemmed.len() - 1 {
            40 => stems += 1,
            0 => {
                fluffs += 1;
                let batches = star.fluffed(FluffReason::Coin);
                assert!(batches.len() <= 3, "seed {seed}: it waits 30 s and merges");
                assert_eq!(batches.iter().map(|(_, kernels)| kernels.len()).sum::<usize>(), 40);
            }
            some => panic!("seed {seed}: {some} of 40 in one epoch"),
        }
    }
    // 30 coins of 90%.
    assert!(stems >= 20 && fluffs >= 1, "{stems} epochs on the stem, {fluffs} off it");
}

#[test]
fn dandelion_plus_plus_maps_each_source_to_one_of_two_relays() {
    let mut moved = 0;
    for seed in 0..10 {
        let mut star = Star::new(Preset::DandelionPlusPlus, seed);
        let routes = |star: &Star| -> BTreeMap<NodeId, BTreeSet<NodeId>> {
            let mut routes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
            for batch in star.stemmed() {
                assert_eq!(batch.kernels.len(), 1, "seed {seed}: nothing waits for company");
                let source = star.sources.get(&batch.kernels[0]).copied().unwrap_or(NODE);
                routes.entry(source).or_default().insert(batch.relay);
            }
            routes
        };
        star.push();
        star.feed(5 * SOURCES);
        star.push();
        star.net.run_for(Duration::from_secs(1));
        let first = routes(&star);
        assert!(first.values().all(|relays| relays.len() == 1), "seed {seed}: {first:?}");
        let used: BTreeSet<_> = first.values().flatten().collect();
        assert!(used.len() <= 2, "seed {seed}: {used:?}");
        assert!(first.contains_key(&NODE), "seed {seed}: own always stem");
        if first.len() > 1 {
            assert_eq!(first.len(), 1 + SOURCES, "seed {seed}: an epoch stems all or nothing");
        }
        // The next epoch has routes of its own.
        star.net.run_until(Instant::from_secs(605));
        star.feed(5 * SOURCES);
        star.push();
        star.net.run_for(Duration::from_secs(1));
        moved += usize::from(routes(&star).values().any(|relays| relays.len() > 1));
    }
    assert!(moved >= 7, "routes changed in {moved} of 10 networks");
}

#[test]
fn monero_fluffs_one_epoch_in_five_at_once() {
    let mut fluffs = 0;
    let mut relays = BTreeSet::new();
    for seed in 0..100 {
        let mut star = Star::new(Preset::Monero, seed);
        star.feed(SOURCES);
        star.net.run_for(Duration::from_secs(1));
        let fluffed = star.fluffed(FluffReason::Coin);
        match star.stemmed().len() {
            SOURCES => relays.extend(star.stemmed().iter().map(|batch| batch.relay)),
            0 => {
                fluffs += 1;
                assert_eq!(fluffed.len(), SOURCES, "seed {seed}: one by one, at once");
            }
            some => panic!("seed {seed}: {some} of {SOURCES} in one epoch"),
        }
    }
    // 100 coins of 20%: four standard deviations are 16.
    assert!((6..=36).contains(&fluffs), "{fluffs} of 100 epochs fluff");
    assert_eq!(relays.len(), RELAYS, "every outbound peer has its turn");
}

#[test]
fn embargoes_end_as_each_preset_says() {
    // The mean, the shortest and the longest of what the document, Grin, the paper and Monero say,
    // and how much longer it may take: a sweep, and the company in which one goes.
    let limits = [
        (Preset::GrinDoc, 45.0, 30, 60, 12.0),
        (Preset::Grin5, 195.0, 180, 210, 12.0),
        (Preset::DandelionPlusPlus, 75.0, 0, 10_000, 1.0),
        (Preset::Monero, 39.0, 0, 10_000, 1.0),
    ];
    for (preset, mean, shortest, longest, late) in limits {
        let mut ends = Vec::new();
        for seed in 0..4 {
            let mut star = Star::new(preset, seed);
            let count = 100;
            let pushed: BTreeSet<Hash> = (0..count).map(|_| star.push()).collect();
            let begin = star.net.now();
            star.net.run_for(Duration::from_secs(2_000));
            let fluffed = star.fluffed(FluffReason::Embargo);
            for (at, kernels) in fluffed {
                let mine = kernels.iter().filter(|kernel| pushed.contains(*kernel));
                ends.extend(mine.map(|_| at.saturating_since(begin)));
            }
        }
        let secs = ends.iter().map(Duration::as_secs_f64);
        let measured = secs.clone().sum::<f64>() / secs.len() as f64;
        assert!(ends.len() >= 350, "{preset}: {} of 400 swallowed", ends.len());
        // Four standard errors of a memoryless timer.
        let tolerance = 4.0 * mean / (ends.len() as f64).sqrt() + late;
        assert!((measured - mean).abs() < tolerance, "{preset}: {measured} s on average");
        let longest = longest as f64 + late;
        assert!(ends.iter().all(|end| end.as_secs() >= shortest), "{preset}: {ends:?}");
        assert!(ends.iter().all(|end| end.as_secs_f64() <= longest), "{preset}: {ends:?}");
    }
}
