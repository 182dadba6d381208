//! Who dials whom.

use rand::seq::IteratorRandom;
use scape_aggregate::builder::seeded;

use super::NodeId;

/// Each node dials the next one, the last dials nobody.
pub fn line(nodes: usize) -> Vec<Vec<NodeId>> {
    (1..=nodes).map(|next| (next < nodes).then_some(NodeId(next)).into_iter().collect()).collect()
}

/// Each node dials the next one, the last dials the first.
pub fn ring(nodes: usize) -> Vec<Vec<NodeId>> {
    (0..nodes).map(|node| vec![NodeId((node + 1) % nodes)]).collect()
}

/// Each node dials `degree` others: the next one, so that all are connected, and random ones.
pub fn random_graph(nodes: usize, degree: usize, seed: u64) -> Vec<Vec<NodeId>> {
    let mut rng = seeded(seed, 0x746f_706f);
    ring(nodes)
        .into_iter()
        .enumerate()
        .map(|(node, mut dials)| {
            let others = (0..nodes).map(NodeId).filter(|other| other.0 != node);
            let others = others.filter(|other| !dials.contains(other));
            let chosen = others.sample(&mut rng, degree.saturating_sub(1));
            dials.extend(chosen);
            dials
        })
        .collect()
}
