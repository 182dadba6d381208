//! The rules of a transaction that need no cryptography, one function and one error each.
//!
//! They are those of `grin_core::core::transaction`: `TransactionBody::{verify_weight,
//! verify_no_nrd_duplicates, verify_sorted, verify_cut_through, verify_features}`.

use thiserror::Error;

use crate::sorting::sorted_by_key;
use crate::transaction::Parts;
use crate::{
    Commitment, Consensus, Hash, Input, KernelFeatures, Output, OutputFeatures, TxKernel, Weight,
};

/// Which rule a transaction breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum RuleError {
    /// Heavier than a block less its coinbase (`verify_weight`, `Weighting::AsTransaction`).
    #[error("weight {weight} is over {max}")]
    TooHeavy {
        /// What the transaction weighs.
        weight: Weight,
        /// What it may weigh.
        max: Weight,
    },
    /// Two NRD kernels with the same excess (`verify_no_nrd_duplicates`).
    #[error("two NRD kernels have the same excess")]
    DuplicateNrd,
    /// Inputs not ascending by hash (`verify_sorted`).
    #[error("inputs are not sorted")]
    InputsUnsorted,
    /// An input twice (`verify_sorted`).
    #[error("an input is there twice")]
    DuplicateInput,
    /// Outputs not ascending by hash (`verify_sorted`).
    #[error("outputs are not sorted")]
    OutputsUnsorted,
    /// An output twice (`verify_sorted`).
    #[error("an output is there twice")]
    DuplicateOutput,
    /// Kernels not ascending by hash (`verify_sorted`).
    #[error("kernels are not sorted")]
    KernelsUnsorted,
    /// A kernel twice (`verify_sorted`).
    #[error("a kernel is there twice")]
    DuplicateKernel,
    /// The same commitment among inputs and outputs, or twice among either, with different
    /// features (`verify_cut_through`).
    #[error("a commitment is there twice, cut-through was not done")]
    CutThrough,
    /// A coinbase output (`verify_output_features`).
    #[error("a transaction has no coinbase outputs")]
    CoinbaseOutput,
    /// A coinbase kernel (`verify_kernel_features`).
    #[error("a transaction has no coinbase kernels")]
    CoinbaseKernel,
}

type Rule = fn(&Parts, &Consensus) -> Result<(), RuleError>;

/// All of them, the cheap ones first.
const RULES: [Rule; 8] = [
    check_weight,
    |parts, _| check_output_features(&parts.outputs),
    |parts, _| check_kernel_features(&parts.kernels),
    |parts, _| check_inputs_sorted(parts.inputs.as_slice()),
    |parts, _| check_outputs_sorted(&parts.outputs),
    |parts, _| check_kernels_sorted(&parts.kernels),
    |parts, _| check_nrd_unique(&parts.kernels),
    |parts, _| check_cut_through(parts.inputs.as_slice(), &parts.outputs),
];

/// Checks every rule, up to the first that is broken.
pub(crate) fn check(parts: &Parts, consensus: &Consensus) -> Result<(), RuleError> {
    RULES.iter().try_for_each(|rule| rule(parts, consensus))
}

/// Every rule that is broken, in the same order.
pub(crate) fn broken(parts: &Parts, consensus: &Consensus) -> impl Iterator<Item = RuleError> {
    RULES.iter().filter_map(|rule| rule(parts, consensus).err())
}

fn check_weight(parts: &Parts, consensus: &Consensus) -> Result<(), RuleError> {
    let (weight, max) = (parts.weight(), consensus.chain.max_tx_weight());
    if weight > max { Err(RuleError::TooHeavy { weight, max }) } else { Ok(()) }
}

fn check_output_features(outputs: &[Output]) -> Result<(), RuleError> {
    let coinbase = outputs.iter().any(|output| output.features() == OutputFeatures::Coinbase);
    if coinbase { Err(RuleError::CoinbaseOutput) } else { Ok(()) }
}

fn check_kernel_features(kernels: &[TxKernel]) -> Result<(), RuleError> {
    let coinbase = kernels.iter().any(|kernel| *kernel.features() == KernelFeatures::Coinbase);
    if coinbase { Err(RuleError::CoinbaseKernel) } else { Ok(()) }
}

fn check_inputs_sorted(inputs: &[Input]) -> Result<(), RuleError> {
    let hashes = inputs.iter().map(Input::hash);
    check_ascending(hashes, RuleError::InputsUnsorted, RuleError::DuplicateInput)
}

fn check_outputs_sorted(outputs: &[Output]) -> Result<(), RuleError> {
    let hashes = outputs.iter().map(Output::hash);
    check_ascending(hashes, RuleError::OutputsUnsorted, RuleError::DuplicateOutput)
}

fn check_kernels_sorted(kernels: &[TxKernel]) -> Result<(), RuleError> {
    let hashes = kernels.iter().map(TxKernel::hash);
    check_ascending(hashes, RuleError::KernelsUnsorted, RuleError::DuplicateKernel)
}

fn check_ascending<'a>(
    mut hashes: impl Iterator<Item = &'a Hash>,
    unsorted: RuleError,
    duplicate: RuleError,
) -> Result<(), RuleError> {
    let Some(mut last) = hashes.next() else { return Ok(()) };
    for hash in hashes {
        match last.cmp(hash) {
            std::cmp::Ordering::Less => last = hash,
            std::cmp::Ordering::Equal => return Err(duplicate),
            std::cmp::Ordering::Greater => return Err(unsorted),
        }
    }
    Ok(())
}

/// Also used where kernels of several transactions come together.
pub(crate) fn check_nrd_unique(kernels: &[TxKernel]) -> Result<(), RuleError> {
    let excesses = kernels.iter().filter_map(TxKernel::nrd_excess);
    if has_duplicate(excesses) { Err(RuleError::DuplicateNrd) } else { Ok(()) }
}

fn check_cut_through(inputs: &[Input], outputs: &[Output]) -> Result<(), RuleError> {
    let inputs = inputs.iter().map(Input::commitment);
    let commitments = inputs.chain(outputs.iter().map(Output::commitment));
    if has_duplicate(commitments) { Err(RuleError::CutThrough) } else { Ok(()) }
}

fn has_duplicate(commitments: impl Iterator<Item = Commitment> + Clone) -> bool {
    // Among so few it is cheaper to compare each with each than to make a list.
    const FEW: usize = 8;
    if commitments.clone().nth(FEW).is_none() {
        let mut rest = commitments;
        return std::iter::from_fn(|| {
            rest.next().map(|one| rest.clone().any(|other| other == one))
        })
        .any(|twice| twice);
    }
    let sorted = sorted_by_key(commitments, |commitment| commitment);
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}
