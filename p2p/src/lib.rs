//! Grin's wire protocol and a Dandelion router for it: pure cores and thin network glue.
//!
//! - [`wire`]: messages as bytes and back, with Grin's limits.
//! - [`peer`]: ids, direction, capabilities.
//!
//! Everything but the network glue is sans-IO: time and randomness are arguments.

pub mod peer;
pub mod wire;
