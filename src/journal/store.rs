//! The tables of the journal in the embedded store.

use redb::{Builder, Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use scape_aggregate::Hash;

use super::JournalError;

/// What is kept, by [`scape_pool::Record::key`].
const RECORDS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("records");
/// What is said of the file itself.
const ABOUT: TableDefinition<'_, &str, u32> = TableDefinition::new("about");
/// The version of the tables. It grows when an older program would do harm.
const VERSION: u32 = 1;
/// Memory for pages: thousands of records, and there are rarely more than a handful.
const CACHE: usize = 8 << 20;

/// The file, open and locked.
#[derive(Debug)]
pub(super) struct Store {
    db: Database,
}

impl Store {
    /// Opens a store, or begins one if there is nothing yet. That it can be written is tried out.
    pub(super) fn open(backend: impl StorageBackend) -> Result<Self, JournalError> {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
        let db = builder.create_with_backend(backend).map_err(redb::Error::from)?;
        let store = Self { db };
        store.check_version()?;
        Ok(store)
    }

    fn check_version(&self) -> Result<(), JournalError> {
        let write = self.db.begin_write().map_err(redb::Error::from)?;
        {
            let mut about = write.open_table(ABOUT).map_err(redb::Error::from)?;
            let version = about.get("version").map_err(redb::Error::from)?;
            let version = version.map_or(VERSION, |version| version.value());
            if version > VERSION {
                return Err(JournalError::Newer(version));
            }
            about.insert("version", VERSION).map_err(redb::Error::from)?;
            write.open_table(RECORDS).map_err(redb::Error::from)?;
        }
        Ok(write.commit().map_err(redb::Error::from)?)
    }

    pub(super) fn read_all(&self) -> Result<Vec<(Hash, Vec<u8>)>, JournalError> {
        let read = self.db.begin_read().map_err(redb::Error::from)?;
        let table = read.open_table(RECORDS).map_err(redb::Error::from)?;
        let rows = table.iter().map_err(redb::Error::from)?;
        let rows = rows.map(|row| {
            let (key, value) = row.map_err(redb::Error::from)?;
            Ok((Hash(*key.value()), value.value().to_vec()))
        });
        rows.collect()
    }

    /// Sets and removes values in one step, and returns when it is safe. If there are none it writes
    /// and waits for the disk all the same.
    pub(super) fn write<'a>(
        &self,
        changes: impl Iterator<Item = (&'a Hash, Option<&'a Vec<u8>>)>,
    ) -> Result<(), JournalError> {
        let write = self.db.begin_write().map_err(redb::Error::from)?;
        {
            let mut about = write.open_table(ABOUT).map_err(redb::Error::from)?;
            about.insert("version", VERSION).map_err(redb::Error::from)?;
            let mut table = write.open_table(RECORDS).map_err(redb::Error::from)?;
            for (key, value) in changes {
                let key = key.as_bytes();
                match value {
                    Some(value) => table.insert(key, value.as_slice()),
                    None => table.remove(key),
                }
                .map_err(redb::Error::from)?;
            }
        }
        Ok(write.commit().map_err(redb::Error::from)?)
    }

    /// Shrinks the file to what it holds.
    pub(super) fn compact(&mut self) -> Result<(), JournalError> {
        match self.db.compact() {
            Ok(_) => Ok(()),
            Err(error) => Err(redb::Error::from(error).into()),
        }
    }
}
