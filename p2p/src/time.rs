//! Time as an argument: the pool's instant serves the whole crate.

pub use scape_pool::Instant;
