use scape_aggregate::{Commitment, Hash, OutputFeatures, ValidTx};
use scape_pool::{BlockSummary, ChainUpdate, ChainView, Tip, Utxo};

use super::entries::{creates, kernels, nrd, spends};

/// The height before the first block.
const BEGIN: u64 = 10;

/// A chain as a list of blocks: what is unspent follows from all of them.
#[derive(Default)]
pub struct Ledger {
    coins: Vec<(Commitment, OutputFeatures)>,
    blocks: Vec<Block>,
    /// Makes the hashes of blocks differ.
    mined: u64,
}

struct Block {
    summary: BlockSummary,
    /// The excesses of its NRD kernels.
    nrd: Vec<Commitment>,
}

impl Ledger {
    /// A new output that was always there; a coinbase output is as old as the chain.
    pub fn coin(&mut self, features: OutputFeatures) -> Commitment {
        let number = self.coins.len() as u64;
        let mut commitment = Commitment([8; 33]);
        commitment.0[1..].copy_from_slice(&Hash::of(&[&number.to_be_bytes()]).0);
        self.coins.push((commitment, features));
        commitment
    }

    /// How many blocks there are.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there is no block.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Whether the next block may hold `tx` beside these others.
    pub fn allows(&self, tx: &ValidTx, others: &[ValidTx]) -> bool {
        let created: Vec<_> = others.iter().flat_map(creates).collect();
        let spent: Vec<_> = others.iter().flat_map(spends).collect();
        let excesses: Vec<_> = others.iter().flat_map(nrd).map(|(excess, _)| excess).collect();
        let is_there = |output: &Commitment| self.utxo(output).is_some();
        let next = self.tip().height + 1;
        tx.lock_height() <= next
            && spends(tx).all(|c| !spent.contains(&c) && (is_there(&c) || created.contains(&c)))
            && creates(tx).all(|c| !is_there(&c) && !created.contains(&c))
            && nrd(tx).all(|(excess, distance)| {
                let last = self.last_nrd(&excess);
                !excesses.contains(&excess) && last.is_none_or(|last| last + distance <= next)
            })
            && spends(tx).all(|input| self.is_mature(&input))
    }

    fn is_mature(&self, input: &Commitment) -> bool {
        let coinbase = self.utxo(input).filter(|utxo| utxo.features == OutputFeatures::Coinbase);
        coinbase.is_none_or(|utxo| {
            utxo.height + super::setup::CONSENSUS.chain.coinbase_maturity() <= self.tip().height + 1
        })
    }

    /// The update by which the last blocks are undone and others, of these, come instead.
    pub fn update(&mut self, undone: usize, blocks: &[Vec<ValidTx>]) -> ChainUpdate {
        let undone = (0..undone).filter_map(|_| self.blocks.pop());
        let disconnected = undone.map(|block| block.summary.hash).collect();
        let connected = blocks.iter().map(|txs| self.mine(txs)).collect();
        ChainUpdate { disconnected, connected }
    }

    fn mine(&mut self, txs: &[ValidTx]) -> BlockSummary {
        let created: Vec<_> = txs.iter().flat_map(creates).collect();
        let spent: Vec<_> = txs.iter().flat_map(spends).collect();
        self.mined += 1;
        let summary = BlockSummary {
            hash: Hash::of(&[&self.mined.to_be_bytes()]),
            height: self.tip().height + 1,
            kernels: txs.iter().flat_map(kernels).collect(),
            inputs: spent.iter().filter(|c| !created.contains(c)).copied().collect(),
            outputs: created.iter().filter(|c| !spent.contains(c)).copied().collect(),
            nrd: txs.iter().flat_map(nrd).map(|(excess, _)| excess).collect(),
        };
        self.blocks.push(Block { nrd: summary.nrd.clone(), summary: summary.clone() });
        summary
    }
}

impl ChainView for Ledger {
    fn tip(&self) -> Tip {
        let height = BEGIN + self.blocks.len() as u64;
        Tip { height, ..Tip::default() }
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        let blocks = || self.blocks.iter().map(|block| &block.summary);
        // Nothing is created again once it was spent: only transactions that fit are mined.
        if blocks().any(|block| block.inputs.contains(commitment)) {
            return None;
        }
        let block = blocks().find(|block| block.outputs.contains(commitment));
        let created =
            block.map(|block| Utxo { features: OutputFeatures::Plain, height: block.height });
        let coin = self.coins.iter().find(|(coin, _)| coin == commitment);
        created.or(coin.map(|(_, features)| Utxo { features: *features, height: BEGIN }))
    }

    fn last_nrd(&self, excess: &Commitment) -> Option<u64> {
        let block = self.blocks.iter().rev().find(|block| block.nrd.contains(excess))?;
        Some(block.summary.height)
    }
}
