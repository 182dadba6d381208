//! Results as files: JSON, CSV, SVG and one page of HTML that needs no other file.

mod csv;
pub mod figures;
mod page;
mod plots;
pub mod svg;

use std::collections::BTreeMap;

use super::Results;

pub(super) use page::limits;
pub use page::{LIMITS, page};

/// All files of a report, by name. The same results give the same bytes.
///
/// # Errors
/// A number that JSON or TOML cannot write; no run gives one.
pub fn files(results: &Results) -> Result<BTreeMap<&'static str, String>, WriteError> {
    let mut json = serde_json::to_string_pretty(results)?;
    json.push('\n');
    let plots = plots::plots(results);
    let mut files = BTreeMap::from([
        ("results.json", json),
        ("setup.toml", toml::to_string(&results.setup)?),
        ("summary.csv", csv::summary(results)),
        ("seeds.csv", csv::seeds(results)),
        ("times.csv", csv::times(results)),
        ("anonymity.csv", csv::anonymity(results)),
    ]);
    files.insert("report.html", page::of_results(results, &plots)?);
    files.extend(plots);
    Ok(files)
}

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// As JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// As TOML.
    #[error(transparent)]
    Toml(#[from] toml::ser::Error),
}
