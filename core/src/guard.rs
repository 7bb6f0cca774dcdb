//! One guard call: seven steps, each takes what the steps before it made and adds one value; none reaches back. Owns the order,
//! and the answers that are given once.

mod admit;
mod assemble;
mod commit;
mod decide;
mod inspect;
mod once;
mod plan;
mod reason;
mod recall;
mod rewrite;
mod shape;

use std::{borrow::Cow, collections::BTreeMap, future::Future, pin::pin, sync::Arc, task::Poll, time::Duration};

pub use admit::{Admission, Refusal};
pub use assemble::PolicyInput;
pub use commit::model_name;
pub use decide::Verdict;
pub use recall::History;
pub use shape::DraftResponse;

use crate::{
    access::{self, Caller, Demand, Needs, Place},
    api::{AuditClass, ContentType, DetectResponse, GuardRequest, GuardResponse, Principal},
    clock::{BoxFuture, Now},
    context_keys::Action,
    detect::{self, Direction},
    entropy,
    error::{Error, ErrorKind, Result},
    identity,
    nearest::shown,
    rooms::Rooms,
    runtime,
    scope::{Layer, OpaqueId, Scope},
    tenant::{Instance, Snapshot},
    usage,
};

/// Largest content, in bytes. Detection is linear, so this bounds a call's time.
pub const MAX_CONTENT: usize = 10 * 1024 * 1024;

/// What a request's flags come to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags {
    /// Answer only: reserve, remember and consume nothing.
    pub dry_run: bool,
    /// Fill the explain tier.
    pub explain: bool,
    /// Fill the debug tier.
    pub debug: bool,
    /// Run only what is needed, and tell which detectors that is.
    pub optimize: bool,
    /// Tell that alone.
    pub plan_only: bool,
    /// Whether the caller may be told of the policies it is judged by.
    pub tells_policies: bool,
}

/// How a client has its calls done.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// Headers a remote client would send; recorded in the audit.
    pub headers: &'a BTreeMap<String, String>,
    /// How long the call may take, waiting in line aside.
    pub deadline: Duration,
}

/// One guard call, fixed at its start.
pub struct Call {
    /// Whose call.
    pub scope: Scope,
    /// Everything read of the tenant.
    pub tenant: Arc<Snapshot>,
    /// Who acts.
    pub principal: Principal,
    /// Who vouches for that: the issuer of an outside token, else a fixed word.
    pub principal_issuer: Cow<'static, str>,
    /// What is asked.
    pub request: GuardRequest,
    /// How it is asked.
    pub flags: Flags,
    /// The detectors it asks for by name.
    pub detectors: detect::Requested,
    /// The action policies judge.
    pub action: Action,
    /// The session, if there is one.
    pub session: Option<OpaqueId>,
    /// The scopes that bound the credential the call came by; a principal it acts for is no way around them.
    pub scopes: Option<Vec<String>>,
    /// Headers to record.
    pub headers: BTreeMap<String, String>,
    /// This call's id.
    pub request_id: String,
    /// When it arrived.
    pub received_at: Now,
    /// When its tenant was loaded, which is where its deadline begins: a cold load may wait.
    pub started_at: Now,
    /// How long it may take.
    pub deadline: Duration,
}

impl Call {
    /// Which way the content travels.
    #[must_use]
    pub fn direction(&self) -> Direction {
        match (self.action, self.request.content_type) {
            (Action::ProcessResponse, _) | (_, ContentType::Response) => Direction::Output,
            _ => Direction::Input,
        }
    }

    /// What is left of its deadline, waiting in line aside; none when nothing is.
    fn time_left(&self, now: Now, waited: Duration) -> Option<Duration> {
        let spent = Duration::from_nanos(now.steady_nanos.saturating_sub(self.started_at.steady_nanos));
        self.deadline.checked_sub(spent.saturating_sub(waited))
    }

    /// What is inspected.
    #[must_use]
    pub fn subject(&self) -> detect::Subject<'_> {
        subject(&self.request, self.direction())
    }
}

/// What six steps came to; nothing of it is written yet, and dropping it releases what was reserved.
struct Decided {
    admission: Admission,
    history: History,
    draft: DraftResponse,
}

fn subject(request: &GuardRequest, direction: Direction) -> detect::Subject<'_> {
    detect::Subject {
        content: &request.content,
        content_type: request.content_type,
        direction,
        contexts: &request.contexts,
        tool: request.tool.as_ref(),
        file: request.file.as_ref(),
        mcp: request.mcp.as_ref(),
    }
}

/// Decides guard calls over the rooms of one installation.
pub struct Guard {
    rooms: Arc<Rooms>,
    answers: once::Answers,
    answer_quota: once::AnswerQuota,
    /// Held by each call that waits for the disk while it commits: its caller may have gone by then, and `settle` waits. Whoever
    /// holds it is a task of ours, and comes to its end.
    committing: tokio::sync::RwLock<()>,
}

impl Guard {
    /// Guard calls over these rooms.
    #[must_use]
    pub fn new(rooms: Arc<Rooms>) -> Self {
        Self {
            rooms,
            answers: once::Answers::default(),
            answer_quota: once::AnswerQuota::default(),
            committing: tokio::sync::RwLock::default(),
        }
    }

    /// The rooms it works on.
    #[must_use]
    pub const fn rooms(&self) -> &Arc<Rooms> {
        &self.rooms
    }

    /// Decides one call, with a key only once: whoever repeats it is answered as before. Errors are audited too, and every
    /// error means that nothing may proceed.
    ///
    /// # Errors
    /// Bad input, a credential that does not stand, or an outage. A denial is an answer.
    pub async fn evaluate(
        self: &Arc<Self>,
        instance: &Instance,
        caller: &Caller,
        terms: Terms<'_>,
        request: GuardRequest,
        key: Option<&str>,
    ) -> Result<GuardResponse> {
        let rooms = &self.rooms;
        rooms.start_background();
        let received_at = rooms.clock.now();
        let request_id = entropy::request_id();
        let begun = match rooms.tenants.snapshot(instance).await {
            Ok(tenant) => begin(rooms, instance, tenant, caller, terms, request, request_id.clone(), received_at),
            // Nothing is written for what does not exist; everything else is an evaluation that ended in an error.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(error),
            Err(error) => Err(error),
        };
        let answered = match begun {
            Ok(call) => self.answered(instance, caller, call, key).await,
            Err(error) => Err(error),
        };
        match answered {
            Ok(response) => Ok(response),
            Err(error) => Err(commit::audit_failure(rooms, instance.scope(), &request_id, received_at, error).await),
        }
    }

    async fn answered(
        self: &Arc<Self>,
        instance: &Instance,
        caller: &Caller,
        call: Call,
        key: Option<&str>,
    ) -> Result<GuardResponse> {
        if caller.authenticated.is_some() {
            // What explains a decision tells of policies, limits and history: a guest reads those only where the grant says so.
            let uses = [call.action.name(), identity::READ];
            let explains = call.flags.explain || call.flags.plan_only;
            let crosses = if explains { &uses[..] } else { &uses[..1] };
            let place = Place::Tenant(instance, Layer::Project);
            // The seven steps deny what is suspended, as a decision.
            let demand = Demand { needs: Needs::Caller, place, crosses, refuses_suspended: false };
            access::authorize(&self.rooms, caller, demand).await?;
        }
        match key {
            None => self.run_steps(call).await,
            Some(key) => Box::pin(self.run_steps_once(call, key)).await,
        }
    }

    async fn run_steps(self: &Arc<Self>, call: Call) -> Result<GuardResponse> {
        let steps = async {
            let decided = run_deciding_steps(&self.rooms, &call).await?;
            match call.tenant.settings.audit_class {
                AuditClass::Standard | AuditClass::Sampled => self.commit(&call, decided).await,
                AuditClass::Required => {
                    // It waits for a disk: whoever called it may give it up by then, and the row would stand uncharged.
                    let guard = Arc::clone(self);
                    runtime::run_to_completion(async move { guard.commit(&call, decided).await }).await
                }
            }
        };
        // On the heap, or every future around it would be as large, and copied whole each time it is handed on.
        runtime::catch_panic(Box::pin(steps)).await
    }

    /// Waits for what is being committed, then writes down and signs everything that is pending. The rooms stay usable.
    ///
    /// # Errors
    /// Whatever could not be written.
    pub async fn settle(&self) -> Result<()> {
        drop(self.committing.write().await);
        self.rooms.settle().await
    }
}

/// The steps before the last.
async fn run_deciding_steps(rooms: &Rooms, call: &Call) -> Result<Decided> {
    #[cfg(feature = "test-hooks")]
    crate::testing::panic_if_asked();
    let admission = admit::admit(rooms, call).await?;
    let history = recall::recall(rooms, call).await?;
    let findings = inspect::inspect(call, &admission, &history).await?;
    check_deadline(rooms, call, admission.waited())?;
    let input = assemble::assemble(call, &admission, &history, &findings);
    let verdict = decide::decide(rooms, call, &admission, &input).await?;
    let draft = shape::shape(rooms, call, &findings, &history, &input, verdict);
    check_deadline(rooms, call, admission.waited())?;
    Ok(Decided { admission, history, draft })
}

#[allow(clippy::too_many_arguments)] // everything a call is fixed by, once
fn begin(
    rooms: &Rooms,
    instance: &Instance,
    tenant: Arc<Snapshot>,
    caller: &Caller,
    terms: Terms<'_>,
    mut request: GuardRequest,
    request_id: String,
    received_at: Now,
) -> Result<Call> {
    check_size(&request)?;
    if let Some(model) = &request.model {
        usage::check(model)?;
    }
    request.sort();
    let detectors = detect::Requested::parse(&request.detectors)?;
    let flags = flags(&request, caller);
    let (principal, principal_issuer) = caller.principal();
    // The client's, and what a verified machine says of itself over them.
    let mut headers = terms.headers.clone();
    headers.extend(caller.authenticated.iter().flat_map(|own| own.headers.clone()));
    Ok(Call {
        scope: instance.scope().clone(),
        tenant,
        principal,
        principal_issuer,
        action: action_of(&request)?,
        session: OpaqueId::parse("session_id", request.session_id.as_deref())?,
        scopes: caller.scopes(),
        headers,
        flags,
        detectors,
        request,
        request_id,
        received_at,
        started_at: rooms.clock.now(),
        deadline: terms.deadline,
    })
}

/// A call that took too long has no answer; a call that crossed a fork has none either.
fn check_deadline(rooms: &Rooms, call: &Call, waited: Duration) -> Result<()> {
    if rooms.generation != runtime::generation() {
        return Err(runtime::forked());
    }
    if call.time_left(rooms.clock.now(), waited).is_none() {
        return Err(too_late());
    }
    Ok(())
}

/// Awaits `work` no longer than `limit`. Work that is ready costs no timer.
async fn within<T>(rooms: &Rooms, limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut work = pin!(work);
    let mut timer: Option<BoxFuture<'static, ()>> = None;
    std::future::poll_fn(|context| {
        if let Poll::Ready(result) = work.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        let timer = timer.get_or_insert_with(|| rooms.clock.sleep(limit));
        timer.as_mut().poll(context).map(|()| Err(too_late()))
    })
    .await
}

/// Inspects without policies, limits, memory or audit.
///
/// # Errors
/// `content_too_large` and others for bad input.
pub async fn detect(rooms: &Rooms, instance: &Instance, request: GuardRequest) -> Result<DetectResponse> {
    rooms.tenants.snapshot(instance).await?;
    check_size(&request)?;
    let direction = match request.content_type {
        ContentType::Response => Direction::Output,
        _ => Direction::Input,
    };
    let start = rooms.clock.now();
    let asked = detect::Requested::parse(&request.detectors)?;
    let only = asked.named.then_some(asked.present.as_slice());
    let findings = detect::inspect(&subject(&request, direction), only);
    Ok(DetectResponse {
        context: inspect::raw_context(&findings),
        latency_ms: shape::milliseconds(start, rooms.clock.now()),
        detectors: inspect::detector_results(&findings),
        signals: findings.signals,
        tiers_evaluated: vec!["fast".into()],
        degraded: asked.degraded().collect(),
    })
}

fn flags(request: &GuardRequest, caller: &Caller) -> Flags {
    let flag = |value: Option<bool>| value.unwrap_or(false);
    let (dry_run, optimize, debug) = (flag(request.dryrun), flag(request.optimize), flag(request.debug));
    let plan_only = optimize && dry_run;
    let explain = (flag(request.explain) || debug) && !plan_only;
    // A guest's right to the explanation and the plan is checked where they are asked for.
    Flags {
        dry_run,
        explain,
        debug: debug && !plan_only,
        optimize,
        plan_only,
        tells_policies: !caller.is_guest() || explain || plan_only,
    }
}

/// The action policies judge. Public clients send responses as `process_prompt` with content type `response`
/// (`docs/wire/shield.md`); policies for responses must see them.
fn action_of(request: &GuardRequest) -> Result<Action> {
    let action = Action::parse(&request.action).ok_or_else(|| {
        let what = format!("`{}` in `action` is not an action that policies judge", shown(&request.action));
        Error::invalid("action_unknown", what).with_help(Action::meant_by(&request.action))
    })?;
    Ok(match (action, request.content_type) {
        (Action::ProcessPrompt, ContentType::Response) => Action::ProcessResponse,
        _ => action,
    })
}

fn too_late() -> Error {
    Error::new(ErrorKind::Timeout, "deadline_exceeded", "the call took longer than its deadline")
        .with_help("raise deadline_ms, or send less content")
}

fn check_size(request: &GuardRequest) -> Result<()> {
    // Depth first: what measures and inspects the values recurses.
    request.check_depth()?;
    request.check_bounds()?;
    if request.weight() > MAX_CONTENT {
        return Err(Error::invalid("content_too_large", format!("content is larger than {MAX_CONTENT} bytes")));
    }
    Ok(())
}
