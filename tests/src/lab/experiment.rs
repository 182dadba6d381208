use std::time::Duration;

use scape_p2p::dandelion::{Params, Preset};

use super::latency::Latency;
use super::run::Run;
use super::traffic::Traffic;
use super::world::World;

/// What is tried out.
#[derive(Clone, PartialEq, Debug)]
pub struct Experiment {
    /// How many nodes there are.
    pub nodes: usize,
    /// Connections that each makes.
    pub outbound: usize,
    /// Of their links.
    pub latency: Latency,
    /// The mean time until a connection ends and another one takes its place; `None`: they stay.
    pub connection_life: Option<Duration>,
    /// The parameters of Dandelion, of the nodes that speak it.
    pub params: Params,
    /// The share of nodes that follow these.
    pub speaking: f64,
    /// What honest nodes that do not follow these do: follow others, or fluff at once whatever
    /// comes on the stem.
    pub others: Option<Params>,
    /// Who pays when.
    pub traffic: Traffic,
    /// For how long there is traffic.
    pub length: Duration,
    /// How long what is under way after that may take.
    pub grace: Duration,
    /// From one block to the next.
    pub block_time: Duration,
    /// The share of nodes that follow the rules and tell an adversary all that they see.
    pub spies: f64,
    /// The share of connections that lead to spies; `None`: their share of the nodes.
    pub spy_slots: Option<f64>,
    /// The share of nodes that swallow stem transactions, and tell.
    pub black_holes: f64,
    /// For how long spies hold back what is sealed to others before they carry it on.
    pub hold: Duration,
    /// Transactions a minute of the adversary, sealed to sinks.
    pub flood: f64,
    /// The share of all keys that each node knows, where transactions meet at sinks.
    pub view: f64,
    /// To how many nodes a listener is connected who sees only what is fluffed.
    pub listened: usize,
}

impl Experiment {
    /// Grin's mainnet of May 2019, with other parameters: 3,000 nodes of 8 outbound connections,
    /// 1.54 transactions a minute for a day, and 3 listeners of 200 peers each.
    pub fn mainnet(preset: Preset) -> Self {
        Self {
            nodes: 3_000,
            outbound: 8,
            latency: Latency::default(),
            connection_life: None,
            params: preset.params(),
            speaking: 1.0,
            others: None,
            traffic: Traffic::default(),
            length: Duration::from_secs(86_400),
            grace: Duration::from_secs(6 * 3_600),
            block_time: Duration::from_secs(60),
            spies: 0.0,
            spy_slots: None,
            black_holes: 0.0,
            hold: Duration::ZERO,
            flood: 0.0,
            view: 1.0,
            listened: 600,
        }
    }

    /// Plays it. The same seed gives the same run.
    pub fn run(&self, seed: u64) -> Run {
        self.run_with(seed, &|_| {})
    }

    /// Plays it, and tells now and then which share of its time is over.
    pub fn run_with(&self, seed: u64, progress: &dyn Fn(f64)) -> Run {
        World::new(self, seed).play(progress)
    }
}
