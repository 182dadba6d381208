//! Destinations of I2P.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD_NOCASE;
use sha2::{Digest, Sha256};

use super::AddrError;

/// The name of a destination: SHA-256 of its public keys and certificate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct I2pAddr([u8; 32]);

impl I2pAddr {
    /// How every name ends.
    pub const SUFFIX: &str = ".b32.i2p";
    /// Characters before the suffix: 32 bytes, five bits each, four zero bits at the end.
    const CHARS: usize = 52;
    /// The fewest characters of a name that stands for an encrypted leaseset.
    const ENCRYPTED_CHARS: usize = 56;

    /// The destination with this hash.
    pub const fn from_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The name of a destination, given its bytes.
    pub fn of_destination(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash of the destination.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for I2pAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32_NOPAD_NOCASE.encode(&self.0).to_ascii_lowercase())?;
        f.write_str(Self::SUFFIX)
    }
}

impl fmt::Debug for I2pAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for I2pAddr {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        let name = text.strip_suffix(Self::SUFFIX).ok_or(AddrError::I2pNotHash)?;
        match name.len() {
            Self::CHARS => {}
            Self::ENCRYPTED_CHARS.. => {
                return Err(AddrError::I2pEncrypted(name.chars().count()));
            }
            _ => return Err(AddrError::I2pLength(name.chars().count())),
        }
        let bytes = BASE32_NOPAD_NOCASE.decode(name.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(AddrError::I2pNotBase32)
    }
}
