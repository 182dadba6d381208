//! Several zones in one node: what crosses from one to another, and what does not, whatever happens
//! to the ways.

mod apart;
mod bridge;
mod crossing;
#[cfg(target_os = "linux")]
mod daemons;
mod faults;
#[path = "../kit/mod.rs"]
mod kit;
mod known;
mod onions;
mod prober;
mod relay;
#[cfg(target_os = "linux")]
mod sockets;
mod waiting;
#[path = "../kit/zone.rs"]
mod zone;
