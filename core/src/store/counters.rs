//! Counters: rate cells. One cell is an exact GCRA in integers (ITU-T I.371, as a leaky bucket of what is owed).

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::Arc,
};

use parking_lot::Mutex;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::sqlite::{Database, to_i64, to_u64};
use crate::{
    clock::{BoxFuture, Clock},
    error::{Error, ErrorKind, Result},
    runtime,
    scope::{Key, Layer, Scope, Uid},
};

const SHARDS: usize = 64;
/// Most cells of one shard; 64 shards hold a million cells, about 200 MB.
const SHARD_CELLS: usize = 16_384;
/// Most cells of one holder in one shard, so that one tenant's keys never crowd out another's.
const SHARE: usize = SHARD_CELLS / 8;
/// The same over all shards, and in the shared store: 131,072.
const HOLDER_CELLS: usize = SHARDS * SHARE;

/// How often a full shard is searched for cells that owe nothing.
const SWEEP_NANOS: u64 = 100_000_000;

/// One rate to charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which counter.
    pub key: Key,
    /// Whose counter it is; must own the key.
    pub scope: Scope,
    /// The account of whoever is counted. On a layer above the project its keys take room of its own, and nobody else's.
    pub account: Uid,
    /// Calls allowed in each period, and the largest burst.
    pub rate: u64,
    /// The period in nanoseconds.
    pub per_nanos: u64,
    /// Calls to charge.
    pub cost: u64,
}

/// What a charge did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Every cell had room; all are charged. Room left in each, in calls.
    Granted(Vec<u64>),
    /// The cell at this index had none; nothing is charged anywhere.
    Refused {
        /// Which cell.
        index: usize,
        /// When the same charge may pass, in nanoseconds.
        retry_nanos: u64,
    },
}

/// Rate cells, charged all or none.
pub trait Counters: Send + Sync {
    /// Charges every cell, or none when one has no room. With `commit` false nothing is charged either way.
    ///
    /// The clock is read where charges are ordered, under the lock or inside the transaction: a reading from before the
    /// wait would drain the same time twice. It may step back: time that did not pass gives nothing and takes nothing.
    fn take(&self, cells: &[Cell], commit: bool) -> BoxFuture<'_, Result<Taken>>;

    /// Gives back what [`Counters::take`] charged.
    fn refund(&self, cells: &[Cell]);

    /// Forgets cells that owe nothing any more. Called by the housekeeper.
    fn sweep(&self) -> BoxFuture<'_, Result<()>>;

    /// Forgets the cells of a scope that was deleted, and those its account has on the platform's limits.
    fn forget(&self, scope: &Scope) -> BoxFuture<'_, Result<()>>;
}

/// What a cell owes, in units of 1/rate nanoseconds: each call adds `per_nanos` units, each nanosecond drains `rate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Debt {
    units: u128,
    last_nanos: u64,
    rate: u64,
    per_nanos: u64,
}

impl Debt {
    /// Drained to `now`, in the units of `cell` even when its rate was changed meanwhile.
    fn at(self, cell: &Cell, now_nanos: u64) -> Self {
        let mut units = self.units;
        if self.rate != 0 && (self.rate, self.per_nanos) != (cell.rate, cell.per_nanos) {
            // Calls owed stay owed: units / old period × new period, rounded up so that a change never gives room away.
            units = units.saturating_mul(u128::from(cell.per_nanos)).div_ceil(u128::from(self.per_nanos.max(1)));
        }
        let elapsed = if self.rate == 0 { 0 } else { now_nanos.saturating_sub(self.last_nanos) };
        let drained = u128::from(elapsed) * u128::from(cell.rate);
        Self { units: units.saturating_sub(drained), last_nanos: now_nanos, rate: cell.rate, per_nanos: cell.per_nanos }
    }

    const fn capacity(cell: &Cell) -> u128 {
        cell.per_nanos as u128 * cell.rate as u128
    }

    const fn charge(cell: &Cell) -> u128 {
        cell.per_nanos as u128 * cell.cost as u128
    }

    /// The debt after the charge and the calls left, or how long to wait.
    fn charged(self, cell: &Cell) -> std::result::Result<(Self, u64), u64> {
        let after = self.units + Self::charge(cell);
        let capacity = Self::capacity(cell);
        if after > capacity {
            let wait = (after - capacity).div_ceil(u128::from(cell.rate.max(1)));
            return Err(if cell.cost > cell.rate { u64::MAX } else { u64::try_from(wait).unwrap_or(u64::MAX) });
        }
        let left = (capacity - after) / u128::from(cell.per_nanos.max(1));
        Ok((Self { units: after, ..self }, u64::try_from(left).unwrap_or(u64::MAX)))
    }

    fn refunded(self, cell: &Cell) -> Self {
        Self { units: self.units.saturating_sub(Self::charge(cell)), ..self }
    }

    /// When nothing is owed any more: from then on the cell is as good as none.
    fn ends_nanos(self) -> u64 {
        let left = self.units.div_ceil(u128::from(self.rate.max(1)));
        self.last_nanos.saturating_add(u64::try_from(left).unwrap_or(u64::MAX))
    }
}

/// Whose share of keys a cell takes: the project's on a limit of its own, above it the share of the account that calls.
fn holder(key: &Key, account: Uid) -> Uid {
    match key.as_bytes().first_chunk::<16>().map(|owner| Uid::from_bytes(*owner)) {
        Some(owner) if owner != Uid::PLATFORM => owner,
        _ => account,
    }
}

fn check_owner(cells: &[Cell]) -> Result<()> {
    if cells.iter().all(|cell| cell.key.belongs_to(&cell.scope)) {
        Ok(())
    } else {
        Err(Error::internal("a rate cell was addressed through a foreign scope"))
    }
}

fn full() -> Error {
    Error::new(
        ErrorKind::QuotaExceeded,
        "limit_keys_exhausted",
        format!("limits count at most {HOLDER_CELLS} different keys at once for each project, and for each account"),
    )
    .with_help("count by something with fewer values, or shorten the limit's period")
}

/// [`Counters`] of one process. Memory is bounded, and so is what each holder takes of it.
pub struct MemoryCounters {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Shard {
    cells: HashMap<Key, Held>,
    /// How many cells each holder has, see [`holder`].
    holders: HashMap<Uid, usize>,
    /// How many cells each account has, its projects' own included.
    accounts: HashMap<Uid, usize>,
    swept_nanos: Option<u64>,
}

struct Held {
    debt: Debt,
    account: Uid,
}

fn release(counts: &mut HashMap<Uid, usize>, of: Uid) {
    if let Some(count) = counts.get_mut(&of) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&of);
        }
    }
}

impl Shard {
    /// Makes room for one more key: first by dropping cells that owe nothing, then, when the shard is full for everybody, at
    /// the cost of the account that has most. A holder beyond its own share is refused.
    fn admit(&mut self, cell: &Cell, now_nanos: u64) -> Result<()> {
        if self.cells.contains_key(&cell.key) {
            return Ok(());
        }
        let holder = holder(&cell.key, cell.account);
        let greedy = |shard: &Self| shard.holders.get(&holder).is_some_and(|held| *held >= SHARE);
        if self.cells.len() >= SHARD_CELLS || greedy(self) {
            self.sweep(now_nanos);
            if greedy(self) {
                return Err(full());
            }
            if self.cells.len() >= SHARD_CELLS {
                self.evict_largest();
            }
        }
        *self.holders.entry(holder).or_default() += 1;
        *self.accounts.entry(cell.account).or_default() += 1;
        self.cells.insert(cell.key.clone(), Held { debt: Debt::default(), account: cell.account });
        Ok(())
    }

    /// Drops cells that owe nothing. At most ten times a second: a holder at its share must not make others wait.
    fn sweep(&mut self, now_nanos: u64) {
        if self.swept_nanos.is_some_and(|swept| now_nanos.abs_diff(swept) < SWEEP_NANOS) {
            return;
        }
        self.swept_nanos = Some(now_nanos);
        self.keep(|_, held| held.debt.ends_nanos() > now_nanos);
    }

    /// Drops a part of what the account with most keys holds, so that the next newcomers need no search.
    fn evict_largest(&mut self) {
        let Some((largest, _)) = self.accounts.iter().max_by_key(|(_, held)| **held) else { return };
        let largest = *largest;
        let mut excess = SHARD_CELLS / 16;
        self.keep(|_, held| {
            let keep = held.account != largest || excess == 0;
            excess -= usize::from(!keep);
            keep
        });
    }

    fn keep(&mut self, mut keep: impl FnMut(&Key, &Held) -> bool) {
        let (holders, accounts) = (&mut self.holders, &mut self.accounts);
        self.cells.retain(|key, held| {
            let kept = keep(key, held);
            if !kept {
                release(holders, holder(key, held.account));
                release(accounts, held.account);
            }
            kept
        });
    }
}

/// Whether a cell goes with a scope that is deleted.
fn goes_with(scope: &Scope, key: &Key, account: Uid) -> bool {
    key.belongs_to(scope) || (scope.layer() == Layer::Account && account == scope.uid())
}

impl MemoryCounters {
    /// Counters that read the steady clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new(), clock }
    }

    fn shard_of(&self, key: &Key) -> usize {
        // INVARIANT: the remainder is below SHARDS, so it fits.
        usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0)
    }

    /// How many keys are held, all scopes together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().cells.len()).sum()
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take_now(&self, cells: &[Cell], commit: bool) -> Result<Taken> {
        check_owner(cells)?;
        let places: Vec<usize> = cells.iter().map(|cell| self.shard_of(&cell.key)).collect();
        let mut wanted = places.clone();
        wanted.sort_unstable();
        wanted.dedup();
        // Locks are taken in one order everywhere, so two calls never wait for each other.
        let mut guards: Vec<_> =
            wanted.iter().filter_map(|place| self.shards.get(*place).map(|shard| (*place, shard.lock()))).collect();
        let now_nanos = self.clock.now().steady_nanos;
        let mut after: Vec<(usize, &Key, Debt)> = Vec::with_capacity(cells.len());
        let mut left = Vec::with_capacity(cells.len());
        for (index, (cell, place)) in cells.iter().zip(&places).enumerate() {
            let Some((_, shard)) = guards.iter_mut().find(|(at, _)| at == place) else { continue };
            // A key named twice in one call sees its own earlier charge.
            let earlier = after.iter().rev().find(|(_, key, _)| *key == &cell.key).map(|(_, _, debt)| *debt);
            let debt = earlier.or_else(|| shard.cells.get(&cell.key).map(|held| held.debt)).unwrap_or_default();
            let drained = debt.at(cell, now_nanos);
            match drained.charged(cell) {
                Ok((debt, room)) => {
                    after.push((*place, &cell.key, debt));
                    left.push(room);
                }
                Err(retry_nanos) => {
                    // The time seen is kept even so: after a step back, waiting must count from the new time.
                    if let (true, None, Some(held)) = (commit, earlier, shard.cells.get_mut(&cell.key)) {
                        held.debt = drained;
                    }
                    return Ok(Taken::Refused { index, retry_nanos });
                }
            }
            if commit {
                shard.admit(cell, now_nanos)?;
            }
        }
        if commit {
            for (place, key, debt) in after {
                if let Some((_, shard)) = guards.iter_mut().find(|(at, _)| *at == place)
                    && let Some(held) = shard.cells.get_mut(key)
                {
                    held.debt = debt;
                }
            }
        }
        Ok(Taken::Granted(left))
    }
}

impl Counters for MemoryCounters {
    fn take(&self, cells: &[Cell], commit: bool) -> BoxFuture<'_, Result<Taken>> {
        Box::pin(std::future::ready(self.take_now(cells, commit)))
    }

    fn refund(&self, cells: &[Cell]) {
        for cell in cells {
            if let Some(shard) = self.shards.get(self.shard_of(&cell.key))
                && let Some(held) = shard.lock().cells.get_mut(&cell.key)
            {
                held.debt = held.debt.refunded(cell);
            }
        }
    }

    fn sweep(&self) -> BoxFuture<'_, Result<()>> {
        let now_nanos = self.clock.now().steady_nanos;
        self.shards.iter().for_each(|shard| shard.lock().sweep(now_nanos));
        Box::pin(std::future::ready(Ok(())))
    }

    fn forget(&self, scope: &Scope) -> BoxFuture<'_, Result<()>> {
        for shard in &self.shards {
            shard.lock().keep(|key, held| !goes_with(scope, key, held.account));
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Triggers count, so that no way of adding or removing cells miscounts.
pub(super) const SCHEMA: &str = "
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
pub struct SqliteCounters(Database, Arc<dyn Clock>);

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        clock::ManualClock,
        runtime::block_on,
        scope::{Id, KeyKind},
    };

    fn scope(seed: u8) -> Scope {
        Scope::mint_account(Id::parse("test", "a").unwrap(), Uid::from_bytes([seed; 16]))
    }

    fn cell(scope: &Scope, name: &str, rate: u64, ticks: u64) -> Cell {
        let per_nanos = ticks.saturating_mul(TICK);
        let key = Key::new(scope, KeyKind::Rate, &[name.as_bytes()]);
        Cell { key, scope: scope.clone(), account: scope.account_uid(), rate, per_nanos, cost: 1 }
    }

    /// A store on a clock that stands where a test says; one tick is a microsecond, which both clocks can tell.
    struct Bench {
        clock: ManualClock,
        store: Box<dyn Counters>,
    }

    impl Bench {
        fn take(&self, cells: &[Cell], now: u64, commit: bool) -> Result<Taken> {
            let here = self.clock.now().steady_nanos / TICK;
            if now >= here {
                self.clock.advance(Duration::from_nanos((now - here) * TICK));
            } else {
                self.clock.step_back(Duration::from_nanos((here - now) * TICK));
            }
            block_on(self.store.take(cells, commit))
        }

        fn granted(&self, cells: &[Cell], now: u64) -> bool {
            matches!(self.take(cells, now, true).unwrap(), Taken::Granted(_))
        }
    }

    const TICK: u64 = 1_000;

    fn memory() -> Bench {
        let clock = ManualClock::at(0);
        Bench { store: Box::new(MemoryCounters::new(Arc::new(clock.clone()))), clock }
    }

    fn stores() -> [(&'static str, Bench); 2] {
        let clock = ManualClock::at(0);
        let sqlite = SqliteCounters::open(None, Arc::new(clock.clone())).unwrap();
        [("memory", memory()), ("sqlite", Bench { store: Box::new(sqlite), clock })]
    }

    /// The textbook form, in exact rationals over elapsed (never negative) time.
    struct Model {
        debt: u128,
        last: u64,
    }

    impl Model {
        fn take(&mut self, rate: u64, per: u64, now: u64) -> bool {
            self.debt = self.debt.saturating_sub(u128::from(now.saturating_sub(self.last)) * u128::from(rate));
            self.last = now;
            let fits = self.debt + u128::from(per) <= u128::from(per) * u128::from(rate);
            if fits {
                self.debt += u128::from(per);
            }
            fits
        }
    }

    proptest! {
        #[test]
        fn every_store_agrees_with_the_model_also_when_time_steps_back(
            rate in 1_u64..20, per in 1_u64..1_000, moves in prop::collection::vec(-500_i64..500, 1..120),
        ) {
            for (name, store) in stores() {
                let scope = scope(1);
                let mut now = 10_000_u64;
                let mut model = Model { debt: 0, last: now };
                for step in &moves {
                    now = now.saturating_add_signed(*step);
                    let expected = model.take(rate, per, now);
                    prop_assert_eq!(store.granted(&[cell(&scope, "x", rate, per)], now), expected, "{}", name);
                }
            }
        }

        #[test]
        fn never_more_than_rate_per_period_beyond_one_burst(
            rate in 1_u64..10, per in 10_u64..1_000, gaps in prop::collection::vec(0_u64..200, 1..200),
        ) {
            let store = memory();
            let (scope, mut now, mut count) = (scope(1), 0_u64, 0_u64);
            for gap in &gaps {
                now += gap;
                count += u64::from(store.granted(&[cell(&scope, "x", rate, per)], now));
            }
            prop_assert!(u128::from(count) <= u128::from(rate) + u128::from(now) * u128::from(rate) / u128::from(per));
        }
    }

    #[test]
    fn retry_after_is_exact() {
        for (name, store) in stores() {
            let cells = [cell(&scope(1), "x", 3, 1_000)];
            while store.granted(&cells, 5) {}
            let Taken::Refused { retry_nanos, .. } = store.take(&cells, 5, false).unwrap() else { panic!() };
            assert!(!store.granted(&cells, 5 + retry_nanos.div_ceil(TICK) - 1), "{name}");
            assert!(store.granted(&cells, 5 + retry_nanos.div_ceil(TICK)), "{name}");
        }
    }

    #[test]
    fn a_charge_over_several_levels_is_all_or_none() {
        for (name, store) in stores() {
            let scope = scope(1);
            let wide = cell(&scope, "account", 100, 1_000_000);
            let narrow = cell(&scope, "project", 1, 1_000_000);
            assert!(store.granted(&[wide.clone(), narrow.clone()], 0));
            for _ in 0..10 {
                assert!(!store.granted(&[wide.clone(), narrow.clone()], 0));
            }
            let Taken::Granted(left) = store.take(&[wide], 0, false).unwrap() else { panic!() };
            assert_eq!(left, [98], "{name}: refused calls took nothing from the wider level");
        }
    }

    #[test]
    fn a_refund_gives_the_place_back() {
        for (name, store) in stores() {
            let cells = [cell(&scope(1), "x", 1, 1_000)];
            assert!(store.granted(&cells, 0));
            assert!(!store.granted(&cells, 0));
            store.store.refund(&cells);
            assert!(store.granted(&cells, 0), "{name}");
        }
    }

    #[test]
    fn a_changed_limit_keeps_what_is_owed() {
        for (name, store) in stores() {
            let scope = scope(1);
            for _ in 0..4 {
                assert!(store.granted(&[cell(&scope, "x", 4, 1_000)], 0));
            }
            // Lowered to 2: four calls are still owed, so nothing fits until three have drained at the new pace.
            assert!(!store.granted(&[cell(&scope, "x", 2, 1_000)], 1_499), "{name}");
            assert!(store.granted(&[cell(&scope, "x", 2, 1_000)], 1_500), "{name}");
        }
    }

    #[test]
    fn the_same_key_text_in_another_scope_is_another_counter() {
        for (name, store) in stores() {
            assert!(store.granted(&[cell(&scope(1), "x", 1, 1_000)], 0));
            assert!(store.granted(&[cell(&scope(2), "x", 1, 1_000)], 0), "{name}");
        }
    }

    #[test]
    fn a_foreign_key_is_refused_even_inside_the_process() {
        for (_, store) in stores() {
            let forged = Cell { scope: scope(2), ..cell(&scope(1), "x", 1, 1_000) };
            assert!(store.take(&[forged], 0, true).is_err());
        }
    }

    #[test]
    fn what_is_no_longer_owed_is_swept_and_what_belongs_to_the_deleted_goes() {
        let clock = ManualClock::at(0);
        let memory = MemoryCounters::new(Arc::new(clock.clone()));
        let shared = SqliteCounters::open(None, Arc::new(clock.clone())).unwrap();
        let kept = |sql: &str| -> i64 {
            shared.0.read_now(|connection| Ok(connection.query_row(sql, [], |row| row.get(0))?)).unwrap()
        };
        let on_platform = |account: &Scope, name: &str| {
            let platform = Scope::mint_platform();
            Cell { account: account.uid(), ..cell(&platform, name, 4, 1_000) }
        };
        let (a, b) = (scope(1), scope(2));
        let cells = [cell(&a, "a", 4, 1_000), cell(&b, "b", 1, 1_000_000), on_platform(&a, "x"), on_platform(&b, "y")];
        let stores: [&dyn Counters; 2] = [&memory, &shared];
        let both = |work: &dyn Fn(&dyn Counters)| stores.iter().for_each(|store| work(*store));
        let is = |count: usize| {
            assert_eq!((memory.len(), kept("SELECT count(*) FROM cells")), (count, i64::try_from(count).unwrap()));
            assert_eq!(kept("SELECT coalesce(sum(cells), 0) FROM holders"), i64::try_from(count).unwrap());
        };
        both(&|store| assert!(matches!(block_on(store.take(&cells, true)).unwrap(), Taken::Granted(_))));
        both(&|store| block_on(store.sweep()).unwrap());
        is(4);
        both(&|store| block_on(store.forget(&a)).unwrap());
        is(2);
        // A refund of what is gone makes nothing.
        both(&|store| store.refund(&cells[..1]));
        is(2);
        // One of four calls a period is owed for a quarter of it. A shard is searched ten times a second at most.
        clock.advance(Duration::from_millis(200));
        both(&|store| block_on(store.sweep()).unwrap());
        is(1);
        clock.advance(Duration::from_secs(1));
        both(&|store| block_on(store.sweep()).unwrap());
        is(0);
    }

    #[test]
    fn one_scope_with_countless_keys_neither_grows_without_bound_nor_starves_another() {
        let store = MemoryCounters::new(Arc::new(ManualClock::at(0)));
        let take = |cells: &[Cell]| block_on(store.take(cells, true));
        let greedy = scope(1);
        let refused = (0..300_000_u32).filter(|i| take(&[cell(&greedy, &i.to_string(), 1, 1 << 40)]).is_err()).count();
        assert!(refused > 0);
        assert!(store.len() <= HOLDER_CELLS);
        assert!(matches!(take(&[cell(&scope(2), "fresh", 1, 1_000)]).unwrap(), Taken::Granted(_)));
    }

    #[test]
    fn many_greedy_scopes_together_never_close_the_door_to_a_newcomer() {
        let store = MemoryCounters::new(Arc::new(ManualClock::at(0)));
        let take = |cells: &[Cell]| block_on(store.take(cells, true));
        for seed in 10..22 {
            for i in 0..120_000_u32 {
                drop(take(&[cell(&scope(seed), &i.to_string(), 1, 1 << 40)]));
            }
        }
        assert!(store.len() <= SHARDS * SHARD_CELLS);
        for i in 0..500_u32 {
            assert!(matches!(take(&[cell(&scope(2), &i.to_string(), 1, 1_000)]).unwrap(), Taken::Granted(_)));
        }
    }
}
