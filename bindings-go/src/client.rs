//! What apps hold: [`Tenantry`] and [`Tenant`], with the operations of the core's `client` flat on the two. Each method
//! converts its arguments and awaits one core future.
#![allow(unsafe_code, reason = "uniffi's macros implement unsafe traits")]

mod identity;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tenantry::{
    Error, api, client as core,
    config::{Credential, Options, Storage},
    runtime::poll_once,
};

use crate::{
    errors::Result,
    runtime::{Parked, detached, park, taken},
    types::{
        AboutParts, Account, AuditHead, AuditQuery, AuditRecord, Begun, BlockedParts, DetectResponse, Detector,
        FromCore, GuardParts, GuardRequest, GuardResponse, IntoCore, JsonObject, Layer, LimitSpec, PolicyReceipt,
        PolicySpec, PolicySummary, PresentedParts, Principal, Project, Settings, SettingsPatch, Status, TenantFacts,
        Text, UsageReceipt, UsageReport, VerifyReport, anchor,
    },
};

/// What a client is opened with.
#[derive(uniffi::Record)]
pub struct OpenParts {
    /// Where data lives.
    pub data_dir: Option<Text>,
    /// Keep data in memory only.
    pub in_memory: bool,
    /// Dev mode.
    pub dev: Option<bool>,
    /// A credential to act with.
    pub api_key: Option<Text>,
    /// Whether tenants are named by verified credentials only.
    pub require_credentials: Option<bool>,
    /// The account to act in.
    pub account_id: Option<Text>,
    /// The project to act in.
    pub project_id: Option<Text>,
    /// A server to talk to.
    pub base_url: Option<Text>,
    /// How long a call may take.
    pub deadline_ms: Option<i64>,
    /// Recorded as request metadata.
    pub default_headers: Option<HashMap<String, String>>,
}

impl OpenParts {
    fn into_core(self) -> tenantry::Result<Options> {
        let text = |text: Option<Text>| text.map(|text| text.0);
        let storage = match (text(self.data_dir), self.in_memory) {
            (Some(_), true) => {
                return Err(Error::invalid("config_invalid", "`data_dir` and `in_memory` exclude each other"));
            }
            (None, true) => Some(Storage::Memory),
            (folder, false) => folder.map(|folder| Storage::Folder(folder.into())),
        };
        Ok(Options {
            storage,
            dev: self.dev,
            api_key: text(self.api_key).map(Credential::new),
            require_credentials: self.require_credentials,
            account_id: text(self.account_id),
            project_id: text(self.project_id),
            base_url: text(self.base_url),
            deadline: self.deadline_ms.map(|ms| api::whole("deadline", ms)).transpose()?.map(Duration::from_millis),
            root_key: None,
            default_headers: self.default_headers.into_iter().flatten().collect(),
        })
    }
}

/// Why a call may not proceed, or nothing when it may; `response` is a guard response.
#[uniffi::export]
pub fn blocked(response: JsonObject) -> Result<Option<BlockedParts>> {
    let response: api::GuardResponse = serde_json::from_str(&response.0)
        .map_err(|_| Error::invalid("response_invalid", "this is not a response of a guard call"))?;
    Ok(FromCore::from_core(response.blocked()))
}

/// Refuses a tool's name that no policy could mean.
#[uniffi::export]
pub fn check_tool_name(name: String) -> Result<()> {
    Ok(api::ToolContext::check_name(&name)?)
}

/// Reads a printed audit head.
#[uniffi::export]
pub fn parse_audit_head(text: String) -> Result<AuditHead> {
    Ok(AuditHead::from_core(api::AuditHead::from_text(&text)?))
}

/// An audit head as one printable line.
#[uniffi::export]
pub fn print_audit_head(head: AuditHead) -> Result<String> {
    let head: api::AuditHead = head.into_core("head")?;
    Ok(head.to_text())
}

/// One engine, many tenants.
#[derive(uniffi::Object)]
pub struct Tenantry(core::Tenantry);

#[uniffi::export]
impl Tenantry {
    /// Opens the engine: data in `./.tenantry` unless `parts`, `TENANTRY_*` or `tenantry.toml` say otherwise.
    #[uniffi::constructor]
    pub fn open(parts: OpenParts) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(core::Tenantry::open(parts.into_core()?)?)))
    }

    /// The handle of one project.
    pub async fn tenant(&self, account: String, project: String) -> Result<Arc<Tenant>> {
        let client = self.0.clone();
        detached(async move { client.tenant(&account, &project).await }).await
    }

    /// The handle of whoever presents this.
    pub async fn authenticate(&self, presented: PresentedParts) -> Result<Arc<Tenant>> {
        let client = self.0.clone();
        detached(async move { client.authenticate(&presented.into()).await }).await
    }

    /// The handle of the client's own project.
    pub async fn own(&self) -> Result<Arc<Tenant>> {
        let client = self.0.clone();
        detached(async move { client.own().await }).await
    }

    /// Writes down everything pending and refuses further calls.
    pub async fn shut(&self) -> Result<()> {
        let client = self.0.clone();
        detached(async move { client.close().await }).await
    }

    /// Creates an account.
    pub async fn create_account(&self, id: String, facts: TenantFacts) -> Result<Account> {
        let accounts = self.0.admin().accounts();
        detached(async move { accounts.create(tenantry::api::AccountSpec::with(&id, facts.into_core("facts")?)).await })
            .await
    }

    /// Gives the account of this id, and creates it where there is none.
    pub async fn ensure_account(&self, id: String, facts: TenantFacts) -> Result<Account> {
        let accounts = self.0.admin().accounts();
        detached(async move { accounts.ensure(&id, facts.into_core("facts")?).await }).await
    }

    /// One account.
    pub async fn get_account(&self, id: String) -> Result<Account> {
        let accounts = self.0.admin().accounts();
        detached(async move { accounts.get(&id).await }).await
    }

    /// All accounts.
    pub async fn list_accounts(&self) -> Result<Vec<Account>> {
        let accounts = self.0.admin().accounts();
        detached(async move { accounts.list().await }).await
    }

    /// Suspends or resumes an account.
    pub async fn set_account_status(&self, id: String, to: Status) -> Result<Account> {
        let accounts = self.0.admin().accounts();
        detached(async move {
            match to.into_core("status")? {
                tenantry::api::Status::Suspended => accounts.suspend(&id).await,
                tenantry::api::Status::Active => accounts.resume(&id).await,
            }
        })
        .await
    }

    /// Deletes an account and its projects.
    pub async fn delete_account(&self, id: String) -> Result<()> {
        let accounts = self.0.admin().accounts();
        detached(async move { accounts.delete(&id).await }).await
    }

    /// Creates a project in an account.
    pub async fn create_project(&self, account: String, id: String, facts: TenantFacts) -> Result<Project> {
        let projects = self.0.admin().projects();
        detached(async move {
            projects.create(&account, tenantry::api::ProjectSpec::with(&id, facts.into_core("facts")?)).await
        })
        .await
    }

    /// Gives the project of this id, and creates it where there is none.
    pub async fn ensure_project(&self, account: String, id: String, facts: TenantFacts) -> Result<Project> {
        let projects = self.0.admin().projects();
        detached(async move { projects.ensure(&account, &id, facts.into_core("facts")?).await }).await
    }

    /// One project.
    pub async fn get_project(&self, account: String, id: String) -> Result<Project> {
        let projects = self.0.admin().projects();
        detached(async move { projects.get(&account, &id).await }).await
    }

    /// The projects of an account.
    pub async fn list_projects(&self, account: String) -> Result<Vec<Project>> {
        let projects = self.0.admin().projects();
        detached(async move { projects.list(&account).await }).await
    }

    /// Suspends or resumes a project.
    pub async fn set_project_status(&self, account: String, id: String, to: Status) -> Result<Project> {
        let projects = self.0.admin().projects();
        detached(async move {
            match to.into_core("status")? {
                tenantry::api::Status::Suspended => projects.suspend(&account, &id).await,
                tenantry::api::Status::Active => projects.resume(&account, &id).await,
            }
        })
        .await
    }

    /// Deletes a project.
    pub async fn delete_project(&self, account: String, id: String) -> Result<()> {
        let projects = self.0.admin().projects();
        detached(async move { projects.delete(&account, &id).await }).await
    }
}

/// The handle code holds to act inside one project.
#[derive(uniffi::Object)]
pub struct Tenant(core::Tenant);

impl FromCore<core::Tenant> for Arc<Tenant> {
    fn from_core(core: core::Tenant) -> Self {
        Self::new(Tenant(core))
    }
}

#[uniffi::export]
impl Tenant {
    /// What never changes about it, in one crossing.
    pub fn about(&self) -> AboutParts {
        AboutParts {
            account_id: self.0.account_id().to_owned(),
            project_id: self.0.project_id().to_owned(),
            caller: FromCore::from_core(self.0.caller().cloned()),
        }
    }

    /// Refuses a caller that lacks one of `scopes`.
    pub async fn require_scopes(&self, scopes: Vec<String>) -> Result<()> {
        let tenant = self.0.clone();
        detached(async move { tenant.require_scopes(&scopes).await }).await
    }

    /// The same project on behalf of `principal`.
    pub fn acting_as(&self, principal: Principal) -> Result<Arc<Self>> {
        let principal = principal.into_core("principal")?;
        Ok(FromCore::from_core(self.0.acting_as(principal)?))
    }

    /// Begins one call. A warm one is decided at its first poll; else `go_on` takes it from there.
    pub fn begin(&self, parts: GuardParts) -> Result<Begun> {
        let (guard, request) = (self.0.guard(), parts.into_core()?);
        match poll_once(Box::pin(async move { guard.evaluate(request).await }) as Parked) {
            Ok(result) => Ok(Begun { response: Some(FromCore::from_core(result?)), parked: 0 }),
            Err(call) => Ok(Begun { response: None, parked: park(call) }),
        }
    }

    /// Decides a call that was begun and has to wait.
    pub async fn go_on(&self, parked: u64) -> Result<GuardResponse> {
        detached(taken(parked).ok_or_else(|| Error::internal("no call was parked under this number"))?).await
    }

    /// Drops a call that was begun, unless it goes on.
    pub fn give_up(&self, parked: u64) {
        drop(taken(parked));
    }

    /// Decides one call, once under its key.
    pub async fn evaluate_once(&self, request: GuardRequest, key: String) -> Result<GuardResponse> {
        let guard = self.0.guard();
        let parts = GuardParts { shape: None, request };
        detached(async move { guard.evaluate_once(parts.into_core()?, &key).await }).await
    }

    /// The detectors there are.
    pub async fn list_detectors(&self) -> Result<Vec<Detector>> {
        let guard = self.0.guard();
        detached(async move { guard.detectors().await }).await
    }

    /// Prices one model call and writes down what it cost.
    pub async fn report_usage(&self, report: UsageReport) -> Result<UsageReceipt> {
        let usage = self.0.usage();
        detached(async move { usage.report(report.into_core("report")?).await }).await
    }

    /// Inspects without policies, limits or memory.
    pub async fn detect(&self, request: GuardRequest) -> Result<DetectResponse> {
        let guard = self.0.guard();
        let parts = GuardParts { shape: None, request };
        detached(async move { guard.detect(parts.into_core()?).await }).await
    }

    /// Attaches Cedar text under a name.
    pub async fn put_policy(&self, spec: PolicySpec) -> Result<PolicyReceipt> {
        let policies = self.0.policies();
        detached(async move { policies.put(spec.into_core("spec")?).await }).await
    }

    /// Attaches a pack of our own.
    pub async fn attach_pack(&self, pack: String) -> Result<PolicyReceipt> {
        let policies = self.0.policies();
        detached(async move { policies.attach_pack(&pack).await }).await
    }

    /// Detaches a policy.
    pub async fn remove_policy(&self, name: String, layer: Option<Layer>) -> Result<()> {
        let policies = self.0.policies();
        detached(async move { policies.remove(tenantry::api::PolicyRef::on(layer.into_core("layer")?, &name)).await })
            .await
    }

    /// The policies in force here.
    pub async fn list_policies(&self) -> Result<Vec<PolicySummary>> {
        let policies = self.0.policies();
        detached(async move { policies.list().await }).await
    }

    /// Sets a rate limit.
    pub async fn set_limit(&self, spec: LimitSpec) -> Result<()> {
        let limits = self.0.limits();
        detached(async move { limits.set(spec.into_core("spec")?).await }).await
    }

    /// Removes a rate limit.
    pub async fn remove_limit(&self, id: String, layer: Option<Layer>) -> Result<()> {
        let limits = self.0.limits();
        detached(async move { limits.remove(tenantry::api::LimitRef::on(layer.into_core("layer")?, &id)).await }).await
    }

    /// The limits in force here.
    pub async fn list_limits(&self) -> Result<Vec<LimitSpec>> {
        let limits = self.0.limits();
        detached(async move { limits.list().await }).await
    }

    /// Takes `cost` from a limit.
    pub async fn acquire(&self, id: String, key: String, cost: i64) -> Result<()> {
        let limits = self.0.limits();
        detached(async move { limits.acquire(&id, &key, api::whole("cost", cost)?).await }).await
    }

    /// The settings in force.
    pub async fn get_settings(&self) -> Result<Settings> {
        let settings = self.0.settings();
        detached(async move { settings.get().await }).await
    }

    /// Changes the given settings.
    pub async fn update_settings(&self, patch: SettingsPatch) -> Result<Settings> {
        let settings = self.0.settings();
        detached(async move { settings.update(patch.into_core("patch")?).await }).await
    }

    /// Reads rows of the audit trail.
    pub async fn query_audit(&self, query: AuditQuery) -> Result<Vec<AuditRecord>> {
        let audit = self.0.audit();
        detached(async move {
            let (range, limit) = query.into_core()?;
            audit.query(tenantry::api::AuditQuery::from(range).limit(limit)).await
        })
        .await
    }

    /// Recomputes the chain; `head` is a printed head to compare it with.
    pub async fn verify_audit(&self, head: Option<String>) -> Result<VerifyReport> {
        let audit = self.0.audit();
        detached(async move { audit.verify(tenantry::api::AuditAnchor::of(anchor(head)?.as_ref())).await }).await
    }

    /// A freshly signed head.
    pub async fn audit_head(&self) -> Result<AuditHead> {
        let audit = self.0.audit();
        detached(async move { Ok(audit.head().await?.head) }).await
    }
}
