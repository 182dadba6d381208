use std::collections::{BTreeMap, BTreeSet, HashMap};

use scape_aggregate::{Commitment, NrdRelativeHeight};

use super::index::WINDOW;

/// Blocks whose NRD kernels can forbid others.
pub(super) const NRD_BLOCKS: u64 = NrdRelativeHeight::MAX as u64;
/// Blocks whose NRD kernels are kept: those, and as many as may be undone.
const KEPT: u64 = NRD_BLOCKS + WINDOW as u64;

/// At which heights there are NRD kernels, as far back as it matters.
#[derive(Clone, Default, Debug)]
pub(super) struct Nrd {
    by_height: BTreeMap<u64, Vec<Commitment>>,
    heights: HashMap<Commitment, BTreeSet<u64>>,
    first: Option<u64>,
}

impl Nrd {
    pub(super) fn connect(&mut self, height: u64, excesses: &[Commitment]) {
        self.first.get_or_insert(height);
        if !excesses.is_empty() {
            self.by_height.insert(height, excesses.to_vec());
        }
        for excess in excesses {
            self.heights.entry(*excess).or_default().insert(height);
        }
        while let Some(old) = self.by_height.first_key_value().map(|(old, _)| *old) {
            if old + KEPT > height {
                break;
            }
            self.disconnect(old);
        }
    }

    pub(super) fn disconnect(&mut self, height: u64) {
        for excess in self.by_height.remove(&height).unwrap_or_default() {
            let Some(heights) = self.heights.get_mut(&excess) else { continue };
            heights.remove(&height);
            if heights.is_empty() {
                self.heights.remove(&excess);
            }
        }
    }

    pub(super) fn last(&self, excess: &Commitment) -> Option<u64> {
        self.heights.get(excess)?.last().copied()
    }

    /// For how many blocks up to `tip` all kernels are known.
    pub(super) fn reach(&self, tip: u64) -> u64 {
        self.first.map_or(0, |first| tip + 1 - first)
    }
}
