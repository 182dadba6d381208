//! Grin's wire protocol and a Dandelion router for it: pure cores and thin network glue.
//!
//! - [`wire`]: messages as bytes and back, with Grin's limits.
//! - [`peer`]: ids, direction, capabilities.
//! - [`handshake`]: who may talk to us, and at which protocol version.
//! - [`link`]: what one connection may send and what it has on its account.
//! - [`book`]: the addresses we know and the ones we ban.
//! - [`dandelion`]: coins, relays and epochs.
//! - [`zone`]: all of it joined for one network: what a node is, short of sockets.
//! - [`addr`]: where a peer can be reached on the internet, Tor or I2P.
//! - [`noise`]: frames of one size at random times, whether or not there is something to say.
//! - [`secure`]: encrypted links between nodes of our own kind.
//! - [`net`]: sockets and clock; the only module that touches either.
//!
//! Everything but the network glue is sans-IO: time and randomness are arguments.

pub mod addr;
pub mod book;
pub mod dandelion;
pub mod handshake;
pub mod link;
pub mod net;
pub mod noise;
pub mod peer;
pub mod secure;
pub mod wire;
pub mod zone;
