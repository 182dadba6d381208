use scape_aggregate::{Hash, ValidTx};
use scape_pool::{Coin, Effect, Instant, Notice, PatienceMode, PoolConfig, Source};

use super::entries::{Id, Mined, Orphan, Part, Public, Pushed, State, Stem, Why, nrd, overlaps};
use super::{Rule, World};

/// Lists of transactions, and what they are. See the [module documentation](super).
pub struct Model {
    pub(super) config: PoolConfig,
    /// In the order of arrival, as all others.
    pub(super) stem: Vec<Stem>,
    pub(super) public: Vec<Public>,
    pub(super) mined: Vec<Mined>,
    pub(super) orphans: Vec<Orphan>,
    pub(super) pushed: Vec<Pushed>,
    pub(super) effects: Vec<Effect>,
    /// The parts of each [`Effect::Stem`] and [`Effect::Seal`], which are not the pool's and therefore not in it.
    pub(super) sent: Vec<Vec<Id>>,
    /// When what is sealed to this node goes, or went last.
    pub(super) window: Option<Instant>,
    /// Whether aggregates fell apart in this call.
    pub(super) fell_apart: bool,
    omitted: Option<Rule>,
    next_id: Id,
}

impl Model {
    /// An empty pool.
    ///
    /// # Correctness
    /// `config` must say the phase of patience, and neither its embargo nor the window of a sink may
    /// have a random part.
    pub fn new(config: PoolConfig) -> Self {
        Self {
            config,
            stem: Vec::new(),
            public: Vec::new(),
            mined: Vec::new(),
            orphans: Vec::new(),
            pushed: Vec::new(),
            effects: Vec::new(),
            sent: Vec::new(),
            window: None,
            fell_apart: false,
            omitted: None,
            next_id: 0,
        }
    }

    /// A wrong model: it does not know one of the rules.
    pub fn without(self, rule: Rule) -> Self {
        Self { omitted: Some(rule), ..self }
    }

    pub(super) fn keeps(&self, rule: Rule) -> bool {
        self.omitted != Some(rule)
    }

    /// What has to be done since the last call, in no special order.
    pub(super) fn take_effects(&mut self) -> (Vec<Effect>, Vec<Vec<Id>>) {
        (std::mem::take(&mut self.effects), std::mem::take(&mut self.sent))
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        if let Notice::Mined { kernels, .. } = &notice {
            for own in &mut self.pushed {
                own.untold.retain(|kernel| !kernels.contains(kernel));
            }
        }
        self.effects.push(Effect::Notice(notice));
    }

    pub(super) fn new_id(&mut self) -> Id {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn stem_entry(&self, id: Id) -> Option<&Stem> {
        self.stem.iter().find(|entry| entry.id == id)
    }

    pub(super) fn stem_entry_mut(&mut self, id: Id) -> Option<&mut Stem> {
        self.stem.iter_mut().find(|entry| entry.id == id)
    }

    pub(super) fn take_stem(&mut self, id: Id) -> Option<Stem> {
        let index = self.stem.iter().position(|entry| entry.id == id)?;
        Some(self.stem.remove(index))
    }

    pub(super) fn take_public(&mut self, id: Id) -> Option<Public> {
        let index = self.public.iter().position(|entry| entry.id == id)?;
        Some(self.public.remove(index))
    }

    pub(super) fn add_public(&mut self, tx: ValidTx, parts: Vec<Part>) -> Id {
        let id = self.new_id();
        self.public.push(Public { id, tx, parts });
        id
    }

    /// Takes out the orphans that this is true of.
    pub(super) fn take_orphans(&mut self, is_it: impl Fn(&Orphan) -> bool) -> Vec<Orphan> {
        self.orphans.extract_if(.., |orphan| is_it(orphan)).collect()
    }

    /// The state of what is to be looked at, on behalf of `source`.
    pub(super) fn fresh(&self, source: Source, why: Why, world: &World) -> State {
        let coin = match self.config.patience.mode {
            _ if why == Why::Looped => Some(Coin::Fluff),
            PatienceMode::EveryHop => None,
            PatienceMode::FluffOnly => Some(world.routes.coin_of(source)),
        };
        let due = match coin {
            Some(Coin::Stem | Coin::Seal) => world.now,
            Some(Coin::Fluff) | None => self.patience_after(world.now),
        };
        State::Fresh { due, coin, why, avoid: None }
    }

    /// The first tick of the patience grid after a moment.
    fn patience_after(&self, now: Instant) -> Instant {
        let interval = self.config.patience.interval;
        let mut tick = Instant::ZERO + self.config.patience.phase.unwrap_or_default();
        if interval.is_zero() {
            return now;
        }
        while tick <= now {
            tick = tick + interval;
        }
        tick
    }

    /// When something happens by itself.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let looked_at = self.stem.iter().filter_map(|entry| match entry.state {
            State::Fresh { due, .. } => Some(due),
            State::Sent(_) => None,
        });
        let embargoes = self.stem.iter().map(|entry| self.sweep_at(entry.embargo));
        let expiries = self.orphans.iter().filter_map(|orphan| orphan.arrival.expiry);
        looked_at.chain(embargoes).chain(expiries).min()
    }

    /// The first tick of the embargo grid that is not before a moment.
    pub(super) fn sweep_at(&self, at: Instant) -> Instant {
        let mut tick = Instant::ZERO;
        while tick < at {
            tick = tick + self.config.embargo.sweep;
        }
        tick
    }

    /// Whether it can matter who is looked at first: an aggregate fell apart in this call, or NRD
    /// kernels are pending.
    pub(super) fn is_order_decisive(&self) -> bool {
        self.fell_apart || self.everything().any(|tx| nrd(tx).next().is_some())
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &ValidTx> {
        self.orphans.iter().map(|orphan| &orphan.arrival.tx)
    }

    /// All that is held but for blocks.
    pub(super) fn everything(&self) -> impl Iterator<Item = &ValidTx> {
        self.pending(true).chain(self.waiting())
    }

    /// Whether a kernel is public: in the txpool, or in a block and in one of the pools before. If
    /// that was the stempool, only stem transactions may feel it.
    pub(super) fn is_public(&self, kernel: &Hash, stem: bool) -> bool {
        self.all_public(stem).any(|tx| overlaps(tx, &[*kernel]))
    }

    pub(super) fn all_public(&self, stem: bool) -> impl Iterator<Item = &ValidTx> {
        let mined = self.mined.iter().filter(move |mined| stem || !mined.private);
        self.public.iter().chain(mined.map(|mined| &mined.entry)).map(|entry| &entry.tx)
    }
}
