//! Sorting by hashes and commitments.

use crate::{Commitment, Hash};

/// A long key that looks random, so that hardly two begin with the same eight bytes.
pub(crate) trait LongKey: Ord {
    /// Eight bytes of the key; equal keys have equal ones.
    fn short(&self) -> u64;
}

impl LongKey for Hash {
    fn short(&self) -> u64 {
        u64::from_be_bytes(*self.0.first_chunk().unwrap_or(&[0; 8]))
    }
}

impl LongKey for Commitment {
    /// Without the first byte, which is 8 or 9.
    fn short(&self) -> u64 {
        u64::from_be_bytes(*self.0[1..].first_chunk().unwrap_or(&[0; 8]))
    }
}

/// Sorts things by keys that they lead to; things of one key keep their order. Each comes with the
/// short form of its key.
///
/// Hardly a comparison looks at more than the short forms, and nothing but them and the things,
/// pointers mostly, is moved. Keys that were made to begin alike cost full comparisons, no more.
pub(crate) fn sorted_by_key<T: Copy, K: LongKey>(
    things: impl IntoIterator<Item = T>,
    key: impl Fn(T) -> K,
) -> Vec<(u64, T)> {
    let mut sorted: Vec<_> = things.into_iter().map(|thing| (key(thing).short(), thing)).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| key(a.1).cmp(&key(b.1))));
    sorted
}
