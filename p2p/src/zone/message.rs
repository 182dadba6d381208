//! What peers say, and what comes of it.

use std::time::Duration;

use scape_pool::PeerId;

use super::{Effect, Zone, ZoneContext};
use crate::book::{Group, Source};
use crate::link::{Offence, Verdict};
use crate::wire::{BanReason, Message, Tip};

/// How often one peer is told addresses.
const ADDRS_INTERVAL: Duration = Duration::from_secs(60);

impl Zone {
    /// Takes a message that came from a peer. Pings were answered by the host.
    pub fn handle_message(&mut self, peer: PeerId, message: Message, ctx: &ZoneContext<'_>) {
        if self.peers.get(&peer).is_none_or(|record| record.banned) {
            return;
        }
        match message {
            Message::StemTransaction(tx) => self.handle_stem_transaction(peer, tx, ctx),
            Message::Transaction(tx) => self.handle_transaction(peer, tx, ctx),
            Message::TransactionKernel(kernel) => self.handle_announcement(peer, kernel, ctx),
            Message::GetTransaction(kernel) => self.handle_get_transaction(peer, &kernel),
            Message::Ping(tip) | Message::Pong(tip) => self.handle_tip(peer, tip, ctx),
            Message::GetPeerAddrs(needed) => self.handle_get_addrs(peer, needed, ctx),
            Message::PeerAddrs(addrs) => self.handle_addrs(peer, &addrs, ctx),
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

    fn handle_get_addrs(
        &mut self,
        peer: PeerId,
        needed: crate::peer::Capabilities,
        ctx: &ZoneContext<'_>,
    ) {
        let Some(record) = self.peers.get_mut(&peer) else { return };
        let recently = record.told_addrs.is_some_and(|last| ctx.now < last + ADDRS_INTERVAL);
        if recently {
            return self.offend(peer, Offence::Unsolicited, ctx);
        }
        record.told_addrs = Some(ctx.now);
        let addrs = self.book.sample(ctx.unix, &mut self.rng, needed);
        self.send(peer, Message::PeerAddrs(addrs));
    }

    fn handle_addrs(
        &mut self,
        peer: PeerId,
        addrs: &[std::net::SocketAddr],
        ctx: &ZoneContext<'_>,
    ) {
        let Some(record) = self.peers.get_mut(&peer) else { return };
        if !std::mem::take(&mut record.asked_addrs) {
            return self.offend(peer, Offence::Unsolicited, ctx);
        }
        let source = Source::Peer(Group::of(record.addr.ip()));
        for addr in addrs {
            // Each address stands for itself: the book says which it keeps.
            let _ = self.book.add(*addr, source, ctx.unix);
        }
        self.dialer.wake(ctx.now);
    }

    /// Puts an offence on a peer's account. When the account is full the peer is disconnected and
    /// its host banned, unless it is whitelisted or on this machine.
    pub(super) fn offend(&mut self, peer: PeerId, offence: Offence, ctx: &ZoneContext<'_>) {
        let Some(record) = self.peers.get_mut(&peer) else { return };
        let ip = record.addr.ip();
        if record.banned || self.config.peers.whitelist.contains(&ip) {
            return;
        }
        if record.score.handle_offence(offence, ctx.now) == Verdict::Tolerate {
            return;
        }
        tracing::debug!(%peer, ?offence, "peer banned");
        record.banned = true;
        self.cancel_of(peer);
        self.effects.push_back(Effect::Disconnect { peer, reason: Some(BanReason::MANUAL) });
        self.ban(ip, ctx);
    }

    pub(super) fn ban(&mut self, ip: std::net::IpAddr, ctx: &ZoneContext<'_>) {
        // All of a development network is on one host: there the link is the peer.
        if ip.is_loopback() || self.config.peers.whitelist.contains(&ip) {
            return;
        }
        let duration = self.config.peers.ban;
        self.book.ban(ip, crate::book::UnixTime(ctx.unix.0.saturating_add(duration.as_secs())));
        self.effects.push_back(Effect::Block { ip, duration });
    }
}
