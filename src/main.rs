//! The program `scape`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
