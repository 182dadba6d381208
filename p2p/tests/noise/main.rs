//! A zone with white noise: what it stems leaves in frames, at their times, or goes another way.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

mod frames;
mod host;
#[path = "../kit/mod.rs"]
mod kit;
#[path = "../kit/peers.rs"]
mod peers;
mod seals;
mod stem;
