//! What can be wrong with an address, one variant per rule.

use crate::wire::Blame;

/// Why a text is no address that can be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddrError {
    /// An address is `host:port`.
    #[error("no port")]
    NoPort,
    /// A port is a number of 16 bits.
    #[error("the port is not a number up to 65535")]
    BadPort,
    /// Nobody listens on port 0.
    #[error("port 0")]
    ZeroPort,
    /// A host is an IP address, a name in `.onion` or a name in `.b32.i2p`; others would need the
    /// DNS, which tells strangers whom we talk to.
    #[error("neither an IP address nor a name in .onion or .b32.i2p")]
    UnknownHost,
    /// Onion names of version 3 have 56 characters; version 2 had 16 and is gone.
    #[error("an onion name of {0} characters instead of 56")]
    OnionLength(usize),
    /// An onion name is base32.
    #[error("the onion name is not base32")]
    OnionNotBase32,
    /// The last byte of an onion name is its version, 3 (`rend-spec-v3`, "Encoding onion
    /// addresses").
    #[error("an onion name of version {0} instead of 3")]
    OnionVersion(u8),
    /// An onion name carries two bytes of SHA3-256 over itself.
    #[error("the checksum of the onion name is wrong")]
    OnionChecksum,
    /// An I2P name is a hash in `.b32.i2p`; short names need an address book that others write.
    #[error("only .b32.i2p names can be dialled")]
    I2pNotHash,
    /// The name of a destination has 52 characters.
    #[error("an I2P name of {0} characters instead of 52")]
    I2pLength(usize),
    /// Names of 56 characters and more stand for encrypted leasesets. They are refused: the name
    /// is no hash of the destination, so an answer of the router could not be checked.
    #[error("an I2P name of {0} characters is an encrypted leaseset, which cannot be checked")]
    I2pEncrypted(usize),
    /// An I2P name is base32, and the bits left over are zero.
    #[error("the I2P name is not base32")]
    I2pNotBase32,
}

/// Why the body of a message of names is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamesError {
    /// One message carries at most [`MAX_NAMES`](super::MAX_NAMES) addresses.
    #[error("{0} addresses in one message")]
    TooMany(usize),
    /// The fields need more bytes than the body has.
    #[error("the body ends too early")]
    Truncated,
    /// A body ends with its last address.
    #[error("{0} bytes too many")]
    Trailing(usize),
    /// Each network has addresses of one length; of unknown ones at most 64 bytes are skipped.
    #[error("an address of {length} bytes for network {network}")]
    Length {
        /// The number of the network.
        network: u8,
        /// The length claimed.
        length: u8,
    },
    /// Nobody listens on port 0.
    #[error("port 0")]
    ZeroPort,
    /// An IPv4 address is written as such, not as IPv6.
    #[error("an IPv4 address written as IPv6")]
    Mapped,
}

impl NamesError {
    /// Who is to blame, when the body came from a peer.
    pub fn blame(&self) -> Blame {
        match self {
            Self::TooMany(_) => Blame::Misbehaved,
            _ => Blame::Malformed,
        }
    }
}
