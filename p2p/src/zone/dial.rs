//! Connections: whom to connect to, and what follows when one comes or goes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::seq::IteratorRandom;
use scape_pool::{Instant, PeerId};

use super::peer::Peer;
use super::{Effect, PeersConfig, Zone, ZoneContext};
use crate::addr::{NetGroup, PeerAddr};
use crate::handshake::PeerInfo;
use crate::link::Offence;
use crate::noise::Reassembler;
use crate::peer::Direction;
use crate::wire::Message;

/// How long to wait when there is nobody to connect to.
const IDLE_INTERVAL: Duration = Duration::from_secs(10);
/// How often a peer is asked for addresses.
const ASK_INTERVAL: Duration = Duration::from_secs(600);
/// How long a link must have lasted to count as a success.
const LASTING: Duration = Duration::from_secs(60);
/// The longest wait between two attempts at a fixed address.
const FIXED_BACKOFF_MAX: Duration = Duration::from_secs(60);

/// Why nobody was reached at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DialFailure {
    /// There is nobody, or nobody who keeps to the handshake.
    Peer,
    /// It is our own address.
    Oneself,
    /// The proxy or bridge of the zone is the trouble: it says nothing about the peer, and when that
    /// works again all peers are tried as if it had never been away.
    Proxy,
}

/// When to connect to whom.
#[derive(Debug)]
pub(super) struct Dialer {
    /// Addresses that we are connecting to.
    dialing: BTreeSet<PeerAddr>,
    /// Fixed addresses: when to try again, and how often it failed.
    fixed: BTreeMap<PeerAddr, (Instant, u32)>,
    next_dial: Option<Instant>,
    next_ask: Instant,
}

impl Dialer {
    pub(super) fn new(config: &PeersConfig, now: Instant) -> Self {
        Self {
            dialing: BTreeSet::new(),
            fixed: config.fixed.iter().map(|addr| (*addr, (now, 0))).collect(),
            next_dial: Some(now),
            next_ask: now + ASK_INTERVAL,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next_dial.map_or(self.next_ask, |dial| dial.min(self.next_ask)))
    }

    /// Other fixed addresses from now on. Links that are up stay.
    pub(super) fn set_fixed(&mut self, fixed: &BTreeSet<PeerAddr>, now: Instant) {
        self.fixed.retain(|addr, _| fixed.contains(addr));
        for addr in fixed {
            self.fixed.entry(*addr).or_insert((now, 0));
        }
        self.wake(now);
    }

    /// A fixed address is not tried again at once: twice as late as the last time.
    fn postpone(&mut self, addr: PeerAddr, now: Instant, interval: Duration) {
        if let Some((next, failures)) = self.fixed.get_mut(&addr) {
            *failures = failures.saturating_add(1);
            *next = now + (interval * 2u32.pow((*failures).min(6))).min(FIXED_BACKOFF_MAX);
        }
    }

    /// A link to a fixed address has lasted: the next failure is a first one.
    fn forgive(&mut self, addr: PeerAddr, now: Instant) {
        if let Some(fixed) = self.fixed.get_mut(&addr) {
            *fixed = (now, 0);
        }
    }

    /// Something changed: look for someone to connect to.
    pub(super) fn wake(&mut self, now: Instant) {
        self.next_dial = Some(now);
    }
}

impl Zone {
    /// A handshake was done.
    pub fn handle_connected(
        &mut self,
        peer: PeerId,
        addr: Option<PeerAddr>,
        direction: Direction,
        info: PeerInfo,
        ctx: &ZoneContext<'_>,
    ) {
        let dialled = addr.filter(|_| direction == Direction::Outbound);
        if let Some(addr) = dialled {
            self.dialer.dialing.remove(&addr);
        }
        if addr.is_some_and(|addr| self.book.is_banned(addr, ctx.unix)) {
            // It was accepted before the ban, or before a restart.
            self.effects.push_back(Effect::Disconnect { peer, reason: None });
            return;
        }
        let mut record = Peer::new(addr, direction, info, ctx.now);
        if let Some(noise) = &self.config.noise {
            record.reassembler = Reassembler::new(noise.config().frame);
        }
        if let Some(addr) = dialled {
            // A fixed address may not be in the book; then there is nothing to note.
            self.book.handle_connected(addr, record.info.capabilities, ctx.unix);
        } else if let Some(listen) = record.info.listen {
            // Whether it really listens there, trying will show.
            let _ = self.book.add(listen, record.source(), ctx.unix);
        }
        // Who comes to an onion service does not show its own name; if it has one, it tells.
        let is_asked =
            dialled.is_some() || (self.config.network.is_anonymous() && record.speaks_names());
        self.peers.insert(peer, record);
        self.meet(peer, ctx);
        if is_asked {
            self.ask_for_addrs(peer);
        }
        self.refresh_relays(ctx);
        self.greet(peer, ctx);
    }

    /// A connection that [`Effect::Connect`] asked for did not come about.
    pub fn handle_connect_failed(
        &mut self,
        addr: PeerAddr,
        why: DialFailure,
        ctx: &ZoneContext<'_>,
    ) {
        self.dialer.dialing.remove(&addr);
        match why {
            DialFailure::Peer => {
                self.book.handle_failed(addr, ctx.unix);
                self.miss(addr);
                self.dialer.postpone(addr, ctx.now, self.config.peers.dial_interval);
            }
            DialFailure::Oneself => {
                self.book.remove(addr);
                self.dialer.fixed.remove(&addr);
                self.miss(addr);
            }
            DialFailure::Proxy => {}
        }
        self.dialer.next_dial.get_or_insert(ctx.now + self.config.peers.dial_interval);
    }

    /// A connection is over. Stem transactions that were not sent go another way at once; an
    /// offence that ended it is on the host's account.
    pub fn handle_disconnected(
        &mut self,
        peer: PeerId,
        unsent: Vec<Message>,
        offence: Option<Offence>,
        ctx: &ZoneContext<'_>,
    ) {
        if let Some(offence) = offence {
            self.offend(peer, offence, ctx);
        }
        self.cancel_of(peer);
        let Some(mut record) = self.peers.remove(&peer) else { return };
        if let Some(addr) = record.addr.filter(|_| record.is_outbound()) {
            self.book.handle_seen(addr, ctx.unix);
            match ctx.now >= record.since + LASTING {
                true => self.dialer.forgive(addr, ctx.now),
                // It shakes hands and hangs up: no reason to hurry.
                false => {
                    let interval = self.config.peers.dial_interval;
                    self.dialer.postpone(addr, ctx.now, interval);
                }
            }
        }
        self.refresh_relays(ctx);
        self.handle_lost_noise(peer, ctx);
        for message in unsent {
            self.reroute(&mut record, &message, ctx);
        }
        self.dialer.next_dial.get_or_insert(ctx.now + self.config.peers.dial_interval);
    }

    /// A message could not be sent, though the connection is there. An announcement is tried again
    /// later; a relay that takes no stem transaction is as good as lost.
    pub fn handle_unsent(&mut self, peer: PeerId, message: Message, ctx: &ZoneContext<'_>) {
        let kernel = match &message {
            Message::StemTransaction(_) | Message::SealedStem { .. } => {
                return self.handle_unsent_stem(peer, &message, ctx);
            }
            Message::TransactionKernel(kernel) => Some(*kernel),
            Message::Transaction(tx) => tx.kernels().first().map(|kernel| *kernel.hash()),
            _ => None,
        };
        if let Some(kernel) = kernel {
            self.handle_untold(peer, kernel, ctx);
        }
    }

    fn handle_unsent_stem(&mut self, peer: PeerId, message: &Message, ctx: &ZoneContext<'_>) {
        let Some(mut record) = self.peers.remove(&peer) else { return };
        record.closing = true;
        self.refresh_relays(ctx);
        self.reroute(&mut record, message, ctx);
        self.peers.insert(peer, record);
        self.effects.push_back(Effect::Disconnect { peer, reason: None });
    }

    fn reroute(&mut self, record: &mut Peer, message: &Message, ctx: &ZoneContext<'_>) {
        if let Message::SealedStem { sink, sealed } = message {
            return self.handle_unsent_seal(*sink, sealed.clone(), ctx);
        }
        let Message::StemTransaction(tx) = message else { return };
        let first = tx.kernels().first().map(|kernel| *kernel.hash());
        if let Some(parts) = first.and_then(|kernel| record.take_stem(&kernel)) {
            self.with_pool(ctx, |pool, ctx| pool.handle_undelivered(&parts, ctx));
        }
    }

    pub(super) fn dial_timeout(&mut self, ctx: &ZoneContext<'_>) {
        if self.dialer.next_dial.is_some_and(|at| at <= ctx.now) {
            self.dialer.next_dial = self.dial(ctx);
        }
        if self.dialer.next_ask <= ctx.now {
            self.dialer.next_ask = ctx.now + ASK_INTERVAL;
            self.book.forget_ended_bans(ctx.unix);
            self.ask_somebody();
        }
    }

    /// Connects to what is missing. Returns when to look again, if anything is missing still.
    fn dial(&mut self, ctx: &ZoneContext<'_>) -> Option<Instant> {
        let mut next = self.dial_fixed(ctx);
        let lasting = |peer: &&Peer| peer.is_outbound() && peer.visit.is_none();
        let outbound = self.peers.values().filter(lasting).count();
        if outbound + self.dialer.dialing.len() < self.config.peers.outbound {
            let wait = match self.dial_from_book(ctx) {
                true => self.config.peers.dial_interval,
                false => IDLE_INTERVAL,
            };
            next = Some(next.map_or(ctx.now + wait, |at| at.min(ctx.now + wait)));
        }
        next
    }

    fn dial_fixed(&mut self, ctx: &ZoneContext<'_>) -> Option<Instant> {
        let connected: BTreeSet<_> = self.peers.values().filter_map(|peer| peer.addr).collect();
        let missing =
            |addr: &PeerAddr| !connected.contains(addr) && !self.dialer.dialing.contains(addr);
        let missing: Vec<_> = self
            .dialer
            .fixed
            .iter()
            .filter(|(addr, _)| missing(addr))
            .map(|(a, t)| (*a, *t))
            .collect();
        let mut next = None;
        for (addr, (mut at, _)) in missing {
            if self.book.is_banned(addr, ctx.unix) {
                at = ctx.now + FIXED_BACKOFF_MAX;
            }
            if at <= ctx.now {
                self.connect(addr, ctx);
            } else {
                next = Some(next.map_or(at, |next: Instant| next.min(at)));
            }
        }
        next
    }

    /// Prefers peers that are not connected to us. If there are none, an outbound link to one that
    /// is makes a relay of it; a Grin node refuses the second link, which does no harm.
    fn dial_from_book(&mut self, ctx: &ZoneContext<'_>) -> bool {
        let outbound = self.peers.values().filter(|peer| peer.is_outbound());
        let mut taken: Vec<_> = outbound.filter_map(|peer| peer.addr).collect();
        let groups: Vec<NetGroup> = taken.iter().map(PeerAddr::group).collect();
        taken.extend(&self.dialer.dialing);
        let listening = self.peers.values().filter_map(|peer| peer.info.listen);
        let connected: Vec<_> = taken.iter().copied().chain(listening).collect();
        let mut pick =
            |excluded: &[PeerAddr]| self.book.pick(ctx.unix, &mut self.rng, &groups, excluded);
        let Some(addr) = pick(&connected).or_else(|| pick(&taken)) else { return false };
        self.connect(addr, ctx);
        true
    }

    /// Connects to an address for an errand, unless we are connecting to it already.
    pub(super) fn dials(&mut self, addr: PeerAddr, ctx: &ZoneContext<'_>) -> bool {
        let is_new = !self.is_dialing(addr) && self.book.check(addr, ctx.unix).is_ok();
        if is_new {
            self.connect(addr, ctx);
        }
        is_new
    }

    pub(super) fn is_dialing(&self, addr: PeerAddr) -> bool {
        self.dialer.dialing.contains(&addr)
    }

    fn connect(&mut self, addr: PeerAddr, ctx: &ZoneContext<'_>) {
        self.dialer.dialing.insert(addr);
        self.book.handle_attempt(addr, ctx.unix);
        self.effects.push_back(Effect::Connect { addr });
    }

    fn ask_somebody(&mut self) {
        let outbound = self.peers.iter().filter(|(_, peer)| peer.is_outbound());
        if let Some(peer) = outbound.map(|(id, _)| *id).choose(&mut self.rng) {
            self.ask_for_addrs(peer);
        }
    }
}
