//! What the pool does when something becomes public, is mined, or comes undone.

use std::collections::{BTreeSet, HashSet};

use scape_aggregate::{Commitment, Hash, ValidTx, aggregate, deaggregate};

use crate::admission::{Check, contained};
use crate::orphans::Waiting;
use crate::pool::{MinedMeta, Part, TxMeta};
use crate::store::{creates, kernel_hashes, spends};
use crate::{BlockSummary, ChainUpdate, Context, Effect, EntryId, Notice, Pool, Refusal, Source};

impl Pool {
    /// Follows the chain: what is mined leaves, also where it is only part of an aggregate; what
    /// conflicts with a block is given up; what an undone block held comes back.
    ///
    /// Costs O(size of the blocks), and after a reorg O(size of the pools).
    pub fn handle_chain(&mut self, update: &ChainUpdate, ctx: &mut Context<'_>) {
        for block in &update.disconnected {
            self.disconnect(block);
        }
        for block in &update.connected {
            self.connect(block, ctx);
        }
        if !update.disconnected.is_empty() {
            self.recheck_all(ctx);
        }
        self.orphans.reached(ctx.chain.tip().height);
        self.forget_mined(ctx.chain.tip().height);
        self.settle(ctx);
    }

    /// Takes out of the stempool what a public transaction makes known or impossible.
    pub(crate) fn reconcile_public(&mut self, tx: &ValidTx, ctx: &Context<'_>) {
        let kernels = kernel_hashes(tx);
        let mut bereft = BTreeSet::new();
        for id in self.stem.overlapping(&kernels) {
            bereft.extend(self.reconcile_stem_entry(id, Known::Seen));
        }
        self.give_up_conflicting(spends(tx), creates(tx), false);
        self.give_up_bereft(bereft, ctx);
        self.orphans.forget_known(&kernels);
    }

    /// A stem entry has kernels that are public now: it leaves, or the known part of it does.
    /// Returns its children, which may have lost their parent's output.
    fn reconcile_stem_entry(&mut self, id: EntryId, known: Known) -> BTreeSet<EntryId> {
        let Some(entry) = self.stem.get(id) else { return BTreeSet::new() };
        let tx = entry.tx.clone();
        let children = self.stem.children(&tx);
        let is_public = |kernel: &&Hash| {
            self.txpool.with_kernel(kernel).is_some() || self.mined.with_kernel(kernel).is_some()
        };
        let kernels = kernel_hashes(&tx);
        let public: Vec<_> = kernels.iter().filter(is_public).copied().collect();
        if public.len() == kernels.len() {
            self.remove_stem(id);
        } else if let Some(rest) = self.without_public(&tx) {
            if let Some((_, meta)) = self.remove_stem(id) {
                self.insert_stem(id, rest, meta);
            }
        } else {
            // Not separable: if the rest is not possible any more, the check of inputs says so.
            return children;
        }
        if matches!(known, Known::Seen) {
            self.notice(Notice::Seen { kernels: public });
        }
        children
    }

    /// What is left of a stem transaction without its public parts, where these are known alone.
    fn without_public(&self, tx: &ValidTx) -> Option<ValidTx> {
        let pending = contained(&self.txpool, tx)?;
        let mined = contained(&self.mined, tx)?;
        let parts: Vec<_> = pending.into_iter().chain(mined).map(|(_, part)| part).collect();
        deaggregate(tx, &parts).ok()
    }

    /// Gives up what spends or creates what somebody else has spent or created in public: stem
    /// entries always, public ones if it happened in a block.
    fn give_up_conflicting(
        &mut self,
        spent: impl Iterator<Item = Commitment>,
        created: impl Iterator<Item = Commitment>,
        in_block: bool,
    ) {
        for commitment in spent {
            while let Some(id) = self.stem.spender(&commitment) {
                self.give_up_stem(id);
            }
            if let (true, Some(id)) = (in_block, self.txpool.spender(&commitment)) {
                self.give_up_public(id);
            }
        }
        for commitment in created {
            if let Some(id) = self.stem.creator(&commitment) {
                self.give_up_stem(id);
            }
            if let (true, Some(id)) = (in_block, self.txpool.creator(&commitment)) {
                self.give_up_public(id);
            }
        }
    }

    /// Gives up those of the stem entries whose inputs are gone for good.
    fn give_up_bereft(&mut self, children: BTreeSet<EntryId>, ctx: &Context<'_>) {
        for id in children {
            let exists = |commitment| self.exists(&commitment, true, ctx);
            if self.stem.get(id).is_some_and(|entry| !spends(&entry.tx).all(exists)) {
                self.give_up_stem(id);
            }
        }
    }

    fn give_up_bereft_public(&mut self, children: BTreeSet<EntryId>, ctx: &Context<'_>) {
        for id in children {
            let exists = |commitment| self.exists(&commitment, false, ctx);
            if self.txpool.get(id).is_some_and(|entry| !spends(&entry.tx).all(exists)) {
                self.give_up_public(id);
            }
        }
    }

    fn exists(&self, commitment: &Commitment, stem: bool, ctx: &Context<'_>) -> bool {
        ctx.chain.utxo(commitment).is_some()
            || self.txpool.creator(commitment).is_some()
            || stem && self.stem.creator(commitment).is_some()
    }

    fn give_up_stem(&mut self, id: EntryId) {
        let Some((tx, _)) = self.remove_stem(id) else { return };
        self.notice(Notice::Conflicted { kernels: kernel_hashes(&tx) });
        for child in self.stem.children(&tx) {
            self.give_up_stem(child);
        }
    }

    fn give_up_public(&mut self, id: EntryId) {
        let Some((tx, _)) = self.remove_public(id) else { return };
        self.notice(Notice::Conflicted { kernels: kernel_hashes(&tx) });
        for child in self.txpool.children(&tx) {
            self.give_up_public(child);
        }
        for child in self.stem.children(&tx) {
            self.give_up_stem(child);
        }
    }

    fn connect(&mut self, block: &BlockSummary, ctx: &mut Context<'_>) {
        let mined: HashSet<Hash> = block.kernels.iter().copied().collect();
        let (mut bereft, mut bereft_public) = (BTreeSet::new(), BTreeSet::new());
        for id in self.txpool.overlapping(&block.kernels) {
            let Some(entry) = self.txpool.get(id) else { continue };
            bereft_public.extend(self.txpool.children(&entry.tx));
            bereft.extend(self.mine_public(id, block, &mined));
        }
        for id in self.stem.overlapping(&block.kernels) {
            bereft.extend(self.mine_stem(id, block, &mined));
        }
        self.give_up_conflicting(block.inputs.iter().copied(), block.outputs.iter().copied(), true);
        self.give_up_bereft_public(bereft_public, ctx);
        self.give_up_bereft(bereft, ctx);
        let spent: HashSet<Commitment> = block.inputs.iter().copied().collect();
        let pointless = self
            .orphans
            .take_if(|tx| is_inside(tx, &mined) || spends(tx).any(|input| spent.contains(&input)));
        for orphan in pointless {
            let kernels = kernel_hashes(&orphan.tx);
            match is_inside(&orphan.tx, &mined) {
                true => self.notice(Notice::Mined { kernels, height: block.height }),
                false => self.notice(Notice::Conflicted { kernels }),
            }
        }
        self.orphans.created(block.outputs.iter().copied(), false);
    }

    /// A public entry has kernels in a block. Returns the stem entries that spend its outputs.
    fn mine_public(
        &mut self,
        id: EntryId,
        block: &BlockSummary,
        mined: &HashSet<Hash>,
    ) -> BTreeSet<EntryId> {
        let Some(entry) = self.txpool.get(id) else { return BTreeSet::new() };
        let children = self.stem.children(&entry.tx);
        if is_inside(&entry.tx, mined) {
            if let Some((tx, meta)) = self.remove_public(id) {
                self.keep_mined(tx, meta, block);
            }
            return children;
        }
        // Only a part of our aggregate was mined. We know the parts, so the rest goes on.
        let separable = |part: &Part| {
            is_inside(&part.tx, mined)
                || !part.tx.kernels().iter().any(|k| mined.contains(k.hash()))
        };
        if !entry.meta.parts.iter().all(separable) {
            return children;
        }
        let Some((_, meta)) = self.remove_public(id) else { return children };
        let (done, rest): (Vec<_>, Vec<_>) =
            meta.parts.into_iter().partition(|part| is_inside(&part.tx, mined));
        for part in done {
            let meta = TxMeta { own: part.own, parts: vec![part.clone()], rate: meta.rate };
            self.keep_mined(part.tx, meta, block);
        }
        let txs: Vec<_> = rest.iter().map(|part| part.tx.clone()).collect();
        if let Ok(tx) = aggregate(&txs) {
            self.effects.push_back(Effect::Fluff { tx: tx.clone(), except: None });
            self.insert_public(tx, rest);
        }
        children
    }

    fn mine_stem(
        &mut self,
        id: EntryId,
        block: &BlockSummary,
        mined: &HashSet<Hash>,
    ) -> BTreeSet<EntryId> {
        let Some(entry) = self.stem.get(id) else { return BTreeSet::new() };
        if !is_inside(&entry.tx, mined) {
            return self.reconcile_stem_entry(id, Known::Mined);
        }
        let children = self.stem.children(&entry.tx);
        if let Some((tx, meta)) = self.remove_stem(id) {
            let own = meta.source == Source::Own;
            let parts = vec![Part { tx: tx.clone(), own }];
            self.keep_mined(tx, TxMeta { own, parts, rate: 0 }, block);
        }
        children
    }

    fn keep_mined(&mut self, tx: ValidTx, meta: TxMeta, block: &BlockSummary) {
        self.notice(Notice::Mined { kernels: kernel_hashes(&tx), height: block.height });
        let TxMeta { own, parts, .. } = meta;
        let id = self.new_id();
        let meta = MinedMeta { block: block.hash, height: block.height, own, parts };
        self.mined.insert(id, tx, meta);
    }

    /// What an undone block held is public and pending again.
    fn disconnect(&mut self, block: &Hash) {
        let undone = self.mined.iter().filter(|(_, entry)| entry.meta.block == *block);
        let undone: Vec<_> = undone.map(|(id, _)| id).collect();
        for id in undone {
            let Some(entry) = self.mined.remove(id) else { continue };
            self.notice(Notice::Unmined { kernels: kernel_hashes(&entry.tx) });
            let new = self.insert_public(entry.tx, entry.meta.parts);
            if let Some(meta) = self.txpool.meta_mut(new) {
                meta.own |= entry.meta.own;
            }
        }
    }

    fn forget_mined(&mut self, height: u64) {
        let oldest = height.saturating_sub(self.config.capacity.reorg_depth);
        loop {
            // Ids grow with time, and so do the heights of what was mined, but for reorgs.
            let first = self.mined.iter().next().map(|(id, entry)| (id, entry.meta.height));
            match first {
                Some((id, height)) if height < oldest => self.mined.remove(id),
                _ => return,
            };
        }
    }

    /// After a reorg anything may have lost its ground. What did waits: for its inputs, or for the
    /// height that its locks need.
    fn recheck_all(&mut self, ctx: &Context<'_>) {
        let public: Vec<_> = self.txpool.ids().collect();
        for id in public {
            self.recheck_public(id, ctx);
        }
        let stem: Vec<_> = self.stem.ids().collect();
        for id in stem {
            self.recheck_stem(id, ctx);
        }
    }

    fn recheck_public(&mut self, id: EntryId, ctx: &Context<'_>) {
        let Some((tx, meta)) = self.remove_public(id) else { return };
        let waiting = match self.check(&tx, false, ctx) {
            Check::Fits => {
                let TxMeta { own, parts, rate } = meta;
                self.by_rate.insert((rate, id));
                return self.txpool.insert(id, tx, TxMeta { own, parts, rate });
            }
            Check::Waits(waiting) => Some(waiting),
            Check::Refused(refusal) => until(refusal),
        };
        let children = self.txpool.children(&tx);
        self.park(tx, Source::Own, false, meta.parts, waiting, ctx);
        for child in children {
            self.recheck_public(child, ctx);
        }
    }

    fn recheck_stem(&mut self, id: EntryId, ctx: &Context<'_>) {
        let Some((tx, meta)) = self.remove_stem(id) else { return };
        let waiting = match self.check(&tx, true, ctx) {
            Check::Fits => return self.insert_stem(id, tx, meta),
            Check::Waits(waiting) => Some(waiting),
            Check::Refused(refusal) => until(refusal),
        };
        let children = self.stem.children(&tx);
        let part = Part { tx: tx.clone(), own: meta.source == Source::Own };
        self.park(tx, meta.source, true, vec![part], waiting, ctx);
        for child in children {
            self.recheck_stem(child, ctx);
        }
    }

    /// Keeps what was accepted once; gives up what can never come back.
    fn park(
        &mut self,
        tx: ValidTx,
        source: Source,
        stem: bool,
        parts: Vec<Part>,
        waiting: Option<Waiting>,
        ctx: &Context<'_>,
    ) {
        let kernels = kernel_hashes(&tx);
        let parked = match waiting {
            Some(waiting) => self.adopt(tx, source, stem, parts, waiting, ctx).is_ok(),
            None => false,
        };
        if !parked {
            self.notice(Notice::Conflicted { kernels });
        }
    }
}

/// How a kernel of a stem entry became public.
#[derive(Clone, Copy)]
enum Known {
    Seen,
    Mined,
}

/// The wait that a refusal amounts to, if it is one for a height.
fn until(refusal: Refusal) -> Option<Waiting> {
    match refusal {
        Refusal::LockHeight { lock_height: height, .. }
        | Refusal::ImmatureCoinbase { matures: height }
        | Refusal::RecentNrd { allowed: height } => Some(Waiting::Until(height.saturating_sub(1))),
        _ => None,
    }
}

fn is_inside(tx: &ValidTx, kernels: &HashSet<Hash>) -> bool {
    tx.kernels().iter().all(|kernel| kernels.contains(kernel.hash()))
}
