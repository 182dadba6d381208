//! What an operator can set: one TOML file, each key with a default.
//!
//! Every key is a row of one table ([`SECTIONS`]): its documentation, its unit, its default and
//! what is allowed. The commented file ([`Config::documented`]), the listing
//! ([`Config::listing`]) and the refusal of unknown keys and bad values are made from it; the
//! structs here only hold what was read.
//!
//! A file is refused whole, and with the line and the key: a relay that ignores a misspelt
//! `embargo_mean_secs` leaks what its operator thinks it hides.
//!
//! ```
//! # use scape::config::{Config, ConfigError};
//! let config = Config::from_toml("[dandelion]\npreset = \"grin-doc\"\npatience_secs = 5")?;
//! assert_eq!(config.params()?.patience.interval.as_secs(), 5);
//!
//! let error = Config::from_toml("[dandelion]\npatiense_secs = 5").expect_err("misspelt");
//! let text = "line 2: unknown key `patiense_secs` in [dandelion]; did you mean `patience_secs`?";
//! assert_eq!(error.to_string(), text);
//! # Ok::<(), ConfigError>(())
//! ```

mod convert;
mod document;
mod error;
mod keys;
mod kind;
mod noise;
mod read;
mod sections;
#[cfg(test)]
mod tests;
mod zones;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use convert::Checked;
pub use error::{At, ConfigError, Hint};
pub use keys::{Key, KeyDefault, SECTIONS, Section};
pub use kind::Kind;
pub use noise::NoiseSection;
pub use sections::{
    ApiSection, ChainSection, Coin, DandelionSection, EmbargoKind, Encryption, GrinSection,
    I2pSection, LedgerSection, Listen, LogSection, NetworkSection, NodeSection, PatienceKind,
    PoolSection, PresetName, Seconds, TorSection,
};

/// A configuration. Read from a file it has been checked; changed since, [`Config::check`] it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The chain and its rules.
    pub chain: ChainSection,
    /// This node.
    pub node: NodeSection,
    /// Whom it talks to in the clear.
    pub network: NetworkSection,
    /// The zone on Tor.
    pub tor: TorSection,
    /// The zone on I2P.
    pub i2p: I2pSection,
    /// White noise, in the zones that have it.
    pub noise: NoiseSection,
    /// The Grin node whose chain is followed.
    pub grin: GrinSection,
    /// Where it is reached over HTTP.
    pub api: ApiSection,
    /// How transactions are routed.
    pub dandelion: DandelionSection,
    /// How much the pools hold.
    pub pool: PoolSection,
    /// The embedded development ledger.
    pub ledger: LedgerSection,
    /// What is written to the log.
    pub log: LogSection,
}

impl Config {
    /// Reads and checks a configuration. What is not set has its default.
    ///
    /// # Errors
    /// The first rule that the text breaks, one [`ConfigError`] per rule.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config = read::read(text)?;
        config.check()?;
        Ok(config)
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// The file cannot be read, or as [`Config::from_toml`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::from_toml(&text)
    }
}
