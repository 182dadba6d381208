//! Adds elements to a finished transaction and keeps it balanced.
//!
//! The offset is public, so whoever adds an element of a known key moves that key to the offset:
//! the keys of the rest need not be known.

use rand::Rng;

use super::keys::sign_message;
use super::{BuildError, Coin, RawInput, RawKernel, RawOutput, RawTx, Secret, keys};
use crate::{BlindingFactor, Input, OutputFeatures, ProtocolVersion};

/// A transaction on the bench.
pub(super) struct Bench<'a, R> {
    pub(super) raw: RawTx,
    pub(super) version: ProtocolVersion,
    pub(super) rng: &'a mut R,
}

impl<R: Rng> Bench<'_, R> {
    /// Adds an input; its value must go elsewhere.
    pub(super) fn input(&mut self, coin: &Coin) {
        let input = Input::with_features(coin.features(), coin.commitment());
        self.raw.inputs.push(RawInput::of(&input));
        self.move_offset(|offset| offset.minus(&coin.key().scalar()));
    }

    /// Adds an output; its value must come from elsewhere.
    pub(super) fn output(&mut self, coin: &Coin) -> Result<(), BuildError> {
        self.raw.outputs.push(RawOutput::of(&coin.output()?));
        self.move_offset(|offset| offset.plus(&coin.key().scalar()));
        Ok(())
    }

    /// Adds a signed kernel that pays nothing.
    pub(super) fn kernel(
        &mut self,
        features: u8,
        height: u64,
        key: &Secret,
    ) -> Result<(), BuildError> {
        let excess = keys::commit(0, key)?.0;
        let mut kernel =
            RawKernel { features, fee: 0, height, padding: 0, excess, signature: [0; 64] };
        kernel.signature = sign_message(&kernel.message(), key)?.0;
        self.raw.kernels.push(kernel);
        self.move_offset(|offset| offset.minus(&key.scalar()));
        Ok(())
    }

    /// Adds an output of a value that no coin can have, with the proof of a value that one can.
    pub(super) fn impossible_output(
        &mut self,
        value: &Secret,
        proved: u64,
    ) -> Result<(), BuildError> {
        let coin = self.coin(proved);
        self.output(&coin)?;
        if let Some(output) = self.raw.outputs.last_mut() {
            output.commitment = keys::commit_scalar(value, &coin.key())?.0;
        }
        Ok(())
    }

    /// Makes sure that there are at least `count` inputs.
    pub(super) fn want_inputs(&mut self, count: usize) -> Result<(), BuildError> {
        while self.raw.inputs.len() < count {
            let (a, b) = (self.coin(1_000), self.coin(1_000));
            self.input(&a);
            self.output(&b)?;
        }
        Ok(())
    }

    /// Makes sure that there are at least `count` outputs.
    pub(super) fn want_outputs(&mut self, count: usize) -> Result<(), BuildError> {
        while self.raw.outputs.len() < count {
            let (a, b) = (self.coin(1_000), self.coin(1_000));
            self.input(&a);
            self.output(&b)?;
        }
        Ok(())
    }

    /// Makes sure that there are at least `count` kernels.
    pub(super) fn want_kernels(&mut self, count: usize) -> Result<(), BuildError> {
        while self.raw.kernels.len() < count {
            let key = Secret::random(self.rng);
            self.kernel(0, 0, &key)?;
        }
        Ok(())
    }

    /// Adds kernels until the offset is zero.
    pub(super) fn empty_offset(&mut self) -> Result<(), BuildError> {
        match Secret::from_scalar(BlindingFactor(self.raw.offset)) {
            Some(offset) => self.kernel(0, 0, &offset),
            None => Ok(()),
        }
    }

    pub(super) fn coin(&mut self, value: u64) -> Coin {
        Coin::new(value, self.rng)
    }

    pub(super) fn coinbase_output(&mut self, value: u64) -> Result<(), BuildError> {
        let coin = Coin::with_key(value, Secret::random(self.rng), OutputFeatures::Coinbase)?;
        self.output(&coin)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.rng.next_u64() % bound.max(1) as u64) as usize
    }

    pub(super) fn sort(&mut self) {
        self.raw.sort(self.version);
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        self.raw.encode(self.version)
    }

    pub(super) fn move_offset(&mut self, to: impl Fn(BlindingFactor) -> BlindingFactor) {
        self.raw.offset = to(BlindingFactor(self.raw.offset)).0;
    }
}
