//! Several transactions become one, and back, without any cryptography.
//!
//! A transaction balances if `sum(outputs) - sum(inputs) + fee*H = sum(excesses) + offset*G`. Both
//! sides are additive, and every range proof and signature covers its own element only. So the
//! element-wise sum of valid transactions is valid, and so is the difference of a valid aggregate
//! and valid parts of it; an output that one creates and another spends drops out of both sides.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use crate::rules::check_nrd_unique;
use crate::transaction::Parts;
use crate::{
    BlindingFactor, Commitment, Hash, Input, Inputs, Output, Transaction, TxKernel, ValidTx,
};

/// Why transactions cannot be merged into one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum AggregateError {
    /// Two of them spend the same output.
    #[error("an output is spent twice")]
    DuplicateInput,
    /// Two of them create the same output.
    #[error("an output is created twice")]
    DuplicateOutput,
    /// Two of them have the same kernel.
    #[error("a kernel is there twice")]
    DuplicateKernel,
    /// Two of them have NRD kernels with the same excess.
    #[error("two NRD kernels have the same excess")]
    DuplicateNrd,
}

/// Why parts cannot be subtracted from an aggregate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DeaggregateError {
    /// The parts cannot be merged among themselves.
    #[error("the parts do not fit together: {0}")]
    Parts(#[from] AggregateError),
    /// A kernel of the parts is not in the aggregate.
    #[error("a part is not in the aggregate")]
    NotAPart,
    /// The remainder would create an output that the aggregate had cut through, proof and all.
    #[error("an output of the remainder was cut through and is lost")]
    OutputLost,
    /// The remainder breaks a rule: parts and aggregate contradict each other.
    #[error("the remainder is not a transaction")]
    Inconsistent,
}

/// Merges valid transactions into one, with cut-through; equals `grin_core`'s `aggregate`.
///
/// Of nothing it is the empty transaction, of one transaction that one. Otherwise inputs lose
/// their features, as in Grin. Takes time linear in the number of elements but for their sorting;
/// neither verifies nor hashes anything, nor copies a proof. The weight is not limited here.
///
/// # Errors
/// If two of them exclude each other.
pub fn aggregate(txs: &[ValidTx]) -> Result<ValidTx, AggregateError> {
    if let [tx] = txs {
        return Ok(tx.clone());
    }
    let mut inputs = concat(txs, |tx| tx.inputs_as_held().to_commit_only());
    let mut outputs = concat(txs, |tx| tx.outputs().to_vec());
    let mut kernels = concat(txs, |tx| tx.kernels().to_vec());
    cut_through(&mut inputs, &mut outputs);
    // The lists are runs of sorted ones, which the standard library's stable sort merges.
    inputs.sort_by_key(|input| *input.hash());
    outputs.sort_by_key(|output| *output.hash());
    kernels.sort_by_key(|kernel| *kernel.hash());
    reject_twins(&inputs, Input::hash, AggregateError::DuplicateInput)?;
    reject_twins(&outputs, Output::hash, AggregateError::DuplicateOutput)?;
    reject_twins(&kernels, TxKernel::hash, AggregateError::DuplicateKernel)?;
    check_nrd_unique(&kernels).map_err(|_| AggregateError::DuplicateNrd)?;
    let offset = txs.iter().fold(BlindingFactor::ZERO, |sum, tx| sum.plus(tx.offset()));
    let parts = Parts { offset, inputs: Inputs::CommitOnly(inputs), outputs, kernels };
    Ok(ValidTx::by_construction(Transaction::from_parts(parts)))
}

fn concat<T>(txs: &[ValidTx], elements: impl Fn(&ValidTx) -> Vec<T>) -> Vec<T> {
    txs.iter().flat_map(elements).collect()
}

/// Drops each pair of an input and the output it spends.
fn cut_through(inputs: &mut Vec<Input>, outputs: &mut Vec<Output>) {
    let mut created: HashMap<Commitment, usize> = HashMap::with_capacity(outputs.len());
    for output in outputs.iter() {
        *created.entry(output.commitment()).or_default() += 1;
    }
    let mut spent: HashMap<Commitment, usize> = HashMap::new();
    inputs.retain(|input| match created.get_mut(&input.commitment()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            *spent.entry(input.commitment()).or_default() += 1;
            false
        }
        _ => true,
    });
    if spent.is_empty() {
        return;
    }
    outputs.retain(|output| match spent.get_mut(&output.commitment()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
}

fn reject_twins<T>(
    sorted: &[T],
    hash: impl Fn(&T) -> &Hash,
    error: AggregateError,
) -> Result<(), AggregateError> {
    let twins = sorted.windows(2).any(|pair| hash(&pair[0]) == hash(&pair[1]));
    if twins { Err(error) } else { Ok(()) }
}

/// Subtracts `parts` from an aggregate that holds all their kernels: the inverse of [`aggregate`].
///
/// Where the aggregate had cut through an output that a part creates, the remainder gets it back
/// as an input; `grin_core`'s `deaggregate` forgets it there and is unbalanced. In all other cases
/// the two are equal.
///
/// # Errors
/// If the parts are not in the aggregate, or the remainder cannot be known.
pub fn deaggregate(whole: &ValidTx, parts: &[ValidTx]) -> Result<ValidTx, DeaggregateError> {
    let part = aggregate(parts)?;
    let kernels = subtract_kernels(whole, &part)?;
    let spent: HashSet<_> = part.inputs().iter().map(Input::commitment).collect();
    let created: HashSet<_> = part.outputs().iter().map(Output::commitment).collect();
    let whole_spends: HashSet<_> = whole.inputs().iter().map(Input::commitment).collect();
    let whole_creates: HashSet<_> = whole.outputs().iter().map(Output::commitment).collect();

    // What the parts spend and the whole does not was created by the remainder, without trace.
    if spent.iter().any(|commitment| !whole_spends.contains(commitment)) {
        return Err(DeaggregateError::OutputLost);
    }
    // What the parts create and the whole does not is spent by the remainder.
    let restored = created.iter().filter(|commitment| !whole_creates.contains(*commitment));
    let kept = whole_spends.iter().filter(|commitment| !spent.contains(*commitment));
    let inputs = Inputs::from_commitments(kept.chain(restored).copied());
    let kept = whole.outputs().iter().filter(|output| !created.contains(&output.commitment()));
    let outputs = kept.cloned().collect();
    let offset = whole.offset().minus(part.offset());
    remainder(Parts { offset, inputs, outputs, kernels })
}

fn subtract_kernels(whole: &ValidTx, part: &ValidTx) -> Result<Vec<TxKernel>, DeaggregateError> {
    let subtracted: HashSet<_> = part.kernels().iter().map(TxKernel::hash).collect();
    let kernels = whole.kernels().iter().filter(|kernel| !subtracted.contains(kernel.hash()));
    let kernels: Vec<_> = kernels.copied().collect();
    if kernels.len() + subtracted.len() != whole.kernels().len() {
        return Err(DeaggregateError::NotAPart);
    }
    Ok(kernels)
}

fn remainder(parts: Parts) -> Result<ValidTx, DeaggregateError> {
    let inputs: HashSet<_> = parts.inputs.as_slice().iter().map(Input::commitment).collect();
    let overlap = parts.outputs.iter().any(|output| inputs.contains(&output.commitment()));
    if overlap || inputs.len() != parts.inputs.as_slice().len() {
        return Err(DeaggregateError::Inconsistent);
    }
    Ok(ValidTx::by_construction(Transaction::from_parts(parts)))
}
