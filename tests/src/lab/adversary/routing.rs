//! From whom something may have come that the first spy was handed by one of its peers.

use std::collections::HashMap;

use scape_p2p::dandelion::Params;

use crate::lab::Run;

/// How something came to the first spy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Way {
    /// Openly, along the stem or by a flood.
    Stem,
    /// Sealed, to a relay that carries it.
    Carried,
    /// Sealed, to its sink. Who delivers is never the origin.
    Delivered,
}

/// The spies know who is connected to whom, and the parameters, but not which of its peers a node
/// has chosen as relay. Before it reached the first spy a payment took a walk of honest hops, so
/// the weight of an origin is the probability of all walks from it to the node that handed it over:
/// the sum over lengths k of q^k times the share of walks of k hops, with q the probability that a
/// node hands on what it was handed, and each outbound peer equally likely. Of all nodes one is the
/// origin: weights are divided by their sum.
pub(super) struct Routing<'a> {
    run: &'a Run,
    stem_probability: f64,
    forward: f64,
    /// What was reckoned before, by the node that handed it over.
    known: HashMap<(u32, Way), Vec<(u32, f64)>>,
}

/// Longer walks, from anywhere in the network, hardly differ from each other.
const MAX_HOPS: usize = 8;
/// How many suspects are kept of each node that hands something over: the likeliest.
const MAX_SUSPECTS: usize = 512;

impl<'a> Routing<'a> {
    pub(super) fn new(run: &'a Run, params: &Params) -> Self {
        let (stem_probability, forward) = (params.stem_probability, params.service().forward);
        Self { run, stem_probability, forward, known: HashMap::new() }
    }

    /// Who may have sent what this node handed over, with weights in descending order.
    /// O(hops x edges) the first time that one is asked for.
    pub(super) fn suspects(&mut self, last: u32, way: Way) -> &[(u32, f64)] {
        let place = (last, way);
        if !self.known.contains_key(&place) {
            let suspects = self.reckon(last, way);
            self.known.insert(place, suspects);
        }
        &self.known[&place]
    }

    fn reckon(&self, last: u32, way: Way) -> Vec<(u32, f64)> {
        let hands_on = if way == Way::Stem { self.stem_probability } else { self.forward };
        let graph = &self.run.graph;
        let mut total = vec![0.0; graph.len()];
        let mut step = vec![0.0; graph.len()];
        step[last as usize] = 1.0;
        for hops in 0..=MAX_HOPS {
            let may_be_origin = hops > 0 || way != Way::Delivered;
            let mut earlier = vec![0.0; graph.len()];
            for (node, weight) in (0u32..).zip(&step).filter(|(_, weight)| **weight > 0.0) {
                total[node as usize] += if may_be_origin { *weight } else { 0.0 };
                for &from in graph.inbound(node) {
                    if !self.run.is_spy[from as usize] {
                        let share = hands_on / graph.outbound(from).len() as f64;
                        earlier[from as usize] += weight * share;
                    }
                }
            }
            step = earlier;
        }
        let sum: f64 = total.iter().sum();
        let possible = (0..).zip(total).filter(|(_, weight)| *weight > 0.0);
        let mut suspects: Vec<(u32, f64)> = possible.map(|(node, w)| (node, w / sum)).collect();
        suspects.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        suspects.truncate(MAX_SUSPECTS);
        suspects
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scape_p2p::dandelion::Preset;

    use super::*;
    use crate::lab::Experiment;

    #[test]
    fn who_hands_over_is_the_likeliest_and_weights_are_those_of_walks() {
        let experiment = Experiment {
            nodes: 60,
            listened: 0,
            length: Duration::from_secs(60),
            spies: 0.1,
            ..Experiment::mainnet(Preset::GrinDoc)
        };
        let run = experiment.run(1);
        let mut routing = Routing::new(&run, &experiment.params);
        let last = (0..60).find(|node| !run.is_spy[*node as usize]).expect("most are honest");
        let suspects = routing.suspects(last, Way::Stem).to_vec();
        assert_eq!(suspects[0].0, last);
        let before = *run
            .graph
            .inbound(last)
            .iter()
            .find(|node| !run.is_spy[**node as usize])
            .expect("somebody honest is connected to it");
        let of = |suspects: &[(u32, f64)], node| {
            suspects.iter().find(|(suspect, _)| *suspect == node).map(|(_, weight)| *weight)
        };
        let ratio = of(&suspects, before).expect("a suspect") / suspects[0].1;
        assert!(ratio >= 0.9 / 8.0, "one hop at least: {ratio}");
        // 60 nodes are all suspects.
        let sum: f64 = suspects.iter().map(|(_, weight)| weight).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        let carried = of(routing.suspects(last, Way::Carried), last).expect("a suspect");
        let delivered = routing.suspects(last, Way::Delivered).to_vec();
        let itself = of(&delivered, last).unwrap_or_default();
        assert!(carried > 0.4 && itself < 0.05, "{carried}, {itself}: who delivers is no origin");
        assert!(of(&delivered, before).is_some_and(|weight| weight > 0.02));
        assert!(suspects.iter().all(|(node, _)| !run.is_spy[*node as usize]));
    }
}
