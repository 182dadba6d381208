//! The body of the message that carries addresses of every network.
//!
//! `count (u16) ++ count x (network (u8) ++ length (u8) ++ address ++ port (u16))`, integers
//! big-endian. The numbers of the networks and the bytes of the addresses are those of Bitcoin's
//! BIP 155. An address of a network that is not known here is skipped by its length.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{I2pAddr, NamesError, OnionAddr, PeerAddr};

/// The byte of the message type: far above Grin's, whose last is 28, and only ever sent to a peer
/// that said it is one of ours.
pub const PEER_NAMES: u8 = 224;

/// The most addresses that one message carries, as many as Grin's.
pub const MAX_NAMES: usize = 256;

/// The longest body in bytes: as many addresses as allowed, all as long as those of unknown
/// networks may be.
pub const MAX_NAMES_BODY: usize = 2 + MAX_NAMES * (1 + 1 + MAX_UNKNOWN + 2);

pub(crate) const MAX_UNKNOWN: usize = 64;

const IPV4: u8 = 1;
const IPV6: u8 = 2;
const TOR_V3: u8 = 4;
const I2P: u8 = 5;

/// Addresses as the body of a message.
///
/// # Errors
///
/// [`NamesError::TooMany`], and [`NamesError::ZeroPort`], for what a reader would refuse.
pub fn encode_addrs(addrs: &[PeerAddr]) -> Result<Vec<u8>, NamesError> {
    let count = u16::try_from(addrs.len()).unwrap_or(u16::MAX);
    if addrs.len() > MAX_NAMES {
        return Err(NamesError::TooMany(addrs.len()));
    }
    let mut out = Vec::with_capacity(2 + addrs.len() * 36);
    out.extend(count.to_be_bytes());
    for addr in addrs {
        put_addr(&mut out, addr)?;
    }
    Ok(out)
}

/// One address.
pub(crate) fn put_addr(out: &mut Vec<u8>, addr: &PeerAddr) -> Result<(), NamesError> {
    if addr.port() == 0 {
        return Err(NamesError::ZeroPort);
    }
    match addr {
        PeerAddr::Ip(addr) => match addr.ip().to_canonical() {
            IpAddr::V4(ip) => put(out, IPV4, &ip.octets()),
            IpAddr::V6(ip) => put(out, IPV6, &ip.octets()),
        },
        PeerAddr::Onion(addr, _) => put(out, TOR_V3, addr.key()),
        PeerAddr::I2p(addr, _) => put(out, I2P, addr.hash()),
    }
    out.extend(addr.port().to_be_bytes());
    Ok(())
}

fn put<const N: usize>(out: &mut Vec<u8>, network: u8, bytes: &[u8; N]) {
    out.extend([network, N as u8]);
    out.extend(bytes);
}

/// Reads a body.
///
/// # Errors
///
/// One [`NamesError`] per rule; one bad address spoils the message.
pub fn decode_addrs(body: &[u8]) -> Result<Vec<PeerAddr>, NamesError> {
    let mut rest = body;
    let count = usize::from(u16::from_be_bytes(take(&mut rest)?));
    if count > MAX_NAMES {
        return Err(NamesError::TooMany(count));
    }
    let mut addrs = Vec::new();
    for _ in 0..count {
        addrs.extend(take_addr(&mut rest)?);
    }
    match rest.len() {
        0 => Ok(addrs),
        extra => Err(NamesError::Trailing(extra)),
    }
}

/// One address, or `None` if its network is unknown.
pub(crate) fn take_addr(rest: &mut &[u8]) -> Result<Option<PeerAddr>, NamesError> {
    let [network, length] = take(rest)?;
    match (network, length) {
        (IPV4, 4) => {
            let ip = Ipv4Addr::from(take::<4>(rest)?);
            Ok(Some(SocketAddr::new(ip.into(), take_port(rest)?).into()))
        }
        (IPV6, 16) => {
            let ip = Ipv6Addr::from(take::<16>(rest)?);
            if ip.to_ipv4_mapped().is_some() {
                return Err(NamesError::Mapped);
            }
            Ok(Some(SocketAddr::new(ip.into(), take_port(rest)?).into()))
        }
        (TOR_V3, 32) => {
            let addr = OnionAddr::from_key(take(rest)?);
            Ok(Some(PeerAddr::Onion(addr, take_port(rest)?)))
        }
        (I2P, 32) => {
            let addr = I2pAddr::from_hash(take(rest)?);
            Ok(Some(PeerAddr::I2p(addr, take_port(rest)?)))
        }
        (IPV4 | IPV6 | TOR_V3 | I2P, _) => Err(NamesError::Length { network, length }),
        (_, length) if usize::from(length) > MAX_UNKNOWN => {
            Err(NamesError::Length { network, length })
        }
        (_, length) => {
            let skipped = usize::from(length) + 2;
            *rest = rest.get(skipped..).ok_or(NamesError::Truncated)?;
            Ok(None)
        }
    }
}

fn take_port(rest: &mut &[u8]) -> Result<u16, NamesError> {
    match u16::from_be_bytes(take(rest)?) {
        0 => Err(NamesError::ZeroPort),
        port => Ok(port),
    }
}

pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], NamesError> {
    let (taken, left) = rest.split_first_chunk::<N>().ok_or(NamesError::Truncated)?;
    *rest = left;
    Ok(*taken)
}
