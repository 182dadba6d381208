//! Which addresses are worth keeping, and which of them are neighbours.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::addr::{NetGroup, Network, PeerAddr};

/// Addresses that one owner is likely to hold together: a /16 of IPv4, a /32 of IPv6.
///
/// Many addresses are cheap, many groups are not. That is why the book counts by group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The first two bytes of an IPv4 address.
    V4([u8; 2]),
    /// The first four bytes of an IPv6 address.
    V6([u8; 4]),
}

impl Group {
    /// The group of an address. An IPv4 address written as IPv6 counts as IPv4.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, ..] = ip.octets();
                Self::V4([a, b])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.octets();
                Self::V6([a, b, c, d])
            }
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4([a, b]) => write!(f, "{}/16", Ipv4Addr::new(a, b, 0, 0)),
            Self::V6([a, b, c, d]) => {
                let high = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
                write!(f, "{}/32", Ipv6Addr::new(high[0], high[1], 0, 0, 0, 0, 0, 0))
            }
        }
    }
}

impl FromStr for Group {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ip, bits) = text.split_once('/').ok_or(())?;
        match (ip.parse().map_err(|_| ())?, bits) {
            (ip @ IpAddr::V4(_), "16") => Ok(Self::of(ip)),
            // Not through `of`: the group ::/32 holds the IPv4 addresses written as IPv6.
            (IpAddr::V6(ip), "32") => {
                let [a, b, c, d, ..] = ip.octets();
                Ok(Self::V6([a, b, c, d]))
            }
            _ => Err(()),
        }
    }
}

/// The address by which one host is known: an IPv4 address as such, of IPv6 the first 64 bits, for
/// a host is free to choose the rest.
pub fn host_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) if !ip.is_loopback() => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        ip => ip,
    }
}

/// Who told us about an address. Each source can fill only its share of the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The operator or the seeds of the chain; no share.
    Trusted,
    /// A peer in this group.
    Peer(NetGroup),
    /// Peers that came to our onion service, all together: who they are cannot be told.
    Hidden,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trusted => f.write_str("trusted"),
            Self::Peer(group) => group.fmt(f),
            Self::Hidden => f.write_str("hidden"),
        }
    }
}

impl FromStr for Source {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "trusted" => Ok(Self::Trusted),
            "hidden" => Ok(Self::Hidden),
            group => group.parse().map(Self::Peer),
        }
    }
}

/// Why an address is not kept. One variant per rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// A book holds the addresses of one network.
    #[error("an address of {0} in the book of another network")]
    OtherNetwork(Network),
    /// Port 0: the peer does not listen.
    #[error("port 0")]
    NoPort,
    /// No host has this address: unspecified, `0.0.0.0/8`, multicast, broadcast, reserved.
    #[error("no host has this address")]
    NoHost,
    /// A loopback, private or link-local address, where those are not allowed.
    #[error("not a public address")]
    NotPublic,
    /// The address is banned.
    #[error("banned")]
    Banned,
    /// The source has filled its share.
    #[error("the share of this source is full")]
    SourceFull,
    /// There are enough addresses of this group.
    #[error("enough addresses of this group")]
    GroupFull,
    /// The book is full of addresses that may still be good.
    #[error("the book is full")]
    BookFull,
}

/// Checks an address for itself.
pub(super) fn check(
    addr: &PeerAddr,
    network: Network,
    allow_private: bool,
) -> Result<(), AddError> {
    if addr.network() != network {
        return Err(AddError::OtherNetwork(addr.network()));
    }
    if addr.port() == 0 {
        return Err(AddError::NoPort);
    }
    // Names were checked when they were read.
    let PeerAddr::Ip(addr) = addr else { return Ok(()) };
    let (nobody, private) = match addr.ip() {
        IpAddr::V4(ip) => kind_v4(ip),
        IpAddr::V6(ip) => kind_v6(ip),
    };
    match (nobody, private && !allow_private) {
        (true, _) => Err(AddError::NoHost),
        (false, true) => Err(AddError::NotPublic),
        (false, false) => Ok(()),
    }
}

fn kind_v4(ip: Ipv4Addr) -> (bool, bool) {
    let [a, b, ..] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let nobody = a == 0 || a >= 240 || ip.is_multicast();
    (nobody, ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared)
}

fn kind_v6(ip: Ipv6Addr) -> (bool, bool) {
    let private = ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local();
    (ip.is_unspecified() || ip.is_multicast(), private)
}
