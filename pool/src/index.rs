use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use scape_aggregate::{Commitment, Hash, ValidTx};

/// Where things are in a store, by a key that their transactions hold already: it is not kept a
/// second time.
#[derive(Debug)]
pub(crate) struct Index<K> {
    places: HashTable<Tagged>,
    key: fn(&ValidTx, usize) -> K,
    hasher: Hasher,
}

/// An element of an entry: the entry's place among all, and the element's in its list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) entry: u32,
    pub(crate) element: u32,
}

/// A place with bits of its key's hash that the table does not look at. Without them one search in
/// thirteen would follow the place of another key to a transaction that is in no cache.
#[derive(Debug)]
struct Tagged {
    place: Place,
    tag: u32,
}

/// What elements are found by.
pub(crate) trait Key: Eq {
    /// Eight bytes that hardly two keys share, and that are hard to share on purpose.
    fn short(&self) -> u64;
}

impl Key for Hash {
    fn short(&self) -> u64 {
        short(self.as_bytes())
    }
}

impl Key for Commitment {
    fn short(&self) -> u64 {
        short(self.as_bytes())
    }
}

/// Without the first byte, which for a commitment is 8 or 9.
fn short(bytes: &[u8]) -> u64 {
    bytes.get(1..9).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes)
}

impl<K: Key> Index<K> {
    /// An empty index by the key that a function reads off an element.
    pub(crate) fn by(key: fn(&ValidTx, usize) -> K) -> Self {
        Self { places: HashTable::new(), key, hasher: Hasher::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The place of the entry that has an element of this key.
    pub(crate) fn find<'a>(&self, key: &K, txs: impl Fn(u32) -> &'a ValidTx) -> Option<u32> {
        let hash = self.hasher.hash(key);
        let is_same =
            |other: &Tagged| other.tag == tag(hash) && self.key_at(&other.place, &txs) == *key;
        self.places.find(hash, is_same).map(|found| found.place.entry)
    }

    /// Adds an element; one with the same key that is there gives way.
    pub(crate) fn insert<'a>(&mut self, place: Place, txs: impl Fn(u32) -> &'a ValidTx) {
        let key = self.key_at(&place, &txs);
        let (read, hasher) = (self.key, &self.hasher);
        let key_at = |other: &Tagged| read(txs(other.place.entry), other.place.element as usize);
        let hash = hasher.hash(&key);
        let slot = self.places.entry(
            hash,
            |other| other.tag == tag(hash) && key_at(other) == key,
            |other| hasher.hash(&key_at(other)),
        );
        slot.insert(Tagged { place, tag: tag(hash) });
    }

    /// Removes an element of a transaction, unless another one has taken its key over.
    pub(crate) fn remove(&mut self, place: Place, tx: &ValidTx) {
        let hash = self.hasher.hash(&(self.key)(tx, place.element as usize));
        if let Ok(found) = self.places.find_entry(hash, |other| other.place == place) {
            found.remove();
        }
    }

    fn key_at<'a>(&self, place: &Place, txs: impl Fn(u32) -> &'a ValidTx) -> K {
        (self.key)(txs(place.entry), place.element as usize)
    }
}

/// Bits between those that choose a bucket, the low ones, and those that the table keeps, the seven
/// highest.
fn tag(hash: u64) -> u32 {
    (hash >> 25) as u32
}

/// Multiply-shift, `(a * x + b) / 2^64 mod 2^64` with secret `a` and `b` of 128 bits (Dietzfelbinger,
/// "Universal hashing and k-wise independent random variables via integer arithmetic without
/// primes", 1996): strongly universal, so nobody can choose elements that meet in one bucket.
#[derive(Debug)]
struct Hasher {
    a: u128,
    b: u128,
}

impl Hasher {
    /// With secrets of this process; no order that anyone sees depends on them.
    fn new() -> Self {
        let random = RandomState::new();
        let [a, b, c, d] = [0, 1, 2, 3].map(|half| u128::from(random.hash_one(half)));
        Self { a: a << 64 | b, b: c << 64 | d }
    }

    fn hash(&self, key: &impl Key) -> u64 {
        (self.a.wrapping_mul(key.short().into()).wrapping_add(self.b) >> 64) as u64
    }
}
