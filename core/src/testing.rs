//! Hooks of test builds (`test-hooks`): a standing clock, counted ids, and a panic on demand. Owns what a whole process
//! must share to give the same answers in every language; no published package contains it.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::Mutex;

use crate::clock::ManualClock;

static CLOCK: Mutex<Option<ManualClock>> = Mutex::new(None);
static COUNT: AtomicU64 = AtomicU64::new(0);
static PANIC: AtomicBool = AtomicBool::new(false);

/// Clients opened from now on share a clock that stands at `wall_micros` since 1970; ids and keys are counted from 1.
pub fn freeze(wall_micros: i64) {
    *CLOCK.lock() = Some(ManualClock::at(wall_micros));
    COUNT.store(0, Ordering::SeqCst);
}

/// Moves the standing clock.
pub fn advance(by: Duration) {
    let clock = CLOCK.lock().clone();
    if let Some(clock) = clock {
        clock.advance(by);
    }
}

/// Makes the next guard call panic inside the engine.
pub fn panic_next() {
    PANIC.store(true, Ordering::SeqCst);
}

/// The standing clock, once frozen.
pub(crate) fn clock() -> Option<ManualClock> {
    CLOCK.lock().clone()
}

/// The next counted bytes, once frozen: zeroes that end in the count.
pub(crate) fn counted<const N: usize>() -> Option<[u8; N]> {
    CLOCK.lock().as_ref()?;
    let count = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
    let mut bytes = [0; N];
    for (place, byte) in bytes.iter_mut().rev().zip(count.to_le_bytes()) {
        *place = byte;
    }
    Some(bytes)
}

#[allow(clippy::panic, reason = "panicking is what this is for")]
pub(crate) fn panic_if_asked() {
    if PANIC.swap(false, Ordering::SeqCst) {
        panic!("asked for by a test");
    }
}
