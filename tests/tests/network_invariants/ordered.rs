use scape_aggregate::builder::AssumedTx;
use scape_p2p::wire::Message;
use scape_tests::flow::{Flow, kernel, kernels};
use scape_tests::invariant::{Fair, Law, Ordered, Sound};
use scape_tests::net::Pass;
use scape_tests::net::adversary::{Purse, Tamperer};

use crate::world::{CONSENSUS, World, assert_breaks, says, world};

#[test]
fn a_child_stemmed_without_its_parent_is_noticed() {
    let mut first = true;
    let forgetful = says(move |_, message, _| match message {
        Message::StemTransaction(_) if std::mem::take(&mut first) => Pass::Swallow,
        _ => Pass::On,
    });
    let world = World::with(forgetful);
    let ordered = Ordered::new(world.mint.clone());
    assert_breaks(world.watched_by(ordered), Law::Ordered);
}

#[test]
fn a_child_told_before_its_parent_is_noticed() {
    let mut flow = Flow::new(CONSENSUS, 5, 100);
    let parent = flow.tx();
    let child = kernel(&flow.child(&parent));
    let hasty = says(move |to, message, scope| {
        if let Message::StemTransaction(tx) = message
            && kernels(tx).contains(&child)
            && let Some(zone) = scope.zone
        {
            let alone = zone.pool().stem().find(|(tx, ..)| kernel(tx) == child);
            let alone = alone.unwrap().0.as_transaction().clone();
            scope.send(to, Message::Transaction(alone));
        }
        Pass::On
    });
    let world = World::with(hasty);
    let ordered = Ordered::new(world.mint.clone());
    assert_breaks(world.watched_by(ordered), Law::Ordered);
}

#[test]
fn a_tampered_transaction_is_noticed_and_refused() {
    let world = World::with(Tamperer::always(CONSENSUS));
    let sound = Sound::new(world.mint.clone());
    assert_breaks(world.watched_by(sound), Law::Sound);
    assert_breaks(World::with(Tamperer::always(CONSENSUS)).watched_by(Fair), Law::Fair);
}

/// Also sends a transaction of its own with everything on the stem.
fn sends_along(builder: fn() -> AssumedTx) -> World {
    world(|spec, mint, flow| {
        let coins = flow.genesis().into_iter().map(|(coin, _)| coin).collect();
        let mut purse = Purse::new(CONSENSUS, mint.clone(), coins);
        spec.mutated(says(move |to, message, scope| {
            if let Message::StemTransaction(_) = message {
                let tx = purse.make(builder(), scope.rng).unwrap();
                scope.send(to, Message::StemTransaction(tx.as_transaction().clone()));
            }
            Pass::On
        }))
    })
}

#[test]
fn dust_and_what_is_locked_are_noticed() {
    let bad: [fn() -> AssumedTx; 2] =
        [|| AssumedTx::new().fee(1), || AssumedTx::new().height_locked(1_000)];
    for builder in bad {
        let world = sends_along(builder);
        let sound = Sound::new(world.mint.clone());
        assert_breaks(world.watched_by(sound), Law::Sound);
    }
}
