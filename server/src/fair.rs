//! Turns: how many requests are worked on at once, and whose is next. Owns the lines people wait in.
//!
//! Each tenant has a line of its own and the lines are served in turn, so that one tenant's thousand requests delay
//! another's one by a single turn. A line has an end: what comes after it is refused at once, and told to come again.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tenantry::{Error, Result};
use tokio::sync::oneshot;

/// How much a [`Gate`] lets through.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At once in all.
    pub total: usize,
    /// At once for one tenant.
    pub per_tenant: usize,
    /// Waiting for one tenant.
    pub line: usize,
}

/// Where turns are taken.
pub struct Gate {
    width: Limits,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    running: usize,
    tenants: HashMap<String, Queue>,
    /// Tenants with somebody waiting, in the order they are served.
    next: VecDeque<String>,
}

#[derive(Default)]
struct Queue {
    running: usize,
    waiting: VecDeque<oneshot::Sender<()>>,
}

/// Leave to work; gone when dropped.
pub struct Permit {
    gate: Arc<Gate>,
    tenant: String,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.give_back(&self.tenant);
    }
}

/// Somebody in a line. Gives its turn on when it is called and nobody is there any more.
struct Waiting {
    called: oneshot::Receiver<()>,
    gate: Arc<Gate>,
    tenant: String,
    taken: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        self.called.close();
        if self.called.try_recv().is_ok() {
            self.gate.give_back(&self.tenant);
        } else {
            self.gate.leave(&self.tenant);
        }
    }
}

impl Lines {
    fn forget_idle(&mut self, tenant: &str) {
        if self.tenants.get(tenant).is_some_and(|line| line.running == 0 && line.waiting.is_empty()) {
            self.tenants.remove(tenant);
        }
    }
}

impl Gate {
    /// A gate of this width.
    #[must_use]
    pub fn new(width: Limits) -> Arc<Self> {
        Arc::new(Self { width, lines: Mutex::default() })
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// `overloaded` when the tenant's line is full.
    pub async fn turn(self: &Arc<Self>, tenant: &str) -> Result<Permit> {
        let called = {
            let mut lines = self.lines.lock();
            let free = lines.running < self.width.total;
            let line = lines.tenants.entry(tenant.to_owned()).or_default();
            if free && line.waiting.is_empty() && line.running < self.width.per_tenant {
                line.running += 1;
                lines.running += 1;
                return Ok(Permit { gate: Arc::clone(self), tenant: tenant.to_owned() });
            }
            if line.waiting.len() >= self.width.line {
                lines.forget_idle(tenant);
                return Err(Error::unavailable("overloaded", "too many requests of this tenant are waiting")
                    .with_retry_after(Duration::from_secs(1)));
            }
            let (call, called) = oneshot::channel();
            line.waiting.push_back(call);
            if line.waiting.len() == 1 && !lines.next.iter().any(|next| next == tenant) {
                lines.next.push_back(tenant.to_owned());
            }
            called
        };
        let mut waiting = Waiting { called, gate: Arc::clone(self), tenant: tenant.to_owned(), taken: false };
        let result = (&mut waiting.called).await;
        waiting.taken = true;
        result.map_err(|_| Error::internal("a line was closed"))?;
        Ok(Permit { gate: Arc::clone(self), tenant: tenant.to_owned() })
    }

    fn give_back(&self, tenant: &str) {
        let mut lines = self.lines.lock();
        lines.running = lines.running.saturating_sub(1);
        if let Some(line) = lines.tenants.get_mut(tenant) {
            line.running = line.running.saturating_sub(1);
        }
        self.call_next(&mut lines);
        lines.forget_idle(tenant);
    }

    /// Whoever has left the line takes no place in it.
    fn leave(&self, tenant: &str) {
        let mut lines = self.lines.lock();
        if let Some(line) = lines.tenants.get_mut(tenant) {
            line.waiting.retain(|call| !call.is_closed());
        }
        lines.forget_idle(tenant);
    }

    /// Calls whoever is next, tenant by tenant, while there is room.
    fn call_next(&self, lines: &mut Lines) {
        let mut passed = 0;
        while lines.running < self.width.total && passed < lines.next.len() {
            let Some(tenant) = lines.next.pop_front() else { return };
            let Some(line) = lines.tenants.get_mut(&tenant) else { continue };
            if line.running >= self.width.per_tenant {
                lines.next.push_back(tenant);
                passed += 1;
                continue;
            }
            let called = line.waiting.pop_front().is_some_and(|call| call.send(()).is_ok());
            line.running += usize::from(called);
            let more = !line.waiting.is_empty();
            lines.running += usize::from(called);
            if more {
                lines.next.push_back(tenant);
            } else {
                lines.forget_idle(&tenant);
            }
            passed = 0;
        }
    }

    /// Running and waiting, over all tenants.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let lines = self.lines.lock();
        (lines.running, lines.tenants.values().map(|line| line.waiting.len()).sum())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use proptest::prelude::*;

    use super::*;

    type Asking = Pin<Box<dyn Future<Output = Result<Permit>> + Send>>;

    fn asking(gate: &Arc<Gate>, tenant: &'static str) -> Asking {
        let gate = Arc::clone(gate);
        Box::pin(async move { gate.turn(tenant).await })
    }

    fn poll(asking: &mut Asking) -> Option<Result<Permit>> {
        match asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_tenants_crowd_delays_another_by_one_turn() {
        let gate = Gate::new(Limits { total: 1, per_tenant: 1, line: 100 });
        let running = poll(&mut asking(&gate, "crowd")).unwrap().unwrap();
        let mut crowd: Vec<Asking> = (0..50).map(|_| asking(&gate, "crowd")).collect();
        crowd.iter_mut().for_each(|asking| assert!(poll(asking).is_none()));
        let mut single = asking(&gate, "single");
        assert!(poll(&mut single).is_none());
        drop(running);
        let second = crowd.iter_mut().find_map(poll).unwrap().unwrap();
        assert!(poll(&mut single).is_none());
        drop(second);
        assert!(poll(&mut single).unwrap().is_ok(), "the other tenant is next, before 49 of the crowd");
    }

    #[test]
    fn a_full_line_refuses_and_says_when_to_come_again() {
        let gate = Gate::new(Limits { total: 1, per_tenant: 1, line: 1 });
        let _running = poll(&mut asking(&gate, "a")).unwrap().unwrap();
        let mut waiting = asking(&gate, "a");
        assert!(poll(&mut waiting).is_none());
        let Err(refused) = poll(&mut asking(&gate, "a")).unwrap() else { panic!("let in") };
        assert_eq!((refused.code(), refused.retry_after()), ("overloaded", Some(Duration::from_secs(1))));
    }

    proptest! {
        /// Whatever is asked, given back and given up, nothing is lost: at the end everybody can be served.
        #[test]
        fn turns_are_never_lost(steps in prop::collection::vec((0..3_usize, 0..4_u8), 1..200)) {
            const TENANTS: [&str; 3] = ["a", "b", "c"];
            let gate = Gate::new(Limits { total: 3, per_tenant: 2, line: 4 });
            let mut waiting: Vec<Asking> = Vec::new();
            let mut turns: Vec<Permit> = Vec::new();
            for (tenant, step) in steps {
                match step {
                    0 | 1 => {
                        let mut new = asking(&gate, TENANTS[tenant]);
                        match poll(&mut new) {
                            Some(Ok(turn)) => turns.push(turn),
                            Some(Err(_)) => {}
                            None => waiting.push(new),
                        }
                    }
                    2 => drop(turns.pop()),
                    _ => drop(waiting.pop()),
                }
                waiting.retain_mut(|asking| match poll(asking) {
                    Some(Ok(turn)) => { turns.push(turn); false }
                    Some(Err(_)) => false,
                    None => true,
                });
                prop_assert!(turns.len() <= 3);
                prop_assert_eq!(gate.load().0, turns.len());
            }
            waiting.clear();
            turns.clear();
            prop_assert_eq!(gate.load(), (0, 0));
            prop_assert!(gate.lines.lock().tenants.is_empty());
        }
    }
}
