//! Public transactions, both ways: announced and asked for, or whole.

use grin_core::core::Weighting;
use grin_core::core::hash::Hashed;
use grin_p2p::Capabilities;
use scape_aggregate::ProtocolVersion;
use scape_p2p::peer::Capabilities as OurCapabilities;

use super::eventually;
use super::grin::{self, Grin, Seen};
use super::relay::{Relay, config, finish, payment, payments};

async fn wait_for_public(relay: &Relay) {
    let public = async || relay.status().await.pools.public == 1;
    eventually("it is in our txpool", public).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_announce_and_grin_asks() {
    let mut grin = Grin::start();
    let relay = Relay::start(config(&[grin.addr])).await;
    grin.peer().await;
    relay.peer().await;
    let tx = payment();
    relay.node.push(tx.clone(), true).await.unwrap();
    let kernel = grin::read(&tx).kernels()[0].hash();
    assert_eq!(grin.next().await, Seen::Kernel(kernel));
    let Seen::Transaction(got) = grin.next().await else { panic!("not the transaction") };
    assert_eq!(grin::write(&got), tx.encode(ProtocolVersion::LOCAL).unwrap());
    got.validate(Weighting::AsTransaction).unwrap();
    finish(relay, grin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grin_announces_and_we_ask() {
    let mut grin = Grin::start();
    let relay = Relay::start(config(&[])).await;
    grin.connect(relay.addr).await.unwrap();
    let txs = payments(2);
    let [ours, theirs] = [grin::read(&txs[0]), grin::read(&txs[1])];
    grin.hold(&theirs);
    grin.server.peers.broadcast_transaction(&theirs);
    assert_eq!(grin.next().await, Seen::Asked(theirs.kernels()[0].hash()));
    wait_for_public(&relay).await;
    // Grin is not told of what it told us: the next that it hears of is another.
    relay.node.push(txs[0].clone(), true).await.unwrap();
    assert_eq!(grin.next().await, Seen::Kernel(ours.kernels()[0].hash()));
    finish(relay, grin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grin_sends_whole_transactions_to_who_does_not_ask() {
    let mut grin = Grin::start();
    let mut config = config(&[]);
    config.net.capabilities = OurCapabilities::PEER_LIST;
    let relay = Relay::start(config).await;
    grin.connect(relay.addr).await.unwrap();
    grin.server.peers.broadcast_transaction(&grin::read(&payment()));
    wait_for_public(&relay).await;
    assert_eq!(grin.rest(), []);
    finish(relay, grin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_send_whole_transactions_to_a_grin_that_does_not_ask() {
    let mut grin = Grin::start_with(Capabilities::HEADER_HIST);
    let relay = Relay::start(config(&[grin.addr])).await;
    relay.peer().await;
    let tx = payment();
    relay.node.push(tx.clone(), true).await.unwrap();
    assert_eq!(grin.next().await, Seen::Transaction(grin::read(&tx)));
    assert_eq!(grin.rest(), []);
    finish(relay, grin).await;
}
