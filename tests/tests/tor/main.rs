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

mod network;
#[path = "../grin_programs/program.rs"]
mod program;
mod relay;
#[path = "../../zones/sockets.rs"]
mod sockets;

use network::TorNetwork;
use program::free_addr;
use relay::{Relay, SEED, Settings, VALUE};
use scape::api::view::TransactionState;
use scape_aggregate::builder::{Faucet, TxBuilder, seeded};
use scape_aggregate::{ChainType, Consensus, Transaction};
use sockets::Watch;

const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);

/// Spends a coin of the relays' chain.
fn payment(index: usize) -> Transaction {
    let coin = Faucet::new(SEED).coins(index + 1, VALUE)[index];
    let tx = TxBuilder::new().input(coin).split(2).build(&mut seeded(2, index as u64), &CONSENSUS);
    tx.unwrap().tx
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tor, and takes two minutes"]
async fn a_stem_transaction_travels_through_tor_alone() {
    let tor = TorNetwork::start();
    let [alice_listens, bob_listens] = [free_addr(), free_addr()];
    let alice_tor = tor.client("alice", alice_listens).await;
    let mut bob_tor = tor.client("bob", bob_listens).await;
    let [alice_name, bob_name] = [alice_tor.onion(), bob_tor.onion()];
    let alice = Relay::start(&Settings {
        socks: alice_tor.socks(),
        listen: alice_listens,
        own: &alice_name,
        peer: &bob_name,
        stem_probability: 1.0,
    });
    let bob = Relay::start(&Settings {
        socks: bob_tor.socks(),
        listen: bob_listens,
        own: &bob_name,
        peer: &alice_name,
        stem_probability: 0.0,
    });
    let watches = [&alice, &bob].map(|relay| Watch::start(relay.pid()));
    alice.until_connected().await;
    bob.until_connected().await;

    // Bob's coin always says fluff, and alice, whose own transactions are always stemmed, hears it
    // from him.
    let first = payment(0);
    alice.push(&first).await;
    alice.until_state(&first, |state| *state == TransactionState::Seen).await;
    assert_eq!(bob.status().await.stem.fluff_reasons["coin"], 1);
    assert!(alice.status().await.stem.fluff_reasons.is_empty());

    // His onion service goes away with all connections, and comes back under its name.
    bob_tor.stop();
    alice.until_disconnected().await;
    let second = payment(1);
    alice.push(&second).await;
    bob_tor.start().await;
    alice.until_state(&second, |state| *state == TransactionState::Seen).await;
    assert_eq!(bob.status().await.stem.fluff_reasons["coin"], 2);
    assert!(alice.status().await.stem.fluff_reasons.is_empty());

    for (watch, tor) in watches.iter().zip([&alice_tor, &bob_tor]) {
        let seen = watch.seen();
        assert_eq!(Vec::from_iter(seen.dialled), [tor.socks()]);
        assert!(seen.others.is_empty(), "{:?}", seen.others);
        assert!(seen.listened.iter().all(|addr| addr.ip().is_loopback()), "{:?}", seen.listened);
    }
}
