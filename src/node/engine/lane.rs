//! What waits of one sender, and how far the sender is trusted.

use std::collections::VecDeque;

use scape_p2p::zone::Ticket;
use scape_pool::PeerId;

/// A transaction in the queue, or anything else of which cost and size are known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::node) struct Job<T> {
    /// Ascending: later jobs have greater tickets.
    pub(in crate::node) ticket: Ticket,
    /// The peer who sent it, or `None` for the owner.
    pub(in crate::node) sender: Option<PeerId>,
    /// What verifying it costs.
    pub(in crate::node) cost: u64,
    /// What keeping it costs.
    pub(in crate::node) bytes: usize,
    /// What is to be verified.
    pub(in crate::node) load: T,
}

/// The jobs of one sender, oldest first.
#[derive(Debug)]
pub(super) struct Lane<T> {
    jobs: VecDeque<Job<T>>,
    bytes: usize,
    cost: u64,
    /// What may be taken before the turn ends.
    credit: u64,
    /// Whether a batch was full in the middle of the turn.
    in_turn: bool,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), bytes: 0, cost: 0, credit: 0, in_turn: false }
    }
}

impl<T> Lane<T> {
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn cost(&self) -> u64 {
        self.cost
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(super) fn push(&mut self, job: Job<T>) {
        self.bytes += job.bytes;
        self.cost += job.cost;
        self.jobs.push_back(job);
    }

    pub(super) fn pop_newest(&mut self) -> Option<Job<T>> {
        let job = self.jobs.pop_back();
        self.count_out(job)
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Job<T>> {
        let index = self.jobs.binary_search_by_key(&ticket, |job| job.ticket).ok()?;
        let job = self.jobs.remove(index);
        self.count_out(job)
    }

    /// Begins a turn, or goes on with the one that a full batch cut short.
    pub(super) fn begin_turn(&mut self, turn: u64) {
        if !self.in_turn {
            self.credit = self.credit.saturating_add(turn);
            self.in_turn = true;
        }
    }

    pub(super) fn end_turn(&mut self) {
        self.in_turn = false;
    }

    /// What the next job costs.
    pub(super) fn next_cost(&self) -> Option<u64> {
        self.jobs.front().map(|job| job.cost)
    }

    /// Whether the turn pays for the next job.
    pub(super) fn can_pay(&self) -> bool {
        self.next_cost().is_some_and(|cost| cost <= self.credit)
    }

    /// Takes the next job and pays for it.
    pub(super) fn take(&mut self) -> Option<Job<T>> {
        let job = self.jobs.pop_front();
        let job = self.count_out(job)?;
        self.credit = self.credit.saturating_sub(job.cost);
        Some(job)
    }

    fn count_out(&mut self, job: Option<Job<T>>) -> Option<Job<T>> {
        if let Some(job) = &job {
            self.bytes -= job.bytes;
            self.cost -= job.cost;
        }
        job
    }
}

/// What a sender has shown of itself.
///
/// A newcomer is on probation, and so is who sent something bad: its batches are its own, so that
/// nobody waits for the search for what is wrong in them. They grow with every good transaction.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Standing {
    /// Good transactions since the last bad one.
    good: usize,
    /// Whether a batch of its own is being verified. There is never a second one.
    pub(super) in_flight: bool,
    /// Bad transactions of which the node has not drawn its conclusions yet.
    doubts: usize,
}

impl Standing {
    /// Good transactions that end a probation.
    pub(super) const PROBATION: usize = 8;

    pub(super) fn is_proven(self) -> bool {
        self.good >= Self::PROBATION && self.doubts == 0
    }

    /// Whether a batch of its own may be taken.
    pub(super) fn may_go(self) -> bool {
        !self.in_flight && self.doubts == 0
    }

    /// How many transactions a batch of its own may hold.
    pub(super) fn batch_size(self) -> usize {
        self.good.clamp(1, Self::PROBATION)
    }

    pub(super) fn note(&mut self, good: bool) {
        self.good = if good { (self.good + 1).min(Self::PROBATION) } else { 0 };
        self.doubts += usize::from(!good);
    }

    pub(super) fn drop_doubt(&mut self) {
        self.doubts = self.doubts.saturating_sub(1);
    }
}
