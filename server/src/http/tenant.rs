//! One project: policies, limits, settings and the audit trail, by the ids in the path, as the caller.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry::{
    Result,
    api::{AuditHead, LimitKey, LimitSpec, Mode, OnExceed, PolicySpec, PolicySummary, SettingsPatch},
    scope::Layer,
};

use super::{
    App, Call,
    admin::{RecordList, since_and_limit},
    answer::{Answer, nothing, ok},
};

const fn project() -> Layer {
    Layer::Project
}

const fn enforce() -> Mode {
    Mode::Enforce
}

/// A policy to attach.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct PolicyBody {
    /// Cedar.
    pub text: String,
    /// How strictly it is applied.
    #[serde(default = "enforce")]
    pub mode: Mode,
    /// Where it is attached.
    #[serde(default = "project")]
    pub layer: Layer,
    /// Whether it bounds every layer below.
    #[serde(default)]
    pub ceiling: bool,
}

/// The policies of a project, all layers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyList {
    policies: Vec<PolicySummary>,
}

/// A limit to set.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct LimitBody {
    /// How many.
    pub rate: u32,
    /// In how many milliseconds.
    pub per_ms: u64,
    /// What is counted on its own.
    #[serde(default)]
    pub key: LimitKey,
    /// What happens above it.
    #[serde(default)]
    pub on_exceed: OnExceed,
    /// How long a queue waits.
    #[serde(default)]
    pub max_wait_ms: u64,
    /// Where it is set.
    #[serde(default = "project")]
    pub layer: Layer,
    /// Whether all processes count together.
    #[serde(default)]
    pub shared: bool,
}

/// The limits of a project, all layers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LimitList {
    limits: Vec<LimitSpec>,
}

/// What an audit trail is held against.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Anchor {
    /// A head printed earlier, as text (`tnh1.…`).
    pub anchor: Option<String>,
}

/// The newest head of a chain.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Head {
    #[serde(flatten)]
    head: AuditHead,
    /// The same as one line, for keeping elsewhere.
    text: String,
}

fn layer(call: &Call) -> Result<Layer> {
    call.query("layer")?.map_or(Ok(Layer::Project), |text| Layer::parse(&text))
}

/// `PUT …/policies/{name}`
pub async fn put_policy(app: App, call: Call) -> Answer {
    let tenant = app.tenant_by_path(&call).await?;
    let body: PolicyBody = call.json()?;
    let PolicyBody { text, mode, layer, ceiling } = body;
    let spec = PolicySpec { name: call.named("name").to_owned(), text, mode, layer, ceiling };
    ok(&tenant.policies().put(spec).await?)
}

/// `GET …/policies`
pub async fn list_policies(app: App, call: Call) -> Answer {
    ok(&PolicyList { policies: app.tenant_by_path(&call).await?.policies().list().await? })
}

/// `DELETE …/policies/{name}`
pub async fn remove_policy(app: App, call: Call) -> Answer {
    let tenant = app.tenant_by_path(&call).await?;
    tenant.policies().remove(call.named("name"), layer(&call)?).await?;
    Ok(nothing())
}

/// `POST …/policies/packs/{pack}`
pub async fn attach_pack(app: App, call: Call) -> Answer {
    ok(&app.tenant_by_path(&call).await?.policies().attach_pack(call.named("pack")).await?)
}

/// `PUT …/limits/{id}`
pub async fn set_limit(app: App, call: Call) -> Answer {
    let tenant = app.tenant_by_path(&call).await?;
    let body: LimitBody = call.json()?;
    let LimitBody { rate, per_ms, key, on_exceed, max_wait_ms, layer, shared } = body;
    let id = call.named("id").to_owned();
    tenant.limits().set(LimitSpec { id, rate, per_ms, key, on_exceed, max_wait_ms, layer, shared }).await?;
    Ok(nothing())
}

/// `GET …/limits`
pub async fn list_limits(app: App, call: Call) -> Answer {
    ok(&LimitList { limits: app.tenant_by_path(&call).await?.limits().list().await? })
}

/// `DELETE …/limits/{id}`
pub async fn remove_limit(app: App, call: Call) -> Answer {
    let tenant = app.tenant_by_path(&call).await?;
    tenant.limits().remove(call.named("id"), layer(&call)?).await?;
    Ok(nothing())
}

/// `GET …/settings`
pub async fn settings(app: App, call: Call) -> Answer {
    ok(&app.tenant_by_path(&call).await?.settings().get().await?)
}

/// `PATCH …/settings`
pub async fn change_settings(app: App, call: Call) -> Answer {
    let tenant = app.tenant_by_path(&call).await?;
    let patch: SettingsPatch = call.json()?;
    ok(&tenant.settings().update(patch).await?)
}

/// `GET …/audit`
pub async fn audit(app: App, call: Call) -> Answer {
    let tenant = app.tenant_by_path(&call).await?;
    let (since, limit) = since_and_limit(&call)?;
    ok(&RecordList { records: tenant.audit().query(since, limit).await? })
}

/// `GET …/audit/head`
pub async fn audit_head(app: App, call: Call) -> Answer {
    let head = app.tenant_by_path(&call).await?.audit().head().await?;
    ok(&Head { text: head.to_text(), head })
}

/// `POST …/audit/verify`
pub async fn audit_verify(app: App, call: Call) -> Answer {
    let tenant = app.tenant_by_path(&call).await?;
    let body: Anchor = if call.body.is_empty() { Anchor::default() } else { call.json()? };
    let anchor = body.anchor.as_deref().map(AuditHead::from_text).transpose()?;
    ok(&tenant.audit().verify(anchor.as_ref()).await?)
}
