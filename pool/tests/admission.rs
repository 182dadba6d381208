//! What is let in, and why something is not.

mod kit;

use std::time::Duration;

use kit::*;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{Inputs, NrdRelativeHeight, OutputFeatures, Transaction, ValidTx, aggregate};
use scape_pool::{Accepted, Capacity, ChainView, Coin, Instant, Notice, Refusal, Source};

fn nrd(blocks: u64) -> NrdRelativeHeight {
    NrdRelativeHeight::new(blocks).expect("in range")
}

#[test]
fn a_fitting_transaction_is_taken_where_it_was_sent() {
    let mut world = World::new();
    let (stem, fluff) = (world.tx(), world.tx());
    assert_eq!(world.stem(&stem, peer(1)), Ok(Accepted::Stem));
    assert_eq!(world.fluff(&fluff, peer(1)), Ok(Accepted::Public));
    assert!(world.is_stem(&stem) && !world.is_public(&stem) && world.is_public(&fluff));
}

#[test]
fn each_rule_has_its_refusal() {
    let mut world = World::new();
    let coin = world.coin();
    let cheap = world.build(AssumedTx::new().spend(coin).fee(1_000));
    let required = cheap.relay_fee();
    assert_eq!(world.stem(&cheap, peer(1)), Err(Refusal::LowFee { paid: 1_000, required }));
    let locked = world.build(AssumedTx::new().spend(coin).height_locked(12));
    let refusal = Refusal::LockHeight { lock_height: 12, next_height: 11 };
    assert_eq!(world.stem(&locked, peer(1)), Err(refusal));
    let coinbase = world.coin();
    world.chain.add(coinbase, OutputFeatures::Coinbase);
    let immature = world.build(AssumedTx::new().spend(coinbase));
    let refusal = Refusal::ImmatureCoinbase { matures: 13 };
    assert_eq!(world.fluff(&immature, peer(1)), Err(refusal));
    let held = world.tx();
    world.fluff(&held, peer(1)).expect("fits");
    assert_eq!(world.fluff(&held, peer(2)), Err(Refusal::Known));
    assert_eq!(world.stem(&held, peer(2)), Err(Refusal::Known));
    let rival = world.rival(&held);
    assert_eq!(world.stem(&rival, peer(1)), Err(Refusal::Conflict));
    let twin = AssumedTx::new().spend(coin).create(output(&held, 0)).outputs(1);
    let twin = world.build(twin);
    assert_eq!(world.fluff(&twin, peer(1)), Err(Refusal::OutputExists));
    let tx = world.build(AssumedTx::new().spend(coin));
    let lying = Inputs::from_outputs([(OutputFeatures::Coinbase, coin)]);
    let (outputs, kernels) = (tx.outputs().to_vec(), tx.kernels().to_vec());
    let lying = Transaction::new(*tx.offset(), lying, outputs, kernels, &CONSENSUS);
    let lying = ValidTx::assumed(lying.expect("the rules hold"));
    assert_eq!(world.stem(&lying, peer(1)), Err(Refusal::InputFeatures));
}

#[test]
fn overlapping_aggregates_are_refused() {
    let mut world = World::new();
    let (one, two, three) = (world.tx(), world.tx(), world.tx());
    let pair = aggregate(&[one.clone(), two]).expect("disjoint");
    let other_pair = aggregate(&[one, three]).expect("disjoint");
    world.fluff(&pair, peer(1)).expect("fits");
    assert_eq!(world.fluff(&other_pair, peer(2)), Err(Refusal::Overlap));
    assert_eq!(world.stem(&other_pair, peer(2)), Err(Refusal::Overlap));
}

#[test]
fn nrd_kernels_of_one_excess_exclude_each_other_and_wait_their_time() {
    let mut world = World::new();
    let excess = output(&world.tx(), 0);
    let coins = [world.coin(), world.coin(), world.coin()];
    let [first, second, third] =
        coins.map(|coin| world.build(AssumedTx::new().spend(coin).nrd(nrd(5), Some(excess))));
    world.stem(&first, peer(1)).expect("fits");
    assert_eq!(world.stem(&second, peer(1)), Err(Refusal::PendingNrd));
    assert_eq!(world.fluff(&third, peer(1)), Ok(Accepted::Public), "the stem is private");
    assert!(!world.is_stem(&first), "what is public goes before what is not");
    assert_eq!(world.fluff(&second, peer(1)), Err(Refusal::PendingNrd));
    world.mine(&[third]);
    assert_eq!(world.fluff(&second, peer(1)), Err(Refusal::RecentNrd { allowed: 16 }));
}

#[test]
fn what_waits_for_a_height_is_taken_for_the_very_block_that_may_hold_it() {
    let mut world = World::new();
    let excess = output(&world.tx(), 0);
    let (coin, coinbase) = (world.coin(), world.coin());
    let mined = world.build(AssumedTx::new().spend(coin).nrd(nrd(5), Some(excess)));
    world.mine(&[mined]);
    world.chain.add(coinbase, OutputFeatures::Coinbase);
    let coin = world.coin();
    let distant = world.build(AssumedTx::new().spend(coin).nrd(nrd(5), Some(excess)));
    let reward = world.build(AssumedTx::new().spend(coinbase));
    let mut taken = [None; 2];
    for _ in 0..8 {
        let next = world.chain.height + 1;
        for (tx, taken) in [&distant, &reward].into_iter().zip(&mut taken) {
            if taken.is_none() && world.fluff(tx, peer(1)).is_ok() {
                *taken = Some(next);
            }
        }
        world.mine(&[]);
    }
    // The block of the first NRD kernel and of the reward is the eleventh.
    assert_eq!(taken, [Some(11 + 5), Some(11 + 3)]);
}

#[test]
fn what_is_known_as_public_is_what_everyone_was_told() {
    let mut world = World::new();
    let (public, stem) = (world.tx(), world.tx());
    world.fluff(&public, peer(1)).expect("fits");
    world.stem(&stem, peer(1)).expect("fits");
    let knows = |world: &World, tx: &ValidTx| world.pool.knows_public(&kernels(tx)[0]);
    assert!(knows(&world, &public) && !knows(&world, &stem));
    world.mine(&[public.clone(), stem.clone()]);
    assert!(knows(&world, &public), "it was public before");
    assert!(!knows(&world, &stem), "nobody may ask who had it");
}

#[test]
fn what_is_public_is_told_latest_first_and_mined_parents_first() {
    let mut world = World::new();
    let parent = world.tx();
    let (child, other) = (world.child(&parent), world.tx());
    for tx in [&parent, &other, &child] {
        world.fluff(tx, peer(1)).expect("fits");
    }
    let latest: Vec<_> = world.pool.latest_public().map(kernels).collect();
    assert_eq!(latest, [&child, &other, &parent].map(kernels));
    let all: Vec<_> = world.pool.public().map(kernels).collect();
    let place = |tx: &ValidTx| all.iter().position(|held| *held == kernels(tx));
    assert!(all.len() == 3 && place(&parent) < place(&child));
}

#[test]
fn a_full_stempool_refuses_by_share_but_never_the_owner() {
    let mut config = config();
    config.capacity = Capacity { stem_entries: 4, shares: 2, ..Capacity::default() };
    let mut world = World::with(config);
    let txs: Vec<_> = (0..7).map(|_| world.tx()).collect();
    world.stem(&txs[0], peer(1)).expect("room");
    world.stem(&txs[1], peer(1)).expect("room");
    assert_eq!(world.stem(&txs[2], peer(1)), Err(Refusal::Full));
    world.stem(&txs[3], peer(2)).expect("another peer has its own share");
    world.stem(&txs[4], peer(2)).expect("room");
    assert_eq!(world.stem(&txs[5], peer(3)), Err(Refusal::Full));
    assert_eq!(world.stem(&txs[6], Source::Own), Ok(Accepted::Stem));
}

#[test]
fn a_full_txpool_evicts_the_leaf_that_pays_least_for_one_that_pays_more() {
    let mut config = config();
    config.capacity.tx_entries = 4;
    let mut world = World::with(config);
    let paying = |world: &mut World, fee: u64| {
        let coin = world.coin();
        world.build(AssumedTx::new().spend(coin).fee(fee * 1_000_000))
    };
    let own = paying(&mut world, 24);
    let parent = paying(&mut world, 25);
    let child = world.build(AssumedTx::new().spend(output(&parent, 0)).fee(60_000_000));
    let leaf = paying(&mut world, 30);
    world.fluff(&own, Source::Own).expect("room");
    for tx in [&parent, &child, &leaf] {
        world.fluff(tx, peer(1)).expect("room");
    }
    let (same, more) = (paying(&mut world, 30), paying(&mut world, 31));
    assert_eq!(world.fluff(&same, peer(1)), Err(Refusal::Full));
    assert!(world.is_public(&leaf), "a refused one costs nobody its place");
    world.drain();
    assert_eq!(world.fluff(&more, peer(1)), Ok(Accepted::Public));
    assert!(world.drain().says(|n| *n == Notice::Evicted { kernels: kernels(&leaf) }));
    assert!(world.is_public(&own) && world.is_public(&parent) && world.is_public(&child));
    // A child never costs its own parent the place.
    let spends = world.build(AssumedTx::new().spend(output(&more, 0)).fee(99_000_000));
    assert_eq!(world.fluff(&spends, peer(1)), Ok(Accepted::Public));
    assert!(world.is_public(&more) && !world.is_public(&child));
}

#[test]
fn fluffing_from_the_stem_does_not_outgrow_the_txpool() {
    let mut config = config();
    config.capacity.tx_entries = 2;
    let mut world = World::with(config);
    for round in 0..5 {
        world.routes.coins.push_back(Coin::Fluff);
        let tx = world.tx();
        world.stem(&tx, peer(1)).expect("room");
        world.run_until(10 * (round + 1));
        assert!(world.is_public(&tx) && world.pool.counts().public <= 2);
    }
}

#[test]
fn stem_orphans_go_on_as_stem_when_their_parent_comes_by_any_way() {
    for way in 0..3 {
        let mut world = World::new();
        let parent = world.tx();
        let child = world.child(&parent);
        assert_eq!(world.stem(&child, peer(1)), Ok(Accepted::Orphan));
        match way {
            0 => assert_eq!(world.stem(&parent, peer(2)), Ok(Accepted::Stem)),
            1 => assert_eq!(world.fluff(&parent, peer(2)), Ok(Accepted::Public)),
            _ => world.mine(&[parent]),
        }
        assert!(world.is_stem(&child), "way {way}");
        assert_eq!(world.pool.counts().orphans, 0);
    }
}

#[test]
fn a_public_orphan_is_not_helped_by_a_stem_parent() {
    let mut world = World::new();
    let parent = world.tx();
    let child = world.child(&parent);
    world.stem(&parent, peer(1)).expect("fits");
    assert_eq!(world.fluff(&child, peer(2)), Ok(Accepted::Orphan));
    assert!(!world.is_public(&child));
    world.fluff(&parent, peer(3)).expect("fits");
    assert!(world.is_public(&child));
}

#[test]
fn orphans_of_peers_age_and_those_of_the_owner_do_not() {
    let mut world = World::new();
    let (own, foreign) = (world.tx(), world.tx());
    let (own, foreign) = (world.child(&own), world.child(&foreign));
    world.stem(&own, Source::Own).expect("waits");
    world.stem(&foreign, peer(1)).expect("waits");
    world.drain();
    world.run_until(299);
    assert_eq!(world.pool.counts().orphans, 2);
    world.run_until(100_000);
    assert_eq!(world.pool.counts().orphans, 1);
    let dropped = Notice::OrphanDropped { kernels: kernels(&foreign), refusal: None };
    assert!(world.drain().says(|notice| *notice == dropped));
    assert_eq!(world.pool.poll_timeout(), None);
}

#[test]
fn orphans_are_bounded_in_number_bytes_and_share() {
    let mut config = config();
    config.capacity.orphan_entries = 6;
    config.capacity.shares = 2;
    let mut world = World::with(config);
    let orphan = |world: &mut World| world.build(AssumedTx::new());
    let kept = orphan(&mut world);
    world.stem(&kept, peer(9)).expect("waits");
    for _ in 0..20 {
        let tx = orphan(&mut world);
        world.stem(&tx, peer(1)).expect("its own oldest gives way");
    }
    assert_eq!(world.pool.counts().orphans, 4, "its share and the other's");
    assert_eq!(world.stem(&kept, peer(9)), Err(Refusal::Known));
    let public = orphan(&mut world);
    world.fluff(&public, peer(1)).expect("public orphans have their own room");
    assert_eq!(world.pool.counts().orphans, 5);
    let mut config = kit::config();
    config.capacity.orphan_bytes = 1_000;
    let mut world = World::with(config);
    let tx = orphan(&mut world);
    assert_eq!(world.stem(&tx, peer(1)), Err(Refusal::MissingInput));
}

#[test]
fn a_long_stem_chain_waits_until_its_parents_are_public() {
    let mut config = config();
    config.capacity.stem_ancestors = 3;
    let mut world = World::with(config);
    let mut chain = vec![world.tx()];
    for index in 0..4 {
        chain.push(world.child(&chain[index].clone()));
    }
    for tx in &chain[..4] {
        assert_eq!(world.stem(tx, peer(1)), Ok(Accepted::Stem));
    }
    assert_eq!(world.stem(&chain[4], Source::Own), Ok(Accepted::Orphan));
    world.run_until(200);
    assert!(chain.iter().all(|tx| world.is_public(tx)), "it follows");
}

#[test]
fn a_very_long_public_chain_falls_without_overflowing_the_stack() {
    let mut world = World::new();
    let root = world.tx();
    let rival = world.rival(&root);
    let mut last = root.clone();
    world.fluff(&root, peer(1)).expect("fits");
    for _ in 0..10_000 {
        last = world.child(&last);
        world.fluff(&last, peer(1)).expect("fits");
    }
    world.mine(&[rival]);
    assert_eq!(world.pool.counts().public, 0);
    assert_eq!(world.drain().conflicted().len(), 10_001);
}

#[test]
fn admission_asks_as_much_in_a_full_pool_as_in_an_empty_one() {
    let mut asked = Vec::new();
    let mut world = World::new();
    let parent = world.tx();
    world.fluff(&parent, peer(1)).expect("fits");
    for _ in 0..4 {
        for _ in 0..100 {
            let (stem, fluff, orphan) = (world.tx(), world.tx(), world.build(AssumedTx::new()));
            world.stem(&stem, Source::Own).expect("fits");
            world.fluff(&fluff, peer(1)).expect("fits");
            world.stem(&orphan, peer(1)).expect("waits");
        }
        let (stem, fluff) = (world.tx(), world.tx());
        world.chain.asked.set(0);
        world.stem(&stem, peer(2)).expect("fits");
        world.fluff(&fluff, peer(2)).expect("fits");
        asked.push(world.chain.asked.get());
    }
    assert!(asked.iter().all(|count| *count == asked[0] && *count <= 6), "{asked:?}");
}

/// The same public story, told with and without a stempool full of related transactions.
#[test]
fn what_is_public_never_depends_on_the_stempool() {
    for seed in 0..40_u64 {
        let [without, with] = [false, true].map(|stem| public_story(seed, stem));
        assert_eq!(without, with, "seed {seed}");
    }
}

type Verdict = (Result<(), Refusal>, Result<Accepted, Refusal>);

fn public_story(seed: u64, stem: bool) -> Vec<Verdict> {
    let mut world = World::new();
    let mut txs = vec![world.tx(), world.tx()];
    for index in 0..12 {
        let base = txs[(seed as usize * 7 + index * 5) % txs.len()].clone();
        txs.push(match (seed as usize + index) % 4 {
            0 => world.tx(),
            1 => world.child(&base),
            2 => world.rival(&base),
            _ => aggregate(&[base.clone(), world.tx()]).expect("disjoint"),
        });
    }
    let mut verdicts = Vec::new();
    for (index, tx) in txs.iter().enumerate() {
        if stem {
            for held in txs.iter().skip(index % 3).step_by(2) {
                let _ = world.stem(held, peer(5));
            }
        }
        if index == 7 {
            // Something is mined that may have been in the stempool only.
            let block: Vec<_> =
                txs[8..].iter().filter(|tx| world.chain.allows(tx, &[])).take(1).cloned().collect();
            world.mine(&block);
        }
        let precheck = world.with_ctx(|pool, ctx| pool.precheck(tx, ctx));
        verdicts.push((precheck, world.fluff(tx, peer(1))));
    }
    verdicts
}

#[test]
fn a_spurious_timeout_changes_nothing() {
    let mut world = World::new();
    let tx = world.tx();
    world.stem(&tx, peer(1)).expect("fits");
    world.drain();
    for _ in 0..10 {
        world.with_ctx(|pool, ctx| pool.handle_timeout(ctx));
        assert!(world.drain().all.is_empty());
    }
    assert_eq!(world.pool.poll_timeout(), Some(Instant::ZERO + Duration::from_secs(5)));
    assert_eq!(world.chain.tip().height, 10);
}
