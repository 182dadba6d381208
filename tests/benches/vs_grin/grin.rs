//! Grin's side: its codec, and its pool over a chain on which every input exists.

use std::sync::Arc;

use grin_core::core::hash::Hash;
use grin_core::core::transaction::CommitWrapper;
use grin_core::core::{
    BlockHeader, BlockSums, Inputs, OutputFeatures, OutputIdentifier, Transaction,
};
use grin_core::global::{self, ChainTypes};
use grin_core::ser::{self, DeserializationMode, ProtocolVersion};
use grin_pool::types::{NoopPoolAdapter, PoolEntry};
use grin_pool::{BlockChain, PoolConfig, PoolError, TransactionPool, TxSource};

use crate::corpus::VERSION;

/// Tells Grin, on this thread, which rules hold.
pub(crate) fn follow() {
    global::set_local_chain_type(ChainTypes::Mainnet);
    global::set_local_nrd_enabled(false);
}

pub(crate) fn read(mut bytes: &[u8]) -> Transaction {
    let version = ProtocolVersion(VERSION.0);
    ser::deserialize(&mut bytes, version, DeserializationMode::default()).unwrap()
}

pub(crate) fn write(tx: &Transaction) -> Vec<u8> {
    ser::ser_vec(tx, ProtocolVersion(VERSION.0)).unwrap()
}

/// A chain that answers at once, and yes.
pub(crate) struct Chain;

impl BlockChain for Chain {
    fn verify_coinbase_maturity(&self, _: &Inputs) -> Result<(), PoolError> {
        Ok(())
    }

    fn verify_tx_lock_height(&self, _: &Transaction) -> Result<(), PoolError> {
        Ok(())
    }

    fn validate_tx(&self, _: &Transaction) -> Result<(), PoolError> {
        Ok(())
    }

    fn validate_inputs(&self, inputs: &Inputs) -> Result<Vec<OutputIdentifier>, PoolError> {
        Ok(identifiers(inputs))
    }

    fn chain_head(&self) -> Result<BlockHeader, PoolError> {
        Ok(BlockHeader::default())
    }

    fn get_block_header(&self, _: &Hash) -> Result<BlockHeader, PoolError> {
        Ok(BlockHeader::default())
    }

    fn get_block_sums(&self, _: &Hash) -> Result<BlockSums, PoolError> {
        Ok(BlockSums::default())
    }
}

fn identifiers(inputs: &Inputs) -> Vec<OutputIdentifier> {
    let commitments: Vec<CommitWrapper> = inputs.into();
    commitments
        .iter()
        .map(|input| OutputIdentifier::new(OutputFeatures::Plain, &input.commitment()))
        .collect()
}

/// Grin's pool.
pub(crate) struct Pool {
    pool: TransactionPool<Chain, NoopPoolAdapter>,
    header: BlockHeader,
}

impl Pool {
    /// A pool with these in the stempool, as if they had been added one by one.
    pub(crate) fn with_stem(txs: &[Transaction]) -> Self {
        let config =
            PoolConfig { max_pool_size: 50_000, max_stempool_size: 50_000, ..Default::default() };
        let mut pool = TransactionPool::new(config, Arc::new(Chain), Arc::new(NoopPoolAdapter {}));
        pool.stempool.entries = txs.iter().map(entry).collect();
        Self { pool, header: BlockHeader::default() }
    }

    /// Adds a stem transaction, as a node does that got it from a peer.
    pub(crate) fn add_stem(&mut self, tx: Transaction) {
        self.pool.add_to_pool(TxSource::Broadcast, tx, true, &self.header).unwrap();
    }

    /// Takes out again what was added last.
    pub(crate) fn undo(&mut self) {
        self.pool.stempool.entries.pop();
    }
}

/// An entry as the pool keeps it: inputs with features.
fn entry(tx: &Transaction) -> PoolEntry {
    let inputs = identifiers(&tx.inputs());
    let body = tx.body.clone().replace_inputs(inputs.as_slice().into());
    PoolEntry::new(Transaction { body, ..tx.clone() }, TxSource::Broadcast)
}
