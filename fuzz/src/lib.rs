//! What the fuzz targets do with their bytes, and the seeds they start from.
//!
//! A target is a function of bytes that panics if something is wrong. Run all for a moment with
//! `.ci/fuzz-smoke`, one for long with `cargo fuzz run -s none <target>`, and the seeds once with
//! `cargo test --manifest-path fuzz/Cargo.toml --lib`.
//!
//! Targets that read text or frames have a dictionary of the words that these are made of.
//! `aggregate_ops` and `pool_ops` have none: each of their bytes chooses something, and any value
//! of it is as good as another. `noise_frames` and `noise_handshake` have none for the same reason,
//! and since nothing that is encrypted can be guessed.

mod chain;
pub mod noise;
pub mod operations;
pub mod pool;
pub mod proxies;
pub mod relay;
pub mod seeds;
pub mod settings;
pub mod transaction;
pub mod wire;

use scape_aggregate::{ChainType, Consensus, ProtocolVersion};

/// A target: its name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 12] = [
    ("tx_decode_diff", transaction::decode_like_grin),
    ("tx_json", transaction::json_like_grin),
    ("wire_stream", wire::cut_anywhere),
    ("handshake", wire::shake_hands),
    ("stem_message", relay::relay),
    ("config", settings::read),
    ("aggregate_ops", operations::operate),
    ("pool_ops", pool::live),
    ("noise_frames", noise::reassemble),
    ("noise_handshake", noise::shake_hands),
    ("socks", proxies::socks),
    ("sam", proxies::sam),
];

/// The versions of the wire that differ, and the one that we speak.
pub const VERSIONS: [ProtocolVersion; 4] =
    [ProtocolVersion::V1, ProtocolVersion::V2, ProtocolVersion::V3, ProtocolVersion::LOCAL];

/// The chain whose limits a fuzzer can reach.
pub const SMALL: Consensus = Consensus { chain: ChainType::AutomatedTesting, nrd: true };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_passes() {
        for (name, seed) in seeds::all() {
            let (_, target) = TARGETS.iter().find(|(target, _)| *target == name).expect("known");
            target(&seed);
        }
    }

    #[test]
    fn every_target_has_seeds() {
        let seeds = seeds::all();
        for (target, _) in TARGETS {
            assert!(seeds.iter().filter(|(name, _)| *name == target).count() >= 3, "{target}");
        }
    }
}
