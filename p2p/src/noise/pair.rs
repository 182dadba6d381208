//! The two channels of a zone.

use bytes::Bytes;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_pool::{Instant, PeerId, Source};

use super::channel::{Channel, Due};
use super::config::{NoiseConfig, NoiseConfigError};
use super::error::QueueError;
use super::queue::Ticket;

/// How many channels a zone has.
pub const CHANNELS: usize = 2;

/// What became of queueing a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queued {
    /// Which channels took it; at least one did.
    pub taken: [bool; CHANNELS],
    /// Which messages made room, and on which channel. One that waits on the other channel still
    /// goes out there.
    pub displaced: Vec<(usize, Ticket)>,
}

/// The channels of one zone. A message is queued on all of them, so that one relay that swallows
/// it is not enough.
///
/// They share nothing but messages: each has times of its own.
#[derive(Debug)]
pub struct Channels([Channel; CHANNELS]);

impl Channels {
    /// Channels to nobody. `seed` decides all of their times.
    ///
    /// # Errors
    ///
    /// What [`NoiseConfig::check`] finds.
    pub fn new(
        config: &NoiseConfig,
        seed: [u8; 32],
        now: Instant,
    ) -> Result<Self, NoiseConfigError> {
        let mut rng = ChaCha12Rng::from_seed(seed);
        let mut channel = || {
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            Channel::new(config, seed, now)
        };
        Ok(Self([channel()?, channel()?]))
    }

    /// One of the channels, counted from 0.
    pub fn get(&self, index: usize) -> Option<&Channel> {
        self.0.get(index)
    }

    /// An epoch begins: the channels go to these peers, in order; those without get nobody.
    /// Messages that were going out start again, also to a peer that stays.
    pub fn begin_epoch(&mut self, peers: &[PeerId]) {
        for (index, channel) in self.0.iter_mut().enumerate() {
            match peers.get(index) {
                Some(peer) => channel.attach(*peer),
                None => channel.detach(),
            }
        }
    }

    /// A channel goes to another peer within an epoch, because its own was lost.
    pub fn attach(&mut self, index: usize, peer: PeerId) {
        if let Some(channel) = self.0.get_mut(index) {
            channel.attach(peer);
        }
    }

    /// The link to a peer is gone.
    pub fn handle_lost(&mut self, peer: PeerId) {
        let of_peer = |channel: &&mut Channel| channel.peer() == Some(peer);
        self.0.iter_mut().filter(of_peer).for_each(Channel::detach);
    }

    /// Queues a message on all channels.
    ///
    /// # Errors
    ///
    /// The [`QueueError`] of the first channel if none takes it.
    pub fn push(
        &mut self,
        source: Source,
        ticket: Ticket,
        bytes: &Bytes,
    ) -> Result<Queued, QueueError> {
        let mut queued = Queued::default();
        let mut refused = None;
        for (index, channel) in self.0.iter_mut().enumerate() {
            match channel.push(source, ticket, bytes.clone()) {
                Ok(displaced) => {
                    queued.taken[index] = true;
                    queued.displaced.extend(displaced.into_iter().map(|ticket| (index, ticket)));
                }
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        match refused {
            Some(error) if queued.taken == [false; CHANNELS] => Err(error),
            _ => Ok(queued),
        }
    }

    /// A message need not be sent any more: the network has it.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.0.iter_mut().for_each(|channel| {
            channel.cancel(ticket);
        });
    }

    /// When a frame is due next.
    pub fn poll_timeout(&self) -> Instant {
        let [first, second] = &self.0;
        first.poll_timeout().min(second.poll_timeout())
    }

    /// The frames that are due, by channel. A call too early does nothing.
    pub fn handle_timeout(&mut self, now: Instant) -> [Option<Due>; CHANNELS] {
        self.0.each_mut().map(|channel| channel.handle_timeout(now))
    }
}
