//! What several tests of zones need.

#![expect(unreachable_pub, reason = "helpers of tests")]

use scape_aggregate::Commitment;
use scape_pool::{ChainView, Tip, Utxo};

/// A chain with nothing in it.
pub struct EmptyChain;

impl ChainView for EmptyChain {
    fn tip(&self) -> Tip {
        Tip::default()
    }

    fn utxo(&self, _: &Commitment) -> Option<Utxo> {
        None
    }

    fn last_nrd(&self, _: &Commitment) -> Option<u64> {
        None
    }
}
