//! What an adversary learns of transactions in a network of thousands of nodes, in virtual time.
//!
//! [`Experiment::run`] plays the production pool and router in every node, with floods reckoned
//! instead of played message by message; the [`Run`] holds what became of each payment, and what
//! spies, black holes and a listener saw of it. [`paper`] repeats the first-spy experiment of the
//! Dandelion papers, to know that guesses are scored as they are there.
//!
//! What it does not model: blocks that arrive at different times, forks, peers that are not in sync,
//! and nodes that go away with what they hold.

pub mod adversary;
pub mod calibrate;
mod chain;
mod diffusion;
pub mod election;
mod experiment;
mod flags;
mod flood;
pub mod graph;
mod histogram;
mod latency;
pub mod paper;
pub mod pareto;
mod population;
pub mod report;
mod results;
pub mod risks;
mod run;
pub mod scale;
mod seeds;
mod setup;
#[cfg(test)]
mod sink_tests;
mod sinks;
mod tally;
#[cfg(test)]
mod tests;
mod traffic;
mod world;

pub use experiment::Experiment;
pub use flags::{Flags, FlagsError};
pub use histogram::Histogram;
pub use latency::Latency;
pub use results::{MergeError, Progress, Results};
pub use run::{Fluff, Observer, Outcome, Passage, Run, Sight, StemMessage};
pub use seeds::{Seeds, SeedsError};
pub use setup::{Adversary, Network, Setup, SetupError};
pub use tally::{Guessed, Linked, Tally};
pub use traffic::{Payment, Traffic};
