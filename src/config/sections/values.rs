//! What values look like in the file.

use std::fmt;
use std::net::{AddrParseError, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use scape_p2p::dandelion::Preset;
use serde::{Deserialize, Serialize};

/// A length of time, in the file a number of seconds with or without a fraction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Seconds(pub Duration);

impl TryFrom<f64> for Seconds {
    type Error = std::time::TryFromFloatSecsError;

    fn try_from(secs: f64) -> Result<Self, Self::Error> {
        Duration::try_from_secs_f64(secs).map(Self)
    }
}

impl From<Seconds> for f64 {
    fn from(Seconds(duration): Seconds) -> Self {
        duration.as_secs_f64()
    }
}

/// Where to listen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// Nowhere: no inbound peers.
    Off,
    /// On this address; port 0 takes a free one.
    At(SocketAddr),
}

impl FromStr for Listen {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        if text == "off" { Ok(Self::Off) } else { text.parse().map(Self::At) }
    }
}

impl TryFrom<String> for Listen {
    type Error = AddrParseError;

    fn try_from(text: String) -> Result<Self, AddrParseError> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        match listen {
            Listen::Off => "off".to_owned(),
            Listen::At(addr) => addr.to_string(),
        }
    }
}

/// [`Preset`] by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PresetName(#[serde(with = "named")] pub Preset);

/// [`scape_p2p::secure::Policy`] by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "documented there")]
pub enum Encryption {
    #[default]
    Prefer,
    Require,
    Off,
}

/// [`scape_p2p::dandelion::CoinScope`] by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "documented there")]
pub enum Coin {
    Transaction,
    Epoch,
}

/// [`scape_pool::PatienceMode`] by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "documented there")]
pub enum PatienceKind {
    EveryHop,
    FluffOnly,
}

/// [`scape_pool::EmbargoDelay`] by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "documented there")]
pub enum EmbargoKind {
    Uniform,
    Exponential,
}

impl fmt::Display for EmbargoKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uniform => "uniform",
            Self::Exponential => "exponential",
        })
    }
}

/// Values of other crates that have a name.
pub(super) mod named {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::{Deserialize, Deserializer, Error, Unexpected};
    use serde::ser::Serializer;

    pub(in crate::config) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::config) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(|_| D::Error::invalid_value(Unexpected::Str(&name), &"a known name"))
    }
}
