use scape_aggregate::{Commitment, Hash, OutputFeatures};
use scape_pool::{BlockSummary, Tip};

/// What is read of a block of a Grin chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct GrinBlock {
    /// Height, hash and difficulty: the tip of the chain that ends here.
    pub(super) tip: Tip,
    pub(super) previous: Hash,
    pub(super) inputs: Vec<Commitment>,
    pub(super) outputs: Vec<(Commitment, OutputFeatures)>,
    /// The hashes of the kernels.
    pub(super) kernels: Vec<Hash>,
    /// The excesses of the NRD kernels.
    pub(super) nrd: Vec<Commitment>,
}

impl GrinBlock {
    /// Whether the block can be the next one after `tip`.
    pub(super) fn follows(&self, tip: &Tip) -> bool {
        self.previous == tip.hash
            && self.tip.height == tip.height + 1
            && self.tip.total_difficulty > tip.total_difficulty
    }

    pub(super) fn into_summary(self) -> BlockSummary {
        BlockSummary {
            hash: self.tip.hash,
            height: self.tip.height,
            kernels: self.kernels,
            inputs: self.inputs,
            outputs: self.outputs.into_iter().map(|(commitment, _)| commitment).collect(),
            nrd: self.nrd,
        }
    }
}

/// An unspent output as it is kept: a main network has hundreds of thousands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unspent {
    pub(super) height: u32,
    pub(super) features: OutputFeatures,
}
