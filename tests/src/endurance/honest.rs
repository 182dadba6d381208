//! The peer that keeps to the rules while others do not.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha12Rng;
use scape_aggregate::Hash;
use scape_aggregate::builder::{Coin, TxBuilder, seeded};
use scape_p2p::wire::Message;

use super::client::{Client, ClientError};
use super::{CONSENSUS, EnduranceError, now, served};

/// Sends one real transaction after the other.
pub(super) struct Honest {
    client: Client,
    coins: std::vec::IntoIter<Coin>,
    rng: ChaCha12Rng,
    /// When what was sent that has not arrived yet.
    waiting: HashMap<Hash, Instant>,
}

impl Honest {
    pub(super) fn connect(addr: SocketAddr, seed: u64) -> Result<Self, ClientError> {
        // First the coins: who is silent for that long is hung up on.
        let coins = served::coins().into_iter();
        let client = Client::connect(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), addr, seed)?;
        Ok(Self { client, coins, rng: seeded(seed, 1), waiting: HashMap::new() })
    }

    pub(super) fn push(&mut self) -> Result<(), EnduranceError> {
        let Some(coin) = self.coins.next() else { return Ok(()) };
        let tx = TxBuilder::new().input(coin).split(2).build(&mut self.rng, &CONSENSUS)?.tx;
        self.waiting.insert(*tx.kernels()[0].hash(), now());
        Ok(self.client.say(&Message::StemTransaction(tx))?)
    }

    /// Answers pings, so that the connection stays.
    pub(super) fn answer(&mut self) -> Result<(), ClientError> {
        self.client.drain()
    }

    /// How long a transaction took that has arrived; `None` if it is not of this peer.
    pub(super) fn arrived(&mut self, kernel: &Hash, at: Instant) -> Option<Duration> {
        Some(at.saturating_duration_since(self.waiting.remove(kernel)?))
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}
