//! Both pools over one chain.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use grin_core::core::hash::Hashed;
use grin_core::core::{Block, Transaction};
use grin_core::ser::{self, DeserializationMode, ProtocolVersion};
use grin_pool::types::NoopPoolAdapter;
use grin_pool::{PoolConfig, PoolError, TransactionPool, TxSource};
use scape_aggregate::Hash;
use scape_pool::{Accepted, ChainUpdate, PoolCounts};

use crate::chain::{TestChain, our_hash, summary};
use crate::node::{No, Node};
use crate::wallet::Wallet;

/// How transactions travel between today's nodes.
const VERSION: u32 = 3;

/// Grin's pool, our pool, and the chain they stand on.
pub(crate) struct Pair {
    pub(crate) chain: TestChain,
    pub(crate) grin: TransactionPool<TestChain, NoopPoolAdapter>,
    pub(crate) ours: Node,
}

/// What the two say of one transaction.
pub(crate) type Verdicts = (Result<(), PoolError>, Result<Accepted, No>);

impl Pair {
    pub(crate) fn new(chain: &TestChain, nrd: bool) -> Self {
        let grin = new_grin_pool(chain.clone());
        Self { chain: chain.clone(), grin, ours: Node::new(nrd) }
    }

    /// Hands a transaction to both.
    pub(crate) fn add(&mut self, tx: &Transaction, stem: bool) -> Verdicts {
        let header = self.chain.head();
        let grin = self.grin.add_to_pool(TxSource::Broadcast, tx.clone(), stem, &header);
        (grin, self.add_to_ours(tx, stem))
    }

    pub(crate) fn stem(&mut self, tx: &Transaction) -> Verdicts {
        self.add(tx, true)
    }

    pub(crate) fn fluff(&mut self, tx: &Transaction) -> Verdicts {
        self.add(tx, false)
    }

    fn add_to_ours(&mut self, tx: &Transaction, stem: bool) -> Result<Accepted, No> {
        let bytes = ser::ser_vec(tx, ProtocolVersion(VERSION)).unwrap();
        let tx = self.ours.read(&bytes, VERSION)?;
        self.ours.add(tx, stem, &self.chain)
    }

    /// Mines a block, of which neither pool hears yet.
    pub(crate) fn mine_unheard(&mut self, txs: &[Transaction], wallet: &Wallet) -> Block {
        self.chain.mine(txs, wallet)
    }

    /// Tells both pools of the last block.
    pub(crate) fn hear(&mut self, block: &Block) {
        self.grin.reconcile_block(block).unwrap();
        let update = ChainUpdate { disconnected: Vec::new(), connected: vec![summary(block)] };
        self.ours.follow(&update, &self.chain);
    }

    pub(crate) fn mine(&mut self, txs: &[Transaction], wallet: &Wallet) -> Block {
        let block = self.mine_unheard(txs, wallet);
        self.hear(&block);
        block
    }

    /// Lets time pass on our side. Grin's pool knows no time.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.ours.wait(time, &self.chain);
    }

    /// How many transactions are in txpool and stempool, the same on both sides, in which also the
    /// same transactions are.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        let public: BTreeSet<_> = self.ours.public().into_iter().collect();
        let stem: BTreeSet<_> = self.ours.stem().into_iter().collect();
        assert_eq!(self.grin_public().into_iter().collect::<BTreeSet<_>>(), public, "txpools");
        assert_eq!(self.grin_stem().into_iter().collect::<BTreeSet<_>>(), stem, "stempools");
        let PoolCounts { stem, public, .. } = self.ours.pool.counts();
        assert_eq!((self.grin.total_size(), self.grin.stempool.size()), (public, stem));
        (public, stem)
    }

    /// Grin's txpool in its order, each transaction by its kernels.
    pub(crate) fn grin_public(&self) -> Vec<BTreeSet<Hash>> {
        self.grin.txpool.entries.iter().map(|entry| kernels(&entry.tx)).collect()
    }

    pub(crate) fn grin_stem(&self) -> Vec<BTreeSet<Hash>> {
        self.grin.stempool.entries.iter().map(|entry| kernels(&entry.tx)).collect()
    }

    /// What our pool offers a miner, in its order, as Grin's transactions.
    pub(crate) fn offered(&self) -> Vec<Transaction> {
        let bytes = |tx: &scape_aggregate::ValidTx| {
            tx.encode(scape_aggregate::ProtocolVersion(VERSION)).unwrap()
        };
        self.ours.pool.public().map(|tx| read(&bytes(tx))).collect()
    }
}

fn new_grin_pool(chain: TestChain) -> TransactionPool<TestChain, NoopPoolAdapter> {
    let config = PoolConfig {
        max_pool_size: 50,
        max_stempool_size: 50,
        mineable_max_weight: 10_000,
        ..PoolConfig::default()
    };
    TransactionPool::new(config, Arc::new(chain), Arc::new(NoopPoolAdapter {}))
}

fn read(mut bytes: &[u8]) -> Transaction {
    ser::deserialize(&mut bytes, ProtocolVersion(VERSION), DeserializationMode::default()).unwrap()
}

/// The hashes of the kernels of a transaction.
pub(crate) fn kernels(tx: &Transaction) -> BTreeSet<Hash> {
    tx.kernels().iter().map(|kernel| our_hash(&kernel.hash())).collect()
}
