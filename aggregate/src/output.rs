use std::fmt;

use bytes::Bytes;

use crate::hash::{Hashed, MAX_HASHED};
use crate::input::read_many;
use crate::{Commitment, DecodeError, Hash, Reader};

/// Length in bytes of a Bulletproof over 64 bits, the only range proof there is.
pub const PROOF_SIZE: usize = 675;

/// What an output is: made by a transaction or by a miner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OutputFeatures {
    /// An output of a transaction.
    Plain,
    /// The reward of a block; never part of a transaction, spendable after its maturity.
    Coinbase,
}

impl OutputFeatures {
    /// The byte on the wire.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::Coinbase => 1,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Result<Self, DecodeError> {
        match byte {
            0 => Ok(Self::Plain),
            1 => Ok(Self::Coinbase),
            _ => Err(DecodeError::UnknownOutputFeatures(byte)),
        }
    }
}

/// The proof that an output hides a value in 0..2^64: [`PROOF_SIZE`] bytes, shared, never copied.
#[derive(Clone, PartialEq, Eq)]
pub struct RangeProof(Bytes);

impl RangeProof {
    /// Takes the bytes of a proof; `None` if they are not exactly [`PROOF_SIZE`].
    pub fn new(bytes: Bytes) -> Option<Self> {
        (bytes.len() == PROOF_SIZE).then_some(Self(bytes))
    }

    /// The [`PROOF_SIZE`] bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for RangeProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RangeProof({}..)", hex::encode(&self.0[..8]))
    }
}

/// A new output: features, commitment and range proof.
///
/// Two outputs with the same features and commitment are the same output, whatever their proofs:
/// that is what their hash covers and what Grin compares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    features: OutputFeatures,
    commit: Commitment,
    proof: RangeProof,
    hash: Hash,
}

impl Output {
    /// Puts an output together; nothing is verified.
    pub fn new(features: OutputFeatures, commit: Commitment, proof: RangeProof) -> Self {
        let hash = Hash::of(&[&[features.byte()], commit.as_bytes()]);
        Self { features, commit, proof, hash }
    }

    /// Plain or coinbase.
    pub fn features(&self) -> OutputFeatures {
        self.features
    }

    /// The commitment.
    pub fn commitment(&self) -> Commitment {
        self.commit
    }

    /// The range proof.
    pub fn proof(&self) -> &RangeProof {
        &self.proof
    }

    /// What outputs are ordered by: the hash of features and commitment.
    pub fn hash(&self) -> &Hash {
        &self.hash
    }

    /// Identifies the output together with its proof, which [`Output::hash`] does not cover.
    pub(crate) fn proof_hash(&self) -> Hash {
        Hash::of(&[self.commit.as_bytes(), self.proof.as_bytes()])
    }

    /// Reads `count` outputs. Their proofs are copied once, into one buffer of exactly their size:
    /// an output that is kept must not keep a whole receive buffer alive. Their hashes are still to
    /// come.
    pub(crate) fn read_list(reader: &mut Reader<'_>, count: u64) -> Result<Vec<Self>, DecodeError> {
        const MIN_SIZE: usize = 1 + Commitment::SIZE + 8;
        let most = reader.remaining() / MIN_SIZE;
        let mut proofs = Vec::with_capacity(PROOF_SIZE * most.min(count as usize));
        let mut outputs = read_many(reader, count, MIN_SIZE, |reader| {
            let features = OutputFeatures::from_byte(reader.u8()?)?;
            let commit = Commitment::read(reader)?;
            let proof = read_proof(reader)?;
            proofs.extend_from_slice(proof);
            proofs.resize(proofs.len() + PROOF_SIZE - proof.len(), 0);
            let (proof, hash) = (RangeProof(Bytes::new()), Hash::default());
            Ok(Self { features, commit, proof, hash })
        })?;
        let mut proofs = Bytes::from(proofs);
        for output in &mut outputs {
            output.proof.0 = proofs.split_to(PROOF_SIZE);
        }
        Ok(outputs)
    }
}

impl Hashed for Output {
    fn write_hashed(&self, bytes: &mut [u8; MAX_HASHED]) -> usize {
        bytes[0] = self.features.byte();
        bytes[1..1 + Commitment::SIZE].copy_from_slice(&self.commit.0);
        1 + Commitment::SIZE
    }

    fn hash_mut(&mut self) -> &mut Hash {
        &mut self.hash
    }
}

/// The bytes of one proof, behind their length.
///
/// Grin reads at most 675 bytes whatever greater length is claimed, and fills a shorter proof up
/// with zeros (`grin_core::ser`, `Readable for RangeProof`). Both are followed to the letter, so
/// that no transaction is valid for one node and invalid for the other.
fn read_proof<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let claimed = usize::try_from(reader.u64()?).unwrap_or(usize::MAX);
    reader.take(claimed.min(PROOF_SIZE))
}
