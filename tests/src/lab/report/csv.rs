//! Tables for other programs. No value holds a comma or a quote.

use std::fmt::Write;

use super::figures::{figures, total};
use crate::lab::{Histogram, Results};

/// Every figure over all runs, with half of its interval of 95%.
pub(super) fn summary(results: &Results) -> String {
    let mut csv = "figure,value,error\n".to_owned();
    for figure in figures(results).iter().flat_map(|group| &group.figures) {
        let error = figure.error.map_or(String::new(), |error| error.to_string());
        row(&mut csv, &[&figure.key, &figure.value.to_string(), &error]);
    }
    csv
}

/// Every figure of each run.
pub(super) fn seeds(results: &Results) -> String {
    let mut csv = "seed,figure,value\n".to_owned();
    for (seed, tally) in &results.seeds {
        let seeds = [(*seed, tally.clone())].into();
        let one = Results { setup: results.setup.clone(), seeds };
        for figure in figures(&one).iter().flat_map(|group| &group.figures) {
            row(&mut csv, &[&seed.to_string(), &figure.key, &figure.value.to_string()]);
        }
    }
    csv
}

/// How long what takes for which share of payments.
pub(super) fn times(results: &Results) -> String {
    let total = total(results);
    let columns = [&total.fluff_time, &total.half_time, &total.most_time];
    let mut csv = "percent,fluff_secs,half_secs,most_secs\n".to_owned();
    for percent in 1..=100u32 {
        let seconds = |histogram: &Histogram| {
            let tenths = histogram.quantile(f64::from(percent) / 100.0);
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        let [fluff, half, most] = columns.map(seconds);
        row(&mut csv, &[&percent.to_string(), &fluff, &half, &most]);
    }
    csv
}

/// How many payments were with how many others: in the first public transaction with them, and
/// after all that listeners, and spies, know.
pub(super) fn anonymity(results: &Results) -> String {
    let total = total(results);
    let mut csv = "adversary,set,payments\n".to_owned();
    for (name, sizes) in [
        ("public", &total.parts),
        ("listener", &total.listener.sizes),
        ("spies", &total.spies.sizes),
        ("together", &total.together.sizes),
    ] {
        for (size, payments) in sizes.iter() {
            row(&mut csv, &[name, &size.to_string(), &payments.to_string()]);
        }
    }
    csv
}

fn row(csv: &mut String, cells: &[&str]) {
    // Writing to a string never fails.
    let _ = writeln!(csv, "{}", cells.join(","));
}
