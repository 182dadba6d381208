//! The book as text, one line per entry or ban:
//!
//! ```text
//! scape-book 1
//! peer <addr> <state> <last seen> <last attempt> <failures> <capabilities> <source>
//! ban <host> <until>
//! ```

use std::fmt::Write;

use crate::addr::Host;
use crate::peer::Capabilities;

use super::{Book, BookConfig, Entry, State, UnixTime};

const FIRST_LINE: &str = "scape-book 1";

impl Book {
    /// The book as text; [`Book::from_text`] reads it back.
    pub fn to_text(&self) -> String {
        let mut out = format!("{FIRST_LINE}\n");
        for (host, until) in self.bans() {
            // Writing to a string does not fail.
            let _ = writeln!(out, "ban {host} {}", until.0);
        }
        for entry in self.iter() {
            let _ = writeln!(
                out,
                "peer {} {} {} {} {} {} {}",
                entry.addr,
                state_name(entry.state),
                entry.last_seen.0,
                entry.last_attempt.0,
                entry.failures,
                entry.capabilities.bits(),
                entry.source,
            );
        }
        out
    }

    /// Reads what [`Book::to_text`] wrote, by the rules of `config`. Lines that are not understood
    /// or break a rule are skipped; their number comes along. A text of another version is one
    /// whose lines are all skipped.
    pub fn from_text(text: &str, config: BookConfig) -> (Self, usize) {
        let mut book = Self::new(config);
        let mut lines = text.lines();
        if lines.next().is_none_or(|line| line.trim_end() != FIRST_LINE) {
            return (book, text.lines().count());
        }
        let skipped = lines
            .filter(|line| !line.trim().is_empty())
            .filter(|line| book.take_line(line).is_none())
            .count();
        (book, skipped)
    }

    fn take_line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_whitespace();
        match (words.next()?, words.clone().count()) {
            ("ban", 2) => {
                let (host, until): (Host, u64) =
                    (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
                if host.network() != self.config.network {
                    return None;
                }
                self.ban(host, UnixTime(until));
                Some(())
            }
            ("peer", 7) => self.insert(take_entry(&mut words)?).ok()?.then_some(()),
            _ => None,
        }
    }
}

fn take_entry<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Entry> {
    Some(Entry {
        addr: words.next()?.parse().ok()?,
        state: state_of(words.next()?)?,
        last_seen: UnixTime(words.next()?.parse().ok()?),
        last_attempt: UnixTime(words.next()?.parse().ok()?),
        failures: words.next()?.parse().ok()?,
        capabilities: Capabilities::from_bits(words.next()?.parse().ok()?),
        source: words.next()?.parse().ok()?,
    })
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Healthy => "healthy",
        State::Unknown => "unknown",
        State::Defunct => "defunct",
    }
}

fn state_of(name: &str) -> Option<State> {
    [State::Healthy, State::Unknown, State::Defunct]
        .into_iter()
        .find(|state| state_name(*state) == name)
}
