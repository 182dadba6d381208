//! What is drawn of an experiment.

use std::collections::BTreeMap;

use super::figures::total;
use super::svg::{Axis, Mark, Plot, Series};
use crate::lab::adversary::fingerprint::PAYMENTS;
use crate::lab::{Histogram, Results, Tally};

/// All plots, by file.
pub(super) fn plots(results: &Results) -> BTreeMap<&'static str, String> {
    let total = total(results);
    let mut plots =
        BTreeMap::from([("times.svg", times(&total)), ("anonymity.svg", anonymity(&total))]);
    if total.fingerprint[0].nodes > 0 {
        plots.insert("fingerprint.svg", fingerprint(&total));
    }
    plots
}

fn times(total: &Tally) -> String {
    let curve = |name, histogram: &Histogram| {
        let percents = (0..=100u32).map(|percent| f64::from(percent) / 100.0);
        let points = percents.map(|share| (histogram.quantile(share) as f64 / 10.0, share));
        Series::new(name, Mark::Line, points.filter(|(seconds, _)| *seconds > 0.0).collect())
    };
    Plot {
        title: "From push to the public".to_owned(),
        x: Axis::new("seconds since the push").log(),
        y: Axis::new("share of payments").within(0.0, 1.0),
        series: vec![
            curve("fluffed", &total.fluff_time),
            curve("at half of the nodes", &total.half_time),
            curve("at 99% of the nodes", &total.most_time),
        ],
    }
    .svg()
}

/// Larger sets share the last bar.
const LARGEST: u64 = 12;

fn anonymity(total: &Tally) -> String {
    let count = total.parts.count().max(1) as f64;
    let mut points = vec![0.0; LARGEST as usize];
    for (size, payments) in total.parts.iter() {
        points[size.clamp(1, LARGEST) as usize - 1] += payments as f64 / count;
    }
    let bars = (1u32..).map(f64::from).zip(points).collect();
    let labels: Vec<String> = (1..=LARGEST)
        .map(|size| if size == LARGEST { format!("{size}+") } else { String::new() })
        .collect();
    Plot {
        title: "With how many others payments became public".to_owned(),
        x: Axis::new("payments in the first public transaction").within(0.0, LARGEST as f64 + 1.0),
        y: Axis::new("share of payments").within(0.0, 1.0),
        series: vec![Series { labels, ..Series::new("", Mark::Bars, bars) }],
    }
    .svg()
}

fn fingerprint(total: &Tally) -> String {
    let found = PAYMENTS.iter().zip(&total.fingerprint).filter(|(_, found)| found.nodes > 0);
    let points =
        found.map(|(payments, found)| (*payments as f64, found.found as f64 / found.nodes as f64));
    Plot {
        title: "Nodes found from several of their payments".to_owned(),
        x: Axis::new("payments that are known to come from one node").log(),
        y: Axis::new("share of nodes found").within(0.0, 1.0),
        series: vec![Series::new("fingerprint", Mark::Line, points.collect())],
    }
    .svg()
}
