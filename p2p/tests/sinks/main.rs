//! Zones that find each other's keys, seal to sinks and gather there.

mod gathering;
mod keys;
#[path = "../kit/mod.rs"]
mod kit;
mod net;
mod noise;
