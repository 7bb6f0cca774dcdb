//! One SQLite connection and how it is used: off the caller's thread, write transactions taken at once.

use std::{path::Path, sync::Arc, time::Duration};

use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{
    clock::BoxFuture,
    error::{Error, Result},
    runtime,
};

/// How long a writer waits for another process before it gives up.
const BUSY: Duration = Duration::from_secs(10);

/// A database in a file or in memory.
#[derive(Clone)]
pub struct Database {
    connection: Arc<Mutex<Connection>>,
    // Memory databases never wait, so they answer on the caller's thread.
    inline: bool,
}

impl Database {
    /// Opens or creates a file in write-ahead mode, synced at every commit, and runs `schema`.
    pub fn open(path: &Path, schema: &str) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        // Two processes may create the file at once, and the switch to write-ahead mode does not honour the timeout.
        let mut tries = 0;
        loop {
            match connection.pragma_update(None, "journal_mode", "wal") {
                Ok(()) => break,
                Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) && tries < 200 => {
                    tries += 1;
                    std::thread::park_timeout(Duration::from_millis(10));
                }
                Err(error) => return Err(error.into()),
            }
        }
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        let database = Self { connection: Arc::new(Mutex::new(connection)), inline: false };
        database.now(|transaction| Ok(transaction.execute_batch(schema)?))?;
        Ok(database)
    }

    /// A database that is gone with its last handle.
    pub fn memory(schema: &str) -> Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(schema)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), inline: true })
    }

    /// Runs `work` in one write transaction on this thread.
    pub fn now<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// Runs `work` outside a transaction, for single reads.
    pub fn read_now<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.connection.lock())
    }

    /// Runs `work` in one write transaction, off the caller's thread when it may wait.
    pub fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        if self.inline {
            return Box::pin(std::future::ready(self.now(work)));
        }
        let database = self.clone();
        Box::pin(runtime::blocking(move || database.now(work)))
    }

    /// As [`Database::write`], for reads.
    pub fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        if self.inline {
            return Box::pin(std::future::ready(self.read_now(work)));
        }
        let database = self.clone();
        Box::pin(runtime::blocking(move || database.read_now(work)))
    }

    /// Folds the write-ahead log back into the file.
    pub fn checkpoint(&self) {
        // Another process may be reading; its own checkpoint will do the rest.
        let _ = self.connection.lock().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

/// SQLite counts in `i64`; our counters are far below its end.
pub fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Reads back [`to_i64`].
pub fn to_u64(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::data("store_corrupt", "a stored counter is negative"))
}
