//! Each invariant notices a node that breaks it.

#![expect(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests may panic as tests may")]

mod bounded;
mod lossless;
mod ordered;
mod private;
mod prompt;
mod routed;
mod world;
