//! Breaks transactions, one rule at a time.

mod strike;

use rand::Rng;

use super::extra::Bench;
use super::{BuildError, RawTx};
use crate::{Consensus, ProtocolVersion, Transaction};

/// Where damage shows at the latest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// The bytes are not a transaction.
    Decode,
    /// The bytes are one, but a rule that needs no cryptography is broken.
    Rules,
    /// Only the verifier sees it.
    Verify,
}

/// A way to break a transaction: what is named is wrong, and as little else as possible. Where a
/// transaction lacks what it takes, balanced elements are added first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Damage {
    /// The bytes end anywhere before the end.
    Truncated,
    /// Bytes follow the last kernel. Refused by [`Transaction::decode`] only: `read` leaves them.
    TrailingBytes,
    /// The counts claim more than a block may weigh.
    CountsTooHeavy,
    /// The counts claim one input that is not there.
    CountTooMany,
    /// An input's features are neither plain nor coinbase (versions 1 and 2).
    UnknownInputFeatures,
    /// An output's features are neither plain nor coinbase.
    UnknownOutputFeatures,
    /// A kernel's features are none of the four.
    UnknownKernelFeatures,
    /// An unused byte of a kernel is not zero (version 1).
    NonZeroPadding,
    /// A range proof is a byte too long.
    LongProof,
    /// An NRD kernel where these are not allowed.
    NrdDisabled,
    /// An NRD kernel with relative height 0.
    NrdHeightZero,
    /// An NRD kernel with relative height 10,081.
    NrdHeightTooGreat,
    /// A little heavier than a transaction may be, lighter than a block may be.
    TooHeavy,
    /// A coinbase output, balanced and proved.
    CoinbaseOutput,
    /// A coinbase kernel, balanced and signed.
    CoinbaseKernel,
    /// Two inputs the other way round.
    UnsortedInputs,
    /// Two outputs the other way round.
    UnsortedOutputs,
    /// Two kernels the other way round.
    UnsortedKernels,
    /// An input twice, balanced.
    DuplicateInput,
    /// An output twice, balanced and proved.
    DuplicateOutput,
    /// A kernel twice, balanced and signed.
    DuplicateKernel,
    /// A commitment as plain and as coinbase input, balanced (versions 1 and 2).
    InputTwiceByFeatures,
    /// An output that an input spends, balanced and proved.
    NotCutThrough,
    /// Two NRD kernels with one excess, balanced and signed.
    DuplicateNrd,
    /// An output out of nothing.
    WrongSum,
    /// An input too many.
    BurntInput,
    /// The offset is another number.
    WrongOffset,
    /// The offset is the greatest number of 32 bytes.
    OffsetOutOfRange,
    /// The offset is the order of the curve where it should be zero.
    OffsetNotCanonical,
    /// A bit of a signature is flipped.
    WrongSignature,
    /// The scalar of a signature is the greatest number of 32 bytes.
    SignatureOutOfRange,
    /// Two kernels have each other's signatures.
    SwappedSignatures,
    /// A kernel is replaced by another, well signed one.
    ForeignKernel,
    /// There are no kernels.
    NoKernels,
    /// A kernel's fee is one more or less than what was signed and taken.
    WrongFee,
    /// A kernel's fee fields differ in a bit that means nothing, but is signed.
    MeaninglessFeeBit,
    /// A kernel's lock height is not what was signed.
    WrongLockHeight,
    /// A bit of a range proof is flipped.
    WrongProof,
    /// A range proof is a byte too short.
    ShortProof,
    /// Two outputs have each other's range proofs.
    SwappedProofs,
    /// An output of -1, balanced by one that is too great.
    NegativeValue,
    /// An output of 2^64, balanced.
    OverflowingValue,
    /// An input's commitment is not a point.
    InvalidInput,
    /// An output's commitment is not a point.
    InvalidOutput,
    /// A kernel's excess is not a point.
    InvalidExcess,
}

impl Damage {
    /// All of them.
    pub const ALL: [Self; 45] = [
        Self::Truncated,
        Self::TrailingBytes,
        Self::CountsTooHeavy,
        Self::CountTooMany,
        Self::UnknownInputFeatures,
        Self::UnknownOutputFeatures,
        Self::UnknownKernelFeatures,
        Self::NonZeroPadding,
        Self::LongProof,
        Self::NrdDisabled,
        Self::NrdHeightZero,
        Self::NrdHeightTooGreat,
        Self::TooHeavy,
        Self::CoinbaseOutput,
        Self::CoinbaseKernel,
        Self::UnsortedInputs,
        Self::UnsortedOutputs,
        Self::UnsortedKernels,
        Self::DuplicateInput,
        Self::DuplicateOutput,
        Self::DuplicateKernel,
        Self::InputTwiceByFeatures,
        Self::NotCutThrough,
        Self::DuplicateNrd,
        Self::WrongSum,
        Self::BurntInput,
        Self::WrongOffset,
        Self::OffsetOutOfRange,
        Self::OffsetNotCanonical,
        Self::WrongSignature,
        Self::SignatureOutOfRange,
        Self::SwappedSignatures,
        Self::ForeignKernel,
        Self::NoKernels,
        Self::WrongFee,
        Self::MeaninglessFeeBit,
        Self::WrongLockHeight,
        Self::WrongProof,
        Self::ShortProof,
        Self::SwappedProofs,
        Self::NegativeValue,
        Self::OverflowingValue,
        Self::InvalidInput,
        Self::InvalidOutput,
        Self::InvalidExcess,
    ];

    /// Where it shows.
    pub fn stage(self) -> Stage {
        let position = |damage| Self::ALL.iter().position(|other| *other == damage);
        match position(self) {
            at if at < position(Self::TooHeavy) => Stage::Decode,
            at if at < position(Self::WrongSum) => Stage::Rules,
            _ => Stage::Verify,
        }
    }

    /// Whether the damage exists at a protocol version and under these rules.
    pub fn exists(self, version: ProtocolVersion, consensus: &Consensus) -> bool {
        match self {
            Self::UnknownInputFeatures | Self::InputTwiceByFeatures => version.has_input_features(),
            Self::NonZeroPadding => version.has_fixed_size_kernels(),
            Self::NrdDisabled => !consensus.nrd,
            Self::NrdHeightZero | Self::NrdHeightTooGreat | Self::DuplicateNrd => consensus.nrd,
            _ => true,
        }
    }

    /// Writes `tx` down at a version, with this damage. Features of inputs that `tx` does not hold
    /// are written as plain.
    ///
    /// # Errors
    /// [`BuildError::NotHere`] where the damage does not exist ([`Damage::exists`]).
    pub fn apply(
        self,
        tx: &Transaction,
        version: ProtocolVersion,
        consensus: &Consensus,
        rng: &mut impl Rng,
    ) -> Result<Vec<u8>, BuildError> {
        if !self.exists(version, consensus) {
            return Err(BuildError::NotHere(version));
        }
        let mut bench = Bench { raw: RawTx::of(tx), version, rng };
        bench.sort();
        match self.stage() {
            Stage::Decode => self.spoil_bytes(&mut bench)?,
            Stage::Rules => self.break_rule(&mut bench, consensus)?,
            Stage::Verify => self.break_proof(&mut bench)?,
        }
        let mut bytes = bench.encode();
        if self == Self::Truncated {
            bytes.truncate(bench.below(bytes.len()));
        }
        Ok(bytes)
    }
}
