//! The chain that all nodes of an experiment see at once.

use std::collections::HashMap;

use scape_aggregate::{
    Commitment, Consensus, Hash, Input, Output, OutputFeatures, ValidTx, aggregate,
};
use scape_pool::{BlockSummary, ChainUpdate, ChainView, Tip, Utxo};

/// Blocks without proof of work, forks or delays.
#[derive(Debug)]
pub(super) struct LabChain {
    tip: Tip,
    coins: HashMap<Commitment, Utxo>,
}

impl LabChain {
    pub(super) fn new(consensus: &Consensus) -> Self {
        let tip = Tip { height: 0, hash: consensus.chain.genesis(), total_difficulty: 1 };
        Self { tip, coins: HashMap::new() }
    }

    /// A coin that was there before the experiment began.
    pub(super) fn add_coin(&mut self, coin: Commitment) {
        self.coins.insert(coin, Utxo { features: OutputFeatures::Plain, height: 0 });
    }

    /// Whether the transaction can be in the next block.
    pub(super) fn fits(&self, tx: &ValidTx) -> bool {
        tx.inputs().iter().all(|input| self.coins.contains_key(&input.commitment()))
            && !tx.outputs().iter().any(|output| self.coins.contains_key(&output.commitment()))
    }

    /// Adds one transaction to the block that is being made.
    pub(super) fn spend(&mut self, tx: &ValidTx) {
        for input in tx.inputs() {
            self.coins.remove(&input.commitment());
        }
        let utxo = Utxo { features: OutputFeatures::Plain, height: self.tip.height + 1 };
        self.coins.extend(tx.outputs().iter().map(|output| (output.commitment(), utxo)));
    }

    /// Closes the block with these transactions, which were spent already.
    pub(super) fn close(&mut self, txs: &[ValidTx]) -> ChainUpdate {
        let height = self.tip.height + 1;
        let hash = Hash::of(&[self.tip.hash.as_bytes(), &height.to_be_bytes()]);
        self.tip = Tip { height, hash, total_difficulty: height + 1 };
        let mut block = BlockSummary { hash, height, ..BlockSummary::default() };
        // They spend different coins, so that nothing keeps them apart.
        if let Ok(tx) = aggregate(txs) {
            block.kernels = tx.kernels().iter().map(|kernel| *kernel.hash()).collect();
            block.inputs = tx.inputs().iter().map(Input::commitment).collect();
            block.outputs = tx.outputs().iter().map(Output::commitment).collect();
        }
        ChainUpdate { disconnected: Vec::new(), connected: vec![block] }
    }
}

impl ChainView for LabChain {
    fn tip(&self) -> Tip {
        self.tip
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        self.coins.get(commitment).copied()
    }

    fn last_nrd(&self, _: &Commitment) -> Option<u64> {
        None
    }
}
