//! What the pool does when blocks come and go.

use std::collections::{BTreeSet, HashSet};

use scape_aggregate::{Commitment, Hash, ValidTx};

use crate::orphans::Orphans;
use crate::pool::{MinedMeta, Part};
use crate::store::{kernel_hashes, spends};
use crate::upheaval::Upheaval;
use crate::{BlockSummary, ChainUpdate, Context, EntryId, Instant, Notice, Pool, Rival, Source};

impl Pool {
    /// Follows the chain: what is mined leaves, also where it is only part of an aggregate; what
    /// conflicts with a block is given up; what an undone block held comes back.
    ///
    /// Costs O(size of the blocks), and after a reorg O(size of the pools).
    pub fn handle_chain(&mut self, update: &ChainUpdate, ctx: &mut Context<'_>) {
        let reorg = !update.disconnected.is_empty();
        let mut upheaval = Upheaval { may_return: reorg, ..Upheaval::default() };
        for block in &update.disconnected {
            self.owned.disconnect(block);
            self.disconnect(block, ctx.now);
        }
        for block in &update.connected {
            self.owned.connect(block);
            self.connect(block, &mut upheaval, ctx);
        }
        if reorg {
            // Anything may have lost its ground, or found it.
            upheaval.doubtful.extend(self.txpool.ids().chain(self.stem.ids()));
            self.wake_orphans(ctx);
        }
        // Only now: the chain shows the last block already, whose transactions may have spent what
        // the first ones created.
        self.resettle(upheaval, ctx);
        self.trim(EntryId(u64::MAX), ctx);
        self.public_orphans.reached(ctx.chain.tip().height);
        self.stem_orphans.reached(ctx.chain.tip().height);
        self.forget_mined(ctx.chain.tip().height);
        self.reconsider_own();
        self.settle(ctx);
    }

    /// After a reorg outputs may exist again whose coming nobody reported.
    fn wake_orphans(&mut self, ctx: &Context<'_>) {
        let found = |orphans: &Orphans, stem: bool| {
            let found = orphans.spent().filter(|spent| self.exists(spent, stem, ctx));
            found.copied().collect::<BTreeSet<_>>()
        };
        let public = found(&self.public_orphans, false);
        let stem = found(&self.stem_orphans, true);
        self.public_orphans.created(public.into_iter());
        self.stem_orphans.created(stem.into_iter());
    }

    /// A stem entry has kernels that are public now: it leaves, or the known part of it does.
    /// Returns these kernels. What may have lost its ground by it is in doubt.
    pub(crate) fn reconcile_stem(
        &mut self,
        id: EntryId,
        doubtful: &mut BTreeSet<EntryId>,
        ctx: &Context<'_>,
    ) -> Vec<Hash> {
        let Some(entry) = self.stem.get(id) else { return Vec::new() };
        let tx = entry.tx.clone();
        doubtful.extend(self.stem.children(&tx));
        doubtful.insert(id);
        let kernels = kernel_hashes(&tx);
        let public = |kernel: &&Hash| self.is_public_kernel(kernel, true);
        let public: Vec<_> = kernels.iter().filter(public).copied().collect();
        if public.len() == kernels.len() {
            self.remove_stem(id);
            return public;
        }
        let rest = self.without_public(&tx, true).filter(|_| !public.is_empty());
        // If it is not separable, its inputs and outputs say whether it is still possible.
        let Some(rest) = rest else { return Vec::new() };
        if let Some((_, meta)) = self.remove_stem(id) {
            match rest.pays_relay_fee() {
                true => self.insert_stem(id, rest, meta),
                // The public part had paid for it; alone nobody would take it.
                false => {
                    let by = public.first().and_then(|kernel| self.public_rival(kernel));
                    self.lose(&rest, true, by, ctx);
                }
            }
        }
        public
    }

    fn connect(&mut self, block: &BlockSummary, upheaval: &mut Upheaval, ctx: &Context<'_>) {
        let mined: HashSet<Hash> = block.kernels.iter().copied().collect();
        self.mine_survivors(block, &mined, upheaval);
        for id in self.txpool.overlapping(&block.kernels) {
            self.mine_public(id, block, &mined, upheaval);
        }
        for id in self.stem.overlapping(&block.kernels) {
            self.mine_stem(id, block, &mined, upheaval, ctx);
        }
        let by = Some(Rival::Block(block.hash));
        upheaval.gone.extend(block.inputs.iter().map(|spent| (*spent, by)));
        for spent in &block.inputs {
            upheaval.doubtful.extend(self.txpool.spender(spent));
            upheaval.doubtful.extend(self.stem.spender(spent));
        }
        for created in &block.outputs {
            upheaval.doubtful.extend(self.txpool.creator(created));
            upheaval.doubtful.extend(self.stem.creator(created));
        }
        for excess in &block.nrd {
            upheaval.doubtful.extend(self.txpool.with_nrd(excess));
            upheaval.doubtful.extend(self.stem.with_nrd(excess));
        }
        self.mine_orphans(block, &mined, ctx);
        self.public_orphans.created(block.outputs.iter().copied());
        self.stem_orphans.created(block.outputs.iter().copied());
    }

    /// A public entry has kernels in a block.
    fn mine_public(
        &mut self,
        id: EntryId,
        block: &BlockSummary,
        mined: &HashSet<Hash>,
        upheaval: &mut Upheaval,
    ) {
        let Some(entry) = self.txpool.get(id) else { return };
        upheaval.doubtful.extend(self.txpool.children(&entry.tx));
        upheaval.doubtful.extend(self.stem.children(&entry.tx));
        if is_inside(&entry.tx, mined) {
            if let Some((tx, meta)) = self.remove_public(id) {
                self.keep_mined(tx, meta.parts, false, block);
            }
            return;
        }
        if entry.meta.parts.len() < 2 {
            upheaval.doubtful.insert(id);
            return;
        }
        // Only a part of our aggregate was mined. We know the parts, so the rest goes on.
        if let Some((_, meta)) = self.remove_public(id) {
            upheaval.survivors.push(meta.parts);
            self.mine_survivors(block, mined, upheaval);
        }
    }

    fn mine_survivors(
        &mut self,
        block: &BlockSummary,
        mined: &HashSet<Hash>,
        upheaval: &mut Upheaval,
    ) {
        for parts in &mut upheaval.survivors {
            let done = parts.extract_if(.., |part| is_inside(&part.tx, mined));
            for part in done {
                self.keep_mined(part.tx.clone(), vec![part], false, block);
            }
        }
    }

    fn mine_stem(
        &mut self,
        id: EntryId,
        block: &BlockSummary,
        mined: &HashSet<Hash>,
        upheaval: &mut Upheaval,
        ctx: &Context<'_>,
    ) {
        let Some(entry) = self.stem.get(id) else { return };
        if !is_inside(&entry.tx, mined) {
            // A part may have been public in a block before, and known here for it.
            self.reconcile_stem(id, &mut upheaval.doubtful, ctx);
            return;
        }
        upheaval.doubtful.extend(self.stem.children(&entry.tx));
        if let Some((tx, meta)) = self.remove_stem(id) {
            let own = meta.source == Source::Own;
            let parts = vec![Part { tx: tx.clone(), own }];
            self.keep_mined(tx, parts, true, block);
        }
    }

    fn mine_orphans(&mut self, block: &BlockSummary, mined: &HashSet<Hash>, ctx: &Context<'_>) {
        let spent: HashSet<Commitment> = block.inputs.iter().copied().collect();
        let is_mined = |tx: &ValidTx| is_inside(tx, mined);
        let pointless = |tx: &ValidTx| is_mined(tx) || spends(tx).any(|c| spent.contains(&c));
        let public = self.public_orphans.take_if(pointless);
        let stem = self.stem_orphans.take_if(pointless);
        for (arrival, stem) in
            public.iter().map(|a| (a, false)).chain(stem.iter().map(|a| (a, true)))
        {
            let kernels = kernel_hashes(&arrival.tx);
            match is_mined(&arrival.tx) {
                true => self.notice(Notice::Mined { kernels, height: block.height }),
                false => self.lose(&arrival.tx, stem, Some(Rival::Block(block.hash)), ctx),
            }
        }
    }

    fn keep_mined(&mut self, tx: ValidTx, parts: Vec<Part>, private: bool, block: &BlockSummary) {
        self.notice(Notice::Mined { kernels: kernel_hashes(&tx), height: block.height });
        let id = self.new_id();
        let meta = MinedMeta { block: block.hash, height: block.height, private, parts };
        self.mined.insert(id, tx, meta);
    }

    /// What an undone block held is public and pending again.
    fn disconnect(&mut self, block: &Hash, now: Instant) {
        let undone = self.mined.iter().filter(|(_, entry)| entry.meta.block == *block);
        let undone: Vec<_> = undone.map(|(id, _)| id).collect();
        for id in undone {
            let Some(entry) = self.mined.remove(id) else { continue };
            self.notice(Notice::Unmined { kernels: kernel_hashes(&entry.tx) });
            self.insert_public(entry.tx, entry.meta.parts, now);
        }
    }

    fn forget_mined(&mut self, height: u64) {
        let oldest = height.saturating_sub(self.config.capacity.reorg_depth);
        self.owned.forget(oldest);
        loop {
            // Ids grow with time, and so do the heights of what was mined, but for reorgs.
            let first = self.mined.iter().next().map(|(id, entry)| (id, entry.meta.height));
            match first {
                Some((id, height)) if height < oldest => self.mined.remove(id),
                _ => return,
            };
        }
    }
}

fn is_inside(tx: &ValidTx, kernels: &HashSet<Hash>) -> bool {
    tx.kernels().iter().all(|kernel| kernels.contains(kernel.hash()))
}
