//! The chain as the node sees it: [`ChainView`] and who implements it.

mod ledger;
mod source;
mod state;

pub use ledger::{Block, BlockError, DevLedger};
pub use scape_pool::{BlockSummary, ChainUpdate, ChainView, Tip, Utxo};
pub use source::Chain;
pub use state::{ChainAway, ChainState, ChainStatus};
