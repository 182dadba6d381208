//! What waits to be written to one peer.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use scape_pool::Instant;
use tokio::sync::Notify;

use crate::wire::Message;

use super::clock::Clock;
use super::config::OutboxLimits;
use super::event::{Refusal, Unsent};

/// A bounded queue with a fast lane for pings and pongs.
///
/// A message leaves it only when its last byte was written, so whatever cuts the writer short,
/// [`Outbox::close`] finds all that was not sent.
#[derive(Debug)]
pub(super) struct Outbox {
    limits: OutboxLimits,
    state: Mutex<State>,
    filled: Notify,
    scheduled: Notify,
}

#[derive(Debug, Default)]
struct State {
    ping: Option<Bytes>,
    pong: Option<Bytes>,
    /// A frame of white noise and when it is to be sent.
    noise: Option<(Instant, Bytes)>,
    queue: VecDeque<Queued>,
    bytes: usize,
    closed: bool,
}

#[derive(Debug)]
struct Queued {
    message: Message,
    frame: Bytes,
}

/// What is to be written next, and where it came from.
#[derive(Debug, Clone)]
pub(super) enum Next {
    /// From the fast lane; it is gone from there.
    Urgent(Bytes),
    /// The head of the queue; [`Outbox::written`] takes it off.
    Head(Bytes),
}

impl Outbox {
    pub(super) fn new(limits: OutboxLimits) -> Self {
        Self { limits, state: Mutex::default(), filled: Notify::new(), scheduled: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a message with its frame. A ping or a pong replaces the one that still waits.
    pub(super) fn push(&self, message: Message, frame: Bytes) -> Result<(), Box<Unsent>> {
        let mut state = self.state();
        if state.closed {
            return Err(Box::new(Unsent { message, reason: Refusal::Gone }));
        }
        match message {
            Message::Ping(_) => state.ping = Some(frame),
            Message::Pong(_) => state.pong = Some(frame),
            message => {
                let bytes = state.bytes + frame.len();
                // A quarter is kept for the stem: who makes us announce much must not keep our
                // relay from taking what it is to hide.
                let messages = match message {
                    Message::StemTransaction(_) => self.limits.messages,
                    _ => self.limits.messages - self.limits.messages / 4,
                };
                let full = state.queue.len() >= messages
                    || (bytes > self.limits.bytes && !state.queue.is_empty());
                if full {
                    return Err(Box::new(Unsent { message, reason: Refusal::Full }));
                }
                state.bytes = bytes;
                state.queue.push_back(Queued { message, frame });
            }
        }
        self.filled.notify_one();
        Ok(())
    }

    /// Schedules a frame of white noise, unless one waits for its time.
    pub(super) fn schedule(&self, at: Instant, frame: Bytes) -> Result<(), Refusal> {
        let mut state = self.state();
        match (state.closed, &state.noise) {
            (true, _) => return Err(Refusal::Gone),
            (false, Some(_)) => return Err(Refusal::Full),
            (false, None) => state.noise = Some((at, frame)),
        }
        self.scheduled.notify_one();
        Ok(())
    }

    /// Waits for the time of the next frame of white noise, and takes it.
    pub(super) async fn due(&self, clock: Clock) -> (Instant, Bytes) {
        loop {
            let at = self.state().noise.as_ref().map(|(at, _)| *at);
            match at {
                Some(at) => {
                    clock.sleep_until(at).await;
                    if let Some(due) = self.state().noise.take() {
                        return due;
                    }
                }
                None => self.scheduled.notified().await,
            }
        }
    }

    /// Waits until a frame of white noise is so late.
    pub(super) async fn overdue(&self, clock: Clock, late: Duration) {
        loop {
            let at = self.state().noise.as_ref().map(|(at, _)| *at);
            match at {
                Some(at) => return clock.sleep_until(at + late).await,
                None => self.scheduled.notified().await,
            }
        }
    }

    /// Waits until there is something to write.
    pub(super) async fn filled(&self) {
        while self.state().is_empty() {
            self.filled.notified().await;
        }
    }

    /// What to write next: a pong, a ping, or the head of the queue.
    pub(super) fn next(&self) -> Option<Next> {
        let mut state = self.state();
        let urgent = state.pong.take().or_else(|| state.ping.take());
        urgent
            .map(Next::Urgent)
            .or_else(|| state.queue.front().map(|head| Next::Head(head.frame.clone())))
    }

    /// The head of the queue was written whole.
    pub(super) fn written(&self) {
        let mut state = self.state();
        if let Some(head) = state.queue.pop_front() {
            state.bytes -= head.frame.len();
        }
    }

    /// Takes nothing more, and gives back what was not written.
    pub(super) fn close(&self) -> Vec<Message> {
        let mut state = self.state();
        state.closed = true;
        state.bytes = 0;
        std::mem::take(&mut state.queue).into_iter().map(|queued| queued.message).collect()
    }
}

impl State {
    fn is_empty(&self) -> bool {
        self.ping.is_none() && self.pong.is_none() && self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use scape_aggregate::Hash;

    use crate::wire::Tip;

    use super::*;

    fn kernel(n: u8) -> Message {
        Message::TransactionKernel(Hash([n; 32]))
    }

    fn push(outbox: &Outbox, message: Message, bytes: usize) -> Result<(), Refusal> {
        outbox.push(message, vec![0; bytes].into()).map_err(|unsent| unsent.reason)
    }

    #[test]
    fn it_is_bounded_by_messages_and_by_bytes() {
        let outbox = Outbox::new(OutboxLimits { messages: 3, bytes: 100 });
        assert_eq!(push(&outbox, kernel(1), 500), Ok(()));
        assert_eq!(push(&outbox, kernel(2), 1), Err(Refusal::Full));
        outbox.written();
        for n in 0..3 {
            assert_eq!(push(&outbox, kernel(n), 10), Ok(()));
        }
        assert_eq!(push(&outbox, kernel(3), 10), Err(Refusal::Full));
        assert_eq!(push(&outbox, Message::Pong(Tip::default()), 27), Ok(()));
    }

    #[test]
    fn pongs_go_first_and_only_the_latest() {
        let outbox = Outbox::new(OutboxLimits::default());
        push(&outbox, kernel(1), 1).unwrap();
        push(&outbox, Message::Ping(Tip::default()), 2).unwrap();
        push(&outbox, Message::Pong(Tip::default()), 3).unwrap();
        push(&outbox, Message::Pong(Tip::default()), 4).unwrap();
        let mut lengths = Vec::new();
        while let Some(next) = outbox.next() {
            match next {
                Next::Urgent(frame) => lengths.push(frame.len()),
                Next::Head(frame) => {
                    lengths.push(frame.len());
                    outbox.written();
                }
            }
        }
        assert_eq!(lengths, [4, 2, 1]);
    }

    #[test]
    fn what_was_not_written_comes_back_in_order() {
        let outbox = Outbox::new(OutboxLimits::default());
        (0..3).for_each(|n| push(&outbox, kernel(n), 1).unwrap());
        assert!(matches!(outbox.next(), Some(Next::Head(_))));
        outbox.written();
        assert!(matches!(outbox.next(), Some(Next::Head(_))));
        assert_eq!(outbox.close(), [kernel(1), kernel(2)]);
        assert_eq!(push(&outbox, kernel(9), 1), Err(Refusal::Gone));
        assert!(outbox.close().is_empty());
    }
}
