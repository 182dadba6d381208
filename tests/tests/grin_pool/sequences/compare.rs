//! The rules by which the verdicts of both pools on one transaction must match, and by which they
//! may differ: each with its exact condition, and with what Grin is asked instead.

use std::collections::BTreeSet;

use grin_pool::PoolError;
use scape_pool::{Accepted, Refusal};

use super::By;
use super::corpus::Set;
use super::faults::{self, Fault};
use super::player::Player;
use super::rules::Rule;
use crate::node::No;

impl Player {
    /// Compares what we said with what Grin says, and leaves Grin as if it had been told what we
    /// made of it.
    pub(super) fn compare(&mut self, set: &Set, stem: bool, ours: Result<Accepted, No>) {
        self.note(format!("  {:?}: {ours:?}", self.corpus.names(set)));
        let remembered = self.remembered.iter().filter(|r| stem || !r.private);
        let remembered: Vec<_> = remembered.map(|r| r.set.clone()).collect();
        let mut public = self.held.public.clone();
        public.extend(remembered.iter().cloned());
        let known = overlap(set, &public);
        if !known.is_empty() {
            let in_blocks = !overlap(set, &remembered).is_empty();
            return self.compare_known(set, stem, &public, in_blocks, ours);
        }
        let stempool = self.held.stem.clone();
        if stem && !overlap(set, &stempool).is_empty() {
            return self.compare_held(set, &stempool, ours);
        }
        let grin = self.add_to_grin_unless_it_differs(set, stem);
        self.compare_new(set, stem, &ours, &grin);
    }

    /// Rule *known*: who knows all of it refuses it.
    /// Rule *replay*: Grin forgets what is mined. When its inputs exist again it would take it as
    /// something new; that is a replay of what was paid before, and we remember recent blocks.
    /// Rule *overlap*: of what is known in other company nobody can take the rest.
    /// Rule *subtract*: we take the rest of what is known in part, wherever it can be told apart.
    /// Grin does so for what is fluffed, by what is in its pool (we also by recent blocks), and not
    /// where an output of the one was cut through by the other.
    fn compare_known(
        &mut self,
        set: &Set,
        stem: bool,
        public: &[Set],
        in_blocks: bool,
        ours: Result<Accepted, No>,
    ) {
        let known = overlap(set, public);
        let rest: Set = set.difference(&known).copied().collect();
        let whole = self.ask_grin(set, stem);
        // Of what is fluffed Grin first subtracts what is in its pool.
        let mined: Set = set - &overlap(set, &self.held.public);
        let forgotten = if stem { set } else { &mined };
        let replay = in_blocks && self.with_view(stem, |view| view.grin_may_take(forgotten));
        if replay {
            self.met(Rule::Replay);
        }
        if rest.is_empty() {
            self.met(Rule::Known);
            self.require(Self::refused(&ours, Refusal::Known), "all of it is known");
            return self.require(replay || whole.is_err(), "Grin takes what it knows");
        }
        if !separable(set, public) || self.is_lost(set, &known, &rest) {
            self.met(Rule::Overlap { stem });
            self.require(Self::refused(&ours, Refusal::Overlap), "it overlaps");
            return self.require(replay || whole.is_err(), "Grin takes an overlap");
        }
        self.met(Rule::Subtract { stem, held: false });
        if stem || in_blocks || !self.is_difference(set, &known, &rest) {
            self.require(replay || whole.is_err(), "Grin subtracts where it did not");
        } else {
            let alone = self.ask_grin(&rest, stem);
            self.require(whole.is_ok() == alone.is_ok(), "Grin's rest is another one");
        }
        self.compare(&rest, stem, ours);
    }

    /// Rule *loop*: what is in the stempool already and comes back is looked at once more, so that
    /// the sender learns nothing; Grin fluffs it at once. Then to us it is fluffed by a peer.
    /// Rule *subtract*, and rule *overlap*: as above, for the stempool, where Grin does not
    /// subtract.
    fn compare_held(&mut self, set: &Set, stempool: &[Set], ours: Result<Accepted, No>) {
        let held = overlap(set, stempool);
        let rest: Set = set.difference(&held).copied().collect();
        let inside_one = stempool.iter().any(|entry| set.is_subset(entry));
        if rest.is_empty() && (separable(set, stempool) || inside_one) {
            self.met(Rule::Loop);
            self.require(ours == Ok(Accepted::Loop), "it is no loop");
            if !stempool.contains(set) {
                let grin = self.ask_grin(set, true);
                return self.require(grin.is_err(), "Grin knows it in other company");
            }
            let grin = self.add_to_grin(set, true);
            let ours = self.add_to_ours(set, false, By::Peer);
            self.note(format!("  and fluffed: {ours:?}"));
            return self.compare_new(set, false, &ours, &grin);
        }
        let grin = self.ask_grin(set, true);
        self.require(grin.is_err(), "Grin takes on the stem what it has in part");
        if !separable(set, stempool) || self.is_lost(set, &held, &rest) {
            self.met(Rule::Overlap { stem: true });
            return self.require(Self::refused(&ours, Refusal::Overlap), "it overlaps");
        }
        self.met(Rule::Subtract { stem: true, held: true });
        self.compare(&rest, true, ours);
    }

    /// Rule *features*: Grin looks up the features of inputs itself and never compares them with
    /// what the inputs say; we do, since nodes of protocol version 2 would pass the lie on.
    /// Rule *recreate*: Grin may take an output that exists if something pending spends the
    /// existing one, since the two cut each other through; whoever sees only one of the two
    /// transactions would refuse the other, so we do.
    fn add_to_grin_unless_it_differs(&mut self, set: &Set, stem: bool) -> Result<(), PoolError> {
        let (faults, either) =
            self.with_view(stem, |view| (view.faults(set), view.grin_may_take(set)));
        let features = BTreeSet::from([Fault::Features]);
        if faults == features {
            self.met(Rule::Features);
            let verdict = self.ask_grin(set, stem);
            self.require(verdict.is_ok(), "Grin compares features");
            return Err(PoolError::Other("features".into()));
        }
        if !faults.is_empty() && either {
            self.met(Rule::Recreate);
            let _either = self.ask_grin(set, stem);
            return Err(PoolError::Other("output".into()));
        }
        self.add_to_grin(set, stem)
    }

    /// Neither has any of it. Both take it if nothing is wrong with it, and else name something
    /// that is wrong with it.
    ///
    /// Rule *orphan*: if nothing is wrong but that an input does not exist (yet), it waits with us.
    fn compare_new(
        &mut self,
        set: &Set,
        stem: bool,
        ours: &Result<Accepted, No>,
        grin: &Result<(), PoolError>,
    ) {
        let faults = self.with_view(stem, |view| view.faults(set));
        self.note(format!("  {faults:?}: Grin {grin:?}"));
        faults.iter().for_each(|fault| self.met(Rule::Refused(*fault)));
        match ours {
            Ok(Accepted::Orphan) => self.met(Rule::Orphan { stem }),
            Ok(_) => self.met(Rule::Taken { stem }),
            Err(_) => {}
        }
        let missing = faults == BTreeSet::from([Fault::Missing]);
        let right = match ours {
            Ok(Accepted::Stem) => stem && faults.is_empty(),
            Ok(Accepted::Public) => !stem && faults.is_empty(),
            Ok(Accepted::Orphan) => missing,
            // It waits already.
            Err(No::Pool(Refusal::Known)) => missing && self.has_orphans(),
            Err(No::Pool(refusal)) => {
                faults::of_ours(*refusal).is_some_and(|fault| faults.contains(&fault))
            }
            Ok(Accepted::Loop | Accepted::Rival | Accepted::Held) | Err(_) => false,
        };
        self.require(right, "our verdict");
        let right = match grin {
            Ok(()) => faults.is_empty(),
            Err(PoolError::Other(what)) if what == "features" || what == "output" => true,
            Err(error) => faults::of_grin(error).iter().any(|fault| faults.contains(fault)),
        };
        self.require(right, "Grin's verdict");
    }

    /// Whether the rest creates what the known part spends: the aggregate shows neither, so the
    /// proof of that output is lost. Or one of the two alone is no transaction: two of it spend or
    /// create the same, and one of these is cut through by the other.
    fn is_lost(&self, whole: &Set, known: &Set, rest: &Set) -> bool {
        !self.corpus.ends(known).0.is_subset(&self.corpus.ends(whole).0)
            || self.corpus.merge(rest).is_none()
            || self.corpus.merge(known).is_none()
    }

    /// Whether the ends of the rest are those of the whole that are not of the known part, which
    /// is how Grin works them out. It is not if one of the two spends what the other creates.
    fn is_difference(&self, whole: &Set, known: &Set, rest: &Set) -> bool {
        let (whole, known) = (self.corpus.ends(whole), self.corpus.ends(known));
        (&whole.0 - &known.0, &whole.1 - &known.1) == self.corpus.ends(rest)
    }
}

/// What of a set is in any of the entries.
fn overlap(set: &Set, entries: &[Set]) -> Set {
    set.iter().filter(|atom| entries.iter().any(|entry| entry.contains(atom))).copied().collect()
}

/// Whether each entry is wholly in the set or not at all.
fn separable(set: &Set, entries: &[Set]) -> bool {
    entries.iter().all(|entry| entry.is_subset(set) || entry.is_disjoint(set))
}
