//! From frames to messages.

use super::error::FrameError;
use super::frame::{Fragment, FrameSize};

/// Puts the messages of one link together.
///
/// It holds what has arrived of one message, never more than [`FrameSize::max_message`] bytes; a
/// sender that begins another has given up the first. How many frames a peer may send is not
/// judged here but by the link's [`Meter`](crate::link::Meter).
#[derive(Debug, Clone)]
pub struct Reassembler {
    size: FrameSize,
    partial: Option<Partial>,
}

#[derive(Debug, Clone)]
struct Partial {
    message: u32,
    count: u8,
    next: u8,
    bytes: Vec<u8>,
}

impl Reassembler {
    /// A reassembler for a link on which nothing came yet.
    pub fn new(size: FrameSize) -> Self {
        Self { size, partial: None }
    }

    /// Takes a frame; gives the message that it makes whole.
    ///
    /// # Errors
    ///
    /// One [`FrameError`] per rule. The message that was under way is dropped, and the link may go
    /// on with another.
    pub fn handle_frame(&mut self, frame: &[u8]) -> Result<Option<Vec<u8>>, FrameError> {
        let taken = Fragment::decode(frame, self.size).and_then(|fragment| self.take(&fragment));
        if taken.is_err() {
            self.partial = None;
        }
        taken
    }

    /// How many bytes of an unfinished message are held.
    pub fn held(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.bytes.len())
    }

    fn take(&mut self, fragment: &Fragment<'_>) -> Result<Option<Vec<u8>>, FrameError> {
        if fragment.is_empty() {
            return Ok(None);
        }
        let mut partial = match self.partial.take() {
            _ if fragment.index == 0 => Partial::begin(fragment),
            None => return Err(FrameError::NotBegun(fragment.index)),
            Some(partial) => partial,
        };
        let Partial { message, count, next, .. } = partial;
        if (fragment.message, fragment.count, fragment.index) != (message, count, next) {
            return Err(FrameError::OutOfOrder { expected: next, found: fragment.index });
        }
        partial.bytes.extend_from_slice(fragment.payload);
        partial.next += 1;
        if partial.next == partial.count {
            return Ok(Some(partial.bytes));
        }
        self.partial = Some(partial);
        Ok(None)
    }
}

impl Partial {
    fn begin(fragment: &Fragment<'_>) -> Self {
        let Fragment { message, count, .. } = *fragment;
        Self { message, count, next: 0, bytes: Vec::new() }
    }
}
