//! One project: policies, limits, settings and the audit trail, by the ids in the path, as the caller.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry::{
    Result,
    api::{AuditHead, LimitSpec, PolicySpec, PolicySummary, SettingsPatch},
    scope::Layer,
};

use super::{
    App, Call,
    admin::{RecordList, range_and_limit},
    answer::{Answer, nothing, ok},
};

/// The policies of a project, all layers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyList {
    policies: Vec<PolicySummary>,
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
pub async fn put_policy(_: App, call: Call) -> Answer {
    let tenant = call.tenant_by_path().await?;
    let mut spec: PolicySpec = call.json()?;
    call.put_name("name", &mut spec.name)?;
    ok(&tenant.policies().put(spec).await?)
}

/// `GET …/policies`
pub async fn list_policies(_: App, call: Call) -> Answer {
    ok(&PolicyList { policies: call.tenant_by_path().await?.policies().list().await? })
}

/// `DELETE …/policies/{name}`
pub async fn remove_policy(_: App, call: Call) -> Answer {
    let tenant = call.tenant_by_path().await?;
    tenant.policies().remove(call.named("name"), layer(&call)?).await?;
    Ok(nothing())
}

/// `POST …/policies/packs/{pack}`
pub async fn attach_pack(_: App, call: Call) -> Answer {
    ok(&call.tenant_by_path().await?.policies().attach_pack(call.named("pack")).await?)
}

/// `PUT …/limits/{id}`
pub async fn set_limit(_: App, call: Call) -> Answer {
    let tenant = call.tenant_by_path().await?;
    let mut spec: LimitSpec = call.json()?;
    call.put_name("id", &mut spec.id)?;
    tenant.limits().set(spec).await?;
    Ok(nothing())
}

/// `GET …/limits`
pub async fn list_limits(_: App, call: Call) -> Answer {
    ok(&LimitList { limits: call.tenant_by_path().await?.limits().list().await? })
}

/// `DELETE …/limits/{id}`
pub async fn remove_limit(_: App, call: Call) -> Answer {
    let tenant = call.tenant_by_path().await?;
    tenant.limits().remove(call.named("id"), layer(&call)?).await?;
    Ok(nothing())
}

/// `GET …/settings`
pub async fn settings(_: App, call: Call) -> Answer {
    ok(&call.tenant_by_path().await?.settings().get().await?)
}

/// `PATCH …/settings`
pub async fn change_settings(_: App, call: Call) -> Answer {
    let tenant = call.tenant_by_path().await?;
    let patch: SettingsPatch = call.json()?;
    ok(&tenant.settings().update(patch).await?)
}

/// `GET …/audit`
pub async fn audit(_: App, call: Call) -> Answer {
    let tenant = call.tenant_by_path().await?;
    let (range, limit) = range_and_limit(&call)?;
    ok(&RecordList { records: tenant.audit().query(range, limit).await? })
}

/// `GET …/audit/head`
pub async fn audit_head(_: App, call: Call) -> Answer {
    let head = call.tenant_by_path().await?.audit().head().await?;
    ok(&Head { text: head.to_text(), head })
}

/// `POST …/audit/verify`
pub async fn audit_verify(_: App, call: Call) -> Answer {
    let tenant = call.tenant_by_path().await?;
    let body: Anchor = if call.body.is_empty() { Anchor::default() } else { call.json()? };
    let anchor = body.anchor.as_deref().map(AuditHead::from_text).transpose()?;
    ok(&tenant.audit().verify(anchor.as_ref()).await?)
}
