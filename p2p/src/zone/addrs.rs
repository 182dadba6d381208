//! Addresses of other peers: who is told which, and who is believed.
//!
//! On clearnet these are IP addresses, in Grin's own message. In an anonymity zone they are names of
//! its network, in a message of ours that only peers of our kind are sent; an IP address is neither
//! told there nor kept, since dialling it would show where we are.

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;
use scape_pool::PeerId;

use super::peer::Peer;
use super::{Zone, ZoneContext};
use crate::addr::{MAX_NAMES, PeerAddr};
use crate::book::Source;
use crate::link::Offence;
use crate::peer::Capabilities;
use crate::wire::Message;

/// How often one peer is told addresses (`grin_servers::grin::seed` asks every 20 s).
const ADDRS_INTERVAL: Duration = Duration::from_secs(15);

impl Zone {
    pub(super) fn handle_get_addrs(
        &mut self,
        peer: PeerId,
        needed: Capabilities,
        ctx: &ZoneContext<'_>,
    ) {
        let Some(record) = self.peers.get_mut(&peer) else { return };
        // A Grin node that looks for peers asks every 20 s; who asks more often waits.
        if record.told_addrs.is_some_and(|last| ctx.now < last + ADDRS_INTERVAL) {
            return;
        }
        record.told_addrs = Some(ctx.now);
        let speaks_names = record.speaks_names();
        let sample = self.book.sample(ctx.unix, &mut self.rng, needed);
        let message = match (self.config.network.is_anonymous(), speaks_names) {
            (false, _) => Message::PeerAddrs(sample.into_iter().filter_map(ip_of).collect()),
            (true, true) => Message::PeerNames(self.with_own_name(sample)),
            // What a node says that knows nobody.
            (true, false) => Message::PeerAddrs(Vec::new()),
        };
        self.send(peer, message);
    }

    /// Somewhere among the others, so that being told a name does not say whose it is.
    fn with_own_name(&mut self, mut names: Vec<PeerAddr>) -> Vec<PeerAddr> {
        if let Some(own) = self.config.peers.own_name {
            names.truncate(MAX_NAMES - 1);
            let place = self.rng.random_range(0..=names.len());
            names.insert(place, own);
        }
        names
    }

    pub(super) fn handle_addrs(
        &mut self,
        peer: PeerId,
        addrs: &[SocketAddr],
        ctx: &ZoneContext<'_>,
    ) {
        if self.is_asked_for(peer, ctx) && !self.config.network.is_anonymous() {
            self.learn(peer, addrs.iter().map(|addr| PeerAddr::from(*addr)), ctx);
        }
    }

    pub(super) fn handle_names(&mut self, peer: PeerId, names: &[PeerAddr], ctx: &ZoneContext<'_>) {
        let encrypted = self.peers.get(&peer).is_some_and(Peer::speaks_names);
        if self.is_asked_for(peer, ctx) && encrypted && self.config.network.is_anonymous() {
            let own = self.config.peers.own_name;
            self.learn(peer, names.iter().copied().filter(|name| Some(*name) != own), ctx);
        }
    }

    /// Whether this peer owes us addresses; if so it does no more. Else it is an offence.
    fn is_asked_for(&mut self, peer: PeerId, ctx: &ZoneContext<'_>) -> bool {
        let Some(record) = self.peers.get_mut(&peer) else { return false };
        match record.asked_addrs.checked_sub(1) {
            Some(left) => record.asked_addrs = left,
            None => {
                self.offend(peer, Offence::Unsolicited, ctx);
                return false;
            }
        }
        true
    }

    fn learn(
        &mut self,
        peer: PeerId,
        addrs: impl Iterator<Item = PeerAddr>,
        ctx: &ZoneContext<'_>,
    ) {
        let Some(source) = self.peers.get(&peer).map(Peer::source) else { return };
        for addr in addrs {
            // Each address stands for itself: the book says which it keeps.
            let _ = self.book.add(addr, source, ctx.unix);
        }
        self.dialer.wake(ctx.now);
    }

    pub(super) fn ask_for_addrs(&mut self, peer: PeerId) {
        let Some(record) = self.peers.get_mut(&peer) else { return };
        record.asked_addrs += 1;
        self.send(peer, Message::GetPeerAddrs(Capabilities::TX_KERNEL_HASH));
    }
}

impl Peer {
    /// Whether it is of our kind, and knows the messages of names, keys and seals. That it claims to
    /// is not enough: they are for encrypted links only.
    pub(super) fn speaks_names(&self) -> bool {
        self.info.protection.is_encrypted()
    }

    /// Who it is among those that tell us addresses.
    pub(super) fn source(&self) -> Source {
        self.addr.map_or(Source::Hidden, |addr| Source::Peer(addr.group()))
    }
}

fn ip_of(addr: PeerAddr) -> Option<SocketAddr> {
    match addr {
        PeerAddr::Ip(addr) => Some(addr),
        PeerAddr::Onion(..) | PeerAddr::I2p(..) => None,
    }
}
