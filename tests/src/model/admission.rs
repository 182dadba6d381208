//! How a transaction is let in.

use scape_aggregate::{Hash, ValidTx, deaggregate};
use scape_pool::{Accepted, Effect, FluffReason, Notice, Refusal, Source};

use super::entries::{
    Arrival, Awaits, Id, Part, Past, State, Stem, Why, creates, is_child, is_inside, kernels,
    overlaps, spends,
};
use super::rules::Fit;
use super::{Model, Rule, World};

type Verdict = Result<Accepted, Refusal>;

impl Model {
    /// As [`scape_pool::Pool::handle_stem`].
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn handle_stem(&mut self, tx: ValidTx, source: Source, world: &World) -> Verdict {
        let verdict = self.admit_stem(Arrival::new(tx.clone(), source), world);
        self.finish(tx, source, verdict, world)
    }

    /// As [`scape_pool::Pool::handle_sealed`].
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn handle_sealed(&mut self, tx: ValidTx, source: Source, world: &World) -> Verdict {
        let arrival = Arrival { sealed: true, ..Arrival::new(tx, source) };
        let verdict = self.admit_stem(arrival, world);
        self.settle(world);
        verdict
    }

    /// As [`scape_pool::Pool::handle_fluff`].
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn handle_fluff(&mut self, tx: ValidTx, source: Source, world: &World) -> Verdict {
        let verdict = self.admit_public(Arrival::new(tx.clone(), source), world);
        self.finish(tx, source, verdict, world)
    }

    fn finish(&mut self, tx: ValidTx, source: Source, verdict: Verdict, world: &World) -> Verdict {
        if source == Source::Own && verdict.is_ok() {
            self.push(tx, world);
        }
        self.settle(world);
        verdict
    }

    /// What follows, until nothing does.
    pub(super) fn settle(&mut self, world: &World) {
        self.retry_orphans(world);
        while self.fire_patience(world) || self.rescue(world) {
            self.retry_orphans(world);
        }
    }

    pub(super) fn admit_stem(&mut self, arrival: Arrival, world: &World) -> Verdict {
        let tx = self.without_public(&arrival.tx, true)?;
        let (rest, held) = self.without_held(&tx)?;
        let (source, sealed) = (arrival.source, arrival.sealed);
        let is_back =
            matches!(source, Source::Peer(_)) && !held.is_empty() && self.keeps(Rule::Loop);
        let back = is_back.then(|| self.revisit(&held, source, sealed, world));
        let Some(tx) = rest else { return Ok(Accepted::Loop) };
        let arrival = Arrival { tx, ..arrival };
        if let Some(awaits) = self.awaits(&arrival, true, world)? {
            return self.wait(arrival, true, awaits, world);
        }
        if !arrival.is_kept() && self.keeps(Rule::Full) && !self.has_stem_room(source) {
            return Err(Refusal::Full);
        }
        let Arrival { tx, past, .. } = arrival;
        let drawn = match past {
            Past::Stem(embargo) => embargo,
            Past::New | Past::Public(_) => self.embargo_from(world.now),
        };
        let parents = || self.stem.iter().filter(|entry| is_child(&tx, &entry.tx));
        let elders = parents().filter(|_| self.keeps(Rule::ParentsFirst));
        let held_entries = held.iter().filter_map(|id| self.stem_entry(*id));
        let embargo = elders.chain(held_entries).map(|entry| entry.embargo).fold(drawn, Ord::max);
        // A child of what is still to be looked at is looked at with it, under the same coin.
        let with_parent = parents().find_map(|parent| match parent.state {
            State::Fresh { due, coin, why, .. } => {
                let why = if why == Why::Looped { Why::Passing } else { why };
                Some(State::Fresh { due, coin, why, avoid: None })
            }
            State::Sent(_) => None,
        });
        let state = match with_parent.or(back) {
            Some(state) => state,
            None if sealed => self.gathered(source, world),
            None => self.fresh(source, Why::Passing, world),
        };
        let embargo = self.no_end_before_the_window(embargo, state);
        let id = self.new_id();
        self.wake_for_stem(&tx);
        self.notice(Notice::Stemmed { kernels: kernels(&tx), source });
        if let State::Fresh { why: Why::Held, .. } = state {
            self.notice(Notice::Held { kernels: kernels(&tx) });
        }
        let routed_for = source;
        let (was_sent, attempts, company) = (false, 0, id);
        self.stem.push(Stem {
            id,
            tx,
            source,
            routed_for,
            embargo,
            was_sent,
            attempts,
            state,
            company,
        });
        if !held.is_empty() {
            let mut company = self.company_of(&held);
            company.push(id);
            self.keep_together(&company);
        }
        Ok(Accepted::Stem)
    }

    fn admit_public(&mut self, arrival: Arrival, world: &World) -> Verdict {
        let tx = self.without_public(&arrival.tx, false)?;
        let arrival = Arrival { tx, ..arrival };
        if let Some(awaits) = self.awaits(&arrival, false, world)? {
            return self.wait(arrival, false, awaits, world);
        }
        let Arrival { tx, source, past, .. } = arrival;
        let (except, own) = match source {
            Source::Own => (None, true),
            Source::Peer(peer) => (Some(peer), false),
            Source::Zone => (None, false),
        };
        let (parts, is_asked) = match past {
            Past::Public(parts) => (parts, false),
            Past::New | Past::Stem(_) => (vec![Part { tx: tx.clone(), own }], own),
        };
        if is_asked {
            let (kernels, reason) = (kernels(&tx), FluffReason::Asked);
            self.notice(Notice::Fluffed { kernels, parts: 1, cut_through: 0, reason });
        }
        self.make_room(&tx, parts.iter().any(|part| part.own), world)?;
        self.effects.push(Effect::Fluff { tx: tx.clone(), except });
        self.publish(tx, parts, world);
        Ok(Accepted::Public)
    }

    pub(super) fn retry_orphans(&mut self, world: &World) {
        // Public ones first.
        loop {
            let woken = self.orphans.iter().enumerate();
            let woken = woken.filter_map(|(index, o)| Some((o.stem, o.woken?, index)));
            let Some((.., index)) = woken.min() else { return };
            let orphan = self.orphans.remove(index);
            let kernels = kernels(&orphan.arrival.tx);
            let verdict = match orphan.stem {
                true => self.admit_stem(orphan.arrival, world),
                false => self.admit_public(orphan.arrival, world),
            };
            if let Err(refusal) = verdict {
                self.notice(Notice::OrphanDropped { kernels, refusal: Some(refusal) });
            }
        }
    }

    /// What has to be awaited, if it may be.
    fn awaits(
        &self,
        arrival: &Arrival,
        stem: bool,
        world: &World,
    ) -> Result<Option<Awaits>, Refusal> {
        let tx = &arrival.tx;
        if self.keeps(Rule::LowFee) && arrival.is_new() && !tx.pays_relay_fee() {
            return Err(Refusal::LowFee { paid: tx.shifted_fee(), required: tx.relay_fee() });
        }
        let fit = match arrival.is_new() {
            true => self.fit(tx, stem, world),
            false => self.fit_again(tx, stem, world),
        };
        match fit {
            Fit::Refused(refusal) => Err(refusal),
            Fit::AwaitsHeight(height) => Ok(Some(Awaits::Height(height))),
            Fit::Awaits(missing) => Ok(Some(Awaits::Outputs(missing))),
            Fit::Fits if stem && self.is_too_deep(tx) => {
                let on_stem = |c: &_| self.stem.iter().any(|e| creates(&e.tx).any(|o| o == *c));
                Ok(Some(Awaits::Outputs(spends(tx).filter(on_stem).collect())))
            }
            Fit::Fits => Ok(None),
        }
    }

    fn is_too_deep(&self, tx: &ValidTx) -> bool {
        let mut found: Vec<&Stem> = Vec::new();
        let mut open = vec![tx];
        while let Some(tx) = open.pop() {
            for parent in self.stem.iter().filter(|entry| is_child(tx, &entry.tx)) {
                if !found.iter().any(|known| known.id == parent.id) {
                    found.push(parent);
                    open.push(&parent.tx);
                }
            }
        }
        found.len() > self.config.capacity.stem_ancestors
    }

    /// What is left without what is public.
    pub(super) fn without_public(&self, tx: &ValidTx, stem: bool) -> Result<ValidTx, Refusal> {
        let all = kernels(tx);
        let known: Vec<_> = all.iter().filter(|kernel| self.is_public(kernel, stem)).collect();
        if known.is_empty() {
            return Ok(tx.clone());
        }
        if known.len() == all.len() && self.keeps(Rule::Known) {
            return Err(Refusal::Known);
        }
        let rest = self.separated(tx, self.all_public(stem));
        rest.or_else(|| (!self.keeps(Rule::Overlap)).then(|| tx.clone())).ok_or(Refusal::Overlap)
    }

    /// A transaction without those of the others that are parts of it; `None` if one of them is
    /// so only in part.
    pub(super) fn separated<'a>(
        &self,
        tx: &ValidTx,
        others: impl Iterator<Item = &'a ValidTx>,
    ) -> Option<ValidTx> {
        let all = kernels(tx);
        let parts: Vec<_> = others.filter(|other| overlaps(other, &all)).cloned().collect();
        let is_separable = parts.iter().all(|part| is_inside(part, &all));
        if !is_separable || !self.keeps(Rule::Subtract) {
            return None;
        }
        deaggregate(tx, &parts).ok()
    }

    /// What is left without what the stempool holds, if anything, and the entries it overlaps.
    fn without_held(&self, tx: &ValidTx) -> Result<(Option<ValidTx>, Vec<Id>), Refusal> {
        let all = kernels(tx);
        let held: Vec<&Stem> = self.stem.iter().filter(|entry| overlaps(&entry.tx, &all)).collect();
        let ids: Vec<Id> = held.iter().map(|entry| entry.id).collect();
        let held_kernels: Vec<Hash> = held.iter().flat_map(|entry| kernels(&entry.tx)).collect();
        let is_inside_one = held.len() == 1 && is_inside(tx, &held_kernels);
        let is_all = held.iter().all(|e| is_inside(&e.tx, &all)) && is_inside(tx, &held_kernels);
        if held.is_empty() {
            return Ok((Some(tx.clone()), ids));
        }
        if is_inside_one || is_all {
            return Ok((None, ids));
        }
        let rest = self.separated(tx, held.iter().map(|entry| &entry.tx));
        Ok((Some(rest.ok_or(Refusal::Overlap)?), ids))
    }

    /// What came back, and what it travels with, is looked at once more. The owner's own is no
    /// loop.
    ///
    /// What is sealed to a sink is not on the stem, and stays there, unless that sink is this node.
    fn revisit(&mut self, held: &[Id], source: Source, sealed: bool, world: &World) -> State {
        let stays = |id: &Id| !sealed && self.is_sealed(*id) && self.keeps(Rule::Settled);
        let (settled, held): (Vec<Id>, Vec<Id>) = held.iter().partition(|id| stays(id));
        let mut entries = held.iter().filter_map(|id| self.stem_entry(*id));
        let has_own = entries.any(|entry| entry.source == Source::Own);
        let is_loop = world.routes.sticky && !has_own && settled.is_empty();
        let why = if is_loop { Why::Looped } else { Why::Passing };
        let state =
            if sealed { self.gathered(source, world) } else { self.fresh(source, why, world) };
        for id in self.company_of(&held) {
            let Some(entry) = self.stem_entry_mut(id) else { continue };
            if let State::Sent(_) = entry.state {
                (entry.routed_for, entry.state) = (source, state);
            }
        }
        state
    }
}
