//! The figures of a report: each a formula over what was counted.

use crate::lab::adversary::fingerprint::{Found, PAYMENTS};
use crate::lab::{Histogram, Results, Tally};

/// One figure, over all runs together.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    /// Its name in CSV.
    pub key: String,
    /// What it is.
    pub name: String,
    /// How it is written.
    pub unit: Unit,
    /// Over all runs together.
    pub value: f64,
    /// Half of the interval that holds the mean with 95%, from how runs differ; `None` of one run.
    pub error: Option<f64>,
}

/// How a figure is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// From 0 to 1, written in percent.
    Share,
    /// From 0 to 1, written as it is.
    Probability,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A number.
    Count,
}

/// Figures under one heading.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// Those that there was something to count for.
    pub figures: Vec<Figure>,
}

/// A formula; `None` where there is nothing to divide by.
type Formula = fn(&Tally) -> Option<f64>;

struct Row(&'static str, &'static str, Unit, Formula);

use Unit::{Bytes, Count, Probability, Seconds, Share};

const LINKED: [Row; 9] = [
    Row("traced_by_listener", "Traced by the listener (linked, with subtraction)", Share, |t| {
        of(t.listener.linked, t.listener.seen)
    }),
    Row("seen_alone_by_listener", "Seen alone by the listener", Share, |t| {
        of(t.listener.alone, t.listener.seen)
    }),
    Row("traced_by_spies", "Traced by the spies, on the stem and in public", Share, |t| {
        of(t.spies.linked, t.spies.seen)
    }),
    Row("traced_together", "Traced by listener and spies together", Share, |t| {
        of(t.together.linked, t.together.seen)
    }),
    Row("ever_merged", "Ever in public together with another one", Share, |t| {
        of(t.merged, t.payments)
    }),
    Row("anonymity_mean", "Payments in the first public transaction with each, mean", Count, |t| {
        mean(&t.parts)
    }),
    Row("anonymity_p50", "The same, median", Count, |t| quantile(&t.parts, 0.5, 1.0)),
    Row("set_listener_mean", "Payments that the listener cannot tell apart, mean", Count, |t| {
        mean(&t.listener.sizes)
    }),
    Row("set_spies_mean", "Payments that the spies cannot tell apart, mean", Count, |t| {
        mean(&t.spies.sizes)
    }),
];

const FOUND: [Row; 10] = [
    Row("first_spy_precision", "First spy, precision", Probability, |t| {
        t.first_spy.score().map(|score| score.precision)
    }),
    Row("first_spy_recall", "First spy, recall", Probability, |t| {
        t.first_spy.score().map(|score| score.recall)
    }),
    Row("max_weight_precision", "Maximum weight, precision", Probability, |t| {
        t.max_weight.score().map(|score| score.precision)
    }),
    Row("max_weight_recall", "Maximum weight, recall", Probability, |t| {
        t.max_weight.score().map(|score| score.recall)
    }),
    Row(
        "origin_fires_first",
        "The origin fires first of what black holes swallowed",
        Probability,
        |t| of(t.swallowed.by_origin, t.swallowed.fluffed),
    ),
    Row("found_by_black_holes", "Black holes hear it from the origin first", Probability, |t| {
        of(t.swallowed.found, t.swallowed.fluffed)
    }),
    Row("swallowed", "Swallowed by a black hole", Share, |t| {
        of(t.swallowed.payments, t.payments).filter(|share| *share > 0.0)
    }),
    Row("wire_found", "Wire watcher without noise: own payments noticed", Share, |t| {
        of(t.wire.own_found, t.wire.own)
    }),
    Row(
        "wire_false_alarms",
        "Wire watcher without noise: relayed ones taken for own",
        Share,
        |t| of(t.wire.false_alarms, t.wire.relayed),
    ),
    Row(
        "wire_noise_auc",
        "Wire watcher with noise: right about which moment (0.5 is blind)",
        Probability,
        |t| of(2 * t.wire.more + t.wire.same, 2 * t.wire.pairs),
    ),
];

const TIME: [Row; 9] = [
    Row("fluff_p50", "From push to fluff, median", Seconds, |t| quantile(&t.fluff_time, 0.5, 0.1)),
    Row("fluff_p99", "From push to fluff, 99% of payments", Seconds, |t| {
        quantile(&t.fluff_time, 0.99, 0.1)
    }),
    Row("half_p50", "From push to half of the nodes, median", Seconds, |t| {
        quantile(&t.half_time, 0.5, 0.1)
    }),
    Row("half_p99", "From push to half of the nodes, 99% of payments", Seconds, |t| {
        quantile(&t.half_time, 0.99, 0.1)
    }),
    Row("most_p50", "From push to 99% of the nodes, median", Seconds, |t| {
        quantile(&t.most_time, 0.5, 0.1)
    }),
    Row("most_p99", "From push to 99% of the nodes, 99% of payments", Seconds, |t| {
        quantile(&t.most_time, 0.99, 0.1)
    }),
    Row("flood_p50", "From fluff to 99% of the nodes, median", Seconds, |t| {
        quantile(&t.flood_time, 0.5, 0.1)
    }),
    Row("hops_mean", "Hops on the stem, mean", Count, |t| mean(&t.hops)),
    Row("embargo_rate", "First fluffed because an embargo ended", Share, |t| {
        of(t.reasons.get("embargo").copied().unwrap_or(0), t.payments)
    }),
];

const COST: [Row; 4] = [
    Row("stem_bytes", "On the stem, for a payment", Bytes, |t| of(t.stem_bytes, t.payments)),
    Row("fluff_bytes", "Floods in the whole network, for a payment", Bytes, |t| {
        of(t.fluff_bytes, t.payments)
    }),
    Row("payments", "Payments in all runs", Count, |t| Some(t.payments as f64)),
    Row("mined", "Mined in the end", Share, |t| of(t.mined, t.payments)),
];

/// All figures of an experiment, by what they are about.
pub fn figures(results: &Results) -> Vec<Group> {
    let total = total(results);
    let row = |Row(key, name, unit, formula): &Row| {
        let runs: Vec<f64> = results.seeds.values().filter_map(formula).collect();
        let value = formula(&total)?;
        Some(figure((*key).to_owned(), (*name).to_owned(), *unit, value, &runs))
    };
    let group =
        |title, rows: &[Row]| Group { title, figures: rows.iter().filter_map(row).collect() };
    let mut groups = vec![
        group("What belongs together", &LINKED),
        group("Where it came from", &FOUND),
        group("How long it takes", &TIME),
        group("What it costs", &COST),
    ];
    groups[1].figures.extend(fingerprints(results, &total));
    groups
}

/// All that was counted in all runs, in the order of seeds.
pub fn total(results: &Results) -> Tally {
    let mut total = Tally::default();
    results.seeds.values().for_each(|tally| total.add(tally));
    total
}

fn fingerprints<'a>(results: &'a Results, total: &'a Tally) -> impl Iterator<Item = Figure> + 'a {
    PAYMENTS.iter().enumerate().filter_map(move |(place, payments)| {
        let share = |found: &Found| of(found.found, found.nodes);
        let runs: Vec<f64> =
            results.seeds.values().filter_map(|tally| share(&tally.fingerprint[place])).collect();
        let name = format!("Nodes found from {payments} of their payments");
        let value = share(&total.fingerprint[place])?;
        Some(figure(format!("fingerprint_{payments}"), name, Share, value, &runs))
    })
}

fn figure(key: String, name: String, unit: Unit, value: f64, runs: &[f64]) -> Figure {
    Figure { key, name, unit, value, error: error(runs) }
}

/// 1.96 standard errors of the mean.
fn error(runs: &[f64]) -> Option<f64> {
    let count = runs.len() as f64;
    let mean = runs.iter().sum::<f64>() / count;
    let squares: f64 = runs.iter().map(|run| (run - mean).powi(2)).sum();
    (runs.len() > 1).then(|| 1.96 * (squares / (count - 1.0) / count).sqrt())
}

fn of(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

fn mean(histogram: &Histogram) -> Option<f64> {
    (histogram.count() > 0).then(|| histogram.mean())
}

fn quantile(histogram: &Histogram, share: f64, unit: f64) -> Option<f64> {
    (histogram.count() > 0).then(|| histogram.quantile(share) as f64 * unit)
}

impl Figure {
    /// The value and how sure it is, as people write it.
    pub fn text(&self) -> String {
        let (value, error) = (self.value, self.error.unwrap_or(0.0));
        let (value, error) = match self.unit {
            Share => (format!("{:.1}%", 100.0 * value), format!("{:.1}", 100.0 * error)),
            Probability => (format!("{value:.3}"), format!("{error:.3}")),
            Seconds => (format!("{value:.1} s"), format!("{error:.1}")),
            Bytes => (format!("{value:.0} bytes"), format!("{error:.0}")),
            Count if value.fract() == 0.0 => return format!("{value:.0}"),
            Count => (format!("{value:.2}"), format!("{error:.2}")),
        };
        if self.error.is_some() { format!("{value} \u{b1} {error}") } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_shrink_with_the_root_of_runs() {
        assert_eq!(error(&[0.5]), None);
        let (few, many) = (error(&[0.4, 0.6]), error(&[0.4, 0.6].repeat(50)));
        assert!((few.expect("two runs") - 0.196).abs() < 1e-9);
        assert!(many.expect("many runs") < 0.021);
    }

    #[test]
    fn figures_are_written_as_people_do() {
        let text = |unit, value, error| {
            Figure { key: String::new(), name: String::new(), unit, value, error }.text()
        };
        assert_eq!(text(Share, 0.956, Some(0.0021)), "95.6% \u{b1} 0.2");
        assert_eq!(text(Probability, 0.1034, None), "0.103");
        assert_eq!(text(Seconds, 52.34, Some(1.0)), "52.3 s \u{b1} 1.0");
        assert_eq!(text(Count, 12.0, Some(1.0)), "12");
    }
}
