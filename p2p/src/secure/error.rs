//! What can go wrong on an encrypted link, one variant per rule.

use crate::wire::Blame;

/// Why an encrypted link does not come about or goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecureError {
    /// The peer does not encrypt, and the owner wants nothing else.
    #[error("the peer does not encrypt, and plain links are refused")]
    PlainRefused,
    /// The handshake proves itself: `Hand`, `Shake` and every message of it are what both sides
    /// saw (Noise, section 5.3).
    #[error("message {0} of the encrypted handshake is not genuine, or Hand or Shake was altered")]
    Handshake(u8),
    /// Nobody talks to itself.
    #[error("encrypted to ourselves")]
    Ourselves,
    /// The handshake is done before records come.
    #[error("the encrypted handshake is not done")]
    NotDone,
    /// A record holds at least its own header.
    #[error("a record of {0} bytes")]
    TooShort(u16),
    /// Records come in order, each once, as they were sent (Noise, section 11.4).
    #[error("a record is not genuine: altered, replayed, out of order, or one is missing")]
    Forged,
    /// The kinds of record are data, noise and close.
    #[error("a record of kind {0}")]
    Kind(u8),
    /// A payload ends within its record.
    #[error("a payload of {0} bytes is longer than its record")]
    Length(u16),
    /// What follows the payload is zero.
    #[error("the padding is not zero")]
    Padding,
    /// Nothing follows a close.
    #[error("more came after the close")]
    AfterClose,
    /// A link ends with a close. Whoever cuts it cannot write one.
    #[error("cut off without a close")]
    Truncated,
    /// One record holds at most [`MAX_PAYLOAD`](super::MAX_PAYLOAD) bytes.
    #[error("{0} bytes for one record")]
    TooLong(usize),
    /// Nothing is sent after our own close.
    #[error("the link was closed by us")]
    Closed,
    /// The Noise library refuses something that is never asked of it.
    #[error("the Noise library failed")]
    Library,
}

impl SecureError {
    /// Who is to blame.
    ///
    /// What fails to authenticate may be the work of somebody in between. It counts as
    /// [`Blame::Malformed`] all the same, as anything unreadable does on a plain link: who sits in
    /// between could make the peer look as bad there.
    pub fn blame(&self) -> Blame {
        match self {
            Self::PlainRefused => Blame::Incompatible,
            Self::Handshake(_) | Self::TooShort(_) | Self::Forged => Blame::Malformed,
            Self::Kind(_) | Self::Length(_) | Self::Padding | Self::AfterClose => Blame::Misbehaved,
            Self::Ourselves
            | Self::NotDone
            | Self::Truncated
            | Self::TooLong(_)
            | Self::Closed
            | Self::Library => Blame::Ours,
        }
    }
}
