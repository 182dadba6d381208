//! Why a bridge did not do what it was asked.

use crate::addr::I2pAddr;

use super::super::fault::{Fault, Step};

/// Why a bridge did not do what it was asked. One variant per rule.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SamError {
    /// The conversation failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A line has at most [`MAX_LINE`](super::MAX_LINE) bytes.
    #[error("a line of more than {} bytes", super::MAX_LINE)]
    LineTooLong,
    /// An answer is UTF-8.
    #[error("an answer that is not UTF-8")]
    NotUtf8,
    /// An answer is two words and pairs of keys and values, each key once.
    #[error("an answer that is not SAM")]
    Malformed,
    /// An answer is to what was asked.
    #[error("an answer to something else than {0}")]
    WrongReply(&'static str),
    /// The bridge speaks version 3.1 or a later 3.
    #[error("the bridge speaks no version of SAM that we do")]
    Version,
    /// An answer that says yes says what.
    #[error("an answer without {0}")]
    Missing(&'static str),
    /// A destination is base64 of I2P's alphabet and at least 387 bytes.
    #[error("a destination that is none")]
    BadDestination,
    /// The hash of a destination is its name.
    #[error("the bridge passes {found} off as {asked}")]
    WrongDestination {
        /// The name that was asked for.
        asked: I2pAddr,
        /// The name of what came.
        found: I2pAddr,
    },
    /// The file with the key of our destination cannot be read.
    #[error("the file with the key of the destination cannot be read: {0}")]
    KeyFile(std::io::ErrorKind),
    /// The bridge says no.
    #[error("{0}")]
    Refused(SamRefusal),
}

impl SamError {
    /// Whether the bridge itself is the trouble, or has lost the session.
    pub fn is_of_bridge(&self) -> bool {
        match self {
            Self::Fault(Fault::Slow(Step::Reach | Step::Lookup)) => false,
            Self::Refused(refusal) => refusal.is_of_bridge(),
            _ => true,
        }
    }
}

/// What a bridge says when it says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SamRefusal {
    /// The peer exists and cannot be reached.
    #[error("the peer cannot be reached")]
    CantReachPeer,
    /// The peer is not on the network.
    #[error("the peer is not found")]
    PeerNotFound,
    /// The router does not know the name.
    #[error("the name is not found")]
    KeyNotFound,
    /// The peer did not answer in time.
    #[error("timed out at the router")]
    Timeout,
    /// The key or destination is not valid.
    #[error("an invalid key")]
    InvalidKey,
    /// There is no session of this name (any more).
    #[error("no such session")]
    InvalidId,
    /// There is a session of this name.
    #[error("the name of the session is taken")]
    DuplicatedId,
    /// There is a session of this destination.
    #[error("the destination is in use")]
    DuplicatedDest,
    /// The bridge speaks none of the versions.
    #[error("no common version")]
    NoVersion,
    /// The router has a fault of its own.
    #[error("general failure of the router")]
    I2pError,
    /// Any other word.
    #[error("refused for an unknown reason")]
    Unknown,
}

impl SamRefusal {
    pub(super) fn of(result: &str) -> Self {
        match result {
            "CANT_REACH_PEER" => Self::CantReachPeer,
            "PEER_NOT_FOUND" => Self::PeerNotFound,
            "KEY_NOT_FOUND" => Self::KeyNotFound,
            "TIMEOUT" => Self::Timeout,
            "INVALID_KEY" => Self::InvalidKey,
            "INVALID_ID" => Self::InvalidId,
            "DUPLICATED_ID" => Self::DuplicatedId,
            "DUPLICATED_DEST" => Self::DuplicatedDest,
            "NOVERSION" => Self::NoVersion,
            "I2P_ERROR" => Self::I2pError,
            _ => Self::Unknown,
        }
    }

    fn is_of_bridge(self) -> bool {
        match self {
            Self::CantReachPeer
            | Self::PeerNotFound
            | Self::KeyNotFound
            | Self::Timeout
            | Self::InvalidKey => false,
            Self::InvalidId
            | Self::DuplicatedId
            | Self::DuplicatedDest
            | Self::NoVersion
            | Self::I2pError
            | Self::Unknown => true,
        }
    }
}
