//! Addresses of peers, both ways.

use std::net::SocketAddr;

use grin_p2p::{Capabilities, MAX_PEER_ADDRS, PeerAddr, PeerData, ReasonForBan, State};

use super::eventually;
use super::grin::{Grin, free_port};
use super::relay::{Relay, config, finish};

fn healthy(addr: SocketAddr) -> PeerData {
    PeerData {
        addr: PeerAddr(addr),
        capabilities: Capabilities::default(),
        user_agent: "MW/Grin".to_owned(),
        flags: State::Healthy,
        last_banned: 0,
        ban_reason: ReasonForBan::None,
        last_connected: 0,
        last_attempt: 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_go_both_ways() {
    let (alice, bob) = (Grin::start(), Grin::start());
    let known = SocketAddr::from(([127, 0, 0, 1], free_port()));
    alice.server.peers.save_peer(&healthy(known)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(&[]);
    config.book.allow_private = true;
    config.seeds = vec![alice.addr.into()];
    config.data_dir = Some(dir.path().to_owned());
    let relay = Relay::start(config).await;

    // We ask whom we dial, and learn what it knows.
    relay.peer().await;
    eventually("we have addresses", async || relay.status().await.addresses >= 2).await;

    // Who dials us asks us, and learns whom we have found healthy.
    let peer = bob.connect(relay.addr).await.unwrap();
    peer.send_peer_request(Capabilities::PEER_LIST).unwrap();
    let learnt = async || bob.server.peers.exists_peer(PeerAddr(alice.addr)).unwrap();
    eventually("Grin has the address", learnt).await;
    assert!(!bob.server.peers.exists_peer(PeerAddr(known)).unwrap(), "never tried by us");

    relay.node.shutdown().await;
    let book = std::fs::read_to_string(dir.path().join("peers.txt")).unwrap();
    for addr in [alice.addr, bob.addr, known] {
        assert!(book.contains(&addr.to_string()), "{addr} is not in the book:\n{book}");
    }
    alice.stop().await;
    bob.stop().await;
}

/// Private addresses of both families, each in a group of its own. Nobody connects to them here:
/// the node has all the peers that it wants.
fn addresses(count: u16) -> impl Iterator<Item = SocketAddr> {
    (0..count).map(|n| match n % 2 {
        0 => SocketAddr::from(([127, (n / 2) as u8, 0, 1], 3414)),
        _ => SocketAddr::from(([0xfd00, n, 0, 0, 0, 0, 0, 1], 3414)),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_addresses_as_grin_ever_sends_are_taken() {
    let grin = Grin::start();
    let many = addresses(300).map(healthy).collect();
    grin.server.peers.save_peers(many).unwrap();
    let mut config = config(&[grin.addr]);
    config.book.allow_private = true;
    let relay = Relay::start(config).await;
    let id = relay.peer().await.id;
    let full = async || relay.status().await.addresses == MAX_PEER_ADDRS as usize;
    eventually("we have as many addresses as fit a message", full).await;
    assert_eq!(relay.peer().await.id, id);
    finish(relay, grin).await;
}
