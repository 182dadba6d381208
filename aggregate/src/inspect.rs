//! What is in a transaction that may be broken, and everything that is wrong with it.

use thiserror::Error;

use crate::transaction::{MIN_KERNEL_SIZE, Parts, hash_elements};
use crate::{
    BlindingFactor, Commitment, Consensus, DecodeError, Hash, Input, Inputs, JsonError, Output,
    ProtocolVersion, Reader, RuleError, Transaction, TxKernel, Weight, crypto, rules,
};

/// A transaction taken apart as far as it can be read, whatever rules it breaks: for people who
/// want to know why it is refused.
///
/// It can never become a [`Transaction`]: what is to be used is decoded as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// Of the right type, and without what the type promises.
    tx: Transaction,
    malformed: Vec<DecodeError>,
    is_whole: bool,
    consensus: Consensus,
}

/// Something that is wrong with a transaction. One variant for each way to be wrong, the rules of
/// [`RuleError`] and [`DecodeError`] included.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Fault {
    /// The bytes are not a transaction.
    #[error(transparent)]
    Decode(DecodeError),
    /// A rule that needs no cryptography is broken.
    #[error(transparent)]
    Rule(RuleError),
    /// Outputs less inputs plus fee are not excesses plus offset, or not points at all.
    #[error("inputs, outputs, fee and kernels do not sum to zero")]
    KernelSum,
    /// The signature of the kernel at this place is wrong.
    #[error("the signature of kernel {0} is wrong")]
    Signature(usize),
    /// The range proof of the output at this place is wrong.
    #[error("the range proof of output {0} is wrong")]
    RangeProof(usize),
}

impl Inspection {
    /// Reads bytes until they end or make no sense.
    pub fn of_bytes(bytes: &[u8], version: ProtocolVersion, consensus: &Consensus) -> Self {
        let mut read = Read::default();
        let end = read.read(&mut Reader::new(bytes), version, consensus).err();
        let is_whole = end.as_ref().is_none_or(|end| matches!(end, DecodeError::TrailingBytes(_)));
        let mut malformed = Vec::from_iter(read.too_heavy);
        malformed.extend(end);
        let inputs = match version.has_input_features() {
            true => Inputs::WithFeatures(read.inputs),
            false => Inputs::CommitOnly(read.inputs),
        };
        let mut parts = Parts::new(read.offset, inputs, read.outputs, read.kernels);
        hash_elements(parts.inputs.as_mut_slice(), &mut parts.outputs, &mut parts.kernels);
        Self::new(parts, malformed, is_whole, consensus)
    }

    /// Reads JSON as [`Transaction::from_json`] does.
    ///
    /// # Errors
    /// [`JsonError::Shape`], with the place if it is known.
    pub fn of_json(json: &str, consensus: &Consensus) -> Result<Self, JsonError> {
        Ok(Self::new(Parts::from_json(json)?, Vec::new(), true, consensus))
    }

    fn new(
        parts: Parts,
        mut malformed: Vec<DecodeError>,
        is_whole: bool,
        consensus: &Consensus,
    ) -> Self {
        if !consensus.nrd && parts.kernels.iter().any(|kernel| kernel.nrd_excess().is_some()) {
            malformed.push(DecodeError::NrdDisabled);
        }
        Self { tx: Transaction::from_parts(parts), malformed, is_whole, consensus: *consensus }
    }

    /// Whether all elements could be read.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The offset; zero if not even that could be read.
    pub fn offset(&self) -> &BlindingFactor {
        self.tx.offset()
    }

    /// What is spent, in the order in which it is written; so all below.
    pub fn inputs(&self) -> &[Input] {
        self.tx.inputs()
    }

    /// What is created.
    pub fn outputs(&self) -> &[Output] {
        self.tx.outputs()
    }

    /// The kernels.
    pub fn kernels(&self) -> &[TxKernel] {
        self.tx.kernels()
    }

    /// See [`Transaction::hash`].
    pub fn hash(&self) -> Hash {
        self.tx.hash()
    }

    /// The weight of what was read.
    pub fn weight(&self) -> Weight {
        self.tx.weight()
    }

    /// The sum of all fees, in nanogrin. Saturates.
    pub fn fee(&self) -> u64 {
        self.tx.fee()
    }

    /// See [`Transaction::shifted_fee`].
    pub fn shifted_fee(&self) -> u64 {
        self.tx.shifted_fee()
    }

    /// See [`Transaction::relay_fee`].
    pub fn relay_fee(&self) -> u64 {
        self.tx.relay_fee()
    }

    /// See [`Transaction::lock_height`].
    pub fn lock_height(&self) -> u64 {
        self.tx.lock_height()
    }

    /// What can be seen without cryptography. Where reading had to stop, only why: what comes before
    /// may have been misread.
    pub fn malformed(&self) -> Vec<Fault> {
        let mut faults: Vec<_> = self.malformed.iter().cloned().map(Fault::Decode).collect();
        if self.is_whole {
            faults.extend(rules::broken(self.tx.parts(), &self.consensus).map(Fault::Rule));
        }
        faults
    }

    /// What only cryptography shows: sums, signatures and range proofs. Takes 2 ms for each output
    /// at most. Nothing where reading had to stop.
    pub fn unproved(&self) -> Vec<Fault> {
        if !self.is_whole {
            return Vec::new();
        }
        let sum = crypto::balance(&self.tx).is_none().then_some(Fault::KernelSum);
        let is_signed = |kernels: &[TxKernel]| crypto::verify_signatures(kernels);
        let is_proved = |outputs: &[Output]| {
            // The library is not asked about what is not a point.
            outputs.iter().all(|output| crypto::is_point(output.commitment()))
                && crypto::verify_proofs(outputs)
        };
        let unsigned = wrong(self.kernels(), is_signed).map(Fault::Signature);
        let unproved = wrong(self.outputs(), is_proved).map(Fault::RangeProof);
        sum.into_iter().chain(unsigned).chain(unproved).collect()
    }
}

/// The places of those that are wrong: batches first, and the bad ones one by one.
fn wrong<'a, T>(
    elements: &'a [T],
    is_right: impl Fn(&[T]) -> bool + Copy + 'a,
) -> impl Iterator<Item = usize> + 'a {
    const BATCH: usize = 64;
    let batches = elements.chunks(BATCH).enumerate().filter(move |(_, batch)| !is_right(batch));
    batches.flat_map(move |(number, batch)| {
        let ones = batch.chunks(1).enumerate().filter(move |(_, one)| !is_right(one));
        ones.map(move |(at, _)| number * BATCH + at)
    })
}

impl Fault {
    /// The name of the rule, which does not change: for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Decode(error) => decode_name(error),
            Self::Rule(rule) => rule_name(*rule),
            Self::KernelSum => "KernelSum",
            Self::Signature(_) => "Signature",
            Self::RangeProof(_) => "RangeProof",
        }
    }
}

fn decode_name(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::UnexpectedEnd => "UnexpectedEnd",
        DecodeError::TrailingBytes(_) => "TrailingBytes",
        DecodeError::CountsTooHeavy(_) => "CountsTooHeavy",
        DecodeError::UnknownOutputFeatures(_) => "UnknownOutputFeatures",
        DecodeError::UnknownKernelFeatures(_) => "UnknownKernelFeatures",
        DecodeError::NonZeroPadding => "NonZeroPadding",
        DecodeError::NrdDisabled => "NrdDisabled",
        DecodeError::NrdRelativeHeight(_) => "NrdRelativeHeight",
        DecodeError::Rule(rule) => rule_name(*rule),
    }
}

fn rule_name(rule: RuleError) -> &'static str {
    match rule {
        RuleError::TooHeavy { .. } => "TooHeavy",
        RuleError::DuplicateNrd => "DuplicateNrd",
        RuleError::InputsUnsorted => "InputsUnsorted",
        RuleError::DuplicateInput => "DuplicateInput",
        RuleError::OutputsUnsorted => "OutputsUnsorted",
        RuleError::DuplicateOutput => "DuplicateOutput",
        RuleError::KernelsUnsorted => "KernelsUnsorted",
        RuleError::DuplicateKernel => "DuplicateKernel",
        RuleError::CutThrough => "CutThrough",
        RuleError::CoinbaseOutput => "CoinbaseOutput",
        RuleError::CoinbaseKernel => "CoinbaseKernel",
    }
}

/// What was read so far. The hashes are still to come.
#[derive(Default)]
struct Read {
    offset: BlindingFactor,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    kernels: Vec<TxKernel>,
    too_heavy: Option<DecodeError>,
}

impl Read {
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        version: ProtocolVersion,
        consensus: &Consensus,
    ) -> Result<(), DecodeError> {
        self.offset = BlindingFactor(reader.fixed()?);
        let (inputs, outputs, kernels) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let weight = Weight::of_counts(inputs, outputs, kernels);
        if weight > consensus.chain.max_block_weight() {
            self.too_heavy = Some(DecodeError::CountsTooHeavy(weight));
        }
        let with_features = version.has_input_features();
        let min_input_size = Commitment::SIZE + usize::from(with_features);
        fill(&mut self.inputs, reader, inputs, min_input_size, |reader| {
            Input::read(reader, with_features)
        })?;
        fill(&mut self.outputs, reader, outputs, Output::MIN_SIZE, Output::read)?;
        // Kernels that are not allowed are worth a look, too.
        fill(&mut self.kernels, reader, kernels, MIN_KERNEL_SIZE, |reader| {
            TxKernel::read(reader, version, true)
        })?;
        match reader.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }
}

/// Every element takes bytes, so that this ends where they do, whatever `count` claims. If there
/// cannot be so many, that is what is wrong, whatever else is misread.
fn fill<'a, T>(
    elements: &mut Vec<T>,
    reader: &mut Reader<'a>,
    count: u64,
    min_size: usize,
    read: impl Fn(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<(), DecodeError> {
    let is_room = count <= (reader.remaining() / min_size) as u64;
    let end = (0..count).try_for_each(|_| {
        elements.push(read(reader)?);
        Ok(())
    });
    if is_room { end } else { Err(DecodeError::UnexpectedEnd) }
}
