//! What is sealed on its way: from its origin, through this node, to us.
//!
//! In a zone with white noise it goes in frames to carriers, and to a sink at the end of a channel.
//! To any other sink it goes as elsewhere, but is [held](super::held) before.

use bytes::Bytes;
use scape_aggregate::{Hash, ValidTx};
use scape_pool::{EntryId, PeerId, SinkId};

use super::MAX_ERRANDS;
use super::held::Parcel;
use crate::dandelion::rendezvous::{Onward, open, seal};
use crate::link::Offence;
use crate::secure::{Protection, PublicKey};
use crate::wire::Message;
use crate::zone::peer::Peer;
use crate::zone::transactions::Way;
use crate::zone::{Zone, ZoneContext};

impl Zone {
    /// Seals what the pool wants sealed and hands it to a relay.
    pub(in crate::zone) fn seal_and_send(
        &mut self,
        sink: SinkId,
        tx: ValidTx,
        (parts, attempt): (Vec<EntryId>, u8),
        ctx: &ZoneContext<'_>,
    ) {
        let (sink, chain) = (PublicKey(sink.0), self.config.consensus.chain);
        let sealed = seal(tx.as_transaction(), &sink, chain, &mut self.rng);
        let (Ok(sealed), Some(carrier)) = (sealed, self.router.carrier(None, attempt)) else {
            return self.undelivered(&parts, ctx);
        };
        let (sealed, name) = (Bytes::from(sealed.clone()), Hash::of(&[&sealed]));
        self.sinks.carrier.remember(name);
        let message = Message::SealedStem { sink, sealed };
        if self.is_noisy() {
            return self.hide_seal(carrier, tx, (parts, attempt), &message, ctx);
        }
        self.sinks.own.put(name, (attempt, parts));
        self.send(carrier, message);
    }

    /// A relay could not be handed what was sealed here: another one is, if there is one.
    pub(in crate::zone) fn handle_unsent_seal(
        &mut self,
        sink: PublicKey,
        sealed: Bytes,
        ctx: &ZoneContext<'_>,
    ) {
        let Some((attempt, parts)) = self.sinks.own.get(&Hash::of(&[&sealed])).cloned() else {
            return;
        };
        match self.router.carrier(None, attempt) {
            Some(carrier) => self.send(carrier, Message::SealedStem { sink, sealed }),
            None => self.with_pool(ctx, |pool, ctx| pool.handle_undelivered(&parts, ctx)),
        }
    }

    /// Something sealed came: it is for us, or it is carried on. Whatever is in it, nothing comes
    /// back to the peer who sent it, who could not read it either.
    pub(in crate::zone) fn handle_sealed_stem(
        &mut self,
        peer: PeerId,
        sink: PublicKey,
        sealed: Bytes,
        ctx: &ZoneContext<'_>,
    ) {
        let Some(record) = self.peers.get_mut(&peer) else { return };
        if !record.speaks_names() {
            return self.offend(peer, Offence::Unsolicited, ctx);
        }
        if record.sealed.into.handle_message(ctx.now).is_err() {
            return self.offend(peer, Offence::Flood, ctx);
        }
        let forward = self.config.params.service().forward;
        match &self.sinks.key {
            Some(key) if key.public() == sink => {
                if let Ok(tx) = open(&sealed, key, &self.config.consensus) {
                    self.verify(peer, tx, Way::Sealed, ctx);
                }
            }
            _ => {
                let name = Hash::of(&[&sealed]);
                let parcel = Parcel { from: peer, sink, sealed };
                match self.sinks.carrier.onward(name, forward, &mut self.rng) {
                    Onward::Forward => self.forward(parcel, ctx),
                    Onward::Deliver => self.deliver(parcel, ctx),
                    Onward::Drop => {}
                }
            }
        }
    }

    fn forward(&mut self, parcel: Parcel, ctx: &ZoneContext<'_>) {
        match self.router.carrier(Some(parcel.from), 0) {
            Some(carrier) => self.carry(carrier, &parcel, ctx),
            None => self.deliver(parcel, ctx),
        }
    }

    /// Where the delivery shows, in a zone with white noise, it is held before.
    fn deliver(&mut self, parcel: Parcel, ctx: &ZoneContext<'_>) {
        let shows = match self.link_to(&parcel.sink) {
            Some(link) => !self.has_channel(link),
            None => self.sinks.keys.addr_of(&parcel.sink).is_some(),
        };
        match &self.config.noise {
            Some(noise) if shows => {
                let longest = noise.config().hold();
                self.sinks.held.hold(parcel, longest, ctx.now, &mut self.rng);
            }
            _ => self.hand_in(parcel, ctx),
        }
    }

    /// Delivers what has been held long enough.
    pub(super) fn on_held_timeout(&mut self, ctx: &ZoneContext<'_>) {
        while let Some(parcel) = self.sinks.held.take_due(ctx.now) {
            self.hand_in(parcel, ctx);
        }
    }

    fn hand_in(&mut self, parcel: Parcel, ctx: &ZoneContext<'_>) {
        if let Some(link) = self.link_to(&parcel.sink) {
            return self.carry(link, &parcel, ctx);
        }
        let Some(addr) = self.sinks.keys.addr_of(&parcel.sink) else {
            // Others may know where it is; what comes round is dropped.
            if let Some(carrier) = self.router.carrier(Some(parcel.from), 0) {
                self.carry(carrier, &parcel, ctx);
            }
            return;
        };
        let sinks = self.sinks.errands.len();
        let errands = self.sinks.errands.get(&addr).map_or(0, Vec::len);
        if errands >= MAX_ERRANDS.1 || (errands == 0 && sinks >= MAX_ERRANDS.0) {
            return;
        }
        self.sinks.errands.entry(addr).or_default().push((parcel.sink, parcel.sealed));
        if !self.is_dialing(addr) {
            self.visit(addr, ctx);
        }
    }

    /// A link that we made and that leads to this sink.
    fn link_to(&self, sink: &PublicKey) -> Option<PeerId> {
        let leads_there = |peer: &Peer| {
            let proven = match peer.info.protection {
                Protection::Encrypted { key, .. } => Some(key),
                Protection::Plain(_) => None,
            };
            peer.is_outbound() && !peer.closing && proven == Some(*sink)
        };
        self.peers.iter().find(|(_, peer)| leads_there(peer)).map(|(id, _)| *id)
    }

    /// Hands something to a peer, in frames if a channel goes there.
    fn carry(&mut self, to: PeerId, parcel: &Parcel, ctx: &ZoneContext<'_>) {
        if self.has_channel(to) {
            return self.hide_foreign(to, parcel.from, &parcel.message(), ctx);
        }
        let Some(record) = self.peers.get_mut(&to) else { return };
        if record.sealed.out.handle_message(ctx.now).is_ok() {
            self.send(to, parcel.message());
        }
    }
}
