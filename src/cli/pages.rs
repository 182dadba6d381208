//! What the program says of its own use: completions and manual pages.

use std::path::Path;
use std::{fs, io};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::CliError;
use super::args::Cli;
use super::output::print;

pub(super) fn completions(shell: Shell) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "scape", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Prints the page of the program, or writes a page for each command into a folder.
pub(super) fn man(dir: Option<&Path>) -> Result<(), CliError> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    match dir {
        None => print(&page(&program).map_err(CliError::Output)?),
        Some(dir) => fs::create_dir_all(dir)
            .and_then(|()| write_pages(&program, dir))
            .map_err(|error| CliError::File { action: "write", path: dir.to_owned(), error }),
    }
}

fn write_pages(command: &Command, dir: &Path) -> io::Result<()> {
    command.get_subcommands().try_for_each(|sub| write_pages(sub, dir))?;
    let name = command.get_display_name().unwrap_or(command.get_name());
    fs::write(dir.join(format!("{name}.1")), page(command)?)
}

fn page(command: &Command) -> io::Result<String> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    // What follows the options has another name in manuals.
    Ok(String::from_utf8_lossy(&page).replace("\n.SH EXTRA\n", "\n.SH NOTES\n"))
}
