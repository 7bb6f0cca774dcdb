//! Operations on API keys: each within what its owner reaches, and in the audit of the scope it is about.

use std::sync::Arc;

use serde_json::json;

use super::{Authorized, Done};
use crate::{
    access::{self, mask_not_found, refuse_suspended_scope},
    api::{ApiKey, KeyFilter, KeyRef, KeyRotation, KeySpec, NewApiKey, Page},
    error::{ErrorKind, Result},
    identity::{self, USERS},
    rooms::Rooms,
    scope::{Authority, Id, Scope},
};

/// Behind `keys.create`.
pub async fn create(rooms: &Arc<Rooms>, at: &Authorized, spec: KeySpec) -> Result<Done<NewApiKey>> {
    if !spec.subject.is_empty() {
        // Its holder is somebody else to policies: naming people is another right than making keys.
        at.require(rooms, USERS).await?;
    }
    let scope = place(rooms, at, &spec.account_id, &spec.project_id).await?;
    // Whoever imports a hash takes in whoever holds the key: only the platform knows whose it is.
    if !spec.import_sha256.is_empty() && !at.caller.is_platform() {
        return Err(crate::scope::outside());
    }
    let made = rooms.identity.create_key(at.caller.owner(at.scope()), &scope, &spec).await?;
    let body = json!({ "key": made.record.id, "name": made.record.name, "scopes": made.record.scopes,
        "by": made.record.created_by, "imported": made.key.is_empty() });
    Ok(Done::from(made).row(&scope, body))
}

/// Behind `keys.list`.
pub async fn list(rooms: &Arc<Rooms>, at: &Authorized, input: KeyFilter) -> Result<Done<Page<ApiKey>>> {
    let (account, project) = (input.account_id.unwrap_or_default(), input.project_id.unwrap_or_default());
    let scope = place(rooms, at, &account, &project).await?;
    Ok(Page::from(rooms.identity.keys_of(&scope).await?).into())
}

/// Behind `keys.get`.
pub async fn get(rooms: &Arc<Rooms>, at: &Authorized, input: KeyRef) -> Result<Done<ApiKey>> {
    let scope = scope_of_key(rooms, at, &input.id).await?;
    Ok(rooms.identity.key_of(&scope, &input.id).await?.into())
}

/// Behind `keys.revoke`.
pub async fn revoke(rooms: &Arc<Rooms>, at: &Authorized, input: KeyRef) -> Result<Done<ApiKey>> {
    let scope = scope_of_key(rooms, at, &input.id).await?;
    let record = rooms.identity.revoke_key(&scope, &input.id).await?;
    Ok(Done::from(record).row(&scope, json!({ "key": input.id })))
}

/// Behind `keys.rotate`.
pub async fn rotate(rooms: &Arc<Rooms>, at: &Authorized, input: KeyRotation) -> Result<Done<NewApiKey>> {
    let (id, overlap_seconds) = (&input.id, input.overlap_seconds.unwrap_or_default());
    let scope = scope_of_key(rooms, at, id).await?;
    // Who holds the successor is whom the key names; a key that replaces itself is that already.
    let own = at.caller.authenticated.as_ref().is_some_and(|own| own.verified.id == *id);
    let key = rooms.identity.key_of(&scope, id).await?;
    if !own && rooms.identity.names_somebody(&key.subject) {
        at.require(rooms, USERS).await?;
    }
    let made = rooms.identity.rotate_key(at.caller.owner(at.scope()), &scope, id, overlap_seconds).await?;
    let body = json!({ "key": id, "successor": made.record.id, "overlap_seconds": overlap_seconds });
    Ok(Done::from(made).row(&scope, body))
}

/// The scope that `account` and `project` name, empty for the caller's own; refused when it lies outside its reach.
pub async fn place(rooms: &Rooms, at: &Authorized, account: &str, project: &str) -> Result<Scope> {
    // What the path names is not left by what the body says.
    let elsewhere = |named: &str, given: &str| !named.is_empty() && !given.is_empty() && named != given;
    if elsewhere(at.account(), account) || elsewhere(at.project(), project) {
        return Err(crate::scope::outside());
    }
    let account = if account.is_empty() { at.account() } else { account };
    let project = if project.is_empty() { at.project() } else { project };
    let caller = at.caller.authenticated.as_deref();
    let own = at.scope().filter(|_| account.is_empty() && project.is_empty());
    let scope = match (own, at.scope().and_then(Scope::account_id)) {
        (Some(own), _) => own.clone(),
        (None, home) => match caller {
            // No project named, and none acted in: where the credential is at home.
            Some(caller) if home.is_none() && account.is_empty() && project.is_empty() => {
                scope_for(rooms, &caller.verified.authority).await.map_err(mask_not_found)?
            }
            _ => {
                let account = if account.is_empty() { home.map_or("", Id::as_str) } else { account };
                let found = rooms.tenants.scope_of(account, project).await;
                // Another tenant's scope and one that never was are the same to a caller.
                if caller.is_some() { found.map_err(mask_not_found)? } else { found? }
            }
        },
    };
    at.caller.owner(at.scope()).reaches(&scope)?;
    if caller.is_some() {
        refuse_suspended_scope(rooms, &scope).await?;
    }
    // A token of another issuer knows names only, and a name may have been given to somebody else since.
    if !at.caller.is_platform() && at.scope().is_some_and(|own| own.account_uid() != scope.account_uid()) {
        return Err(crate::scope::outside());
    }
    Ok(scope)
}

/// The scope an authority is about: its one project, else its account, else the platform.
pub async fn scope_for(rooms: &Rooms, authority: &Authority) -> Result<Scope> {
    let account = authority.account_id().map_or("", Id::as_str);
    let project = authority.only().map_or("", |(_, project)| project.as_str());
    rooms.tenants.scope_of(account, project).await
}

/// Where a key lives: in the project acted in, or without one wherever the caller reaches. A key elsewhere is answered like one
/// that never was.
async fn scope_of_key(rooms: &Rooms, at: &Authorized, id: &str) -> Result<Scope> {
    let place = rooms.identity.key_place(id).await?;
    let found = rooms.tenants.scope_of(&place.account_id(), &place.project_id()).await;
    let owner = at.caller.owner(at.scope());
    let in_account = |scope: &Scope| scope.account_id().is_some_and(|id| id.as_str() == at.account());
    let here = |scope: &Scope| {
        at.scope().is_none_or(|own| own == scope)
            && (at.account().is_empty() || in_account(scope))
            && owner.reaches(scope).is_ok()
    };
    match found {
        Ok(scope) if here(&scope) => {
            if at.caller.authenticated.is_some() {
                access::refuse_suspended_scope(rooms, &scope).await?;
            }
            Ok(scope)
        }
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Err(identity::unknown_key()),
    }
}
