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

    /// Blocks before the experiment, with so many transactions each on average.
    pub(super) fn history(&mut self, per_block: f64) -> Vec<BlockSummary> {
        let mut due = 0.0;
        let block = |_| {
            let mut block = self.next();
            due += per_block;
            let kernel = |n: u64| Hash::of(&[block.hash.as_bytes(), &n.to_be_bytes()]);
            block.kernels.extend((1..=due as u64).map(kernel));
            due = due.fract();
            block
        };
        (0..HISTORY).map(block).collect()
    }

    pub(super) fn height(&self) -> u64 {
        self.tip.height
    }

    /// The next block, with its coinbase kernel and nothing else.
    fn next(&mut self) -> BlockSummary {
        let height = self.tip.height + 1;
        let hash = Hash::of(&[self.tip.hash.as_bytes(), &height.to_be_bytes()]);
        self.tip = Tip { height, hash, total_difficulty: height + 1 };
        BlockSummary { hash, height, kernels: vec![hash], ..BlockSummary::default() }
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
        let mut block = self.next();
        // They spend different coins, so that nothing keeps them apart.
        if let Ok(tx) = aggregate(txs) {
            block.kernels.extend(tx.kernels().iter().map(|kernel| *kernel.hash()));
            block.inputs = tx.inputs().iter().map(Input::commitment).collect();
            block.outputs = tx.outputs().iter().map(Output::commitment).collect();
        }
        ChainUpdate { disconnected: Vec::new(), connected: vec![block] }
    }
}

/// Of how many blocks nodes remember how many transactions there were, and more.
const HISTORY: usize = 300;

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
