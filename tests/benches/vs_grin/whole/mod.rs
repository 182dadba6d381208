//! The whole path: a real node with its sockets, its engine and its pool, and peers that talk to it
//! over loopback TCP.
//!
//! The node is configured as `scape run` has it by default, and runs in a runtime of its own. Peers
//! are threads with blocking sockets, in this process: on a machine with few cores they take time
//! from the node, which peers elsewhere would not.

mod flood;
mod latency;
mod peer;
mod relay;
mod throughput;

pub(crate) use flood::flood_p99;
pub(crate) use latency::Latency;
pub(crate) use throughput::{Throughput, loopback_1, loopback_8};
