//! Between the node and its journal: what is kept is written on a thread that may wait for the
//! disk, and a failure is remembered until it is over.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use scape_aggregate::{Consensus, Hash, Verifier};
use scape_pool::{Instant, Record};
use tokio::task::spawn_blocking;
use tracing::{error, info, warn};

use super::{JournalState, NodeError};
use crate::journal::{Journal, JournalError, Moment};

/// The least time between two attempts to write while that fails.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps the owner's transactions over a crash, if there is a data folder.
#[derive(Debug)]
pub(super) struct Keeper {
    journal: Option<Journal>,
    /// Records in the file that could not be read.
    unreadable: usize,
    failure: Option<Failure>,
}

/// Something is not written.
#[derive(Clone, Copy, Debug)]
struct Failure {
    error: JournalError,
    retry: Instant,
}

impl Keeper {
    /// Keeps nothing.
    pub(super) fn off() -> Self {
        Self { journal: None, unreadable: 0, failure: None }
    }

    /// Opens the journal and reads it.
    pub(super) async fn open(
        path: PathBuf,
        consensus: Consensus,
        verifier: Arc<Verifier>,
        moment: Moment,
    ) -> Result<(Self, Vec<Record>), NodeError> {
        let file = path.clone();
        let opened = spawn_blocking(move || {
            let mut journal = Journal::open(&file)?;
            let loaded = journal.load(&consensus, &verifier, moment)?;
            journal.compact()?;
            Ok((journal, loaded))
        });
        // It can only be cancelled, when the runtime ends.
        let opened = opened.await.unwrap_or(Err(JournalError::Io(ErrorKind::Interrupted)));
        let (journal, loaded) =
            opened.map_err(|error| NodeError::Journal { path: path.clone(), error })?;
        for reason in &loaded.unreadable {
            error!(path = %path.display(), %reason, "a transaction in the journal is not gone on with");
        }
        if !loaded.records.is_empty() {
            info!(records = loaded.records.len(), "going on with the owner's transactions");
        }
        let unreadable = loaded.unreadable.len();
        Ok((Self { journal: Some(journal), unreadable, failure: None }, loaded.records))
    }

    pub(super) fn keep(&mut self, record: &Record, moment: Moment) {
        if let Some(journal) = &mut self.journal {
            journal.keep(record, moment);
        }
    }

    pub(super) fn erase(&mut self, key: Hash) {
        if let Some(journal) = &mut self.journal {
            journal.erase(key);
        }
    }

    /// Writes what there is to write, and what could not be written before; something in any case,
    /// so that it takes as long if nothing is the owner's. What has to be safe is then safe, or
    /// [`Keeper::failure`] says why it is not.
    pub(super) async fn write(&mut self, now: Instant) {
        self.write_with(now, Journal::write_anyway).await;
    }

    /// Tries again what could not be written, if it is time.
    pub(super) async fn retry(&mut self, now: Instant) {
        if self.failure.is_some() {
            self.write(now).await;
        }
    }

    /// Writes what was erased. Call it now and then.
    pub(super) async fn tidy(&mut self, now: Instant) {
        if self.failure.is_some() {
            return self.retry(now).await;
        }
        let tidy = |journal: &mut Journal| match journal.unwritten() {
            0 => Ok(()),
            _ => {
                journal.write()?;
                if journal.is_empty() { journal.compact() } else { Ok(()) }
            }
        };
        self.write_with(now, tidy).await;
    }

    async fn write_with(
        &mut self,
        now: Instant,
        write: impl FnOnce(&mut Journal) -> Result<(), JournalError> + Send + 'static,
    ) {
        if self.failure.is_some_and(|failure| now < failure.retry) {
            return;
        }
        let Some(mut journal) = self.journal.take() else { return };
        let result = match spawn_blocking(move || (write(&mut journal), journal)).await {
            Ok((result, journal)) => {
                self.journal = Some(journal);
                result
            }
            // It can only be cancelled, when the runtime ends; then nothing is safe any more.
            Err(_) => Err(JournalError::Io(ErrorKind::Interrupted)),
        };
        self.on_written(result, now);
    }

    fn on_written(&mut self, result: Result<(), JournalError>, now: Instant) {
        let before = self.failure.take().map(|failure| failure.error);
        match result {
            Ok(()) if before.is_some() => info!("the journal is written again"),
            Ok(()) => {}
            Err(error) => {
                if before != Some(error) {
                    error!(%error, "the journal cannot be written: a crash may lose transactions");
                }
                self.failure = Some(Failure { error, retry: now + RETRY });
            }
        }
    }

    /// Why not everything that was given to it is safe.
    pub(super) fn failure(&self) -> Option<JournalError> {
        self.failure.map(|failure| failure.error)
    }

    /// When [`Keeper::write`] is worth another call.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.failure.map(|failure| failure.retry)
    }

    pub(super) fn state(&self) -> JournalState {
        let Some(journal) = &self.journal else { return JournalState::Off };
        let (records, unreadable) = (journal.len(), self.unreadable);
        match self.failure() {
            None => JournalState::Safe { records, unreadable },
            Some(error) => {
                let unwritten = journal.unwritten();
                JournalState::Failing { records, unreadable, unwritten, error }
            }
        }
    }

    /// Writes what is left, and what was erased out of the file.
    pub(super) async fn close(self) {
        let Some(mut journal) = self.journal else { return };
        let closing = spawn_blocking(move || match journal.write() {
            Err(error) => {
                let unwritten = journal.unwritten();
                error!(%error, unwritten, "the journal was not written: transactions may be lost");
            }
            Ok(()) => {
                if let Err(error) = journal.compact() {
                    warn!(%error, "the journal was not compacted: it may hold erased records");
                }
            }
        });
        // If the runtime ends before, there is nothing left to do.
        let _ = closing.await;
    }
}
