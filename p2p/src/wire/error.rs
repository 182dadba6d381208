//! What can be wrong with bytes, and who is to blame.

use scape_aggregate::DecodeError;

use crate::addr::NamesError;

use super::kind::MessageType;

/// Who is to blame for an error. It decides what the error costs the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The bytes say nothing that can be understood.
    Malformed,
    /// The peer is honest but of another network or kind.
    Incompatible,
    /// The bytes are well-formed and break the protocol.
    Misbehaved,
    /// The fault is on this side, or of nobody.
    Ours,
}

/// Why bytes that came in are no message. One variant per rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A frame starts with the magic bytes of the chain (`MsgHeaderWrapper::read`).
    #[error("a frame starts with {found:02x?} instead of the magic bytes {expected:02x?}")]
    Magic {
        /// The magic bytes of our chain.
        expected: [u8; 2],
        /// What came, as far as it was needed to tell.
        found: Vec<u8>,
    },
    /// A body is at most as long as [`MessageType::limit`] allows.
    #[error("type {kind} claims {length} bytes where {limit} are allowed")]
    TooLarge {
        /// The byte of the message type.
        kind: u8,
        /// The length that the header claims.
        length: u64,
        /// What is allowed.
        limit: u64,
    },
    /// Until the handshake is done only its own two messages are read (`read_message`).
    #[error("type {found} came where {expected:?} was due")]
    NotHandshake {
        /// The half of the handshake that was due.
        expected: MessageType,
        /// The byte of the type that came.
        found: u8,
    },
    /// `Error`, `Hand` and `Shake` have no place after the handshake (`decode_message`).
    #[error("{0:?} has no place after the handshake")]
    Unexpected(MessageType),
    /// An archive of the chain state was never asked for, and what follows it has no frame.
    #[error("an archive that nobody asked for")]
    UnsolicitedArchive,
    /// The fields of a body need more bytes than it has.
    #[error("the body of {0:?} ends too early")]
    Truncated(MessageType),
    /// A body ends with its last field. (Grin ignores what follows; no Grin node sends it.)
    #[error("{extra} bytes too many in the body of {kind:?}")]
    Trailing {
        /// The type of the message.
        kind: MessageType,
        /// Bytes left over.
        extra: usize,
    },
    /// One message carries at most [`MAX_PEER_ADDRS`](super::MAX_PEER_ADDRS) addresses.
    #[error("{0} peer addresses in one message")]
    TooManyAddrs(u32),
    /// The body of a message of names breaks a rule of its own.
    #[error("bad names: {0}")]
    Names(#[from] NamesError),
    /// What is sealed has one of a few [`SIZES`](crate::dandelion::rendezvous::SIZES).
    #[error("no sealed transaction has {0} bytes")]
    SealedSize(usize),
    /// A user agent has at most [`MAX_USER_AGENT`](super::MAX_USER_AGENT) bytes.
    #[error("a user agent of {0} bytes")]
    UserAgentTooLong(u64),
    /// A user agent is valid UTF-8.
    #[error("the user agent is not UTF-8")]
    UserAgentNotUtf8,
    /// The body of a transaction does not decode, or breaks a cheap rule.
    #[error("bad transaction: {0}")]
    BadTransaction(#[source] DecodeError),
}

impl WireError {
    /// Who is to blame.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Magic { .. } => Blame::Incompatible,
            Self::TooLarge { .. }
            | Self::Truncated(_)
            | Self::Trailing { .. }
            | Self::SealedSize(_)
            | Self::UserAgentTooLong(_)
            | Self::UserAgentNotUtf8 => Blame::Malformed,
            Self::NotHandshake { .. }
            | Self::Unexpected(_)
            | Self::UnsolicitedArchive
            | Self::TooManyAddrs(_)
            | Self::BadTransaction(DecodeError::Rule(_) | DecodeError::NrdDisabled) => {
                Blame::Misbehaved
            }
            Self::BadTransaction(_) => Blame::Malformed,
            Self::Names(error) => error.blame(),
        }
    }

    /// Whether the next frame can still be found after this error.
    ///
    /// True where a whole body was taken from the stream and found bad; false where the framing
    /// itself is broken, and then [`FrameDecoder`](super::FrameDecoder) yields nothing more.
    pub fn stays_in_sync(&self) -> bool {
        match self {
            Self::Magic { .. }
            | Self::TooLarge { .. }
            | Self::NotHandshake { .. }
            | Self::Unexpected(_)
            | Self::UnsolicitedArchive => false,
            Self::Truncated(_)
            | Self::Trailing { .. }
            | Self::TooManyAddrs(_)
            | Self::Names(_)
            | Self::SealedSize(_)
            | Self::UserAgentTooLong(_)
            | Self::UserAgentNotUtf8
            | Self::BadTransaction(_) => true,
        }
    }
}

/// Why a message cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The transaction cannot be written at this protocol version.
    #[error("the transaction cannot be written: {0}")]
    Transaction(#[source] scape_aggregate::EncodeError),
    /// A [`Message::Skipped`](super::Message::Skipped) has no body any more.
    #[error("a skipped message of type {0} has no body to write")]
    Skipped(u8),
    /// One message carries at most [`MAX_PEER_ADDRS`](super::MAX_PEER_ADDRS) addresses.
    #[error("{0} peer addresses for one message")]
    TooManyAddrs(usize),
    /// The names break a rule of their message.
    #[error("bad names: {0}")]
    Names(#[from] NamesError),
    /// A user agent has at most [`MAX_USER_AGENT`](super::MAX_USER_AGENT) bytes.
    #[error("a user agent of {0} bytes")]
    UserAgentTooLong(usize),
}

impl EncodeError {
    /// Who is to blame: always this side.
    pub fn blame(&self) -> Blame {
        Blame::Ours
    }
}
