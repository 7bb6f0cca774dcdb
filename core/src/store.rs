//! What must outlive a call, split by transaction: Catalog, Credentials, Ledger, Counters, Sessions. Owns files and rows; touches only
//! ground. Every trait has a memory and a SQLite form, and one macro of tests stamps the same behaviour on both.

mod catalog;
mod counters;
mod credentials;
mod journal;
mod ledger;
mod sessions;
mod sqlite;
mod trust;

pub use catalog::{Attached, Catalog, Document, DocumentKind, HeadChange, Installation, SqliteCatalog, TenantRow};
pub use counters::{Cell, Counters, MemoryCounters, SqliteCounters, Taken};
pub use credentials::{CredentialRow, CredentialRowKind, Credentials, NEVER, SqliteCredentials, UntrustedRow};
pub use ledger::{Answer, Committed, Entry, Kept, Ledger, Row, RowsFrom, SetAside, Spend, SqliteLedger};
pub use sessions::{MemorySessions, SessionTurns, Sessions, SqliteSessions};
pub use sqlite::{Database, after_fork_in_child, after_fork_in_parent, before_fork};
pub use trust::is_untrusted;

use crate::error::{Error, ErrorKind};

/// The name of the document that holds a chain's newest head.
pub const HEAD: &str = "head";

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let (kind, code) = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (ErrorKind::Unavailable, "store_busy"),
            Some(ErrorCode::DiskFull) => (ErrorKind::Unavailable, "disk_full"),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => {
                (ErrorKind::Unavailable, "store_unavailable")
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (ErrorKind::Data, "store_corrupt"),
            _ => (ErrorKind::Internal, "store_error"),
        };
        Self::new(kind, code, format!("the store failed: {error}")).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use ring::digest::{SHA256, digest};

    use super::{catalog, counters, credentials, ledger, sessions};

    /// Whoever changes a table raises `FORMAT`, so that a folder of another shape is refused and not half read.
    #[test]
    fn a_table_that_changes_changes_the_format_of_the_folder() {
        let tables =
            [catalog::SCHEMA, credentials::SCHEMA, counters::SCHEMA, sessions::SCHEMA, ledger::SCHEMA].concat();
        let digest = data_encoding::HEXLOWER.encode(digest(&SHA256, tables.as_bytes()).as_ref());
        assert_eq!((catalog::FORMAT, &digest[..16]), ("3", "0283d58070a70ab7"));
    }
}
