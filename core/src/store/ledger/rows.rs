//! What one transaction of the ledger writes and reads: chained rows, kept answers, what was spent, and how far each journal is
//! committed. Owns the tables.

use std::collections::HashMap;

use ring::digest::{SHA256, digest};
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, Transaction, params};

use super::{Answer, Committed, GENESIS, Kept, Row, RowsFrom, SPEND_ONCE, Spend, chain_hash, record::decode};
use crate::{
    error::{Error, Result},
    scope::Uid,
    store::sqlite::{to_i64, to_u64},
};

/// Rows lie by chain, so that reading one customer's history meets nobody else's. Answers lie in the order they came, so that
/// those of one transaction share a page, large as they are.
pub const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS rows (
    scope BLOB NOT NULL, sequence INTEGER NOT NULL CHECK (sequence > 0), at INTEGER NOT NULL, kind TEXT NOT NULL, request_id TEXT NOT NULL,
    decision TEXT NOT NULL, body TEXT NOT NULL, body_hash BLOB NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (scope, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journals (id BLOB PRIMARY KEY, committed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, until INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_by_end ON answers (until);
CREATE TABLE IF NOT EXISTS spend (
    scope BLOB NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, model TEXT NOT NULL, micros INTEGER NOT NULL,
    differs INTEGER NOT NULL, PRIMARY KEY (scope, id, at)
) WITHOUT ROWID;
";

/// The ends of the chains that a transaction has met.
pub type Tips = HashMap<Uid, Committed>;

/// How far a journal is committed.
pub fn committed_of(connection: &Connection, journal: Uid) -> Result<u64> {
    connection
        .prepare_cached("SELECT committed FROM journals WHERE id = ?1")?
        .query_row([journal.as_bytes().as_slice()], |row| row.get::<_, i64>(0))
        .optional()?
        .map_or(Ok(0), to_u64)
}

/// Writes down how far a journal is committed.
pub fn set_committed(transaction: &Transaction<'_>, journal: Uid, end: u64) -> Result<()> {
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO journals VALUES (?1, ?2) ON CONFLICT DO UPDATE SET committed = excluded.committed",
    )?;
    upsert.execute(params![journal.as_bytes().as_slice(), to_i64(end)])?;
    Ok(())
}

/// Whether a chain has rows at all.
pub fn has_any(connection: &Connection, scope: Uid) -> Result<bool> {
    let mut select = connection.prepare_cached("SELECT 1 FROM rows WHERE scope = ?1 LIMIT 1")?;
    Ok(select.query_row([scope.as_bytes().as_slice()], |_| Ok(())).optional()?.is_some())
}

/// Most records of one chain in one transaction, and far more than what a journal is read in at once.
const BATCH: i64 = 1 << 20;

/// Where a chain ends, and the hash there. A row without room for a whole batch after it is no end: the chain goes on where it
/// was before that row.
fn end(connection: &Connection, scope: Uid) -> Result<(u64, Vec<u8>)> {
    let found = connection
        .prepare_cached(
            "SELECT sequence, hash FROM rows WHERE scope = ?1 AND sequence BETWEEN 1 AND ?2 AND NOT EXISTS
                (SELECT 1 FROM rows AS next
                 WHERE next.scope = ?1 AND next.sequence > rows.sequence AND next.sequence <= rows.sequence + ?3)
             ORDER BY sequence DESC LIMIT 1",
        )?
        .query_row(params![scope.as_bytes().as_slice(), i64::MAX / 2, BATCH], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (sequence, hash) = found.unwrap_or((0, GENESIS.to_vec()));
    Ok((to_u64(sequence)?, hash))
}

/// A text, also where somebody made it none: what was done to a row is for `verify` to say, and this has no row's hash.
fn text(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(std::str::from_utf8(row.get_ref(column)?.as_bytes()?).unwrap_or("not text").to_owned())
}

/// The end of a chain.
pub fn tip(connection: &Connection, scope: Uid) -> Result<Committed> {
    let (sequence, hash) = end(connection, scope)?;
    let hash = hash.try_into().map_err(|_| Error::data("store_corrupt", "a stored hash has the wrong length"))?;
    Ok(Committed { scope, sequence, hash })
}

/// As [`tip`], to write on. What was done to one chain keeps nobody from writing, and it stays visible: a row whose hash is no
/// hash fails in `verify`, and so does the one that follows it here.
fn tip_to_write_on(connection: &Connection, scope: Uid) -> Result<Committed> {
    let (sequence, hash) = end(connection, scope)?;
    Ok(Committed { scope, sequence, hash: hash.try_into().unwrap_or(GENESIS) })
}

/// Most text of one page of rows, in bytes. A page ends early, after its first row at the earliest: one row has 1 MiB at most.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// Rows of a chain.
pub fn read(connection: &Connection, scope: Uid, from: RowsFrom, limit: usize) -> Result<Vec<Row>> {
    let (after, at, before, newest) = match from {
        RowsFrom::After(sequence) => (sequence, None, None, false),
        RowsFrom::Within { after, at, before, newest } => (after, at, before, newest),
    };
    let (at, before) = (at.unwrap_or(i64::MIN), before.map_or(i64::MAX, |before| to_i64(before).saturating_sub(1)));
    let order = if newest { "DESC" } else { "ASC" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT sequence, at, kind, request_id, decision, body, body_hash, hash,
            (SELECT hash FROM rows AS before WHERE before.scope = ?1 AND before.sequence = rows.sequence - 1)
         FROM rows WHERE scope = ?1 AND sequence > ?2 AND sequence <= ?3 AND at >= ?4 ORDER BY sequence {order} LIMIT ?5"
    ))?;
    let bounds = params![scope.as_bytes().as_slice(), to_i64(after), before, at, to_i64(limit as u64)];
    let rows = statement.query_map(bounds, |row| {
        Ok(Row {
            sequence: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
            at: row.get(1)?,
            kind: text(row, 2)?,
            request_id: text(row, 3)?,
            decision: text(row, 4)?,
            body: text(row, 5)?,
            body_hash: row.get(6)?,
            hash: row.get(7)?,
            previous: match row.get::<_, Option<Vec<u8>>>(8)? {
                Some(hash) => hash,
                None if row.get::<_, i64>(0)? == 1 => GENESIS.to_vec(),
                None => Vec::new(),
            },
        })
    })?;
    let (mut page, mut taken) = (Vec::new(), 0_usize);
    for row in rows {
        let row = row?;
        taken = taken.saturating_add(row.body.len() + row.kind.len() + row.request_id.len() + row.decision.len());
        if taken > PAGE_BYTES && !page.is_empty() {
            break;
        }
        page.push(row);
    }
    Ok(page)
}

/// Adds a record to its chain, with what it spent.
pub fn append(transaction: &Transaction<'_>, tips: &mut Tips, payload: &[u8]) -> Result<()> {
    let record = decode(payload)?;
    let (scope, entry) = (record.scope, record.entry);
    if let Some(spend) = &record.spend {
        keep_spend(transaction, scope, spend)?;
    }
    let tip = match tips.entry(scope) {
        std::collections::hash_map::Entry::Occupied(slot) => slot.into_mut(),
        std::collections::hash_map::Entry::Vacant(slot) => slot.insert(tip_to_write_on(transaction, scope)?),
    };
    let body_hash = digest(&SHA256, entry.body.as_bytes());
    tip.sequence += 1;
    let metadata = [entry.kind, entry.request_id, entry.decision];
    tip.hash = chain_hash(&tip.hash, tip.sequence, entry.at, metadata, body_hash.as_ref());
    transaction.prepare_cached("INSERT INTO rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?.execute(params![
        scope.as_bytes().as_slice(),
        to_i64(tip.sequence),
        entry.at,
        entry.kind,
        entry.request_id,
        entry.decision,
        entry.body,
        body_hash.as_ref(),
        tip.hash.as_slice(),
    ])?;
    Ok(())
}

/// The answer kept under `id`, if it is still good at `now`.
pub fn answer(connection: &Connection, id: &str, now: i64) -> Result<Option<String>> {
    let mut select = connection.prepare_cached("SELECT body FROM answers WHERE id = ?1 AND until > ?2")?;
    Ok(select.query_row(params![id, now], |row| row.get(0)).optional()?)
}

/// Keeps an answer, unless there is one that is still good at `now`: that one is given.
pub fn keep_answer(transaction: &Transaction<'_>, answer: &Answer, now: i64) -> Result<Option<String>> {
    let before = self::answer(transaction, &answer.id, now)?;
    if before.is_none() {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO answers (id, until, body) VALUES (?1, ?2, ?3)")?
            .execute(params![answer.id, answer.until, answer.body])?;
    }
    Ok(before)
}

/// Forgets answers whose time is over, twice as many as came: so the table holds what one lifetime brings, and nobody waits
/// for a day's worth of work.
pub fn forget_answers(transaction: &Transaction<'_>, came: usize, now: i64) -> Result<()> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM answers WHERE number IN (SELECT number FROM answers WHERE until <= ?1 ORDER BY until LIMIT ?2)",
    )?;
    delete.execute(params![now, to_i64(came as u64 * 2)])?;
    Ok(())
}

/// Writes down what was spent, once within [`SPEND_ONCE`]. Of two that differ the larger counts, whichever came first: a report
/// that is too small must not hide the one that is right.
pub fn keep_spend(transaction: &Transaction<'_>, scope: Uid, spend: &Spend) -> Result<Kept> {
    let scope = scope.as_bytes().as_slice();
    let known = transaction
        .prepare_cached(
            "SELECT at, model, micros, differs FROM spend WHERE scope = ?1 AND id = ?2 AND at > ?3
             ORDER BY at DESC LIMIT 1",
        )?
        .query_row(params![scope, spend.id, spend.at.saturating_sub(SPEND_ONCE)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, bool>(3)?))
        })
        .optional()?;
    let Some((at, model, micros, differs)) = known else {
        transaction.prepare_cached("INSERT INTO spend VALUES (?1, ?2, ?3, ?4, ?5, 0)")?.execute(params![
            scope,
            spend.id,
            spend.at,
            spend.model,
            spend.micros
        ])?;
        return Ok(Kept::Recorded);
    };
    if (&model, micros) == (&spend.model, spend.micros) {
        return Ok(if differs { Kept::Differs } else { Kept::Known });
    }
    let (model, micros) = if spend.micros > micros { (&spend.model, spend.micros) } else { (&model, micros) };
    transaction
        .prepare_cached(
            "UPDATE spend SET model = ?4, micros = ?5, differs = 1 WHERE scope = ?1 AND id = ?2 AND at = ?3",
        )?
        .execute(params![scope, spend.id, at, model, micros])?;
    Ok(Kept::Differs)
}
