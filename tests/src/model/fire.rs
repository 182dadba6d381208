//! What happens when time is up: coins, families, aggregates, and where they go.

use scape_aggregate::{Aggregate, PlanLimits, ValidTx, plan};
use scape_pool::{Coin, Effect, FluffReason, Instant, Notice, Router, Source, WayOut};

use super::entries::{Hop, Id, Part, State, Stem, Why, is_child, kernels};
use super::{Model, Rule, World};

/// Where to. The order is that in which aggregates are made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Lane {
    Stem(Hop),
    Fluff,
    /// Nowhere, until there is a way out for the owner's.
    Hold,
}

/// Who leaves where to, and the reasons of some.
#[derive(Default)]
struct Departure {
    lanes: Vec<(Id, Lane)>,
    reasons: Vec<(Id, FluffReason)>,
}

impl Departure {
    fn add(&mut self, ids: &[Id], lane: Lane) {
        self.lanes.extend(ids.iter().map(|id| (*id, lane)));
    }
}

impl Model {
    /// As [`scape_pool::Pool::handle_timeout`].
    pub fn handle_timeout(&mut self, world: &World) {
        // What comes back from waiting may be due already.
        while self.next_timeout().is_some_and(|at| at <= world.now) {
            self.fire_embargo(world);
            self.expire_orphans(world.now);
            self.settle(world);
        }
    }

    /// As [`scape_pool::Pool::handle_undelivered`]; the parts by their places in the lists.
    pub(super) fn handle_undelivered(&mut self, parts: &[Id], world: &World) {
        for id in parts {
            let keeps = self.keeps(Rule::Avoid);
            let Some(entry) = self.stem_entry_mut(*id) else { continue };
            if let State::Sent(hop) = entry.state {
                let (due, coin, avoid) = (world.now, Some(Coin::Stem), keeps.then_some(hop));
                entry.state = State::Fresh { due, coin, why: Why::Passing, avoid };
            }
        }
        self.settle(world);
    }

    /// Fluffs what nobody saw in time, with the ancestors that it needs. On the grid alone. What a
    /// sink swallowed gets another chance.
    fn fire_embargo(&mut self, world: &World) {
        let is_over = |embargo| self.sweep_at(embargo) <= world.now;
        let expired = self.stem.iter().filter(|entry| is_over(entry.embargo)).map(|entry| entry.id);
        let (again, expired): (Vec<Id>, Vec<Id>) = expired.partition(|id| self.is_sealed(*id));
        let (shut_in, expired): (Vec<Id>, Vec<Id>) =
            expired.into_iter().partition(|id| self.is_shut_in(*id, world));
        let mut departure = Departure::default();
        for id in expired {
            departure.add(&self.closure(id, false), Lane::Fluff);
            departure.reasons.push((id, FluffReason::Embargo));
        }
        self.seal_again(&again, world);
        self.wait_on(&shut_in, world);
        if !departure.lanes.is_empty() {
            self.depart(departure, world);
        }
    }

    /// Looks at what has waited long enough. Returns whether there was any.
    pub(super) fn fire_patience(&mut self, world: &World) -> bool {
        let is_due = |state: State| match state {
            State::Fresh { due, .. } => due <= world.now,
            State::Sent(_) => false,
        };
        let due: Vec<Id> =
            self.stem.iter().filter(|entry| is_due(entry.state)).map(|entry| entry.id).collect();
        if due.is_empty() {
            return false;
        }
        let mut departure = Departure::default();
        for family in self.families(&due) {
            let fresh: Vec<_> = family.iter().filter(|id| due.contains(id)).copied().collect();
            let left: Vec<_> = family.iter().filter(|id| !due.contains(id)).copied().collect();
            self.route(&fresh, &left, &mut departure, world);
        }
        self.depart(departure, world);
        true
    }

    /// An entry and all that it depends on, with what each of them travels with if so wanted.
    fn closure(&self, id: Id, with_company: bool) -> Vec<Id> {
        let mut found = vec![id];
        let mut index = 0;
        while let Some(entry) = found.get(index).and_then(|id| self.stem_entry(*id)) {
            let next = self.stem.iter().filter(|other| {
                is_child(&entry.tx, &other.tx) || with_company && other.company == entry.company
            });
            let next: Vec<_> =
                next.map(|other| other.id).filter(|id| !found.contains(id)).collect();
            found.extend(next);
            index += 1;
        }
        found.sort_unstable();
        found
    }

    /// Those of the due that have a relative in common take one way.
    fn families(&self, due: &[Id]) -> Vec<Vec<Id>> {
        let mut families: Vec<Vec<Id>> = Vec::new();
        for id in due {
            let mut family = self.closure(*id, true);
            let related =
                families.extract_if(.., |other| other.iter().any(|id| family.contains(id)));
            for other in related.collect::<Vec<_>>() {
                family.extend(other);
            }
            family.sort_unstable();
            family.dedup();
            families.push(family);
        }
        families
    }

    /// Where a family goes: by coin and relay of its oldest fresh member, but to the relay that
    /// has all that left before; what is fluffed, or goes to another relay, takes that along.
    fn route(&self, fresh: &[Id], left: &[Id], departure: &mut Departure, world: &World) {
        let Some(oldest) = fresh.first().and_then(|id| self.stem_entry(*id)) else { return };
        let states = fresh.iter().filter_map(|id| Some(self.stem_entry(*id)?.state));
        let avoided: Vec<Hop> = states.filter_map(State::avoided).collect();
        let (lane, reason) = self.decide(oldest, &avoided, world);
        let is_all_own =
            fresh.iter().all(|id| self.stem_entry(*id).is_some_and(|e| e.source == Source::Own));
        // What came from others is theirs to hide.
        let lane = if lane == Lane::Hold && !is_all_own { Lane::Fluff } else { lane };
        departure.reasons.push((oldest.id, reason));
        let home = self.home(left).filter(|home| {
            is_up(*home, world) && !avoided.contains(home) && self.keeps(Rule::Home)
        });
        // Two that are fresh must not be merged without what left and stands between them.
        let is_between = |id: &Id| self.closure(*id, false).iter().any(|a| fresh.contains(a));
        match (lane, home) {
            (Lane::Stem(_), Some(home)) if !left.iter().any(is_between) => {
                departure.add(fresh, Lane::Stem(home));
            }
            (Lane::Hold, _) => departure.add(fresh, lane),
            _ => {
                departure.add(left, lane);
                departure.add(fresh, lane);
            }
        }
    }

    /// Where one would go, and the reason if that is to everyone.
    fn decide(&self, entry: &Stem, avoided: &[Hop], world: &World) -> (Lane, FluffReason) {
        let is_shut = world.routes.way_out != WayOut::Open;
        if entry.source == Source::Own && is_shut && self.keeps(Rule::Hold) {
            return (Lane::Hold, FluffReason::NoRelay);
        }
        let (coin, why) = match entry.state {
            State::Fresh { coin, why, .. } => (coin, why),
            State::Sent(_) => (None, Why::Passing),
        };
        let coin = coin.unwrap_or_else(|| world.routes.coin_of(entry.routed_for));
        if coin == Coin::Fluff {
            return (Lane::Fluff, reason_of(why));
        }
        let is_other = |hop: &Hop| !avoided.contains(hop);
        let mut sinks = world.routes.sinks.iter().map(|sink| Hop::Sink(*sink)).filter(is_other);
        let sink = if coin == Coin::Seal { sinks.next() } else { None };
        let relay = world.routes.relay(entry.routed_for).map(Hop::Relay).filter(is_other);
        match sink.or(relay) {
            Some(hop) => (Lane::Stem(hop), FluffReason::Family),
            None => (Lane::Fluff, FluffReason::NoRelay),
        }
    }

    /// The one relay or sink that all of these were sent to.
    fn home(&self, left: &[Id]) -> Option<Hop> {
        let states = left.iter().filter_map(|id| Some(self.stem_entry(*id)?.state));
        let mut hops = states.map(|state| match state {
            State::Sent(hop) => Some(hop),
            State::Fresh { .. } => None,
        });
        let first = hops.next()??;
        hops.all(|hop| hop == Some(first)).then_some(first)
    }

    fn depart(&mut self, departure: Departure, world: &World) {
        let Departure { mut lanes, reasons } = departure;
        lanes.sort_unstable();
        lanes.dedup();
        let candidates: Vec<_> = lanes
            .into_iter()
            .filter_map(|(id, lane)| Some((id, lane, self.stem_entry(id)?.tx.clone())))
            .collect();
        let newest = self.new_id();
        let limits = PlanLimits::of(self.config.consensus.chain);
        for Aggregate { lane, parts, tx } in plan(&candidates, &limits) {
            let entries = parts.iter().filter_map(|id| self.stem_entry(*id));
            let outputs: usize = entries.map(|entry| entry.tx.outputs().len()).sum();
            let cut_through = outputs.saturating_sub(tx.outputs().len());
            match lane {
                Lane::Stem(hop) => self.send(hop, tx, parts, cut_through),
                Lane::Hold => self.hold(&parts, world),
                Lane::Fluff => {
                    let mut of_parts = parts
                        .iter()
                        .filter_map(|id| Some(reasons.iter().find(|(of, _)| of == id)?.1));
                    let reason = of_parts.next().unwrap_or(FluffReason::Family);
                    self.fluff(&parts, tx, reason, cut_through, world);
                }
            }
        }
        self.trim(newest, world);
    }

    fn send(&mut self, hop: Hop, tx: ValidTx, parts: Vec<Id>, cut_through: usize) {
        let mut attempt = 0;
        for id in &parts {
            if let Some(entry) = self.stem_entry_mut(*id) {
                entry.state = State::Sent(hop);
                attempt = entry.attempts.max(attempt);
            }
        }
        self.keep_together(&parts);
        self.join_embargoes(&parts);
        let kernels = kernels(&tx);
        self.notice(Notice::Relayed { kernels, parts: parts.len(), cut_through });
        let nobody = Vec::new();
        self.effects.push(match hop {
            Hop::Relay(relay) => Effect::Stem { relay, tx, parts: nobody },
            Hop::Sink(sink) => Effect::Seal { sink, tx, parts: nobody, attempt },
        });
        self.sent.push(parts);
    }

    fn fluff(
        &mut self,
        ids: &[Id],
        tx: ValidTx,
        reason: FluffReason,
        cut_through: usize,
        world: &World,
    ) {
        let entries = ids.iter().filter_map(|id| self.take_stem(*id));
        let parts = entries.map(|entry| Part { tx: entry.tx, own: entry.source == Source::Own });
        let parts: Vec<_> = parts.collect();
        let kernels = kernels(&tx);
        self.notice(Notice::Fluffed { kernels, parts: parts.len(), cut_through, reason });
        self.effects.push(Effect::Fluff { tx: tx.clone(), except: None });
        self.publish(tx, parts, world);
    }

    /// These and all that travel with them.
    pub(super) fn company_of(&self, ids: &[Id]) -> Vec<Id> {
        let entries = ids.iter().filter_map(|id| self.stem_entry(*id));
        let companies: Vec<_> = entries.map(|entry| entry.company).collect();
        let mates = self.stem.iter().filter(|entry| companies.contains(&entry.company));
        mates.map(|entry| entry.id).collect()
    }

    pub(super) fn keep_together(&mut self, ids: &[Id]) {
        let company = self.new_id();
        if !self.keeps(Rule::Company) {
            return;
        }
        for id in ids {
            if let Some(entry) = self.stem_entry_mut(*id) {
                entry.company = company;
            }
        }
    }

    /// The embargoes of what is sent for the first time end with the last of all that goes along.
    fn join_embargoes(&mut self, ids: &[Id]) {
        let entries = ids.iter().filter_map(|id| self.stem_entry(*id));
        let last = entries.map(|entry| entry.embargo).max();
        for id in ids {
            let keeps = self.keeps(Rule::JoinEmbargoes);
            let Some(entry) = self.stem_entry_mut(*id) else { continue };
            if !std::mem::replace(&mut entry.was_sent, true) && keeps {
                entry.embargo = entry.embargo.max(last.unwrap_or_default());
            }
        }
        self.delay_children();
    }

    /// Embargoes of children never end before those of parents.
    pub(super) fn delay_children(&mut self) {
        while let Some((id, embargo)) = self.hurried_child() {
            if let Some(child) = self.stem_entry_mut(id) {
                child.embargo = embargo;
            }
        }
    }

    /// A child whose embargo ends before a parent's, and when that ends.
    fn hurried_child(&self) -> Option<(Id, Instant)> {
        let mut children = self.stem.iter().filter(|_| self.keeps(Rule::ParentsFirst));
        children.find_map(|child| {
            let mut parents = self.stem.iter().filter(|other| is_child(&child.tx, &other.tx));
            let parent = parents.find(|parent| parent.embargo > child.embargo)?;
            Some((child.id, parent.embargo))
        })
    }
}

fn reason_of(why: Why) -> FluffReason {
    match why {
        Why::Passing | Why::Held => FluffReason::Coin,
        Why::Looped => FluffReason::Loop,
        Why::Gathered => FluffReason::Gathered,
    }
}

/// Whether a child can follow there. Somebody can always carry it to a sink.
fn is_up(hop: Hop, world: &World) -> bool {
    match hop {
        Hop::Relay(relay) => world.routes.is_up(relay),
        Hop::Sink(_) => true,
    }
}
