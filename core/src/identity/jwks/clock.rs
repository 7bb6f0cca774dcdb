//! Time that never goes back and never stops, made from a clock that may do both. Owns that; touches `clock`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::clock::Clock;

/// A step back of at least this much is made up for. Threads read in turn and differ by less, which must not add up.
const STEP: u64 = 1_000_000_000;
/// How far behind the highest reading kept may be: the warm path then reads what other cores read and writes nothing.
const COARSE: u64 = STEP / 10;

/// Nanoseconds that passed. A clock that was set back counts on from where it was.
pub(super) struct MonotonicClock {
    clock: Arc<dyn Clock>,
    highest: AtomicU64,
    // What steps back have cost so far.
    made_up: AtomicU64,
}

impl MonotonicClock {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, highest: AtomicU64::new(0), made_up: AtomicU64::new(0) }
    }

    pub(super) fn now(&self) -> u64 {
        let made_up = self.made_up.load(Ordering::Acquire);
        let now = self.clock.now().steady_nanos.saturating_add(made_up);
        let highest = self.highest.load(Ordering::Acquire);
        if now > highest.saturating_add(COARSE) {
            self.highest.fetch_max(now, Ordering::AcqRel);
        } else if highest.saturating_sub(now) >= STEP {
            // One of those who notice makes up for it; the others are served by its result.
            let whole = made_up.saturating_add(highest - now);
            let _ = self.made_up.compare_exchange(made_up, whole, Ordering::AcqRel, Ordering::Acquire);
            return highest;
        }
        now
    }
}

/// A duration as the clock counts.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
