//! What happens when a timer fires: coins, families, aggregates, and where they go.

use std::collections::{BTreeMap, BTreeSet};

use scape_aggregate::{Aggregate, Hash, ValidTx, plan};

use crate::bundle::Bundle;
use crate::pool::{Part, StemState, Why};
use crate::router::Hop;
use crate::store::kernel_hashes;
use crate::{
    Coin, Context, Effect, EntryId, FluffReason, Instant, Notice, Pool, SinkId, Source, WayOut,
};

/// Where an aggregate goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Lane {
    Stem(Hop),
    Fluff,
    /// Nowhere, until there is a way out for the owner's or the embargo ends.
    Hold,
}

/// Stem entries that depend on each other, on a common ancestor, or travelled together: they take
/// one way.
struct Family {
    /// Those that are to be looked at now, oldest first.
    fresh: BTreeSet<EntryId>,
    /// Those they depend on that have left already and are not public yet, with what these were
    /// sent with.
    ancestors: BTreeSet<EntryId>,
}

/// Fresh stem entries that take one way.
enum Party {
    One(EntryId),
    Family(Family),
}

impl Party {
    fn oldest(&self) -> Option<EntryId> {
        match self {
            Self::One(id) => Some(*id),
            Self::Family(family) => family.fresh.first().copied(),
        }
    }
}

/// The entries that leave and where to, with the reasons of those that fluff.
#[derive(Default)]
struct Departure {
    lanes: Vec<(EntryId, Lane)>,
    reasons: BTreeMap<EntryId, FluffReason>,
}

impl Departure {
    fn add(&mut self, ids: impl IntoIterator<Item = EntryId>, lane: Lane) {
        self.lanes.extend(ids.into_iter().map(|id| (id, lane)));
    }
}

impl Pool {
    /// Looks at what has waited long enough: one coin for each family of fresh transactions, then
    /// everything that goes the same way is merged and goes. Returns whether there was any.
    pub(crate) fn fire_patience(&mut self, ctx: &mut Context<'_>) -> bool {
        let due = self.fresh.take_due(ctx.now);
        let parties = self.parties(due, ctx.now);
        if parties.is_empty() {
            return false;
        }
        let mut departure = Departure::default();
        for party in parties {
            match party {
                Party::One(id) => self.route_one(id, &mut departure, ctx),
                Party::Family(family) => self.route_family(&family, &mut departure, ctx),
            }
        }
        self.depart(departure, ctx);
        true
    }

    /// Fluffs what nobody has seen in time, together with the ancestors that it needs. What was sealed
    /// to a sink gets another chance before, and what no way out is open to waits on.
    pub(crate) fn fire_embargo(&mut self, ctx: &mut Context<'_>) {
        let mut departure = Departure::default();
        let (mut again, mut shut_in) = (Vec::new(), Vec::new());
        for id in self.embargoes.take_due(ctx.now) {
            let Some(entry) = self.stem.get(id) else { continue };
            let at = self.sweep_after(entry.meta.embargo);
            if at > ctx.now {
                self.embargoes.insert(at, id);
                continue;
            }
            if self.is_sealed(id) {
                again.push(id);
                continue;
            }
            if self.is_shut_in(id, ctx) {
                shut_in.push(id);
                continue;
            }
            departure.add(self.stem.ancestors(id), Lane::Fluff);
            departure.add([id], Lane::Fluff);
            departure.reasons.insert(id, FluffReason::Embargo);
        }
        self.send_again_sealed(again, ctx);
        self.wait_on(shut_in, ctx);
        if !departure.lanes.is_empty() {
            self.depart(departure, ctx);
        }
    }

    /// Fluffs the stem entry with this kernel now, with what it depends on and what any of these
    /// travels with. Returns whether there is such an entry. For the owner.
    pub fn handle_asked(&mut self, kernel: &Hash, ctx: &mut Context<'_>) -> bool {
        let Some(id) = self.stem.with_kernel(kernel) else { return false };
        let mut departure = Departure::default();
        departure.add(self.relatives(id), Lane::Fluff);
        departure.reasons.insert(id, FluffReason::Asked);
        self.depart(departure, ctx);
        self.settle(ctx);
        true
    }

    /// An aggregate could not be handed to its relay. Its parts go another way at once: to the
    /// relay that the router names now, if that is another one, or to everyone.
    pub fn handle_undelivered(&mut self, parts: &[EntryId], ctx: &mut Context<'_>) {
        for id in parts {
            if let Some(StemState::Sent { to: avoid, .. }) =
                self.stem.get(*id).map(|e| e.meta.state)
            {
                let (due, coin, why) = (ctx.now, Some(Coin::Stem), Why::Passing);
                self.set_stem_state(*id, StemState::Fresh { due, coin, why, avoid });
            }
        }
        self.settle(ctx);
    }

    /// An aggregate waits to leave, and must not as it is any more: a part of it is mined, public or
    /// impossible, see [`Pool::is_whole`]. The other parts go at once, the same way if it is open.
    pub fn handle_broken(&mut self, parts: &[EntryId], ctx: &mut Context<'_>) {
        for id in parts {
            if let Some(state @ StemState::Sent { .. }) = self.stem.get(*id).map(|e| e.meta.state) {
                let coin = if state.is_sealed() { Coin::Seal } else { Coin::Stem };
                let (due, coin, why) = (ctx.now, Some(coin), Why::Passing);
                self.set_stem_state(*id, StemState::Fresh { due, coin, why, avoid: None });
            }
        }
        self.settle(ctx);
    }

    /// Who leaves with whom, of those that are there, fresh, and to be looked at now; who has the
    /// oldest entry comes first.
    fn parties(&self, due: Vec<EntryId>, now: Instant) -> Vec<Party> {
        let (mut parties, mut related) = (Vec::with_capacity(due.len()), Vec::new());
        for id in due {
            let Some(entry) = self.stem.get(id) else { continue };
            if entry.meta.state.due().is_none_or(|due| due > now) {
                continue;
            }
            // Most depend on nothing here, have nothing that depends on them, and came alone.
            match entry.has_relatives || entry.meta.bundle != Bundle::of_one(id) {
                true => related.push(id),
                false => parties.push(Party::One(id)),
            }
        }
        parties.extend(self.families(&related).into_iter().map(Party::Family));
        parties.sort_by_key(Party::oldest);
        parties
    }

    /// Groups entries into families.
    fn families(&self, due: &[EntryId]) -> Vec<Family> {
        let mut families: Vec<Family> = Vec::new();
        let mut family_of: BTreeMap<EntryId, usize> = BTreeMap::new();
        for id in due {
            if family_of.contains_key(id) {
                // Whoever is in a family has brought all its relatives along.
                continue;
            }
            let mut members = self.relatives(*id);
            let related: BTreeSet<usize> =
                members.iter().filter_map(|member| family_of.get(member).copied()).collect();
            let target = related.first().copied().unwrap_or(families.len());
            if target == families.len() {
                families.push(Family { fresh: BTreeSet::new(), ancestors: BTreeSet::new() });
            }
            for other in related.into_iter().skip(1) {
                let fresh = std::mem::take(&mut families[other].fresh);
                let ancestors = std::mem::take(&mut families[other].ancestors);
                members.extend(fresh.into_iter().chain(ancestors));
            }
            for member in members {
                family_of.insert(member, target);
                match due.binary_search(&member) {
                    Ok(_) => families[target].fresh.insert(member),
                    Err(_) => families[target].ancestors.insert(member),
                };
            }
        }
        families.retain(|family| !family.fresh.is_empty());
        families
    }

    /// An entry, what it depends on, and what any of these travels with, at any distance.
    fn relatives(&self, id: EntryId) -> BTreeSet<EntryId> {
        let (mut found, mut bundles) = (BTreeSet::from([id]), BTreeSet::new());
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let Some(entry) = self.stem.get(id) else { continue };
            let mut next = self.stem.parents(&entry.tx);
            if bundles.insert(entry.meta.bundle) {
                next.extend(self.bundle_mates(&BTreeSet::from([id])));
            }
            open.extend(next.into_iter().filter(|id| found.insert(*id)));
        }
        found
    }

    /// Decides where an entry goes that nothing else depends on.
    fn route_one(&mut self, id: EntryId, departure: &mut Departure, ctx: &mut Context<'_>) {
        let (lane, reason) = self.decide(id, &BTreeSet::new(), ctx);
        departure.add([id], lane);
        departure.reasons.extend((lane == Lane::Fluff).then_some((id, reason)));
    }

    /// Decides where a family goes, by the coin and the relay of its oldest fresh member.
    ///
    /// On the stem a child must go to a relay that has its parents: to the one that all of them
    /// were handed to, as long as it is there, else to another together with them. A child that
    /// is fluffed takes its parents along.
    fn route_family(&mut self, family: &Family, departure: &mut Departure, ctx: &mut Context<'_>) {
        let Some(oldest) = family.fresh.first().copied() else { return };
        let states = family.fresh.iter().filter_map(|id| Some(self.stem.get(*id)?.meta.state));
        let avoid: BTreeSet<_> = states.filter_map(|state| state.avoided()).collect();
        let (lane, reason) = self.decide(oldest, &avoid, ctx);
        let lane = if lane == Lane::Hold { self.hold_or_fluff(family) } else { lane };
        let usable = |home: &Hop| home.is_up(ctx) && !avoid.contains(home);
        let home = self.home(family).filter(usable);
        match (lane, home) {
            (Lane::Stem(_), Some(home)) if !self.is_interleaved(family) => {
                departure.add(family.fresh.iter().copied(), Lane::Stem(home));
            }
            (Lane::Hold, _) => departure.add(family.fresh.iter().copied(), lane),
            _ => {
                departure.add(family.ancestors.iter().copied(), lane);
                departure.add(family.fresh.iter().copied(), lane);
            }
        }
        departure.reasons.insert(oldest, reason);
    }

    /// Only the owner's own can be held: what came from others is theirs to hide.
    fn hold_or_fluff(&self, family: &Family) -> Lane {
        let mut fresh = family.fresh.iter().filter_map(|id| self.stem.get(*id));
        match fresh.all(|entry| entry.meta.source == Source::Own) {
            true => Lane::Hold,
            false => Lane::Fluff,
        }
    }

    /// Whether something that has left stands between two that are fresh. The two must not be merged
    /// without it: they would depend on it, and it on them.
    fn is_interleaved(&self, family: &Family) -> bool {
        let mut ancestors = family.ancestors.iter();
        ancestors.any(|id| !self.stem.ancestors(*id).is_disjoint(&family.fresh))
    }

    /// The lane of one entry, and the reason if that is fluff. Relays to be avoided are its own and
    /// those of its family.
    fn decide(
        &mut self,
        id: EntryId,
        avoid: &BTreeSet<Hop>,
        ctx: &mut Context<'_>,
    ) -> (Lane, FluffReason) {
        let Some(entry) = self.stem.get(id) else { return (Lane::Fluff, FluffReason::Family) };
        let (source, state) = (entry.meta.routed_for, entry.meta.state);
        if entry.meta.source == Source::Own && ctx.router.way_out() != WayOut::Open {
            return (Lane::Hold, FluffReason::NoRelay);
        }
        let (coin, why) = match state {
            StemState::Fresh { coin, why, .. } => (coin, why),
            StemState::Sent { .. } => (None, Why::Passing),
        };
        let avoid: BTreeSet<Hop> = avoid.iter().copied().chain(state.avoided()).collect();
        let hop = match coin.unwrap_or_else(|| ctx.router.coin(source, &mut self.rng)) {
            Coin::Fluff => {
                let reason = match why {
                    Why::Passing | Why::Held => FluffReason::Coin,
                    Why::Looped => FluffReason::Loop,
                    Why::Gathered => FluffReason::Gathered,
                };
                return (Lane::Fluff, reason);
            }
            Coin::Stem => None,
            Coin::Seal => self.sink(&avoid, ctx),
        };
        let relay = || ctx.router.relay(source).map(Hop::Relay).filter(|hop| !avoid.contains(hop));
        match hop.or_else(relay) {
            Some(hop) => (Lane::Stem(hop), FluffReason::Family),
            None => (Lane::Fluff, FluffReason::NoRelay),
        }
    }

    fn sink(&mut self, avoid: &BTreeSet<Hop>, ctx: &mut Context<'_>) -> Option<Hop> {
        let sink = |hop: &Hop| match hop {
            Hop::Sink(sink) => Some(*sink),
            Hop::Relay(_) => None,
        };
        let avoid: Vec<SinkId> = avoid.iter().filter_map(sink).collect();
        ctx.router.sink(&avoid, &mut self.rng).map(Hop::Sink)
    }

    /// The one relay or sink that all ancestors of a family were handed to.
    fn home(&self, family: &Family) -> Option<Hop> {
        let mut homes = family.ancestors.iter().filter_map(|id| self.stem.get(*id));
        let hop = |state: StemState| match state {
            StemState::Sent { to, .. } => to,
            StemState::Fresh { .. } => None,
        };
        let first = hop(homes.next()?.meta.state)?;
        homes.all(|entry| hop(entry.meta.state) == Some(first)).then_some(first)
    }

    /// Merges what departs and sends it, parents first.
    fn depart(&mut self, departure: Departure, ctx: &mut Context<'_>) {
        let newest = self.new_id();
        let Departure { mut lanes, reasons } = departure;
        lanes.sort_by_key(|(id, _)| *id);
        lanes.dedup_by_key(|(id, _)| *id);
        let candidates: Vec<_> = lanes
            .into_iter()
            .filter_map(|(id, lane)| Some((id, lane, &self.stem.get(id)?.tx)))
            .collect();
        for Aggregate { lane, parts, tx } in plan(&candidates, &self.limits) {
            match lane {
                Lane::Stem(hop) => self.send(hop, tx, parts),
                Lane::Hold => self.hold(&parts, ctx.now),
                Lane::Fluff => {
                    let reason = parts.iter().find_map(|id| reasons.get(id).copied());
                    self.fluff(&parts, tx, reason.unwrap_or(FluffReason::Family), ctx);
                }
            }
        }
        // Only now: an eviction may take the ground from what was about to leave.
        self.trim(newest, ctx);
    }

    fn send(&mut self, hop: Hop, tx: ValidTx, parts: Vec<EntryId>) {
        let (mut created, mut attempt) = (0, 0);
        let sealed = matches!(hop, Hop::Sink(_));
        for id in &parts {
            let Some(entry) = self.stem.get_mut(*id) else { continue };
            entry.meta.state = StemState::Sent { to: Some(hop), sealed };
            attempt = entry.meta.attempts.max(attempt);
            created += entry.tx.outputs().len();
        }
        self.bundle(parts.clone());
        self.join_embargoes(&parts);
        let (kernels, cut_through) =
            (kernel_hashes(&tx), created.saturating_sub(tx.outputs().len()));
        self.notice(Notice::Relayed { kernels, parts: parts.len(), cut_through });
        self.effects.push_back(match hop {
            Hop::Relay(relay) => Effect::Stem { relay, tx, parts },
            Hop::Sink(sink) => Effect::Seal { sink, tx, parts, attempt },
        });
    }

    fn fluff(&mut self, ids: &[EntryId], tx: ValidTx, reason: FluffReason, ctx: &mut Context<'_>) {
        let parts = ids.iter().filter_map(|id| self.remove_stem(*id));
        let parts: Vec<_> =
            parts.map(|(tx, meta)| Part { tx, own: meta.source == Source::Own }).collect();
        let created: usize = parts.iter().map(|part| part.tx.outputs().len()).sum();
        let (kernels, cut_through) =
            (kernel_hashes(&tx), created.saturating_sub(tx.outputs().len()));
        self.notice(Notice::Fluffed { kernels, parts: parts.len(), cut_through, reason });
        self.effects.push_back(Effect::Fluff { tx: tx.clone(), except: None });
        self.publish(tx, parts, ctx);
    }
}
