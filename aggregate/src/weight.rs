use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// The weight of a transaction body: inputs count 1, outputs 21, kernels 3
/// (`grin_core::consensus::{INPUT_WEIGHT, OUTPUT_WEIGHT, KERNEL_WEIGHT}`).
///
/// Arithmetic saturates, so that counts lied about by a peer cannot overflow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Weight(pub u64);

impl Weight {
    /// What one input weighs.
    pub const INPUT: Self = Self(1);
    /// What one output weighs.
    pub const OUTPUT: Self = Self(21);
    /// What one kernel weighs.
    pub const KERNEL: Self = Self(3);
    /// What the coinbase output and kernel weigh, which every block must leave room for.
    pub const COINBASE: Self = Self(Self::OUTPUT.0 + Self::KERNEL.0);

    /// The weight of a body with these numbers of inputs, outputs and kernels.
    pub const fn of_counts(inputs: u64, outputs: u64, kernels: u64) -> Self {
        let inputs = inputs.saturating_mul(Self::INPUT.0);
        let outputs = outputs.saturating_mul(Self::OUTPUT.0);
        let kernels = kernels.saturating_mul(Self::KERNEL.0);
        Self(inputs.saturating_add(outputs).saturating_add(kernels))
    }
}

impl Add for Weight {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Weight {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
