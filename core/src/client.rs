//! What apps hold and every binding wraps: [`Tenantry`] and [`Tenant`]. Owns handles and their lifecycle; touches the
//! engine only through `embedded`.
//!
//! Every operation is async and has a `_blocking` twin. A warm guard call is ready at its first poll, so the twin costs
//! nothing and starts no thread.

mod embedded;
mod identity;

use std::sync::Arc;

use embedded::Embedded;
pub use embedded::Surroundings;
pub use identity::{Grants, Identities, Issuers, Keys, Tokens};

use crate::{
    api::{
        Account, AuditHead, AuditRange, AuditRecord, DetectResponse, Detector, GuardRequest, GuardResponse, Identity,
        LimitSpec, PolicyReceipt, PolicySpec, PolicySummary, Presented, Principal, Project, Settings, SettingsPatch,
        Status, TenantFacts, UsageReceipt, UsageReport, VerifyReport,
    },
    config::{Config, Options, tell_untold},
    engine::{Engine, Session, Use},
    error::Result,
    identity::{MANAGE, READ},
    runtime::block_on,
    scope::{Layer, Scope},
    tenant::Instance,
};

/// Writes each async operation once and adds its twin that waits on the calling thread.
macro_rules! with_blocking_twins {
    ($(impl $type:ident { $(
        $(#[$doc:meta])*
        pub async fn $name:ident / $twin:ident(&$this:ident $(, $argument:ident: $kind:ty)* $(,)?) -> Result<$result:ty> $body:block
    )+ })+) => {
        $(impl $type { $(
            $(#[$doc])*
            pub async fn $name(&$this $(, $argument: $kind)*) -> Result<$result> $body

            #[doc = concat!("As [`", stringify!($type), "::", stringify!($name), "`], waiting on this thread.")]
            pub fn $twin(&$this $(, $argument: $kind)*) -> Result<$result> {
                block_on($this.$name($($argument),*))
            }
        )+ })+
    };
}
use with_blocking_twins;

/// One engine (or one connection), many tenants. Cheap to clone; share it.
#[derive(Clone)]
pub struct Tenantry(Arc<Embedded>);

impl Tenantry {
    /// Opens the engine: data in `./.tenantry` unless `options`, `TENANTRY_*` or `tenantry.toml` say otherwise.
    pub fn open(options: Options) -> Result<Self> {
        Self::open_with(options, Surroundings::default())
    }

    /// As [`Tenantry::open`] with the clock given. For tests and simulations.
    pub fn open_with(options: Options, surroundings: Surroundings) -> Result<Self> {
        tell_untold();
        Ok(Self(Arc::new(Embedded::open(Config::resolve(options)?, surroundings)?)))
    }

    /// Accounts and projects. Needs platform authority at each call.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin(self.clone())
    }

    /// Issuers, API keys and tokens, as the client itself.
    #[must_use]
    pub fn identity(&self) -> Identities {
        Identities::new(self.clone(), None)
    }

    async fn reach(&self, account: &str, project: &str) -> Result<Tenant> {
        let instance = self.0.tenant(account, project).await?;
        Ok(Tenant { client: self.clone(), instance, principal: None, session: self.0.session()? })
    }

    /// Whose credential this client acts with; nobody's when it is the process itself.
    pub fn caller(&self) -> Result<Option<Identity>> {
        Ok(self.0.session()?.map(|session| session.identity.clone()))
    }

    /// Whether [`Tenantry::close`] was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

with_blocking_twins! {
    impl Tenantry {
        /// The handle of one project. Never creates it, except in dev mode.
        pub async fn tenant / tenant_blocking(&self, account: &str, project: &str) -> Result<Tenant> {
            self.0.check_naming()?;
            self.reach(account, project).await
        }

        /// The handle of whoever presents this: of the one project its credential reaches, or selects by a header within
        /// what it reaches. It acts as the credential's principal and ends with the credential.
        pub async fn authenticate / authenticate_blocking(&self, presented: &Presented) -> Result<Tenant> {
            let (instance, session) = self.0.engine()?.authenticate(presented).await?;
            Ok(Tenant { client: self.clone(), instance, principal: None, session: Some(Arc::new(session)) })
        }

        /// This engine as whoever presents this: everything that client does is bounded by the credential, which is asked
        /// again at every use. For what is done in several projects, or on accounts; `authenticate` gives one project.
        pub async fn signed_in / signed_in_blocking(&self, presented: &Presented) -> Result<Tenantry> {
            Ok(Self(Arc::new(self.0.signed_in(presented).await?)))
        }

        /// The handle of the client's own project: the one its credential or configuration names.
        pub async fn own / own_blocking(&self) -> Result<Tenant> {
            let (account, project) = self.0.own_names()?;
            self.reach(&account, &project).await
        }

        /// Writes down everything pending and refuses further calls. Safe to call twice.
        pub async fn close / close_blocking(&self) -> Result<()> {
            self.0.close().await
        }
    }
}

/// Admin operations on accounts and projects.
#[derive(Clone)]
pub struct Admin(Tenantry);

impl Admin {
    /// Customer organisations.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts(self.0.clone())
    }

    /// Workspaces of an account.
    #[must_use]
    pub fn projects(&self) -> Projects {
        Projects(self.0.clone())
    }

    /// Cross-tenant grants.
    #[must_use]
    pub fn grants(&self) -> Grants {
        Grants::new(self.0.clone())
    }
}

/// See [`Admin::accounts`].
#[derive(Clone)]
pub struct Accounts(Tenantry);

/// See [`Admin::projects`].
#[derive(Clone)]
pub struct Projects(Tenantry);

with_blocking_twins! {
    impl Admin {
        /// What in the data folder was changed, or put there, by somebody else: rows of the catalog that are not ours, and files
        /// among the journals. Empty when all is as it should be.
        pub async fn problems / problems_blocking(&self) -> Result<Vec<String>> {
            self.0.0.platform().await?.problems().await
        }

        /// As [`Audit::verify`], for the chain of what is done on the platform itself.
        pub async fn verify / verify_blocking(&self) -> Result<VerifyReport> {
            self.0.0.platform().await?.verify_platform().await
        }
    }

    impl Accounts {
        /// Creates an account. `Conflict` when an id that differs at most in case exists.
        pub async fn create / create_blocking(&self, id: &str, facts: TenantFacts) -> Result<Account> {
            self.0.0.platform().await?.create_account(&self.0.0.by()?, id, facts).await
        }

        /// Gives the account of this id, and creates it where there is none. What exists stays as it is, a suspension
        /// included; `Conflict` (`facts_differ`) when a fact that is given differs from what it has.
        pub async fn ensure / ensure_blocking(&self, id: &str, facts: TenantFacts) -> Result<Account> {
            self.0.0.platform().await?.ensure_account(&self.0.0.by()?, id, facts).await
        }

        /// One account.
        pub async fn get / get_blocking(&self, id: &str) -> Result<Account> {
            self.0.0.platform().await?.get_account(id).await
        }

        /// All accounts, by id.
        pub async fn list / list_blocking(&self) -> Result<Vec<Account>> {
            self.0.0.platform().await?.list_accounts().await
        }

        /// Suspends or resumes an account: while suspended every call in it is denied.
        pub async fn set_status / set_status_blocking(&self, id: &str, status: Status) -> Result<Account> {
            self.0.0.platform().await?.set_account_status(&self.0.0.by()?, id, status).await
        }

        /// Deletes an account and its projects. The name may be used again, with nothing of the old one in it.
        pub async fn delete / delete_blocking(&self, id: &str) -> Result<()> {
            self.0.0.platform().await?.delete_account(&self.0.0.by()?, id).await
        }
    }

    impl Projects {
        /// Creates a project in an account, with the baseline permits, floor `enforce` and audit `standard`.
        pub async fn create / create_blocking(&self, account: &str, id: &str, facts: TenantFacts) -> Result<Project> {
            self.0.0.platform().await?.create_project(&self.0.0.by()?, account, id, facts).await
        }

        /// Gives the project of this id, and creates it where there is none, as [`Accounts::ensure`] does. The account has
        /// to exist.
        pub async fn ensure / ensure_blocking(&self, account: &str, id: &str, facts: TenantFacts) -> Result<Project> {
            self.0.0.platform().await?.ensure_project(&self.0.0.by()?, account, id, facts).await
        }

        /// One project.
        pub async fn get / get_blocking(&self, account: &str, id: &str) -> Result<Project> {
            self.0.0.platform().await?.get_project(account, id).await
        }

        /// The projects of an account, by id.
        pub async fn list / list_blocking(&self, account: &str) -> Result<Vec<Project>> {
            self.0.0.platform().await?.list_projects(account).await
        }

        /// Suspends or resumes a project.
        pub async fn set_status / set_status_blocking(&self, account: &str, id: &str, status: Status) -> Result<Project> {
            self.0.0.platform().await?.set_project_status(&self.0.0.by()?, account, id, status).await
        }

        /// Deletes a project. The name may be used again, with nothing of the old one in it.
        pub async fn delete / delete_blocking(&self, account: &str, id: &str) -> Result<()> {
            self.0.0.platform().await?.delete_project(&self.0.0.by()?, account, id).await
        }
    }
}

/// The handle code holds to act inside one project. Cheap to clone, shareable between threads, holds no credential.
#[derive(Clone)]
pub struct Tenant {
    client: Tenantry,
    instance: Arc<Instance>,
    principal: Option<Arc<Principal>>,
    session: Option<Arc<Session>>,
}

impl Tenant {
    /// The scope this handle acts in.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        self.instance.scope()
    }

    /// The account's external id.
    #[must_use]
    pub fn account_id(&self) -> &str {
        self.scope().account_id().map_or("", crate::scope::Id::as_str)
    }

    /// The project's external id.
    #[must_use]
    pub fn project_id(&self) -> &str {
        self.scope().project_id().map_or("", crate::scope::Id::as_str)
    }

    /// The same project on behalf of `principal`; the process vouches for it. A handle that came by a credential keeps that
    /// credential's ceiling, and one that crossed from another tenant acts for nobody else.
    pub fn acting_as(&self, principal: Principal) -> Result<Self> {
        principal.check()?;
        if self.session.as_ref().is_some_and(|session| session.crossing.is_some()) {
            return Err(crate::scope::outside());
        }
        Ok(Self { principal: Some(Arc::new(principal)), ..self.clone() })
    }

    /// Who the credential behind this handle is, as it was when the handle was made; nobody when the process itself named
    /// the tenant.
    #[must_use]
    pub fn caller(&self) -> Option<&Identity> {
        self.session.as_ref().map(|session| &session.identity)
    }

    /// API keys and tokens of this tenant, as its caller.
    #[must_use]
    pub fn identity(&self) -> Identities {
        Identities::new(self.client.clone(), Some(self.clone()))
    }

    /// Whose a change by this handle is, for the audit.
    fn by(&self) -> &str {
        let caller = || self.session.as_ref().map(|session| &session.verified.principal);
        self.principal.as_deref().or_else(caller).map_or(embedded::PROCESS, |principal| &principal.id)
    }

    /// The engine, for a use that the credential behind this handle, if there is one, still allows.
    async fn engine_for(&self, use_of: Use<'_>) -> Result<Arc<Engine>> {
        let engine = self.client.0.engine()?;
        if let Some(session) = &self.session {
            engine.standing(session, &self.instance, use_of).await?;
        }
        Ok(engine)
    }

    /// The engine, for a change at `layer`. Above its own project a caller needs authority over all of that layer.
    async fn engine_at(&self, layer: Layer) -> Result<Arc<Engine>> {
        match (layer, &self.session) {
            (Layer::Project, _) => {}
            (_, Some(session)) if session.crossing.is_none() => {
                session.verified.authority.covers(&self.scope().at(layer)?)?;
            }
            (_, Some(_)) => return Err(crate::scope::outside()),
            (_, None) => self.client.0.check_platform()?,
        }
        self.engine_for(Use::Right(MANAGE)).await
    }

    /// Guard calls.
    #[must_use]
    pub fn guard(&self) -> Guard {
        Guard(self.clone())
    }

    /// What model calls cost.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage(self.clone())
    }

    /// Policies of this project and the layers above.
    #[must_use]
    pub fn policies(&self) -> Policies {
        Policies(self.clone())
    }

    /// Rate limits of this project and the layers above.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits(self.clone())
    }

    /// Settings of this project.
    #[must_use]
    pub fn settings(&self) -> TenantSettings {
        TenantSettings(self.clone())
    }

    /// The audit trail of this project.
    #[must_use]
    pub fn audit(&self) -> Audit {
        Audit(self.clone())
    }
}

/// See [`Tenant::guard`].
#[derive(Clone)]
pub struct Guard(Tenant);

/// See [`Tenant::usage`].
#[derive(Clone)]
pub struct Usage(Tenant);

/// See [`Tenant::policies`].
#[derive(Clone)]
pub struct Policies(Tenant);

/// See [`Tenant::limits`].
#[derive(Clone)]
pub struct Limits(Tenant);

/// See [`Tenant::settings`].
#[derive(Clone)]
pub struct TenantSettings(Tenant);

/// See [`Tenant::audit`].
#[derive(Clone)]
pub struct Audit(Tenant);

impl Guard {
    async fn answered(&self, request: GuardRequest, key: Option<&str>) -> Result<GuardResponse> {
        let engine = self.0.client.0.engine()?;
        let session = self.0.session.as_deref();
        let caller = self.0.client.0.caller(self.0.principal.as_deref(), session);
        engine.evaluate(&self.0.instance, caller, request, key).await
    }
}

with_blocking_twins! {
    impl Tenant {
        /// Refuses a caller that lacks one of `scopes`. The process itself holds none.
        pub async fn require_scopes / require_scopes_blocking(&self, scopes: &[String]) -> Result<()> {
            let engine = self.client.0.engine()?;
            engine.require_scopes(self.session.as_deref(), self.principal.as_deref(), &self.instance, scopes).await
        }
    }

    impl Guard {
        /// Decides one call. A denial is an answer; only an outage or bad input is an error.
        pub async fn evaluate / evaluate_blocking(&self, request: GuardRequest) -> Result<GuardResponse> {
            self.answered(request, None).await
        }

        /// As [`Guard::evaluate`], once: whoever repeats the request under the same key within a day gets the same answer,
        /// and nothing is decided, charged or remembered a second time.
        pub async fn evaluate_once / evaluate_once_blocking(&self, request: GuardRequest, key: &str) -> Result<GuardResponse> {
            self.answered(request, Some(key)).await
        }

        /// The detectors there are, and the keys policies can read of them.
        pub async fn detectors / detectors_blocking(&self) -> Result<Vec<Detector>> {
            self.0.engine_for(Use::Work("detectors")).await?.detectors(&self.0.instance).await
        }

        /// Inspects without policies, limits or memory.
        pub async fn detect / detect_blocking(&self, request: GuardRequest) -> Result<DetectResponse> {
            let engine = self.0.engine_for(Use::Work("detect")).await?;
            engine.detect(&self.0.instance, request).await
        }
    }

    impl Usage {
        /// Prices one model call and writes down what it cost, once per `usage_id` and 48 hours.
        pub async fn report / report_blocking(&self, report: &UsageReport) -> Result<UsageReceipt> {
            self.0.engine_for(Use::Work("usage")).await?.report_usage(&self.0.instance, report).await
        }
    }

    impl Policies {
        /// Attaches Cedar text under a name, replacing what was there. Bad text is refused and the old stays.
        pub async fn put / put_blocking(&self, spec: PolicySpec) -> Result<PolicyReceipt> {
            self.0.engine_at(spec.layer).await?.put_policy(self.0.by(), &self.0.instance, spec).await
        }

        /// Attaches a pack of our own: `baseline` or `strict`.
        pub async fn attach_pack / attach_pack_blocking(&self, pack: &str) -> Result<PolicyReceipt> {
            self.0.engine_at(Layer::Project).await?.attach_pack(self.0.by(), &self.0.instance, pack).await
        }

        /// Detaches a policy.
        pub async fn remove / remove_blocking(&self, name: &str, layer: Layer) -> Result<()> {
            self.0.engine_at(layer).await?.remove_policy(self.0.by(), &self.0.instance, name, layer).await
        }

        /// The policies in force here, all layers.
        pub async fn list / list_blocking(&self) -> Result<Vec<PolicySummary>> {
            self.0.engine_for(Use::Right(READ)).await?.list_policies(&self.0.instance).await
        }
    }

    impl Limits {
        /// Sets a rate limit, replacing the one with the same id on the same layer.
        pub async fn set / set_blocking(&self, spec: LimitSpec) -> Result<()> {
            self.0.engine_at(spec.layer).await?.set_limit(self.0.by(), &self.0.instance, spec).await
        }

        /// Removes a rate limit.
        pub async fn remove / remove_blocking(&self, id: &str, layer: Layer) -> Result<()> {
            self.0.engine_at(layer).await?.remove_limit(self.0.by(), &self.0.instance, id, layer).await
        }

        /// The limits in force here, all layers.
        pub async fn list / list_blocking(&self) -> Result<Vec<LimitSpec>> {
            self.0.engine_for(Use::Right(READ)).await?.list_limits(&self.0.instance).await
        }

        /// Takes `cost` from a limit for work of the app's own; `RateLimited` when there is not enough.
        pub async fn acquire / acquire_blocking(&self, id: &str, key: &str, cost: u32) -> Result<()> {
            let engine = self.0.engine_for(Use::Work("acquire")).await?;
            // What several tenants share is not one caller's to use up.
            let widest = if self.0.session.is_some() { Layer::Project } else { Layer::Platform };
            engine.acquire(&self.0.instance, id, key, cost, widest).await
        }
    }

    impl TenantSettings {
        /// The settings in force.
        pub async fn get / get_blocking(&self) -> Result<Settings> {
            self.0.engine_for(Use::Right(READ)).await?.settings(&self.0.instance).await
        }

        /// Changes the given fields.
        pub async fn update / update_blocking(&self, patch: SettingsPatch) -> Result<Settings> {
            self.0.engine_at(Layer::Project).await?.update_settings(self.0.by(), &self.0.instance, patch).await
        }
    }

    impl Audit {
        /// Reads rows of this project's chain: oldest first from a [`Since`](crate::api::Since), newest first with
        /// [`AuditRange::newest`]. A page has at most `limit` rows (up to 10,000) and 8 MiB of text.
        pub async fn query / query_blocking(&self, range: impl Into<AuditRange>, limit: usize) -> Result<Vec<AuditRecord>> {
            let range = range.into();
            self.0.engine_for(Use::Right(READ)).await?.audit_query(self.0.scope(), range, limit).await
        }

        /// Recomputes the chain and compares it with the signed heads and, if given, an outside anchor.
        pub async fn verify / verify_blocking(&self, anchor: Option<&AuditHead>) -> Result<VerifyReport> {
            self.0.engine_for(Use::Right(READ)).await?.audit_verify(self.0.scope(), anchor).await
        }

        /// A freshly signed head: print it, keep it elsewhere, and give it to `verify` later.
        pub async fn head / head_blocking(&self) -> Result<AuditHead> {
            self.0.engine_for(Use::Right(READ)).await?.audit_head(self.0.scope()).await
        }
    }
}
