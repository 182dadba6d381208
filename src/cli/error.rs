use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use scape::config::ConfigError;
use scape::devnet::DevnetError;
use scape::log::LogError;
use scape::rpc::{RpcError, SecretError};
use scape::run::RunError;
use thiserror::Error;

/// The exit code of a wrong use, as clap has it.
pub(super) const USAGE: u8 = 2;

/// Why a command came to nothing, and what to do about it.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    /// Threads or timers cannot be had.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    /// A configuration is refused.
    #[error("the configuration {} is not usable: {}", path.display(), with_source(error))]
    Config { path: PathBuf, error: ConfigError },
    /// What a configuration says cannot be.
    #[error(transparent)]
    Impossible(#[from] ConfigError),
    /// There is no place for the usual configuration.
    #[error("there is no home directory; say where the configuration is with --config")]
    NoHome,
    /// `config init` overwrites nothing.
    #[error("{} exists and is not overwritten; name another file, or move it away", .0.display())]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {error}", path.display())]
    File { action: &'static str, path: PathBuf, error: io::Error },
    /// Nobody reads the output.
    #[error("cannot write the answer: {0}")]
    Output(io::Error),
    /// The terminal cannot be drawn on.
    #[error("cannot use the terminal: {0}")]
    Terminal(io::Error),
    /// There is no terminal.
    #[error("`scape top` needs a terminal; `scape status` does not")]
    NoTerminal,
    /// What was read is no text of a transaction.
    #[error("{name} is no transaction: {reason}")]
    NotATransaction { name: String, reason: String },
    /// A transaction is not pushed because it is not one.
    #[error("not sent, since it is not valid: {reason}; `scape decode` shows all of it")]
    NotSent { reason: String },
    /// A transaction was shown, and is not valid.
    #[error("the transaction is not valid")]
    NotValid,
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The daemon.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The development network.
    #[error(transparent)]
    Devnet(#[from] DevnetError),
    /// The development network lost something.
    #[error("not every transaction was mined exactly once; --seed {0} repeats it")]
    NotMined(u64),
    /// The node serves no such API, or on a port that only it knows.
    #[error("the configuration does not say where the node is reached ({key}); give --api")]
    NoApi { key: &'static str },
    /// The password cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Nobody is there.
    #[error("no node answers at {url} ({reason}); start one with `scape run`, or give --api")]
    Unreachable { url: String, reason: String },
    /// The password is wrong.
    #[error("the node at {url} refuses the password in {}; give --secret-file", file.display())]
    Password { url: String, file: PathBuf },
    /// There is no password.
    #[error("the node at {url} wants a password, and {} does not exist; give --secret-file", file.display())]
    NoPassword { url: String, file: PathBuf },
    /// The node knows no such transaction.
    #[error("the node knows no transaction of its owner with this kernel; `scape tx` lists them")]
    Unknown,
    /// There is no ban to end.
    #[error("there is no ban of it; `scape peers --all` lists them")]
    NotBanned,
    /// The node says no.
    #[error("the node refuses: {0}")]
    Refused(String),
    /// Something else answers there, or another version.
    #[error(
        "what answers at {url} is not understood: {error}; is it the {api} API of a Scape node?"
    )]
    NotUnderstood { url: String, api: &'static str, error: RpcError },
}

impl CliError {
    /// As `scape --help` lists them.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::NoTerminal => USAGE,
            Self::Unreachable { .. } => 3,
            Self::Password { .. }
            | Self::NoPassword { .. }
            | Self::Unknown
            | Self::NotBanned
            | Self::Refused(_) => 4,
            Self::NotATransaction { .. } | Self::NotSent { .. } | Self::NotValid => 5,
            _ => 1,
        })
    }
}

fn with_source(error: &ConfigError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
