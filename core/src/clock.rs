//! Time, as a value that can be replaced. Owns clocks and waiting; touches only `runtime`.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;

use crate::runtime;

/// A future without a name.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One reading of the clock, taken once per call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Wall clock: microseconds since 1970. May step.
    pub wall_micros: i64,
    /// Steady clock: nanoseconds since the clock was made.
    pub steady_nanos: u64,
}

impl Now {
    /// RFC 3339 in UTC with milliseconds.
    #[must_use]
    pub fn rfc3339(self) -> String {
        rfc3339(self.wall_micros)
    }
}

/// Formats microseconds since 1970 as RFC 3339 in UTC with milliseconds; times before 1970 read as 1970.
#[must_use]
pub fn rfc3339(wall_micros: i64) -> String {
    let since = Duration::from_micros(u64::try_from(wall_micros).unwrap_or(0));
    // INVARIANT: humantime formats years up to 9999; later ones are clamped.
    let latest = Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_millis(UNIX_EPOCH + since.min(latest)).to_string()
}

/// A source of time.
pub trait Clock: Send + Sync {
    /// Reads both clocks.
    fn now(&self) -> Now;

    /// Resolves after `duration` of steady time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            wall_micros: i64::try_from(wall.as_micros()).unwrap_or(i64::MAX),
            steady_nanos: u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(runtime::sleep(duration))
    }
}

/// A clock that moves when told, also backwards. For tests and simulations.
#[derive(Clone, Default)]
pub struct ManualClock(Arc<Mutex<Manual>>);

#[derive(Default)]
struct Manual {
    steady: u64,
    wall_offset: i64,
    // Time that has passed for sleepers: unlike `steady` it never goes back.
    passed: u64,
    sleepers: BTreeMap<u64, (u64, Waker)>,
    last_sleeper: u64,
}

impl ManualClock {
    /// A clock standing at `wall_micros`.
    #[must_use]
    pub fn at(wall_micros: i64) -> Self {
        let clock = Self::default();
        clock.0.lock().wall_offset = wall_micros;
        clock
    }

    /// Moves both clocks forward and wakes sleepers whose time has come.
    pub fn advance(&self, by: Duration) {
        let mut state = self.0.lock();
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        state.steady = state.steady.saturating_add(nanos);
        state.passed = state.passed.saturating_add(nanos);
        let passed = state.passed;
        let (due, later) = std::mem::take(&mut state.sleepers).into_iter().partition(|(_, (at, _))| *at <= passed);
        state.sleepers = later;
        drop(state);
        let due: BTreeMap<u64, (u64, Waker)> = due;
        for (_, waker) in due.into_values() {
            waker.wake();
        }
    }

    /// Moves both clocks back, as a machine whose time was corrected does.
    pub fn step_back(&self, by: Duration) {
        let mut state = self.0.lock();
        state.steady = state.steady.saturating_sub(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many sleepers wait.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.0.lock().sleepers.len()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        let state = self.0.lock();
        let micros = i64::try_from(state.steady / 1_000).unwrap_or(i64::MAX);
        Now { wall_micros: state.wall_offset.saturating_add(micros), steady_nanos: state.steady }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.0.lock();
        state.last_sleeper += 1;
        let at = state.passed.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
        Box::pin(ManualSleep { clock: self.clone(), at, number: state.last_sleeper })
    }
}

struct ManualSleep {
    clock: ManualClock,
    at: u64,
    number: u64,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.0.lock();
        if state.passed >= self.at {
            return Poll::Ready(());
        }
        // Once per sleeper, however often it is polled: tests count them.
        state.sleepers.insert(self.number, (self.at, context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        self.clock.0.lock().sleepers.remove(&self.number);
    }
}
