//! Transactions of the owner while there is no way out.

mod kit;

use kit::{World, kernels, peer};
use scape_pool::{Accepted, Instant, Notice, RecordStage, Source, WayOut};

impl World {
    fn close(&mut self) {
        (self.routes.relay, self.routes.way_out) = (None, WayOut::Awaited);
    }

    fn shut(&mut self) {
        (self.routes.relay, self.routes.way_out) = (None, WayOut::Shut);
    }

    fn open(&mut self) {
        (self.routes.relay, self.routes.way_out) = (Some(kit::RELAY), WayOut::Open);
        self.with_ctx(|pool, ctx| pool.handle_way_out(ctx));
    }
}

#[test]
fn what_waits_for_a_way_out_is_kept_and_goes_on_the_stem_when_there_is_one() {
    let mut world = World::new();
    world.close();
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("taken");
    world.run_until(25);
    let out = world.drain();
    assert!(out.is_silent(), "{out:?}");
    assert!(out.says(|n| *n == Notice::Held { kernels: kernels(&tx) }));
    let last = out.kept.last().expect("kept");
    assert!(matches!(last.stage, RecordStage::Waiting { embargo: Some(_) }), "{last:?}");

    world.open();
    world.run_until(26);
    let out = world.drain();
    assert_eq!(out.stems.len(), 1, "{out:?}");
    assert_eq!(out.stems[0].1, tx);
}

#[test]
fn it_waits_no_longer_than_its_embargo() {
    let mut world = World::new();
    world.close();
    let own = world.tx();
    world.stem(&own, Source::Own).expect("taken");
    world.run_until(100);
    assert_eq!(world.drain().fluffs, std::slice::from_ref(&own));
}

#[test]
fn what_came_from_others_is_theirs_to_hide() {
    let mut world = World::new();
    world.close();
    let (own, other) = (world.tx(), world.tx());
    world.stem(&own, Source::Own).expect("taken");
    world.stem(&other, peer(7)).expect("taken");
    world.run_until(25);
    assert_eq!(world.drain().fluffs, std::slice::from_ref(&other));
}

#[test]
fn after_a_restart_it_waits_on() {
    let mut world = World::new();
    world.close();
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("taken");
    world.run_until(20);
    let kept = world.drain().kept;
    let mut again = World::new();
    again.close();
    again.chain = world.chain;
    again.now = world.now;
    again.with_ctx(|pool, ctx| pool.restore(kept.into_iter().rev().take(1), &[], ctx));
    again.run_until(25);
    assert!(again.drain().is_silent());
    again.open();
    again.run_until(26);
    assert_eq!(again.drain().stems.len(), 1);
}

#[test]
fn a_family_waits_and_goes_together() {
    let mut world = World::new();
    world.close();
    let parent = world.tx();
    let child = world.child(&parent);
    world.stem(&parent, Source::Own).expect("taken");
    world.run_until(12);
    world.stem(&child, Source::Own).expect("taken");
    world.run_until(25);
    let out = world.drain();
    assert!(out.is_silent(), "{out:?}");
    assert!(out.says(|n| *n == Notice::Held { kernels: kernels(&child) }));
    world.open();
    world.run_until(26);
    let out = world.drain();
    assert_eq!(out.stems.len(), 1);
    assert_eq!(out.stems[0].1.kernels().len(), 2);
}

#[test]
fn where_no_other_way_may_be_taken_it_waits_as_long_as_it_takes() {
    let mut world = World::new();
    world.shut();
    let parent = world.tx();
    let child = world.child(&parent);
    world.stem(&parent, Source::Own).expect("taken");
    world.stem(&child, Source::Own).expect("taken");
    world.run_until(10_000);
    let out = world.drain();
    assert!(out.is_silent(), "{out:?}");
    let held = |n: &&Notice| matches!(n, Notice::Held { .. });
    assert_eq!(out.notices.iter().filter(held).count(), 2, "each is said to wait once");

    world.open();
    world.run_until(10_001);
    let out = world.drain();
    assert_eq!(out.stems.len(), 1, "{out:?}");
    assert_eq!(out.stems[0].1.kernels().len(), 2);
    // Whoever got it has a whole embargo to pass it on.
    world.run_until(10_029);
    assert!(world.drain().is_silent());
    world.run_until(10_100);
    assert_eq!(world.drain().fluffs.len(), 1);
}

#[test]
fn what_a_relay_has_is_fluffed_although_the_way_out_is_shut() {
    let mut world = World::new();
    let own = world.tx();
    world.stem(&own, Source::Own).expect("taken");
    world.run_until(12);
    assert_eq!(world.drain().stems.len(), 1);
    world.shut();
    world.run_until(100);
    assert_eq!(world.drain().fluffs, std::slice::from_ref(&own));
}

#[test]
fn what_could_not_be_handed_over_waits_for_the_next_relay() {
    let mut world = World::new();
    let own = world.tx();
    world.stem(&own, Source::Own).expect("taken");
    world.run_until(12);
    let (_, _, parts) = world.drain().stems.remove(0);
    world.shut();
    world.with_ctx(|pool, ctx| pool.handle_undelivered(&parts, ctx));
    world.run_until(1_000);
    assert!(world.drain().is_silent());
    world.open();
    world.run_until(1_001);
    assert_eq!(world.drain().stems.len(), 1);
}

#[test]
fn what_was_to_end_while_the_node_was_down_waits_on() {
    let mut world = World::new();
    world.shut();
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("taken");
    world.run_until(20);
    let kept = world.drain().kept;
    for way_out in [WayOut::Shut, WayOut::Open] {
        let mut again = World::new();
        again.shut();
        again.routes.way_out = way_out;
        again.chain = world.chain.clone();
        again.now = Instant::from_secs(10_000);
        again.with_ctx(|pool, ctx| pool.restore(kept.last().cloned(), &[], ctx));
        assert!(again.drain().is_silent());
        again.open();
        again.run_until(10_020);
        assert_eq!(again.drain().stems.len(), 1, "{way_out:?}");
    }
}

#[test]
fn what_another_zone_hands_over_is_nobodys_and_no_loop() {
    let mut world = World::new();
    let tx = world.tx();
    assert_eq!(world.stem(&tx, Source::Zone), Ok(Accepted::Stem));
    assert!(world.drain().kept.is_empty(), "only the owner's are kept");
    world.run_until(12);
    assert_eq!(world.drain().stems.len(), 1);
    assert_eq!(world.stem(&tx, Source::Zone), Ok(Accepted::Loop));
    // Two patiences, and no embargo.
    world.run_until(28);
    assert!(world.drain().is_silent(), "twice is no loop");
}

#[test]
fn a_child_waits_alone_when_its_parent_has_left() {
    let mut world = World::new();
    let parent = world.tx();
    world.stem(&parent, Source::Own).expect("taken");
    world.run_until(6);
    assert_eq!(world.drain().stems.len(), 1);
    world.close();
    let child = world.child(&parent);
    world.stem(&child, Source::Own).expect("taken");
    world.run_until(16);
    let out = world.drain();
    assert!(out.is_silent(), "{out:?}");
    let held: Vec<_> = out.notices.iter().filter(|n| matches!(n, Notice::Held { .. })).collect();
    assert_eq!(held, [&Notice::Held { kernels: kernels(&child) }]);
    world.open();
    world.run_until(17);
    let stems = world.drain().stems;
    assert_eq!(stems.iter().map(|(_, tx, ..)| tx).collect::<Vec<_>>(), [&child]);
}

#[test]
fn a_family_that_is_the_owners_waits_and_another_one_does_not() {
    for (source, waits) in [(Source::Own, true), (peer(7), false)] {
        let mut world = World::new();
        world.close();
        let parent = world.tx();
        let child = world.child(&parent);
        world.stem(&parent, Source::Own).expect("taken");
        world.stem(&child, source).expect("taken");
        world.run_until(6);
        let out = world.drain();
        assert_eq!(out.is_silent(), waits, "{source:?}: {out:?}");
        assert_eq!(out.says(|notice| matches!(notice, Notice::Held { .. })), waits, "{out:?}");
    }
}

#[test]
fn who_waits_long_sleeps_from_one_embargo_to_the_next() {
    let mut world = World::new();
    world.shut();
    let tx = world.tx();
    world.stem(&tx, Source::Own).expect("taken");
    world.run_until(10_005);
    let embargo = world.embargo(&tx).expect("held");
    let next = world.pool.poll_timeout().expect("held");
    assert!(world.now < embargo && embargo <= next, "{embargo:?}, {next:?}");
}
