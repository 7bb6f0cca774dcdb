//! The keys issuers publish. Owns when they are fetched and how long they are believed; touches `clock`, `error`, `net`,
//! `runtime` and `identity::jwk`.
//!
//! A token names its key before anything about it is believed, so names cost nothing: a name that is not known fetches at
//! most once in ten seconds per set, evicts nothing and slows nobody whose key is known.

mod cache;
mod clock;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Map, Value};
use tokio::sync::watch;

use super::jwk::{Found, KeySet, VerifyingKey};
use crate::{
    clock::Clock,
    error::{Error, ErrorKind, Result},
    net::{self, Fetch, Net},
    runtime::{self, PerProcess},
};
use cache::{Entry, Gate, JwksCache, Keys};
use clock::{MonotonicClock, nanos};

/// Older keys are still used, and fetched anew beside that.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// Keys whose issuer cannot be reached are believed this long.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// Between the starts of two fetches of one set, whatever came of the first.
const BETWEEN_FETCHES: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 256 * 1024;
const MAX_ISSUERS: usize = 10_000;
/// How many tokens with an unknown key wait for one fetch: enough for those a rotation surprises, too few for a flood of
/// invented names to fill a server with waiting calls.
const MAX_HOPEFUL: usize = 64;
const STEP_OF_USE: Duration = Duration::from_secs(1);

/// The published keys of every issuer.
pub struct KeySets {
    net: Net,
    time: Arc<MonotonicClock>,
    // A child of a fork begins with none: a fetch its parent had running would never end there.
    shelf: PerProcess<JwksCache>,
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
        let time = Arc::new(MonotonicClock::new(clock));
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
        let shelf = self.shelf.get_or_try_init(|| Ok(JwksCache::default()))?;
        let Some(entry) = shelf.1.entry(issuer, url, private_network, self.time.now()) else {
            return Err(unavailable(issuer, None, BETWEEN_FETCHES));
        };
        let mut waited = false;
        loop {
            let now = self.time.now();
            let usable = self.look(&entry, now, kid, &fits, waited);
            match usable {
                Some(Found::Key(key)) => return Ok(key),
                Some(Found::Many) => return Err(ambiguous()),
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

    /// The set that `issuer` publishes at `url`, fetched now unless that was done a moment ago: for whoever sets an issuer up.
    ///
    /// # Errors
    /// Why it could not be fetched, with its address.
    pub async fn fetched(&self, issuer: &str, url: &str, private_network: bool) -> Result<Arc<KeySet>> {
        let shelf = self.shelf.get_or_try_init(|| Ok(JwksCache::default()))?;
        let Some(entry) = shelf.1.entry(issuer, url, private_network, self.time.now()) else {
            return Err(unavailable(issuer, None, BETWEEN_FETCHES));
        };
        if let Next::Wait(mut running, _) = self.next(&entry, self.time.now(), false, false)? {
            let _ = running.changed().await;
        }
        let failure = entry.gate.lock().failure.clone();
        match (failure, entry.keys.load_full()) {
            (None, Some(keys)) => Ok(Arc::clone(&keys.set)),
            (Some(failure), _) => Err(failure),
            (None, None) => Err(unavailable(issuer, None, BETWEEN_FETCHES)),
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
        Some(keys.set.find(kid, fits))
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
            let set = body.and_then(|body| read(&body));
            let keys = set.map(|set| Keys { set: Arc::new(set), fetched_at: now });
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

fn read(body: &[u8]) -> Result<KeySet> {
    // RFC 8259 section 8.1 lets a reader pass over the mark some editors begin a file with.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // The reader's own words quote what was read.
    let set: Map<String, Value> = serde_json::from_slice(body).map_err(|_| {
        let is_page = body.trim_ascii_start().first() == Some(&b'<');
        let what = if is_page { "is a web page" } else { "is not a JSON object" };
        Error::unavailable("jwks_unreadable", format!("what is published {what}"))
    })?;
    KeySet::read(&set).map_err(|error| {
        Error::unavailable("jwks_unreadable", format!("what is published is no key set: {}", error.message()))
    })
}

fn refused(code: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, code, message)
}

/// The refusal of a token that could mean several keys.
pub(super) fn ambiguous() -> Error {
    refused("token_key_ambiguous", "several keys of the issuer fit the token")
        .with_help("the issuer must give each of its keys a `kid` of its own, and its tokens name their key by it")
}

/// Why a fetch failed, without saying where it went: the words may reach whoever presents a token.
fn reason(failure: &Error) -> &str {
    match (net::why(failure), failure.code()) {
        (Some(why), _) => why,
        (None, "jwks_unreadable") => failure.message(),
        (None, code) => code,
    }
}

fn unknown(failure: Option<Error>) -> Error {
    // The name is the sender's own words and may be anything; it is not repeated.
    let error = refused("token_key_unknown", "the issuer publishes no key that fits the token");
    match failure {
        Some(failure) => {
            let help = format!("its keys could not be fetched anew: {}", reason(&failure));
            error.with_help(help).with_source(failure)
        }
        None => error,
    }
}

fn unavailable(issuer: &str, failure: Option<Error>, after: Duration) -> Error {
    let message = format!("the keys of issuer `{issuer}` could not be fetched");
    let error = Error::unavailable("jwks_unavailable", message).with_retry_after(after);
    match failure {
        Some(failure) => error.with_help(reason(&failure).to_owned()).with_source(failure),
        None => error,
    }
}
