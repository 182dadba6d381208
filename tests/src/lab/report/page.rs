//! Pages of HTML that need no other file.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::WriteError;
use super::figures::figures;
use super::svg::escape;
use crate::lab::Results;

/// What the lab does not model, so that nobody takes its figures for more than they are.
pub const LIMITS: [&str; 12] = [
    "All nodes see a block at once. There are no forks, and no node is behind.",
    "A node that goes away takes nothing with it: connections end and others take their place, \
     but nodes stay, and so does what they hold. What a crash loses is for the tests of the \
     journal.",
    "Gossip is reckoned, not played message by message: a flood takes three latencies a hop and \
     the delays of the zone, nothing is lost, and nobody is too busy.",
    "Latency is log-normal over links and constant on each. There is no geography.",
    "Connections go to nodes at random. Real address books favour old, fast and stable nodes, and \
     spies can do more than attract a share of connections.",
    "All payments have one input and two outputs, or spend what their origin sent before. Amounts \
     are hidden on the chain, but counts, fees and lock heights can tell payments apart.",
    "Who pays when is independent of everything but the origin: no replies, no habits of the day.",
    "Wallets negotiate payments elsewhere; what that tells, and to whom, is not here.",
    "Linking is by what was seen before the merge and by subtraction. The graph of the chain, \
     later spends and knowledge from outside are not here but for the fingerprint, whose spies \
     are told which payments have one origin.",
    "The maximum-weight and fingerprint estimators know who is connected to whom in the beginning \
     and do not know routes. They match greedily, and use times only to see in which window \
     something sealed came to its sink. What is sealed a second time is not joined to the first. \
     A cleverer spy does better.",
    "How nodes come to know the keys of sinks is not played: each knows a share of them, by \
     chance, and each is in an address group of its own. Sinks that fluff when they like are not \
     here, nor are the limits of links, by which who floods a relay crowds out what others hand \
     it.",
    "The wire watcher sees sizes and times of what carries transactions at one node at a time. A \
     watcher of many wires at once sees more.",
];

/// A whole page with this title and this body, which is HTML.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{title}</title>\n<style>\n\
         body {{ font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }}\n\
         table {{ border-collapse: collapse; margin: 1em 0; }}\n\
         td, th {{ padding: .2em 1em .2em 0; border-bottom: 1px solid #ddd; text-align: left; }}\n\
         td + td {{ font-variant-numeric: tabular-nums; }}\n\
         pre {{ background: #f4f4f4; padding: 1em; overflow-x: auto; }}\n\
         svg {{ max-width: 100%; height: auto; }}\n\
         </style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n",
        title = escape(title),
    )
}

pub(super) fn of_results(
    results: &Results,
    plots: &BTreeMap<&'static str, String>,
) -> Result<String, WriteError> {
    let setup = toml::to_string(&results.setup)?;
    let named = &results.setup.title;
    let title = if named.is_empty() { "What an adversary learns" } else { named };
    let seeds = ranges(results.seeds.keys().copied());
    let mut body = format!(
        "<p>Scape {}, seeds {seeds}. Intervals hold the mean with 95%, by how runs differ.</p>\n",
        env!("CARGO_PKG_VERSION")
    );
    for group in figures(results).iter().filter(|group| !group.figures.is_empty()) {
        let rows: Vec<_> =
            group.figures.iter().map(|figure| (figure.name.clone(), figure.text())).collect();
        put(&mut body, format_args!("<h2>{}</h2>\n{}", group.title, table(&rows)));
    }
    body.push_str("<h2>Plots</h2>\n");
    plots.values().for_each(|svg| body.push_str(svg));
    put(
        &mut body,
        format_args!(
            "<h2>How to repeat it</h2>\n<p>Save this as <code>setup.toml</code>:</p>\n<pre>{}</pre>\n\
         <p>and run</p>\n<pre>{}</pre>\n",
            escape(&setup),
            escape(&commands(&seeds))
        ),
    );
    body.push_str(&limits());
    Ok(page(title, &body))
}

/// The limits as HTML.
pub(crate) fn limits() -> String {
    let items: String =
        LIMITS.iter().map(|limit| format!("<li>{}</li>\n", escape(limit))).collect();
    format!("<h2>What is not modelled</h2>\n<ul>\n{items}</ul>\n")
}

/// Two columns as HTML.
pub(crate) fn table(rows: &[(String, String)]) -> String {
    let mut html = "<table>\n".to_owned();
    for (name, value) in rows {
        put(
            &mut html,
            format_args!("<tr><td>{}</td><td>{}</td></tr>\n", escape(name), escape(value)),
        );
    }
    html + "</table>\n"
}

/// One run, or one for each range, put together.
fn commands(seeds: &str) -> String {
    let ranges: Vec<&str> = seeds.split(", ").collect();
    if let [one] = ranges.as_slice() {
        return format!("cargo lab run setup.toml --seeds {one} --out again\n");
    }
    let run = |seeds: &&str| format!("cargo lab run setup.toml --seeds {seeds} --out {seeds}\n");
    let runs: String = ranges.iter().map(run).collect();
    format!("{runs}cargo lab merge {} --out again\n", ranges.join(" "))
}

/// `0..4, 7..8`.
fn ranges(seeds: impl Iterator<Item = u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for seed in seeds {
        match ranges.last_mut() {
            Some((_, end)) if *end == seed => *end += 1,
            _ => ranges.push((seed, seed + 1)),
        }
    }
    let text: Vec<_> = ranges.iter().map(|(from, to)| format!("{from}..{to}")).collect();
    text.join(", ")
}

fn put(html: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string never fails.
    let _ = html.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_how_to_repeat_it() {
        assert_eq!(ranges([0, 1, 2, 5].into_iter()), "0..3, 5..6");
        assert_eq!(commands("0..3"), "cargo lab run setup.toml --seeds 0..3 --out again\n");
        assert!(commands("0..3, 5..6").ends_with("cargo lab merge 0..3 5..6 --out again\n"));
    }

    #[test]
    fn the_limits_are_those_of_the_documentation() {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, written) = include_str!("../../../LAB.md")
            .split_once("## What is not modelled")
            .expect("a section of its own");
        let listed: Vec<String> = written.split("\n- ").skip(1).map(words).collect();
        assert_eq!(listed, LIMITS.map(words));
    }

    #[test]
    fn nothing_of_a_title_is_taken_for_html() {
        assert!(page("<script>", "").contains("<title>&lt;script&gt;</title>"));
    }
}
