//! What a node says before it spends time on proofs: only what the chain and the txpool decide.

mod kit;

use kit::*;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{BlindingFactor, Inputs, Transaction, ValidTx, aggregate};
use scape_pool::Refusal;

fn precheck(world: &mut World, tx: &Transaction) -> Result<(), Refusal> {
    world.with_ctx(|pool, ctx| pool.precheck(tx, ctx))
}

fn merged(txs: &[&ValidTx]) -> ValidTx {
    let txs: Vec<ValidTx> = txs.iter().map(|tx| (*tx).clone()).collect();
    aggregate(&txs).expect("they fit together")
}

#[test]
fn what_the_public_pool_refuses_is_not_worth_verifying() {
    let mut world = World::new();
    let tx = world.tx();
    assert_eq!(precheck(&mut world, &tx), Ok(()));
    world.fluff(&tx, peer(1)).expect("fits");
    assert_eq!(precheck(&mut world, &tx), Err(Refusal::Known));

    let rival = world.rival(&tx);
    assert_eq!(precheck(&mut world, &rival), Err(Refusal::Conflict));
    let locked = AssumedTx::new().spend(world.coin()).height_locked(100);
    let locked = world.build(locked);
    let refusal = Refusal::LockHeight { lock_height: 100, next_height: 11 };
    assert_eq!(precheck(&mut world, &locked), Err(refusal));
    let cheap = AssumedTx::new().spend(world.coin()).fee(7);
    let cheap = world.build(cheap);
    let required = cheap.relay_fee();
    assert_eq!(precheck(&mut world, &cheap), Err(Refusal::LowFee { paid: 7, required }));
    // A parent may still come.
    let orphan = world.build(AssumedTx::new());
    assert_eq!(precheck(&mut world, &orphan), Ok(()));
}

/// Nobody pays for it, which is a reason to refuse it; that it is known is none.
#[test]
fn what_has_no_kernels_is_not_known() {
    let mut world = World::new();
    let tx = world.tx();
    let inputs = Inputs::from_commitments([tx.inputs()[0].commitment()]);
    let bare = Transaction::new(BlindingFactor::ZERO, inputs, vec![], vec![], &CONSENSUS);
    let bare = bare.expect("no rule is about that");
    let required = bare.relay_fee();
    assert_eq!(precheck(&mut world, &bare), Err(Refusal::LowFee { paid: 0, required }));
}

/// What is left after the known part decides, and that takes more than a look.
#[test]
fn what_is_known_in_part_is_looked_at() {
    let mut world = World::new();
    let (known, rest) = (world.tx(), world.tx());
    world.fluff(&known, peer(1)).expect("fits");
    let both = merged(&[&known, &rest]);
    assert_eq!(precheck(&mut world, &both), Ok(()));
    assert_eq!(precheck(&mut world, &rest), Ok(()));
}

#[test]
fn the_stempool_does_not_show() {
    let mut world = World::new();
    let held = world.tx();
    world.stem(&held, peer(1)).expect("fits");
    let (rival, child) = (world.rival(&held), world.child(&held));
    for tx in [&held, &rival, &child] {
        assert_eq!(precheck(&mut world, tx), Ok(()));
    }
    // Not even when a block has taken it: it was never public here.
    world.mine(std::slice::from_ref(&held));
    assert_ne!(precheck(&mut world, &held), Err(Refusal::Known));
}
