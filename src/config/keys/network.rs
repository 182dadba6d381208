//! Whom the node talks to.

use super::KeyDefault::Value;
use super::noise::ZONE_NOISE;
use super::{Key, KeyDefault, SECONDS, key};
use crate::config::kind::Kind;

pub(super) static NETWORK: [Key; 13] = [
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
        "encryption",
        Value("\"prefer\""),
        Kind::Choice(|| vec!["prefer", "require", "off"]),
        "",
        "Whether links are encrypted: where the peer can, which a Grin node cannot; or else there \
         is no link; or not at all. Somebody in between can take out of a greeting that a peer can, \
         and make a preferred link a plain one; the list of peers shows it where the peer is known \
         to encrypt.",
    ),
    ZONE_NOISE,
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
