//! The engine: verifies transactions on all cores, between network and pool.
//!
//! ```text
//! Effect::Verify -> submit -> queue (fair, bounded) -> workers -> Verifier -> report -> zone
//! Effect::Cancel -> cancel ----^
//! ```
//!
//! A worker that is free takes its share of what waits as one batch: a lone arrival at an idle
//! engine is verified at once and alone, and under load batches form by themselves. They are
//! bounded in cost, so that none keeps what comes after it waiting for long. A single transaction
//! is never split: the heaviest that a block may hold occupies one worker for less than a second,
//! and the others go on.
//!
//! Peers that have not shown yet that they send good transactions are verified apart and never
//! occupy the last free worker, so that searching a failed batch delays nobody else.
//!
//! Every ticket that is submitted gets exactly one report. After one that is not good its sender
//! waits until the node has handled it, so that a ban comes before the next verification.

mod lane;
mod queue;
#[cfg(test)]
mod tests;

use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use scape_aggregate::{Transaction, ValidTx, Verifier, VerifyError};
use scape_p2p::zone::{Ticket, Unverified};
use scape_pool::PeerId;
use tokio::sync::mpsc;
use tracing::error;

pub(super) use queue::Limits;
use queue::{Batch, Job, Overflow, Queue};

/// Proofs and kernels that a node remembers: twice what a full stempool and txpool hold.
pub(super) const REMEMBERED: NonZeroUsize = NonZeroUsize::new(200_000).expect("not zero");
/// What a batch may cost: 64 transactions as wallets make them, some 60 ms. A greater one gains
/// little (7% from 64 to 256 proofs) and makes all of them wait for the last.
const BATCH_COST: u64 = 3_000;

/// What became of a ticket.
#[derive(Debug)]
pub(super) enum Outcome {
    Verdict(Result<ValidTx, VerifyError>),
    Unverified(Unverified),
}

/// An outcome on its way back.
pub(super) type Report = (Ticket, Outcome);

/// Verifies transactions together, of the owner or of peers; the verdicts are in their order.
type Verify = dyn Fn(Whose, Vec<Transaction>) -> Vec<Result<ValidTx, VerifyError>> + Send + Sync;

/// Whose transactions are verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whose {
    /// The owner's are verified in full, known or not: else the time that a push takes would tell a
    /// wallet whether the node has it on the stem.
    Owners,
    Peers,
}

/// Threads that verify transactions. Dropping it cancels what waits and ends them.
#[derive(Debug)]
pub(super) struct Engine {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// There is something to take, or the end has come.
    changed: Condvar,
    reports: mpsc::UnboundedSender<Report>,
    workers: usize,
    /// A worker has died.
    broken: AtomicBool,
}

#[derive(Debug)]
struct State {
    queue: Queue<Transaction>,
    /// Workers that verify for a sender on probation.
    strangers: usize,
    closed: bool,
}

impl Engine {
    /// Starts threads that verify and send their reports to `reports`: one for each core if
    /// `workers` is zero.
    pub(super) fn start(
        workers: usize,
        limits: Limits,
        verifier: Arc<Verifier>,
        reports: mpsc::UnboundedSender<Report>,
    ) -> io::Result<Self> {
        let verify = move |whose, txs| match whose {
            Whose::Owners => verifier.verify_batch_anew(txs),
            Whose::Peers => verifier.verify_batch(txs),
        };
        Self::start_with(workers, limits, reports, Arc::new(verify))
    }

    fn start_with(
        workers: usize,
        limits: Limits,
        reports: mpsc::UnboundedSender<Report>,
        verify: Arc<Verify>,
    ) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let workers = if workers == 0 { cores } else { workers };
        let state = State { queue: Queue::new(limits), strangers: 0, closed: false };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        let shared =
            Arc::new(Shared { state, changed, reports, workers, broken: AtomicBool::new(false) });
        // From here on dropping it ends the threads that were started.
        let mut engine = Self { shared, threads: Vec::with_capacity(workers) };
        for index in 0..workers {
            let (shared, verify) = (engine.shared.clone(), verify.clone());
            let work = move || {
                let _alarm = Alarm(&shared);
                shared.work(&*verify);
            };
            let thread = thread::Builder::new().name(format!("verify-{index}"));
            engine.threads.push(thread.spawn(work)?);
        }
        Ok(engine)
    }

    /// Queues a transaction. Tickets ascend.
    pub(super) fn submit(&self, ticket: Ticket, sender: Option<PeerId>, tx: Transaction) {
        let (cost, bytes) = (cost(&tx), footprint(&tx));
        let refused = self.shared.lock().queue.push(Job { ticket, sender, cost, bytes, load: tx });
        self.shared.changed.notify_one();
        for (ticket, overflow) in refused {
            let why = match overflow {
                Overflow::Share => Unverified::Flood,
                Overflow::Full => Unverified::Busy,
            };
            self.shared.report(ticket, Outcome::Unverified(why));
        }
    }

    /// Does not verify a transaction, if there is time. Otherwise its verdict comes.
    pub(super) fn cancel(&self, ticket: Ticket) {
        if self.shared.lock().queue.cancel(ticket) {
            self.shared.report(ticket, Outcome::Unverified(Unverified::Cancelled));
        }
    }

    /// What follows from a report is done. Needs to be told of every one that is not good: until
    /// then nothing more of its sender is verified.
    pub(super) fn handled(&self, ticket: Ticket) {
        if self.shared.lock().queue.handled(ticket) {
            self.shared.changed.notify_one();
        }
    }

    /// Whether a worker has died, of an error in the engine itself. What it was at gets no report,
    /// and the queue may be wrong: the node cannot go on.
    pub(super) fn is_broken(&self) -> bool {
        self.shared.broken.load(Ordering::Relaxed)
    }

    /// A peer is gone for good. What it sent is cancelled.
    pub(super) fn forget(&self, peer: PeerId) {
        let tickets = self.shared.lock().queue.forget(peer);
        self.shared.report_cancelled(tickets);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let tickets = state.queue.clear();
        drop(state);
        self.shared.report_cancelled(tickets);
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, ticket: Ticket, outcome: Outcome) {
        // If nobody listens any more, the node is stopping.
        let _ = self.reports.send((ticket, outcome));
    }

    fn report_cancelled(&self, tickets: Vec<Ticket>) {
        for ticket in tickets {
            self.report(ticket, Outcome::Unverified(Unverified::Cancelled));
        }
    }

    /// What a worker does all its life.
    fn work(&self, verify: &Verify) {
        while let Some(Batch { jobs, alone }) = self.take() {
            let (own, peers): (Vec<_>, _) = jobs.into_iter().partition(|job| job.sender.is_none());
            let txs = |jobs: &[Job<Transaction>]| jobs.iter().map(|job| job.load.clone()).collect();
            let mut outcomes = verify_guarded(verify, Whose::Owners, txs(&own));
            outcomes.extend(verify_guarded(verify, Whose::Peers, txs(&peers)));
            let jobs: Vec<_> = own.into_iter().chain(peers).collect();
            let worth = |outcome: &Outcome| matches!(outcome, Outcome::Verdict(Ok(_)));
            let worths = jobs.iter().zip(&outcomes);
            let worths = worths.map(|(job, outcome)| (job.ticket, job.sender, worth(outcome)));
            self.settle(alone, worths);
            for (job, outcome) in jobs.iter().zip(outcomes) {
                self.report(job.ticket, outcome);
            }
        }
    }

    /// Waits for work and takes one worker's share of it. `None` when there is no more to come.
    fn take(&self) -> Option<Batch<Transaction>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let max_cost = state.queue.cost().div_ceil(self.workers as u64).min(BATCH_COST);
            // The last free worker is for those who are known.
            let strangers = state.strangers < self.workers.saturating_sub(1).max(1);
            if let Some(batch) = state.queue.take_batch(max_cost, strangers) {
                state.strangers += usize::from(batch.alone.is_some());
                return Some(batch);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn settle(
        &self,
        alone: Option<PeerId>,
        verdicts: impl IntoIterator<Item = (Ticket, Option<PeerId>, bool)>,
    ) {
        let mut state = self.lock();
        state.strangers -= usize::from(alone.is_some());
        state.queue.settle(alone, verdicts);
        // What had to wait for this batch may be for another worker.
        if state.queue.len() > 1 {
            self.changed.notify_one();
        }
    }
}

/// Tells when a worker dies of a panic that is not the verifier's.
struct Alarm<'a>(&'a Shared);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            error!("a verification thread has died");
            self.0.broken.store(true, Ordering::Relaxed);
        }
    }
}

/// Verifies a batch. If the verifier panics, each is verified alone, so that only what makes it
/// panic has no verdict.
fn verify_guarded(verify: &Verify, whose: Whose, txs: Vec<Transaction>) -> Vec<Outcome> {
    let count = txs.len();
    if count == 0 {
        return Vec::new();
    }
    let retry = txs.clone();
    let verdicts = catch_unwind(AssertUnwindSafe(|| verify(whose, txs)));
    match verdicts {
        Ok(verdicts) if verdicts.len() == count => {
            verdicts.into_iter().map(Outcome::Verdict).collect()
        }
        _ if count <= 1 => {
            error!("the verifier failed at a transaction");
            retry.iter().map(|_| Outcome::Unverified(Unverified::Failed)).collect()
        }
        _ => retry.into_iter().flat_map(|tx| verify_guarded(verify, whose, vec![tx])).collect(),
    }
}

/// What verifying a transaction costs, in units of some 20 µs: its weight. Adding up a commitment
/// takes one, a signature two and a proof about twenty, and an input weighs 1, a kernel 3 and an
/// output 21.
fn cost(tx: &Transaction) -> u64 {
    tx.weight().0.max(1)
}

/// What a transaction keeps in memory, about: its size on the wire.
fn footprint(tx: &Transaction) -> usize {
    56 + tx.inputs().len() * 34 + tx.outputs().len() * 717 + tx.kernels().len() * 114
}
