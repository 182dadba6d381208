//! A client of SAM v3, by which other programs use an I2P router.
//!
//! Our own, and of SAM only what streams need: `HELLO`, `SESSION CREATE`, `NAMING LOOKUP`,
//! `STREAM CONNECT` and `STREAM ACCEPT`. The crates that there are panic on answers they do not
//! know, read lines without end or time, and dial loopback only.

mod client;
mod error;
mod reply;
mod session;

pub use client::SamClient;
pub use error::{SamError, SamRefusal};
pub use reply::{MAX_LINE, SamReply};
pub use session::{SamConfig, SamKey, SamSession};
