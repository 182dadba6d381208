//! Dandelion: coins, relays and epochs, and the parameters they follow.
//!
//! - [`Params`] and [`Preset`]: parameters as data. [`Params::check`] says what they imply.
//! - [`DandelionRouter`]: flips the coins and keeps the routes of one zone. Pure.
//! - [`rendezvous`]: where transactions of the whole network meet, and how they get there unread.

mod implied;
mod params;
pub mod rendezvous;
mod router;

pub use implied::{Implied, ParamsError, Warning};
pub use params::{CoinScope, Params, Preset, RendezvousParams};
pub use router::{Candidate, DandelionRouter};
