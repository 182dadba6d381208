//! What peers say, and what comes of it.

use scape_pool::PeerId;

use super::peer::Peer;
use super::{Account, Effect, Zone, ZoneContext};
use crate::addr::Host;
use crate::book::UnixTime;
use crate::link::{Offence, Score, Verdict};
use crate::wire::{BanReason, Message, Tip};

impl Zone {
    /// Takes a message that came from a peer. Pings were answered by the host.
    pub fn handle_message(&mut self, peer: PeerId, message: Message, ctx: &ZoneContext<'_>) {
        if self.peers.get(&peer).is_none_or(|record| record.closing) {
            return;
        }
        match message {
            Message::StemTransaction(tx) => self.handle_stem_transaction(peer, tx, ctx),
            Message::Transaction(tx) => self.handle_transaction(peer, tx, ctx),
            Message::TransactionKernel(kernel) => self.handle_announcement(peer, kernel, ctx),
            Message::GetTransaction(kernel) => self.handle_get_transaction(peer, &kernel, ctx),
            Message::Ping(tip) | Message::Pong(tip) => self.handle_tip(peer, tip, ctx),
            Message::GetPeerAddrs(needed) => self.handle_get_addrs(peer, needed, ctx),
            Message::PeerAddrs(addrs) => self.handle_addrs(peer, &addrs, ctx),
            Message::PeerNames(names) => self.handle_names(peer, &names, ctx),
            Message::SealedStem { sink, sealed } => {
                self.handle_sealed_stem(peer, sink, sealed, ctx);
            }
            Message::SinkKeys(keys) => self.handle_sink_keys(peer, &keys, ctx),
            // The link was opened by these; once more is nonsense.
            Message::Hand(_) | Message::Shake(_) => self.offend(peer, Offence::Protocol, ctx),
            // It is about to hang up.
            Message::BanReason(_) => {}
            // Blocks and headers come by another way.
            Message::Skipped(_) => {}
        }
    }

    fn handle_tip(&mut self, peer: PeerId, tip: Tip, ctx: &ZoneContext<'_>) {
        let Some(record) = self.peers.get_mut(&peer) else { return };
        if record.tip.replace(tip) != Some(tip) {
            self.refresh_relays(ctx);
        }
    }

    /// Puts an offence on the account of a peer's host, unless that is whitelisted.
    pub(super) fn offend(&mut self, peer: PeerId, offence: Offence, ctx: &ZoneContext<'_>) {
        let Some(record) = self.peers.get(&peer).filter(|record| !record.closing) else { return };
        self.charge(peer, record.host(), offence, ctx);
    }

    /// The account of a host stays when the link goes, so that hanging up does not wipe it clean.
    /// When it is full, the peer is disconnected and its host, if it has one, is banned.
    pub(super) fn charge(
        &mut self,
        peer: PeerId,
        host: Option<Host>,
        offence: Offence,
        ctx: &ZoneContext<'_>,
    ) {
        if host.is_some_and(|host| self.config.peers.whitelist.contains(&host)) {
            return;
        }
        let account = match host {
            Some(host) if !host.is_loopback() => Account::Host(host.whole()),
            _ => Account::Link(peer),
        };
        let score = self.scores.get_or_insert_mut(account, Score::new);
        if score.handle_offence(offence, ctx.now) == Verdict::Tolerate {
            return;
        }
        tracing::debug!(%peer, ?offence, "peer banned");
        self.close(peer);
        if let Account::Host(host) = account {
            self.ban(host, ctx);
        }
    }

    pub(super) fn close(&mut self, peer: PeerId) {
        if let Some(record) = self.peers.get_mut(&peer).filter(|record| !record.closing) {
            record.closing = true;
            self.cancel_of(peer);
            self.effects.push_back(Effect::Disconnect { peer, reason: Some(BanReason::MANUAL) });
        }
    }

    /// Talks no more to a host, and ends what connections there are, as long as a ban lasts. The
    /// owner may ban whom a peer's account would not: a host of the whitelist, and loopback, which
    /// all of a development network is on.
    ///
    /// A host of another network is nothing to this zone: above all, an onion service is reached
    /// through loopback, which has to stay open.
    pub fn ban(&mut self, host: impl Into<Host>, ctx: &ZoneContext<'_>) {
        let host = host.into().whole();
        if host.network() != self.config.network {
            return;
        }
        let duration = self.config.peers.ban;
        self.book.ban(host, UnixTime(ctx.unix.0.saturating_add(duration.as_secs())));
        if let Host::Ip(ip) = host {
            self.effects.push_back(Effect::Block { ip, duration });
        }
        let of_host = |record: &Peer| record.host().map(Host::whole) == Some(host);
        let links = self.peers.iter().filter(|(_, record)| of_host(record));
        let links: Vec<_> = links.map(|(id, _)| *id).collect();
        links.into_iter().for_each(|id| self.close(id));
        self.refresh_relays(ctx);
    }
}
