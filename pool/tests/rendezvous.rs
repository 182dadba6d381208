//! What is sealed to sinks, what a sink gathers, and what happens if a sink swallows it.

mod kit;

use std::time::Duration;

use kit::*;
use scape_aggregate::aggregate;
use scape_pool::{
    Accepted, Coin, EmbargoDelay, FluffReason, Instant, Notice, Pool, PoolConfig, RecordStage,
    SinkId, Source,
};

const SINKS: [SinkId; 3] = [SinkId([1; 32]), SinkId([2; 32]), SinkId([3; 32])];

/// A node that knows sinks.
fn world() -> World {
    let mut world = World::with(rendezvous());
    world.routes.sinks = SINKS.to_vec();
    world
}

fn end_of_embargo(world: &World, secs: u64) -> u64 {
    let end = world.pool.stem().map(|(_, _, end)| end.as_micros()).max().expect("one is held");
    // It is looked at on a grid.
    assert!(end > secs * 1_000_000, "the embargo begins anew");
    end.div_ceil(10_000_000) * 10
}

#[test]
fn what_comes_is_sealed_at_once_whoever_sent_it() {
    let mut world = world();
    for source in [Source::Own, peer(1)] {
        let tx = world.tx();
        world.stem(&tx, source).expect("fits");
        let out = world.drain();
        assert!(out.stems.is_empty() && out.fluffs.is_empty());
        let [(sink, sent, _, attempt)] = &out.seals[..] else { panic!("{:?}", out.all) };
        assert_eq!((*sink, sent, *attempt), (SINKS[0], &tx, 0));
        assert!(out.says(|notice| matches!(notice, Notice::Relayed { parts: 1, .. })));
        assert!(world.is_stem(&tx), "it is under embargo");
    }
}

#[test]
fn without_sinks_it_goes_along_the_stem() {
    let mut world = world();
    world.routes.sinks.clear();
    world.routes.coins = [Coin::Seal].into();
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("fits");
    let out = world.drain();
    assert_eq!((out.stems[0].0, &out.stems[0].1), (RELAY, &tx));
}

#[test]
fn a_sink_gathers_from_the_first_arrival_until_the_window_closes() {
    let mut world = world();
    let txs: Vec<_> = (0..4).map(|_| world.tx()).collect();
    world.run_until(7);
    world.sealed(&txs[0], peer(1)).expect("fits");
    world.run_until(15);
    world.sealed(&txs[1], peer(2)).expect("fits");
    world.run_until(26);
    world.sealed(&txs[2], peer(1)).expect("fits");
    assert!(world.drain().is_silent(), "20 s after the first one at the earliest");
    world.run_until(32);
    let out = world.drain();
    assert!(out.stems.is_empty() && out.seals.is_empty());
    assert_eq!(out.reasons(), [FluffReason::Gathered]);
    assert_eq!(out.fluffs, [aggregate(&txs[..3]).expect("they fit together")]);
    // The next one opens another window.
    world.sealed(&txs[3], peer(3)).expect("fits");
    world.run_until(51);
    assert!(world.drain().is_silent());
    world.run_until(57);
    assert_eq!(world.drain().fluffs, [txs[3].clone()]);
}

#[test]
fn who_comes_when_a_window_closes_opens_another_one() {
    let mut world = world();
    let (first, next) = (world.tx(), world.tx());
    world.sealed(&first, peer(1)).expect("fits");
    world.now = world.pool.poll_timeout().expect("a window");
    world.with_ctx(|pool, ctx| pool.handle_timeout(ctx));
    assert_eq!(world.drain().fluffs, [first]);
    let closed = world.now;
    world.sealed(&next, peer(2)).expect("fits");
    assert!(world.drain().is_silent());
    let end = world.pool.poll_timeout().expect("another window");
    assert!(end >= closed + Duration::from_secs(20), "{end:?} is too soon after {closed:?}");
}

#[test]
fn no_embargo_closes_a_window_early() {
    let mut config = rendezvous();
    config.embargo.delay = EmbargoDelay::Exponential { mean: Duration::from_secs(1) };
    let mut world = World::with(config);
    let txs: Vec<_> = (0..2).map(|_| world.tx()).collect();
    for tx in &txs {
        world.sealed(tx, peer(1)).expect("fits");
    }
    world.run_until(60);
    let out = world.drain();
    assert_eq!((out.reasons(), out.fluffs.len()), (vec![FluffReason::Gathered], 1));
}

#[test]
fn windows_differ_in_length() {
    let mut ends: Vec<_> = (0..8u8)
        .map(|seed| {
            let mut world = world();
            world.pool = Pool::new(rendezvous(), [seed; 32]);
            let tx = world.tx();
            world.sealed(&tx, peer(1)).expect("fits");
            world.pool.poll_timeout().expect("a window")
        })
        .collect();
    ends.sort_unstable();
    ends.dedup();
    assert_eq!(ends.len(), 8);
    let range = Instant::from_secs(20)..=Instant::from_secs(25);
    assert!(ends.iter().all(|end| range.contains(end)), "{ends:?}");
}

#[test]
fn what_is_swallowed_goes_the_same_way_again_to_another_sink_along_the_stem_and_to_everyone() {
    let mut world = world();
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("fits");
    assert_eq!(world.drain().seals[0].0, SINKS[0]);
    let mut secs = end_of_embargo(&world, 0);
    world.run_until(secs - 1);
    assert!(world.drain().is_silent());
    for (attempt, sink) in [(1, SINKS[0]), (2, SINKS[1])] {
        world.run_until(secs);
        let out = world.drain();
        assert!(out.stems.is_empty() && out.fluffs.is_empty());
        assert_eq!((out.seals[0].0, &out.seals[0].1, out.seals[0].3), (sink, &tx, attempt));
        secs = end_of_embargo(&world, secs);
    }
    world.run_until(secs);
    let out = world.drain();
    assert!(out.seals.is_empty() && out.fluffs.is_empty());
    assert_eq!(out.stems[0].1, tx, "that was enough");
    secs = end_of_embargo(&world, secs);
    world.run_until(secs);
    let out = world.drain();
    assert!(out.seals.is_empty() && out.stems.is_empty());
    assert_eq!((out.reasons(), out.fluffs), (vec![FluffReason::Embargo], vec![tx]));
    assert_eq!(world.pool.counts().stem, 0);
}

#[test]
fn what_was_seen_in_time_is_not_sent_again() {
    let mut world = world();
    let (tx, other) = (world.tx(), world.tx());
    world.stem(&tx, Source::Own).expect("fits");
    world.drain();
    let both = aggregate(&[tx.clone(), other]).expect("they fit together");
    world.fluff(&both, peer(5)).expect("fits");
    world.drain();
    world.run_until(1_000);
    assert!(world.drain().is_silent());
    assert!(world.is_public(&tx));
}

#[test]
fn what_is_sealed_again_together_ends_together() {
    let mut world = world();
    let (one, other) = (world.tx(), world.tx());
    world.stem(&one, Source::Own).expect("fits");
    world.stem(&other, peer(1)).expect("fits");
    world.drain();
    let secs = end_of_embargo(&world, 0);
    world.run_until(secs);
    // Both embargoes may end at one sweep or at two.
    let seals = world.drain().seals;
    let together = seals.iter().any(|(_, tx, ..)| tx.kernels().len() == 2);
    assert_eq!(together, world.embargo(&one) == world.embargo(&other));
    let ends: Vec<_> = world.pool.stem().map(|(_, _, end)| end).collect();
    assert!(ends.iter().all(|end| *end > Instant::from_secs(secs)), "{ends:?}");
}

#[test]
fn a_child_goes_where_its_parent_went() {
    let mut world = world();
    let parent = world.tx();
    world.stem(&parent, Source::Own).expect("fits");
    // Others are preferred now.
    world.routes.sinks.reverse();
    let (child, stranger) = (world.child(&parent), world.tx());
    world.stem(&child, peer(1)).expect("fits");
    world.stem(&stranger, peer(1)).expect("fits");
    let out = world.drain();
    let sinks: Vec<_> = out.seals.iter().map(|(sink, tx, ..)| (*sink, tx)).collect();
    assert_eq!(sinks, [(SINKS[0], &parent), (SINKS[0], &child), (SINKS[2], &stranger)]);
}

#[test]
fn a_family_that_is_sealed_again_stays_together() {
    let mut world = world();
    let parent = world.tx();
    world.stem(&parent, Source::Own).expect("fits");
    let child = world.child(&parent);
    world.stem(&child, Source::Own).expect("fits");
    world.drain();
    assert!(world.embargo(&child) >= world.embargo(&parent));
    let mut homes = Vec::new();
    for secs in 1..200 {
        world.run_until(secs);
        let out = world.drain();
        for (sink, tx, ..) in out.seals {
            homes.push((sink, kernels(&tx).contains(&kernels(&parent)[0])));
        }
        if !out.stems.is_empty() {
            break;
        }
    }
    // Wherever the child goes, the parent went before, or with it.
    let parents: Vec<_> =
        homes.iter().filter(|(_, parent)| *parent).map(|(sink, _)| sink).collect();
    assert!(!parents.is_empty());
    assert!(homes.iter().all(|(sink, _)| parents.contains(&sink)), "{homes:?}");
}

#[test]
fn a_child_waits_at_the_sink_for_its_parent_and_goes_with_it() {
    let mut world = world();
    let parent = world.tx();
    let child = world.child(&parent);
    assert_eq!(world.sealed(&child, peer(1)), Ok(Accepted::Orphan));
    world.run_until(3);
    world.sealed(&parent, peer(2)).expect("fits");
    world.run_until(30);
    let out = world.drain();
    assert_eq!(out.fluffs, [aggregate(&[parent, child]).expect("they fit together")]);
}

#[test]
fn what_a_reorg_takes_from_a_sink_and_gives_back_is_gathered_and_nothing_else_is() {
    for is_sealed in [true, false] {
        let mut world = world();
        world.routes.coins = [Coin::Fluff, Coin::Stem].into();
        let unknown = world.tx();
        world.mine(std::slice::from_ref(&unknown));
        let tx = world.child(&unknown);
        match is_sealed {
            true => world.sealed(&tx, peer(1)).expect("fits"),
            false => world.stem(&tx, peer(1)).expect("fits"),
        };
        world.reorg(1, &[&[]]);
        assert_eq!(world.pool.counts().orphans, 1);
        world.mine(&[unknown]);
        world.drain();
        world.run_until(26);
        let out = world.drain();
        let reasons = if is_sealed { vec![FluffReason::Gathered] } else { Vec::new() };
        assert_eq!(out.reasons(), reasons, "{out:?}");
    }
}

#[test]
fn a_stem_that_comes_back_does_not_move_what_is_sealed() {
    for sticky in [false, true] {
        let mut world = world();
        world.routes.sticky = sticky;
        let tx = world.tx();
        world.stem(&tx, peer(1)).expect("fits");
        assert_eq!(world.drain().seals.len(), 1);
        assert_eq!(world.stem(&tx, peer(2)), Ok(Accepted::Loop));
        world.run_until(20);
        assert!(world.drain().is_silent(), "a sink has it");
    }
}

#[test]
fn what_is_sealed_to_a_node_that_holds_it_is_gathered_like_all_else() {
    let mut world = world();
    let (held, other) = (world.tx(), world.tx());
    world.stem(&held, Source::Own).expect("fits");
    world.drain();
    world.sealed(&other, peer(1)).expect("fits");
    assert_eq!(world.sealed(&held, peer(1)), Ok(Accepted::Loop));
    // It comes twice: that changes nothing.
    assert_eq!(world.sealed(&held, peer(2)), Ok(Accepted::Loop));
    world.run_until(25);
    assert_eq!(world.drain().fluffs[0].kernels().len(), 2);
}

#[test]
fn what_cannot_be_sealed_goes_along_the_stem() {
    let mut world = world();
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("fits");
    let parts = world.drain().seals.remove(0).2;
    world.undelivered(&parts);
    let out = world.drain();
    assert_eq!((out.stems[0].0, &out.stems[0].1), (RELAY, &tx));
    // What is on the stem is not sealed later.
    world.run_until(200);
    assert_eq!(world.drain().reasons(), [FluffReason::Embargo]);
}

#[test]
fn who_gathers_nothing_treats_it_as_a_stem_transaction() {
    let config = PoolConfig { rendezvous: None, ..rendezvous() };
    let mut world = World::with(config);
    let tx = world.tx();
    world.sealed(&tx, peer(1)).expect("fits");
    assert_eq!(world.drain().stems.len(), 1);
}

#[test]
fn an_own_transaction_that_was_sealed_goes_to_a_sink_again_after_a_crash() {
    let mut world = world();
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("fits");
    let mut record = world.drain().kept.pop().expect("it is kept");
    let RecordStage::Sealed { embargo, attempts: 0 } = record.stage else { panic!("{record:?}") };
    let mut secs = end_of_embargo(&world, 0);
    for attempt in 1..3 {
        world.pool = Pool::new(rendezvous(), [9; 32]);
        world.with_ctx(|pool, ctx| pool.restore([record], &[], ctx));
        world.run_until(secs - 1);
        assert!(world.drain().is_silent(), "nothing leaves twice before the embargo ends");
        world.run_until(secs);
        let out = world.drain();
        assert!(out.stems.is_empty() && out.fluffs.is_empty());
        let seals: Vec<_> =
            out.seals.iter().map(|(_, sent, _, attempt)| (sent, *attempt)).collect();
        assert_eq!(seals, [(&tx, attempt)]);
        // The new embargo is kept before it is sealed anew.
        record = out.kept.last().expect("it is kept").clone();
        let RecordStage::Sealed { embargo: new, attempts } = record.stage else {
            panic!("{record:?}")
        };
        assert!(new > embargo && attempts == attempt);
        secs = end_of_embargo(&world, secs);
    }
    // What went along the stem is not sent again.
    world.run_until(secs);
    let out = world.drain();
    assert_eq!(out.stems.len(), 1);
    record = out.kept.last().expect("it is kept").clone();
    assert!(matches!(record.stage, RecordStage::Sent { .. }));
    secs = end_of_embargo(&world, secs);
    world.pool = Pool::new(rendezvous(), [9; 32]);
    world.with_ctx(|pool, ctx| pool.restore([record], &[], ctx));
    world.run_until(secs - 1);
    assert!(world.drain().is_silent());
    world.run_until(secs);
    assert_eq!(world.drain().fluffs, [tx]);
}

#[test]
fn what_was_sealed_before_a_crash_takes_the_stem_where_no_sink_is_known() {
    let mut world = world();
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("fits");
    let record = world.drain().kept.pop().expect("it is kept");
    let secs = end_of_embargo(&world, 0);
    world.routes.sinks.clear();
    world.pool = Pool::new(rendezvous(), [9; 32]);
    world.with_ctx(|pool, ctx| pool.restore([record], &[], ctx));
    world.run_until(secs);
    let out = world.drain();
    assert!(out.seals.is_empty() && out.fluffs.is_empty());
    assert_eq!(out.stems[0].1, tx);
}

#[test]
fn what_is_left_of_a_seal_that_is_broken_is_sealed_to_the_same_sink() {
    let mut world = world();
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("fits");
    let (sink, _, parts, _) = world.drain().seals.remove(0);
    world.with_ctx(|pool, ctx| pool.handle_broken(&parts, ctx));
    let out = world.drain();
    assert!(out.stems.is_empty() && out.fluffs.is_empty(), "{:?}", out.all);
    assert_eq!((out.seals[0].0, &out.seals[0].1), (sink, &tx));
}
