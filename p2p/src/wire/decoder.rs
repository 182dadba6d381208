//! From a stream of bytes to messages.

use bytes::{Buf, BytesMut};

use scape_aggregate::{Consensus, ProtocolVersion};

use super::error::WireError;
use super::kind::{FrameHeader, HEADER_LEN, MessageType};
use super::message::Message;

/// The read buffer is given back after a message longer than this.
const KEEP_CAPACITY: usize = 64 * 1024;

/// Cuts a stream into messages.
///
/// Feed it with [`push`](Self::push), then call [`next`](Self::next) until it yields `Ok(None)`.
/// It starts before the handshake, where it reads exactly one message, the [`Hand`](super::Hand)
/// or [`Shake`](super::Shake) it was made for; then it waits for [`open`](Self::open).
///
/// Bytes of messages that are skipped are dropped on each call of `next`; of others it holds what
/// has arrived, at most the limit of the type and what was pushed since.
#[derive(Debug)]
pub struct FrameDecoder {
    consensus: Consensus,
    stage: Stage,
    state: State,
    buffer: BytesMut,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// This half of the handshake is due.
    Handshake(MessageType),
    /// It came, and was not answered for yet.
    Greeted,
    /// Everything goes, at this version.
    Open(ProtocolVersion),
}

#[derive(Debug, Clone, Copy)]
enum State {
    Header,
    Body { kind: MessageType, length: usize },
    Skip { kind: u8, left: u64 },
    Failed,
}

impl FrameDecoder {
    /// A decoder for the side that was connected to: a `Hand` is due.
    pub fn expect_hand(consensus: Consensus) -> Self {
        Self::new(consensus, Stage::Handshake(MessageType::Hand))
    }

    /// A decoder for the side that connected: a `Shake` is due.
    pub fn expect_shake(consensus: Consensus) -> Self {
        Self::new(consensus, Stage::Handshake(MessageType::Shake))
    }

    /// A decoder for a link whose handshake is done.
    pub fn opened(consensus: Consensus, version: ProtocolVersion) -> Self {
        Self::new(consensus, Stage::Open(version))
    }

    fn new(consensus: Consensus, stage: Stage) -> Self {
        Self { consensus, stage, state: State::Header, buffer: BytesMut::new() }
    }

    /// The handshake is done; from now on every message is read, at this version.
    pub fn open(&mut self, version: ProtocolVersion) {
        self.stage = Stage::Open(version);
    }

    /// Takes bytes as they came from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Failed) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Takes out what came after the handshake, when it turns out to be no stream of messages.
    pub fn take_rest(&mut self) -> BytesMut {
        std::mem::take(&mut self.buffer)
    }

    /// How many bytes are held.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Whether a frame has begun and is not whole yet.
    pub fn is_mid_frame(&self) -> bool {
        !self.buffer.is_empty() || !matches!(self.state, State::Header | State::Failed)
    }

    /// The next message, or `None` until more bytes come.
    ///
    /// # Errors
    ///
    /// One [`WireError`] per rule. Where [`WireError::stays_in_sync`] holds the bad message is gone
    /// and the next call goes on behind it; else the decoder has dropped its bytes and yields
    /// `None` for ever.
    #[expect(clippy::should_implement_trait, reason = "not an iterator: None means not yet")]
    pub fn next(&mut self) -> Result<Option<Message>, WireError> {
        loop {
            match self.state {
                State::Failed => return Ok(None),
                State::Header => match self.take_header() {
                    Ok(Some(state)) => self.state = state,
                    Ok(None) => return Ok(None),
                    Err(error) => return Err(self.fail(error)),
                },
                State::Body { kind, length } if self.buffer.len() >= length => {
                    return self.take_body(kind, length).map(Some);
                }
                State::Body { .. } => return Ok(None),
                State::Skip { kind, left } => return Ok(self.skip(kind, left)),
            }
        }
    }

    fn fail(&mut self, error: WireError) -> WireError {
        self.state = State::Failed;
        self.buffer = BytesMut::new();
        error
    }

    fn take_header(&mut self) -> Result<Option<State>, WireError> {
        if matches!(self.stage, Stage::Greeted) {
            return Ok(None);
        }
        self.check_magic()?;
        let Some(bytes) = self.buffer.first_chunk::<HEADER_LEN>() else {
            return Ok(None);
        };
        let [_, _, kind, length @ ..] = *bytes;
        let header = FrameHeader { kind, length: u64::from_be_bytes(length) };
        let state = self.admit(header)?;
        self.buffer.advance(HEADER_LEN);
        Ok(Some(state))
    }

    /// Looks at what is there: a stranger's first byte is enough to hang up.
    fn check_magic(&self) -> Result<(), WireError> {
        let expected = self.consensus.chain.magic();
        let found = &self.buffer[..self.buffer.len().min(expected.len())];
        if expected.starts_with(found) {
            return Ok(());
        }
        Err(WireError::Magic { expected, found: found.to_vec() })
    }

    fn admit(&self, header: FrameHeader) -> Result<State, WireError> {
        let FrameHeader { kind: byte, length } = header;
        let kind = MessageType::from_byte(byte);
        if let Stage::Handshake(expected) = self.stage
            && kind != Some(expected)
        {
            return Err(WireError::NotHandshake { expected, found: byte });
        }
        let chain = self.consensus.chain;
        let limit = kind.map_or(MessageType::unknown_limit(chain), |kind| kind.limit(chain));
        if length > limit {
            return Err(WireError::TooLarge { kind: byte, length, limit });
        }
        let Some(kind) = kind.filter(|kind| !kind.is_skipped()) else {
            return Ok(State::Skip { kind: byte, left: length });
        };
        match (self.stage, kind) {
            (_, MessageType::TxHashSetArchive) => Err(WireError::UnsolicitedArchive),
            (_, MessageType::Error) | (Stage::Open(_), MessageType::Hand | MessageType::Shake) => {
                Err(WireError::Unexpected(kind))
            }
            // At most the limit, which a usize of 32 bits holds.
            _ => Ok(State::Body { kind, length: length as usize }),
        }
    }

    fn take_body(&mut self, kind: MessageType, length: usize) -> Result<Message, WireError> {
        let version = match self.stage {
            Stage::Open(version) => version,
            Stage::Handshake(_) | Stage::Greeted => {
                self.stage = Stage::Greeted;
                ProtocolVersion::LOCAL
            }
        };
        let message = Message::decode(kind, &self.buffer[..length], version, &self.consensus);
        self.state = State::Header;
        self.buffer.advance(length);
        self.shrink_after(length);
        message
    }

    fn skip(&mut self, kind: u8, left: u64) -> Option<Message> {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
        self.buffer.advance(here);
        self.shrink_after(here);
        let left = left - here as u64;
        if left > 0 {
            self.state = State::Skip { kind, left };
            return None;
        }
        self.state = State::Header;
        Some(Message::Skipped(kind))
    }

    /// Gives memory back: a large message must not cost its size for the rest of the link.
    fn shrink_after(&mut self, length: usize) {
        if length > KEEP_CAPACITY {
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
    }
}
