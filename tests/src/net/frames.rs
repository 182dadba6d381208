//! White noise: frames leave at their time, between nodes that encrypt.

use bytes::Bytes;
use rand::RngExt;
use scape_aggregate::ProtocolVersion;
use scape_p2p::noise::{FrameSize, HEADER_LEN};
use scape_p2p::peer::Capabilities;
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
            let Some((.., to)) = self.ends_of(peer) else { return };
            let pass = self.ask(id, |behaviour, scope| behaviour.outgoing(to, &message, scope));
            if pass == Some(Pass::Swallow) {
                return;
            }
            self.sent_hidden(peer, message);
        }
        let at = self.nodes[id.0].clock.moment(at).max(self.now);
        self.queue.push(at, Event::Frame { from: peer, frame });
    }

    /// A behaviour sends a stem transaction in frames, if its node has noise, the link is encrypted,
    /// and they hold it. Says whether it did.
    pub(super) fn send_hidden(&mut self, id: NodeId, to: NodeId, message: &Message) -> bool {
        let is_noisy = self.nodes[id.0].config.noise.is_some();
        if !is_noisy || !matches!(message, Message::StemTransaction(_)) {
            return false;
        }
        let magic = self.config.consensus.chain.magic();
        let name = self.nodes[id.0].rng.random();
        let bytes = message.encode(ProtocolVersion::LOCAL, magic).ok();
        let frames = bytes.and_then(|bytes| cut(name, &bytes));
        frames.is_some_and(|frames| self.send_frames(id, to, frames))
    }

    /// A behaviour sends frames now. False if there is no encrypted link.
    pub(super) fn send_frames(
        &mut self,
        from: NodeId,
        to: NodeId,
        frames: impl IntoIterator<Item = Bytes>,
    ) -> bool {
        let encrypts =
            |node: NodeId| self.nodes[node.0].capabilities.contains(Capabilities::ENCRYPTED);
        let link = self.ends_between(from, to).next().filter(|_| encrypts(from) && encrypts(to));
        let Some(link) = link else { return false };
        for frame in frames {
            if let Some(message) = self.said(link, &frame) {
                self.sent_hidden(link, message);
            }
            self.queue.push(self.now, Event::Frame { from: link, frame });
        }
        true
    }

    /// The message that is whole with this frame.
    fn said(&mut self, peer: PeerId, frame: &[u8]) -> Option<Message> {
        let end = self.end_mut(peer).filter(|end| end.up)?;
        let bytes = end.said.handle_frame(frame).ok()??;
        let mut decoder = FrameDecoder::opened(self.config.consensus, ProtocolVersion::LOCAL);
        decoder.push(&bytes);
        decoder.next().ok()?
    }

    fn sent_hidden(&mut self, link: PeerId, message: Message) {
        let Some((from, _, to)) = self.ends_of(link) else { return };
        let height = self.nodes[from.0].ledger.tip().height;
        self.happened(|| Happening::Sent { from, to, link, height, hidden: true, message });
    }

    /// A frame leaves, or cannot: then the link is as good as lost. Of an encrypted link nothing is
    /// lost, doubled or overtaken without its end.
    pub(super) fn on_frame(&mut self, from: PeerId, frame: Bytes) {
        let Some((owner, far, to)) = self.ends_of(from) else { return };
        let now = self.now;
        let Some(end) = self.end_mut(from) else { return };
        if end.outbox.is_busy(now) {
            return self.close(from);
        }
        let leaves = end.outbox.occupy(frame.len() as u64, end.config.rate, now);
        self.frames += 1;
        if self.nodes[owner.0].side == self.nodes[to.0].side {
            let at = self.arrival_in_order(far, leaves);
            self.queue.push(at, Event::Deliver { to: far, parcel: Parcel::Frame(frame) });
        }
    }
}

/// The frames of a message; `None` if it is empty or too long.
fn cut(name: u32, bytes: &[u8]) -> Option<Vec<Bytes>> {
    let size = FrameSize::DEFAULT;
    let count = size.fragments(bytes.len())?;
    let chunks = (0..count).zip(bytes.chunks(size.payload()));
    Some(chunks.map(|(index, part)| write(name, index, count, part)).collect())
}

/// A frame that says this, true or not. What is too long for a frame is cut off.
pub(super) fn write(name: u32, index: u8, count: u8, payload: &[u8]) -> Bytes {
    let size = FrameSize::DEFAULT;
    let payload = &payload[..payload.len().min(size.payload())];
    let mut frame = vec![0; size.bytes()];
    frame[..4].copy_from_slice(&name.to_be_bytes());
    (frame[4], frame[5]) = (index, count);
    // A frame is shorter than 64 KiB.
    frame[6..HEADER_LEN].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    frame[HEADER_LEN..HEADER_LEN + payload.len()].copy_from_slice(payload);
    frame.into()
}
