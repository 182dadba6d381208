//! A chain with some coins to spend.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use scape_aggregate::builder::{Coin, Faucet};

use scape_aggregate::{
    Commitment, Hash, Input, Output, OutputFeatures, TxKernel, ValidTx, aggregate,
};
use scape_pool::{BlockSummary, ChainUpdate, ChainView, Tip, Utxo};

/// The height at which it begins.
pub(crate) const BEGIN: u64 = 1_000;

/// The coins that it begins with. The last one is a reward that cannot be spent yet.
pub(crate) static COINS: LazyLock<Vec<Coin>> = LazyLock::new(|| {
    let mut faucet = Faucet::new(7);
    let mut coins = faucet.coins(16, 60_000_000_000);
    coins.push(faucet.coinbase(60_000_000_000));
    coins
});

static FIRST: LazyLock<HashMap<Commitment, OutputFeatures>> =
    LazyLock::new(|| COINS.iter().map(|coin| (coin.commitment(), coin.features())).collect());

/// Blocks, and what they changed.
#[derive(Clone, Default)]
pub(crate) struct Chain {
    blocks: Vec<BlockSummary>,
    spent: HashSet<Commitment>,
    created: HashMap<Commitment, u64>,
    /// Makes the hashes of blocks differ.
    mined: u64,
}

impl Chain {
    /// A block of what is possible of these, all or nothing.
    pub(crate) fn mine(&mut self, txs: &[ValidTx]) -> ChainUpdate {
        let merged = aggregate(txs).ok().filter(|tx| {
            let creates = tx.outputs().iter().map(Output::commitment);
            tx.inputs().iter().all(|input| self.utxo(&input.commitment()).is_some())
                && creates.into_iter().all(|output| self.utxo(&output).is_none())
        });
        let tx = merged.or_else(|| aggregate(&[]).ok()).expect("nothing excludes nothing");
        let height = self.tip().height + 1;
        self.mined += 1;
        let block = BlockSummary {
            hash: Hash::of(&[&self.mined.to_be_bytes()]),
            height,
            kernels: tx.kernels().iter().map(|kernel| *TxKernel::hash(kernel)).collect(),
            inputs: tx.inputs().iter().map(Input::commitment).collect(),
            outputs: tx.outputs().iter().map(Output::commitment).collect(),
            nrd: tx.kernels().iter().filter_map(TxKernel::nrd_excess).collect(),
        };
        self.spent.extend(&block.inputs);
        self.created.extend(block.outputs.iter().map(|output| (*output, height)));
        self.blocks.push(block.clone());
        ChainUpdate { disconnected: Vec::new(), connected: vec![block] }
    }

    /// The last block is undone, and two empty ones come instead.
    pub(crate) fn fork(&mut self) -> ChainUpdate {
        let undone = self.blocks.pop();
        if let Some(block) = &undone {
            self.spent.retain(|input| !block.inputs.contains(input));
            self.created.retain(|output, _| !block.outputs.contains(output));
        }
        let mut update = self.mine(&[]);
        update.connected.extend(self.mine(&[]).connected);
        update.disconnected = undone.iter().map(|block| block.hash).collect();
        update
    }
}

impl ChainView for Chain {
    fn tip(&self) -> Tip {
        let height = self.blocks.last().map_or(BEGIN, |block| block.height);
        Tip { height, hash: Hash::of(&[&self.mined.to_be_bytes()]), total_difficulty: height }
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        if self.spent.contains(commitment) {
            return None;
        }
        if let Some(height) = self.created.get(commitment) {
            return Some(Utxo { features: OutputFeatures::Plain, height: *height });
        }
        let features = *FIRST.get(commitment)?;
        Some(Utxo { features, height: BEGIN - u64::from(features == OutputFeatures::Plain) * 10 })
    }

    fn last_nrd(&self, excess: &Commitment) -> Option<u64> {
        (excess.0[32] & 1 == 0).then_some(BEGIN - 10)
    }
}
