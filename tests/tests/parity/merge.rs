//! Merging and subtracting: equal to Grin's, and valid by addition alone.

use std::collections::HashSet;

use grin_core::core::{Transaction as GrinTx, transaction};
use proptest::prelude::*;
use rand::RngExt;
use rand::seq::SliceRandom;
use scape_aggregate::builder::seeded;
use scape_aggregate::{
    AggregateError, BlindingFactor, Commitment, DeaggregateError, Input, Output, ProtocolVersion,
    ValidTx, aggregate, deaggregate,
};

use crate::grin;
use crate::sample::{MAINNET, families, fresh_verifier, lone, on_all_cores, random_set};

fn bytes(tx: &ValidTx) -> Vec<u8> {
    tx.encode(ProtocolVersion::LOCAL).unwrap()
}

fn grin_bytes(tx: &GrinTx) -> Vec<u8> {
    grin::write(tx, 1_000).unwrap()
}

fn grin_txs(txs: &[ValidTx]) -> Vec<GrinTx> {
    txs.iter().map(|tx| grin::of(tx.as_transaction())).collect()
}

fn is_valid(tx: &ValidTx) -> bool {
    fresh_verifier().verify(tx.as_transaction().clone()).is_ok()
}

/// What is neither spent nor created because the sets cut each other's outputs through.
fn cut_between(a: &ValidTx, b: &ValidTx) -> (HashSet<Commitment>, HashSet<Commitment>) {
    let created = |tx: &ValidTx| tx.outputs().iter().map(Output::commitment).collect();
    let spent = |tx: &ValidTx| tx.inputs().iter().map(Input::commitment).collect::<HashSet<_>>();
    let both = |a: HashSet<_>, b: HashSet<_>| a.intersection(&b).copied().collect();
    (both(created(a), spent(b)), both(created(b), spent(a)))
}

#[test]
fn aggregates_equal_those_of_grin() {
    on_all_cores(300, &MAINNET, |_, rng| {
        let txs = random_set(rng);
        let theirs = transaction::aggregate(&grin_txs(&txs)).unwrap();
        assert_eq!(bytes(&aggregate(&txs).unwrap()), grin_bytes(&theirs));
    });
}

#[test]
fn aggregates_of_none_one_and_all_equal_those_of_grin() {
    grin::follow(&MAINNET);
    let everything = lone().iter().chain(families().iter().flatten());
    let all: Vec<_> = everything.map(|built| built.valid()).collect();
    for txs in [&all[..0], &all[..1], &all[..]] {
        let (ours, theirs) = (aggregate(txs).unwrap(), transaction::aggregate(&grin_txs(txs)));
        assert_eq!(bytes(&ours), grin_bytes(&theirs.unwrap()));
    }
    let merged = aggregate(&all).unwrap();
    assert!(is_valid(&merged));
    assert!(grin::accepts(&grin::of(merged.as_transaction())));
}

#[test]
fn aggregates_of_aggregates_equal_the_flat_ones() {
    on_all_cores(60, &MAINNET, |_, rng| {
        let txs = random_set(rng);
        let (left, right) = txs.split_at(rng.random_range(0..=txs.len()));
        let halves = [aggregate(left).unwrap(), aggregate(right).unwrap()];
        assert_eq!(bytes(&aggregate(&halves).unwrap()), bytes(&aggregate(&txs).unwrap()));
    });
}

#[test]
fn what_excludes_each_other_is_merged_by_neither() {
    grin::follow(&MAINNET);
    let (a, b) = (lone()[0].valid(), lone()[1].valid());
    let twice = [a.clone(), b, a];
    assert_eq!(aggregate(&twice), Err(AggregateError::DuplicateInput));
    let theirs = transaction::aggregate(&grin_txs(&twice));
    assert!(!theirs.is_ok_and(|tx| grin::accepts(&tx)));
}

#[test]
fn remainders_equal_those_of_grin_or_are_better() {
    let (mut equal, mut better, mut lost) = (0, 0, 0);
    let counts = std::sync::Mutex::new((&mut equal, &mut better, &mut lost));
    on_all_cores(300, &MAINNET, |_, rng| {
        let txs = random_set(rng);
        let (parts, rest) = txs.split_at(rng.random_range(1..txs.len()));
        let (whole, part, rest) =
            (aggregate(&txs).unwrap(), aggregate(parts).unwrap(), aggregate(rest).unwrap());
        let ours = deaggregate(&whole, parts);
        let theirs = transaction::deaggregate(grin::of(whole.as_transaction()), &grin_txs(parts));
        let (restored, missing) = cut_between(&part, &rest);
        let mut counts = counts.lock().unwrap();
        if !missing.is_empty() {
            // The proof of an output that the remainder creates is gone for good.
            assert_eq!(ours, Err(DeaggregateError::OutputLost));
            assert!(!theirs.is_ok_and(|tx| grin::accepts(&tx)));
            *counts.2 += 1;
            return;
        }
        let ours = ours.unwrap();
        assert_eq!(bytes(&ours), bytes(&rest));
        if !restored.is_empty() {
            assert!(!theirs.is_ok_and(|tx| grin::accepts(&tx)), "Grin became better");
            *counts.1 += 1;
        } else if *rest.offset() == BlindingFactor::ZERO {
            // The library that Grin subtracts with knows no zero.
            assert!(theirs.is_err());
        } else {
            assert_eq!(bytes(&ours), grin_bytes(&theirs.unwrap()));
            *counts.0 += 1;
        }
    });
    assert!(equal > 100 && better > 20 && lost > 20, "{equal} equal, {better} better, {lost} lost");
}

#[test]
fn restored_inputs_balance_where_grin_forgets_them() {
    grin::follow(&MAINNET);
    for family in families() {
        let [parent, child, _] = [0, 1, 2].map(|index| family[index].valid());
        let whole = aggregate(&[parent.clone(), child.clone()]).unwrap();
        let ours = deaggregate(&whole, std::slice::from_ref(&parent)).unwrap();
        assert!(is_valid(&ours));
        assert_eq!(bytes(&ours), bytes(&child));
        let theirs =
            transaction::deaggregate(grin::of(whole.as_transaction()), &grin_txs(&[parent]));
        assert!(!theirs.is_ok_and(|tx| grin::accepts(&tx)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// `sum(outputs) - sum(inputs) + fee*H = sum(excesses) + offset*G` is additive: what is merged
    /// from valid transactions needs no verification, and any order gives the same.
    #[test]
    fn sums_of_valid_transactions_are_valid(seed: u64) {
        grin::follow(&MAINNET);
        let mut rng = seeded(seed, 0);
        let mut txs = random_set(&mut rng);
        let merged = aggregate(&txs).unwrap();
        prop_assert!(is_valid(&merged));
        prop_assert!(grin::accepts(&grin::of(merged.as_transaction())));
        txs.shuffle(&mut rng);
        prop_assert_eq!(&aggregate(&txs).unwrap(), &merged);
    }

    /// `deaggregate(aggregate(a + b), b) = aggregate(a)`, unless `b` spends what `a` creates.
    #[test]
    fn subtracting_is_the_inverse_of_merging(seed: u64) {
        let mut rng = seeded(seed, 1);
        let txs = random_set(&mut rng);
        let (parts, rest) = txs.split_at(rng.random_range(1..txs.len()));
        let (part, rest) = (aggregate(parts).unwrap(), aggregate(rest).unwrap());
        let lost = !cut_between(&part, &rest).1.is_empty();
        match deaggregate(&aggregate(&txs).unwrap(), parts) {
            Ok(remainder) => {
                prop_assert!(!lost);
                prop_assert_eq!(bytes(&remainder), bytes(&rest));
                prop_assert!(is_valid(&remainder));
            }
            Err(error) => prop_assert!(lost && error == DeaggregateError::OutputLost),
        }
    }
}
