//! The command line: what is asked, of whom, and how the answer looks.
//!
//! Commands return what went wrong as a [`CliError`], which decides on the exit code. What a
//! program may want to read goes to stdout, everything else to stderr.

mod args;
mod config;
mod decode;
mod devnet;
mod error;
mod help;
mod output;
mod pages;
mod peers;
mod push;
mod read;
mod remote;
mod run;
mod status;
mod top;
mod tx;
mod words;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use rand_chacha::ChaCha12Rng;

use args::{Cli, Command};
pub(crate) use error::CliError;

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(cli)),
        Err(error) => Err(CliError::Runtime(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            error.exit_code()
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), CliError> {
    let global = cli.global;
    match cli.command {
        Command::Run => run::run(&global).await,
        Command::Devnet(args) => devnet::run(&global, args).await,
        Command::Status => status::run(&global).await,
        Command::Peers(args) => peers::run(&global, args).await,
        Command::Tx { kernel } => tx::run(&global, kernel).await,
        Command::Push { file, fluff } => push::run(&global, &file, fluff).await,
        Command::Decode(args) => decode::run(&global, args),
        Command::Fluff { kernel } => tx::fluff(&global, kernel).await,
        Command::Reload => config::reload(&global).await,
        Command::Top(args) => top::run(&global, args).await,
        Command::Config { action } => config::run(&global, action),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { dir } => pages::man(dir.as_deref()),
    }
}

/// Help and version are asked for, and go to stdout; all else is a wrong use.
fn usage(error: &clap::Error) -> ExitCode {
    // If even that cannot be written, the exit code has to do.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(error::USAGE),
    }
}

/// A generator seeded by the operating system.
#[expect(clippy::disallowed_methods, reason = "the one place where randomness comes from outside")]
fn entropy() -> ChaCha12Rng {
    rand::make_rng()
}
