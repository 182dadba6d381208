//! Transactions of the owner while there is no way out.

mod kit;

use kit::{World, kernels};
use scape_pool::{Accepted, Notice, PeerId, RecordStage, Source};

impl World {
    fn closed() -> Self {
        let mut world = Self::new();
        world.close();
        world
    }

    fn close(&mut self) {
        (self.routes.relay, self.routes.closed) = (None, true);
    }

    fn open(&mut self) {
        (self.routes.relay, self.routes.closed) = (Some(kit::RELAY), false);
        self.with_ctx(|pool, ctx| pool.handle_way_out(ctx));
    }
}

#[test]
fn what_waits_for_a_way_out_is_kept_and_goes_on_the_stem_when_there_is_one() {
    let mut world = World::closed();
    let tx = world.tx();
    let taken = world.with_ctx(|pool, ctx| pool.handle_held(tx.clone(), ctx));
    assert_eq!(taken, Accepted::Held);
    let out = world.drain();
    assert!(out.says(|n| *n == Notice::Held { kernels: kernels(&tx) }));
    assert_eq!(out.kept.len(), 1);
    assert_eq!(out.kept[0].stage, RecordStage::Waiting { embargo: None });
    world.run_until(10_000);
    assert!(world.drain().is_silent() && !world.is_stem(&tx) && !world.is_public(&tx));

    world.open();
    let end = world.now.as_micros() / 1_000_000 + 100;
    world.run_until(end);
    let out = world.drain();
    assert_eq!(out.stems.len(), 1, "{out:?}");
    assert_eq!(out.stems[0].1, tx);
}

#[test]
fn a_relay_that_goes_takes_the_way_out_along() {
    let mut world = World::new();
    let own = world.tx();
    world.stem(&own, Source::Own).expect("taken");
    world.close();
    world.run_until(100);
    let out = world.drain();
    assert!(out.is_silent(), "{out:?}");
    assert!(out.says(|n| *n == Notice::Held { kernels: kernels(&own) }));
    // What came from others is theirs to hide.
    let other = world.tx();
    world.stem(&other, Source::Peer(PeerId(7))).expect("taken");
    world.run_until(200);
    assert_eq!(world.drain().fluffs, std::slice::from_ref(&other));
    world.open();
    world.run_until(300);
    assert_eq!(world.drain().stems.len(), 1);
}

#[test]
fn after_a_restart_it_waits_on() {
    let mut world = World::closed();
    let tx = world.tx();
    world.with_ctx(|pool, ctx| pool.handle_held(tx.clone(), ctx));
    let kept = world.drain().kept;
    let mut again = World::closed();
    again.chain = world.chain;
    again.with_ctx(|pool, ctx| pool.restore(kept, &[], ctx));
    again.run_until(10_000);
    assert!(again.drain().is_silent());
    again.open();
    again.run_until(10_100);
    assert_eq!(again.drain().stems.len(), 1);
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
