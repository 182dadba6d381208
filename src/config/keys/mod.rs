//! The one table of everything that can be set.

mod api;
mod dandelion;
mod network;
mod node;
mod noise;
mod pool;
mod zones;

use super::kind::Kind;
use api::{API, LOG};
use dandelion::DANDELION;
use network::NETWORK;
use node::{CHAIN, GRIN, LEDGER, NODE};
use noise::NOISE;
use pool::POOL;
use zones::{I2P, TOR};

/// What we call ourselves unless told otherwise.
pub(super) const USER_AGENT: &str = concat!("MW/Scape ", env!("CARGO_PKG_VERSION"));

/// Some keys under one heading.
#[derive(Debug)]
pub struct Section {
    /// As in the heading.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// In the order of the documentation.
    pub keys: &'static [Key],
}

/// One thing that can be set.
#[derive(Debug)]
pub struct Key {
    /// As in the file.
    pub name: &'static str,
    /// What happens if it is not set.
    pub default: KeyDefault,
    /// What may be set.
    pub kind: Kind,
    /// What one of it is: bytes, blocks. Empty if there is nothing to say.
    pub unit: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// What happens if a key is not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyDefault {
    /// This value, as TOML, holds.
    Value(&'static str),
    /// No value of its own.
    Unset {
        /// What holds instead.
        instead: &'static str,
        /// What could be set, as TOML.
        example: &'static str,
    },
}

impl Key {
    /// The default or, without one, the example, as TOML.
    pub const fn toml(&self) -> &'static str {
        match self.default {
            KeyDefault::Value(toml) | KeyDefault::Unset { example: toml, .. } => toml,
        }
    }
}

const fn key(
    name: &'static str,
    default: KeyDefault,
    kind: Kind,
    unit: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, default, kind, unit, doc }
}

/// A value that the preset has unless it is set.
const fn preset(example: &'static str) -> KeyDefault {
    KeyDefault::Unset { instead: "as the preset says", example }
}

/// Longer than anybody waits, and short enough that adding times never overflows.
const YEAR: f64 = 31_536_000.0;
/// Any number of entries or bytes but none: a pool that holds nothing refuses everything.
const SIZE: Kind = Kind::Count(1..=1 << 40);
const SECONDS: Kind = Kind::Seconds(0.0..=YEAR);
/// A time of zero would be a loop without end.
const INTERVAL: Kind = Kind::Seconds(0.001..=YEAR);

/// All sections with all keys.
pub static SECTIONS: [Section; 12] = [
    Section { name: "chain", doc: "The chain and its rules.", keys: &CHAIN },
    Section { name: "node", doc: "This node.", keys: &NODE },
    Section {
        name: "network",
        doc: "Whom the node talks to on the internet in the clear: its clearnet zone.",
        keys: &NETWORK,
    },
    Section {
        name: "tor",
        doc: "The zone on Tor: peers that are onion services, reached through the proxy of a tor \
              that runs beside the node. It has peers, pools and routes of its own.",
        keys: &TOR,
    },
    Section {
        name: "i2p",
        doc: "The zone on I2P: peers that are destinations, reached through an I2P router that \
              runs beside the node.",
        keys: &I2P,
    },
    Section { name: "noise", doc: "White noise, in the zones that have it.", keys: &NOISE },
    Section {
        name: "grin",
        doc: "The Grin node whose chain is followed. Without one the node has an embedded \
              development ledger.",
        keys: &GRIN,
    },
    Section {
        name: "api",
        doc: "Where wallets and the owner reach the node over HTTP.",
        keys: &API,
    },
    Section {
        name: "dandelion",
        doc: "How transactions are routed: a preset, and what is to differ from it. At its start \
              the node says what the parameters imply and warns where they work against each \
              other.",
        keys: &DANDELION,
    },
    Section { name: "pool", doc: "How much is held at most.", keys: &POOL },
    Section {
        name: "ledger",
        doc: "The embedded development ledger, for a node that asks no other node for its chain. \
              All nodes of one development network have the same values here.",
        keys: &LEDGER,
    },
    Section { name: "log", doc: "What is written to the log.", keys: &LOG },
];
