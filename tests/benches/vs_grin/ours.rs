//! Our side: a pool over a chain on which every input exists.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::time::Duration;

use scape_aggregate::{Commitment, Input, OutputFeatures, Transaction, ValidTx};
use scape_pool::{
    Capacity, ChainView, Context, Effect, Embargo, EmbargoDelay, Instant, Patience, PatienceMode,
    PeerId, Pool, PoolConfig, Source, Tip, Utxo,
};

use crate::corpus::RULES;
use crate::stem::Stem;

/// The peer that floods.
pub(crate) const PEER: Source = Source::Peer(PeerId(1));
/// When patience ends for what arrives at the beginning.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The outputs that there are.
pub(crate) struct Chain(HashSet<Commitment>);

impl ChainView for Chain {
    fn tip(&self) -> Tip {
        Tip::default()
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        let plain = Utxo { features: OutputFeatures::Plain, height: 0 };
        self.0.contains(commitment).then_some(plain)
    }

    fn last_nrd(&self, _: &Commitment) -> Option<u64> {
        None
    }
}

/// A pool and its surroundings.
pub(crate) struct Node<'a> {
    pub(crate) pool: Pool,
    chain: &'a Chain,
}

impl Chain {
    /// A chain with everything that these spend.
    pub(crate) fn before(txs: impl IntoIterator<Item = impl Borrow<Transaction>>) -> Self {
        let mut spent = HashSet::new();
        for tx in txs {
            spent.extend(tx.borrow().inputs().iter().map(Input::commitment));
        }
        Self(spent)
    }
}

impl<'a> Node<'a> {
    /// A node with an empty pool in which one peer may fill all.
    pub(crate) fn new(chain: &'a Chain) -> Self {
        let config = PoolConfig {
            consensus: RULES,
            patience: Patience {
                interval: PATIENCE,
                phase: Some(Duration::ZERO),
                mode: PatienceMode::EveryHop,
            },
            embargo: Embargo {
                delay: EmbargoDelay::Exponential { mean: Duration::from_secs(3_600) },
                sweep: Duration::from_secs(10),
            },
            rendezvous: None,
            capacity: Capacity { shares: 1, ..Capacity::default() },
        };
        Self { pool: Pool::new(config, [7; 32]), chain }
    }

    fn with<T>(&mut self, now: Instant, work: impl FnOnce(&mut Pool, &mut Context<'_>) -> T) -> T {
        let mut ctx = Context { now, chain: self.chain, router: &mut Stem };
        work(&mut self.pool, &mut ctx)
    }

    /// Whether a transaction is worth verifying.
    pub(crate) fn precheck(&mut self, tx: &Transaction) {
        self.with(Instant::ZERO, |pool, ctx| pool.precheck(tx, ctx).unwrap());
    }

    /// Takes a stem transaction, and does what the pool says.
    pub(crate) fn admit(&mut self, tx: ValidTx) {
        self.with(Instant::ZERO, |pool, ctx| pool.handle_stem(tx, PEER, ctx).unwrap());
        while self.pool.poll_effect().is_some() {}
    }

    /// Lets patience end. The transactions that leave.
    pub(crate) fn fire(&mut self) -> Vec<ValidTx> {
        self.with(Instant::ZERO + PATIENCE, |pool, ctx| pool.handle_timeout(ctx));
        let mut sent = Vec::new();
        while let Some(effect) = self.pool.poll_effect() {
            if let Effect::Stem { tx, .. } = effect {
                sent.push(tx);
            }
        }
        sent
    }
}
