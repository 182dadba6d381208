//! The maximum-weight estimator of spies that know the graph: of all ways to map payments to
//! different nodes, one of the greatest weight (Fanti et al. 2018; the weights are those of
//! [`routing`](super::routing)).
//!
//! The matching is greedy: the heaviest pair first. Its weight is at least half of the greatest, and
//! in graphs like these within a few percent of it, while thousands of payments are matched at once.

use scape_p2p::dandelion::Params;

use super::first_spy::first_sights;
use super::routing::Routing;
use crate::lab::Run;
use crate::lab::paper::Guess;

/// A guess for each payment. O(payments x suspects x log).
pub fn guesses(run: &Run, params: &Params) -> Vec<Guess> {
    let mut routing = Routing::new(run, params);
    let mut pairs = Vec::new();
    for (payment, sight) in first_sights(run).into_iter().enumerate() {
        let Some(last) = sight.and_then(|sight| sight.from) else { continue };
        let suspects = routing.suspects(last).iter();
        pairs.extend(suspects.map(|&(node, weight)| (weight, payment, node)));
    }
    let honest = run.is_spy.iter().filter(|spy| !**spy).count().max(1);
    let each = run.outcomes.len().div_ceil(honest);
    let matched = greedy(pairs, run.outcomes.len(), run.graph.len(), each);
    let origins = run.outcomes.iter().map(|outcome| outcome.payment.origin);
    origins.zip(matched).collect()
}

/// Matches the heaviest pairs first, at most `each` payments to one node.
fn greedy(
    mut pairs: Vec<(f64, usize, u32)>,
    payments: usize,
    nodes: usize,
    each: usize,
) -> Vec<Option<u32>> {
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut matched = vec![None; payments];
    let mut taken = vec![0; nodes];
    for (_, payment, node) in pairs {
        if matched[payment].is_none() && taken[node as usize] < each {
            matched[payment] = Some(node);
            taken[node as usize] += 1;
        }
    }
    matched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_pairs_come_first_and_nobody_is_matched_too_often() {
        let pairs = vec![(0.5, 0, 0), (0.9, 1, 0), (0.4, 0, 1), (0.1, 2, 0), (0.2, 2, 1)];
        assert_eq!(greedy(pairs.clone(), 3, 2, 1), [Some(1), Some(0), None]);
        assert_eq!(greedy(pairs, 3, 2, 2), [Some(0), Some(0), Some(1)]);
    }
}
