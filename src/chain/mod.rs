//! The chain as the node sees it: [`ChainView`] and who implements it.

mod grin;
mod ledger;
mod source;
mod state;

pub use grin::{GrinChain, GrinConfig, GrinError, IndexError};
pub(crate) use grin::{GrinChange, GrinEvent};
pub use ledger::{Block, BlockError, DevLedger};
pub use scape_pool::{BlockSummary, ChainUpdate, ChainView, Tip, Utxo};
pub use source::Chain;
pub use state::{ChainAway, ChainState, ChainStatus};
