//! What a value may be.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use scape_p2p::addr::PeerAddr;
use toml::de::DeValue;
use tracing_subscriber::filter::Targets;

use super::sections::Listen;
use crate::rpc::Url;

/// What is allowed as the value of a key.
#[derive(Clone, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Count(RangeInclusive<u64>),
    /// A number, with or without a fraction.
    Number(RangeInclusive<f64>),
    /// A length of time in seconds, with or without a fraction.
    Seconds(RangeInclusive<f64>),
    /// One of some words.
    Choice(fn() -> Vec<&'static str>),
    /// Text of at most so many bytes.
    Text(usize),
    /// Directives of the log as in `RUST_LOG`, by target and level only: patterns for the values
    /// of fields are regular expressions, and one of 200 bytes can take minutes to read.
    Filter,
    /// An address and port to listen on, or `off`.
    Listen,
    /// Where a server speaks HTTP.
    Url,
    /// An address and port.
    Address,
    /// A list of addresses and ports.
    Addresses,
    /// A list of addresses without ports.
    Hosts,
    /// The name of an onion service or a destination, with a port.
    Name,
    /// A list of such names.
    Names,
    /// A list of some of these words.
    Choices(fn() -> Vec<&'static str>),
}

/// Why a value is not of its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mismatch {
    /// Text instead of a number, and the like.
    Type,
    /// Of the right type, and not allowed.
    Value,
}

impl Kind {
    /// Checks a value that is not a list.
    pub(super) fn check(&self, value: &DeValue<'_>) -> Result<(), Mismatch> {
        let allowed = match (self, value) {
            (Self::Switch, DeValue::Boolean(_)) => true,
            (Self::Count(range), DeValue::Integer(number)) => {
                integer(number).is_some_and(|n| u64::try_from(n).is_ok_and(|n| range.contains(&n)))
            }
            (Self::Number(range) | Self::Seconds(range), DeValue::Integer(number)) => {
                integer(number).is_some_and(|n| range.contains(&(n as f64)))
            }
            (Self::Number(range) | Self::Seconds(range), DeValue::Float(number)) => {
                number.as_str().parse().is_ok_and(|n: f64| range.contains(&n))
            }
            (_, DeValue::String(text)) => return self.check_text(text),
            _ => return Err(Mismatch::Type),
        };
        if allowed { Ok(()) } else { Err(Mismatch::Value) }
    }

    fn check_text(&self, text: &str) -> Result<(), Mismatch> {
        let allowed = match self {
            Self::Choice(words) | Self::Choices(words) => words().contains(&text),
            Self::Name | Self::Names => {
                text.parse().is_ok_and(|addr: PeerAddr| addr.network().is_anonymous())
            }
            Self::Text(max) => !text.is_empty() && text.len() <= *max,
            Self::Filter => text.parse::<Targets>().is_ok(),
            Self::Listen => text.parse::<Listen>().is_ok(),
            Self::Url => text.parse::<Url>().is_ok(),
            Self::Address | Self::Addresses => text.parse::<SocketAddr>().is_ok(),
            Self::Hosts => text.parse::<IpAddr>().is_ok(),
            Self::Switch | Self::Count(_) | Self::Number(_) | Self::Seconds(_) => {
                return Err(Mismatch::Type);
            }
        };
        if allowed { Ok(()) } else { Err(Mismatch::Value) }
    }

    /// Whether a value is a list of such.
    pub(super) const fn is_list(&self) -> bool {
        matches!(self, Self::Addresses | Self::Hosts | Self::Names | Self::Choices(_))
    }

    /// The words to choose from, if it is a choice.
    pub(super) fn words(&self) -> Vec<&'static str> {
        match self {
            Self::Choice(words) | Self::Choices(words) => words(),
            _ => Vec::new(),
        }
    }
}

fn any_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// What is larger than 64 bits is out of every range.
fn integer(number: &toml::de::DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch => f.write_str("true or false"),
            Self::Count(range) => {
                write!(f, "a whole number from {} to {}", range.start(), range.end())
            }
            Self::Number(range) => write!(f, "a number from {} to {}", range.start(), range.end()),
            Self::Seconds(range) => {
                write!(f, "a number of seconds from {} to {}", range.start(), range.end())
            }
            Self::Choice(words) => f.write_str(&any_of(&words())),
            Self::Choices(words) => write!(f, "a list of {}", any_of(&words())),
            Self::Name => f.write_str("a name in .onion or .b32.i2p with a port"),
            Self::Names => f.write_str("a list of names in .onion or .b32.i2p with ports"),
            Self::Text(max) => write!(f, "text of 1 to {max} bytes"),
            Self::Filter => f.write_str("levels of the log by target, as \"info,scape=debug\""),
            Self::Listen => f.write_str("an address with a port, as \"0.0.0.0:3414\", or \"off\""),
            Self::Url => f.write_str("a URL of http without a path, as \"http://127.0.0.1:3413\""),
            Self::Address => f.write_str("an address with a port, as \"192.0.2.1:3414\""),
            Self::Addresses => {
                f.write_str("a list of addresses with ports, as [\"192.0.2.1:3414\"]")
            }
            Self::Hosts => f.write_str("a list of addresses without ports, as [\"192.0.2.1\"]"),
        }
    }
}
