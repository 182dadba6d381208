//! Who waits, who finds room, and who has to go.

use scape_aggregate::{Commitment, ValidTx};
use scape_pool::{Accepted, EmbargoDelay, Instant, Notice, Refusal, Source};

use super::entries::{Arrival, Awaits, Id, Orphan, creates, is_child, kernels, overlaps};
use super::ground::Ground;
use super::{Model, Rule, World};

impl Model {
    /// Keeps what does not fit yet.
    pub(super) fn wait(
        &mut self,
        mut arrival: Arrival,
        stem: bool,
        awaits: Awaits,
        world: &World,
    ) -> Result<Accepted, Refusal> {
        let all = kernels(&arrival.tx);
        let is_alike = |other: &Orphan| other.stem == stem && overlaps(&other.arrival.tx, &all);
        let is_same = |other: &Orphan| {
            other.stem == stem && other.arrival.is_kept() && other.arrival.tx == arrival.tx
        };
        if arrival.is_kept() {
            if self.orphans.iter().any(is_same) {
                self.notice(Notice::Orphaned { kernels: all });
                return Ok(Accepted::Orphan);
            }
            // Nobody can keep it out by having sent something alike before.
            let strangers = self.take_orphans(|o| is_alike(o) && !o.arrival.is_kept());
            strangers.into_iter().for_each(|orphan| self.drop_orphan(&orphan));
        } else if self.orphans.iter().any(is_alike) {
            return Err(Refusal::Known);
        } else {
            if self.keeps(Rule::Full) {
                self.make_orphan_room(arrival.source, stem);
            }
            arrival.expiry.get_or_insert(world.now + self.config.capacity.orphan_age);
        }
        self.orphans.push(Orphan { arrival, stem, awaits, woken: None });
        let returning =
            |o: &&Orphan| o.stem == stem && o.arrival.expiry.is_none() && !o.arrival.is_own();
        if self.orphans.iter().filter(returning).count() > self.config.capacity.tx_entries {
            let oldest = self.orphans.iter().position(|o| returning(&o));
            let oldest = oldest.map(|index| self.orphans.remove(index));
            oldest.into_iter().for_each(|orphan| self.drop_orphan(&orphan));
        }
        self.notice(Notice::Orphaned { kernels: all });
        Ok(Accepted::Orphan)
    }

    fn drop_orphan(&mut self, orphan: &Orphan) {
        let kernels = kernels(&orphan.arrival.tx);
        self.notice(Notice::OrphanDropped { kernels, refusal: None });
    }

    /// Who is over its share gives way with its own oldest; if all room is used, who uses most
    /// does.
    fn make_orphan_room(&mut self, source: Source, stem: bool) {
        let capacity = self.config.capacity;
        let share = (capacity.orphan_entries / capacity.shares).max(1);
        loop {
            let counted: Vec<&Orphan> = self
                .orphans
                .iter()
                .filter(|orphan| orphan.stem == stem && orphan.arrival.expiry.is_some())
                .collect();
            let used = |by: Source| counted.iter().filter(|o| o.arrival.source == by).count();
            let greedy = if used(source) >= share {
                source
            } else if counted.len() >= capacity.orphan_entries {
                let sources = counted.iter().map(|orphan| orphan.arrival.source);
                sources.max_by_key(|source| (used(*source), *source)).unwrap_or(source)
            } else {
                return;
            };
            let of_greedy = self.orphans.iter().enumerate().filter(|(_, orphan)| {
                let Orphan { arrival, .. } = orphan;
                orphan.stem == stem && arrival.expiry.is_some() && arrival.source == greedy
            });
            let oldest = of_greedy.min_by_key(|(index, o)| (o.arrival.expiry, *index));
            let Some((index, _)) = oldest else { return };
            let orphan = self.orphans.remove(index);
            self.drop_orphan(&orphan);
        }
    }

    pub(super) fn expire_orphans(&mut self, now: Instant) {
        let expired = self.take_orphans(|o| o.arrival.expiry.is_some_and(|at| at <= now));
        expired.iter().for_each(|orphan| self.drop_orphan(orphan));
    }

    /// Outputs came into being: who waits for one of them is worth another try.
    pub(super) fn wake(&mut self, outputs: &[Commitment], stem: bool) {
        for output in outputs {
            while let Some(index) = self.orphans.iter().position(|orphan| {
                orphan.stem == stem && orphan.woken.is_none() && orphan.awaits_any(&[*output])
            }) {
                self.orphans[index].woken = Some(self.new_id());
            }
        }
    }

    pub(super) fn wake_for_stem(&mut self, tx: &ValidTx) {
        self.wake(&creates(tx).collect::<Vec<_>>(), true);
    }

    pub(super) fn wake_for_public(&mut self, tx: &ValidTx) {
        self.wake(&creates(tx).collect::<Vec<_>>(), false);
        self.wake_for_stem(tx);
    }

    pub(super) fn embargo_from(&self, now: Instant) -> Instant {
        match self.config.embargo.delay {
            EmbargoDelay::Uniform { base, .. } => now + base,
            EmbargoDelay::Exponential { mean } => now + mean,
        }
    }

    /// The owner's always find room; a peer may fill its share.
    pub(super) fn has_stem_room(&self, source: Source) -> bool {
        let capacity = &self.config.capacity;
        let used = self.stem.iter().filter(|entry| entry.source == source).count();
        source == Source::Own
            || used < (capacity.stem_entries / capacity.shares).max(1)
                && self.stem.len() < capacity.stem_entries
    }

    /// Those that may have to go when the txpool is full, cheapest first: nobody's parents and not
    /// the owner's.
    fn leaves(&self) -> Vec<(u64, Id)> {
        let is_leaf = |tx: &ValidTx| !self.public.iter().any(|other| is_child(&other.tx, tx));
        let leaves = self
            .public
            .iter()
            .filter(|entry| !entry.parts.iter().any(|part| part.own) && is_leaf(&entry.tx));
        let mut leaves: Vec<_> = leaves.map(|entry| (fee_rate(&entry.tx), entry.id)).collect();
        leaves.sort_unstable();
        leaves
    }

    /// Makes room for `tx` by those that pay less, unless it has to have room (`always`).
    pub(super) fn make_room(
        &mut self,
        tx: &ValidTx,
        always: bool,
        world: &World,
    ) -> Result<(), Refusal> {
        let is_parent = |id: Id| self.public.iter().any(|e| e.id == id && is_child(tx, &e.tx));
        let cheaper = self.leaves().into_iter().filter(|(rate, id)| {
            !is_parent(*id) && (always || *rate < fee_rate(tx)) && self.keeps(Rule::Full)
        });
        let excess = (self.public.len() + 1).saturating_sub(self.config.capacity.tx_entries);
        let victims: Vec<_> = cheaper.map(|(_, id)| id).take(excess).collect();
        if victims.len() < excess && !always {
            return Err(Refusal::Full);
        }
        victims.into_iter().for_each(|id| self.evict(id, world));
        Ok(())
    }

    /// Who pays least goes, of those that were there before `newest`.
    pub(super) fn trim(&mut self, newest: Id, world: &World) {
        while self.public.len() > self.config.capacity.tx_entries {
            let victim = self.leaves().into_iter().find(|(_, id)| *id < newest);
            let Some((_, id)) = victim else { return };
            self.evict(id, world);
        }
    }

    /// What depends on it on the stem has lost its ground. The owner's waits for it to come back.
    fn evict(&mut self, id: Id, world: &World) {
        let Some(entry) = self.take_public(id) else { return };
        self.notice(Notice::Evicted { kernels: kernels(&entry.tx) });
        let children = self.stem.iter().filter(|child| is_child(&child.tx, &entry.tx));
        let children: Vec<_> = children.map(|child| (child.source, child.id)).collect();
        for is_own in [true, false] {
            let some = children.iter().filter(|(source, _)| (*source == Source::Own) == is_own);
            let doubtful = some.map(|(_, id)| *id).collect();
            self.resettle(Ground { doubtful, may_return: is_own, ..Ground::default() }, world);
        }
    }
}

fn fee_rate(tx: &ValidTx) -> u64 {
    tx.shifted_fee() / tx.weight().0
}
