//! The harness: many nodes of the production code in one thread and in virtual time.
//!
//! - [`net`]: a virtual network of [`Zone`](scape_p2p::zone::Zone)s, each with a ledger of its own,
//!   and adversaries among them.
//! - [`invariant`]: what must hold at every moment, checked event by event.
//! - [`chaos`]: random scenarios by the thousand, judged by the invariants, shrunk when they fail.
//! - [`audit`]: what must hold in every network, whatever happened in it.
//! - [`flow`]: transactions that look real, with parents and children, and the coins they spend.
//! - [`model`]: a pool that does the same by going through lists, to compare the real one with.
//! - [`endurance`]: a real node in a process of its own, and everything that floods it.
//! - [`lab`]: what an adversary learns of transactions in a network of thousands of nodes.
//! - [`stats`]: whether two recordings can be told apart.
//!
//! But for [`endurance`] nothing here reads a clock or an ambient generator: a seed decides
//! everything, and the same seed gives the same trace, byte for byte.

pub mod audit;
pub mod chaos;
pub mod endurance;
pub mod flow;
pub mod invariant;
pub mod lab;
pub mod model;
pub mod net;
pub mod stats;
