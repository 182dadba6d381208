//! Which sockets a process has, as the kernel tells.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Over what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Transport {
    Tcp,
    /// By which names would be looked up.
    Udp,
}

/// A socket, without what becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Socket {
    pub(crate) transport: Transport,
    pub(crate) local: SocketAddr,
    /// Port 0 of no address, if it is for listening.
    pub(crate) remote: SocketAddr,
}

/// Those that a process has open at this moment. Of a process that ended, none.
pub(crate) fn sockets(pid: u32) -> BTreeSet<Socket> {
    let inodes = inodes(pid);
    let tables = [
        ("tcp", Transport::Tcp),
        ("tcp6", Transport::Tcp),
        ("udp", Transport::Udp),
        ("udp6", Transport::Udp),
    ];
    let mut sockets = BTreeSet::new();
    for (table, transport) in tables {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let words: Vec<_> = line.split_whitespace().collect();
            if inodes.contains(words[9]) {
                let [local, remote] = [words[1], words[2]].map(address);
                sockets.insert(Socket { transport, local, remote });
            }
        }
    }
    sockets
}

/// The numbers of the sockets that the process has among its files.
fn inodes(pid: u32) -> BTreeSet<String> {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return BTreeSet::new() };
    let targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    let inode = |target: std::path::PathBuf| {
        Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
    };
    targets.filter_map(inode).collect()
}

/// An address as the kernel writes it: words of four bytes in the order of this machine, in
/// hexadecimal, and the port.
fn address(text: &str) -> SocketAddr {
    let (ip, port) = text.split_once(':').unwrap();
    let word = |at: usize| u32::from_str_radix(&ip[at..at + 8], 16).unwrap().to_ne_bytes();
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)).into(),
        _ => {
            let mut bytes = [0; 16];
            bytes
                .chunks_mut(4)
                .enumerate()
                .for_each(|(i, part)| part.copy_from_slice(&word(8 * i)));
            Ipv6Addr::from(bytes).to_canonical()
        }
    };
    SocketAddr::new(ip, u16::from_str_radix(port, 16).unwrap())
}

#[test]
fn connections_and_lookups_are_seen() {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let stream = TcpStream::connect(server).unwrap();
    let lookup = UdpSocket::bind("[::1]:0").unwrap();
    let seen = sockets(std::process::id());
    let connection =
        Socket { transport: Transport::Tcp, local: stream.local_addr().unwrap(), remote: server };
    assert!(seen.contains(&connection), "{seen:?}");
    let lookup = lookup.local_addr().unwrap();
    let is_lookup = |socket: &&Socket| (socket.transport, socket.local) == (Transport::Udp, lookup);
    assert_eq!(seen.iter().filter(is_lookup).count(), 1, "{seen:?}");
}
