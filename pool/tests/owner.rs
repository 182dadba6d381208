//! The owner's transactions are not lost as long as they can be mined.

mod kit;

use kit::*;
use scape_aggregate::aggregate;
use scape_aggregate::builder::AssumedTx;
use scape_pool::{Accepted, Notice, Source};

#[test]
fn what_was_seen_in_an_aggregate_that_lost_is_sent_again() {
    let mut world = World::new();
    let (own, other) = (world.tx(), world.tx());
    world.stem(&own, Source::Own).expect("fits");
    let foreign = aggregate(&[own.clone(), other.clone()]).expect("disjoint");
    world.fluff(&foreign, peer(1)).expect("fits");
    assert!(!world.is_stem(&own) && world.is_public(&own), "seen in somebody else's aggregate");
    // A block takes the other part alone, so the aggregate is impossible.
    world.mine(&[other]);
    assert!(world.is_stem(&own), "only the original can be sent again");
    world.mine(std::slice::from_ref(&own));
    assert!(!world.is_stem(&own));
    assert!(
        world
            .drain()
            .says(|n| matches!(n, Notice::Mined { kernels: k, .. } if *k == kernels(&own)))
    );
}

#[test]
fn a_child_outlives_the_aggregate_that_its_parent_was_in() {
    let mut world = World::new();
    let (parent, other, third) = (world.tx(), world.tx(), world.tx());
    let child = world.child(&parent);
    let held = aggregate(&[parent.clone(), other.clone()]).expect("disjoint");
    world.stem(&held, peer(1)).expect("fits");
    world.stem(&child, Source::Own).expect("fits");
    // Another aggregate of one of its parts is fluffed: what we hold is impossible.
    world.fluff(&aggregate(&[other, third]).expect("disjoint"), peer(2)).expect("fits");
    assert!(!world.is_stem(&child), "its parent is not to be seen");
    world.run_until(1_000);
    world.fluff(&parent, peer(2)).expect("fits");
    assert!(world.is_stem(&child), "it waited for its parent");
}

#[test]
fn a_peers_child_outlives_the_aggregate_that_the_owners_parent_was_in() {
    let mut world = World::new();
    let (parent, other) = (world.tx(), world.tx());
    let child = world.child(&parent);
    world.stem(&parent, Source::Own).expect("fits");
    let foreign = aggregate(&[parent.clone(), other.clone()]).expect("disjoint");
    world.fluff(&foreign, peer(1)).expect("fits");
    world.stem(&child, peer(2)).expect("fits");
    world.drain();
    world.mine(&[other]);
    assert!(world.is_stem(&parent) && world.is_stem(&child), "the child follows its parent");
    let lost =
        |n: &Notice| matches!(n, Notice::Conflicted { kernels: k, .. } if *k == kernels(&child));
    assert!(!world.drain().says(lost), "what comes back is not given up");
}

/// It spends an output of the owner's, and one of somebody who has not come yet.
#[test]
fn a_peers_orphan_waits_on_for_the_owners_parent_that_comes_back() {
    let mut world = World::new();
    let (own, other, late) = (world.tx(), world.tx(), world.tx());
    let orphan = AssumedTx::new().spend(output(&own, 0)).spend(output(&late, 0));
    let orphan = world.build(orphan);
    world.stem(&own, Source::Own).expect("fits");
    let foreign = aggregate(&[own.clone(), other.clone()]).expect("disjoint");
    world.fluff(&foreign, peer(1)).expect("fits");
    assert_eq!(world.stem(&orphan, peer(2)), Ok(Accepted::Orphan));
    world.mine(&[other]);
    assert_eq!((world.is_stem(&own), world.pool.counts().orphans), (true, 1));
    world.stem(&late, peer(3)).expect("fits");
    assert!(world.is_stem(&orphan), "nothing is missing any more");
}

#[test]
fn a_part_that_was_mined_in_a_foreign_aggregate_is_reported_and_comes_back_after_a_reorg() {
    let mut world = World::new();
    let (own, other, third) = (world.tx(), world.tx(), world.tx());
    world.stem(&own, Source::Own).expect("fits");
    let foreign = aggregate(&[own.clone(), other]).expect("disjoint");
    world.fluff(&foreign, peer(1)).expect("fits");
    world.drain();
    world.mine(&[own.clone(), third]);
    let mined = |n: &Notice| matches!(n, Notice::Mined { kernels: k, .. } if *k == kernels(&own));
    assert!(world.drain().says(mined), "though nothing held it alone");
    world.reorg(1, &[&[], &[]]);
    assert!(world.is_stem(&own) || world.is_public(&own), "it is not lost");
}

#[test]
fn what_somebody_else_has_spent_is_given_up_and_forgotten() {
    let mut world = World::new();
    let own = world.tx();
    let rival = world.rival(&own);
    world.stem(&own, Source::Own).expect("fits");
    world.mine(&[rival]);
    assert_eq!(world.drain().conflicted(), [kernels(&own)]);
    assert!(!world.is_stem(&own));
    // After a reorg that undoes the rival it is possible again.
    world.reorg(1, &[&[], &[]]);
    assert!(world.is_stem(&own));
}

/// The owner spends one output in two ways, to raise a fee, say.
#[test]
fn what_the_owner_has_replaced_does_not_wait_for_ever() {
    let mut world = World::new();
    let parent = world.tx();
    let (first, second) = (world.child(&parent), world.child(&parent));
    world.stem(&first, Source::Own).expect("waits");
    world.stem(&second, Source::Own).expect("waits");
    world.mine(&[parent]);
    world.mine(&[second]);
    let counts = world.pool.counts();
    assert_eq!((counts.stem, counts.orphans), (0, 0), "the input is spent in the chain");
}

#[test]
fn an_orphan_that_was_pushed_twice_leaves_when_it_is_seen() {
    let mut world = World::new();
    let parent = world.tx();
    let child = world.child(&parent);
    world.stem(&child, Source::Own).expect("waits");
    world.stem(&child, Source::Own).expect("waits");
    let both = aggregate(&[parent, child]).expect("a family");
    world.fluff(&both, peer(1)).expect("fits");
    assert_eq!(world.pool.counts().orphans, 0, "it is public");
}

/// A world that forgets what is under more than three blocks.
fn forgetful() -> World {
    let mut config = config();
    config.capacity.reorg_depth = 3;
    World::with(config)
}

#[test]
fn what_a_foreign_aggregate_holds_for_long_is_guarded_all_the_while() {
    let mut world = forgetful();
    let (own, other) = (world.tx(), world.tx());
    world.stem(&own, Source::Own).expect("fits");
    let foreign = aggregate(&[own.clone(), other.clone()]).expect("disjoint");
    world.fluff(&foreign, peer(1)).expect("fits");
    (0..9).for_each(|_| world.mine(&[]));
    world.mine(&[other]);
    assert!(world.is_stem(&own));
}

#[test]
fn what_is_mined_is_guarded_as_deep_as_reorgs_may_go() {
    for (blocks, comes_back) in [(3, true), (4, false)] {
        let mut world = forgetful();
        let (own, other, third) = (world.tx(), world.tx(), world.tx());
        world.stem(&own, Source::Own).expect("fits");
        let foreign = aggregate(&[own.clone(), other]).expect("disjoint");
        world.fluff(&foreign, peer(1)).expect("fits");
        // So nothing but the guard knows it alone.
        world.mine(&[own.clone(), third]);
        (0..blocks).for_each(|_| world.mine(&[]));
        let longer: Vec<&[_]> = vec![&[]; blocks + 2];
        world.reorg(blocks + 1, &longer);
        assert_eq!(world.is_stem(&own), comes_back, "under {blocks} blocks");
    }
}

#[test]
fn what_somebody_else_has_spent_is_guarded_as_deep_as_reorgs_may_go() {
    for (blocks, comes_back) in [(2, true), (3, false)] {
        let mut world = forgetful();
        let own = world.tx();
        let rival = world.rival(&own);
        world.stem(&own, Source::Own).expect("fits");
        world.mine(&[rival]);
        (0..blocks).for_each(|_| world.mine(&[]));
        let longer: Vec<&[_]> = vec![&[]; blocks + 2];
        world.reorg(blocks + 1, &longer);
        assert_eq!(world.is_stem(&own), comes_back, "under {blocks} blocks");
    }
}

#[test]
fn it_is_said_once_that_something_is_mined() {
    let mut world = World::new();
    let own = world.tx();
    world.stem(&own, Source::Own).expect("fits");
    world.mine(std::slice::from_ref(&own));
    world.mine(&[]);
    let out = world.drain();
    let mined = out.notices.iter().filter(|notice| matches!(notice, Notice::Mined { .. }));
    assert_eq!(mined.count(), 1);
}

/// The child was pushed before its parent, so it is looked at first.
#[test]
fn a_family_comes_back_at_once_in_whatever_order_it_was_pushed() {
    let mut world = World::new();
    let (parent, other) = (world.tx(), world.tx());
    let child = world.child(&parent);
    world.stem(&child, Source::Own).expect("waits");
    world.stem(&parent, Source::Own).expect("fits");
    let foreign = aggregate(&[parent.clone(), child.clone(), other.clone()]).expect("a family");
    world.fluff(&foreign, peer(1)).expect("fits");
    assert!(!world.is_stem(&parent) && !world.is_stem(&child));
    world.mine(&[other]);
    assert!(world.is_stem(&parent) && world.is_stem(&child));
}

#[test]
fn what_the_owner_wants_fluffed_waits_in_one_place() {
    let mut world = World::new();
    let parent = world.tx();
    let child = world.child(&parent);
    world.fluff(&child, Source::Own).expect("waits");
    assert_eq!(world.pool.counts().orphans, 1);
    world.mine(&[parent]);
    assert!(world.is_public(&child) && !world.is_stem(&child));
}

#[test]
fn what_is_the_owners_is_known_in_whatever_it_was_merged_with() {
    let mut world = World::new();
    let (own, other) = (world.tx(), world.tx());
    world.stem(&own, Source::Own).expect("fits");
    world.stem(&other, peer(1)).expect("fits");
    let merged = aggregate(&[own.clone(), other.clone()]).expect("disjoint");
    assert_eq!([&own, &merged, &other].map(|tx| world.pool.is_owned(tx)), [true, true, false]);
}
