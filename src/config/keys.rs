//! The one table of everything that can be set.

use scape_aggregate::ChainType;
use scape_p2p::addr::Network;
use scape_p2p::dandelion::Preset;
use scape_p2p::wire::MAX_USER_AGENT;

use super::kind::Kind;

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

use KeyDefault::Value;

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
pub static SECTIONS: [Section; 11] = [
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

static CHAIN: [Key; 2] = [
    key(
        "type",
        Value("\"mainnet\""),
        Kind::Choice(|| ChainType::ALL.map(ChainType::name).to_vec()),
        "",
        "Which chain: the bytes that its messages begin with, its genesis, its weights and ports.",
    ),
    key(
        "nrd",
        Value("false"),
        Kind::Switch,
        "",
        "Whether kernels with a relative lock height (NRD) are allowed. No network of Grin allows \
         them today.",
    ),
];

static NODE: [Key; 4] = [
    key(
        "data_dir",
        Value("\"~/.scape\""),
        Kind::Text(4_096),
        "",
        "Where what survives a restart is kept, each chain in a directory of its own: the address \
         book, and the journal of the owner's transactions, which others must not read. A leading \
         ~/ is the home directory.",
    ),
    key(
        "user_agent",
        Value(concat!("\"MW/Scape ", env!("CARGO_PKG_VERSION"), "\"")),
        Kind::Text(MAX_USER_AGENT),
        "",
        "What the node calls itself when it shakes hands. A name that nobody else has is a mark.",
    ),
    key(
        "workers",
        Value("0"),
        Kind::Count(0..=1_024),
        "threads",
        "How many threads verify proofs and signatures; 0 for one per core. Each zone has its own.",
    ),
    key(
        "origin",
        KeyDefault::Unset {
            instead: "the anonymity zones that are enabled, or clearnet if there are none",
            example: "[\"clearnet\"]",
        },
        Kind::Choices(|| Network::ALL.map(Network::name).to_vec()),
        "",
        "Through which zones the owner's transactions leave: the first of them that is up. While \
         none is up they wait. They never leave through a zone that is not named here.",
    ),
];

static NETWORK: [Key; 11] = [
    key(
        "enabled",
        Value("true"),
        Kind::Switch,
        "",
        "Whether there is a zone on the internet in the clear.",
    ),
    key(
        "listen",
        KeyDefault::Unset {
            instead: "all addresses, 3 above the default port of Grin: 3417, 13417 or 23417",
            example: "\"0.0.0.0:3417\"",
        },
        Kind::Listen,
        "",
        "Where to listen for peers. Port 0 takes a free one, \"off\" takes no inbound peers.",
    ),
    key(
        "advertise",
        KeyDefault::Unset { instead: "where the node listens", example: "\"192.0.2.1:3414\"" },
        Kind::Address,
        "",
        "Where others reach the node, if ports are forwarded to it. Peers believe the port only.",
    ),
    key(
        "peers",
        Value("[]"),
        Kind::Addresses,
        "",
        "Addresses to stay connected to, such as your own Grin node.",
    ),
    key(
        "seeds",
        Value("[]"),
        Kind::Addresses,
        "",
        "Addresses to begin with. They tell the node of others and have no privilege.",
    ),
    key(
        "whitelist",
        Value("[]"),
        Kind::Hosts,
        "",
        "Hosts that are never banned, and that may be relays even if they connected to us.",
    ),
    key(
        "outbound",
        Value("8"),
        Kind::Count(0..=1_000),
        "connections",
        "How many connections of its own the node keeps up. Relays are chosen among them.",
    ),
    key(
        "max_inbound",
        Value("128"),
        Kind::Count(0..=100_000),
        "connections",
        "How many inbound connections there are at most, those that still shake hands included.",
    ),
    key(
        "max_inbound_per_host",
        Value("8"),
        Kind::Count(1..=100_000),
        "connections",
        "How many of them one host has at most (an IPv4 address, an IPv6 /64).",
    ),
    key("ban_secs", Value("10800"), SECONDS, "seconds", "How long a ban lasts."),
    key(
        "allow_private",
        KeyDefault::Unset { instead: "only on usernet and autotest", example: "false" },
        Kind::Switch,
        "",
        "Whether loopback, private and link-local addresses are kept in the book and passed on.",
    ),
];

static TOR: [Key; 9] = [
    ZONE_ENABLED,
    key(
        "proxy",
        Value("\"127.0.0.1:9050\""),
        Kind::Address,
        "",
        "Where tor takes connections (SocksPort). The node dials nothing else for this zone, and \
         never asks the DNS.",
    ),
    zone_listen("\"127.0.0.1:3420\""),
    zone_name("\"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:3414\""),
    ZONE_PEERS,
    ZONE_SEEDS,
    ZONE_OUTBOUND,
    ZONE_MAX_INBOUND,
    ZONE_PRESET,
];

static I2P: [Key; 10] = [
    ZONE_ENABLED,
    key(
        "sam",
        Value("\"127.0.0.1:7656\""),
        Kind::Address,
        "",
        "Where the SAM bridge of the router takes connections. Peers that connect to us come \
         through it, too. The key of our destination is kept in the data directory.",
    ),
    key(
        "proxy",
        KeyDefault::Unset { instead: "the SAM bridge is used", example: "\"127.0.0.1:4447\"" },
        Kind::Address,
        "",
        "A SOCKS tunnel of the router, to be used instead of the SAM bridge.",
    ),
    zone_listen("\"127.0.0.1:3421\""),
    zone_name("\"ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:3414\""),
    ZONE_PEERS,
    ZONE_SEEDS,
    ZONE_OUTBOUND,
    ZONE_MAX_INBOUND,
    ZONE_PRESET,
];

const ZONE_ENABLED: Key =
    key("enabled", Value("false"), Kind::Switch, "", "Whether there is such a zone.");

const fn zone_listen(example: &'static str) -> Key {
    let instead = "nowhere: no inbound peers but through a SAM bridge";
    key(
        "listen",
        KeyDefault::Unset { instead, example },
        Kind::Address,
        "",
        "Where the proxy hands over those who come to our service. On loopback, since whoever \
         reaches it otherwise would know whose service it is.",
    )
}

const fn zone_name(example: &'static str) -> Key {
    key(
        "name",
        KeyDefault::Unset { instead: "peers are told none", example },
        Kind::Name,
        "",
        "The name of our service with its port, to be told to peers that look for others.",
    )
}

const ZONE_PEERS: Key = key("peers", Value("[]"), Kind::Names, "", "Names to stay connected to.");

const ZONE_SEEDS: Key = key(
    "seeds",
    Value("[]"),
    Kind::Names,
    "",
    "Names to begin with. They tell the node of others and have no privilege.",
);

const ZONE_OUTBOUND: Key = key(
    "outbound",
    Value("8"),
    Kind::Count(0..=1_000),
    "connections",
    "How many connections of its own the zone keeps up. Transactions go to these alone.",
);

const ZONE_MAX_INBOUND: Key = key(
    "max_inbound",
    Value("128"),
    Kind::Count(0..=100_000),
    "connections",
    "How many inbound connections there are at most. Whose they are cannot be told.",
);

const ZONE_PRESET: Key = key(
    "preset",
    KeyDefault::Unset { instead: "as [dandelion] says", example: "\"scape\"" },
    Kind::Choice(|| Preset::ALL.map(Preset::name).to_vec()),
    "",
    "Parameters of this zone in place of [dandelion]'s. The owner's transactions always stem here.",
);

static DANDELION: [Key; 17] = [
    key(
        "preset",
        Value("\"scape\""),
        Kind::Choice(|| Preset::ALL.map(Preset::name).to_vec()),
        "",
        "The parameters that hold where nothing else is set: Grin's Dandelion document, Grin 5 as \
         it is, the Dandelion++ paper, Monero's, or what Scape's privacy lab found best.",
    ),
    key(
        "stem_probability",
        preset("0.9"),
        Kind::Number(0.0..=1.0),
        "",
        "The probability that a stem transaction goes on along the stem; else it is fluffed.",
    ),
    key(
        "coin",
        preset("\"transaction\""),
        Kind::Choice(|| vec!["transaction", "epoch"]),
        "",
        "What one flip of the coin decides on: one transaction, or all of an epoch.",
    ),
    key(
        "own_always_stem",
        preset("false"),
        Kind::Switch,
        "",
        "Whether the owner's transactions go on the stem whatever the coin says.",
    ),
    key(
        "relays",
        preset("1"),
        Kind::Count(1..=1_000),
        "peers",
        "How many relays are chosen for an epoch. Each source is mapped to one of them.",
    ),
    key(
        "epoch_secs",
        preset("600"),
        INTERVAL,
        "seconds",
        "How long relays, and coins of an epoch, stay. Not shorter than the patience.",
    ),
    key(
        "epoch_spread_secs",
        preset("0"),
        SECONDS,
        "seconds",
        "Up to how much longer an epoch is, at random.",
    ),
    key(
        "relay_max_lag",
        preset("2"),
        Kind::Count(0..=1_000_000),
        "blocks",
        "How far a relay may be behind us.",
    ),
    key(
        "patience_secs",
        preset("10"),
        SECONDS,
        "seconds",
        "The distance of two firings of the patience timer: how long at most a stem transaction \
         waits for others to be merged with. 0 to never wait.",
    ),
    key(
        "patience_mode",
        preset("\"every-hop\""),
        Kind::Choice(|| vec!["every-hop", "fluff-only"]),
        "",
        "Which transactions wait for it: all, or only those whose coin says fluff.",
    ),
    key(
        "embargo",
        preset("\"exponential\""),
        Kind::Choice(|| vec!["uniform", "exponential"]),
        "",
        "How the embargo is drawn, after which a transaction that was not seen in public is \
         fluffed: embargo_base_secs and up to embargo_spread_secs, or memoryless with \
         embargo_mean_secs.",
    ),
    key(
        "embargo_base_secs",
        preset("30"),
        SECONDS,
        "seconds",
        "The shortest embargo, if it is uniform.",
    ),
    key(
        "embargo_spread_secs",
        preset("30"),
        SECONDS,
        "seconds",
        "How much longer it is at most, if it is uniform.",
    ),
    key(
        "embargo_mean_secs",
        preset("1424"),
        INTERVAL,
        "seconds",
        "The mean embargo, if it is exponential.",
    ),
    key(
        "embargo_sweep_secs",
        preset("10"),
        INTERVAL,
        "seconds",
        "The distance of two looks for embargoes that ended; those found together are merged.",
    ),
    key(
        "fluff_fanout",
        preset("8"),
        Kind::Count(1..=100_000),
        "peers",
        "How many peers, chosen at random, are told of a fluffed transaction at once.",
    ),
    key(
        "fluff_delay_secs",
        preset("2"),
        SECONDS,
        "seconds",
        "The mean of the random delays after which the other peers are told.",
    ),
];

static GRIN: [Key; 3] = [
    key(
        "url",
        KeyDefault::Unset {
            instead: "an embedded development ledger",
            example: "\"http://127.0.0.1:3413\"",
        },
        Kind::Url,
        "",
        "The API of the Grin node.",
    ),
    key(
        "secret_file",
        KeyDefault::Unset {
            instead: "no password is sent",
            example: "\"~/.grin/main/.foreign_api_secret\"",
        },
        Kind::Text(4_096),
        "",
        "The file with the password of its Foreign API. A leading ~/ is the home directory.",
    ),
    key(
        "poll_secs",
        Value("15"),
        Kind::Seconds(0.1..=3_600.0),
        "seconds",
        "How often it is asked for its tip while no peer tells of a new block. Peers that do, such \
         as the Grin node itself under network.peers, make it sooner.",
    ),
];

static API: [Key; 5] = [
    key(
        "foreign",
        KeyDefault::Unset {
            instead: "loopback, 4 above the default p2p port of Grin: 3418, 13418 or 23418",
            example: "\"127.0.0.1:3418\"",
        },
        Kind::Listen,
        "",
        "Where wallets reach the node, as they would reach a Grin node. Port 0 takes a free one, \
         \"off\" serves none.",
    ),
    key(
        "foreign_secret_file",
        KeyDefault::Unset {
            instead: ".foreign_api_secret in the data directory of the chain",
            example: "\"~/.grin/main/.foreign_api_secret\"",
        },
        Kind::Text(4_096),
        "",
        "The file with the password of wallets. Made with a random one if it does not exist. That \
         of the Grin node can be used, so that a wallet needs no change.",
    ),
    key(
        "owner",
        KeyDefault::Unset {
            instead: "loopback, 5 above the default p2p port of Grin: 3419, 13419 or 23419",
            example: "\"127.0.0.1:3419\"",
        },
        Kind::Listen,
        "",
        "Where the owner and the command line reach the node; metrics and health are here, too. It \
         shows what the stem hides: keep it on loopback.",
    ),
    key(
        "owner_secret_file",
        KeyDefault::Unset {
            instead: ".owner_api_secret in the data directory of the chain",
            example: "\"~/.scape/mainnet/.owner_api_secret\"",
        },
        Kind::Text(4_096),
        "",
        "The file with the password of the owner. Made with a random one if it does not exist.",
    ),
    key(
        "connections",
        Value("256"),
        Kind::Count(1..=65_536),
        "connections",
        "How many connections each of the two serves at once. More wait.",
    ),
];

static POOL: [Key; 11] = [
    key(
        "stem_entries",
        Value("50000"),
        SIZE,
        "transactions",
        "In the stempool, which nobody sees.",
    ),
    key("stem_bytes", Value("268435456"), SIZE, "bytes", "The same by size."),
    key(
        "stem_ancestors",
        Value("24"),
        SIZE,
        "transactions",
        "On how many unpublished ones a stem transaction may depend; beyond it waits for them.",
    ),
    key("tx_entries", Value("50000"), SIZE, "transactions", "In the public pool."),
    key("tx_bytes", Value("268435456"), SIZE, "bytes", "The same by size."),
    key(
        "orphan_entries",
        Value("1000"),
        SIZE,
        "transactions",
        "Orphans: transactions whose parents are not there yet.",
    ),
    key("orphan_bytes", Value("16777216"), SIZE, "bytes", "The same by size."),
    key(
        "orphan_age_secs",
        Value("300"),
        SECONDS,
        "seconds",
        "How long an orphan of a peer waits for its parent.",
    ),
    key(
        "shares",
        Value("8"),
        Kind::Count(1..=1_000_000),
        "",
        "One peer fills at most this part of stempool and orphans: one in so many.",
    ),
    key(
        "own_bytes",
        Value("268435456"),
        SIZE,
        "bytes",
        "The owner's transactions, until they are deep in the chain. Beyond it pushes are refused.",
    ),
    key(
        "reorg_depth",
        Value("60"),
        Kind::Count(0..=10_000),
        "blocks",
        "For how long mined transactions are kept, in case of a reorg.",
    ),
];

static LEDGER: [Key; 4] = [
    key(
        "block_secs",
        Value("5"),
        Kind::Seconds(0.01..=YEAR),
        "seconds",
        "From one block to the next.",
    ),
    key(
        "outputs",
        Value("1000"),
        Kind::Count(0..=1_000_000),
        "outputs",
        "How many outputs the first block has, for wallets to spend.",
    ),
    key(
        "value",
        Value("100000000000"),
        Kind::Count(1..=1 << 53),
        "nanogrin",
        "What each of them is worth.",
    ),
    key(
        "seed",
        Value("1"),
        Kind::Count(0..=i64::MAX as u64),
        "",
        "The keys of these outputs are derived from it: everybody who knows it can spend them.",
    ),
];

static LOG: [Key; 4] = [
    key(
        "filter",
        Value("\"info\""),
        Kind::Filter,
        "",
        "What is logged, as in RUST_LOG but for patterns. At info and above no transaction is ever \
         named and no event of the stem is told with its peer: who reads such a log must learn \
         nothing of origins. At debug and trace it does.",
    ),
    key("json", Value("false"), Kind::Switch, "", "Whether each line is a JSON object."),
    key(
        "dir",
        KeyDefault::Unset { instead: "only to stderr", example: "\"~/.scape/log\"" },
        Kind::Text(4_096),
        "",
        "Where log files are written, one a day, beside what goes to stderr.",
    ),
    key("files", Value("7"), Kind::Count(1..=1_000), "files", "How many of them are kept."),
];
