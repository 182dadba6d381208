//! Zones that find each other's keys, seal to sinks and gather there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{
    ChainType, Commitment, Consensus, Hash, OutputFeatures, ProtocolVersion, Transaction, ValidTx,
    aggregate,
};
use scape_p2p::addr::PeerAddr;
use scape_p2p::book::{Book, BookConfig, Source as AddrSource, UnixTime};
use scape_p2p::dandelion::Preset;
use scape_p2p::handshake::PeerInfo;
use scape_p2p::noise::{Fragment, NoiseConfig, ValidNoise};
use scape_p2p::peer::{Capabilities, Direction};
use scape_p2p::secure::{KeyCheck, Protection, StaticKey};
use scape_p2p::wire::Message;
use scape_p2p::zone::{Effect, Ticket, Zone, ZoneConfig, ZoneContext};
use scape_pool::{
    BlockSummary, ChainUpdate, ChainView, EmbargoDelay, FluffReason, Instant, Notice, PeerId,
    SinkId, Tip, Utxo,
};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);

#[derive(Default)]
struct Chain {
    tip: Tip,
    coins: BTreeSet<Commitment>,
}

impl ChainView for Chain {
    fn tip(&self) -> Tip {
        self.tip
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        let utxo = Utxo { features: OutputFeatures::Plain, height: 0 };
        self.coins.contains(commitment).then_some(utxo)
    }

    fn last_nrd(&self, _: &Commitment) -> Option<u64> {
        None
    }
}

/// A coinbase, and two transactions.
fn block(height: u64) -> BlockSummary {
    let hash = Hash::of(&[&height.to_be_bytes()]);
    let kernels = (0..3u8).map(|n| Hash::of(&[&height.to_be_bytes(), &[n]])).collect();
    BlockSummary { hash, height, kernels, ..BlockSummary::default() }
}

struct Node {
    zone: Zone,
    /// The other ends of its links: which node, and what that calls the link.
    links: BTreeMap<PeerId, (usize, PeerId)>,
    /// Whether it speaks Grin's protocol and nothing else.
    grin: bool,
    notices: Vec<Notice>,
}

struct Net {
    nodes: Vec<Node>,
    chain: Chain,
    txs: Vec<ValidTx>,
    now: Instant,
    rng: ChaCha12Rng,
    next_link: u64,
    events: VecDeque<(usize, Effect)>,
    /// Who sent something sealed to whom, not in frames of white noise.
    carried: Vec<(usize, usize)>,
    /// Those of them that were not sealed to whom they were sent to.
    passed_on: usize,
    /// Who sent something to be stemmed in the clear.
    stemmed: Vec<usize>,
    /// What came of frames of white noise, and from whom.
    hidden: Vec<(usize, Message)>,
    /// Who sent which fragment of a message to whom.
    fragments: Vec<(usize, usize, u8)>,
    /// Whether links to these come about.
    unreachable: BTreeSet<usize>,
}

fn addr(node: usize) -> PeerAddr {
    PeerAddr::from(SocketAddr::from(([11 + node as u8, 1, 0, 1], 3_414)))
}

fn key(node: usize) -> StaticKey {
    StaticKey::from_secret([node as u8 + 1; 32])
}

fn sink(node: usize) -> SinkId {
    SinkId(key(node).public().0)
}

/// A zone that knows all addresses and no keys.
fn zone(index: usize, count: usize, noise: Option<ValidNoise>) -> Zone {
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
    fn new(count: usize, grin: usize) -> Self {
        Self::with_noise(count, grin, 0)
    }

    /// The first ones hide what they stem in white noise.
    fn with_noise(count: usize, grin: usize, noisy: usize) -> Self {
        let noise = NoiseConfig::default().check().expect("the default keeps the rules");
        let node = |index: usize| {
            let zone = zone(index, count, (index < noisy).then_some(noise));
            let grin = index >= count - grin;
            Node { zone, links: BTreeMap::new(), grin, notices: Vec::new() }
        };
        let mut net = Self {
            nodes: (0..count).map(node).collect(),
            chain: Chain::default(),
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

    fn mine(&mut self, height: u64) {
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

    fn call<R>(&mut self, node: usize, call: impl FnOnce(&mut Zone, &ZoneContext<'_>) -> R) -> R {
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
    fn settle(&mut self) {
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
            return self.call(from, |zone, ctx| zone.handle_connect_failed(to_addr, false, ctx));
        }
        self.next_link += 2;
        let (here, there) = (PeerId(self.next_link), PeerId(self.next_link + 1));
        self.nodes[from].links.insert(here, (to, there));
        self.nodes[to].links.insert(there, (from, here));
        let plain = self.nodes[from].grin || self.nodes[to].grin;
        let info = |of: usize, key: StaticKey| PeerInfo {
            version: ProtocolVersion::LOCAL,
            capabilities: match self.nodes[of].grin {
                true => Capabilities::RELAY,
                false => Capabilities::RELAY | Capabilities::ENCRYPTED,
            },
            user_agent: "node".to_owned(),
            total_difficulty: self.chain.tip.total_difficulty,
            listen: Some(addr(of)),
            protection: match plain {
                true => Protection::default(),
                false => Protection::Encrypted { key: key.public(), check: KeyCheck::First },
            },
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

    fn disconnect(&mut self, node: usize, link: PeerId) {
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

    fn run(&mut self, secs: u64) {
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
    fn warm_up(&mut self) {
        self.run(1_500);
        for height in 31..=60 {
            self.mine(height);
            self.run(1);
        }
    }

    fn push(&mut self, node: usize) -> ValidTx {
        self.push_with(node, 2)
    }

    fn push_with(&mut self, node: usize, outputs: usize) -> ValidTx {
        let tx = AssumedTx::new().outputs(outputs).build(&mut self.rng, &CONSENSUS);
        let tx = tx.expect("possible");
        self.chain.coins.extend(tx.inputs().iter().map(|input| input.commitment()));
        self.txs.push(tx.clone());
        self.call(node, |zone, _| zone.push(tx.as_transaction().clone(), false));
        self.settle();
        tx
    }

    fn fluffs(&self, reason: FluffReason) -> Vec<(usize, usize)> {
        let fluff = |notice: &Notice| match notice {
            Notice::Fluffed { parts, reason: why, .. } if *why == reason => Some(*parts),
            _ => None,
        };
        let of_node = |(index, node): (usize, &Node)| {
            node.notices.iter().filter_map(fluff).map(|p| (index, p)).collect::<Vec<_>>()
        };
        self.nodes.iter().enumerate().flat_map(of_node).collect()
    }

    fn is_public_everywhere(&self, tx: &ValidTx) -> bool {
        let kernel = tx.kernels()[0].hash();
        self.nodes.iter().all(|node| node.zone.pool().public_by_kernel(kernel).is_some())
    }
}

#[test]
fn all_find_the_same_sink_and_meet_there() {
    let mut net = Net::new(14, 0);
    net.warm_up();
    for node in &net.nodes {
        assert!(node.zone.known_keys() >= 12, "{} keys are known", node.zone.known_keys());
    }
    let (elected, others) = elected(&net);
    let agree = |node: &usize| net.nodes[*node].zone.sinks()[0] == sink(elected);
    assert!(others.iter().all(agree), "only the elected one looks for another one");
    net.carried.clear();
    let txs: Vec<_> = others[..4].iter().map(|node| net.push(*node)).collect();
    net.run(5);
    let at_sink = net.carried.iter().filter(|(_, to)| *to == elected).count();
    assert!(at_sink >= 4, "{:?}", net.carried);
    assert_eq!(net.fluffs(FluffReason::Gathered), []);
    net.run(180);
    assert_eq!(net.fluffs(FluffReason::Gathered), [(elected, 4)]);
    assert!(txs.iter().all(|tx| net.is_public_everywhere(tx)));
    let others = [FluffReason::Embargo, FluffReason::NoRelay, FluffReason::Coin, FluffReason::Loop];
    assert!(others.iter().all(|reason| net.fluffs(*reason).is_empty()));
    net.run(300);
    assert!(net.fluffs(FluffReason::Embargo).is_empty(), "all saw it in time");
}

#[test]
fn who_wrote_down_the_keys_finds_the_sinks_at_once_after_a_restart() {
    let mut net = Net::new(14, 0);
    net.warm_up();
    let written = net.call(1, |zone, ctx| zone.sink_keys(ctx.unix));
    let (sinks, known) = (net.nodes[1].zone.sinks().to_vec(), net.nodes[1].zone.known_keys());
    assert!(!sinks.is_empty());
    let blocks: Vec<_> = (1..=net.chain.tip.height).map(block).collect();
    let mut restart = |text: &str, later: u64| {
        net.nodes[1].zone = zone(1, 14, None);
        net.call(1, |zone, ctx| {
            let skipped = zone.restore_sink_keys(text, UnixTime(ctx.unix.0 + later));
            zone.restore(Vec::new(), &blocks, ctx);
            (zone.sinks().to_vec(), zone.known_keys(), skipped)
        })
    };
    assert_eq!(restart(&written, 600), (sinks, known, 0));
    assert_eq!(restart(&written, 100_000).1, 0, "who was away for a day asks anew");
    // An address of another network, and one that nobody can have.
    let [onion, zero] = ["a".repeat(56) + ".onion:3414", "1.2.3.4:0".to_owned()];
    let key = key(3).public();
    let lines =
        format!("scape-keys 1 1000000\nproven {onion} {key} 1 1 0\nproven {zero} {key} 1 1 0");
    assert_eq!(restart(&lines, 0), (Vec::new(), 0, 2));
}

#[test]
fn links_for_errands_end_and_are_no_relays() {
    let mut net = Net::new(14, 0);
    net.warm_up();
    net.run(120);
    for node in &net.nodes {
        let outbound = node.zone.peers().filter(|peer| peer.direction == Direction::Outbound);
        // One may be on a visit at this moment.
        assert!(outbound.count() <= 5);
    }
}

#[test]
fn what_a_dead_sink_does_not_get_goes_to_another_one() {
    let mut net = Net::new(14, 0);
    net.warm_up();
    let first = net.nodes[0].zone.sinks()[0];
    let dead = (0..14).find(|node| sink(*node) == first).expect("a node");
    let links: Vec<_> = net.nodes[dead].links.keys().copied().collect();
    links.into_iter().for_each(|link| net.disconnect(dead, link));
    net.settle();
    net.unreachable.insert(dead);
    // It does not come back by itself.
    let origin = if dead == 1 { 2 } else { 1 };
    let tx = net.push(origin);
    net.run(600);
    let gathered = net.fluffs(FluffReason::Gathered);
    assert_eq!(gathered.len(), 1, "{gathered:?}");
    assert_ne!(gathered[0].0, dead);
    let kernel = tx.kernels()[0].hash();
    assert!(net.nodes[origin].zone.pool().public_by_kernel(kernel).is_some());
}

#[test]
fn few_of_our_kind_use_the_ordinary_stem_and_grin_nodes_never_see_a_seal() {
    // Nine others: fewer than it takes.
    let mut net = Net::new(14, 4);
    net.warm_up();
    assert!(net.nodes.iter().all(|node| node.zone.sinks().is_empty()));
    net.push(0);
    net.run(30);
    assert!(net.carried.is_empty());
    // With more there are sinks, and Grin nodes among the peers.
    let mut net = Net::new(17, 4);
    net.warm_up();
    assert!(net.nodes[..13].iter().all(|node| !node.zone.sinks().is_empty()));
    let tx = net.push(0);
    net.run(200);
    assert_eq!(net.fluffs(FluffReason::Gathered).len(), 1);
    assert!(net.is_public_everywhere(&tx));
}

#[test]
fn who_does_not_use_sinks_serves_as_one() {
    let mut net = Net::new(14, 0);
    for node in 1..14 {
        net.call(node, |zone, ctx| zone.set_params(Preset::Monero.params(), ctx));
    }
    net.warm_up();
    assert!(net.nodes[1..].iter().all(|node| node.zone.sinks().is_empty()));
    let elected = net.nodes[0].zone.sinks()[0];
    let tx = net.push(0);
    net.run(5);
    assert!(!net.is_public_everywhere(&tx));
    net.run(180);
    let [(sink_node, 1)] = net.fluffs(FluffReason::Gathered)[..] else { unreachable!() };
    assert_eq!(sink(sink_node), elected);
    assert!(net.is_public_everywhere(&tx));
}

#[test]
fn what_waits_for_its_frames_still_is_not_sealed_again() {
    let mut net = Net::with_noise(14, 0, 14);
    net.warm_up();
    let (_, others) = elected(&net);
    let origin = others[0];
    let mut params = Preset::Scape.params();
    let (base, spread) = (Duration::from_secs(1), Duration::ZERO);
    params.embargo.delay = EmbargoDelay::Uniform { base, spread };
    net.call(origin, |zone, ctx| zone.set_params(params, ctx));
    net.hidden.clear();
    net.fragments.clear();
    let began = net.now;
    net.push_with(origin, 20);
    let is_own = |(from, _): &(usize, Message)| *from == origin;
    while !net.hidden.iter().any(is_own) {
        net.run(1);
    }
    // Its six frames took longer than its embargo, which has begun anew.
    assert!(net.now.saturating_since(began) > Duration::from_secs(60));
    net.run(18);
    let begun = net.fragments.iter().filter(|(from, _, index)| (*from, *index) == (origin, 0));
    assert_eq!(begun.count(), 1);
}

/// The node that all others seal to now, and those others.
fn elected(net: &Net) -> (usize, Vec<usize>) {
    let mut votes: BTreeMap<SinkId, usize> = BTreeMap::new();
    net.nodes.iter().for_each(|node| *votes.entry(node.zone.sinks()[0]).or_default() += 1);
    let (elected, _) = votes.into_iter().max_by_key(|(_, count)| *count).expect("one");
    let elected = (0..net.nodes.len()).find(|node| sink(*node) == elected).expect("a node");
    (elected, (0..net.nodes.len()).filter(|node| *node != elected).collect())
}

#[test]
fn under_noise_all_is_sealed_and_in_frames_and_meets_at_the_sink() {
    let mut net = Net::with_noise(14, 0, 14);
    net.warm_up();
    let (elected, others) = elected(&net);
    net.carried.clear();
    net.hidden.clear();
    let txs: Vec<_> = others[..4].iter().map(|node| net.push(*node)).collect();
    net.run(100);
    assert_eq!(net.fluffs(FluffReason::Gathered), [], "still on their way, or waiting");
    assert!(net.hidden.iter().all(|(_, message)| matches!(message, Message::SealedStem { .. })));
    let told: BTreeSet<_> = net.hidden.iter().map(|(from, _)| *from).collect();
    assert!(others[..4].iter().all(|origin| told.contains(origin)), "{told:?}");
    // Only the last step may show.
    assert_eq!(net.passed_on, 0, "{:?}", net.carried);
    net.run(200);
    assert_eq!(net.fluffs(FluffReason::Gathered), [(elected, 4)]);
    assert!(txs.iter().all(|tx| net.is_public_everywhere(tx)));
    net.run(300);
    let others = [FluffReason::Embargo, FluffReason::NoRelay, FluffReason::Coin, FluffReason::Loop];
    assert!(others.iter().all(|reason| net.fluffs(*reason).is_empty()));
    assert!(net.stemmed.is_empty() && net.passed_on == 0);
}

/// Whoever has noise alone hides as well as all, up to the first who has none.
#[test]
fn one_with_noise_among_others_sends_its_own_in_frames_alone() {
    let mut net = Net::with_noise(14, 0, 1);
    net.warm_up();
    net.carried.clear();
    net.hidden.clear();
    (0..3).for_each(|_| drop(net.push(0)));
    net.run(5);
    assert!(net.carried.iter().all(|(from, _)| *from != 0), "{:?}", net.carried);
    net.run(60);
    let sealed = |(from, message): &&(usize, Message)| {
        *from == 0 && matches!(message, Message::SealedStem { .. })
    };
    assert_eq!(net.hidden.iter().filter(sealed).count(), net.hidden.len());
    assert!(net.hidden.len() >= 3, "{}", net.hidden.len());
    assert!(!net.stemmed.contains(&0));
    // Without noise it is the other way round.
    let origin =
        (1..14).find(|node| !net.nodes[*node].zone.sinks().is_empty()).expect("all but one");
    net.push(origin);
    net.run(5);
    assert!(net.carried.iter().any(|(from, _)| *from == origin));
}

#[test]
fn a_carrier_that_goes_in_the_middle_of_a_message_takes_nothing_with_it() {
    let mut net = Net::with_noise(14, 0, 14);
    net.warm_up();
    let (elected, others) = elected(&net);
    let origin = others[0];
    net.hidden.clear();
    net.fragments.clear();
    let tx = net.push_with(origin, 20);
    let begun = |net: &Net| {
        net.fragments.iter().find(|(from, _, i)| (*from, *i) == (origin, 1)).map(|(_, to, _)| *to)
    };
    let carrier = loop {
        net.run(1);
        if let Some(carrier) = begun(&net) {
            break carrier;
        }
    };
    let to_carrier = |(_, (to, _)): &(&PeerId, &(usize, PeerId))| *to == carrier;
    let links = net.nodes[origin].links.iter().filter(to_carrier).map(|(link, _)| *link);
    let links: Vec<_> = links.collect();
    assert!(net.hidden.is_empty(), "it takes six frames");
    links.into_iter().for_each(|link| net.disconnect(origin, link));
    net.unreachable.insert(carrier);
    net.fragments.clear();
    net.settle();
    net.run(400);
    let first = net.fragments.iter().find(|(from, ..)| *from == origin).expect("it goes on");
    assert!(first.1 != carrier && first.2 == 0, "another one gets it from its beginning");
    assert_eq!(net.fluffs(FluffReason::Gathered), [(elected, 1)]);
    let kernel = tx.kernels()[0].hash();
    assert!(net.nodes[origin].zone.pool().public_by_kernel(kernel).is_some());
    let others = [FluffReason::Embargo, FluffReason::NoRelay, FluffReason::Coin, FluffReason::Loop];
    assert!(others.iter().all(|reason| net.fluffs(*reason).is_empty()));
}
