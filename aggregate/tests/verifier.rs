//! What a verifier remembers must not change a verdict.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use std::num::NonZeroUsize;

use scape_aggregate::builder::{Coin, Kernel, Recipe, Secret, TxBuilder, corpus, seeded};
use scape_aggregate::{
    BlindingFactor, ChainType, Commitment, Consensus, Inputs, Output, Transaction, TxKernel,
    ValidTx, Verifier, VerifyError, aggregate,
};

const CHAIN: Consensus = Consensus::of(ChainType::Mainnet);

fn verifier() -> Verifier {
    Verifier::new(NonZeroUsize::MIN.saturating_add(100))
}

fn valid(verifier: &Verifier, count: usize) -> Vec<ValidTx> {
    let recipes = Recipe::variety(&CHAIN);
    let built = corpus(1, count, &recipes, &CHAIN).unwrap();
    let txs = built.into_iter().map(|built| built.tx).collect();
    verifier.verify_batch(txs).into_iter().map(Result::unwrap).collect()
}

/// The same bytes without anything shared.
fn copy(tx: &Transaction) -> Transaction {
    let outputs = tx
        .outputs()
        .iter()
        .map(|output| Output::new(output.features(), output.commitment(), output.proof().clone()));
    with_outputs(tx, *tx.offset(), outputs.collect())
}

fn with_outputs(tx: &Transaction, offset: BlindingFactor, outputs: Vec<Output>) -> Transaction {
    let (inputs, kernels) = (tx.inputs_as_held().clone(), tx.kernels().to_vec());
    Transaction::new(offset, inputs, outputs, kernels, &CHAIN).unwrap()
}

#[test]
fn aggregates_of_known_parts_share_their_proofs() {
    let verifier = verifier();
    let txs = valid(&verifier, 8);
    let parts = [aggregate(&txs[..3]).unwrap(), aggregate(&txs[3..]).unwrap()];
    for part in &parts {
        assert_eq!(verifier.verify(copy(part)).as_ref(), Ok(part));
    }
    let whole = aggregate(&parts).unwrap();
    let verified = verifier.verify(copy(&whole)).unwrap();
    assert_eq!(verified, whole);
    let address = |tx: &ValidTx| tx.outputs()[0].proof().as_bytes().as_ptr();
    assert_eq!(address(&verified), address(&whole));
    // Whoever had the parts has forgotten them.
    drop((txs, parts, verified));
    assert_eq!(verifier.verify(copy(&whole)), Ok(whole));
}

#[test]
fn what_is_verified_anew_is_not_remembered_to_be_valid() {
    let verifier = verifier();
    let txs = valid(&verifier, 3);
    let whole = aggregate(&txs).unwrap();
    let again = copy(&whole);
    let address = |tx: &Transaction| tx.outputs()[0].proof().as_bytes().as_ptr();
    let anew = verifier.verify_batch_anew(vec![again.clone()]).pop().unwrap().unwrap();
    assert_eq!((address(&anew), &anew), (address(&again), &whole));
    let mut outputs = whole.outputs().to_vec();
    let (first, second) = (outputs[0].clone(), outputs[1].clone());
    outputs[0] = Output::new(first.features(), first.commitment(), second.proof().clone());
    let wrong = with_outputs(&whole, *whole.offset(), outputs);
    let verdicts = verifier.verify_batch_anew(vec![wrong, again]);
    assert_eq!(verdicts, [Err(VerifyError::RangeProof), Ok(whole)]);
}

#[test]
fn aggregates_that_only_resemble_known_parts_are_refused() {
    let verifier = verifier();
    let txs = valid(&verifier, 4);
    let whole = aggregate(&txs).unwrap();
    let offset = BlindingFactor([1; 32]);
    let other_offset = with_outputs(&whole, offset, whole.outputs().to_vec());
    assert_eq!(verifier.verify(other_offset), Err(VerifyError::KernelSum));

    let mut outputs = whole.outputs().to_vec();
    let (first, second) = (outputs[0].clone(), outputs[1].clone());
    outputs[0] = Output::new(first.features(), first.commitment(), second.proof().clone());
    let other_proof = with_outputs(&whole, *whole.offset(), outputs);
    assert_eq!(verifier.verify(other_proof), Err(VerifyError::RangeProof));

    let fewer = with_outputs(&whole, *whole.offset(), whole.outputs()[1..].to_vec());
    assert_eq!(verifier.verify(fewer), Err(VerifyError::KernelSum));
}

/// Grin leaves a commitment of zeros out of the sums (`Secp256k1::commit_sum`), whoever spends it.
#[test]
fn a_commitment_of_zeros_counts_for_nothing() {
    let mut rng = seeded(5, 0);
    for zero_offset in [false, true] {
        let coin = Coin::new(60_000_000_000, &mut rng);
        let builder = TxBuilder::new().input(coin).split(2);
        let builder = if zero_offset { builder.zero_offset() } else { builder };
        let tx = builder.build(&mut rng, &CHAIN).unwrap().tx;
        let nothing = Commitment([0; Commitment::SIZE]);
        let spent = tx.inputs().iter().map(|input| input.commitment()).chain([nothing]);
        let inputs = Inputs::from_commitments(spent);
        let with = |offset| {
            let (outputs, kernels) = (tx.outputs().to_vec(), tx.kernels().to_vec());
            Transaction::new(offset, inputs.clone(), outputs, kernels, &CHAIN).unwrap()
        };
        assert!(verifier().verify(with(*tx.offset())).is_ok());
        let other = with(BlindingFactor([1; 32]));
        assert_eq!(verifier().verify(other), Err(VerifyError::KernelSum));
    }
}

/// Grin's library refuses a sum that is infinity, balanced or not.
#[test]
fn sums_that_are_infinity_are_refused() {
    let mut rng = seeded(3, 0);
    let (coin, key) = (Coin::new(60_000_000_000, &mut rng), Secret::random(&mut rng));
    let fee = 25 * 500_000;
    let same_key = Coin::with_key(coin.value() - fee, coin.key(), coin.features()).unwrap();
    let kernel = Kernel::plain().key(key);
    let built = TxBuilder::new().input(coin).output_coin(same_key).kernel(kernel).fee(fee);
    let tx = built.build(&mut rng, &CHAIN).unwrap().tx;
    assert_eq!(verifier().verify(tx), Err(VerifyError::KernelSum));
}

#[test]
fn parts_whose_excesses_cancel_are_refused_together() {
    let mut rng = seeded(4, 0);
    let key = Secret::random(&mut rng);
    let verifier = verifier();
    let parts = [key, key.negated()].map(|key| {
        let coin = Coin::new(60_000_000_000, &mut rng);
        let built = TxBuilder::new().input(coin).split(1).kernel(Kernel::plain().key(key));
        verifier.verify(built.build(&mut rng, &CHAIN).unwrap().tx).unwrap()
    });
    let whole = copy(&aggregate(&parts).unwrap());
    assert_eq!(verifier.verify(whole.clone()), Err(VerifyError::KernelSum));
    drop(parts);
    assert_eq!(verifier.verify(whole), Err(VerifyError::KernelSum));
}

/// The others of a batch do not suffer from a bad one.
#[test]
fn exactly_the_bad_ones_of_a_batch_are_refused() {
    let good = valid(&verifier(), 7);
    let good: Vec<_> = good.iter().map(|tx| tx.as_transaction().clone()).collect();
    let zero = with_outputs(&good[5], BlindingFactor::ZERO, good[5].outputs().to_vec());
    let bad = [
        (1, with_proof_of(&good[1], &good[2]), VerifyError::RangeProof),
        (2, signed_as(&good[2], &good[3]), VerifyError::Signature),
        (5, zero, VerifyError::KernelSum),
    ];
    let mut batch = good;
    for (place, tx, _) in &bad {
        batch[*place] = tx.clone();
    }
    let mut expected = vec![None; batch.len()];
    bad.iter().for_each(|(place, _, error)| expected[*place] = Some(*error));
    let verdicts = verifier().verify_batch(batch).into_iter().map(Result::err);
    assert_eq!(verdicts.collect::<Vec<_>>(), expected);
    for (_, tx, error) in bad {
        assert_eq!(verifier().verify(tx), Err(error));
    }
}

/// With the range proof of another one.
fn with_proof_of(tx: &Transaction, other: &Transaction) -> Transaction {
    let mut outputs = tx.outputs().to_vec();
    let (own, proof) = (outputs[0].clone(), other.outputs()[0].proof().clone());
    outputs[0] = Output::new(own.features(), own.commitment(), proof);
    with_outputs(tx, *tx.offset(), outputs)
}

/// With the signature of another one.
fn signed_as(tx: &Transaction, other: &Transaction) -> Transaction {
    let mut kernels = tx.kernels().to_vec();
    let signature = *other.kernels()[0].signature();
    kernels[0] = TxKernel::new(*kernels[0].features(), kernels[0].excess(), signature);
    kernels.sort_by_key(|kernel| *kernel.hash());
    let (inputs, outputs) = (tx.inputs_as_held().clone(), tx.outputs().to_vec());
    Transaction::new(*tx.offset(), inputs, outputs, kernels, &CHAIN).unwrap()
}

/// What was verified before does not excuse what is new.
#[test]
fn a_known_transaction_with_another_proof_is_refused_time_and_again() {
    let verifier = verifier();
    let txs = valid(&verifier, 2);
    let forged = with_proof_of(&txs[0], &txs[1]);
    for _ in 0..2 {
        assert_eq!(verifier.verify(forged.clone()), Err(VerifyError::RangeProof));
    }
    assert!(verifier.verify(copy(&txs[0])).is_ok());
}
