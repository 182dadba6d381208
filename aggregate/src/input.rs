use std::borrow::Cow;

use crate::hash::{Hashed, MAX_HASHED};
use crate::{Commitment, DecodeError, EncodeError, Hash, OutputFeatures, ProtocolVersion, Reader};

/// An output that a transaction spends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Input {
    features: Option<OutputFeatures>,
    commit: Commitment,
    hash: Hash,
}

impl Input {
    /// The most bytes that it takes on the wire: features and commitment.
    pub(crate) const MAX_SIZE: usize = 1 + Commitment::SIZE;

    /// An input by commitment only, as it travels since protocol version 3.
    pub fn commit_only(commit: Commitment) -> Self {
        Self { features: None, commit, hash: Hash::of(&[commit.as_bytes()]) }
    }

    /// An input that says what features the spent output has.
    pub fn with_features(features: OutputFeatures, commit: Commitment) -> Self {
        let hash = Hash::of(&[&[features.byte()], commit.as_bytes()]);
        Self { features: Some(features), commit, hash }
    }

    /// The commitment of the spent output.
    pub fn commitment(&self) -> Commitment {
        self.commit
    }

    /// The features of the spent output, if the input says them.
    pub fn features(&self) -> Option<OutputFeatures> {
        self.features
    }

    /// What inputs are ordered by: the hash of features (if held) and commitment.
    pub fn hash(&self) -> &Hash {
        &self.hash
    }

    /// The hash is still to come.
    pub(crate) fn read(reader: &mut Reader<'_>, with_features: bool) -> Result<Self, DecodeError> {
        match with_features {
            true => Self::read_with_features(reader),
            false => Self::read_commit_only(reader),
        }
    }

    fn read_commit_only(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let commit = Commitment::read(reader)?;
        Ok(Self { features: None, commit, hash: Hash::default() })
    }

    fn read_with_features(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let features = Some(OutputFeatures::from_byte(reader.u8()?)?);
        Ok(Self { features, ..Self::read_commit_only(reader)? })
    }
}

impl Hashed for Input {
    fn write_hashed(&self, bytes: &mut [u8; MAX_HASHED]) -> usize {
        let start = usize::from(self.features.is_some());
        bytes[0] = self.features.map_or(0, OutputFeatures::byte);
        bytes[start..start + Commitment::SIZE].copy_from_slice(&self.commit.0);
        start + Commitment::SIZE
    }

    fn hash_mut(&mut self) -> &mut Hash {
        &mut self.hash
    }
}

/// The inputs of a transaction: either all of them say the features of what they spend, or none.
///
/// Which of the two decides their order, since the hash covers what is held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Inputs {
    /// Commitments only (protocol version 3 and up, and every aggregate).
    CommitOnly(Vec<Input>),
    /// Features and commitments (protocol versions 1 and 2, and what wallets post).
    WithFeatures(Vec<Input>),
}

impl Inputs {
    /// Commit-only inputs for these commitments, sorted.
    pub fn from_commitments(commitments: impl IntoIterator<Item = Commitment>) -> Self {
        let mut inputs: Vec<_> = commitments.into_iter().map(Input::commit_only).collect();
        inputs.sort_unstable_by_key(|input| input.hash);
        Self::CommitOnly(inputs)
    }

    /// Inputs with features for these outputs, sorted.
    pub fn from_outputs(outputs: impl IntoIterator<Item = (OutputFeatures, Commitment)>) -> Self {
        let mut inputs: Vec<_> =
            outputs.into_iter().map(|(f, commit)| Input::with_features(f, commit)).collect();
        inputs.sort_unstable_by_key(|input| input.hash);
        Self::WithFeatures(inputs)
    }

    /// The inputs in canonical order.
    pub fn as_slice(&self) -> &[Input] {
        match self {
            Self::CommitOnly(inputs) | Self::WithFeatures(inputs) => inputs,
        }
    }

    /// The same inputs without their features, sorted anew where that is needed.
    pub fn commit_only(&self) -> Cow<'_, [Input]> {
        match self {
            Self::CommitOnly(inputs) => Cow::Borrowed(inputs),
            Self::WithFeatures(inputs) => {
                let mut inputs: Vec<_> =
                    inputs.iter().map(|input| Input::commit_only(input.commit)).collect();
                inputs.sort_unstable_by_key(|input| input.hash);
                Cow::Owned(inputs)
            }
        }
    }

    /// Writes the inputs as `version` has them.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        version: ProtocolVersion,
    ) -> Result<(), EncodeError> {
        if !version.has_input_features() {
            for input in self.commit_only().iter() {
                out.extend_from_slice(input.commit.as_bytes());
            }
            return Ok(());
        }
        for input in self.as_slice() {
            let features = input.features.ok_or(EncodeError::FeaturesUnknown(version))?;
            out.push(features.byte());
            out.extend_from_slice(input.commit.as_bytes());
        }
        Ok(())
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [Input] {
        match self {
            Self::CommitOnly(inputs) | Self::WithFeatures(inputs) => inputs,
        }
    }

    /// Reads `count` inputs; their hashes are still to come.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        count: u64,
        with_features: bool,
    ) -> Result<Self, DecodeError> {
        Ok(if with_features {
            Self::WithFeatures(read_many(reader, count, 34, Input::read_with_features)?)
        } else {
            Self::CommitOnly(read_many(reader, count, 33, Input::read_commit_only)?)
        })
    }
}

/// Reads `count` elements of at least `min_size` bytes each; allocates for no more than can be
/// there.
pub(crate) fn read_many<'a, T>(
    reader: &mut Reader<'a>,
    count: u64,
    min_size: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let most = reader.remaining() / min_size;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > most {
        return Err(DecodeError::UnexpectedEnd);
    }
    // Collecting results would leave room for four elements where there is one.
    let mut elements = Vec::with_capacity(count);
    for _ in 0..count {
        elements.push(read(reader)?);
    }
    Ok(elements)
}
