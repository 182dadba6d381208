//! A fixed peer that goes away is connected to again.

use std::sync::Arc;

use grin_p2p::Capabilities;

use super::eventually;
use super::grin::{self, Grin, Seen};
use super::relay::{Relay, config, finish, payment};

/// The new connection is a relay like the old one.
async fn check_stem(relay: &Relay, grin: &mut Grin) {
    relay.relay().await;
    let tx = payment();
    relay.node.push(tx.clone(), false).await.unwrap();
    assert_eq!(grin.next().await, Seen::Stem(grin::read(&tx)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grin_that_hangs_up_is_dialled_again() {
    let mut grin = Grin::start();
    let relay = Relay::start(config(&[grin.addr])).await;
    let (first, here) = (grin.peer().await, relay.peer().await.id);
    first.stop();
    let again = async || grin.peers().iter().any(|peer| !Arc::ptr_eq(peer, &first));
    eventually("Grin has a new link", again).await;
    eventually("so have we", async || relay.peer().await.id != here).await;
    check_stem(&relay, &mut grin).await;
    finish(relay, grin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grin_that_restarts_is_dialled_again() {
    let grin = Grin::start();
    let addr = grin.addr;
    let relay = Relay::start(config(&[addr])).await;
    grin.peer().await;
    relay.peer().await;
    grin.stop().await;
    eventually("the link is over", async || relay.status().await.peers.is_empty()).await;

    let start = || Grin::try_start(addr.port(), Capabilities::default());
    let mut grin = start().unwrap();
    grin.peer().await;
    relay.peer().await;
    check_stem(&relay, &mut grin).await;
    finish(relay, grin).await;
}
