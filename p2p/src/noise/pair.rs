//! The two channels of a zone.

use bytes::Bytes;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_pool::{Instant, PeerId, Source};

use super::channel::{Channel, Due};
use super::config::ValidNoise;
use super::error::QueueError;
use super::queue::Ticket;

/// How many channels a zone has.
pub const CHANNELS: usize = 2;

/// The channels of one zone.
///
/// A message goes out on the channel to whom it is for, and only there: two holders would merge it
/// with different others, and two spies would see it. The other channel keeps whoever watches from
/// seeing who that is. The channels share nothing: each has times of its own.
#[derive(Debug)]
pub struct Channels([Channel; CHANNELS]);

impl Channels {
    /// Channels to nobody. `seed` decides all of their times.
    pub fn new(noise: &ValidNoise, seed: [u8; 32], now: Instant) -> Self {
        let mut rng = ChaCha12Rng::from_seed(seed);
        let mut channel = || {
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            Channel::new(noise, seed, now)
        };
        Self([channel(), channel()])
    }

    /// One of the channels, counted from 0.
    pub fn get(&self, index: usize) -> Option<&Channel> {
        self.0.get(index)
    }

    /// The channels go to these peers from now on. A channel that goes to any of them already stays
    /// with it; the others are given those that are left, in order, or get nobody. Gives the tickets
    /// of what waited for a peer to which none goes now: it has to take another way.
    pub fn assign(&mut self, peers: &[PeerId]) -> Vec<Ticket> {
        let goes_to = |channel: &Channel| channel.peer().filter(|peer| peers.contains(peer));
        let kept: Vec<_> = self.0.iter().filter_map(goes_to).collect();
        let mut new = peers.iter().filter(|peer| !kept.contains(peer));
        let mut left_over = Vec::new();
        for channel in &mut self.0 {
            if channel.peer().is_some_and(|peer| kept.contains(&peer)) {
                continue;
            }
            left_over.extend(channel.take_all());
            match new.next() {
                Some(peer) => channel.attach(*peer),
                None => channel.detach(),
            }
        }
        left_over
    }

    /// The peers that the channels go to.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.0.iter().filter_map(Channel::peer)
    }

    /// Queues a message on the channel to a peer; gives the tickets of those that had to make room
    /// there.
    ///
    /// # Errors
    ///
    /// One [`QueueError`] per rule.
    pub fn push(
        &mut self,
        peer: PeerId,
        source: Source,
        ticket: Ticket,
        bytes: Bytes,
    ) -> Result<Vec<Ticket>, QueueError> {
        let mut channels = self.0.iter_mut();
        let channel = channels.find(|channel| channel.peer() == Some(peer));
        channel.ok_or(QueueError::NoChannel)?.push(source, ticket, bytes)
    }

    /// A message need not be sent any more: the network has it.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.0.iter_mut().for_each(|channel| {
            channel.cancel(ticket);
        });
    }

    /// When a frame is made next.
    pub fn poll_timeout(&self) -> Instant {
        let [first, second] = &self.0;
        first.poll_timeout().min(second.poll_timeout())
    }

    /// Makes the frames for which it is time, by channel. A call too early does nothing.
    pub fn handle_timeout(&mut self, now: Instant) -> [Option<Due>; CHANNELS] {
        self.0.each_mut().map(|channel| channel.handle_timeout(now))
    }
}
