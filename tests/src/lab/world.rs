//! Many nodes of the production pool and router, and what happens between them.
//!
//! Only nodes that hold something cost anything: a node without transactions has no timers but the
//! end of its epoch, which is made up for when it is next needed, and hears of no block. So an
//! experiment costs as much as there is traffic, whatever its size; floods alone look at all nodes.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use rand_distr::{Distribution, Exp1};
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ChainType, Consensus, Hash, ProtocolVersion, TxKernel, ValidTx};
use scape_pool::{ChainUpdate, Context, Effect, Instant, Notice, PeerId, Pool, Source};

use super::chain::LabChain;
use super::diffusion::{Diffusion, NEVER};
use super::experiment::Experiment;
use super::graph::{Graph, index};
use super::population::{Node, NodeKind, kinds, nodes};
use super::run::{Fluff, Observer, Run, Sight, StemMessage};
use super::sinks::Sinks;
use super::traffic::Payment;

/// Everything in an experiment that changes.
pub(super) struct World<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) consensus: Consensus,
    pub(super) graph: Graph,
    pub(super) nodes: Vec<Node>,
    pub(super) chain: LabChain,
    pub(super) diffusion: Diffusion,
    /// Of links.
    pub(super) seed: u64,
    pub(super) rng: ChaCha12Rng,
    queue: BinaryHeap<Reverse<(Instant, u64, Event)>>,
    entered: u64,
    listened: Vec<u32>,
    spies: Vec<u32>,
    payments: Vec<Payment>,
    /// The latest transaction of each origin, to be chained to.
    latest: HashMap<u32, usize>,
    txs: Vec<Option<ValidTx>>,
    of_kernel: HashMap<Hash, u32>,
    holders: Vec<Vec<u32>>,
    /// Nodes whose pools are not empty.
    active: BTreeSet<u32>,
    /// What travels on the stem, by the number in its event.
    parcels: Vec<Option<ValidTx>>,
    publications: Vec<Publication>,
    /// Publications that hold a payment.
    public: Vec<Vec<u32>>,
    unmined: Vec<u32>,
    pub(super) sinks: Sinks,
    pub(super) run: Run,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Event {
    Push(u32),
    Wake(u32),
    Stem { to: u32, from: u32, parcel: u32 },
    Sealed { to: u32, from: u32, parcel: u32 },
    Held { at: u32, from: u32, parcel: u32 },
    Flood,
    See { node: u32, publication: u32 },
    Block,
    Churn,
}

struct Publication {
    tx: ValidTx,
    at: Instant,
    payments: Vec<u32>,
    arrivals: Vec<u32>,
}

impl<'a> World<'a> {
    pub(super) fn new(experiment: &'a Experiment, seed: u64) -> Self {
        let consensus = Consensus { chain: ChainType::Mainnet, nrd: false };
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let kinds = kinds(experiment, &mut rng);
        let is_spy: Vec<bool> = kinds.iter().map(|kind| *kind != NodeKind::Honest).collect();
        let graph = match experiment.spy_slots {
            Some(slots) => Graph::favouring(&is_spy, slots, experiment.outbound, &mut rng),
            None => Graph::random(experiment.nodes, experiment.outbound, &mut rng),
        };
        let params = experiment.params;
        let begin = Instant::ZERO + params.epoch + params.epoch_spread;
        let nodes = nodes(experiment, kinds, &graph, &consensus, &mut rng);
        let honest = (0u32..).zip(&nodes).filter(|(_, node)| node.kind == NodeKind::Honest);
        let mut honest: Vec<u32> = honest.map(|(id, _)| id).collect();
        honest.shuffle(&mut rng);
        let listened = honest.iter().copied().take(experiment.listened).collect();
        // Who is busy has nothing to do with who is listened to.
        honest.shuffle(&mut rng);
        let payments = experiment.traffic.draw(&honest, begin, experiment.length, &mut rng);
        let link_seed = rng.random();
        let mut world = Self {
            diffusion: Diffusion::new(&graph, &params, experiment.latency, link_seed),
            chain: LabChain::new(&consensus),
            experiment,
            consensus,
            nodes,
            seed: link_seed,
            queue: BinaryHeap::new(),
            entered: 0,
            listened,
            latest: HashMap::new(),
            txs: vec![None; payments.len()],
            of_kernel: HashMap::with_capacity(payments.len()),
            holders: vec![Vec::new(); payments.len()],
            active: BTreeSet::new(),
            parcels: Vec::new(),
            publications: Vec::new(),
            public: vec![Vec::new(); payments.len()],
            unmined: Vec::new(),
            sinks: Sinks::default(),
            spies: (0u32..).zip(&is_spy).filter(|(_, spy)| **spy).map(|(id, _)| id).collect(),
            run: Run::new(&payments, begin, graph.clone(), is_spy),
            payments,
            graph,
            rng,
        };
        for (index, payment) in world.payments.clone().iter().enumerate() {
            world.schedule(payment.at, Event::Push(index as u32));
        }
        let per_minute = experiment.traffic.per_minute + experiment.flood;
        let per_block = per_minute * experiment.block_time.as_secs_f64() / 60.0;
        for block in world.chain.history(per_block) {
            world.sinks.almanac.add(&block);
        }
        world.befriend();
        world.elect_sinks();
        world.schedule(begin + experiment.block_time, Event::Block);
        world.schedule_churn(begin);
        world.schedule_flood(begin);
        world
    }

    /// Plays everything until all is mined, or nothing can happen any more.
    /// Tells `progress` now and then which share of the time with traffic is over.
    pub(super) fn play(mut self, progress: &dyn Fn(f64)) -> Run {
        while let Some(Reverse((now, _, event))) = self.queue.pop() {
            self.run.events += 1;
            match event {
                Event::Push(payment) => self.on_push(payment, now),
                Event::Wake(node) => self.on_wake(node, now),
                Event::Stem { to, from, parcel } => self.on_stem(to, from, parcel, now),
                Event::Sealed { to, from, parcel } => self.on_sealed(to, from, parcel, now),
                Event::Held { at, from, parcel } => self.on_held(at, from, parcel, now),
                Event::Flood => self.on_flood(now),
                Event::See { node, publication } => self.on_see(node, publication, now),
                Event::Block => {
                    let passed = now.saturating_since(self.run.begin).as_secs_f64();
                    progress((passed / self.experiment.length.as_secs_f64()).min(1.0));
                    self.on_block(now);
                }
                Event::Churn => self.on_churn(now),
            }
        }
        self.run
    }

    pub(super) fn schedule(&mut self, at: Instant, event: Event) {
        self.entered += 1;
        self.queue.push(Reverse((at, self.entered, event)));
    }

    fn on_push(&mut self, index: u32, now: Instant) {
        let Payment { origin, chained, .. } = self.payments[index as usize];
        let parent = self.latest.get(&origin).filter(|_| chained);
        let parent = parent.filter(|parent| self.run.outcomes[**parent].mined.is_none());
        let parent = parent.and_then(|parent| self.txs[*parent].as_ref());
        let spent = parent.and_then(|tx| tx.outputs().first()).map(|output| output.commitment());
        let builder = spent.map_or_else(AssumedTx::new, |spent| AssumedTx::new().spend(spent));
        let Ok(tx) = builder.build(&mut self.rng, &self.consensus) else { return };
        if spent.is_none() {
            tx.inputs().iter().for_each(|input| self.chain.add_coin(input.commitment()));
        }
        self.of_kernel.extend(tx.kernels().iter().map(|kernel| (*kernel.hash(), index)));
        self.txs[index as usize] = Some(tx.clone());
        self.latest.insert(origin, index as usize);
        if self.nodes[origin as usize].plain {
            return self.publish(origin, tx, None, now);
        }
        self.hold(origin, &[index], now);
        self.with_node(origin, now, |pool, ctx| {
            // A chain too long waits at its origin; nothing else can be refused.
            let _ = pool.handle_stem(tx, Source::Own, ctx);
        });
    }

    fn on_wake(&mut self, node: u32, now: Instant) {
        // A later wake-up has taken its place.
        if self.nodes[node as usize].wake == Some(now) {
            self.nodes[node as usize].wake = None;
            self.with_node(node, now, |pool, ctx| pool.handle_timeout(ctx));
        }
    }

    fn on_stem(&mut self, to: u32, from: u32, parcel: u32, now: Instant) {
        let Some(tx) = self.parcels[parcel as usize].take() else { return };
        let payments = self.payments_in(&tx);
        let kind = self.nodes[to as usize].kind;
        if kind != NodeKind::Honest {
            let observer = Observer::Relay(to);
            let payments = payments.clone();
            self.run.sights.push(Sight { at: now, observer, from: Some(from), payments });
        }
        for &payment in &payments {
            self.run.outcomes[payment as usize].hops += 1;
        }
        if kind == NodeKind::BlackHole {
            for &payment in &payments {
                self.run.outcomes[payment as usize].swallowed = true;
            }
            return;
        }
        if self.nodes[to as usize].plain {
            return self.publish(to, tx, None, now);
        }
        self.hold(to, &payments, now);
        self.with_node(to, now, |pool, ctx| {
            let _ = pool.handle_stem(tx, Source::Peer(PeerId(u64::from(from))), ctx);
        });
    }

    fn on_see(&mut self, node: u32, publication: u32, now: Instant) {
        let tx = self.publications[publication as usize].tx.clone();
        self.with_node(node, now, |pool, ctx| {
            // Somebody; gossip is played elsewhere.
            let _ = pool.handle_fluff(tx, Source::Peer(PeerId(u64::MAX)), ctx);
        });
    }

    /// Some connection ends, and whoever had made it makes another one.
    fn on_churn(&mut self, now: Instant) {
        let node = index(self.graph.len(), &mut self.rng);
        let slot = index(self.graph.outbound(node).len(), &mut self.rng) as usize;
        let peer = index(self.graph.len(), &mut self.rng);
        if let Some(lost) = self.graph.replace(node, slot, peer) {
            self.diffusion.replace(node, lost, peer);
            self.set_candidates(node);
        }
        self.schedule_churn(now);
    }

    fn schedule_churn(&mut self, now: Instant) {
        let Some(lifetime) = self.experiment.connection_life else { return };
        let mean = lifetime.as_secs_f64() / self.graph.edges() as f64;
        let unit: f64 = Exp1.sample(&mut self.rng);
        let at = now + Duration::from_secs_f64(unit * mean);
        if at < self.run.begin + self.experiment.length + self.experiment.grace {
            self.schedule(at, Event::Churn);
        }
    }

    fn on_block(&mut self, now: Instant) {
        let mut block = Vec::new();
        let mut left = Vec::new();
        for publication in std::mem::take(&mut self.unmined) {
            let Publication { tx, at, payments, .. } = &self.publications[publication as usize];
            let heard = *at + MINER_DELAY <= now;
            let mined = |payment: &u32| self.run.outcomes[*payment as usize].mined.is_some();
            if heard && self.chain.fits(tx) {
                self.chain.spend(tx);
                block.push(tx.clone());
                for payment in payments {
                    self.run.outcomes[*payment as usize].mined = Some(now);
                }
                self.publications[publication as usize].arrivals = Vec::new();
            } else if !heard || !payments.iter().all(mined) {
                left.push(publication);
            }
        }
        self.unmined = left;
        let update = self.chain.close(&block);
        self.sinks.almanac.handle_chain(&update);
        self.elect_sinks();
        for node in self.active.clone() {
            self.on_chain(node, &update, now);
        }
        let unmined = self.run.outcomes.iter().any(|outcome| outcome.mined.is_none());
        let over = now > self.run.begin + self.experiment.length + self.experiment.grace;
        if unmined && !over {
            self.schedule(now + self.experiment.block_time, Event::Block);
        }
    }

    fn on_chain(&mut self, node: u32, update: &ChainUpdate, now: Instant) {
        self.with_node(node, now, |pool, ctx| pool.handle_chain(update, ctx));
        let counts = self.nodes[node as usize].pool.counts();
        if counts.stem + counts.public + counts.orphans == 0 {
            self.active.remove(&node);
        }
    }

    /// Remembers that a node has these, and tells it of what is public of them: now, if it should
    /// know already, or when it will.
    pub(super) fn hold(&mut self, node: u32, payments: &[u32], now: Instant) {
        self.active.insert(node);
        let mut publications = BTreeSet::new();
        for &payment in payments {
            self.holders[payment as usize].push(node);
            publications.extend(self.public[payment as usize].iter().copied());
        }
        for publication in publications {
            match self.publications[publication as usize].arrival(node) {
                Some(at) if at <= now => self.on_see(node, publication, now),
                Some(at) => self.schedule(at, Event::See { node, publication }),
                None => {}
            }
        }
    }

    /// Calls a node's pool, carries out what it wants and comes back when it has to.
    pub(super) fn with_node(
        &mut self,
        id: u32,
        now: Instant,
        call: impl FnOnce(&mut Pool, &mut Context<'_>),
    ) {
        self.refresh_sinks(id);
        let node = &mut self.nodes[id as usize];
        while node.router.poll_timeout() <= now {
            node.router.handle_timeout(node.router.poll_timeout());
        }
        call(&mut node.pool, &mut Context { now, chain: &self.chain, router: &mut node.router });
        let mut notice = None;
        while let Some(effect) = self.nodes[id as usize].pool.poll_effect() {
            match effect {
                Effect::Stem { relay, tx, .. } => self.send(id, relay, tx, now),
                Effect::Seal { sink, tx, parts, attempt } => {
                    self.seal(id, sink, tx, (parts, attempt), now);
                }
                Effect::Fluff { tx, except: None } => self.publish(id, tx, notice.take(), now),
                Effect::Notice(fluffed @ Notice::Fluffed { .. }) => notice = Some(fluffed),
                // What others tell is not told on: floods are played elsewhere.
                Effect::Fluff { .. }
                | Effect::Notice(_)
                | Effect::Keep(_)
                | Effect::Erase { .. } => {}
            }
        }
        let node = &mut self.nodes[id as usize];
        let next = node.pool.poll_timeout().map(|at| at.max(now));
        if let Some(at) = next.filter(|at| node.wake.is_none_or(|wake| *at < wake || wake < now)) {
            node.wake = Some(at);
            self.schedule(at, Event::Wake(id));
        }
    }

    fn send(&mut self, from: u32, relay: PeerId, tx: ValidTx, now: Instant) {
        let to = relay.0 as u32;
        let bytes = wire_bytes(&tx);
        self.run.stem_bytes += bytes;
        let payments = self.payments_in(&tx);
        self.run.messages.push(StemMessage { at: now, from, to, bytes, payments });
        let parcel = self.parcels.len() as u32;
        self.parcels.push(Some(tx));
        let at = now + self.experiment.latency.of(from, to, self.seed);
        self.schedule(at, Event::Stem { to, from, parcel });
    }

    fn publish(&mut self, node: u32, tx: ValidTx, notice: Option<Notice>, now: Instant) {
        let (payments, bytes) = (self.payments_in(&tx), wire_bytes(&tx));
        let arrivals = self.diffusion.flood(node, &mut self.rng);
        let reached = arrivals.iter().filter(|at| **at != NEVER).count() as u64;
        self.run.events += reached;
        self.run.fluff_bytes += self.graph.edges() as u64 * HASH_BYTES;
        self.run.fluff_bytes += reached * (HASH_BYTES + bytes);
        let reason = match notice {
            Some(Notice::Fluffed { reason, .. }) => Some(reason),
            _ => None,
        };
        let (half, most) = Run::reach(&arrivals);
        let payments_of = payments.clone();
        let fluff = Fluff { at: now, node, reason, bytes, payments: payments_of, half, most };
        let heard = self.diffusion.heard(&arrivals, &self.listened, &mut self.rng);
        let told = self.diffusion.first(&arrivals, &self.spies);
        for (observer, sight) in [(Observer::Listener, heard), (Observer::Spies, told)] {
            let Some((after, teller)) = sight else { continue };
            let at = now + Duration::from_millis(u64::from(after));
            let payments = payments.clone();
            self.run.sights.push(Sight { at, observer, from: Some(teller), payments });
        }
        let publication = self.publications.len() as u32;
        self.unmined.push(publication);
        let mut holders = BTreeSet::new();
        for &payment in &payments {
            self.public[payment as usize].push(publication);
            holders.extend(self.holders[payment as usize].iter().copied());
            let outcome = &mut self.run.outcomes[payment as usize];
            outcome.fluffs.push(self.run.fluffs.len() as u32);
        }
        holders.remove(&node);
        self.run.fluffs.push(fluff);
        let publication_of = Publication { tx, at: now, payments, arrivals };
        for holder in holders {
            if let Some(at) = publication_of.arrival(holder) {
                self.schedule(at, Event::See { node: holder, publication });
            }
        }
        self.publications.push(publication_of);
    }

    pub(super) fn payments_in(&self, tx: &ValidTx) -> Vec<u32> {
        let kernels = tx.kernels().iter().map(TxKernel::hash);
        let mut payments: Vec<u32> =
            kernels.filter_map(|kernel| self.of_kernel.get(kernel).copied()).collect();
        payments.sort_unstable();
        payments
    }
}

impl Publication {
    /// When the node knows of it. What was mined needs no more arrivals: all know the block.
    fn arrival(&self, node: u32) -> Option<Instant> {
        let Some(&after) = self.arrivals.get(node as usize) else { return Some(self.at) };
        (after != NEVER).then(|| self.at + Duration::from_millis(u64::from(after)))
    }
}

/// Until a miner has heard of what was fluffed and works on it.
const MINER_DELAY: Duration = Duration::from_secs(10);

/// Of an announcement, or a request, by hash: 32 bytes and the header of a message.
const HASH_BYTES: u64 = HEADER_BYTES + 32;
/// Of every message of Grin.
pub(super) const HEADER_BYTES: u64 = 11;

/// Of a message with this transaction.
fn wire_bytes(tx: &ValidTx) -> u64 {
    // Nothing that a pool holds is too large to be written down.
    tx.encode(ProtocolVersion::V3).map_or(0, |bytes| HEADER_BYTES + bytes.len() as u64)
}
