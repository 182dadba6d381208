//! The owner's transactions that are taken back, to leave in another zone.

mod kit;

use std::collections::BTreeSet;

use kit::{World, kernels, peer};
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{Hash, ValidTx, aggregate};
use scape_pool::{Accepted, PoolCounts, Record, Source};

impl World {
    fn push(&mut self, tx: &ValidTx) {
        self.stem(tx, Source::Own).expect("taken");
    }

    fn push_all(&mut self, txs: &[&ValidTx]) {
        for tx in txs {
            self.push(tx);
        }
    }

    fn unsent(&self) -> BTreeSet<Hash> {
        self.pool.unsent().iter().flat_map(|record| kernels(&record.tx)).collect()
    }

    fn withdraw(&mut self) -> Vec<Record> {
        let unsent = self.pool.unsent();
        self.with_ctx(|pool, ctx| pool.withdraw(&unsent, ctx));
        unsent
    }
}

fn all(txs: &[&ValidTx]) -> BTreeSet<Hash> {
    txs.iter().flat_map(|tx| kernels(tx)).collect()
}

#[test]
fn what_is_taken_back_leaves_nothing_and_goes_on_elsewhere() {
    let mut world = World::new();
    let parent = world.tx();
    let child = world.child(&parent);
    let missing = world.tx();
    let orphan = world.child(&missing);
    world.push_all(&[&parent, &child, &orphan]);
    let kept = world.drain().kept;
    assert_eq!(world.unsent(), all(&[&parent, &child, &orphan]));
    let records = world.withdraw();
    let out = world.drain();
    let keys: BTreeSet<_> = kept.iter().map(Record::key).collect();
    assert_eq!(out.erased.iter().copied().collect::<BTreeSet<_>>(), keys);
    assert!(out.is_silent() && out.notices.is_empty(), "{out:?}");
    assert_eq!((world.pool.counts(), world.withdraw()), (PoolCounts::default(), Vec::new()));
    world.run_until(1_000);
    assert!(world.drain().is_silent());
    // A peer that sends it finds what it would find if it had never been here.
    assert_eq!(world.stem(&parent, peer(1)), Ok(Accepted::Stem));
    world.drain();

    let mut other = World::new();
    other.chain = world.chain;
    let first = other.tx();
    other.push(&first);
    other.with_ctx(|pool, ctx| pool.restore(records, &[], ctx));
    other.run_until(20);
    let out = other.drain();
    let sent: BTreeSet<_> = out.stems.iter().flat_map(|(_, tx, _)| kernels(tx)).collect();
    assert_eq!(sent, all(&[&first, &parent, &child]));
    assert_eq!(other.pool.counts().orphans, 1);
}

#[test]
fn what_was_given_to_somebody_stays_and_so_does_what_depends_on_it() {
    let mut world = World::new();
    let sent = world.tx();
    world.push(&sent);
    world.run_until(10);
    assert_eq!(world.drain().stems.len(), 1);
    let (child, other) = (world.child(&sent), world.tx());
    world.push_all(&[&child, &other]);
    assert_eq!(world.unsent(), all(&[&other]));
    // As long as its parent is in no block.
    world.fluff(&sent, peer(1)).expect("taken");
    assert_eq!(world.unsent(), all(&[&other]));
    world.mine(&[sent]);
    assert_eq!(world.unsent(), all(&[&child, &other]));
}

#[test]
fn what_others_depend_on_stays() {
    let mut world = World::new();
    let (coin, other) = (world.coin(), world.tx());
    let parent = world.build(AssumedTx::new().spend(coin).outputs(2));
    let (of_peer, own) =
        (world.child(&parent), world.build(AssumedTx::new().spend(kit::output(&parent, 1))));
    world.push(&parent);
    world.stem(&of_peer, peer(1)).expect("taken");
    world.push_all(&[&own, &other]);
    assert_eq!(world.unsent(), all(&[&other]));
    assert_eq!(world.withdraw().len(), 1);
    assert_eq!(world.pool.counts().stem, 3);
}

#[test]
fn what_is_public_stays() {
    let mut world = World::new();
    let (public, waiting) = (world.tx(), world.tx());
    world.fluff(&public, Source::Own).expect("taken");
    world.stem(&waiting, peer(1)).expect("taken");
    assert_eq!(world.withdraw(), []);
}

#[test]
fn what_a_peer_has_sent_before_stays() {
    let mut world = World::new();
    let (twice, own) = (world.tx(), world.tx());
    world.stem(&twice, peer(1)).expect("taken");
    world.push_all(&[&twice, &own]);
    assert_eq!(world.unsent(), all(&[&own]));
}

#[test]
fn what_is_public_in_part_stays() {
    let mut world = World::new();
    let (one, other) = (world.tx(), world.tx());
    let both = aggregate(&[one.clone(), other]).expect("disjoint");
    world.push(&both);
    world.fluff(&one, peer(1)).expect("taken");
    assert_eq!(world.unsent(), BTreeSet::new());
}

#[test]
fn what_is_pushed_again_or_depends_on_what_is_here_belongs_here_until_that_is_mined() {
    let mut world = World::new();
    let (tx, of_peer) = (world.tx(), world.tx());
    let (child, other) = (world.child(&tx), world.child(&of_peer));
    world.stem(&of_peer, peer(1)).expect("taken");
    world.push(&tx);
    let all = [&tx, &child, &of_peer, &other];
    let kin = |world: &World| all.map(|tx| world.pool.is_kin(tx.as_transaction()));
    assert_eq!(kin(&world), [true, true, false, false]);
    world.mine(std::slice::from_ref(&tx));
    assert_eq!(kin(&world), [false; 4]);
}
