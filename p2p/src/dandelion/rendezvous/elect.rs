//! Who the sinks are, and how many.

use std::collections::BTreeMap;
use std::time::Duration;

use scape_aggregate::Hash;

use crate::addr::NetGroup;
use crate::secure::PublicKey;

/// A node that may be a sink.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Nominee {
    /// What is sealed to it.
    pub key: PublicKey,
    /// Where it is.
    pub group: NetGroup,
    /// The height of our chain when we first knew the key at that place.
    pub known: u64,
}

/// For how long sinks stay, and what chooses them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Epoch {
    /// The height of the block that chooses.
    pub height: u64,
    /// Its hash.
    pub seed: Hash,
}

/// How many sinks there should be, given the transactions of the whole network in a second, the
/// window of a sink and how many are to come in while it is open: as many as leave that `company` to
/// each, and at least one.
pub fn sink_count(per_second: f64, window: Duration, company: f64) -> usize {
    let count = per_second * window.as_secs_f64() / company;
    // A cast from floating point saturates, and makes zero of what is no number.
    (count as usize).max(1)
}

/// The sinks of an epoch, the best one first; fewer than `count` if there are not so many nominees.
///
/// Each group of addresses nominates the key of which the hash with the seed is the least, and the
/// groups are ranked by their hashes alike; only when all groups had their turn comes a second key
/// of the first. Keys that were not known before the block that chooses do not count. So every node
/// that knows the same keys finds the same sinks, and who does not know a few of them finds mostly
/// the same. O(n log n).
///
/// # Security
/// Keys cannot be made to fit the seed, since it is not known yet when they have to be. Who
/// has many keys in one group gains nothing over who has one; who has one in a share of all groups
/// holds that share of the sinks. Groups on Tor and I2P cost nothing, see [`NetGroup`]: there, one
/// adversary may become every sink.
///
/// A miner can throw away a block of which he does not like the hash, and loses its reward.
pub fn elect(
    nominees: impl IntoIterator<Item = Nominee>,
    epoch: &Epoch,
    count: usize,
) -> Vec<PublicKey> {
    let seed = epoch.seed.as_bytes();
    let mut groups: BTreeMap<NetGroup, Vec<(Hash, PublicKey)>> = BTreeMap::new();
    for Nominee { key, group, .. } in nominees.into_iter().filter(|n| n.known < epoch.height) {
        let hash = Hash::of(&[b"scape sink key", seed, &key.0]);
        groups.entry(group).or_default().push((hash, key));
    }
    let mut ranked = Vec::new();
    for (group, mut keys) in groups {
        let hash = Hash::of(&[b"scape sink group", seed, group.to_string().as_bytes()]);
        keys.sort_unstable();
        ranked.extend(keys.into_iter().enumerate().map(|(turn, (_, key))| (turn, hash, key)));
    }
    ranked.sort_unstable();
    // One key may be known at several places.
    let mut elected: Vec<PublicKey> = Vec::with_capacity(count.min(ranked.len()));
    for (_, _, key) in ranked {
        if elected.len() == count {
            break;
        }
        if !elected.contains(&key) {
            elected.push(key);
        }
    }
    elected
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::book::Group;

    const EPOCH: Epoch = Epoch { height: 100, seed: Hash([7; 32]) };

    fn epoch(number: u32) -> Epoch {
        Epoch { height: 100, seed: Hash::of(&[&number.to_be_bytes()]) }
    }

    fn group(number: u16) -> NetGroup {
        let [a, b] = number.to_be_bytes();
        NetGroup::Ip(Group::of(IpAddr::from([a, b, 0, 1])))
    }

    fn nominee(number: u32, group: NetGroup) -> Nominee {
        Nominee { key: PublicKey(Hash::of(&[&number.to_be_bytes()]).0), group, known: 50 }
    }

    /// A node in each group.
    fn nominees(count: u16) -> Vec<Nominee> {
        (0..count).map(|n| nominee(n.into(), group(0x0a00 + n))).collect()
    }

    #[test]
    fn there_are_as_many_sinks_as_find_company() {
        let window = Duration::from_secs(150);
        assert_eq!(sink_count(1.54 / 60.0, window, 1.9), 2);
        assert_eq!(sink_count(1.54 / 60.0, window, 2.5), 1);
        assert_eq!(sink_count(15.4 / 60.0, window, 1.9), 20);
        for nothing in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(sink_count(nothing, window, 1.9), 1);
        }
    }

    #[test]
    fn each_epoch_has_other_sinks_and_all_have_their_turn() {
        let nominees = nominees(50);
        let mut turns: BTreeMap<PublicKey, u32> = BTreeMap::new();
        for number in 0..2_000 {
            let sinks = elect(nominees.clone(), &epoch(number), 2);
            assert_eq!(sinks.len(), 2);
            sinks.into_iter().for_each(|key| *turns.entry(key).or_default() += 1);
        }
        // 80 each are expected, with a deviation of 9.
        assert_eq!(turns.len(), 50);
        assert!(turns.values().all(|turns| (40..130).contains(turns)), "{turns:?}");
    }

    #[test]
    fn many_keys_in_a_group_are_worth_one() {
        let honest = nominees(49);
        let crowd = (1_000..1_200).map(|n| nominee(n, group(9)));
        let all: Vec<_> = honest.iter().copied().chain(crowd.clone()).collect();
        let crowd: Vec<_> = crowd.map(|nominee| nominee.key).collect();
        let won =
            (0..2_000).filter(|n| crowd.contains(&elect(all.clone(), &epoch(*n), 1)[0])).count();
        assert!((15..75).contains(&won), "{won} of 2000, where 40 are fair");
    }

    #[test]
    fn second_keys_come_after_all_groups() {
        let near: Vec<_> = (0..5).map(|n| nominee(n, group(1))).collect();
        let all: Vec<_> = near.iter().copied().chain([nominee(9, group(2))]).collect();
        let sinks = elect(all, &EPOCH, 10);
        assert_eq!(sinks.len(), 6);
        assert!(sinks[..2].contains(&nominee(9, group(2)).key));
    }

    #[test]
    fn keys_made_after_the_seed_do_not_count() {
        let late = Nominee { known: EPOCH.height, ..nominee(1, group(1)) };
        assert_eq!(elect([late], &EPOCH, 3), []);
        let early = Nominee { known: EPOCH.height - 1, ..late };
        assert_eq!(elect([early], &EPOCH, 3), [early.key]);
        // The same key at two places is one sink.
        let twice = Nominee { group: group(2), ..early };
        assert_eq!(elect([early, twice], &EPOCH, 3), [early.key]);
    }

    proptest! {
        #[test]
        fn the_order_of_nominees_does_not_matter_and_a_stranger_moves_nobody_else(
            number: u32, shift in 0usize..30, missing in 0usize..30,
        ) {
            let all = nominees(30);
            let sinks = elect(all.clone(), &epoch(number), 5);
            let mut shuffled = all.clone();
            shuffled.rotate_left(shift);
            prop_assert_eq!(&elect(shuffled, &epoch(number), 5), &sinks);
            let gone = all[missing].key;
            let fewer = all.into_iter().filter(|nominee| nominee.key != gone);
            let others = elect(fewer, &epoch(number), 5);
            let kept: Vec<_> = sinks.into_iter().filter(|key| *key != gone).collect();
            prop_assert_eq!(&others[..kept.len()], &kept[..]);
        }
    }
}
