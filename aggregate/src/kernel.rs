use crate::hash::{Hashed, MAX_HASHED};
use crate::{Commitment, DecodeError, FeeFields, Hash, ProtocolVersion, Reader};

/// For how many blocks after a kernel no other NRD kernel with the same excess may appear:
/// 1 to 10,080, a week (`grin_core::core::transaction::NRDRelativeHeight`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NrdRelativeHeight(u16);

impl NrdRelativeHeight {
    /// The greatest relative height: a week of one-minute blocks.
    pub const MAX: u16 = 10_080;

    /// Checks the range.
    ///
    /// # Errors
    /// [`DecodeError::NrdRelativeHeight`] outside 1..=10080.
    pub fn new(blocks: u64) -> Result<Self, DecodeError> {
        match u16::try_from(blocks) {
            Ok(blocks @ 1..=Self::MAX) => Ok(Self(blocks)),
            _ => Err(DecodeError::NrdRelativeHeight(blocks)),
        }
    }

    /// The number of blocks.
    pub const fn blocks(self) -> u64 {
        self.0 as u64
    }
}

/// What a kernel promises beside balance.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KernelFeatures {
    /// Only a fee.
    Plain {
        /// What the transaction pays.
        fee: FeeFields,
    },
    /// The kernel of a block's reward; never part of a transaction.
    Coinbase,
    /// Not valid in a block below a height.
    HeightLocked {
        /// What the transaction pays.
        fee: FeeFields,
        /// The first height of a block that may hold the kernel.
        lock_height: u64,
    },
    /// Not valid too soon after another kernel with the same excess.
    NoRecentDuplicate {
        /// What the transaction pays.
        fee: FeeFields,
        /// How soon is too soon.
        relative_height: NrdRelativeHeight,
    },
}

impl KernelFeatures {
    /// The byte on the wire.
    pub const fn byte(&self) -> u8 {
        match self {
            Self::Plain { .. } => 0,
            Self::Coinbase => 1,
            Self::HeightLocked { .. } => 2,
            Self::NoRecentDuplicate { .. } => 3,
        }
    }

    /// The fee; a coinbase has none.
    pub const fn fee(&self) -> Option<FeeFields> {
        match *self {
            Self::Coinbase => None,
            Self::Plain { fee }
            | Self::HeightLocked { fee, .. }
            | Self::NoRecentDuplicate { fee, .. } => Some(fee),
        }
    }

    /// What the kernel's signature signs: the hash of the features byte, the fee and the height,
    /// each if there is one (`grin_core::core::transaction::KernelFeatures::kernel_sig_msg`).
    pub fn message(&self) -> Hash {
        let mut bytes = Vec::with_capacity(17);
        self.write(&mut bytes);
        Hash::of(&[&bytes])
    }

    /// Writes each field if there is one (version 2 and up, and the signed message).
    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.byte());
        if let Some(fee) = self.fee() {
            out.extend_from_slice(&fee.bits().to_be_bytes());
        }
        match self {
            Self::Plain { .. } | Self::Coinbase => {}
            Self::HeightLocked { lock_height, .. } => {
                out.extend_from_slice(&lock_height.to_be_bytes());
            }
            Self::NoRecentDuplicate { relative_height, .. } => {
                out.extend_from_slice(&relative_height.0.to_be_bytes());
            }
        }
    }

    /// The 17 bytes of the fixed-size form (version 1, and the hash of every kernel).
    fn fixed_size(&self) -> [u8; 17] {
        let height = match self {
            Self::Plain { .. } | Self::Coinbase => 0,
            Self::HeightLocked { lock_height, .. } => *lock_height,
            Self::NoRecentDuplicate { relative_height, .. } => relative_height.blocks(),
        };
        let mut bytes = [0; 17];
        bytes[0] = self.byte();
        bytes[1..9].copy_from_slice(&self.fee().unwrap_or_default().bits().to_be_bytes());
        bytes[9..].copy_from_slice(&height.to_be_bytes());
        bytes
    }

    fn read(
        reader: &mut Reader<'_>,
        version: ProtocolVersion,
        nrd: bool,
    ) -> Result<Self, DecodeError> {
        let fixed_size = version.has_fixed_size_kernels();
        let padding = |reader: &mut Reader<'_>, len: usize| {
            if fixed_size { reader.zeros(len) } else { Ok(()) }
        };
        match reader.u8()? {
            0 => {
                let fee = FeeFields::from_bits(reader.u64()?);
                padding(reader, 8)?;
                Ok(Self::Plain { fee })
            }
            1 => {
                padding(reader, 16)?;
                Ok(Self::Coinbase)
            }
            2 => {
                let fee = FeeFields::from_bits(reader.u64()?);
                Ok(Self::HeightLocked { fee, lock_height: reader.u64()? })
            }
            3 if !nrd => Err(DecodeError::NrdDisabled),
            3 => {
                let fee = FeeFields::from_bits(reader.u64()?);
                padding(reader, 6)?;
                let relative_height = NrdRelativeHeight::new(reader.u16()?.into())?;
                Ok(Self::NoRecentDuplicate { fee, relative_height })
            }
            byte => Err(DecodeError::UnknownKernelFeatures(byte)),
        }
    }
}

/// A Schnorr signature as Grin's library keeps it: 64 bytes, raw.
///
/// Wallets' JSON has the compact form instead, in which both halves are reversed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Signature(pub [u8; 64]);

/// The proof that a transaction balances, and that its makers agreed to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TxKernel {
    features: KernelFeatures,
    excess: Commitment,
    signature: Signature,
    hash: Hash,
}

impl TxKernel {
    /// The most bytes that it takes on the wire: features of fixed size, excess, signature.
    pub(crate) const MAX_SIZE: usize = 17 + Commitment::SIZE + 64;

    /// Puts a kernel together; nothing is verified.
    pub fn new(features: KernelFeatures, excess: Commitment, signature: Signature) -> Self {
        let hash = Hash::of(&[&features.fixed_size(), excess.as_bytes(), &signature.0]);
        Self { features, excess, signature, hash }
    }

    /// Fee and locks.
    pub fn features(&self) -> &KernelFeatures {
        &self.features
    }

    /// The excess: a commitment to zero, and the public key of the signature.
    pub fn excess(&self) -> Commitment {
        self.excess
    }

    /// The signature over [`KernelFeatures::message`].
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Identifies the kernel, and orders kernels: the hash of its fixed-size form.
    pub fn hash(&self) -> &Hash {
        &self.hash
    }

    /// The excess, if this is an NRD kernel.
    pub fn nrd_excess(&self) -> Option<Commitment> {
        match self.features {
            KernelFeatures::NoRecentDuplicate { .. } => Some(self.excess),
            _ => None,
        }
    }

    /// The hash is still to come.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        version: ProtocolVersion,
        nrd: bool,
    ) -> Result<Self, DecodeError> {
        let features = KernelFeatures::read(reader, version, nrd)?;
        let (excess, signature) = (Commitment::read(reader)?, Signature(reader.fixed()?));
        Ok(Self { features, excess, signature, hash: Hash::default() })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        if version.has_fixed_size_kernels() {
            out.extend_from_slice(&self.features.fixed_size());
        } else {
            self.features.write(out);
        }
        out.extend_from_slice(self.excess.as_bytes());
        out.extend_from_slice(&self.signature.0);
    }
}

impl Hashed for TxKernel {
    fn write_hashed(&self, bytes: &mut [u8; MAX_HASHED]) -> usize {
        bytes[..17].copy_from_slice(&self.features.fixed_size());
        bytes[17..50].copy_from_slice(self.excess.as_bytes());
        bytes[50..].copy_from_slice(&self.signature.0);
        MAX_HASHED
    }

    fn hash_mut(&mut self) -> &mut Hash {
        &mut self.hash
    }
}
