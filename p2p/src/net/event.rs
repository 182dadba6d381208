//! What the network glue reports, and what can go wrong.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use scape_aggregate::DecodeError;

use crate::addr::PeerAddr;
use crate::handshake::{HandshakeError, PeerInfo};
use crate::link::Flood;
use crate::peer::{Direction, PeerId};
use crate::secure::SecureError;
use crate::wire::{Blame, EncodeError, Message, WireError};

use super::transport::TransportError;

/// What happened on the network.
///
/// For each peer `Connected` comes first and `Disconnected` last, each exactly once.
#[derive(Debug)]
pub enum NetEvent {
    /// A handshake was done; messages can be sent from now on.
    Connected {
        /// The new connection.
        peer: PeerId,
        /// The address at the other end; `None` for a peer that came to our onion service. Where an
        /// inbound peer can be reached is [`PeerInfo::listen`].
        addr: Option<PeerAddr>,
        /// Who connected to whom.
        direction: Direction,
        /// What the peer said about itself.
        info: PeerInfo,
    },
    /// An attempt of ours to connect came to nothing.
    ConnectFailed {
        /// The address.
        addr: PeerAddr,
        /// Why.
        error: ConnectError,
    },
    /// A message came. Pings have been answered already.
    Message {
        /// From whom.
        peer: PeerId,
        /// What.
        message: Message,
    },
    /// A frame of white noise came, on an encrypted link.
    Frame {
        /// From whom.
        peer: PeerId,
        /// What, for [`Zone::handle_frame`](crate::zone::Zone::handle_frame).
        frame: Bytes,
    },
    /// A transaction came that does not decode or breaks a cheap rule. The link goes on.
    BadTransaction {
        /// From whom.
        peer: PeerId,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// The connection is over.
    Disconnected {
        /// Which.
        peer: PeerId,
        /// Why; `None` if we ended it.
        error: Option<LinkError>,
        /// What was accepted for sending and not written whole, in order. Pings, pongs and ban
        /// reasons are left out.
        unsent: Vec<Message>,
    },
}

/// Why a connection did not come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The socket failed.
    #[error("socket: {0}")]
    Io(#[from] io::Error),
    /// The peer closed the connection before the handshake was done.
    #[error("closed during the handshake")]
    Closed,
    /// It took too long.
    #[error("timed out")]
    TimedOut,
    /// The address is blocked.
    #[error("blocked")]
    Blocked,
    /// There is a connection to this address, or one is being made.
    #[error("already connected")]
    AlreadyConnected,
    /// The network glue is shutting down.
    #[error("shutting down")]
    ShuttingDown,
    /// What came is not the message that was due.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Our own half of the handshake cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A rule of the handshake.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// A rule of encrypted links; [`SecureError::PlainRefused`] if the peer does not encrypt.
    #[error(transparent)]
    Secure(#[from] SecureError),
    /// The way to the peer failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl ConnectError {
    /// Who is to blame.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Io(_)
            | Self::Closed
            | Self::TimedOut
            | Self::Blocked
            | Self::AlreadyConnected
            | Self::ShuttingDown => Blame::Ours,
            Self::Wire(error) => error.blame(),
            Self::Encode(error) => error.blame(),
            Self::Handshake(error) => error.blame(),
            Self::Secure(error) => error.blame(),
            Self::Transport(error) => error.blame(),
        }
    }
}

/// Why a connection ended, if not because we wanted it to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The socket failed.
    #[error("socket: {0}")]
    Io(#[from] io::Error),
    /// The peer closed the connection.
    #[error("closed by the peer")]
    Closed,
    /// Not a byte for [`Timeouts::idle`](super::Timeouts::idle).
    #[error("silent for too long")]
    Idle,
    /// A frame was not whole within [`Timeouts::frame`](super::Timeouts::frame).
    #[error("a frame took too long to arrive")]
    SlowFrame,
    /// The peer did not take a frame within [`Timeouts::write`](super::Timeouts::write).
    #[error("a frame took too long to be taken")]
    SlowReader,
    /// A frame of white noise was not on the socket within
    /// [`Timeouts::late`](super::Timeouts::late). It was dropped: one that comes late tells that
    /// something was in its way.
    #[error("a frame of white noise would have been late")]
    LateFrame,
    /// More messages or bytes than allowed.
    #[error(transparent)]
    Flood(#[from] Flood),
    /// What came is no message.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A rule of encrypted links: what came is not what the peer sent, or is cut off.
    #[error(transparent)]
    Secure(#[from] SecureError),
}

impl LinkError {
    /// Who is to blame.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Io(_) | Self::Closed | Self::Idle | Self::SlowReader | Self::LateFrame => {
                Blame::Ours
            }
            Self::SlowFrame => Blame::Misbehaved,
            Self::Flood(error) => error.blame(),
            Self::Wire(error) => error.blame(),
            Self::Secure(error) => error.blame(),
        }
    }
}

/// A message that was not accepted for sending, handed back.
#[derive(Debug, thiserror::Error)]
#[error("not sent: {reason}")]
pub struct Unsent {
    /// The message.
    pub message: Message,
    /// Why.
    pub reason: Refusal,
}

/// Why a message was not accepted for sending.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such peer, or it is being disconnected.
    #[error("no such peer")]
    Gone,
    /// Too much is waiting for this peer.
    #[error("the outbox is full")]
    Full,
    /// The message cannot be written for this peer.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// It goes on encrypted links only.
    #[error("the link is not encrypted")]
    Plain,
}

/// Why the network glue did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// The address to listen on cannot be bound.
    #[error("cannot listen on {addr}: {error}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// In an anonymity network only loopback is listened on: whoever finds the port elsewhere would
    /// know whose onion service it is.
    #[error("{0} is not on loopback, so others than the onion service would reach it")]
    Exposed(SocketAddr),
    /// The user agent is longer than [`MAX_USER_AGENT`](crate::wire::MAX_USER_AGENT).
    #[error("a user agent of {0} bytes")]
    UserAgentTooLong(usize),
}
