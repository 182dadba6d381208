//! Peers that are told apart by numbers: each has a host, and a key if it encrypts, of its own.

use std::net::SocketAddr;

use scape_p2p::addr::PeerAddr;
use scape_p2p::handshake::PeerInfo;
use scape_p2p::peer::Capabilities;
use scape_p2p::secure::{KeyCheck, Protection, PublicKey};

use crate::kit::peer_info;

pub(crate) fn numbered(peer: u64, encrypted: bool) -> PeerInfo {
    let ip = [10, u8::try_from(peer).unwrap(), 0, 1];
    let addr = PeerAddr::from(SocketAddr::from((ip, 3_414)));
    let protection = match encrypted {
        true => Protection::Encrypted { key: PublicKey([ip[1]; 32]), check: KeyCheck::First },
        false => Protection::default(),
    };
    peer_info(Capabilities::RELAY, Some(addr), protection)
}
