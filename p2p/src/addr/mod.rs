//! Where a peer can be reached, whatever network it is on: an IP address, an onion service of
//! Tor, a destination of I2P, each with a port.
//!
//! Names are checked as they are read, so whoever holds a [`PeerAddr`] may dial it. Nothing here
//! ever asks the DNS: a host name that is none of these is an error.
//!
//! Grin's `PeerAddrs` only knows IP addresses. Names travel in a message of our own,
//! [`PEER_NAMES`], whose body [`encode_addrs`] and [`decode_addrs`] write and read.

mod error;
mod group;
mod host;
mod i2p;
mod message;
mod onion;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use error::{AddrError, NamesError};
pub use group::NetGroup;
pub use host::Host;
pub use i2p::I2pAddr;
pub use message::{MAX_NAMES, MAX_NAMES_BODY, PEER_NAMES, decode_addrs, encode_addrs};
pub(crate) use message::{MAX_UNKNOWN, put_addr, take, take_addr};
pub use onion::OnionAddr;

/// A network on which peers are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// The internet, in the clear.
    Clearnet,
    /// Onion services of Tor.
    Tor,
    /// Destinations of I2P.
    I2p,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a peer listens. Ordered by network, then by address and port. In files it is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PeerAddr {
    /// An IP address and a TCP port.
    Ip(SocketAddr),
    /// An onion service and its virtual port.
    Onion(OnionAddr, u16),
    /// A destination and its port.
    ///
    /// A destination is one service, so the port says little: a tunnel that speaks SOCKS passes it
    /// on, a SAM bridge is not told.
    I2p(I2pAddr, u16),
}

impl PeerAddr {
    /// The network that the address belongs to.
    pub fn network(&self) -> Network {
        match self {
            Self::Ip(_) => Network::Clearnet,
            Self::Onion(..) => Network::Tor,
            Self::I2p(..) => Network::I2p,
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        match self {
            Self::Ip(addr) => addr.port(),
            Self::Onion(_, port) | Self::I2p(_, port) => *port,
        }
    }

    /// Who is there, whatever the port.
    pub fn host(&self) -> Host {
        Host::from(*self)
    }

    /// What is counted when peers or addresses are to be diverse.
    pub fn group(&self) -> NetGroup {
        NetGroup::of(self)
    }
}

impl Network {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Clearnet, Self::Tor, Self::I2p];

    /// Its name in files and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clearnet => "clearnet",
            Self::Tor => "tor",
            Self::I2p => "i2p",
        }
    }

    /// Whether peers are names there, and the addresses of streams say nothing.
    pub fn is_anonymous(self) -> bool {
        self != Self::Clearnet
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Onion(addr, port) => write!(f, "{addr}:{port}"),
            Self::I2p(addr, port) => write!(f, "{addr}:{port}"),
        }
    }
}

impl TryFrom<String> for PeerAddr {
    type Error = AddrError;

    fn try_from(text: String) -> Result<Self, AddrError> {
        text.parse()
    }
}

impl From<PeerAddr> for String {
    fn from(addr: PeerAddr) -> Self {
        addr.to_string()
    }
}

impl From<SocketAddr> for PeerAddr {
    /// An IPv4 address written as IPv6 becomes IPv4; flow label and scope are dropped.
    fn from(addr: SocketAddr) -> Self {
        Self::Ip(SocketAddr::new(addr.ip().to_canonical(), addr.port()))
    }
}

impl FromStr for PeerAddr {
    type Err = AddrError;

    /// Reads `host:port`, the host being an IP address (IPv6 in brackets), a name that ends in
    /// `.onion` or one that ends in `.b32.i2p`. Case does not matter.
    fn from_str(text: &str) -> Result<Self, AddrError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddrError::NoPort)?;
        let port = read_port(port)?;
        let host_lower = host.to_ascii_lowercase();
        if host_lower.ends_with(OnionAddr::SUFFIX) {
            return Ok(Self::Onion(host_lower.parse()?, port));
        }
        if host_lower.ends_with(".i2p") {
            return Ok(Self::I2p(host_lower.parse()?, port));
        }
        text.parse::<SocketAddr>().map(Self::from).map_err(|_| AddrError::UnknownHost)
    }
}

fn read_port(text: &str) -> Result<u16, AddrError> {
    // `parse` alone would take a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(0) => Err(AddrError::ZeroPort),
        Ok(port) if digits => Ok(port),
        _ => Err(AddrError::BadPort),
    }
}
