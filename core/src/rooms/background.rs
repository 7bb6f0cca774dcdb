//! What goes on beside calls: one list of what each room follows, flushes and closes. Two threads per data folder go through it,
//! started by the first call. One follows changes of other processes every 100 ms; the other writes down what is pending.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::Rooms;
use crate::{
    clock::BoxFuture,
    error::Result,
    runtime::{self, block_on},
};

const TICK: Duration = Duration::from_millis(100);
const SECOND: u32 = 10;
const MINUTE: u32 = 600;

type Work = for<'a> fn(&'a Rooms) -> BoxFuture<'a, Result<()>>;

/// What one room does beside calls.
struct Background {
    /// Takes over what other processes changed.
    follow: Option<Work>,
    /// Writes down what is pending or forgets what is over, every so many ticks. What fails is tried again at the next:
    /// nothing pending is dropped.
    flush: Option<(u32, Work)>,
    /// Whether it is flushed once more at the end.
    closes: bool,
}

const NOTHING: Background = Background { follow: None, flush: None, closes: false };

/// In the order in which they are closed: what a room writes at its end lies in the chain before that is given up.
const BACKGROUND: [Background; 7] = [
    Background { follow: Some(|rooms| Box::pin(async { rooms.tenants.follow_changes() })), ..NOTHING },
    Background { follow: Some(|rooms| Box::pin(rooms.identity.follow_changes())), ..NOTHING },
    Background {
        flush: Some((1, |rooms| {
            rooms.sessions.refresh_changed();
            Box::pin(rooms.sessions.flush(rooms.clock.now()))
        })),
        closes: true,
        ..NOTHING
    },
    Background { flush: Some((SECOND, |rooms| Box::pin(rooms.identity.flush()))), closes: true, ..NOTHING },
    Background { flush: Some((1, |rooms| Box::pin(rooms.audit.sign_heads(false)))), ..NOTHING },
    Background { flush: Some((SECOND, |rooms| Box::pin(rooms.audit.sign_heads(true)))), ..NOTHING },
    Background { flush: Some((MINUTE, |rooms| Box::pin(rooms.quota.sweep()))), ..NOTHING },
];

impl Rooms {
    /// Starts what goes on beside calls, where it has not started. Memory needs none of it.
    pub fn start_background(self: &Arc<Self>) {
        if !self.durable || self.background.swap(true, Ordering::AcqRel) {
            return;
        }
        // Its own thread: a session file that is slow to write must not delay a suspension or a forbid from elsewhere.
        let rooms = Arc::downgrade(self);
        let following = runtime::thread("tenantry-follower", move || {
            loop {
                std::thread::sleep(TICK);
                let Some(rooms) = rooms.upgrade() else { return };
                for follow in BACKGROUND.iter().filter_map(|background| background.follow) {
                    let _ = block_on(follow(&rooms));
                }
            }
        });
        let rooms = Arc::downgrade(self);
        let flushing = runtime::thread("tenantry-housekeeper", move || {
            let mut tick = 0_u32;
            loop {
                std::thread::sleep(TICK);
                let Some(rooms) = rooms.upgrade() else { return };
                tick = tick.wrapping_add(1);
                for (every, flush) in BACKGROUND.iter().filter_map(|background| background.flush) {
                    if tick.is_multiple_of(every) {
                        let _ = block_on(flush(&rooms));
                    }
                }
            }
        });
        if flushing.is_err() || following.is_err() {
            // Tried again with the next call.
            self.background.store(false, Ordering::Release);
        }
    }

    /// Writes down everything that is pending and signs it. The rooms stay usable.
    ///
    /// # Errors
    /// Whatever could not be written.
    pub async fn settle(&self) -> Result<()> {
        for background in BACKGROUND.iter().filter(|background| background.closes) {
            if let Some((_, flush)) = background.flush {
                flush(self).await?;
            }
        }
        self.audit.settle().await
    }

    /// Writes down what can be, and gives up what other processes wait for.
    pub(super) fn close(&self) {
        for background in BACKGROUND.iter().filter(|background| background.closes) {
            if let Some((_, flush)) = background.flush {
                let _ = block_on(flush(self));
            }
        }
        let _ = block_on(self.audit.close());
    }
}
