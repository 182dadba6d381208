use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::{Hash, PlanLimits, ValidTx};

use crate::bundle::Bundle;
use crate::orphans::Orphans;
use crate::own::Owned;
use crate::router::Hop;
use crate::store::{Store, wire_size};
use crate::timers::Timers;
use crate::{ChainView, Coin, Effect, Instant, Notice, PatienceMode, PoolConfig, Router, Source};

/// Names an entry of a pool, in the order of arrival. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntryId(pub(crate) u64);

/// What every call is told: the time, the chain, and who decides on routes.
pub struct Context<'a> {
    /// The time now.
    pub now: Instant,
    /// The chain at this moment.
    pub chain: &'a dyn ChainView,
    /// Coins and relays at this moment.
    pub router: &'a mut dyn Router,
}

/// Stempool, txpool and orphans of one zone. See the [crate documentation](crate).
pub struct Pool {
    pub(crate) config: PoolConfig,
    pub(crate) rng: ChaCha12Rng,
    pub(crate) stem: Store<StemMeta>,
    pub(crate) txpool: Store<TxMeta>,
    /// What was in one of the pools and is now in a recent block.
    pub(crate) mined: Store<MinedMeta>,
    /// Stem transactions that wait. Apart from the public ones, so that what becomes of those
    /// depends on nothing private.
    pub(crate) stem_orphans: Orphans,
    pub(crate) public_orphans: Orphans,
    pub(crate) owned: Owned,
    /// When fresh stem entries are looked at.
    pub(crate) fresh: Timers,
    /// When stem entries are fluffed: each at the end of its embargo, or before, to be put off.
    pub(crate) embargoes: Timers,
    /// Public entries that are not the owner's and nobody's parents, by what they pay for their
    /// weight: those that may have to go when room is short.
    pub(crate) leaves: BTreeSet<(u64, EntryId)>,
    pub(crate) stem_usage: HashMap<Source, Usage>,
    /// What was sent, or came, in one aggregate, in the order of arrival; of several parts only.
    pub(crate) bundles: BTreeMap<Bundle, Vec<EntryId>>,
    pub(crate) effects: VecDeque<Effect>,
    /// What aggregates that leave the stempool keep to.
    pub(crate) limits: PlanLimits,
    pub(crate) phase: Instant,
    /// When what was sealed to this node goes, or when the last of it went.
    pub(crate) window: Option<Instant>,
    next_id: u64,
}

/// What a stem entry is beside its transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StemMeta {
    /// Who pays for the room, and whose transaction it is.
    pub(crate) source: Source,
    /// Whom it is routed for: the last who sent it.
    pub(crate) routed_for: Source,
    /// Drawn once for each way that it is sent on; put off at most once, when it is first sent
    /// together with others.
    pub(crate) embargo: Instant,
    pub(crate) sent: bool,
    /// To how many sinks it was sealed in vain.
    pub(crate) attempts: u8,
    pub(crate) state: StemState,
    pub(crate) bundle: Bundle,
}

/// How far a stem entry has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StemState {
    /// Waiting to be looked at; the coin may have been flipped already. `avoid` is whom it could not
    /// be handed to, or was in vain.
    Fresh { due: Instant, coin: Option<Coin>, why: Why, avoid: Option<Hop> },
    /// Handed on, now under embargo. To whom is not known if that was in another life of the node,
    /// but whether it was sealed to a sink is.
    Sent { to: Option<Hop>, sealed: bool },
}

/// Why an entry that waits is here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    /// It is to go on.
    Passing,
    /// It came back on the stem while coins are sticky.
    Looped,
    /// It was sealed to this node.
    Gathered,
    /// It is the owner's, and there was no way out.
    Held,
}

impl StemState {
    /// When it is looked at, if it is.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self {
            Self::Fresh { due, .. } => Some(*due),
            Self::Sent { .. } => None,
        }
    }

    /// Whether the last that was done with it was to seal it to a sink.
    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self, Self::Sent { sealed: true, .. })
    }

    /// Whether it was sealed to this node.
    pub(crate) fn is_gathered(&self) -> bool {
        matches!(self, Self::Fresh { why: Why::Gathered, .. })
    }

    /// Whether it is the owner's and waits for a way out.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self, Self::Fresh { why: Why::Held, .. })
    }

    /// Whom it cannot be handed to.
    pub(crate) fn avoided(&self) -> Option<Hop> {
        match self {
            Self::Fresh { avoid, .. } => *avoid,
            Self::Sent { .. } => None,
        }
    }
}

/// What a public entry is beside its transaction.
#[derive(Clone, Debug)]
pub(crate) struct TxMeta {
    /// The owner's transaction is in it: it is never evicted.
    pub(crate) own: bool,
    /// What it was merged from, if that was here. Never shown to anyone: it allows to go on with
    /// the rest when something else takes a part of the aggregate.
    pub(crate) parts: Vec<Part>,
    pub(crate) rate: u64,
    /// When it came into the txpool.
    pub(crate) since: Instant,
}

/// One of the transactions that an aggregate was merged from.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) tx: ValidTx,
    pub(crate) own: bool,
}

/// What a mined entry is beside its transaction.
#[derive(Clone, Debug)]
pub(crate) struct MinedMeta {
    pub(crate) block: Hash,
    pub(crate) height: u64,
    /// It was only in the stempool here. What is public must not depend on having had it.
    pub(crate) private: bool,
    pub(crate) parts: Vec<Part>,
}

/// What one source has in a bounded place.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Usage {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

impl Usage {
    pub(crate) fn add(&mut self, tx: &ValidTx) {
        self.entries += 1;
        self.bytes += wire_size(tx);
    }

    /// Returns whether nothing is left.
    pub(crate) fn subtract(&mut self, tx: &ValidTx) -> bool {
        self.entries -= 1;
        self.bytes -= wire_size(tx);
        self.entries == 0
    }
}

/// How much a pool holds. Private to the owner but for the txpool.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PoolCounts {
    /// Transactions in the stempool.
    pub stem: usize,
    /// Kernels in the stempool.
    pub stem_kernels: usize,
    /// Transactions in the txpool.
    pub public: usize,
    /// Kernels in the txpool.
    pub public_kernels: usize,
    /// Orphans, among them those that were accepted once and wait to come back.
    pub orphans: usize,
}

impl Pool {
    /// An empty pool. All its randomness comes from `seed`.
    pub fn new(config: PoolConfig, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha12Rng::from_seed(seed);
        let interval = config.patience.interval;
        let limits = PlanLimits::of(config.consensus.chain);
        let phase = match config.patience.phase {
            Some(phase) => phase,
            None => interval.mul_f64(rng.random::<f64>()),
        };
        Self {
            stem_orphans: Orphans::new(config.capacity),
            public_orphans: Orphans::new(config.capacity),
            config,
            rng,
            owned: Owned::default(),
            stem: Store::default(),
            txpool: Store::default(),
            mined: Store::default(),
            fresh: Timers::default(),
            embargoes: Timers::default(),
            leaves: BTreeSet::new(),
            stem_usage: HashMap::new(),
            bundles: BTreeMap::new(),
            effects: VecDeque::new(),
            phase: Instant::ZERO + phase,
            window: None,
            limits,
            next_id: 0,
        }
    }

    /// The next thing for the host to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.owned.journal.on_effect_taken();
        self.effects.pop_front()
    }

    /// When [`Pool::handle_timeout`] has to be called next. It may turn out that nothing is due then.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let stem = [self.fresh.next(), self.embargoes.next()];
        let orphans = [self.stem_orphans.next_expiry(), self.public_orphans.next_expiry()];
        stem.into_iter().chain(orphans).flatten().min()
    }

    /// Does what is due: patience, embargoes, the age of orphans. A call too early does nothing.
    pub fn handle_timeout(&mut self, ctx: &mut Context<'_>) {
        // What comes back from waiting may be due already.
        while self.poll_timeout().is_some_and(|at| at <= ctx.now) {
            // First the embargoes: what everyone is told now need not be handed to a relay as well.
            self.fire_embargo(ctx);
            let mut expired = self.public_orphans.expire(ctx.now);
            expired.extend(self.stem_orphans.expire(ctx.now));
            for kernels in expired {
                self.notice(Notice::OrphanDropped { kernels, refusal: None });
            }
            self.settle(ctx);
        }
    }

    /// The public transaction with a kernel of this hash: what a peer may be told.
    pub fn public_by_kernel(&self, kernel: &Hash) -> Option<&ValidTx> {
        let id = self.txpool.with_kernel(kernel)?;
        Some(&self.txpool.get(id)?.tx)
    }

    /// All public transactions, parents before children: what a miner chooses from.
    pub fn public(&self) -> impl Iterator<Item = &ValidTx> {
        let order = self.txpool.parents_first();
        order.into_iter().filter_map(|id| Some(&self.txpool.get(id)?.tx))
    }

    /// Public transactions, the last one first. Takes no time but for what is looked at.
    pub fn latest_public(&self) -> impl Iterator<Item = &ValidTx> {
        self.txpool.iter().rev().map(|(_, entry)| &entry.tx)
    }

    /// The same with the time at which each came.
    pub fn latest_public_since(&self) -> impl Iterator<Item = (&ValidTx, Instant)> {
        self.txpool.iter().rev().map(|(_, entry)| (&entry.tx, entry.meta.since))
    }

    /// All stem transactions with whose they are and the end of their embargo. For the owner only.
    pub fn stem(&self) -> impl Iterator<Item = (&ValidTx, Source, Instant)> {
        self.stem.iter().map(|(_, entry)| (&entry.tx, entry.meta.source, entry.meta.embargo))
    }

    /// How much is held.
    pub fn counts(&self) -> PoolCounts {
        PoolCounts {
            stem: self.stem.len(),
            stem_kernels: self.stem.kernel_count(),
            public: self.txpool.len(),
            public_kernels: self.txpool.kernel_count(),
            orphans: self.stem_orphans.len() + self.public_orphans.len(),
        }
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        match &notice {
            Notice::Conflicted { kernels, .. }
            | Notice::Evicted { kernels }
            | Notice::OrphanDropped { kernels, .. } => self.owned.doubt(kernels),
            Notice::Mined { kernels, .. } => self.owned.reported(kernels),
            Notice::Stemmed { .. }
            | Notice::Relayed { .. }
            | Notice::Fluffed { .. }
            | Notice::Seen { .. }
            | Notice::Unmined { .. }
            | Notice::Excluded { .. }
            | Notice::Held { .. }
            | Notice::Orphaned { .. } => {}
        }
        self.effects.push_back(Effect::Notice(notice));
    }

    pub(crate) fn new_id(&mut self) -> EntryId {
        self.next_id += 1;
        EntryId(self.next_id)
    }

    /// The next firing of the patience timer after `now`.
    fn next_patience(&self, now: Instant) -> Instant {
        if self.config.patience.interval.is_zero() {
            return now;
        }
        now.next_tick(self.phase, self.config.patience.interval)
    }

    /// Makes the state of an entry that is to be looked at, from `source`.
    pub(crate) fn fresh_state(
        &mut self,
        source: Source,
        looped: bool,
        ctx: &mut Context<'_>,
    ) -> StemState {
        let coin = match self.config.patience.mode {
            _ if looped => Some(Coin::Fluff),
            PatienceMode::EveryHop => None,
            PatienceMode::FluffOnly => Some(ctx.router.coin(source, &mut self.rng)),
        };
        let due = match coin {
            Some(Coin::Stem | Coin::Seal) => ctx.now,
            Some(Coin::Fluff) | None => self.next_patience(ctx.now),
        };
        let why = if looped { Why::Looped } else { Why::Passing };
        StemState::Fresh { due, coin, why, avoid: None }
    }

    pub(crate) fn insert_stem(&mut self, id: EntryId, tx: ValidTx, meta: StemMeta) {
        self.touch_own(&tx);
        if let StemState::Fresh { due, .. } = meta.state {
            self.fresh.insert(due, id);
        }
        self.embargoes.insert(self.sweep_after(meta.embargo), id);
        self.stem_usage.entry(meta.source).or_default().add(&tx);
        self.rejoin(id, meta.bundle);
        self.stem.insert(id, tx, meta);
    }

    /// Takes an entry out of the stempool, with its share.
    pub(crate) fn remove_stem(&mut self, id: EntryId) -> Option<(ValidTx, StemMeta)> {
        let entry = self.stem.remove(id)?;
        self.touch_own(&entry.tx);
        self.unbundle(id, entry.meta.bundle);
        let usage = self.stem_usage.get_mut(&entry.meta.source);
        if usage.is_some_and(|usage| usage.subtract(&entry.tx)) {
            self.stem_usage.remove(&entry.meta.source);
        }
        Some((entry.tx, entry.meta))
    }

    pub(crate) fn set_stem_state(&mut self, id: EntryId, state: StemState) {
        let Some(meta) = self.stem.meta_mut(id) else { return };
        meta.state = state;
        if let StemState::Fresh { due, .. } = state {
            self.fresh.insert(due, id);
        }
    }

    /// When an embargo that ends at this time is looked at.
    pub(crate) fn sweep_after(&self, embargo: Instant) -> Instant {
        embargo.round_up(self.config.embargo.sweep)
    }

    /// Forgets timers of what is gone.
    pub(crate) fn tidy_timers(&mut self) {
        let entries = || self.stem.iter().map(|(id, entry)| (id, &entry.meta));
        let fresh = entries().filter_map(|(id, meta)| Some((meta.state.due()?, id)));
        self.fresh.tidy(self.stem.len(), fresh);
        let sweep = self.config.embargo.sweep;
        let embargoes = entries().map(|(id, meta)| (meta.embargo.round_up(sweep), id));
        self.embargoes.tidy(self.stem.len(), embargoes);
    }

    pub(crate) fn insert_public(
        &mut self,
        tx: ValidTx,
        parts: Vec<Part>,
        since: Instant,
    ) -> EntryId {
        let id = self.new_id();
        let own = parts.iter().any(|part| part.own);
        let meta = TxMeta { own, parts, rate: fee_rate(&tx), since };
        self.put_public(id, tx, meta);
        id
    }

    /// Adds a public entry under an identifier that is its own.
    pub(crate) fn put_public(&mut self, id: EntryId, tx: ValidTx, meta: TxMeta) {
        let mut touched = self.txpool.parents(&tx);
        touched.insert(id);
        self.touch_own(&tx);
        self.txpool.insert(id, tx, meta);
        touched.into_iter().for_each(|id| self.refresh_leaf(id));
    }

    pub(crate) fn remove_public(&mut self, id: EntryId) -> Option<(ValidTx, TxMeta)> {
        let entry = self.txpool.remove(id)?;
        self.touch_own(&entry.tx);
        self.leaves.remove(&(entry.meta.rate, id));
        self.txpool.parents(&entry.tx).into_iter().for_each(|id| self.refresh_leaf(id));
        Some((entry.tx, entry.meta))
    }

    fn refresh_leaf(&mut self, id: EntryId) {
        let Some(entry) = self.txpool.get(id) else { return };
        let key = (entry.meta.rate, id);
        match !entry.meta.own && self.txpool.children(&entry.tx).is_empty() {
            true => self.leaves.insert(key),
            false => self.leaves.remove(&key),
        };
    }
}

/// The shifted fee in nanogrin per unit of weight: what counts when room is short.
pub(crate) fn fee_rate(tx: &ValidTx) -> u64 {
    tx.shifted_fee() / tx.weight().0.max(1)
}
