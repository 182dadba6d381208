//! On a real Tor network: two relays that know of each other only the onion address, and are watched
//! while a transaction travels from the one to the other. The network is private and runs on this
//! machine. Needs Debian's package `tor`, and `scape` as it is built beside this test, or as
//! `SCAPE_BIN` names it:
//!
//! ```console
//! $ sudo apt-get install tor
//! $ cargo build --bin scape
//! $ cargo test -p scape-tests --test tor -- --ignored
//! ```
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

#[path = "../hidden/mod.rs"]
mod hidden;
mod network;

use std::net::SocketAddr;

use hidden::journey::{self, Gate};
use hidden::program::free_addr;
use hidden::relay::Relay;
use network::{TorClient, TorNetwork};

/// The zone of a relay: its client, where its onion service leads, and whom it knows.
fn zone(tor: &TorClient, listen: SocketAddr, peer: &TorClient) -> String {
    let (socks, own, peer) = (tor.addr(), tor.onion(), peer.onion());
    format!(
        "[tor]\nenabled = true\nproxy = \"{socks}\"\nlisten = \"{listen}\"\n\
         name = \"{own}\"\npeers = [\"{peer}\"]"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tor, and takes two minutes"]
async fn a_stem_transaction_travels_through_tor_alone() {
    let tor = TorNetwork::start();
    let [alice_listens, bob_listens] = [free_addr(), free_addr()];
    let alice_tor = tor.client("alice", alice_listens).await;
    let mut bob_tor = tor.client("bob", bob_listens).await;
    let alice = Relay::start(&zone(&alice_tor, alice_listens, &bob_tor), 1.0);
    let bob = Relay::start(&zone(&bob_tor, bob_listens, &alice_tor), 0.0);
    let dialled = [alice_tor.addr(), bob_tor.addr()];
    journey::travel([&alice, &bob], dialled, &mut bob_tor).await;
}
