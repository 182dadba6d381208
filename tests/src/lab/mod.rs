//! What an adversary learns of transactions in a network of thousands of nodes, in virtual time.
//!
//! [`Experiment::run`] plays the production pool and router in every node, with floods reckoned
//! instead of played message by message; the [`Run`] holds what became of each payment, and what
//! spies, black holes and a listener saw of it. [`paper`] repeats the first-spy experiment of the
//! Dandelion papers, to know that guesses are scored as they are there.
//!
//! What it does not model: blocks that arrive at different times, forks, peers that are not in sync,
//! and nodes that go away with what they hold.

mod chain;
mod diffusion;
mod experiment;
pub mod graph;
mod latency;
pub mod paper;
mod run;
mod sinks;
#[cfg(test)]
mod tests;
mod traffic;
mod world;

pub use experiment::Experiment;
pub use latency::Latency;
pub use run::{Fluff, Observer, Outcome, Passage, Run, Sight, StemMessage};
pub use traffic::{Payment, Traffic};
