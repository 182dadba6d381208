//! Each invariant notices a node that breaks it.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scape_aggregate::builder::{AssumedTx, seeded};
use scape_aggregate::{ChainType, Commitment, Consensus, Hash};
use scape_p2p::dandelion::rendezvous::SIZES;
use scape_p2p::dandelion::{Params, Preset};
use scape_p2p::noise::NoiseConfig;
use scape_p2p::secure::PublicKey;
use scape_p2p::wire::Message;
use scape_pool::{Capacity, FluffReason, Instant, Notice, PeerId, Source};
use scape_tests::flow::{Flow, Mint, kernel, kernels};
use scape_tests::invariant::{
    Alone, Bounded, Breach, Fair, Invariant, Invariants, Law, Lossless, Ordered, Private, Prompt,
    Routed, Sound,
};
use scape_tests::net::adversary::{Purse, Tamperer};
use scape_tests::net::{
    Behaviour, Happening, Network, NetworkConfig, NodeId, NodeSpec, Observation, Pass, Scope,
};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
/// The node that breaks something: it dials two others, and the last one dials it.
const MUTANT: NodeId = NodeId(0);
const NODES: usize = 5;

/// A small network with one mutant, and transactions to hand to it.
struct World {
    net: Network,
    flow: Flow,
    mint: Mint,
}

/// Always stems, and fluffs after half a minute to a minute.
fn params() -> Params {
    Params { stem_probability: 1.0, ..Preset::GrinDoc.params() }
}

fn world(mutate: impl FnOnce(NodeSpec, &Mint, &Flow) -> NodeSpec) -> World {
    slow_world(Duration::from_secs(1), mutate)
}

/// Blocks take up to `block_delay` to reach a node.
fn slow_world(
    block_delay: Duration,
    mutate: impl FnOnce(NodeSpec, &Mint, &Flow) -> NodeSpec,
) -> World {
    let flow = Flow::new(CONSENSUS, 5, 100);
    let mint = Mint::new();
    let config = NetworkConfig::new(CONSENSUS, 5).genesis(flow.genesis());
    let config = NetworkConfig { block_delay, ..config };
    let mut net = Network::new(config.mining(Duration::from_secs(60)), mint.clone());
    net.watch();
    let spec = || NodeSpec::new(CONSENSUS).params(params());
    net.add(mutate(spec().dials([NodeId(1), NodeId(2)]), &mint, &flow));
    for node in 1..NODES {
        net.add(spec().dials([NodeId((node + 1) % NODES), NodeId((node + 2) % NODES)]));
    }
    World { net, flow, mint }
}

impl World {
    fn with(behaviour: impl Behaviour + 'static) -> Self {
        world(|spec, _, _| spec.mutated(behaviour))
    }

    /// The owner of the mutant pays at 20 s, and spends the change of it at 40 s.
    fn pay(&mut self) {
        let parent = self.flow.tx();
        let child = self.flow.child(&parent);
        for (at, tx) in [(20, parent), (40, child)] {
            self.mint.add(&tx);
            self.net.at(Instant::from_secs(at), move |net| {
                net.push(MUTANT, tx.as_transaction().clone(), false);
            });
        }
    }

    fn watched_by<I: Invariant>(mut self, invariant: I) -> Result<(), Breach> {
        self.pay();
        self.net.run_watched(Instant::from_secs(300), &mut Alone(invariant))
    }
}

#[track_caller]
fn assert_breaks(verdict: Result<(), Breach>, law: Law) {
    let breach = verdict.expect_err("it was not noticed");
    assert_eq!(breach.law, law, "{breach}");
}

/// That it is this clause of the law, too.
#[track_caller]
fn assert_says(verdict: Result<(), Breach>, law: Law, clause: &str) {
    let breach = verdict.expect_err("it was not noticed");
    assert!(breach.law == law && breach.what.contains(clause), "{breach}");
}

/// Changes what it says.
struct Says<F>(F);

impl<F: FnMut(NodeId, &Message, &mut Scope<'_>) -> Pass> Behaviour for Says<F> {
    fn outgoing(&mut self, to: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        (self.0)(to, message, scope)
    }
}

fn says(
    change: impl FnMut(NodeId, &Message, &mut Scope<'_>) -> Pass + 'static,
) -> impl Behaviour + 'static {
    Says(change)
}

#[test]
fn an_honest_node_breaks_nothing() {
    let mut world = World::with(scape_tests::net::Honest);
    world.pay();
    let mut laws = Invariants::new(&world.mint);
    assert_eq!(world.net.run_watched(Instant::from_secs(610), &mut laws), Ok(()));
    let fates = laws.settled(&world.net).unwrap();
    assert_eq!((fates.conflicted, fates.crashed), (0, 0));
    assert!(fates.mined >= 2);
}

/// A node that tells nobody of what it accepted.
fn secretive() -> World {
    let silent = says(|_, message, _| match message {
        Message::StemTransaction(_) | Message::Transaction(_) | Message::TransactionKernel(_) => {
            Pass::Swallow
        }
        _ => Pass::On,
    });
    world(|spec, _, _| NodeSpec { mines: false, ..spec.mutated(silent) })
}

#[test]
fn a_lost_transaction_is_noticed() {
    let mut world = secretive();
    world.pay();
    let mut laws = Invariants::new(&world.mint);
    assert_eq!(world.net.run_watched(Instant::from_secs(3_610), &mut laws), Ok(()));
    assert_breaks(laws.settled(&world.net).map(|_| ()), Law::Lossless);
}

#[test]
fn what_a_node_takes_along_when_it_crashes_is_no_loss() {
    let mut world = secretive();
    world.pay();
    let mut laws = Invariants::new(&world.mint);
    world.net.at(Instant::from_secs(100), |net| net.crash(MUTANT));
    assert_eq!(world.net.run_watched(Instant::from_secs(3_610), &mut laws), Ok(()));
    let fates = laws.settled(&world.net).unwrap();
    assert_eq!((fates.mined, fates.crashed), (0, 2));
}

#[test]
fn a_transaction_that_has_left_outlives_its_node() {
    let mut world = World::with(scape_tests::net::Honest);
    world.pay();
    let mut laws = Invariants::new(&world.mint);
    world.net.at(Instant::from_secs(60), |net| net.crash(MUTANT));
    assert_eq!(world.net.run_watched(Instant::from_secs(3_610), &mut laws), Ok(()));
    laws.settled(&world.net).unwrap();
    assert_eq!(world.net.node(NodeId(1)).ledger().kernel_count(), 2);
}

#[test]
fn a_relay_that_gives_up_for_no_reason_is_noticed() {
    let mut world = World::with(scape_tests::net::Honest);
    let (tx, net) = (world.flow.tx(), &mut world.net);
    world.mint.add(&tx);
    let mut lossless = Lossless::new(world.mint.clone());
    let kernels = vec![kernel(&tx)];
    let source = scape_pool::Source::Peer(scape_pool::PeerId(7));
    let notices = [
        scape_pool::Notice::Stemmed { kernels: kernels.clone(), source },
        scape_pool::Notice::Conflicted { kernels, by: None },
    ];
    let verdicts = notices.map(|notice| {
        let seen = scape_tests::net::Observation::Notice(notice);
        lossless.after(net, &[Happening::Observed(MUTANT, seen)])
    });
    assert_eq!(verdicts[0], Ok(()));
    assert_breaks(verdicts[1].clone(), Law::Lossless);
}

#[test]
fn an_announced_stem_transaction_is_noticed() {
    let loose = says(|to, message, scope| {
        if let Message::StemTransaction(tx) = message {
            scope.send(to, Message::TransactionKernel(kernel(tx)));
        }
        Pass::On
    });
    assert_breaks(World::with(loose).watched_by(Private), Law::Private);
}

/// Serves what it holds on the stem to whoever asks.
struct Talkative;

impl Behaviour for Talkative {
    fn incoming(&mut self, from: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        if let (Message::GetTransaction(hash), Some(zone)) = (message, scope.zone) {
            let asked = zone.pool().stem().find(|(tx, ..)| kernel(tx) == *hash);
            if let Some((tx, ..)) = asked {
                let answer = Message::Transaction(tx.as_transaction().clone());
                scope.send(from, answer);
            }
        }
        Pass::On
    }
}

#[test]
fn a_served_stem_transaction_is_noticed() {
    let mut world = World::with(Talkative);
    world.net.at(Instant::from_secs(35), |net| {
        let zone = net.node(MUTANT).zone().unwrap();
        let held: Hash = zone.pool().stem().map(|(tx, ..)| kernel(tx)).next().unwrap();
        net.send(NodeId(4), MUTANT, Message::GetTransaction(held));
    });
    assert_breaks(world.watched_by(Private), Law::Private);
}

#[test]
fn a_child_stemmed_without_its_parent_is_noticed() {
    let mut first = true;
    let forgetful = says(move |_, message, _| match message {
        Message::StemTransaction(_) if std::mem::take(&mut first) => Pass::Swallow,
        _ => Pass::On,
    });
    let world = World::with(forgetful);
    let ordered = Ordered::new(world.mint.clone());
    assert_breaks(world.watched_by(ordered), Law::Ordered);
}

#[test]
fn a_child_told_before_its_parent_is_noticed() {
    let mut flow = Flow::new(CONSENSUS, 5, 100);
    let parent = flow.tx();
    let child = kernel(&flow.child(&parent));
    let hasty = says(move |to, message, scope| {
        if let Message::StemTransaction(tx) = message
            && kernels(tx).contains(&child)
            && let Some(zone) = scope.zone
        {
            let alone = zone.pool().stem().find(|(tx, ..)| kernel(tx) == child);
            let alone = alone.unwrap().0.as_transaction().clone();
            scope.send(to, Message::Transaction(alone));
        }
        Pass::On
    });
    let world = World::with(hasty);
    let ordered = Ordered::new(world.mint.clone());
    assert_breaks(world.watched_by(ordered), Law::Ordered);
}

#[test]
fn a_tampered_transaction_is_noticed_and_refused() {
    let world = World::with(Tamperer::always(CONSENSUS));
    let sound = Sound::new(world.mint.clone());
    assert_breaks(world.watched_by(sound), Law::Sound);
    assert_breaks(World::with(Tamperer::always(CONSENSUS)).watched_by(Fair), Law::Fair);
}

/// Also sends a transaction of its own with everything on the stem.
fn sends_along(builder: fn() -> AssumedTx) -> World {
    world(|spec, mint, flow| {
        let coins = flow.genesis().into_iter().map(|(coin, _)| coin).collect();
        let mut purse = Purse::new(CONSENSUS, mint.clone(), coins);
        spec.mutated(says(move |to, message, scope| {
            if let Message::StemTransaction(_) = message {
                let tx = purse.make(builder(), scope.rng).unwrap();
                scope.send(to, Message::StemTransaction(tx.as_transaction().clone()));
            }
            Pass::On
        }))
    })
}

#[test]
fn dust_and_what_is_locked_are_noticed() {
    let bad: [fn() -> AssumedTx; 2] =
        [|| AssumedTx::new().fee(1), || AssumedTx::new().height_locked(1_000)];
    for builder in bad {
        let world = sends_along(builder);
        let sound = Sound::new(world.mint.clone());
        assert_breaks(world.watched_by(sound), Law::Sound);
    }
}

/// Sleeps through its timers, and hears nothing meanwhile that would wake it.
struct Sleepy;

impl Sleepy {
    /// It has dialled before it falls asleep.
    fn is_awake(now: Instant) -> bool {
        now.as_micros() / 1_000_000 % 100 < 25
    }

    fn passes(now: Instant) -> Pass {
        if Self::is_awake(now) { Pass::On } else { Pass::Swallow }
    }
}

impl Behaviour for Sleepy {
    fn incoming(&mut self, _: NodeId, _: &Message, scope: &mut Scope<'_>) -> Pass {
        Self::passes(scope.now)
    }

    fn timeout(&mut self, scope: &mut Scope<'_>) -> Pass {
        Self::passes(scope.now)
    }
}

#[test]
fn a_node_that_keeps_others_waiting_is_noticed() {
    let verdict = World::with(Sleepy).watched_by(Prompt::default());
    assert_says(verdict, Law::Prompt, "kept something waiting");
}

#[test]
fn a_sink_has_until_its_window_closes_and_others_have_no_window() {
    let rendezvous = Preset::Scape.params().rendezvous.unwrap();
    let window = rendezvous.pool.window + rendezvous.pool.spread;
    let (patience, second) = (params().patience.interval, Duration::from_secs(1));
    for (is_sink, waits, in_time) in [
        (true, window, true),
        (true, window + second, false),
        (false, patience, true),
        (false, patience + second, false),
    ] {
        let mut world = World::with(scape_tests::net::Honest);
        let mut prompt = Prompt::default();
        prompt.declare(MUTANT, Params { rendezvous: Some(rendezvous), ..params() });
        let kernels = vec![kernel(&world.flow.tx())];
        let sink = if is_sink { MUTANT } else { NodeId(1) };
        let message = sealed_to(world.net.node(sink).sink_key());
        let (from, link) = (NodeId(4), PeerId(7));
        let (to, height, hidden) = (MUTANT, 0, false);
        let sent = Happening::Sent { from, to, link, height, hidden, message };
        let stemmed = Notice::Stemmed { kernels: kernels.clone(), source: Source::Peer(link) };
        let parts = 1;
        let (reason, cut_through) = (FluffReason::Gathered, 0);
        let fluffed = Notice::Fluffed { kernels, parts, cut_through, reason };
        let at_mutant = |notice| Happening::Observed(MUTANT, Observation::Notice(notice));
        assert_eq!(prompt.after(&world.net, &[sent, at_mutant(stemmed)]), Ok(()));
        world.net.run_until(Instant::ZERO + waits);
        let verdict = prompt.after(&world.net, &[at_mutant(fluffed)]);
        match in_time {
            true => assert_eq!(verdict, Ok(())),
            false => assert_says(verdict, Law::Prompt, "kept something waiting"),
        }
    }
}

fn sealed_to(sink: PublicKey) -> Message {
    Message::SealedStem { sink, sealed: vec![0; SIZES[0]].into() }
}

/// Sleeps for a while when an embargo ends.
struct Drowsy;

impl Behaviour for Drowsy {
    fn timeout(&mut self, scope: &mut Scope<'_>) -> Pass {
        let ends = scope.zone.into_iter().flat_map(|zone| zone.pool().stem()).map(|(.., end)| end);
        match ends.min() {
            Some(end) if (end..end + Duration::from_secs(20)).contains(&scope.now) => Pass::Swallow,
            _ => Pass::On,
        }
    }

    fn outgoing(&mut self, to: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        keeps_to_itself(to, message, scope)
    }
}

/// Nobody else can fluff what is not handed on.
fn keeps_to_itself(_to: NodeId, message: &Message, _scope: &mut Scope<'_>) -> Pass {
    match message {
        Message::StemTransaction(_) => Pass::Swallow,
        _ => Pass::On,
    }
}

#[test]
fn an_embargo_that_ends_late_is_noticed() {
    let verdict = World::with(Drowsy).watched_by(Prompt::default());
    assert_says(verdict, Law::Prompt, "kept something waiting");
}

#[test]
fn an_overdue_embargo_is_noticed() {
    let mut lazy = params();
    lazy.embargo.sweep = Duration::from_secs(60);
    let mut world = world(|spec, _, _| spec.params(lazy).mutated(says(keeps_to_itself)));
    // Its patience wakes the node up while the others are overdue.
    let tx = world.flow.tx();
    world.mint.add(&tx);
    world.net.at(Instant::from_secs(105), move |net| {
        net.push(MUTANT, tx.as_transaction().clone(), false);
    });
    let mut prompt = Prompt::default();
    prompt.declare(MUTANT, params());
    assert_says(world.watched_by(prompt), Law::Prompt, "an embargo is overdue");
}

/// Writes so slowly that its links end before its stem transactions have left.
fn slow_writer(behaviour: impl Behaviour + 'static) -> World {
    let mut world = world(|spec, _, _| NodeSpec { writes: Some(1), ..spec.mutated(behaviour) });
    world.net.at(Instant::from_secs(55), |net| {
        (1..NODES).for_each(|node| net.disconnect(MUTANT, NodeId(node)));
    });
    world
}

/// Takes what waited for a lost relay for sent.
struct Careless;

impl Behaviour for Careless {
    fn unsent(&mut self, _: NodeId, _: &[Message], _: &mut Scope<'_>) -> Pass {
        Pass::Swallow
    }
}

#[test]
fn a_node_that_idles_after_a_lost_relay_is_noticed() {
    let world = slow_writer(scape_tests::net::Honest);
    let routed = Routed::new(world.mint.clone());
    assert_eq!(world.watched_by(routed), Ok(()));

    let world = slow_writer(Careless);
    let routed = Routed::new(world.mint.clone());
    assert_says(world.watched_by(routed), Law::Routed, "lost a relay and waits");
}

#[test]
fn a_stem_transaction_to_an_inbound_peer_is_noticed() {
    let generous = says(|_, message, scope| {
        if let Message::StemTransaction(_) = message {
            scope.send(NodeId(4), message.clone());
        }
        Pass::On
    });
    let world = World::with(generous);
    let routed = Routed::new(world.mint.clone());
    assert_breaks(world.watched_by(routed), Law::Routed);
}

#[test]
fn a_sealed_transaction_to_an_inbound_peer_is_noticed() {
    for (to, is_noticed) in [(NodeId(1), false), (NodeId(4), true)] {
        let generous = says(move |_, message, scope| {
            if let Message::StemTransaction(_) = message {
                scope.send(to, sealed_to(PublicKey([9; 32])));
            }
            Pass::On
        });
        let world = World::with(generous);
        let routed = Routed::new(world.mint.clone());
        let verdict = world.watched_by(routed);
        match is_noticed {
            true => assert_says(verdict, Law::Routed, "hands what is sealed"),
            false => assert_eq!(verdict, Ok(())),
        }
    }
}

#[test]
fn what_a_noisy_node_sends_outside_of_its_frames_is_noticed() {
    let noise = NoiseConfig::default().check().unwrap();
    let mut world = world(|spec, _, _| spec.noisy(noise));
    let (from, to, link, height) = (MUTANT, NodeId(1), PeerId(7), 0);
    let stem = Message::StemTransaction(world.flow.tx().as_transaction().clone());
    let sealed = |sink| sealed_to(world.net.node(sink).sink_key());
    for (message, hidden, is_noticed) in [
        (stem, false, true),
        (sealed(NodeId(2)), false, true),
        (sealed(NodeId(2)), true, false),
        (sealed(to), false, false),
    ] {
        let sent = Happening::Sent { from, to, link, height, hidden, message };
        let verdict = Routed::new(world.mint.clone()).after(&world.net, &[sent]);
        match is_noticed {
            true => assert_says(verdict, Law::Routed, "outside of its frames"),
            false => assert_eq!(verdict, Ok(())),
        }
    }
}

#[test]
fn a_relay_changed_within_an_epoch_is_noticed() {
    let hasty = Params { epoch: Duration::from_secs(20), ..params() };
    let world = world(|spec, _, _| spec.params(hasty));
    let mut routed = Routed::new(world.mint.clone());
    routed.declare(MUTANT, params());
    assert_breaks(world.watched_by(routed), Law::Routed);
}

#[test]
fn a_relay_that_is_behind_is_noticed() {
    let lax = Params { relay_max_lag: 100, ..params() };
    let mut world = slow_world(Duration::from_secs(10_000), |spec, _, _| spec.params(lax));
    world.net.at(Instant::from_secs(15), |net| {
        (0..4).for_each(|_| assert!(net.mine(MUTANT).is_some()));
    });
    let mut routed = Routed::new(world.mint.clone());
    routed.declare(MUTANT, Params { relay_max_lag: 0, ..params() });
    assert_breaks(world.watched_by(routed), Law::Routed);
}

#[test]
fn a_pool_that_holds_too_much_is_noticed() {
    let world = World::with(scape_tests::net::Honest);
    let mut bounded = Bounded::default();
    // The owner's two come on top of what peers may fill, so the relay is looked at.
    let none = Capacity { stem_entries: 0, tx_entries: 0, ..Capacity::default() };
    (1..NODES).for_each(|node| bounded.declare(NodeId(node), none));
    assert_says(world.watched_by(bounded), Law::Bounded, "transactions");
}

#[test]
fn a_pool_that_holds_too_many_bytes_is_noticed() {
    let none = [
        ("stempool", Capacity { stem_bytes: 1_000, ..Capacity::default() }),
        ("txpool", Capacity { tx_bytes: 1_000, ..Capacity::default() }),
    ];
    for (name, capacity) in none {
        let mut bounded = Bounded::default();
        (1..NODES).for_each(|node| bounded.declare(NodeId(node), capacity));
        let breach = World::with(scape_tests::net::Honest).watched_by(bounded).unwrap_err();
        let is_bytes = breach.what.contains(name) && breach.what.contains("bytes");
        assert!(breach.law == Law::Bounded && is_bytes, "{breach}");
    }
}

#[test]
fn a_bad_block_is_noticed() {
    let mut rng = seeded(6, 0);
    let coin = Commitment([8; 33]);
    let counterfeit = AssumedTx::new().spend(coin).build(&mut rng, &CONSENSUS).unwrap();
    let mut world = world(|spec, _, _| spec.forges(coin));
    world.mint.add(&counterfeit);
    world.net.at(Instant::from_secs(15), move |net| {
        net.push(MUTANT, counterfeit.as_transaction().clone(), true);
    });
    world.net.at(Instant::from_secs(18), |net| assert!(net.mine(MUTANT).is_some()));
    assert_says(world.watched_by(Fair), Law::Fair, "refuses block");
}

#[test]
fn what_no_seed_decides_is_noticed() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let digest = || {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let moody = says(move |_, message, _| match message {
            Message::StemTransaction(_) if run == 0 => Pass::Swallow,
            _ => Pass::On,
        });
        let mut world = World::with(moody);
        world.pay();
        world.net.run_until(Instant::from_secs(100));
        world.net.digest()
    };
    let first = digest();
    let second = digest();
    assert_ne!(first, second);
    assert_eq!(second, digest());
}
