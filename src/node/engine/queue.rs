//! Who is verified next. Pure: no threads, no clock, no chance.
//!
//! Each sender has a lane. The owner goes first. Proven senders share batches: they take turns, and
//! a turn pays for the same cost for everyone (deficit round robin, Shreedhar and Varghese 1995).
//! Senders on probation take turns at batches of their own ([`Standing`]). The two kinds alternate,
//! so that neither keeps the other waiting for longer than a batch.
//!
//! After a bad transaction nothing more of its sender is taken until the node has drawn its
//! conclusions ([`Queue::handled`]): who is to be banned does not get another one verified meanwhile.

use std::collections::{BTreeMap, VecDeque};

use scape_p2p::zone::Ticket;
use scape_pool::PeerId;

pub(super) use super::lane::Job;
use super::lane::{Lane, Standing};

/// What one turn pays for: eight transactions as wallets make them.
pub(super) const TURN: u64 = 400;

/// How much may wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::node) struct Limits {
    /// Transactions of all peers, and of the owner beside them; so for bytes.
    pub(in crate::node) transactions: usize,
    /// Their bytes.
    pub(in crate::node) bytes: usize,
    /// Transactions of one peer.
    pub(in crate::node) share_transactions: usize,
    /// Their bytes.
    pub(in crate::node) share_bytes: usize,
}

/// Why a transaction is not in the queue any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Overflow {
    /// Its sender has more waiting than its share: its own fault.
    Share,
    /// All have too much waiting, and its sender had most of it.
    Full,
}

/// What one worker verifies together.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Batch<T> {
    pub(super) jobs: Vec<Job<T>>,
    /// The sender on probation whose own batch it is.
    pub(super) alone: Option<PeerId>,
}

/// Transactions that wait for their verification.
#[derive(Debug)]
pub(super) struct Queue<T> {
    limits: Limits,
    own: Lane<T>,
    /// Those that are not empty.
    lanes: BTreeMap<PeerId, Lane<T>>,
    senders: BTreeMap<Ticket, Option<PeerId>>,
    standings: BTreeMap<PeerId, Standing>,
    /// Bad transactions of which the node has not drawn its conclusions yet, and who sent them.
    doubts: BTreeMap<Ticket, PeerId>,
    /// Whose turn it is, among proven senders and among those on probation.
    proven: VecDeque<PeerId>,
    probation: VecDeque<PeerId>,
    /// Whether the last batch of a peer was shared.
    shared_last: bool,
    bytes: usize,
    cost: u64,
}

impl<T> Queue<T> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            own: Lane::default(),
            lanes: BTreeMap::new(),
            senders: BTreeMap::new(),
            standings: BTreeMap::new(),
            doubts: BTreeMap::new(),
            proven: VecDeque::new(),
            probation: VecDeque::new(),
            shared_last: false,
            bytes: 0,
            cost: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.senders.len()
    }

    /// What verifying all of it costs.
    pub(super) fn cost(&self) -> u64 {
        self.cost + self.own.cost()
    }

    /// Takes a job. Returns what had to go for it, which may be the job itself: a sender's newest
    /// if it has more than its share, or the newest of whoever has most if all have too much.
    pub(super) fn push(&mut self, job: Job<T>) -> Vec<(Ticket, Overflow)> {
        let (ticket, sender) = (job.ticket, job.sender);
        let Limits { transactions, bytes, share_transactions, share_bytes } = self.limits;
        let (lane, most, most_bytes) = match sender {
            None => (Some(&self.own), transactions, bytes),
            Some(peer) => (self.lanes.get(&peer), share_transactions, share_bytes),
        };
        let (len, bytes) = lane.map_or((0, 0), |lane| (lane.len(), lane.bytes()));
        if len >= most || bytes + job.bytes > most_bytes {
            return vec![(ticket, Overflow::Share)];
        }
        self.senders.insert(ticket, sender);
        let Some(peer) = sender else {
            self.own.push(job);
            return Vec::new();
        };
        self.bytes += job.bytes;
        self.cost += job.cost;
        self.lanes.entry(peer).or_default().push(job);
        self.standings.entry(peer).or_default();
        if len == 0 {
            self.ring(peer).push_back(peer);
        }
        self.make_room(peer)
    }

    fn make_room(&mut self, newest: PeerId) -> Vec<(Ticket, Overflow)> {
        let mut refused = Vec::new();
        loop {
            let waiting = self.len() - self.own.len();
            let most = |lane: &Lane<T>| match waiting > self.limits.transactions {
                true => lane.len(),
                false => lane.bytes(),
            };
            if waiting <= self.limits.transactions && self.bytes <= self.limits.bytes {
                return refused;
            }
            // Among equals it meets the one that made the queue overflow.
            let victim = self.lanes.iter().max_by_key(|(id, lane)| (most(lane), **id == newest));
            let Some(victim) = victim.map(|(id, _)| *id) else { return refused };
            let job = self.lanes.get_mut(&victim).and_then(Lane::pop_newest);
            let Some(job) = job else { return refused };
            self.on_gone(victim, std::slice::from_ref(&job));
            refused.push((job.ticket, Overflow::Full));
        }
    }

    /// Takes a job out. `false` if it is not there any more.
    pub(super) fn cancel(&mut self, ticket: Ticket) -> bool {
        match self.senders.get(&ticket).copied() {
            None => false,
            Some(None) => {
                self.senders.remove(&ticket);
                self.own.remove(ticket).is_some()
            }
            Some(Some(peer)) => {
                let job = self.lanes.get_mut(&peer).and_then(|lane| lane.remove(ticket));
                job.is_some_and(|job| {
                    self.on_gone(peer, &[job]);
                    true
                })
            }
        }
    }

    /// A peer is gone for good, and what it sent with it.
    pub(super) fn forget(&mut self, peer: PeerId) -> Vec<Ticket> {
        let mut jobs = Vec::new();
        if let Some(lane) = self.lanes.get_mut(&peer) {
            jobs.extend(std::iter::from_fn(|| lane.take()));
            self.on_gone(peer, &jobs);
        }
        self.standings.remove(&peer);
        jobs.iter().map(|job| job.ticket).collect()
    }

    /// Empties the queue.
    pub(super) fn clear(&mut self) -> Vec<Ticket> {
        let tickets = self.senders.keys().copied().collect();
        *self = Self::new(self.limits);
        tickets
    }

    /// Takes what to verify next, for at most `max_cost` unless a single job costs more. Nothing of
    /// a sender on probation unless `strangers`. `None` if there is nothing to take.
    pub(super) fn take_batch(&mut self, max_cost: u64, strangers: bool) -> Option<Batch<T>> {
        if !self.own.is_empty() {
            return Some(self.take_own(max_cost));
        }
        let batch = match self.shared_last && strangers {
            true => self.take_alone(max_cost).or_else(|| self.take_shared(max_cost)),
            false => self.take_shared(max_cost).or_else(|| match strangers {
                true => self.take_alone(max_cost),
                false => None,
            }),
        }?;
        self.shared_last = batch.alone.is_none();
        Some(batch)
    }

    /// Takes note of what a batch was worth: what who sent, and whether it was good.
    pub(super) fn settle(
        &mut self,
        alone: Option<PeerId>,
        verdicts: impl IntoIterator<Item = (Ticket, Option<PeerId>, bool)>,
    ) {
        for (ticket, sender, good) in verdicts {
            let Some(peer) = sender else { continue };
            if !good {
                self.doubts.insert(ticket, peer);
            }
            self.change_standing(peer, |standing| standing.note(good));
        }
        if let Some(standing) = alone.and_then(|peer| self.standings.get_mut(&peer)) {
            standing.in_flight = false;
        }
    }

    /// The node has done what follows from a verdict. Whether its sender had to wait for that.
    pub(super) fn handled(&mut self, ticket: Ticket) -> bool {
        let doubted = self.doubts.remove(&ticket);
        if let Some(peer) = doubted {
            self.change_standing(peer, Standing::drop_doubt);
        }
        doubted.is_some()
    }

    fn change_standing(&mut self, peer: PeerId, change: impl FnOnce(&mut Standing)) {
        // Who is gone meanwhile has none.
        let Some(standing) = self.standings.get_mut(&peer) else { return };
        let before = standing.is_proven();
        change(standing);
        if before != standing.is_proven() && self.lanes.contains_key(&peer) {
            self.leave_rings(peer);
            self.ring(peer).push_back(peer);
        }
    }

    /// The owner's transactions are good, and nobody else's keep them waiting.
    fn take_own(&mut self, max_cost: u64) -> Batch<T> {
        let (mut jobs, mut cost) = (Vec::new(), 0);
        while self.own.next_cost().is_some_and(|next| jobs.is_empty() || cost + next <= max_cost) {
            let Some(job) = self.own.take() else { break };
            cost += job.cost;
            self.senders.remove(&job.ticket);
            jobs.push(job);
        }
        Batch { jobs, alone: None }
    }

    fn take_shared(&mut self, max_cost: u64) -> Option<Batch<T>> {
        let (mut jobs, mut cost) = (Vec::new(), 0);
        while let Some(peer) = self.proven.front().copied() {
            let Some(lane) = self.lanes.get_mut(&peer) else { break };
            lane.begin_turn(TURN);
            if !lane.can_pay() {
                lane.end_turn();
                self.proven.rotate_left(1);
                continue;
            }
            let next = lane.next_cost().unwrap_or_default();
            if !jobs.is_empty() && cost + next > max_cost {
                break;
            }
            let Some(job) = lane.take() else { break };
            cost += job.cost;
            self.on_gone(peer, std::slice::from_ref(&job));
            jobs.push(job);
        }
        (!jobs.is_empty()).then_some(Batch { jobs, alone: None })
    }

    fn take_alone(&mut self, max_cost: u64) -> Option<Batch<T>> {
        let free = |peer: &PeerId| self.standings.get(peer).is_some_and(|s| s.may_go());
        if !self.probation.iter().any(free) {
            return None;
        }
        loop {
            let peer = *self.probation.front()?;
            self.probation.rotate_left(1);
            let standing = self.standings.get_mut(&peer)?;
            let lane = self.lanes.get_mut(&peer)?;
            if !standing.may_go() {
                continue;
            }
            lane.begin_turn(TURN);
            lane.end_turn();
            let (mut jobs, mut cost) = (Vec::new(), 0);
            while lane.can_pay() && jobs.len() < standing.batch_size() {
                let next = lane.next_cost().unwrap_or_default();
                if !jobs.is_empty() && cost + next > max_cost {
                    break;
                }
                cost += next;
                jobs.extend(lane.take());
            }
            if !jobs.is_empty() {
                standing.in_flight = true;
                self.on_gone(peer, &jobs);
                return Some(Batch { jobs, alone: Some(peer) });
            }
        }
    }

    /// Settles the accounts after jobs have left a peer's lane.
    fn on_gone(&mut self, peer: PeerId, jobs: &[Job<T>]) {
        for job in jobs {
            self.senders.remove(&job.ticket);
            self.bytes -= job.bytes;
            self.cost -= job.cost;
        }
        // An empty lane keeps no credit: who is away saves nothing up.
        if self.lanes.get(&peer).is_some_and(Lane::is_empty) {
            self.lanes.remove(&peer);
            self.leave_rings(peer);
        }
    }

    fn ring(&mut self, peer: PeerId) -> &mut VecDeque<PeerId> {
        match self.standings.get(&peer).is_some_and(|standing| standing.is_proven()) {
            true => &mut self.proven,
            false => &mut self.probation,
        }
    }

    fn leave_rings(&mut self, peer: PeerId) {
        self.proven.retain(|other| *other != peer);
        self.probation.retain(|other| *other != peer);
    }
}
