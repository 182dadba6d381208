//! What peers say, and what comes of it.

use std::net::IpAddr;
use std::time::Duration;

use scape_pool::PeerId;

use super::peer::Peer;
use super::{Account, Effect, Zone, ZoneContext};
use crate::book::{Group, Source, UnixTime, host_of};
use crate::link::{Offence, Score, Verdict};
use crate::wire::{BanReason, Message, Tip};

/// How often one peer is told addresses (`grin_servers::grin::seed` asks every 20 s).
const ADDRS_INTERVAL: Duration = Duration::from_secs(15);

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
        // A Grin node that looks for peers asks every 20 s; who asks more often waits.
        if record.told_addrs.is_some_and(|last| ctx.now < last + ADDRS_INTERVAL) {
            return;
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
        let Some(left) = record.asked_addrs.checked_sub(1) else {
            return self.offend(peer, Offence::Unsolicited, ctx);
        };
        record.asked_addrs = left;
        let source = Source::Peer(Group::of(record.addr.ip()));
        for addr in addrs {
            // Each address stands for itself: the book says which it keeps.
            let _ = self.book.add(*addr, source, ctx.unix);
        }
        self.dialer.wake(ctx.now);
    }

    /// Puts an offence on the account of a peer's host, unless that is whitelisted.
    pub(super) fn offend(&mut self, peer: PeerId, offence: Offence, ctx: &ZoneContext<'_>) {
        let Some(record) = self.peers.get(&peer).filter(|record| !record.closing) else { return };
        self.charge(peer, record.addr.ip(), offence, ctx);
    }

    /// The account stays when the link goes, so that hanging up does not wipe it clean. When it is
    /// full, the peer is disconnected and its host is banned.
    pub(super) fn charge(
        &mut self,
        peer: PeerId,
        ip: IpAddr,
        offence: Offence,
        ctx: &ZoneContext<'_>,
    ) {
        if self.config.peers.whitelist.contains(&ip) {
            return;
        }
        // All of a development network is on one host: there the link is the peer.
        let account = match ip.is_loopback() {
            true => Account::Link(peer),
            false => Account::Host(host_of(ip)),
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
    pub fn ban(&mut self, host: IpAddr, ctx: &ZoneContext<'_>) {
        let host = host_of(host);
        let duration = self.config.peers.ban;
        self.book.ban(host, UnixTime(ctx.unix.0.saturating_add(duration.as_secs())));
        self.effects.push_back(Effect::Block { ip: host, duration });
        let of_host = |record: &&Peer| host_of(record.addr.ip()) == host;
        let links = self.peers.iter().filter(|(_, record)| of_host(record));
        let links: Vec<_> = links.map(|(id, _)| *id).collect();
        links.into_iter().for_each(|id| self.close(id));
        self.refresh_relays(ctx);
    }
}
