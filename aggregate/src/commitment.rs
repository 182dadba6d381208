use std::fmt;

use crate::{DecodeError, Reader};

/// A Pedersen commitment `v*H + r*G`, compressed: 33 bytes, the first of them 8 or 9.
///
/// Any 33 bytes can be held; whether they are a point on the curve is for the verifier to say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Commitment(pub [u8; Self::SIZE]);

impl Commitment {
    /// Length in bytes.
    pub const SIZE: usize = 33;

    /// The bytes as they are on the wire.
    pub fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(reader.fixed()?))
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}
