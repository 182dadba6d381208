//! Who is not talked to: another chain, and oneself.

use std::net::SocketAddr;

use scape_aggregate::Hash;
use scape_p2p::handshake::HandshakeError;
use scape_p2p::net::{ConnectError, Net, NetConfig, NetEvent};
use tokio::sync::mpsc;

use super::grin::{Grin, free_port};
use super::relay::{Relay, config, finish, net_config};
use super::{PATIENCE, eventually};

async fn start(config: NetConfig) -> (Net, SocketAddr, mpsc::Receiver<NetEvent>) {
    let (sender, events) = mpsc::channel(16);
    let net = Net::start(config, sender).await.unwrap();
    let addr = net.local_addr().unwrap();
    (net, addr, events)
}

async fn refusal(events: &mut mpsc::Receiver<NetEvent>) -> ConnectError {
    match tokio::time::timeout(PATIENCE, events.recv()).await {
        Ok(Some(NetEvent::ConnectFailed { error, .. })) => error,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chain_is_refused_by_both_sides() {
    let grin = Grin::start();
    let (net, addr, mut events) = start(NetConfig { genesis: Hash([9; 32]), ..net_config() }).await;
    net.connect(grin.addr);
    let error = refusal(&mut events).await;
    assert!(matches!(error, ConnectError::Closed | ConnectError::Io(_)), "{error}");
    let error = grin.connect(addr).await.unwrap_err();
    assert!(matches!(error, grin_p2p::Error::Connection(_)), "{error:?}");
    assert!(grin.peers().is_empty());
    net.shutdown().await;
    assert!(events.recv().await.is_none(), "nobody was connected");

    // Neither side is the worse for it.
    let relay = Relay::start(config(&[grin.addr])).await;
    grin.peer().await;
    finish(relay, grin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_talks_to_itself() {
    let (net, addr, mut events) = start(net_config()).await;
    net.connect(addr);
    let error = refusal(&mut events).await;
    let to_self = HandshakeError::ConnectedToSelf;
    assert!(matches!(error, ConnectError::Handshake(ref e) if *e == to_self), "{error}");
    net.shutdown().await;

    let grin = Grin::start();
    assert!(grin.connect(grin.addr).await.is_err());
    assert!(grin.peers().is_empty());

    // A node that is told to connect to itself gives that up, and talks to others.
    let own = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut config = config(&[own, grin.addr]);
    config.net.listen = Some(own);
    config.zone.peers.outbound = 2;
    let relay = Relay::start(config).await;
    assert_eq!(relay.peer().await.addr, Some(grin.addr.into()));
    eventually("one peer here", async || relay.status().await.peers.len() == 1).await;
    finish(relay, grin).await;
}
