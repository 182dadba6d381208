//! How transactions are routed.

use scape_p2p::dandelion::Preset;

use super::KeyDefault::Value;
use super::{INTERVAL, Key, SECONDS, key, preset};
use crate::config::kind::Kind;

pub(super) static DANDELION: [Key; 24] = [
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
        preset("\"epoch\""),
        Kind::Choice(|| vec!["transaction", "epoch"]),
        "",
        "What one flip of the coin decides on: one transaction, or all of an epoch.",
    ),
    key(
        "own_always_stem",
        preset("true"),
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
        preset("30"),
        SECONDS,
        "seconds",
        "The distance of two firings of the patience timer: how long at most a stem transaction \
         waits for others to be merged with. 0 to never wait.",
    ),
    key(
        "patience_mode",
        preset("\"fluff-only\""),
        Kind::Choice(|| vec!["every-hop", "fluff-only"]),
        "",
        "Which transactions wait for it: all, or only those whose coin says fluff.",
    ),
    key(
        "embargo",
        preset("\"uniform\""),
        Kind::Choice(|| vec!["uniform", "exponential"]),
        "",
        "How the embargo is drawn, after which a transaction that was not seen in public is \
         fluffed: embargo_base_secs and up to embargo_spread_secs, or memoryless with \
         embargo_mean_secs.",
    ),
    key(
        "embargo_base_secs",
        preset("180"),
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
        preset("75"),
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
        "sinks",
        preset("true"),
        Kind::Switch,
        "",
        "Whether transactions meet at sinks: nodes that all choose alike, to which what they alone \
         may read is sealed, and which fluff together what came within a while.",
    ),
    key(
        "sink_window_secs",
        preset("120"),
        SECONDS,
        "seconds",
        "How long this node waits for others, from the first that is sealed to it.",
    ),
    key(
        "sink_spread_secs",
        preset("30"),
        SECONDS,
        "seconds",
        "Up to how much longer it waits, at random. With sink_window_secs, well below the embargo.",
    ),
    key(
        "sink_attempts",
        preset("4"),
        Kind::Count(1..=100),
        "sinks",
        "How many sinks are tried, one each time that the embargo ends, before the ordinary stem.",
    ),
    key(
        "sink_forward",
        preset("0.5"),
        Kind::Number(0.0..=0.95),
        "",
        "The probability that this node hands what is sealed to others on to a relay; else it \
         delivers it.",
    ),
    key(
        "sink_company",
        preset("20.0"),
        Kind::Number(0.1..=1_000.0),
        "transactions",
        "How many others should come to a sink while it waits: decides how many sinks there are. \
         All nodes should agree.",
    ),
    key(
        "sink_least_known",
        preset("10"),
        Kind::Count(1..=1_000_000),
        "nodes",
        "Below so many nodes that may be sinks there are none.",
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
