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
/// was not held: one flood costs O(links), and nothing in the nodes.
#[derive(Debug)]
pub(super) struct Diffusion {
    fanout: usize,
    mean_ms: f64,
    latency: Latency,
    seed: u64,
    /// Of each node: its peers, and how long telling takes.
    links: Vec<Vec<Link>>,
    /// Arrivals still to be looked at: milliseconds in the upper half, the node in the lower.
    queue: BinaryHeap<Reverse<u64>>,
    /// Who told each node in the last flood.
    tellers: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    peer: u32,
    millis: f32,
}

/// Not reached.
pub(super) const NEVER: u32 = u32::MAX;

/// Messages from the announcement until the transaction is there.
const MESSAGES: f64 = 3.0;

impl Diffusion {
    pub(super) fn new(graph: &Graph, params: &Params, latency: Latency, seed: u64) -> Self {
        let mut diffusion = Self {
            fanout: params.fluff_fanout,
            mean_ms: params.fluff_delay.as_secs_f64() * 1_000.0,
            latency,
            seed,
            links: Vec::with_capacity(graph.len()),
            queue: BinaryHeap::new(),
            tellers: vec![0; graph.len()],
        };
        for node in 0..graph.len() as u32 {
            let peers = graph.outbound(node).iter().chain(graph.inbound(node));
            let links = peers.map(|&peer| diffusion.link(node, peer)).collect();
            diffusion.links.push(links);
        }
        diffusion
    }

    fn link(&self, node: u32, peer: u32) -> Link {
        let millis = (MESSAGES * self.latency.millis(node, peer, self.seed)) as f32;
        Link { peer, millis }
    }

    /// A node is connected to another peer from now on.
    pub(super) fn replace(&mut self, node: u32, lost: u32, peer: u32) {
        for (end, other) in [(node, lost), (lost, node)] {
            let links = &mut self.links[end as usize];
            if let Some(place) = links.iter().position(|link| link.peer == other) {
                links.swap_remove(place);
            }
        }
        for (end, other) in [(node, peer), (peer, node)] {
            let link = self.link(end, other);
            self.links[end as usize].push(link);
        }
    }

    /// Milliseconds until each node has it.
    pub(super) fn flood(&mut self, from: u32, rng: &mut impl Rng) -> Vec<u32> {
        let mut arrivals = vec![NEVER; self.links.len()];
        arrivals[from as usize] = 0;
        self.tellers[from as usize] = from;
        self.queue.push(Reverse(u64::from(from)));
        while let Some(Reverse(entry)) = self.queue.pop() {
            let (at, node) = ((entry >> 32) as u32, entry as u32);
            if at > arrivals[node as usize] {
                continue;
            }
            let links = &mut self.links[node as usize];
            // Only who is told at once has to be chosen.
            let count = self.fanout.min(links.len());
            let (at_once, later) = links.partial_shuffle(rng, count);
            let mean = self.mean_ms as f32;
            let later = later.iter().map(|link| {
                let unit: f32 = Exp1.sample(rng);
                (link.peer, link.millis + unit * mean)
            });
            for (peer, takes) in at_once.iter().map(|link| (link.peer, link.millis)).chain(later) {
                let there = at.saturating_add(takes as u32 + 1);
                if there < arrivals[peer as usize] {
                    arrivals[peer as usize] = there;
                    self.tellers[peer as usize] = node;
                    self.queue.push(Reverse(u64::from(there) << 32 | u64::from(peer)));
                }
            }
        }
        arrivals
    }

    /// When the first of these nodes was told in the last flood, and by whom.
    pub(super) fn first(&self, arrivals: &[u32], nodes: &[u32]) -> Option<(u32, u32)> {
        let (at, node) = nodes.iter().map(|&node| (arrivals[node as usize], node)).min()?;
        (at != NEVER).then(|| (at, self.tellers[node as usize]))
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
                // The listener is one more peer of the node.
                let peers = self.links[node as usize].len() + 1;
                let at_once = rng.random_range(0..peers) < self.fanout;
                let unit: f64 = Exp1.sample(rng);
                let wait = if at_once { 0.0 } else { unit * self.mean_ms };
                let takes = wait + MESSAGES * self.latency.median_ms;
                (arrivals[node as usize].saturating_add(takes as u32), node)
            });
        tells.min()
    }
}
