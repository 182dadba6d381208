//! Transactions of the right structure with random bytes for cryptography.

use rand::Rng;

use super::BuildError;
use super::tx::sorted;
use crate::chain::ACCEPT_FEE_BASE;
use crate::{
    BlindingFactor, Commitment, Consensus, FeeFields, Inputs, KernelFeatures, NrdRelativeHeight,
    Output, OutputFeatures, RangeProof, Signature, TxKernel, ValidTx, Weight,
};

/// Makes a [`ValidTx`] that keeps every rule except the cryptographic ones, in microseconds.
///
/// For simulations of thousands of transactions: merging, planning, pools and routing do not look
/// at cryptography. No verifier accepts such a transaction. Without further instructions it has
/// one input out of nothing, two outputs and one plain kernel that pays exactly what nodes relay.
#[derive(Clone, Debug)]
pub struct AssumedTx {
    spends: Vec<Commitment>,
    fresh_inputs: usize,
    creates: Vec<Commitment>,
    outputs: usize,
    fee: Option<u64>,
    fee_shift: u8,
    lock: Lock,
}

#[derive(Clone, Copy, Debug)]
enum Lock {
    None,
    Height(u64),
    Nrd(NrdRelativeHeight, Option<Commitment>),
}

impl Default for AssumedTx {
    fn default() -> Self {
        Self {
            spends: Vec::new(),
            fresh_inputs: 1,
            creates: Vec::new(),
            outputs: 2,
            fee: None,
            fee_shift: 0,
            lock: Lock::None,
        }
    }
}

impl AssumedTx {
    /// Starts with one input out of nothing, two outputs and a plain kernel.
    pub fn new() -> Self {
        Self::default()
    }

    /// Spends this output of another transaction. The first one replaces the input out of nothing.
    pub fn spend(mut self, commitment: Commitment) -> Self {
        if self.spends.is_empty() {
            self.fresh_inputs = 0;
        }
        self.spends.push(commitment);
        self
    }

    /// Also spends `count` outputs that nobody created.
    pub fn fresh_inputs(self, count: usize) -> Self {
        Self { fresh_inputs: count, ..self }
    }

    /// Creates `count` outputs.
    pub fn outputs(self, count: usize) -> Self {
        Self { outputs: count, ..self }
    }

    /// Also creates this output, on top of those that are counted.
    pub fn create(mut self, commitment: Commitment) -> Self {
        self.creates.push(commitment);
        self
    }

    /// Pays this, instead of exactly what nodes relay at the fee shift.
    pub fn fee(self, fee: u64) -> Self {
        Self { fee: Some(fee), ..self }
    }

    /// Sets the fee shift.
    pub fn fee_shift(self, fee_shift: u8) -> Self {
        Self { fee_shift, ..self }
    }

    /// Makes the kernel height locked.
    pub fn height_locked(self, height: u64) -> Self {
        Self { lock: Lock::Height(height), ..self }
    }

    /// Makes the kernel an NRD kernel, with this excess or a random one.
    pub fn nrd(self, relative_height: NrdRelativeHeight, excess: Option<Commitment>) -> Self {
        Self { lock: Lock::Nrd(relative_height, excess), ..self }
    }

    /// Draws what is not given.
    ///
    /// # Errors
    /// If the fee does not fit, or a rule that needs no cryptography is broken.
    pub fn build(self, rng: &mut impl Rng, consensus: &Consensus) -> Result<ValidTx, BuildError> {
        let kernel = self.kernel(rng)?;
        let fresh: Vec<_> = (0..self.fresh_inputs).map(|_| commitment(rng)).collect();
        let inputs = Inputs::from_commitments(self.spends.into_iter().chain(fresh));
        let mut creates = self.creates;
        creates.extend((0..self.outputs).map(|_| commitment(rng)));
        let outputs = creates.into_iter().map(|commitment| output(commitment, rng)).collect();
        let mut offset = BlindingFactor(bytes(rng));
        // Keeps the number below the order of the curve.
        offset.0[0] >>= 1;
        let tx = sorted(offset, inputs, outputs, vec![kernel], consensus)?;
        Ok(ValidTx::assumed(tx))
    }

    fn kernel(&self, rng: &mut impl Rng) -> Result<TxKernel, BuildError> {
        let inputs = (self.spends.len() + self.fresh_inputs) as u64;
        let outputs = (self.creates.len() + self.outputs) as u64;
        let relayed = Weight::of_counts(inputs, outputs, 1).0 * ACCEPT_FEE_BASE;
        let fee = self.fee.unwrap_or(relayed << self.fee_shift.min(15));
        let fee = FeeFields::new(self.fee_shift, fee)?;
        let (features, excess) = match self.lock {
            Lock::None => (KernelFeatures::Plain { fee }, None),
            Lock::Height(lock_height) => (KernelFeatures::HeightLocked { fee, lock_height }, None),
            Lock::Nrd(relative_height, excess) => {
                (KernelFeatures::NoRecentDuplicate { fee, relative_height }, excess)
            }
        };
        let excess = excess.unwrap_or_else(|| commitment(rng));
        Ok(TxKernel::new(features, excess, Signature(bytes(rng))))
    }
}

/// A chain of `length` transactions, each spending the first output of the one before.
///
/// # Errors
/// As [`AssumedTx::build`].
pub fn assumed_chain(
    length: usize,
    rng: &mut impl Rng,
    consensus: &Consensus,
) -> Result<Vec<ValidTx>, BuildError> {
    let mut chain: Vec<ValidTx> = Vec::with_capacity(length);
    for _ in 0..length {
        let parent = chain.last().and_then(|tx| tx.outputs().first());
        let tx = match parent {
            Some(output) => AssumedTx::new().spend(output.commitment()),
            None => AssumedTx::new(),
        };
        chain.push(tx.build(rng, consensus)?);
    }
    Ok(chain)
}

fn output(commitment: Commitment, rng: &mut impl Rng) -> Output {
    Output::new(OutputFeatures::Plain, commitment, RangeProof(bytes(rng)))
}

fn commitment(rng: &mut impl Rng) -> Commitment {
    let mut commitment = Commitment(bytes(rng));
    commitment.0[0] = 8 | commitment.0[0] & 1;
    commitment
}

fn bytes<const N: usize>(rng: &mut impl Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}
