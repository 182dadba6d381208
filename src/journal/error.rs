use std::io;

use scape_aggregate::{DecodeError, VerifyError};
use thiserror::Error;

/// Why the journal cannot be opened, read or written, and what to do about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum JournalError {
    /// There is no room for it.
    #[error(
        "there is no room left for it: free some on its disk, or raise the quota or file limit"
    )]
    Full,
    /// We may not read or write it.
    #[error(
        "it may not be written: check the owner and mode of file and folder, and how it is mounted"
    )]
    NotAllowed,
    /// Another process has it open.
    #[error("another process has it open: stop that one, or use another data folder")]
    InUse,
    /// The file is no journal, or broken.
    #[error(
        "it is damaged, or not a journal: restore it, or move it away to start with an empty one \
         and push again what had not been mined"
    )]
    Damaged,
    /// A newer version of the program wrote it.
    #[error("it has format {0}, which is newer than this program: use the one that wrote it")]
    Newer(u32),
    /// Something else that the system says.
    #[error("the system says: {0}")]
    Io(io::ErrorKind),
}

/// Why a record cannot be gone on with.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RecordError {
    /// Its checksum is wrong.
    #[error("it is damaged")]
    Damaged,
    /// A newer version of the program wrote it.
    #[error("it has format {0}, which is newer than this program")]
    Newer(u8),
    /// Its checksum is right, but what it covers is no record.
    #[error("it is not a record")]
    Malformed,
    /// Its transaction does not decode under these rules of the chain.
    #[error("its transaction cannot be read: {0}")]
    Transaction(#[from] DecodeError),
    /// Its transaction is not valid.
    #[error("its transaction is not valid: {0}")]
    Invalid(#[from] VerifyError),
}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{
            FileTooLarge, InvalidData, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
            StorageFull, UnexpectedEof,
        };
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full,
            PermissionDenied | ReadOnlyFilesystem => Self::NotAllowed,
            InvalidData | UnexpectedEof => Self::Damaged,
            kind => Self::Io(kind),
        }
    }
}

impl From<redb::Error> for JournalError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => Self::InUse,
            // We close it after every error, and everything else only happens with tables that
            // are not ours.
            _ => Self::Damaged,
        }
    }
}
