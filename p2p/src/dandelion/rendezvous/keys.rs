//! Which nodes may be sinks, and the messages about it.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::seq::IteratorRandom;

use super::Nominee;
use crate::addr::{MAX_UNKNOWN, NamesError, NetGroup, PeerAddr, put_addr, take, take_addr};
use crate::secure::PublicKey;

/// The byte of the message with a sealed transaction:
/// `key of the sink (32 bytes) ++ what is sealed`.
pub const SEALED_STEM: u8 = 225;

/// The byte of the message with keys: `count (u16) ++ count x (address ++ key (32 bytes))`, with
/// addresses as in [`PEER_NAMES`](crate::addr::PEER_NAMES).
pub const SINK_KEYS: u8 = 226;

/// The most keys that one message carries.
pub const MAX_KEYS: usize = 128;

/// The longest body of a message with keys, in bytes.
pub const MAX_KEYS_BODY: usize = 2 + MAX_KEYS * (1 + 1 + MAX_UNKNOWN + 2 + 32);

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

/// A node that may be a sink.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SinkKey {
    /// Where it listens.
    pub addr: PeerAddr,
    /// The key that it proves to have there.
    pub key: PublicKey,
}

/// Keys as the body of a message.
///
/// # Errors
/// [`NamesError::TooMany`], and [`NamesError::ZeroPort`], for what a reader would refuse.
pub fn encode_keys(keys: &[SinkKey]) -> Result<Vec<u8>, NamesError> {
    let count = u16::try_from(keys.len()).unwrap_or(u16::MAX);
    if keys.len() > MAX_KEYS {
        return Err(NamesError::TooMany(keys.len()));
    }
    let mut out = count.to_be_bytes().to_vec();
    for SinkKey { addr, key } in keys {
        put_addr(&mut out, addr)?;
        out.extend(key.0);
    }
    Ok(out)
}

/// Reads a body. Nodes of unknown networks are skipped.
///
/// # Errors
/// One [`NamesError`] per rule; one bad address spoils the message.
pub fn decode_keys(body: &[u8]) -> Result<Vec<SinkKey>, NamesError> {
    let mut rest = body;
    let count = usize::from(u16::from_be_bytes(take(&mut rest)?));
    if count > MAX_KEYS {
        return Err(NamesError::TooMany(count));
    }
    let mut keys = Vec::new();
    for _ in 0..count {
        let addr = take_addr(&mut rest)?;
        let key = PublicKey(take(&mut rest)?);
        keys.extend(addr.map(|addr| SinkKey { addr, key }));
    }
    match rest.len() {
        0 => Ok(keys),
        extra => Err(NamesError::Trailing(extra)),
    }
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
}

#[derive(Debug)]
struct Known {
    key: PublicKey,
    /// Of our chain, when this key was first heard of.
    height: u64,
    proven: bool,
    told_by: BTreeSet<NetGroup>,
    /// How often in a row it could not be reached.
    failures: u32,
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
            }
            _ => {
                self.remove(addr);
                let told_by = BTreeSet::new();
                self.insert(addr, Known { key, height, proven: true, told_by, failures: 0 });
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
        let told = |known: &&Known| !known.proven && known.told_by.iter().eq([&by]);
        if self.known.values().filter(told).count() >= MAX_TOLD {
            return false;
        }
        let (key, told_by) = (sink.key, BTreeSet::from([by]));
        self.insert(sink.addr, Known { key, height, proven: false, told_by, failures: 0 })
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
        if self.known.remove(&addr).is_none() {
            return;
        }
        let group = addr.group();
        if let Some(count) = self.of_group.get_mut(&group) {
            *count -= 1;
            if *count == 0 {
                self.of_group.remove(&group);
            }
        }
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

    /// A node that we only heard of, at random: one to connect to, to see whether it is true.
    pub fn unproven(&self, rng: &mut (impl Rng + ?Sized)) -> Option<PeerAddr> {
        let unproven = self.known.iter().filter(|(_, known)| !known.proven);
        unproven.map(|(addr, _)| *addr).choose(rng)
    }

    /// Keeps a node if there is room; what is proven takes the place of what is not.
    fn insert(&mut self, addr: PeerAddr, new: Known) -> bool {
        let group = addr.group();
        let crowded = self.of_group.get(&group).is_some_and(|count| *count >= MAX_OF_GROUP);
        if crowded || self.known.len() >= MAX_KNOWN {
            let gives_way = |(at, known): &(&PeerAddr, &Known)| {
                !known.proven && (!crowded || at.group() == group)
            };
            let worst = self.known.iter().find(gives_way).map(|(at, _)| *at);
            match worst.filter(|_| new.proven) {
                Some(worst) => self.remove(worst),
                None => return false,
            }
        }
        *self.of_group.entry(group).or_default() += 1;
        self.known.insert(addr, new);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;
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
        assert_eq!((keys.unproven(&mut rng), keys.sample(&mut rng).len()), (None, 0));
        (0..200).for_each(|group| keys.prove(sink(group, 1, 1), 0));
        keys.learn(sink(300, 1, 2), group(9), 0);
        let sample = keys.sample(&mut rng);
        assert_eq!(sample.len(), MAX_KEYS);
        assert!(sample.iter().all(|sink| sink.key == PublicKey([1; 32])));
        assert_eq!(keys.unproven(&mut rng), Some(addr(300, 1)));
        assert!(encode_keys(&sample).expect("as many as allowed").len() <= MAX_KEYS_BODY);
    }

    proptest! {
        #[test]
        fn keys_come_back_as_they_went(numbers in prop::collection::vec(any::<(u16, u16, u8)>(), 0..128)) {
            let keys: Vec<_> = numbers.into_iter().map(|(a, b, key)| sink(a, b, key)).collect();
            let body = encode_keys(&keys).expect("as many as allowed");
            prop_assert_eq!(decode_keys(&body), Ok(keys));
        }

        #[test]
        fn whatever_comes_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(keys) = decode_keys(&body) {
                prop_assert!(keys.len() <= MAX_KEYS);
            }
        }
    }
}
