//! What the messages of a link travel in: nothing, or the records of an encrypted link.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::secure::{Record, SecureError, SecureLink};
use crate::wire::FrameDecoder;

/// The way of messages to bytes of the socket and back.
#[derive(Debug)]
pub(super) enum Cover {
    /// As they are, as Grin does it.
    Plain,
    /// In records. The reader and the writer of a link take turns, so neither waits for the other.
    Sealed(Box<Mutex<SecureLink>>),
}

/// What came out of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// A part of the stream of messages; the decoder has it.
    Data,
    /// A frame of white noise.
    Noise(Bytes),
    /// The peer will say no more.
    Close,
}

impl Cover {
    pub(super) fn sealed(link: SecureLink) -> Self {
        Self::Sealed(Box::new(Mutex::new(link)))
    }

    pub(super) fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed(_))
    }

    fn link(&self) -> Option<MutexGuard<'_, SecureLink>> {
        match self {
            Self::Plain => None,
            Self::Sealed(link) => Some(link.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// One whole message as it goes on the socket.
    pub(super) fn seal(&self, frame: Bytes) -> Result<Bytes, SecureError> {
        let Some(mut link) = self.link() else { return Ok(frame) };
        let mut out = Vec::new();
        link.seal_data(&frame, &mut out)?;
        Ok(out.into())
    }

    /// A frame of white noise as it goes on the socket.
    pub(super) fn seal_noise(&self, frame: &[u8]) -> Result<Bytes, SecureError> {
        let mut out = Vec::new();
        // Without a link nothing is made of it: no frame gets here.
        if let Some(mut link) = self.link() {
            link.seal_noise(frame, &mut out)?;
        }
        Ok(out.into())
    }

    /// The last thing on the socket: what tells a peer that the end is meant.
    pub(super) fn seal_close(&self) -> Result<Bytes, SecureError> {
        let mut out = Vec::new();
        if let Some(mut link) = self.link() {
            link.seal_close(&mut out)?;
        }
        Ok(out.into())
    }

    /// Takes bytes as they came from the socket.
    pub(super) fn push(&self, bytes: &[u8], decoder: &mut FrameDecoder) {
        match self.link() {
            Some(mut link) => link.push(bytes),
            None => decoder.push(bytes),
        }
    }

    /// Opens the next record, if one is whole. Without records there is none.
    pub(super) fn open(&self, decoder: &mut FrameDecoder) -> Result<Option<Opened>, SecureError> {
        let Some(mut link) = self.link() else { return Ok(None) };
        Ok(link.next()?.map(|record| match record {
            Record::Data(bytes) => {
                decoder.push(bytes);
                Opened::Data
            }
            Record::Noise(frame) => Opened::Noise(Bytes::copy_from_slice(frame)),
            Record::Close => Opened::Close,
        }))
    }

    /// Whether a record has begun and is not whole yet.
    pub(super) fn is_mid_record(&self) -> bool {
        self.link().is_some_and(|link| link.is_mid_record())
    }

    /// The socket has ended.
    pub(super) fn handle_eof(&self) -> Result<(), SecureError> {
        self.link().map_or(Ok(()), |link| link.handle_eof())
    }
}
