//! What was read. The documentation of each key is in the tables of `keys`.

mod network;
mod stem;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use scape_aggregate::ChainType;
use scape_p2p::addr::Network;
use serde::{Deserialize, Serialize};

use super::keys::USER_AGENT;
use crate::rpc::Url;
pub use network::{I2pSection, NetworkSection, TorSection};
pub use stem::{DandelionSection, PoolSection};
use values::named;
pub use values::{Coin, EmbargoKind, Encryption, Listen, PatienceKind, PresetName, Seconds};

/// The chain and its rules.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainSection {
    /// Which chain.
    #[serde(with = "named")]
    pub r#type: ChainType,
    /// Whether NRD kernels are allowed.
    pub nrd: bool,
}

/// This node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeSection {
    /// Where what survives a restart is kept; see [`super::Config::data_dir`].
    pub data_dir: PathBuf,
    /// What we call ourselves.
    pub user_agent: String,
    /// Verification threads of each zone. Zero: one per core.
    pub workers: usize,
    /// Through which zones the owner's transactions leave, if not as is usual.
    pub origin: Option<Vec<Network>>,
}

/// The Grin node whose chain is followed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrinSection {
    /// Its API, if there is such a node.
    pub url: Option<Url>,
    /// The password of its Foreign API.
    pub secret_file: Option<PathBuf>,
    /// How often it is asked for its tip.
    pub poll_secs: Seconds,
}

/// Where the node is reached over HTTP.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiSection {
    /// Where wallets reach it, if not on the default port.
    pub foreign: Option<Listen>,
    /// Their password, if not in the data directory.
    pub foreign_secret_file: Option<PathBuf>,
    /// Where the owner reaches it, if not on the default port.
    pub owner: Option<Listen>,
    /// The owner's password, if not in the data directory.
    pub owner_secret_file: Option<PathBuf>,
    /// Connections served at once.
    pub connections: usize,
}

/// The embedded development ledger.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerSection {
    /// From one block to the next.
    pub block_secs: Seconds,
    /// Outputs in the first block.
    pub outputs: u64,
    /// What each of them is worth, in nanogrin.
    pub value: u64,
    /// Their keys are derived from it.
    pub seed: u64,
}

/// What is written to the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// Directives as in `RUST_LOG`.
    pub filter: String,
    /// Whether each line is a JSON object.
    pub json: bool,
    /// Where files are written, if anywhere.
    pub dir: Option<PathBuf>,
    /// How many of them are kept.
    pub files: usize,
}

impl Default for ChainSection {
    fn default() -> Self {
        Self { r#type: ChainType::Mainnet, nrd: false }
    }
}

impl Default for NodeSection {
    fn default() -> Self {
        Self {
            data_dir: "~/.scape".into(),
            user_agent: USER_AGENT.to_owned(),
            workers: 0,
            origin: None,
        }
    }
}

impl Default for GrinSection {
    fn default() -> Self {
        Self { url: None, secret_file: None, poll_secs: Seconds(Duration::from_secs(15)) }
    }
}

impl Default for ApiSection {
    fn default() -> Self {
        Self {
            foreign: None,
            foreign_secret_file: None,
            owner: None,
            owner_secret_file: None,
            connections: 256,
        }
    }
}

impl Default for LedgerSection {
    fn default() -> Self {
        let block_secs = Seconds(Duration::from_secs(5));
        Self { block_secs, outputs: 1_000, value: 100_000_000_000, seed: 1 }
    }
}

impl Default for LogSection {
    fn default() -> Self {
        Self { filter: "info".to_owned(), json: false, dir: None, files: 7 }
    }
}
