//! White noise: frames of one size at random times, whether or not there is something to say.
//!
//! Whoever watches a wire sees when a node sends, and how much. A node that sends a transaction it
//! never received has given itself away, encrypted or not. So each zone keeps two channels to
//! outbound peers, and on each of them a frame goes out whenever its [`Schedule`] says so: with a
//! fragment of a message if one waits, and empty otherwise. The receiver's [`Reassembler`] puts
//! messages together again. Frames, times and limits are those of Monero: 3,072 bytes every
//! 10 s + U\[0, 5\] s, at most 20 frames a message.
//!
//! # Security
//!
//! - The time of a frame is drawn before anybody looks whether there is payload, from a generator
//!   that serves nothing else. Neither queueing nor a late call moves it or any time after it.
//! - With and without payload the same code makes a frame: one allocation of the same size, one
//!   draw, one header, one padding.
//! - Inside, a fragment and an empty frame differ. That is for the receiver; on the wire both have
//!   to be encrypted, by Tor, by I2P or by [`secure`](crate::secure).
//! - Own messages have no precedence over relayed ones: see [`Queue`].
//!
//! Nothing here sends. A frame is made some time before it is sent, so that whatever the node is
//! doing with transactions meanwhile does not delay it. Who carries out a [`Due`] sends it at its
//! time, and if a socket is full must drop it and treat the link as lost rather than send it later.

mod channel;
mod config;
mod error;
mod frame;
mod pair;
mod queue;
mod reassembly;
mod schedule;
#[cfg(test)]
mod tests;

pub use channel::{Channel, Due};
pub use config::{NoiseConfig, NoiseConfigError, ValidNoise};
pub use error::{FrameError, QueueError};
pub use frame::{Fragment, FrameSize, HEADER_LEN, MAX_FRAGMENTS};
pub use pair::{CHANNELS, Channels};
pub use queue::{Queue, Ticket};
pub use reassembly::Reassembler;
pub use schedule::Schedule;
