//! What all presets buy: the traced share against the time until the fluff.

use std::collections::BTreeMap;
use std::fmt::Write;

use scape_p2p::dandelion::Preset;
use serde::Serialize;

use super::report::figures::total;
use super::report::svg::{Axis, Mark, Plot, Series};
use super::report::{self, WriteError};
use super::setup::{Setup, SetupError};
use super::{Results, Seeds, Tally};

/// The shares of spies that are tried beside the listener.
const SPIES: [f64; 2] = [0.1, 0.2];
/// The share of black holes that nothing may be lost to.
const BLACK_HOLES: f64 = 0.1;

/// What one preset buys.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Point {
    /// Its name.
    pub preset: &'static str,
    /// Seconds from push to fluff, of half of the payments.
    pub fluff_p50: f64,
    /// Of 99 in a hundred.
    pub fluff_p99: f64,
    /// The share that a listener at a fifth of the nodes traces.
    pub traced_by_listener: f64,
    /// The share that is traced if a tenth of the nodes spies, and a fifth.
    pub traced_by_spies: [f64; 2],
    /// First-spy precision of a tenth, and a fifth.
    pub precision: [f64; 2],
    /// With a tenth of black holes: payments that were mined.
    pub mined: f64,
    /// With them: how often the origin was the first to fluff what they swallowed.
    pub origin_fires_first: f64,
    /// With them: seconds from push to fluff, of half of the payments.
    pub swallowed_p50: f64,
}

/// Plays these presets in a setup, whose own preset and adversary do not count.
///
/// # Errors
/// The setup cannot be.
pub fn play(
    setup: &Setup,
    presets: &[Preset],
    threads: usize,
    mut progress: impl FnMut(f64),
) -> Result<Vec<Point>, SetupError> {
    let adversaries = [(0.0, 0.0), (SPIES[0], 0.0), (SPIES[1], 0.0), (0.0, BLACK_HOLES)];
    let all = (presets.len() * adversaries.len()) as f64;
    let mut done = 0.0;
    let mut points = Vec::new();
    for &preset in presets {
        let mut tallies = Vec::new();
        for (spies, black_holes) in adversaries {
            let mut setup = setup.clone();
            setup.dandelion.preset = preset;
            (setup.adversary.spies, setup.adversary.black_holes) = (spies, black_holes);
            let results = Results::play(&setup, threads, |now| progress((done + now.share) / all))?;
            done += 1.0;
            tallies.push(total(&results));
        }
        let [quiet, few, many, holes] = tallies.as_slice() else { continue };
        points.push(point(preset, quiet, [few, many], holes));
    }
    Ok(points)
}

fn point(preset: Preset, quiet: &Tally, spies: [&Tally; 2], holes: &Tally) -> Point {
    let seconds = |tally: &Tally, share| tally.fluff_time.quantile(share) as f64 / 10.0;
    let of = |part: u64, all: u64| part as f64 / all.max(1) as f64;
    Point {
        preset: preset.name(),
        fluff_p50: seconds(quiet, 0.5),
        fluff_p99: seconds(quiet, 0.99),
        traced_by_listener: of(quiet.listener.linked, quiet.payments),
        traced_by_spies: spies.map(|tally| of(tally.spies.linked, tally.payments)),
        precision: spies.map(|t| t.first_spy.score().unwrap_or_default().precision),
        mined: of(holes.mined, holes.payments),
        origin_fires_first: of(holes.swallowed.by_origin, holes.swallowed.fluffed),
        swallowed_p50: seconds(holes, 0.5),
    }
}

/// The plot, the table and the page, by file.
///
/// # Errors
/// A number that JSON or TOML cannot write; no run gives one.
pub fn files(
    setup: &Setup,
    seeds: &Seeds,
    points: &[Point],
) -> Result<BTreeMap<&'static str, String>, WriteError> {
    let plot = plot(points);
    let mut json = serde_json::to_string_pretty(points)?;
    json.push('\n');
    let body = format!(
        "{plot}\n{}<h2>How to repeat it</h2>\n<p>Save this as <code>setup.toml</code>; of its preset \
         and its adversary only the listener counts:</p>\n<pre>{}</pre>\n<p>and run</p>\n<pre>cargo \
         lab pareto setup.toml --seeds {seeds}</pre>\n{}",
        table(points),
        toml::to_string(setup)?,
        report::limits(),
    );
    let page = report::page("What presets buy, and what they cost", &body);
    Ok(BTreeMap::from([
        ("pareto.svg", plot),
        ("pareto.csv", csv(points)),
        ("pareto.json", json),
        ("pareto.html", page),
    ]))
}

fn plot(points: &[Point]) -> String {
    let series = |name: &str, traced: &dyn Fn(&Point) -> f64| {
        let at = points.iter().map(|point| (point.fluff_p50, traced(point))).collect();
        Series::new(name, Mark::Dots, at)
    };
    let labels = points.iter().map(|point| point.preset.to_owned()).collect();
    let listener = Series { labels, ..series("listener", &|p| p.traced_by_listener) };
    let front = front(points);
    Plot {
        title: "Traced share against time to fluff".to_owned(),
        x: Axis::new("median seconds from push to fluff").log(),
        y: Axis::new("share of payments traced").within(0.0, 1.05),
        series: vec![
            listener,
            series("a tenth of the nodes spies", &|point| point.traced_by_spies[0]),
            series("a fifth of the nodes spies", &|point| point.traced_by_spies[1]),
            Series::new("none beats these in both", Mark::Dashes, front),
            Series::new("the goal", Mark::Line, vec![(0.1, GOAL.1), GOAL, (GOAL.0, 0.0)]),
        ],
    }
    .svg()
}

/// At most so many seconds to fluff, and such a share that the listener traces.
const GOAL: (f64, f64) = (180.0, 0.25);

/// Those that no other one beats in time and in what the listener traces, from fast to slow.
fn front(points: &[Point]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<_> = points.iter().map(|p| (p.fluff_p50, p.traced_by_listener)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut least = f64::INFINITY;
    sorted.retain(|(_, traced)| {
        let better = *traced < least;
        least = least.min(*traced);
        better
    });
    sorted
}

const COLUMNS: [&str; 11] = [
    "preset",
    "fluff_p50",
    "fluff_p99",
    "traced_by_listener",
    "traced_by_spies_10",
    "traced_by_spies_20",
    "precision_10",
    "precision_20",
    "black_holes_mined",
    "black_holes_origin_first",
    "black_holes_fluff_p50",
];

impl Point {
    fn cells(&self) -> [String; COLUMNS.len()] {
        [
            self.preset.to_owned(),
            format!("{:.1}", self.fluff_p50),
            format!("{:.1}", self.fluff_p99),
            format!("{:.4}", self.traced_by_listener),
            format!("{:.4}", self.traced_by_spies[0]),
            format!("{:.4}", self.traced_by_spies[1]),
            format!("{:.4}", self.precision[0]),
            format!("{:.4}", self.precision[1]),
            format!("{:.4}", self.mined),
            format!("{:.4}", self.origin_fires_first),
            format!("{:.1}", self.swallowed_p50),
        ]
    }
}

fn csv(points: &[Point]) -> String {
    let rows = points.iter().map(|point| point.cells().join(",") + "\n");
    COLUMNS.join(",") + "\n" + &rows.collect::<String>()
}

fn table(points: &[Point]) -> String {
    let mut html = "<table>\n".to_owned();
    let mut row = |tag: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{cell}</{tag}>")).collect();
        // Writing to a string never fails.
        let _ = writeln!(html, "<tr>{cells}</tr>");
    };
    row("th", &COLUMNS.map(|column| column.replace('_', " ")));
    points.iter().for_each(|point| row("td", &point.cells()));
    html + "</table>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(fluff_p50: f64, traced_by_listener: f64) -> Point {
        Point {
            preset: "scape",
            fluff_p50,
            fluff_p99: 0.0,
            traced_by_listener,
            traced_by_spies: [0.0; 2],
            precision: [0.0; 2],
            mined: 1.0,
            origin_fires_first: 0.0,
            swallowed_p50: 0.0,
        }
    }

    #[test]
    fn the_front_holds_what_nothing_else_beats() {
        let points = [point(9.0, 0.5), point(1.0, 0.9), point(5.0, 0.95), point(20.0, 0.5)];
        assert_eq!(front(&points), [(1.0, 0.9), (9.0, 0.5)]);
    }

    #[test]
    fn each_preset_has_a_row_and_no_black_hole_loses_anything() {
        let mut setup = Setup { seeds: Seeds(1..2), ..Setup::default() };
        setup.network.nodes = 150;
        setup.network.hours = 0.5;
        setup.adversary.listened = 30;
        let presets = [Preset::Grin5, Preset::Scape];
        let points = play(&setup, &presets, 2, |_| {}).expect("possible");
        assert!(points.iter().all(|point| point.mined == 1.0), "{points:?}");
        let files = files(&setup, &setup.seeds, &points).expect("all numbers can be written");
        assert_eq!(files["pareto.csv"].lines().count(), 3);
        assert_eq!(files["pareto.svg"].matches("<circle").count(), 6);
    }
}
