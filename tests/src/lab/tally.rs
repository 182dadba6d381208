//! What is counted in one run. Nothing of it depends on other runs, and sums are exact, so that runs
//! can be played anywhere and put together in any order.

use std::collections::BTreeMap;
use std::time::Duration;

use scape_pool::FluffReason;
use serde::{Deserialize, Serialize};

use super::adversary::links::Links;
use super::adversary::wire::{self, Wire};
use super::adversary::{black_hole, fingerprint, first_spy, max_weight};
use super::experiment::Experiment;
use super::histogram::Histogram;
use super::paper::{Guess, Score};
use super::run::{Observer, Outcome, Run};

/// What is counted in one run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Payments that were pushed.
    pub payments: u64,
    /// Those that were mined.
    pub mined: u64,
    /// Payments by the reason of the first fluff with them.
    pub reasons: BTreeMap<String, u64>,
    /// How often each payment was handed on along the stem.
    pub hops: Histogram,
    /// How many payments were in the first fluff with each payment.
    pub parts: Histogram,
    /// Payments that were ever fluffed together with another one.
    pub merged: u64,
    /// Tenths of a second from push to fluff.
    pub fluff_time: Histogram,
    /// Tenths of a second from push until half of the nodes had it.
    pub half_time: Histogram,
    /// Tenths of a second from push until 99% of the nodes had it.
    pub most_time: Histogram,
    /// Tenths of a second that floods took to 99% of the nodes.
    pub flood_time: Histogram,
    /// Bytes on the stem.
    pub stem_bytes: u64,
    /// Bytes of floods.
    pub fluff_bytes: u64,
    /// What listeners tell apart.
    pub listener: Linked,
    /// What spies tell apart, with what they see in public.
    pub spies: Linked,
    /// What both tell apart together.
    pub together: Linked,
    /// Guesses of the first-spy estimator, which follows what is sealed, too.
    pub first_spy: Guessed,
    /// Guesses of the maximum-weight estimator.
    pub max_weight: Guessed,
    /// Nodes found from several payments, in the order of [`fingerprint::PAYMENTS`].
    pub fingerprint: [fingerprint::Found; fingerprint::PAYMENTS.len()],
    /// What black holes swallowed.
    pub swallowed: black_hole::Swallowed,
    /// What a watcher of wires sees.
    pub wire: Wire,
    /// How many events were played.
    pub events: u64,
}

/// How payments are linked.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linked {
    /// Payments that were seen at all.
    pub seen: u64,
    /// Payments that were seen by themselves.
    pub alone: u64,
    /// Payments that are linked, those by subtraction included.
    pub linked: u64,
    /// Payments by how many of them cannot be told apart.
    pub sizes: Histogram,
}

/// How good guesses are, in whole numbers, so that sums are exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guessed {
    /// How many payments were guessed at.
    pub payments: u64,
    /// How many guesses are right.
    pub right: u64,
    /// The sum over right guesses of one by the payments mapped to that node, in billionths.
    pub weight: u64,
}

impl Tally {
    /// Counts what happened in a run of the experiment, and what adversaries make of it.
    pub fn of(experiment: &Experiment, run: &Run, seed: u64) -> Self {
        let mut tally = Self {
            payments: run.outcomes.len() as u64,
            stem_bytes: run.stem_bytes,
            fluff_bytes: run.fluff_bytes,
            events: run.events,
            swallowed: black_hole::swallowed(run),
            wire: wire::watch(run, seed),
            ..Self::default()
        };
        run.outcomes.iter().for_each(|outcome| tally.count(outcome, run));
        if experiment.listened > 0 {
            tally.listener = Linked::of(run, |observer| observer == Observer::Listener);
        }
        if run.is_spy.iter().any(|spy| *spy) {
            tally.spies = Linked::of(run, |observer| observer != Observer::Listener);
            tally.first_spy = Guessed::of(&first_spy::guesses(run, &experiment.params, seed), run);
            tally.max_weight = Guessed::of(&max_weight::guesses(run, &experiment.params), run);
            tally.fingerprint = fingerprint::found(run, &experiment.params);
        }
        tally.together = Linked::of(run, |_| true);
        tally
    }

    /// Counts what another run counted.
    pub fn add(&mut self, other: &Self) {
        self.payments += other.payments;
        self.mined += other.mined;
        for (reason, count) in &other.reasons {
            *self.reasons.entry(reason.clone()).or_default() += count;
        }
        self.hops.merge(&other.hops);
        self.parts.merge(&other.parts);
        self.merged += other.merged;
        self.fluff_time.merge(&other.fluff_time);
        self.half_time.merge(&other.half_time);
        self.most_time.merge(&other.most_time);
        self.flood_time.merge(&other.flood_time);
        self.stem_bytes += other.stem_bytes;
        self.fluff_bytes += other.fluff_bytes;
        self.listener.add(&other.listener);
        self.spies.add(&other.spies);
        self.together.add(&other.together);
        self.first_spy.add(&other.first_spy);
        self.max_weight.add(&other.max_weight);
        for (mine, theirs) in self.fingerprint.iter_mut().zip(&other.fingerprint) {
            mine.add(theirs);
        }
        self.swallowed.add(&other.swallowed);
        self.wire.add(&other.wire);
        self.events += other.events;
    }

    fn count(&mut self, outcome: &Outcome, run: &Run) {
        self.mined += u64::from(outcome.mined.is_some());
        self.hops.add(u64::from(outcome.hops));
        let fluffs = || outcome.fluffs.iter().map(|fluff| &run.fluffs[*fluff as usize]);
        let Some(first) = fluffs().next() else { return };
        *self.reasons.entry(reason_name(first.reason).to_owned()).or_default() += 1;
        self.parts.add(first.payments.len() as u64);
        self.merged += u64::from(fluffs().any(|fluff| fluff.payments.len() > 1));
        let pushed = outcome.payment.at;
        let since = |after: fn(&super::Fluff) -> Duration| {
            let ends = fluffs().map(|fluff| fluff.at + after(fluff));
            tenths(ends.min().unwrap_or(first.at).saturating_since(pushed))
        };
        self.fluff_time.add(since(|_| Duration::ZERO));
        self.half_time.add(since(|fluff| fluff.half));
        self.most_time.add(since(|fluff| fluff.most));
        self.flood_time.add(tenths(first.most));
    }
}

impl Linked {
    fn of(run: &Run, sees: impl Fn(Observer) -> bool) -> Self {
        let links = Links::of(run, sees);
        let count = |yes: &dyn Fn(&u32) -> bool| links.sizes.iter().filter(|s| yes(s)).count();
        Self {
            seen: count(&|size| *size > 0) as u64,
            alone: links.alone.iter().filter(|alone| **alone).count() as u64,
            linked: count(&|size| *size == 1) as u64,
            sizes: links.sizes.iter().filter(|s| **s > 0).map(|s| u64::from(*s)).collect(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.seen += other.seen;
        self.alone += other.alone;
        self.linked += other.linked;
        self.sizes.merge(&other.sizes);
    }
}

impl Guessed {
    fn of(guesses: &[Guess], run: &Run) -> Self {
        let Score { precision, recall } = Score::of(guesses, run.graph.len());
        let count = guesses.len() as f64;
        Self {
            payments: guesses.len() as u64,
            right: (recall * count).round() as u64,
            weight: (precision * count * BILLION).round() as u64,
        }
    }

    /// As the papers define them; `None` if there was nothing to guess at.
    pub fn score(&self) -> Option<Score> {
        let count = self.payments as f64;
        let score = || Score {
            precision: self.weight as f64 / BILLION / count,
            recall: self.right as f64 / count,
        };
        (self.payments > 0).then(score)
    }

    fn add(&mut self, other: &Self) {
        self.payments += other.payments;
        self.right += other.right;
        self.weight += other.weight;
    }
}

const BILLION: f64 = 1e9;

fn tenths(time: Duration) -> u64 {
    (time.as_millis() / 100) as u64
}

fn reason_name(reason: Option<FluffReason>) -> &'static str {
    match reason {
        Some(FluffReason::Coin) => "coin",
        Some(FluffReason::Gathered) => "gathered",
        Some(FluffReason::Embargo) => "embargo",
        Some(FluffReason::NoRelay) => "no relay",
        Some(FluffReason::Loop) => "loop",
        Some(FluffReason::Family) => "family",
        Some(FluffReason::Asked) => "asked",
        None => "plain node",
    }
}
