//! What a command says, and in which colours.

use std::fmt::{self, Display};
use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::builder::styling::{AnsiColor, Style};
use scape::log::is_coloured;
use serde::Serialize;

use super::CliError;
use super::args::Global;

/// Colours, if they are wanted: on a terminal, and not against `NO_COLOR`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    fn of(stream: &impl IsTerminal) -> Self {
        Self { on: is_coloured(stream) }
    }

    pub(super) fn bold(self, text: impl Display) -> String {
        self.with(Style::new().bold(), text)
    }

    pub(super) fn dim(self, text: impl Display) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub(super) fn good(self, text: impl Display) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn warn(self, text: impl Display) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub(super) fn bad(self, text: impl Display) -> String {
        self.with(AnsiColor::Red.on_default(), text)
    }

    fn with(self, style: Style, text: impl Display) -> String {
        match self.on {
            true => format!("{style}{text}{style:#}"),
            false => text.to_string(),
        }
    }
}

impl Global {
    /// Prints an answer: as JSON if that is asked for, or for people.
    pub(super) fn show<T: Serialize>(
        &self,
        answer: &T,
        text: impl FnOnce(Paint) -> String,
    ) -> Result<(), CliError> {
        let text = match self.json {
            true => serde_json::to_string_pretty(answer)
                .map_err(|error| CliError::Output(error.into()))?,
            false => text(Paint::of(&io::stdout())),
        };
        print(&text)
    }
}

/// Writes to stdout, with a line's end. That nobody reads on is no error.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let written = write!(out, "{text}{end}").and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Output(error)),
        _ => Ok(()),
    }
}

/// Tells on stderr what went wrong.
pub(super) fn complain(error: &CliError) {
    // If even that cannot be written, the exit code has to do.
    let _ = writeln!(io::stderr(), "{} {error}", Paint::of(&io::stderr()).bad("error:"));
}

/// Tells on stderr what is going on.
pub(super) fn remark(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Lines of a name and what it is, aligned.
#[derive(Default)]
pub(super) struct Facts(Vec<(String, String)>);

impl Facts {
    pub(super) fn add(&mut self, name: &str, what: impl Display) {
        self.0.push((name.to_owned(), what.to_string()));
    }

    pub(super) fn show(&self, paint: Paint) -> String {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let line =
            |(name, what): &(String, String)| format!("{}  {what}\n", paint.dim(pad(name, width)));
        self.0.iter().map(line).collect()
    }
}

/// Columns under their names, as wide as they need to be. Lines are not filled up.
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// A text and how it is painted, which takes no room.
pub(super) struct Cell {
    text: String,
    painted: String,
}

impl Cell {
    pub(super) fn painted(text: impl Display, paint: impl FnOnce(&str) -> String) -> Self {
        let text = text.to_string();
        Self { painted: paint(&text), text }
    }
}

impl<T: Display> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::painted(text, str::to_owned)
    }
}

impl Table {
    pub(super) fn new<const N: usize>(names: [&str; N], paint: Paint) -> Self {
        Self { rows: vec![names.map(|name| Cell::painted(name, |name| paint.dim(name))).into()] }
    }

    /// Columns without names.
    pub(super) fn unnamed() -> Self {
        Self { rows: Vec::new() }
    }

    pub(super) fn add<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let fill = width.saturating_sub(cell.text.chars().count());
                line += &format!("{}{:fill$}  ", cell.painted, "");
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn pad(text: &str, width: usize) -> String {
    format!("{text:width$}")
}

/// Text that comes from others, fit for a terminal: nothing in it moves the cursor or changes
/// colours.
pub(super) fn harmless(text: &str) -> String {
    let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_whatever_their_colours() {
        let on = Paint { on: true };
        let mut table = Table::new(["addr", "height"], Paint { on: false });
        table.add([Cell::painted("10.0.0.1:3414", |text| on.good(text)), 7.into()]);
        table.add(["[::1]:3414".into(), "8".into()]);
        let expected = "addr           height\n\
                        \u{1b}[32m10.0.0.1:3414\u{1b}[0m  7\n\
                        [::1]:3414     8\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn a_peer_cannot_paint_the_terminal() {
        assert_eq!(
            harmless("MW/Grin\u{1b}[2J\u{9b}31m 5\r\n"),
            "MW/Grin\u{fffd}[2J\u{fffd}31m 5\u{fffd}\u{fffd}"
        );
    }
}
