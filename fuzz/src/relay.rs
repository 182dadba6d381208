//! A zone among four peers who say anything.

use std::collections::BTreeMap;
use std::time::Duration;

use scape_aggregate::{Commitment, Hash, OutputFeatures, ProtocolVersion, ValidTx, VerifyError};
use scape_p2p::book::{Book, BookConfig, UnixTime};
use scape_p2p::handshake::PeerInfo;
use scape_p2p::peer::{Capabilities, Direction, PeerId};
use scape_p2p::wire::{FrameDecoder, HEADER_LEN, Message};
use scape_p2p::zone::{Effect, Ticket, Zone, ZoneConfig, ZoneContext};
use scape_pool::{ChainView, EmbargoDelay, Instant, Tip, Utxo};

use crate::{SMALL, VERSIONS};

const PEERS: u64 = 4;
/// What one input may make a zone do: a word to each peer about each of a few transactions.
const EFFECTS: usize = 64;
/// Twenty means of the embargo, and the age of orphans.
const HOUR: Duration = Duration::from_secs(3_600);

/// `[version] ([operation] [frame])*`: peers speak, and in the end time passes. Nothing panics,
/// an input has few effects, only relays get stem transactions, timers move on, and after an
/// hour nothing is left in the stempool.
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
    now: Instant,
    /// Directions of those who are still there.
    peers: BTreeMap<PeerId, Direction>,
    version: ProtocolVersion,
    late: Vec<(Ticket, ValidTx)>,
    held: usize,
}

impl Relay {
    fn new(version: ProtocolVersion) -> Self {
        let mut config = ZoneConfig::new(SMALL);
        config.params.embargo.delay = EmbargoDelay::Exponential { mean: Duration::from_secs(60) };
        let book = Book::new(BookConfig { allow_private: true, ..BookConfig::default() });
        let zone = Zone::new(config, book, [7; 32], Instant::ZERO);
        let (peers, late) = (BTreeMap::new(), Vec::new());
        let mut relay = Self { zone, now: Instant::ZERO, peers, version, late, held: 0 };
        for id in 0..PEERS {
            relay.connect(PeerId(id));
        }
        relay
    }

    fn connect(&mut self, id: PeerId) {
        let even = id.0.is_multiple_of(2);
        let direction = if even { Direction::Outbound } else { Direction::Inbound };
        let addr = ([10, id.0 as u8, 0, 1], 3_414).into();
        let info = PeerInfo {
            version: if even { ProtocolVersion::LOCAL } else { self.version },
            capabilities: if id.0 < 2 { Capabilities::RELAY } else { Capabilities::NONE },
            user_agent: "fuzz".into(),
            total_difficulty: 1_000,
            listen: addr,
        };
        self.peers.insert(id, direction);
        self.call(|zone, ctx| zone.handle_connected(id, addr, direction, info, ctx));
    }

    /// Bits 0 and 1: who says it. Bits 2 and 3: what its proofs are worth. Bits 4 to 7: how much
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
            Ok(Some(message)) => self.call(|zone, ctx| zone.handle_message(peer, message, ctx)),
            Ok(None) => {}
            Err(_) => self.call(|zone, ctx| zone.handle_bad_transaction(peer, ctx)),
        }
        self.answer(operation >> 2 & 3);
    }

    fn answer(&mut self, worth: u8) {
        for (ticket, tx) in std::mem::take(&mut self.late) {
            match worth {
                0 => {
                    let verdict = Err(VerifyError::Signature);
                    self.call(|zone, ctx| zone.handle_verified(ticket, verdict, ctx));
                }
                1 => self.late.push((ticket, tx)),
                _ => self.call(|zone, ctx| zone.handle_verified(ticket, Ok(tx), ctx)),
            }
        }
    }

    fn call(&mut self, call: impl FnOnce(&mut Zone, &ZoneContext<'_>)) {
        let unix = UnixTime(1_000_000 + self.now.as_micros() / 1_000_000);
        let ctx = ZoneContext { now: self.now, unix, chain: &Chain };
        call(&mut self.zone, &ctx);
        let mut effects = 0;
        let mut gone = Vec::new();
        while let Some(effect) = self.zone.poll_effect() {
            effects += 1;
            match effect {
                Effect::Send { peer, message } => self.assert_may_send(peer, &message),
                Effect::Verify { ticket, tx, .. } => {
                    self.held += 1;
                    self.late.push((ticket, ValidTx::assumed(tx)));
                }
                Effect::Disconnect { peer, .. } => gone.push(peer),
                Effect::Connect { addr } => self.zone.handle_connect_failed(addr, false, &ctx),
                Effect::Pushed { .. } => panic!("nobody pushed"),
                Effect::Block { .. } | Effect::Notice(_) => {}
            }
        }
        assert!(effects <= EFFECTS + PEERS as usize * self.held, "{effects} effects");
        for peer in gone.into_iter().filter(|peer| self.peers.remove(peer).is_some()) {
            self.zone.handle_disconnected(peer, Vec::new(), None, &ctx);
        }
    }

    fn assert_may_send(&self, peer: PeerId, message: &Message) {
        let direction = self.peers.get(&peer).expect("a peer that is there");
        let stem = matches!(message, Message::StemTransaction(_));
        assert!(!stem || *direction == Direction::Outbound, "stem to inbound {peer}");
        message.encode(ProtocolVersion::LOCAL, SMALL.chain.magic()).expect("can be sent");
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
        let counts = self.zone.pool().counts();
        assert_eq!((counts.stem, counts.orphans), (0, 0), "{counts:?}");
    }
}

/// A chain on which most outputs exist, by the last byte of their commitment.
struct Chain;

impl ChainView for Chain {
    fn tip(&self) -> Tip {
        Tip { height: 1_000, hash: Hash::default(), total_difficulty: 1_000 }
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        match commitment.0[32] & 7 {
            7 => None,
            6 => Some(Utxo { features: OutputFeatures::Coinbase, height: 999 }),
            _ => Some(Utxo { features: OutputFeatures::Plain, height: 1 }),
        }
    }

    fn last_nrd(&self, excess: &Commitment) -> Option<u64> {
        (excess.0[32] & 1 == 0).then_some(990)
    }
}
