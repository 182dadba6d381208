//! The zones on anonymity networks.

use scape_p2p::dandelion::Preset;

use super::KeyDefault::Value;
use super::noise::ZONE_NOISE;
use super::{Key, KeyDefault, key};
use crate::config::kind::Kind;

pub(super) static TOR: [Key; 10] = [
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
    ZONE_NOISE,
    ZONE_PEERS,
    ZONE_SEEDS,
    ZONE_OUTBOUND,
    ZONE_MAX_INBOUND,
    ZONE_PRESET,
];

pub(super) static I2P: [Key; 11] = [
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
    ZONE_NOISE,
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
