//! A zone among four peers who say anything, on a chain that grows and forgets.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use scape_aggregate::{Hash, Input, ProtocolVersion, Transaction, TxKernel, ValidTx, VerifyError};
use scape_p2p::addr::PeerAddr;
use scape_p2p::book::{Book, BookConfig, UnixTime};
use scape_p2p::dandelion::Preset;
use scape_p2p::handshake::PeerInfo;
use scape_p2p::peer::{Capabilities, Direction, PeerId};
use scape_p2p::secure::Protection;
use scape_p2p::wire::{FrameDecoder, HEADER_LEN, Message};
use scape_p2p::zone::{DialFailure, Effect, Ticket, Zone, ZoneConfig, ZoneContext};
use scape_pool::{ChainView, EmbargoDelay, Instant, Notice};

use crate::chain::Chain;
use crate::{SMALL, VERSIONS};

const PEERS: u64 = 4;
/// What one input may make a zone do, beside a word to each peer about each transaction.
const EFFECTS: usize = 64;
/// Twenty times the mean of the embargo, and the age of orphans.
const HOUR: Duration = Duration::from_secs(3_600);

/// `[version] ([operation] [frame])*`: peers speak, types that Grin does not know are things that
/// happen, and in the end time passes. Nothing panics, an input has few effects, what leaves can
/// be read, only relays get stem transactions, what is public is possible, timers move on, and of
/// every transaction that was stemmed it is known in the end what became of it.
pub fn relay(data: &[u8]) {
    let Some((&head, mut rest)) = data.split_first() else { return };
    let mut relay = Relay::new(VERSIONS[usize::from(head & 3)]);
    while let Some((&operation, frame)) = rest.split_first() {
        let length = frame
            .get(3..HEADER_LEN)
            .map_or(0, |length| u64::from_be_bytes(length.try_into().expect("eight bytes")));
        let length = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(HEADER_LEN);
        let (frame, left) = frame.split_at(length.min(frame.len()));
        rest = left;
        relay.hear(operation, frame);
    }
    relay.let_time_pass();
}

struct Relay {
    zone: Zone,
    chain: Chain,
    now: Instant,
    /// Directions of those who are still there.
    peers: BTreeMap<PeerId, Direction>,
    version: ProtocolVersion,
    late: Vec<(Ticket, ValidTx)>,
    /// The last stem transaction that was sent, and to whom.
    sent: Option<(PeerId, Message)>,
    last: Option<Transaction>,
    /// Kernels that were stemmed and of which nothing is known since.
    owed: HashSet<Hash>,
    held: usize,
}

impl Relay {
    fn new(version: ProtocolVersion) -> Self {
        let mut config = ZoneConfig { params: Preset::GrinDoc.params(), ..ZoneConfig::new(SMALL) };
        config.params.embargo.delay = EmbargoDelay::Exponential { mean: Duration::from_secs(60) };
        let book = Book::new(BookConfig { allow_private: true, ..BookConfig::default() });
        let mut relay = Self {
            zone: Zone::new(config, book, [7; 32], Instant::ZERO),
            chain: Chain::default(),
            now: Instant::ZERO,
            peers: BTreeMap::new(),
            version,
            late: Vec::new(),
            sent: None,
            last: None,
            owed: HashSet::new(),
            held: 0,
        };
        (0..PEERS).for_each(|id| relay.connect(PeerId(id)));
        relay
    }

    fn connect(&mut self, id: PeerId) {
        let even = id.0.is_multiple_of(2);
        let direction = if even { Direction::Outbound } else { Direction::Inbound };
        let addr = SocketAddr::from(([10, id.0 as u8, 0, 1], 3_414));
        let addr = Some(PeerAddr::from(addr));
        let info = PeerInfo {
            version: if even { ProtocolVersion::LOCAL } else { self.version },
            capabilities: if id.0 < 2 { Capabilities::RELAY } else { Capabilities::NONE },
            user_agent: "fuzz".into(),
            total_difficulty: 1_000,
            listen: addr,
            protection: Protection::default(),
        };
        self.peers.insert(id, direction);
        self.call(|zone, ctx| zone.handle_connected(id, addr, direction, info, ctx));
    }

    /// Bits 0 and 1: who says it. Bits 2 and 3: what proofs are worth. Bits 4 to 7: how much
    /// later it is.
    fn hear(&mut self, operation: u8, frame: &[u8]) {
        let peer = PeerId(u64::from(operation & 3));
        self.now = self.now + Duration::from_millis(500) * u32::from(operation >> 4);
        if self.zone.poll_timeout() <= self.now {
            self.call(|zone, ctx| zone.handle_timeout(ctx));
        }
        let mut decoder = FrameDecoder::opened(SMALL, self.version);
        decoder.push(frame);
        match decoder.next() {
            Ok(Some(Message::Skipped(kind))) => self.happen(kind, peer),
            Ok(Some(message)) => {
                if let Message::StemTransaction(tx) | Message::Transaction(tx) = &message {
                    self.last = Some(tx.clone());
                }
                self.call(|zone, ctx| zone.handle_message(peer, message, ctx));
            }
            Ok(None) => {}
            Err(_) => self.call(|zone, ctx| zone.handle_bad_transaction(peer, ctx)),
        }
        self.answer(operation >> 2 & 3);
    }

    fn happen(&mut self, kind: u8, peer: PeerId) {
        match (kind, self.last.clone()) {
            (100, _) if self.peers.remove(&peer).is_some() => {
                let of_peer = self.sent.take().filter(|(to, _)| *to == peer);
                let unsent = of_peer.map(|(_, message)| message).into_iter().collect();
                self.call(|zone, ctx| zone.handle_disconnected(peer, unsent, None, ctx));
            }
            (100, _) => self.connect(peer),
            (101, _) => {
                if let Some((peer, message)) = self.sent.take() {
                    self.call(|zone, ctx| zone.handle_unsent(peer, message, ctx));
                }
            }
            (102, _) => self.mine(self.zone.pool().public().cloned().collect()),
            // Somebody else had it mined.
            (103, Some(tx)) => self.mine(vec![ValidTx::assumed(tx)]),
            (104, _) => {
                let update = self.chain.fork();
                self.call(|zone, ctx| zone.handle_chain(&update, ctx));
            }
            (105 | 106, Some(tx)) => self.call(|zone, _| {
                zone.push(tx, kind == 106);
            }),
            _ => {}
        }
    }

    fn mine(&mut self, txs: Vec<ValidTx>) {
        let update = self.chain.mine(&txs);
        self.call(|zone, ctx| zone.handle_chain(&update, ctx));
    }

    fn answer(&mut self, worth: u8) {
        for (ticket, tx) in std::mem::take(&mut self.late) {
            let verdict = match worth {
                0 => Err(VerifyError::Signature),
                1 => {
                    self.late.push((ticket, tx));
                    continue;
                }
                _ => Ok(tx),
            };
            self.call(|zone, ctx| zone.handle_verified(ticket, verdict, ctx));
        }
    }

    fn call(&mut self, call: impl FnOnce(&mut Zone, &ZoneContext<'_>)) {
        let unix = UnixTime(1_000_000 + self.now.as_micros() / 1_000_000);
        let chain = self.chain.clone();
        let ctx = ZoneContext { now: self.now, unix, chain: &chain };
        call(&mut self.zone, &ctx);
        let mut effects = 0;
        let mut gone = Vec::new();
        while let Some(effect) = self.zone.poll_effect() {
            effects += 1;
            match effect {
                Effect::Send { peer, message } => self.send(peer, message),
                Effect::Verify { ticket, tx, .. } => {
                    self.held += 1;
                    self.late.push((ticket, ValidTx::assumed(tx)));
                }
                Effect::Disconnect { peer, .. } => gone.push(peer),
                Effect::Connect { addr } => {
                    self.zone.handle_connect_failed(addr, DialFailure::Peer, &ctx)
                }
                Effect::Notice(notice) => self.account(notice),
                Effect::Pushed { .. }
                | Effect::Block { .. }
                | Effect::Unblock { .. }
                | Effect::Cancel { .. }
                | Effect::Frame { .. }
                | Effect::Keep(_)
                | Effect::HandOver { .. }
                | Effect::Erase { .. } => {}
            }
        }
        assert!(effects <= EFFECTS + PEERS as usize * self.held, "{effects} effects");
        self.assert_public_is_possible();
        for peer in gone.into_iter().filter(|peer| self.peers.remove(peer).is_some()) {
            self.zone.handle_disconnected(peer, Vec::new(), None, &ctx);
        }
    }

    fn send(&mut self, peer: PeerId, message: Message) {
        let direction = self.peers.get(&peer).expect("a peer that is there");
        let frame = message.encode(ProtocolVersion::LOCAL, SMALL.chain.magic()).expect("writable");
        let mut decoder = FrameDecoder::opened(SMALL, ProtocolVersion::LOCAL);
        decoder.push(&frame);
        decoder.next().expect("Grin would refuse it").expect("whole");
        if let Message::StemTransaction(tx) = &message {
            assert_eq!(*direction, Direction::Outbound, "stem to inbound {peer}");
            assert!(tx.pays_relay_fee());
            self.sent = Some((peer, message));
        }
    }

    fn account(&mut self, notice: Notice) {
        match notice {
            Notice::Stemmed { kernels, .. } => self.owed.extend(kernels),
            Notice::Fluffed { kernels, .. }
            | Notice::Seen { kernels }
            | Notice::Mined { kernels, .. }
            | Notice::Conflicted { kernels, .. }
            | Notice::OrphanDropped { kernels, .. } => {
                self.owed.retain(|kernel| !kernels.contains(kernel));
            }
            _ => {}
        }
    }

    /// Every input of what is public is there, and is spent once.
    fn assert_public_is_possible(&self) {
        let public = || self.zone.pool().public();
        let created = public().flat_map(|tx| tx.outputs().iter().map(|out| out.commitment()));
        let created: HashSet<_> = created.collect();
        let mut spent = HashSet::new();
        for input in public().flat_map(|tx| tx.inputs().iter().map(Input::commitment)) {
            assert!(spent.insert(input), "spent twice in public");
            let exists = created.contains(&input) || self.chain.utxo(&input).is_some();
            assert!(exists, "public without its parent");
        }
    }

    fn let_time_pass(&mut self) {
        let end = self.now + HOUR;
        let mut standing = 0;
        self.answer(2);
        while self.now < end {
            let next = self.zone.poll_timeout();
            standing = if next <= self.now { standing + 1 } else { 0 };
            assert!(standing < 4, "a timer at {next:?} does not move on");
            self.now = self.now.max(next);
            self.call(|zone, ctx| zone.handle_timeout(ctx));
        }
        assert_eq!(self.zone.pool().stem().count(), 0, "left in the stempool");
        for waits in
            self.zone.pool().public().flat_map(|tx| tx.kernels().iter().map(TxKernel::hash))
        {
            self.owed.remove(waits);
        }
        // What fell out by a reorg waits as long as it takes.
        assert!(self.owed.is_empty() || self.zone.pool().counts().orphans > 0, "{:?}", self.owed);
    }
}
