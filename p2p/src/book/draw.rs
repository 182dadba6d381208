//! Which of the usable entries is tried next.

use std::collections::BTreeMap;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::addr::{NetGroup, PeerAddr};

use super::{Entry, State};

/// Draws a class, then a group, then an address; see [`Book::pick`](super::Book::pick).
pub(super) fn draw<R: Rng>(entries: &[&Entry], rng: &mut R) -> Option<PeerAddr> {
    let of = |state| entries.iter().copied().filter(move |entry| entry.state == state).collect();
    let [healthy, unknown, defunct]: [Vec<&Entry>; 3] =
        [State::Healthy, State::Unknown, State::Defunct].map(of);
    let class = match (healthy.is_empty(), unknown.is_empty()) {
        (false, false) if rng.random_ratio(1, 4) => unknown,
        (false, _) => healthy,
        (true, false) => unknown,
        (true, true) => defunct,
    };
    let mut groups: BTreeMap<NetGroup, Vec<PeerAddr>> = BTreeMap::new();
    for entry in class {
        groups.entry(entry.addr.group()).or_default().push(entry.addr);
    }
    let groups: Vec<_> = groups.into_values().collect();
    groups.choose(rng)?.choose(rng).copied()
}
