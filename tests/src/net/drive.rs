//! One event after the other: what reaches the zones, and what they want done.

use std::time::Duration;

use scape_aggregate::{Hash, ValidTx};
use scape_p2p::book::UnixTime;
use scape_p2p::wire::Message;
use scape_p2p::zone::{Effect, Zone, ZoneContext};
use scape_pool::{Instant, PeerId};

use super::event::{Event, Life};
use super::{Happening, Network, NodeId, Observation, Pass};

/// How long a zone sleeps on whose timer was swallowed.
const OVERSLEEP: Duration = Duration::from_secs(60);

impl Network {
    pub(super) fn step(&mut self) {
        let Some((at, event)) = self.queue.pop() else { return };
        self.now = self.now.max(at);
        self.events += 1;
        self.note(&event);
        match event {
            Event::Wake(node, life) => self.on_wake(node, life),
            Event::Ping(node, life) => self.on_ping(node, life),
            Event::Deliver { to, parcel } => self.on_deliver(to, parcel),
            Event::Frame { from, frame } => self.on_frame(from, frame),
            Event::Close { end } => self.close(end),
            Event::Dialled { from, life, addr } => self.on_dialled(from, life, addr),
            Event::Connected { end, addr, info } => self.on_connected(end, addr, info),
            Event::DialFailed { node, life, addr, why } if self.lives(node, life) => {
                self.with_zone(node, |zone, ctx| zone.handle_connect_failed(addr, why, ctx));
            }
            Event::Verified(node, life, ticket, verdict) if self.lives(node, life) => {
                self.with_zone(node, |zone, ctx| zone.handle_verified(ticket, verdict, ctx));
            }
            Event::DialFailed { .. } | Event::Verified(..) => {}
            Event::Block(node, block) => self.on_block(node, &block),
            Event::Mine => self.on_mine(),
            Event::Behave(node, life) => self.on_behave(node, life),
            Event::Action(action) => action(self),
        }
    }

    /// Chains the event to the trace.
    fn note(&mut self, event: &Event) {
        let (subject, content) = match event {
            Event::Wake(node, _) | Event::Ping(node, _) | Event::Behave(node, _) => {
                (node.0 as u64, None)
            }
            Event::Deliver { to, parcel } => (to.0, Some(parcel.digest())),
            Event::Frame { from, frame } => (from.0, Some(Hash::of(&[frame]))),
            Event::Close { end } | Event::Connected { end, .. } => (end.0, None),
            Event::Dialled { from: node, addr, .. } | Event::DialFailed { node, addr, .. } => {
                (node.0 as u64, Some(Hash::of(&[addr.to_string().as_bytes()])))
            }
            Event::Verified(node, _, ticket, verdict) => (
                node.0 as u64,
                Some(Hash::of(&[&ticket.0.to_be_bytes(), &[verdict.is_ok().into()]])),
            ),
            Event::Block(node, block) => (node.0 as u64, Some(block.hash())),
            Event::Mine | Event::Action(_) => (0, None),
        };
        let numbers = [self.now.as_micros().to_be_bytes(), subject.to_be_bytes()].concat();
        let content = content.unwrap_or_default();
        let parts: [&[u8]; 4] =
            [self.trace.as_bytes(), &[event.tag()], &numbers, content.as_bytes()];
        self.trace = Hash::of(&parts);
    }

    pub(super) fn lives(&self, node: NodeId, life: Life) -> bool {
        self.nodes[node.0].life == life
    }

    fn on_wake(&mut self, node: NodeId, life: Life) {
        if self.lives(node, life) && self.nodes[node.0].wake == Some(self.now) {
            self.nodes[node.0].wake = None;
            if self.ask(node, |behaviour, scope| behaviour.timeout(scope)) == Some(Pass::Swallow) {
                let at = self.now + OVERSLEEP;
                self.nodes[node.0].wake = Some(at);
                return self.queue.push(at, Event::Wake(node, life));
            }
            self.with_zone(node, Zone::handle_timeout);
            self.happened(|| Happening::Timed(node));
            let next = self.nodes[node.0].zone.as_ref().map(Zone::poll_timeout);
            let now = self.nodes[node.0].clock.shows(self.now);
            assert!(next.is_none_or(|at| at > now), "the zone of {node} wants no sleep");
        }
    }

    fn on_ping(&mut self, node: NodeId, life: Life) {
        if self.lives(node, life) && self.nodes[node.0].zone.is_some() {
            self.queue.push(self.now + self.config.ping_interval, Event::Ping(node, life));
            self.ping_all(node);
        }
    }

    /// Calls the zone of a node, if it is up, and carries out what it wants.
    pub(super) fn with_zone<R>(
        &mut self,
        id: NodeId,
        call: impl FnOnce(&mut Zone, &ZoneContext<'_>) -> R,
    ) -> Option<R> {
        let node = &mut self.nodes[id.0];
        let now = node.clock.shows(self.now);
        let ctx = ZoneContext { now, unix: unix(now), chain: &node.ledger };
        let result = call(node.zone.as_mut()?, &ctx);
        while let Some(effect) = self.nodes[id.0].zone.as_mut().and_then(Zone::poll_effect) {
            self.carry_out(id, effect);
        }
        self.happened(|| Happening::Called(id));
        self.schedule_wake(id);
        Some(result)
    }

    fn carry_out(&mut self, id: NodeId, effect: Effect) {
        match effect {
            Effect::Send { peer, message } => self.on_send(id, peer, message),
            Effect::Frame { peer, at, frame } => self.schedule_frame(id, peer, at, frame),
            Effect::Connect { addr } => self.dial(id, addr),
            Effect::HandOver { tx } => self.hand_over(id, tx),
            Effect::Disconnect { peer, reason } => {
                if let (Some(_), Some(far)) = (reason, self.nodes[id.0].peer(peer)) {
                    self.observe(id, Observation::Expelled(far));
                }
                self.close(peer);
            }
            Effect::Block { ip, duration } => {
                self.nodes[id.0].blocked.insert(ip, self.now + duration);
                if let Some(node) = NodeId::at(ip) {
                    self.observe(id, Observation::Blocked(node));
                }
            }
            Effect::Unblock { ip } => {
                self.nodes[id.0].blocked.remove(&ip);
            }
            Effect::Verify { ticket, tx, .. } => {
                let verdict = self.verifier.verify(tx);
                let event = Event::Verified(id, self.nodes[id.0].life, ticket, verdict);
                self.queue.push(self.now + self.config.verify_delay, event);
            }
            // The verdict is on its way already.
            Effect::Cancel { .. } => {}
            Effect::Keep(record) => drop(self.nodes[id.0].journal.insert(record.key(), record)),
            Effect::Erase { key } => drop(self.nodes[id.0].journal.remove(&key)),
            Effect::Pushed { ticket, verdict } => {
                self.observe(id, Observation::Pushed(ticket, verdict));
            }
            Effect::Notice(notice) => self.observe(id, Observation::Notice(notice)),
        }
    }

    /// What came in one zone goes on in the public one of the same node.
    fn hand_over(&mut self, id: NodeId, tx: ValidTx) {
        let Some(public) = self.nodes[id.0].beside else { return };
        if self.ask(id, |behaviour, scope| behaviour.handing_over(&tx, scope))
            == Some(Pass::Swallow)
        {
            return;
        }
        self.happened(|| Happening::HandedOver { to: public, tx: tx.as_transaction().clone() });
        // Whether it is taken is nobody's business.
        self.with_zone(public, |zone, ctx| zone.take_over(tx, ctx).ok());
    }

    fn on_send(&mut self, id: NodeId, peer: PeerId, message: Message) {
        if let Some(far) = self.nodes[id.0].links.get(&peer).copied()
            && self.ask(id, |behaviour, scope| behaviour.outgoing(far, &message, scope))
                == Some(Pass::Swallow)
        {
            return;
        }
        if !self.transmit(peer, message.clone()) {
            self.with_zone(id, |zone, ctx| zone.handle_unsent(peer, message, ctx));
        }
    }

    pub(super) fn schedule_wake(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.0];
        let Some(zone) = &node.zone else { return };
        let at = node.clock.moment(zone.poll_timeout()).max(self.now);
        if node.wake != Some(at) {
            node.wake = Some(at);
            self.queue.push(at, Event::Wake(id, node.life));
        }
    }
}

/// What time it is for address books when virtual time begins.
const EPOCH: u64 = 1_700_000_000;

/// What the address book of a node takes the time for.
pub(super) fn unix(now: Instant) -> UnixTime {
    UnixTime(EPOCH + now.as_micros() / 1_000_000)
}
