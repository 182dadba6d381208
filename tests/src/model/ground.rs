//! What stands, and what does not any more.

use scape_aggregate::{Aggregate, Commitment, PlanLimits, ValidTx, plan};
use scape_pool::{Effect, Notice, Source};

use super::entries::{
    Arrival, Awaits, Id, Part, Past, Public, State, Stem, Why, creates, is_child, is_inside,
    kernels, overlaps, spends,
};
use super::rules::Fit;
use super::{Model, Rule, World};

/// What changed under the transactions.
#[derive(Default)]
pub(super) struct Ground {
    /// Who has to be looked at.
    pub(super) doubtful: Vec<Id>,
    /// Aggregates that are no more, as their parts.
    pub(super) survivors: Vec<Vec<Part>>,
    /// Outputs that will not come (back).
    pub(super) gone: Vec<Commitment>,
    /// Those of them that come back on the stem, with a transaction of the owner.
    pub(super) promised: Vec<Commitment>,
    /// What is left of such aggregates, to be announced.
    pub(super) announced: Vec<Id>,
    /// Whether others may come back, as after a reorg.
    pub(super) may_return: bool,
}

enum Fate {
    Stands,
    Waits(Awaits),
    Lost,
}

impl Model {
    /// Puts a transaction into the txpool, and draws the consequences for what waits and what is
    /// on the stem.
    pub(super) fn publish(&mut self, tx: ValidTx, parts: Vec<Part>, world: &World) {
        self.wake_for_public(&tx);
        self.add_public(tx.clone(), parts);
        let all = kernels(&tx);
        for id in self.stem.iter().map(|entry| entry.id).collect::<Vec<_>>() {
            let seen = self.see(id, world);
            if !seen.is_empty() {
                self.notice(Notice::Seen { kernels: seen });
            }
        }
        let doubtful = self.stem.iter().map(|entry| entry.id).collect();
        self.resettle(Ground { doubtful, ..Ground::default() }, world);
        for orphan in self.take_orphans(|orphan| is_inside(&orphan.arrival.tx, &all)) {
            self.notice(Notice::Seen { kernels: kernels(&orphan.arrival.tx) });
        }
    }

    /// What is public of a stem transaction leaves the stempool. Returns these kernels.
    pub(super) fn see(&mut self, id: Id, world: &World) -> Vec<scape_aggregate::Hash> {
        let Some(entry) = self.stem_entry(id) else { return Vec::new() };
        let tx = entry.tx.clone();
        let all = kernels(&tx).into_iter();
        let public: Vec<_> = all.filter(|kernel| self.is_public(kernel, true)).collect();
        if public.is_empty() {
            return public;
        }
        if is_inside(&tx, &public) {
            self.take_stem(id);
            return public;
        }
        // If it is not separable, its inputs and outputs say whether it is still possible.
        let Some(rest) = self.separated(&tx, self.all_public(true)) else { return Vec::new() };
        if !rest.pays_relay_fee() {
            // The public part had paid for it.
            self.take_stem(id);
            self.lose(&rest, true, world);
        } else if let Some(entry) = self.stem_entry_mut(id) {
            entry.tx = rest;
        }
        public
    }

    /// Looks at everything in doubt, and at what is in doubt because of that.
    pub(super) fn resettle(&mut self, mut ground: Ground, world: &World) {
        if !self.keeps(Rule::GiveUp) {
            return;
        }
        loop {
            self.revive(&mut ground, world);
            ground.doubtful.sort_unstable_by(|a, b| b.cmp(a));
            let Some(id) = ground.doubtful.pop() else {
                let floating = if ground.may_return { self.floating() } else { Vec::new() };
                self.public.retain(|entry| !floating.iter().any(|other| other.id == entry.id));
                if floating.is_empty() {
                    break;
                }
                for entry in floating {
                    self.doubt_public(entry, &mut ground, world);
                }
                continue;
            };
            if let Some(entry) = self.take_public(id) {
                self.doubt_public(entry, &mut ground, world);
            } else if let Some(entry) = self.take_stem(id) {
                self.doubt_stem(entry, &mut ground, world);
            }
        }
        let announced = self.public.iter().filter(|entry| ground.announced.contains(&entry.id));
        let announced = announced.map(|entry| Effect::Fluff { tx: entry.tx.clone(), except: None });
        self.effects.extend(announced);
    }

    fn doubt_public(&mut self, entry: Public, ground: &mut Ground, world: &World) {
        let fate = self.fate(&entry.tx, false, ground, world);
        if let Fate::Stands = fate {
            self.public.push(entry);
            return self.public.sort_by_key(|entry| entry.id);
        }
        let Public { tx, parts, .. } = entry;
        self.doubt_children(&tx, ground);
        if parts.len() > 1 && self.keeps(Rule::Survivors) {
            return ground.survivors.push(parts);
        }
        self.leave_public(tx, parts, fate, ground, world);
    }

    fn doubt_stem(&mut self, entry: Stem, ground: &mut Ground, world: &World) {
        let fate = self.fate(&entry.tx, true, ground, world);
        if let Fate::Stands = fate {
            self.stem.push(entry);
            return self.stem.sort_by_key(|entry| entry.id);
        }
        let Stem { tx, source, embargo, state, .. } = entry;
        self.doubt_children(&tx, ground);
        let sealed = matches!(state, State::Fresh { why: Why::Gathered, .. });
        let arrival = Arrival { sealed, ..Arrival::again(tx, source, Past::Stem(embargo)) };
        self.leave(arrival, true, fate, ground, world);
    }

    pub(super) fn doubt_children(&self, tx: &ValidTx, ground: &mut Ground) {
        let public = self.public.iter().map(|entry| (entry.id, &entry.tx));
        let stem = self.stem.iter().map(|entry| (entry.id, &entry.tx));
        let children = public.chain(stem).filter(|(_, child)| is_child(child, tx));
        ground.doubtful.extend(children.map(|(id, _)| id));
    }

    fn fate(&self, tx: &ValidTx, stem: bool, ground: &Ground, world: &World) -> Fate {
        match self.fit_again(tx, stem, world) {
            Fit::Fits => Fate::Stands,
            Fit::Refused(_) => Fate::Lost,
            Fit::AwaitsHeight(height) => Fate::Waits(Awaits::Height(height)),
            Fit::Awaits(missing) => {
                let comes = missing.iter().all(|output| {
                    let stays = ground.may_return && !ground.gone.contains(output);
                    stays || stem && ground.promised.contains(output)
                });
                match comes {
                    true => Fate::Waits(Awaits::Outputs(missing)),
                    false => Fate::Lost,
                }
            }
        }
    }

    fn leave_public(
        &mut self,
        tx: ValidTx,
        parts: Vec<Part>,
        fate: Fate,
        ground: &mut Ground,
        world: &World,
    ) {
        // No peer is named, so that nobody is left out when it comes back.
        let source = Source::Own;
        let arrival = Arrival::again(tx, source, Past::Public(parts));
        self.leave(arrival, false, fate, ground, world);
    }

    /// What was accepted once is kept if it can ever come back.
    fn leave(
        &mut self,
        arrival: Arrival,
        stem: bool,
        fate: Fate,
        ground: &mut Ground,
        world: &World,
    ) {
        let tx = arrival.tx.clone();
        if let Fate::Waits(awaits) = fate
            && self.wait(arrival, stem, awaits, world).is_ok()
        {
            return;
        }
        ground.gone.extend(creates(&tx));
        ground.promised.extend(self.promised(&tx, world));
        self.lose(&tx, stem, world);
    }

    /// Gives up a transaction, and with it the orphans that spend its outputs, if these do not
    /// exist all the same. What is public does not learn of what happens on the stem.
    pub(super) fn lose(&mut self, tx: &ValidTx, stem: bool, world: &World) {
        self.notice(Notice::Conflicted { kernels: kernels(tx), by: None });
        let promised = self.promised(tx, world);
        for output in creates(tx) {
            let [in_public, on_stem] = [false, true].map(|stem| self.exists(&output, stem, world));
            let on_stem = on_stem || promised.contains(&output);
            let lost = self.take_orphans(|orphan| {
                let exists = if orphan.stem { on_stem } else { in_public };
                let learns = orphan.stem || !stem;
                learns && !exists && spends(&orphan.arrival.tx).any(|input| input == output)
            });
            lost.iter().for_each(|orphan| self.lose(&orphan.arrival.tx, orphan.stem, world));
        }
    }

    /// Public transactions that depend on themselves, and what depends on those.
    fn floating(&self) -> Vec<Public> {
        let mut floating = self.public.clone();
        loop {
            let before = floating.len();
            let left = floating.clone();
            floating.retain(|entry| left.iter().any(|other| is_child(&entry.tx, &other.tx)));
            if floating.len() == before {
                return floating;
            }
        }
    }

    /// Parts that still fit are merged again with others of the same aggregate, to be announced.
    fn revive(&mut self, ground: &mut Ground, world: &World) {
        let groups = std::mem::take(&mut ground.survivors);
        self.fell_apart |= !groups.is_empty();
        let mut revived = vec![Vec::new(); groups.len()];
        let mut waiting: Vec<(usize, Part)> = Vec::new();
        for (group, parts) in groups.into_iter().enumerate() {
            waiting.extend(parts.into_iter().map(|part| (group, part)));
        }
        // Again and again: a part may be the child of another one.
        loop {
            let before = waiting.len();
            for (group, part) in std::mem::take(&mut waiting) {
                if let Fate::Stands = self.fate(&part.tx, false, ground, world) {
                    let id = self.add_public(part.tx.clone(), vec![part.clone()]);
                    revived[group].push((id, (), part.tx));
                } else {
                    waiting.push((group, part));
                }
            }
            if waiting.len() == before {
                break;
            }
        }
        for (_, part) in waiting {
            let fate = self.fate(&part.tx, false, ground, world);
            self.leave_public(part.tx.clone(), vec![part], fate, ground, world);
        }
        let limits = PlanLimits::of(self.config.consensus.chain);
        for Aggregate { parts, tx, .. } in revived.iter().flat_map(|group| plan(group, &limits)) {
            let entries = parts.iter().filter_map(|id| self.take_public(*id));
            let parts = entries.flat_map(|entry| entry.parts).collect();
            self.wake_for_public(&tx);
            ground.announced.push(self.add_public(tx, parts));
        }
    }

    /// Whether any of the lists but that of blocks has a kernel of it.
    pub(super) fn holds(&self, tx: &ValidTx) -> bool {
        let all = kernels(tx);
        self.everything().any(|other| overlaps(other, &all))
    }
}
