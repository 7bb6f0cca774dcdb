//! Once: a request that is repeated under its key is answered as it was, and decided and charged no second time.
//!
//! The ledger decides: one transaction writes the decision's row and the answer, or finds that there is one. So of two processes
//! that decide the same request one leaves a row and both give its answer, and whoever repeats it after a crash gets the answer
//! that stands in the audit, or a fresh one when there is none. It is sealed: the ledger never shows content.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::{Call, Guard, run_deciding_steps};
use crate::{
    api::{GuardResponse, Status},
    cache::{FairCache, Flights, Weight},
    error::{Error, Result},
    runtime,
    scope::Uid,
    store::Answer,
};

/// How long an answer is given again: one day, in microseconds.
const KEPT_MICROS: i64 = 24 * 3_600 * 1_000_000;
/// A larger answer is repeated only by the process that gave it, and only for a while; after that it is known that there was
/// one, so that nothing is decided again: what one transaction carries, others wait for.
const LARGEST: usize = 128 * 1_024;
/// Most text that is kept for one scope in a day. Of what comes after it is known that it was answered, and no more: a disk is
/// everybody's.
const ROOM: usize = 64 * 1_024 * 1_024;
const MAX_KEY: usize = 256;

/// How much answers that may be asked for again take in memory, in bytes.
const MAX_ANSWERS: u64 = 32 * 1_024 * 1_024;
/// How long they stay there, in nanoseconds: one hour.
const MEMORY_NANOS: u64 = 3_600 * 1_000_000_000;

/// Answers given under a key lately, and those on their way. Those that are committed can be read again.
pub struct Answers {
    lately: FairCache<Uid, String, (Arc<Answered>, u64)>,
    underway: Flights<String, Arc<Answered>>,
}

impl Default for Answers {
    fn default() -> Self {
        Self { lately: FairCache::new(MAX_ANSWERS), underway: Flights::default() }
    }
}

impl Answers {
    fn get(&self, id: &str, steady_nanos: u64) -> Option<Arc<Answered>> {
        let (answered, until) = self.lately.get(id)?;
        (steady_nanos < until).then_some(answered)
    }

    fn keep(&self, account: Uid, id: &str, answered: &Arc<Answered>, steady_nanos: u64) {
        let until = steady_nanos.saturating_add(MEMORY_NANOS);
        let weight = Weight { own: answered.weight(), shared: None };
        drop(self.lately.put(account, id.to_owned(), (Arc::clone(answered), until), weight));
    }
}

/// A request's key, made unique over scopes, principals and routes.
pub struct Once {
    id: String,
    request: String,
}

/// How much this process keeps for each scope.
#[derive(Default)]
pub struct AnswerQuota(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    /// Since when it is counted, and how much that is.
    taken: HashMap<Uid, (i64, usize)>,
    swept_at: i64,
}

impl AnswerQuota {
    /// How often scopes are forgotten whose day is over: each hour, in microseconds.
    const SWEEP: i64 = 3_600 * 1_000_000;

    /// Takes room for a text of this length, if there is.
    fn take(&self, scope: Uid, length: usize, now: i64) -> bool {
        let mut counts = self.0.lock();
        if now.saturating_sub(counts.swept_at) >= Self::SWEEP {
            counts.taken.retain(|_, (since, _)| !is_over(*since, now));
            counts.swept_at = now;
        }
        let (since, taken) = counts.taken.entry(scope).or_insert((now, 0));
        if is_over(*since, now) {
            (*since, *taken) = (now, 0);
        }
        let fits = *taken + length <= ROOM;
        *taken += if fits { length } else { 0 };
        fits
    }

    /// Gives back what was taken for a text that is not kept.
    pub(super) fn give_back(&self, scope: Uid, length: usize) {
        if let Some((_, taken)) = self.0.lock().taken.get_mut(&scope) {
            *taken = taken.saturating_sub(length);
        }
    }
}

fn is_over(since: i64, now: i64) -> bool {
    now.saturating_sub(since) >= KEPT_MICROS
}

/// An answer that was given, and what to.
#[derive(Serialize, Deserialize)]
pub struct Answered {
    request: String,
    /// None when it was too large to be kept.
    response: Option<GuardResponse>,
    /// How long its text is.
    #[serde(skip)]
    length: usize,
}

impl Answered {
    /// About what it takes in memory: twice its text, for fields are larger than the text they are written as.
    fn weight(&self) -> u64 {
        self.length.saturating_mul(2).saturating_add(1_024) as u64
    }
}

fn digest<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut context = Context::new(&SHA256);
    for field in fields {
        context.update(&(field.len() as u64).to_be_bytes());
        context.update(field);
    }
    data_encoding::HEXLOWER.encode(context.finish().as_ref())
}

impl Once {
    fn new(call: &Call, key: &str) -> Result<Self> {
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
            return Err(Error::invalid(
                "idempotency_key_invalid",
                "an idempotency key has 1 to 256 printable ASCII characters",
            ));
        }
        let unwritten = |_| Error::internal("a request could not be written");
        let body = serde_json::to_vec(&call.request).map_err(unwritten)?;
        // Two of one name are not one caller where their roles or scopes differ, or those who vouch for them: policies read all
        // of it. A key and the tokens it is exchanged for are one.
        let caller = (&call.principal, &call.principal_issuer, &call.scopes);
        let caller = serde_json::to_vec(&caller).map_err(unwritten)?;
        Ok(Self {
            id: digest([call.scope.uid().as_bytes().as_slice(), caller.as_slice(), b"guard", key.as_bytes()]),
            request: digest([body.as_slice()]),
        })
    }

    /// The name its answer is kept under.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Guard {
    /// Takes the steps, or gives the answer this request got before under the same key. Of several at once one takes them and
    /// the others wait for it.
    pub(super) async fn run_steps_once(self: &Arc<Self>, call: Call, key: &str) -> Result<GuardResponse> {
        let once = Once::new(&call, key)?;
        // An answer of better days is not for a tenant that is suspended now; a dry run leaves nothing.
        if call.tenant.status == Status::Suspended || call.flags.dry_run {
            return self.run_steps(call).await;
        }
        let (guard, request) = (Arc::clone(self), once.request.clone());
        // To its end: who gives up waiting comes back under the same key, and finds it done, or being done.
        let answered = runtime::run_to_completion(async move { guard.answered_once(&call, &once).await }).await?;
        if answered.request != request {
            return Err(Error::invalid("idempotency_key_reused", "the idempotency key was used for another request")
                .with_help("make a new key for each call, and use it again only to repeat that call"));
        }
        answered.response.clone().ok_or_else(|| {
            Error::conflict("idempotency_answer_gone", "the request was decided; its answer was too large to be kept")
                .with_help("the decision stands in the audit trail")
        })
    }

    async fn answered_once(&self, call: &Call, once: &Once) -> Result<Arc<Answered>> {
        let now = self.rooms.clock.now().steady_nanos;
        if let Some(answered) = self.answers.get(&once.id, now) {
            return Ok(answered);
        }
        let first = async {
            // It may have been given between the look and the line.
            if let Some(answered) = self.answers.get(&once.id, now) {
                return Ok(answered);
            }
            let answered = match self.rooms.audit.answer(&once.id).await? {
                Some(sealed) => self.read_answer(once, &sealed)?,
                None => self.commit_once(call, once, run_deciding_steps(&self.rooms, call).await?).await?,
            };
            let answered = Arc::new(answered);
            self.answers.keep(call.scope.account_uid(), &once.id, &answered, now);
            Ok(answered)
        };
        let first = async { runtime::catch_panic(Box::pin(first)).await };
        self.answers.underway.join(&once.id, first).await.result
    }

    /// An answer as this process knows it, as it is committed beside its row, and the room taken for that.
    pub(super) fn answer_of(
        &self,
        scope: Uid,
        once: &Once,
        response: GuardResponse,
        now: i64,
    ) -> Result<(Answered, Answer, usize)> {
        let mut answered = Answered { request: once.request.clone(), response: Some(response), length: 0 };
        let mut text = written(&answered)?;
        answered.length = text.len();
        let mut room = text.len();
        if room > LARGEST || !self.answer_quota.take(scope, room, now) {
            room = 0;
            text = written(&Answered { request: once.request.clone(), response: None, length: 0 })?;
        }
        let body = self.rooms.sealer.seal(&once.id, &text).inspect_err(|_| self.answer_quota.give_back(scope, room))?;
        Ok((answered, Answer { id: once.id.clone(), until: now.saturating_add(KEPT_MICROS), body }, room))
    }

    /// An answer as it was committed.
    pub(super) fn read_answer(&self, once: &Once, sealed: &str) -> Result<Answered> {
        let text = self.rooms.sealer.open(&once.id, sealed)?;
        let known: Result<Answered, _> = serde_json::from_slice(&text);
        known
            .map(|known| Answered { length: text.len(), ..known })
            .map_err(|_| Error::data("store_corrupt", "a kept answer cannot be read"))
    }
}

fn written(answered: &Answered) -> Result<Vec<u8>> {
    serde_json::to_vec(answered).map_err(|_| Error::internal("an answer could not be written"))
}
