//! How a transaction is let in.

use std::collections::HashSet;

use scape_aggregate::{Commitment, Hash, Transaction, TxKernel, ValidTx};

use crate::bundle::Bundle;
use crate::orphans::{Arrival, Left, Past, Waiting};
use crate::pool::{Part, StemMeta, StemState, Why};
use crate::rules::{Check, check_fee};
use crate::store::{creates, kernel_hashes, spends};
use crate::upheaval::Upheaval;
use crate::{Accepted, Context, Effect, FluffReason, Instant, Notice, Pool, Refusal, Source};

impl Pool {
    /// Takes a stem transaction, of a peer or of the owner.
    ///
    /// # Errors
    /// Why it is not taken. To a peer it must look the same as being taken.
    pub fn handle_stem(
        &mut self,
        tx: ValidTx,
        source: Source,
        ctx: &mut Context<'_>,
    ) -> Result<Accepted, Refusal> {
        let verdict = self.admit_stem(Arrival::new(tx.clone(), source), ctx);
        if source == Source::Own && verdict.is_ok() {
            self.own(tx, Vec::new(), ctx);
        }
        self.settle(ctx);
        verdict
    }

    /// Takes a fluffed transaction of a peer, or one that the owner wants fluffed at once.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn handle_fluff(
        &mut self,
        tx: ValidTx,
        source: Source,
        ctx: &mut Context<'_>,
    ) -> Result<Accepted, Refusal> {
        let verdict = self.admit_public(Arrival::new(tx.clone(), source), ctx);
        if source == Source::Own && verdict.is_ok() {
            self.own(tx, Vec::new(), ctx);
        }
        self.settle(ctx);
        verdict
    }

    /// Whether verifying a transaction is worth the while: the rules that the chain and the
    /// public pool alone decide. It changes nothing, and says nothing of the stempool.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn precheck(&self, tx: &Transaction, ctx: &Context<'_>) -> Result<(), Refusal> {
        let public = |kernel: &Hash| self.is_public_kernel(kernel, false);
        let known = tx.kernels().iter().filter(|kernel| public(kernel.hash())).count();
        if known > 0 && known == tx.kernels().len() {
            return Err(Refusal::Known);
        }
        if known > 0 {
            // The known part has to be subtracted first.
            return Ok(());
        }
        check_fee(tx)?;
        match self.check(tx, false, ctx) {
            Check::Refused(refusal) => Err(refusal),
            Check::Fits | Check::Waits(_) => Ok(()),
        }
    }

    /// What follows from a change, until nothing does: orphans find parents, entries that need no
    /// patience go.
    pub(crate) fn settle(&mut self, ctx: &mut Context<'_>) {
        self.retry_orphans(ctx);
        while self.fire_patience(ctx) || self.rescue_own(ctx) {
            self.retry_orphans(ctx);
        }
        self.tidy_timers();
        self.write_journal();
    }

    fn retry_orphans(&mut self, ctx: &mut Context<'_>) {
        loop {
            let (arrival, stem) = match self.public_orphans.take_ready() {
                Some(arrival) => (Some(arrival), false),
                None => (self.stem_orphans.take_ready(), true),
            };
            let Some(arrival) = arrival else { return };
            let kernels = kernel_hashes(&arrival.tx);
            let verdict = match stem {
                true => self.admit_stem(arrival, ctx),
                false => self.admit_public(arrival, ctx),
            };
            if let Err(refusal) = verdict {
                self.notice(Notice::OrphanDropped { kernels, refusal: Some(refusal) });
            }
        }
    }

    pub(crate) fn admit_stem(
        &mut self,
        arrival: Arrival,
        ctx: &mut Context<'_>,
    ) -> Result<Accepted, Refusal> {
        let Arrival { tx, source, past, sealed, expiry } = arrival;
        let tx = self.subtract_public(tx, true)?;
        let (rest, held) = self.subtract_held(tx)?;
        let back = match source {
            Source::Peer(_) if !held.is_empty() => Some(self.revisit(&held, source, sealed, ctx)),
            // The owner says the same thing twice, or two networks do.
            Source::Peer(_) | Source::Own | Source::Zone => None,
        };
        let Some(tx) = rest else { return Ok(Accepted::Loop) };
        let arrival = Arrival { tx, source, past, sealed, expiry };
        if let Some(waiting) = self.waiting(&arrival, true, ctx)? {
            return self.adopt(arrival, true, waiting, ctx.now);
        }
        if !arrival.is_kept() {
            self.check_stem_room(&arrival.tx, source)?;
        }
        let Arrival { tx, past, .. } = arrival;
        let embargo = match past {
            Past::Stem { embargo, .. } => self.embargo_of_parents(&tx, embargo),
            Past::New | Past::Public { .. } => self.draw_embargo(&tx, ctx),
        };
        // What came along with something that is held waits at least as long, not the reverse.
        let held_ends = held.iter().filter_map(|id| Some(self.stem.get(*id)?.meta.embargo));
        let embargo = held_ends.fold(embargo, Ord::max);
        let left = if let Past::Stem { left, .. } = past { left } else { Left::Not };
        let state = match self.waiting_parent(&tx).or(back) {
            _ if left != Left::Not => {
                StemState::Sent { to: None, sealed: matches!(left, Left::Sealed { .. }) }
            }
            Some(state) => state,
            None if sealed => self.gathered_state(source, ctx),
            None => self.fresh_state(source, false, ctx),
        };
        let embargo = match state {
            // Not before the window closes, whatever the embargo is.
            StemState::Fresh { due, why: Why::Gathered, .. } => {
                embargo.max(due + self.config.embargo.sweep)
            }
            _ => embargo,
        };
        let id = self.new_id();
        let kernels = kernel_hashes(&tx);
        self.stem_orphans.created(creates(&tx));
        let meta = StemMeta {
            source,
            routed_for: source,
            embargo,
            sent: left != Left::Not,
            attempts: if let Left::Sealed { attempts } = left { attempts } else { 0 },
            state,
            bundle: Bundle::of_one(id),
        };
        self.insert_stem(id, tx, meta);
        if !held.is_empty() {
            let mates = self.bundle_mates(&held);
            self.bundle(mates.into_iter().chain([id]).collect());
        }
        self.notice(Notice::Stemmed { kernels: kernels.clone(), source });
        if state.is_held() {
            // Its parent is, and it goes with that.
            self.notice(Notice::Held { kernels });
        }
        Ok(Accepted::Stem)
    }

    /// The deadline is drawn here and nowhere else; a child's is never before its parents'.
    fn draw_embargo(&mut self, tx: &ValidTx, ctx: &Context<'_>) -> Instant {
        let own = self.fresh_embargo(ctx);
        self.embargo_of_parents(tx, own)
    }

    pub(crate) fn fresh_embargo(&mut self, ctx: &Context<'_>) -> Instant {
        ctx.now + self.config.embargo.delay.draw(&mut self.rng)
    }

    fn embargo_of_parents(&self, tx: &ValidTx, own: Instant) -> Instant {
        let parents = self.stem.parents(tx);
        let parents = parents.into_iter().filter_map(|id| self.stem.get(id));
        parents.map(|parent| parent.meta.embargo).fold(own, Ord::max)
    }

    /// A child of an entry that is still to be looked at is looked at together with it, under the
    /// same coin: it must not hurry its parent.
    fn waiting_parent(&self, tx: &ValidTx) -> Option<StemState> {
        let parents = self.stem.parents(tx);
        let mut states = parents.into_iter().filter_map(|id| Some(self.stem.get(id)?.meta.state));
        states.find_map(|state| match state {
            StemState::Fresh { due, coin, why, .. } => {
                let why = if why == Why::Looped { Why::Passing } else { why };
                Some(StemState::Fresh { due, coin, why, avoid: None })
            }
            StemState::Sent { .. } => None,
        })
    }

    pub(crate) fn admit_public(
        &mut self,
        arrival: Arrival,
        ctx: &mut Context<'_>,
    ) -> Result<Accepted, Refusal> {
        let Arrival { tx, source, past, sealed, expiry } = arrival;
        if let Source::Peer(_) = source {
            // Whoever says it has it.
            tx.kernels().iter().for_each(|kernel| self.owned.heard(kernel.hash()));
        }
        let tx = self.subtract_public(tx, false)?;
        let arrival = Arrival { tx, source, past, sealed, expiry };
        if let Some(waiting) = self.waiting(&arrival, false, ctx)? {
            return self.adopt(arrival, false, waiting, ctx.now);
        }
        let Arrival { tx, past, .. } = arrival;
        let (except, own) = match source {
            Source::Own => (None, true),
            Source::Peer(peer) => (Some(peer), false),
            Source::Zone => (None, false),
        };
        let parts = match past {
            Past::Public { parts } => parts,
            Past::New | Past::Stem { .. } => {
                if own {
                    let (kernels, reason) = (kernel_hashes(&tx), FluffReason::Asked);
                    self.notice(Notice::Fluffed { kernels, parts: 1, cut_through: 0, reason });
                }
                vec![Part { tx: tx.clone(), own }]
            }
        };
        self.make_room(&tx, parts.iter().any(|part| part.own), ctx)?;
        self.effects.push_back(Effect::Fluff { tx: tx.clone(), except });
        self.publish(tx, parts, ctx);
        Ok(Accepted::Public)
    }

    /// What a transaction has to wait for, if it may. What is kept also waits for a height.
    fn waiting(
        &self,
        arrival: &Arrival,
        stem: bool,
        ctx: &Context<'_>,
    ) -> Result<Option<Waiting>, Refusal> {
        let tx = &arrival.tx;
        let check = match arrival.past {
            Past::New => {
                check_fee(tx)?;
                self.check(tx, stem, ctx)
            }
            Past::Stem { .. } | Past::Public { .. } => self.check_again(tx, stem, ctx),
        };
        match check {
            Check::Refused(refusal) => Err(refusal),
            Check::Waits(waiting) => Ok(Some(waiting)),
            // It was sent: what its parents wait for is none of its business any more.
            Check::Fits if arrival.has_left() => Ok(None),
            Check::Fits if stem => Ok(self.too_deep(tx).or_else(|| self.orphaned_by_crash(tx))),
            Check::Fits => Ok(None),
        }
    }

    /// A stem transaction that depends on too many unpublished ones waits for its parents to be
    /// public.
    fn too_deep(&self, tx: &ValidTx) -> Option<Waiting> {
        let unpublished = |commitment: &Commitment| self.stem.creator(commitment).is_some();
        self.stem
            .is_deeper_than(tx, self.config.capacity.stem_ancestors)
            .then(|| Waiting::For(spends(tx).filter(unpublished).collect()))
    }

    /// A parent that was sent in another life of the node cannot be sent along with a child, and its
    /// relay is not known: the child waits for the parent to be public.
    fn orphaned_by_crash(&self, tx: &ValidTx) -> Option<Waiting> {
        let lost = |commitment: &Commitment| {
            let parent = self.stem.creator(commitment).and_then(|id| self.stem.get(id));
            parent
                .is_some_and(|parent| matches!(parent.meta.state, StemState::Sent { to: None, .. }))
        };
        let parents: Vec<_> = spends(tx).filter(lost).collect();
        (!parents.is_empty()).then_some(Waiting::For(parents))
    }

    /// Puts a transaction into the txpool, and draws the consequences for the stempool.
    pub(crate) fn publish(&mut self, tx: ValidTx, parts: Vec<Part>, ctx: &mut Context<'_>) {
        self.public_orphans.created(creates(&tx));
        self.stem_orphans.created(creates(&tx));
        self.insert_public(tx.clone(), parts, ctx.now);
        self.reconcile_public(&tx, ctx);
    }

    /// Takes out of the stempool what a public transaction makes known or impossible.
    fn reconcile_public(&mut self, tx: &ValidTx, ctx: &mut Context<'_>) {
        let kernels = kernel_hashes(tx);
        let mut upheaval = Upheaval::default();
        for id in self.stem.overlapping(&kernels) {
            let seen = self.reconcile_stem(id, &mut upheaval.doubtful, ctx);
            if !seen.is_empty() {
                self.notice(Notice::Seen { kernels: seen });
            }
        }
        upheaval.doubtful.extend(spends(tx).filter_map(|spent| self.stem.spender(&spent)));
        upheaval.doubtful.extend(creates(tx).filter_map(|new| self.stem.creator(&new)));
        let nrd = tx.kernels().iter().filter_map(TxKernel::nrd_excess);
        upheaval.doubtful.extend(nrd.filter_map(|excess| self.stem.with_nrd(&excess)));
        self.resettle(upheaval, ctx);
        let kernels: HashSet<Hash> = kernels.into_iter().collect();
        let mut known = self.public_orphans.take_known(&kernels);
        known.extend(self.stem_orphans.take_known(&kernels));
        for arrival in known {
            self.notice(Notice::Seen { kernels: kernel_hashes(&arrival.tx) });
        }
    }

    /// Keeps a transaction that does not fit yet.
    pub(crate) fn adopt(
        &mut self,
        arrival: Arrival,
        stem: bool,
        waiting: Waiting,
        now: Instant,
    ) -> Result<Accepted, Refusal> {
        let kernels = kernel_hashes(&arrival.tx);
        self.touch_own(&arrival.tx);
        let orphans = if stem { &mut self.stem_orphans } else { &mut self.public_orphans };
        for kernels in orphans.insert(arrival, waiting, now)? {
            self.notice(Notice::OrphanDropped { kernels, refusal: None });
        }
        self.notice(Notice::Orphaned { kernels });
        Ok(Accepted::Orphan)
    }
}
