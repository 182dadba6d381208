//! How much is held at most.

use super::KeyDefault::Value;
use super::{Key, SECONDS, SIZE, key};
use crate::config::kind::Kind;

pub(super) static POOL: [Key; 11] = [
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
