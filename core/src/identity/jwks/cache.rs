//! The key sets of one process. Owns which sets are kept and what is known of each; touches `error`, `runtime` and
//! `identity::jwk`.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use super::{BETWEEN_FETCHES, MAX_ISSUERS, STEP_OF_USE, clock::nanos};
use crate::{error::Error, identity::jwk::KeySet};

/// Every set by its issuer. An issuer has one set, or a few while tenants disagree on where it is.
#[derive(Default)]
pub(super) struct JwksCache {
    sets: RwLock<Sets>,
}

#[derive(Default)]
struct Sets {
    by_issuer: HashMap<Box<str>, Vec<Arc<Entry>>>,
    count: usize,
}

/// One set and what is being done about it.
pub(super) struct Entry {
    pub(super) url: Box<str>,
    pub(super) private_network: bool,
    /// What the last successful fetch brought.
    pub(super) keys: ArcSwapOption<Keys>,
    pub(super) gate: Mutex<Gate>,
    used_at: AtomicU64,
}

/// Whether a fetch may start, and the one that runs. Held for a few instructions.
#[derive(Default)]
pub(super) struct Gate {
    /// When the last fetch started, whatever became of it.
    pub(super) tried_at: Option<u64>,
    /// Closed when the fetch that runs is done.
    pub(super) running: Option<watch::Receiver<()>>,
    /// How many wait for it to bring a key that was not known.
    pub(super) hopeful: usize,
    /// Why the last fetch failed, if it did.
    pub(super) failure: Option<Error>,
}

impl Gate {
    /// How long until a fetch may start; 0 for now.
    pub(super) fn closed_for(&self, now: u64) -> u64 {
        self.tried_at.map_or(0, |tried_at| nanos(BETWEEN_FETCHES).saturating_sub(now.saturating_sub(tried_at)))
    }
}

/// A set as published.
pub(super) struct Keys {
    pub(super) set: Arc<KeySet>,
    /// When its fetch started.
    pub(super) fetched_at: u64,
}

impl JwksCache {
    /// The entry of this set, made if there is none. `None` when the shelf is full of sets fetched just now.
    pub(super) fn entry(&self, issuer: &str, url: &str, private_network: bool, now: u64) -> Option<Arc<Entry>> {
        let same = |entry: &&Arc<Entry>| entry.private_network == private_network && *entry.url == *url;
        let known = |sets: &Sets| sets.by_issuer.get(issuer)?.iter().find(same).cloned();
        if let Some(entry) = known(&self.sets.read()) {
            entry.used(now);
            return Some(entry);
        }
        let mut sets = self.sets.write();
        if let Some(entry) = known(&sets) {
            return Some(entry);
        }
        if sets.count >= MAX_ISSUERS && !sets.drop_one(now) {
            return None;
        }
        let entry = Arc::new(Entry {
            url: url.into(),
            private_network,
            keys: ArcSwapOption::empty(),
            gate: Mutex::default(),
            used_at: AtomicU64::new(now),
        });
        sets.by_issuer.entry(issuer.into()).or_default().push(Arc::clone(&entry));
        sets.count += 1;
        Some(entry)
    }

    pub(super) fn forget(&self, issuer: &str) {
        let mut sets = self.sets.write();
        let gone = sets.by_issuer.remove(issuer);
        sets.count = sets.count.saturating_sub(gone.map_or(0, |entries| entries.len()));
    }
}

impl Sets {
    /// Drops the set unused for longest. One fetched just now stays: forgetting it would forget not to fetch it again.
    fn drop_one(&mut self, now: u64) -> bool {
        let all = self.by_issuer.iter().flat_map(|(issuer, entries)| entries.iter().map(move |entry| (issuer, entry)));
        let idle = all.filter(|(_, entry)| {
            let gate = entry.gate.lock();
            gate.running.is_none() && gate.closed_for(now) == 0
        });
        let oldest = idle.min_by_key(|(_, entry)| entry.used_at.load(Ordering::Relaxed));
        let Some((issuer, entry)) = oldest.map(|(issuer, entry)| (issuer.clone(), Arc::clone(entry))) else {
            return false;
        };
        if let Some(entries) = self.by_issuer.get_mut(&issuer) {
            entries.retain(|other| !Arc::ptr_eq(other, &entry));
            if entries.is_empty() {
                self.by_issuer.remove(&issuer);
            }
        }
        self.count = self.count.saturating_sub(1);
        true
    }
}

impl Entry {
    /// Kept coarsely: most uses then write nothing other cores read.
    fn used(&self, now: u64) {
        if now.saturating_sub(self.used_at.load(Ordering::Relaxed)) >= nanos(STEP_OF_USE) {
            self.used_at.store(now, Ordering::Relaxed);
        }
    }
}
