//! What waits at a node for a slow link.

use std::collections::VecDeque;
use std::time::Duration;

use scape_aggregate::{PROOF_SIZE, Transaction};
use scape_p2p::wire::Message;
use scape_pool::Instant;

/// How many messages may wait; a quarter of it is kept for the stem, as in the glue of the product.
const LIMIT: usize = 256;

/// Messages that have to wait for their turn, each with the moment at which it leaves.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: VecDeque<(Instant, Message)>,
    free_at: Instant,
}

impl Outbox {
    /// When a message leaves; `None` if there is no room for it.
    pub(super) fn push(&mut self, message: &Message, rate: u64, now: Instant) -> Option<Instant> {
        while self.waiting.front().is_some_and(|(leaves, _)| *leaves <= now) {
            self.waiting.pop_front();
        }
        let limit = match message {
            Message::StemTransaction(_) => LIMIT,
            _ => LIMIT - LIMIT / 4,
        };
        if self.waiting.len() >= limit {
            return None;
        }
        let leaves = self.free_at.max(now);
        let micros = size(message) * 1_000_000 / rate.max(1);
        self.free_at = leaves + Duration::from_micros(micros);
        if leaves > now {
            self.waiting.push_back((leaves, message.clone()));
        }
        Some(self.free_at)
    }

    /// So many bytes leave now, past what waits. When the last of them has left.
    pub(super) fn occupy(&mut self, bytes: u64, rate: Option<u64>, now: Instant) -> Instant {
        let Some(rate) = rate else { return now };
        self.free_at = now + Duration::from_micros(bytes * 1_000_000 / rate.max(1));
        self.free_at
    }

    /// Whether something is leaving, so that nothing else can at this moment.
    pub(super) fn is_busy(&self, now: Instant) -> bool {
        self.free_at > now
    }

    /// What has not left yet.
    pub(super) fn take_unsent(&mut self, now: Instant) -> Vec<Message> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().filter(|(leaves, _)| *leaves > now).map(|(_, m)| m).collect()
    }
}

/// About how many bytes a message is on the wire.
fn size(message: &Message) -> u64 {
    const HEADER: u64 = 11;
    HEADER
        + match message {
            Message::StemTransaction(tx) | Message::Transaction(tx) => size_of_tx(tx),
            Message::TransactionKernel(_) | Message::GetTransaction(_) => 32,
            Message::PeerAddrs(addrs) => 4 + 7 * addrs.len() as u64,
            _ => 16,
        }
}

fn size_of_tx(tx: &Transaction) -> u64 {
    let counts = [tx.inputs().len(), tx.outputs().len(), tx.kernels().len()];
    let [inputs, outputs, kernels] = counts.map(|count| count as u64);
    56 + 33 * inputs + (42 + PROOF_SIZE as u64) * outputs + 106 * kernels
}
