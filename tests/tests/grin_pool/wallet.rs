//! Transactions as Grin's tests build them: each value has a key of its own.

use grin_core::core::{BlockHeader, KernelFeatures, Output, Transaction, TxKernel};
use grin_core::libtx::{ProofBuilder, build, reward};
use grin_keychain::{BlindingFactor, ExtKeychain, Identifier, Keychain};

/// What a block pays its miner, without fees.
const REWARD: u64 = 60_000_000_000;

/// A wallet that names its outputs by their values.
pub(crate) struct Wallet {
    pub(crate) keychain: ExtKeychain,
    scale: u64,
}

impl Wallet {
    /// A wallet in which a value of one stands for so many nanogrin.
    pub(crate) fn new(scale: u64) -> Self {
        Self { keychain: ExtKeychain::from_seed(&[7; 32], false).unwrap(), scale }
    }

    /// A fee in nanogrin.
    pub(crate) fn plain(&self, fee: u64) -> KernelFeatures {
        KernelFeatures::Plain { fee: (fee * self.scale).try_into().unwrap() }
    }

    /// Spends and creates outputs of these values; the rest is the fee.
    pub(crate) fn tx(&self, inputs: &[u64], outputs: &[u64]) -> Transaction {
        let fee = inputs.iter().sum::<u64>() - outputs.iter().sum::<u64>();
        self.tx_with_features(inputs, outputs, self.plain(fee))
    }

    pub(crate) fn tx_with_features(
        &self,
        inputs: &[u64],
        outputs: &[u64],
        features: KernelFeatures,
    ) -> Transaction {
        let elements: Vec<_> = self.elements(inputs, outputs).collect();
        let builder = ProofBuilder::new(&self.keychain);
        build::transaction(features, &elements, &self.keychain, &builder).unwrap()
    }

    pub(crate) fn tx_with_kernel(
        &self,
        inputs: &[u64],
        outputs: &[u64],
        kernel: TxKernel,
        excess: BlindingFactor,
    ) -> Transaction {
        let elements: Vec<_> = self.elements(inputs, outputs).collect();
        let builder = ProofBuilder::new(&self.keychain);
        let keychain = &self.keychain;
        build::transaction_with_kernel(&elements, kernel, excess, keychain, &builder).unwrap()
    }

    /// Spends the reward of a block.
    pub(crate) fn spend_reward(&self, header: &BlockHeader, outputs: &[u64]) -> Transaction {
        let fee = REWARD - outputs.iter().sum::<u64>() * self.scale;
        let mut elements = vec![build::coinbase_input(REWARD, key(header.height))];
        elements.extend(self.elements(&[], outputs));
        let features = KernelFeatures::Plain { fee: fee.try_into().unwrap() };
        let builder = ProofBuilder::new(&self.keychain);
        build::transaction(features, &elements, &self.keychain, &builder).unwrap()
    }

    /// The output and the kernel that pay a miner.
    pub(crate) fn reward(&self, height: u64, fees: u64) -> (Output, TxKernel) {
        let builder = ProofBuilder::new(&self.keychain);
        reward::output(&self.keychain, &builder, &key(height), fees, false).unwrap()
    }

    fn elements<'a>(
        &'a self,
        inputs: &'a [u64],
        outputs: &'a [u64],
    ) -> impl Iterator<Item = Box<Element<'a>>> {
        let inputs = inputs.iter().map(|value| build::input(value * self.scale, key(*value)));
        let outputs = outputs.iter().map(|value| build::output(value * self.scale, key(*value)));
        inputs.chain(outputs)
    }
}

type Element<'a> = build::Append<ExtKeychain, ProofBuilder<'a, ExtKeychain>>;

/// The key of a value, or of the reward at a height: Grin's tests use one space for both.
fn key(number: u64) -> Identifier {
    ExtKeychain::derive_key_id(1, u32::try_from(number).unwrap(), 0, 0, 0)
}
