//! Sinks: who they are, and how what is sealed gets to them. See
//! [`rendezvous`](crate::dandelion::rendezvous).

mod carry;
mod held;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use lru::LruCache;
use scape_aggregate::Hash;
use scape_pool::{EntryId, Instant, PeerId, SinkId};

use self::held::Held;
use super::peer::Peer;
use super::{Effect, Zone, ZoneContext};
use crate::addr::PeerAddr;
use crate::book::UnixTime;
use crate::dandelion::rendezvous::{Almanac, Carrier, Epoch, Keys, SinkKey, elect, sink_count};
use crate::link::{Meter, MeterLimits, Offence};
use crate::secure::{Protection, PublicKey, StaticKey};
use crate::wire::Message;

/// What a zone knows of sinks, and what is on its way to them.
#[derive(Debug)]
pub(super) struct Sinks {
    /// What is sealed to us opens with it.
    key: Option<StaticKey>,
    keys: Keys,
    /// Peers that came to us and say they listen there: not heard of from anyone else yet.
    suspects: BTreeSet<PeerAddr>,
    pub(super) almanac: Almanac,
    epoch: Option<Epoch>,
    carrier: Carrier,
    /// What waits for a link to its sink.
    errands: BTreeMap<PeerAddr, Vec<(PublicKey, Bytes)>>,
    /// What is held before it leaves a zone with white noise outside of its frames.
    held: Held,
    /// Addresses that we connect to for that, or to see a key, and for nothing else.
    visits: BTreeSet<PeerAddr>,
    /// What was sealed here, by hash: how often it was sealed, and what it is made of.
    own: LruCache<Hash, (u8, Vec<EntryId>)>,
    next_probe: Instant,
    next_telling: Instant,
}

/// How often we connect to a node that we only heard of, or have not seen for long, to see its key.
const PROBE_INTERVAL: Duration = Duration::from_secs(30);
/// How often peers of our kind are told keys.
const TELL_INTERVAL: Duration = Duration::from_secs(120);
/// How long a link stays that was made for an errand.
const VISIT: Duration = Duration::from_secs(30);
/// How many addresses may be waiting for the first look at their key.
const MAX_SUSPECTS: usize = 256;
/// How much may wait for links to sinks, and for one of them.
const MAX_ERRANDS: (usize, usize) = (64, 64);
/// How many that were sealed here are remembered, in case they come back unsent.
const OWN: NonZeroUsize = NonZeroUsize::new(1_024).expect("not zero");
/// How many sinks beyond those in use are known by name.
const STANDBY: usize = 4;
/// The time between two blocks (`grin_core::consensus::BLOCK_TIME_SEC`).
const BLOCK_SECS: f64 = 60.0;
/// Sealed transactions that one link carries in a minute, out and in. An honest relay stays well
/// below what is taken from it, whatever others hand it.
const PER_MINUTE: (u32, u32) = (30, 60);

/// The meters of sealed transactions on one link.
#[derive(Debug)]
pub(super) struct SealedMeters {
    out: Meter,
    into: Meter,
}

impl Default for SealedMeters {
    fn default() -> Self {
        let meter = |messages_per_minute| {
            Meter::new(MeterLimits { messages_per_minute, ..MeterLimits::default() })
        };
        Self { out: meter(PER_MINUTE.0), into: meter(PER_MINUTE.1) }
    }
}

impl Sinks {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            key: None,
            keys: Keys::default(),
            suspects: BTreeSet::new(),
            almanac: Almanac::default(),
            epoch: None,
            carrier: Carrier::new(),
            errands: BTreeMap::new(),
            held: Held::default(),
            visits: BTreeSet::new(),
            own: LruCache::new(OWN),
            next_probe: now + PROBE_INTERVAL,
            next_telling: now + TELL_INTERVAL,
        }
    }

    fn is_ours(&self, sink: &PublicKey) -> bool {
        self.key.as_ref().is_some_and(|key| key.public() == *sink)
    }
}

impl Zone {
    /// From now on this node opens what is sealed to this key. It must be the one that it proves to
    /// have when others connect to it; without one it is no sink.
    pub fn set_sink_key(&mut self, key: StaticKey) {
        self.sinks.key = Some(key);
    }

    /// How many nodes may be sinks, as far as we know.
    pub fn known_keys(&self) -> usize {
        self.sinks.keys.len()
    }

    /// The keys of nodes that may be sinks as text, to be saved by the host: without them a node
    /// takes an hour after a restart to find the sinks that all others use.
    pub fn sink_keys(&self, now: UnixTime) -> String {
        self.sinks.keys.to_text(now)
    }

    /// Knows again what [`Zone::sink_keys`] gave before a restart, not more than a day ago. Returns
    /// how many lines were skipped. Call it before [`Zone::restore`].
    pub fn restore_sink_keys(&mut self, text: &str, now: UnixTime) -> usize {
        let allowed = |sink: &SinkKey| self.book.check(sink.addr, now).is_ok();
        let (keys, skipped) = Keys::from_text(text, now, allowed);
        self.sinks.keys = keys;
        skipped
    }

    /// The sinks that are used now.
    pub fn sinks(&self) -> &[SinkId] {
        self.router.sinks()
    }

    pub(super) fn sinks_timeout(&self) -> Option<Instant> {
        let visits = self.peers.values().filter_map(|peer| peer.visit);
        let held = self.sinks.held.poll_timeout();
        visits.chain(held).chain([self.sinks.next_probe, self.sinks.next_telling]).min()
    }

    /// Ends visits, delivers what was held, tells peers of keys, and looks at one that we only heard
    /// of.
    pub(super) fn on_sinks_timeout(&mut self, ctx: &ZoneContext<'_>) {
        let is_over = |peer: &Peer| peer.visit.is_some_and(|end| end <= ctx.now);
        for (id, peer) in self.peers.iter_mut().filter(|(_, peer)| is_over(peer)) {
            peer.visit = None;
            peer.closing = true;
            self.effects.push_back(Effect::Disconnect { peer: *id, reason: None });
        }
        self.on_held_timeout(ctx);
        if self.sinks.next_telling <= ctx.now {
            self.sinks.next_telling = ctx.now + TELL_INTERVAL;
            let friends = self.peers.iter().filter(|(_, peer)| peer.speaks_names());
            let friends: Vec<_> = friends.map(|(id, _)| *id).collect();
            friends.into_iter().for_each(|peer| self.tell_keys(peer));
        }
        if self.sinks.next_probe <= ctx.now {
            self.sinks.next_probe = ctx.now + PROBE_INTERVAL;
            let suspect = self.sinks.suspects.pop_first();
            let height = ctx.chain.tip().height;
            let doubtful = || self.sinks.keys.doubtful(height, &mut self.rng);
            if let Some(addr) = suspect.or_else(doubtful) {
                self.visit(addr, ctx);
            }
        }
    }

    /// The parameters changed: who the sinks are depends on them.
    pub(super) fn elect_again(&mut self, ctx: &ZoneContext<'_>) {
        self.sinks.epoch = None;
        self.elect_sinks(ctx);
    }

    /// Elects the sinks of an epoch that begins.
    pub(super) fn elect_sinks(&mut self, ctx: &ZoneContext<'_>) {
        let Some(params) = self.config.params.rendezvous else {
            self.sinks.epoch = None;
            return self.router.set_sinks(Vec::new(), 0);
        };
        let epoch = self.sinks.almanac.epoch(ctx.chain.tip().height);
        if epoch == self.sinks.epoch {
            return;
        }
        self.sinks.epoch = epoch;
        let (mut sinks, mut count) = (Vec::new(), 0);
        if let Some(epoch) = epoch {
            let per_second = self.sinks.almanac.per_block(&epoch) / BLOCK_SECS;
            count = sink_count(per_second, params.pool.window, params.company);
            let others = self.sinks.keys.nominees().filter(|n| !self.sinks.is_ours(&n.key));
            let others: Vec<_> = others.collect();
            if others.len() >= params.least_known {
                sinks = elect(others, &epoch, count.saturating_add(STANDBY));
            }
        }
        self.router.set_sinks(sinks.into_iter().map(|key| SinkId(key.0)).collect(), count);
    }

    /// A link came about: what the peer proved is remembered, and errands to it are done.
    pub(super) fn meet(&mut self, id: PeerId, ctx: &ZoneContext<'_>) {
        let Some(record) = self.peers.get_mut(&id) else { return };
        let (outbound, protection) = (record.is_outbound(), record.info.protection);
        let (Some(addr), true) = (record.addr, outbound) else {
            let listens = record.info.listen.filter(|_| record.speaks_names());
            if let Some(addr) = listens.filter(|_| self.sinks.suspects.len() < MAX_SUSPECTS) {
                self.sinks.suspects.insert(addr);
            }
            return self.tell_keys(id);
        };
        if self.sinks.visits.remove(&addr) {
            record.visit = Some(ctx.now + VISIT);
        }
        self.sinks.suspects.remove(&addr);
        let errands = self.sinks.errands.remove(&addr).unwrap_or_default();
        let Protection::Encrypted { key, .. } = protection else {
            return self.sinks.keys.remove(addr);
        };
        self.sinks.keys.prove(SinkKey { addr, key }, ctx.chain.tip().height);
        for (sink, sealed) in errands.into_iter().filter(|(sink, _)| *sink == key) {
            self.send(id, Message::SealedStem { sink, sealed });
        }
        self.tell_keys(id);
    }

    /// A link did not come about. What was to be delivered over it is lost here; who made it will
    /// seal it anew.
    pub(super) fn miss(&mut self, addr: PeerAddr) {
        self.sinks.visits.remove(&addr);
        self.sinks.errands.remove(&addr);
        self.sinks.keys.fail(addr);
    }

    fn visit(&mut self, addr: PeerAddr, ctx: &ZoneContext<'_>) {
        let is_linked =
            self.peers.values().any(|peer| peer.is_outbound() && peer.addr == Some(addr));
        if !is_linked && self.dials(addr, ctx) {
            self.sinks.visits.insert(addr);
        }
    }

    fn tell_keys(&mut self, peer: PeerId) {
        let is_friend = self.peers.get(&peer).is_some_and(Peer::speaks_names);
        let keys = self.sinks.keys.sample(&mut self.rng);
        if is_friend && !keys.is_empty() {
            self.send(peer, Message::SinkKeys(keys));
        }
    }

    /// What peers say that we did not choose is worth nothing: they may be as many as they like.
    pub(super) fn handle_sink_keys(
        &mut self,
        peer: PeerId,
        keys: &[SinkKey],
        ctx: &ZoneContext<'_>,
    ) {
        let Some(record) = self.peers.get_mut(&peer) else { return };
        if !record.speaks_names() {
            return self.offend(peer, Offence::Unsolicited, ctx);
        }
        // Who tells more often says the same, or too much.
        if record.told_us_keys.is_some_and(|last| ctx.now < last + TELL_INTERVAL / 4) {
            return;
        }
        record.told_us_keys = Some(ctx.now);
        let (Some(addr), true, None) = (record.addr, record.is_outbound(), record.visit) else {
            return;
        };
        let ours = |sink: &&SinkKey| {
            sink.addr.network() == self.config.network && !self.sinks.is_ours(&sink.key)
        };
        let keys: Vec<_> = keys.iter().filter(ours).copied().collect();
        for sink in keys {
            // Where nobody may listen, or a ban holds, the book says so.
            if self.book.check(sink.addr, ctx.unix).is_ok() {
                self.sinks.keys.learn(sink, addr.group(), ctx.chain.tip().height);
            }
        }
    }
}
