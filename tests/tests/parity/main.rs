//! Scape and Grin agree on every transaction: on its bytes, its JSON, its hashes, its figures, what
//! it merges to, and whether it is valid. Grin's own crates are the yardstick.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

mod codec;
mod genesis;
mod grin;
mod json;
mod merge;
mod planner;
mod sample;
mod structure;
mod verdict;
mod verifier;
