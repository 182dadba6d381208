//! What happens when blocks come and go.

use scape_aggregate::{Commitment, Hash};
use scape_pool::{BlockSummary, ChainUpdate, ChainView, Notice, Source};

use super::entries::{
    Awaits, Id, Mined, Orphan, Part, Public, is_inside, kernels, overlaps, spends,
};
use super::ground::Ground;
use super::{Model, Rule, World};

impl Model {
    /// As [`scape_pool::Pool::handle_chain`].
    pub fn handle_chain(&mut self, update: &ChainUpdate, world: &World) {
        let is_reorg = !update.disconnected.is_empty();
        let mut ground = Ground { may_return: is_reorg, ..Ground::default() };
        update.disconnected.iter().for_each(|block| self.disconnect(block));
        update.connected.iter().for_each(|block| self.connect(block, &mut ground, world));
        if is_reorg {
            self.wake_whoever_can(world);
        }
        ground.doubtful.extend(self.public.iter().map(|entry| entry.id));
        ground.doubtful.extend(self.stem.iter().map(|entry| entry.id));
        self.resettle(ground, world);
        self.trim(Id::MAX, world);
        let height = world.chain.tip().height;
        for stem in [false, true] {
            self.wake_for_height(height, stem);
        }
        let oldest = height.saturating_sub(self.config.capacity.reorg_depth);
        self.mined.retain(|mined| mined.height >= oldest);
        self.forget_pushed(oldest);
        self.reconsider_pushed();
        self.settle(world);
    }

    fn disconnect(&mut self, block: &Hash) {
        for own in self.pushed.iter_mut().filter(|own| own.mined.is_some_and(|m| m.0 == *block)) {
            own.mined = None;
        }
        for Mined { entry, .. } in
            self.mined.extract_if(.., |mined| mined.block == *block).collect::<Vec<_>>()
        {
            self.notice(Notice::Unmined { kernels: kernels(&entry.tx) });
            if self.keeps(Rule::Unmine) {
                self.add_public(entry.tx, entry.parts);
            }
        }
    }

    fn connect(&mut self, block: &BlockSummary, ground: &mut Ground, world: &World) {
        self.connect_pushed(block);
        self.bury_survivors(block, ground);
        let in_public = |entry: &mut Public| overlaps(&entry.tx, &block.kernels);
        for entry in self.public.extract_if(.., in_public).collect::<Vec<_>>() {
            if is_inside(&entry.tx, &block.kernels) {
                self.bury(entry, false, block);
            } else if entry.parts.len() > 1 && self.keeps(Rule::Survivors) {
                ground.survivors.push(entry.parts);
                self.bury_survivors(block, ground);
            } else {
                self.public.push(entry);
                self.public.sort_by_key(|entry| entry.id);
            }
        }
        for id in self.stem.iter().map(|entry| entry.id).collect::<Vec<_>>() {
            let Some(entry) = self.stem_entry(id).filter(|e| overlaps(&e.tx, &block.kernels))
            else {
                continue;
            };
            if is_inside(&entry.tx, &block.kernels) {
                let own = entry.source == Source::Own;
                let (tx, id) = (entry.tx.clone(), entry.id);
                self.take_stem(id);
                let parts = vec![Part { tx: tx.clone(), own }];
                self.bury(Public { id, tx, parts }, true, block);
            } else {
                self.see(id, world);
            }
        }
        ground.gone.extend(&block.inputs);
        let is_pointless = |orphan: &Orphan| {
            let mut spent = spends(&orphan.arrival.tx);
            is_inside(&orphan.arrival.tx, &block.kernels)
                || spent.any(|c| block.inputs.contains(&c))
        };
        for Orphan { arrival, stem, .. } in self.take_orphans(is_pointless) {
            let kernels = kernels(&arrival.tx);
            match is_inside(&arrival.tx, &block.kernels) {
                true => self.notice(Notice::Mined { kernels, height: block.height }),
                false => self.lose(&arrival.tx, stem, world),
            }
        }
        self.wake(&block.outputs, false);
        self.wake(&block.outputs, true);
    }

    /// What is left of an aggregate of which only a part was mined goes on.
    fn bury_survivors(&mut self, block: &BlockSummary, ground: &mut Ground) {
        for parts in &mut ground.survivors {
            for part in parts.extract_if(.., |part| is_inside(&part.tx, &block.kernels)) {
                let (id, tx) = (self.new_id(), part.tx.clone());
                self.bury(Public { id, tx, parts: vec![part] }, false, block);
            }
        }
    }

    fn bury(&mut self, entry: Public, private: bool, block: &BlockSummary) {
        self.notice(Notice::Mined { kernels: kernels(&entry.tx), height: block.height });
        self.mined.push(Mined { entry, block: block.hash, height: block.height, private });
    }

    /// After a reorg outputs may be there again whose coming nobody reported.
    fn wake_whoever_can(&mut self, world: &World) {
        for stem in [false, true] {
            let orphans = self.orphans.iter().filter(|orphan| orphan.stem == stem);
            let missing = orphans.flat_map(|orphan| match &orphan.awaits {
                Awaits::Outputs(missing) => missing.clone(),
                Awaits::Height(_) => Vec::new(),
            });
            let mut found: Vec<Commitment> =
                missing.filter(|output| self.exists(output, stem, world)).collect();
            found.sort_unstable();
            self.wake(&found, stem);
        }
    }

    fn wake_for_height(&mut self, height: u64, stem: bool) {
        let until = |orphan: &Orphan| match orphan.awaits {
            Awaits::Height(until) => until,
            Awaits::Outputs(_) => u64::MAX,
        };
        let is_over = |o: &Orphan| o.stem == stem && o.woken.is_none() && until(o) <= height;
        let over = self.orphans.iter().enumerate().filter(|(_, orphan)| is_over(orphan));
        let mut over: Vec<_> = over.map(|(index, orphan)| (until(orphan), index)).collect();
        over.sort_unstable();
        for (_, index) in over {
            self.orphans[index].woken = Some(self.new_id());
        }
    }
}
