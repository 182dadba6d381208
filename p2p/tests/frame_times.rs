//! When frames of white noise go out is settled by the seed of the zone and by nothing that happens
//! in it: not by messages, verdicts, full queues or a host that wakes it late.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

mod kit;
#[path = "kit/peers.rs"]
mod peers;

use std::collections::VecDeque;
use std::time::Duration;

use kit::{CONSENSUS, Coins};
use peers::numbered;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{Transaction, ValidTx, VerifyError};
use scape_p2p::book::{Book, BookConfig, UnixTime};
use scape_p2p::noise::NoiseConfig;
use scape_p2p::peer::Direction;
use scape_p2p::wire::Message;
use scape_p2p::zone::{Effect, Ticket, Unverified, Zone, ZoneConfig, ZoneContext};
use scape_pool::{Instant, PeerId};

const NOISE: NoiseConfig = NoiseConfig::DEFAULT;
/// How long a zone is watched.
const WATCHED: Duration = Duration::from_secs(400);
/// Those that frames go to. The others only talk.
const RELAYS: u64 = 2;

/// What may happen.
#[derive(Debug, Clone)]
enum Op {
    /// A peer sends so many transactions of so many outputs, on the stem or not.
    Flood { peer: u64, count: u8, outputs: u8, stem: bool },
    /// The owner pushes one.
    Push { outputs: u8, fluff: bool },
    /// So many verdicts come; every so many are bad.
    Verdicts { count: u8, bad: u8 },
    /// The verifier's queue is full.
    Busy { count: u8 },
    /// A peer goes, or comes back.
    Come(u64),
    /// Nothing for so long.
    Wait { millis: u64 },
}

fn op() -> impl Strategy<Value = Op> {
    let peer = || RELAYS + 1..RELAYS + 4;
    prop_oneof![
        3 => (peer(), 1..20u8, 1..60u8, any::<bool>())
            .prop_map(|(peer, count, outputs, stem)| Op::Flood { peer, count, outputs, stem }),
        2 => (1..60u8, any::<bool>()).prop_map(|(outputs, fluff)| Op::Push { outputs, fluff }),
        2 => (0..40u8, 2..9u8).prop_map(|(count, bad)| Op::Verdicts { count, bad }),
        1 => (0..40u8).prop_map(|count| Op::Busy { count }),
        1 => peer().prop_map(Op::Come),
        4 => (0..20_000u64).prop_map(|millis| Op::Wait { millis }),
    ]
}

/// A host whose verifier takes as long as the test wants, and that comes late.
struct Host {
    zone: Zone,
    coins: Coins,
    rng: ChaCha12Rng,
    now: Instant,
    verifying: VecDeque<(Ticket, Transaction)>,
    frames: Vec<Instant>,
    /// How late it wakes the zone each time.
    late: Vec<u64>,
    wakes: usize,
}

impl Host {
    fn new(seed: u8, late: Vec<u64>) -> Self {
        let noise = Some(NOISE.check().unwrap());
        let config = ZoneConfig { noise, ..ZoneConfig::new(CONSENSUS) };
        let book = Book::new(BookConfig::default());
        let mut host = Self {
            zone: Zone::new(config, book, [seed; 32], Instant::ZERO),
            coins: Coins::default(),
            rng: ChaCha12Rng::from_seed([seed; 32]),
            now: Instant::ZERO,
            verifying: VecDeque::new(),
            frames: Vec::new(),
            late,
            wakes: 0,
        };
        (1..=RELAYS + 3).for_each(|peer| host.come(peer));
        host
    }

    fn come(&mut self, peer: u64) {
        let is_relay = peer <= RELAYS;
        let way = if is_relay { Direction::Outbound } else { Direction::Inbound };
        let info = numbered(peer, is_relay);
        let addr = info.listen;
        self.call(|zone, ctx| zone.handle_connected(PeerId(peer), addr, way, info, ctx));
    }

    fn call(&mut self, call: impl FnOnce(&mut Zone, &ZoneContext<'_>)) {
        let ctx = ZoneContext { now: self.now, unix: UnixTime(0), chain: &self.coins };
        call(&mut self.zone, &ctx);
        while let Some(effect) = self.zone.poll_effect() {
            match effect {
                Effect::Verify { ticket, tx, .. } => self.verifying.push_back((ticket, tx)),
                Effect::Frame { at, .. } => self.frames.push(at),
                _ => {}
            }
        }
    }

    fn tx(&mut self, outputs: u8) -> Transaction {
        let tx = AssumedTx::new().fresh_inputs(1).outputs(outputs.into());
        let tx = tx.build(&mut self.rng, &CONSENSUS).unwrap();
        self.coins.unspent.insert(tx.inputs()[0].commitment());
        tx.as_transaction().clone()
    }

    fn act(&mut self, op: &Op) {
        match *op {
            Op::Flood { peer, count, outputs, stem } => (0..count).for_each(|_| {
                let tx = self.tx(outputs);
                let message =
                    if stem { Message::StemTransaction(tx) } else { Message::Transaction(tx) };
                self.call(|zone, ctx| zone.handle_message(PeerId(peer), message, ctx));
            }),
            Op::Push { outputs, fluff } => {
                let tx = self.tx(outputs);
                self.call(|zone, _| {
                    zone.push(tx, fluff);
                });
            }
            Op::Verdicts { count, bad } => {
                for number in 0..count {
                    let Some((ticket, tx)) = self.verifying.pop_front() else { return };
                    let verdict = match number % bad {
                        1 => Err(VerifyError::RangeProof),
                        _ => Ok(ValidTx::assumed(tx)),
                    };
                    self.call(|zone, ctx| zone.handle_verified(ticket, verdict, ctx));
                }
            }
            Op::Busy { count } => {
                for _ in 0..count {
                    let Some((ticket, _)) = self.verifying.pop_front() else { return };
                    let why = Unverified::Busy;
                    self.call(|zone, ctx| zone.handle_unverified(ticket, why, ctx));
                }
            }
            Op::Come(peer) => {
                let gone = PeerId(peer);
                self.call(|zone, ctx| zone.handle_disconnected(gone, Vec::new(), None, ctx));
                self.come(peer);
            }
            Op::Wait { millis } => self.run(self.now + Duration::from_millis(millis)),
        }
    }

    /// Wakes the zone whenever it wants, or as late as it may be.
    fn run(&mut self, end: Instant) {
        while self.zone.poll_timeout() <= end {
            let late = self.late.get(self.wakes % self.late.len().max(1)).copied().unwrap_or(0);
            self.wakes += 1;
            self.now = self.now.max(self.zone.poll_timeout() + Duration::from_millis(late));
            self.call(Zone::handle_timeout);
        }
        self.now = self.now.max(end);
    }

    /// When frames went out as long as it was watched.
    fn watch(mut self) -> Vec<Instant> {
        let end = Instant::ZERO + WATCHED;
        self.late.clear();
        self.run(end.max(self.now));
        self.frames.retain(|at| *at <= end);
        self.frames.sort_unstable();
        self.frames
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn frames_go_out_when_they_would_if_nothing_ever_happened(
        seed: u8,
        ops in prop::collection::vec(op(), 0..60),
        // Less than frames are made ahead of their time; two wakes may come one after the other.
        late in prop::collection::vec(0..NOISE.lead.as_millis() as u64 / 2, 1..20),
    ) {
        let idle = Host::new(seed, Vec::new()).watch();
        let mut busy = Host::new(seed, late);
        for op in &ops {
            if busy.now < Instant::ZERO + WATCHED {
                busy.act(op);
            }
        }
        // Two channels, a frame in 12.5 s each.
        prop_assert!((40..=80).contains(&idle.len()), "{}", idle.len());
        prop_assert_eq!(busy.watch(), idle);
    }
}
