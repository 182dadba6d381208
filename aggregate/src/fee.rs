use std::fmt;

use thiserror::Error;

/// The fee of a kernel as it is signed: 40 bits of fee in nanogrin, 4 bits of fee shift, 20 bits
/// that mean nothing today and are carried along (`grin_core::core::transaction::FeeFields`).
///
/// The fee shift lowers the priority of a transaction voluntarily: a node relays it only if the
/// fee shifted right by it still pays for the weight.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct FeeFields(u64);

/// Why a fee and a fee shift cannot be put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FeeFieldsError {
    /// The fee is zero or over 40 bits.
    #[error("fee {0} is not in 1..2^40")]
    Fee(u64),
    /// The fee shift is over 4 bits.
    #[error("fee shift {0} is not in 0..16")]
    Shift(u8),
}

impl FeeFields {
    const FEE_BITS: u32 = 40;
    const FEE_MASK: u64 = (1 << Self::FEE_BITS) - 1;
    const SHIFT_MASK: u64 = 0xf;

    /// Puts a fee and a fee shift together.
    ///
    /// # Errors
    /// If one of them does not fit.
    pub fn new(fee_shift: u8, fee: u64) -> Result<Self, FeeFieldsError> {
        if fee == 0 || fee > Self::FEE_MASK {
            return Err(FeeFieldsError::Fee(fee));
        }
        if u64::from(fee_shift) > Self::SHIFT_MASK {
            return Err(FeeFieldsError::Shift(fee_shift));
        }
        Ok(Self(u64::from(fee_shift) << Self::FEE_BITS | fee))
    }

    /// Takes the 64 bits as they came, meaningless ones included.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// All 64 bits, as they are written and signed.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The fee in nanogrin.
    pub const fn fee(self) -> u64 {
        self.0 & Self::FEE_MASK
    }

    /// The fee shift, 0 to 15.
    pub const fn fee_shift(self) -> u8 {
        (self.0 >> Self::FEE_BITS & Self::SHIFT_MASK) as u8
    }
}

impl fmt::Display for FeeFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
