//! A zone with white noise: what it stems leaves in frames, at their times, or goes another way.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ChainType, Commitment, Consensus, OutputFeatures, ProtocolVersion, ValidTx};
use scape_p2p::addr::PeerAddr;
use scape_p2p::book::{Book, BookConfig, UnixTime};
use scape_p2p::dandelion::rendezvous::SIZES;
use scape_p2p::dandelion::{Params, Preset, RendezvousParams};
use scape_p2p::handshake::PeerInfo;
use scape_p2p::noise::{NoiseConfig, Reassembler};
use scape_p2p::peer::{Capabilities, Direction};
use scape_p2p::secure::{KeyCheck, Protection, PublicKey};
use scape_p2p::wire::{FrameDecoder, Message};
use scape_p2p::zone::{Effect, Zone, ZoneConfig, ZoneContext};
use scape_pool::{ChainView, FluffReason, Instant, Notice, PeerId, Tip, Utxo, WayOut};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);

/// Coins that exist.
#[derive(Default)]
struct Coins(BTreeSet<[u8; 33]>);

impl ChainView for Coins {
    fn tip(&self) -> Tip {
        Tip::default()
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        let exists = self.0.contains(commitment.as_bytes());
        exists.then_some(Utxo { features: OutputFeatures::Plain, height: 0 })
    }

    fn last_nrd(&self, _: &Commitment) -> Option<u64> {
        None
    }
}

/// A host that takes every transaction for valid.
struct Host {
    zone: Zone,
    coins: Coins,
    rng: ChaCha12Rng,
    now: Instant,
    seen: Vec<Effect>,
}

/// Always stems, at once, and fluffs in an hour.
fn params() -> Params {
    let mut params = Params { stem_probability: 1.0, ..Preset::GrinDoc.params() };
    params.patience.interval = Duration::ZERO;
    params.embargo.delay = scape_pool::EmbargoDelay::Uniform {
        base: Duration::from_secs(3_600),
        spread: Duration::ZERO,
    };
    (params.epoch, params.relays) = (Duration::from_secs(86_400), 1);
    params
}

impl Host {
    fn new() -> Self {
        let noise = NoiseConfig::default().check().unwrap();
        let config =
            ZoneConfig { params: params(), noise: Some(noise), ..ZoneConfig::new(CONSENSUS) };
        let zone = Zone::new(config, Book::new(BookConfig::default()), [3; 32], Instant::ZERO);
        let rng = ChaCha12Rng::seed_from_u64(1);
        Self { zone, coins: Coins::default(), rng, now: Instant::ZERO, seen: Vec::new() }
    }

    /// With peers 1 to `encrypted` that encrypt, and plain ones after them.
    fn with_peers(encrypted: u64, plain: u64) -> Self {
        let mut host = Self::new();
        for peer in 1..=encrypted + plain {
            host.connect(peer, peer <= encrypted);
        }
        host.seen.clear();
        host
    }

    fn connect(&mut self, peer: u64, encrypted: bool) {
        let addr = Some(PeerAddr::from(SocketAddr::from((
            [10, u8::try_from(peer).unwrap(), 0, 1],
            3_414,
        ))));
        let key = PublicKey([u8::try_from(peer).unwrap(); 32]);
        let info = PeerInfo {
            version: ProtocolVersion::LOCAL,
            capabilities: Capabilities::RELAY,
            user_agent: "peer".to_owned(),
            total_difficulty: 0,
            listen: addr,
            protection: match encrypted {
                true => Protection::Encrypted { key, check: KeyCheck::First },
                false => Protection::default(),
            },
        };
        self.call(|zone, ctx| {
            zone.handle_connected(PeerId(peer), addr, Direction::Outbound, info, ctx);
        });
    }

    /// Calls the zone and does what it wants verified.
    fn call<R>(&mut self, call: impl FnOnce(&mut Zone, &ZoneContext<'_>) -> R) -> R {
        let ctx = ZoneContext { now: self.now, unix: UnixTime(0), chain: &self.coins };
        let result = call(&mut self.zone, &ctx);
        while let Some(effect) = self.zone.poll_effect() {
            match effect {
                Effect::Verify { ticket, tx, .. } => {
                    self.zone.handle_verified(ticket, Ok(ValidTx::assumed(tx)), &ctx);
                }
                effect => self.seen.push(effect),
            }
        }
        result
    }

    /// Wakes the zone whenever it wants, for so long.
    fn run(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        while self.zone.poll_timeout() <= end {
            self.now = self.now.max(self.zone.poll_timeout());
            self.call(Zone::handle_timeout);
        }
        self.now = end;
    }

    /// Until the next frame is made for a peer; when it is to be sent.
    fn run_to_frame(&mut self, peer: u64) -> Instant {
        loop {
            let seen = self.seen.len();
            self.now = self.now.max(self.zone.poll_timeout());
            self.call(Zone::handle_timeout);
            let frames = self.seen[seen..].iter().find_map(|effect| match effect {
                Effect::Frame { peer: to, at, .. } if to.0 == peer => Some(*at),
                _ => None,
            });
            if let Some(at) = frames {
                return at;
            }
        }
    }

    fn tx(&mut self, outputs: usize) -> ValidTx {
        let tx = AssumedTx::new().fresh_inputs(1).outputs(outputs);
        let tx = tx.build(&mut self.rng, &CONSENSUS).unwrap();
        self.coins.0.insert(*tx.inputs()[0].commitment().as_bytes());
        tx
    }

    fn child(&mut self, parent: &ValidTx) -> ValidTx {
        let tx = AssumedTx::new().spend(parent.outputs()[0].commitment());
        tx.build(&mut self.rng, &CONSENSUS).unwrap()
    }

    fn push(&mut self, tx: &ValidTx) {
        self.call(|zone, _| zone.push(tx.as_transaction().clone(), false));
    }

    fn relay(&self) -> u64 {
        self.zone.relays()[0].0
    }

    /// The other one of the two peers.
    fn cover(&self) -> u64 {
        3 - self.relay()
    }

    /// What a peer makes of its frames.
    fn heard(&self, peer: u64) -> Vec<Message> {
        let mut reassembler = Reassembler::new(NoiseConfig::default().frame);
        let frames = self.seen.iter().filter_map(|effect| match effect {
            Effect::Frame { peer: to, frame, .. } if to.0 == peer => Some(frame),
            _ => None,
        });
        let whole = frames.filter_map(|frame| reassembler.handle_frame(frame).unwrap());
        let decode = |bytes: Vec<u8>| {
            let mut decoder = FrameDecoder::opened(CONSENSUS, ProtocolVersion::LOCAL);
            decoder.push(&bytes);
            decoder.next().unwrap().unwrap()
        };
        whole.map(decode).collect()
    }

    fn is_stemmed_plainly(&self) -> bool {
        let plainly = |effect: &Effect| {
            matches!(effect, Effect::Send { message: Message::StemTransaction(_), .. })
        };
        self.seen.iter().any(plainly)
    }

    fn fluffed(&self) -> Vec<FluffReason> {
        let reason = |effect: &Effect| match effect {
            Effect::Notice(Notice::Fluffed { reason, .. }) => Some(*reason),
            _ => None,
        };
        self.seen.iter().filter_map(reason).collect()
    }
}

fn stem(tx: &ValidTx) -> Message {
    Message::StemTransaction(tx.as_transaction().clone())
}

#[test]
fn what_is_stemmed_leaves_in_frames_to_the_relay_alone() {
    let mut host = Host::with_peers(2, 3);
    let (small, large) = (host.tx(2), host.tx(20));
    host.push(&small);
    host.push(&large);
    host.run(200);
    assert_eq!(host.heard(host.relay()), [stem(&small), stem(&large)]);
    assert_eq!(host.heard(host.cover()), []);
    assert!(!host.is_stemmed_plainly() && host.fluffed().is_empty());
    let to = |peer| {
        let frames = host.seen.iter();
        frames.filter(|e| matches!(e, Effect::Frame { peer: to, .. } if to.0 == peer)).count()
    };
    // One in 12.5 s each, whoever is the relay, and none to those who do not encrypt.
    assert!((13..=20).contains(&to(1)) && (13..=20).contains(&to(2)), "{}, {}", to(1), to(2));
    assert_eq!([to(3), to(4), to(5)], [0; 3]);
}

#[test]
fn a_zone_takes_frames_apart_as_another_makes_them() {
    let (mut alice, mut bob) = (Host::with_peers(2, 0), Host::with_peers(2, 0));
    let tx = alice.tx(9);
    bob.coins.0.extend(alice.coins.0.iter().copied());
    alice.push(&tx);
    alice.run(100);
    let relay = alice.relay();
    let mut heard = Vec::new();
    for effect in std::mem::take(&mut alice.seen) {
        let Effect::Frame { peer, frame, .. } = effect else { continue };
        if peer.0 == relay {
            heard.extend(bob.call(|zone, ctx| zone.handle_frame(PeerId(1), &frame, ctx)));
        }
    }
    assert_eq!(heard, [stem(&tx)]);
    let message = heard.remove(0);
    bob.call(|zone, ctx| zone.handle_message(PeerId(1), message, ctx));
    assert_eq!(bob.zone.pool().counts().stem, 1);
}

#[test]
fn without_anybody_who_encrypts_there_is_no_relay() {
    let mut host = Host::with_peers(0, 4);
    let (own, other) = (host.tx(2), host.tx(2));
    host.push(&own);
    host.run(1_000);
    assert!(host.fluffed().is_empty(), "the owner's waits as long as it takes");
    host.call(|zone, ctx| zone.handle_message(PeerId(1), stem(&other), ctx));
    host.run(100);
    assert_eq!(host.fluffed(), [FluffReason::NoRelay], "what others sent is theirs to hide");
    assert!(!host.seen.iter().any(|effect| matches!(effect, Effect::Frame { .. })));
}

#[test]
fn what_waits_for_a_relay_that_is_lost_goes_to_the_next_at_once() {
    let mut host = Host::with_peers(2, 0);
    let (lost, other) = (host.relay(), host.cover());
    let (begun, waiting) = (host.tx(20), host.tx(2));
    host.push(&begun);
    host.push(&waiting);
    host.run_to_frame(lost);
    host.call(|zone, ctx| zone.handle_disconnected(PeerId(lost), Vec::new(), None, ctx));
    assert_eq!(host.relay(), other);
    host.run(200);
    let mut heard = host.heard(other);
    heard.sort_by_key(|message| message != &stem(&begun));
    assert_eq!(heard, [stem(&begun), stem(&waiting)]);
    assert!(host.fluffed().is_empty());
    host.call(|zone, ctx| zone.handle_disconnected(PeerId(other), Vec::new(), None, ctx));
    assert!(host.fluffed().is_empty(), "what was sent is under embargo");
    let last = host.tx(2);
    host.push(&last);
    assert!(
        host.fluffed().is_empty() && host.zone.way_out() == WayOut::Shut,
        "it waits for somebody"
    );
}

#[test]
fn a_frame_that_is_made_has_left_only_at_its_time() {
    for gone in [false, true] {
        let mut host = Host::with_peers(2, 0);
        let (relay, other) = (host.relay(), host.cover());
        let tx = host.tx(2);
        host.push(&tx);
        let leaves = host.run_to_frame(relay);
        assert_eq!(host.heard(relay), [stem(&tx)]);
        host.now = if gone { leaves } else { Instant::from_micros(leaves.as_micros() - 1) };
        host.call(|zone, ctx| zone.handle_disconnected(PeerId(relay), Vec::new(), None, ctx));
        host.run(60);
        assert_eq!(host.heard(other).is_empty(), gone);
    }
}

/// Whoever sends a parent and lets another one send the child would else see it overtake.
#[test]
fn a_child_waits_behind_its_parent_whoever_sends_it() {
    let mut host = Host::with_peers(2, 2);
    let (first, parent) = (host.tx(60), host.tx(2));
    let child = host.child(&parent);
    for (peer, tx) in [(3, &first), (3, &parent), (4, &child)] {
        host.call(|zone, ctx| zone.handle_message(PeerId(peer), stem(tx), ctx));
    }
    host.run(600);
    assert_eq!(host.heard(host.relay()), [stem(&first), stem(&parent), stem(&child)]);
}

#[test]
fn what_is_public_before_its_turn_is_not_sent() {
    let mut host = Host::with_peers(2, 2);
    let (first, second) = (host.tx(60), host.tx(2));
    host.push(&first);
    host.push(&second);
    let public = Message::Transaction(second.as_transaction().clone());
    host.call(|zone, ctx| zone.handle_message(PeerId(3), public, ctx));
    host.run(600);
    assert_eq!(host.heard(host.relay()), [stem(&first)]);
}

/// The whole would be refused by the relay, and another way would be to tell everybody.
#[test]
fn what_is_left_of_an_aggregate_whose_part_is_public_goes_to_the_same_relay() {
    let mut host = Host::with_peers(2, 2);
    let mut waits = params();
    waits.patience.interval = Duration::from_secs(30);
    host.call(|zone, ctx| zone.set_params(waits, ctx));
    let (own, other) = (host.tx(10), host.tx(20));
    host.push(&own);
    host.call(|zone, ctx| zone.handle_message(PeerId(3), stem(&other), ctx));
    // Some of its frames are sent.
    host.run(70);
    assert_eq!(host.heard(host.relay()), []);
    let public = Message::Transaction(other.as_transaction().clone());
    host.call(|zone, ctx| zone.handle_message(PeerId(3), public, ctx));
    host.run(600);
    assert_eq!(host.heard(host.relay()), [stem(&own)]);
    assert_eq!(host.fluffed(), []);
}

/// What does not fit goes another way, and there is none but to tell everybody.
#[test]
fn what_peers_send_and_frames_do_not_hold_is_fluffed() {
    let mut host = Host::with_peers(2, 2);
    let long = host.tx(90);
    host.call(|zone, ctx| zone.handle_message(PeerId(3), stem(&long), ctx));
    assert_eq!(host.fluffed(), [FluffReason::NoRelay]);
}

#[test]
fn what_is_merged_still_fits_and_the_owner_waits_until_there_is_room() {
    let mut merging = Host::with_peers(2, 2);
    let mut waits = params();
    waits.patience.interval = Duration::from_secs(30);
    merging.call(|zone, ctx| zone.set_params(waits, ctx));
    let parts: Vec<_> = (0..100).map(|_| merging.tx(2)).collect();
    parts.iter().for_each(|tx| merging.push(tx));
    merging.run(3_000);
    let heard = merging.heard(merging.relay());
    // More than the queue holds: it takes ten minutes and more.
    assert!(merging.fluffed().is_empty() && heard.len() > 2, "{}", heard.len());
    let kernels = heard.iter().map(|message| match message {
        Message::StemTransaction(tx) => tx.kernels().len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(kernels.sum::<usize>(), 100);
}

/// Something sealed to a node; another one for each number.
fn seal(sink: u64, number: u16) -> Message {
    let mut sealed = vec![0; SIZES[0]];
    sealed[..2].copy_from_slice(&number.to_be_bytes());
    let sink = PublicKey([u8::try_from(sink).unwrap(); 32]);
    Message::SealedStem { sink, sealed: sealed.into() }
}

impl Host {
    /// Three peers encrypt, and what is sealed is handed on with this probability.
    fn carrying(forward: f64) -> Self {
        let mut host = Self::with_peers(3, 1);
        let rendezvous = Preset::Scape.params().rendezvous.unwrap();
        let rendezvous = Some(RendezvousParams { forward, ..rendezvous });
        host.call(|zone, ctx| zone.set_params(Params { rendezvous, ..params() }, ctx));
        host
    }

    /// The peer that encrypts and has no channel.
    fn uncovered(&mut self) -> u64 {
        self.run(60);
        let covered = self.seen.iter().filter_map(|effect| match effect {
            Effect::Frame { peer, .. } => Some(peer.0),
            _ => None,
        });
        let covered: BTreeSet<_> = covered.collect();
        (1..=3).find(|peer| !covered.contains(peer)).expect("two of three are covered")
    }

    fn carry(&mut self, from: u64, message: &Message) {
        self.call(|zone, ctx| zone.handle_message(PeerId(from), message.clone(), ctx));
    }

    /// What is sealed and leaves outside of frames, and to whom.
    fn bare(&self) -> Vec<(u64, Message)> {
        let bare = |effect: &Effect| match effect {
            Effect::Send { peer, message: message @ Message::SealedStem { .. } } => {
                Some((peer.0, message.clone()))
            }
            _ => None,
        };
        self.seen.iter().filter_map(bare).collect()
    }
}

#[test]
fn what_others_seal_waits_for_frames_to_a_carrier() {
    let mut host = Host::carrying(0.999_999);
    let from = host.uncovered();
    let seals: Vec<_> = (0..3).map(|number| seal(9, number)).collect();
    seals.iter().for_each(|message| host.carry(from, message));
    // Who does not encrypt may hand over none.
    host.carry(4, &seal(9, 3));
    host.run(120);
    assert!(host.bare().is_empty());
    let heard: Vec<_> = (1..=3).map(|peer| host.heard(peer)).filter(|h| !h.is_empty()).collect();
    assert_eq!(heard, [seals], "all to one");
}

#[test]
fn what_others_seal_and_there_is_no_room_for_is_dropped_and_nothing_else() {
    let mut host = Host::carrying(0.999_999);
    let from = host.uncovered();
    let own = host.tx(2);
    (0..50).for_each(|number| host.carry(from, &seal(9, number)));
    host.push(&own);
    host.run(1_200);
    let mut heard: Vec<_> = (1..=3).flat_map(|peer| host.heard(peer)).collect();
    let place = heard.iter().position(|message| *message == stem(&own)).expect("it was sent");
    assert!(place < 3, "each has its turn, and who floods waits for himself: {place}");
    heard.remove(place);
    // As many as may wait, one frame each; the owner's had room or took that of the last.
    assert!((39..=40).contains(&heard.len()), "{}", heard.len());
    let first: Vec<_> = (0..39).map(|number| seal(9, number)).collect();
    assert_eq!(heard[..39], first);
    assert!(host.bare().is_empty() && host.fluffed().is_empty());
}

#[test]
fn what_others_seal_goes_to_the_other_carrier_when_one_is_lost() {
    let mut host = Host::carrying(0.999_999);
    let from = host.uncovered();
    let message = seal(9, 1);
    host.carry(from, &message);
    let lost = host.run_to_message(&message);
    host.call(|zone, ctx| zone.handle_disconnected(PeerId(lost), Vec::new(), None, ctx));
    host.seen.clear();
    host.run(60);
    let heard: Vec<_> = (1..=3).filter(|peer| host.heard(*peer) == [message.clone()]).collect();
    assert!(heard.len() == 1 && heard[0] != lost && heard[0] != from, "{heard:?}");
    assert!(host.bare().is_empty());
}

impl Host {
    /// Until a message is in frames that have not left; whose they are.
    fn run_to_message(&mut self, message: &Message) -> u64 {
        loop {
            self.now = self.now.max(self.zone.poll_timeout());
            self.call(Zone::handle_timeout);
            let told = (1..=3).find(|peer| self.heard(*peer).contains(message));
            if let Some(peer) = told {
                return peer;
            }
        }
    }
}

/// What is seen to leave for a sink says nothing of when it came.
#[test]
fn a_delivery_outside_of_frames_is_held_and_one_in_frames_is_not() {
    let mut held = BTreeSet::new();
    let mut host = Host::carrying(0.0);
    let sink = host.uncovered();
    let covered = if sink == 1 { 2 } else { 1 };
    for number in 0..20 {
        host.seen.clear();
        let message = seal(sink, number);
        let came = host.now;
        host.carry(covered, &message);
        assert!(host.bare().is_empty(), "not at once");
        while host.bare().is_empty() {
            host.now = host.now.max(host.zone.poll_timeout());
            host.call(Zone::handle_timeout);
        }
        assert_eq!(host.bare(), [(sink, message)]);
        let hold = host.now.saturating_since(came);
        assert!(hold <= NoiseConfig::default().hold(), "{hold:?}");
        held.insert(hold.as_secs() / 10);
        // Who has a channel gets it there.
        let message = seal(covered, 100 + number);
        host.carry(sink, &message);
        host.run(60);
        assert_eq!((host.heard(covered), host.bare().len()), (vec![message], 1));
    }
    assert_eq!(held, BTreeSet::from([0, 1, 2]), "tens of seconds that it took");
}

#[test]
fn frames_that_make_no_sense_cost_their_sender() {
    let banned = |frames: &[Vec<u8>]| {
        let mut host = Host::with_peers(1, 0);
        for frame in frames {
            let message = host.call(|zone, ctx| zone.handle_frame(PeerId(1), frame, ctx));
            assert_eq!(message, None);
        }
        host.seen.iter().any(|effect| matches!(effect, Effect::Disconnect { .. }))
    };
    let frame = |index: u8, count: u8, payload: &[u8]| {
        let mut frame = vec![0, 0, 0, 1, index, count];
        frame.extend((payload.len() as u16).to_be_bytes());
        frame.extend(payload);
        frame.resize(NoiseConfig::default().frame.bytes(), 0);
        frame
    };
    assert!(!banned(&vec![frame(0, 0, &[]); 500]), "empty ones are what noise is");
    assert!(banned(&[frame(1, 2, &[1]), frame(1, 2, &[1])]), "the middle of nothing, twice");
    let ping = Message::Ping(scape_p2p::wire::Tip::default());
    let ping = ping.encode(ProtocolVersion::LOCAL, CONSENSUS.chain.magic()).unwrap();
    assert!(banned(&[frame(0, 1, &ping), frame(0, 1, &ping)]), "only the stem is hidden");
    let sealed = seal(9, 1).encode(ProtocolVersion::LOCAL, CONSENSUS.chain.magic()).unwrap();
    let mut host = Host::with_peers(1, 0);
    let message = host.call(|zone, ctx| zone.handle_frame(PeerId(1), &frame(0, 1, &sealed), ctx));
    assert_eq!(message, Some(seal(9, 1)), "sealed or not");
    assert!(banned(&[frame(0, 1, b"noise"), frame(0, 1, &[0x61, 61, 14])]), "no message");
}
