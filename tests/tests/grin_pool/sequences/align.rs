//! After each step both pools hold the same, or what one of them has more the other takes at once.

use std::collections::BTreeSet;

use scape_pool::Accepted;

use super::By;
use super::corpus::Set;
use super::faults::Fault;
use super::player::{Held, Player};
use super::rules::Rule;

/// How often the two are made equal: each round may take the ground from something.
const ROUNDS: usize = 8;

impl Player {
    /// Makes the two equal by telling each what the other has more.
    ///
    /// Rule *comes by itself*: what waited with us, what is left of an entry of which a part is
    /// public, what an undone block had held, and what we fluff, is in our pools without having
    /// been sent again. Grin must take each of them. `may_come` is all that can be of that kind.
    ///
    /// Rule *cache* (`reorg`): Grin has kept what was ever in its txpool, also what a block that is
    /// undone now had made impossible. We must take that when a peer tells us.
    ///
    /// Rule *heights* (`reorg`): Grin does not look at lock heights and maturity again when the
    /// chain is shorter than it was. We let those wait, and what depends on them.
    pub(super) fn align(&mut self, reorg: bool, mut may_come: Set) {
        for _ in 0..ROUNDS {
            let (ours, grin) = (self.ours_held(), self.grin_held());
            if sets(&ours) == sets(&grin) {
                self.held = ours;
                return;
            }
            self.held = ours.clone();
            let stuck = self.tell_grin(&ours, &may_come);
            self.require(reorg || stuck.is_empty(), &format!("Grin takes not: {stuck:?}"));
            let grin = self.grin_held();
            let more = |grin: &[Set], ours: &[Set]| -> Vec<Set> {
                grin.iter().filter(|set| !ours.contains(set)).cloned().collect()
            };
            let public = more(&grin.public, &ours.public);
            let stem = more(&grin.stem, &ours.stem);
            let more: Vec<_> = public.iter().chain(&stem).map(|s| self.corpus.names(s)).collect();
            self.require(reorg || more.is_empty(), &format!("Grin has more: {more:?}"));
            may_come.extend(public.iter().chain(&stem).flatten());
            public.iter().for_each(|set| self.tell_ours(set, false));
            stem.iter().for_each(|set| self.tell_ours(set, true));
        }
        self.require(false, "the two do not come together");
    }

    /// Tells Grin what we have more. Returns what it does not take.
    fn tell_grin(&mut self, ours: &Held, may_come: &Set) -> Vec<String> {
        let mut stuck = Vec::new();
        let public = ours.public.iter().map(|set| (set, false));
        for (set, stem) in public.chain(ours.stem.iter().map(|set| (set, true))) {
            let grin = self.grin_held();
            if if stem { grin.stem } else { grin.public }.contains(set) {
                continue;
            }
            self.require(set.is_subset(may_come), "something came out of nothing");
            let verdict = self.add_to_grin(set, stem);
            let names = self.corpus.names(set);
            self.note(format!("  to Grin, stem {stem}, {names:?}: {verdict:?}"));
            self.met(Rule::ComesByItself { stem });
            if verdict.is_err() {
                stuck.push(format!("{names:?}: {verdict:?}"));
            }
        }
        stuck
    }

    /// After a reorg: tells us what Grin has more. What we do not take leaves Grin, too.
    fn tell_ours(&mut self, set: &Set, stem: bool) {
        self.held = self.ours_held();
        let (faults, new) =
            self.with_view(stem, |view| (view.faults(set), view.grin_may_take(set)));
        let verdict = self.add_to_ours(set, stem, By::Peer);
        let names = self.corpus.names(set);
        self.note(format!("  to us, stem {stem}, {names:?}: {faults:?}, {verdict:?}"));
        if matches!(verdict, Ok(Accepted::Public | Accepted::Stem)) {
            let ours = self.ours_held();
            if !if stem { ours.stem } else { ours.public }.contains(set) {
                // A part of it came back with us: the rest is what was new to us.
                self.drop_from_grin(set, stem);
            }
            return self.met(Rule::Cache);
        }
        let mined = self.remembered.iter().any(|r| !r.set.is_disjoint(set));
        if mined && new {
            // Rule *replay* ([`super::compare`]): the cache forgets no less what is mined.
            self.met(Rule::Replay);
            return self.drop_from_grin(set, stem);
        }
        self.met(Rule::Heights);
        let explained = [
            Fault::Locked,
            Fault::Immature,
            Fault::Missing,
            // It lost to what came back with us and not with Grin.
            Fault::Conflict,
            Fault::OutputExists,
            Fault::PendingNrd,
        ];
        let explained = BTreeSet::from(explained);
        self.require(!faults.is_disjoint(&explained), "we do not take what Grin has kept");
        self.drop_from_grin(set, stem);
    }
}

fn sets(held: &Held) -> (BTreeSet<&Set>, BTreeSet<&Set>) {
    (held.public.iter().collect(), held.stem.iter().collect())
}
