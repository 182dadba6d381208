//! Nodes that do not keep the protocol, one deviation each.

mod black_hole;

pub use black_hole::BlackHole;
