//! What waits for the channels.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use scape_aggregate::ValidTx;
use scape_pool::{EntryId, Instant, PeerId, Source};

use crate::noise::{Channels, QueueError, Ticket, ValidNoise};

/// The channels, and what waits for them.
#[derive(Debug)]
pub(in crate::zone) struct Noise {
    pub(super) channels: Channels,
    pub(super) queued: BTreeMap<Ticket, Waiting>,
    /// What the owner sends and there is no room for yet, in its order.
    backlog: VecDeque<Waiting>,
    last: u64,
    pub(super) max_message: usize,
}

/// A message on its way into frames.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Whose channel it waits for.
    pub(super) to: PeerId,
    /// In whose turn it goes.
    pub(super) source: Source,
    pub(super) load: Load,
    pub(super) message: Bytes,
    /// When its last frame is sent, once that is made.
    pub(super) leaves: Option<Instant>,
}

/// What a message is to this node.
#[derive(Debug)]
pub(super) enum Load {
    /// A transaction that its relay reads.
    Stem { tx: ValidTx, parts: Vec<EntryId> },
    /// One that was sealed here, for a carrier.
    Seal { tx: ValidTx, parts: Vec<EntryId>, attempt: u8 },
    /// What somebody else has sealed.
    Foreign,
}

impl Load {
    fn tx(&self) -> Option<&ValidTx> {
        match self {
            Self::Stem { tx, .. } | Self::Seal { tx, .. } => Some(tx),
            Self::Foreign => None,
        }
    }

    /// The parts of an aggregate of this node.
    pub(super) fn parts(&self) -> Option<&[EntryId]> {
        match self {
            Self::Stem { parts, .. } | Self::Seal { parts, .. } => Some(parts),
            Self::Foreign => None,
        }
    }
}

/// What found no place.
type Refused = Vec<Waiting>;

impl Noise {
    pub(in crate::zone) fn new(noise: &ValidNoise, seed: [u8; 32], now: Instant) -> Self {
        Self {
            channels: Channels::new(noise, seed, now),
            queued: BTreeMap::new(),
            backlog: VecDeque::new(),
            last: 0,
            max_message: noise.config().frame.max_message(),
        }
    }

    pub(in crate::zone) fn poll_timeout(&self) -> Instant {
        self.channels.poll_timeout()
    }

    /// Takes a message that is to be sent.
    pub(super) fn push(&mut self, mut new: Waiting) -> Refused {
        let spent = new.load.tx().into_iter().flat_map(|tx| tx.inputs());
        let spent: BTreeSet<_> = spent.map(|input| input.commitment()).collect();
        let is_parent = |waiting: &&Waiting| {
            let created = waiting.load.tx().into_iter().flat_map(|tx| tx.outputs());
            let mut created = created.map(|output| output.commitment());
            waiting.to == new.to && created.any(|created| spent.contains(&created))
        };
        // A child must not overtake its parent: it waits for the same turn.
        if self.backlog.iter().any(|waiting| is_parent(&waiting)) {
            self.backlog.push_back(new);
            return Vec::new();
        }
        if let Some(parent) = self.queued.values().rfind(is_parent) {
            new.source = parent.source;
        }
        if new.source == Source::Own && !self.backlog.is_empty() {
            self.backlog.push_back(new);
            return Vec::new();
        }
        match self.offer(&new) {
            Ok(place) => self.enter(new, place),
            Err(QueueError::Full) if new.source == Source::Own => {
                self.backlog.push_back(new);
                Vec::new()
            }
            Err(_) => vec![new],
        }
    }

    /// A place on the channel, and who has to make room for it.
    fn offer(&mut self, new: &Waiting) -> Result<(Ticket, Vec<Ticket>), QueueError> {
        self.last += 1;
        let ticket = Ticket(self.last);
        let displaced = self.channels.push(new.to, new.source, ticket, new.message.clone())?;
        Ok((ticket, displaced))
    }

    fn enter(&mut self, new: Waiting, (ticket, displaced): (Ticket, Vec<Ticket>)) -> Refused {
        self.queued.insert(ticket, new);
        self.give_way(displaced)
    }

    /// Some had to make room, the latest of a source first.
    fn give_way(&mut self, displaced: Vec<Ticket>) -> Refused {
        let mut refused = Vec::new();
        for waiting in displaced.iter().filter_map(|ticket| self.queued.remove(ticket)) {
            match waiting.source {
                Source::Own => self.backlog.push_front(waiting),
                Source::Peer(_) | Source::Zone => refused.push(waiting),
            }
        }
        refused
    }

    /// Queues what there is room for by now.
    pub(super) fn catch_up(&mut self) -> Refused {
        let mut refused = Vec::new();
        while let Some(next) = self.backlog.pop_front() {
            match self.offer(&next) {
                Ok(place) => refused.extend(self.enter(next, place)),
                Err(QueueError::Full) => {
                    self.backlog.push_front(next);
                    break;
                }
                Err(_) => refused.push(next),
            }
        }
        refused
    }

    /// Whether an aggregate of just these parts has been sealed and has not left yet.
    pub(super) fn has_seal_of(&self, these: &[EntryId]) -> bool {
        self.queued.values().chain(&self.backlog).any(|waiting| {
            let sealed = matches!(&waiting.load, Load::Seal { parts, .. } if parts == these);
            sealed && waiting.leaves.is_none()
        })
    }

    /// Forgets what has left. Gives back what must not leave any more as it is, and what depends on
    /// that.
    pub(super) fn tidy(
        &mut self,
        now: Instant,
        is_whole: impl Fn(&[EntryId]) -> bool,
    ) -> Vec<Waiting> {
        self.queued.retain(|_, waiting| waiting.leaves.is_none_or(|leaves| now < leaves));
        let is_broken =
            |waiting: &Waiting| waiting.load.parts().is_some_and(|parts| !is_whole(parts));
        let (mut broken, mut next) = (Vec::new(), self.take(is_broken));
        while !next.is_empty() {
            let txs = next.iter().filter_map(|waiting| waiting.load.tx());
            let created = txs.flat_map(|tx| tx.outputs()).map(|output| output.commitment());
            let created: BTreeSet<_> = created.collect();
            broken.append(&mut next);
            next = self.take(|waiting| {
                let mut spent = waiting.load.tx().into_iter().flat_map(|tx| tx.inputs());
                spent.any(|input| created.contains(&input.commitment()))
            });
        }
        broken
    }

    /// The channels follow those who are covered, some of whom are relays. Gives back what waits for
    /// others: only relays are handed what they read, and carriers are all who are covered.
    pub(super) fn assign(&mut self, covered: &[PeerId], relays: &[PeerId]) -> Vec<Waiting> {
        let left_over = self.channels.assign(covered);
        let mut lost: Vec<_> =
            left_over.iter().filter_map(|ticket| self.queued.remove(ticket)).collect();
        lost.extend(self.take(|waiting| match waiting.load {
            Load::Stem { .. } => !relays.contains(&waiting.to),
            Load::Seal { .. } | Load::Foreign => !covered.contains(&waiting.to),
        }));
        lost
    }

    /// Takes back some of what has not left, in the order in which it waits.
    fn take(&mut self, is_meant: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let is_queued =
            |_: &Ticket, waiting: &mut Waiting| waiting.leaves.is_none() && is_meant(waiting);
        let mut taken = Vec::new();
        for (ticket, waiting) in self.queued.extract_if(.., is_queued) {
            self.channels.cancel(ticket);
            taken.push(waiting);
        }
        for waiting in std::mem::take(&mut self.backlog) {
            match is_meant(&waiting) {
                true => taken.push(waiting),
                false => self.backlog.push_back(waiting),
            }
        }
        taken
    }

    /// A link is gone, and with it the frames that were made and had not left.
    pub(super) fn handle_lost(&mut self, peer: PeerId, now: Instant) -> Vec<Waiting> {
        let unsent = |_: &Ticket, waiting: &mut Waiting| {
            waiting.to == peer && waiting.leaves.is_some_and(|leaves| now < leaves)
        };
        self.queued.extract_if(.., unsent).map(|(_, waiting)| waiting).collect()
    }
}
