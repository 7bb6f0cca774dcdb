//! Counters that all processes on one data folder share.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{
    super::sqlite::{Database, to_i64, to_u64},
    Cell, Counters, Debt, HOLDER_CELLS, Taken, check_owner, full, holder,
};
use crate::{
    clock::{BoxFuture, Clock},
    error::{Error, Result},
    runtime,
    scope::{Key, Layer, Scope},
};

/// Triggers count, so that no way of adding or removing cells miscounts.
pub const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS cells (
    key BLOB PRIMARY KEY, units BLOB NOT NULL, last_nanos INTEGER NOT NULL, rate INTEGER NOT NULL, per_nanos INTEGER NOT NULL,
    account BLOB NOT NULL, holder BLOB NOT NULL, ends_nanos INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS cells_by_end ON cells (ends_nanos);
CREATE TABLE IF NOT EXISTS holders (holder BLOB PRIMARY KEY, cells INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS cell_added AFTER INSERT ON cells BEGIN
    INSERT INTO holders VALUES (new.holder, 1) ON CONFLICT DO UPDATE SET cells = cells + 1;
END;
CREATE TRIGGER IF NOT EXISTS cell_removed AFTER DELETE ON cells BEGIN
    UPDATE holders SET cells = cells - 1 WHERE holder = old.holder;
    DELETE FROM holders WHERE holder = old.holder AND cells <= 0;
END;
";

/// Most cells one sweep removes in one transaction: others wait for it.
const SWEPT_AT_ONCE: i64 = 4_096;

/// [`Counters`] shared by every process on one data folder. Each charge is one transaction.
pub struct SqliteCounters(pub(super) Database, Arc<dyn Clock>);

impl SqliteCounters {
    /// Opens `counters.db`, or memory when `path` is none. Reads the wall clock, the only one processes share.
    pub fn open(path: Option<&std::path::Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        let database = match path {
            Some(path) => Database::open(path, SCHEMA)?,
            None => Database::memory(SCHEMA)?,
        };
        Ok(Self(database, clock))
    }
}

fn read_debt(connection: &rusqlite::Connection, key: &Key) -> Result<Option<Debt>> {
    let found = connection
        .prepare_cached("SELECT units, last_nanos, rate, per_nanos FROM cells WHERE key = ?1")?
        .query_row([key.as_bytes()], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
        })
        .optional()?;
    let Some((units, last, rate, per)) = found else { return Ok(None) };
    let units =
        units.try_into().map_err(|_| Error::data("store_corrupt", "a stored rate cell has the wrong length"))?;
    Ok(Some(Debt {
        units: u128::from_be_bytes(units),
        last_nanos: to_u64(last)?,
        rate: to_u64(rate)?,
        per_nanos: to_u64(per)?,
    }))
}

fn update_debt(transaction: &Transaction<'_>, key: &Key, debt: &Debt) -> Result<()> {
    let mut update = transaction.prepare_cached(
        "UPDATE cells SET units = ?2, last_nanos = ?3, rate = ?4, per_nanos = ?5, ends_nanos = ?6 WHERE key = ?1",
    )?;
    update.execute(params![
        key.as_bytes(),
        debt.units.to_be_bytes().as_slice(),
        to_i64(debt.last_nanos),
        to_i64(debt.rate),
        to_i64(debt.per_nanos),
        to_i64(debt.ends_nanos()),
    ])?;
    Ok(())
}

/// Adds a cell, if its holder has room for one more key.
fn add_cell(transaction: &Transaction<'_>, cell: &Cell, debt: &Debt, now_nanos: u64) -> Result<()> {
    let holder = holder(&cell.key, cell.account);
    let is_full = || -> Result<bool> {
        let mut held = transaction.prepare_cached("SELECT cells FROM holders WHERE holder = ?1")?;
        let held: Option<i64> = held.query_row([holder.as_bytes().as_slice()], |row| row.get(0)).optional()?;
        Ok(to_u64(held.unwrap_or(0))? >= HOLDER_CELLS as u64)
    };
    if is_full()? {
        sweep_some(transaction, now_nanos)?;
        if is_full()? {
            return Err(full());
        }
    }
    transaction.prepare_cached("INSERT INTO cells VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?.execute(params![
        cell.key.as_bytes(),
        debt.units.to_be_bytes().as_slice(),
        to_i64(debt.last_nanos),
        to_i64(debt.rate),
        to_i64(debt.per_nanos),
        cell.account.as_bytes().as_slice(),
        holder.as_bytes().as_slice(),
        to_i64(debt.ends_nanos()),
    ])?;
    Ok(())
}

/// Removes some of the cells that owe nothing; how many.
fn sweep_some(transaction: &Transaction<'_>, now_nanos: u64) -> Result<usize> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM cells WHERE key IN (SELECT key FROM cells WHERE ends_nanos <= ?1 ORDER BY ends_nanos LIMIT ?2)",
    )?;
    Ok(delete.execute(params![to_i64(now_nanos), SWEPT_AT_ONCE])?)
}

fn wall_nanos(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.now().wall_micros).unwrap_or(0).saturating_mul(1_000)
}

impl Counters for SqliteCounters {
    fn take(&self, cells: &[Cell], commit: bool) -> BoxFuture<'_, Result<Taken>> {
        let (cells, clock) = (cells.to_vec(), Arc::clone(&self.1));
        self.0.write(move |transaction| {
            check_owner(&cells)?;
            let now_nanos = wall_nanos(&*clock);
            let mut left = Vec::with_capacity(cells.len());
            let mut after: Vec<(&Cell, Debt)> = Vec::with_capacity(cells.len());
            let mut new: Vec<&Key> = Vec::new();
            for (index, cell) in cells.iter().enumerate() {
                let earlier = after.iter().rev().find(|(own, _)| own.key == cell.key).map(|(_, debt)| *debt);
                let known = if earlier.is_none() { read_debt(transaction, &cell.key)? } else { earlier };
                let drained = known.unwrap_or_default().at(cell, now_nanos);
                match drained.charged(cell) {
                    Ok((debt, room)) => {
                        if known.is_none() {
                            new.push(&cell.key);
                        }
                        after.push((cell, debt));
                        left.push(room);
                    }
                    Err(retry_nanos) => {
                        // As in memory: the time seen is kept.
                        if commit && earlier.is_none() && known.is_some() {
                            update_debt(transaction, &cell.key, &drained)?;
                        }
                        return Ok(Taken::Refused { index, retry_nanos });
                    }
                }
            }
            if commit {
                for (cell, debt) in &after {
                    match new.iter().position(|key| *key == &cell.key) {
                        Some(at) => {
                            new.swap_remove(at);
                            add_cell(transaction, cell, debt, now_nanos)?;
                        }
                        None => update_debt(transaction, &cell.key, debt)?,
                    }
                }
            }
            Ok(Taken::Granted(left))
        })
    }

    fn refund(&self, cells: &[Cell]) {
        let (database, cells) = (self.0.clone(), cells.to_vec());
        let refund = move || {
            // A lost refund only makes the limit stricter for one period.
            let _ = database.now(|transaction| {
                for cell in &cells {
                    // One that was swept meanwhile owes nothing.
                    if let Some(debt) = read_debt(transaction, &cell.key)? {
                        update_debt(transaction, &cell.key, &debt.refunded(cell))?;
                    }
                }
                Ok(())
            });
        };
        // A worker of a runtime is everybody's, and the file may be somebody else's for a while.
        match runtime::handle() {
            Ok(runtime) if self.0.waits() && tokio::runtime::Handle::try_current().is_ok() => {
                drop(runtime.spawn_blocking(refund));
            }
            _ => refund(),
        }
    }

    fn sweep(&self) -> BoxFuture<'_, Result<()>> {
        let now_nanos = wall_nanos(&*self.1);
        let database = self.0.clone();
        Box::pin(async move {
            // Many short transactions: charges of others come between.
            while database.write(move |transaction| sweep_some(transaction, now_nanos)).await? > 0 {}
            Ok(())
        })
    }

    fn forget(&self, scope: &Scope) -> BoxFuture<'_, Result<()>> {
        let (uid, is_account) = (scope.uid(), scope.layer() == Layer::Account);
        self.0.write(move |transaction| {
            let uid = uid.as_bytes().as_slice();
            transaction.execute(
                "DELETE FROM cells WHERE (key >= ?1 AND substr(key, 1, 16) = ?1) OR (?2 AND account = ?1)",
                params![uid, is_account],
            )?;
            Ok(())
        })
    }
}
