//! Blocks that come, blocks that go, and what is only partly in them.

mod kit;

use kit::*;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{Commitment, NrdRelativeHeight, ValidTx, aggregate};
use scape_pool::{Accepted, ChainUpdate, Coin, Notice, Rival, Source};

/// Fluffs own transactions merged into one.
fn fluff_merged(world: &mut World, txs: &[&ValidTx]) -> ValidTx {
    world.routes.coins = vec![Coin::Fluff; txs.len()].into();
    for tx in txs {
        world.stem(tx, Source::Own).expect("fits");
    }
    let secs = world.now.as_micros() / 1_000_000 + 10;
    world.run_until(secs);
    let mut fluffs = world.drain().fluffs;
    assert_eq!(fluffs.len(), 1);
    fluffs.remove(0)
}

#[test]
fn what_is_mined_leaves_either_pool() {
    let mut world = World::new();
    let (stem, public) = (world.tx(), world.tx());
    let child = world.child(&stem);
    world.stem(&stem, peer(1)).expect("fits");
    world.stem(&child, peer(1)).expect("fits");
    world.fluff(&public, peer(1)).expect("fits");
    world.mine(&[aggregate(&[stem.clone(), public.clone()]).expect("disjoint")]);
    for tx in [&stem, &public] {
        assert!(!world.is_stem(tx) && !world.is_public(tx));
    }
    assert!(world.is_stem(&child), "its parent is on the chain");
    let mined = |tx: &ValidTx| Notice::Mined { kernels: kernels(tx), height: 11 };
    let out = world.drain();
    assert!(out.says(|notice| *notice == mined(&stem)));
    assert!(out.says(|notice| *notice == mined(&public)));
}

#[test]
fn several_blocks_at_once_are_the_same_as_one_after_the_other() {
    let mut world = World::new();
    let parent = world.tx();
    let child = world.child(&parent);
    let (stem_parent, other) = (world.tx(), world.tx());
    let stem_child = world.child(&stem_parent);
    let whole = fluff_merged(&mut world, &[&other, &parent]);
    assert_eq!(whole.kernels().len(), 2);
    world.fluff(&child, peer(1)).expect("fits");
    for tx in [&stem_parent, &stem_child] {
        world.stem(tx, peer(1)).expect("fits");
    }
    let first = world.chain.mine(&[parent, stem_parent]);
    let second = world.chain.mine(&[child, stem_child, other]);
    world.update(ChainUpdate { disconnected: Vec::new(), connected: vec![first, second] });
    let out = world.drain();
    assert!(out.conflicted().is_empty(), "{:?}", out.notices);
    assert_eq!((world.pool.counts().stem, world.pool.counts().public), (0, 0));
}

#[test]
fn what_conflicts_with_a_block_is_given_up_with_its_descendants() {
    let mut world = World::new();
    let tx = world.tx();
    let rival = world.rival(&tx);
    let (child, orphan) = (world.child(&tx), world.tx());
    let orphan = world.build(AssumedTx::new().spend(output(&child, 0)).spend(output(&orphan, 1)));
    world.fluff(&tx, peer(1)).expect("fits");
    world.stem(&child, Source::Own).expect("fits");
    assert_eq!(world.stem(&orphan, Source::Own), Ok(Accepted::Orphan));
    world.drain();
    world.mine(&[rival]);
    let mut given_up = world.drain().conflicted();
    given_up.sort();
    let mut expected = [kernels(&tx), kernels(&child)].to_vec();
    expected.sort();
    expected.retain(|kernels| given_up.contains(kernels));
    assert_eq!(expected.len(), 2);
    assert_eq!((world.pool.counts().stem, world.pool.counts().public), (0, 0));
}

#[test]
fn the_rest_of_an_aggregate_goes_on_when_a_part_is_mined() {
    let mut world = World::new();
    let (one, two, three) = (world.tx(), world.tx(), world.tx());
    fluff_merged(&mut world, &[&one, &two, &three]);
    let child = world.child(&two);
    world.stem(&child, peer(1)).expect("fits");
    world.mine(&[one]);
    let out = world.drain();
    assert_eq!(out.fluffs, [aggregate(&[two.clone(), three]).expect("disjoint")]);
    assert!(world.is_public(&two) && world.is_stem(&child));
}

#[test]
fn one_conflicting_part_does_not_spoil_the_others() {
    let mut world = World::new();
    let (bad, good) = (world.tx(), world.tx());
    let rival = world.rival(&bad);
    fluff_merged(&mut world, &[&bad, &good]);
    world.mine(&[rival]);
    let out = world.drain();
    assert_eq!(out.fluffs, std::slice::from_ref(&good));
    assert_eq!(out.conflicted(), [kernels(&bad)]);
    assert!(world.is_public(&good));
}

#[test]
fn what_an_undone_block_held_is_public_again() {
    let mut world = World::new();
    let (stem, public) = (world.tx(), world.tx());
    let child = world.child(&public);
    world.stem(&stem, peer(1)).expect("fits");
    world.fluff(&public, peer(1)).expect("fits");
    world.mine(&[stem.clone(), public.clone()]);
    world.fluff(&child, peer(1)).expect("fits");
    world.mine(&[]);
    world.drain();
    world.reorg(2, &[&[], &[], &[]]);
    assert!(world.is_public(&stem) && world.is_public(&public) && world.is_public(&child));
    let order: Vec<_> = world.pool.public().map(kernels).collect();
    let place = |tx: &ValidTx| order.iter().position(|k| *k == kernels(tx));
    assert!(place(&public) < place(&child), "parents first, though it came back later");
    world.mine(&[public, stem]);
    assert_eq!(world.pool.counts().public, 1);
}

#[test]
fn what_lost_its_ground_waits_and_comes_back() {
    let mut world = World::new();
    world.mine(&[]);
    let (coin, other) = (world.coin(), world.coin());
    let locked = world.build(AssumedTx::new().spend(coin).height_locked(12));
    let stem_locked = world.build(AssumedTx::new().spend(other).height_locked(12));
    let free = world.tx();
    let whole = fluff_merged(&mut world, &[&locked, &free]);
    assert_eq!(whole.kernels().len(), 2);
    let child = world.child(&locked);
    world.stem(&child, peer(1)).expect("fits");
    world.stem(&stem_locked, peer(1)).expect("fits");
    let embargo = world.embargo(&stem_locked);
    world.drain();
    world.reorg(1, &[]);
    assert!(!world.is_public(&locked) && !world.is_stem(&stem_locked) && !world.is_stem(&child));
    assert!(world.is_public(&free), "the part that stands goes on");
    assert_eq!(world.drain().conflicted().len(), 0);
    world.mine(&[]);
    assert!(world.is_public(&locked) && world.is_stem(&stem_locked) && world.is_stem(&child));
    assert_eq!(world.embargo(&stem_locked), embargo, "drawn once");
}

#[test]
fn lost_inputs_come_back_with_the_block_that_made_them() {
    let mut world = World::new();
    let unknown = world.tx();
    world.mine(std::slice::from_ref(&unknown));
    let (public, stem) = (world.child(&unknown), output(&unknown, 1));
    let stem = world.build(AssumedTx::new().spend(stem));
    world.fluff(&public, peer(1)).expect("fits");
    world.stem(&stem, peer(1)).expect("fits");
    world.reorg(1, &[&[]]);
    assert_eq!(world.pool.counts().orphans, 2);
    world.run_until(100_000);
    world.mine(&[unknown]);
    assert!(world.is_public(&public) && world.is_stem(&stem));
}

#[test]
fn an_orphan_whose_input_is_unspent_again_after_a_reorg_goes_on() {
    let mut world = World::new();
    let tx = world.tx();
    let rival = world.rival(&tx);
    world.mine(&[rival]);
    assert_eq!(world.fluff(&tx, peer(1)), Ok(Accepted::Orphan));
    world.reorg(1, &[&[]]);
    assert!(world.is_public(&tx));
}

#[test]
fn nobody_can_ask_afterwards_who_had_a_mined_transaction_on_the_stem() {
    let (mut on_the_stem, mut elsewhere) = (World::new(), World::new());
    let mut verdicts = Vec::new();
    for (world, holds) in [(&mut on_the_stem, true), (&mut elsewhere, false)] {
        let (tx, probe) = (world.tx(), world.tx());
        let both = aggregate(&[tx.clone(), probe]).expect("disjoint");
        if holds {
            world.stem(&tx, peer(1)).expect("fits");
        }
        world.mine(std::slice::from_ref(&tx));
        world.drain();
        verdicts.push((world.fluff(&tx, peer(2)), world.fluff(&both, peer(2))));
        assert!(world.drain().is_silent());
    }
    assert_eq!(verdicts[0], verdicts[1]);
}

#[test]
fn who_loses_a_public_parent_to_eviction_is_told_and_the_owner_waits() {
    let mut config = config();
    config.capacity.tx_entries = 1;
    let mut world = World::with(config);
    let parent = world.tx();
    let (own, foreign) = (world.child(&parent), output(&parent, 1));
    let foreign = world.build(AssumedTx::new().spend(foreign));
    world.fluff(&parent, peer(1)).expect("room");
    world.stem(&own, Source::Own).expect("fits");
    world.stem(&foreign, peer(2)).expect("fits");
    world.drain();
    let coin = world.coin();
    let dear = world.build(AssumedTx::new().spend(coin).fee(900_000_000));
    world.fluff(&dear, peer(3)).expect("pays more");
    let out = world.drain();
    assert!(out.says(|notice| *notice == Notice::Evicted { kernels: kernels(&parent) }));
    assert_eq!(out.conflicted(), [kernels(&foreign)]);
    assert_eq!((world.pool.counts().stem, world.pool.counts().orphans), (0, 1));
    world.mine(&[parent]);
    assert!(world.is_stem(&own), "others had kept its parent");
}

#[test]
fn a_part_that_cannot_pay_for_itself_does_not_stay_behind() {
    let mut world = World::new();
    let (coin, other) = (world.coin(), world.coin());
    let rich = world.build(AssumedTx::new().spend(coin).fee(100_000_000));
    let poor = world.build(AssumedTx::new().spend(other).fee(1_000));
    let both = aggregate(&[rich.clone(), poor.clone()]).expect("disjoint");
    world.stem(&both, peer(1)).expect("fits");
    world.fluff(&rich, peer(2)).expect("fits");
    let lost = Notice::Conflicted {
        kernels: kernels(&poor),
        by: Some(Rival::Transaction(rich.kernels()[0].excess())),
    };
    let out = world.drain();
    assert!(out.says(|notice| *notice == lost), "{out:?}");
    assert_eq!((out.conflicted().len(), world.pool.counts().stem), (1, 0));
}

/// A block takes a part of the child's aggregate, and a rival of a part of the parent's.
#[test]
fn what_is_left_of_a_parent_is_announced_before_what_is_left_of_its_child() {
    let mut world = World::new();
    let (parent, companion) = (world.tx(), world.tx());
    let (child, other) = (world.child(&parent), world.tx());
    fluff_merged(&mut world, &[&parent, &companion]);
    fluff_merged(&mut world, &[&child, &other]);
    let rival = world.rival(&companion);
    world.mine(&[rival, other]);
    assert_eq!(world.drain().fluffs, [parent, child]);
}

/// It cannot be mined for a while, and no Grin node would take it.
#[test]
fn a_pending_nrd_kernel_waits_when_a_block_takes_its_rival() {
    let mut world = World::new();
    let distance = NrdRelativeHeight::new(2).expect("in range");
    let excess = Some(Commitment([9; 33]));
    let [pending, rival] = [world.coin(), world.coin()]
        .map(|coin| world.build(AssumedTx::new().spend(coin).nrd(distance, excess)));
    world.stem(&pending, peer(1)).expect("fits");
    world.mine(&[rival]);
    assert!(!world.is_stem(&pending), "not allowed in the next block");
    world.mine(&[]);
    assert!(world.is_stem(&pending));
}

#[test]
fn a_part_that_was_mined_alone_is_mined_and_no_conflict() {
    let mut world = World::new();
    let txs = [0, 1, 2].map(|_| world.tx());
    fluff_merged(&mut world, &[&txs[0], &txs[1], &txs[2]]);
    world.drain();
    world.mine(&txs[1..2]);
    let out = world.drain();
    let mined =
        |n: &Notice| matches!(n, Notice::Mined { kernels: k, .. } if *k == kernels(&txs[1]));
    assert!(out.says(mined) && out.conflicted().is_empty(), "{:?}", out.notices);
    assert!(world.is_public(&txs[0]) && world.is_public(&txs[2]));
}

#[test]
fn what_was_mined_comes_back_from_as_deep_as_reorgs_may_go() {
    for (blocks, comes_back) in [(3, true), (4, false)] {
        let mut config = config();
        config.capacity.reorg_depth = 3;
        let mut world = World::with(config);
        let tx = world.tx();
        world.fluff(&tx, peer(1)).expect("fits");
        world.mine(std::slice::from_ref(&tx));
        (0..blocks).for_each(|_| world.mine(&[]));
        let longer: Vec<&[_]> = vec![&[]; blocks + 2];
        world.reorg(blocks + 1, &longer);
        assert_eq!(world.is_public(&tx), comes_back, "under {blocks} blocks");
    }
}

#[test]
fn the_owners_stays_the_owners_through_a_block() {
    for (source, stays) in [(Source::Own, true), (peer(1), false)] {
        let mut config = config();
        config.capacity.tx_entries = 1;
        let mut world = World::with(config);
        let tx = world.tx();
        world.stem(&tx, source).expect("fits");
        world.mine(std::slice::from_ref(&tx));
        world.reorg(1, &[&[], &[]]);
        assert!(world.is_public(&tx));
        let dear = AssumedTx::new().spend(world.coin()).fee(900_000_000);
        let dear = world.build(dear);
        assert_eq!(world.fluff(&dear, peer(2)).is_err(), stays);
        assert_eq!(world.is_public(&tx), stays);
    }
}

/// After the reorg each of the two spends what the other creates, so neither can be mined: nothing
/// else creates it any more.
#[test]
fn public_transactions_do_not_hold_each_other_up() {
    let mut world = World::new();
    let parent = world.tx();
    let child = world.child(&parent);
    let again = AssumedTx::new().spend(output(&child, 0)).create(output(&parent, 0));
    let again = world.build(again);
    world.mine(std::slice::from_ref(&parent));
    world.fluff(&child, peer(1)).expect("fits");
    world.mine(std::slice::from_ref(&child));
    world.fluff(&again, peer(1)).expect("the output that it creates again is spent");
    world.reorg(2, &[&[], &[], &[]]);
    assert!(!world.is_public(&child) && !world.is_public(&again));
    assert_eq!(world.pool.counts().orphans, 2);
    world.mine(&[parent]);
    assert!(world.is_public(&child));
}
