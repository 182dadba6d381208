use std::time::Duration;

use scape_p2p::dandelion::{Params, Preset};
use scape_p2p::wire::Message;
use scape_pool::{FluffReason, Instant, Notice, PeerId, Source};
use scape_tests::flow::kernel;
use scape_tests::invariant::{Invariant, Law, Prompt};
use scape_tests::net::{Behaviour, Happening, NodeId, Observation, Pass, Scope};

use crate::world::{MUTANT, World, assert_says, params, says, sealed_to, world};

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
