//! The queue alone, and the engine with real transactions.

mod corpus;
mod measure;
mod queue;
mod threads;

use std::sync::Arc;
use std::time::Duration;

use scape_aggregate::{Transaction, ValidTx, VerifyError};
use scape_p2p::zone::Ticket;
use scape_pool::PeerId;
use tokio::sync::mpsc;

use super::{Engine, Limits, Outcome, Report};

const ROOMY: Limits = Limits {
    transactions: 100_000,
    bytes: usize::MAX,
    share_transactions: 50_000,
    share_bytes: usize::MAX,
};

/// An engine, and what it reports.
struct Bench {
    engine: Engine,
    reports: mpsc::UnboundedReceiver<Report>,
    last: u64,
}

impl Bench {
    fn new(
        workers: usize,
        verify: impl Fn(Vec<Transaction>) -> Vec<Result<ValidTx, VerifyError>> + Send + Sync + 'static,
    ) -> Self {
        let (sender, reports) = mpsc::unbounded_channel();
        let engine =
            Engine::start_with(workers, ROOMY, sender, Arc::new(move |_, txs| verify(txs)))
                .unwrap();
        Self { engine, reports, last: 0 }
    }

    fn submit(&mut self, sender: Option<u64>, tx: &Transaction) -> Ticket {
        self.last += 1;
        self.engine.submit(Ticket(self.last), sender.map(PeerId), tx.clone());
        Ticket(self.last)
    }

    /// The next report, or a failure of the test after a long time.
    fn report(&mut self) -> Report {
        for _ in 0..30_000 {
            if let Some(report) = self.try_report() {
                return report;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("no report");
    }

    fn try_report(&mut self) -> Option<Report> {
        let report = self.reports.try_recv().ok()?;
        self.engine.handled(report.0);
        Some(report)
    }

    fn nothing_more(&mut self) {
        assert!(self.reports.try_recv().is_err(), "a ticket has two reports");
    }
}

fn is_good(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Verdict(Ok(_)))
}
