//! The housekeeper: two threads per engine, started by the first call on a data folder. One follows changes of other
//! processes every 100 ms; the other writes sessions behind as often, signs audit heads every second, and sweeps the counters
//! of limits every minute.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::Engine;
use crate::runtime;

const TICK: Duration = Duration::from_millis(100);
const TICKS_PER_HEAD: u32 = 10;
/// Counters that owe nothing any more are forgotten each minute.
const TICKS_PER_SWEEP: u32 = 600;

impl Engine {
    pub(super) fn housekeep(self: &Arc<Self>) {
        if !self.durable || self.housekept.swap(true, Ordering::AcqRel) {
            return;
        }
        let engine = Arc::downgrade(self);
        let follower = Arc::downgrade(self);
        // Its own thread: a session file that is slow to write must not delay a suspension or a forbid from elsewhere.
        let following = runtime::thread("tenantry-follower", move || {
            loop {
                std::thread::sleep(TICK);
                let Some(engine) = follower.upgrade() else { return };
                let _ = engine.tenants.follow_changes();
                let _ = runtime::block_on(engine.identity.follow_changes());
            }
        });
        let started = runtime::thread("tenantry-housekeeper", move || {
            let mut tick = 0_u32;
            loop {
                std::thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else { return };
                tick = tick.wrapping_add(1);
                engine.tick(tick.is_multiple_of(TICKS_PER_HEAD));
                if tick.is_multiple_of(TICKS_PER_SWEEP) {
                    let _ = runtime::block_on(engine.quota.sweep());
                }
            }
        });
        if started.is_err() || following.is_err() {
            // Tried again with the next call.
            self.housekept.store(false, Ordering::Release);
        }
    }

    /// What fails here is tried again at the next tick: nothing pending is dropped.
    fn tick(&self, heads: bool) {
        self.sessions.refresh_changed();
        let _ = runtime::block_on(self.sessions.flush(self.clock.now()));
        let _ = runtime::block_on(self.audit.sign_heads(heads));
        if heads {
            let _ = runtime::block_on(self.identity.flush());
        }
    }
}
