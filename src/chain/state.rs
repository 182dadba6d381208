use std::time::Duration;

use thiserror::Error;

use crate::rpc::Url;

/// Where a node's chain comes from, and how that is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChainStatus {
    /// An embedded development ledger.
    Embedded,
    /// A Grin node.
    Grin {
        /// Its API.
        url: Url,
        /// How it is.
        state: ChainState,
    },
}

impl ChainStatus {
    /// Whether the chain is known and up to date.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Embedded => true,
            Self::Grin { state, .. } => *state == ChainState::Ready,
        }
    }
}

/// How a chain is that is read from another node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChainState {
    /// It is read for the first time, or anew.
    Syncing {
        /// Outputs or blocks read.
        done: u64,
        /// Of how many, as far as that is known.
        of: u64,
    },
    /// It is up to date.
    Ready,
    /// The node does not answer, or not in a way that can be used. It is tried again all the time.
    Away {
        /// For how long.
        lasting: Duration,
        /// Why, and what to do about it.
        error: String,
    },
}

/// Why no transaction is accepted for now: nobody here knows which outputs there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ChainAway {
    /// The chain is being read.
    #[error("not accepted before the chain is read from the Grin node ({done} of {of}); try later")]
    Syncing {
        /// Outputs or blocks read.
        done: u64,
        /// Of how many, as far as that is known.
        of: u64,
    },
    /// The Grin node has been away for too long.
    #[error("not accepted, since the Grin node has been away for {} s; try later", .lasting.as_secs())]
    Away {
        /// For how long.
        lasting: Duration,
    },
}
