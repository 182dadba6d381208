//! What can be wrong with frames and messages, one variant per rule.

use crate::wire::Blame;

/// Why a frame is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// All frames of a zone have one size.
    #[error("a frame of {found} bytes instead of {expected}")]
    Size {
        /// What came.
        found: usize,
        /// The size in this zone.
        expected: usize,
    },
    /// What follows the payload is zero.
    #[error("the padding is not zero")]
    Padding,
    /// A message has at most [`MAX_FRAGMENTS`](super::MAX_FRAGMENTS) fragments.
    #[error("a message of {0} fragments")]
    Count(u8),
    /// Fragments are counted from 0 up to their number.
    #[error("fragment {index} of {count}")]
    Index {
        /// The place claimed.
        index: u8,
        /// The number of fragments claimed.
        count: u8,
    },
    /// The last fragment is not empty, the others are full, and an empty frame is empty.
    #[error("{length} bytes in fragment {index} of {count}")]
    Length {
        /// The length claimed.
        length: u16,
        /// The place claimed.
        index: u8,
        /// The number of fragments claimed.
        count: u8,
    },
    /// A message begins with its first fragment.
    #[error("fragment {0} of a message that did not begin")]
    NotBegun(u8),
    /// Once begun, a message goes on with its next fragment, or another begins: fragments of two
    /// messages do not mix, and none is left out or repeated.
    #[error("fragment {found} where {expected} was due")]
    OutOfOrder {
        /// The place that was due.
        expected: u8,
        /// The place that came, or that of another message.
        found: u8,
    },
}

impl FrameError {
    /// Who is to blame. A link keeps order, so no error is an accident of the network.
    pub fn blame(&self) -> Blame {
        match self {
            // Somebody may have configured another size.
            Self::Size { .. } => Blame::Incompatible,
            Self::Padding | Self::Index { .. } | Self::Length { .. } => Blame::Malformed,
            Self::Count(_) | Self::NotBegun(_) | Self::OutOfOrder { .. } => Blame::Misbehaved,
        }
    }
}

/// Why a message is not queued. Its owner is told; nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// A message has at least one byte.
    #[error("an empty message")]
    Empty,
    /// A message fits [`MAX_FRAGMENTS`](super::MAX_FRAGMENTS) frames.
    #[error("a message of {length} bytes where white noise carries at most {limit}")]
    TooLong {
        /// The length of the message in bytes.
        length: usize,
        /// The longest message in bytes.
        limit: usize,
    },
    /// A message goes out on the channel to whom it is for.
    #[error("no channel goes to this peer")]
    NoChannel,
    /// As much is waiting as may, and nobody has more of it than this source.
    #[error("the queue is full")]
    Full,
}

impl QueueError {
    /// Who is to blame: always this side.
    pub fn blame(&self) -> Blame {
        Blame::Ours
    }
}
