//! Through which zone the owner's transactions leave.
//!
//! What nobody has been given yet is of no zone: it waits in one of those that are named, and goes
//! over to another as soon as that one has a way out and its own has none. What somebody was given
//! stays in its zone for good: seen in two, it would join them.

use std::collections::HashSet;
use std::path::Path;

use scape_aggregate::{Hash, Transaction};
use scape_pool::{Record, RecordStage, WayOut};

use super::Core;
use crate::node::NodeError;
use crate::node::own::Entry;
use crate::node::site::{Site, World, file_name};

impl Core {
    /// The zones that are named for the owner's transactions, the preferred one first.
    fn named(&self) -> Vec<usize> {
        let place = |network| self.sites.iter().position(|site| site.network == network);
        self.origin.iter().copied().filter_map(place).collect()
    }

    /// The first that is up of the zones that are named.
    fn open(&self) -> Option<usize> {
        self.named().into_iter().find(|index| self.sites[*index].is_open())
    }

    /// The zone that a transaction of the owner is given to: where it is already, or what it depends
    /// on; else the first that is up of those that are named for it, else the first of them, where it
    /// waits. Never any other.
    pub(super) fn origin(&self, tx: &Transaction) -> usize {
        let home = self.sites.iter().position(|site| site.zone.pool().is_kin(tx));
        home.or_else(|| self.open()).or_else(|| self.named().first().copied()).unwrap_or(0)
    }

    /// Lets what has not left, and waits where there is no way out, go over to where there is one.
    /// Returns whether there was any.
    pub(super) async fn reroute(&mut self) -> bool {
        if self.origin.len() < 2 {
            return false;
        }
        let Some(to) = self.open() else { return false };
        let mut moved = false;
        for from in self.named() {
            if self.sites[from].may_have_unsent && !self.sites[from].is_open() {
                moved |= self.move_unsent(from, to).await;
            }
        }
        moved
    }

    /// One journal has it before the other one has not, and both are on the disk before anything
    /// leaves: a crash in between leaves it in both, which [`Core::settle_kept`] sees to. If either
    /// cannot be written, all stays as it is and is tried again.
    async fn move_unsent(&mut self, from: usize, to: usize) -> bool {
        let Self { sites, world, .. } = self;
        let Ok([from, to]) = sites.get_disjoint_mut([from, to]) else { return false };
        let now = world.clock.now();
        for site in [&mut *from, &mut *to] {
            site.keeper.retry(now).await;
            if site.keeper.failure().is_some() {
                return false;
            }
        }
        let unsent = from.zone.pool().unsent();
        if unsent.is_empty() {
            from.may_have_unsent = false;
            return false;
        }
        let moment = world.clock.moment();
        unsent.iter().for_each(|record| to.keeper.keep(record, moment));
        to.keeper.write(now).await;
        if to.keeper.failure().is_none() {
            unsent.iter().for_each(|record| from.keeper.erase(record.key()));
            from.keeper.write(now).await;
            if from.keeper.failure().is_none() {
                to.take_over(from.give_up(&unsent, world), unsent, world);
                return true;
            }
            unsent.iter().for_each(|record| from.keeper.keep(record, moment));
        }
        unsent.iter().for_each(|record| to.keeper.erase(record.key()));
        false
    }

    /// What a crash has left in two journals stays in one: where it has left, or else in the first of
    /// the zones that are named. The other has forgotten it for good before anything goes on.
    pub(super) async fn settle_kept(&mut self, dir: Option<&Path>) -> Result<(), NodeError> {
        let waits = |record: &Record| matches!(record.stage, RecordStage::Waiting { .. });
        let kept = self.sites.iter().flat_map(|site| &site.kept);
        let mut seen: HashSet<Hash> =
            kept.filter(|record| !waits(record)).map(Record::key).collect();
        let named = self.named();
        let others = (0..self.sites.len()).filter(|index| !named.contains(index));
        for index in named.iter().copied().chain(others) {
            let site = &mut self.sites[index];
            let twice = |record: &mut Record| waits(record) && !seen.insert(record.key());
            let twice: Vec<_> = site.kept.extract_if(.., twice).collect();
            if twice.is_empty() {
                continue;
            }
            twice.iter().for_each(|record| site.keeper.erase(record.key()));
            site.keeper.write(self.world.clock.now()).await;
            if let (Some(error), Some(dir)) = (site.keeper.failure(), dir) {
                let path = dir.join(file_name("journal", site.network, "redb"));
                return Err(NodeError::Journal { path, error });
            }
        }
        Ok(())
    }
}

impl Site {
    /// Whether transactions of the owner can leave now.
    fn is_open(&self) -> bool {
        self.zone.way_out() == WayOut::Open
    }

    /// Forgets transactions of the owner that go over to another zone, as if they had never been
    /// here: who sends one of them to this zone must not find by the time that it takes that it
    /// was verified before.
    fn give_up(&mut self, unsent: &[Record], world: &World) -> Vec<Entry> {
        self.with_zone(world, |zone, ctx| zone.withdraw(unsent, ctx));
        unsent.iter().for_each(|record| self.verifier.forget(&record.tx));
        unsent.iter().filter_map(|record| self.own.take(&record.tx)).collect()
    }

    /// Goes on with what another zone has given up, under an embargo of its own.
    fn take_over(&mut self, told: Vec<Entry>, unsent: Vec<Record>, world: &World) {
        told.into_iter().for_each(|entry| self.own.put(entry));
        let stage = RecordStage::Waiting { embargo: None };
        let records: Vec<_> = unsent.into_iter().map(|record| Record { stage, ..record }).collect();
        self.with_zone(world, |zone, ctx| zone.restore(records, &[], ctx));
    }
}
