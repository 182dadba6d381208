//! From text to values: every name and every value is looked up in the table first, so that a
//! refusal can say where and what is allowed.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::error::{At, ConfigError, Hint};
use super::keys::{Key, SECTIONS, Section};
use super::kind::Mismatch;

pub(super) fn read(text: &str) -> Result<Config, ConfigError> {
    let file = File { text };
    let document = DeTable::parse(text).map_err(|error| file.on_syntax(error))?;
    in_order(document.get_ref())
        .into_iter()
        .try_for_each(|(name, value)| file.check_section(name, value))?;
    Ok(toml::from_str(text)?)
}

struct File<'t> {
    text: &'t str,
}

type Name<'i> = Spanned<toml::de::DeString<'i>>;
type Value<'i> = Spanned<DeValue<'i>>;

impl File<'_> {
    fn check_section(&self, name: &Name<'_>, value: &Value<'_>) -> Result<(), ConfigError> {
        let line = self.line(name.span());
        let known = SECTIONS.iter().find(|section| section.name == name.get_ref());
        match (known, value.get_ref()) {
            (Some(section), DeValue::Table(table)) => {
                let mut keys = in_order(table).into_iter();
                keys.try_for_each(|(key, value)| self.check_key(section, key, value))
            }
            (Some(section), value) => {
                let found = type_name(value);
                Err(ConfigError::NotASection { line, section: section.name, found })
            }
            (None, DeValue::Table(_)) => {
                let hint = Hint::nearest(name.get_ref(), SECTIONS.iter().map(|s| s.name));
                let section = name.get_ref().to_string();
                Err(ConfigError::UnknownSection { line, section, hint })
            }
            (None, _) => {
                let hint = elsewhere(name.get_ref()).unwrap_or(Hint::None);
                Err(ConfigError::OutsideSection { line, key: name.get_ref().to_string(), hint })
            }
        }
    }

    fn check_key(
        &self,
        section: &'static Section,
        name: &Name<'_>,
        value: &Value<'_>,
    ) -> Result<(), ConfigError> {
        let Some(key) = section.keys.iter().find(|key| key.name == name.get_ref()) else {
            let nearest = Hint::nearest(name.get_ref(), section.keys.iter().map(|key| key.name));
            return Err(ConfigError::UnknownKey {
                line: self.line(name.span()),
                section: section.name,
                key: name.get_ref().to_string(),
                hint: elsewhere(name.get_ref()).unwrap_or(nearest),
            });
        };
        match value.get_ref() {
            DeValue::Array(items) if key.kind.is_list() => {
                items.iter().try_for_each(|item| self.check_value(section, key, item))
            }
            _ if key.kind.is_list() => Err(self.wrong_type(section, key, value)),
            _ => self.check_value(section, key, value),
        }
    }

    fn check_value(
        &self,
        section: &'static Section,
        key: &'static Key,
        value: &Value<'_>,
    ) -> Result<(), ConfigError> {
        match key.kind.check(value.get_ref()) {
            Ok(()) => Ok(()),
            Err(Mismatch::Type) => Err(self.wrong_type(section, key, value)),
            Err(Mismatch::Value) => Err(ConfigError::NotAllowed {
                at: self.at(section, key, value),
                found: self.excerpt(value.span()),
                allowed: &key.kind,
                hint: match value.get_ref().as_str() {
                    Some(word) => Hint::nearest(word, key.kind.words()),
                    None => Hint::None,
                },
            }),
        }
    }

    fn wrong_type(
        &self,
        section: &'static Section,
        key: &'static Key,
        value: &Value<'_>,
    ) -> ConfigError {
        let (at, found) = (self.at(section, key, value), type_name(value.get_ref()));
        ConfigError::WrongType { at, found, allowed: &key.kind }
    }

    fn at(&self, section: &Section, key: &Key, value: &Value<'_>) -> At {
        At { line: self.line(value.span()), section: section.name, key: key.name }
    }

    fn on_syntax(&self, error: toml::de::Error) -> ConfigError {
        match error.span() {
            Some(span) if error.message() == "duplicate key" => {
                ConfigError::Duplicate { line: self.line(span.clone()), key: self.excerpt(span) }
            }
            _ => ConfigError::Syntax(error),
        }
    }

    fn line(&self, span: Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(span.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    /// What is written there, cut where it would fill the screen.
    fn excerpt(&self, span: Range<usize>) -> String {
        const MAX: usize = 64;
        let text = self.text.get(span).unwrap_or_default();
        match text.char_indices().nth(MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        }
    }
}

/// As they are written, so that the first mistake is told first.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Name<'i>, &'t Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

/// The section that has a key of this name.
fn elsewhere(key: &str) -> Option<Hint> {
    let has_key = |section: &&Section| section.keys.iter().any(|known| known.name == key);
    SECTIONS.iter().find(has_key).map(|section| Hint::Section(section.name))
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(true) => "true",
        DeValue::Boolean(false) => "false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
