//! `scape config` and `scape reload`: the configuration, where it is and what it says.

use std::env;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use scape::config::{Checked, Config};
use scape::journal::make_folder;
use serde::Serialize;
use serde_json::{Value, json};

use super::CliError;
use super::args::{ConfigAction, Global};
use super::output::{Facts, Paint, harmless, print};
use super::remote::{Api, Remote};

/// The answer of `config check --json`.
#[derive(Serialize)]
struct CheckView {
    /// The file, if there is one.
    file: Option<PathBuf>,
    /// The preset that the parameters were made from.
    preset: String,
    /// The expected number of hops of a stem.
    stem_hops: f64,
    /// The expected time until a transaction is fluffed, in seconds.
    stem_secs: f64,
    /// The probability that an embargo ends before the stem does.
    early_embargo: f64,
    /// The probability that behind a black hole the origin's embargo ends first.
    origin_first: f64,
    /// Where parameters work against each other.
    warnings: Vec<String>,
}

impl Global {
    /// The configuration that holds: of the arguments, or the usual one, or the defaults.
    pub(super) fn config(&self) -> Result<Config, CliError> {
        match self.config_file() {
            Some(path) => Config::load(&path).map_err(|error| CliError::Config { path, error }),
            None => Ok(Config::default()),
        }
    }

    pub(super) fn config_file(&self) -> Option<PathBuf> {
        match &self.config {
            Some(path) => Some(path.clone()),
            None => usual_file().filter(|path| path.exists()),
        }
    }
}

fn usual_file() -> Option<PathBuf> {
    Some(env::home_dir()?.join(".scape").join("scape.toml"))
}

pub(super) fn run(global: &Global, action: ConfigAction) -> Result<(), CliError> {
    match action {
        ConfigAction::Init { file } => init(global, file),
        ConfigAction::Check => check(global),
        ConfigAction::Show => match global.json {
            true => global.show(&global.config()?, |_| String::new()),
            false => print(&global.config()?.to_documented()),
        },
    }
}

fn init(global: &Global, file: Option<PathBuf>) -> Result<(), CliError> {
    let path = file.or_else(|| global.config.clone()).or_else(usual_file);
    let path = path.ok_or(CliError::NoHome)?;
    write_new(&path, &Config::documented())?;
    let answer = json!({ "file": path });
    global.show(&answer, |_| {
        format!("{} is written; edit it, then try `scape config check`", path.display())
    })
}

fn write_new(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::Exists(path.to_owned()),
        _ => CliError::File { action: "write", path: path.to_owned(), error },
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_folder(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn check(global: &Global) -> Result<(), CliError> {
    let config = global.config()?;
    let Checked { implied, warnings } = config.check()?;
    let view = CheckView {
        file: global.config_file(),
        preset: config.dandelion.preset.to_string(),
        stem_hops: implied.stem_hops,
        stem_secs: implied.stem_time.as_secs_f64(),
        early_embargo: implied.early_embargo,
        origin_first: implied.origin_first,
        warnings: warnings.iter().map(ToString::to_string).collect(),
    };
    global.show(&view, |paint| checked(&view, &config, paint))
}

fn checked(view: &CheckView, config: &Config, paint: Paint) -> String {
    let file = view.file.as_ref().map(|path| path.display().to_string());
    let on = |listen: Option<std::net::SocketAddr>| {
        listen.map_or("off".to_owned(), |addr| addr.to_string())
    };
    let mut facts = Facts::default();
    facts.add("file", file.as_deref().unwrap_or("none, so the defaults hold"));
    facts.add("chain", config.consensus().chain);
    facts.add("peers", on(config.listen()));
    facts.add("wallets", on(config.foreign_listen()));
    facts.add("owner", on(config.owner_listen()));
    facts.add("preset", &view.preset);
    facts.add(
        "stem",
        format_args!("{:.0} hops, {:.0} s until the fluff", view.stem_hops, view.stem_secs),
    );
    facts.add(
        "early embargo",
        format_args!("on {:.0}% of stems it ends before the stem does", 100.0 * view.early_embargo),
    );
    facts.add(
        "origin first",
        format_args!("with probability {:.2} behind a black hole", view.origin_first),
    );
    let warning = |text: &String| format!("{} {text}\n", paint.warn("warning:"));
    facts.show(paint) + &view.warnings.iter().map(warning).collect::<String>()
}

pub(super) async fn reload(global: &Global) -> Result<(), CliError> {
    let node = Remote::new(global, &global.config()?, Api::Owner)?;
    let answer: Value = node.call("reload_config", json!([])).await?;
    global.show(&answer, |paint| reloaded(&answer, paint))
}

/// A line for each field of the answer: what changed, what needs a restart.
fn reloaded(answer: &Value, paint: Paint) -> String {
    let word = |value: &Value| match value {
        Value::String(text) => harmless(text),
        other => other.to_string(),
    };
    let mut facts = Facts::default();
    for (name, value) in answer.as_object().into_iter().flatten() {
        let what = match value {
            Value::Array(items) if items.is_empty() => "nothing".to_owned(),
            Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(", "),
            other => word(other),
        };
        facts.add(&harmless(name).replace('_', " "), what);
    }
    facts.show(paint)
}
