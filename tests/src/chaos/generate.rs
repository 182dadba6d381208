//! Scenarios from seeds.

use std::time::Duration;

use rand::RngExt;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::seeded;
use scape_p2p::addr::Network as AddrNetwork;
use scape_p2p::dandelion::Preset;

use super::{Action, NodePlan, Role, Scenario, Step};
use crate::flow::{CoinPlan, TxPlan};
use crate::net::{Clock, Disk, LinkConfig};

/// How large scenarios are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// How many nodes.
    pub nodes: usize,
    /// How long they are busy.
    pub minutes: u64,
}

impl Size {
    fn millis(self) -> u64 {
        self.minutes * 60_000
    }
}

/// Draws the scenario of a seed.
pub fn generate(seed: u64, size: Size) -> Scenario {
    let rng = seeded(seed, 0x6368_616f);
    let mut draw = Draw { rng, size };
    let nodes = draw.nodes();
    let (txs, pushes) = draw.payments(&nodes);
    let mut steps = pushes;
    steps.extend(draw.crashes());
    steps.extend(draw.cuts());
    steps.extend(draw.partitions());
    steps.extend(draw.reorgs());
    steps.sort_by_key(|step| step.at);
    let coins = 1 + txs.iter().flat_map(|tx| &tx.spends).fold(0, |most, coin| match coin {
        CoinPlan::Genesis(number) => most.max(*number),
        CoinPlan::Output(..) => most,
    });
    let mut scenario = Scenario {
        seed,
        minutes: size.minutes,
        coins,
        pings: Duration::from_secs(draw.rng.random_range(20..=60)),
        blocks: Duration::from_secs(*[30, 60, 60, 120].choose(&mut draw.rng).unwrap_or(&60)),
        verify: Duration::from_millis(draw.rng.random_range(0..=200)),
        codec: draw.rng.random_ratio(1, 50),
        link: draw.link(),
        links: draw.links(),
        nodes,
        txs,
        steps,
    };
    // From a source of their own: the rest stays what it would be without them.
    let mut draw = Draw { rng: seeded(seed, 0x7a6f_6e65), size };
    draw.zones(&mut scenario);
    scenario
}

/// Draws scenarios.
pub(super) struct Draw {
    pub(super) rng: ChaCha12Rng,
    size: Size,
}

impl Draw {
    fn nodes(&mut self) -> Vec<NodePlan> {
        let count = self.size.nodes;
        // Half of the networks are of one mind.
        let preset = self.rng.random_bool(0.5).then(|| self.preset());
        let by_book = self.rng.random_bool(0.3);
        let drift = *[0, 0, 100, 20_000].choose(&mut self.rng).unwrap_or(&0);
        let degree = self.rng.random_range(2..=5);
        let evil =
            if self.rng.random_bool(0.5) { self.rng.random_range(1..=count / 5 + 1) } else { 0 };
        let honest = count.saturating_sub(evil).max(2).min(count);
        let mut nodes = Vec::with_capacity(count);
        for index in 0..count {
            let role = match index < honest {
                true => Role::Honest,
                false => *Role::in_the_clear().choose(&mut self.rng).unwrap_or(&Role::BlackHole),
            };
            // The ring of honest nodes holds when all else is gone.
            let mut dials = match role {
                Role::Honest => vec![(index + 1) % honest],
                _ => Vec::new(),
            };
            let others = (0..count).filter(|other| *other != index && !dials.contains(other));
            let others = others.sample(&mut self.rng, degree - 1);
            let (knows, outbound) = match by_book {
                true => (others, degree - 1),
                false => {
                    dials.extend(others);
                    (Vec::new(), 0)
                }
            };
            dials.retain(|other| *other != index);
            nodes.push(NodePlan {
                preset: preset.unwrap_or_else(|| self.preset()),
                role,
                dials,
                knows,
                outbound,
                clock: self.clock(drift),
                room: if self.rng.random_ratio(1, 20) { self.rng.random_range(20..=60) } else { 0 },
                network: AddrNetwork::Clearnet,
                beside: None,
                noise: Duration::ZERO,
                absent: false,
            });
        }
        nodes
    }

    fn preset(&mut self) -> Preset {
        *Preset::ALL.choose(&mut self.rng).unwrap_or(&Preset::Scape)
    }

    fn clock(&mut self, drift: i32) -> Clock {
        let ahead = if drift > 0 { self.rng.random_range(0..100_000) } else { 0 };
        Clock { ppm: self.rng.random_range(-drift..=drift), ahead: Duration::from_millis(ahead) }
    }

    pub(super) fn link(&mut self) -> LinkConfig {
        let delay = Duration::from_millis(self.rng.random_range(5..=200));
        let jitter = Duration::from_millis(self.rng.random_range(0..=300));
        let mut rarely = |most: f64| match self.rng.random_ratio(1, 4) {
            true => (self.rng.random_range(0.0..most) * 1_000.0).round() / 1_000.0,
            false => 0.0,
        };
        let (loss, duplicate, reorder) = (rarely(0.1), rarely(0.1), rarely(0.3));
        LinkConfig { delay, jitter, loss, duplicate, reorder, rate: None }
    }

    fn links(&mut self) -> Vec<(usize, usize, LinkConfig)> {
        let count = if self.rng.random_bool(0.3) { self.rng.random_range(1..=10) } else { 0 };
        let mut links = Vec::new();
        for _ in 0..count {
            let (a, b) = (self.node(), self.node());
            let rate = self.rng.random_bool(0.5).then(|| self.rng.random_range(100..=20_000));
            links.push((a.min(b), a.max(b), LinkConfig { rate, ..self.link() }));
        }
        links
    }

    fn node(&mut self) -> usize {
        self.rng.random_range(0..self.size.nodes)
    }

    fn moment(&mut self) -> u64 {
        self.rng.random_range(3_000..self.size.millis().max(6_000) - 2_000)
    }

    fn payments(&mut self, nodes: &[NodePlan]) -> (Vec<TxPlan>, Vec<Step>) {
        let users: Vec<usize> =
            (0..nodes.len()).filter(|node| nodes[*node].role == Role::Honest).collect();
        let most = (self.size.minutes * 8).clamp(10, 300);
        let count = self.rng.random_range(most / 4..=most);
        let (mut txs, mut steps) = (Vec::<TxPlan>::new(), Vec::new());
        let (mut coins, mut made) = (0, Vec::<(usize, u64)>::new());
        for tx in 0..count as usize {
            let mut node = *users.choose(&mut self.rng).unwrap_or(&0);
            let mut at = self.moment();
            let mut plan = TxPlan::spending([]);
            plan.outputs = self.rng.random_range(1..=4);
            let parent = self.rng.random_range(0..made.len().max(1));
            match self.rng.random_range(0..100) {
                // A child, soon after its parent, half the time from the same wallet.
                0..35 if !made.is_empty() => {
                    let output = self.rng.random_range(0..4);
                    plan.spends.push(CoinPlan::Output(parent, output));
                    at = made[parent].1 + self.rng.random_range(0..60_000);
                    node = if self.rng.random_bool(0.5) { made[parent].0 } else { node };
                }
                // A rival.
                35..40 if !made.is_empty() => plan.spends.clone_from(&txs[parent].spends),
                _ => {
                    plan.spends.push(CoinPlan::Genesis(coins));
                    coins += 1;
                }
            }
            if self.rng.random_ratio(1, 15) {
                plan.spends.push(CoinPlan::Genesis(coins));
                coins += 1;
            }
            if self.rng.random_ratio(1, 15) {
                plan.lock = self.rng.random_range(1..=self.size.minutes);
            }
            if self.rng.random_ratio(1, 5) {
                plan.generosity = self.rng.random_range(2..=10);
            }
            let fluff = self.rng.random_ratio(1, 30);
            steps.push(step(at, Action::Push { node, tx, fluff }));
            if self.rng.random_ratio(1, 20) {
                // The payee posts it as well.
                let node = *users.choose(&mut self.rng).unwrap_or(&0);
                let at = at + self.rng.random_range(0..5_000);
                steps.push(step(at, Action::Push { node, tx, fluff: false }));
            }
            made.push((node, at));
            txs.push(plan);
        }
        (txs, steps)
    }

    /// Some networks have none of this, some have much.
    pub(super) fn often(&mut self, most: u64) -> u64 {
        match self.rng.random_bool(0.5) {
            true => self.rng.random_range(0..=most),
            false => 0,
        }
    }

    fn crashes(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for _ in 0..self.often(self.size.nodes as u64 / 3 + 1) {
            let node = self.node();
            steps.extend(self.crash(node));
        }
        steps
    }

    pub(super) fn crash(&mut self, node: usize) -> [Step; 2] {
        let at = self.moment();
        let away = self.rng.random_range(1_000..300_000);
        let disk = if self.rng.random_bool(0.7) { Disk::Kept } else { Disk::Lost };
        [step(at, Action::Crash(node)), step(at + away, Action::Restart { node, disk })]
    }

    fn cuts(&mut self) -> Vec<Step> {
        let count = self.often(self.size.nodes as u64);
        (0..count)
            .map(|_| {
                let (a, b) = (self.node(), self.node());
                self.cut(a, b)
            })
            .collect()
    }

    pub(super) fn cut(&mut self, a: usize, b: usize) -> Step {
        step(self.moment(), Action::Cut(a, b))
    }

    fn partitions(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for _ in 0..self.often(1) {
            let at = self.moment();
            let share = self.rng.random_range(0.05..0.5);
            let side = (0..self.size.nodes).filter(|_| self.rng.random_bool(share));
            steps.push(step(at, Action::Partition(side.collect())));
            steps.push(step(at + self.rng.random_range(10_000..400_000), Action::Heal));
        }
        steps
    }

    fn reorgs(&mut self) -> Vec<Step> {
        let count = self.often(4);
        (0..count)
            .map(|_| {
                let (node, depth) = (self.node(), self.rng.random_range(1..=4));
                step(self.moment(), Action::Reorg { node, depth })
            })
            .collect()
    }
}

fn step(millis: u64, action: Action) -> Step {
    Step { at: Duration::from_millis(millis), action }
}
