//! Counters: rate cells. One cell is an exact GCRA in integers (ITU-T I.371, as a leaky bucket of what is owed).

mod memory;
mod sqlite;
#[cfg(test)]
mod tests;

pub use memory::MemoryCounters;
#[cfg(test)]
pub use sqlite::SCHEMA;
pub use sqlite::SqliteCounters;

use crate::{
    clock::BoxFuture,
    error::{Error, ErrorKind, Result},
    scope::{Key, Layer, Scope, Uid},
};

/// Most cells of one holder, here and in the shared store: 131,072.
const HOLDER_CELLS: usize = memory::SHARDS * memory::SHARE;

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

/// Whether a cell goes with a scope that is deleted.
fn goes_with(scope: &Scope, key: &Key, account: Uid) -> bool {
    key.belongs_to(scope) || (scope.layer() == Layer::Account && account == scope.uid())
}
