//! SQLite connections and how they are used: off the caller's thread, write transactions taken at once, closed at a fork.
//!
//! SQLite keeps locks and shared memory per process and must not be carried through a fork: a child that opens a file its
//! parent had open believes it holds locks that it does not hold. So files are closed before a fork and opened again when
//! next used; a child of a fork that skipped this is refused.

use std::{
    cell::RefCell,
    path::Path,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parking_lot::{ArcMutexGuard, Mutex, RawMutex};
use rusqlite::{Connection, Transaction, TransactionBehavior, config::DbConfig};

use crate::{
    clock::BoxFuture,
    disk,
    error::{Error, Result},
    runtime::{self, PerProcess},
};

/// How long a writer waits for another process before it gives up.
const BUSY: Duration = Duration::from_secs(10);

/// How many statements a connection keeps planned: more than any of ours has.
const PLANNED: usize = 64;

type Slot = Mutex<Option<Connection>>;

/// A database in a file or in memory.
#[derive(Clone)]
pub struct Database {
    connection: Arc<Slot>,
    /// None in memory: such databases never wait, answer on the caller's thread, and have nothing to close at a fork.
    file: Option<Arc<Path>>,
}

/// The files this process has open.
static FILES: PerProcess<Arc<Mutex<Vec<Weak<Slot>>>>> = PerProcess::new();
/// The process that opened files last, or 0 when a fork found all of them closed.
static OPENED_BY: AtomicU32 = AtomicU32::new(0);

impl Database {
    /// Opens or creates a file in write-ahead mode, synced at every commit, and runs `schema`.
    pub fn open(path: &Path, schema: &str) -> Result<Self> {
        let files = FILES.get_or_try_init(|| Ok(Arc::default()))?;
        let mut files = files.1.lock();
        let opened_by = OPENED_BY.load(Ordering::Acquire);
        if opened_by != 0 && opened_by != runtime::generation() {
            return Err(Error::unavailable("forked", "the process was forked while Tenantry had files open")
                .with_help("fork with os.fork, or open the client in the child only"));
        }
        let connection = connect(path)?;
        OPENED_BY.store(runtime::generation(), Ordering::Release);
        let database = Self { connection: Arc::new(Mutex::new(Some(connection))), file: Some(path.into()) };
        files.retain(|slot| slot.strong_count() > 0);
        files.push(Arc::downgrade(&database.connection));
        drop(files);
        database.now(|transaction| Ok(transaction.execute_batch(schema)?))?;
        Ok(database)
    }

    /// A database that is gone with its last handle.
    pub fn memory(schema: &str) -> Result<Self> {
        let connection = Connection::open_in_memory()?;
        keep_plans(&connection)?;
        connection.execute_batch(schema)?;
        Ok(Self { connection: Arc::new(Mutex::new(Some(connection))), file: None })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let mut slot = self.connection.lock();
        let connection = match (&mut *slot, &self.file) {
            (Some(connection), _) => connection,
            (empty, Some(path)) => empty.insert(connect(path)?),
            (None, None) => return Err(Error::internal("a database in memory is gone")),
        };
        work(connection)
    }

    /// Runs `work` in one write transaction on this thread.
    pub fn now<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    /// Runs `work` outside a transaction, for single reads.
    pub fn read_now<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.with(|connection| work(connection))
    }

    /// As [`Database::read`], all of `work` at one moment, whatever other processes write meanwhile.
    pub fn snapshot<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        self.read(move |connection| {
            // Dropped at the end: there is nothing to commit.
            let transaction = connection.unchecked_transaction()?;
            work(&transaction)
        })
    }

    /// Runs `work` in one write transaction, off the caller's thread when it may wait.
    pub fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        if self.file.is_none() {
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
        if self.file.is_none() {
            return Box::pin(std::future::ready(self.read_now(work)));
        }
        let database = self.clone();
        Box::pin(runtime::blocking(move || database.read_now(work)))
    }

    /// Whether others may hold it for a while.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.file.is_some()
    }

    /// Folds the write-ahead log back into the file.
    pub fn checkpoint(&self) {
        // Another process may be reading; its own checkpoint will do the rest.
        let _ =
            self.read_now(|connection| Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?));
    }
}

/// A statement is planned once, whatever values it is given: else SQLite plans it anew at each use whose values could have led
/// to another plan, which for most of ours costs as much as running it.
fn keep_plans(connection: &Connection) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(PLANNED);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn connect(path: &Path) -> Result<Connection> {
    // Where that is not possible SQLite says why.
    let _ = disk::private_database(path);
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    keep_plans(&connection)?;
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
    Ok(connection)
}

/// Every file closed and its lock held, so that nothing is opened again before the fork has happened.
struct Hold {
    connections: Vec<ArcMutexGuard<RawMutex, Option<Connection>>>,
    files: Option<ArcMutexGuard<RawMutex, Vec<Weak<Slot>>>>,
}

thread_local! {
    // The hooks of one fork run on one thread, which is also the only one a child has.
    static HOLD: RefCell<Option<Hold>> = const { RefCell::new(None) };
}

/// To be called right before a fork: waits for transactions under way and closes every file.
pub fn before_fork() {
    let files = FILES.get().map(|slot| slot.1.lock_arc());
    let open: Vec<Arc<Slot>> = files.iter().flat_map(|files| files.iter()).filter_map(Weak::upgrade).collect();
    let mut connections: Vec<_> = open.iter().map(Mutex::lock_arc).collect();
    for connection in &mut connections {
        drop(connection.take());
    }
    HOLD.with_borrow_mut(|hold| *hold = Some(Hold { connections, files }));
}

/// To be called right after a fork in the parent: files open again when next used.
pub fn after_fork_in_parent() {
    HOLD.with_borrow_mut(|hold| drop(hold.take()));
}

/// To be called right after a fork in the child: what it inherited is left alone, and it may open files of its own.
pub fn after_fork_in_child() {
    HOLD.with_borrow_mut(|hold| {
        if let Some(hold) = hold.take() {
            // Unlocking could wake threads that only the parent has.
            hold.connections.into_iter().for_each(std::mem::forget);
            std::mem::forget(hold.files);
            OPENED_BY.store(0, Ordering::Release);
        }
    });
}

/// SQLite counts in `i64`; our counters are far below its end.
pub fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Reads back [`to_i64`].
pub fn to_u64(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::data("store_corrupt", "a stored counter is negative"))
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_it_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let schema = "CREATE TABLE t (a BLOB NOT NULL, b INTEGER NOT NULL, c TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
                      CREATE UNIQUE INDEX living ON t (a, c) WHERE c IS NOT NULL;";
        let statements = [
            "SELECT c FROM t WHERE a = ?1 AND b = ?2",
            "SELECT c FROM t WHERE a = ?1 AND b BETWEEN 1 AND ?2 ORDER BY b DESC LIMIT 1",
            "SELECT b FROM t WHERE a = ?1 AND c = ?2 AND c IS NOT NULL",
            "SELECT b FROM t WHERE a = ?1 ORDER BY b LIMIT ?2",
            "SELECT b FROM t WHERE a = ?1 AND c LIKE ?2",
            "DELETE FROM t WHERE a = ?1 AND b <= ?2",
        ];
        let path = folder.path().join("t.db");
        for database in [Database::open(&path, schema).unwrap(), Database::memory(schema).unwrap()] {
            for statement in statements {
                for value in [0_i64, 1, 2, 1 << 40] {
                    let planned = |transaction: &Transaction<'_>| {
                        let mut cached = transaction.prepare_cached(statement)?;
                        let mut rows = cached.query(rusqlite::params![vec![7_u8; 16], value])?;
                        while rows.next()?.is_some() {}
                        drop(rows);
                        Ok(cached.get_status(StatementStatus::RePrepare))
                    };
                    assert_eq!(database.now(planned).unwrap(), 0, "{statement}, {value}");
                }
            }
        }
    }
}
