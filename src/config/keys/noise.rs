//! White noise.

use super::KeyDefault::Value;
use super::{Key, key};
use crate::config::kind::Kind;

pub(super) static NOISE: [Key; 2] = [
    key(
        "interval_secs",
        Value("10"),
        // A frame is made two seconds ahead.
        Kind::Seconds(3.0..=1_800.0),
        "seconds",
        "The shortest time between two frames of a channel. Another value than others have is a \
         mark, the same one in each zone.",
    ),
    key(
        "spread_secs",
        Value("5"),
        Kind::Seconds(0.0..=1_800.0),
        "seconds",
        "Up to how much longer it is, drawn anew for each frame.",
    ),
];

/// Whether a zone has noise.
pub(super) const ZONE_NOISE: Key = key(
    "noise",
    Value("false"),
    Kind::Switch,
    "",
    "Whether stem transactions, sealed or not, leave in frames of white noise alone: frames of one \
     size that go to two outbound peers at random times, whether or not there is something to say. \
     Only peers that encrypt are relays then, and the owner's transactions wait until there is one; \
     and each hop takes some 8 s longer.",
);
