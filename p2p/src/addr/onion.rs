//! Onion services of Tor, version 3.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD_NOCASE;
use sha3::{Digest, Sha3_256};

use super::AddrError;

const VERSION: u8 = 3;

/// The name of an onion service: its public key.
///
/// That the key is a point of the curve is Tor's to check, when it is dialled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnionAddr([u8; 32]);

impl OnionAddr {
    /// How every name ends.
    pub const SUFFIX: &str = ".onion";
    /// Characters before the suffix: key 32, checksum 2, version 1, five bits each.
    const CHARS: usize = 56;

    /// The service with this key.
    pub const fn from_key(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The key of the service.
    pub const fn key(&self) -> &[u8; 32] {
        &self.0
    }

    /// `SHA3-256(".onion checksum" ++ key ++ version)`, cut to two bytes.
    fn checksum(&self) -> [u8; 2] {
        let hash = Sha3_256::new()
            .chain_update(b".onion checksum")
            .chain_update(self.0)
            .chain_update([VERSION])
            .finalize();
        [hash[0], hash[1]]
    }
}

impl fmt::Display for OnionAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 35];
        bytes[..32].copy_from_slice(&self.0);
        bytes[32..34].copy_from_slice(&self.checksum());
        bytes[34] = VERSION;
        f.write_str(&BASE32_NOPAD_NOCASE.encode(&bytes).to_ascii_lowercase())?;
        f.write_str(Self::SUFFIX)
    }
}

impl fmt::Debug for OnionAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for OnionAddr {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        let name = text.strip_suffix(Self::SUFFIX).ok_or(AddrError::UnknownHost)?;
        if name.len() != Self::CHARS {
            return Err(AddrError::OnionLength(name.chars().count()));
        }
        let bytes = BASE32_NOPAD_NOCASE.decode(name.as_bytes()).ok();
        let bytes: [u8; 35] =
            bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(AddrError::OnionNotBase32)?;
        let [key @ .., first, second, version] = bytes;
        if version != VERSION {
            return Err(AddrError::OnionVersion(version));
        }
        let addr = Self(key);
        if addr.checksum() != [first, second] {
            return Err(AddrError::OnionChecksum);
        }
        Ok(addr)
    }
}
