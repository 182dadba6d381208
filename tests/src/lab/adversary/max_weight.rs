//! The maximum-weight estimator of spies that know the graph: of all ways to map payments to
//! different nodes, the one that is expected to be right most often (Fanti et al. 2018; who may have
//! sent what follows from `trail` and `routing`, and what is sealed is followed, too).
//!
//! The matching is greedy: the heaviest pair first. Its weight is at least half of the greatest, and
//! in graphs like these above nine tenths of it, while thousands of payments are matched at once.

use std::collections::BTreeMap;

use scape_p2p::dandelion::Params;

use super::routing::Routing;
use super::trail::Trails;
use crate::lab::Run;
use crate::lab::paper::Guess;

/// A guess for each payment. O(payments x suspects x log).
pub fn guesses(run: &Run, params: &Params) -> Vec<Guess> {
    let pairs = pairs(run, params);
    let honest = run.is_spy.iter().filter(|spy| !**spy).count().max(1);
    let each = run.outcomes.len().div_ceil(honest);
    let matched = greedy(pairs, run.outcomes.len(), run.graph.len(), each);
    let origins = run.outcomes.iter().map(|outcome| outcome.payment.origin);
    origins.zip(matched).collect()
}

/// All that may be: a weight, a payment and a node.
fn pairs(run: &Run, params: &Params) -> Vec<(f64, usize, u32)> {
    let mut routing = Routing::new(run, params);
    let suspects = Trails::of(run, params).suspects(&mut routing);
    let pairs_of = |(payment, suspects): (usize, BTreeMap<u32, f64>)| {
        suspects.into_iter().map(move |(node, weight)| (weight, payment, node))
    };
    suspects.into_iter().enumerate().flat_map(pairs_of).collect()
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
    use std::time::Duration;

    use scape_p2p::dandelion::Preset;

    use super::*;
    use crate::lab::Experiment;

    #[test]
    fn heavy_pairs_come_first_and_nobody_is_matched_too_often() {
        let pairs = vec![(0.5, 0, 0), (0.9, 1, 0), (0.4, 0, 1), (0.1, 2, 0), (0.2, 2, 1)];
        assert_eq!(greedy(pairs.clone(), 3, 2, 1), [Some(1), Some(0), None]);
        assert_eq!(greedy(pairs, 3, 2, 2), [Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn a_greedy_matching_is_nearly_as_heavy_as_the_heaviest() {
        let experiment = Experiment {
            nodes: 80,
            listened: 0,
            length: Duration::from_secs(2_400),
            spies: 0.2,
            ..Experiment::mainnet(Preset::GrinDoc)
        };
        for seed in 0..5 {
            let run = experiment.run(seed);
            let (payments, nodes) = (run.outcomes.len(), run.graph.len());
            assert!((20..=nodes).contains(&payments), "{payments} payments");
            let mut weights = vec![vec![0.0; nodes]; payments];
            for (weight, payment, node) in pairs(&run, &experiment.params) {
                weights[payment][node as usize] = weight;
            }
            let matched = greedy(pairs(&run, &experiment.params), payments, nodes, 1);
            let weight = |(payment, node): (usize, Option<u32>)| {
                node.map_or(0.0, |node| weights[payment][node as usize])
            };
            let greedy: f64 = matched.into_iter().enumerate().map(weight).sum();
            let best = heaviest(&weights);
            assert!(greedy <= best + 1e-9, "seed {seed}: {greedy} of {best}");
            assert!(greedy > 0.9 * best, "seed {seed}: {greedy} of {best}");
        }
    }

    /// The weight of the heaviest matching of rows to different columns, of which there are at
    /// least as many (Kuhn 1955, Munkres 1957, with potentials).
    fn heaviest(weights: &[Vec<f64>]) -> f64 {
        let (rows, columns) = (weights.len(), weights[0].len());
        let (mut of_row, mut of_column) = (vec![0.0; rows + 1], vec![0.0; columns + 1]);
        // The row of each column, counted from 1; column 0 holds the row that is being placed.
        let mut placed = vec![0; columns + 1];
        for row in 1..=rows {
            placed[0] = row;
            let mut least = vec![f64::INFINITY; columns + 1];
            let (mut before, mut done) = (vec![0; columns + 1], vec![false; columns + 1]);
            let mut at = 0;
            while placed[at] != 0 {
                done[at] = true;
                let (current, mut delta, mut next) = (placed[at], f64::INFINITY, 0);
                for column in (1..=columns).filter(|column| !done[*column]) {
                    let cost = -weights[current - 1][column - 1];
                    let reduced = cost - of_row[current] - of_column[column];
                    if reduced < least[column] {
                        (least[column], before[column]) = (reduced, at);
                    }
                    if least[column] < delta {
                        (delta, next) = (least[column], column);
                    }
                }
                for column in 0..=columns {
                    if done[column] {
                        of_row[placed[column]] += delta;
                        of_column[column] -= delta;
                    } else {
                        least[column] -= delta;
                    }
                }
                at = next;
            }
            while at != 0 {
                placed[at] = placed[before[at]];
                at = before[at];
            }
        }
        let taken = (1..=columns).filter(|column| placed[*column] != 0);
        taken.map(|column| weights[placed[column] - 1][column - 1]).sum()
    }

    #[test]
    fn the_heaviest_matching_is_found_where_greed_goes_wrong() {
        assert_eq!(heaviest(&[vec![3.0, 2.0], vec![2.0, 0.0]]), 4.0);
    }
}
