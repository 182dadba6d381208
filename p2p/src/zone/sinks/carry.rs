//! What is sealed on its way: from its origin, through this node, to us.

use bytes::Bytes;
use scape_aggregate::{Hash, ValidTx};
use scape_pool::{EntryId, PeerId, SinkId};

use super::MAX_ERRANDS;
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
        tx: &ValidTx,
        (parts, attempt): (Vec<EntryId>, u8),
        ctx: &ZoneContext<'_>,
    ) {
        let (key, chain) = (PublicKey(sink.0), self.config.consensus.chain);
        let sealed = seal(tx.as_transaction(), &key, chain, &mut self.rng);
        let (Ok(sealed), Some(carrier)) = (sealed, self.router.carrier(None, attempt)) else {
            return self.undelivered(&parts, ctx);
        };
        let (sealed, name) = (Bytes::from(sealed.clone()), Hash::of(&[&sealed]));
        self.sinks.carrier.remember(name);
        self.sinks.own.put(name, (attempt, parts));
        self.send(carrier, Message::SealedStem { sink: key, sealed });
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
                match self.sinks.carrier.onward(name, forward, &mut self.rng) {
                    Onward::Forward => self.forward(peer, sink, sealed, ctx),
                    Onward::Deliver => self.deliver(peer, sink, sealed, ctx),
                    Onward::Drop => {}
                }
            }
        }
    }

    fn forward(&mut self, from: PeerId, sink: PublicKey, sealed: Bytes, ctx: &ZoneContext<'_>) {
        match self.router.carrier(Some(from), 0) {
            Some(carrier) => self.carry(carrier, sink, sealed, ctx),
            None => self.deliver(from, sink, sealed, ctx),
        }
    }

    fn deliver(&mut self, from: PeerId, sink: PublicKey, sealed: Bytes, ctx: &ZoneContext<'_>) {
        let leads_there = |peer: &Peer| {
            let proven = match peer.info.protection {
                Protection::Encrypted { key, .. } => Some(key),
                Protection::Plain(_) => None,
            };
            peer.is_outbound() && !peer.closing && proven == Some(sink)
        };
        if let Some((id, _)) = self.peers.iter().find(|(_, peer)| leads_there(peer)) {
            return self.carry(*id, sink, sealed, ctx);
        }
        let Some(addr) = self.sinks.keys.addr_of(&sink) else {
            // Others may know where it is; what comes round is dropped.
            if let Some(carrier) = self.router.carrier(Some(from), 0) {
                self.carry(carrier, sink, sealed, ctx);
            }
            return;
        };
        let sinks = self.sinks.errands.len();
        let errands = self.sinks.errands.get(&addr).map_or(0, Vec::len);
        if errands >= MAX_ERRANDS.1 || (errands == 0 && sinks >= MAX_ERRANDS.0) {
            return;
        }
        self.sinks.errands.entry(addr).or_default().push((sink, sealed));
        if !self.is_dialing(addr) {
            self.visit(addr, ctx);
        }
    }

    fn carry(&mut self, to: PeerId, sink: PublicKey, sealed: Bytes, ctx: &ZoneContext<'_>) {
        let Some(record) = self.peers.get_mut(&to) else { return };
        if record.sealed.out.handle_message(ctx.now).is_ok() {
            self.send(to, Message::SealedStem { sink, sealed });
        }
    }
}
