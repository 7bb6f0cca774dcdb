//! The ledger over SQLite: records go through the journal into per-scope hash chains in `ledger.db`, or straight there where
//! the ledger decides whether they are written at all.

mod waiting;

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::Thread,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, RwLock};
use rusqlite::Transaction;
use tokio::sync::oneshot;
use waiting::Waiting;

use super::{
    Answer, Committed, Entry, Kept, Ledger, OnCommit, Row, RowsFrom, SetAside, Spend,
    record::{decode, encode},
    rows::{self, SCHEMA, Tips},
};
use crate::{
    clock::BoxFuture,
    error::{Error, ErrorKind, Result},
    keyring::Keyring,
    runtime,
    scope::{Scope, Uid},
    store::{
        journal::{self, Found, Journal, Misfit, Orphan, Seen},
        sqlite::Database,
    },
};

/// A fresh journal is started beyond this size once everything in the old one is committed.
const ROTATE: u64 = 16 << 20;
/// The newest a row may lag behind its journal record.
const LAG: Duration = Duration::from_millis(100);

/// [`Ledger`] over SQLite: a file with a journal before it, or memory.
#[derive(Clone)]
pub struct SqliteLedger(Arc<Inner>);

struct Inner {
    database: Database,
    intake: Intake,
    tell: Mutex<Option<Arc<OnCommit>>>,
    // One committer at a time in this process; SQLite orders processes.
    committing: Mutex<()>,
    // Held while journals of others are looked at and, if their processes are gone, committed. Taken before `committing`.
    adopting: Mutex<()>,
    /// What is written by the next commits; somebody waits for each.
    waiting: Mutex<Vec<Waiting>>,
    writer: Mutex<Option<Thread>>,
    dirty: AtomicBool,
    /// The writer is not to wait for more.
    urgent: AtomicBool,
    closed: AtomicBool,
}

/// Files that are left as they are, with what they were when they were looked at.
type Aside = HashMap<PathBuf, (Seen, Vec<SetAside>)>;

enum Intake {
    // No journal: rows wait in memory until somebody looks or enough have come.
    Memory(Mutex<Vec<Vec<u8>>>),
    Folder(Files),
}

struct Files {
    folder: PathBuf,
    keyring: Keyring,
    aside: Mutex<Aside>,
    journal: RwLock<Arc<Journal>>,
    /// How far `journal` is committed.
    committed: AtomicU64,
    /// Journals that take no more records, with how far each is committed.
    retired: Mutex<Vec<(Arc<Journal>, u64)>>,
}

impl Files {
    /// Puts a fresh journal in the place of `old`, unless somebody has already. The write lock waits for appends under way
    /// and for nothing else.
    fn replace(&self, old: &Arc<Journal>) -> Result<()> {
        let fresh = Arc::new(Journal::create(&self.folder, &self.keyring)?);
        let mut slot = self.journal.write();
        if !Arc::ptr_eq(&slot, old) {
            fresh.remove();
            return Ok(());
        }
        self.retired.lock().push((std::mem::replace(&mut *slot, fresh), self.committed.swap(0, Ordering::AcqRel)));
        Ok(())
    }
}

const MEMORY_BATCH: usize = 1024;
impl SqliteLedger {
    /// Opens `ledger.db` in the folder with a fresh journal, or memory when there is none. Adopts the journals of dead
    /// processes at the next [`Ledger::settle`].
    pub fn open(folder: Option<(&Path, &Keyring)>) -> Result<Self> {
        let (database, intake) = match folder {
            None => (Database::memory(SCHEMA)?, Intake::Memory(Mutex::default())),
            Some((folder, keyring)) => {
                let journals = folder.join("journal");
                let database = Database::open(&folder.join("ledger.db"), SCHEMA)?;
                let journal = RwLock::new(Arc::new(Journal::create(&journals, keyring)?));
                let files = Files {
                    folder: journals,
                    keyring: keyring.clone(),
                    aside: Mutex::default(),
                    journal,
                    committed: AtomicU64::new(0),
                    retired: Mutex::default(),
                };
                (database, Intake::Folder(files))
            }
        };
        Ok(Self(Arc::new(Inner {
            database,
            intake,
            tell: Mutex::new(None),
            committing: Mutex::new(()),
            adopting: Mutex::new(()),
            waiting: Mutex::default(),
            writer: Mutex::new(None),
            dirty: AtomicBool::new(false),
            urgent: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })))
    }

    /// Marks work for the writer thread, starting it at the first row. One atomic in the common case.
    fn nudge(&self) {
        if self.0.dirty.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut writer = self.0.writer.lock();
        if let Some(thread) = &*writer {
            thread.unpark();
            return;
        }
        let inner = Arc::downgrade(&self.0);
        match runtime::thread("tenantry-ledger", move || write_on(&inner)) {
            Ok(handle) => *writer = Some(handle.thread().clone()),
            // The row is in the journal; the next one tries again.
            Err(_) => self.0.dirty.store(false, Ordering::Release),
        }
    }

    /// As [`SqliteLedger::nudge`], for somebody who waits; false when there is no writer to come.
    fn hurry(&self) -> bool {
        if self.0.closed.load(Ordering::Acquire) {
            return false;
        }
        self.0.urgent.store(true, Ordering::Release);
        self.nudge();
        self.0.writer.lock().as_ref().map(Thread::unpark).is_some()
    }
}

/// The writer's thread. Parked until the first row after a commit; then rows gather, so that many share one sync, unless
/// somebody waits.
fn write_on(inner: &Weak<Inner>) {
    loop {
        match inner.upgrade() {
            Some(inner) if inner.closed.load(Ordering::Acquire) => return,
            Some(inner) if inner.dirty.load(Ordering::Acquire) => {}
            Some(inner) => {
                drop(inner);
                std::thread::park();
                continue;
            }
            None => return,
        }
        let until = Instant::now() + LAG;
        loop {
            let Some(inner) = inner.upgrade() else { return };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || inner.urgent.load(Ordering::Acquire) || inner.closed.load(Ordering::Acquire) {
                break;
            }
            drop(inner);
            std::thread::park_timeout(left);
        }
        let Some(inner) = inner.upgrade() else { return };
        inner.urgent.store(false, Ordering::Release);
        inner.dirty.store(false, Ordering::Release);
        // What fails here stays in the journal, and is tried again with the next row or `settle`; who waited is told. A defect
        // ends one commit, and not the thread that others wait for.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| inner.commit_own()));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.get_mut().take() {
            writer.unpark();
        }
    }
}

impl Inner {
    /// Commits what this process's journals hold now, and after it what waits; what comes meanwhile is the next one's work.
    fn commit_own(&self) -> Result<()> {
        let committing = self.committing.lock();
        // Before the journal is looked at: what the same callers wrote there earlier comes first.
        let waiting = self.take_turns();
        let result = self.commit_journals();
        let told = match &result {
            // Nothing can be written now.
            Err(error) if error.kind() == ErrorKind::Unavailable => waiting::refused(&waiting, error),
            // What one chain has in the journal is no concern of the others.
            Ok(()) | Err(_) => self.commit_waiting(&waiting),
        };
        drop(committing);
        // Nobody who waited may be gone; that is nothing to us.
        waiting.into_iter().zip(told).for_each(|(one, told)| drop(one.done.send(told)));
        result
    }

    fn commit_journals(&self) -> Result<()> {
        match &self.intake {
            Intake::Memory(pending) => {
                let payloads = std::mem::take(&mut *pending.lock());
                self.commit(|transaction, tips| {
                    payloads.iter().try_for_each(|payload| rows::append(transaction, tips, payload))
                })
            }
            Intake::Folder(files) => {
                self.drain_retired(files)?;
                let current = Arc::clone(&files.journal.read());
                let goal = current.length();
                let mut done = files.committed.load(Ordering::Acquire);
                while done < goal {
                    let before = done;
                    // Behind by more than one read: what waits must not stay unsynced beyond the promised second.
                    if goal - done > journal::CHUNK {
                        current.sync()?;
                    }
                    done = self.commit_some(&current, done)?;
                    files.committed.store(done, Ordering::Release);
                    if done == before {
                        break;
                    }
                }
                // Who closes says so before the journal goes.
                if (current.is_spent() || done > ROTATE) && !self.closed.load(Ordering::Acquire) {
                    files.replace(&current)?;
                    self.drain_retired(files)?;
                }
                Ok(())
            }
        }
    }

    /// Commits the records from `from` on, a few MiB at most; returns where to go on.
    fn commit_some(&self, journal: &Journal, from: u64) -> Result<u64> {
        let read = journal.read(from)?;
        if !read.records.is_empty() {
            self.commit_records(journal.id(), &read.records, read.end)?;
        }
        Ok(read.end)
    }

    /// Commits journals that take no more records, oldest first, and removes each only when nothing is left in it.
    fn drain_retired(&self, files: &Files) -> Result<()> {
        loop {
            let Some((journal, mut done)) = files.retired.lock().first().cloned() else { return Ok(()) };
            loop {
                let before = done;
                done = self.commit_some(&journal, done)?;
                if done == before {
                    break;
                }
                if let Some(first) = files.retired.lock().first_mut() {
                    first.1 = done;
                }
            }
            files.retired.lock().remove(0);
            // One that somebody has changed stays, and is an orphan from now on.
            journal.remove();
        }
    }

    /// Commits and removes the journals of processes that are gone. What is no journal of ours, or holds more than our
    /// records, is left where it lies, and ends nobody's call.
    fn adopt(&self) -> Result<()> {
        let Intake::Folder(files) = &self.intake else { return Ok(()) };
        // Before the look: whoever finds an orphan taken by another thread goes on when its rows are committed.
        let _looking = self.adopting.lock();
        files.aside.lock().retain(|path, (then, _)| then.is_some() && journal::seen(path) == *then);
        let is_known = |path: &Path| files.aside.lock().contains_key(path);
        let found = match journal::find(&files.folder, &files.keyring, is_known) {
            Ok(found) => found,
            // The folder itself was taken away: the next journal makes it anew.
            Err(_) => return Ok(()),
        };
        for one in found {
            match one {
                Found::Orphan(orphan) => self.adopt_one(files, *orphan)?,
                Found::Misfit(path, misfit) => self.set_aside(files, &path, vec![misfit])?,
            }
        }
        Ok(())
    }

    fn adopt_one(&self, files: &Files, orphan: Orphan) -> Result<()> {
        let mut meaningless = false;
        let mut misfits = orphan.read_all(|records, end| {
            meaningless |= records.iter().any(|record| decode(&record.payload).is_err());
            let _committing = self.committing.lock();
            self.commit_records(orphan.id, records, end)
        })?;
        if meaningless {
            misfits.push(Misfit { claims: None, problem: "holds a record that means nothing to this version" });
        }
        if misfits.is_empty() {
            orphan.remove();
            return Ok(());
        }
        self.set_aside(files, orphan.path(), misfits)
    }

    /// Keeps in mind what is wrong with a file, and with whose chain it has to do.
    fn set_aside(&self, files: &Files, path: &Path, misfits: Vec<Misfit>) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut all = Vec::new();
        for Misfit { claims, problem } in &misfits {
            let known = match claims {
                Some(uid) => self.database.read_now(|connection| rows::has_any(connection, *uid))?.then_some(*uid),
                // A part that claims nothing goes with those that do.
                None if misfits.iter().any(|other| other.claims.is_some()) => continue,
                None => None,
            };
            let one = SetAside { file: name.clone(), scope: known.unwrap_or(Uid::PLATFORM), problem };
            if !all.contains(&one) {
                all.push(one);
            }
        }
        files.aside.lock().insert(path.to_owned(), (journal::seen(path), all));
        Ok(())
    }

    /// Appends a journal's records to their chains, with how far that is: a replay never duplicates. How far each journal is
    /// committed is kept when the file is gone, for a copy of it may be put back.
    fn commit_records(&self, id: Uid, records: &[journal::Record], end: u64) -> Result<()> {
        self.commit(|transaction, tips| {
            let done = rows::committed_of(transaction, id)?;
            let fresh = records.iter().filter(|record| record.end > done);
            for record in fresh.filter(|record| decode(&record.payload).is_ok()) {
                rows::append(transaction, tips, &record.payload)?;
            }
            rows::set_committed(transaction, id, end.max(done))
        })
    }

    /// One transaction, and word of the chains it moved. `committing` is held.
    fn commit<T>(&self, work: impl FnOnce(&Transaction<'_>, &mut Tips) -> Result<T>) -> Result<T> {
        let (moved, result) = self.database.now(|transaction| {
            let mut tips = Tips::new();
            let result = work(transaction, &mut tips)?;
            Ok((tips, result))
        })?;
        let tell = self.tell.lock().clone();
        if let (Some(tell), false) = (tell, moved.is_empty()) {
            let moved: Vec<Committed> = moved.into_values().collect();
            tell(&moved);
        }
        Ok(result)
    }
}

impl Ledger for SqliteLedger {
    fn append(&self, scope: &Scope, entry: &Entry<'_>) -> Result<()> {
        let payload = encode(scope, entry)?;
        match &self.0.intake {
            Intake::Memory(pending) => {
                let mut pending = pending.lock();
                pending.push(payload);
                let full = pending.len() >= MEMORY_BATCH;
                drop(pending);
                if full { self.0.commit_own() } else { Ok(()) }
            }
            Intake::Folder(files) => {
                let current = Arc::clone(&files.journal.read());
                let appended = files.journal.read().append(&payload);
                if appended.is_err() {
                    // One fresh start: the disk may have room again. What the old journal holds stays and is committed.
                    files.replace(&current).map_err(|_| unavailable())?;
                    files.journal.read().append(&payload)?;
                }
                self.nudge();
                Ok(())
            }
        }
    }

    fn commit(
        &self,
        scope: &Scope,
        entry: &Entry<'_>,
        answer: Option<Answer>,
    ) -> BoxFuture<'_, Result<Option<String>>> {
        let (done, told) = oneshot::channel();
        let payload = match encode(scope, entry) {
            Ok(payload) => payload,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let (account, scope) = (scope.account_uid(), scope.uid());
        self.0.waiting.lock().push(Waiting { account, scope, payload, answer, at: entry.at, done });
        // In memory nothing waits; where no thread can be started, this one does the work.
        if matches!(self.0.intake, Intake::Memory(_)) || !self.hurry() {
            while !self.0.waiting.lock().is_empty() {
                // Whoever waits is told of an error.
                let _ = self.0.commit_own();
            }
        }
        Box::pin(async { told.await.map_err(|_| Error::internal("a commit was given up"))? })
    }

    fn settle(&self) -> BoxFuture<'_, Result<()>> {
        let inner = Arc::clone(&self.0);
        match &self.0.intake {
            Intake::Memory(_) => Box::pin(std::future::ready(inner.commit_own())),
            Intake::Folder(_) => Box::pin(runtime::blocking(move || {
                inner.commit_own()?;
                inner.adopt()
            })),
        }
    }

    fn rows(&self, scope: &Scope, from: RowsFrom, limit: usize) -> BoxFuture<'_, Result<Vec<Row>>> {
        let uid = scope.uid();
        self.0.database.read(move |connection| rows::read(connection, uid, from, limit))
    }

    fn tip(&self, scope: &Scope) -> BoxFuture<'_, Result<Committed>> {
        let uid = scope.uid();
        self.0.database.read(move |connection| rows::tip(connection, uid))
    }

    fn answer(&self, id: &str, now: i64) -> BoxFuture<'_, Result<Option<String>>> {
        let id = id.to_owned();
        self.0.database.read(move |connection| rows::answer(connection, &id, now))
    }

    fn spend(&self, scope: &Scope, spend: &Spend) -> BoxFuture<'_, Result<Kept>> {
        let (uid, spend) = (scope.uid(), spend.clone());
        self.0.database.write(move |transaction| rows::keep_spend(transaction, uid, &spend))
    }

    fn set_aside(&self) -> Vec<SetAside> {
        match &self.0.intake {
            Intake::Memory(_) => Vec::new(),
            Intake::Folder(files) => files.aside.lock().values().flat_map(|(_, all)| all.iter().cloned()).collect(),
        }
    }

    fn on_commit(&self, tell: OnCommit) {
        *self.0.tell.lock() = Some(Arc::new(tell));
    }

    fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        if let Some(writer) = self.0.writer.lock().take() {
            writer.unpark();
        }
        if let Intake::Folder(files) = &self.0.intake {
            let journal = Arc::clone(&files.journal.read());
            // What came after the settling stays for whoever adopts the journal.
            if journal.length() <= files.committed.load(Ordering::Acquire) {
                journal.remove();
            }
            self.0.database.checkpoint();
        }
    }
}

fn unavailable() -> Error {
    Error::unavailable("audit_unavailable", "the audit journal cannot be written; nothing is decided without proof")
}

#[cfg(test)]
mod tests;
