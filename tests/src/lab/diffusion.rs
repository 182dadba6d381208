//! When a fluffed transaction reaches whom.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1};
use scape_p2p::dandelion::Params;

use super::graph::Graph;
use super::latency::Latency;

/// Floods as `scape_p2p::zone` does: who learns of a transaction tells `fluff_fanout` peers, chosen
/// at random, at once and each other one after an exponential delay. Telling takes three messages:
/// announcement, request, transaction.
///
/// Gossip is not played message by message, since no pool is changed by it where the transaction
/// was not held: one flood costs O(edges), and nothing in the nodes.
#[derive(Debug)]
pub(super) struct Diffusion {
    fanout: usize,
    mean_ms: f64,
    latency: Latency,
    seed: u64,
    peers: Vec<u32>,
    queue: BinaryHeap<Reverse<(u32, u32)>>,
}

/// Not reached.
pub(super) const NEVER: u32 = u32::MAX;

impl Diffusion {
    pub(super) fn new(params: &Params, latency: Latency, seed: u64) -> Self {
        Self {
            fanout: params.fluff_fanout,
            mean_ms: params.fluff_delay.as_secs_f64() * 1_000.0,
            latency,
            seed,
            peers: Vec::new(),
            queue: BinaryHeap::new(),
        }
    }

    /// Milliseconds until each node has it.
    pub(super) fn flood(&mut self, graph: &Graph, from: u32, rng: &mut impl Rng) -> Vec<u32> {
        let mut arrivals = vec![NEVER; graph.len()];
        arrivals[from as usize] = 0;
        self.queue.push(Reverse((0, from)));
        while let Some(Reverse((at, node))) = self.queue.pop() {
            if at > arrivals[node as usize] {
                continue;
            }
            self.peers.clear();
            self.peers.extend_from_slice(graph.outbound(node));
            self.peers.extend_from_slice(graph.inbound(node));
            // Only who is told at once has to be chosen.
            let count = self.fanout.min(self.peers.len());
            let (chosen, _) = self.peers.partial_shuffle(rng, count);
            let chosen = chosen.to_vec();
            for place in 0..self.peers.len() {
                let peer = self.peers[place];
                let wait = if chosen.contains(&peer) { 0.0 } else { self.delay(rng) };
                let takes = wait + 3.0 * self.latency.millis(node, peer, self.seed);
                let there = at.saturating_add(takes as u32 + 1);
                if there < arrivals[peer as usize] {
                    arrivals[peer as usize] = there;
                    self.queue.push(Reverse((there, peer)));
                }
            }
        }
        arrivals
    }

    /// When a listener that keeps connections to these nodes is told, and by whom.
    pub(super) fn heard(
        &self,
        arrivals: &[u32],
        listened: &[u32],
        rng: &mut impl Rng,
    ) -> Option<(u32, u32)> {
        let tells =
            listened.iter().filter(|node| arrivals[**node as usize] != NEVER).map(|&node| {
                // A listener is one of some seventeen peers of the node.
                let at_once = rng.random_range(0..17) < self.fanout;
                let wait = if at_once { 0.0 } else { self.delay(rng) };
                let takes = wait + 3.0 * self.latency.median_ms;
                (arrivals[node as usize].saturating_add(takes as u32), node)
            });
        tells.min()
    }

    fn delay(&self, rng: &mut impl Rng) -> f64 {
        let unit: f64 = Exp1.sample(rng);
        unit * self.mean_ms
    }
}
