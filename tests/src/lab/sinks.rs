//! Sealed transactions on their way to sinks, in [`World`].

use std::time::Duration;

use rand::RngExt;
use rand::seq::IndexedRandom;
use scape_aggregate::{Hash, ValidTx};
use scape_p2p::dandelion::RendezvousParams;
use scape_p2p::dandelion::rendezvous::{Almanac, Epoch, Nominee, Onward, SIZES, elect, sink_count};
use scape_p2p::secure::PublicKey;
use scape_pool::{EntryId, Instant, PeerId, SinkId, Source};

use super::latency::mix;
use super::population::{NodeKind, candidate};
use super::run::{Observer, Passage, Sight, StemMessage};
use super::world::{Event, HEADER_BYTES, World};

/// What all nodes know of sinks, but for those that do not know all keys.
#[derive(Debug, Default)]
pub(super) struct Sinks {
    pub(super) almanac: Almanac,
    epoch: Option<Epoch>,
    /// The first ones of this epoch, the best one first.
    ranking: Vec<u32>,
    /// How many are used.
    count: usize,
    /// How many epochs there were.
    number: u32,
    /// What was sealed, by the number in its event.
    pub(super) parcels: Vec<Parcel>,
}

/// A sealed transaction.
#[derive(Debug)]
pub(super) struct Parcel {
    tx: ValidTx,
    sink: u32,
}

/// How many of the best are known to each node that knows all.
const RANKED: usize = 200;

/// Messages from the first packet until a link that was not there is encrypted: of TCP, of Grin's
/// handshake and of Noise.
const DIAL_MESSAGES: u32 = 7;

impl World<'_> {
    fn rendezvous(&self) -> Option<RendezvousParams> {
        self.experiment.params.rendezvous
    }

    /// Elects sinks if an epoch begins.
    pub(super) fn elect_sinks(&mut self) {
        let Some(params) = self.rendezvous() else { return };
        let epoch = self.sinks.almanac.epoch(self.chain.height());
        if epoch == self.sinks.epoch {
            return;
        }
        self.sinks.epoch = epoch;
        self.sinks.number += 1;
        let Some(epoch) = epoch else { return };
        let speaking = (0u32..).zip(&self.nodes).filter(|(_, node)| node.speaks);
        let nominees: Vec<_> = speaking.map(|(id, _)| nominee(id)).collect();
        let share = nominees.len() as f64 / self.nodes.len() as f64;
        let per_second =
            self.sinks.almanac.per_block(&epoch) / self.experiment.block_time.as_secs_f64();
        self.sinks.count = sink_count(per_second * share, params.pool.window, params.company);
        let enough = nominees.len() >= params.least_known;
        let elected = if enough { elect(nominees, &epoch, RANKED) } else { Vec::new() };
        self.sinks.ranking = elected.into_iter().map(|key| node_of(SinkId(key.0))).collect();
    }

    /// Tells a node of the sinks, if it has not heard of them in this epoch.
    pub(super) fn refresh_sinks(&mut self, id: u32) {
        let Sinks { number, count, ranking, .. } = &self.sinks;
        let node = &mut self.nodes[id as usize];
        if node.sinks_of == *number || !node.speaks {
            return;
        }
        node.sinks_of = *number;
        let (view, seed) = (self.experiment.view, self.seed);
        let knows = |other: &u32| {
            let bits = mix(mix(seed ^ u64::from(id)) ^ u64::from(*other));
            *other != id && (bits >> 11) as f64 / (1u64 << 53) as f64 <= view
        };
        let known = ranking.iter().filter(|other| knows(other)).take(count + 3);
        node.router.set_sinks(known.map(|other| sink_of(*other)).collect(), *count);
    }

    /// Hands something sealed to who carries it.
    pub(super) fn seal(
        &mut self,
        from: u32,
        sink: SinkId,
        tx: ValidTx,
        (parts, attempt): (Vec<EntryId>, u8),
        now: Instant,
    ) {
        let Some(carrier) = self.nodes[from as usize].router.carrier(None, attempt) else {
            self.with_node(from, now, |pool, ctx| pool.handle_undelivered(&parts, ctx));
            return;
        };
        let number = self.sinks.parcels.len() as u32;
        self.sinks.parcels.push(Parcel { tx, sink: node_of(sink) });
        self.nodes[from as usize].carrier.remember(name(number));
        self.carry(from, carrier.0 as u32, number, now, false);
    }

    fn carry(&mut self, from: u32, to: u32, parcel: u32, now: Instant, dial: bool) {
        let payments = self.payments_in(&self.sinks.parcels[parcel as usize].tx);
        let size = SIZES.into_iter().find(|size| payments.len() * 1_700 <= *size);
        let bytes = HEADER_BYTES + 32 + size.unwrap_or(SIZES[0]) as u64;
        self.run.stem_bytes += bytes;
        for &payment in &payments {
            self.run.outcomes[payment as usize].hops += 1;
        }
        self.run.messages.push(StemMessage { at: now, from, to, bytes, payments });
        let messages = if dial { DIAL_MESSAGES + 1 } else { 1 };
        let latency: Duration = self.experiment.latency.of(from, to, self.seed);
        self.schedule(now + latency * messages, Event::Sealed { to, from, parcel });
    }

    pub(super) fn on_sealed(&mut self, to: u32, from: u32, parcel: u32, now: Instant) {
        let sink = self.sinks.parcels[parcel as usize].sink;
        let kind = self.nodes[to as usize].kind;
        if kind != NodeKind::Honest {
            let swallowed = kind == NodeKind::BlackHole;
            self.run.passages.push(Passage { at: now, spy: to, from, sink, parcel, swallowed });
        }
        if sink == to {
            return self.open(to, from, parcel, now);
        }
        let hold = self.experiment.hold;
        if kind == NodeKind::Spy && !hold.is_zero() {
            return self.schedule(now + hold, Event::Held { at: to, from, parcel });
        }
        self.on_held(to, from, parcel, now);
    }

    /// What is sealed to somebody else goes on from a node.
    pub(super) fn on_held(&mut self, to: u32, from: u32, parcel: u32, now: Instant) {
        let (sink, kind) = (self.sinks.parcels[parcel as usize].sink, self.nodes[to as usize].kind);
        let forward = self.rendezvous().map_or(0.0, |params| params.forward);
        let node = &mut self.nodes[to as usize];
        if kind == NodeKind::BlackHole {
            return self.swallow(parcel);
        }
        let next = node.router.carrier(Some(PeerId(u64::from(from))), 0);
        match (node.carrier.onward(name(parcel), forward, &mut self.rng), next) {
            (Onward::Drop, _) => {}
            (Onward::Forward, Some(next)) => self.carry(to, next.0 as u32, parcel, now, false),
            (Onward::Forward, None) | (Onward::Deliver, _) => {
                self.carry(to, sink, parcel, now, true);
            }
        }
    }

    fn swallow(&mut self, parcel: u32) {
        for payment in self.payments_in(&self.sinks.parcels[parcel as usize].tx) {
            self.run.outcomes[payment as usize].swallowed = true;
        }
    }

    fn open(&mut self, to: u32, from: u32, parcel: u32, now: Instant) {
        let tx = self.sinks.parcels[parcel as usize].tx.clone();
        let payments = self.payments_in(&tx);
        let kind = self.nodes[to as usize].kind;
        if kind != NodeKind::Honest {
            let (observer, from) = (Observer::Relay(to), Some(from));
            self.run.sights.push(Sight { at: now, observer, from, payments: payments.clone() });
        }
        if kind == NodeKind::BlackHole {
            return self.swallow(parcel);
        }
        self.hold(to, &payments, now);
        self.with_node(to, now, |pool, ctx| {
            let _ = pool.handle_sealed(tx, Source::Peer(PeerId(u64::from(from))), ctx);
        });
    }

    /// One of the sinks in use that are honest, at random.
    pub(super) fn honest_sink(&mut self) -> Option<u32> {
        let Sinks { ranking, count, .. } = &self.sinks;
        let used = ranking.iter().copied().take(*count);
        let honest = used.filter(|id| self.nodes[*id as usize].kind == NodeKind::Honest);
        honest.collect::<Vec<_>>().choose(&mut self.rng).copied()
    }

    /// Nodes of our own kind see to it that some of their peers are so, too.
    pub(super) fn befriend(&mut self) {
        let speaking: Vec<u32> =
            (0u32..).zip(&self.nodes).filter(|(_, node)| node.speaks).map(|(id, _)| id).collect();
        if self.rendezvous().is_none() || speaking.len() < 10 {
            return;
        }
        for &id in &speaking {
            let is_friend = |peer: &u32| self.nodes[*peer as usize].speaks;
            let mut friends = self.graph.outbound(id).iter().filter(|p| is_friend(p)).count();
            for slot in 0..self.graph.outbound(id).len() {
                if friends >= FRIENDS || is_friend(&self.graph.outbound(id)[slot]) {
                    continue;
                }
                let peer = speaking[self.rng.random_range(0..speaking.len())];
                if let Some(lost) = self.graph.replace(id, slot, peer) {
                    self.diffusion.replace(id, lost, peer);
                    friends += 1;
                }
            }
            self.set_candidates(id);
        }
    }

    pub(super) fn set_candidates(&mut self, id: u32) {
        let peers = self.graph.outbound(id);
        let speaks = |peer: u32| self.nodes[peer as usize].speaks;
        let candidates: Vec<_> = peers.iter().map(|&peer| candidate(peer, speaks(peer))).collect();
        self.nodes[id as usize].router.set_candidates(candidates);
    }
}

/// How many peers of our own kind a node wants.
const FRIENDS: usize = 3;

fn nominee(id: u32) -> Nominee {
    Nominee { key: PublicKey(sink_of(id).0), group: candidate(id, true).group, known: 0 }
}

fn sink_of(node: u32) -> SinkId {
    let mut sink = SinkId([0; 32]);
    sink.0[..4].copy_from_slice(&node.to_be_bytes());
    sink
}

fn node_of(sink: SinkId) -> u32 {
    let [a, b, c, d, ..] = sink.0;
    u32::from_be_bytes([a, b, c, d])
}

fn name(parcel: u32) -> Hash {
    Hash::of(&[&parcel.to_be_bytes()])
}
