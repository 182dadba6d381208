//! How a net reaches its peers, and whether that works.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::net::TcpStream;

use crate::addr::{I2pAddr, Network, PeerAddr};

use super::transport::{Credentials, DialTimeouts, Isolation, Socks, Transport, TransportError};

/// How peers are reached. There is one way, and no other if it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Directly.
    Direct,
    /// Through a SOCKS5 proxy, such as Tor's, or a tunnel of an I2P router.
    Socks {
        /// Where it listens.
        proxy: SocketAddr,
        /// Whether each dial has a path of its own.
        isolation: Isolation,
    },
    /// Through the SAM bridge of an I2P router, in and out.
    Sam {
        /// Where it listens.
        bridge: SocketAddr,
        /// The file with the key of our destination, made if it does not exist. Without one each
        /// session has a destination of its own, which nobody comes to.
        key: Option<PathBuf>,
    },
}

/// Whether the way to the peers works: of the way itself, whatever becomes of a single peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayState {
    /// There is nothing between us and the peers.
    Direct,
    /// Nothing was tried yet.
    Untried,
    /// The proxy or the bridge does what it is asked.
    Working,
    /// It does not, and nobody is reached until it does.
    Failing {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for WayState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::Untried => f.write_str("not tried yet"),
            Self::Working => f.write_str("working"),
            Self::Failing { reason } => write!(f, "failing: {reason}"),
        }
    }
}

/// The way of one net, as its tasks share it.
#[derive(Debug)]
pub(super) struct Carrier {
    network: Network,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None` while there is no session.
    transport: Option<Transport>,
    state: WayState,
}

impl Carrier {
    pub(super) fn new(network: Network, way: &Way, timeouts: DialTimeouts) -> Self {
        let (transport, state) = match *way {
            Way::Direct => (Some(Transport::Direct(timeouts)), WayState::Direct),
            Way::Socks { proxy, isolation } => {
                let socks = Socks { proxy, isolation, timeouts };
                (Some(Transport::Socks(socks)), WayState::Untried)
            }
            Way::Sam { .. } => (None, WayState::Untried),
        };
        Self { network, inner: Mutex::new(Inner { transport, state }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> WayState {
        self.inner().state.clone()
    }

    /// The destination under which the bridge has us, while there is a session.
    pub(super) fn destination(&self) -> Option<I2pAddr> {
        match &self.inner().transport {
            Some(Transport::Sam(session)) => Some(session.addr()),
            Some(Transport::Direct(_) | Transport::Socks(_)) | None => None,
        }
    }

    /// There is a way from now on.
    pub(super) fn opened(&self, transport: Transport) {
        *self.inner() = Inner { transport: Some(transport), state: WayState::Working };
    }

    /// There is none until it is opened again.
    pub(super) fn lost(&self, error: &TransportError) {
        let state = WayState::Failing { reason: error.to_string() };
        *self.inner() = Inner { transport: None, state };
    }

    /// Opens a stream to a peer of the net's own network, whatever else the proxy could reach.
    pub(super) async fn dial(
        &self,
        addr: &PeerAddr,
        credentials: Credentials,
    ) -> Result<TcpStream, TransportError> {
        if addr.network() != self.network {
            return Err(TransportError::Unsupported(addr.network()));
        }
        let transport = self.inner().transport.clone().ok_or(TransportError::NoSession)?;
        let dialled = transport.dial(addr, credentials).await;
        self.note(&dialled);
        dialled
    }

    fn note(&self, dialled: &Result<TcpStream, TransportError>) {
        let mut inner = self.inner();
        match dialled {
            _ if inner.state == WayState::Direct => {}
            Err(error) if error.is_of_proxy() => {
                inner.state = WayState::Failing { reason: error.to_string() };
            }
            // That a peer cannot be reached says that the proxy has tried.
            Ok(_) | Err(_) => inner.state = WayState::Working,
        }
    }
}
