use std::sync::{Arc, Weak};

use crate::chain::ACCEPT_FEE_BASE;
use crate::hash::{Hashed, hash_all};
use crate::input::read_many;
use crate::{
    BlindingFactor, Consensus, DecodeError, EncodeError, Hash, Input, Inputs, KernelFeatures,
    Output, ProtocolVersion, Reader, RuleError, TxKernel, Weight, rules,
};

/// A transaction that keeps every rule which needs no cryptography: weight, canonical order, no
/// duplicates, cut-through, no coinbase parts, no two NRD kernels of one excess.
///
/// It does not say that proofs, signatures and sums are right (see [`crate::ValidTx`]), nor that
/// the inputs exist. Cloning shares everything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction(Arc<Parts>);

/// What a transaction consists of, in canonical order.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Parts {
    pub(crate) offset: BlindingFactor,
    pub(crate) inputs: Inputs,
    pub(crate) outputs: Box<[Output]>,
    pub(crate) kernels: Box<[TxKernel]>,
}

/// A transaction that is there as long as somebody else keeps it.
#[derive(Debug)]
pub(crate) struct WeakTransaction(Weak<Parts>);

impl WeakTransaction {
    pub(crate) fn upgrade(&self) -> Option<Transaction> {
        self.0.upgrade().map(Transaction)
    }
}

impl Parts {
    pub(crate) fn new(
        offset: BlindingFactor,
        inputs: Inputs,
        outputs: Vec<Output>,
        kernels: Vec<TxKernel>,
    ) -> Self {
        Self { offset, inputs, outputs: outputs.into(), kernels: kernels.into() }
    }

    pub(crate) fn weight(&self) -> Weight {
        Weight::of_counts(
            self.inputs.as_slice().len() as u64,
            self.outputs.len() as u64,
            self.kernels.len() as u64,
        )
    }
}

impl Transaction {
    /// Puts a transaction together from parts in canonical order.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn new(
        offset: BlindingFactor,
        inputs: Inputs,
        outputs: Vec<Output>,
        kernels: Vec<TxKernel>,
        consensus: &Consensus,
    ) -> Result<Self, RuleError> {
        let parts = Parts::new(offset, inputs, outputs, kernels);
        rules::check(&parts, consensus)?;
        Ok(Self(Arc::new(parts)))
    }

    /// For parts that keep the rules by construction: merged or subtracted from such.
    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }

    pub(crate) fn downgrade(&self) -> WeakTransaction {
        WeakTransaction(Arc::downgrade(&self.0))
    }

    /// The difference that the makers of the transaction took out of the kernel's excess, so that
    /// merged transactions cannot be told apart by trying sums.
    pub fn offset(&self) -> &BlindingFactor {
        &self.0.offset
    }

    /// What is spent, in canonical order.
    pub fn inputs(&self) -> &[Input] {
        self.0.inputs.as_slice()
    }

    /// What is spent, and whether the features of it are known.
    pub fn inputs_as_held(&self) -> &Inputs {
        &self.0.inputs
    }

    /// What is created, in canonical order.
    pub fn outputs(&self) -> &[Output] {
        &self.0.outputs
    }

    /// The kernels, in canonical order.
    pub fn kernels(&self) -> &[TxKernel] {
        &self.0.kernels
    }

    /// The weight of all parts.
    pub fn weight(&self) -> Weight {
        self.0.weight()
    }

    /// The sum of all fees, in nanogrin. Saturates.
    pub fn fee(&self) -> u64 {
        let fees = self.kernels().iter().filter_map(|kernel| kernel.features().fee());
        fees.fold(0, |sum, fee| sum.saturating_add(fee.fee()))
    }

    /// The greatest fee shift of all kernels.
    pub fn fee_shift(&self) -> u8 {
        let fees = self.kernels().iter().filter_map(|kernel| kernel.features().fee());
        fees.map(|fee| fee.fee_shift()).max().unwrap_or(0)
    }

    /// The fee that counts for relaying: the fee shifted by the fee shift.
    pub fn shifted_fee(&self) -> u64 {
        self.fee() >> self.fee_shift()
    }

    /// Whether Grin nodes relay it: the shifted fee is at least 500,000 nanogrin per unit of weight
    /// (`grin_pool::TransactionPool::is_acceptable`).
    pub fn pays_relay_fee(&self) -> bool {
        self.shifted_fee() >= self.relay_fee()
    }

    /// The least shifted fee in nanogrin with which Grin nodes relay it.
    pub fn relay_fee(&self) -> u64 {
        self.weight().0.saturating_mul(ACCEPT_FEE_BASE)
    }

    /// The height of the first block that may hold it, by its height-locked kernels.
    pub fn lock_height(&self) -> u64 {
        let heights = self.kernels().iter().filter_map(|kernel| match kernel.features() {
            KernelFeatures::HeightLocked { lock_height, .. } => Some(*lock_height),
            _ => None,
        });
        heights.max().unwrap_or(0)
    }

    /// What Grin calls the hash of the transaction: inputs as they are held, kernels in their fixed
    /// size (`grin_core::core::hash`, `DefaultHashable for Transaction`). It changes when inputs
    /// lose their features; kernels identify a transaction better.
    pub fn hash(&self) -> Hash {
        let mut bytes = self.offset().0.to_vec();
        let counts = [self.inputs().len(), self.outputs().len(), self.kernels().len()];
        bytes.extend(counts.iter().flat_map(|count| (*count as u64).to_be_bytes()));
        for input in self.inputs() {
            bytes.extend(input.features().map(|features| features.byte()));
            bytes.extend_from_slice(input.commitment().as_bytes());
        }
        Output::write_list(self.outputs(), &mut bytes);
        self.kernels().iter().for_each(|kernel| kernel.write(&mut bytes, ProtocolVersion::V1));
        Hash::of(&[&bytes])
    }

    /// Reads a transaction that fills `bytes` to the end.
    ///
    /// The numbers of elements are weighed before anything else is read; nothing is allocated for
    /// elements that are not there.
    ///
    /// # Errors
    /// What is wrong with the bytes, or which rule the transaction breaks.
    pub fn decode(
        bytes: &[u8],
        version: ProtocolVersion,
        consensus: &Consensus,
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let tx = Self::read(&mut reader, version, consensus)?;
        reader.finish()?;
        Ok(tx)
    }

    /// Reads a transaction and leaves what follows it to the caller.
    ///
    /// # Errors
    /// As [`Transaction::decode`].
    pub fn read(
        reader: &mut Reader<'_>,
        version: ProtocolVersion,
        consensus: &Consensus,
    ) -> Result<Self, DecodeError> {
        let offset = BlindingFactor(reader.fixed()?);
        let (inputs, outputs, kernels) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let weight = Weight::of_counts(inputs, outputs, kernels);
        if weight > consensus.chain.max_block_weight() {
            return Err(DecodeError::CountsTooHeavy(weight));
        }
        let mut inputs = Inputs::read(reader, inputs, version.has_input_features())?;
        let mut outputs = Output::read_list(reader, outputs)?;
        let mut kernels = read_many(reader, kernels, MIN_KERNEL_SIZE, |reader| {
            TxKernel::read(reader, version, consensus.nrd)
        })?;
        hash_elements(inputs.as_mut_slice(), &mut outputs, &mut kernels);
        Ok(Self::new(offset, inputs, outputs, kernels, consensus)?)
    }

    /// Writes the transaction as Grin does.
    ///
    /// # Errors
    /// [`EncodeError::FeaturesUnknown`] at version 2 or lower if inputs are commitments only.
    pub fn encode(&self, version: ProtocolVersion) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        self.encode_to(version, &mut out)?;
        Ok(out)
    }

    /// Writes the transaction behind what is in `out`, which grows once.
    ///
    /// # Errors
    /// As [`Transaction::encode`].
    pub fn encode_to(
        &self,
        version: ProtocolVersion,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let (outputs, kernels) = (self.outputs(), self.kernels());
        let counts = [self.inputs().len(), outputs.len(), kernels.len()];
        let most =
            counts[0] * Input::MAX_SIZE + counts[1] * Output::SIZE + counts[2] * TxKernel::MAX_SIZE;
        out.reserve(HEAD_SIZE + most);
        out.extend_from_slice(&self.offset().0);
        out.extend(counts.iter().flat_map(|count| (*count as u64).to_be_bytes()));
        self.0.inputs.write(out, version)?;
        Output::write_list(outputs, out);
        kernels.iter().for_each(|kernel| kernel.write(out, version));
        Ok(())
    }
}

/// Hashes elements that were read, all together.
pub(crate) fn hash_elements(
    inputs: &mut [Input],
    outputs: &mut [Output],
    kernels: &mut [TxKernel],
) {
    let inputs = inputs.iter_mut().map(|input| input as &mut dyn Hashed);
    let outputs = outputs.iter_mut().map(|output| output as &mut dyn Hashed);
    let kernels = kernels.iter_mut().map(|kernel| kernel as &mut dyn Hashed);
    hash_all(inputs.chain(outputs).chain(kernels));
}

/// A coinbase kernel at version 2 and up: features, excess, signature.
pub(crate) const MIN_KERNEL_SIZE: usize = 1 + 33 + 64;
/// The offset and the numbers of elements.
const HEAD_SIZE: usize = 32 + 3 * 8;
