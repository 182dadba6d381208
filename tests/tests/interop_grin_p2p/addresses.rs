//! Addresses of peers, both ways.

use std::net::SocketAddr;

use grin_p2p::{Capabilities, PeerAddr, PeerData, ReasonForBan, State};

use super::eventually;
use super::grin::{Grin, free_port};
use super::relay::{Relay, config};

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
    config.seeds = vec![alice.addr];
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
