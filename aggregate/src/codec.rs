use thiserror::Error;

use crate::{RuleError, Weight};

/// The version of Grin's serialization that two peers agree on.
///
/// Versions 1 and 2 write inputs with their features, from 3 on inputs are commitments only;
/// version 1 (and 0) writes kernel features with fixed size, from 2 on with what each needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProtocolVersion(pub u32);

impl ProtocolVersion {
    /// Fixed-size kernels, inputs with features.
    pub const V1: Self = Self(1);
    /// Variable-size kernels, inputs with features.
    pub const V2: Self = Self(2);
    /// Variable-size kernels, commit-only inputs.
    pub const V3: Self = Self(3);
    /// What Grin 5 and this crate speak; the same bytes as version 3.
    pub const LOCAL: Self = Self(1_000);

    pub(crate) fn has_input_features(self) -> bool {
        self.0 <= 2
    }

    pub(crate) fn has_fixed_size_kernels(self) -> bool {
        self.0 <= 1
    }
}

/// Why bytes are not a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum DecodeError {
    /// The input ends in the middle of an element.
    #[error("the input ends early")]
    UnexpectedEnd,
    /// Bytes are left after the last element.
    #[error("{0} bytes are left over")]
    TrailingBytes(usize),
    /// The announced numbers of elements weigh more than a block may. Nothing of them was read.
    #[error("announced elements weigh {0}, more than a block may")]
    CountsTooHeavy(Weight),
    /// Output features other than plain (0) and coinbase (1).
    #[error("unknown output features {0}")]
    UnknownOutputFeatures(u8),
    /// Kernel features other than plain (0), coinbase (1), height locked (2) and NRD (3).
    #[error("unknown kernel features {0}")]
    UnknownKernelFeatures(u8),
    /// A fixed-size kernel has something in the bytes that its features leave empty.
    #[error("unused kernel bytes are not zero")]
    NonZeroPadding,
    /// An NRD kernel on a chain that does not allow them.
    #[error("NRD kernels are not enabled")]
    NrdDisabled,
    /// A relative lock height outside 1..=10080.
    #[error("relative lock height {0} is not in 1..=10080")]
    NrdRelativeHeight(u64),
    /// The elements are well-formed, but one of the rules of a transaction is broken.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// Why a transaction cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum EncodeError {
    /// Versions 1 and 2 need the features of every input, and this transaction does not hold them.
    #[error("inputs without features cannot be written at protocol version {}", .0.0)]
    FeaturesUnknown(ProtocolVersion),
}

/// Reads big-endian integers and byte strings.
///
/// Every read is checked against what is left; nothing is allocated for lengths that the input
/// only claims.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    /// The next `len` bytes, borrowed.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedEnd`] if fewer are left; so do all methods below.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(DecodeError::UnexpectedEnd)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `N` bytes by value.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(DecodeError::UnexpectedEnd)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        let [byte] = self.fixed()?;
        Ok(byte)
    }

    /// The next two bytes, big-endian.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.fixed()?))
    }

    /// The next four bytes, big-endian.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.fixed()?))
    }

    /// The next eight bytes, big-endian.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.fixed()?))
    }

    pub(crate) fn zeros(&mut self, len: usize) -> Result<(), DecodeError> {
        if self.take(len)?.iter().any(|byte| *byte != 0) {
            return Err(DecodeError::NonZeroPadding);
        }
        Ok(())
    }

    /// Checks that everything was read.
    ///
    /// # Errors
    /// [`DecodeError::TrailingBytes`] if not.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }
}
