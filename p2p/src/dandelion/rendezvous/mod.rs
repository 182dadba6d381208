//! Rendezvous: stem transactions of the whole network meet at a few nodes, the sinks, and leave
//! them merged.
//!
//! A transaction that is fluffed alone is traced by whoever listens. Relays that wait do not help
//! where there are few transactions: two seldom pass the same relay. So all nodes send theirs to the
//! same few sinks, which hold them for a window and fluff them together. What a relay on the way
//! would see is sealed to the sink.
//!
//! - [`elect`]: who the sinks of an [`Epoch`] are. Every node finds the same ones.
//! - [`Almanac`]: the epoch, and how many transactions there are, from the chain alone.
//! - [`Keys`]: which nodes may be sinks, and how we know.
//! - [`seal`] and [`open`]: what nobody but the sink reads.
//! - [`Carrier`]: what a node does with sealed transactions that it cannot read.
//!
//! # Why it helps
//! With `r` transactions a second, `k` sinks and a window of `w` seconds that the first arrival
//! opens, `x = r * w / k` others are expected to come in, and a transaction stays alone with
//! probability `exp(-x) / (1 + x)`: none other comes (`exp(-x)`), and of the `1 + x` transactions of
//! a window on average one is the first. [`sink_count`] chooses `k` by it.
//!
//! # Security
//! A sink sees everything that is sent to it in the clear, but not from whom: who makes a
//! transaction hands it to a relay, and only relays deliver. So a share `p` of spies learns the
//! share `p` of all transactions, which no routing prevents, and of these the origin only where the
//! first relay is a spy as well. What a sink or a relay swallows costs time: the origin
//! seals it anew at the end of its embargo, over another relay and every second time to another
//! sink. A sink that is flooded merges a transaction with those of one adversary, who subtracts his
//! own; each costs him a fee, and before they bring so many sinks that honest transactions are alone
//! they have to be many times as many. What all this comes to is measured: `cargo lab risks`.

mod almanac;
mod carrier;
mod elect;
mod keys;
mod seal;

pub use almanac::{Almanac, CONFIRMATIONS, EPOCH_BLOCKS, RATE_BLOCKS};
pub use carrier::{Carrier, Onward};
pub use elect::{Epoch, Nominee, elect, sink_count};
pub use keys::{
    Keys, MAX_KEYS, MAX_KEYS_BODY, MAX_KEYS_TEXT, SEALED_STEM, SINK_KEYS, SinkKey, decode_keys,
    encode_keys,
};
pub use seal::{MAX_SEALED, OpenError, SIZES, SealError, open, seal};
