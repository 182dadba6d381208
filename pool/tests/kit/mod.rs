//! A world for the pool to live in: a chain that can be mined and undone, and a router that does
//! as it is told.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses a part of the kit")]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{AssumedTx, seeded};
use scape_aggregate::{ChainType, Commitment, Consensus, Hash, OutputFeatures, TxKernel, ValidTx};
use scape_pool::{
    Accepted, BlockSummary, Capacity, ChainUpdate, ChainView, Coin, Context, Effect, Embargo,
    EmbargoDelay, EntryId, FluffReason, Instant, Notice, Patience, PatienceMode, PeerId, Pool,
    PoolConfig, Record, Refusal, Rendezvous, Router, SinkId, Source, Tip, Utxo, WayOut,
};

pub const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting).with_nrd();
pub const RELAY: PeerId = PeerId(1_000);

pub const fn peer(id: u64) -> Source {
    Source::Peer(PeerId(id))
}

/// Grin's document: patience 10 s at every hop, embargo 30 s + U(0, 30) s.
pub fn config() -> PoolConfig {
    PoolConfig {
        consensus: CONSENSUS,
        patience: Patience {
            interval: Duration::from_secs(10),
            phase: Some(Duration::from_secs(5)),
            mode: PatienceMode::EveryHop,
        },
        embargo: Embargo {
            delay: EmbargoDelay::Uniform {
                base: Duration::from_secs(30),
                spread: Duration::from_secs(30),
            },
            sweep: Duration::from_secs(10),
        },
        rendezvous: None,
        capacity: Capacity::default(),
    }
}

/// Coins that are flipped on arrival, windows of 20 s to 25 s, and an embargo of 30 s to 60 s.
pub fn rendezvous() -> PoolConfig {
    let config = config();
    let (window, spread) = (Duration::from_secs(20), Duration::from_secs(5));
    PoolConfig {
        patience: Patience { mode: PatienceMode::FluffOnly, ..config.patience },
        rendezvous: Some(Rendezvous { window, spread, attempts: 3 }),
        ..config
    }
}

#[derive(Clone, Default)]
pub struct Chain {
    pub height: u64,
    utxos: BTreeMap<Commitment, Utxo>,
    nrd: BTreeMap<Commitment, u64>,
    blocks: Vec<Block>,
    forks: u64,
    /// How many questions the pool asked.
    pub asked: Cell<usize>,
}

#[derive(Clone)]
struct Block {
    summary: BlockSummary,
    spent: Vec<(Commitment, Utxo)>,
    nrd_before: BTreeMap<Commitment, u64>,
}

impl ChainView for Chain {
    fn tip(&self) -> Tip {
        Tip { height: self.height, ..Tip::default() }
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        self.asked.set(self.asked.get() + 1);
        self.utxos.get(commitment).copied()
    }

    fn last_nrd(&self, excess: &Commitment) -> Option<u64> {
        self.nrd.get(excess).copied()
    }
}

impl Chain {
    pub fn add(&mut self, commitment: Commitment, features: OutputFeatures) {
        self.utxos.insert(commitment, Utxo { features, height: self.height });
    }

    /// Whether a block may hold `tx` after these others.
    pub fn allows(&self, tx: &ValidTx, others: &[ValidTx]) -> bool {
        let created: BTreeSet<_> = outputs(others).collect();
        let spent: BTreeSet<_> = inputs(others).collect();
        let free = |input: &Commitment| {
            !spent.contains(input) && (created.contains(input) || self.utxos.contains_key(input))
        };
        tx.lock_height() <= self.height + 1
            && tx.inputs().iter().all(|input| free(&input.commitment()))
    }

    pub fn mine(&mut self, txs: &[ValidTx]) -> BlockSummary {
        let created: BTreeSet<_> = outputs(txs).collect();
        let spent: BTreeSet<_> = inputs(txs).collect();
        self.height += 1;
        self.forks += 1;
        let nrd_before = self.nrd.clone();
        for kernel in txs.iter().flat_map(|tx| tx.kernels()) {
            self.nrd.extend(kernel.nrd_excess().map(|excess| (excess, self.height)));
        }
        let summary = BlockSummary {
            hash: Hash::of(&[&self.forks.to_be_bytes()]),
            height: self.height,
            kernels: txs.iter().flat_map(kernels).collect(),
            inputs: spent.difference(&created).copied().collect(),
            outputs: created.difference(&spent).copied().collect(),
            nrd: txs.iter().flat_map(|tx| tx.kernels()).filter_map(TxKernel::nrd_excess).collect(),
        };
        let spent = summary.inputs.iter().map(|input| {
            let utxo = self.utxos.remove(input).expect("a block spends what exists");
            (*input, utxo)
        });
        let spent = spent.collect();
        for output in &summary.outputs {
            let utxo = Utxo { features: OutputFeatures::Plain, height: self.height };
            self.utxos.insert(*output, utxo);
        }
        self.blocks.push(Block { summary: summary.clone(), spent, nrd_before });
        summary
    }

    pub fn undo(&mut self) -> Option<Hash> {
        let Block { summary, spent, nrd_before } = self.blocks.pop()?;
        self.height -= 1;
        self.utxos.retain(|commitment, _| !summary.outputs.contains(commitment));
        self.utxos.extend(spent);
        self.nrd = nrd_before;
        Some(summary.hash)
    }
}

fn inputs(txs: &[ValidTx]) -> impl Iterator<Item = Commitment> {
    txs.iter().flat_map(|tx| tx.inputs().iter().map(|input| input.commitment()))
}

fn outputs(txs: &[ValidTx]) -> impl Iterator<Item = Commitment> {
    txs.iter().flat_map(|tx| tx.outputs().iter().map(|output| output.commitment()))
}

pub fn kernels(tx: &ValidTx) -> Vec<Hash> {
    tx.kernels().iter().map(|kernel| *kernel.hash()).collect()
}

pub fn output(tx: &ValidTx, index: usize) -> Commitment {
    tx.outputs()[index].commitment()
}

/// Coins from a list, then heads (stem) for ever, or at random.
pub struct Routes {
    pub coins: VecDeque<Coin>,
    pub stem_probability: f64,
    pub relay: Option<PeerId>,
    pub relay_of: BTreeMap<Source, PeerId>,
    /// While there are any, coins that are not in the list say to seal; the first ones are preferred.
    pub sinks: Vec<SinkId>,
    pub down: BTreeSet<PeerId>,
    pub sticky: bool,
    pub way_out: WayOut,
    pub flips: usize,
}

impl Default for Routes {
    fn default() -> Self {
        Self {
            coins: VecDeque::new(),
            stem_probability: 1.0,
            relay: Some(RELAY),
            relay_of: BTreeMap::new(),
            sinks: Vec::new(),
            down: BTreeSet::new(),
            sticky: false,
            way_out: WayOut::Open,
            flips: 0,
        }
    }
}

impl Router for Routes {
    fn coin(&mut self, _: Source, rng: &mut dyn Rng) -> Coin {
        self.flips += 1;
        let random = rng.random::<f64>() < self.stem_probability;
        let stem = if self.sinks.is_empty() { Coin::Stem } else { Coin::Seal };
        let random = if random { stem } else { Coin::Fluff };
        self.coins.pop_front().unwrap_or(random)
    }

    fn relay(&self, source: Source) -> Option<PeerId> {
        self.relay_of.get(&source).copied().or(self.relay)
    }

    fn sink(&self, avoid: &[SinkId], _: &mut dyn Rng) -> Option<SinkId> {
        self.sinks.iter().find(|sink| !avoid.contains(sink)).copied()
    }

    fn is_up(&self, relay: PeerId) -> bool {
        !self.down.contains(&relay)
    }

    fn coin_is_sticky(&self) -> bool {
        self.sticky
    }

    fn way_out(&self) -> WayOut {
        self.way_out
    }
}

pub struct World {
    pub pool: Pool,
    pub chain: Chain,
    pub routes: Routes,
    pub now: Instant,
    pub rng: ChaCha12Rng,
}

/// What came out, sorted by kind, in the order in which it came.
#[derive(Default, Debug, PartialEq)]
pub struct Out {
    pub all: Vec<Effect>,
    pub stems: Vec<(PeerId, ValidTx, Vec<EntryId>)>,
    pub seals: Vec<(SinkId, ValidTx, Vec<EntryId>, u8)>,
    pub fluffs: Vec<ValidTx>,
    pub notices: Vec<Notice>,
    pub kept: Vec<Record>,
    pub erased: Vec<Hash>,
}

impl Out {
    pub fn conflicted(&self) -> Vec<Vec<Hash>> {
        let kernels = |notice: &Notice| match notice {
            Notice::Conflicted { kernels, .. } => Some(kernels.clone()),
            _ => None,
        };
        self.notices.iter().filter_map(kernels).collect()
    }

    pub fn reasons(&self) -> Vec<FluffReason> {
        let reason = |notice: &Notice| match notice {
            Notice::Fluffed { reason, .. } => Some(*reason),
            _ => None,
        };
        self.notices.iter().filter_map(reason).collect()
    }

    pub fn says(&self, notice: impl Fn(&Notice) -> bool) -> bool {
        self.notices.iter().any(notice)
    }

    pub fn is_silent(&self) -> bool {
        self.stems.is_empty() && self.seals.is_empty() && self.fluffs.is_empty()
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(config())
    }

    pub fn with(config: PoolConfig) -> Self {
        Self {
            pool: Pool::new(config, [7; 32]),
            chain: Chain { height: 10, ..Chain::default() },
            routes: Routes::default(),
            now: Instant::ZERO,
            rng: seeded(7, 0),
        }
    }

    /// An output on the chain that nobody spends yet.
    pub fn coin(&mut self) -> Commitment {
        let mut commitment = Commitment([8; 33]);
        self.rng.fill_bytes(&mut commitment.0[1..]);
        self.chain.add(commitment, OutputFeatures::Plain);
        commitment
    }

    pub fn build(&mut self, tx: AssumedTx) -> ValidTx {
        tx.build(&mut self.rng, &CONSENSUS).expect("the test asks for a possible transaction")
    }

    /// A transaction that spends a fresh coin.
    pub fn tx(&mut self) -> ValidTx {
        let coin = self.coin();
        self.build(AssumedTx::new().spend(coin))
    }

    /// A transaction that spends the first output of another.
    pub fn child(&mut self, parent: &ValidTx) -> ValidTx {
        self.build(AssumedTx::new().spend(output(parent, 0)))
    }

    /// A transaction that spends what another spends.
    pub fn rival(&mut self, of: &ValidTx) -> ValidTx {
        self.build(AssumedTx::new().spend(of.inputs()[0].commitment()))
    }

    pub fn stem(&mut self, tx: &ValidTx, source: Source) -> Result<Accepted, Refusal> {
        self.with_ctx(|pool, ctx| pool.handle_stem(tx.clone(), source, ctx))
    }

    /// Something is delivered that was sealed to this node.
    pub fn sealed(&mut self, tx: &ValidTx, source: Source) -> Result<Accepted, Refusal> {
        self.with_ctx(|pool, ctx| pool.handle_sealed(tx.clone(), source, ctx))
    }

    pub fn fluff(&mut self, tx: &ValidTx, source: Source) -> Result<Accepted, Refusal> {
        self.with_ctx(|pool, ctx| pool.handle_fluff(tx.clone(), source, ctx))
    }

    pub fn undelivered(&mut self, parts: &[EntryId]) {
        self.with_ctx(|pool, ctx| pool.handle_undelivered(parts, ctx));
    }

    pub fn mine(&mut self, txs: &[ValidTx]) {
        let block = self.chain.mine(txs);
        self.update(ChainUpdate { disconnected: Vec::new(), connected: vec![block] });
    }

    /// Undoes `undone` blocks and mines others instead.
    pub fn reorg(&mut self, undone: usize, blocks: &[&[ValidTx]]) {
        let disconnected = (0..undone).filter_map(|_| self.chain.undo()).collect();
        let connected = blocks.iter().map(|txs| self.chain.mine(txs)).collect();
        self.update(ChainUpdate { disconnected, connected });
    }

    pub fn update(&mut self, update: ChainUpdate) {
        self.with_ctx(|pool, ctx| pool.handle_chain(&update, ctx));
    }

    pub fn with_ctx<T>(&mut self, act: impl FnOnce(&mut Pool, &mut Context<'_>) -> T) -> T {
        let (chain, router) = (&self.chain, &mut self.routes);
        act(&mut self.pool, &mut Context { now: self.now, chain, router })
    }

    /// Lets time pass, and hands in every timeout at the time the pool names.
    pub fn run_until(&mut self, secs: u64) {
        let end = Instant::from_secs(secs);
        while let Some(at) = self.pool.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let now = self.now;
            self.with_ctx(|pool, ctx| pool.handle_timeout(ctx));
            let next = self.pool.poll_timeout();
            assert!(next.is_none_or(|next| next > now), "a busy loop at {now:?}: {next:?}");
        }
        self.now = self.now.max(end);
    }

    pub fn drain(&mut self) -> Out {
        let mut out = Out::default();
        while let Some(effect) = self.pool.poll_effect() {
            out.all.push(effect.clone());
            match effect {
                Effect::Stem { relay, tx, parts } => out.stems.push((relay, tx, parts)),
                Effect::Seal { sink, tx, parts, attempt } => {
                    out.seals.push((sink, tx, parts, attempt));
                }
                Effect::Fluff { tx, .. } => out.fluffs.push(tx),
                Effect::Keep(record) => out.kept.push(record),
                Effect::Erase { key } => out.erased.push(key),
                Effect::Notice(notice) => out.notices.push(notice),
            }
        }
        out
    }

    pub fn embargo(&self, tx: &ValidTx) -> Option<Instant> {
        let kernel = *tx.kernels()[0].hash();
        let mut stem = self.pool.stem();
        stem.find(|(held, ..)| kernels(held).contains(&kernel)).map(|(_, _, embargo)| embargo)
    }

    pub fn is_stem(&self, tx: &ValidTx) -> bool {
        self.embargo(tx).is_some()
    }

    pub fn is_public(&self, tx: &ValidTx) -> bool {
        tx.kernels().iter().all(|kernel| self.pool.public_by_kernel(kernel.hash()).is_some())
    }
}
