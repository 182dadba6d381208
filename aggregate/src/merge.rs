//! Several transactions become one, and back, without any cryptography.
//!
//! A transaction balances if `sum(outputs) - sum(inputs) + fee*H = sum(excesses) + offset*G`. Both
//! sides are additive, and every range proof and signature covers its own element only. So the
//! element-wise sum of valid transactions is valid, and so is the difference of a valid aggregate
//! and valid parts of it; an output that one creates and another spends drops out of both sides.

use std::collections::HashSet;

use thiserror::Error;

use crate::rules::check_nrd_unique;
use crate::sorting::{LongKey, all_differ, sorted_by_key};
use crate::transaction::Parts;
use crate::{BlindingFactor, Hash, Input, Inputs, Output, Transaction, TxKernel, ValidTx};

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
/// neither verifies nor hashes anything (but inputs that lose features), nor copies a proof. The weight is not limited here.
///
/// # Errors
/// If two of them exclude each other.
pub fn aggregate(txs: &[ValidTx]) -> Result<ValidTx, AggregateError> {
    let txs: Vec<_> = txs.iter().collect();
    merge(&txs, !are_strangers(&txs))
}

/// Whether no two inputs or outputs of these have one commitment. May be wrong about strangers, but
/// not about relatives.
pub(crate) fn are_strangers(txs: &[&ValidTx]) -> bool {
    let count = txs.iter().map(|tx| tx.inputs().len() + tx.outputs().len()).sum();
    let mut mentioned = Vec::with_capacity(count);
    for tx in txs {
        mentioned.extend(tx.inputs().iter().map(|input| input.commitment().short()));
        mentioned.extend(tx.outputs().iter().map(|output| output.commitment().short()));
    }
    all_differ(mentioned)
}

/// As [`aggregate`]; where none are related there is nothing to cut through.
pub(crate) fn merge(txs: &[&ValidTx], has_relatives: bool) -> Result<ValidTx, AggregateError> {
    if let [tx] = txs {
        return Ok((*tx).clone());
    }
    let inputs: Vec<_> = txs.iter().map(|tx| tx.inputs_as_held().commit_only()).collect();
    let mut inputs = concat(inputs.iter().map(|inputs| &**inputs));
    let mut outputs = concat(txs.iter().map(|tx| tx.outputs()));
    let kernels = concat(txs.iter().map(|tx| tx.kernels()));
    if has_relatives {
        cut_through(&mut inputs, &mut outputs);
    }
    let inputs = union(inputs, Input::hash, AggregateError::DuplicateInput)?;
    let outputs = union(outputs, Output::hash, AggregateError::DuplicateOutput)?;
    let kernels = union(kernels, TxKernel::hash, AggregateError::DuplicateKernel)?;
    check_nrd_unique(&kernels).map_err(|_| AggregateError::DuplicateNrd)?;
    let offset = txs.iter().fold(BlindingFactor::ZERO, |sum, tx| sum.plus(tx.offset()));
    let parts = Parts::new(offset, Inputs::CommitOnly(inputs), outputs, kernels);
    Ok(ValidTx::by_construction(Transaction::from_parts(parts)))
}

/// The elements of all lists, in a vector that need not grow.
fn concat<'a, T: 'a>(lists: impl Iterator<Item = &'a [T]> + Clone) -> Vec<&'a T> {
    let mut elements = Vec::with_capacity(lists.clone().map(<[T]>::len).sum());
    lists.for_each(|list| elements.extend(list));
    elements
}

/// The elements in canonical order, if none is there twice.
fn union<T: Clone>(
    elements: Vec<&T>,
    hash: fn(&T) -> &Hash,
    twice: AggregateError,
) -> Result<Vec<T>, AggregateError> {
    let sorted = sorted_by_key(elements, |element| *hash(element));
    let same = |a: &(u64, &T), b: &(u64, &T)| a.0 == b.0 && hash(a.1) == hash(b.1);
    if sorted.windows(2).any(|pair| same(&pair[0], &pair[1])) {
        return Err(twice);
    }
    Ok(sorted.into_iter().map(|(_, element)| element.clone()).collect())
}

/// Drops each pair of an input and the output it spends.
fn cut_through(inputs: &mut Vec<&Input>, outputs: &mut Vec<&Output>) {
    let spent = sorted_by_key(0..inputs.len(), |index| inputs[index].commitment());
    let created = sorted_by_key(0..outputs.len(), |index| outputs[index].commitment());
    let (mut kept_inputs, mut kept_outputs) = (vec![true; inputs.len()], vec![true; outputs.len()]);
    let (mut spent, mut created) = (spent.as_slice(), created.as_slice());
    while let ([(a, input), later_inputs @ ..], [(b, output), later_outputs @ ..]) =
        (spent, created)
    {
        let order = a.cmp(b).then_with(|| {
            let commitment = inputs[*input].commitment();
            commitment.cmp(&outputs[*output].commitment())
        });
        if order.is_eq() {
            (kept_inputs[*input], kept_outputs[*output]) = (false, false);
        }
        spent = if order.is_le() { later_inputs } else { spent };
        created = if order.is_ge() { later_outputs } else { created };
    }
    keep(inputs, &kept_inputs);
    keep(outputs, &kept_outputs);
}

fn keep<T>(elements: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    elements.retain(|_| kept.next() == Some(&true));
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
    remainder(Parts::new(offset, inputs, outputs, kernels))
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
