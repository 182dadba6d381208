//! Anonymity networks and white noise of scenarios.

use std::time::Duration;

use rand::RngExt;
use rand::seq::{IndexedRandom, IteratorRandom};
use scape_p2p::addr::Network as AddrNetwork;

use super::generate::Draw;
use super::{Action, NodePlan, Role, Scenario, Step};
use crate::net::LinkConfig;

/// Which anonymity networks there are beside the clearnet, in scenarios that have some.
const NETWORKS: [&[AddrNetwork]; 4] = [
    &[AddrNetwork::Tor],
    &[AddrNetwork::Tor],
    &[AddrNetwork::I2p],
    &[AddrNetwork::Tor, AddrNetwork::I2p],
];
/// Seconds between frames of noise: often more of them than in practice, so that minutes suffice.
const INTERVALS: [u64; 4] = [2, 3, 5, 10];
/// In the clear, where there are many nodes.
const CLEAR_INTERVAL: Duration = Duration::from_secs(10);

impl Draw {
    /// Gives some scenarios anonymity networks, and some white noise.
    pub(super) fn zones(&mut self, scenario: &mut Scenario) {
        if self.rng.random_ratio(3, 10) {
            for network in NETWORKS.choose(&mut self.rng).copied().unwrap_or_default() {
                self.network(scenario, *network);
            }
            self.origins(scenario);
            scenario.steps.sort_by_key(|step| step.at);
        }
        if self.rng.random_ratio(1, 16) {
            self.clear_noise(scenario);
        }
    }

    /// Some honest nodes are on this network as well, some others on it only.
    fn network(&mut self, scenario: &mut Scenario, network: AddrNetwork) {
        let public: Vec<usize> = scenario.honest_on(AddrNetwork::Clearnet).collect();
        if public.len() < 2 {
            // Nobody hands over what is his own.
            return;
        }
        let noisy = self.rng.random_bool(0.5).then(|| INTERVALS.choose(&mut self.rng)).flatten();
        let noise = noisy.map_or(Duration::ZERO, |secs| Duration::from_secs(*secs));
        let zone = |of: usize, beside| NodePlan {
            network,
            beside,
            noise,
            dials: Vec::new(),
            knows: Vec::new(),
            outbound: 0,
            ..scenario.nodes[of].clone()
        };
        let both = self.rng.random_range(2..=8);
        let both = public.iter().copied().sample(&mut self.rng, both);
        let mut zones: Vec<_> = both.into_iter().map(|node| zone(node, Some(node))).collect();
        for _ in 0..self.rng.random_range(0..=4) {
            zones.extend(public.choose(&mut self.rng).map(|like| zone(*like, None)));
        }
        let honest = zones.len();
        let evil = if self.rng.random_bool(0.5) { self.rng.random_range(1..=3) } else { 0 };
        for _ in 0..evil {
            let role = *Role::ALL[1..].choose(&mut self.rng).unwrap_or(&Role::BlackHole);
            let like = public.choose(&mut self.rng).map(|like| zone(*like, None));
            zones.extend(like.map(|zone| NodePlan { role, ..zone }));
        }
        let first = scenario.nodes.len();
        scenario.nodes.extend(zones);
        self.acquaint(scenario, first, honest);
        self.trouble(scenario, first);
    }

    /// The nodes from `first` on dial or know each other. The ring of honest ones holds when all
    /// else is gone.
    fn acquaint(&mut self, scenario: &mut Scenario, first: usize, honest: usize) {
        let members = first..scenario.nodes.len();
        let by_book = self.rng.random_bool(0.3);
        let degree = self.rng.random_range(2..=4);
        for index in members.clone() {
            let place = index - first;
            let next = (place < honest).then_some(first + (place + 1) % honest);
            let others = members.clone().filter(|other| *other != index && Some(*other) != next);
            let others = others.sample(&mut self.rng, degree - 1);
            let plan = &mut scenario.nodes[index];
            plan.dials = next.into_iter().collect();
            match by_book {
                true => (plan.knows, plan.outbound) = (others, degree - 1),
                false => plan.dials.extend(others),
            }
        }
    }

    /// What goes wrong among the nodes from `first` on.
    fn trouble(&mut self, scenario: &mut Scenario, first: usize) {
        let members: Vec<usize> = (first..scenario.nodes.len()).collect();
        let alone = members.iter().copied().filter(|node| scenario.nodes[*node].beside.is_none());
        let alone: Vec<usize> = alone.collect();
        for _ in 0..self.often(alone.len() as u64) {
            if let Some(node) = alone.choose(&mut self.rng) {
                scenario.steps.extend(self.crash(*node));
            }
        }
        for _ in 0..self.often(members.len() as u64) {
            if let Some((a, b)) = self.pair(&members) {
                scenario.steps.push(self.cut(a, b));
            }
        }
        for _ in 0..self.often(3) {
            if let Some((a, b)) = self.pair(&members) {
                let rate = self.rng.random_bool(0.5).then(|| self.rng.random_range(100..=20_000));
                scenario.links.push((a, b, LinkConfig { rate, ..self.link() }));
            }
        }
        for step in &mut scenario.steps {
            if let Action::Partition(side) = &mut step.action {
                side.extend(alone.iter().filter(|_| self.rng.random_bool(0.3)));
            }
        }
    }

    /// Two nodes, the first one before the second one.
    fn pair(&mut self, members: &[usize]) -> Option<(usize, usize)> {
        let two = members.iter().copied().sample(&mut self.rng, 2);
        two.iter().min().copied().zip(two.iter().max().copied())
    }

    /// What owners hand in leaves through an anonymity network where they are on one, but for some
    /// who would not have it so. Those who are nowhere else hand in something, too.
    fn origins(&mut self, scenario: &mut Scenario) {
        let mut origin: Vec<usize> = (0..scenario.nodes.len()).collect();
        for (zone, plan) in scenario.nodes.iter().enumerate() {
            if let Some(node) = plan.beside.filter(|_| self.rng.random_bool(0.8)) {
                origin[node] = zone;
            }
        }
        let hidden = AddrNetwork::ALL.into_iter().filter(|network| network.is_anonymous());
        let hidden = hidden.flat_map(|network| scenario.honest_on(network));
        let alone: Vec<_> = hidden.filter(|node| scenario.nodes[*node].beside.is_none()).collect();
        for Step { action, .. } in &mut scenario.steps {
            if let Action::Push { node, .. } = action {
                *node = match alone.choose(&mut self.rng) {
                    Some(other) if self.rng.random_ratio(1, 8) => *other,
                    _ => origin[*node],
                };
            }
        }
    }

    /// All nodes in the clear have noise, and some deviate in it.
    fn clear_noise(&mut self, scenario: &mut Scenario) {
        let clear = |plan: &&mut NodePlan| plan.network == AddrNetwork::Clearnet;
        for plan in scenario.nodes.iter_mut().filter(clear) {
            plan.noise = CLEAR_INTERVAL;
            if plan.role != Role::Honest && self.rng.random_ratio(1, 4) {
                plan.role = Role::Garbler;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::chaos::{Size, generate};

    fn scenarios() -> impl Iterator<Item = Scenario> {
        (0..200).map(|seed| generate(seed, Size { nodes: 50, minutes: 30 }))
    }

    #[test]
    fn every_role_is_played_on_an_anonymity_network() {
        let nodes = scenarios().flat_map(|scenario| scenario.nodes);
        let hidden = nodes.filter(|plan| plan.network.is_anonymous());
        let roles: BTreeSet<Role> = hidden.map(|plan| plan.role).collect();
        assert_eq!(roles, BTreeSet::from(Role::ALL));
    }

    #[test]
    fn what_is_handed_in_can_reach_the_clear() {
        for scenario in scenarios() {
            assert!(scenario.leads_out(), "seed {}", scenario.seed);
        }
    }

    #[test]
    fn some_scenarios_have_zones_and_some_have_noise() {
        let has = |test: fn(&NodePlan) -> bool| {
            scenarios().filter(|scenario| scenario.nodes.iter().any(test)).count()
        };
        let hidden = has(|plan| plan.network.is_anonymous());
        let noisy = has(|plan| plan.network.is_anonymous() && !plan.noise.is_zero());
        let clear = has(|plan| !plan.network.is_anonymous() && !plan.noise.is_zero());
        assert!((45..75).contains(&hidden), "{hidden}");
        assert!((20..50).contains(&noisy), "{noisy}");
        assert!((6..20).contains(&clear), "{clear}");
    }
}
