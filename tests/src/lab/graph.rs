//! Who connects to whom.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

/// A directed graph of nodes `0..n`: an edge goes from who connected to whom it connected to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Graph {
    outbound: Vec<Vec<u32>>,
    inbound: Vec<Vec<u32>>,
}

impl Graph {
    /// A graph with these outbound edges.
    pub fn new(outbound: Vec<Vec<u32>>) -> Self {
        let mut inbound = vec![Vec::new(); outbound.len()];
        for (from, peers) in (0u32..).zip(&outbound) {
            for &to in peers {
                inbound[to as usize].push(from);
            }
        }
        Self { outbound, inbound }
    }

    /// Every node connects to `degree` others, all different and chosen at random, as nodes with a
    /// large address book do.
    ///
    /// # Panics
    /// If there are not so many others.
    pub fn random(nodes: usize, degree: usize, rng: &mut impl Rng) -> Self {
        assert!(degree < nodes, "{degree} others of {nodes}");
        let peers = |node: usize, rng: &mut _| {
            let mut peers: Vec<u32> = Vec::with_capacity(degree);
            while peers.len() < degree {
                let peer = index(nodes, rng);
                if peer as usize != node && !peers.contains(&peer) {
                    peers.push(peer);
                }
            }
            peers
        };
        Self::new((0..nodes).map(|node| peers(node, rng)).collect())
    }

    /// As [`Graph::random`], but of the connections that others make the share `slots` leads to
    /// those who are `favoured`: spies that advertise themselves more than honest nodes do.
    ///
    /// # Panics
    /// If there are not so many others of either kind.
    pub fn favouring(favoured: &[bool], slots: f64, degree: usize, rng: &mut impl Rng) -> Self {
        let kind = |wanted| {
            let nodes = (0u32..).zip(favoured).filter(move |(_, is)| **is == wanted);
            nodes.map(|(node, _)| node).collect::<Vec<u32>>()
        };
        let (favourites, rest) = (kind(true), kind(false));
        assert!(degree < favourites.len() && degree < rest.len(), "too few of one kind");
        let peers = |node: usize| {
            let mut peers: Vec<u32> = Vec::with_capacity(degree);
            while peers.len() < degree {
                let kind = if rng.random::<f64>() < slots { &favourites } else { &rest };
                let peer = kind[index(kind.len(), rng) as usize];
                if peer as usize != node && !peers.contains(&peer) {
                    peers.push(peer);
                }
            }
            peers
        };
        Self::new((0..favoured.len()).map(peers).collect())
    }

    /// `degree` random cycles through all nodes: every node has so many peers outbound and inbound.
    /// One cycle is the line of the Dandelion paper, two make its 4-regular graph.
    pub fn cycles(nodes: usize, degree: usize, rng: &mut impl Rng) -> Self {
        let mut outbound = vec![Vec::with_capacity(degree); nodes];
        for _ in 0..degree {
            let mut order: Vec<u32> = (0..nodes as u32).collect();
            order.shuffle(rng);
            for (place, &node) in order.iter().enumerate() {
                outbound[node as usize].push(order[(place + 1) % nodes]);
            }
        }
        Self::new(outbound)
    }

    /// A node connects to another peer instead of that of one slot, which it gives back. Nothing
    /// happens if it is connected to it already, or is it.
    pub fn replace(&mut self, node: u32, slot: usize, peer: u32) -> Option<u32> {
        let outbound = &mut self.outbound[node as usize];
        if peer == node || outbound.contains(&peer) {
            return None;
        }
        let lost = std::mem::replace(outbound.get_mut(slot)?, peer);
        self.inbound[lost as usize].retain(|from| *from != node);
        self.inbound[peer as usize].push(node);
        Some(lost)
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.outbound.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.outbound.is_empty()
    }

    /// How many connections there are.
    pub fn edges(&self) -> usize {
        self.outbound.iter().map(Vec::len).sum()
    }

    /// Whom a node has connected to.
    pub fn outbound(&self, node: u32) -> &[u32] {
        &self.outbound[node as usize]
    }

    /// Who has connected to a node.
    pub fn inbound(&self, node: u32) -> &[u32] {
        &self.inbound[node as usize]
    }
}

/// One of `0..len`.
pub(super) fn index(len: usize, rng: &mut impl Rng) -> u32 {
    rng.random_range(0..len as u32)
}
