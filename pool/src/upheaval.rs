//! When the ground shifts: what stands is kept, what cannot stand any more is given up or waits.

use std::collections::{BTreeSet, HashMap};

use scape_aggregate::{Aggregate, Commitment, PlanLimits, ValidTx, plan};

use crate::orphans::{Arrival, Left, Past, Waiting};
use crate::pool::{Part, StemMeta, TxMeta};
use crate::rules::Check;
use crate::store::{creates, kernel_hashes};
use crate::{Context, Effect, EntryId, Instant, Notice, Pool, Rival, Source};

/// What has to be looked at again after a change.
#[derive(Default)]
pub(crate) struct Upheaval {
    /// Entries of either pool that may have lost their ground.
    pub(crate) doubtful: BTreeSet<EntryId>,
    /// Parts of public aggregates that are no more, by aggregate. What can go on of each is merged
    /// again, but not with others: something public could stand between the two.
    pub(crate) survivors: Vec<Vec<Part>>,
    /// What is left of such aggregates and is public on its own now, to be announced.
    pub(crate) announced: BTreeSet<EntryId>,
    /// Outputs that will never come (back), and to what they were lost if that is known.
    pub(crate) gone: HashMap<Commitment, Option<Rival>>,
    /// Those of them that come back on the stem, with a transaction of the owner.
    pub(crate) promised: BTreeSet<Commitment>,
    /// Whether outputs that are missing now may come back: after a reorg.
    pub(crate) may_return: bool,
}

/// What becomes of an entry.
enum Fate {
    Stands,
    Waits(Waiting),
    Lost,
}

impl Pool {
    /// Looks at everything in doubt, and at what is in doubt because of that.
    ///
    /// A loop, not a recursion: chains of public transactions may be as long as the pool.
    pub(crate) fn resettle(&mut self, mut upheaval: Upheaval, ctx: &mut Context<'_>) {
        loop {
            self.revive(&mut upheaval, ctx);
            if let Some(id) = upheaval.doubtful.pop_first() {
                self.reconsider_public(id, &mut upheaval, ctx);
                self.reconsider_stem(id, &mut upheaval, ctx);
            } else if !upheaval.may_return || !self.break_rings(&mut upheaval, ctx) {
                break;
            }
        }
        self.announce(&upheaval.announced);
    }

    /// When an undone block held the descendants of something that is created again by one of
    /// them, each of a ring of public transactions finds its parent, and none could ever be mined.
    /// Returns whether there was any such.
    fn break_rings(&mut self, upheaval: &mut Upheaval, ctx: &Context<'_>) -> bool {
        let floating = self.txpool.floating();
        let removed = floating.iter().filter_map(|id| Some((*id, self.remove_public(*id)?)));
        for (id, (tx, meta)) in removed.collect::<Vec<_>>() {
            self.judge_public(id, tx, meta, upheaval, ctx);
        }
        !floating.is_empty()
    }

    fn reconsider_public(&mut self, id: EntryId, upheaval: &mut Upheaval, ctx: &Context<'_>) {
        if let Some((tx, meta)) = self.remove_public(id) {
            self.judge_public(id, tx, meta, upheaval, ctx);
        }
    }

    fn judge_public(
        &mut self,
        id: EntryId,
        tx: ValidTx,
        meta: TxMeta,
        upheaval: &mut Upheaval,
        ctx: &Context<'_>,
    ) {
        let fate = self.fate(&tx, false, upheaval, ctx);
        if let Fate::Stands = fate {
            return self.put_public(id, tx, meta);
        }
        upheaval.doubtful.extend(self.txpool.children(&tx));
        upheaval.doubtful.extend(self.stem.children(&tx));
        let TxMeta { parts, .. } = meta;
        if parts.len() > 1 {
            // One bad part does not spoil the others.
            return upheaval.survivors.push(parts);
        }
        self.leave_public(tx, parts, fate, upheaval, ctx);
    }

    fn leave_public(
        &mut self,
        tx: ValidTx,
        parts: Vec<Part>,
        fate: Fate,
        upheaval: &mut Upheaval,
        ctx: &Context<'_>,
    ) {
        // No peer is named, so that nobody is left out when it comes back.
        let source = Source::Own;
        let arrival = Arrival::again(tx, source, Past::Public { parts });
        self.leave(arrival, false, fate, upheaval, ctx);
    }

    fn reconsider_stem(&mut self, id: EntryId, upheaval: &mut Upheaval, ctx: &Context<'_>) {
        let Some((tx, meta)) = self.remove_stem(id) else { return };
        let fate = self.fate(&tx, true, upheaval, ctx);
        if let Fate::Stands = fate {
            return self.insert_stem(id, tx, meta);
        }
        upheaval.doubtful.extend(self.stem.children(&tx));
        let StemMeta { source, embargo, state, .. } = meta;
        let past = Past::Stem { embargo, left: Left::Not };
        let arrival = Arrival { sealed: state.is_gathered(), ..Arrival::again(tx, source, past) };
        self.leave(arrival, true, fate, upheaval, ctx);
    }

    fn fate(&self, tx: &ValidTx, stem: bool, upheaval: &Upheaval, ctx: &Context<'_>) -> Fate {
        let comes = |missing: &Commitment| {
            stem && upheaval.promised.contains(missing)
                || upheaval.may_return && !upheaval.gone.contains_key(missing)
        };
        match self.check_again(tx, stem, ctx) {
            Check::Fits => Fate::Stands,
            Check::Refused(_) => Fate::Lost,
            Check::Waits(Waiting::For(missing)) if !missing.iter().all(comes) => Fate::Lost,
            Check::Waits(waiting) => Fate::Waits(waiting),
        }
    }

    /// What was accepted once is kept if it can ever come back.
    fn leave(
        &mut self,
        arrival: Arrival,
        stem: bool,
        fate: Fate,
        upheaval: &mut Upheaval,
        ctx: &Context<'_>,
    ) {
        let tx = arrival.tx.clone();
        let parked = match fate {
            Fate::Waits(waiting) => self.adopt(arrival, stem, waiting, ctx.now).is_ok(),
            Fate::Stands | Fate::Lost => false,
        };
        if !parked {
            let by = self.rival(&tx, stem, &upheaval.gone);
            upheaval.gone.extend(creates(&tx).map(|output| (output, by)));
            upheaval.promised.extend(self.promised(&tx, ctx));
            self.lose(&tx, stem, by, ctx);
        }
    }

    /// Reports that a transaction is given up, and with it the orphans that spend its outputs,
    /// whatever they wait for, unless the output is there all the same or comes back with a
    /// transaction of the owner. What is public does not learn of what happens on the stem.
    pub(crate) fn lose(&mut self, tx: &ValidTx, stem: bool, by: Option<Rival>, ctx: &Context<'_>) {
        let mut lost = vec![(tx.clone(), stem)];
        while let Some((tx, stem)) = lost.pop() {
            self.notice(Notice::Conflicted { kernels: kernel_hashes(&tx), by });
            let promised = self.promised(&tx, ctx);
            for commitment in creates(&tx) {
                if !self.exists(&commitment, true, ctx) && !promised.contains(&commitment) {
                    let on_stem = self.stem_orphans.take_spending(&commitment);
                    lost.extend(on_stem.into_iter().map(|arrival| (arrival.tx, true)));
                }
                if !stem && !self.exists(&commitment, false, ctx) {
                    let public = self.public_orphans.take_spending(&commitment);
                    lost.extend(public.into_iter().map(|arrival| (arrival.tx, false)));
                }
            }
        }
    }

    /// Merges and announces again what is left of aggregates, and sorts out what cannot go on.
    fn revive(&mut self, upheaval: &mut Upheaval, ctx: &mut Context<'_>) {
        let groups = std::mem::take(&mut upheaval.survivors);
        let mut revived: Vec<Vec<(EntryId, (), ValidTx)>> = vec![Vec::new(); groups.len()];
        let parts = groups.into_iter().enumerate();
        let mut parts: Vec<_> =
            parts.flat_map(|(g, ps)| ps.into_iter().map(move |p| (g, p))).collect();
        // Until nothing more fits: a part may be the child of another one.
        loop {
            let before = parts.len();
            for (group, part) in std::mem::take(&mut parts) {
                match self.fate(&part.tx, false, upheaval, ctx) {
                    Fate::Stands => {
                        let tx = part.tx.clone();
                        let id = self.insert_public(part.tx.clone(), vec![part], ctx.now);
                        revived[group].push((id, (), tx));
                    }
                    Fate::Waits(_) | Fate::Lost => parts.push((group, part)),
                }
            }
            if parts.len() == before {
                break;
            }
        }
        for (_, part) in parts {
            let fate = self.fate(&part.tx, false, upheaval, ctx);
            self.leave_public(part.tx.clone(), vec![part], fate, upheaval, ctx);
        }
        upheaval.announced.extend(self.merge_again(&revived, ctx.now));
    }

    /// Merges what is left of each aggregate. Returns the entries that it makes.
    fn merge_again(
        &mut self,
        groups: &[Vec<(EntryId, (), ValidTx)>],
        now: Instant,
    ) -> BTreeSet<EntryId> {
        let limits = PlanLimits::of(self.config.consensus.chain);
        let mut merged = BTreeSet::new();
        for Aggregate { parts: ids, tx, .. } in groups.iter().flat_map(|g| plan(g, &limits)) {
            let removed: Vec<_> = ids.iter().filter_map(|id| self.remove_public(*id)).collect();
            let parts = removed.into_iter().flat_map(|(_, meta)| meta.parts).collect();
            self.public_orphans.created(creates(&tx));
            self.stem_orphans.created(creates(&tx));
            merged.insert(self.insert_public(tx, parts, now));
        }
        merged
    }

    /// Tells everyone of entries, parents first; of those only that are still there.
    fn announce(&mut self, ids: &BTreeSet<EntryId>) {
        if ids.is_empty() {
            return;
        }
        for id in self.txpool.parents_first() {
            if let (true, Some(entry)) = (ids.contains(&id), self.txpool.get(id)) {
                self.effects.push_back(Effect::Fluff { tx: entry.tx.clone(), except: None });
            }
        }
    }
}
