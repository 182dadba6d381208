//! Message types, the header of a frame, and how long a body may be.

use scape_aggregate::{ChainType, Weight};

use super::body::MAX_PEER_ADDRS;
use crate::addr::{MAX_NAMES_BODY, PEER_NAMES};
use crate::dandelion::rendezvous::{MAX_KEYS_BODY, MAX_SEALED, SEALED_STEM, SINK_KEYS};

/// Bytes of a frame's header: magic 2, type 1, length 8.
pub const HEADER_LEN: usize = 11;

/// A reader allows bodies of this many times the listed size (`grin_p2p::msg`, "4x the limits").
const SLACK: u64 = 4;

/// The types of message that Grin 5.5 knows, with their bytes (`grin_p2p::msg::Type`), and one of
/// our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MessageType {
    /// An error report; its listed size is zero, so it carries nothing.
    Error = 0,
    /// First half of the handshake.
    Hand = 1,
    /// Second half of the handshake.
    Shake = 2,
    /// Are you there, and this is my tip.
    Ping = 3,
    /// The answer to a ping.
    Pong = 4,
    /// Asks for addresses of peers.
    GetPeerAddrs = 5,
    /// Addresses of peers.
    PeerAddrs = 6,
    /// Asks for block headers.
    GetHeaders = 7,
    /// One block header.
    Header = 8,
    /// Many block headers.
    Headers = 9,
    /// Asks for a block.
    GetBlock = 10,
    /// A block.
    Block = 11,
    /// Asks for a compact block.
    GetCompactBlock = 12,
    /// A compact block.
    CompactBlock = 13,
    /// A transaction in its stem phase.
    StemTransaction = 14,
    /// A public transaction.
    Transaction = 15,
    /// Asks for an archive of the chain state.
    TxHashSetRequest = 16,
    /// An archive of the chain state, which follows outside the frame.
    TxHashSetArchive = 17,
    /// Why the sender is about to ban us.
    BanReason = 18,
    /// Asks for a public transaction by the hash of a kernel.
    GetTransaction = 19,
    /// Announces a public transaction by the hash of its first kernel.
    TransactionKernel = 20,
    /// Asks for a segment of the output bitmap.
    GetOutputBitmapSegment = 21,
    /// A segment of the output bitmap.
    OutputBitmapSegment = 22,
    /// Asks for a segment of the outputs.
    GetOutputSegment = 23,
    /// A segment of the outputs.
    OutputSegment = 24,
    /// Asks for a segment of the range proofs.
    GetRangeProofSegment = 25,
    /// A segment of the range proofs.
    RangeProofSegment = 26,
    /// Asks for a segment of the kernels.
    GetKernelSegment = 27,
    /// A segment of the kernels.
    KernelSegment = 28,
    /// Addresses of peers on any network, for peers that say
    /// [`Capabilities::ENCRYPTED`](crate::peer::Capabilities::ENCRYPTED).
    PeerNames = PEER_NAMES,
    /// A stem transaction that is sealed to a sink, for the same peers.
    SealedStem = SEALED_STEM,
    /// Keys of nodes that may be sinks, for the same peers.
    SinkKeys = SINK_KEYS,
}

impl MessageType {
    /// Those of Grin, each at its byte.
    const GRIN: [Self; 29] = [
        Self::Error,
        Self::Hand,
        Self::Shake,
        Self::Ping,
        Self::Pong,
        Self::GetPeerAddrs,
        Self::PeerAddrs,
        Self::GetHeaders,
        Self::Header,
        Self::Headers,
        Self::GetBlock,
        Self::Block,
        Self::GetCompactBlock,
        Self::CompactBlock,
        Self::StemTransaction,
        Self::Transaction,
        Self::TxHashSetRequest,
        Self::TxHashSetArchive,
        Self::BanReason,
        Self::GetTransaction,
        Self::TransactionKernel,
        Self::GetOutputBitmapSegment,
        Self::OutputBitmapSegment,
        Self::GetOutputSegment,
        Self::OutputSegment,
        Self::GetRangeProofSegment,
        Self::RangeProofSegment,
        Self::GetKernelSegment,
        Self::KernelSegment,
    ];

    /// The type of a byte, or `None` for a type that is neither Grin 5.5's nor ours.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            PEER_NAMES => Some(Self::PeerNames),
            SEALED_STEM => Some(Self::SealedStem),
            SINK_KEYS => Some(Self::SinkKeys),
            byte => Self::GRIN.get(usize::from(byte)).copied(),
        }
    }

    /// The byte of the type.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// The longest body of this type that a reader takes, in bytes: four times the size that
    /// `grin_p2p::msg::max_msg_size` lists; of a transaction, and of our own types, only what can
    /// decode.
    pub fn limit(self, chain: ChainType) -> u64 {
        let limit = SLACK * self.listed_size(chain);
        match self {
            Self::StemTransaction | Self::Transaction => limit.min(transaction_size(chain)),
            Self::PeerNames | Self::SealedStem | Self::SinkKeys => self.listed_size(chain),
            _ => limit,
        }
    }

    /// The longest body of an unknown type that a reader skips, in bytes.
    pub fn unknown_limit(chain: ChainType) -> u64 {
        SLACK * block_size(chain)
    }

    fn listed_size(self, chain: ChainType) -> u64 {
        const HASH: u64 = 32;
        const SEGMENT_REQUEST: u64 = 41;
        match self {
            Self::Error => 0,
            Self::Hand => 128,
            Self::Shake => 88,
            Self::Ping | Self::Pong => 16,
            Self::GetPeerAddrs => 4,
            Self::PeerAddrs => 4 + (1 + 16 + 2) * u64::from(MAX_PEER_ADDRS),
            Self::GetHeaders => 1 + HASH * 20,
            Self::Header => 365,
            Self::Headers => 2 + 365 * 512,
            Self::GetBlock | Self::GetCompactBlock => HASH,
            Self::Block | Self::StemTransaction | Self::Transaction => block_size(chain),
            Self::CompactBlock => block_size(chain) / 10,
            Self::TxHashSetRequest => 40,
            Self::TxHashSetArchive | Self::BanReason => 64,
            Self::GetTransaction | Self::TransactionKernel => HASH,
            Self::GetOutputBitmapSegment
            | Self::GetOutputSegment
            | Self::GetRangeProofSegment
            | Self::GetKernelSegment => SEGMENT_REQUEST,
            Self::OutputBitmapSegment
            | Self::OutputSegment
            | Self::RangeProofSegment
            | Self::KernelSegment => 2 * block_size(chain),
            Self::PeerNames => MAX_NAMES_BODY as u64,
            Self::SealedStem => HASH + MAX_SEALED as u64,
            Self::SinkKeys => MAX_KEYS_BODY as u64,
        }
    }

    /// Whether a relay without a chain throws the body away unread.
    pub(super) fn is_skipped(self) -> bool {
        match self {
            Self::Error
            | Self::Hand
            | Self::Shake
            | Self::Ping
            | Self::Pong
            | Self::GetPeerAddrs
            | Self::PeerAddrs
            | Self::StemTransaction
            | Self::Transaction
            | Self::TxHashSetArchive
            | Self::BanReason
            | Self::GetTransaction
            | Self::TransactionKernel
            | Self::PeerNames
            | Self::SealedStem
            | Self::SinkKeys => false,
            Self::GetHeaders
            | Self::Header
            | Self::Headers
            | Self::GetBlock
            | Self::Block
            | Self::GetCompactBlock
            | Self::CompactBlock
            | Self::TxHashSetRequest
            | Self::GetOutputBitmapSegment
            | Self::OutputBitmapSegment
            | Self::GetOutputSegment
            | Self::OutputSegment
            | Self::GetRangeProofSegment
            | Self::RangeProofSegment
            | Self::GetKernelSegment
            | Self::KernelSegment => true,
        }
    }
}

/// The size of a block full of outputs, as Grin reckons it: 21 weight units and 708 bytes each.
fn block_size(chain: ChainType) -> u64 {
    chain.max_block_weight().0 / 21 * 708
}

/// The longest transaction that weighs no more than a block, beyond which decoding stops before the
/// first element: offset and counts, and 38 bytes for each unit of weight. (Kernels are the longest
/// for their weight, at most 114 bytes for 3 units; outputs have 717 for 21, inputs 34 for 1.)
fn transaction_size(chain: ChainType) -> u64 {
    TX_FIXED + TX_PER_WEIGHT * chain.max_block_weight().0
}

const TX_FIXED: u64 = 32 + 3 * 8;
const TX_PER_WEIGHT: u64 = 38;

/// The most that a transaction may weigh so that its frame has at most `bytes` bytes, whatever it is
/// made of.
pub(crate) fn weight_within(bytes: usize) -> Weight {
    let body = (bytes as u64).saturating_sub(HEADER_LEN as u64 + TX_FIXED);
    Weight(body / TX_PER_WEIGHT)
}

/// What a frame says about its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// The byte of the message type, known or not.
    pub kind: u8,
    /// The length of the body in bytes, as claimed.
    pub length: u64,
}

impl FrameHeader {
    /// The header as bytes.
    pub fn encode(self, magic: [u8; 2]) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..2].copy_from_slice(&magic);
        bytes[2] = self.kind;
        bytes[3..].copy_from_slice(&self.length.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_stands_at_its_byte() {
        for (byte, kind) in (0..).zip(MessageType::GRIN) {
            assert_eq!(kind.byte(), byte);
            assert_eq!(MessageType::from_byte(byte), Some(kind));
        }
        assert_eq!(MessageType::from_byte(224), Some(MessageType::PeerNames));
        assert_eq!(MessageType::PeerNames.byte(), 224);
        for (byte, kind) in [(225, MessageType::SealedStem), (226, MessageType::SinkKeys)] {
            assert_eq!(MessageType::from_byte(byte), Some(kind));
            assert_eq!(kind.byte(), byte);
        }
        assert_eq!(MessageType::from_byte(29), None);
        assert_eq!(MessageType::from_byte(223), None);
        assert_eq!(MessageType::from_byte(255), None);
    }

    #[test]
    fn limits_are_four_times_grins() {
        let limit = |kind: MessageType| kind.limit(ChainType::Mainnet);
        assert_eq!(limit(MessageType::Error), 0);
        assert_eq!(limit(MessageType::Hand), 512);
        assert_eq!(limit(MessageType::Shake), 352);
        assert_eq!(limit(MessageType::PeerAddrs), 4 * 4868);
        assert_eq!(limit(MessageType::Headers), 4 * 186_882);
        assert_eq!(limit(MessageType::Block), 4 * 1904 * 708);
        assert_eq!(limit(MessageType::StemTransaction), 56 + 38 * 40_000);
        assert_eq!(limit(MessageType::KernelSegment), 8 * 1904 * 708);
        assert_eq!(MessageType::Transaction.limit(ChainType::AutomatedTesting), 56 + 38 * 250);
        assert_eq!(MessageType::unknown_limit(ChainType::Mainnet), 4 * 1904 * 708);
    }

    #[test]
    fn header_bytes() {
        let header = FrameHeader { kind: 14, length: 0x0102_0304 };
        assert_eq!(header.encode([97, 61]), [97, 61, 14, 0, 0, 0, 0, 1, 2, 3, 4]);
    }
}
