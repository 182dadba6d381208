//! One channel: a schedule, a queue, and the peer at the other end.

use std::time::Duration;

use bytes::Bytes;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_pool::{Instant, PeerId, Source};

use super::config::ValidNoise;
use super::error::QueueError;
use super::frame::{Fragment, FrameSize};
use super::queue::{Queue, Ticket};
use super::schedule::Schedule;

/// A frame to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// To whom.
    pub peer: PeerId,
    /// When: not sooner and not later.
    pub at: Instant,
    /// What: always as long as the zone's frames are.
    pub frame: Vec<u8>,
    /// The message whose last fragment this is. It counts as sent, not as received.
    pub sent: Option<Ticket>,
}

/// Sends messages to one peer at a time, hidden among empty frames.
#[derive(Debug)]
pub struct Channel {
    size: FrameSize,
    lead: Duration,
    schedule: Schedule,
    queue: Queue,
    peer: Option<PeerId>,
    sending: Option<Sending>,
    rng: ChaCha12Rng,
}

/// The message that is going out, and how far it got.
#[derive(Debug)]
struct Sending {
    ticket: Ticket,
    bytes: Bytes,
    message: u32,
    next: u8,
}

impl Channel {
    /// A channel to nobody. `seed` decides all of its times.
    pub fn new(noise: &ValidNoise, seed: [u8; 32], now: Instant) -> Self {
        let config = noise.config();
        // Times have a generator to themselves.
        let mut rng = ChaCha12Rng::from_seed(seed);
        let mut times = [0; 32];
        rng.fill_bytes(&mut times);
        Self {
            size: config.frame,
            lead: config.lead,
            schedule: Schedule::new(config.interval, config.spread, times, now),
            queue: Queue::new(config.frame, config.queue_bytes),
            peer: None,
            sending: None,
            rng,
        }
    }

    /// The peer that frames go to.
    pub fn peer(&self) -> Option<PeerId> {
        self.peer
    }

    /// Frames go to this peer from now on: an epoch began, or its link is new. The message that
    /// was going out starts again from its first fragment. No frame is sent for that; the next one
    /// comes when it would have come.
    pub fn attach(&mut self, peer: PeerId) {
        self.peer = Some(peer);
        self.restart();
    }

    /// There is nobody to send to for now. Messages wait.
    pub fn detach(&mut self) {
        self.peer = None;
        self.restart();
    }

    fn restart(&mut self) {
        if let Some(sending) = &mut self.sending {
            sending.next = 0;
        }
    }

    /// Queues a message; gives the tickets of those that had to make room.
    ///
    /// # Errors
    ///
    /// One [`QueueError`] per rule.
    pub fn push(
        &mut self,
        source: Source,
        ticket: Ticket,
        bytes: Bytes,
    ) -> Result<Vec<Ticket>, QueueError> {
        self.queue.push(source, ticket, bytes)
    }

    /// A message need not be sent any more; half of it may have been. Says whether it was here.
    pub fn cancel(&mut self, ticket: Ticket) -> bool {
        let going_out = self.sending.take_if(|sending| sending.ticket == ticket).is_some();
        going_out || self.queue.cancel(ticket)
    }

    /// Takes out everything that waits or is going out, to be sent in another way.
    pub fn take_all(&mut self) -> Vec<Ticket> {
        let waiting = std::iter::from_fn(|| self.queue.pop()).map(|(ticket, _)| ticket);
        self.sending.take().map(|sending| sending.ticket).into_iter().chain(waiting).collect()
    }

    /// How much is waiting or going out, in bytes of whole frames.
    pub fn held(&self) -> usize {
        let fragments = |sending: &Sending| self.size.fragments(sending.bytes.len()).unwrap_or(0);
        let sending = self.sending.as_ref().map_or(0, fragments);
        self.queue.held() + usize::from(sending) * self.size.bytes()
    }

    /// When the next frame is made, with or without a peer.
    pub fn poll_timeout(&self) -> Instant {
        self.schedule.next_frame_at()
    }

    /// Makes the next frame, if it is time: [`NoiseConfig::lead`](super::NoiseConfig::lead) before it is to be sent. A call
    /// too early does nothing. Who calls so late that the time to send is past gets none, and
    /// nothing that waits is taken for it.
    ///
    /// The next time is settled before the queue is looked at.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Due> {
        let at = self.schedule.next_frame_at() + self.lead;
        if !self.schedule.handle_timeout(now) || at < now {
            return None;
        }
        let peer = self.peer?;
        let message = self.rng.next_u32();
        self.choose(message);
        let fragment = self.sending.as_ref().and_then(|sending| {
            Fragment::of(sending.message, sending.next, &sending.bytes, self.size)
        });
        let fragment = fragment.unwrap_or(Fragment::empty(message));
        let (frame, is_last) = (fragment.encode(self.size), fragment.index + 1 >= fragment.count);
        Some(Due { peer, at, frame, sent: self.advance(is_last) })
    }

    /// Takes the next message if none is going out, and names one that begins.
    fn choose(&mut self, message: u32) {
        if self.sending.is_none() {
            let next = self.queue.pop();
            self.sending = next.map(|(ticket, bytes)| Sending { ticket, bytes, message, next: 0 });
        }
        if let Some(sending) = self.sending.as_mut().filter(|sending| sending.next == 0) {
            sending.message = message;
        }
    }

    fn advance(&mut self, is_last: bool) -> Option<Ticket> {
        if is_last {
            return self.sending.take().map(|sending| sending.ticket);
        }
        if let Some(sending) = &mut self.sending {
            sending.next += 1;
        }
        None
    }
}
