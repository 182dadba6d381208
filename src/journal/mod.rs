//! The journal: what of the owner's transactions has to survive a crash, in one file.
//!
//! A host that carries out [`Effect::Keep`] and [`Effect::Erase`] writes them here before it
//! carries out what follows, and gives what [`Journal::load`] returns to
//! [`Zone::restore`](crate::p2p::zone::Zone::restore) when it starts again. [`crate::node::Node`]
//! does that if it has a data folder.
//!
//! * A record is there from the moment when a push is acknowledged until others have shown to have
//!   the transaction, or a block holds it. It is the transaction, the state of its inputs, how far
//!   it has come and when its embargo ends; never a peer, and nothing of anyone else's.
//! * [`Journal::write`] returns when the file is synced. Several changes are one step.
//! * Each record has a checksum over itself and its key. One that cannot be read is reported, stays
//!   where it is and is tried again at every start: a newer program or the right configuration may
//!   read it.
//! * On Unix, file and folder are made for their owner only.
//!
//! # Security
//! The file tells whose the transactions in it are: whoever can read it needs no other attack. The
//! store never overwrites in place, so an erased record stays in a free page of the file until the
//! page is used again or until [`Journal::compact`]; a node calls it when nothing is left in the file,
//! at every start and at every orderly end. What the file system or the medium keep of it beyond that
//! is out of reach.
//!
//! [`Effect::Keep`]: crate::p2p::zone::Effect::Keep
//! [`Effect::Erase`]: crate::p2p::zone::Effect::Erase

mod error;
mod file;
mod record;
mod store;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use scape_aggregate::{Consensus, Hash, Verifier};
use scape_pool::{Instant, Record};

pub use error::{JournalError, RecordError};
pub use file::make_folder;
use store::Store;

/// The same moment on both clocks, to convert what is kept: pools have monotonic time, which begins
/// anew with every start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// On the clock of the pool.
    pub now: Instant,
    /// Microseconds since 1970 by the time of day.
    pub unix_micros: u64,
}

/// What a journal holds.
#[derive(Debug)]
pub struct Loaded {
    /// What can be gone on with.
    pub records: Vec<Record>,
    /// Why others cannot. They stay in the file.
    pub unreadable: Vec<RecordError>,
}

/// An open journal. Blocks while it writes; call it from a thread that may.
///
/// It remembers what the file should hold. After a failure it opens the file anew and writes all of
/// that again: what the system reported as written before may be lost with the disk.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// None after a failure.
    store: Option<Store>,
    /// What the file should hold, beside what is unreadable.
    records: BTreeMap<Hash, Vec<u8>>,
    /// The keys for which it may hold something else.
    unwritten: BTreeSet<Hash>,
}

impl Journal {
    /// Opens the journal at `path`, or makes one. Its folder must be there.
    ///
    /// # Errors
    /// Why it cannot be used; nothing is lost then.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let store = Some(guarded(|| file::open(path))?);
        let (records, unwritten) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { path: path.to_owned(), store, records, unwritten })
    }

    /// Reads everything. Transactions are verified again, since the file is not proof of that.
    ///
    /// Embargoes end when they would have ended by the time of day, but never later than in the
    /// time that was left when they were written: a clock that was set back does not put them off.
    /// One that was put forward ends them early.
    ///
    /// # Errors
    /// Why the file cannot be read. A record that cannot is not an error of the file.
    pub fn load(
        &mut self,
        consensus: &Consensus,
        verifier: &Verifier,
        moment: Moment,
    ) -> Result<Loaded, JournalError> {
        let stored = match &self.store {
            Some(store) => guarded(|| store.read_all())?,
            None => Vec::new(),
        };
        let (mut unreadable, mut decoded) = (Vec::new(), Vec::new());
        for (key, bytes) in stored {
            match record::decode(&key, &bytes, consensus, moment) {
                Ok(record) => decoded.push((key, bytes, record)),
                Err(error) => unreadable.push(error),
            }
        }
        let txs = decoded.iter().map(|(.., unverified)| unverified.tx.clone()).collect();
        let mut records = Vec::with_capacity(decoded.len());
        for ((key, bytes, unverified), verdict) in
            decoded.into_iter().zip(verifier.verify_batch(txs))
        {
            match verdict {
                Ok(tx) => {
                    let record::Unverified { confirmed, stage, .. } = unverified;
                    records.push(Record { tx, confirmed, stage });
                    self.records.insert(key, bytes);
                }
                Err(error) => unreadable.push(RecordError::Invalid(error)),
            }
        }
        Ok(Loaded { records, unreadable })
    }

    /// Puts a record in place of what is kept under its key, at the next [`Journal::write`].
    pub fn keep(&mut self, record: &Record, moment: Moment) {
        let key = record.key();
        self.records.insert(key, record::encode(&key, record, moment));
        self.unwritten.insert(key);
    }

    /// Erases what is kept under a key, at the next [`Journal::write`].
    pub fn erase(&mut self, key: Hash) {
        self.records.remove(&key);
        self.unwritten.insert(key);
    }

    /// Writes what has changed in one step, and returns when it is safe.
    ///
    /// # Errors
    /// Why it is not. The changes are not forgotten: the next call writes them too.
    pub fn write(&mut self) -> Result<(), JournalError> {
        if self.unwritten.is_empty() { Ok(()) } else { self.write_anyway() }
    }

    /// The same, and takes as long if nothing has changed: so that how long it takes tells nobody
    /// whether something of the owner was written.
    ///
    /// # Errors
    /// As [`Journal::write`].
    pub fn write_anyway(&mut self) -> Result<(), JournalError> {
        let result = guarded(|| self.try_write());
        if result.is_err() {
            self.give_up_store();
        }
        result
    }

    fn try_write(&mut self) -> Result<(), JournalError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => file::open(&self.path)?,
        };
        let store = self.store.insert(store);
        store.write(self.unwritten.iter().map(|key| (key, self.records.get(key))))?;
        self.unwritten.clear();
        Ok(())
    }

    /// Gives free pages back, and with them what is left of erased records.
    ///
    /// # Errors
    /// What stopped it. All records are still there.
    pub fn compact(&mut self) -> Result<(), JournalError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let result = guarded(|| store.compact());
        if result.is_err() {
            self.give_up_store();
        }
        result
    }

    /// After an error nobody knows what has reached the disk: all of it is to be written again.
    fn give_up_store(&mut self) {
        self.unwritten.extend(self.records.keys());
        let store = self.store.take();
        // Closing it writes too.
        let _ = guarded(|| {
            drop(store);
            Ok(())
        });
    }

    /// How many records the file should hold, beside what is unreadable.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many changes are not safe yet.
    pub fn unwritten(&self) -> usize {
        self.unwritten.len()
    }
}

/// The store panics at some damage that its checksums do not cover.
fn guarded<T>(call: impl FnOnce() -> Result<T, JournalError>) -> Result<T, JournalError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(JournalError::Damaged))
}
