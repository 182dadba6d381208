//! Records: what an encrypted link consists of.

use std::fmt;

use bytes::{Buf, BytesMut};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use snow::TransportState;

use super::error::SecureError;
use super::keys::PublicKey;
use super::padding::{INNER_LEN, MAX_INSIDE, MAX_PAYLOAD, PREFIX_LEN, TAG_LEN, class_of};

/// After this many records in one direction its key changes.
pub const REKEY_RECORDS: u64 = 1_024;

/// After this many bytes in one direction its key changes, if it did not before.
pub const REKEY_BYTES: u64 = 16 << 20;

/// What a record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// A piece of the stream that Grin's frames are in. It may end anywhere.
    Data(&'a [u8]),
    /// A frame of white noise.
    Noise(&'a [u8]),
    /// The peer has said all it will.
    Close,
}

const DATA: u8 = 0;
const NOISE: u8 = 1;
const CLOSE: u8 = 2;

/// An encrypted link whose handshake is done.
///
/// Seal what is to be sent; [`push`](Self::push) what came and call [`next`](Self::next) until it
/// yields `Ok(None)`. It holds one record at most and what was pushed since.
pub struct SecureLink {
    noise: TransportState,
    remote: PublicKey,
    sending: Direction,
    receiving: Direction,
    /// The inside of the record that is being sealed or was opened last.
    inside: Vec<u8>,
    buffer: BytesMut,
    state: State,
    closed: bool,
}

/// What both sides count alike for one direction.
struct Direction {
    mask: ChaCha20Rng,
    records: u64,
    bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Prefix,
    Body(usize),
    Ended,
    Failed,
}

impl SecureLink {
    pub(super) fn new(
        noise: TransportState,
        remote: PublicKey,
        sending_seed: [u8; 32],
        receiving_seed: [u8; 32],
    ) -> Self {
        Self {
            noise,
            remote,
            sending: Direction::new(sending_seed),
            receiving: Direction::new(receiving_seed),
            inside: vec![0; MAX_INSIDE],
            buffer: BytesMut::new(),
            state: State::Prefix,
            closed: false,
        }
    }

    /// The key that the peer proved to have.
    pub fn remote(&self) -> PublicKey {
        self.remote
    }

    /// Appends bytes of the stream to `out`, in as few records as hold them, the last of which is
    /// padded. Each call costs at least one record, so hand in whole messages.
    ///
    /// # Errors
    ///
    /// [`SecureError::Closed`] after our own close.
    pub fn seal_data(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SecureError> {
        bytes.chunks(MAX_PAYLOAD).try_for_each(|payload| {
            self.seal(DATA, payload, class_of(INNER_LEN + payload.len()), out)
        })
    }

    /// Appends a frame of white noise to `out` as one record. Frames of one size are records of one
    /// size.
    ///
    /// # Errors
    ///
    /// [`SecureError::TooLong`] beyond [`MAX_PAYLOAD`], and [`SecureError::Closed`] after our own
    /// close.
    pub fn seal_noise(&mut self, frame: &[u8], out: &mut Vec<u8>) -> Result<(), SecureError> {
        if frame.len() > MAX_PAYLOAD {
            return Err(SecureError::TooLong(frame.len()));
        }
        self.seal(NOISE, frame, INNER_LEN + frame.len(), out)
    }

    /// Appends our close to `out`. Nothing can be sealed after it.
    ///
    /// # Errors
    ///
    /// [`SecureError::Closed`] the second time.
    pub fn seal_close(&mut self, out: &mut Vec<u8>) -> Result<(), SecureError> {
        self.seal(CLOSE, &[], class_of(INNER_LEN), out)?;
        self.closed = true;
        Ok(())
    }

    fn seal(
        &mut self,
        kind: u8,
        payload: &[u8],
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), SecureError> {
        if self.closed {
            return Err(SecureError::Closed);
        }
        let inside = &mut self.inside[..size];
        let (header, rest) = inside.split_at_mut(INNER_LEN);
        let (body, padding) = rest.split_at_mut(payload.len());
        header[0] = kind;
        header[1..].copy_from_slice(&(payload.len() as u16).to_be_bytes());
        body.copy_from_slice(payload);
        padding.fill(0);
        let start = out.len();
        let length = size + TAG_LEN;
        out.extend((length as u16 ^ self.sending.next_mask()).to_be_bytes());
        out.resize(start + PREFIX_LEN + length, 0);
        let sealed = self.noise.write_message(inside, &mut out[start + PREFIX_LEN..]);
        if sealed != Ok(length) {
            out.truncate(start);
            return Err(SecureError::Library);
        }
        if self.sending.is_rekey_due(size) {
            self.noise.rekey_outgoing();
        }
        Ok(())
    }

    /// Takes bytes as they came from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.state != State::Failed {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// How many bytes are held.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Whether a record has begun and is not whole yet.
    pub fn is_mid_record(&self) -> bool {
        !self.buffer.is_empty() || matches!(self.state, State::Body(_))
    }

    /// The next record, or `None` until more bytes come.
    ///
    /// # Errors
    ///
    /// One [`SecureError`] per rule. The link is over then, and yields `None` for ever.
    #[expect(clippy::should_implement_trait, reason = "not an iterator: None means not yet")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, SecureError> {
        match self.open() {
            Ok(None) => Ok(None),
            Ok(Some((kind, length))) => {
                let payload = &self.inside[INNER_LEN..INNER_LEN + length];
                Ok(Some(match kind {
                    DATA => Record::Data(payload),
                    NOISE => Record::Noise(payload),
                    _ => Record::Close,
                }))
            }
            Err(error) => {
                self.state = State::Failed;
                self.buffer = BytesMut::new();
                Err(error)
            }
        }
    }

    /// The stream has ended.
    ///
    /// # Errors
    ///
    /// [`SecureError::Truncated`] if the peer had not closed.
    pub fn handle_eof(&self) -> Result<(), SecureError> {
        match self.state {
            State::Ended => Ok(()),
            State::Prefix | State::Body(_) | State::Failed => Err(SecureError::Truncated),
        }
    }

    /// Opens the next record; its kind and the length of its payload.
    fn open(&mut self) -> Result<Option<(u8, usize)>, SecureError> {
        if self.state == State::Prefix {
            let Some(prefix) = self.buffer.first_chunk::<PREFIX_LEN>() else { return Ok(None) };
            let length = u16::from_be_bytes(*prefix) ^ self.receiving.next_mask();
            if usize::from(length) < INNER_LEN + TAG_LEN {
                return Err(SecureError::TooShort(length));
            }
            self.buffer.advance(PREFIX_LEN);
            self.state = State::Body(length.into());
        }
        match self.state {
            State::Body(length) if self.buffer.len() >= length => self.open_body(length).map(Some),
            State::Ended if !self.buffer.is_empty() => Err(SecureError::AfterClose),
            State::Prefix | State::Body(_) | State::Ended | State::Failed => Ok(None),
        }
    }

    fn open_body(&mut self, length: usize) -> Result<(u8, usize), SecureError> {
        let opened = self.noise.read_message(&self.buffer[..length], &mut self.inside);
        let size = opened.map_err(|_| SecureError::Forged)?;
        self.buffer.advance(length);
        if self.receiving.is_rekey_due(size) {
            self.noise.rekey_incoming();
        }
        let (kind, payload) = look_inside(&self.inside[..size])?;
        self.state = if kind == CLOSE { State::Ended } else { State::Prefix };
        Ok((kind, payload))
    }
}

/// Checks what was authenticated, and so comes from the peer itself.
fn look_inside(inside: &[u8]) -> Result<(u8, usize), SecureError> {
    let Some((&[kind, high, low], rest)) = inside.split_first_chunk::<INNER_LEN>() else {
        return Err(SecureError::Forged);
    };
    if kind > CLOSE {
        return Err(SecureError::Kind(kind));
    }
    let length = u16::from_be_bytes([high, low]);
    let (_, padding) = rest.split_at_checked(length.into()).ok_or(SecureError::Length(length))?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(SecureError::Padding);
    }
    Ok((kind, length.into()))
}

impl Direction {
    fn new(seed: [u8; 32]) -> Self {
        Self { mask: ChaCha20Rng::from_seed(seed), records: 0, bytes: 0 }
    }

    fn next_mask(&mut self) -> u16 {
        self.mask.next_u32() as u16
    }

    /// Counts a record; whether the key changes after it.
    fn is_rekey_due(&mut self, bytes: usize) -> bool {
        self.records += 1;
        self.bytes += bytes as u64;
        let due = self.records >= REKEY_RECORDS || self.bytes >= REKEY_BYTES;
        if due {
            (self.records, self.bytes) = (0, 0);
        }
        due
    }
}

impl fmt::Debug for SecureLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecureLink").field("remote", &self.remote).finish_non_exhaustive()
    }
}
