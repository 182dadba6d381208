//! First spies who also follow what they cannot read.
//!
//! Relays that spy tell each other which sealed transactions passed, from whom and to which sink.
//! Where the sink is a spy as well, that is as good as if all had read it. Else they know when the
//! sink fluffed, and what it fluffed together: each payment in it is one of the sealed transactions
//! that came to it within a window before, and they saw some of those pass.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha12Rng;
use scape_p2p::dandelion::Params;

use super::first_spy;
use crate::lab::paper::Guess;
use crate::lab::{Observer, Passage, Run};

/// How long something may be on its way to a sink.
const CARRIAGE: Duration = Duration::from_secs(15);

/// A guess for each payment of an honest node; as [`first_spy::guesses`] where nothing is sealed.
pub fn guesses(run: &Run, params: &Params, seed: u64) -> Vec<Guess> {
    let mut guesses = first_spy::guesses(run);
    let Some(rendezvous) = params.rendezvous else { return guesses };
    let mut first: BTreeMap<u32, &Passage> = BTreeMap::new();
    for passage in &run.passages {
        first.entry(passage.parcel).or_insert(passage);
    }
    let opened = run.passages.iter().filter(|passage| passage.spy == passage.sink);
    let opened: BTreeMap<_, _> = opened.map(|p| ((p.at, p.spy), p.parcel)).collect();
    let mut read = BTreeSet::new();
    for sight in &run.sights {
        let Observer::Relay(spy) = sight.observer else { continue };
        read.extend(sight.payments.iter().copied());
        if let Some(parcel) = opened.get(&(sight.at, spy)) {
            let sender = Some(first[parcel].from);
            sight.payments.iter().for_each(|payment| guesses[*payment as usize].1 = sender);
        }
    }
    let opened: BTreeSet<u32> = opened.into_values().collect();
    let window = rendezvous.pool.window + rendezvous.pool.spread + CARRIAGE;
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    for fluff in &run.fluffs {
        let came = |p: &&&Passage| {
            let ago = fluff.at.saturating_since(p.at);
            p.sink == fluff.node && p.at < fluff.at && ago <= window && !opened.contains(&p.parcel)
        };
        let mut senders: Vec<u32> = first.values().filter(came).map(|p| p.from).collect();
        let unread = fluff.payments.iter().filter(|payment| !read.contains(payment));
        let mut unread: Vec<u32> = unread.copied().collect();
        // Which belongs to which nobody can tell.
        senders.shuffle(&mut rng);
        unread.shuffle(&mut rng);
        for (payment, sender) in unread.into_iter().zip(senders) {
            guesses[payment as usize].1 = Some(sender);
        }
    }
    guesses
}
