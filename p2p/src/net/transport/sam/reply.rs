//! One line of a bridge.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use super::error::{SamError, SamRefusal};

/// The longest line that is read, in bytes. A destination with all its keys and certificates takes
/// some 1,300 in base64.
pub const MAX_LINE: usize = 8_192;

/// An answer: two words, then `KEY=value` in any order. A value with spaces is in quotes, in which
/// a backslash takes the next character as it is (SAM 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamReply {
    topic: String,
    pairs: BTreeMap<String, String>,
}

impl SamReply {
    /// Reads a line without its end.
    ///
    /// # Errors
    ///
    /// [`SamError::LineTooLong`], [`SamError::NotUtf8`], [`SamError::Malformed`].
    pub fn parse(line: &[u8]) -> Result<Self, SamError> {
        if line.len() > MAX_LINE {
            return Err(SamError::LineTooLong);
        }
        let text = std::str::from_utf8(line).map_err(|_| SamError::NotUtf8)?;
        let mut chars = text.trim_end_matches('\r').chars().peekable();
        let (first, second) = (take_word(&mut chars), take_word(&mut chars));
        if first.is_empty() || second.is_empty() {
            return Err(SamError::Malformed);
        }
        let mut pairs = BTreeMap::new();
        while chars.peek().is_some() {
            let (key, value) = take_pair(&mut chars)?;
            if pairs.insert(key, value).is_some() {
                return Err(SamError::Malformed);
            }
        }
        Ok(Self { topic: format!("{first} {second}"), pairs })
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.get(key).map(String::as_str)
    }

    /// Checks that this answers `topic`, and with yes.
    pub(super) fn expect(self, topic: &'static str) -> Result<Self, SamError> {
        if self.topic != topic {
            return Err(SamError::WrongReply(topic));
        }
        match self.get("RESULT") {
            Some("OK") => Ok(self),
            Some(result) => Err(SamError::Refused(SamRefusal::of(result))),
            None => Err(SamError::Missing("RESULT")),
        }
    }

    pub(super) fn need(&self, key: &'static str) -> Result<&str, SamError> {
        self.get(key).ok_or(SamError::Missing(key))
    }
}

fn take_word(chars: &mut Peekable<Chars<'_>>) -> String {
    let word = std::iter::from_fn(|| chars.next_if(|c| *c != ' ' && *c != '=')).collect();
    skip_spaces(chars);
    word
}

fn skip_spaces(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if_eq(&' ').is_some() {}
}

/// A key without a value has an empty one.
fn take_pair(chars: &mut Peekable<Chars<'_>>) -> Result<(String, String), SamError> {
    let key: String = std::iter::from_fn(|| chars.next_if(|c| *c != ' ' && *c != '=')).collect();
    if key.is_empty() {
        return Err(SamError::Malformed);
    }
    let mut value = String::new();
    if chars.next_if_eq(&'=').is_some() {
        value = match chars.next_if_eq(&'"') {
            Some(_) => take_quoted(chars)?,
            None => std::iter::from_fn(|| chars.next_if(|c| *c != ' ')).collect(),
        };
    }
    skip_spaces(chars);
    Ok((key, value))
}

fn take_quoted(chars: &mut Peekable<Chars<'_>>) -> Result<String, SamError> {
    let mut value = String::new();
    loop {
        match chars.next().ok_or(SamError::Malformed)? {
            '"' => break,
            '\\' => value.push(chars.next().ok_or(SamError::Malformed)?),
            other => value.push(other),
        }
    }
    match chars.peek() {
        None | Some(' ') => Ok(value),
        Some(_) => Err(SamError::Malformed),
    }
}
