//! White noise: frames leave at their time, between nodes that encrypt.

use bytes::Bytes;
use scape_p2p::wire::{FrameDecoder, Message};
use scape_pool::{ChainView, Instant, PeerId};

use super::event::Event;
use super::wire::Parcel;
use super::{Happening, Network, NodeId, Pass};

impl Network {
    /// A node wants a frame sent at a moment of its clock. A message counts as sent when its last
    /// frame is made: until then the node can still change its mind.
    pub(super) fn schedule_frame(&mut self, id: NodeId, peer: PeerId, at: Instant, frame: Bytes) {
        if let Some(message) = self.said(peer, &frame) {
            let Some((from, _, to)) = self.ends_of(peer) else { return };
            let pass = self.ask(id, |behaviour, scope| behaviour.outgoing(to, &message, scope));
            if pass == Some(Pass::Swallow) {
                return;
            }
            let height = self.nodes[from.0].ledger.tip().height;
            let (link, hidden) = (peer, true);
            self.happened(|| Happening::Sent { from, to, link, height, hidden, message });
        }
        let at = self.nodes[id.0].clock.moment(at).max(self.now);
        self.queue.push(at, Event::Frame { from: peer, frame });
    }

    /// The message that is whole with this frame.
    fn said(&mut self, peer: PeerId, frame: &[u8]) -> Option<Message> {
        let end = self.end_mut(peer).filter(|end| end.up)?;
        let bytes = end.said.handle_frame(frame).ok()??;
        let version = scape_aggregate::ProtocolVersion::LOCAL;
        let mut decoder = FrameDecoder::opened(self.config.consensus, version);
        decoder.push(&bytes);
        decoder.next().ok()?
    }

    /// A frame leaves, or cannot: then the link is as good as lost. Of an encrypted link nothing is
    /// lost, doubled or overtaken without its end.
    pub(super) fn on_frame(&mut self, from: PeerId, frame: Bytes) {
        let Some((owner, far, to)) = self.ends_of(from) else { return };
        if self.end(from).is_some_and(|end| end.outbox.is_busy(self.now)) {
            return self.close(from);
        }
        if self.nodes[owner.0].side == self.nodes[to.0].side {
            let at = self.arrival(far, self.now);
            self.queue.push(at, Event::Deliver { to: far, parcel: Parcel::Frame(frame) });
        }
    }
}
