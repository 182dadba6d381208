//! One frame as bytes.
//!
//! `message (u32) ++ index (u8) ++ count (u8) ++ length (u16) ++ payload ++ zeros`, big-endian. A
//! frame with count 0 is empty. All fragments of a message but the last are full, so that there is
//! one way only to cut a message.

use super::error::FrameError;

/// Bytes of a frame before its payload.
pub const HEADER_LEN: usize = 8;

/// The most frames that a message is cut into.
pub const MAX_FRAGMENTS: u8 = 20;

/// The size of every frame of a zone, in bytes.
///
/// Both ends must have the same. Changing it splits a zone into those who can hear each other and
/// those who cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameSize(u16);

impl FrameSize {
    /// 3,072 bytes, as in Monero: 20 of them are 61,440 bytes.
    pub const DEFAULT: Self = Self(3_072);
    /// The smallest.
    pub const MIN: u16 = 64;
    /// The largest: what fits one record of an encrypted link.
    pub const MAX: u16 = 65_000;

    /// A size from [`FrameSize::MIN`] to [`FrameSize::MAX`], or `None`.
    pub const fn new(bytes: u16) -> Option<Self> {
        if bytes < Self::MIN || bytes > Self::MAX {
            return None;
        }
        Some(Self(bytes))
    }

    /// The size in bytes.
    pub const fn bytes(self) -> usize {
        self.0 as usize
    }

    /// How much of a message fits one frame, in bytes.
    pub const fn payload(self) -> usize {
        self.bytes() - HEADER_LEN
    }

    /// The longest message, in bytes: 61,280 at the default size.
    pub const fn max_message(self) -> usize {
        self.payload() * MAX_FRAGMENTS as usize
    }

    /// How many frames a message of this length takes, or `None` if it is empty or too long.
    pub fn fragments(self, length: usize) -> Option<u8> {
        let count = u8::try_from(length.div_ceil(self.payload())).ok()?;
        (1..=MAX_FRAGMENTS).contains(&count).then_some(count)
    }
}

impl Default for FrameSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Drawn by the sender for each sending of a message; of no meaning in an empty frame.
    pub message: u32,
    /// Which fragment this is, from 0.
    pub index: u8,
    /// How many there are; 0 in an empty frame.
    pub count: u8,
    /// The part of the message.
    pub payload: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Nothing.
    pub(super) const fn empty(message: u32) -> Self {
        Self { message, index: 0, count: 0, payload: &[] }
    }

    /// Part `index` of a message, counted from 0.
    pub(super) fn of(message: u32, index: u8, bytes: &'a [u8], size: FrameSize) -> Option<Self> {
        let count = size.fragments(bytes.len())?;
        let payload = bytes.chunks(size.payload()).nth(usize::from(index))?;
        Some(Self { message, index, count, payload })
    }

    /// Whether the frame carries nothing.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes the frame. What does not fit the size is cut off; nothing made here is that long.
    pub(super) fn encode(&self, size: FrameSize) -> Vec<u8> {
        let mut frame = vec![0; size.bytes()];
        let (header, body) = frame.split_at_mut(HEADER_LEN);
        let payload = &self.payload[..self.payload.len().min(body.len())];
        header[..4].copy_from_slice(&self.message.to_be_bytes());
        header[4] = self.index;
        header[5] = self.count;
        header[6..].copy_from_slice(&(payload.len() as u16).to_be_bytes());
        body[..payload.len()].copy_from_slice(payload);
        frame
    }

    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// One [`FrameError`] per rule about a frame by itself.
    pub fn decode(frame: &'a [u8], size: FrameSize) -> Result<Self, FrameError> {
        let wrong = FrameError::Size { found: frame.len(), expected: size.bytes() };
        if frame.len() != size.bytes() {
            return Err(wrong);
        }
        let (header, body) = frame.split_first_chunk::<HEADER_LEN>().ok_or(wrong)?;
        let [a, b, c, d, index, count, high, low] = *header;
        let length = u16::from_be_bytes([high, low]);
        let Some((payload, padding)) = body.split_at_checked(usize::from(length)) else {
            return Err(FrameError::Length { length, index, count });
        };
        if padding.iter().any(|byte| *byte != 0) {
            return Err(FrameError::Padding);
        }
        let fragment = Self { message: u32::from_be_bytes([a, b, c, d]), index, count, payload };
        fragment.check(size).map(|()| fragment)
    }

    fn check(&self, size: FrameSize) -> Result<(), FrameError> {
        let Self { index, count, payload, .. } = *self;
        let length = payload.len();
        if count > MAX_FRAGMENTS {
            return Err(FrameError::Count(count));
        }
        if index >= count.max(1) {
            return Err(FrameError::Index { index, count });
        }
        let fits = match (count, index + 1 == count) {
            (0, _) => length == 0,
            (_, true) => length > 0,
            (_, false) => length == size.payload(),
        };
        if fits { Ok(()) } else { Err(FrameError::Length { length: length as u16, index, count }) }
    }
}
