use scape_p2p::wire::Message;
use scape_pool::Instant;
use scape_tests::flow::kernel;
use scape_tests::invariant::{Invariant, Invariants, Law, Lossless};
use scape_tests::net::{Happening, NodeId, NodeSpec, Pass};

use crate::world::{MUTANT, World, assert_breaks, says, world};

#[test]
fn an_honest_node_breaks_nothing() {
    let mut world = World::with(scape_tests::net::Honest);
    world.pay();
    let mut laws = Invariants::new(&world.mint);
    assert_eq!(world.net.run_watched(Instant::from_secs(610), &mut laws), Ok(()));
    let fates = laws.settled(&world.net).unwrap();
    assert_eq!((fates.conflicted, fates.crashed), (0, 0));
    assert!(fates.mined >= 2);
}

/// A node that tells nobody of what it accepted.
fn secretive() -> World {
    let silent = says(|_, message, _| match message {
        Message::StemTransaction(_) | Message::Transaction(_) | Message::TransactionKernel(_) => {
            Pass::Swallow
        }
        _ => Pass::On,
    });
    world(|spec, _, _| NodeSpec { mines: false, ..spec.mutated(silent) })
}

#[test]
fn a_lost_transaction_is_noticed() {
    let mut world = secretive();
    world.pay();
    let mut laws = Invariants::new(&world.mint);
    assert_eq!(world.net.run_watched(Instant::from_secs(3_610), &mut laws), Ok(()));
    assert_breaks(laws.settled(&world.net).map(|_| ()), Law::Lossless);
}

#[test]
fn what_a_node_takes_along_when_it_crashes_is_no_loss() {
    let mut world = secretive();
    world.pay();
    let mut laws = Invariants::new(&world.mint);
    world.net.at(Instant::from_secs(100), |net| net.crash(MUTANT));
    assert_eq!(world.net.run_watched(Instant::from_secs(3_610), &mut laws), Ok(()));
    let fates = laws.settled(&world.net).unwrap();
    assert_eq!((fates.mined, fates.crashed), (0, 2));
}

#[test]
fn a_transaction_that_has_left_outlives_its_node() {
    let mut world = World::with(scape_tests::net::Honest);
    world.pay();
    let mut laws = Invariants::new(&world.mint);
    world.net.at(Instant::from_secs(60), |net| net.crash(MUTANT));
    assert_eq!(world.net.run_watched(Instant::from_secs(3_610), &mut laws), Ok(()));
    laws.settled(&world.net).unwrap();
    assert_eq!(world.net.node(NodeId(1)).ledger().kernel_count(), 2);
}

#[test]
fn a_relay_that_gives_up_for_no_reason_is_noticed() {
    let mut world = World::with(scape_tests::net::Honest);
    let (tx, net) = (world.flow.tx(), &mut world.net);
    world.mint.add(&tx);
    let mut lossless = Lossless::new(world.mint.clone());
    let kernels = vec![kernel(&tx)];
    let source = scape_pool::Source::Peer(scape_pool::PeerId(7));
    let notices = [
        scape_pool::Notice::Stemmed { kernels: kernels.clone(), source },
        scape_pool::Notice::Conflicted { kernels, by: None },
    ];
    let verdicts = notices.map(|notice| {
        let seen = scape_tests::net::Observation::Notice(notice);
        lossless.after(net, &[Happening::Observed(MUTANT, seen)])
    });
    assert_eq!(verdicts[0], Ok(()));
    assert_breaks(verdicts[1].clone(), Law::Lossless);
}
