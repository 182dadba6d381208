//! Links: which end is whose, and when what arrives.

use std::net::SocketAddr;

use rand::RngExt;
use scape_p2p::addr::{Network as AddrNetwork, PeerAddr};
use scape_p2p::noise::{FrameSize, Reassembler};
use scape_p2p::peer::Direction;
use scape_p2p::wire::{Message, WireError};
use scape_p2p::zone::DialFailure;
use scape_pool::{ChainView, Instant, PeerId};

use super::event::{Event, Life};
use super::outbox::Outbox;
use super::wire::Parcel;
use super::{Happening, LinkConfig, Network, NodeId, Observation, Pass, Received};

/// One end of a link; its number is the [`PeerId`] by which its owner knows the other end.
pub(super) struct End {
    pub(super) owner: NodeId,
    pub(super) far: PeerId,
    pub(super) up: bool,
    pub(super) config: LinkConfig,
    /// When the last thing arrives here; nothing overtakes it.
    last: Instant,
    pub(super) outbox: Outbox,
    /// What came of the frames that its owner made.
    pub(super) said: Reassembler,
}

impl Network {
    pub(super) fn end(&self, id: PeerId) -> Option<&End> {
        self.ends.get(usize::try_from(id.0).ok()?)
    }

    pub(super) fn end_mut(&mut self, id: PeerId) -> Option<&mut End> {
        self.ends.get_mut(usize::try_from(id.0).ok()?)
    }

    /// Whose an end is and who is at the other, while the link is up.
    pub(super) fn ends_of(&self, id: PeerId) -> Option<(NodeId, PeerId, NodeId)> {
        let near = self.end(id).filter(|end| end.up)?;
        Some((near.owner, near.far, self.end(near.far)?.owner))
    }

    /// When something that leaves at a moment arrives at an end.
    pub(super) fn arrival(&mut self, to: PeerId, leaves: Instant) -> Instant {
        let Some(LinkConfig { delay, jitter, reorder, .. }) = self.end(to).map(|end| end.config)
        else {
            return leaves;
        };
        let at = self.drawn_arrival(to, leaves);
        if self.happens(reorder) {
            return at + delay + jitter;
        }
        self.after_the_last(to, at)
    }

    /// The same for what no link lets anything overtake.
    pub(super) fn arrival_in_order(&mut self, to: PeerId, leaves: Instant) -> Instant {
        let at = self.drawn_arrival(to, leaves);
        self.after_the_last(to, at)
    }

    fn drawn_arrival(&mut self, to: PeerId, leaves: Instant) -> Instant {
        let config = self.end(to).map(|end| end.config);
        let Some(LinkConfig { delay, jitter, .. }) = config else { return leaves };
        leaves + delay + jitter.mul_f64(self.rng.random::<f64>())
    }

    fn after_the_last(&mut self, to: PeerId, at: Instant) -> Instant {
        let Some(end) = self.end_mut(to) else { return at };
        end.last = end.last.max(at);
        end.last
    }

    /// Draws, unless there is nothing to decide: then other draws stay what they were.
    fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.rng.random::<f64>() < probability
    }

    /// A node wants a link.
    pub(super) fn dial(&mut self, from: NodeId, addr: PeerAddr) {
        let (life, at) = (self.nodes[from.0].life, self.now + self.config.link.delay);
        let event = match NodeId::reached_at(addr).filter(|to| self.is_on(*to, addr.network())) {
            Some(to) if to != from => Event::Dialled { from, life, addr },
            Some(_) => Event::DialFailed { node: from, life, addr, why: DialFailure::Oneself },
            None => Event::DialFailed { node: from, life, addr, why: DialFailure::Peer },
        };
        self.queue.push(at, event);
    }

    /// Whether there is such a node, on this network.
    fn is_on(&self, node: NodeId, network: AddrNetwork) -> bool {
        self.nodes.get(node.0).is_some_and(|node| node.config.network == network)
    }

    pub(super) fn on_dialled(&mut self, from: NodeId, life: Life, addr: PeerAddr) {
        let to = NodeId::reached_at(addr).unwrap_or(from);
        let host = from.addr().ip();
        let (caller, called) = (&self.nodes[from.0], &self.nodes[to.0]);
        let refused = called.zone.is_none()
            || caller.side != called.side
            || called.blocked.get(&host).is_some_and(|until| *until > self.now);
        if caller.life != life || caller.zone.is_none() {
            return;
        }
        if refused {
            let at = self.now + self.config.link.delay;
            let event = Event::DialFailed { node: from, life, addr, why: DialFailure::Peer };
            return self.queue.push(at, event);
        }
        // Who comes through an anonymity network shows nothing of itself.
        let is_hidden = addr.network().is_anonymous();
        let shown = (!is_hidden).then(|| from.on(addr.network()));
        let (at_caller, at_called) = (caller.info(shown, called), called.info(Some(addr), caller));
        let (near, far) = self.make_link(from, to);
        let at = self.arrival(near, self.now);
        self.queue.push(at, Event::Connected { end: near, addr, info: at_called });
        self.observe(to, Observation::Connected(from));
        self.nodes[to.0].links.insert(far, from);
        // What the acceptor sees is a port that nobody listens on.
        let port = 40_000 + (far.0 % 20_000) as u16;
        let seen = shown.map(|_| PeerAddr::from(SocketAddr::new(host, port)));
        self.with_zone(to, |zone, ctx| {
            zone.handle_connected(far, seen, Direction::Inbound, at_caller, ctx);
        });
        self.send_tip(far);
    }

    fn make_link(&mut self, from: NodeId, to: NodeId) -> (PeerId, PeerId) {
        let near = PeerId(self.ends.len() as u64);
        let far = PeerId(near.0 + 1);
        let config = self.links.get(&(from.min(to), from.max(to))).copied();
        let config = config.unwrap_or(self.config.link);
        let last = self.now;
        let end = |owner: NodeId, to: NodeId, far| {
            let slowest = [config.rate, self.nodes[owner.0].writes, self.nodes[to.0].reads];
            let config = LinkConfig { rate: slowest.into_iter().flatten().min(), ..config };
            let said = Reassembler::new(FrameSize::DEFAULT);
            End { owner, far, up: true, config, last, outbox: Outbox::default(), said }
        };
        let ends = [end(from, to, far), end(to, from, near)];
        self.ends.extend(ends);
        (near, far)
    }

    pub(super) fn on_connected(
        &mut self,
        end: PeerId,
        addr: PeerAddr,
        info: scape_p2p::handshake::PeerInfo,
    ) {
        let Some((owner, _, to)) = self.ends_of(end) else { return };
        self.nodes[owner.0].links.insert(end, to);
        self.observe(owner, Observation::Connected(to));
        self.with_zone(owner, |zone, ctx| {
            zone.handle_connected(end, Some(addr), Direction::Outbound, info, ctx);
        });
        self.send_tip(end);
    }

    /// Sends a message from an end, past the behaviour of the node. False if the link is down, or
    /// slow and too much is waiting for it.
    pub(super) fn transmit(&mut self, from: PeerId, message: Message) -> bool {
        let Some((owner, far, to)) = self.ends_of(from) else { return false };
        let Some(config) = self.end(from).map(|end| end.config) else { return false };
        let Some(leaves) = self.queue_up(from, config, &message) else { return false };
        if !matches!(message, Message::Ping(_) | Message::Pong(_)) {
            let height = self.nodes[owner.0].ledger.tip().height;
            let copy = || message.clone();
            self.happened(|| Happening::Sent {
                from: owner,
                to,
                link: from,
                height,
                hidden: false,
                message: copy(),
            });
        }
        let parted = self.nodes[owner.0].side != self.nodes[to.0].side;
        let lost = self.happens(config.loss);
        let version = scape_aggregate::ProtocolVersion::LOCAL;
        let Ok(parcel) = self.config.wire.pack(message, version, &self.config.consensus) else {
            return false;
        };
        if !parted && !lost {
            if self.happens(config.duplicate) {
                let at = self.arrival(far, leaves);
                self.queue.push(at, Event::Deliver { to: far, parcel: parcel.clone() });
            }
            let at = self.arrival(far, leaves);
            self.queue.push(at, Event::Deliver { to: far, parcel });
        }
        true
    }

    /// When a message leaves its node, through a link that takes only so many bytes a second.
    fn queue_up(&mut self, from: PeerId, config: LinkConfig, message: &Message) -> Option<Instant> {
        let now = self.now;
        let Some(rate) = config.rate else { return Some(now) };
        self.end_mut(from)?.outbox.push(message, rate, now)
    }

    pub(super) fn on_deliver(&mut self, to: PeerId, parcel: Parcel) {
        let Some((owner, _, from)) = self.ends_of(to) else { return };
        if let Parcel::Frame(frame) = &parcel {
            let whole = self.with_zone(owner, |zone, ctx| zone.handle_frame(to, frame, ctx));
            if let Some(message) = whole.flatten() {
                self.receive(owner, to, from, message);
            }
            return;
        }
        let version = scape_aggregate::ProtocolVersion::LOCAL;
        let message = match parcel.unpack(version, &self.config.consensus) {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(WireError::BadTransaction(_)) => {
                self.with_zone(owner, |zone, ctx| zone.handle_bad_transaction(to, ctx));
                return;
            }
            Err(_) => return self.close(to),
        };
        self.receive(owner, to, from, message);
    }

    fn receive(&mut self, owner: NodeId, to: PeerId, from: NodeId, message: Message) {
        let node = &mut self.nodes[owner.0];
        if node.records {
            node.inbox.push(Received { at: self.now, from, message: message.clone() });
        }
        let pass = self.ask(owner, |behaviour, scope| behaviour.incoming(from, &message, scope));
        if pass != Some(Pass::Swallow) {
            self.with_zone(owner, |zone, ctx| zone.handle_message(to, message, ctx));
        }
    }

    /// One side ends a link: it knows at once, the other when the news has come.
    pub(super) fn close(&mut self, id: PeerId) {
        let Some((owner, far, to)) = self.ends_of(id) else { return };
        let at = self.arrival(far, self.now);
        self.queue.push(at, Event::Close { end: far });
        let now = self.now;
        let Some(end) = self.end_mut(id) else { return };
        end.up = false;
        let mut unsent = end.outbox.take_unsent(now);
        if let Some(to) = self.nodes[owner.0].links.remove(&id) {
            self.observe(owner, Observation::Disconnected(to));
        }
        if !unsent.is_empty() && self.nodes[owner.0].zone.is_some() {
            let messages = unsent.clone();
            self.happened(|| Happening::Unsent { from: owner, messages });
            let pass = self.ask(owner, |behaviour, scope| behaviour.unsent(to, &unsent, scope));
            if pass == Some(Pass::Swallow) {
                unsent.clear();
            }
        }
        self.with_zone(owner, |zone, ctx| zone.handle_disconnected(id, unsent, None, ctx));
    }

    fn send_tip(&mut self, from: PeerId) {
        let Some(owner) = self.end(from).map(|end| end.owner) else { return };
        let tip = self.nodes[owner.0].tip();
        self.transmit(from, Message::Ping(tip));
    }

    /// Tells all peers of a node the height of its chain. Both ends of a link do, so there is
    /// nothing to answer.
    pub(super) fn ping_all(&mut self, node: NodeId) {
        let ends: Vec<PeerId> = self.nodes[node.0].links.keys().copied().collect();
        ends.into_iter().for_each(|end| self.send_tip(end));
    }
}
