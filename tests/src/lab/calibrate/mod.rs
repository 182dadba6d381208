//! Whether the lab measures what others have measured: the tables of the Dandelion papers, Grin's
//! mainnet, and who is the first to give up behind a black hole.

mod embargo;
mod mainnet;
mod papers;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use super::report;
use super::setup::SetupError;

/// A figure of somebody else, and ours.
#[derive(Clone, PartialEq, Debug)]
pub struct Check {
    /// What was measured.
    pub name: String,
    /// What others have measured.
    pub expected: f64,
    /// What it should be, where a closed form says something else than they; the source says which.
    pub argued: Option<f64>,
    /// How far ours may be from it.
    pub tolerance: f64,
    /// Ours.
    pub found: f64,
}

impl Check {
    /// Whether ours is near enough to theirs or, if that is argued with, to what it should be.
    pub fn holds(&self) -> bool {
        (self.found - self.argued.unwrap_or(self.expected)).abs() <= self.tolerance
    }

    /// What is to be said of it.
    pub fn verdict(&self) -> &'static str {
        match (self.holds(), self.argued) {
            (true, None) => "\u{2713}",
            (true, Some(_)) => "theirs is argued with",
            (false, _) => "off",
        }
    }
}

/// Figures of one source.
#[derive(Clone, PartialEq, Debug)]
pub struct Calibration {
    /// What it is about.
    pub title: &'static str,
    /// Where their figures come from, and how ours are made.
    pub source: &'static str,
    /// One by one.
    pub checks: Vec<Check>,
}

/// How much is tried. What is tried with none is left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effort {
    /// Networks of each kind for the tables of the papers.
    pub networks: u64,
    /// Days of mainnet.
    pub days: Range<u64>,
    /// Transactions swallowed by black holes, for each kind of embargo.
    pub swallowed: u64,
}

impl Default for Effort {
    /// Enough that chance hardly moves any figure by half of its tolerance.
    fn default() -> Self {
        Self { networks: 100, days: 0..16, swallowed: 20_000 }
    }
}

impl Effort {
    /// What takes seconds, and is no test since it takes minutes without optimisation.
    pub fn quick() -> Self {
        Self { networks: 0, days: 0..4, swallowed: 0 }
    }
}

/// All calibrations. `progress` is told of each that is done, and how much of all that is.
///
/// # Errors
/// None, as long as the experiment of [`mainnet`](super::Experiment::mainnet) can be.
pub fn calibrate(
    effort: &Effort,
    threads: usize,
    mut progress: impl FnMut(f64),
) -> Result<Vec<Calibration>, SetupError> {
    let papers = (effort.networks > 0)
        .then(|| papers::first_spy(effort.networks, |share| progress(0.4 * share)));
    let mainnet = mainnet::may_2019(effort.days.clone(), threads, |share| {
        progress(0.4 + 0.5 * share);
    })?;
    let embargo = (effort.swallowed > 0).then(|| embargo::origin_first(effort.swallowed));
    progress(1.0);
    Ok(papers.into_iter().chain([mainnet]).chain(embargo).collect())
}

/// The page and the table of calibrations, by file.
pub fn files(calibrations: &[Calibration]) -> BTreeMap<&'static str, String> {
    let mut csv = "figure,expected,argued,tolerance,found,holds\n".to_owned();
    let mut body =
        "<p>What others measured, and what the lab measures of the same.</p>\n".to_owned();
    for Calibration { title, source, checks } in calibrations {
        // Writing to a string never fails.
        let _ = write!(
            body,
            "<h2>{title}</h2>\n<p>{source}</p>\n<table>\n<tr><th>figure</th><th>theirs</th>\
             <th>argued</th><th>ours</th><th>may differ by</th><th></th></tr>\n"
        );
        for check in checks {
            let Check { name, expected, tolerance, found, .. } = check;
            let (holds, verdict) = (check.holds(), check.verdict());
            let argued = check.argued.map(|argued| argued.to_string()).unwrap_or_default();
            let _ = writeln!(csv, "{name},{expected},{argued},{tolerance},{found},{holds}");
            let _ = writeln!(
                body,
                "<tr><td>{name}</td><td>{expected:.3}</td><td>{argued}</td><td>{found:.3}</td>\
                 <td>{tolerance}</td><td>{verdict}</td></tr>"
            );
        }
        body.push_str("</table>\n");
    }
    body.push_str("<h2>How to repeat it</h2>\n<pre>cargo lab calibrate</pre>\n");
    body.push_str(&report::limits());
    let page = report::page("Does the lab measure what others measured?", &body);
    BTreeMap::from([("calibration.html", page), ("calibration.csv", csv)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_hold(calibration: &Calibration) {
        for check in &calibration.checks {
            assert!(check.holds(), "{}: {check:?}", calibration.title);
        }
    }

    #[test]
    fn first_spies_are_scored_as_in_the_papers() {
        all_hold(&papers::first_spy(60, |_| {}));
    }

    #[test]
    fn origins_fire_first_as_often_as_was_measured() {
        all_hold(&embargo::origin_first(4_000));
    }

    #[test]
    #[ignore = "takes a minute with optimisation, and ten without"]
    fn mainnet_of_may_2019_is_traced_as_it_was() {
        all_hold(&mainnet::may_2019(Effort::default().days, 2, |_| {}).expect("possible"));
    }

    #[test]
    fn a_page_says_what_is_off() {
        let check = |found, argued| {
            let (name, expected, tolerance) = ("x".to_owned(), 0.5, 0.01);
            Check { name, expected, argued, tolerance, found }
        };
        let checks = vec![check(0.505, None), check(0.52, None), check(0.52, Some(0.515))];
        let files = files(&[Calibration { title: "t", source: "s", checks }]);
        assert_eq!(files["calibration.csv"].matches("true").count(), 2);
        assert_eq!(files["calibration.html"].matches("off").count(), 1);
        assert_eq!(files["calibration.html"].matches("argued with").count(), 1);
    }
}
