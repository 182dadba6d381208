//! How often an adversary is elected for a sink: with many keys, in many groups of addresses, or as
//! a miner who throws away blocks that choose somebody else.
//!
//! The production election is played; nothing else has a part in it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::Hash;
use scape_p2p::addr::NetGroup;
use scape_p2p::book::Group;
use scape_p2p::dandelion::rendezvous::{Epoch, Nominee, elect};
use scape_p2p::secure::PublicKey;

/// Who takes part.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Candidacy {
    /// Honest nodes, one key each.
    pub nodes: u32,
    /// The groups of addresses that these are in, alike.
    pub groups: u32,
    /// Keys of the adversary.
    pub keys: u32,
    /// The groups that those are in, which hold no honest node.
    pub key_groups: u32,
    /// The share of all blocks that the adversary mines.
    pub mines: f64,
    /// Whether his keys were made when the block that chooses was known.
    pub late: bool,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Elected {
    /// The share of epochs of which the adversary was the first sink.
    pub share: f64,
    /// What it should be: his share of the groups, and for a miner who throws blocks away until he
    /// is elected or somebody else finds the next one, `s / (1 - m + m s)`.
    pub expected: f64,
    /// Blocks that he threw away, for an epoch.
    pub thrown_away: f64,
}

/// The height that chooses.
const HEIGHT: u64 = 1_000;

impl Candidacy {
    /// Who is elected in so many epochs. O(epochs x keys).
    pub fn play(&self, epochs: u32, seed: u64) -> Elected {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let honest = (0..self.nodes).map(|n| nominee(n, n % self.groups.max(1), 0));
        let known = if self.late { HEIGHT } else { 0 };
        let keys = 0..self.keys;
        let corrupt =
            keys.map(|n| nominee(self.nodes + n, self.groups + n % self.key_groups.max(1), known));
        let nominees: Vec<Nominee> = honest.chain(corrupt).collect();
        let (mut won, mut thrown_away) = (0u32, 0u32);
        for _ in 0..epochs {
            loop {
                let epoch = Epoch { height: HEIGHT, seed: Hash::of(&[&rng.random::<[u8; 32]>()]) };
                let first = elect(nominees.iter().copied(), &epoch, 1);
                let is_his = first.first().is_some_and(|key| number(key) >= self.nodes);
                let throws = !is_his && rng.random::<f64>() < self.mines;
                won += u32::from(is_his);
                thrown_away += u32::from(throws);
                if !throws {
                    break;
                }
                // Who keeps losing keeps throwing, and is paid for nothing.
            }
        }
        let of = |count: u32| f64::from(count) / f64::from(epochs.max(1));
        Elected { share: of(won), expected: self.expected(), thrown_away: of(thrown_away) }
    }

    fn expected(&self) -> f64 {
        if self.late || self.keys == 0 {
            return 0.0;
        }
        let groups = f64::from(self.key_groups.min(self.keys));
        let share = groups / (groups + f64::from(self.groups.min(self.nodes)));
        share / (1.0 - self.mines + self.mines * share)
    }
}

fn nominee(number: u32, group: u32, known: u64) -> Nominee {
    let [a, b, c, d] = group.to_be_bytes();
    let (first, second) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let ip = Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 1);
    let mut key = [0; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    Nominee { key: PublicKey(key), group: NetGroup::Ip(Group::of(IpAddr::V6(ip))), known }
}

fn number(key: &PublicKey) -> u32 {
    let [a, b, c, d, ..] = key.0;
    u32::from_be_bytes([a, b, c, d])
}

/// Honest nodes, and their groups, in the table.
const HONEST: (u32, u32) = (600, 300);

/// What is tried: a name and who takes part.
fn rows() -> Vec<(&'static str, Candidacy)> {
    let (nodes, groups) = HONEST;
    let fair = Candidacy { nodes, groups, keys: 1, key_groups: 1, mines: 0.0, late: false };
    let keys = |keys, key_groups| Candidacy { keys, key_groups, ..fair };
    let miner = |mines| Candidacy { mines, ..keys(30, 30) };
    vec![
        ("one key", fair),
        ("64 keys in one group", keys(64, 1)),
        ("1,000 keys in one group", keys(1_000, 1)),
        (
            "1,000 keys that were made to fit the block",
            Candidacy { late: true, ..keys(1_000, 1_000) },
        ),
        ("30 keys in as many groups", keys(30, 30)),
        ("100 keys in as many groups", keys(100, 100)),
        ("300 keys in as many groups", keys(300, 300)),
        ("30 keys in as many groups, mines 10%", miner(0.1)),
        ("30 keys in as many groups, mines 30%", miner(0.3)),
        ("30 keys in as many groups, mines 50%", miner(0.5)),
    ]
}

/// Plays so many epochs of each, and gives the table as CSV.
pub fn table(
    epochs: u32,
    mut progress: impl FnMut(&str, &Elected),
) -> BTreeMap<&'static str, String> {
    let mut csv = "adversary,elected,expected,blocks_thrown_away\n".to_owned();
    for (name, candidacy) in rows() {
        let elected = candidacy.play(epochs, 1);
        progress(name, &elected);
        let Elected { share, expected, thrown_away } = elected;
        // Writing to a string never fails.
        let _ = writeln!(csv, "\"{name}\",{share:.4},{expected:.4},{thrown_away:.3}");
    }
    BTreeMap::from([("election.csv", csv)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAIR: Candidacy =
        Candidacy { nodes: 60, groups: 30, keys: 10, key_groups: 10, mines: 0.0, late: false };
    const EPOCHS: u32 = 1_500;

    fn check(candidacy: Candidacy) -> Elected {
        let elected = candidacy.play(EPOCHS, 1);
        let deviation = (elected.expected * (1.0 - elected.expected) / f64::from(EPOCHS)).sqrt();
        let difference = (elected.share - elected.expected).abs();
        assert!(difference <= 3.5 * deviation, "{candidacy:?}: {elected:?}");
        elected
    }

    #[test]
    fn groups_count_and_keys_do_not() {
        assert_eq!(check(FAIR).expected, 0.25);
        let crowd = check(Candidacy { keys: 300, key_groups: 1, ..FAIR });
        assert!((crowd.expected - 1.0 / 31.0).abs() < 1e-9);
    }

    #[test]
    fn keys_that_fit_the_block_come_too_late() {
        let late = Candidacy { keys: 300, key_groups: 300, late: true, ..FAIR }.play(EPOCHS, 1);
        assert_eq!(late.share, 0.0);
    }

    #[test]
    fn a_miner_gains_what_it_throws_away() {
        let miner = check(Candidacy { mines: 0.4, ..FAIR });
        assert!((miner.expected - 0.25 / 0.7).abs() < 1e-9);
        assert!(miner.thrown_away > 0.3, "{miner:?}");
        assert_eq!(check(FAIR).thrown_away, 0.0);
    }
}
