//! The way of one guard call: seven steps, each takes what the steps before it made and adds one value. Owns the order;
//! touches everything below.

mod admin;
mod admit;
mod assemble;
mod authenticate;
mod changes;
mod credentials;
mod decide;
mod housekeeper;
mod inspect;
mod once;
mod plan;
mod reason;
mod recall;
mod reports;
mod rewrite;
mod seal;
mod shape;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    future::Future,
    path::Path,
    pin::pin,
    sync::{Arc, atomic::AtomicBool},
    task::Poll,
    time::Duration,
};

pub use admit::{Allowance, Refusal};
pub use assemble::PolicyInput;
pub use authenticate::{DEV_ACCOUNT, Session, Use};
pub use credentials::Acting;
pub use decide::Verdict;
pub use recall::History;
pub use shape::Unsealed;

use crate::{
    api::{
        AuditClass, AuditHead, AuditRange, AuditRecord, ContentType, DetectResponse, GuardRequest, GuardResponse,
        Principal, VerifyReport,
    },
    audit::Audit,
    clock::{BoxFuture, Clock, Now},
    context_keys::Action,
    detect::{self, Direction},
    disk, entropy,
    error::{Error, ErrorKind, Result},
    identity::{self, IdentityRoom},
    keyring::{Keyring, Sealer},
    nearest::shown,
    quota::Quota,
    runtime,
    scope::{OpaqueId, Scope},
    session::SessionRoom,
    store::{
        Catalog, Installation, Ledger, MemoryCounters, MemorySessions, Sessions, SqliteCatalog, SqliteCounters,
        SqliteCredentials, SqliteLedger, SqliteSessions,
    },
    tenant::{Instance, Snapshot, Tenants},
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

/// Who asks, beside the request itself.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// On whose behalf, where the process names somebody; else the credential's principal, or the process itself.
    pub principal: Option<&'a Principal>,
    /// The credential it came by, if it came by one.
    pub session: Option<&'a Session>,
    /// Headers a remote client would send; recorded in the audit.
    pub headers: &'a BTreeMap<String, String>,
    /// How long the call may take, waiting in line aside.
    pub deadline: Duration,
}

impl Caller<'_> {
    /// Who acts, and who vouches for that.
    fn acting(&self) -> (Principal, Cow<'static, str>) {
        match (self.principal, self.session) {
            (Some(named), _) => (named.clone(), Cow::Borrowed(identity::PROCESS)),
            (None, Some(session)) => (session.principal.clone(), session.verified.principal_issuer()),
            (None, None) => (Principal::process(), Cow::Borrowed(identity::PROCESS)),
        }
    }

    /// Headers for the audit: the client's, and what a verified machine says of itself over them.
    fn recorded(&self) -> BTreeMap<String, String> {
        let mut headers = self.headers.clone();
        headers.extend(self.session.iter().flat_map(|session| session.headers.clone()));
        headers
    }
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
    pub ceiling: Option<Vec<String>>,
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
    allowance: Allowance,
    history: History,
    unsealed: Unsealed,
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

/// One engine: every room of the house over one data folder.
pub struct Engine {
    clock: Arc<dyn Clock>,
    tenants: Tenants,
    quota: Quota,
    sessions: SessionRoom,
    audit: Audit,
    identity: IdentityRoom,
    dev: bool,
    housekept: AtomicBool,
    // Memory engines have nothing to write behind and nobody to follow.
    durable: bool,
    generation: u32,
    answers: once::Answers,
    rooms: once::Rooms,
    sealer: Sealer,
    /// Held by each call that waits for the disk while it is sealed: its caller may have gone by then, and `settle` waits. Whoever
    /// holds it is a task of ours, and comes to its end.
    sealing: tokio::sync::RwLock<()>,
    changes: changes::Changes,
}

impl Engine {
    /// Opens the rooms over `folder`, or over memory when there is none.
    pub fn open(folder: Option<&Path>, dev: bool, keyring: Keyring, clock: Arc<dyn Clock>) -> Result<Self> {
        if let Some(folder) = folder {
            disk::make_folder(folder).map_err(|error| {
                Error::unavailable(
                    "data_dir_unavailable",
                    format!("the data folder `{}` cannot be made: {}", folder.display(), disk::unmade(folder, &error)),
                )
                .with_help("choose another with data_dir, --data-dir or TENANTRY_DATA_DIR")
                .with_source(error)
            })?;
        }
        let file = |name: &str| folder.map(|folder| folder.join(name));
        let installation =
            Installation { key_id: keyring.id().to_owned(), key_place: keyring.place().to_string(), dev };
        let rows = Arc::new(keyring.row_key()?);
        let catalog = SqliteCatalog::open(file("catalog.db").as_deref(), &installation, Arc::clone(&rows))?;
        let credentials = Arc::new(SqliteCredentials::over(catalog.database(), rows)?);
        let catalog: Arc<dyn Catalog> = Arc::new(catalog);
        let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(folder.map(|folder| (folder, &keyring)))?);
        let sessions: Arc<dyn Sessions> = match file("projects") {
            Some(folder) => Arc::new(SqliteSessions::new(folder, keyring.clone())?),
            None => Arc::new(MemorySessions::default()),
        };
        let shared = Arc::new(SqliteCounters::open(file("counters.db").as_deref(), Arc::clone(&clock))?);
        Ok(Self {
            tenants: Tenants::new(Arc::clone(&catalog), keyring.clone(), Arc::clone(&clock))?,
            quota: Quota::new(Arc::new(MemoryCounters::new(Arc::clone(&clock))), shared, &keyring, Arc::clone(&clock))?,
            sessions: SessionRoom::new(sessions, folder.is_some()),
            identity: IdentityRoom::new(credentials, &keyring, Arc::clone(&clock))?,
            sealer: keyring.sealer()?,
            audit: Audit::new(ledger, catalog, keyring, Arc::clone(&clock)),
            answers: once::Answers::default(),
            rooms: once::Rooms::default(),
            clock,
            dev,
            housekept: AtomicBool::new(false),
            durable: folder.is_some(),
            generation: runtime::generation(),
            sealing: tokio::sync::RwLock::default(),
            changes: changes::Changes::default(),
        })
    }

    /// Whether this engine runs in dev mode.
    #[must_use]
    pub const fn is_dev(&self) -> bool {
        self.dev
    }

    /// Tenants and their cache.
    #[must_use]
    pub const fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// Credentials and what they mean.
    #[must_use]
    pub const fn identity(&self) -> &IdentityRoom {
        &self.identity
    }

    /// Decides one call, with a key only once: whoever repeats it is answered as before. Errors are audited too, and every
    /// error means that nothing may proceed.
    pub async fn evaluate(
        self: &Arc<Self>,
        instance: &Instance,
        caller: Caller<'_>,
        request: GuardRequest,
        key: Option<&str>,
    ) -> Result<GuardResponse> {
        self.housekeep();
        let received_at = self.clock.now();
        let request_id = entropy::request_id();
        let begun = match self.tenants.snapshot(instance).await {
            Ok(tenant) => self.begin(instance, tenant, caller, request, request_id.clone(), received_at),
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
            Err(error) => Err(self.audit_failure(instance.scope(), &request_id, received_at, error).await),
        }
    }

    async fn answered(
        self: &Arc<Self>,
        instance: &Instance,
        caller: Caller<'_>,
        call: Call,
        key: Option<&str>,
    ) -> Result<GuardResponse> {
        if let Some(session) = caller.session {
            let action = call.action.name();
            let tells = call.flags.explain || call.flags.plan_only;
            let use_of = if tells { Use::Explained(action) } else { Use::Guard(action) };
            self.standing(session, instance, use_of).await?;
        }
        match key {
            None => self.walk(call).await,
            Some(key) => Box::pin(self.walk_once(call, key)).await,
        }
    }

    async fn walk(self: &Arc<Self>, call: Call) -> Result<GuardResponse> {
        let walk = async {
            let decided = self.decide_on(&call).await?;
            match call.tenant.settings.audit_class {
                AuditClass::Standard | AuditClass::Sampled => self.seal(&call, decided).await,
                AuditClass::Required => {
                    // It waits for a disk: whoever called it may give it up by then, and the row would stand uncharged.
                    let engine = Arc::clone(self);
                    runtime::to_the_end(async move { engine.seal(&call, decided).await }).await
                }
            }
        };
        // On the heap, or every future around it would be as large, and copied whole each time it is handed on.
        runtime::shielded(Box::pin(walk)).await
    }

    /// The steps before the last.
    async fn decide_on(&self, call: &Call) -> Result<Decided> {
        #[cfg(feature = "test-hooks")]
        crate::testing::panic_if_asked();
        let allowance = self.admit(call).await?;
        let history = self.recall(call).await?;
        let findings = self.inspect(call, &allowance, &history).await?;
        self.check_deadline(call, allowance.waited())?;
        let input = self.assemble(call, &allowance, &history, &findings);
        let verdict = self.decide(call, &allowance, &input).await?;
        let unsealed = self.shape(call, &findings, &history, &input, verdict);
        self.check_deadline(call, allowance.waited())?;
        Ok(Decided { allowance, history, unsealed })
    }

    fn begin(
        &self,
        instance: &Instance,
        tenant: Arc<Snapshot>,
        caller: Caller<'_>,
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
        let flags = flags(&request, caller.session);
        let (principal, principal_issuer) = caller.acting();
        Ok(Call {
            scope: instance.scope().clone(),
            tenant,
            principal,
            principal_issuer,
            action: action_of(&request)?,
            session: OpaqueId::parse("session_id", request.session_id.as_deref())?,
            ceiling: caller.session.and_then(|session| session.verified.ceiling()),
            headers: caller.recorded(),
            flags,
            detectors,
            request,
            request_id,
            received_at,
            started_at: self.clock.now(),
            deadline: caller.deadline,
        })
    }

    /// A call that took too long has no answer; a call that crossed a fork has none either.
    fn check_deadline(&self, call: &Call, waited: Duration) -> Result<()> {
        if self.generation != runtime::generation() {
            return Err(runtime::forked());
        }
        if call.time_left(self.clock.now(), waited).is_none() {
            return Err(too_late());
        }
        Ok(())
    }

    /// Awaits `work` no longer than `limit`. Work that is ready costs no timer.
    async fn within<T>(&self, limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        let mut timer: Option<BoxFuture<'static, ()>> = None;
        std::future::poll_fn(|context| {
            if let Poll::Ready(result) = work.as_mut().poll(context) {
                return Poll::Ready(result);
            }
            let timer = timer.get_or_insert_with(|| self.clock.sleep(limit));
            timer.as_mut().poll(context).map(|()| Err(too_late()))
        })
        .await
    }

    /// Inspects without policies, limits, memory or audit.
    pub async fn detect(&self, instance: &Instance, request: GuardRequest) -> Result<DetectResponse> {
        self.tenants.snapshot(instance).await?;
        check_size(&request)?;
        let direction = match request.content_type {
            ContentType::Response => Direction::Output,
            _ => Direction::Input,
        };
        let start = self.clock.now();
        let asked = detect::Requested::parse(&request.detectors)?;
        let only = asked.named.then_some(asked.present.as_slice());
        let findings = detect::inspect(&subject(&request, direction), only);
        Ok(DetectResponse {
            context: inspect::raw_context(&findings),
            latency_ms: shape::milliseconds(start, self.clock.now()),
            detectors: inspect::detector_results(&findings),
            signals: findings.signals,
            tiers_evaluated: vec!["fast".into()],
            degraded: asked.degraded().collect(),
        })
    }

    /// Rows of a scope's chain.
    pub async fn audit_query(&self, scope: &Scope, range: AuditRange, limit: usize) -> Result<Vec<AuditRecord>> {
        self.audit.query(scope, range, limit).await
    }

    /// Checks a scope's chain.
    pub async fn audit_verify(&self, scope: &Scope, anchor: Option<&AuditHead>) -> Result<VerifyReport> {
        self.audit.verify(scope, anchor).await
    }

    /// A freshly signed head of a scope's chain.
    pub async fn audit_head(&self, scope: &Scope) -> Result<AuditHead> {
        self.audit.head(scope).await
    }

    /// Checks the chain of what is done on the platform itself.
    pub async fn verify_platform(&self) -> Result<VerifyReport> {
        let platform = self.tenants.platform();
        // It has no head before its first row.
        self.audit.head(&platform).await?;
        self.audit.verify(&platform, None).await
    }

    /// What in the data folder was changed, or put there, by somebody else.
    pub async fn problems(&self) -> Result<Vec<String>> {
        let rows = [self.tenants.catalog().untrusted().await?, self.identity.untrusted().await?].concat();
        let mut problems: Vec<String> = rows.iter().map(|error| error.message().to_owned()).collect();
        problems.extend(self.audit.set_aside().await?);
        problems.sort();
        Ok(problems)
    }

    /// Waits for what is being sealed, then commits and signs everything that is pending. The engine stays usable.
    pub async fn settle(&self) -> Result<()> {
        drop(self.sealing.write().await);
        self.sessions.flush(self.clock.now()).await?;
        self.identity.flush().await?;
        self.audit.settle().await
    }
}

impl Drop for Engine {
    /// The last client is gone: give up the journal, so that no other process has to adopt it.
    fn drop(&mut self) {
        if self.generation != runtime::generation() {
            return;
        }
        let _ = runtime::block_on(self.sessions.flush(self.clock.now()));
        let _ = runtime::block_on(self.identity.flush());
        let _ = runtime::block_on(self.audit.close());
    }
}

fn flags(request: &GuardRequest, session: Option<&Session>) -> Flags {
    let flag = |value: Option<bool>| value.unwrap_or(false);
    let (dry_run, optimize, debug) = (flag(request.dryrun), flag(request.optimize), flag(request.debug));
    let plan_only = optimize && dry_run;
    let explain = (flag(request.explain) || debug) && !plan_only;
    // A guest's right to the explanation and the plan is checked where they are asked for.
    let at_home = session.is_none_or(|session| session.crossing.is_none());
    Flags {
        dry_run,
        explain,
        debug: debug && !plan_only,
        optimize,
        plan_only,
        tells_policies: at_home || explain || plan_only,
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
