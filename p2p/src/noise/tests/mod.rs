//! Frames, whose turn it is, and what hostile senders get.

mod channel;
mod frames;
mod queue;

use bytes::Bytes;
use scape_pool::{PeerId, Source};

use super::*;

const SIZE: FrameSize = FrameSize::DEFAULT;
const OWN: Source = Source::Own;

fn peer(id: u64) -> Source {
    Source::Peer(PeerId(id))
}

/// A message that takes this many frames.
fn message(frames: usize, fill: u8) -> Bytes {
    vec![fill; frames * SIZE.payload()].into()
}
