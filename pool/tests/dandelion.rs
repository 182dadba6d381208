//! Patience, coins, families, embargoes, loops, and relays that go away.

mod kit;

use std::time::Duration;

use kit::*;
use rand::Rng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ChainType, Weight, aggregate};
use scape_pool::{
    Accepted, Coin, Context, FluffReason, Instant, Notice, PatienceMode, PeerId, Pool, Router,
    Source,
};

const OTHER: PeerId = PeerId(2_000);

#[test]
fn the_grid_of_patience_has_a_random_phase_and_hides_when_something_came() {
    let mut phases = Vec::new();
    for seed in 0..8 {
        let mut config = config();
        config.patience.phase = None;
        let mut world = World::with(config.clone());
        world.pool = Pool::new(config, [seed; 32]);
        let tx = world.tx();
        world.stem(&tx, peer(1)).expect("fits");
        let due = world.pool.poll_timeout().expect("patience").as_micros();
        assert!(due <= 10_000_000);
        world.run_until(10);
        let later = world.tx();
        world.stem(&later, peer(1)).expect("fits");
        let next = world.pool.poll_timeout().expect("patience").as_micros();
        assert_eq!((next - due) % 10_000_000, 0, "on the grid");
        phases.push(due);
    }
    phases.sort_unstable();
    phases.dedup();
    assert_eq!(phases.len(), 8);
}

#[test]
fn each_fresh_transaction_has_one_coin_and_each_side_is_merged() {
    let mut world = World::new();
    world.routes.coins = [Coin::Stem, Coin::Fluff, Coin::Stem, Coin::Fluff].into();
    let txs: Vec<_> = (0..4).map(|_| world.tx()).collect();
    for tx in &txs {
        world.stem(tx, peer(1)).expect("fits");
    }
    assert_eq!(world.routes.flips, 0);
    world.run_until(5);
    let out = world.drain();
    assert_eq!((world.routes.flips, out.stems.len(), out.fluffs.len()), (4, 1, 1));
    assert_eq!(out.stems[0].1.kernels().len(), 2);
    assert_eq!(out.fluffs[0].kernels().len(), 2);
    assert!(world.is_stem(&txs[0]) && world.is_stem(&txs[2]), "the originals are kept");
    assert_eq!(world.pool.counts().stem, 2, "not merged here");
    assert!(world.is_public(&txs[1]) && world.is_public(&txs[3]));
    assert_eq!(out.reasons(), [FluffReason::Coin]);
}

#[test]
fn families_take_one_way_and_too_heavy_ones_go_in_several_aggregates_parents_first() {
    for coin in [Coin::Stem, Coin::Fluff] {
        let mut world = World::new();
        world.routes.coins = [coin].into();
        let mut chain = vec![world.tx()];
        for index in 0..14 {
            chain.push(world.child(&chain[index].clone()));
        }
        for tx in chain.iter().rev() {
            world.stem(tx, peer(1)).expect("fits or waits");
        }
        world.run_until(5);
        let out = world.drain();
        let sent: Vec<_> = out.stems.iter().map(|(_, tx, _)| tx).chain(&out.fluffs).collect();
        assert_eq!(world.routes.flips, 1, "one coin for the family");
        assert!(sent.len() > 1, "too heavy for one");
        let order: Vec<_> = sent.iter().flat_map(|tx| kernels(tx)).collect();
        assert_eq!(order.len(), 15);
        let max = ChainType::AutomatedTesting.max_tx_weight();
        assert!(sent.iter().all(|tx| tx.weight() <= max && tx.pays_relay_fee()));
        for (index, tx) in sent.iter().enumerate() {
            for later in &sent[index..] {
                let needs = |o: &scape_aggregate::Output| {
                    tx.inputs().iter().any(|input| input.commitment() == o.commitment())
                };
                assert!(!later.outputs().iter().any(needs), "a child overtook its parent");
            }
        }
    }
}

#[test]
fn a_child_follows_its_parent_to_the_relay_that_has_it() {
    let mut world = World::new();
    let parent = world.tx();
    world.stem(&parent, peer(1)).expect("fits");
    world.run_until(5);
    assert_eq!(world.drain().stems[0].0, RELAY);
    world.routes.relay = Some(OTHER);
    let child = world.child(&parent);
    world.stem(&child, peer(2)).expect("fits");
    world.run_until(15);
    let out = world.drain();
    assert_eq!((out.stems[0].0, kernels(&out.stems[0].1)), (RELAY, kernels(&child)));
    // Once that relay is gone, all go together to another one.
    world.routes.down.insert(RELAY);
    let grandchild = world.child(&child);
    world.stem(&grandchild, peer(2)).expect("fits");
    world.run_until(25);
    let out = world.drain();
    assert_eq!((out.stems.len(), out.stems[0].0), (1, OTHER));
    assert_eq!(out.stems[0].1.kernels().len(), 3);
}

/// A relay that lacks a parent could do nothing with the child.
#[test]
fn a_child_of_two_goes_alone_only_where_both_are() {
    for same in [true, false] {
        let mut world = World::new();
        let parents = [0, 1].map(|_| world.tx());
        for (index, parent) in parents.iter().enumerate() {
            world.stem(parent, peer(index as u64)).expect("fits");
            world.routes.relay = Some(if index == 0 || same { RELAY } else { OTHER });
            world.run_until(5 + 10 * index as u64);
        }
        let relays: Vec<_> = world.drain().stems.iter().map(|(relay, ..)| *relay).collect();
        assert_eq!(relays, [RELAY, if same { RELAY } else { OTHER }]);
        let both = parents.each_ref().map(|parent| output(parent, 0));
        let child = world.build(AssumedTx::new().spend(both[0]).spend(both[1]));
        world.stem(&child, peer(3)).expect("fits");
        world.run_until(25);
        let out = world.drain();
        let [(_, sent, _)] = out.stems.as_slice() else { panic!("not sent once: {out:?}") };
        assert_eq!(sent.kernels().len(), if same { 1 } else { 3 });
    }
}

/// What came back is looked at together with its grandchild; what stands between them has left.
#[test]
fn who_stands_between_two_that_leave_goes_along() {
    let mut world = World::new();
    let first = world.tx();
    let second = world.child(&first);
    let third = world.child(&second);
    world.stem(&first, peer(1)).expect("fits");
    world.run_until(5);
    world.stem(&second, peer(1)).expect("fits");
    world.run_until(15);
    assert_eq!(world.drain().stems.len(), 2);
    assert_eq!(world.stem(&first, peer(2)), Ok(Accepted::Loop));
    world.stem(&third, peer(1)).expect("fits");
    world.run_until(25);
    let sent: Vec<_> = world.drain().stems.iter().map(|(_, tx, _)| tx.kernels().len()).collect();
    assert_eq!(sent, [3]);
}

#[test]
fn the_owner_is_told_how_much_was_cut_through() {
    let mut world = World::new();
    let mut family = vec![world.tx()];
    for index in 0..2 {
        let child = world.child(&family[index].clone());
        family.push(child);
    }
    for tx in &family {
        world.stem(tx, peer(1)).expect("fits");
    }
    world.run_until(5);
    let told = |n: &Notice| matches!(n, Notice::Relayed { parts: 3, cut_through: 2, .. });
    assert!(world.drain().says(told));
    world.run_until(1_000);
    let told = |n: &Notice| matches!(n, Notice::Fluffed { parts: 3, cut_through: 2, .. });
    assert!(world.drain().says(told));
}

#[test]
fn a_fluffed_child_takes_its_unpublished_ancestors_along() {
    let mut world = World::new();
    world.routes.coins = [Coin::Stem, Coin::Fluff].into();
    let parent = world.tx();
    let child = world.child(&parent);
    world.stem(&parent, peer(1)).expect("fits");
    world.run_until(5);
    world.stem(&child, peer(1)).expect("fits");
    world.run_until(15);
    assert!(world.is_public(&parent) && world.is_public(&child));
    assert_eq!(world.drain().fluffs.len(), 1);
}

#[test]
fn where_only_fluff_waits_a_child_does_not_hurry_its_waiting_parent() {
    let mut config = config();
    config.patience.mode = PatienceMode::FluffOnly;
    let mut world = World::with(config);
    world.routes.coins = [Coin::Fluff].into();
    let parent = world.tx();
    let child = world.child(&parent);
    world.stem(&parent, peer(1)).expect("fits");
    world.stem(&child, peer(2)).expect("fits");
    let alone = world.tx();
    world.stem(&alone, peer(2)).expect("fits");
    let out = world.drain();
    assert_eq!(out.stems.len(), 1, "a stem coin does not wait");
    assert_eq!(kernels(&out.stems[0].1), kernels(&alone));
    world.run_until(5);
    let out = world.drain();
    assert_eq!((out.fluffs.len(), out.fluffs[0].kernels().len()), (1, 2));
}

#[test]
fn an_embargo_is_drawn_once_and_what_was_merged_ends_together() {
    let mut world = World::new();
    let mut last = world.tx();
    let mut embargoes = Vec::new();
    for index in 0..20 {
        world.stem(&last, peer(1)).expect("fits");
        let embargo = world.embargo(&last).expect("held");
        embargoes.push(embargo);
        assert!(embargo >= Instant::from_secs(30), "{index}");
        assert!(embargo <= Instant::from_secs(60), "all came at the origin of time");
        last = world.child(&last);
    }
    assert!(embargoes.is_sorted());
    world.run_until(16);
    let embargo_of_all = |world: &World| {
        let ends: Vec<_> = world.pool.stem().map(|(_, _, embargo)| embargo).collect();
        assert!(ends.iter().all(|end| *end == ends[0]), "sent in one aggregate");
        ends[0]
    };
    assert_eq!(embargo_of_all(&world), embargoes[19], "with the last");
    let first = world.pool.stem().next().map(|(tx, ..)| tx.clone()).expect("held");
    world.stem(&first, peer(3)).expect("a loop");
    assert_eq!(embargo_of_all(&world), embargoes[19], "not drawn again");
}

#[test]
fn expired_embargoes_are_fluffed_merged_on_the_grid_and_not_before() {
    let mut world = World::new();
    let parent = world.tx();
    let (child, other) = (world.child(&parent), world.tx());
    for tx in [&parent, &child, &other] {
        world.stem(tx, peer(1)).expect("fits");
    }
    let last = [&parent, &child, &other].map(|tx| world.embargo(tx).expect("held"));
    let last = last.into_iter().max().expect("three");
    let due = last.as_micros().div_ceil(10_000_000) * 10;
    let mut fluffed = 0;
    for secs in 1..=70 {
        world.run_until(secs);
        let out = world.drain();
        assert!(out.fluffs.is_empty() || secs % 10 == 0, "on the grid");
        assert!(out.reasons().iter().all(|reason| *reason == FluffReason::Embargo));
        for tx in [&parent, &child, &other] {
            assert_eq!(world.is_public(tx), secs >= due, "{secs} s");
        }
        fluffed += out.fluffs.len();
    }
    assert_eq!(fluffed, 1, "what was sent merged is fluffed merged");
    assert_eq!(world.pool.poll_timeout(), None, "no timer is left");
}

#[test]
fn timers_of_what_is_gone_never_fire() {
    let mut world = World::new();
    let (seen, mined, conflicted) = (world.tx(), world.tx(), world.tx());
    let rival = world.rival(&conflicted);
    for tx in [&seen, &mined, &conflicted] {
        world.stem(tx, peer(1)).expect("fits");
    }
    world.fluff(&seen, peer(2)).expect("fits");
    world.fluff(&rival, peer(2)).expect("the stem does not count");
    world.mine(&[mined]);
    let out = world.drain();
    assert_eq!(out.conflicted(), [kernels(&conflicted)]);
    assert!(out.says(|notice| *notice == Notice::Seen { kernels: kernels(&seen) }));
    assert_eq!(world.pool.poll_timeout(), None);
    world.run_until(500);
    assert!(world.drain().all.is_empty());
}

#[test]
fn what_comes_back_is_looked_at_again_at_the_next_patience() {
    let mut world = World::new();
    let (one, two) = (world.tx(), world.tx());
    for tx in [&one, &two] {
        world.stem(tx, peer(1)).expect("fits");
    }
    world.run_until(5);
    let sent = world.drain().stems.remove(0).1;
    world.routes.coins = [Coin::Stem, Coin::Fluff].into();
    assert_eq!(world.stem(&sent, peer(4)), Ok(Accepted::Loop), "an aggregate of ours");
    assert!(world.drain().all.is_empty(), "nothing is told at once");
    world.run_until(15);
    let out = world.drain();
    assert_eq!((out.fluffs.len(), out.stems.len()), (0, 1));
    assert_eq!(kernels(&out.stems[0].1), kernels(&sent), "one coin, for what is merged");
    assert_eq!(world.stem(&one, peer(4)), Ok(Accepted::Loop), "a part of it");
    world.run_until(25);
    let out = world.drain();
    assert_eq!((out.fluffs.len(), out.stems.len()), (1, 0));
    assert_eq!(kernels(&out.fluffs[0]), kernels(&sent));
    assert_eq!(out.reasons(), [FluffReason::Coin]);
}

#[test]
fn what_comes_back_in_company_goes_on_in_that_company() {
    let mut world = World::new();
    let (one, two, new) = (world.tx(), world.tx(), world.tx());
    for tx in [&one, &two] {
        world.stem(tx, peer(1)).expect("fits");
    }
    world.run_until(5);
    let sent = world.drain().stems.remove(0).1;
    let whole = aggregate(&[sent, new.clone()]).expect("fit");
    assert_eq!(world.stem(&whole, peer(4)), Ok(Accepted::Stem), "a part of it is new");
    world.routes.coins = [Coin::Stem].into();
    world.routes.flips = 0;
    world.run_until(15);
    let out = world.drain();
    assert_eq!((world.routes.flips, out.stems.len()), (1, 1));
    assert_eq!(kernels(&out.stems[0].1), kernels(&whole), "no overlapping aggregates");
    assert!(world.is_stem(&new), "the original is kept");
}

#[test]
fn where_coins_are_sticky_a_loop_is_fluffed_but_not_the_owners() {
    for mode in [PatienceMode::EveryHop, PatienceMode::FluffOnly] {
        let mut config = config();
        config.patience.mode = mode;
        let mut world = World::with(config);
        world.routes.sticky = true;
        let (foreign, own) = (world.tx(), world.tx());
        world.stem(&foreign, peer(1)).expect("fits");
        world.run_until(5);
        world.stem(&own, Source::Own).expect("fits");
        world.run_until(15);
        world.drain();
        for tx in [&foreign, &own] {
            assert_eq!(world.stem(tx, peer(3)), Ok(Accepted::Loop));
        }
        world.run_until(25);
        let out = world.drain();
        assert_eq!(out.reasons(), [FluffReason::Loop], "{mode:?}");
        assert!(world.is_public(&foreign) && world.is_stem(&own));
    }
}

#[test]
fn what_could_not_be_delivered_takes_another_way_at_once() {
    let mut world = World::new();
    let (one, two) = (world.tx(), world.tx());
    for tx in [&one, &two] {
        world.stem(tx, peer(1)).expect("fits");
    }
    world.run_until(5);
    let parts = world.drain().stems.remove(0).2;
    world.routes.relay = Some(OTHER);
    world.undelivered(&parts);
    let out = world.drain();
    assert_eq!((out.stems.len(), out.stems[0].0), (1, OTHER));
    // The router knows no better than the relay that just failed.
    world.undelivered(&out.stems[0].2);
    let out = world.drain();
    assert_eq!((out.stems.len(), out.fluffs.len()), (0, 1));
    assert_eq!(out.reasons(), [FluffReason::NoRelay]);
    world.undelivered(&parts);
    assert!(world.drain().all.is_empty(), "what is gone stays gone");
}

#[test]
fn without_a_relay_everything_is_fluffed() {
    let mut world = World::new();
    world.routes.relay = None;
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("fits");
    world.run_until(5);
    assert_eq!(world.drain().reasons(), [FluffReason::NoRelay]);
}

#[test]
fn the_known_part_of_an_aggregate_is_subtracted_in_both_directions() {
    let mut world = World::new();
    let (one, two) = (world.tx(), world.tx());
    let spender = world.child(&one);
    // The stem holds an aggregate, with cut-through; a part of it becomes public.
    let all = aggregate(&[one.clone(), two.clone(), spender.clone()]).expect("disjoint");
    world.stem(&all, peer(1)).expect("fits");
    world.fluff(&one, peer(2)).expect("fits");
    let held: Vec<_> = world.pool.stem().map(|(tx, ..)| tx.clone()).collect();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0], aggregate(&[two.clone(), spender.clone()]).expect("disjoint"));
    // The stem holds a part; the rest of what comes in is the only thing new.
    let (three, four) = (world.tx(), world.tx());
    world.stem(&three, peer(1)).expect("fits");
    let pair = aggregate(&[three.clone(), four.clone()]).expect("disjoint");
    assert_eq!(world.stem(&pair, peer(2)), Ok(Accepted::Stem));
    assert_eq!(world.pool.counts().stem, 3);
    // And all of it leaves when a public aggregate holds all of it.
    assert_eq!(world.fluff(&pair, peer(3)), Ok(Accepted::Public));
    assert_eq!(world.pool.counts().stem, 1);
    assert_eq!(world.now, Instant::ZERO + Duration::ZERO);
}

#[test]
fn what_comes_back_in_ever_new_company_does_not_put_an_embargo_off() {
    let mut world = World::new();
    let tx = world.tx();
    world.stem(&tx, peer(1)).expect("fits");
    world.run_until(5);
    let embargo = world.embargo(&tx).expect("held");
    let mut secs = 5;
    while world.is_stem(&tx) {
        let company = world.tx();
        let back = aggregate(&[tx.clone(), company.clone()]).expect("disjoint");
        if world.stem(&back, peer(4)).is_ok() {
            assert_eq!(world.embargo(&tx), Some(embargo), "{secs} s");
            assert!(world.embargo(&company).is_none_or(|end| end >= embargo));
        }
        secs += 10;
        assert!(secs < 100, "it is never fluffed");
        world.run_until(secs);
    }
    assert!(Instant::from_secs(secs) >= embargo && world.is_public(&tx));
}

#[test]
fn a_host_that_is_late_loses_nothing_but_time() {
    let mut world = World::new();
    let tx = world.tx();
    world.stem(&tx, peer(1)).expect("fits");
    // Patience was over at 5 s, the embargo ends at 30 s at the earliest.
    world.now = Instant::from_secs(9);
    world.with_ctx(|pool, ctx| pool.handle_timeout(ctx));
    assert_eq!(world.drain().stems[0].1, tx);
}

#[test]
fn aggregates_keep_to_the_weight_that_the_host_allows() {
    for (limit, aggregates) in [(None, 1), (Some(2), 1), (Some(1), 2)] {
        let mut world = World::new();
        let txs = [world.tx(), world.tx()];
        if let Some(times) = limit {
            world.pool.limit_aggregates(Weight(txs[0].weight().0 * times));
        }
        txs.iter().for_each(|tx| assert!(world.stem(tx, peer(1)).is_ok()));
        world.run_until(6);
        let stems = world.drain().stems;
        assert_eq!(stems.len(), aggregates, "{limit:?}: {stems:?}");
        let parts: usize = stems.iter().map(|(_, tx, ..)| tx.kernels().len()).sum();
        assert_eq!(parts, 2, "nothing stays behind");
    }
}

/// A router that says no more than it has to.
struct Plain;

impl Router for Plain {
    fn coin(&mut self, _: Source, _: &mut dyn Rng) -> Coin {
        Coin::Seal
    }

    fn relay(&self, _: Source) -> Option<PeerId> {
        Some(RELAY)
    }

    fn is_up(&self, _: PeerId) -> bool {
        true
    }

    fn coin_is_sticky(&self) -> bool {
        false
    }
}

#[test]
fn a_router_that_knows_no_sinks_and_no_doors_has_relays_and_open_ones() {
    let mut world = World::new();
    let tx = world.tx();
    let (chain, router, now) = (&world.chain, &mut Plain, Instant::ZERO);
    let mut ctx = Context { now, chain, router };
    world.pool.handle_stem(tx.clone(), Source::Own, &mut ctx).expect("fits");
    ctx.now = Instant::from_secs(6);
    world.pool.handle_timeout(&mut ctx);
    assert_eq!(world.drain().stems[0].1, tx);
}

#[test]
fn what_is_left_of_an_aggregate_that_is_broken_goes_the_same_way() {
    let mut world = World::new();
    world.routes.coins = vec![Coin::Stem; 2].into();
    let (mined, left) = (world.tx(), world.tx());
    world.stem(&mined, peer(1)).expect("fits");
    world.stem(&left, Source::Own).expect("fits");
    world.run_until(12);
    let (relay, merged, parts) = world.drain().stems.remove(0);
    assert_eq!(merged.kernels().len(), 2);
    assert!(world.pool.is_whole(&parts));
    world.mine(&[mined]);
    assert!(!world.pool.is_whole(&parts));
    world.drain();
    world.with_ctx(|pool, ctx| pool.handle_broken(&parts, ctx));
    let out = world.drain();
    assert!(out.fluffs.is_empty(), "{:?}", out.all);
    assert_eq!(out.stems.iter().map(|(to, tx, _)| (*to, tx)).collect::<Vec<_>>(), [(relay, &left)]);
}
