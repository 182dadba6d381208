//! What the chain tells every node alike.

use std::collections::{BTreeMap, BTreeSet};

use scape_aggregate::Hash;
use scape_pool::{BlockSummary, ChainUpdate};

use super::Epoch;

/// For how many blocks sinks stay: ten minutes on Grin, as relays do.
pub const EPOCH_BLOCKS: u64 = 10;
/// How far below the first block of an epoch the one is that chooses its sinks, so that no
/// reorganisation of the usual kind changes them.
pub const CONFIRMATIONS: u64 = 10;
/// Over how many blocks transactions are counted: four hours on Grin.
pub const RATE_BLOCKS: u64 = 240;

/// The last blocks: their hashes and how many transactions they held.
///
/// Nothing of it depends on when a node heard of a block: two nodes with the same chain agree,
/// and a node that knows fewer blocks agrees on the epoch and nearly on the rate.
#[derive(Debug, Default)]
pub struct Almanac {
    blocks: BTreeMap<u64, (Hash, usize)>,
}

impl Almanac {
    /// Enters a block that is in the chain.
    pub fn add(&mut self, block: &BlockSummary) {
        // Each block has a kernel for its coinbase.
        self.blocks.insert(block.height, (block.hash, block.kernels.len().saturating_sub(1)));
        let last = self.blocks.last_key_value().map_or(0, |(height, _)| *height);
        let oldest = last.saturating_sub(RATE_BLOCKS + EPOCH_BLOCKS + CONFIRMATIONS);
        self.blocks = self.blocks.split_off(&oldest);
    }

    /// Follows the chain. O(number of blocks).
    pub fn handle_chain(&mut self, update: &ChainUpdate) {
        let gone: BTreeSet<_> = update.disconnected.iter().collect();
        self.blocks.retain(|_, (hash, _)| !gone.contains(hash));
        update.connected.iter().for_each(|block| self.add(block));
    }

    /// The epoch at a height of the chain; `None` if the block that chooses is not known.
    pub fn epoch(&self, tip: u64) -> Option<Epoch> {
        let height = (tip / EPOCH_BLOCKS * EPOCH_BLOCKS).checked_sub(CONFIRMATIONS)?;
        let (seed, _) = self.blocks.get(&height)?;
        Some(Epoch { height, seed: *seed })
    }

    /// Transactions in a block, on average over those that led up to an epoch.
    pub fn per_block(&self, epoch: &Epoch) -> f64 {
        let first = epoch.height.saturating_sub(RATE_BLOCKS);
        let (mut blocks, mut kernels) = (0u32, 0.0);
        for (_, count) in self.blocks.range(first..=epoch.height).map(|(_, block)| block) {
            blocks += 1;
            kernels += *count as f64;
        }
        kernels / f64::from(blocks.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(height: u64, fork: u8, txs: u8) -> BlockSummary {
        let hash = Hash::of(&[&height.to_be_bytes(), &[fork]]);
        let kernels = (0..=txs).map(|n| Hash::of(&[&height.to_be_bytes(), &[n]])).collect();
        BlockSummary { hash, height, kernels, ..BlockSummary::default() }
    }

    fn almanac(heights: impl Iterator<Item = u64>) -> Almanac {
        let mut almanac = Almanac::default();
        heights.for_each(|height| almanac.add(&block(height, 0, (height % 3) as u8)));
        almanac
    }

    #[test]
    fn an_epoch_lasts_ten_blocks_and_was_chosen_ten_blocks_before() {
        let almanac = almanac(0..200);
        assert_eq!(almanac.epoch(9), None, "there is no block so early");
        assert_eq!(almanac.epoch(10).map(|epoch| epoch.height), Some(0));
        for tip in 150..160 {
            let epoch = Epoch { height: 140, seed: block(140, 0, 0).hash };
            assert_eq!(almanac.epoch(tip), Some(epoch));
        }
        assert_eq!(almanac.epoch(160).map(|epoch| epoch.height), Some(150));
        assert_eq!(almanac.epoch(300), None, "not known yet");
    }

    #[test]
    fn who_knows_fewer_blocks_agrees() {
        let (long, short) = (almanac(0..1_000), almanac(940..1_000));
        assert_eq!(long.epoch(999), short.epoch(999));
        let epoch = long.epoch(999).expect("known");
        assert!((long.per_block(&epoch) - 1.0).abs() < 0.01);
        assert!((short.per_block(&epoch) - 1.0).abs() < 0.1);
        assert!(long.blocks.len() <= 261, "only the last blocks are kept");
    }

    #[test]
    fn blocks_that_were_undone_do_not_choose() {
        let mut almanac = almanac(0..120);
        let before = almanac.epoch(119).expect("known");
        let update = ChainUpdate {
            disconnected: (100..120).rev().map(|height| block(height, 0, 0).hash).collect(),
            connected: vec![block(100, 1, 5)],
        };
        almanac.handle_chain(&update);
        assert_eq!(almanac.epoch(110).map(|epoch| epoch.seed), Some(block(100, 1, 0).hash));
        assert_ne!(almanac.epoch(110).map(|epoch| epoch.seed), Some(before.seed));
        assert_eq!(almanac.epoch(120), None);
    }

    #[test]
    fn an_empty_almanac_knows_nothing() {
        let almanac = Almanac::default();
        assert_eq!(almanac.epoch(1_000), None);
        assert_eq!(almanac.per_block(&Epoch { height: 50, seed: Hash::default() }), 0.0);
    }
}
