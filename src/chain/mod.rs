//! The chain as the node sees it: [`ChainView`] and who implements it.

mod ledger;

pub use ledger::{Block, BlockError, DevLedger};
pub use scape_pool::{BlockSummary, ChainUpdate, ChainView, Tip, Utxo};
