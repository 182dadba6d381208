//! Which inputs, outputs and kernels belong together.
//!
//! A transaction that is seen before it is merged tells all. So does the difference of two that are
//! seen, and what they have in common: offsets and sums fit, and what remains is a transaction. So
//! payments can be told apart if and only if something was seen that held one and not the other;
//! those that cannot are each other's anonymity set. This covers every chain of subtractions, those
//! of partly overlapping aggregates too, and is a little more than can be done where cut-through
//! took an output out of both.

use std::collections::BTreeMap;

use crate::lab::{Observer, Run};

/// What can be told apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Links {
    /// Whether each payment was seen by itself.
    pub alone: Vec<bool>,
    /// Of each payment, how many it cannot be told apart from, with itself; zero if it was never
    /// seen. One means that it is linked, or traced.
    pub sizes: Vec<u32>,
}

impl Links {
    /// What an adversary knows who has these observers.
    pub fn of(run: &Run, sees: impl Fn(Observer) -> bool) -> Self {
        let sights = run.sights.iter().filter(|sight| sees(sight.observer));
        Self::from_sets(run.outcomes.len(), sights.map(|sight| sight.payments.as_slice()))
    }

    /// What these sets of `payments` payments tell. O(size of all sets, sorted).
    fn from_sets<'a>(payments: usize, sets: impl Iterator<Item = &'a [u32]>) -> Self {
        let mut alone = vec![false; payments];
        let mut of_payment: Vec<Vec<u32>> = vec![Vec::new(); payments];
        for (number, set) in (0..).zip(sets) {
            if let [payment] = set {
                alone[*payment as usize] = true;
            }
            set.iter().for_each(|payment| of_payment[*payment as usize].push(number));
        }
        let mut classes: BTreeMap<&[u32], u32> = BTreeMap::new();
        of_payment.iter().for_each(|sets| *classes.entry(sets).or_default() += 1);
        let size = |sets: &Vec<u32>| if sets.is_empty() { 0 } else { classes[sets.as_slice()] };
        Self { alone, sizes: of_payment.iter().map(size).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(payments: usize, sets: &[&[u32]]) -> Vec<u32> {
        Links::from_sets(payments, sets.iter().copied()).sizes
    }

    #[test]
    fn known_parts_are_subtracted() {
        assert_eq!(sizes(3, &[&[0, 1, 2]]), [3, 3, 3]);
        assert_eq!(sizes(3, &[&[0, 1, 2], &[0]]), [1, 2, 2]);
        assert_eq!(sizes(3, &[&[0, 1, 2], &[0], &[0, 1]]), [1, 1, 1]);
    }

    #[test]
    fn overlaps_tell_what_they_share_and_what_they_do_not() {
        assert_eq!(sizes(3, &[&[0, 1], &[0, 2]]), [1, 1, 1]);
        assert_eq!(sizes(4, &[&[0, 1, 2], &[0, 1, 3]]), [2, 2, 1, 1]);
    }

    #[test]
    fn what_is_not_seen_is_not_linked_and_what_is_seen_twice_counts_once() {
        assert_eq!(sizes(3, &[&[1], &[1]]), [0, 1, 0]);
        let links = Links::from_sets(2, [[0].as_slice(), &[0, 1]].into_iter());
        assert_eq!(links.alone, [true, false], "linked, but never seen alone");
        assert_eq!(links.sizes, [1, 1]);
    }
}
