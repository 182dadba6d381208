//! A host that drives a zone and does at once what it wants.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ProtocolVersion, ValidTx};
use scape_p2p::book::{Book, BookConfig, UnixTime};
use scape_p2p::dandelion::{Params, Preset};
use scape_p2p::noise::{NoiseConfig, Reassembler};
use scape_p2p::peer::Direction;
use scape_p2p::wire::{FrameDecoder, Message};
use scape_p2p::zone::{Effect, Zone, ZoneConfig, ZoneContext};
use scape_pool::{EmbargoDelay, FluffReason, Instant, Notice, PeerId};

use crate::kit::{CONSENSUS, Coins};
use crate::peers::numbered;

/// Always stems, at once, and fluffs in an hour.
pub(crate) fn params() -> Params {
    let mut params = Params { stem_probability: 1.0, ..Preset::GrinDoc.params() };
    params.patience.interval = Duration::ZERO;
    let (base, spread) = (Duration::from_secs(3_600), Duration::ZERO);
    params.embargo.delay = EmbargoDelay::Uniform { base, spread };
    (params.epoch, params.relays) = (Duration::from_secs(86_400), 1);
    params
}

pub(crate) fn stem(tx: &ValidTx) -> Message {
    Message::StemTransaction(tx.as_transaction().clone())
}

/// Takes every transaction for valid.
pub(crate) struct Host {
    pub(crate) zone: Zone,
    pub(crate) coins: Coins,
    rng: ChaCha12Rng,
    pub(crate) now: Instant,
    pub(crate) seen: Vec<Effect>,
}

impl Host {
    /// With peers 1 to `encrypted` that encrypt, and plain ones after them.
    pub(crate) fn with_peers(encrypted: u64, plain: u64) -> Self {
        let noise = Some(NoiseConfig::default().check().unwrap());
        let config = ZoneConfig { params: params(), noise, ..ZoneConfig::new(CONSENSUS) };
        let book = Book::new(BookConfig::default());
        let mut host = Self {
            zone: Zone::new(config, book, [3; 32], Instant::ZERO),
            coins: Coins::default(),
            rng: ChaCha12Rng::seed_from_u64(1),
            now: Instant::ZERO,
            seen: Vec::new(),
        };
        for peer in 1..=encrypted + plain {
            host.connect(peer, peer <= encrypted);
        }
        host.seen.clear();
        host
    }

    fn connect(&mut self, peer: u64, encrypted: bool) {
        let info = numbered(peer, encrypted);
        let (peer, addr) = (PeerId(peer), info.listen);
        self.call(|zone, ctx| {
            zone.handle_connected(peer, addr, Direction::Outbound, info, ctx);
        });
    }

    pub(crate) fn lose(&mut self, peer: u64) {
        let peer = PeerId(peer);
        self.call(|zone, ctx| zone.handle_disconnected(peer, Vec::new(), None, ctx));
    }

    /// Calls the zone and does what it wants verified.
    pub(crate) fn call<R>(&mut self, call: impl FnOnce(&mut Zone, &ZoneContext<'_>) -> R) -> R {
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
    pub(crate) fn run(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        while self.zone.poll_timeout() <= end {
            self.wake();
        }
        self.now = end;
    }

    /// Wakes the zone when it wants next.
    pub(crate) fn wake(&mut self) {
        self.now = self.now.max(self.zone.poll_timeout());
        self.call(Zone::handle_timeout);
    }

    pub(crate) fn tx(&mut self, outputs: usize) -> ValidTx {
        let tx = AssumedTx::new().fresh_inputs(1).outputs(outputs);
        let tx = tx.build(&mut self.rng, &CONSENSUS).unwrap();
        self.coins.unspent.insert(tx.inputs()[0].commitment());
        tx
    }

    pub(crate) fn child(&mut self, parent: &ValidTx) -> ValidTx {
        let tx = AssumedTx::new().spend(parent.outputs()[0].commitment());
        tx.build(&mut self.rng, &CONSENSUS).unwrap()
    }

    pub(crate) fn push(&mut self, tx: &ValidTx) {
        self.call(|zone, _| zone.push(tx.as_transaction().clone(), false));
    }

    /// A peer says something.
    pub(crate) fn say(&mut self, peer: u64, message: Message) {
        self.call(|zone, ctx| zone.handle_message(PeerId(peer), message, ctx));
    }

    pub(crate) fn relay(&self) -> u64 {
        self.zone.relays()[0].0
    }

    pub(crate) fn frames(&self, peer: u64) -> impl Iterator<Item = &[u8]> {
        self.seen.iter().filter_map(move |effect| match effect {
            Effect::Frame { peer: to, frame, .. } if to.0 == peer => Some(&frame[..]),
            _ => None,
        })
    }

    /// What a peer makes of its frames.
    pub(crate) fn heard(&self, peer: u64) -> Vec<Message> {
        let mut reassembler = Reassembler::new(NoiseConfig::default().frame);
        let whole = self.frames(peer).filter_map(|frame| reassembler.handle_frame(frame).unwrap());
        let decode = |bytes: Vec<u8>| {
            let mut decoder = FrameDecoder::opened(CONSENSUS, ProtocolVersion::LOCAL);
            decoder.push(&bytes);
            decoder.next().unwrap().unwrap()
        };
        whole.map(decode).collect()
    }

    pub(crate) fn fluffed(&self) -> Vec<FluffReason> {
        let reason = |effect: &Effect| match effect {
            Effect::Notice(Notice::Fluffed { reason, .. }) => Some(*reason),
            _ => None,
        };
        self.seen.iter().filter_map(reason).collect()
    }
}
