//! On a real I2P network: two relays that know of each other only the destination, and are watched
//! while a transaction travels from the one to the other. The network is private and runs on this
//! machine, in a network namespace that has no way out. Needs Debian's packages `i2pd` and
//! `iproute2`, leave to make namespaces, and `scape` as it is built beside this test, or as
//! `SCAPE_BIN` names it:
//!
//! ```console
//! $ sudo apt-get install i2pd iproute2
//! $ cargo build --bin scape
//! $ cargo test -p scape-tests --test i2p -- --ignored
//! ```
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

mod alone;
#[path = "../hidden/mod.rs"]
mod hidden;
mod network;

use hidden::journey::{self, Gate};
use hidden::relay::Relay;
use network::{I2pNetwork, I2pRouter};

/// The zone of a relay: its router, and whom it knows.
fn zone(router: &I2pRouter, peers: &[String]) -> String {
    format!("[i2p]\nenabled = true\nsam = \"{}\"\npeers = {peers:?}", router.addr())
}

#[test]
#[ignore = "needs i2pd, and takes four minutes"]
fn a_stem_transaction_travels_through_i2p_alone() {
    alone::run("a_stem_transaction_travels_through_i2p_alone", &network::addrs(), async || {
        let mut i2p = I2pNetwork::start().await;
        let [alice_i2p, bob_i2p] = &mut i2p.clients;
        let bob = Relay::start(&zone(bob_i2p, &[]), 0.0);
        let name = bob.until_status("named", |status| status.zones.into_iter().next()?.name).await;
        // Who comes to him has a name, under which he comes back.
        let alice = Relay::start(&zone(alice_i2p, &[name]), 1.0);
        let dialled = [alice_i2p.addr(), bob_i2p.addr()];
        // Were it his that is lost, hers would go on for ten minutes with the tunnels that he had.
        journey::travel([&alice, &bob], dialled, alice_i2p).await;
    });
}
