//! How long messages take.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Latencies of links: log-normal over links, constant on each. A link needs no memory: its latency
/// follows from its ends and a seed.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// Half of all links are faster, in milliseconds one way, what both ends need for a message
    /// included.
    pub median_ms: f64,
    /// The standard deviation of its logarithm.
    pub sigma: f64,
}

impl Default for Latency {
    /// Round trips of the order that Bitcoin's and Monero's networks show, with 20 ms to verify.
    fn default() -> Self {
        Self { median_ms: 80.0, sigma: 0.6 }
    }
}

impl Latency {
    /// The time from one end to the other, the same both ways.
    pub fn of(&self, a: u32, b: u32, seed: u64) -> Duration {
        Duration::from_micros((self.millis(a, b, seed) * 1_000.0) as u64)
    }

    /// The same in milliseconds.
    pub(super) fn millis(&self, a: u32, b: u32, seed: u64) -> f64 {
        let (low, high) = (a.min(b), a.max(b));
        let bits = mix(mix(seed ^ u64::from(low)) ^ u64::from(high) << 32);
        self.median_ms * (self.sigma * normal(bits)).exp()
    }
}

/// Standard normal from 64 random bits (Box and Muller 1958).
fn normal(bits: u64) -> f64 {
    let unit = |bits: u64| ((bits & 0xffff_ffff) as f64 + 0.5) / 4_294_967_296.0;
    (-2.0 * unit(bits).ln()).sqrt() * (std::f64::consts::TAU * unit(bits >> 32)).cos()
}

/// The finaliser of SplitMix64.
pub(super) fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
