//! Which nodes may be sinks, how that is told to peers, and how it is kept over a restart.

mod body;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::seq::IteratorRandom;

use super::Nominee;
use crate::addr::{NetGroup, PeerAddr};
use crate::secure::PublicKey;

pub use body::{MAX_KEYS, MAX_KEYS_BODY, SEALED_STEM, SINK_KEYS, decode_keys, encode_keys};
pub use text::MAX_KEYS_TEXT;

/// How many nodes are kept.
const MAX_KNOWN: usize = 8_192;
/// How many nodes of one group of addresses are kept.
const MAX_OF_GROUP: usize = 64;
/// How many nodes are kept that only peers of one group told us of.
const MAX_TOLD: usize = 2_048;
/// Peers of so many groups must say the same before it is believed.
const VOUCHERS: usize = 3;
/// After so many failures in a row a node is no sink any more.
const MAX_FAILURES: u32 = 3;
/// For how many blocks a proof is good: four hours on Grin.
const RECHECK_BLOCKS: u64 = 240;

/// A node that may be a sink.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SinkKey {
    /// Where it listens.
    pub addr: PeerAddr,
    /// The key that it proves to have there.
    pub key: PublicKey,
}

/// The nodes that may be sinks, as far as they are known. Bounded.
///
/// # Security
/// A key counts if its node proved it to us when we connected, or if peers of several groups, all
/// chosen by us, say that it did so to them. Else anybody could claim keys at the addresses of
/// others, be every sink, and swallow all.
#[derive(Debug, Default)]
pub struct Keys {
    known: BTreeMap<PeerAddr, Known>,
    of_group: BTreeMap<NetGroup, usize>,
    /// How many that are not proven peers of a group were the first to tell of.
    told: BTreeMap<NetGroup, usize>,
}

#[derive(Debug)]
struct Known {
    key: PublicKey,
    /// Of our chain, when this key was first heard of.
    height: u64,
    proven: bool,
    told_by: BTreeSet<NetGroup>,
    /// Whose room it takes up, as long as it is not proven.
    first: Option<NetGroup>,
    /// How often in a row it could not be reached.
    failures: u32,
    /// The height of our chain at the last proof.
    seen: u64,
}

impl Known {
    fn counts(&self) -> bool {
        self.proven || self.told_by.len() >= VOUCHERS
    }
}

impl Keys {
    /// How many nodes may be sinks.
    pub fn len(&self) -> usize {
        self.nominees().count()
    }

    /// Whether no node may be a sink.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A node that we connected to proved its key, at this height of our chain. Another key that it
    /// had before is forgotten.
    pub fn prove(&mut self, SinkKey { addr, key }: SinkKey, height: u64) {
        match self.known.get_mut(&addr) {
            Some(known) if known.key == key => {
                known.proven = true;
                known.failures = 0;
                known.seen = height;
                // Of a chain that is shorter now than it was.
                known.height = known.height.min(height);
                let first = known.first.take();
                first.into_iter().for_each(|group| uncount(&mut self.told, group));
            }
            _ => {
                self.remove(addr);
                let (told_by, first) = (BTreeSet::new(), None);
                self.insert(
                    addr,
                    Known { key, height, proven: true, told_by, first, failures: 0, seen: height },
                );
            }
        }
    }

    /// A peer of this group, which we chose, says that a node proved a key to it. What was proven to
    /// us, and what was heard first, is not changed by it. Returns whether anything new was kept.
    pub fn learn(&mut self, sink: SinkKey, by: NetGroup, height: u64) -> bool {
        if let Some(known) = self.known.get_mut(&sink.addr) {
            let agrees = known.key == sink.key && known.told_by.len() < VOUCHERS;
            return agrees && known.told_by.insert(by);
        }
        let (key, told_by, first) = (sink.key, BTreeSet::from([by]), Some(by));
        let new = Known { key, height, proven: false, told_by, first, failures: 0, seen: 0 };
        self.has_share(&new) && self.insert(sink.addr, new)
    }

    /// A node could not be reached. What was only heard of it is forgotten; a node that proved its
    /// key may be away for a moment, and others still count on it.
    pub fn fail(&mut self, addr: PeerAddr) {
        let Some(known) = self.known.get_mut(&addr) else { return };
        known.failures += 1;
        if !known.proven || known.failures >= MAX_FAILURES {
            self.remove(addr);
        }
    }

    /// A node has no key any more.
    pub fn remove(&mut self, addr: PeerAddr) {
        let Some(known) = self.known.remove(&addr) else { return };
        uncount(&mut self.of_group, addr.group());
        known.first.into_iter().for_each(|group| uncount(&mut self.told, group));
    }

    /// The nodes to elect sinks from.
    pub fn nominees(&self) -> impl Iterator<Item = Nominee> {
        let counting = self.known.iter().filter(|(_, known)| known.counts());
        counting.map(|(addr, known)| Nominee {
            key: known.key,
            group: addr.group(),
            known: known.height,
        })
    }

    /// Where the node with this key is. O(number of nodes).
    pub fn addr_of(&self, key: &PublicKey) -> Option<PeerAddr> {
        let mut known = self.known.iter().filter(|(_, known)| known.counts());
        known.find(|(_, known)| known.key == *key).map(|(addr, _)| *addr)
    }

    /// What to tell a peer: some of those that were proven to us, at random.
    pub fn sample(&self, rng: &mut (impl Rng + ?Sized)) -> Vec<SinkKey> {
        let proven = self.known.iter().filter(|(_, known)| known.proven);
        proven.map(|(addr, known)| SinkKey { addr: *addr, key: known.key }).sample(rng, MAX_KEYS)
    }

    /// A node that we only heard of, or that has proven its key long ago, at random: one to connect
    /// to, to see whether it is true.
    pub fn doubtful(&self, height: u64, rng: &mut (impl Rng + ?Sized)) -> Option<PeerAddr> {
        let doubtful =
            |known: &Known| !known.proven || height.saturating_sub(known.seen) > RECHECK_BLOCKS;
        let doubtful = self.known.iter().filter(|(_, known)| doubtful(known));
        doubtful.map(|(addr, _)| *addr).choose(rng)
    }

    /// Whether the group that was the first to tell of it has not told of too many.
    fn has_share(&self, new: &Known) -> bool {
        let told = new.first.and_then(|group| self.told.get(&group));
        told.is_none_or(|told| *told < MAX_TOLD)
    }

    fn has_room(&self, group: NetGroup) -> bool {
        self.known.len() < MAX_KNOWN && !self.is_crowded(group)
    }

    fn is_crowded(&self, group: NetGroup) -> bool {
        self.of_group.get(&group).is_some_and(|count| *count >= MAX_OF_GROUP)
    }

    /// Keeps a node if there is room; what is proven takes the place of what is not.
    fn insert(&mut self, addr: PeerAddr, new: Known) -> bool {
        let group = addr.group();
        if !self.has_room(group) {
            let crowded = self.is_crowded(group);
            if !new.proven {
                return false;
            }
            let gives_way = |(at, known): &(&PeerAddr, &Known)| {
                !known.proven && (!crowded || at.group() == group)
            };
            let Some((worst, _)) = self.known.iter().find(gives_way) else { return false };
            self.remove(*worst);
        }
        *self.of_group.entry(group).or_default() += 1;
        new.first.into_iter().for_each(|group| *self.told.entry(group).or_default() += 1);
        self.known.insert(addr, new);
        true
    }
}

fn uncount(counts: &mut BTreeMap<NetGroup, usize>, group: NetGroup) {
    if let Some(count) = counts.get_mut(&group) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&group);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use rand::SeedableRng;
    use rand_chacha::ChaCha12Rng;

    use super::*;

    fn addr(group: u16, host: u16) -> PeerAddr {
        let ([a, b], [c, d]) = (group.to_be_bytes(), host.to_be_bytes());
        PeerAddr::from(SocketAddr::from(([a, b, c, d], 3_414)))
    }

    fn sink(group: u16, host: u16, key: u8) -> SinkKey {
        SinkKey { addr: addr(group, host), key: PublicKey([key; 32]) }
    }

    fn group(number: u16) -> NetGroup {
        addr(number, 1).group()
    }

    fn nominated(keys: &Keys) -> Vec<(PublicKey, u64)> {
        keys.nominees().map(|nominee| (nominee.key, nominee.known)).collect()
    }

    #[test]
    fn what_is_proven_counts_and_hearsay_only_from_several_groups() {
        let mut keys = Keys::default();
        keys.prove(sink(1, 1, 1), 10);
        assert_eq!(nominated(&keys), [(PublicKey([1; 32]), 10)]);
        for (by, new) in [(5, true), (5, false), (6, true)] {
            assert_eq!(keys.learn(sink(2, 1, 2), group(by), 20), new);
            assert_eq!(keys.len(), 1);
        }
        assert_eq!(keys.addr_of(&PublicKey([2; 32])), None);
        assert!(keys.learn(sink(2, 1, 2), group(7), 30));
        // It is as old as it was first heard of.
        assert_eq!(nominated(&keys).last(), Some(&(PublicKey([2; 32]), 20)));
        assert_eq!(keys.addr_of(&PublicKey([2; 32])), Some(addr(2, 1)));
        keys.remove(addr(2, 1));
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn no_hearsay_changes_what_is_known() {
        let mut keys = Keys::default();
        keys.prove(sink(1, 1, 1), 10);
        for by in 5..10 {
            assert!(!keys.learn(sink(1, 1, 9), group(by), 20));
        }
        assert_eq!(nominated(&keys), [(PublicKey([1; 32]), 10)]);
        // A new key is as old as its proof.
        keys.prove(sink(1, 1, 9), 30);
        keys.prove(sink(1, 1, 9), 40);
        assert_eq!(nominated(&keys), [(PublicKey([9; 32]), 30)]);
    }

    #[test]
    fn hearsay_is_bounded_and_gives_way_to_proofs() {
        let mut keys = Keys::default();
        for host in 0..100 {
            keys.learn(sink(1, host, 1), group(9), 0);
        }
        assert_eq!(keys.known.len(), MAX_OF_GROUP);
        keys.prove(sink(1, 1_000, 2), 0);
        assert_eq!((keys.known.len(), keys.len()), (MAX_OF_GROUP, 1));
        for number in 0..20_000 {
            keys.learn(sink(2 + number / 50, number, 1), group(9), 0);
        }
        assert_eq!(keys.known.len(), MAX_TOLD + 1, "one group has its share");
        for number in 0..20_000 {
            keys.learn(sink(2 + number / 50, number, 1), group(10 + number / 1_000), 0);
        }
        assert!(keys.known.len() <= MAX_KNOWN);
    }

    #[test]
    fn only_proofs_are_told_and_only_hearsay_is_tried() {
        let mut keys = Keys::default();
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        assert_eq!((keys.doubtful(0, &mut rng), keys.sample(&mut rng).len()), (None, 0));
        (0..200).for_each(|group| keys.prove(sink(group, 1, 1), 0));
        keys.learn(sink(300, 1, 2), group(9), 0);
        let sample = keys.sample(&mut rng);
        assert_eq!(sample.len(), MAX_KEYS);
        assert!(sample.iter().all(|sink| sink.key == PublicKey([1; 32])));
        assert_eq!(keys.doubtful(RECHECK_BLOCKS, &mut rng), Some(addr(300, 1)));
        // After a while all are tried again.
        keys.remove(addr(300, 1));
        assert_eq!(keys.doubtful(RECHECK_BLOCKS, &mut rng), None);
        keys.prove(sink(7, 1, 1), RECHECK_BLOCKS);
        let tried: BTreeSet<_> =
            (0..5_000).filter_map(|_| keys.doubtful(RECHECK_BLOCKS + 1, &mut rng)).collect();
        assert!(tried.len() == 199 && !tried.contains(&addr(7, 1)), "{}", tried.len());
        assert!(encode_keys(&sample).expect("as many as allowed").len() <= MAX_KEYS_BODY);
    }
}
