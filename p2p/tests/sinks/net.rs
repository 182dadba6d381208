//! Nodes of one network: all that they send each other arrives at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{Hash, ProtocolVersion, Transaction, ValidTx, aggregate};
use scape_p2p::addr::PeerAddr;
use scape_p2p::book::{Book, BookConfig, Source as AddrSource, UnixTime};
use scape_p2p::handshake::PeerInfo;
use scape_p2p::noise::{Fragment, NoiseConfig, ValidNoise};
use scape_p2p::peer::{Capabilities, Direction};
use scape_p2p::secure::{KeyCheck, Protection, StaticKey};
use scape_p2p::wire::Message;
use scape_p2p::zone::{DialFailure, Effect, Ticket, Zone, ZoneConfig, ZoneContext};
use scape_pool::{BlockSummary, ChainUpdate, FluffReason, Instant, Notice, PeerId, SinkId, Tip};

use crate::kit::{CONSENSUS, Coins, peer_info};

/// A coinbase, and two transactions.
pub(crate) fn block(height: u64) -> BlockSummary {
    let hash = Hash::of(&[&height.to_be_bytes()]);
    let kernels = (0..3u8).map(|n| Hash::of(&[&height.to_be_bytes(), &[n]])).collect();
    BlockSummary { hash, height, kernels, ..BlockSummary::default() }
}

pub(crate) struct Node {
    pub(crate) zone: Zone,
    /// The other ends of its links: which node, and what that calls the link.
    pub(crate) links: BTreeMap<PeerId, (usize, PeerId)>,
    /// Whether it speaks Grin's protocol and nothing else.
    grin: bool,
    notices: Vec<Notice>,
}

pub(crate) struct Net {
    pub(crate) nodes: Vec<Node>,
    pub(crate) chain: Coins,
    txs: Vec<ValidTx>,
    pub(crate) now: Instant,
    rng: ChaCha12Rng,
    next_link: u64,
    events: VecDeque<(usize, Effect)>,
    /// Who sent something sealed to whom, not in frames of white noise.
    pub(crate) carried: Vec<(usize, usize)>,
    /// Those of them that were not sealed to whom they were sent to.
    pub(crate) passed_on: usize,
    /// Who sent something to be stemmed in the clear.
    pub(crate) stemmed: Vec<usize>,
    /// What came of frames of white noise, and from whom.
    pub(crate) hidden: Vec<(usize, Message)>,
    /// Who sent which fragment of a message to whom.
    pub(crate) fragments: Vec<(usize, usize, u8)>,
    /// Links to these do not come about.
    pub(crate) unreachable: BTreeSet<usize>,
}

fn addr(node: usize) -> PeerAddr {
    PeerAddr::from(SocketAddr::from(([11 + node as u8, 1, 0, 1], 3_414)))
}

pub(crate) fn key(node: usize) -> StaticKey {
    StaticKey::from_secret([node as u8 + 1; 32])
}

pub(crate) fn sink(node: usize) -> SinkId {
    SinkId(key(node).public().0)
}

/// A zone that knows all addresses and no keys.
pub(crate) fn zone(index: usize, count: usize, noise: Option<ValidNoise>) -> Zone {
    let mut book = Book::new(BookConfig::default());
    for other in (0..count).filter(|other| *other != index) {
        book.add(addr(other), AddrSource::Trusted, UnixTime(0)).expect("a good address");
    }
    let mut config = ZoneConfig::new(CONSENSUS);
    config.peers.outbound = 4;
    config.noise = noise;
    let mut zone = Zone::new(config, book, [index as u8; 32], Instant::ZERO);
    zone.set_sink_key(key(index));
    zone
}

impl Net {
    /// Nodes that know all addresses; the last ones speak nothing but Grin's protocol.
    pub(crate) fn new(count: usize, grin: usize) -> Self {
        Self::with_noise(count, grin, 0)
    }

    /// The first ones hide what they stem in white noise.
    pub(crate) fn with_noise(count: usize, grin: usize, noisy: usize) -> Self {
        let noise = NoiseConfig::default().check().expect("the default keeps the rules");
        let node = |index: usize| {
            let zone = zone(index, count, (index < noisy).then_some(noise));
            let grin = index >= count - grin;
            Node { zone, links: BTreeMap::new(), grin, notices: Vec::new() }
        };
        let mut net = Self {
            nodes: (0..count).map(node).collect(),
            chain: Coins::default(),
            txs: Vec::new(),
            now: Instant::ZERO,
            rng: ChaCha12Rng::seed_from_u64(1),
            next_link: 0,
            events: VecDeque::new(),
            carried: Vec::new(),
            passed_on: 0,
            stemmed: Vec::new(),
            hidden: Vec::new(),
            fragments: Vec::new(),
            unreachable: BTreeSet::new(),
        };
        for height in 1..=30 {
            net.mine(height);
        }
        net
    }

    pub(crate) fn mine(&mut self, height: u64) {
        let block = block(height);
        self.chain.tip = Tip { height, hash: block.hash, total_difficulty: height };
        let update = ChainUpdate { disconnected: Vec::new(), connected: vec![block] };
        for index in 0..self.nodes.len() {
            self.call(index, |zone, ctx| zone.handle_chain(&update, ctx));
        }
        self.tell_tips();
    }

    /// All nodes ping each other.
    fn tell_tips(&mut self) {
        let Tip { height, total_difficulty, .. } = self.chain.tip;
        let tip = scape_p2p::wire::Tip { height, total_difficulty };
        for index in 0..self.nodes.len() {
            for link in self.nodes[index].links.keys().copied().collect::<Vec<_>>() {
                self.call(index, |zone, ctx| zone.handle_message(link, Message::Ping(tip), ctx));
            }
        }
    }

    pub(crate) fn call<R>(
        &mut self,
        node: usize,
        call: impl FnOnce(&mut Zone, &ZoneContext<'_>) -> R,
    ) -> R {
        let unix = UnixTime(1_000_000 + self.now.as_micros() / 1_000_000);
        let ctx = ZoneContext { now: self.now, unix, chain: &self.chain };
        let zone = &mut self.nodes[node].zone;
        let result = call(zone, &ctx);
        while let Some(effect) = zone.poll_effect() {
            self.events.push_back((node, effect));
        }
        result
    }

    /// Carries out all that nodes want, without delay.
    pub(crate) fn settle(&mut self) {
        while let Some((node, effect)) = self.events.pop_front() {
            match effect {
                Effect::Send { peer, message } => self.send(node, peer, message),
                Effect::Frame { peer, frame, .. } => self.frame(node, peer, &frame),
                Effect::Connect { addr: to } => self.connect(node, to),
                Effect::Disconnect { peer, .. } => self.disconnect(node, peer),
                Effect::Verify { ticket, tx, .. } => self.verify(node, ticket, &tx),
                Effect::Notice(notice) => self.nodes[node].notices.push(notice),
                effect => assert!(!matches!(effect, Effect::Block { .. }), "{node} bans somebody"),
            }
        }
    }

    fn send(&mut self, from: usize, link: PeerId, message: Message) {
        let Some(&(to, there)) = self.nodes[from].links.get(&link) else { return };
        let bytes = message.encode(ProtocolVersion::LOCAL, [97, 61]).expect("it can be written");
        let ours = matches!(message, Message::SealedStem { .. } | Message::SinkKeys(_));
        assert!(!ours || !self.nodes[to].grin, "{message:?} to a Grin node");
        assert!(!bytes.is_empty());
        match message {
            Message::SealedStem { sink, .. } => {
                self.carried.push((from, to));
                self.passed_on += usize::from(sink != key(to).public());
            }
            Message::StemTransaction(_) => self.stemmed.push(from),
            _ => {}
        }
        if !self.nodes[to].grin || !matches!(message, Message::StemTransaction(_)) {
            self.call(to, |zone, ctx| zone.handle_message(there, message, ctx));
        }
    }

    fn frame(&mut self, from: usize, link: PeerId, frame: &[u8]) {
        let Some(&(to, there)) = self.nodes[from].links.get(&link) else { return };
        let fragment = Fragment::decode(frame, NoiseConfig::default().frame).expect("a good one");
        if !fragment.is_empty() {
            self.fragments.push((from, to, fragment.index));
        }
        let message = self.call(to, |zone, ctx| zone.handle_frame(there, frame, ctx));
        if let Some(message) = message {
            self.hidden.push((from, message.clone()));
            self.call(to, |zone, ctx| zone.handle_message(there, message, ctx));
        }
    }

    fn connect(&mut self, from: usize, to_addr: PeerAddr) {
        let to = (0..self.nodes.len()).find(|node| addr(*node) == to_addr).expect("a node");
        if self.unreachable.contains(&to) {
            return self.call(from, |zone, ctx| {
                zone.handle_connect_failed(to_addr, DialFailure::Peer, ctx)
            });
        }
        self.next_link += 2;
        let (here, there) = (PeerId(self.next_link), PeerId(self.next_link + 1));
        self.nodes[from].links.insert(here, (to, there));
        self.nodes[to].links.insert(there, (from, here));
        let plain = self.nodes[from].grin || self.nodes[to].grin;
        let total_difficulty = self.chain.tip.total_difficulty;
        let info = |of: usize, key: StaticKey| {
            let capabilities = match self.nodes[of].grin {
                true => Capabilities::RELAY,
                false => Capabilities::RELAY | Capabilities::ENCRYPTED,
            };
            let protection = match plain {
                true => Protection::default(),
                false => Protection::Encrypted { key: key.public(), check: KeyCheck::First },
            };
            PeerInfo { total_difficulty, ..peer_info(capabilities, Some(addr(of)), protection) }
        };
        // Who dials shows a key that nobody knows.
        let (theirs, ours) = (info(to, key(to)), info(from, StaticKey::from_secret([99; 32])));
        self.call(to, |zone, ctx| {
            zone.handle_connected(there, Some(addr(from)), Direction::Inbound, ours, ctx);
        });
        self.call(from, |zone, ctx| {
            zone.handle_connected(here, Some(to_addr), Direction::Outbound, theirs, ctx);
        });
    }

    pub(crate) fn disconnect(&mut self, node: usize, link: PeerId) {
        let Some((other, there)) = self.nodes[node].links.remove(&link) else { return };
        self.nodes[other].links.remove(&there);
        self.call(node, |zone, ctx| zone.handle_disconnected(link, Vec::new(), None, ctx));
        self.call(other, |zone, ctx| zone.handle_disconnected(there, Vec::new(), None, ctx));
    }

    fn verify(&mut self, node: usize, ticket: Ticket, tx: &Transaction) {
        let inside = |part: &&ValidTx| {
            part.kernels().iter().all(|k| tx.kernels().iter().any(|other| other.hash() == k.hash()))
        };
        let parts: Vec<_> = self.txs.iter().filter(inside).cloned().collect();
        let valid = aggregate(&parts).expect("they fit together");
        assert_eq!(valid.as_transaction(), tx);
        self.call(node, |zone, ctx| zone.handle_verified(ticket, Ok(valid), ctx));
    }

    pub(crate) fn run(&mut self, secs: u64) {
        for _ in 0..secs {
            self.now = Instant::from_micros(self.now.as_micros() + 1_000_000);
            for node in 0..self.nodes.len() {
                while self.nodes[node].zone.poll_timeout() <= self.now {
                    self.call(node, |zone, ctx| zone.handle_timeout(ctx));
                    self.settle();
                }
            }
            self.settle();
        }
    }

    /// Until all know each other's keys, and an epoch has begun since.
    pub(crate) fn warm_up(&mut self) {
        self.run(1_500);
        for height in 31..=60 {
            self.mine(height);
            self.run(1);
        }
    }

    pub(crate) fn push(&mut self, node: usize) -> ValidTx {
        self.push_with(node, 2)
    }

    pub(crate) fn push_with(&mut self, node: usize, outputs: usize) -> ValidTx {
        let tx = AssumedTx::new().outputs(outputs).build(&mut self.rng, &CONSENSUS);
        let tx = tx.expect("possible");
        self.chain.unspent.extend(tx.inputs().iter().map(|input| input.commitment()));
        self.txs.push(tx.clone());
        self.call(node, |zone, _| zone.push(tx.as_transaction().clone(), false));
        self.settle();
        tx
    }

    pub(crate) fn fluffs(&self, reason: FluffReason) -> Vec<(usize, usize)> {
        let fluff = |notice: &Notice| match notice {
            Notice::Fluffed { parts, reason: why, .. } if *why == reason => Some(*parts),
            _ => None,
        };
        let of_node = |(index, node): (usize, &Node)| {
            node.notices.iter().filter_map(fluff).map(|p| (index, p)).collect::<Vec<_>>()
        };
        self.nodes.iter().enumerate().flat_map(of_node).collect()
    }

    /// Whether nothing was fluffed but by sinks.
    pub(crate) fn all_met(&self) -> bool {
        let others =
            [FluffReason::Embargo, FluffReason::NoRelay, FluffReason::Coin, FluffReason::Loop];
        others.iter().all(|reason| self.fluffs(*reason).is_empty())
    }

    pub(crate) fn is_public_at(&self, node: usize, tx: &ValidTx) -> bool {
        let kernel = tx.kernels()[0].hash();
        self.nodes[node].zone.pool().public_by_kernel(kernel).is_some()
    }

    pub(crate) fn is_public_everywhere(&self, tx: &ValidTx) -> bool {
        (0..self.nodes.len()).all(|node| self.is_public_at(node, tx))
    }

    /// The node that all others seal to now, and those others.
    pub(crate) fn elected(&self) -> (usize, Vec<usize>) {
        let mut votes: BTreeMap<SinkId, usize> = BTreeMap::new();
        self.nodes.iter().for_each(|node| *votes.entry(node.zone.sinks()[0]).or_default() += 1);
        let (elected, _) = votes.into_iter().max_by_key(|(_, count)| *count).expect("one");
        let elected = (0..self.nodes.len()).find(|node| sink(*node) == elected).expect("a node");
        (elected, (0..self.nodes.len()).filter(|node| *node != elected).collect())
    }
}
