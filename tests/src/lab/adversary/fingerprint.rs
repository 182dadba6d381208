//! Fingerprint and intersection: spies who know that several payments come from the same node (from
//! the chain, or from a shop) and put together what they saw of each.
//!
//! Suspects of each payment are weighted as in `trail` and `routing`, what is sealed is followed,
//! too, and weights of different payments are multiplied: who is no suspect of one is hardly one of
//! all. Payments that came by the same way within one epoch say the same and count once.

use std::collections::BTreeMap;

use scape_p2p::dandelion::Params;
use scape_pool::Instant;
use serde::{Deserialize, Serialize};

use super::routing::Routing;
use super::trail::Trails;
use crate::lab::Run;

/// How many nodes are found from so many of their payments.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Found {
    /// Nodes that sent so many.
    pub nodes: u64,
    /// Those of them that the spies take for the origin, rightly.
    pub found: u64,
}

impl Found {
    /// Counts what was found elsewhere.
    pub(in crate::lab) fn add(&mut self, other: &Self) {
        self.nodes += other.nodes;
        self.found += other.found;
    }
}

/// From so many payments.
pub const PAYMENTS: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Of so many nodes at most, those with the lowest numbers.
const MAX_NODES: usize = 400;
/// The least probability, of who is not among the suspects of a payment.
const FLOOR: f64 = 1e-6;

/// Tries to find each honest node with enough payments from its first ones, in the order of
/// [`PAYMENTS`].
pub fn found(run: &Run, params: &Params) -> [Found; PAYMENTS.len()] {
    let honest = run.is_spy.iter().filter(|spy| !**spy).count().max(1) as f64;
    let mut found = [Found::default(); PAYMENTS.len()];
    for (origin, seen) in observations(run, params).into_iter().take(MAX_NODES) {
        for (place, &count) in PAYMENTS.iter().enumerate() {
            if seen.payments >= count {
                let clues = seen.clues.iter().filter(|(nth, _)| *nth < count);
                let suspect = likeliest(clues.map(|(_, suspects)| suspects), honest);
                found[place].nodes += 1;
                found[place].found += u64::from(suspect == Some(origin));
            }
        }
    }
    found
}

#[derive(Default)]
struct Seen {
    payments: usize,
    /// The number of a payment, and who may have sent it.
    clues: Vec<(usize, BTreeMap<u32, f64>)>,
}

/// Of each origin, what was seen of its payments.
fn observations(run: &Run, params: &Params) -> BTreeMap<u32, Seen> {
    let suspects = Trails::of(run, params).suspects(&mut Routing::new(run, params));
    let mut observed: BTreeMap<u32, Seen> = BTreeMap::new();
    let mut before: BTreeMap<(u32, u32), Instant> = BTreeMap::new();
    for (outcome, suspects) in run.outcomes.iter().zip(suspects) {
        let (origin, at) = (outcome.payment.origin, outcome.payment.at);
        let seen = observed.entry(origin).or_default();
        let likeliest = suspects.iter().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0)));
        if let Some((&likeliest, _)) = likeliest {
            let same = before.insert((origin, likeliest), at);
            if same.is_none_or(|same| at.saturating_since(same) > params.epoch) {
                seen.clues.push((seen.payments, suspects));
            }
        }
        seen.payments += 1;
    }
    observed
}

/// Who is the likeliest to have sent all of these. What is known of a payment leaves a rest of
/// probability to everybody.
fn likeliest<'a>(clues: impl Iterator<Item = &'a BTreeMap<u32, f64>>, honest: f64) -> Option<u32> {
    let mut scores: BTreeMap<u32, f64> = BTreeMap::new();
    for suspects in clues {
        let rest = 1.0 - suspects.values().sum::<f64>();
        let floor = FLOOR.max(rest / honest);
        for (&node, weight) in suspects {
            // Beyond the floor that all have of each payment.
            *scores.entry(node).or_default() += ((weight + floor) / floor).ln();
        }
    }
    let best = scores.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    best.map(|(node, _)| node)
}
