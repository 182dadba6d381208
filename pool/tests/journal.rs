//! What is kept of the owner's transactions, and what a node makes of it after a crash.

mod kit;

use std::collections::BTreeMap;

use kit::*;
use scape_aggregate::{Hash, ValidTx};
use scape_pool::{
    BlockSummary, ChainUpdate, Coin, Effect, Notice, Pool, Record, RecordStage, Source,
};

/// What the host has on its disk.
#[derive(Default)]
struct Disk(BTreeMap<Hash, Record>);

impl Disk {
    /// Carries out what concerns it. Panics if something leaves that was not written down before.
    fn follow(&mut self, out: &Out) {
        for effect in &out.all {
            match effect {
                Effect::Keep(record) => {
                    self.0.insert(record.key(), record.clone());
                }
                Effect::Erase { key } => {
                    assert!(self.0.remove(key).is_some(), "erased what was not kept");
                }
                Effect::Stem { tx, .. } | Effect::Seal { tx, .. } => {
                    for record in self.of(tx) {
                        let sealed = matches!(record.stage, RecordStage::Sealed { .. });
                        let sent = matches!(record.stage, RecordStage::Sent { .. });
                        assert!(sent || sealed, "it leaves before that is written down");
                    }
                }
                Effect::Fluff { .. } | Effect::Notice(_) => {}
            }
        }
    }

    /// The records of what is in a transaction.
    fn of(&self, tx: &ValidTx) -> impl Iterator<Item = &Record> {
        let held = kernels(tx);
        self.0.values().filter(move |record| held.contains(&kernels(&record.tx)[0]))
    }

    fn stage(&self, tx: &ValidTx) -> Option<RecordStage> {
        self.of(tx).next().map(|record| record.stage)
    }

    fn is_sent(&self, tx: &ValidTx) -> bool {
        matches!(self.stage(tx), Some(RecordStage::Sent { .. }))
    }
}

/// A node with a disk.
struct Host {
    world: World,
    disk: Disk,
}

impl Host {
    fn new() -> Self {
        let mut world = World::new();
        world.routes.coins = vec![Coin::Stem; 9].into();
        Self { world, disk: Disk::default() }
    }

    fn drain(&mut self) -> Out {
        let out = self.world.drain();
        self.disk.follow(&out);
        out
    }

    fn push(&mut self, tx: &ValidTx) {
        self.world.stem(tx, Source::Own).expect("fits");
    }

    fn run_until(&mut self, secs: u64) -> Out {
        self.world.run_until(secs);
        self.drain()
    }

    /// The node dies; what it has written down is all that is left.
    fn crash(&mut self) -> Out {
        self.crash_and_miss(&[])
    }

    /// The same, and it was off while these blocks were made.
    fn crash_and_miss(&mut self, recent: &[BlockSummary]) -> Out {
        self.world.pool = Pool::new(config(), [8; 32]);
        let records: Vec<_> = self.disk.0.values().cloned().collect();
        self.world.with_ctx(|pool, ctx| pool.restore(records, recent, ctx));
        self.drain()
    }
}

#[test]
fn what_is_acknowledged_was_written_down_and_what_leaves_was_too() {
    let mut host = Host::new();
    let tx = host.world.tx();
    host.push(&tx);
    let out = host.drain();
    assert!(matches!(out.all[0], Effect::Keep(_)), "before anything else: {:?}", out.all);
    let embargo = host.world.embargo(&tx);
    assert_eq!(host.disk.stage(&tx), Some(RecordStage::Waiting { embargo }));
    let out = host.run_until(10);
    assert_eq!(out.stems.len(), 1);
    assert!(host.disk.is_sent(&tx));
}

#[test]
fn what_peers_send_is_never_written_down() {
    let mut host = Host::new();
    let tx = host.world.tx();
    host.world.stem(&tx, peer(1)).expect("fits");
    host.run_until(1_000);
    assert!(host.disk.0.is_empty());
}

#[test]
fn after_a_crash_what_was_sent_is_fluffed_in_its_time_and_not_sent_again() {
    let mut host = Host::new();
    let tx = host.world.tx();
    host.push(&tx);
    host.run_until(10);
    let embargo = host.world.embargo(&tx).expect("it is on the stem");
    let out = host.crash();
    assert!(out.is_silent());
    assert_eq!(host.world.embargo(&tx), Some(embargo));
    let secs = embargo.as_micros() / 1_000_000;
    assert!(host.run_until(secs - 1).is_silent(), "it was sent in another life");
    let out = host.run_until(secs + 20);
    assert_eq!((out.stems.len(), out.fluffs.len()), (0, 1));
}

#[test]
fn after_a_crash_what_was_waiting_is_sent_under_the_same_embargo() {
    let mut host = Host::new();
    let tx = host.world.tx();
    host.push(&tx);
    host.drain();
    let embargo = host.world.embargo(&tx);
    host.crash();
    assert_eq!(host.world.embargo(&tx), embargo);
    assert_eq!(host.run_until(20).stems.len(), 1);
}

#[test]
fn what_is_public_is_kept_until_somebody_else_has_it() {
    let mut host = Host::new();
    host.world.routes.coins = vec![Coin::Fluff].into();
    let tx = host.world.tx();
    host.push(&tx);
    assert_eq!(host.run_until(10).fluffs.len(), 1);
    assert_eq!(host.disk.stage(&tx), Some(RecordStage::Public));
    let out = host.crash();
    assert_eq!(out.fluffs.len(), 1, "perhaps nobody was told before");
    host.world.pool.handle_known_elsewhere(tx.kernels()[0].hash());
    host.drain();
    assert_eq!(host.disk.stage(&tx), None);
}

#[test]
fn what_others_fluff_or_a_block_holds_is_erased_and_comes_back_with_a_reorg() {
    let mut host = Host::new();
    let (seen, mined) = (host.world.tx(), host.world.tx());
    host.push(&seen);
    host.push(&mined);
    host.run_until(10);
    host.world.fluff(&seen, peer(3)).expect("fits");
    host.drain();
    assert!(host.disk.stage(&seen).is_none() && host.disk.is_sent(&mined));
    host.world.mine(std::slice::from_ref(&mined));
    host.drain();
    assert!(host.disk.0.is_empty());
    host.world.reorg(1, &[&[]]);
    host.drain();
    assert_eq!(host.disk.stage(&mined), Some(RecordStage::Public));
}

#[test]
fn what_was_mined_while_the_node_was_off_is_reported_as_mined_and_erased() {
    let mut host = Host::new();
    let mined = host.world.tx();
    let child = host.world.child(&mined);
    host.push(&mined);
    host.push(&child);
    host.run_until(10);
    let block = host.world.chain.mine(std::slice::from_ref(&mined));
    let (hash, height) = (block.hash, block.height);
    let out = host.crash_and_miss(&[block]);
    let expected = Notice::Mined { kernels: kernels(&mined), height };
    assert!(out.says(|notice| *notice == expected) && out.conflicted().is_empty());
    assert!(host.disk.stage(&mined).is_none() && host.disk.is_sent(&child));
    // And a reorg brings it back all the same.
    host.world.chain.undo();
    host.world.update(ChainUpdate { disconnected: vec![hash], connected: Vec::new() });
    host.drain();
    assert!(host.world.is_stem(&mined) || host.world.is_public(&mined));
    assert!(host.disk.stage(&mined).is_some());
}

#[test]
fn a_family_survives_in_whatever_order_it_is_read() {
    let mut host = Host::new();
    let mut family = vec![host.world.tx()];
    for _ in 0..5 {
        let child = host.world.child(&family[family.len() - 1]);
        family.push(child);
    }
    family.iter().for_each(|tx| host.push(tx));
    host.drain();
    assert_eq!(host.disk.0.len(), 6);
    host.crash();
    assert!(family.iter().all(|tx| host.world.is_stem(tx)));
}

#[test]
fn a_child_of_what_was_sent_in_another_life_waits_for_its_parent() {
    let mut host = Host::new();
    let parent = host.world.tx();
    host.push(&parent);
    host.run_until(10);
    host.crash();
    let child = host.world.child(&parent);
    host.push(&child);
    assert!(host.run_until(30).stems.is_empty(), "its relay would not have the parent");
    assert_eq!(host.disk.stage(&child), Some(RecordStage::Waiting { embargo: None }));
    host.world.fluff(&parent, peer(3)).expect("fits");
    let out = host.run_until(60);
    assert_eq!(out.stems.len() + out.fluffs.len(), 2, "the parent, and the child: {:?}", out.all);
    assert!(!host.world.is_stem(&parent));
}

#[test]
fn what_became_impossible_in_the_meantime_is_reported_and_erased_when_that_is_final() {
    let mut host = Host::new();
    let tx = host.world.tx();
    host.push(&tx);
    host.drain();
    let rival = host.world.rival(&tx);
    host.world.chain.mine(&[rival]);
    host.crash();
    assert!(!host.world.is_stem(&tx) && !host.world.is_public(&tx));
    for _ in 0..70 {
        host.world.mine(&[]);
    }
    host.drain();
    assert!(host.disk.0.is_empty(), "{:?}", host.disk.0.values());
}

#[test]
fn a_child_that_was_sent_in_another_life_goes_on_beside_its_parent() {
    let mut host = Host::new();
    let parent = host.world.tx();
    let child = host.world.child(&parent);
    host.push(&parent);
    host.push(&child);
    assert_eq!(host.run_until(10).stems.len(), 1);
    let embargo = host.world.embargo(&child);
    assert!(embargo.is_some() && host.disk.is_sent(&child));
    host.crash();
    assert_eq!(host.world.embargo(&child), embargo);
    let out = host.run_until(100);
    assert_eq!((out.stems.len(), out.fluffs.len()), (0, 1), "both together, at the end");
}

#[test]
fn a_child_that_was_sent_is_not_sent_again_however_often_its_parent_is_lost() {
    let mut host = Host::new();
    let parent = host.world.tx();
    let child = host.world.child(&parent);
    host.world.stem(&parent, peer(1)).expect("fits");
    host.push(&child);
    assert_eq!(host.run_until(10).stems.len(), 1);
    // Nothing of a peer's is kept, so that the child waits.
    for _ in 0..2 {
        host.crash();
        assert!(host.world.embargo(&child).is_none() && host.disk.is_sent(&child));
    }
    host.world.stem(&parent, peer(1)).expect("fits");
    let out = host.run_until(30);
    assert!(host.world.embargo(&child).is_some());
    let again = out.stems.iter().any(|stem| kernels(&stem.1).contains(&kernels(&child)[0]));
    assert!(!again, "it was sent in another life: {:?}", out.all);
}

#[test]
fn a_child_that_never_left_still_may_however_often_its_parent_is_lost() {
    let mut host = Host::new();
    let parent = host.world.tx();
    let child = host.world.child(&parent);
    host.world.stem(&parent, peer(1)).expect("fits");
    host.push(&child);
    host.drain();
    for _ in 0..2 {
        host.crash();
        assert!(host.world.embargo(&child).is_none(), "it waits for its parent");
        assert!(matches!(host.disk.stage(&child), Some(RecordStage::Waiting { .. })));
    }
    host.world.stem(&parent, peer(1)).expect("fits");
    let out = host.run_until(30);
    let left = out.stems.iter().any(|stem| kernels(&stem.1).contains(&kernels(&child)[0]));
    assert!(left, "nobody had it: {:?}", out.all);
}

#[test]
fn what_waits_until_the_very_end_of_its_embargo_begins_anew() {
    let mut host = Host::new();
    let tx = host.world.tx();
    host.push(&tx);
    host.drain();
    let Some(RecordStage::Waiting { embargo: Some(end) }) = host.disk.stage(&tx) else {
        panic!("it waits: {:?}", host.disk.stage(&tx));
    };
    host.world.now = end;
    host.crash();
    assert!(host.world.embargo(&tx).is_some_and(|embargo| embargo > end));
}
