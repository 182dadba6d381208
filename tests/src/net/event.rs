use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use bytes::Bytes;
use scape::chain::Block;
use scape_aggregate::{ValidTx, VerifyError};
use scape_p2p::addr::PeerAddr;
use scape_p2p::handshake::PeerInfo;
use scape_p2p::zone::{DialFailure, Ticket};
use scape_pool::{Instant, PeerId};

use super::wire::Parcel;
use super::{Network, NodeId};

/// One life of a node: what was meant for an earlier one is void.
pub(super) type Life = u32;

pub(super) enum Event {
    Wake(NodeId, Life),
    Ping(NodeId, Life),
    Deliver {
        to: PeerId,
        parcel: Parcel,
    },
    /// A frame of white noise leaves.
    Frame {
        from: PeerId,
        frame: Bytes,
    },
    Close {
        end: PeerId,
    },
    Dialled {
        from: NodeId,
        life: Life,
        addr: PeerAddr,
    },
    Connected {
        end: PeerId,
        addr: PeerAddr,
        info: PeerInfo,
    },
    DialFailed {
        node: NodeId,
        life: Life,
        addr: PeerAddr,
        why: DialFailure,
    },
    Verified(NodeId, Life, Ticket, Result<ValidTx, VerifyError>),
    Block(NodeId, Arc<Block>),
    Mine,
    Behave(NodeId, Life),
    Action(Box<dyn FnOnce(&mut Network)>),
}

impl Event {
    /// Tells kinds of events apart in the trace.
    pub(super) fn tag(&self) -> u8 {
        match self {
            Self::Wake(..) => 0,
            Self::Ping(..) => 1,
            Self::Deliver { .. } => 2,
            Self::Close { .. } => 3,
            Self::Dialled { .. } => 4,
            Self::Connected { .. } => 5,
            Self::DialFailed { .. } => 6,
            Self::Verified(..) => 7,
            Self::Block(..) => 8,
            Self::Mine => 9,
            Self::Action(_) => 10,
            Self::Behave(..) => 11,
            Self::Frame { .. } => 12,
        }
    }
}

/// Events in the order of their time, and of their making where that is the same.
#[derive(Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Scheduled>>,
    made: u64,
}

struct Scheduled {
    at: Instant,
    number: u64,
    event: Event,
}

impl Queue {
    pub(super) fn push(&mut self, at: Instant, event: Event) {
        self.made += 1;
        self.heap.push(Reverse(Scheduled { at, number: self.made, event }));
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(next)| next.at)
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Event)> {
        self.heap.pop().map(|Reverse(next)| (next.at, next.event))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
