use scape_aggregate::Hash;
use thiserror::Error;

use crate::rpc::RpcError;

/// Why a Grin node's chain cannot be followed. All of it is tried again.
#[derive(Debug, Error)]
pub enum GrinError {
    /// No usable answer.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The node is of another chain.
    #[error("the Grin node is of another chain: its genesis is {found}, not {expected}")]
    WrongChain {
        /// What begins the chain that is configured.
        expected: Hash,
        /// What begins the node's.
        found: Hash,
    },
    /// The node has no header of its genesis, or no block at its tip.
    #[error("the Grin node does not have block {0}")]
    MissingBlock(u64),
    /// A block does not follow on the one before it, or is missing.
    #[error("block {0} does not follow on the one before it")]
    Unlinked(u64),
    /// The chain changed while it was read.
    #[error("the chain of the Grin node changed while it was read")]
    Moved,
    /// A listing of outputs that does not go on.
    #[error("the Grin node's listing of outputs stops at {0}")]
    Stalled(u64),
    /// A block does not fit the outputs that were there before it.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The node has forgotten blocks that are needed.
    #[error("NRD rules need the last {needed} blocks, and the Grin node has {found}")]
    Pruned {
        /// How many are needed.
        needed: u64,
        /// How many the node has.
        found: u64,
    },
}

/// Why a block does not fit. The chain is read anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum IndexError {
    /// It does not follow on the block before it.
    #[error("block {0} does not follow on the one before it")]
    Unlinked(u64),
    /// It spends what is not there.
    #[error("block {0} spends an output that does not exist")]
    MissingInput(u64),
    /// It creates what is there.
    #[error("block {0} creates an output that exists")]
    OutputExists(u64),
    /// A fork goes back further than can be undone.
    #[error("the chain forks below what is remembered, at {0}")]
    TooDeep(u64),
}
