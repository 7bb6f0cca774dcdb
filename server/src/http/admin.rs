//! The platform: accounts, projects, issuers, settings of identity, tokens for users, grants between tenants. Everything is
//! asked as the caller, so that what it may do is decided where it is decided for embedded apps, too.

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenantry::Error;
use tenantry::api::{
    Account, AuditOrder, AuditRange, AuditRecord, Grant, GrantSpec, IdentitySettings, IssuerSpec, Project, Since,
    Status, TenantFacts, TokenSpec, from_value,
};

use super::{
    App, Call,
    answer::{Answer, json, nothing, ok},
};

/// A new account or project.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct NewScope {
    /// Its id.
    pub id: String,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: TenantFacts,
}

/// What can be changed of an account or project.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Change {
    /// `active` or `suspended`.
    pub status: Status,
}

/// All accounts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AccountList {
    accounts: Vec<Account>,
}

/// The projects of an account.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProjectList {
    projects: Vec<Project>,
}

/// All issuers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IssuerList {
    issuers: Vec<IssuerSpec>,
}

/// Grants between tenants.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GrantList {
    grants: Vec<Grant>,
}

/// Rows of an audit chain.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordList {
    /// In the order that was asked for; the oldest first where none was.
    pub records: Vec<AuditRecord>,
}

/// Facts, or none of them.
fn facts(call: &Call) -> tenantry::Result<TenantFacts> {
    if call.body.is_empty() { Ok(TenantFacts::default()) } else { call.json() }
}

/// `POST /v1/admin/accounts`
pub async fn create_account(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let new: NewScope = call.json()?;
    json(StatusCode::CREATED, &caller.admin().accounts().create(&new.id, new.facts).await?)
}

/// `GET /v1/admin/accounts`
pub async fn list_accounts(_: App, call: Call) -> Answer {
    ok(&AccountList { accounts: call.caller()?.admin().accounts().list().await? })
}

/// `PUT /v1/admin/accounts/{account}`
pub async fn ensure_account(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let facts = facts(&call)?;
    ok(&caller.admin().accounts().ensure(call.named("account"), facts).await?)
}

/// `GET /v1/admin/accounts/{account}`
pub async fn get_account(_: App, call: Call) -> Answer {
    ok(&call.caller()?.admin().accounts().get(call.named("account")).await?)
}

/// `PATCH /v1/admin/accounts/{account}`
pub async fn change_account(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let change: Change = call.json()?;
    ok(&caller.admin().accounts().set_status(call.named("account"), change.status).await?)
}

/// `DELETE /v1/admin/accounts/{account}`
pub async fn delete_account(_: App, call: Call) -> Answer {
    call.caller()?.admin().accounts().delete(call.named("account")).await?;
    Ok(nothing())
}

/// `POST /v1/admin/accounts/{account}/projects`
pub async fn create_project(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let new: NewScope = call.json()?;
    json(StatusCode::CREATED, &caller.admin().projects().create(call.named("account"), &new.id, new.facts).await?)
}

/// `GET /v1/admin/accounts/{account}/projects`
pub async fn list_projects(_: App, call: Call) -> Answer {
    ok(&ProjectList { projects: call.caller()?.admin().projects().list(call.named("account")).await? })
}

/// `PUT /v1/admin/accounts/{account}/projects/{project}`
pub async fn ensure_project(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let facts = facts(&call)?;
    ok(&caller.admin().projects().ensure(call.named("account"), call.named("project"), facts).await?)
}

/// `GET /v1/admin/accounts/{account}/projects/{project}`
pub async fn get_project(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    ok(&caller.admin().projects().get(call.named("account"), call.named("project")).await?)
}

/// `PATCH /v1/admin/accounts/{account}/projects/{project}`
pub async fn change_project(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let change: Change = call.json()?;
    let projects = caller.admin().projects();
    ok(&projects.set_status(call.named("account"), call.named("project"), change.status).await?)
}

/// `DELETE /v1/admin/accounts/{account}/projects/{project}`
pub async fn delete_project(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    caller.admin().projects().delete(call.named("account"), call.named("project")).await?;
    Ok(nothing())
}

/// `PUT /v1/admin/issuers`
pub async fn put_issuer(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let spec: IssuerSpec = call.json()?;
    let receipt = caller.identity().issuers().put(&spec).await?;
    if receipt.keys.is_empty() || !receipt.skipped.is_empty() {
        let (issuer, skipped) = (&receipt.issuer, receipt.skipped.join("; "));
        tracing::warn!(issuer, skipped, unreachable = receipt.unreachable, "keys of an issuer are not used");
    }
    ok(&receipt)
}

/// `GET /v1/admin/issuers`
pub async fn list_issuers(_: App, call: Call) -> Answer {
    ok(&IssuerList { issuers: call.caller()?.identity().issuers().list().await? })
}

/// `DELETE /v1/admin/issuers`: an issuer is an address, so it stands in the query.
pub async fn remove_issuer(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    caller.identity().issuers().remove(&call.query("issuer")?.unwrap_or_default()).await?;
    Ok(nothing())
}

/// `GET /v1/admin/identity`
pub async fn settings(_: App, call: Call) -> Answer {
    ok(&call.caller()?.identity().settings().await?)
}

/// `PATCH /v1/admin/identity`: what is not given stays. The issuer is the address this server is reached by, and not changed
/// under its feet.
pub async fn change_settings(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let given: Map<String, Value> = call.json()?;
    let current = caller.identity().settings().await?;
    if given.get("issuer").is_some_and(|issuer| *issuer != current.issuer.as_str()) {
        return Err(Error::invalid("issuer_invalid", "the issuer is set when the server starts")
            .with_help("start it with --issuer"));
    }
    let mut fields =
        serde_json::to_value(&current).map_err(|_| Error::internal("the settings could not be written"))?;
    if let Value::Object(fields) = &mut fields {
        fields.extend(given);
    }
    let settings: IdentitySettings = from_value(fields)?;
    ok(&caller.identity().put_settings(settings).await?)
}

/// `POST /v1/admin/signing-keys/rotate`
pub async fn rotate_signing_key(_: App, call: Call) -> Answer {
    call.caller()?.identity().tokens().rotate_signing_key().await?;
    Ok(nothing())
}

/// `GET /v1/admin/keys/{id}`
pub async fn key(_: App, call: Call) -> Answer {
    ok(&call.caller()?.identity().keys().get(call.named("id")).await?)
}

/// `POST /v1/admin/keys/{id}/revoke`
pub async fn revoke_key(_: App, call: Call) -> Answer {
    ok(&call.caller()?.identity().keys().revoke(call.named("id")).await?)
}

/// `POST /v1/admin/tokens`
pub async fn issue_token(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let spec: TokenSpec = call.json()?;
    json(StatusCode::CREATED, &caller.identity().tokens().issue(&spec).await?)
}

/// `POST /v1/admin/grants`
pub async fn create_grant(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let spec: GrantSpec = call.json()?;
    json(StatusCode::CREATED, &caller.admin().grants().create(&spec).await?)
}

/// `GET /v1/admin/grants`
pub async fn list_grants(_: App, call: Call) -> Answer {
    ok(&GrantList { grants: call.caller()?.admin().grants().list().await? })
}

/// `DELETE /v1/admin/grants/{id}`
pub async fn revoke_grant(_: App, call: Call) -> Answer {
    call.caller()?.admin().grants().revoke(call.named("id")).await?;
    Ok(nothing())
}

/// `GET /v1/admin/grants/uses`
pub async fn grant_uses(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let (range, limit) = range_and_limit(&call)?;
    ok(&RecordList { records: caller.admin().grants().uses(range, limit).await? })
}

/// What of a chain is read: `after` (a sequence) or `since` (a time or a duration), `before` (a sequence), `order`, `limit`.
pub(super) fn range_and_limit(call: &Call) -> tenantry::Result<(AuditRange, usize)> {
    let since = match (call.number("after")?, call.query("since")?) {
        (Some(_), Some(_)) => {
            return Err(tenantry::Error::invalid("query_invalid", "either `after` or `since`, not both"));
        }
        (Some(after), None) => Since::Sequence(after),
        (None, Some(since)) => Since::parse(&since)?,
        (None, None) => Since::Start,
    };
    let limit = call.number("limit")?.unwrap_or(100);
    let order = match call.query("order")?.as_deref() {
        None | Some("oldest") => AuditOrder::Oldest,
        Some("newest") => AuditOrder::Newest,
        Some(_) => return Err(tenantry::Error::invalid("query_invalid", "`order` is `oldest` or `newest`")),
    };
    let range = AuditRange { since, before: call.number("before")?, order };
    Ok((range, usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// `GET /v1/whoami`
pub async fn whoami(_: App, call: Call) -> Answer {
    let caller = call.tenant()?.caller().ok_or_else(|| tenantry::Error::internal("a caller without a credential"))?;
    ok(caller)
}
