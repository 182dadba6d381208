use scape_aggregate::{Commitment, Hash, OutputFeatures};

/// The last block of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tip {
    /// Its height; the next block has one more.
    pub height: u64,
    /// Its hash.
    pub hash: Hash,
    /// The difficulty of all blocks up to it, which peers compare.
    pub total_difficulty: u64,
}

/// An unspent output on the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Utxo {
    /// Plain or coinbase.
    pub features: OutputFeatures,
    /// The height of the block that created it.
    pub height: u64,
}

/// What the pool has to know of the chain. The host answers from memory: the pool asks for every
/// input and output of every transaction.
pub trait ChainView {
    /// The last block.
    fn tip(&self) -> Tip;

    /// The unspent output with this commitment, if there is one.
    fn utxo(&self, commitment: &Commitment) -> Option<Utxo>;

    /// The height of the last block with an NRD kernel of this excess, if there is one.
    fn last_nrd(&self, excess: &Commitment) -> Option<u64>;
}

/// What the pool has to know of a block.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BlockSummary {
    /// The hash.
    pub hash: Hash,
    /// The height.
    pub height: u64,
    /// The hashes of all kernels.
    pub kernels: Vec<Hash>,
    /// The outputs that it spends, after cut-through.
    pub inputs: Vec<Commitment>,
    /// The outputs that it creates, after cut-through.
    pub outputs: Vec<Commitment>,
    /// The excesses of its NRD kernels.
    pub nrd: Vec<Commitment>,
}

/// A step of the chain. When the pool hears of it, the [`ChainView`] shows the new tip already.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChainUpdate {
    /// The hashes of blocks that are no longer in the chain, last one first.
    pub disconnected: Vec<Hash>,
    /// The blocks that came instead, or on top, first one first.
    pub connected: Vec<BlockSummary>,
}
