use std::sync::atomic::{AtomicU64, Ordering};

use scape_aggregate::Commitment;
use scape_aggregate::builder::{AssumedTx, seeded};
use scape_p2p::wire::Message;
use scape_pool::{Capacity, Instant};
use scape_tests::invariant::{Bounded, Fair, Law};
use scape_tests::net::{NodeId, Pass};

use crate::world::{CONSENSUS, MUTANT, NODES, World, assert_says, says, world};

#[test]
fn a_pool_that_holds_too_much_is_noticed() {
    let world = World::with(scape_tests::net::Honest);
    let mut bounded = Bounded::default();
    // The owner's two come on top of what peers may fill, so the relay is looked at.
    let none = Capacity { stem_entries: 0, tx_entries: 0, ..Capacity::default() };
    (1..NODES).for_each(|node| bounded.declare(NodeId(node), none));
    assert_says(world.watched_by(bounded), Law::Bounded, "transactions");
}

#[test]
fn a_pool_that_holds_too_many_bytes_is_noticed() {
    let none = [
        ("stempool", Capacity { stem_bytes: 1_000, ..Capacity::default() }),
        ("txpool", Capacity { tx_bytes: 1_000, ..Capacity::default() }),
    ];
    for (name, capacity) in none {
        let mut bounded = Bounded::default();
        (1..NODES).for_each(|node| bounded.declare(NodeId(node), capacity));
        let breach = World::with(scape_tests::net::Honest).watched_by(bounded).unwrap_err();
        let is_bytes = breach.what.contains(name) && breach.what.contains("bytes");
        assert!(breach.law == Law::Bounded && is_bytes, "{breach}");
    }
}

#[test]
fn a_bad_block_is_noticed() {
    let mut rng = seeded(6, 0);
    let coin = Commitment([8; 33]);
    let counterfeit = AssumedTx::new().spend(coin).build(&mut rng, &CONSENSUS).unwrap();
    let mut world = world(|spec, _, _| spec.forges(coin));
    world.mint.add(&counterfeit);
    world.net.at(Instant::from_secs(15), move |net| {
        net.push(MUTANT, counterfeit.as_transaction().clone(), true);
    });
    world.net.at(Instant::from_secs(18), |net| assert!(net.mine(MUTANT).is_some()));
    assert_says(world.watched_by(Fair), Law::Fair, "refuses block");
}

#[test]
fn what_no_seed_decides_is_noticed() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let digest = || {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let moody = says(move |_, message, _| match message {
            Message::StemTransaction(_) if run == 0 => Pass::Swallow,
            _ => Pass::On,
        });
        let mut world = World::with(moody);
        world.pay();
        world.net.run_until(Instant::from_secs(100));
        world.net.digest()
    };
    let first = digest();
    let second = digest();
    assert_ne!(first, second);
    assert_eq!(second, digest());
}
