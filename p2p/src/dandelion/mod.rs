//! Dandelion: coins, relays and epochs, and the parameters they follow.
//!
//! - [`Params`] and [`Preset`]: parameters as data. [`Params::check`] says what they imply.
//! - [`DandelionRouter`]: flips the coins and keeps the routes of one zone. Pure.

mod implied;
mod params;
mod router;

pub use implied::{Implied, ParamsError, Warning};
pub use params::{CoinScope, Params, Preset};
pub use router::{Candidate, DandelionRouter};
