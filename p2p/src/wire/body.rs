//! The bodies of the small messages.

use std::net::SocketAddr;

use scape_aggregate::{Hash, ProtocolVersion};

use crate::peer::Capabilities;

use super::addr::{put_addr, take_addr};
use super::error::{EncodeError, WireError};
use super::kind::MessageType;

/// The most addresses that one message carries (`grin_p2p::types::MAX_PEER_ADDRS`).
pub const MAX_PEER_ADDRS: u32 = 256;

/// The longest user agent in bytes, written or read.
///
/// Grin has no limit of its own; what fits its readers' `Hand` and `Shake` is a little longer.
pub const MAX_USER_AGENT: usize = 256;

/// First half of the handshake, from the side that connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// The newest protocol version that the sender speaks.
    pub version: ProtocolVersion,
    /// What the sender can do.
    pub capabilities: Capabilities,
    /// Drawn anew for each connection; whoever receives its own nonce talks to itself.
    pub nonce: u64,
    /// Total difficulty of the sender's chain.
    pub total_difficulty: u64,
    /// Where the sender listens. Only the port can be believed.
    pub sender_addr: SocketAddr,
    /// The address that the sender connected to.
    pub receiver_addr: SocketAddr,
    /// Name and version of the sender's software.
    pub user_agent: String,
    /// Hash of the first block of the sender's chain.
    pub genesis: Hash,
}

/// Second half of the handshake, from the side that was connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shake {
    /// The newest protocol version that the sender speaks.
    pub version: ProtocolVersion,
    /// What the sender can do.
    pub capabilities: Capabilities,
    /// Total difficulty of the sender's chain.
    pub total_difficulty: u64,
    /// Name and version of the sender's software.
    pub user_agent: String,
    /// Hash of the first block of the sender's chain.
    pub genesis: Hash,
}

/// The tip of a node's chain, as it says: the body of `Ping` and `Pong`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tip {
    /// Total difficulty.
    pub total_difficulty: u64,
    /// Height in blocks.
    pub height: u64,
}

/// Why a peer bans another: a number of Grin's `ReasonForBan`.
///
/// Unlike Grin, numbers that are not in its list are kept: they end the link all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BanReason(pub i32);

impl BanReason {
    /// No reason given.
    pub const NONE: Self = Self(0);
    /// An operator said so.
    pub const MANUAL: Self = Self(5);
    /// The handshake was wrong.
    pub const BAD_HANDSHAKE: Self = Self(7);
}

impl Hand {
    pub(super) fn put(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend(self.version.0.to_be_bytes());
        out.extend(self.capabilities.bits().to_be_bytes());
        out.extend(self.nonce.to_be_bytes());
        out.extend(self.total_difficulty.to_be_bytes());
        put_addr(out, self.sender_addr);
        put_addr(out, self.receiver_addr);
        put_user_agent(out, &self.user_agent)?;
        out.extend(self.genesis.0);
        Ok(())
    }

    pub(super) fn take(body: &mut Cursor<'_>) -> Result<Self, WireError> {
        let short = |_: Short| WireError::Truncated(MessageType::Hand);
        Ok(Self {
            version: ProtocolVersion(body.u32().map_err(short)?),
            capabilities: Capabilities::from_bits(body.u32().map_err(short)?),
            nonce: body.u64().map_err(short)?,
            total_difficulty: body.u64().map_err(short)?,
            sender_addr: take_addr(body).map_err(short)?,
            receiver_addr: take_addr(body).map_err(short)?,
            user_agent: take_user_agent(body, MessageType::Hand)?,
            genesis: Hash(body.fixed().map_err(short)?),
        })
    }
}

impl Shake {
    pub(super) fn put(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend(self.version.0.to_be_bytes());
        out.extend(self.capabilities.bits().to_be_bytes());
        out.extend(self.total_difficulty.to_be_bytes());
        put_user_agent(out, &self.user_agent)?;
        out.extend(self.genesis.0);
        Ok(())
    }

    pub(super) fn take(body: &mut Cursor<'_>) -> Result<Self, WireError> {
        let short = |_: Short| WireError::Truncated(MessageType::Shake);
        Ok(Self {
            version: ProtocolVersion(body.u32().map_err(short)?),
            capabilities: Capabilities::from_bits(body.u32().map_err(short)?),
            total_difficulty: body.u64().map_err(short)?,
            user_agent: take_user_agent(body, MessageType::Shake)?,
            genesis: Hash(body.fixed().map_err(short)?),
        })
    }
}

impl Tip {
    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.extend(self.total_difficulty.to_be_bytes());
        out.extend(self.height.to_be_bytes());
    }

    pub(super) fn take(body: &mut Cursor<'_>) -> Result<Self, Short> {
        Ok(Self { total_difficulty: body.u64()?, height: body.u64()? })
    }
}

impl BanReason {
    /// A body that is too short counts as "no reason" (`BanReason::read`).
    pub(super) fn take(body: &mut Cursor<'_>) -> Self {
        match body.u32() {
            Ok(bits) => Self(bits.cast_signed()),
            Err(Short) => {
                body.finish();
                Self::NONE
            }
        }
    }
}

pub(super) fn put_addrs(out: &mut Vec<u8>, addrs: &[SocketAddr]) -> Result<(), EncodeError> {
    let count = u32::try_from(addrs.len()).unwrap_or(u32::MAX);
    if count > MAX_PEER_ADDRS {
        return Err(EncodeError::TooManyAddrs(addrs.len()));
    }
    out.extend(count.to_be_bytes());
    addrs.iter().for_each(|addr| put_addr(out, *addr));
    Ok(())
}

pub(super) fn take_addrs(body: &mut Cursor<'_>) -> Result<Vec<SocketAddr>, WireError> {
    let short = |_: Short| WireError::Truncated(MessageType::PeerAddrs);
    let count = body.u32().map_err(short)?;
    if count > MAX_PEER_ADDRS {
        return Err(WireError::TooManyAddrs(count));
    }
    (0..count).map(|_| take_addr(body).map_err(short)).collect()
}

fn put_user_agent(out: &mut Vec<u8>, agent: &str) -> Result<(), EncodeError> {
    if agent.len() > MAX_USER_AGENT {
        return Err(EncodeError::UserAgentTooLong(agent.len()));
    }
    out.extend((agent.len() as u64).to_be_bytes());
    out.extend(agent.as_bytes());
    Ok(())
}

fn take_user_agent(body: &mut Cursor<'_>, kind: MessageType) -> Result<String, WireError> {
    let short = |_: Short| WireError::Truncated(kind);
    let claimed = body.u64().map_err(short)?;
    let length = usize::try_from(claimed).unwrap_or(usize::MAX);
    if length > MAX_USER_AGENT {
        return Err(WireError::UserAgentTooLong(claimed));
    }
    let agent = std::str::from_utf8(body.bytes(length).map_err(short)?);
    agent.map(str::to_owned).map_err(|_| WireError::UserAgentNotUtf8)
}

/// The body has fewer bytes than its fields need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Short;

/// Reads integers off the front of a body.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn finish(&mut self) {
        self.rest = &[];
    }

    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Short> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Short> {
        self.fixed().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Short> {
        self.fixed().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Short> {
        self.fixed().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Short> {
        self.fixed().map(u64::from_be_bytes)
    }
}
