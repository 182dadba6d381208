use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use scape::chain::{Block, DevLedger};
use scape_aggregate::builder::seeded;
use scape_aggregate::{Commitment, Hash, OutputFeatures, Transaction, Verifier};
use scape_p2p::wire::Message;
use scape_p2p::zone::Ticket;
use scape_pool::{Instant, PeerId};

use super::event::{Event, Queue};
use super::link::End;
use super::{
    Assume, Entry, Happening, LinkConfig, NetworkConfig, Node, NodeId, NodeSpec, Observation,
    Verify,
};

/// What becomes of a node's disk when it crashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disk {
    /// It is as the node left it.
    Kept,
    /// It is empty.
    Lost,
}

/// A virtual network. See the [module documentation](super).
pub struct Network {
    pub(super) config: NetworkConfig,
    pub(super) now: Instant,
    pub(super) queue: Queue,
    pub(super) nodes: Vec<Node>,
    pub(super) ends: Vec<End>,
    /// Links that are not like the others.
    pub(super) links: BTreeMap<(NodeId, NodeId), LinkConfig>,
    /// All blocks there ever were.
    pub(super) archive: Vec<Arc<Block>>,
    pub(super) rng: ChaCha12Rng,
    genesis: DevLedger,
    pub(super) verifier: Box<dyn Verify>,
    log: Vec<Entry>,
    pub(super) trace: Hash,
    pub(super) events: u64,
    pub(super) frames: u64,
    pub(super) watched: bool,
    pub(super) happenings: Vec<Happening>,
}

impl Network {
    /// A network without nodes.
    pub fn new(config: NetworkConfig, verifier: impl Verify + 'static) -> Self {
        let mut queue = Queue::default();
        if let Some(mining) = config.mining {
            queue.push(Instant::ZERO + mining.interval, Event::Mine);
        }
        Self {
            now: Instant::ZERO,
            queue,
            nodes: Vec::new(),
            ends: Vec::new(),
            links: BTreeMap::new(),
            archive: Vec::new(),
            rng: seeded(config.seed, 0x6e65_7477),
            genesis: DevLedger::new(config.consensus, config.genesis.clone()),
            verifier: Box::new(verifier),
            log: Vec::new(),
            trace: Hash::default(),
            events: 0,
            frames: 0,
            watched: false,
            happenings: Vec::new(),
            config,
        }
    }

    /// A network that verifies every proof and signature, all nodes with one memory.
    pub fn verifying(config: NetworkConfig) -> Self {
        const CAPACITY: NonZeroUsize = NonZeroUsize::new(1 << 16).expect("not zero");
        Self::new(config, Verifier::new(CAPACITY))
    }

    /// A network that takes every transaction for valid.
    pub fn assumed(config: NetworkConfig) -> Self {
        Self::new(config, Assume::default())
    }

    /// Adds a node, which begins its life at once.
    pub fn add(&mut self, mut spec: NodeSpec) -> NodeId {
        let id = NodeId(self.nodes.len());
        let network = spec.zone.network;
        spec.zone.peers.own_name = network.is_anonymous().then(|| id.on(network));
        let block_delay = self.config.block_delay.mul_f64(self.rng.random::<f64>());
        let rng = seeded(self.config.seed, 0x6265_6861_0000 + id.0 as u64);
        let ledger = self.genesis_with(&spec.forged);
        self.nodes.push(Node::new(spec, ledger, block_delay, rng));
        self.restart(id, Disk::Lost);
        id
    }

    /// The chain at its beginning, as a node sees it that believes in some more coins.
    fn genesis_with(&self, forged: &[Commitment]) -> DevLedger {
        if forged.is_empty() {
            return self.genesis.clone();
        }
        let forged = forged.iter().map(|coin| (*coin, OutputFeatures::Plain));
        let coins = self.config.genesis.iter().copied().chain(forged);
        DevLedger::new(self.config.consensus, coins)
    }

    /// Begins a new life of a node: with its ledger, and without anything it held but for what is on
    /// its disk, if that has survived.
    pub fn restart(&mut self, id: NodeId, disk: Disk) {
        self.crash(id);
        if disk == Disk::Lost && self.nodes[id.0].life > 0 {
            self.nodes[id.0].journal.clear();
            self.observe(id, Observation::DiskLost);
        }
        let (seed, now) = (self.rng.random(), self.now);
        let node = &mut self.nodes[id.0];
        node.life += 1;
        node.begin(seed, now);
        self.happened(|| Happening::Began(id));
        let records: Vec<_> = self.nodes[id.0].journal.values().cloned().collect();
        self.with_zone(id, |zone, ctx| zone.restore(records, &[], ctx));
        let ping = self.config.ping_interval.mul_f64(self.rng.random::<f64>());
        self.queue.push(now + ping, Event::Ping(id, self.nodes[id.0].life));
        self.catch_up(id);
        self.schedule_wake(id);
        self.ask(id, |behaviour, scope| behaviour.begin(scope));
    }

    /// Ends the life of a node: what it held is gone, and so is what is on its way to it.
    pub fn crash(&mut self, id: NodeId) {
        if self.nodes[id.0].zone.take().is_none() {
            return;
        }
        self.observe(id, Observation::Crashed);
        let ends = (0..self.ends.len() as u64).map(PeerId);
        let own: Vec<_> = ends.filter(|e| self.end(*e).is_some_and(|e| e.owner == id)).collect();
        own.into_iter().for_each(|end| self.close(end));
    }

    /// Cuts the network in two: `side` and the rest. What is on its way across is lost, links across
    /// end, and there are no new ones.
    pub fn partition(&mut self, side: impl IntoIterator<Item = NodeId>) {
        side.into_iter().for_each(|node| self.nodes[node.0].side = 1);
        let ends: Vec<PeerId> = (0..self.ends.len() as u64).map(PeerId).collect();
        let across = |net: &Self, end: &PeerId| -> Option<bool> {
            let near = net.end(*end)?;
            let far = net.end(near.far)?;
            Some(net.nodes[near.owner.0].side != net.nodes[far.owner.0].side)
        };
        let across: Vec<_> =
            ends.into_iter().filter(|end| across(self, end) == Some(true)).collect();
        across.into_iter().for_each(|end| self.close(end));
    }

    /// Ends a partition. Everyone learns the blocks of the other side.
    pub fn heal(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.side = 0);
        (0..self.nodes.len()).for_each(|node| self.catch_up(NodeId(node)));
    }

    /// Ends all links between two nodes, as if the cable broke.
    pub fn disconnect(&mut self, a: NodeId, b: NodeId) {
        let between: Vec<PeerId> = self.ends_between(a, b).collect();
        between.into_iter().for_each(|end| self.close(end));
    }

    /// Links between two nodes that are made from now on are like this.
    pub fn set_link(&mut self, a: NodeId, b: NodeId, config: LinkConfig) {
        self.links.insert((a.min(b), a.max(b)), config);
    }

    /// All links, those that are there included, are like this from now on.
    pub fn mend(&mut self, link: LinkConfig) {
        self.config.link = link;
        self.links.clear();
        self.ends.iter_mut().for_each(|end| end.config = link);
    }

    /// The owner of a node hands in a transaction. `None` if the node is down.
    pub fn push(&mut self, node: NodeId, tx: Transaction, fluff: bool) -> Option<Ticket> {
        let ticket = self.with_zone(node, |zone, _| zone.push(tx.clone(), fluff))?;
        self.happened(|| Happening::Pushed { node, ticket, tx });
        Some(ticket)
    }

    /// A node says something that its zone did not say. False if there is no link.
    pub fn send(&mut self, from: NodeId, to: NodeId, message: Message) -> bool {
        let end = self.ends_between(from, to).next();
        end.is_some_and(|end| self.transmit(end, message))
    }

    /// Does something at a given time, or now if that is past.
    pub fn at(&mut self, at: Instant, action: impl FnOnce(&mut Self) + 'static) {
        self.queue.push(at.max(self.now), Event::Action(Box::new(action)));
    }

    /// Lets everything happen up to a moment.
    pub fn run_until(&mut self, end: Instant) {
        while self.queue.next_at().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = self.now.max(end);
    }

    /// Lets everything happen for a while.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Runs, a second at a time, until something holds. False if it does not within `limit`.
    pub fn run_while_not(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        while !done(self) {
            if self.now >= end {
                return false;
            }
            self.run_for(Duration::from_secs(1));
        }
        true
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(index), node))
    }

    /// What was observed so far, in the order in which it happened.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// Takes what was observed so far, for long runs.
    pub fn take_log(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.log)
    }

    /// The hash of everything that happened: of each event with its time, and of each message.
    pub fn digest(&self) -> Hash {
        self.trace
    }

    /// How many events there were.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many frames of white noise left their nodes.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    pub(super) fn ends_between(&self, a: NodeId, b: NodeId) -> impl Iterator<Item = PeerId> {
        self.nodes[a.0].links.iter().filter(move |(_, far)| **far == b).map(|(end, _)| *end)
    }

    pub(super) fn observe(&mut self, node: NodeId, what: Observation) {
        if self.watched {
            self.happenings.push(Happening::Observed(node, what.clone()));
        }
        if self.config.log {
            self.log.push(Entry { at: self.now, node, what });
        }
    }
}
