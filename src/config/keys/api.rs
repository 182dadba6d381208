//! How the owner and wallets reach the node, and what it tells them.

use super::KeyDefault::Value;
use super::{Key, KeyDefault, key};
use crate::config::kind::Kind;

pub(super) static API: [Key; 5] = [
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

pub(super) static LOG: [Key; 4] = [
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
