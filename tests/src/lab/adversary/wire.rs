//! Who watches all wires of a node: sizes and times of messages, which encryption does not hide.
//!
//! Without noise the watcher keeps account. Transactions are merged by putting them side by side, so
//! the bytes that leave a node are at most those that came shortly before; where there are more, the
//! node has added something of its own. With noise (frames of one size at random times, by the
//! production scheduler) the watcher compares what leaves after an own payment was sent with what
//! leaves at another moment, and is right half of the time if nothing shows.
//!
//! Every honest node is watched, each by itself.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_p2p::noise::{Channels, NoiseConfig, Ticket};
use scape_pool::{Instant, PeerId, Source};
use serde::{Deserialize, Serialize};

use crate::lab::Run;
use crate::lab::latency::mix;

/// What the watcher finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    /// Messages in which a node's own payment left it for the first time.
    pub own: u64,
    /// Those of them that the watcher noticed, without noise.
    pub own_found: u64,
    /// Messages that only passed on what had come.
    pub relayed: u64,
    /// Those of them that the watcher took for own ones, without noise.
    pub false_alarms: u64,
    /// Comparisons of a moment after an own payment with another one, with noise.
    pub pairs: u64,
    /// Those where more left after the own payment.
    pub more: u64,
    /// Those where as much left.
    pub same: u64,
}

impl Wire {
    /// Counts what another watcher counted.
    pub(in crate::lab) fn add(&mut self, other: &Self) {
        self.own += other.own;
        self.own_found += other.own_found;
        self.relayed += other.relayed;
        self.false_alarms += other.false_alarms;
        self.pairs += other.pairs;
        self.more += other.more;
        self.same += other.same;
    }
}

/// Of a message that holds no input, output or kernel: header, offset and three counts.
const EMPTY_BYTES: u64 = 11 + 32 + 24;
/// What came longer ago than this is not expected to be passed on any more.
const ACCOUNT: Duration = Duration::from_secs(120);
/// What leaves within this after a moment is compared.
const WINDOW: Duration = Duration::from_secs(30);
/// How long the noise has been going on by then.
const BEFORE: Duration = Duration::from_secs(600);
/// How many own payments are looked at behind noise, at most.
const MAX_PAIRS: usize = 200;

/// Something that enters or leaves a node.
#[derive(Clone, Copy)]
struct Message {
    at: Instant,
    node: u32,
    bytes: u64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Came,
    Own,
    Relayed,
}

/// Watches the nodes of a run.
pub fn watch(run: &Run, seed: u64) -> Wire {
    let messages = messages(run);
    let mut wire = Wire::default();
    for node in messages.chunk_by(|a, b| a.node == b.node) {
        keep_account(node, &mut wire);
    }
    let own = messages.iter().filter(|message| message.kind == Kind::Own).take(MAX_PAIRS);
    // Other numbers than those that the run was made of.
    let mut rng = ChaCha12Rng::seed_from_u64(mix(seed));
    own.for_each(|message| compare(message, &messages, &mut rng, &mut wire));
    wire
}

/// All messages of honest nodes, by node and time.
fn messages(run: &Run) -> Vec<Message> {
    let mut left = vec![false; run.outcomes.len()];
    let mut kind = |node: u32, payments: &[u32]| {
        let own = |payment: &&u32| run.outcomes[**payment as usize].payment.origin == node;
        let mut kind = Kind::Relayed;
        for &payment in payments.iter().filter(own) {
            if !std::mem::replace(&mut left[payment as usize], true) {
                kind = Kind::Own;
            }
        }
        kind
    };
    let sent = run.messages.iter().map(|m| (m.at, m.from, Some(m.to), m.bytes, &m.payments));
    let fluffed = run.fluffs.iter().map(|f| (f.at, f.node, None, f.bytes, &f.payments));
    let mut all: Vec<_> = sent.chain(fluffed).collect();
    all.sort_by_key(|(at, ..)| *at);
    let mut messages = Vec::with_capacity(2 * all.len());
    for (at, from, to, bytes, payments) in all {
        messages.push(Message { at, node: from, bytes, kind: kind(from, payments) });
        messages.extend(to.map(|node| Message { at, node, bytes, kind: Kind::Came }));
    }
    messages.retain(|message| !run.is_spy[message.node as usize]);
    messages.sort_by_key(|message| (message.node, message.at));
    messages
}

fn keep_account(messages: &[Message], wire: &mut Wire) {
    let mut account: VecDeque<(Instant, u64)> = VecDeque::new();
    for message in messages {
        account.retain(|(came, _)| message.at.saturating_since(*came) <= ACCOUNT);
        let content = message.bytes.saturating_sub(EMPTY_BYTES);
        if message.kind == Kind::Came {
            account.push_back((message.at, content));
            continue;
        }
        let alarm = !withdraw(&mut account, content);
        if message.kind == Kind::Own {
            wire.own += 1;
            wire.own_found += u64::from(alarm);
        } else {
            wire.relayed += 1;
            wire.false_alarms += u64::from(alarm);
        }
    }
}

/// Takes so many bytes from the account, what came first before the rest; says whether there were
/// so many.
fn withdraw(account: &mut VecDeque<(Instant, u64)>, mut bytes: u64) -> bool {
    while bytes > 0 {
        let Some((_, first)) = account.front_mut() else { return false };
        let taken = bytes.min(*first);
        *first -= taken;
        bytes -= taken;
        if *first == 0 {
            account.pop_front();
        }
    }
    true
}

/// Compares what leaves after an own payment with what leaves at another moment, both behind noise.
fn compare(own: &Message, messages: &[Message], rng: &mut ChaCha12Rng, wire: &mut Wire) {
    let begin = Instant::from_micros(own.at.as_micros().saturating_sub(BEFORE.as_micros() as u64));
    let first = messages.partition_point(|message| (message.node, message.at) < (own.node, begin));
    let node = messages[first..].iter().take_while(|message| message.node == own.node);
    let leaves = node.take_while(|m| m.at <= own.at + WINDOW).filter(|m| m.kind != Kind::Came);
    let leaves: Vec<_> = leaves.map(|m| (m.at, m.bytes)).collect();
    let frames = frames(&leaves, begin, own.at + WINDOW, rng.random());
    let after = |moment: Instant| -> usize {
        let within = |(at, _): &&(Instant, usize)| *at > moment && *at <= moment + WINDOW;
        frames.iter().filter(within).map(|(_, bytes)| *bytes).sum()
    };
    // Away from the beginning, when no frame has gone out yet, and from the own payment.
    let other = begin + BEFORE.mul_f64(0.1 + 0.8 * rng.random::<f64>());
    let (mine, theirs) = (after(own.at), after(other));
    wire.pairs += 1;
    wire.more += u64::from(mine > theirs);
    wire.same += u64::from(mine == theirs);
}

/// What is seen on the wire of a node that hides these messages: times and sizes of frames.
fn frames(
    messages: &[(Instant, u64)],
    begin: Instant,
    end: Instant,
    seed: [u8; 32],
) -> Vec<(Instant, usize)> {
    let Ok(noise) = NoiseConfig::default().check() else { return Vec::new() };
    let mut channels = Channels::new(&noise, seed, begin);
    let relay = PeerId(0);
    channels.assign(&[relay, PeerId(1)]);
    let mut frames = Vec::new();
    let mut messages = messages.iter().zip(0..).peekable();
    while channels.poll_timeout() <= end {
        let now = channels.poll_timeout();
        while let Some(((_, bytes), number)) = messages.next_if(|((at, _), _)| *at <= now) {
            let message = Bytes::from(vec![0; *bytes as usize]);
            // What is too long for noise waits for another way.
            let _ = channels.push(relay, Source::Own, Ticket(number), message);
        }
        let due = channels.handle_timeout(now);
        frames.extend(due.into_iter().flatten().map(|due| (due.at, due.frame.len())));
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(secs: u64, bytes: u64, kind: Kind) -> Message {
        Message { at: Instant::from_secs(secs), node: 0, bytes: bytes + EMPTY_BYTES, kind }
    }

    #[test]
    fn what_did_not_come_before_it_leaves_is_noticed() {
        let mut wire = Wire::default();
        let messages = [
            message(1, 500, Kind::Came),
            message(2, 700, Kind::Came),
            message(3, 1_200, Kind::Relayed),
            message(4, 500, Kind::Own),
            message(5, 500, Kind::Came),
            message(6, 900, Kind::Own),
        ];
        keep_account(&messages, &mut wire);
        let (own, found) = (wire.own, wire.own_found);
        assert_eq!((own, found, wire.relayed, wire.false_alarms), (2, 2, 1, 0));
    }

    #[test]
    fn what_came_long_ago_excuses_nothing() {
        let mut wire = Wire::default();
        keep_account(&[message(1, 500, Kind::Came), message(200, 500, Kind::Own)], &mut wire);
        assert_eq!(wire.own_found, 1);
    }

    #[test]
    fn noise_has_the_same_frames_whatever_it_hides() {
        let (begin, end) = (Instant::from_secs(10), Instant::from_secs(700));
        let with = frames(&[(Instant::from_secs(300), 9_000)], begin, end, [3; 32]);
        assert_eq!(with, frames(&[], begin, end, [3; 32]));
        assert!(with.len() > 90, "two channels, a frame every 12.5 s: {}", with.len());
    }
}
