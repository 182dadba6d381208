//! What the owner is told, and what it may ask for.

mod kit;

use std::time::Duration;

use kit::*;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ValidTx, aggregate};
use scape_pool::{
    Accepted, Effect, Embargo, EmbargoDelay, FluffReason, Instant, Notice, Patience, PatienceMode,
    Refusal, Rival, Source,
};

fn lost_to(world: &mut World, tx: &ValidTx) -> Option<Option<Rival>> {
    world.drain().notices.into_iter().find_map(|notice| match notice {
        Notice::Conflicted { kernels: lost, by } if lost == kernels(tx) => Some(by),
        _ => None,
    })
}

fn transaction(tx: &ValidTx) -> Option<Rival> {
    Some(Rival::Transaction(tx.kernels()[0].excess()))
}

#[test]
fn what_is_lost_is_lost_to_something() {
    let mut world = World::new();
    let lost = world.tx();
    let rival = world.rival(&lost);
    world.stem(&lost, peer(1)).expect("fits");
    world.fluff(&rival, peer(2)).expect("fits");
    assert_eq!(lost_to(&mut world, &lost), Some(transaction(&rival)));

    let lost = world.tx();
    let rival = world.rival(&lost);
    let child = world.child(&lost);
    world.stem(&lost, peer(1)).expect("fits");
    world.stem(&child, peer(1)).expect("fits");
    world.mine(&[rival]);
    let out = world.drain();
    let by = out.notices.iter().filter_map(|notice| match notice {
        Notice::Conflicted { by, .. } => Some(*by),
        _ => None,
    });
    let by: Vec<_> = by.collect();
    assert_eq!(by.len(), 2, "the child goes with its parent: {:?}", out.notices);
    assert!(matches!(by[..], [Some(Rival::Block(a)), Some(Rival::Block(b))] if a == b));
}

#[test]
fn an_orphan_is_lost_to_the_block_that_spends_its_input() {
    let mut world = World::new();
    let coin = world.coin();
    let parent = world.tx();
    let orphan = world.build(AssumedTx::new().spend(output(&parent, 0)).spend(coin));
    assert_eq!(world.stem(&orphan, Source::Own), Ok(Accepted::Orphan));
    let rival = world.build(AssumedTx::new().spend(coin));
    world.mine(&[rival]);
    assert!(matches!(lost_to(&mut world, &orphan), Some(Some(Rival::Block(_)))));
}

#[test]
fn clocks_are_told_as_they_run_out() {
    let mut world = World::new();
    assert_eq!(world.pool.clocks(32), scape_pool::Clocks::default());
    let txs: Vec<_> = (0..50).map(|_| world.tx()).collect();
    for tx in &txs {
        world.stem(tx, peer(1)).expect("fits");
    }
    let clocks = world.pool.clocks(32);
    assert_eq!(clocks.patience, Some(Instant::from_secs(5)));
    let up = |at: Instant| Instant::from_secs(at.as_micros().div_ceil(10_000_000) * 10);
    let mut ends: Vec<_> = txs.iter().map(|tx| up(world.embargo(tx).expect("held"))).collect();
    ends.sort();
    assert_eq!(clocks.embargoes, ends[..32]);
    assert_eq!(world.pool.clocks(100).embargoes, ends);
    let kernel = kernels(&txs[0])[0];
    assert_eq!(world.pool.embargo_of(&kernel), world.embargo(&txs[0]));
    // Those that are gone are not told, nor the patience of what has left.
    for tx in &txs[1..] {
        world.fluff(tx, peer(2)).expect("fits");
    }
    assert_eq!(world.pool.clocks(32).embargoes, [up(world.embargo(&txs[0]).expect("held"))]);
    world.run_until(5);
    assert_eq!(world.pool.clocks(32).patience, None);
    assert_eq!(world.pool.clocks(32).embargoes.len(), 1);
}

#[test]
fn what_is_asked_for_is_fluffed_with_its_family() {
    let mut world = World::new();
    let parent = world.tx();
    let (child, other, mate) = (world.child(&parent), world.tx(), world.tx());
    let grandchild = world.child(&child);
    world.stem(&parent, Source::Own).expect("fits");
    world.stem(&mate, peer(1)).expect("fits");
    // What was sent together stays together.
    world.run_until(5);
    world.stem(&child, Source::Own).expect("fits");
    world.stem(&grandchild, Source::Own).expect("fits");
    world.stem(&other, peer(1)).expect("fits");
    world.drain();
    let asked = kernels(&child)[0];
    assert!(world.with_ctx(|pool, ctx| pool.handle_asked(&asked, ctx)));
    let out = world.drain();
    assert_eq!(out.reasons(), [FluffReason::Asked]);
    let fluffed: Vec<_> = out.fluffs.iter().flat_map(kernels).collect();
    for tx in [&parent, &mate, &child] {
        assert!(world.is_public(tx) && fluffed.contains(&kernels(tx)[0]));
    }
    assert!(world.is_stem(&grandchild) && world.is_stem(&other), "they need not go");
    assert!(!world.with_ctx(|pool, ctx| pool.handle_asked(&asked, ctx)), "it is public");
}

#[test]
fn other_timers_hold_for_what_comes() {
    let mut world = World::new();
    let (before, after) = (world.tx(), world.tx());
    world.stem(&before, peer(1)).expect("fits");
    let end = world.embargo(&before);
    let patience = Patience {
        interval: Duration::from_secs(100),
        phase: Some(Duration::from_secs(50)),
        mode: PatienceMode::EveryHop,
    };
    let base = Duration::from_secs(1_000);
    let delay = EmbargoDelay::Uniform { base, spread: Duration::ZERO };
    let embargo = Embargo { delay, sweep: Duration::from_secs(1) };
    world.now = Instant::from_secs(1);
    let now = world.now;
    world.with_ctx(|pool, _| pool.set_timers(patience, embargo, None, now));
    world.stem(&after, peer(1)).expect("fits");
    assert_eq!(world.embargo(&before), end);
    assert_eq!(world.embargo(&after), Some(Instant::from_secs(1_001)));
    world.run_until(50);
    let left: Vec<_> = world.drain().stems.iter().flat_map(|(_, tx, _)| kernels(tx)).collect();
    assert_eq!(left, kernels(&before));
    world.run_until(51);
    let left: Vec<_> = world.drain().stems.iter().flat_map(|(_, tx, _)| kernels(tx)).collect();
    assert_eq!(left, kernels(&after));
}

#[test]
fn a_rival_is_kept_and_goes_when_the_other_cannot() {
    let mut world = World::new();
    let (shared, coin) = (world.coin(), world.coin());
    let held = world.build(AssumedTx::new().spend(shared).spend(coin));
    let own = world.build(AssumedTx::new().spend(shared));
    world.stem(&held, peer(1)).expect("fits");
    world.drain();
    let verdict = |world: &mut World| world.with_ctx(|pool, ctx| pool.public_verdict(&own, ctx));
    assert_eq!(verdict(&mut world), Ok(()), "nobody else knows of a rival");
    assert_eq!(world.stem(&own, Source::Own), Err(Refusal::Conflict));
    let kept = world.with_ctx(|pool, ctx| pool.handle_rival(own.clone(), ctx));
    assert_eq!(kept, Accepted::Rival);
    let out = world.drain();
    let excluded = Notice::Excluded { kernels: kernels(&own), by: transaction(&held) };
    assert_eq!(out.notices, [excluded]);
    assert_eq!(out.kept.len(), 1, "a crash does not lose it");
    assert!(world.is_stem(&held) && !world.is_stem(&own));
    // The other one loses, by an input of its own.
    let third = world.build(AssumedTx::new().spend(coin));
    world.mine(&[third]);
    assert!(world.is_stem(&own) && !world.is_stem(&held));
    world.mine(std::slice::from_ref(&own));
    let mined = |n: &Notice| matches!(n, Notice::Mined { kernels: k, .. } if *k == kernels(&own));
    assert!(world.drain().says(mined));
}

#[test]
fn a_verdict_is_what_a_node_with_an_empty_stempool_would_say() {
    let (mut full, mut empty) = (World::new(), World::new());
    let (held, other) = (full.tx(), full.tx());
    let cheap = full.build(AssumedTx::new().spend(output(&held, 0)).fee(1));
    let txs = [
        held.clone(),
        full.rival(&held),
        full.child(&held),
        aggregate(&[held.clone(), other.clone()]).expect("disjoint"),
        full.rival(&other),
        other.clone(),
        cheap,
    ];
    for tx in [&held, &other] {
        empty.chain.add(tx.inputs()[0].commitment(), scape_aggregate::OutputFeatures::Plain);
    }
    full.stem(&held, peer(1)).expect("fits");
    full.fluff(&other, peer(1)).expect("fits");
    empty.fluff(&other, peer(1)).expect("fits");
    let mut verdicts = Vec::new();
    for tx in &txs {
        let verdict = full.with_ctx(|pool, ctx| pool.public_verdict(tx, ctx));
        assert_eq!(verdict, empty.with_ctx(|pool, ctx| pool.public_verdict(tx, ctx)));
        verdicts.push(verdict);
    }
    assert_eq!(verdicts[..4], [Ok(()); 4]);
    assert_eq!(verdicts[4], Err(Refusal::Conflict));
    assert_eq!(verdicts[5], Err(Refusal::Known));
    assert!(matches!(verdicts[6], Err(Refusal::LowFee { paid: 1, .. })));
}

#[test]
fn what_only_the_stempool_had_when_it_was_mined_is_no_rival() {
    let mut world = World::new();
    let coin = world.coin();
    let tx = world.build(AssumedTx::new().spend(coin).outputs(1));
    world.stem(&tx, peer(1)).expect("fits");
    let child = world.child(&tx);
    world.mine(&[tx.clone(), child]);
    world.drain();
    assert_eq!(world.with_ctx(|pool, ctx| pool.public_verdict(&tx, ctx)), Ok(()));
    world.with_ctx(|pool, ctx| pool.handle_rival(tx.clone(), ctx));
    let height = world.chain.height;
    let mined = Effect::Notice(Notice::Mined { kernels: kernels(&tx), height });
    assert_eq!(world.drain().all, [mined]);
}

#[test]
fn what_is_sent_is_sent_for_the_owner_if_any_part_is_and_else_for_the_oldest() {
    for (sources, sent_for) in [
        ([peer(1), peer(2)], peer(1)),
        ([peer(2), peer(1)], peer(2)),
        ([peer(1), Source::Own], Source::Own),
        ([Source::Own, peer(1)], Source::Own),
    ] {
        let mut world = World::new();
        let txs = [world.tx(), world.tx()];
        for (tx, source) in txs.iter().zip(sources) {
            world.stem(tx, source).expect("fits");
        }
        world.run_until(6);
        let (_, sent, parts) = world.drain().stems.remove(0);
        assert_eq!(parts.len(), 2);
        assert_eq!(world.pool.sent_for(&parts), Some(sent_for), "{sources:?}");
        // Once it is public it need not be sent.
        world.fluff(&sent, peer(3)).expect("fits");
        assert_eq!(world.pool.sent_for(&parts), None);
    }
}

#[test]
fn what_is_public_has_come_at_a_time() {
    let mut world = World::new();
    let (first, last) = (world.tx(), world.tx());
    world.fluff(&first, peer(1)).expect("fits");
    world.run_until(7);
    world.fluff(&last, peer(1)).expect("fits");
    let since: Vec<_> = world.pool.latest_public_since().collect();
    assert_eq!(since, [(&last, Instant::from_secs(7)), (&first, Instant::ZERO)]);
}
