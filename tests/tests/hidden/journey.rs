//! What two relays do that know of each other only the name on an anonymity network.

use std::net::SocketAddr;

use scape::api::view::TransactionState;
use scape_aggregate::builder::{Faucet, TxBuilder, seeded};
use scape_aggregate::{ChainType, Consensus, Transaction};

use super::relay::{Relay, SEED, VALUE};
use super::sockets::Watch;

const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);

/// The program through which a relay reaches its network, and is reached.
pub(crate) trait Gate {
    /// Where it listens for its relay.
    fn addr(&self) -> SocketAddr;
    /// Kills it, with all its connections.
    fn stop(&mut self);
    /// Starts it again, under its name.
    async fn start(&mut self);
}

/// Two transactions of alice, whose own ones are always stemmed; bob's coin always says fluff. She
/// makes the second one while `lost` is away, one of the gates, whose addresses are `dialled`.
pub(crate) async fn travel(
    [alice, bob]: [&Relay; 2],
    dialled: [SocketAddr; 2],
    lost: &mut impl Gate,
) {
    let watches = [alice, bob].map(|relay| Watch::start(relay.pid()));
    alice.until_connected().await;
    bob.until_connected().await;

    // Alice hears it from him.
    let first = payment(0);
    alice.push(&first).await;
    alice.until_state(&first, |state| *state == TransactionState::Seen).await;
    assert_eq!(bob.status().await.stem.fluff_reasons["coin"], 1);
    assert!(alice.status().await.stem.fluff_reasons.is_empty());

    lost.stop();
    alice.until_disconnected().await;
    let second = payment(1);
    alice.push(&second).await;
    lost.start().await;
    alice.until_state(&second, |state| *state == TransactionState::Seen).await;
    assert_eq!(bob.status().await.stem.fluff_reasons["coin"], 2);
    assert!(alice.status().await.stem.fluff_reasons.is_empty());

    for (watch, gate) in watches.iter().zip(dialled) {
        let seen = watch.seen();
        assert_eq!(Vec::from_iter(seen.dialled), [gate]);
        assert!(seen.others.is_empty(), "{:?}", seen.others);
        assert!(seen.listened.iter().all(|addr| addr.ip().is_loopback()), "{:?}", seen.listened);
    }
}

/// Spends a coin of the relays' chain.
fn payment(index: usize) -> Transaction {
    let coin = Faucet::new(SEED).coins(index + 1, VALUE)[index];
    let tx = TxBuilder::new().input(coin).split(2).build(&mut seeded(2, index as u64), &CONSENSUS);
    tx.unwrap().tx
}
