//! Tenants that come into being because somebody verified names them: in dev mode, or where the platform opened that.

use serde_json::json;

use crate::{
    api::{AutoProvision, Mode, TenantFacts},
    error::{Error, ErrorKind, Result},
    identity::Verified,
    rooms::Rooms,
    scope::{self, DEFAULT_PROJECT, Id},
};

/// The account dev mode acts in when nobody names one.
pub const DEV_ACCOUNT: &str = "dev";
/// Who makes tenants up in dev mode.
const DEV: &str = "dev mode";
/// Most accounts and projects dev mode makes up.
const MAX_DEV_TENANTS: usize = 1_000;

/// Creates what dev mode has not seen, up to a cap; of several first callers one creates and the others find it.
///
/// # Errors
/// `dev_tenants_exhausted`.
pub async fn auto_create(rooms: &Rooms, account: &Id, project: &Id) -> Result<()> {
    let accounts = rooms.tenants.list_accounts().await?;
    let mut count = accounts.len();
    for account in &accounts {
        count += rooms.tenants.list_projects(&account.id).await?.len();
    }
    if count >= MAX_DEV_TENANTS {
        return Err(Error::new(
            ErrorKind::QuotaExceeded,
            "dev_tenants_exhausted",
            "dev mode makes at most 1,000 tenants up",
        ));
    }
    let ignore_existing = |result: Result<()>| match result {
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        other => other,
    };
    let (account, project) = (account.as_str(), project.as_str());
    ignore_existing(create(rooms, account, "").await)?;
    ignore_existing(create(rooms, account, project).await)
}

/// Creates an account, or a project of one, and the first row of its chain.
async fn create(rooms: &Rooms, account: &str, project: &str) -> Result<()> {
    let facts = TenantFacts::default();
    let (scope, kind, body) = if project.is_empty() {
        let (scope, _) = rooms.tenants.create_account(account, facts).await?;
        (scope, "account.create", json!({ "account": account, "by": DEV }))
    } else {
        // Lax at first, so that a policy can be watched before it bites.
        let (scope, _) = rooms.tenants.create_project(account, project, facts, Mode::Monitor).await?;
        (scope, "project.create", json!({ "account": account, "project": project, "by": DEV }))
    };
    rooms.audit_event(&scope, kind, body).await
}

/// Creates what a verified token names and nobody has seen, where the platform opened that: the projects the token itself
/// names, or `default`. A header selects, and creates nothing.
///
/// # Errors
/// `tenant_unknown` where it is not opened.
pub async fn provision(rooms: &Rooms, verified: &Verified, account: &Id, project: &Id, missing: Error) -> Result<()> {
    let settings: AutoProvision = rooms.identity.settings().await?.auto_provision;
    let named = verified.authority.project_ids().any(|own| own == project) || project.as_str() == DEFAULT_PROJECT;
    if !settings.enabled || !named {
        return Err(unknown(missing));
    }
    // One at a time: of two hundred first callers one creates, and the cap is counted right.
    let _one = rooms.changes.of_registry().await;
    if rooms.tenants.scope_of(account.as_str(), project.as_str()).await.is_ok() {
        return Ok(());
    }
    let exists = rooms.tenants.scope_of(account.as_str(), "").await.is_ok();
    if !exists && rooms.identity.is_retired(account.as_str()).await? {
        return Err(unknown(missing));
    }
    let body = json!({ "account": account.as_str(), "project": project.as_str() });
    let found = |error: Error| if error.code() == "scope_exists" { Ok(None) } else { Err(error) };
    let now = rooms.clock.now().wall_micros;
    // Another process may have been first; each scope that is new here is written down before the next is made.
    if let Some(scope) = rooms.tenants.provision_account(account, &settings, now).await.or_else(found)? {
        rooms.audit_event(&scope, "tenant.provision", body.clone()).await?;
    }
    if let Some(scope) = rooms.tenants.provision_project(account, project, &settings, now).await.or_else(found)? {
        rooms.audit_event(&scope, "tenant.provision", body).await?;
    }
    Ok(())
}

/// What a caller is told whose tenant is not there; an outage stays one.
pub fn unknown(missing: Error) -> Error {
    if missing.kind() == ErrorKind::NotFound {
        let text = "the tenant of this credential does not exist";
        Error::new(ErrorKind::PermissionDenied, "tenant_unknown", text)
    } else {
        missing
    }
}

/// Refuses a credential of a deleted account, which is told nothing of the next one of that name, not even which projects it
/// has.
///
/// # Errors
/// `outside_authority`.
pub async fn refuse_successor(rooms: &Rooms, verified: &Verified, account: &Id) -> Result<()> {
    match rooms.tenants.scope_of(account.as_str(), "").await {
        Ok(scope) if verified.authority.is_platform() || verified.authority.is_of(&scope) => Ok(()),
        Ok(_) => Err(scope::outside()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
