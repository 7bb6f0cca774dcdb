//! The keys issuers publish. Owns when they are fetched and how long they are believed; touches `clock`, `error`, `net`,
//! `runtime` and `identity::jwk`.
//!
//! A token names its key before anything about it is believed, so names cost nothing: a name that is not known fetches at
//! most once in ten seconds per set, evicts nothing and slows nobody whose key is known.

mod shelf;
mod steady;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Map, Value};
use tokio::sync::watch;

use super::jwk::{self, VerifyingKey};
use crate::{
    clock::Clock,
    error::{Error, ErrorKind, Result},
    net::{Fetch, Net},
    runtime::{self, PerProcess},
};
use shelf::{Entry, Found, Gate, Keys, Shelf};
use steady::{Steady, nanos};

/// Older keys are still used, and fetched anew beside that.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// Keys whose issuer cannot be reached are believed this long.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// Between the starts of two fetches of one set, whatever came of the first.
const BETWEEN_FETCHES: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 256 * 1024;
const MAX_KEYS: usize = 100;
const MAX_ISSUERS: usize = 10_000;
/// How many tokens with an unknown key wait for one fetch: enough for those a rotation surprises, too few for a flood of
/// invented names to fill a server with waiting calls.
const MAX_HOPEFUL: usize = 64;
const STEP_OF_USE: Duration = Duration::from_secs(1);

/// The published keys of every issuer.
pub struct KeySets {
    net: Net,
    time: Arc<Steady>,
    // A child of a fork begins with none: a fetch its parent had running would never end there.
    shelf: PerProcess<Shelf>,
    fetches: Arc<AtomicU64>,
}

/// What a caller may do about a key that is not there.
enum Next {
    /// Wait for the fetch that runs.
    Wait(watch::Receiver<()>, Option<Hope>),
    /// Nothing is to be had now.
    Refused { failure: Option<Error>, after: Duration },
}

impl KeySets {
    /// No keys yet; they come with the first token.
    #[must_use]
    pub fn new(net: Net, clock: Arc<dyn Clock>) -> Self {
        let time = Arc::new(Steady::new(clock));
        Self { net, time, shelf: PerProcess::new(), fetches: Arc::default() }
    }

    /// The key `kid` of the set that `issuer` publishes at `url`. A token without `kid` gets the only key that `fits`;
    /// keys that share a name are told apart the same way.
    ///
    /// A known key is answered without waiting, also while the set is fetched anew.
    pub async fn key(
        &self,
        issuer: &str,
        url: &str,
        private_network: bool,
        kid: Option<&str>,
        fits: impl Fn(&VerifyingKey) -> bool,
    ) -> Result<Arc<VerifyingKey>> {
        let shelf = self.shelf.get_or_try_init(|| Ok(Shelf::default()))?;
        let Some(entry) = shelf.1.entry(issuer, url, private_network, self.time.now()) else {
            return Err(unavailable(issuer, None, BETWEEN_FETCHES));
        };
        let mut waited = false;
        loop {
            let now = self.time.now();
            let usable = self.look(&entry, now, kid, &fits, waited);
            match usable {
                Some(Found::Key(key)) => return Ok(key),
                Some(Found::Many) => {
                    return Err(refused("token_key_ambiguous", "several keys of the issuer fit the token")
                        .with_help("the issuer must name its keys, and its tokens their key, with `kid`"));
                }
                Some(Found::None) | None => {}
            }
            let has_keys = usable.is_some();
            match self.next(&entry, now, has_keys, waited)? {
                Next::Wait(mut running, hope) => {
                    // An error is the end of the fetch as well: its sender is gone.
                    let _ = running.changed().await;
                    drop(hope);
                    waited = true;
                }
                Next::Refused { failure, .. } if has_keys => return Err(unknown(failure)),
                Next::Refused { failure, after } => return Err(unavailable(issuer, failure, after)),
            }
        }
    }

    /// Drops what is kept of `issuer`; its next token fetches. For when its settings change.
    pub fn forget(&self, issuer: &str) {
        if let Some(shelf) = self.shelf.get() {
            shelf.1.forget(issuer);
        }
    }

    /// How many fetches were started. For tests and the doctor.
    #[must_use]
    pub fn fetches(&self) -> u64 {
        self.fetches.load(Ordering::Relaxed)
    }

    /// What the kept keys answer; `None` without keys that may still be believed.
    fn look(
        &self,
        entry: &Arc<Entry>,
        now: u64,
        kid: Option<&str>,
        fits: &impl Fn(&VerifyingKey) -> bool,
        waited: bool,
    ) -> Option<Found> {
        let keys = entry.keys.load();
        let keys = keys.as_ref()?;
        let age = now.saturating_sub(keys.fetched_at);
        if age >= nanos(STALE) {
            return None;
        }
        if age >= nanos(FRESH) && !waited {
            self.refresh(entry, now);
        }
        Some(keys.find(kid, fits))
    }

    /// Starts a fetch nobody waits for, if one may start. Whoever holds the gate sees to it otherwise.
    fn refresh(&self, entry: &Arc<Entry>, now: u64) {
        if let Some(mut gate) = entry.gate.try_lock()
            && gate.running.is_none()
            && gate.closed_for(now) == 0
        {
            // What stops a fetch from starting is told to those who need one.
            let _ = self.start(entry, &mut gate, now);
        }
    }

    fn next(&self, entry: &Arc<Entry>, now: u64, has_keys: bool, waited: bool) -> Result<Next> {
        let mut gate = entry.gate.lock();
        let running = match &gate.running {
            // Its fetch is done, and another one may run by now: waiting on would have no end.
            _ if waited => None,
            Some(running) => Some(running.clone()),
            None if gate.closed_for(now) == 0 => Some(self.start(entry, &mut gate, now)?),
            None => None,
        };
        Ok(match running {
            Some(running) if !has_keys => Next::Wait(running, None),
            Some(running) if gate.hopeful < MAX_HOPEFUL => {
                gate.hopeful += 1;
                Next::Wait(running, Some(Hope(Arc::clone(entry))))
            }
            _ => {
                let after = Duration::from_nanos(gate.closed_for(now));
                Next::Refused { failure: gate.failure.clone(), after }
            }
        })
    }

    /// Starts the one fetch of `entry`. It runs by itself: no caller that gives up takes it from the others.
    fn start(&self, entry: &Arc<Entry>, gate: &mut Gate, now: u64) -> Result<watch::Receiver<()>> {
        let handle = runtime::handle()?;
        let (sender, receiver) = watch::channel(());
        gate.tried_at = Some(now);
        gate.running = Some(receiver.clone());
        self.fetches.fetch_add(1, Ordering::Relaxed);
        let run = Run { entry: Arc::clone(entry), sender: Some(sender), outcome: None };
        let net = self.net.clone();
        handle.spawn(async move {
            let fetch = Fetch {
                url: &run.entry.url,
                private_network: run.entry.private_network,
                max_bytes: MAX_BYTES,
                deadline: DEADLINE,
            };
            let body = net.get(&fetch).await;
            let keys = body.and_then(|body| read(&body)).map(|all| Keys { all, fetched_at: now });
            run.ends(keys);
        });
        Ok(receiver)
    }
}

/// A fetch that runs. However it ends, also by a panic, those who wait are told.
struct Run {
    entry: Arc<Entry>,
    sender: Option<watch::Sender<()>>,
    outcome: Option<Result<Keys>>,
}

impl Run {
    fn ends(mut self, outcome: Result<Keys>) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let failure = match self.outcome.take() {
            Some(Ok(keys)) => {
                self.entry.keys.store(Some(Arc::new(keys)));
                None
            }
            Some(Err(failure)) => Some(failure),
            None => Some(Error::internal("a fetch of keys ended unexpectedly")),
        };
        let mut gate = self.entry.gate.lock();
        gate.failure = failure;
        gate.running = None;
        drop(gate);
        // Last: who wakes finds everything in place.
        drop(self.sender.take());
    }
}

/// A place among those who wait for a key that was not known.
struct Hope(Arc<Entry>);

impl Drop for Hope {
    fn drop(&mut self) {
        let mut gate = self.0.gate.lock();
        gate.hopeful = gate.hopeful.saturating_sub(1);
    }
}

fn read(body: &[u8]) -> Result<Vec<(Option<String>, Arc<VerifyingKey>)>> {
    let invalid = |message: String| Error::unavailable("jwks_invalid", message);
    // The reader's own words quote what was read.
    let set: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| invalid("what is published is not a JSON object".into()))?;
    let count = set.get("keys").and_then(Value::as_array).map(Vec::len);
    match count {
        None => Err(invalid("what is published has no list `keys`".into())),
        Some(count) if count > MAX_KEYS => Err(invalid(format!("{count} keys are published, more than {MAX_KEYS}"))),
        Some(_) => jwk::key_set(&set),
    }
}

fn refused(code: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, code, message)
}

fn unknown(failure: Option<Error>) -> Error {
    // The name is the sender's own words and may be anything; it is not repeated.
    let error = refused("token_key_unknown", "the issuer publishes no key that fits the token");
    match failure {
        Some(failure) => error.with_help(format!("its keys could not be fetched anew: {failure}")).with_source(failure),
        None => error,
    }
}

fn unavailable(issuer: &str, failure: Option<Error>, after: Duration) -> Error {
    let message = format!("the keys of issuer `{issuer}` could not be fetched");
    let error = Error::unavailable("jwks_unavailable", message).with_retry_after(after);
    match failure {
        Some(failure) => error.with_help(failure.to_string()).with_source(failure),
        None => error,
    }
}
