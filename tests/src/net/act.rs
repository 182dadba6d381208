//! Behaviours at work: what they are asked, and what they want done.

use scape_p2p::wire::Message;

use super::behaviour::Act;
use super::event::{Event, Life};
use super::{Behaviour, Network, NodeId, Scope};

impl Network {
    /// Asks the behaviour of a node, if it has one, and does what that wants.
    pub(super) fn ask<R>(
        &mut self,
        id: NodeId,
        call: impl FnOnce(&mut dyn Behaviour, &mut Scope<'_>) -> R,
    ) -> Option<R> {
        let (now, nodes) = (self.now, self.nodes.len());
        let node = &mut self.nodes[id.0];
        let peers = match &node.behaviour {
            Some(_) => node.neighbours(),
            None => return None,
        };
        let (zone, ledger, rng) = (node.zone.as_ref(), &node.ledger, &mut node.rng);
        let (network, acts) = (node.config.network, Vec::new());
        let mut scope = Scope { now, me: id, network, nodes, peers, zone, ledger, rng, acts };
        let answer = call(node.behaviour.as_mut()?.as_mut(), &mut scope);
        let acts = scope.acts;
        acts.into_iter().for_each(|act| self.act(id, act));
        Some(answer)
    }

    fn act(&mut self, id: NodeId, act: Act) {
        match act {
            Act::Send(to, message) => {
                if !self.send_hidden(id, to, &message) {
                    self.send(id, to, message);
                }
            }
            Act::Frame(to, frame) => {
                self.send_frames(id, to, [frame]);
            }
            Act::Hear(from, message) => self.hear(id, from, message),
            Act::Dial(to) => self.dial(id, to.on(self.nodes[id.0].config.network)),
            Act::WakeAt(at) => {
                let event = Event::Behave(id, self.nodes[id.0].life);
                self.queue.push(at.max(self.now), event);
            }
        }
    }

    fn hear(&mut self, id: NodeId, from: NodeId, message: Message) {
        let end = self.ends_between(id, from).next();
        if let Some(end) = end {
            self.with_zone(id, |zone, ctx| zone.handle_message(end, message, ctx));
        }
    }

    pub(super) fn on_behave(&mut self, id: NodeId, life: Life) {
        if self.lives(id, life) && self.nodes[id.0].zone.is_some() {
            self.ask(id, |behaviour, scope| behaviour.wake(scope));
        }
    }
}
