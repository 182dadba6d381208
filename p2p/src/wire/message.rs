//! A message, and its way to bytes and back.

use std::net::SocketAddr;

use bytes::Bytes;
use scape_aggregate::{Consensus, Hash, ProtocolVersion, Transaction};

use crate::addr::{PeerAddr, decode_addrs, encode_addrs};
use crate::dandelion::rendezvous::{SIZES, SinkKey, decode_keys, encode_keys};
use crate::peer::Capabilities;
use crate::secure::PublicKey;

use super::body::{BanReason, Cursor, Hand, Shake, Short, Tip, put_addrs, take_addrs};
use super::error::{EncodeError, WireError};
use super::kind::{FrameHeader, HEADER_LEN, MessageType};

/// What one node says to another, as far as a relay cares.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// First half of the handshake.
    Hand(Hand),
    /// Second half of the handshake.
    Shake(Shake),
    /// Asks for a [`Message::Pong`], and tells the sender's tip.
    Ping(Tip),
    /// Answers a [`Message::Ping`].
    Pong(Tip),
    /// Asks for addresses of peers that can do all of this.
    GetPeerAddrs(Capabilities),
    /// Addresses of peers, at most [`MAX_PEER_ADDRS`](super::MAX_PEER_ADDRS).
    PeerAddrs(Vec<SocketAddr>),
    /// Addresses of peers on any network, at most [`MAX_NAMES`](crate::addr::MAX_NAMES). Ours: Grin
    /// nodes neither send it nor know it.
    PeerNames(Vec<PeerAddr>),
    /// A stem transaction that only its sink can read, to be carried on. Ours, too.
    SealedStem {
        /// The key of the sink.
        sink: PublicKey,
        /// What [`seal`](crate::dandelion::rendezvous::seal) made.
        sealed: Bytes,
    },
    /// Nodes that may be sinks, with their keys, at most
    /// [`MAX_KEYS`](crate::dandelion::rendezvous::MAX_KEYS). Ours, too.
    SinkKeys(Vec<SinkKey>),
    /// A transaction in its stem phase: for the receiver alone.
    StemTransaction(Transaction),
    /// A public transaction.
    Transaction(Transaction),
    /// A public transaction exists; this is the hash of its first kernel.
    TransactionKernel(Hash),
    /// Asks for the public transaction that was announced with this hash.
    GetTransaction(Hash),
    /// The sender is about to ban the receiver.
    BanReason(BanReason),
    /// A message of this type came and was thrown away unread: blocks, headers, chain state,
    /// requests for them, and types that are unknown.
    Skipped(u8),
}

impl Message {
    /// The byte of the message's type.
    pub fn kind(&self) -> u8 {
        let kind = match self {
            Self::Hand(_) => MessageType::Hand,
            Self::Shake(_) => MessageType::Shake,
            Self::Ping(_) => MessageType::Ping,
            Self::Pong(_) => MessageType::Pong,
            Self::GetPeerAddrs(_) => MessageType::GetPeerAddrs,
            Self::PeerAddrs(_) => MessageType::PeerAddrs,
            Self::PeerNames(_) => MessageType::PeerNames,
            Self::SealedStem { .. } => MessageType::SealedStem,
            Self::SinkKeys(_) => MessageType::SinkKeys,
            Self::StemTransaction(_) => MessageType::StemTransaction,
            Self::Transaction(_) => MessageType::Transaction,
            Self::TransactionKernel(_) => MessageType::TransactionKernel,
            Self::GetTransaction(_) => MessageType::GetTransaction,
            Self::BanReason(_) => MessageType::BanReason,
            Self::Skipped(kind) => return *kind,
        };
        kind.byte()
    }

    /// Whether the sender tells of a block that is not in a chain of so much work, as far as can be
    /// seen: of blocks that are thrown away unread it is assumed.
    pub fn tells_of_block(&self, total_difficulty: u64) -> bool {
        let block = [MessageType::Header, MessageType::CompactBlock, MessageType::Block];
        match self {
            Self::Ping(tip) | Self::Pong(tip) => tip.total_difficulty > total_difficulty,
            Self::Skipped(kind) => block.iter().any(|block| block.byte() == *kind),
            _ => false,
        }
    }

    /// The message as a whole frame, at the protocol version that the link agreed on.
    ///
    /// # Errors
    ///
    /// One [`EncodeError`] per rule; nothing that [`FrameDecoder`](super::FrameDecoder) yields but
    /// [`Message::Skipped`] fails at the version that it came with.
    pub fn encode(&self, version: ProtocolVersion, magic: [u8; 2]) -> Result<Bytes, EncodeError> {
        let mut out = vec![0; HEADER_LEN];
        self.put_body(version, &mut out)?;
        let length = (out.len() - HEADER_LEN) as u64;
        let header = FrameHeader { kind: self.kind(), length }.encode(magic);
        out[..HEADER_LEN].copy_from_slice(&header);
        Ok(out.into())
    }

    fn put_body(&self, version: ProtocolVersion, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Hand(hand) => hand.put(out)?,
            Self::Shake(shake) => shake.put(out)?,
            Self::Ping(tip) | Self::Pong(tip) => tip.put(out),
            Self::GetPeerAddrs(capabilities) => out.extend(capabilities.bits().to_be_bytes()),
            Self::PeerAddrs(addrs) => put_addrs(out, addrs)?,
            Self::PeerNames(addrs) => out.extend(encode_addrs(addrs)?),
            Self::SealedStem { sink, sealed } => {
                out.extend(sink.0);
                out.extend(sealed);
            }
            Self::SinkKeys(keys) => out.extend(encode_keys(keys)?),
            Self::StemTransaction(tx) | Self::Transaction(tx) => {
                tx.encode_to(version, out).map_err(EncodeError::Transaction)?;
            }
            Self::TransactionKernel(hash) | Self::GetTransaction(hash) => out.extend(hash.0),
            Self::BanReason(reason) => out.extend(reason.0.to_be_bytes()),
            Self::Skipped(kind) => return Err(EncodeError::Skipped(*kind)),
        }
        Ok(())
    }

    /// Reads a body that arrived whole.
    pub(super) fn decode(
        kind: MessageType,
        body: &[u8],
        version: ProtocolVersion,
        consensus: &Consensus,
    ) -> Result<Self, WireError> {
        let short = |_: Short| WireError::Truncated(kind);
        let mut cursor = Cursor::new(body);
        let message = match kind {
            MessageType::StemTransaction | MessageType::Transaction => {
                return decode_transaction(kind, body, version, consensus);
            }
            MessageType::PeerNames => return Ok(Self::PeerNames(decode_addrs(body)?)),
            MessageType::SealedStem => return decode_sealed(body),
            MessageType::SinkKeys => return Ok(Self::SinkKeys(decode_keys(body)?)),
            MessageType::Hand => Self::Hand(Hand::take(&mut cursor)?),
            MessageType::Shake => Self::Shake(Shake::take(&mut cursor)?),
            MessageType::Ping => Self::Ping(Tip::take(&mut cursor).map_err(short)?),
            MessageType::Pong => Self::Pong(Tip::take(&mut cursor).map_err(short)?),
            MessageType::GetPeerAddrs => {
                let bits = cursor.u32().map_err(short)?;
                Self::GetPeerAddrs(Capabilities::from_bits(bits))
            }
            MessageType::PeerAddrs => Self::PeerAddrs(take_addrs(&mut cursor)?),
            MessageType::TransactionKernel => {
                Self::TransactionKernel(Hash(cursor.fixed().map_err(short)?))
            }
            MessageType::GetTransaction => {
                Self::GetTransaction(Hash(cursor.fixed().map_err(short)?))
            }
            MessageType::BanReason => Self::BanReason(BanReason::take(&mut cursor)),
            other => return Ok(Self::Skipped(other.byte())),
        };
        match cursor.remaining() {
            0 => Ok(message),
            extra => Err(WireError::Trailing { kind, extra }),
        }
    }
}

fn decode_sealed(body: &[u8]) -> Result<Message, WireError> {
    let (sink, sealed) = body.split_first_chunk().ok_or(WireError::SealedSize(body.len()))?;
    if !SIZES.contains(&sealed.len()) {
        return Err(WireError::SealedSize(sealed.len()));
    }
    Ok(Message::SealedStem { sink: PublicKey(*sink), sealed: Bytes::copy_from_slice(sealed) })
}

fn decode_transaction(
    kind: MessageType,
    body: &[u8],
    version: ProtocolVersion,
    consensus: &Consensus,
) -> Result<Message, WireError> {
    let tx = Transaction::decode(body, version, consensus).map_err(WireError::BadTransaction)?;
    Ok(match kind {
        MessageType::StemTransaction => Message::StemTransaction(tx),
        _ => Message::Transaction(tx),
    })
}
