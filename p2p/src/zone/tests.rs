use std::net::SocketAddr;

use rand::SeedableRng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ChainType, Commitment, Consensus, OutputFeatures, ProtocolVersion, ValidTx};
use scape_pool::{BlockSummary, Source, Tip, Utxo};

use super::transactions::Way;
use super::*;
use crate::addr::{Network, OnionAddr, PeerAddr};
use crate::book::BookConfig;
use crate::dandelion::Preset;
use crate::handshake::PeerInfo;
use crate::peer::{Capabilities, Direction};
use crate::secure::Protection;

const CONSENSUS: Consensus = Consensus::of(ChainType::Testnet);

/// Some coins, whatever is in the blocks.
#[derive(Default)]
struct Chain {
    created: BTreeSet<[u8; 33]>,
}

impl ChainView for Chain {
    fn tip(&self) -> Tip {
        Tip::default()
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        let exists = self.created.contains(commitment.as_bytes());
        exists.then_some(Utxo { features: OutputFeatures::Plain, height: 0 })
    }

    fn last_nrd(&self, _: &Commitment) -> Option<u64> {
        None
    }
}

struct Host {
    zone: Zone,
    chain: Chain,
    rng: ChaCha12Rng,
    now: Instant,
}

impl Host {
    fn new() -> Self {
        let mut config =
            ZoneConfig { params: Preset::GrinDoc.params(), ..ZoneConfig::new(CONSENSUS) };
        config.verifications_per_peer = 4;
        let mut host = Self::with(config);
        for peer in 1..=2 {
            host.connect(peer, Direction::Inbound, Capabilities::RELAY, ProtocolVersion::LOCAL);
        }
        host
    }

    /// Without peers.
    fn with(config: ZoneConfig) -> Self {
        let book = Book::new(BookConfig::default());
        let zone = Zone::new(config, book, [3; 32], Instant::ZERO);
        let (chain, rng) = (Chain::default(), ChaCha12Rng::seed_from_u64(1));
        Self { zone, chain, rng, now: Instant::ZERO }
    }

    fn call<R>(&mut self, call: impl FnOnce(&mut Zone, &ZoneContext<'_>) -> R) -> R {
        let ctx = ZoneContext { now: self.now, unix: UnixTime(0), chain: &self.chain };
        call(&mut self.zone, &ctx)
    }

    fn connect(
        &mut self,
        peer: u64,
        direction: Direction,
        capabilities: Capabilities,
        version: ProtocolVersion,
    ) {
        let addr = SocketAddr::from(([10, 0, 0, u8::try_from(peer).unwrap()], 3414));
        let addr = Some(PeerAddr::from(addr));
        let info = PeerInfo {
            version,
            capabilities,
            user_agent: "peer".to_owned(),
            total_difficulty: 0,
            listen: addr,
            protection: Protection::default(),
        };
        self.call(|zone, ctx| zone.handle_connected(PeerId(peer), addr, direction, info, ctx));
    }

    /// A transaction that spends a coin of the chain.
    fn tx(&mut self) -> ValidTx {
        let tx = AssumedTx::new().fresh_inputs(1).outputs(1);
        let tx = tx.build(&mut self.rng, &CONSENSUS).unwrap();
        self.chain.created.insert(*tx.inputs()[0].commitment().as_bytes());
        tx
    }

    fn conflicting(&mut self, tx: &ValidTx) -> ValidTx {
        let tx = AssumedTx::new().spend(tx.inputs()[0].commitment()).outputs(1);
        tx.build(&mut self.rng, &CONSENSUS).unwrap()
    }

    /// Hands in a transaction and returns its ticket.
    fn stem(&mut self, peer: u64, tx: &ValidTx) -> Option<Ticket> {
        self.drain();
        let message = Message::StemTransaction(tx.as_transaction().clone());
        self.call(|zone, ctx| zone.handle_message(PeerId(peer), message, ctx));
        self.drain().into_iter().find_map(|effect| match effect {
            Effect::Verify { ticket, .. } => Some(ticket),
            _ => None,
        })
    }

    fn drain(&mut self) -> Vec<Effect> {
        std::iter::from_fn(|| self.zone.poll_effect()).collect()
    }

    fn cancelled(&mut self) -> Vec<Ticket> {
        let cancelled = self.drain().into_iter().filter_map(|effect| match effect {
            Effect::Cancel { ticket } => Some(ticket),
            _ => None,
        });
        cancelled.collect()
    }

    fn unverified(&mut self, ticket: Ticket, why: Unverified) {
        self.call(|zone, ctx| zone.handle_unverified(ticket, why, ctx));
    }
}

#[test]
fn block_cancels_what_it_makes_pointless() {
    let mut host = Host::new();
    let (spent, mined, other) = (host.tx(), host.tx(), host.tx());
    let gone = [host.stem(1, &spent).unwrap(), host.stem(2, &mined).unwrap()];
    let kept = host.stem(2, &other).unwrap();
    // A block spends the input of one, and creates the output of another.
    let (input, output) = (spent.inputs()[0].commitment(), mined.outputs()[0].commitment());
    host.chain.created.remove(input.as_bytes());
    host.chain.created.insert(*output.as_bytes());
    let block = BlockSummary { inputs: vec![input], ..BlockSummary::default() };
    let update = ChainUpdate { disconnected: Vec::new(), connected: vec![block] };
    for expected in [gone.to_vec(), vec![]] {
        host.call(|zone, ctx| zone.handle_chain(&update, ctx));
        assert_eq!(host.cancelled(), expected, "each is given up once");
    }
    // A verdict that was on its way does no harm, and another one counts.
    host.unverified(gone[0], Unverified::Cancelled);
    host.call(|zone, ctx| zone.handle_verified(gone[1], Ok(mined), ctx));
    host.call(|zone, ctx| zone.handle_verified(kept, Ok(other), ctx));
    assert_eq!(host.zone.pool().counts().stem, 1);
    assert_eq!(host.zone.verifications.len(), 0);
}

#[test]
fn public_transaction_cancels_its_conflicts_and_copies() {
    let mut host = Host::new();
    let (tx, other) = (host.tx(), host.tx());
    let conflict = host.conflicting(&tx);
    let gone = [host.stem(1, &conflict).unwrap(), host.stem(2, &tx).unwrap()];
    host.stem(2, &other).unwrap();
    let own = host.zone.push(tx.as_transaction().clone(), true);
    host.call(|zone, ctx| zone.handle_verified(own, Ok(tx), ctx));
    assert_eq!(host.cancelled(), gone);
    for ticket in gone {
        host.unverified(ticket, Unverified::Cancelled);
    }
    assert_eq!(host.zone.verifications.len(), 1);
    assert_eq!(host.zone.verifications.count_of(PeerId(1)), 0);
}

#[test]
fn ban_cancels_what_the_peer_sent_and_ends_its_say() {
    let mut host = Host::new();
    let txs = [host.tx(), host.tx(), host.tx()];
    let tickets = txs.each_ref().map(|tx| host.stem(1, tx).unwrap());
    let kept = host.tx();
    host.stem(2, &kept).unwrap();
    let wrong = Err(scape_aggregate::VerifyError::RangeProof);
    host.call(|zone, ctx| zone.handle_verified(tickets[0], wrong, ctx));
    assert_eq!(host.cancelled(), tickets[1..]);
    let late = host.tx();
    assert_eq!(host.stem(1, &late), None);
    assert!(host.stem(2, &late).is_some());
}

#[test]
fn hanging_up_cancels_but_does_not_excuse() {
    let mut host = Host::new();
    let txs = [host.tx(), host.tx()];
    let tickets = txs.each_ref().map(|tx| host.stem(1, tx).unwrap());
    host.call(|zone, ctx| zone.handle_disconnected(PeerId(1), Vec::new(), None, ctx));
    assert_eq!(host.cancelled(), tickets);
    // One was cancelled in time, the other was not.
    host.unverified(tickets[0], Unverified::Cancelled);
    let wrong = Err(scape_aggregate::VerifyError::RangeProof);
    host.call(|zone, ctx| zone.handle_verified(tickets[1], wrong, ctx));
    assert!(host.drain().iter().any(|effect| matches!(effect, Effect::Block { .. })));
}

#[test]
fn only_a_flood_costs_the_sender_of_what_was_not_verified() {
    for (why, banned) in [
        (Unverified::Flood, true),
        (Unverified::Busy, false),
        (Unverified::Cancelled, false),
        (Unverified::Failed, false),
    ] {
        let mut host = Host::new();
        let tx = host.tx();
        let mut disconnected = false;
        // Once may be our own fault; who goes on and on runs out of points.
        for round in 0..150 {
            let Some(ticket) = host.stem(1, &tx) else { break };
            host.unverified(ticket, why);
            let effects = host.drain();
            disconnected |= effects.iter().any(|e| matches!(e, Effect::Disconnect { .. }));
            assert!(!disconnected || round > 50, "{why}: not at once");
        }
        assert_eq!(disconnected, banned, "{why}");
        assert_eq!(host.zone.verifications.len(), 0);
    }
}

#[test]
fn owner_is_told_what_was_not_verified() {
    let mut host = Host::new();
    let tx = host.tx();
    let ticket = host.zone.push(tx.as_transaction().clone(), false);
    host.drain();
    host.unverified(ticket, Unverified::Failed);
    let verdict = Err(PushError::Unverified(Unverified::Failed));
    assert_eq!(host.drain(), [Effect::Pushed { ticket, verdict }]);
}

impl Host {
    /// With peers that it chose, and that the first patience after a push stems to.
    fn stemming(peers: u64) -> Self {
        let mut config =
            ZoneConfig { params: Preset::GrinDoc.params(), ..ZoneConfig::new(CONSENSUS) };
        config.params.stem_probability = 1.0;
        let mut host = Self::with(config);
        for peer in 1..=peers {
            host.connect(peer, Direction::Outbound, Capabilities::RELAY, ProtocolVersion::LOCAL);
        }
        host.drain();
        host
    }

    /// The owner pushes a valid transaction.
    fn push(&mut self, tx: &ValidTx, fluff: bool) -> Vec<Effect> {
        let ticket = self.zone.push(tx.as_transaction().clone(), fluff);
        self.call(|zone, ctx| zone.handle_verified(ticket, Ok(tx.clone()), ctx));
        self.drain()
    }

    /// What comes of it that time goes on for so many seconds.
    fn within(&mut self, secs: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for _ in 0..secs {
            self.now = self.now + Duration::from_secs(1);
            self.call(|zone, ctx| zone.handle_timeout(ctx));
            effects.extend(self.drain());
        }
        effects
    }

    /// What is sent while time goes on for so many seconds.
    fn sent_within(&mut self, secs: u64) -> Vec<(PeerId, Message)> {
        sent(self.within(secs))
    }
}

/// The messages about transactions.
fn sent(effects: Vec<Effect>) -> Vec<(PeerId, Message)> {
    let sent = effects.into_iter().filter_map(|effect| match effect {
        Effect::Send { message: Message::GetPeerAddrs(_), .. } => None,
        Effect::Send { peer, message } => Some((peer, message)),
        _ => None,
    });
    sent.collect()
}

#[test]
fn a_relay_that_takes_no_stem_transaction_is_replaced_at_once() {
    let mut host = Host::stemming(2);
    let tx = host.tx();
    host.push(&tx, false);
    let (relay, message) = host.sent_within(15).pop().unwrap();
    assert_eq!(host.zone.relays(), [relay]);
    assert!(matches!(&message, Message::StemTransaction(stem) if stem == tx.as_transaction()));

    host.call(|zone, ctx| zone.handle_unsent(relay, message.clone(), ctx));
    let effects = host.drain();
    let gone = |e: &Effect| matches!(e, Effect::Disconnect { peer, .. } if *peer == relay);
    assert!(effects.iter().any(gone), "{effects:?}");
    let other = PeerId(3 - relay.0);
    assert_eq!(sent(effects), [(other, message.clone())]);

    // Where nobody is left that we dialled, what is the owner's waits, whoever comes to us.
    host.call(|zone, ctx| zone.handle_unsent(other, message.clone(), ctx));
    assert!(host.zone.relays().is_empty() && host.zone.way_out() == WayOut::Awaited);
    host.connect(3, Direction::Inbound, Capabilities::RELAY, ProtocolVersion::LOCAL);
    host.drain();
    assert!(host.sent_within(15).is_empty());
    assert_eq!(host.zone.pool().counts().public, 0);
    host.connect(4, Direction::Outbound, Capabilities::RELAY, ProtocolVersion::LOCAL);
    assert_eq!(host.sent_within(15), [(PeerId(4), message.clone())]);
    host.call(|zone, ctx| zone.handle_unsent(PeerId(9), message, ctx));
    assert!(host.drain().is_empty(), "a peer that nobody knows");
}

#[test]
fn what_a_peer_could_not_be_told_it_is_told_later() {
    let tells_whole = Capabilities::from_bits(0);
    for capabilities in [Capabilities::RELAY, tells_whole] {
        let mut host = Host::with(ZoneConfig::new(CONSENSUS));
        host.connect(1, Direction::Inbound, capabilities, ProtocolVersion::LOCAL);
        let tx = host.tx();
        let told = sent(host.push(&tx, true));
        let [(peer, message)] = told.as_slice() else { panic!("not told once: {told:?}") };
        match message {
            Message::TransactionKernel(kernel) => assert_eq!(kernel, tx.kernels()[0].hash()),
            Message::Transaction(whole) => assert_eq!(whole, tx.as_transaction()),
            other => panic!("told by {other:?}"),
        }
        assert!(host.sent_within(60).is_empty(), "once is enough");
        host.call(|zone, ctx| zone.handle_unsent(*peer, message.clone(), ctx));
        assert!(sent(host.drain()).is_empty(), "not at once");
        assert_eq!(host.sent_within(60), told);
    }
}

/// A peer of protocol version 2 that does not ask could not read the whole transaction.
#[test]
fn a_peer_that_can_neither_ask_nor_read_is_told_nothing() {
    let mut host = Host::with(ZoneConfig::new(CONSENSUS));
    let deaf = Capabilities::from_bits(0);
    host.connect(1, Direction::Inbound, deaf, ProtocolVersion::V2);
    let tx = host.tx();
    assert!(sent(host.push(&tx, true)).is_empty());
    assert!(host.sent_within(60).is_empty());
}

#[test]
fn what_means_nothing_is_ignored_and_what_breaks_the_protocol_costs() {
    let mut host = Host::new();
    let addr = SocketAddr::from(([10, 0, 0, 1], 3414));
    let local = crate::handshake::Local {
        genesis: CONSENSUS.chain.genesis(),
        capabilities: Capabilities::RELAY,
        user_agent: "peer".to_owned(),
        listen: addr,
        total_difficulty: 0,
    };
    let hand = || Message::Hand(crate::handshake::hand(&local, 7, addr));
    for message in [Message::Skipped(99), Message::BanReason(BanReason::MANUAL)] {
        host.call(|zone, ctx| zone.handle_message(PeerId(1), message, ctx));
    }
    assert!(host.drain().is_empty());
    let mut closed = 0;
    for _ in 0..2 {
        host.call(|zone, ctx| zone.handle_message(PeerId(1), hand(), ctx));
        closed += host.drain().iter().filter(|e| matches!(e, Effect::Disconnect { .. })).count();
    }
    assert_eq!(closed, 1, "the second time is one too many");
}

#[test]
fn a_push_is_judged_by_what_is_public() {
    let (mut full, mut empty) = (Host::new(), Host::new());
    let held = full.tx();
    let (rival, public) = (full.conflicting(&held), full.tx());
    let other = full.conflicting(&public);
    empty.chain.created = full.chain.created.clone();
    let ticket = full.stem(1, &held).unwrap();
    full.call(|zone, ctx| zone.handle_verified(ticket, Ok(held.clone()), ctx));
    let push = |host: &mut Host, tx: &ValidTx, fluff| {
        let own = host.zone.push(tx.as_transaction().clone(), fluff);
        host.call(|zone, ctx| zone.handle_verified(own, Ok(tx.clone()), ctx));
        let verdict = host.drain().into_iter().find_map(|effect| match effect {
            Effect::Pushed { ticket, verdict } if ticket == own => Some(verdict),
            _ => None,
        });
        verdict.unwrap()
    };
    for host in [&mut full, &mut empty] {
        push(host, &public, true).unwrap();
        assert_eq!(push(host, &other, false), Err(PushError::Refused(Refusal::Conflict)));
        assert_eq!(push(host, &public, false), Err(PushError::Refused(Refusal::Known)));
    }
    assert_eq!(push(&mut full, &rival, false), Ok(Accepted::Rival));
    assert_eq!(push(&mut empty, &rival, false), Ok(Accepted::Stem));
    assert_eq!(push(&mut full, &held, false), Ok(Accepted::Loop));
    assert_eq!(full.zone.pool().counts().stem, 1);
}

impl Host {
    /// A zone on Tor, in which one came to the onion service and one was dialled.
    fn hidden() -> Self {
        let mut config = ZoneConfig::new(CONSENSUS);
        config.network = Network::Tor;
        config.hand_over = Some(ZoneConfig::HAND_OVER);
        config.params.stem_probability = 1.0;
        Self::with(config)
    }

    fn join(&mut self, peer: u8, direction: Direction) -> Vec<Effect> {
        let name = PeerAddr::Onion(OnionAddr::from_key([peer; 32]), 3414);
        let addr = Some(name).filter(|_| direction == Direction::Outbound);
        let info = PeerInfo {
            version: ProtocolVersion::LOCAL,
            capabilities: Capabilities::RELAY,
            user_agent: "peer".to_owned(),
            total_difficulty: 0,
            listen: addr,
            protection: Protection::default(),
        };
        let id = PeerId(u64::from(peer));
        self.call(|zone, ctx| zone.handle_connected(id, addr, direction, info, ctx));
        self.drain()
    }

    /// What is handed over in the next seconds.
    fn handed_over(&mut self, secs: u64) -> Vec<ValidTx> {
        handed_over(&self.within(secs))
    }
}

fn handed_over(effects: &[Effect]) -> Vec<ValidTx> {
    let over = effects.iter().filter_map(|effect| match effect {
        Effect::HandOver { tx } => Some(tx.clone()),
        _ => None,
    });
    over.collect()
}

#[test]
fn what_peers_send_through_tor_is_handed_over_once_and_the_owners_never() {
    let mut host = Host::hidden();
    host.join(1, Direction::Inbound);
    host.join(2, Direction::Outbound);
    let (theirs, own) = (host.tx(), host.tx());
    for peer in [1, 2] {
        let ticket = host.stem(peer, &theirs).unwrap();
        host.call(|zone, ctx| zone.handle_verified(ticket, Ok(theirs.clone()), ctx));
        // Nothing comes at the moment in which it came.
        assert!(!host.drain().iter().any(|e| matches!(e, Effect::HandOver { .. })));
    }
    host.push(&own, false);
    assert_eq!(host.zone.held(), 1, "the second time it is a loop");
    assert_eq!(host.handed_over(221), std::slice::from_ref(&theirs));
    assert_eq!(host.zone.held(), 0);

    let mut public = Host::stemming(1);
    public.chain.created.insert(*theirs.inputs()[0].commitment().as_bytes());
    let taken = public.call(|zone, ctx| zone.take_over(theirs.clone(), ctx));
    assert_eq!(taken, Ok(Accepted::Stem));
    let sent = public.sent_within(15);
    let [(_, Message::StemTransaction(tx))] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(tx, theirs.as_transaction());
}

#[test]
fn what_is_sealed_to_us_is_handed_over_once_it_is_public() {
    let mut host = Host::hidden();
    host.join(2, Direction::Outbound);
    let (theirs, peer) = (host.tx(), Source::Peer(PeerId(2)));
    host.call(|zone, ctx| {
        let verdict = zone.admit(theirs.clone(), peer, Way::Sealed, ctx).expect("taken");
        zone.pass_on(theirs.clone(), Way::Sealed, verdict, ctx);
    });
    // The window is open for two minutes at least.
    assert_eq!((host.handed_over(119), host.zone.held()), (vec![], 0));
    assert_eq!(host.handed_over(32 + 221), [theirs]);
}

/// Whoever knows a kernel of it knows it as part of the aggregate, which is impossible now.
#[test]
fn what_is_left_of_an_aggregate_is_told_to_those_who_know_its_kernels() {
    for broken in 0..2 {
        let mut config =
            ZoneConfig { params: Preset::GrinDoc.params(), ..ZoneConfig::new(CONSENSUS) };
        config.params.stem_probability = 0.0;
        let mut host = Host::with(config);
        for peer in 1..=2 {
            host.connect(peer, Direction::Outbound, Capabilities::RELAY, ProtocolVersion::LOCAL);
        }
        let mut txs = [host.tx(), host.tx()];
        txs.sort_by_key(|tx| *tx.kernels()[0].hash());
        for tx in &txs {
            host.push(tx, false);
        }
        let kernel = |tx: &ValidTx| Message::TransactionKernel(*tx.kernels()[0].hash());
        let all = |message| [1, 2].map(|peer| (PeerId(peer), Clone::clone(&message)));
        let told = |mut sent: Vec<(PeerId, Message)>| {
            sent.sort_by_key(|(peer, _)| *peer);
            sent
        };
        assert_eq!(told(host.sent_within(15)), all(kernel(&txs[0])), "merged");
        let inputs = vec![txs[broken].inputs()[0].commitment()];
        host.chain.created.remove(inputs[0].as_bytes());
        let block = BlockSummary { height: 1, inputs, ..BlockSummary::default() };
        let update = ChainUpdate { disconnected: Vec::new(), connected: vec![block] };
        host.call(|zone, ctx| zone.handle_chain(&update, ctx));
        assert!(sent(host.drain()).is_empty(), "others may not have that block yet");
        assert_eq!(told(host.sent_within(30)), all(kernel(&txs[1 - broken])));
    }
}

/// Whoever was told the first time may have had no use for it: where there are few, it is nowhere else.
#[test]
fn what_stays_public_is_told_and_handed_over_again() {
    let mut host = Host::hidden();
    host.join(1, Direction::Outbound);
    host.join(2, Direction::Outbound);
    let (theirs, own) = (host.tx(), host.tx());
    host.push(&own, true);
    let public = Message::Transaction(theirs.as_transaction().clone());
    host.call(|zone, ctx| zone.handle_message(PeerId(1), public, ctx));
    for effect in host.drain() {
        let Effect::Verify { ticket, .. } = effect else { continue };
        host.call(|zone, ctx| zone.handle_verified(ticket, Ok(theirs.clone()), ctx));
    }
    let told = |effects: &[Effect], peer, tx: &ValidTx| {
        let kernel = Message::TransactionKernel(*tx.kernels()[0].hash());
        let told = |e: &&Effect| matches!(e, Effect::Send { peer: to, message } if *to == PeerId(peer) && *message == kernel);
        effects.iter().filter(told).count()
    };
    let news = host.within(1_700);
    assert_eq!([1, 2].map(|peer| told(&news, peer, &theirs)), [0, 1], "who sent it knows it");
    assert_eq!(handed_over(&news), std::slice::from_ref(&theirs));
    // From its first half hour on, once in half an hour.
    let again = host.within(10 * 1_800);
    for (peer, tx) in [(1, &theirs), (2, &theirs), (1, &own), (2, &own)] {
        assert!((7..=14).contains(&told(&again, peer, tx)), "{}", told(&again, peer, tx));
    }
    let over = handed_over(&again);
    assert!(
        (7..=14).contains(&over.len()) && over.iter().all(|tx| *tx == theirs),
        "{}",
        over.len()
    );
    // Until it is in a block.
    let block = BlockSummary {
        height: 1,
        inputs: [&theirs, &own].map(|tx| tx.inputs()[0].commitment()).to_vec(),
        ..BlockSummary::default()
    };
    host.chain.created.clear();
    let update = ChainUpdate { disconnected: Vec::new(), connected: vec![block] };
    host.call(|zone, ctx| zone.handle_chain(&update, ctx));
    host.within(1_800);
    let rest = host.within(10 * 1_800);
    assert!(sent(rest.clone()).is_empty() && handed_over(&rest).is_empty());
}

#[test]
fn the_owners_wait_until_somebody_was_dialled_and_only_those_are_told() {
    let mut host = Host::hidden();
    assert_eq!(host.zone.way_out(), WayOut::Shut, "before anything has happened");
    host.join(1, Direction::Inbound);
    let tx = host.tx();
    for fluff in [false, true] {
        let effects = host.push(&tx, fluff);
        assert!(!effects.iter().any(|e| matches!(e, Effect::Send { .. })), "{effects:?}");
    }
    assert!(host.sent_within(300).is_empty(), "not to who came to us");
    assert_eq!(host.zone.way_out(), WayOut::Shut);
    let went = sent(host.join(2, Direction::Outbound));
    let stems = |(_, message): &(PeerId, Message)| matches!(message, Message::StemTransaction(_));
    let went: Vec<_> = went.into_iter().filter(stems).collect();
    let [(PeerId(2), Message::StemTransaction(stem))] = went.as_slice() else { panic!("{went:?}") };
    assert_eq!(stem, tx.as_transaction());

    let other = host.tx();
    let mut told = sent(host.push(&other, true));
    told.extend(host.sent_within(60));
    assert!(!told.is_empty() && told.iter().all(|(peer, _)| *peer == PeerId(2)), "{told:?}");
}
