//! The chain and its sources, and the node itself.

use scape_aggregate::ChainType;
use scape_p2p::addr::Network;
use scape_p2p::wire::MAX_USER_AGENT;

use super::KeyDefault::Value;
use super::{Key, KeyDefault, YEAR, key};
use crate::config::kind::Kind;

pub(super) static CHAIN: [Key; 2] = [
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

pub(super) static NODE: [Key; 4] = [
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
        "Through which zones the owner's transactions leave: the first of them that is up when one \
         is pushed. If none is it waits for the first of all. They never leave through a zone that \
         is not named here.",
    ),
];

pub(super) static GRIN: [Key; 3] = [
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

pub(super) static LEDGER: [Key; 4] = [
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
