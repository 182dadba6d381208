//! What the owner asks of the pool.

use std::collections::HashMap;

use rand::RngExt;
use scape_aggregate::{Commitment, Hash, PlanLimits, TxKernel, ValidTx, Weight};

use crate::rules::{Check, check_fee};
use crate::store::{creates, kernel_hashes, spends};
use crate::{
    Accepted, Context, Embargo, EntryId, Instant, Notice, Patience, Pool, Refusal, Rendezvous,
    Rival, Source,
};

/// How many timers are looked at for [`Pool::clocks`]: among them may be those of entries that have
/// left.
const LOOKS: usize = 1_024;

/// When timers run out. For the owner only.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Clocks {
    /// The end of the patience of what waits for it, if anything does.
    pub patience: Option<Instant>,
    /// When embargoes that end next are looked at, soonest first.
    pub embargoes: Vec<Instant>,
}

impl Pool {
    /// The clocks that run out next, at most `most` embargoes. Takes as long whatever the pool holds.
    pub fn clocks(&self, most: usize) -> Clocks {
        let waits = |at: Instant, id| {
            let due = self.stem.get(id).and_then(|entry| entry.meta.state.due());
            due == Some(at)
        };
        let ends = |at: Instant, id| {
            self.stem.get(id).is_some_and(|entry| self.sweep_after(entry.meta.embargo) == at)
        };
        Clocks {
            patience: self.fresh.upcoming(1, LOOKS, waits).first().copied(),
            embargoes: self.embargoes.upcoming(most, LOOKS, ends),
        }
    }

    /// The end of the embargo of the stem entry with this kernel. For the owner only.
    pub fn embargo_of(&self, kernel: &Hash) -> Option<Instant> {
        let id = self.stem.with_kernel(kernel)?;
        Some(self.stem.get(id)?.meta.embargo)
    }

    /// Other timers from now on. What waits already keeps its end of patience, of its window and of embargo.
    pub fn set_timers(
        &mut self,
        patience: Patience,
        embargo: Embargo,
        rendezvous: Option<Rendezvous>,
        now: Instant,
    ) {
        if patience != self.config.patience {
            let random = || patience.interval.mul_f64(self.rng.random::<f64>());
            self.phase = now + patience.phase.unwrap_or_else(random);
        }
        self.config.patience = patience;
        self.config.embargo = embargo;
        self.config.rendezvous = rendezvous;
    }

    /// Aggregates that leave the stempool weigh at most this much from now on, if that is less than
    /// what the chain allows. A transaction that weighs more by itself goes alone.
    pub fn limit_aggregates(&mut self, max_weight: Weight) {
        let PlanLimits { max_weight: allowed } = PlanLimits::of(self.config.consensus.chain);
        self.limits = PlanLimits { max_weight: max_weight.min(allowed) };
    }

    /// Whom an aggregate is sent for: the owner, if any of its parts is, else whom its oldest part is.
    /// `None` if nothing of it is on the stem any more; then it need not be sent.
    pub fn sent_for(&self, parts: &[EntryId]) -> Option<Source> {
        let entries = parts.iter().filter_map(|id| Some((id, self.stem.get(*id)?)));
        let sources = entries.map(|(id, entry)| (entry.meta.routed_for, id));
        sources.min_by_key(|(source, id)| (*source != Source::Own, *id)).map(|(source, _)| source)
    }

    /// Whether all parts of an aggregate are on the stem still: else a relay could not take it.
    pub fn is_whole(&self, parts: &[EntryId]) -> bool {
        parts.iter().all(|id| self.stem.get(*id).is_some())
    }

    /// What everybody knows says of a transaction: the chain and the public pool. A refusal by the
    /// pool that this does not bear out tells what the stempool holds.
    ///
    /// # Errors
    /// Why a node with an empty stempool would refuse it.
    pub fn public_verdict(&self, tx: &ValidTx, ctx: &Context<'_>) -> Result<(), Refusal> {
        let tx = self.subtract_public(tx.clone(), false)?;
        check_fee(&tx)?;
        match self.check(&tx, false, ctx) {
            Check::Refused(refusal) => Err(refusal),
            Check::Fits | Check::Waits(_) => Ok(()),
        }
    }

    /// Keeps a transaction of the owner that only the stempool speaks against, and sends it if a
    /// block shows that its rival has not made it. So it can be acknowledged like any other, and
    /// who pushes it does not learn of the rival.
    pub fn handle_rival(&mut self, tx: ValidTx, ctx: &mut Context<'_>) -> Accepted {
        let kernels = kernel_hashes(&tx);
        let first = kernels.first().and_then(|kernel| self.mined.with_kernel(kernel));
        if let Some(height) = first.and_then(|id| Some(self.mined.get(id)?.meta.height)) {
            // A block took it out of the stempool: nobody saw it here before.
            self.notice(Notice::Mined { kernels, height });
            return Accepted::Rival;
        }
        let by = self.rival(&tx, true, &HashMap::new());
        self.notice(Notice::Excluded { kernels, by });
        self.own(tx, Vec::new(), ctx);
        self.settle(ctx);
        Accepted::Rival
    }

    /// What excludes a transaction that is in no pool: what spends its inputs, or has spent them, or
    /// creates its outputs.
    pub(crate) fn rival(
        &self,
        tx: &ValidTx,
        stem: bool,
        gone: &HashMap<Commitment, Option<Rival>>,
    ) -> Option<Rival> {
        let excess = |tx: &ValidTx| tx.kernels().first().map(TxKernel::excess);
        let public = |id| excess(&self.txpool.get(id)?.tx);
        let private = |id| excess(&self.stem.get(id)?.tx).filter(|_| stem);
        let spender = |spent: Commitment| {
            let public = self.txpool.spender(&spent).and_then(public);
            public.or_else(|| self.stem.spender(&spent).and_then(private))
        };
        let creator = |created: Commitment| {
            let public = self.txpool.creator(&created).and_then(public);
            public.or_else(|| self.stem.creator(&created).and_then(private))
        };
        let lost = || spends(tx).find_map(|spent| gone.get(&spent).copied().flatten());
        let pending = || spends(tx).find_map(spender).or_else(|| creates(tx).find_map(creator));
        lost().or_else(|| pending().map(Rival::Transaction))
    }

    /// The public transaction with a kernel, or the recent block.
    pub(crate) fn public_rival(&self, kernel: &Hash) -> Option<Rival> {
        let pending = self.public_by_kernel(kernel).and_then(|tx| tx.kernels().first());
        let mined = || self.mined.get(self.mined.with_kernel(kernel)?);
        let pending = pending.map(|kernel| Rival::Transaction(kernel.excess()));
        pending.or_else(|| mined().map(|entry| Rival::Block(entry.meta.block)))
    }
}
