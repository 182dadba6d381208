//! What an experiment costs, by the size of the network.

use std::collections::BTreeMap;
use std::time::Duration;

use scape_p2p::dandelion::Preset;

use super::experiment::Experiment;
use super::report;
use super::report::svg::{Axis, Mark, Plot, Series};
use super::traffic::Traffic;

/// What one experiment cost.
#[derive(Clone, PartialEq, Debug)]
pub struct Cost {
    /// What it was.
    pub name: String,
    /// How many nodes it had.
    pub nodes: usize,
    /// How many payments.
    pub payments: usize,
    /// How many events were played.
    pub events: u64,
    /// How long it took.
    pub time: Duration,
    /// The most memory that the process has had so far, in bytes, where the system tells.
    pub memory: Option<u64>,
}

/// Networks of these sizes, each with a day of mainnet's traffic.
const SIZES: [usize; 6] = [100, 300, 1_000, 3_000, 10_000, 30_000];

/// Plays a day of mainnet's traffic in networks of many sizes, and 10,000 transactions in a day
/// among 10,000 nodes. `clock` tells the time since some moment, `memory` the most that was used.
pub fn measure(
    clock: impl Fn() -> Duration,
    memory: impl Fn() -> Option<u64>,
    mut progress: impl FnMut(&Cost),
) -> Vec<Cost> {
    let day = |nodes: usize| {
        let listened = nodes / 5;
        let experiment = Experiment { nodes, listened, ..Experiment::mainnet(Preset::Scape) };
        (format!("{nodes} nodes, a day"), experiment)
    };
    let mut experiments: Vec<_> = SIZES.into_iter().map(day).collect();
    let busy = Traffic { per_minute: 10_000.0 / 1_440.0, ..Traffic::default() };
    let (_, large) = day(10_000);
    let busy = Experiment { traffic: busy, ..large };
    experiments.push(("10000 nodes, 10000 transactions".to_owned(), busy));
    let mut costs = Vec::new();
    for (name, experiment) in experiments {
        let begin = clock();
        let run = experiment.run(1);
        let cost = Cost {
            name,
            nodes: experiment.nodes,
            payments: run.outcomes.len(),
            events: run.events,
            time: clock().saturating_sub(begin),
            memory: memory(),
        };
        progress(&cost);
        costs.push(cost);
    }
    costs
}

impl Cost {
    /// Nanoseconds for an event.
    pub fn nanos(&self) -> f64 {
        self.time.as_nanos() as f64 / self.events.max(1) as f64
    }

    /// All of it in a line.
    pub fn line(&self) -> String {
        let memory = self.memory.map_or(String::new(), |bytes| format!(", {} MiB", bytes >> 20));
        format!(
            "{}: {} payments, {} events in {:.1} s, {:.0} ns each{memory}",
            self.name,
            self.payments,
            self.events,
            self.time.as_secs_f64(),
            self.nanos()
        )
    }
}

/// The curve, the table and the page, by file.
pub fn files(costs: &[Cost]) -> BTreeMap<&'static str, String> {
    let mut csv = "nodes,payments,events,seconds,nanos_per_event,memory_bytes\n".to_owned();
    for cost in costs {
        let memory = cost.memory.map_or(String::new(), |bytes| bytes.to_string());
        let Cost { nodes, payments, events, time, .. } = cost;
        let (seconds, nanos) = (time.as_secs_f64(), cost.nanos());
        csv += &format!("{nodes},{payments},{events},{seconds:.3},{nanos:.0},{memory}\n");
    }
    let points = costs.iter().map(|cost| (cost.nodes as f64, cost.nanos())).collect();
    let plot = Plot {
        title: "What an event costs".to_owned(),
        x: Axis::new("nodes").log(),
        y: Axis::new("nanoseconds an event"),
        series: vec![Series::new("", Mark::Dots, points)],
    }
    .svg();
    let rows: String = costs.iter().map(|cost| format!("<li>{}</li>\n", cost.line())).collect();
    let body = format!(
        "{plot}\n<ul>\n{rows}</ul>\n<p>On one thread. Events are what pools are told, and the nodes \
         that floods come to. Memory is the most that the process had by then.</p>\n"
    );
    let page = report::page("What experiments cost", &body);
    BTreeMap::from([("scale.csv", csv), ("scale.svg", plot), ("scale.html", page)])
}
