use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

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

/// The proof that an output hides a value in 0..2^64.
#[derive(Clone, PartialEq, Eq)]
pub struct RangeProof(pub [u8; PROOF_SIZE]);

impl RangeProof {
    /// The [`PROOF_SIZE`] bytes.
    pub fn as_bytes(&self) -> &[u8; PROOF_SIZE] {
        &self.0
    }

    /// Finds one proof behind its length, and copies nothing yet.
    ///
    /// Grin reads at most 675 bytes whatever greater length is claimed, and fills a shorter proof
    /// up with zeros (`grin_core::ser`, `Readable for RangeProof`). Both are followed to the
    /// letter, so that no transaction is valid for one node and invalid for the other.
    fn find<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
        let claimed = usize::try_from(reader.u64()?).unwrap_or(usize::MAX);
        reader.take(claimed.min(PROOF_SIZE))
    }

    fn filled_up(bytes: &[u8]) -> Self {
        match bytes.try_into() {
            Ok(proof) => Self(proof),
            Err(_) => {
                let mut proof = [0; PROOF_SIZE];
                proof[..bytes.len()].copy_from_slice(bytes);
                Self(proof)
            }
        }
    }
}

impl fmt::Debug for RangeProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RangeProof({}..)", hex::encode(&self.0[..8]))
    }
}

/// A new output: features, commitment and range proof. Cloning shares them.
///
/// Two outputs with the same features and commitment are the same output, whatever their proofs:
/// that is what their hash covers and what Grin compares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output(Arc<Fields>);

/// Without padding, so that an output takes hardly more than its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Fields {
    hash: Hash,
    features: OutputFeatures,
    commit: Commitment,
    proof: RangeProof,
}

impl Output {
    /// Length in bytes on the wire: features, commitment, length of the proof, proof.
    pub(crate) const SIZE: usize = HEAD_SIZE + PROOF_SIZE;
    /// The same with an empty proof.
    pub(crate) const MIN_SIZE: usize = HEAD_SIZE;

    /// Puts an output together; nothing is verified.
    pub fn new(features: OutputFeatures, commit: Commitment, proof: RangeProof) -> Self {
        let hash = Hash::of(&[&[features.byte()], commit.as_bytes()]);
        Self(Arc::new(Fields { hash, features, commit, proof }))
    }

    /// Plain or coinbase.
    pub fn features(&self) -> OutputFeatures {
        self.0.features
    }

    /// The commitment.
    pub fn commitment(&self) -> Commitment {
        self.0.commit
    }

    /// The range proof.
    pub fn proof(&self) -> &RangeProof {
        &self.0.proof
    }

    /// What outputs are ordered by: the hash of features and commitment.
    pub fn hash(&self) -> &Hash {
        &self.0.hash
    }

    /// Identifies the output together with its proof, which [`Output::hash`] does not cover.
    pub(crate) fn proof_hash(&self) -> Hash {
        Hash::of(&[self.0.commit.as_bytes(), self.0.proof.as_bytes()])
    }

    /// Reads `count` outputs; their hashes are still to come.
    pub(crate) fn read_list(reader: &mut Reader<'_>, count: u64) -> Result<Vec<Self>, DecodeError> {
        read_many(reader, count, Self::MIN_SIZE, Self::read)
    }

    /// Copies the output: one that is kept must not keep a whole receive buffer alive.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let features = OutputFeatures::from_byte(reader.u8()?)?;
        let commit = Commitment::read(reader)?;
        let proof = RangeProof::find(reader)?;
        let (hash, proof) = (Hash::default(), RangeProof::filled_up(proof));
        Ok(Self(Arc::new(Fields { hash, features, commit, proof })))
    }

    /// Writes outputs one after another.
    ///
    /// Those of an aggregate are scattered in memory. A look at one that comes a little later lets
    /// the processor fetch it meanwhile.
    pub(crate) fn write_list(outputs: &[Self], out: &mut Vec<u8>) {
        const AHEAD: usize = 4;
        for (index, output) in outputs.iter().enumerate() {
            black_box(outputs.get(index + AHEAD).map(Self::features));
            output.write(out);
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.0.features.byte());
        out.extend_from_slice(self.0.commit.as_bytes());
        out.extend_from_slice(&(PROOF_SIZE as u64).to_be_bytes());
        out.extend_from_slice(self.0.proof.as_bytes());
    }
}

impl Hashed for Output {
    fn write_hashed(&self, bytes: &mut [u8; MAX_HASHED]) -> usize {
        bytes[0] = self.0.features.byte();
        bytes[1..1 + Commitment::SIZE].copy_from_slice(self.0.commit.as_bytes());
        1 + Commitment::SIZE
    }

    fn hash_mut(&mut self) -> &mut Hash {
        &mut Arc::make_mut(&mut self.0).hash
    }
}

/// Features, commitment, length of the proof.
const HEAD_SIZE: usize = 1 + Commitment::SIZE + 8;
