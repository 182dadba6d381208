//! White noise: stem transactions leave in frames that come at their own times.
//!
//! With noise, only peers whose link is encrypted are relays. A transaction for a relay is cut into
//! fragments and waits for the channel to it; so does what is sealed, for the channel to its carrier.
//! What cannot wait there, since it is too long or the queue is full, and what waits for a peer that
//! is lost or no relay any more, goes another way as if it had come back from a broken link. Only
//! what the owner sends waits until there is room: it is full of his own then, and to tell everybody
//! would tell them whose it is. What somebody else has sealed and there is no room for is dropped;
//! who made it seals it anew.

mod waiting;

use scape_aggregate::{ProtocolVersion, Transaction, ValidTx};
use scape_pool::{EntryId, PeerId, Source};

use self::waiting::Load;
pub(super) use self::waiting::Noise;
use self::waiting::Waiting;
use super::{Effect, Zone, ZoneContext};
use crate::link::Offence;
use crate::noise::QueueError;
use crate::wire::{FrameDecoder, HEADER_LEN, Message, WireError};

impl Zone {
    /// Sends a stem transaction in frames.
    pub(super) fn hide(
        &mut self,
        relay: PeerId,
        tx: ValidTx,
        parts: Vec<EntryId>,
        ctx: &ZoneContext<'_>,
    ) {
        let source = self.pool.sent_for(&parts).unwrap_or(Source::Own);
        let message = Message::StemTransaction(tx.as_transaction().clone());
        self.queue(relay, source, &message, Load::Stem { tx, parts }, ctx);
    }

    /// Sends what was sealed here in frames. What waits for them already has been swallowed by
    /// nobody, and keeps its place.
    pub(super) fn hide_seal(
        &mut self,
        carrier: PeerId,
        tx: ValidTx,
        (parts, attempt): (Vec<EntryId>, u8),
        message: &Message,
        ctx: &ZoneContext<'_>,
    ) {
        if self.noise.as_ref().is_some_and(|noise| noise.has_seal_of(&parts)) {
            return;
        }
        let source = self.pool.sent_for(&parts).unwrap_or(Source::Own);
        self.queue(carrier, source, message, Load::Seal { tx, parts, attempt }, ctx);
    }

    /// Sends what somebody else has sealed in frames, in the turn of the peer who sent it.
    pub(super) fn hide_foreign(
        &mut self,
        to: PeerId,
        from: PeerId,
        message: &Message,
        ctx: &ZoneContext<'_>,
    ) {
        self.queue(to, Source::Peer(from), message, Load::Foreign, ctx);
    }

    fn queue(
        &mut self,
        to: PeerId,
        source: Source,
        message: &Message,
        load: Load,
        ctx: &ZoneContext<'_>,
    ) {
        let magic = self.config.consensus.chain.magic();
        let version = self.peers.get(&to).map(|peer| peer.info.version);
        let message = version.and_then(|version| message.encode(version, magic).ok());
        let (Some(message), Some(noise)) = (message, &mut self.noise) else {
            return self.give_up(&load, ctx);
        };
        let refused = noise.push(Waiting { to, source, load, message, leaves: None });
        refused.iter().for_each(|waiting| self.give_up(&waiting.load, ctx));
    }

    /// What cannot go in frames to whom it was for goes another way; or nowhere, if it is nothing to
    /// this node.
    fn give_up(&mut self, load: &Load, ctx: &ZoneContext<'_>) {
        if let Some(parts) = load.parts() {
            self.undelivered(parts, ctx);
        }
    }

    /// Makes the frames for which it is time.
    pub(super) fn noise_timeout(&mut self, ctx: &ZoneContext<'_>) {
        let Some(noise) = &mut self.noise else { return };
        if ctx.now < noise.poll_timeout() {
            return;
        }
        let broken = noise.tidy(ctx.now, |parts| self.pool.is_whole(parts));
        for due in noise.channels.handle_timeout(ctx.now).into_iter().flatten() {
            if let Some(waiting) = due.sent.and_then(|ticket| noise.queued.get_mut(&ticket)) {
                waiting.leaves = Some(due.at);
            }
            let frame = due.frame.into();
            self.effects.push_back(Effect::Frame { peer: due.peer, at: due.at, frame });
        }
        let refused = noise.catch_up();
        refused.iter().for_each(|waiting| self.give_up(&waiting.load, ctx));
        // Together, so that no child goes before its parent.
        let parts: Vec<_> =
            broken.iter().filter_map(|w| w.load.parts()).flatten().copied().collect();
        self.with_pool(ctx, |pool, ctx| pool.handle_broken(&parts, ctx));
    }

    /// The channels follow the relays and those that look like relays.
    pub(super) fn assign_channels(&mut self, ctx: &ZoneContext<'_>) {
        let Some(noise) = &mut self.noise else { return };
        let lost = noise.assign(self.router.covered(), self.router.relays());
        self.send_otherwise(lost, ctx);
    }

    /// What was to leave on a link that is gone goes another way.
    pub(super) fn handle_lost_noise(&mut self, peer: PeerId, ctx: &ZoneContext<'_>) {
        let Some(noise) = &mut self.noise else { return };
        let lost = noise.handle_lost(peer, ctx.now);
        self.send_otherwise(lost, ctx);
    }

    /// The peers that these wait for are lost. What is sealed goes to another carrier as it is, if
    /// there is one.
    fn send_otherwise(&mut self, lost: Vec<Waiting>, ctx: &ZoneContext<'_>) {
        for waiting in lost {
            let carrier = match (&waiting.load, waiting.source) {
                (Load::Stem { .. }, _) => None,
                (Load::Seal { attempt, .. }, _) => self.router.carrier(None, *attempt),
                (Load::Foreign, Source::Peer(from)) => self.router.carrier(Some(from), 0),
                (Load::Foreign, Source::Own | Source::Zone) => None,
            };
            let refused = match (carrier, &mut self.noise) {
                (Some(to), Some(noise)) => noise.push(Waiting { to, leaves: None, ..waiting }),
                _ => vec![waiting],
            };
            refused.iter().for_each(|waiting| self.give_up(&waiting.load, ctx));
        }
        self.carry_out(ctx);
    }

    /// Whether a channel goes to this peer: then nothing of the stem goes there but in frames.
    pub(super) fn has_channel(&self, peer: PeerId) -> bool {
        self.is_noisy() && self.router.covered().contains(&peer)
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
    /// handed to [`Zone::handle_message`], as any other. Nothing is hidden but the stem, sealed or
    /// not.
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
            Ok(Some(message @ (Message::StemTransaction(_) | Message::SealedStem { .. })))
                if !decoder.is_mid_frame() =>
            {
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
