//! The ledger over SQLite: records go through the journal into per-scope hash chains in `ledger.db`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use ring::digest::{SHA256, digest};
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{
    Answer, Committed, Entry, GENESIS, Ledger, OnCommit, Row, RowsFrom, SPEND_ONCE, Spend, chain_hash,
    record::{decode, encode},
};
use crate::{
    clock::BoxFuture,
    error::{Error, Result},
    runtime,
    scope::{Scope, Uid},
    store::{
        journal::{self, Journal},
        sqlite::{Database, to_i64, to_u64},
    },
};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS rows (
    scope BLOB NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, request_id TEXT NOT NULL,
    decision TEXT NOT NULL, body TEXT NOT NULL, body_hash BLOB NOT NULL, hash BLOB NOT NULL,
    journal BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (scope, sequence)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journals (id BLOB PRIMARY KEY, committed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (id TEXT PRIMARY KEY, until INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_end ON answers (until);
CREATE TABLE IF NOT EXISTS spend (
    scope BLOB NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, model TEXT NOT NULL, micros INTEGER NOT NULL,
    PRIMARY KEY (scope, id, at)
) WITHOUT ROWID;
";

/// A fresh journal is started beyond this size once everything in the old one is committed.
const ROTATE: u64 = 16 << 20;
/// The newest a row may lag behind its journal record.
const LAG: std::time::Duration = std::time::Duration::from_millis(100);

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
    /// Answers, by their ids, that are acknowledged and not yet in the database.
    unsettled: Mutex<HashMap<String, String>>,
    writer: Mutex<Option<std::thread::Thread>>,
    dirty: AtomicBool,
    closed: AtomicBool,
}

enum Intake {
    // No journal: rows wait in memory until somebody looks or enough have come.
    Memory(Mutex<Vec<Vec<u8>>>),
    Folder(Files),
}

struct Files {
    folder: PathBuf,
    journal: RwLock<Arc<Journal>>,
    /// How far `journal` is committed.
    committed: AtomicU64,
    /// Journals that take no more records, with how far each is committed.
    retired: Mutex<Vec<(Arc<Journal>, u64)>>,
}

impl Files {
    /// The journals of this process.
    fn own(&self) -> Vec<Uid> {
        let current = self.journal.read().id();
        self.retired.lock().iter().map(|(journal, _)| journal.id()).chain([current]).collect()
    }

    /// Puts a fresh journal in the place of `old`, unless somebody has already. The write lock waits for appends under way
    /// and for nothing else.
    fn replace(&self, old: &Arc<Journal>) -> Result<()> {
        let fresh = Arc::new(Journal::create(&self.folder)?);
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
    /// Opens `ledger.db` in `folder` with a fresh journal, or memory when `folder` is none. Adopts the journals of dead
    /// processes at the next [`Ledger::settle`].
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        let (database, intake) = match folder {
            None => (Database::memory(SCHEMA)?, Intake::Memory(Mutex::default())),
            Some(folder) => {
                let journals = folder.join("journal");
                std::fs::create_dir_all(&journals)?;
                let database = Database::open(&folder.join("ledger.db"), SCHEMA)?;
                let journal = RwLock::new(Arc::new(Journal::create(&journals)?));
                let files =
                    Files { folder: journals, journal, committed: AtomicU64::new(0), retired: Mutex::default() };
                (database, Intake::Folder(files))
            }
        };
        Ok(Self(Arc::new(Inner {
            database,
            intake,
            tell: Mutex::new(None),
            committing: Mutex::new(()),
            adopting: Mutex::new(()),
            unsettled: Mutex::default(),
            writer: Mutex::new(None),
            dirty: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })))
    }

    /// Takes a row into the journal, or what is in its place.
    fn take_in(&self, scope: &Scope, entry: &Entry<'_>) -> Result<()> {
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
                let record = journal::frame(&payload)?;
                let current = Arc::clone(&files.journal.read());
                let appended = files.journal.read().append(&record);
                if appended.is_err() {
                    // One fresh start: the disk may have room again. What the old journal holds stays and is committed.
                    files.replace(&current).map_err(|_| unavailable())?;
                    files.journal.read().append(&record)?;
                }
                self.nudge()
            }
        }
    }

    /// Marks work for the writer thread, starting it at the first row. One atomic in the common case.
    fn nudge(&self) -> Result<()> {
        if self.0.dirty.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let mut writer = self.0.writer.lock();
        if let Some(thread) = &*writer {
            thread.unpark();
            return Ok(());
        }
        let inner = Arc::downgrade(&self.0);
        let started = runtime::thread("tenantry-ledger", move || {
            loop {
                // Parked until the first row after a commit; then rows gather, so that many share one sync.
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
                std::thread::sleep(LAG);
                let Some(inner) = inner.upgrade() else { return };
                inner.dirty.store(false, Ordering::Release);
                // What fails here stays in the journal, and is tried again with the next row or `settle`.
                let _ = inner.commit_own();
            }
        });
        match started {
            Ok(handle) => *writer = Some(handle.thread().clone()),
            // The row is in the journal; the next one tries again.
            Err(_) => self.0.dirty.store(false, Ordering::Release),
        }
        Ok(())
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
    /// Commits what this process's journals hold now; what comes meanwhile is the next one's work.
    fn commit_own(&self) -> Result<()> {
        let _one = self.committing.lock();
        match &self.intake {
            Intake::Memory(pending) => {
                let payloads = std::mem::take(&mut *pending.lock());
                self.commit(Uid::PLATFORM, payloads.iter().map(|payload| (0, payload.as_slice())), 0)
            }
            Intake::Folder(files) => {
                self.drain_retired(files)?;
                let current = Arc::clone(&files.journal.read());
                let goal = current.length()?;
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
                if current.has_failed() || done > ROTATE {
                    files.replace(&current)?;
                    self.drain_retired(files)?;
                }
                Ok(())
            }
        }
    }

    /// Commits the records from `from` on, a few MiB at most; returns where to go on.
    fn commit_some(&self, journal: &Journal, from: u64) -> Result<u64> {
        let (records, end) = journal.read(from)?;
        if !records.is_empty() {
            self.commit(journal.id(), records.iter().map(|record| (record.end, record.payload.as_slice())), end)?;
        }
        Ok(end)
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
            journal.remove();
            files.retired.lock().remove(0);
            self.forget(journal.id())?;
        }
    }

    /// Commits and removes the journals of processes that are gone.
    fn adopt(&self) -> Result<()> {
        let Intake::Folder(files) = &self.intake else { return Ok(()) };
        if !journal::has_others(&files.folder, &files.own())? {
            return Ok(());
        }
        // Before the look: whoever finds an orphan taken by another thread goes on when its rows are committed.
        let _looking = self.adopting.lock();
        let orphans = journal::orphans(&files.folder)?;
        let _committing = (!orphans.is_empty()).then(|| self.committing.lock());
        for orphan in orphans {
            let mut from = self.database.read_now(|connection| committed_of(connection, orphan.id))?;
            loop {
                let (records, end) = orphan.read(from)?;
                if records.is_empty() {
                    break;
                }
                self.commit(orphan.id, records.iter().map(|record| (record.end, record.payload.as_slice())), end)?;
                from = end;
            }
            let id = orphan.id;
            orphan.remove();
            self.forget(id)?;
        }
        Ok(())
    }

    fn forget(&self, id: Uid) -> Result<()> {
        self.database.now(|transaction| {
            transaction.execute("DELETE FROM journals WHERE id = ?1", [id.as_bytes().as_slice()])?;
            Ok(())
        })
    }

    /// Appends `records` to their chains in one transaction, with the journal's offset: a replay never duplicates.
    fn commit<'a>(&self, id: Uid, records: impl Iterator<Item = (u64, &'a [u8])>, end: u64) -> Result<()> {
        let (moved, answered) = self.database.now(|transaction| {
            let mut tips: HashMap<Uid, Committed> = HashMap::new();
            let mut answered = Vec::new();
            let done = committed_of(transaction, id)?;
            for (position, payload) in records {
                if end == 0 || position > done {
                    answered.extend(insert(transaction, &mut tips, id, position, payload)?);
                }
            }
            if end > 0 {
                transaction.execute(
                    "INSERT INTO journals VALUES (?1, ?2) ON CONFLICT DO UPDATE SET committed = excluded.committed",
                    params![id.as_bytes().as_slice(), to_i64(end)],
                )?;
            }
            Ok((tips, answered))
        })?;
        if !answered.is_empty() {
            let mut unsettled = self.unsettled.lock();
            answered.iter().for_each(|id| drop(unsettled.remove(id)));
        }
        let tell = self.tell.lock().clone();
        if let (Some(tell), false) = (tell, moved.is_empty()) {
            let moved: Vec<Committed> = moved.into_values().collect();
            tell(&moved);
        }
        Ok(())
    }
}

fn committed_of(connection: &rusqlite::Connection, id: Uid) -> Result<u64> {
    connection
        .prepare_cached("SELECT committed FROM journals WHERE id = ?1")?
        .query_row([id.as_bytes().as_slice()], |row| row.get::<_, i64>(0))
        .optional()?
        .map_or(Ok(0), to_u64)
}

fn read_tip(connection: &rusqlite::Connection, scope: Uid) -> Result<Committed> {
    let found = connection
        .prepare_cached("SELECT sequence, hash FROM rows WHERE scope = ?1 ORDER BY sequence DESC LIMIT 1")?
        .query_row([scope.as_bytes().as_slice()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    match found {
        None => Ok(Committed { scope, sequence: 0, hash: GENESIS }),
        Some((sequence, hash)) => Ok(Committed {
            scope,
            sequence: to_u64(sequence)?,
            hash: hash.try_into().map_err(|_| Error::data("store_corrupt", "a stored hash has the wrong length"))?,
        }),
    }
}

/// Adds a row to its chain, with what is beside it; gives the id of its answer.
fn insert(
    transaction: &Transaction<'_>,
    tips: &mut HashMap<Uid, Committed>,
    journal: Uid,
    position: u64,
    payload: &[u8],
) -> Result<Option<String>> {
    let record = decode(payload)?;
    let (scope, entry) = (record.scope, record.entry);
    if let Some(answer) = &record.answer {
        keep_answer(transaction, answer, entry.at)?;
    }
    if let Some(spend) = &record.spend {
        keep_spend(transaction, scope, spend)?;
    }
    let tip = match tips.entry(scope) {
        std::collections::hash_map::Entry::Occupied(slot) => slot.into_mut(),
        std::collections::hash_map::Entry::Vacant(slot) => slot.insert(read_tip(transaction, scope)?),
    };
    let body_hash = digest(&SHA256, entry.body.as_bytes());
    tip.sequence += 1;
    let metadata = [entry.kind, entry.request_id, entry.decision];
    tip.hash = chain_hash(&tip.hash, tip.sequence, entry.at, metadata, body_hash.as_ref());
    transaction.prepare_cached("INSERT INTO rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?.execute(
        params![
            scope.as_bytes().as_slice(),
            to_i64(tip.sequence),
            entry.at,
            entry.kind,
            entry.request_id,
            entry.decision,
            entry.body,
            body_hash.as_ref(),
            tip.hash.as_slice(),
            journal.as_bytes().as_slice(),
            to_i64(position),
        ],
    )?;
    Ok(record.answer.map(|answer| answer.id))
}

/// Answers whose time is over go with the next one that comes: the table holds what one lifetime brings.
fn keep_answer(transaction: &Transaction<'_>, answer: &Answer, now: i64) -> Result<()> {
    transaction.prepare_cached("DELETE FROM answers WHERE until <= ?1")?.execute([now])?;
    transaction.prepare_cached("INSERT INTO answers VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?.execute(params![
        answer.id,
        answer.until,
        answer.body
    ])?;
    Ok(())
}

fn keep_spend(transaction: &Transaction<'_>, scope: Uid, spend: &Spend) -> Result<bool> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO spend SELECT ?1, ?2, ?3, ?4, ?5
         WHERE NOT EXISTS (SELECT 1 FROM spend WHERE scope = ?1 AND id = ?2 AND at > ?6)",
    )?;
    let scope = scope.as_bytes().as_slice();
    let known_since = spend.at.saturating_sub(SPEND_ONCE);
    Ok(insert.execute(params![scope, spend.id, spend.at, spend.model, spend.micros, known_since])? > 0)
}

impl Ledger for SqliteLedger {
    fn append(&self, scope: &Scope, entry: &Entry<'_>) -> Result<()> {
        let Some(answer) = entry.beside.answer else { return self.take_in(scope, entry) };
        // First: from the moment it is taken in it may be committed, and is then no longer unsettled.
        self.0.unsettled.lock().insert(answer.id.clone(), answer.body.clone());
        let taken = self.take_in(scope, entry);
        if taken.is_err() {
            self.0.unsettled.lock().remove(&answer.id);
        }
        taken
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
        let (column, bound) = match from {
            RowsFrom::After(sequence) => ("sequence >", to_i64(sequence)),
            RowsFrom::At(at) => ("at >=", at),
        };
        self.0.database.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT sequence, at, kind, request_id, decision, body, body_hash, hash,
                    (SELECT hash FROM rows AS before WHERE before.scope = ?1 AND before.sequence = rows.sequence - 1)
                 FROM rows WHERE scope = ?1 AND {column} ?2 ORDER BY sequence LIMIT ?3"
            ))?;
            let rows = statement.query_map(params![uid.as_bytes().as_slice(), bound, to_i64(limit as u64)], |row| {
                Ok(Row {
                    sequence: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
                    at: row.get(1)?,
                    kind: row.get(2)?,
                    request_id: row.get(3)?,
                    decision: row.get(4)?,
                    body: row.get(5)?,
                    body_hash: row.get(6)?,
                    hash: row.get(7)?,
                    previous: match row.get::<_, Option<Vec<u8>>>(8)? {
                        Some(hash) => hash,
                        None if row.get::<_, i64>(0)? == 1 => GENESIS.to_vec(),
                        None => Vec::new(),
                    },
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn tip(&self, scope: &Scope) -> BoxFuture<'_, Result<Committed>> {
        let uid = scope.uid();
        self.0.database.read(move |connection| read_tip(connection, uid))
    }

    fn answer(&self, id: &str, now: i64) -> BoxFuture<'_, Result<Option<String>>> {
        if let Some(known) = self.0.unsettled.lock().get(id) {
            return Box::pin(std::future::ready(Ok(Some(known.clone()))));
        }
        let (inner, id) = (Arc::clone(&self.0), id.to_owned());
        let look = move || {
            // What another process acknowledged and did not live to commit counts, too.
            inner.adopt()?;
            inner.database.read_now(|connection| {
                let mut statement =
                    connection.prepare_cached("SELECT body FROM answers WHERE id = ?1 AND until > ?2")?;
                Ok(statement.query_row(params![id, now], |row| row.get(0)).optional()?)
            })
        };
        match &self.0.intake {
            Intake::Memory(_) => Box::pin(std::future::ready(look())),
            Intake::Folder(_) => Box::pin(runtime::blocking(look)),
        }
    }

    fn spend(&self, scope: &Scope, spend: &Spend) -> BoxFuture<'_, Result<bool>> {
        let (uid, spend) = (scope.uid(), spend.clone());
        self.0.database.write(move |transaction| keep_spend(transaction, uid, &spend))
    }

    fn on_commit(&self, tell: OnCommit) {
        *self.0.tell.lock() = Some(Arc::new(tell));
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        let ledger = self.clone();
        Box::pin(async move {
            ledger.settle().await?;
            ledger.0.closed.store(true, Ordering::Release);
            if let Some(writer) = ledger.0.writer.lock().take() {
                writer.unpark();
            }
            if let Intake::Folder(files) = &ledger.0.intake {
                let journal = Arc::clone(&files.journal.read());
                // What came after the settling stays for whoever adopts the journal.
                if journal.length()? <= files.committed.load(Ordering::Acquire) {
                    journal.remove();
                    ledger.0.forget(journal.id())?;
                }
                ledger.0.database.checkpoint();
            }
            Ok(())
        })
    }
}

fn unavailable() -> Error {
    Error::unavailable("audit_unavailable", "the audit journal cannot be written; nothing is decided without proof")
}

#[cfg(test)]
mod tests;
