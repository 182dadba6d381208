//! What is let in, and why something is not.

use scape_aggregate::{
    Commitment, Consensus, Hash, KernelFeatures, OutputFeatures, Transaction, ValidTx, deaggregate,
};
use thiserror::Error;

use crate::orphans::{Orphan, Waiting};
use crate::pool::{Part, StemMeta, StemState, fee_rate};
use crate::store::{Store, creates, kernel_hashes, kernel_set, wire_size};
use crate::{Context, Effect, EntryId, FluffReason, Notice, Pool, Source};

/// How a transaction was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accepted {
    /// It is in the stempool, under embargo.
    Stem,
    /// It is in the txpool.
    Public,
    /// Its parent is not known yet; it waits.
    Orphan,
    /// It was in the stempool already. It is looked at once more, so that a loop of relays is no
    /// black hole.
    Loop,
}

/// Why a transaction was not taken.
///
/// # Security
/// Some of these depend on what the stempool holds. Which ones may cost the sender, and so be
/// visible to it, [`Refusal::is_public`] says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Refusal {
    /// All its kernels are in the txpool or in a recent block.
    #[error("already known")]
    Known,
    /// It shares kernels with another aggregate, neither containing the other.
    #[error("overlaps with another aggregate")]
    Overlap,
    /// It pays less than Grin nodes relay for (`grin_pool`, `is_acceptable`).
    #[error("pays {paid} nanogrin, relaying costs {required}")]
    LowFee {
        /// The shifted fee.
        paid: u64,
        /// What would be needed.
        required: u64,
    },
    /// A height-locked kernel is not valid in the next block (`verify_tx_lock_height`).
    #[error("locked until height {lock_height}, the next block has {next_height}")]
    LockHeight {
        /// The first height that may hold it.
        lock_height: u64,
        /// The height of the next block.
        next_height: u64,
    },
    /// It spends a coinbase output too early (`verify_coinbase_maturity`).
    #[error("spends a coinbase output that matures at height {matures}")]
    ImmatureCoinbase {
        /// The first height of a block that may spend it.
        matures: u64,
    },
    /// An NRD kernel of the same excess is in a block too recent (NRD rule, `grin_chain`).
    #[error("an NRD kernel with this excess is allowed at height {allowed}")]
    RecentNrd {
        /// The first height of a block that may hold it.
        allowed: u64,
    },
    /// An NRD kernel of the same excess is waiting for a block.
    #[error("an NRD kernel with this excess is pending")]
    PendingNrd,
    /// An input says features that the output it spends does not have.
    #[error("an input has other features than the output that it spends")]
    InputFeatures,
    /// It spends what another pending transaction spends.
    #[error("spends what a pending transaction spends")]
    Conflict,
    /// It creates an output that exists.
    #[error("creates an output that exists")]
    OutputExists,
    /// An input is nowhere, and orphans are not kept for this source any more.
    #[error("spends an output that does not exist")]
    MissingInput,
    /// There is no room, or the sender has used its share.
    #[error("no room")]
    Full,
}

impl Refusal {
    /// Whether the refusal depends on nothing but the transaction, the chain and what is public.
    pub fn is_public(&self) -> bool {
        match self {
            Self::LowFee { .. }
            | Self::LockHeight { .. }
            | Self::ImmatureCoinbase { .. }
            | Self::RecentNrd { .. }
            | Self::InputFeatures => true,
            Self::Known
            | Self::Overlap
            | Self::PendingNrd
            | Self::Conflict
            | Self::OutputExists
            | Self::MissingInput
            | Self::Full => false,
        }
    }
}

/// Whether a transaction fits in now.
pub(crate) enum Check {
    Fits,
    Waits(Waiting),
    Refused(Refusal),
}

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
        let verdict = self.admit_stem(tx, source, Vec::new(), ctx);
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
        let verdict = self.admit_public(tx, source, Vec::new(), ctx);
        self.settle(ctx);
        verdict
    }

    /// Whether verifying a transaction is worth the while: the rules that the chain and the
    /// public pool alone decide. It changes nothing, and says nothing of the stempool.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn precheck(&self, tx: &Transaction, ctx: &Context<'_>) -> Result<(), Refusal> {
        let public = |kernel: &Hash| self.is_public_kernel(kernel);
        let known = tx.kernels().iter().filter(|kernel| public(kernel.hash())).count();
        if known > 0 && known == tx.kernels().len() {
            return Err(Refusal::Known);
        }
        if known > 0 {
            // The known part has to be subtracted first.
            return Ok(());
        }
        match self.check(tx, false, ctx) {
            Check::Refused(refusal) => Err(refusal),
            Check::Fits | Check::Waits(_) => Ok(()),
        }
    }

    /// What follows from a change: entries that need no patience go, orphans find parents.
    pub(crate) fn settle(&mut self, ctx: &mut Context<'_>) {
        self.retry_orphans(ctx);
        self.fire_patience(ctx);
    }

    pub(crate) fn retry_orphans(&mut self, ctx: &mut Context<'_>) {
        while let Some(orphan) = self.orphans.take_ready() {
            let Orphan { tx, source, stem, parts, .. } = orphan;
            let kernels = kernel_hashes(&tx);
            let verdict = match stem {
                true => self.admit_stem(tx, source, parts, ctx),
                false => self.admit_public(tx, source, parts, ctx),
            };
            if let Err(refusal) = verdict {
                self.notice(Notice::OrphanDropped { kernels, refusal: Some(refusal) });
            }
        }
    }

    fn admit_stem(
        &mut self,
        tx: ValidTx,
        source: Source,
        parts: Vec<Part>,
        ctx: &mut Context<'_>,
    ) -> Result<Accepted, Refusal> {
        let tx = self.subtract_public(tx)?;
        let Some(tx) = self.subtract_held(tx, source, ctx)? else { return Ok(Accepted::Loop) };
        match self.check(&tx, true, ctx) {
            Check::Refused(refusal) => return Err(refusal),
            Check::Waits(waiting) => return self.adopt(tx, source, true, parts, waiting, ctx),
            Check::Fits => {}
        }
        self.check_stem_room(&tx, source)?;
        let embargo = self.draw_embargo(&tx, ctx);
        let state = self.fresh_state(source, false, ctx);
        let id = self.new_id();
        let kernels = kernel_hashes(&tx);
        self.orphans.created(creates(&tx), true);
        self.insert_stem(id, tx, StemMeta { source, routed_for: source, embargo, state });
        self.notice(Notice::Stemmed { kernels, source });
        Ok(Accepted::Stem)
    }

    /// The deadline is drawn here and nowhere else; a child's is never before its parents'.
    fn draw_embargo(&mut self, tx: &ValidTx, ctx: &Context<'_>) -> crate::Instant {
        let own = ctx.now + self.config.embargo.delay.draw(&mut self.rng);
        let parents = self.stem.parents(tx);
        let parents = parents.into_iter().filter_map(|id| self.stem.get(id));
        parents.map(|parent| parent.meta.embargo).fold(own, Ord::max)
    }

    /// A peer may fill its share, so that whether it is refused depends on itself alone.
    fn check_stem_room(&self, tx: &ValidTx, source: Source) -> Result<(), Refusal> {
        let capacity = &self.config.capacity;
        let size = wire_size(tx);
        let fits = |entries: usize, bytes: usize, share: usize| {
            entries < (capacity.stem_entries / share).max(1)
                && bytes + size <= (capacity.stem_bytes / share).max(size)
        };
        let used = self.stem_usage.get(&source).copied().unwrap_or_default();
        let share_left = match source {
            Source::Own => true,
            Source::Peer(_) => fits(used.entries, used.bytes, capacity.shares.max(1)),
        };
        let fits = share_left && fits(self.stem.len(), self.stem.bytes(), 1);
        if fits { Ok(()) } else { Err(Refusal::Full) }
    }

    fn admit_public(
        &mut self,
        tx: ValidTx,
        source: Source,
        parts: Vec<Part>,
        ctx: &mut Context<'_>,
    ) -> Result<Accepted, Refusal> {
        let tx = self.subtract_public(tx)?;
        match self.check(&tx, false, ctx) {
            Check::Refused(refusal) => return Err(refusal),
            Check::Waits(waiting) => return self.adopt(tx, source, false, parts, waiting, ctx),
            Check::Fits => {}
        }
        self.make_room(&tx, source)?;
        let except = match source {
            Source::Own => None,
            Source::Peer(peer) => Some(peer),
        };
        let own = source == Source::Own;
        if own && parts.is_empty() {
            let (kernels, reason) = (kernel_hashes(&tx), FluffReason::Asked);
            self.notice(Notice::Fluffed { kernels, parts: 1, cut_through: 0, reason });
        }
        let parts = if parts.is_empty() { vec![Part { tx: tx.clone(), own }] } else { parts };
        self.effects.push_back(Effect::Fluff { tx: tx.clone(), except });
        self.publish(tx, parts, ctx);
        Ok(Accepted::Public)
    }

    /// Puts a transaction into the txpool, and draws the consequences for the stempool.
    pub(crate) fn publish(&mut self, tx: ValidTx, parts: Vec<Part>, ctx: &Context<'_>) {
        self.orphans.created(creates(&tx), false);
        self.insert_public(tx.clone(), parts);
        self.reconcile_public(&tx, ctx);
    }

    /// Makes room in the txpool: who pays least and is nobody's parent goes, if it pays less.
    fn make_room(&mut self, tx: &ValidTx, source: Source) -> Result<(), Refusal> {
        /// How many parents are passed over before the search is given up.
        const TRIES: usize = 64;
        let capacity = self.config.capacity;
        loop {
            let full = self.txpool.len() >= capacity.tx_entries
                || self.txpool.bytes() + wire_size(tx) > capacity.tx_bytes;
            if !full {
                return Ok(());
            }
            let victim = self.by_rate.iter().take(TRIES).find(|(rate, id)| {
                let entry = self.txpool.get(*id);
                let leaf = |entry: &crate::store::Entry<crate::pool::TxMeta>| {
                    !entry.meta.own && self.txpool.children(&entry.tx).is_empty()
                };
                (*rate < fee_rate(tx) || source == Source::Own) && entry.is_some_and(leaf)
            });
            match victim.copied() {
                Some((_, id)) => self.evict(id),
                // The owner's transactions always find room.
                None if source == Source::Own => return Ok(()),
                None => return Err(Refusal::Full),
            }
        }
    }

    fn evict(&mut self, id: EntryId) {
        if let Some((tx, _)) = self.remove_public(id) {
            self.notice(Notice::Evicted { kernels: kernel_hashes(&tx) });
        }
    }

    fn is_public_kernel(&self, kernel: &Hash) -> bool {
        self.txpool.with_kernel(kernel).is_some() || self.mined.with_kernel(kernel).is_some()
    }

    /// What is left of a transaction without the parts that are public.
    fn subtract_public(&self, tx: ValidTx) -> Result<ValidTx, Refusal> {
        let kernels = kernel_set(&tx);
        let known = kernels.iter().filter(|kernel| self.is_public_kernel(kernel)).count();
        if known == 0 {
            return Ok(tx);
        }
        if known == kernels.len() {
            return Err(Refusal::Known);
        }
        let pending = contained(&self.txpool, &tx).ok_or(Refusal::Overlap)?;
        let mined = contained(&self.mined, &tx).ok_or(Refusal::Overlap)?;
        let parts: Vec<_> = pending.into_iter().chain(mined).map(|(_, tx)| tx).collect();
        deaggregate(&tx, &parts).map_err(|_| Refusal::Overlap)
    }

    /// What is left of a stem transaction without the parts that are in the stempool already.
    /// `None` if that is all of it. Parts that came back are looked at once more.
    fn subtract_held(
        &mut self,
        tx: ValidTx,
        source: Source,
        ctx: &mut Context<'_>,
    ) -> Result<Option<ValidTx>, Refusal> {
        let kernels = kernel_set(&tx);
        let overlapping = self.stem.overlapping(kernels.iter().copied());
        if overlapping.is_empty() {
            return Ok(Some(tx));
        }
        let inside_one = overlapping.len() == 1
            && kernels.iter().all(|kernel| self.stem.with_kernel(kernel).is_some());
        let held = contained(&self.stem, &tx);
        let held = match held {
            Some(held) => held,
            // A part of one of our entries came back alone.
            None if inside_one => overlapping.iter().map(|id| (*id, tx.clone())).collect(),
            None => return Err(Refusal::Overlap),
        };
        let all = held.iter().map(|(_, part)| part.kernels().len()).sum::<usize>() == kernels.len();
        let parts: Vec<_> = held.iter().map(|(_, part)| part.clone()).collect();
        let rest = match all {
            true => None,
            false => Some(deaggregate(&tx, &parts).map_err(|_| Refusal::Overlap)?),
        };
        if let Source::Peer(_) = source {
            held.into_iter().for_each(|(id, _)| self.revisit(id, source, ctx));
        }
        Ok(rest)
    }

    /// An entry came back. The owner's own is no loop, and its coin is the epoch's.
    fn revisit(&mut self, id: EntryId, source: Source, ctx: &mut Context<'_>) {
        let Some(entry) = self.stem.get(id) else { return };
        let StemState::Sent { .. } = entry.meta.state else { return };
        let own = entry.meta.source == Source::Own;
        let state = self.fresh_state(source, ctx.router.coin_is_sticky() && !own, ctx);
        if let Some(meta) = self.stem.meta_mut(id) {
            meta.routed_for = source;
        }
        self.set_stem_state(id, state);
    }

    /// Keeps a transaction that does not fit yet.
    pub(crate) fn adopt(
        &mut self,
        tx: ValidTx,
        source: Source,
        stem: bool,
        parts: Vec<Part>,
        waiting: Waiting,
        ctx: &Context<'_>,
    ) -> Result<Accepted, Refusal> {
        let kernels = kernel_hashes(&tx);
        let dropped = self.orphans.insert(tx, source, stem, parts, waiting, ctx.now)?;
        for kernels in dropped {
            self.notice(Notice::OrphanDropped { kernels, refusal: None });
        }
        self.notice(Notice::Orphaned { kernels });
        Ok(Accepted::Orphan)
    }

    /// The rules that the chain and the pools decide: the stempool counts for stem transactions
    /// only, so that what is public never depends on it.
    pub(crate) fn check(&self, tx: &Transaction, stem: bool, ctx: &Context<'_>) -> Check {
        let rules = || {
            check_fee(tx)?;
            check_lock_height(tx, ctx)?;
            self.check_nrd(tx, stem, ctx)?;
            self.check_outputs(tx, stem, ctx)?;
            self.check_inputs(tx, stem, ctx)
        };
        match rules() {
            Err(refusal) => Check::Refused(refusal),
            Ok(missing) if missing.is_empty() => Check::Fits,
            Ok(missing) => Check::Waits(Waiting::For(missing)),
        }
    }

    fn check_nrd(&self, tx: &Transaction, stem: bool, ctx: &Context<'_>) -> Result<(), Refusal> {
        for kernel in tx.kernels() {
            let KernelFeatures::NoRecentDuplicate { relative_height, .. } = kernel.features()
            else {
                continue;
            };
            let excess = kernel.excess();
            let pending = self.txpool.with_nrd(&excess).is_some()
                || stem && self.stem.with_nrd(&excess).is_some();
            if pending {
                return Err(Refusal::PendingNrd);
            }
            if let Some(last) = ctx.chain.last_nrd(&excess) {
                let allowed = last + relative_height.blocks();
                if allowed > ctx.chain.tip().height + 1 {
                    return Err(Refusal::RecentNrd { allowed });
                }
            }
        }
        Ok(())
    }

    fn check_outputs(
        &self,
        tx: &Transaction,
        stem: bool,
        ctx: &Context<'_>,
    ) -> Result<(), Refusal> {
        let exists = |commitment: &Commitment| {
            ctx.chain.utxo(commitment).is_some()
                || self.txpool.creator(commitment).is_some()
                || stem && self.stem.creator(commitment).is_some()
        };
        match tx.outputs().iter().any(|output| exists(&output.commitment())) {
            true => Err(Refusal::OutputExists),
            false => Ok(()),
        }
    }

    /// Which inputs do not exist yet.
    fn check_inputs(
        &self,
        tx: &Transaction,
        stem: bool,
        ctx: &Context<'_>,
    ) -> Result<Vec<Commitment>, Refusal> {
        let mut missing = Vec::new();
        for input in tx.inputs() {
            let commitment = input.commitment();
            let spent = self.txpool.spender(&commitment).is_some()
                || stem && self.stem.spender(&commitment).is_some();
            if spent {
                return Err(Refusal::Conflict);
            }
            let pending = self.txpool.creator(&commitment).is_some()
                || stem && self.stem.creator(&commitment).is_some();
            let features = match ctx.chain.utxo(&commitment) {
                _ if pending => OutputFeatures::Plain,
                Some(utxo) => {
                    check_maturity(utxo, &self.config.consensus, ctx)?;
                    utxo.features
                }
                None => {
                    missing.push(commitment);
                    continue;
                }
            };
            if input.features().is_some_and(|claimed| claimed != features) {
                return Err(Refusal::InputFeatures);
            }
        }
        Ok(missing)
    }
}

fn check_fee(tx: &Transaction) -> Result<(), Refusal> {
    if tx.pays_relay_fee() {
        return Ok(());
    }
    Err(Refusal::LowFee { paid: tx.shifted_fee(), required: tx.relay_fee() })
}

fn check_lock_height(tx: &Transaction, ctx: &Context<'_>) -> Result<(), Refusal> {
    let (lock_height, next_height) = (tx.lock_height(), ctx.chain.tip().height + 1);
    match lock_height > next_height {
        true => Err(Refusal::LockHeight { lock_height, next_height }),
        false => Ok(()),
    }
}

fn check_maturity(
    utxo: crate::Utxo,
    consensus: &Consensus,
    ctx: &Context<'_>,
) -> Result<(), Refusal> {
    let matures = utxo.height + consensus.chain.coinbase_maturity();
    let mature = utxo.features == OutputFeatures::Plain || matures <= ctx.chain.tip().height + 1;
    if mature { Ok(()) } else { Err(Refusal::ImmatureCoinbase { matures }) }
}

/// The entries of a store that are parts of `tx`; `None` if one of them is only partly in it.
pub(crate) fn contained<M>(store: &Store<M>, tx: &ValidTx) -> Option<Vec<(EntryId, ValidTx)>> {
    let kernels = kernel_set(tx);
    let overlapping = store.overlapping(kernels.iter().copied());
    let entries = overlapping.into_iter().filter_map(|id| Some((id, store.get(id)?)));
    entries
        .map(|(id, entry)| {
            let inside = entry.tx.kernels().iter().all(|kernel| kernels.contains(kernel.hash()));
            inside.then(|| (id, entry.tx.clone()))
        })
        .collect()
}
