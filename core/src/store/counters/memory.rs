//! Counters in the memory of one process.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Cell, Counters, Debt, Taken, check_owner, full, goes_with, holder};
use crate::{
    clock::{BoxFuture, Clock},
    error::Result,
    scope::{Key, Scope, Uid},
};

pub(super) const SHARDS: usize = 64;
/// Most cells of one shard; 64 shards hold a million cells, about 200 MB.
pub(super) const SHARD_CELLS: usize = 16_384;
/// Most cells of one holder in one shard, so that one tenant's keys never crowd out another's.
pub(super) const SHARE: usize = SHARD_CELLS / 8;

/// How often a full shard is searched for cells that owe nothing.
const SWEEP_NANOS: u64 = 100_000_000;

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
