//! The housekeeper: one thread per engine, started by the first call on a data folder. Every 100 ms it follows changes of
//! other processes and writes sessions behind; every second it signs audit heads.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::Engine;
use crate::runtime;

const TICK: Duration = Duration::from_millis(100);
const TICKS_PER_HEAD: u32 = 10;

impl Engine {
    pub(super) fn housekeep(self: &Arc<Self>) {
        if !self.durable || self.housekept.swap(true, Ordering::AcqRel) {
            return;
        }
        let engine = Arc::downgrade(self);
        let started = runtime::thread("tenantry-housekeeper", move || {
            let mut tick = 0_u32;
            loop {
                std::thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else { return };
                tick = tick.wrapping_add(1);
                engine.tick(tick.is_multiple_of(TICKS_PER_HEAD));
            }
        });
        if started.is_err() {
            // Tried again with the next call.
            self.housekept.store(false, Ordering::Release);
        }
    }

    /// What fails here is tried again at the next tick: nothing pending is dropped.
    fn tick(&self, heads: bool) {
        let _ = self.tenants.follow_changes();
        self.sessions.refresh_changed();
        let _ = runtime::block_on(self.sessions.flush(self.clock.now()));
        let _ = runtime::block_on(self.audit.sign_heads(heads));
    }
}
