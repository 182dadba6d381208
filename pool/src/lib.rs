//! What a stem relay holds: the private stempool, the public txpool and the orphans, as one state
//! machine without I/O.
//!
//! The machine is driven by its host. It never reads a clock and never asks an ambient generator:
//! time comes with every call, randomness from a seed.
//!
//! * Feed it: [`Pool::handle_stem`], [`Pool::handle_sealed`], [`Pool::handle_fluff`], [`Pool::handle_chain`],
//!   [`Pool::handle_undelivered`], and [`Pool::handle_timeout`] when the time that
//!   [`Pool::poll_timeout`] names has come. A spurious call is harmless.
//! * After each call drain [`Pool::poll_effect`] until it returns `None`, and carry the effects out
//!   in their order: parents come before children.
//!
//! Admission costs O(size of the transaction), whatever the pool holds.
//!
//! What the machine does not do: verify proofs (it takes [`scape_aggregate::ValidTx`]), choose
//! relays and flip coins (a [`Router`] does), or talk to peers.
//!
//! # Security
//! Verdicts and [`Notice`]s tell what the stempool holds. They are for the owner of the node; none
//! of them may reach a peer, nor change what a peer can observe.

// The kit of the tests names the crate from outside.
#[cfg(test)]
extern crate self as scape_pool;

mod admission;
mod asked;
mod bundle;
mod chain;
mod config;
#[cfg(test)]
mod consistency;
mod effect;
mod fire;
mod gather;
mod hold;
mod index;
mod journal;
#[cfg(test)]
#[path = "../tests/kit/mod.rs"]
mod kit;
mod many;
mod orphans;
mod own;
mod pool;
mod reconcile;
mod refusal;
mod room;
mod router;
mod rules;
mod store;
mod subtract;
mod time;
mod timers;
mod upheaval;
mod withdraw;

pub use asked::Clocks;
pub use chain::{BlockSummary, ChainUpdate, ChainView, Tip, Utxo};
pub use config::{Capacity, Embargo, EmbargoDelay, Patience, PatienceMode, PoolConfig, Rendezvous};
pub use effect::{Effect, FluffReason, Notice, Rival};
pub use journal::{Record, RecordStage};
pub use pool::{Context, EntryId, Pool, PoolCounts};
pub use refusal::{Accepted, Refusal};
pub use router::{Coin, PeerId, Router, SinkId, Source, WayOut};
pub use time::Instant;
