//! Ways to a peer: directly, through a SOCKS5 proxy (Tor, or a tunnel of I2P), or through the SAM
//! bridge of an I2P router.
//!
//! A [`Transport`] opens a stream to a [`PeerAddr`]; [`Net`](super::Net) shakes hands on it. Names go to the proxy as they are and are never resolved here: a direct dial takes IP
//! addresses only, and nothing in this crate asks the DNS.
//!
//! # Security
//!
//! A failure is a failure: no transport falls back to another one. What a proxy answers is read
//! within bounds and time, and a step that takes too long, an answer to something else and an
//! answer that can be shown to be wrong each have an error of their own.

mod fault;
mod sam;
mod socks;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::addr::{Network, PeerAddr};
use crate::wire::Blame;

pub use fault::{Fault, Step};
pub use sam::{MAX_LINE, SamClient, SamConfig, SamError, SamKey, SamRefusal, SamReply, SamSession};
pub use socks::{Credentials, Isolation, Socks, SocksError, SocksRefusal, negotiate};

/// How long the steps of reaching a peer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialTimeouts {
    /// Opening a TCP connection, to a peer or to a proxy.
    pub connect: Duration,
    /// An answer that a proxy gives by itself.
    pub answer: Duration,
    /// An answer for which a proxy has to reach the peer.
    pub reach: Duration,
    /// Until an I2P router has tunnels for a session.
    pub session: Duration,
}

impl Default for DialTimeouts {
    /// Tor gives up on a stream after two minutes by itself, and new tunnels of I2P may take
    /// minutes.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(10),
            reach: Duration::from_secs(125),
            session: Duration::from_secs(300),
        }
    }
}

/// A way to peers.
#[derive(Debug, Clone)]
pub enum Transport {
    /// Directly, to IP addresses only.
    Direct(DialTimeouts),
    /// Through a SOCKS5 proxy, to any address that it can reach.
    Socks(Socks),
    /// Through a session of a SAM bridge, to destinations of I2P only.
    Sam(Arc<SamSession>),
}

/// Why a peer was not reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Each transport reaches its own networks.
    #[error("this transport does not reach {0}")]
    Unsupported(Network),
    /// A direct connection failed.
    #[error(transparent)]
    Direct(Fault),
    /// The proxy failed, or says that the peer cannot be reached.
    #[error("SOCKS: {0}")]
    Socks(#[from] SocksError),
    /// The bridge failed, or says that the peer cannot be reached.
    #[error("SAM: {0}")]
    Sam(#[from] SamError),
    /// There is no session of the bridge, or not yet.
    #[error("no session of the SAM bridge")]
    NoSession,
}

impl TransportError {
    /// Who is to blame: never the peer, of which nothing was heard yet.
    pub fn blame(&self) -> Blame {
        Blame::Ours
    }

    /// Whether the proxy or the bridge itself is the trouble, so that other peers of the zone
    /// cannot be reached either.
    pub fn is_of_proxy(&self) -> bool {
        match self {
            Self::Unsupported(_) | Self::Direct(_) => false,
            Self::Socks(error) => error.is_of_proxy(),
            Self::Sam(error) => error.is_of_bridge(),
            Self::NoSession => true,
        }
    }
}

impl Transport {
    /// Opens a stream to a peer. Through a proxy that isolates streams, the credentials give this
    /// stream a path of its own; a dial uses them up.
    ///
    /// # Errors
    ///
    /// [`TransportError`].
    pub async fn dial(
        &self,
        addr: &PeerAddr,
        credentials: Credentials,
    ) -> Result<TcpStream, TransportError> {
        match (self, addr) {
            (Self::Direct(timeouts), PeerAddr::Ip(addr)) => {
                connect(*addr, timeouts).await.map_err(TransportError::Direct)
            }
            (Self::Socks(proxy), addr) => Ok(proxy.dial(addr, &credentials).await?),
            (Self::Sam(session), PeerAddr::I2p(addr, _)) => Ok(session.connect(addr).await?),
            (Self::Direct(_) | Self::Sam(_), addr) => {
                Err(TransportError::Unsupported(addr.network()))
            }
        }
    }
}

/// Opens a TCP connection.
async fn connect(addr: SocketAddr, timeouts: &DialTimeouts) -> Result<TcpStream, Fault> {
    let connecting = tokio::time::timeout(timeouts.connect, TcpStream::connect(addr));
    let stream = connecting.await.map_err(|_| Fault::Slow(Step::Connect))?;
    let stream = stream.map_err(Fault::Away)?;
    stream.set_nodelay(true).map_err(|error| Fault::Broken(Step::Connect, error))?;
    Ok(stream)
}
