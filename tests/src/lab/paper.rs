//! The first-spy experiment of the Dandelion papers, to know that the lab measures what they do.
//!
//! Every honest node sends one transaction. It goes along the routes of the topology until it
//! reaches a spy; the spies then guess that the node which handed it to the first of them is its
//! origin (Fanti et al. 2018, `q = 0`).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1};

use super::graph::Graph;

/// How transactions travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Topology {
    /// Along one cycle through all nodes.
    Line,
    /// On a 4-regular graph: each inbound peer has an outbound peer of its own.
    FourRegular,
    /// On a 4-regular graph, a fresh choice for each transaction.
    FourRegularPerTransaction,
    /// On a 4-regular graph: all inbound peers share one outbound peer.
    FourRegularAllToOne,
    /// Flooded over graphs of 8 outbound connections with exponential delays.
    Diffusion,
}

/// What first-spy guesses are worth.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Score {
    /// Each correct guess weighs one by the number of transactions mapped to that node; averaged
    /// over honest nodes.
    pub precision: f64,
    /// The share of correct guesses.
    pub recall: f64,
}

/// A guess: the origin, and whom the spies take for it, if they saw anything.
pub type Guess = (u32, Option<u32>);

impl Topology {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Line,
        Self::FourRegular,
        Self::FourRegularPerTransaction,
        Self::FourRegularAllToOne,
        Self::Diffusion,
    ];

    /// One experiment with `nodes` of which the share `spies` spies, at random.
    pub fn first_spy(self, nodes: usize, spies: f64, rng: &mut impl Rng) -> Score {
        let mut is_spy: Vec<bool> =
            (0..nodes).map(|node| (node as f64) < spies * nodes as f64).collect();
        is_spy.shuffle(rng);
        let guesses = match self {
            Self::Diffusion => diffused(&Graph::random(nodes, 8, rng), &is_spy, rng),
            stem => stem.routed(&is_spy, rng),
        };
        Score::of(&guesses, nodes)
    }

    fn routed(self, is_spy: &[bool], rng: &mut impl Rng) -> Vec<Guess> {
        let degree = if self == Self::Line { 1 } else { 2 };
        let graph = Graph::cycles(is_spy.len(), degree, rng);
        let twists: Vec<[usize; 2]> = is_spy.iter().map(|_| self.twist(rng)).collect();
        let honest = (0u32..).zip(is_spy).filter(|(_, spy)| !**spy).map(|(node, _)| node);
        let honest: Vec<u32> = honest.collect();
        honest
            .iter()
            .map(|&origin| (origin, self.walk(origin, &graph, &twists, is_spy, rng)))
            .collect()
    }

    /// Which outbound slot each inbound slot is mapped to; the owner's go as those of the first.
    fn twist(self, rng: &mut impl Rng) -> [usize; 2] {
        let first = rng.random_range(0..2);
        match self {
            Self::Line => [0, 0],
            Self::FourRegularAllToOne => [first, first],
            _ => [first, 1 - first],
        }
    }

    fn walk(
        self,
        origin: u32,
        graph: &Graph,
        twists: &[[usize; 2]],
        is_spy: &[bool],
        rng: &mut impl Rng,
    ) -> Option<u32> {
        let (mut node, mut slot) = (origin, 0);
        // Who goes round without meeting a spy goes round for ever.
        for _ in 0..4 * graph.len() {
            let out = match self {
                Self::FourRegularPerTransaction => rng.random_range(0..2),
                _ => twists[node as usize][slot],
            };
            let next = graph.outbound(node)[out];
            if is_spy[next as usize] {
                return Some(node);
            }
            // The edges of one cycle arrive at the slot of that cycle.
            (node, slot) = (next, out);
        }
        None
    }
}

fn diffused(graph: &Graph, is_spy: &[bool], rng: &mut impl Rng) -> Vec<Guess> {
    let honest = (0u32..).zip(is_spy).filter(|(_, spy)| !**spy).map(|(node, _)| node);
    let honest: Vec<u32> = honest.collect();
    honest.into_iter().map(|origin| (origin, flood(origin, graph, is_spy, rng))).collect()
}

/// Who tells the first spy.
fn flood(origin: u32, graph: &Graph, is_spy: &[bool], rng: &mut impl Rng) -> Option<u32> {
    let mut told = vec![false; graph.len()];
    let mut queue = BinaryHeap::from([Reverse((Time(0.0), origin, origin))]);
    while let Some(Reverse((Time(at), node, teller))) = queue.pop() {
        if std::mem::replace(&mut told[node as usize], true) {
            continue;
        }
        if is_spy[node as usize] {
            return Some(teller);
        }
        for &peer in graph.outbound(node).iter().chain(graph.inbound(node)) {
            if !told[peer as usize] {
                let delay: f64 = Exp1.sample(rng);
                queue.push(Reverse((Time(at + delay), peer, node)));
            }
        }
    }
    None
}

/// Seconds that are never NaN.
#[derive(Clone, Copy, PartialEq)]
struct Time(f64);

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Time {}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Score {
    /// Scores guesses among `nodes` nodes.
    pub fn of(guesses: &[Guess], nodes: usize) -> Self {
        let mut mapped = vec![0u32; nodes];
        for suspect in guesses.iter().filter_map(|(_, suspect)| *suspect) {
            mapped[suspect as usize] += 1;
        }
        let right = guesses.iter().filter(|(origin, suspect)| *suspect == Some(*origin));
        let right: Vec<u32> = right.map(|(origin, _)| *origin).collect();
        let count = guesses.len().max(1) as f64;
        let weight: f64 = right.iter().map(|&node| 1.0 / f64::from(mapped[node as usize])).sum();
        Self { precision: weight / count, recall: right.len() as f64 / count }
    }
}
