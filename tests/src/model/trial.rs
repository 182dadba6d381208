use std::fmt;
use std::time::Duration;

use scape_aggregate::{Commitment, Hash, ValidTx};
use scape_pool::{
    Accepted, ChainUpdate, ChainView, Context, Effect, EntryId, Instant, Notice, PeerId, Pool,
    Refusal, Source, WayOut,
};

use super::entries::{Id, creates, kernels, spends};
use super::op::{Way, Workshop};
use super::setup::{SINKS, Setup};
use super::{Ledger, Model, Op, Routes, World};

/// The pool and the model do not say the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disagreement {
    /// About what.
    pub about: &'static str,
    /// What the pool says that the model does not.
    pub pool: String,
    /// What the model says that the pool does not.
    pub model: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { about, pool, model } = self;
        write!(f, "about {about} the pool says\n    {pool}\nand the model says\n    {model}")
    }
}

type Outcome = Result<(), Disagreement>;

/// A pool and a model that live through the same story.
pub struct Trial {
    setup: Setup,
    pool: Pool,
    model: Model,
    world: World,
    workshop: Workshop,
    /// The parts of what was sent, in the words of both.
    sent: Vec<(Vec<EntryId>, Vec<Id>)>,
    /// Whether blocks were undone in this call.
    was_reorg: bool,
    /// What the pool wanted done after the last call.
    effects: Vec<Effect>,
    /// The two may go different ways from here on: see [`Trial::is_open`].
    open: bool,
    /// Verdicts so far, to see what stories are about.
    pub verdicts: Vec<Result<Accepted, Refusal>>,
}

impl Trial {
    /// Both are empty, and everything has a relay.
    pub fn new(setup: Setup) -> Self {
        let relays = [Some(PeerId(10)), Some(PeerId(11))];
        let sinks = if setup.sinks { SINKS.to_vec() } else { Vec::new() };
        let (down, sticky) = (None, setup.sticky);
        let routes = Routes { fluff: 0b0100, relays, down, sticky, sinks, way_out: WayOut::Open };
        Self {
            setup,
            pool: Pool::new(setup.config(), [7; 32]),
            model: Model::new(setup.config()),
            world: World { now: Instant::ZERO, chain: Ledger::default(), routes },
            workshop: Workshop::new(),
            sent: Vec::new(),
            was_reorg: false,
            effects: Vec::new(),
            open: false,
            verdicts: Vec::new(),
        }
    }

    /// The same with a model of which something is changed.
    pub fn with_model(self, change: impl FnOnce(Model) -> Model) -> Self {
        Self { model: change(self.model), ..self }
    }

    /// Whether the model could not say what had to happen, so that the rest of the story was not
    /// told.
    ///
    /// When blocks are undone and aggregates fall apart, or NRD kernels of one excess meet again,
    /// who stays depends on who is looked at first, which is nobody's business. The model says one
    /// of the possible results; if the pool says another one, it must be sound in itself: see
    /// [`Trial::step`].
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Lives through one operation.
    ///
    /// Where the model cannot say what has to happen, nothing may be pending that excludes
    /// something else or spends what is nowhere, and nothing may vanish without a notice.
    ///
    /// # Errors
    /// On the first thing that the two do not agree about. Then the trial is over.
    pub fn step(&mut self, op: Op) -> Outcome {
        if self.open {
            return Ok(());
        }
        match op {
            Op::New { way, source, recipe, on } => {
                let tx = self.workshop.make(recipe, on, &mut self.world.chain);
                self.arrive(tx, way, source)
            }
            Op::Again { way, source, which } => {
                self.arrive(self.workshop.pick(which).cloned(), way, source)
            }
            Op::Merged { way, source, which, from } => {
                let merged = self.workshop.merge(which, from);
                self.arrive(merged, way, source)
            }
            Op::Pass { secs } => self.pass(Duration::from_secs(secs.into())),
            Op::Late { secs } => {
                self.world.now = self.world.now + Duration::from_secs(secs.into());
                self.time_out()
            }
            Op::Mine { anything, which } => {
                let block = self.block(anything, which);
                let update = self.world.chain.update(0, &[block]);
                self.follow(&update)
            }
            Op::Reorg { undone, mined, which } => self.reorg(undone, mined, which),
            Op::Route { fluff, relays, sinks } => {
                let relay =
                    |number: u8| [10, 11, 12].get(usize::from(number)).map(|id| PeerId(*id));
                self.world.routes.fluff = fluff;
                self.world.routes.relays = [relay(relays % 4), relay(relays / 4 % 4)];
                self.world.routes.down = relay(relays / 16 % 4);
                self.open_ways(sinks)
            }
            Op::Undelivered { which } => self.undelivered(which),
        }
    }

    /// Lets everything come to its end: there is a way out, all time passes and all that can be mined
    /// is.
    ///
    /// # Errors
    /// As [`Trial::step`]; also if anything is left in one of the pools.
    pub fn end(&mut self) -> Outcome {
        if !self.open {
            self.open_way_out(WayOut::Open)?;
        }
        for _ in 0..12 {
            self.pass(Duration::from_secs(100))?;
            let block = self.block(false, 0xff);
            let update = self.world.chain.update(0, &[block]);
            self.follow(&update)?;
        }
        if self.open {
            return Ok(());
        }
        let counts = self.pool.counts();
        same("what is left in the pools", &(counts.stem, counts.public), &(0, 0))
    }

    fn arrive(&mut self, tx: Option<ValidTx>, way: Way, source: u8) -> Outcome {
        let Some(tx) = tx else { return Ok(()) };
        let source = match source {
            0 => Source::Own,
            peer => Source::Peer(PeerId(peer.into())),
        };
        let way = match (way, source) {
            // The owner seals nothing to himself.
            (Way::Sealed, Source::Own) => Way::Stem,
            (way, _) => way,
        };
        let held = self.held();
        let world = &mut self.world;
        let (pool, model) = match way {
            Way::Nowhere => return Ok(()),
            Way::Stem => (
                with(world, |ctx| self.pool.handle_stem(tx.clone(), source, ctx)),
                self.model.handle_stem(tx, source, &self.world),
            ),
            Way::Sealed => (
                with(world, |ctx| self.pool.handle_sealed(tx.clone(), source, ctx)),
                self.model.handle_sealed(tx, source, &self.world),
            ),
            Way::Public => (
                with(world, |ctx| self.pool.handle_fluff(tx.clone(), source, ctx)),
                self.model.handle_fluff(tx, source, &self.world),
            ),
        };
        self.verdicts.push(pool);
        let verdicts = same("the verdict", &pool, &model);
        self.judge(verdicts, &held)
    }

    /// Other sinks from now on, and maybe a way out for the owner's, or none.
    fn open_ways(&mut self, sinks: u8) -> Outcome {
        let routes = &mut self.world.routes;
        if self.setup.sinks {
            let count = usize::from(sinks % 4);
            routes.sinks = SINKS.iter().cycle().skip(count).take(count).copied().collect();
        }
        self.open_way_out(match sinks / 4 % 4 {
            3 if sinks < 128 => WayOut::Awaited,
            3 => WayOut::Shut,
            _ => WayOut::Open,
        })
    }

    fn open_way_out(&mut self, now: WayOut) -> Outcome {
        let before = std::mem::replace(&mut self.world.routes.way_out, now);
        if before == WayOut::Open || now != WayOut::Open {
            return Ok(());
        }
        let held = self.held();
        with(&mut self.world, |ctx| self.pool.handle_way_out(ctx));
        self.model.handle_way_out(&self.world);
        self.judge(Ok(()), &held)
    }

    fn pass(&mut self, time: Duration) -> Outcome {
        if self.open {
            return Ok(());
        }
        let end = self.world.now + time;
        while let Some(at) = self.pool.poll_timeout().filter(|at| *at <= end) {
            self.world.now = self.world.now.max(at);
            self.time_out()?;
            let is_due = self.pool.poll_timeout().is_some_and(|at| at <= self.world.now);
            same("whether timers stand still", &(is_due && !self.open), &false)?;
        }
        self.world.now = self.world.now.max(end);
        Ok(())
    }

    fn time_out(&mut self) -> Outcome {
        let held = self.held();
        with(&mut self.world, |ctx| self.pool.handle_timeout(ctx));
        self.model.handle_timeout(&self.world);
        self.judge(Ok(()), &held)
    }

    fn follow(&mut self, update: &ChainUpdate) -> Outcome {
        if self.open {
            return Ok(());
        }
        self.was_reorg = !update.disconnected.is_empty();
        let held = self.held();
        with(&mut self.world, |ctx| self.pool.handle_chain(update, ctx));
        self.model.handle_chain(update, &self.world);
        let outcome = self.judge(Ok(()), &held);
        self.was_reorg = false;
        outcome
    }

    fn held(&self) -> Vec<Hash> {
        self.model.everything().flat_map(kernels).collect()
    }

    /// The outcome of a call, if the model can say what it has to be.
    fn judge(&mut self, verdicts: Outcome, held: &[Hash]) -> Outcome {
        let is_order_decisive = self.was_reorg && self.model.is_order_decisive();
        let outcome = verdicts.and_then(|()| self.compare());
        self.model.fell_apart = false;
        if outcome.is_ok() || !is_order_decisive {
            return outcome;
        }
        self.open = true;
        self.sound(held)
    }

    /// What the next block holds: some of what may be in it.
    fn block(&self, anything: bool, which: u8) -> Vec<ValidTx> {
        let made = self.workshop.all().iter().rev().filter(|_| anything);
        let candidates = made.cloned().chain(self.pool.public().cloned());
        let mut block: Vec<ValidTx> = Vec::new();
        for (index, tx) in candidates.enumerate() {
            if which >> (index % 8) & 1 == 1 && self.world.chain.allows(&tx, &block) {
                block.push(tx);
            }
        }
        block
    }

    fn reorg(&mut self, undone: u8, mined: u8, which: u8) -> Outcome {
        let undone = usize::from(undone).min(self.world.chain.len());
        let mut update = self.world.chain.update(undone, &[]);
        for number in 0..mined {
            let block = self.block(number % 2 == 0, which.rotate_left(number.into()));
            update.connected.extend(self.world.chain.update(0, &[block]).connected);
        }
        self.follow(&update)
    }

    fn undelivered(&mut self, which: u8) -> Outcome {
        let index = usize::from(which) % self.sent.len().max(1);
        let Some(index) = self.sent.len().checked_sub(1 + index) else { return Ok(()) };
        let (pools, models) = self.sent.remove(index);
        let held = self.held();
        with(&mut self.world, |ctx| self.pool.handle_undelivered(&pools, ctx));
        self.model.handle_undelivered(&models, &self.world);
        self.judge(Ok(()), &held)
    }

    /// Everything that can be seen of the pool is as the model says.
    fn compare(&mut self) -> Outcome {
        let (expected, mut parts_of) = self.model.take_effects();
        let is_sent =
            |effect: &&Effect| matches!(effect, Effect::Stem { .. } | Effect::Seal { .. });
        let mut sent: Vec<_> = expected.iter().filter(is_sent).cloned().collect();
        self.effects.clear();
        while let Some(mut effect) = self.pool.poll_effect() {
            if let Effect::Keep(_) | Effect::Erase { .. } = effect {
                continue;
            }
            if let Effect::Stem { parts, .. } | Effect::Seal { parts, .. } = &mut effect {
                let parts = std::mem::take(parts);
                if let Some(index) = sent.iter().position(|other| *other == effect) {
                    sent.remove(index);
                    self.sent.push((parts, parts_of.remove(index)));
                }
            }
            if let Effect::Notice(Notice::Conflicted { by, .. }) = &mut effect {
                // What it was lost to is for people; the model does not say.
                *by = None;
            }
            self.effects.push(effect);
        }
        parents_first(&self.effects)?;
        same_set("effects", &self.effects, &expected)?;
        let pool = self.pool.stem().map(|(tx, source, embargo)| (kernels(tx), source, embargo));
        let model = self.model.stem.iter().map(|e| (kernels(&e.tx), e.source, e.embargo));
        same_set("the stempool", &pool.collect::<Vec<_>>(), &model.collect::<Vec<_>>())?;
        let pool: Vec<ValidTx> = self.pool.public().cloned().collect();
        let model: Vec<_> = self.model.public.iter().map(|entry| entry.tx.clone()).collect();
        same_set("the txpool", &pool, &model)?;
        same("what waits", &self.pool.counts().orphans, &self.model.orphans.len())?;
        // The pool may name a time at which nothing is due any more.
        let (pool, model) = (self.pool.poll_timeout(), self.model.next_timeout());
        let is_late = model.is_some_and(|model| pool.is_none_or(|pool| pool > model));
        same("the next timeout", &pool, if is_late { &model } else { &pool })?;
        let known: Vec<Hash> = self.model.all_public(false).flat_map(kernels).collect();
        for kernel in self.workshop.all().iter().flat_map(|tx| tx.kernels()) {
            let (pool, model) =
                (self.pool.knows_public(kernel.hash()), known.contains(kernel.hash()));
            if pool != model {
                same("what is publicly known", &(kernel, pool), &(kernel, model))?;
            }
        }
        Ok(())
    }

    /// What is pending is possible, and of what was held before all is held or spoken of.
    fn sound(&self, held: &[Hash]) -> Outcome {
        let public: Vec<&ValidTx> = self.pool.public().collect();
        let stem: Vec<&ValidTx> = self.pool.stem().map(|(tx, ..)| tx).collect();
        let pending = || public.iter().chain(&stem);
        let is_there = |output: &Commitment| self.world.chain.utxo(output).is_some();
        for (index, tx) in pending().enumerate() {
            let of = if index < public.len() { public.len() } else { public.len() + stem.len() };
            let created: Vec<_> = pending().take(of).flat_map(|tx| creates(tx)).collect();
            let missing = spends(tx).find(|input| !is_there(input) && !created.contains(input));
            same("a missing parent", &missing, &None)?;
            let mut others = pending().enumerate().filter(|(other, _)| *other != index);
            let rival = others.find(|(_, other)| {
                let inputs = spends(other).any(|input| spends(tx).any(|i| i == input));
                inputs || creates(other).any(|output| creates(tx).any(|o| o == output))
            });
            same("a rival", &rival.map(|(_, rival)| rival), &None)?;
        }
        let mut accounted: Vec<Hash> = pending().flat_map(|tx| kernels(tx)).collect();
        accounted.extend(self.effects.iter().flat_map(|effect| match effect {
            Effect::Notice(notice) => named_by(notice),
            Effect::Stem { .. } | Effect::Seal { .. } | Effect::Fluff { .. } => Vec::new(),
            Effect::Keep(_) | Effect::Erase { .. } => Vec::new(),
        }));
        // What waits cannot be seen; it is only known how much.
        let waits: Vec<Hash> = self.model.waiting().flat_map(kernels).collect();
        let is_lost = |kernel: &&Hash| !accounted.contains(kernel) && !waits.contains(kernel);
        same("what vanished", &held.iter().find(is_lost), &None)
    }
}

fn named_by(notice: &Notice) -> Vec<Hash> {
    match notice {
        Notice::Stemmed { kernels, .. }
        | Notice::Relayed { kernels, .. }
        | Notice::Fluffed { kernels, .. }
        | Notice::Seen { kernels }
        | Notice::Mined { kernels, .. }
        | Notice::Unmined { kernels }
        | Notice::Conflicted { kernels, .. }
        | Notice::Excluded { kernels, .. }
        | Notice::Held { kernels }
        | Notice::Orphaned { kernels }
        | Notice::OrphanDropped { kernels, .. }
        | Notice::Evicted { kernels } => kernels.clone(),
    }
}

fn with<T>(world: &mut World, call: impl FnOnce(&mut Context<'_>) -> T) -> T {
    let World { now, chain, routes } = world;
    call(&mut Context { now: *now, chain, router: routes })
}

/// No effect of one call spends what a later one creates.
fn parents_first(effects: &[Effect]) -> Outcome {
    let txs: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Stem { tx, .. } | Effect::Seal { tx, .. } | Effect::Fluff { tx, .. } => {
                Some(tx)
            }
            Effect::Keep(_) | Effect::Erase { .. } | Effect::Notice(_) => None,
        })
        .collect();
    for (index, tx) in txs.iter().enumerate() {
        let mut later = txs[index..].iter().flat_map(|later| creates(later));
        let early = later.find(|output| spends(tx).any(|input| input == *output));
        same("a child before its parent", &early, &None)?;
    }
    Ok(())
}

fn same<T: PartialEq + fmt::Debug>(about: &'static str, pool: &T, model: &T) -> Outcome {
    match pool == model {
        true => Ok(()),
        false => {
            Err(Disagreement { about, pool: format!("{pool:?}"), model: format!("{model:?}") })
        }
    }
}

/// The same things as often, in any order.
fn same_set<T: PartialEq + Clone + fmt::Debug>(
    about: &'static str,
    pool: &[T],
    model: &[T],
) -> Outcome {
    let (mut only_pool, mut only_model) = (Vec::new(), model.to_vec());
    for thing in pool {
        match only_model.iter().position(|other| other == thing) {
            Some(index) => drop(only_model.swap_remove(index)),
            None => only_pool.push(thing.clone()),
        }
    }
    same(about, &only_pool, &only_model)
}
