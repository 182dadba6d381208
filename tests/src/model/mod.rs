//! A naive model of the pool, and trials of the real one against it.
//!
//! The [`Model`] keeps plain lists of transactions and of what they are, and answers every
//! question by going through them: no index, no timer wheel, no set of doubts. After each
//! operation it looks at everything again. It is slow and, so it is hoped, obviously right; the
//! pool is fast, and a [`Trial`] says whether it is right: both live through the same
//! [`Op`]erations, and after each the verdict, every effect, what the stempool and the txpool
//! hold, the ends of embargoes, how many wait, and the next timeout must be the same.
//!
//! The model is told nothing by the pool. Two things make that possible: embargoes and
//! windows have no random part here, and coins are a matter of the source, as the trial's [`Routes`]
//! say, as is the order in which sinks are preferred.
//!
//! # What is not modelled
//! - Bounds in bytes: only those in numbers of transactions are.
//! - Which transactions are merged: the model asks [`scape_aggregate::plan`], which has tests of
//!   its own, as it asks `aggregate` and `deaggregate`.
//! - The order of effects, but for this: what is spent is announced before what spends it.
//! - Who of several stays after a reorg where it matters who is looked at first: see
//!   [`Trial::is_open`]. Less than one story of a thousand comes to that.

mod admission;
mod blocks;
mod entries;
mod fire;
mod ground;
mod ledger;
mod lists;
mod op;
mod own;
mod routes;
mod rules;
mod setup;
mod sinks;
mod trial;
mod waiting;

pub use ledger::Ledger;
pub use lists::Model;
pub use op::{Op, Way};
pub use routes::Routes;
pub use rules::Rule;
pub use setup::{CONSENSUS, Setup};
pub use trial::{Disagreement, Trial};

use scape_pool::Instant;

/// What both are told with each call.
pub struct World {
    /// The time.
    pub now: Instant,
    /// The chain.
    pub chain: Ledger,
    /// Coins and relays.
    pub routes: Routes,
}
