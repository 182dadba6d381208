//! Grin's messages as bytes: a pure codec that knows neither sockets nor time.
//!
//! A frame is `magic (2) ++ type (u8) ++ length (u64) ++ body`, all integers big-endian; the rules
//! are those of `grin_p2p::msg` and `grin_core::ser`. [`Message::encode`] writes a frame,
//! [`FrameDecoder`] reads them from a stream that may be cut anywhere.
//!
//! # Security
//!
//! Everything read here comes from strangers. A length is believed only within the limit of its
//! type ([`MessageType::limit`]), nothing is allocated for bytes that have not arrived, messages
//! that a relay has no use for are thrown away as they stream in, and before the handshake only a
//! `Hand` or a `Shake` is read at all.

mod addr;
mod body;
mod decoder;
mod error;
mod kind;
mod message;

#[cfg(test)]
mod tests;

pub use body::{BanReason, Hand, MAX_PEER_ADDRS, MAX_USER_AGENT, Shake, Tip};
pub use decoder::FrameDecoder;
pub use error::{Blame, EncodeError, WireError};
pub(crate) use kind::weight_within;
pub use kind::{FrameHeader, HEADER_LEN, MessageType};
pub use message::Message;
