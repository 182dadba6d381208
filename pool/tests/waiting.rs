//! Who waits, for how long, and who has to give way.

mod kit;

use kit::*;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ValidTx, aggregate};
use scape_pool::{Capacity, Instant, Notice, Source};

/// Transactions without inputs that exist, each the child of one that a block may bring.
fn families(world: &mut World, count: usize) -> (Vec<ValidTx>, Vec<ValidTx>) {
    let parents: Vec<_> = (0..count).map(|_| world.tx()).collect();
    let children = parents.iter().map(|parent| world.child(parent)).collect();
    (parents, children)
}

fn dropped(out: &Out) -> usize {
    out.notices.iter().filter(|notice| matches!(notice, Notice::OrphanDropped { .. })).count()
}

#[test]
fn of_what_peers_lost_by_a_reorg_only_so_much_waits_but_all_of_the_owner() {
    let mut config = config();
    config.capacity = Capacity { tx_entries: 2, ..config.capacity };
    let mut world = World::with(config);
    let (parents, children) = families(&mut world, 6);
    world.mine(&parents);
    for (index, child) in children.iter().enumerate() {
        let source = if index < 3 { Source::Own } else { peer(1) };
        world.stem(child, source).expect("fits");
    }
    world.drain();
    world.reorg(1, &[&[], &[]]);
    assert_eq!(dropped(&world.drain()), 1);
    assert_eq!(world.pool.counts().orphans, 5);
    world.mine(&parents);
    let back = children.iter().map(|child| world.is_stem(child));
    assert_eq!(back.collect::<Vec<_>>(), [true, true, true, false, true, true]);
}

#[test]
fn nobody_keeps_the_owner_out_by_sending_something_alike_before() {
    let mut world = World::new();
    let (parents, children) = families(&mut world, 2);
    world.stem(&children[0], peer(1)).expect("waits");
    world.stem(&children[0], Source::Own).expect("waits");
    assert_eq!(dropped(&world.drain()), 1);
    assert_eq!(world.pool.counts().orphans, 1, "the owner's alone");
    // The same again is nothing new; something alike is.
    world.stem(&children[0], Source::Own).expect("waits");
    assert_eq!(world.pool.counts().orphans, 1);
    let both = aggregate(&children).expect("disjoint");
    world.stem(&both, Source::Own).expect("waits");
    assert_eq!(world.pool.counts().orphans, 2);
    world.run_until(10_000);
    world.mine(&parents);
    assert!(world.is_stem(&children[0]) && world.is_stem(&children[1]), "neither is lost");
}

#[test]
fn who_waits_for_two_waits_for_both() {
    let mut world = World::new();
    let (parents, children) = families(&mut world, 2);
    let both = aggregate(&children).expect("disjoint");
    world.stem(&both, peer(1)).expect("waits");
    world.mine(&parents[..1]);
    assert_eq!((world.pool.counts().orphans, world.is_stem(&both)), (1, false));
    world.mine(&parents[1..]);
    assert!(world.is_stem(&both));
}

#[test]
fn what_waits_for_a_height_comes_when_several_blocks_come_at_once() {
    let mut world = World::new();
    let locked = AssumedTx::new().spend(world.coin()).height_locked(14);
    let locked = world.build(locked);
    (0..4).for_each(|_| world.mine(&[]));
    world.stem(&locked, Source::Own).expect("fits");
    // Height 14 is undone with three more, and five others come instead.
    world.reorg(4, &[&[]]);
    assert!(!world.is_stem(&locked));
    world.reorg(1, &[&[], &[], &[], &[], &[]]);
    assert!(world.is_stem(&locked));
}

#[test]
fn what_a_block_holds_or_makes_impossible_does_not_wait_any_more() {
    let mut world = World::new();
    let (parents, children) = families(&mut world, 3);
    for (child, public) in children.iter().zip([false, true, false]) {
        match public {
            true => world.fluff(child, peer(1)).expect("waits"),
            false => world.stem(child, peer(1)).expect("waits"),
        };
    }
    world.drain();
    let mined =
        vec![parents[0].clone(), parents[1].clone(), children[0].clone(), children[1].clone()];
    world.mine(&mined);
    let out = world.drain();
    for child in &children[..2] {
        let said =
            |n: &Notice| matches!(n, Notice::Mined { kernels: k, .. } if *k == kernels(child));
        assert!(out.says(said));
    }
    // The last one also spends a coin, which a block takes.
    let spender = world.tx();
    let rival = world.rival(&spender);
    let last = aggregate(&[children[2].clone(), spender]).expect("disjoint");
    world.run_until(1_000);
    assert_eq!(world.pool.counts().orphans, 0);
    world.stem(&last, peer(1)).expect("waits");
    world.drain();
    world.mine(&[rival]);
    assert_eq!(world.drain().conflicted(), [kernels(&last)]);
    assert_eq!(world.pool.counts().orphans, 0);
}

#[test]
fn a_timeout_that_comes_late_does_all_that_is_due() {
    let mut world = World::new();
    let (_, children) = families(&mut world, 2);
    for (child, at) in children.iter().zip([0, 100]) {
        world.run_until(at);
        world.stem(child, peer(1)).expect("waits");
    }
    world.now = Instant::from_secs(10_000);
    world.with_ctx(|pool, ctx| pool.handle_timeout(ctx));
    assert_eq!(dropped(&world.drain()), 2);
    assert_eq!(world.pool.poll_timeout(), None);
}

/// Who waits for what will never come is told, but what is public must not show what happens on the
/// stem.
#[test]
fn an_orphan_falls_with_the_orphan_that_it_spends() {
    let ways = [(true, true), (true, false), (false, true), (false, false)];
    for (stem_parent, stem_child) in ways {
        let mut world = World::new();
        let (grandparent, coin) = (world.tx(), world.coin());
        let parent = AssumedTx::new().spend(output(&grandparent, 0)).spend(coin);
        let parent = world.build(parent);
        let child = world.child(&parent);
        for (tx, stem) in [(&parent, stem_parent), (&child, stem_child)] {
            let verdict = if stem { world.stem(tx, peer(1)) } else { world.fluff(tx, peer(1)) };
            verdict.expect("waits");
        }
        world.drain();
        let rival = world.build(AssumedTx::new().spend(coin));
        world.mine(&[rival]);
        let falls = !stem_parent || stem_child;
        let fallen = [kernels(&parent), kernels(&child)];
        assert_eq!(world.drain().conflicted(), fallen[..1 + usize::from(falls)]);
        assert_eq!(world.pool.counts().orphans, usize::from(!falls));
    }
}
