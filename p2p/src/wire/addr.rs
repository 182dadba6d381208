//! Socket addresses as Grin writes them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::body::{Cursor, Short};

/// Appends an address: `0 ++ 4 bytes ++ port` or `1 ++ 8 x u16 ++ port` (`PeerAddr::write`).
/// The flow label and the scope of an IPv6 address are not written.
pub(super) fn put_addr(out: &mut Vec<u8>, addr: SocketAddr) {
    match addr.ip() {
        IpAddr::V4(ip) => {
            out.push(0);
            out.extend(ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(1);
            out.extend(ip.octets());
        }
    }
    out.extend(addr.port().to_be_bytes());
}

/// Reads an address. Any first byte but 0 means IPv6, and an IPv6 address that stands for an IPv4
/// address becomes one (`PeerAddr::read`, which calls `to_ipv4`: both `::ffff:a.b.c.d` and
/// `::a.b.c.d`).
pub(super) fn take_addr(body: &mut Cursor<'_>) -> Result<SocketAddr, Short> {
    let ip = if body.u8()? == 0 {
        IpAddr::V4(Ipv4Addr::from(body.fixed::<4>()?))
    } else {
        let ip = Ipv6Addr::from(body.fixed::<16>()?);
        ip.to_ipv4().map_or(IpAddr::V6(ip), IpAddr::V4)
    };
    Ok(SocketAddr::new(ip, body.u16()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(addr: &str) -> Vec<u8> {
        let mut out = Vec::new();
        put_addr(&mut out, addr.parse().unwrap());
        out
    }

    fn read(bytes: &[u8]) -> Result<SocketAddr, Short> {
        take_addr(&mut Cursor::new(bytes))
    }

    #[test]
    fn ipv4_takes_seven_bytes() {
        assert_eq!(bytes("1.2.3.4:3414"), [0, 1, 2, 3, 4, 0x0d, 0x56]);
        assert_eq!(read(&bytes("1.2.3.4:3414")).unwrap(), "1.2.3.4:3414".parse().unwrap());
    }

    #[test]
    fn ipv6_takes_nineteen_bytes() {
        let expected = hex("0120010db8000000000000000000000001d431");
        assert_eq!(bytes("[2001:db8::1]:54321"), expected);
        assert_eq!(read(&expected).unwrap(), "[2001:db8::1]:54321".parse().unwrap());
        let mut other = expected;
        other[0] = 7;
        assert_eq!(read(&other).unwrap(), "[2001:db8::1]:54321".parse().unwrap());
    }

    #[test]
    fn ipv6_that_stands_for_ipv4_becomes_ipv4() {
        assert_eq!(read(&bytes("[::ffff:1.2.3.4]:1")).unwrap(), "1.2.3.4:1".parse().unwrap());
        assert_eq!(read(&bytes("[::1.2.3.4]:1")).unwrap(), "1.2.3.4:1".parse().unwrap());
        assert_eq!(read(&bytes("[::1]:1")).unwrap(), "0.0.0.1:1".parse().unwrap());
    }

    #[test]
    fn every_cut_is_short() {
        for full in [bytes("1.2.3.4:3414"), bytes("[2001:db8::1]:54321")] {
            for cut in 0..full.len() {
                assert!(read(&full[..cut]).is_err());
            }
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
            .collect()
    }
}
