//! What sinks do for transactions, at the traffic of Grin's mainnet.

use std::collections::BTreeSet;
use std::time::Duration;

use scape_p2p::dandelion::Preset;
use scape_pool::FluffReason;

use super::adversary::first_spy;
use super::adversary::links::Links;
use super::paper::Score;
use super::*;

/// As many transactions as on mainnet, for eight hours, among fewer nodes.
fn experiment() -> Experiment {
    Experiment {
        nodes: 300,
        listened: 60,
        length: Duration::from_secs(8 * 3_600),
        ..Experiment::mainnet(Preset::Scape)
    }
}

fn linked(run: &Run, sees: impl Fn(Observer) -> bool) -> f64 {
    let sizes = Links::of(run, sees).sizes;
    sizes.iter().filter(|size| **size == 1).count() as f64 / sizes.len() as f64
}

fn is_spy(observer: Observer) -> bool {
    observer != Observer::Listener
}

#[test]
fn hardly_any_transaction_stays_alone_and_all_are_soon_public() {
    let (mut alone, mut times) = (0.0, Vec::new());
    const SEEDS: u64 = 3;
    for seed in 0..SEEDS {
        let run = experiment().run(seed);
        assert!(run.outcomes.len() > 500, "seed {seed}: {} payments", run.outcomes.len());
        assert!(run.outcomes.iter().all(|outcome| outcome.mined.is_some()), "seed {seed}");
        let gathered = |fluff: &Fluff| fluff.reason == Some(FluffReason::Gathered);
        assert!(run.fluffs.iter().all(gathered), "seed {seed}: no embargo ends");
        alone += linked(&run, |observer| observer == Observer::Listener) / SEEDS as f64;
        times.extend(run.outcomes.iter().map(|outcome| {
            let fluff = &run.fluffs[outcome.fluffs[0] as usize];
            fluff.at.saturating_since(outcome.payment.at)
        }));
    }
    // Windows of 135 s on average: 3.5 others are expected. exp(-3.5) / 4.5 is 0.007; windows
    // differ, and traffic is never as even as that.
    assert!(alone < 0.05, "{alone} are traced by a listener");
    times.sort_unstable();
    assert!(times[times.len() / 2] < Duration::from_secs(120), "{:?}", times[times.len() / 2]);
}

#[test]
fn spies_learn_little_more_than_their_share() {
    let (mut traced, mut precision) = (0.0, 0.0);
    const SEEDS: u64 = 4;
    for seed in 0..SEEDS {
        let experiment = Experiment { spies: 0.2, ..experiment() };
        let run = experiment.run(seed);
        traced += linked(&run, is_spy) / SEEDS as f64;
        let guesses = first_spy::guesses(&run, &experiment.params, seed);
        precision += Score::of(&guesses, run.graph.len()).precision / SEEDS as f64;
        // Whoever sees something on the stem is the sink.
        let sinks: BTreeSet<_> =
            run.passages.iter().map(|p| (p.at, p.spy, p.spy == p.sink)).collect();
        for sight in &run.sights {
            if let Observer::Relay(spy) = sight.observer {
                assert!(sinks.contains(&(sight.at, spy, true)), "seed {seed}: {sight:?}");
            }
        }
        assert!(run.passages.len() > run.outcomes.len() / 10, "seed {seed}: spies carry, too");
    }
    assert!((0.1..0.4).contains(&traced), "{traced} are traced by a fifth of all nodes");
    // Of the line, the least that routing can do: 0.079.
    assert!(precision < 0.079, "first spies are right with {precision}");
}

#[test]
fn black_holes_delay_and_neither_lose_nor_expose() {
    let experiment = Experiment { black_holes: 0.1, ..experiment() };
    let run = experiment.run(1);
    assert!(run.outcomes.iter().all(|outcome| outcome.mined.is_some()));
    let swallowed = run.outcomes.iter().filter(|outcome| outcome.swallowed).count();
    assert!(swallowed > run.outcomes.len() / 10, "{swallowed} were swallowed at least once");
    let by_origin = run.outcomes.iter().filter(|outcome| {
        outcome
            .fluffs
            .iter()
            .any(|fluff| run.fluffs[*fluff as usize].node == outcome.payment.origin)
    });
    let by_origin = by_origin.count() as f64 / run.outcomes.len() as f64;
    assert!(by_origin < 0.03, "{by_origin} were fluffed by their origin");
}

#[test]
fn who_knows_fewer_keys_meets_fewer_others() {
    let alone = [1.0, 0.5, 0.1].map(|view| {
        let run = Experiment { view, ..experiment() }.run(2);
        assert!(run.outcomes.iter().all(|outcome| outcome.mined.is_some()));
        linked(&run, |observer| observer == Observer::Listener)
    });
    assert!(alone.is_sorted_by(|a, b| a < b), "{alone:?}");
}
