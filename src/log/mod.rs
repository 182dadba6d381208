//! What the program says of itself: to stderr, and to files that change every day.
//!
//! [`start`] is called once, by the binary. Lines are written on threads of their own, so that a
//! slow disk or a blocked pipe never makes the node wait; what is left is written when the
//! [`LogGuard`] is dropped.
//!
//! # Security
//! At `info` and above nothing names a transaction or a kernel, and nothing tells an event of the
//! stem with its peer: who reads such a log learns nothing of origins. At `debug` and `trace` it
//! does. Files are for their owner only either way.

mod file;

use std::env;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::OnceLock;

use thiserror::Error;
use tracing::Subscriber;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::{Config, ConfigError};
use file::DailyFile;

/// What is logged, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogConfig {
    /// Directives as in `RUST_LOG`, which goes before them if it is set.
    pub filter: String,
    /// Whether each line is a JSON object.
    pub json: bool,
    /// Files beside stderr, if any.
    pub files: Option<LogFiles>,
}

/// Log files: one a day (UTC), `scape.2026-11-26.log`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogFiles {
    /// The folder, which is made if it is missing.
    pub dir: PathBuf,
    /// How many are kept; the oldest go first.
    pub keep: usize,
}

/// Why nothing can be logged.
#[derive(Debug, Error)]
pub enum LogError {
    /// The directives cannot be read.
    #[error("the log filter \"{filter}\" cannot be read: {reason}")]
    Filter {
        /// The directives.
        filter: String,
        /// What is wrong with them.
        reason: String,
    },
    /// The first file cannot be made.
    #[error("cannot write log files in {}: {error}; set log.dir to a folder of yours", dir.display())]
    Files {
        /// The folder.
        dir: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It was started before.
    #[error("the log is started already")]
    Started,
    /// It was not started, so that there is no filter to set.
    #[error("the log is not started")]
    NotStarted,
    /// `RUST_LOG` is set and goes before any other filter.
    #[error("RUST_LOG is set and goes before the configuration")]
    Environment,
}

/// Writes what is left when it is dropped: keep it until the program ends.
#[derive(Debug)]
#[must_use = "what was logged last is lost without it"]
pub struct LogGuard {
    _writers: Vec<WorkerGuard>,
}

type Handle = reload::Handle<EnvFilter, Registry>;
type Boxed<S> = Box<dyn Layer<S> + Send + Sync>;

static FILTER: OnceLock<Handle> = OnceLock::new();

impl LogConfig {
    /// To stderr only, as text.
    pub fn stderr(filter: &str) -> Self {
        Self { filter: filter.to_owned(), json: false, files: None }
    }

    /// As a configuration says.
    ///
    /// # Errors
    /// Files are in the home directory, and there is none.
    pub fn of(config: &Config) -> Result<Self, ConfigError> {
        let keep = config.log.files;
        let files = config.log_dir()?.map(|dir| LogFiles { dir, keep });
        Ok(Self { filter: config.log.filter.clone(), json: config.log.json, files })
    }
}

/// Begins to log, for the whole process.
///
/// # Errors
/// The filter cannot be read, the first file cannot be made, or it was called before.
pub fn start(config: &LogConfig) -> Result<LogGuard, LogError> {
    let filter = parse(from_environment().as_deref().unwrap_or(&config.filter))?;
    let (stderr, stderr_guard) = background(io::stderr());
    let mut guards = vec![stderr_guard];
    let files = match &config.files {
        None => None,
        Some(files) => {
            let file = DailyFile::open(&files.dir, files.keep)
                .map_err(|error| LogError::Files { dir: files.dir.clone(), error })?;
            let (writer, guard) = background(file);
            guards.push(guard);
            Some(lines(writer, config.json, false))
        }
    };
    let (filter, handle) = reload::Layer::new(filter);
    let layers = Registry::default()
        .with(filter)
        .with(lines(stderr, config.json, is_coloured(&io::stderr())))
        .with(files);
    layers.try_init().map_err(|_| LogError::Started)?;
    FILTER.set(handle).map_err(|_| LogError::Started)?;
    Ok(LogGuard { _writers: guards })
}

/// Changes what is logged from now on.
///
/// # Errors
/// The log was not started, the filter cannot be read, or `RUST_LOG` is set.
pub fn set_filter(filter: &str) -> Result<(), LogError> {
    let handle = FILTER.get().ok_or(LogError::NotStarted)?;
    let parsed = parse(filter)?;
    if is_from_environment() {
        return Err(LogError::Environment);
    }
    handle.reload(parsed).map_err(|_| LogError::NotStarted)
}

/// Whether `RUST_LOG` decides what is logged, and [`set_filter`] cannot.
pub fn is_from_environment() -> bool {
    from_environment().is_some()
}

fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(filter)
        .map_err(|error| LogError::Filter { filter: filter.to_owned(), reason: error.to_string() })
}

fn from_environment() -> Option<String> {
    env::var(EnvFilter::DEFAULT_ENV).ok().filter(|filter| !filter.is_empty())
}

/// Lines that come faster than they can be written are dropped in the end: the node does not wait.
fn background(writer: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().thread_name("log").finish(writer)
}

fn lines<S>(writer: NonBlocking, json: bool, ansi: bool) -> Boxed<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let layer = fmt::layer().with_writer(writer);
    match json {
        true => layer.json().flatten_event(true).with_current_span(false).boxed(),
        false => layer.with_ansi(ansi).boxed(),
    }
}

/// Whether what is written there may have colours: on a terminal, and not against `NO_COLOR`
/// (<https://no-color.org>).
pub fn is_coloured(stream: &impl IsTerminal) -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !refused && !dumb
}
