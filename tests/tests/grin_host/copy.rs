//! Copies of a chain, and what passes between them.

use grin_chain::types::Options;
use grin_core::core::hash::Hashed;
use grin_core::core::{Block, BlockHeader, Transaction};

use crate::chain::TestChain;

impl TestChain {
    /// A chain that begins as this one does.
    pub(crate) fn twin_of_genesis(&self) -> Self {
        Self::on(self.block_at(0))
    }

    pub(crate) fn block_at(&self, height: u64) -> Block {
        self.block_of(&self.header_at(height))
    }

    pub(crate) fn block_of(&self, header: &BlockHeader) -> Block {
        self.chain.get_block(&header.hash()).unwrap()
    }

    pub(crate) fn before(&self, header: &BlockHeader) -> BlockHeader {
        self.chain.get_previous_header(header).unwrap()
    }

    /// Takes a block as from a peer: it is checked in full.
    pub(crate) fn take(&self, block: Block) {
        self.chain.process_block(block, Options::NONE).unwrap();
    }

    /// Takes the blocks of another chain that are not known here.
    pub(crate) fn import(&self, other: &Self) {
        for height in 1..=other.head().height {
            let block = other.block_at(height);
            if !self.chain.block_exists(block.hash()).unwrap() {
                self.take(block);
            }
        }
    }

    /// Whether the next block may hold a transaction.
    pub(crate) fn accepts(&self, tx: &Transaction) -> bool {
        self.chain.validate_tx(tx).is_ok()
            && self.chain.verify_coinbase_maturity(&tx.inputs()).is_ok()
    }

    /// Checks all of the chain, as Grin does it.
    pub(crate) fn validate(&self) {
        self.chain.validate(false).unwrap();
    }
}
