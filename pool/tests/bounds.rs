//! Bounds in bytes, who has to go for them, and who is to blame.

mod kit;

use kit::*;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ProtocolVersion, ValidTx, aggregate};
use scape_pool::{Accepted, Capacity, Notice, Refusal, Source};

/// What one input, two outputs and a kernel take.
fn size(tx: &ValidTx) -> usize {
    tx.encode(ProtocolVersion::LOCAL).expect("no features are needed").len()
}

/// Room for so many transactions in both pools, by bytes alone.
fn room_for(count: usize, shares: usize) -> World {
    let size = size(&World::new().tx());
    // A little more, for what a kernel can take beside.
    let bytes = count * (size + 20);
    let capacity = Capacity { stem_bytes: bytes, tx_bytes: bytes, shares, ..Capacity::default() };
    let mut config = config();
    config.capacity = capacity;
    World::with(config)
}

#[test]
fn a_share_of_the_stempool_is_in_bytes_too_and_comes_back_when_it_is_free() {
    let mut world = room_for(4, 2);
    let first = world.tx();
    world.stem(&first, peer(1)).expect("room");
    let mut oldest = first;
    for _ in 0..3 {
        let (next, over) = (world.tx(), world.tx());
        world.stem(&next, peer(1)).expect("room");
        assert_eq!(world.stem(&over, peer(1)), Err(Refusal::Full));
        world.stem(&over, peer(2)).expect("another share");
        world.mine(&[oldest, over]);
        assert_eq!(world.pool.counts().stem, 1);
        oldest = next;
    }
}

/// Orphans have shares of their own; who comes last is not refused for what others fill.
#[test]
fn orphans_fill_their_bytes_and_the_greediest_gives_way() {
    let mut world = World::new();
    let orphans: Vec<_> = (0..7).map(|_| world.build(AssumedTx::new())).collect();
    let bytes = Capacity { orphan_bytes: 4 * size(&orphans[0]), shares: 2, ..Capacity::default() };
    let entries = Capacity { orphan_entries: 4, shares: 2, ..Capacity::default() };
    for capacity in [bytes, entries] {
        let mut config = config();
        config.capacity = capacity;
        let mut world = World::with(config);
        let mut waiting = Vec::new();
        for (tx, source) in orphans.iter().zip([1, 1, 1, 2, 2, 3, 4]) {
            assert_eq!(world.stem(tx, peer(source)), Ok(Accepted::Orphan));
            waiting.push(world.pool.counts().orphans);
        }
        // The third replaces the first of its sender, the sixth and seventh one of who has most.
        assert_eq!(waiting, [1, 2, 2, 3, 4, 4, 4]);
    }
    // One that is as large as a share fills it; one that is larger waits nowhere.
    for (missing, verdict) in [(0, Ok(Accepted::Orphan)), (1, Err(Refusal::MissingInput))] {
        let mut config = config();
        let orphan_bytes = 2 * (size(&orphans[0]) - missing);
        config.capacity = Capacity { orphan_bytes, shares: 2, ..Capacity::default() };
        assert_eq!(World::with(config).stem(&orphans[0], peer(1)), verdict);
    }
}

#[test]
fn all_shares_together_fill_the_stempool_and_no_more() {
    let mut world = room_for(3, 2);
    let txs: Vec<_> = (0..5).map(|_| world.tx()).collect();
    let sources = [1, 2, 3, 4, 5].map(peer);
    let verdicts = txs.iter().zip(sources).map(|(tx, source)| world.stem(tx, source));
    let verdicts: Vec<_> = verdicts.collect();
    assert_eq!(verdicts[..3], [Ok(Accepted::Stem); 3]);
    assert_eq!(verdicts[3..], [Err(Refusal::Full); 2]);
    let own = world.tx();
    assert_eq!(world.stem(&own, Source::Own), Ok(Accepted::Stem));
}

#[test]
fn a_large_transaction_that_pays_better_takes_the_place_of_as_many_as_it_needs() {
    let mut world = room_for(4, 1);
    let paying = |world: &mut World, outputs: usize, per_weight: u64| {
        let weight = 1 + 21 * outputs as u64 + 3;
        let tx = AssumedTx::new().spend(world.coin()).outputs(outputs);
        world.build(tx.fee(weight * per_weight))
    };
    let small: Vec<_> =
        [600_000, 700_000, 800_000, 900_000].map(|rate| paying(&mut world, 2, rate)).into();
    small.iter().for_each(|tx| assert_eq!(world.fluff(tx, peer(1)), Ok(Accepted::Public)));
    world.drain();
    // It pays more in all than any of them, and less for its weight than two.
    let poor = paying(&mut world, 4, 650_000);
    assert_eq!(world.fluff(&poor, peer(1)), Err(Refusal::Full));
    let rich = paying(&mut world, 4, 850_000);
    assert_eq!(world.fluff(&rich, peer(1)), Ok(Accepted::Public));
    let evicted = |tx: &ValidTx| Notice::Evicted { kernels: kernels(tx) };
    let out = world.drain();
    assert!(out.says(|n| *n == evicted(&small[0])) && out.says(|n| *n == evicted(&small[1])));
    let left: Vec<_> = small.iter().map(|tx| world.is_public(tx)).collect();
    assert_eq!(left, [false, false, true, true]);
    // Who leaves by a block makes room again.
    world.mine(&[rich]);
    for tx in [paying(&mut world, 2, 600_000), paying(&mut world, 2, 600_000)] {
        assert_eq!(world.fluff(&tx, peer(1)), Ok(Accepted::Public));
    }
}

#[test]
fn counts_tell_transactions_and_kernels() {
    let mut world = World::new();
    let txs = [0, 1, 2, 3, 4].map(|_| world.tx());
    let merged = |txs: &[ValidTx]| aggregate(txs).expect("disjoint");
    world.stem(&merged(&txs[..2]), peer(1)).expect("fits");
    world.fluff(&merged(&txs[2..]), peer(1)).expect("fits");
    let counts = world.pool.counts();
    assert_eq!((counts.stem, counts.stem_kernels), (1, 2));
    assert_eq!((counts.public, counts.public_kernels), (1, 3));
}

/// What the chain and the txpool show to everyone is the sender's fault; what two honest nodes may
/// see differently is not.
#[test]
fn the_sender_is_to_blame_for_what_everyone_can_see() {
    let height = 7;
    let faults = [
        Refusal::LowFee { paid: 1, required: 2 },
        Refusal::LockHeight { lock_height: height, next_height: 1 },
        Refusal::ImmatureCoinbase { matures: height },
        Refusal::RecentNrd { allowed: height },
        Refusal::InputFeatures,
    ];
    assert!(faults.iter().all(Refusal::is_public));
    let views = [
        Refusal::Known,
        Refusal::Overlap,
        Refusal::PendingNrd,
        Refusal::Conflict,
        Refusal::OutputExists,
        Refusal::MissingInput,
        Refusal::Full,
    ];
    assert!(!views.iter().any(Refusal::is_public));
}

/// Who may push, but is perhaps a stranger with a wallet, cannot fill the memory.
#[test]
fn the_owner_has_room_until_what_is_pushed_is_deep_in_the_chain() {
    let mut config = config();
    let own_bytes = 2 * (size(&World::new().tx()) + 20);
    config.capacity = Capacity { own_bytes, reorg_depth: 3, ..Capacity::default() };
    let mut world = World::with(config);
    let [first, second, third] = [(); 3].map(|()| world.tx());
    for tx in [&first, &second] {
        assert_eq!(world.pool.check_own_room(tx), Ok(()));
        world.stem(tx, Source::Own).expect("room");
    }
    assert_eq!(world.pool.check_own_room(&third), Err(Refusal::Full));
    assert_eq!(world.pool.check_own_room(&first), Ok(()), "it has its room already");
    world.mine(&[first]);
    assert_eq!(world.pool.check_own_room(&third), Err(Refusal::Full), "a block may be undone");
    for _ in 0..4 {
        world.mine(&[]);
    }
    assert_eq!(world.pool.check_own_room(&third), Ok(()));
    // One has left, and no more than its room is free.
    world.stem(&third, Source::Own).expect("room");
    let fourth = world.tx();
    assert_eq!(world.pool.check_own_room(&fourth), Err(Refusal::Full));
}
