//! Handshakes, pings and pongs, in both directions.

use grin_core::pow::Difficulty;
use grin_core::ser::ProtocolVersion;
use grin_p2p::{Capabilities, Peer};
use scape_p2p::peer::Direction;

use super::eventually;
use super::grin::{DIFFICULTY, Grin, HEIGHT};
use super::relay::{Relay, config, finish};

/// What each side knows of the other after the handshake and our first ping.
async fn check_introduction(relay: &Relay, grin: &Grin, direction: Direction) {
    let (at_grin, here) = (grin.peer().await, relay.peer().await);
    let outbound_at_grin = direction == Direction::Inbound;
    assert_eq!(at_grin.info.is_outbound(), outbound_at_grin);
    assert_eq!(at_grin.info.version, ProtocolVersion(1000));
    let ours = Capabilities::PEER_LIST | Capabilities::TX_KERNEL_HASH;
    assert_eq!(at_grin.info.capabilities, ours);
    assert_eq!(at_grin.info.user_agent, relay_agent());
    assert_eq!(at_grin.info.addr.0, relay.addr);

    assert_eq!(here.direction, direction);
    assert_eq!(here.version, scape_aggregate::ProtocolVersion(1000));
    assert_eq!(here.capabilities.bits(), Capabilities::default().bits());
    assert_eq!(here.user_agent, grin_p2p::msg::user_agent());
    assert_eq!(here.height, Some(HEIGHT));
}

fn relay_agent() -> String {
    super::relay::net_config().user_agent
}

fn tip_at(peer: &Peer) -> (u64, u64) {
    (peer.info.height(), peer.info.total_difficulty().to_num())
}

/// Grin pings, hears of our new block in the pong, and tells us of its own.
async fn check_ping(relay: &Relay, grin: &Grin) {
    let before = relay.status().await.tip;
    relay.mine().await;
    grin.server.peers.check_all(Difficulty::from_num(DIFFICULTY + 2), HEIGHT + 1);
    let peer = grin.peer().await;
    let after = (before.height + 1, before.total_difficulty + 1);
    eventually("Grin knows of our block", async || tip_at(&peer) == after).await;
    let told = async || relay.peer().await.height == Some(HEIGHT + 1);
    eventually("we know of Grin's block", told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_dial_grin() {
    let grin = Grin::start();
    let relay = Relay::start(config(&[grin.addr])).await;
    check_introduction(&relay, &grin, Direction::Outbound).await;
    assert_eq!(relay.peer().await.addr, Some(grin.addr.into()));
    check_ping(&relay, &grin).await;
    finish(relay, grin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grin_dials_us() {
    let grin = Grin::start();
    let relay = Relay::start(config(&[])).await;
    relay.mine().await;
    relay.mine().await;
    let peer = grin.connect(relay.addr).await.unwrap();
    assert_eq!(peer.info.total_difficulty().to_num(), relay.status().await.tip.total_difficulty);
    check_introduction(&relay, &grin, Direction::Inbound).await;
    eventually("our ping has come", async || tip_at(&peer).0 == 2).await;
    check_ping(&relay, &grin).await;
    finish(relay, grin).await;
}
