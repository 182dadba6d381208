//! The table as text: a file to start from, and a listing to read.

use toml::Table;

use super::Config;
use super::keys::{Key, KeyDefault, SECTIONS};

const INTRODUCTION: &str = "\
The configuration of Scape. Every key is here with its default, behind a #: take the # away to \
set it. Unknown keys and values that are not allowed are refused. Times are in seconds and may \
have a fraction.";
/// Lines of the file, and of a terminal.
const WIDTH: usize = 96;

impl Config {
    /// A configuration file with every key, its documentation, what is allowed, and its default,
    /// which is commented out: as it is the file says nothing but the defaults.
    pub fn documented() -> String {
        Self::default().to_documented()
    }

    /// The same file, in which the values that differ from the defaults are set.
    pub fn to_documented(&self) -> String {
        let (ours, defaults) = (tables(self), tables(&Self::default()));
        let mut text = wrapped("# ", INTRODUCTION);
        for section in &SECTIONS {
            text += &format!("\n{}[{}]\n", wrapped("# ", section.doc), section.name);
            for key in section.keys {
                let value = |tables: &Table| tables.get(section.name)?.get(key.name).cloned();
                let line = match value(&ours) {
                    Some(set) if value(&defaults).as_ref() != Some(&set) => {
                        format!("{} = {set}", key.name)
                    }
                    _ => format!("#{} = {}", key.name, key.toml()),
                };
                text += &format!("\n{}{line}\n", about("# ", key));
            }
        }
        text
    }

    /// Every key with its documentation, for a manual page or a terminal.
    pub fn listing() -> String {
        let mut text = String::new();
        for section in &SECTIONS {
            text += &format!("[{}]\n{}", section.name, wrapped("    ", section.doc));
            for key in section.keys {
                let name = format!("{}.{}", section.name, key.name);
                text += &format!("\n  {name}\n{}", about("      ", key));
                if let KeyDefault::Value(value) = key.default {
                    text += &format!("      Default: {value}\n");
                }
            }
            text.push('\n');
        }
        text
    }
}

/// The values by section and key. Nothing in a configuration cannot be written.
fn tables(config: &Config) -> Table {
    Table::try_from(config).unwrap_or_default()
}

/// What a key does, then what is allowed, what one of it is, and what holds if it is not set.
fn about(margin: &str, key: &Key) -> String {
    let unit = match key.unit {
        "" | "seconds" => String::new(),
        unit => format!(" ({unit})"),
    };
    let unset = match key.default {
        KeyDefault::Value(_) => String::new(),
        KeyDefault::Unset { instead, .. } => format!(" Not set: {instead}."),
    };
    let allowed = format!("Allowed: {}{unit}.{unset}", key.kind);
    wrapped(margin, key.doc) + &wrapped(margin, &allowed)
}

fn wrapped(margin: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = margin.to_owned();
    for word in text.split_whitespace() {
        if line.len() + word.len() >= WIDTH {
            lines += line.trim_end();
            lines.push('\n');
            line = margin.to_owned();
        }
        line += word;
        line.push(' ');
    }
    lines + line.trim_end() + "\n"
}
