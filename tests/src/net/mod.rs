//! A virtual network: production zones, a ledger for each, links of any quality, blocks, adversaries.
//!
//! A [`Network`] owns everything and runs in one thread. Time is a number that jumps from event to
//! event; the order of simultaneous events is that of their making, and every random choice is
//! drawn from one seed, so a run is a function of its seed. [`Network::digest`] proves it.
//!
//! ```
//! use std::time::Duration;
//! use scape_aggregate::{ChainType, Consensus};
//! use scape_tests::{flow::Flow, net::{Network, NetworkConfig, NodeSpec, NodeId}};
//!
//! let consensus = Consensus::of(ChainType::Mainnet);
//! let mut flow = Flow::new(consensus, 1, 10);
//! let config = NetworkConfig::new(consensus, 1).genesis(flow.genesis());
//! let mut net = Network::assumed(config);
//! for index in 0..3_usize {
//!     net.add(NodeSpec::new(consensus).dials([NodeId((index + 1) % 3)]));
//! }
//! net.run_for(Duration::from_secs(5));
//! net.push(NodeId(0), flow.tx().as_transaction().clone(), false);
//! net.run_for(Duration::from_secs(100));
//! net.mine(NodeId(1));
//! net.run_for(Duration::from_secs(5));
//! assert_eq!(net.node(NodeId(2)).ledger().kernel_count(), 1);
//! ```
//!
//! What is real: zones with their pools, routers, books and offences; ledgers with forks; on request
//! the verifier and the codec. What is not: handshakes (the result is made up directly), pacing and
//! floods, which belong to the glue, and encryption: two nodes that can encrypt count as encrypted, and
//! frames of white noise between them are as they are before they are sealed; a broken link is noticed at once, where a real one may run
//! into a timeout first.

mod act;
pub mod adversary;
mod behaviour;
mod blocks;
mod clock;
mod config;
mod drive;
mod event;
mod frames;
mod link;
mod log;
mod network;
mod node;
mod outbox;
mod topology;
mod verify;
mod watch;
mod wire;

pub use adversary::BlackHole;
pub use behaviour::{Behaviour, Honest, Mute, Pass, Scope};
pub use clock::Clock;
pub use config::{LinkConfig, Mining, NetworkConfig, NodeSpec};
pub use log::{Entry, Observation};
pub use network::{Disk, Network};
pub use node::{Node, NodeId, Received};
pub use topology::{line, random_graph, ring};
pub use verify::{Assume, Verify};
pub use watch::{Happening, Watch};
pub use wire::Wire;
