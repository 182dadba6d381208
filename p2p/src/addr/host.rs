//! Who is behind an address, whatever the port.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::book::host_of;

use super::{AddrError, I2pAddr, Network, OnionAddr, PeerAddr};

/// A peer without a port: what is banned, whitelisted and held to account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// An IP address.
    Ip(IpAddr),
    /// An onion service.
    Onion(OnionAddr),
    /// A destination.
    I2p(I2pAddr),
}

impl Host {
    /// The network that it is on.
    pub fn network(&self) -> Network {
        match self {
            Self::Ip(_) => Network::Clearnet,
            Self::Onion(_) => Network::Tor,
            Self::I2p(_) => Network::I2p,
        }
    }

    /// The host as far as one owner is free to choose it: of IPv6 the first 64 bits, see
    /// [`host_of`].
    pub fn whole(self) -> Self {
        match self {
            Self::Ip(ip) => Self::Ip(host_of(ip)),
            name => name,
        }
    }

    /// Whether it is this machine, which all of a development network is on.
    pub fn is_loopback(&self) -> bool {
        matches!(self, Self::Ip(ip) if ip.to_canonical().is_loopback())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Onion(name) => name.fmt(f),
            Self::I2p(name) => name.fmt(f),
        }
    }
}

impl From<IpAddr> for Host {
    /// An IPv4 address written as IPv6 becomes IPv4.
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip.to_canonical())
    }
}

impl From<PeerAddr> for Host {
    fn from(addr: PeerAddr) -> Self {
        match addr {
            PeerAddr::Ip(addr) => addr.ip().into(),
            PeerAddr::Onion(name, _) => Self::Onion(name),
            PeerAddr::I2p(name, _) => Self::I2p(name),
        }
    }
}

impl From<SocketAddr> for Host {
    fn from(addr: SocketAddr) -> Self {
        addr.ip().into()
    }
}

impl FromStr for Host {
    type Err = AddrError;

    /// Reads an IP address without brackets, a name that ends in `.onion` or one that ends in
    /// `.b32.i2p`. Case does not matter.
    fn from_str(text: &str) -> Result<Self, AddrError> {
        let lower = text.to_ascii_lowercase();
        if lower.ends_with(OnionAddr::SUFFIX) {
            return lower.parse().map(Self::Onion);
        }
        if lower.ends_with(".i2p") {
            return lower.parse().map(Self::I2p);
        }
        lower.parse::<IpAddr>().map(Self::from).map_err(|_| AddrError::UnknownHost)
    }
}
