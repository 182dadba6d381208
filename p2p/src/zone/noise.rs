//! White noise: stem transactions leave in frames that come at their own times.
//!
//! With noise, only peers whose link is encrypted are relays. A transaction for a relay is cut into
//! fragments and waits for the channel to it. What cannot wait there, since it is too long or the
//! queue is full, and what waits for a peer that is lost or no relay any more, goes another way as
//! if it had come back from a broken link. Only what the owner sends waits until there is room:
//! it is full of his own then, and to tell everybody would tell them whose it is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use scape_aggregate::{ProtocolVersion, Transaction, ValidTx};
use scape_pool::{EntryId, Instant, PeerId, Source};

use super::{Effect, Zone, ZoneContext};
use crate::link::Offence;
use crate::noise::{Channels, QueueError, Ticket, ValidNoise};
use crate::wire::{FrameDecoder, HEADER_LEN, Message, WireError};

/// The channels, and what waits for them.
#[derive(Debug)]
pub(super) struct Noise {
    channels: Channels,
    queued: BTreeMap<Ticket, Waiting>,
    /// What the owner sends and there is no room for yet, in its order.
    backlog: VecDeque<Waiting>,
    last: u64,
    max_message: usize,
}

/// A stem transaction on its way into frames.
#[derive(Debug)]
struct Waiting {
    relay: PeerId,
    /// In whose turn it goes.
    source: Source,
    parts: Vec<EntryId>,
    tx: ValidTx,
    message: Bytes,
    /// When its last frame is sent, once that is made.
    leaves: Option<Instant>,
}

/// Parts of aggregates that have to take another way.
type Otherwise = Vec<Vec<EntryId>>;

impl Noise {
    pub(super) fn new(noise: &ValidNoise, seed: [u8; 32], now: Instant) -> Self {
        Self {
            channels: Channels::new(noise, seed, now),
            queued: BTreeMap::new(),
            backlog: VecDeque::new(),
            last: 0,
            max_message: noise.config().frame.max_message(),
        }
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        self.channels.poll_timeout()
    }

    /// Takes a transaction that is to be sent.
    fn push(&mut self, mut new: Waiting) -> Otherwise {
        let parents: BTreeSet<_> = new.tx.inputs().iter().map(|input| input.commitment()).collect();
        let is_parent = |waiting: &&Waiting| {
            let mut created = waiting.tx.outputs().iter().map(|output| output.commitment());
            waiting.relay == new.relay && created.any(|created| parents.contains(&created))
        };
        // A child must not overtake its parent: it waits for the same turn.
        if self.backlog.iter().any(|waiting| is_parent(&waiting)) {
            self.backlog.push_back(new);
            return Vec::new();
        }
        if let Some(parent) = self.queued.values().rfind(is_parent) {
            new.source = parent.source;
        }
        if new.source == Source::Own && !self.backlog.is_empty() {
            self.backlog.push_back(new);
            return Vec::new();
        }
        match self.offer(&new) {
            Ok(place) => self.enter(new, place),
            Err(QueueError::Full) if new.source == Source::Own => {
                self.backlog.push_back(new);
                Vec::new()
            }
            Err(_) => vec![new.parts],
        }
    }

    /// A place on the channel, and who has to make room for it.
    fn offer(&mut self, new: &Waiting) -> Result<(Ticket, Vec<Ticket>), QueueError> {
        self.last += 1;
        let ticket = Ticket(self.last);
        let displaced = self.channels.push(new.relay, new.source, ticket, new.message.clone())?;
        Ok((ticket, displaced))
    }

    fn enter(&mut self, new: Waiting, (ticket, displaced): (Ticket, Vec<Ticket>)) -> Otherwise {
        self.queued.insert(ticket, new);
        self.give_way(displaced)
    }

    /// Some had to make room, the latest of a source first.
    fn give_way(&mut self, displaced: Vec<Ticket>) -> Otherwise {
        let mut otherwise = Vec::new();
        for waiting in displaced.iter().filter_map(|ticket| self.queued.remove(ticket)) {
            match waiting.source {
                Source::Own => self.backlog.push_front(waiting),
                Source::Peer(_) | Source::Zone => otherwise.push(waiting.parts),
            }
        }
        otherwise
    }

    /// Queues what there is room for by now.
    fn catch_up(&mut self) -> Otherwise {
        let mut otherwise = Vec::new();
        while let Some(next) = self.backlog.pop_front() {
            match self.offer(&next) {
                Ok(place) => otherwise.extend(self.enter(next, place)),
                Err(QueueError::Full) => {
                    self.backlog.push_front(next);
                    break;
                }
                Err(_) => otherwise.push(next.parts),
            }
        }
        otherwise
    }

    /// Forgets what has left, and what need not be sent any more.
    fn tidy(&mut self, now: Instant, is_needed: impl Fn(&[EntryId]) -> bool) {
        self.backlog.retain(|waiting| is_needed(&waiting.parts));
        let channels = &mut self.channels;
        self.queued.retain(|ticket, waiting| match waiting.leaves {
            Some(leaves) => now < leaves,
            None if is_needed(&waiting.parts) => true,
            None => {
                channels.cancel(*ticket);
                false
            }
        });
    }

    /// The channels follow the relays, which are the first of `covered`.
    fn assign(&mut self, covered: &[PeerId], relays: &[PeerId]) -> Otherwise {
        let left_over = self.channels.assign(covered, relays.len());
        let left_over = left_over.iter().filter_map(|ticket| self.queued.remove(ticket));
        let mut otherwise: Vec<_> = left_over.map(|waiting| waiting.parts).collect();
        for waiting in std::mem::take(&mut self.backlog) {
            match relays.contains(&waiting.relay) {
                true => self.backlog.push_back(waiting),
                false => otherwise.push(waiting.parts),
            }
        }
        otherwise
    }

    /// A link is gone, and with it the frames that were made and had not left.
    fn handle_lost(&mut self, peer: PeerId, now: Instant) -> Otherwise {
        let unsent = |_: &Ticket, waiting: &mut Waiting| {
            waiting.relay == peer && waiting.leaves.is_some_and(|leaves| now < leaves)
        };
        self.queued.extract_if(.., unsent).map(|(_, waiting)| waiting.parts).collect()
    }
}

impl Zone {
    /// Sends a stem transaction in frames; gives back what has to take another way.
    pub(super) fn hide(
        &mut self,
        relay: PeerId,
        tx: ValidTx,
        parts: Vec<EntryId>,
    ) -> Vec<Vec<EntryId>> {
        let magic = self.config.consensus.chain.magic();
        let source = self.pool.sent_for(&parts).unwrap_or(Source::Own);
        let (Some(noise), Some(peer)) = (&mut self.noise, self.peers.get(&relay)) else {
            return vec![parts];
        };
        let message = Message::StemTransaction(tx.as_transaction().clone());
        match message.encode(peer.info.version, magic) {
            Ok(message) => noise.push(Waiting { relay, source, parts, tx, message, leaves: None }),
            Err(_) => vec![parts],
        }
    }

    /// Makes the frames for which it is time.
    pub(super) fn noise_timeout(&mut self, ctx: &ZoneContext<'_>) {
        let Some(noise) = &mut self.noise else { return };
        if ctx.now < noise.poll_timeout() {
            return;
        }
        noise.tidy(ctx.now, |parts| self.pool.sent_for(parts).is_some());
        for due in noise.channels.handle_timeout(ctx.now).into_iter().flatten() {
            if let Some(waiting) = due.sent.and_then(|ticket| noise.queued.get_mut(&ticket)) {
                waiting.leaves = Some(due.at);
            }
            let frame = due.frame.into();
            self.effects.push_back(Effect::Frame { peer: due.peer, at: due.at, frame });
        }
        let otherwise = noise.catch_up();
        self.send_otherwise(otherwise, ctx);
    }

    /// The channels follow the relays.
    pub(super) fn assign_channels(&mut self, ctx: &ZoneContext<'_>) {
        let Some(noise) = &mut self.noise else { return };
        let otherwise = noise.assign(self.router.covered(), self.router.relays());
        self.send_otherwise(otherwise, ctx);
    }

    /// What was to leave on a link that is gone goes another way.
    pub(super) fn handle_lost_noise(&mut self, peer: PeerId, ctx: &ZoneContext<'_>) {
        let Some(noise) = &mut self.noise else { return };
        let otherwise = noise.handle_lost(peer, ctx.now);
        self.send_otherwise(otherwise, ctx);
    }

    fn send_otherwise(&mut self, aggregates: Otherwise, ctx: &ZoneContext<'_>) {
        for parts in aggregates {
            self.with_pool(ctx, |pool, ctx| pool.handle_undelivered(&parts, ctx));
        }
    }

    /// Whether a transaction of the owner fits the frames, if there is noise.
    pub(super) fn check_length(&self, tx: &Transaction) -> Result<(), QueueError> {
        let Some(noise) = &self.noise else { return Ok(()) };
        // What cannot be encoded is refused by others.
        let length = tx.encode(ProtocolVersion::LOCAL).map_or(0, |body| HEADER_LEN + body.len());
        let limit = noise.max_message;
        if length > limit { Err(QueueError::TooLong { length, limit }) } else { Ok(()) }
    }

    /// Takes a frame of white noise that came from a peer. The message that it makes whole is to be
    /// handed to [`Zone::handle_message`], as any other.
    pub fn handle_frame(
        &mut self,
        peer: PeerId,
        frame: &[u8],
        ctx: &ZoneContext<'_>,
    ) -> Option<Message> {
        let record = self.peers.get_mut(&peer).filter(|record| !record.closing)?;
        let version = record.info.version;
        let bytes = match record.reassembler.handle_frame(frame) {
            Ok(whole) => whole?,
            Err(error) => {
                let offence = Offence::of(error.blame())?;
                self.offend(peer, offence, ctx);
                return None;
            }
        };
        let mut decoder = FrameDecoder::opened(self.config.consensus, version);
        decoder.push(&bytes);
        let offence = match decoder.next() {
            Ok(Some(message @ Message::StemTransaction(_))) if !decoder.is_mid_frame() => {
                return Some(message);
            }
            Ok(_) => Offence::Protocol,
            Err(WireError::BadTransaction(_)) => Offence::BadTransaction,
            // A message of another chain makes no sense on this link.
            Err(error) => Offence::of(error.blame()).unwrap_or(Offence::Protocol),
        };
        self.offend(peer, offence, ctx);
        None
    }
}
