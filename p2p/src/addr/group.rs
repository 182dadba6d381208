//! Which addresses are neighbours, on any network.

use std::fmt;
use std::str::FromStr;

use crate::book;

use super::PeerAddr;

/// What is counted when peers or addresses are to be diverse.
///
/// # Security
///
/// Groups of IP addresses cost money, since one owner holds few of them. Names on Tor and I2P cost
/// nothing: whoever wants a name in each group makes some dozens and keeps what fits. Their groups
/// only spread what is kept or dialled evenly over what is known; they do not keep a determined
/// adversary from filling it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetGroup {
    /// A range of IP addresses.
    Ip(book::Group),
    /// Onion services whose keys start with these four bits.
    Tor(u8),
    /// Destinations whose hashes start with these four bits.
    I2p(u8),
}

impl NetGroup {
    /// The group of an address.
    pub fn of(addr: &PeerAddr) -> Self {
        match addr {
            PeerAddr::Ip(addr) => Self::Ip(book::Group::of(addr.ip())),
            PeerAddr::Onion(addr, _) => Self::Tor(addr.key()[0] >> 4),
            PeerAddr::I2p(addr, _) => Self::I2p(addr.hash()[0] >> 4),
        }
    }
}

impl FromStr for NetGroup {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bits = |digit| match u8::from_str_radix(digit, 16) {
            Ok(bits) if bits < 16 && digit.len() == 1 => Ok(bits),
            _ => Err(()),
        };
        match text.split_once('/') {
            Some(("tor", digit)) => bits(digit).map(Self::Tor),
            Some(("i2p", digit)) => bits(digit).map(Self::I2p),
            _ => text.parse().map(Self::Ip),
        }
    }
}

impl fmt::Display for NetGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(group) => group.fmt(f),
            Self::Tor(bits) => write!(f, "tor/{bits:x}"),
            Self::I2p(bits) => write!(f, "i2p/{bits:x}"),
        }
    }
}
