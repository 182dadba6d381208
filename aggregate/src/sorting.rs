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
/// Short forms decide first. What looks random is as good as sorted once it is dealt out by its
/// leading bits, a thing or two to a pile, and nothing but short forms and things, pointers mostly,
/// is moved. Keys that were made to begin alike cost comparisons, as in any sorting, no more.
pub(crate) fn sorted_by_key<T: Copy, K: LongKey>(
    things: impl IntoIterator<Item = T>,
    key: impl Fn(T) -> K,
) -> Vec<(u64, T)> {
    let things = things.into_iter().map(|thing| (key(thing).short(), thing)).collect();
    sort_piles(things, |pile| {
        pile.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| key(a.1).cmp(&key(b.1))));
    })
}

/// Whether no short form is there twice.
pub(crate) fn all_differ(short_forms: Vec<u64>) -> bool {
    let keys = short_forms.into_iter().map(|short| (short, ())).collect();
    sort_piles(keys, <[_]>::sort_unstable).is_sorted_by(|a, b| a < b)
}

/// Sorts things by numbers that look random, pile by pile.
fn sort_piles<T: Copy>(things: Vec<(u64, T)>, sort: impl Fn(&mut [(u64, T)])) -> Vec<(u64, T)> {
    let (mut sorted, ends) = deal_out(things);
    let mut start = 0;
    for end in ends {
        sort(&mut sorted[start..end]);
        start = end;
    }
    sorted
}

/// Deals things out into piles by the leading bits of their numbers. Returns them pile by pile, in
/// the order in which they came, and where each pile ends.
fn deal_out<T: Copy>(things: Vec<(u64, T)>) -> (Vec<(u64, T)>, Vec<usize>) {
    let bits = things.len().max(1).ilog2();
    if bits == 0 {
        let end = things.len();
        return (things, vec![end]);
    }
    let pile_of = |short: u64| (short >> (u64::BITS - bits)) as usize;
    let mut ends = vec![0; 1 << bits];
    things.iter().for_each(|(short, _)| ends[pile_of(*short)] += 1);
    let mut start = 0;
    for end in &mut ends {
        // Where the pile begins: it grows to its end.
        start += std::mem::replace(end, start);
    }
    let mut dealt = things.clone();
    for thing in things {
        let end = &mut ends[pile_of(thing.0)];
        dealt[*end] = thing;
        *end += 1;
    }
    (dealt, ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that begin with `alike` bytes in common, as if made to; each is there twice.
    fn hashes(count: usize, alike: usize) -> Vec<Hash> {
        let hash = |index: usize| {
            let mut hash = Hash::of(&[&(index / 2 * 7 % count).to_be_bytes()]);
            hash.0[..alike].fill(7);
            hash
        };
        (0..count).map(hash).collect()
    }

    #[test]
    fn sorts_as_the_standard_library_does() {
        for (count, alike) in [(1, 0), (2, 0), (3, 1), (200, 0), (200, 1), (200, 8), (200, 31)] {
            let hashes = hashes(count, alike);
            let sorted = sorted_by_key(0..count, |index| hashes[index]);
            let mut expected: Vec<_> = (0..count).collect();
            expected.sort_by_key(|index| hashes[*index]);
            assert_eq!(sorted.into_iter().map(|(_, index)| index).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn finds_a_twin() {
        let mut numbers: Vec<_> = hashes(200, 0).iter().step_by(2).map(LongKey::short).collect();
        assert!(all_differ(numbers.clone()));
        numbers.push(numbers[42]);
        assert!(!all_differ(numbers));
    }
}
