use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use scape_aggregate::{Transaction, ValidTx, Verifier, VerifyError};
use scape_p2p::zone::Ticket;
use tokio::sync::mpsc;

/// A verdict on its way back.
pub(super) type Verdict = (Ticket, Result<ValidTx, VerifyError>);

/// Proofs and kernels that are remembered: twice what a full stempool and txpool hold.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(200_000).expect("not zero");
/// Transactions in one batch: more gains little and makes all of them wait for the last.
const BATCH: usize = 64;

/// Threads that verify transactions.
///
/// An idle thread takes a lone transaction at once; busy ones find a queue and take their share of
/// it as one batch. The queue is bounded by the zone that fills it.
#[derive(Debug)]
pub(super) struct VerifyThreads {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Ticket, Transaction)>,
    closed: bool,
}

impl VerifyThreads {
    /// Starts threads that send their verdicts to `verdicts`.
    pub(super) fn start(
        workers: usize,
        verdicts: &mpsc::UnboundedSender<Verdict>,
    ) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let workers = if workers == 0 { cores } else { workers };
        let (queue, verifier) = (Arc::new(Queue::default()), Arc::new(Verifier::new(REMEMBERED)));
        let mut threads = Vec::with_capacity(workers);
        for index in 0..workers {
            let (queue, verifier, verdicts) = (queue.clone(), verifier.clone(), verdicts.clone());
            let name = format!("verify-{index}");
            let work = move || {
                while let Some(batch) = queue.take(workers) {
                    verify(&verifier, batch, &verdicts);
                }
            };
            threads.push(thread::Builder::new().name(name).spawn(work)?);
        }
        Ok(Self { queue, threads })
    }

    pub(super) fn submit(&self, ticket: Ticket, tx: Transaction) {
        self.queue.lock().waiting.push_back((ticket, tx));
        self.queue.filled.notify_one();
    }
}

impl Drop for VerifyThreads {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.filled.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work and takes one worker's share of it. `None` when there is no more to come.
    fn take(&self, workers: usize) -> Option<Vec<(Ticket, Transaction)>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if !state.waiting.is_empty() {
                let share = state.waiting.len().div_ceil(workers).min(BATCH);
                return Some(state.waiting.drain(..share).collect());
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn verify(
    verifier: &Verifier,
    batch: Vec<(Ticket, Transaction)>,
    verdicts: &mpsc::UnboundedSender<Verdict>,
) {
    let (tickets, txs): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    for verdict in tickets.into_iter().zip(verifier.verify_batch(txs)) {
        // If nobody listens any more, the node is stopping.
        let _ = verdicts.send(verdict);
    }
}
