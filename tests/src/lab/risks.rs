//! What each risk of sinks costs: an adversary who spies, swallows, floods or delays, and a network
//! in which few know the sinks.

use std::collections::BTreeMap;

use clap::Parser;
use serde::Serialize;

use super::report::figures::total;
use super::{Flags, FlagsError, Results, Setup};

/// What is tried: its name, and the flags of `cargo lab run` that make it.
const RISKS: [(&str, &str); 19] = [
    ("none", ""),
    ("a tenth of the nodes spies", "--spies 0.1"),
    ("a fifth of the nodes spies", "--spies 0.2"),
    ("a tenth swallows", "--black-holes 0.1"),
    ("three tenths swallow", "--black-holes 0.3"),
    ("sinks are flooded with as much again", "--flood 1.54"),
    ("sinks are flooded with four times as much", "--flood 6.16"),
    ("sinks are flooded with ten times as much", "--flood 15.4"),
    ("a fifth spies and holds seals for 60 s", "--spies 0.2 --hold-secs 60"),
    ("a fifth spies and holds seals for 240 s", "--spies 0.2 --hold-secs 240"),
    ("nodes know 90% of the keys", "--view 0.9"),
    ("nodes know half of the keys", "--view 0.5"),
    ("30% are Scape, others Grin 5", "--speaking 0.3 --others grin-5"),
    ("10% are Scape, others Grin 5", "--speaking 0.1 --others grin-5"),
    ("half of the traffic", "--rate 0.77"),
    ("a quarter of the traffic", "--rate 0.385"),
    ("ten times the traffic", "--rate 15.4"),
    ("ten times the traffic, flooded with as much again", "--rate 15.4 --flood 15.4"),
    ("ten times the traffic, flooded with four times as much", "--rate 15.4 --flood 61.6"),
];

/// What one of them costs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Risk {
    /// Its name.
    pub name: &'static str,
    /// What is to be added to `cargo lab run`.
    pub flags: &'static str,
    /// The share that a listener traces.
    pub traced_by_listener: f64,
    /// The share that listener and spies trace together.
    pub traced: f64,
    /// How often spies map a payment to its origin, by maximum weight; `None` without spies.
    pub origins_found: Option<f64>,
    /// The share that was mined in the end.
    pub mined: f64,
    /// The share that its own embargo fluffed.
    pub by_embargo: f64,
    /// Seconds from push to fluff, of half of the payments.
    pub fluff_p50: f64,
    /// Of 99 in a hundred.
    pub fluff_p99: f64,
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: Flags,
}

/// Plays all of them, each as a change of the setup.
///
/// # Errors
/// The setup cannot be.
pub fn play(
    setup: &Setup,
    threads: usize,
    mut progress: impl FnMut(f64),
    mut tell: impl FnMut(&Risk),
) -> Result<Vec<Risk>, FlagsError> {
    let mut risks = Vec::new();
    for (number, (name, flags)) in RISKS.into_iter().enumerate() {
        let setup = changed(setup, flags)?;
        let share = |now: f64| (number as f64 + now) / RISKS.len() as f64;
        let results = Results::play(&setup, threads, |now| progress(share(now.share)))?;
        let risk = Risk::of(name, flags, &results);
        tell(&risk);
        risks.push(risk);
    }
    Ok(risks)
}

fn changed(setup: &Setup, flags: &str) -> Result<Setup, FlagsError> {
    let words = std::iter::once("run").chain(flags.split_whitespace());
    let line = Line::try_parse_from(words).map_err(|error| FlagsError::Line(error.to_string()))?;
    let mut setup = setup.clone();
    line.flags.apply(&mut setup)?;
    Ok(setup)
}

impl Risk {
    fn of(name: &'static str, flags: &'static str, results: &Results) -> Self {
        let tally = total(results);
        let of = |part: u64| part as f64 / tally.payments.max(1) as f64;
        let seconds = |share| tally.fluff_time.quantile(share) as f64 / 10.0;
        Self {
            name,
            flags,
            traced_by_listener: of(tally.listener.linked),
            traced: of(tally.together.linked),
            origins_found: tally.max_weight.score().map(|score| score.recall),
            mined: of(tally.mined),
            by_embargo: of(tally.reasons.get("embargo").copied().unwrap_or(0)),
            fluff_p50: seconds(0.5),
            fluff_p99: seconds(0.99),
        }
    }

    /// A row of a table in Markdown.
    pub fn row(&self) -> String {
        let percent = |share: f64| format!("{:.1}%", 100.0 * share);
        let found = self.origins_found.map_or_else(String::new, percent);
        format!(
            "| {} | `{}` | {} | {} | {found} | {} | {} | {:.0} s | {:.0} s |",
            self.name,
            self.flags,
            percent(self.traced_by_listener),
            percent(self.traced),
            percent(self.by_embargo),
            percent(self.mined),
            self.fluff_p50,
            self.fluff_p99,
        )
    }
}

/// Above the rows.
pub const HEAD: &str = "| risk | flags | traced by a listener | by listener and spies | origins found \
                        | fluffed by embargo | mined | median to fluff | 99% |\n\
                        |---|---|---|---|---|---|---|---|---|";

/// The table, by file.
///
/// # Errors
/// A number that JSON cannot write; no run gives one.
pub fn files(risks: &[Risk]) -> Result<BTreeMap<&'static str, String>, serde_json::Error> {
    let rows: String = risks.iter().map(|risk| risk.row() + "\n").collect();
    let json = serde_json::to_string_pretty(risks)? + "\n";
    Ok(BTreeMap::from([("risks.md", format!("{HEAD}\n{rows}")), ("risks.json", json)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_risk_is_an_experiment_of_its_own() {
        let setup = Setup::default();
        let changed = RISKS.map(|(name, flags)| changed(&setup, flags).expect(name));
        for (number, other) in changed.iter().enumerate() {
            assert_eq!(changed.iter().position(|setup| setup == other), Some(number));
        }
    }
}
