//! The verdicts on transactions.

use thiserror::Error;

/// How a transaction was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accepted {
    /// It is in the stempool, under embargo.
    Stem,
    /// It is in the txpool.
    Public,
    /// Its parent is not known yet; it waits.
    Orphan,
    /// It was in the stempool already. It is looked at once more, so that a loop of relays is no
    /// black hole.
    Loop,
    /// Something in the stempool excludes it: it is kept until it is seen which of the two is mined.
    /// See [`crate::Pool::handle_rival`].
    Rival,
    /// It waits until there is a way out. See [`crate::Router::lets_own_out`].
    Held,
}

/// Why a transaction was not taken.
///
/// # Security
/// What becomes of a stem transaction depends on what the stempool holds, whatever the refusal: a
/// part of it may have been there and been subtracted. It must not cost the sender. What becomes
/// of a fluffed one may, if [`Refusal::is_public`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Refusal {
    /// All its kernels are in the txpool or in a recent block.
    #[error("already known")]
    Known,
    /// It shares kernels with another aggregate, neither containing the other.
    #[error("overlaps with another aggregate")]
    Overlap,
    /// It pays less than Grin nodes relay for (`grin_pool`, `is_acceptable`).
    #[error("pays {paid} nanogrin, relaying costs {required}")]
    LowFee {
        /// The shifted fee.
        paid: u64,
        /// What would be needed.
        required: u64,
    },
    /// A height-locked kernel is not valid in the next block (`verify_tx_lock_height`).
    #[error("locked until height {lock_height}, the next block has {next_height}")]
    LockHeight {
        /// The first height that may hold it.
        lock_height: u64,
        /// The height of the next block.
        next_height: u64,
    },
    /// It spends a coinbase output too early (`verify_coinbase_maturity`).
    #[error("spends a coinbase output that matures at height {matures}")]
    ImmatureCoinbase {
        /// The first height of a block that may spend it.
        matures: u64,
    },
    /// An NRD kernel of the same excess is in a block too recent (NRD rule, `grin_chain`).
    #[error("an NRD kernel with this excess is allowed at height {allowed}")]
    RecentNrd {
        /// The first height of a block that may hold it.
        allowed: u64,
    },
    /// An NRD kernel of the same excess is waiting for a block.
    #[error("an NRD kernel with this excess is pending")]
    PendingNrd,
    /// An input says features that the output it spends does not have.
    #[error("an input has other features than the output that it spends")]
    InputFeatures,
    /// It spends what another pending transaction spends.
    #[error("spends what a pending transaction spends")]
    Conflict,
    /// It creates an output that exists.
    #[error("creates an output that exists")]
    OutputExists,
    /// An input is nowhere, and orphans are not kept for this source any more.
    #[error("spends an output that does not exist")]
    MissingInput,
    /// There is no room, or the sender has used its share.
    #[error("no room")]
    Full,
}

impl Refusal {
    /// Whether the refusal of a fluffed transaction, or one by [`crate::Pool::precheck`], is the
    /// sender's fault as far as the chain and what is public can tell.
    pub fn is_public(&self) -> bool {
        match self {
            Self::LowFee { .. }
            | Self::LockHeight { .. }
            | Self::ImmatureCoinbase { .. }
            | Self::RecentNrd { .. }
            | Self::InputFeatures => true,
            Self::Known
            | Self::Overlap
            | Self::PendingNrd
            | Self::Conflict
            | Self::OutputExists
            | Self::MissingInput
            | Self::Full => false,
        }
    }
}
