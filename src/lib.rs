//! Scape: the stem of a Mimblewimble network, to embed in a node or to run beside one.
//!
//! This is the facade. The parts are crates of their own:
//!
//! | crate | what it knows |
//! |---|---|
//! | [`aggregate`] | what a transaction is, when it is valid, how several become one |
//! | [`pool`] | what a relay holds: stempool, txpool, orphans |
//! | [`p2p`] | Grin's wire, peers, Dandelion, and zones that join them |
//!
//! A host that has its own network and chain drives a [`p2p::zone::Zone`] (see
//! `examples/embed.rs`), or only a [`pool::Pool`]. A host that wants sockets too starts a
//! [`node::Node`].

pub mod api;
pub mod chain;
pub mod config;
pub mod devnet;
pub mod journal;
pub mod log;
pub mod node;
pub mod rpc;
pub mod run;

pub use scape_aggregate as aggregate;
pub use scape_p2p as p2p;
pub use scape_pool as pool;
