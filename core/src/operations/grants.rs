//! Operations on cross-tenant grants. Both sides' trails tell of them, and the stream of what crosses.

use std::sync::Arc;

use serde_json::Value;

use super::{Authorized, Done, Nothing};
use crate::{
    api::{AuditQuery, AuditRecord, Grant, GrantRef, GrantSpec, Page},
    error::{Error, Result},
    rooms::Rooms,
    scope::Scope,
};

/// Behind `grants.create`.
pub async fn create(rooms: &Arc<Rooms>, _: &Authorized, spec: GrantSpec) -> Result<Done<Grant>> {
    let from = rooms.tenants.scope_of(&spec.from_account, &spec.from_project).await?;
    if spec.from_account.is_empty() || spec.to_account.is_empty() || spec.to_project.is_empty() {
        let text = "a grant names an account it is from, and a project it is to";
        return Err(Error::invalid("grant_spec_invalid", text));
    }
    let to = rooms.tenants.scope_of(&spec.to_account, &spec.to_project).await?;
    let grant = rooms.identity.create_grant(&from, &to, &spec).await?;
    told(rooms, &grant, Done::from(grant.clone())).await
}

/// Behind `grants.list`.
pub async fn list(rooms: &Arc<Rooms>, _: &Authorized, _: Nothing) -> Result<Done<Page<Grant>>> {
    Ok(Page::from(rooms.identity.grants().await?).into())
}

/// Behind `grants.revoke`.
pub async fn revoke(rooms: &Arc<Rooms>, _: &Authorized, input: GrantRef) -> Result<Done<()>> {
    let grant = rooms.identity.revoke_grant(&input.id).await?;
    told(rooms, &grant, Done::from(())).await
}

/// Behind `grants.uses`.
pub async fn uses(rooms: &Arc<Rooms>, _: &Authorized, input: AuditQuery) -> Result<Done<Page<AuditRecord>>> {
    let (range, limit) = input.range()?;
    Ok(Page::from(rooms.audit.query(&rooms.tenants.crossings(), range, limit).await?).into())
}

/// Ends the grants of a scope that is about to be deleted.
pub async fn end_of(rooms: &Rooms, scope: &Scope) -> Result<()> {
    for grant in rooms.identity.forget_grants(scope).await? {
        for (scope, body) in rows(rooms, &grant).await? {
            rooms.audit_event(&scope, "grant.revoke", body).await?;
        }
    }
    Ok(())
}

async fn told<T>(rooms: &Rooms, grant: &Grant, mut done: Done<T>) -> Result<Done<T>> {
    for (scope, body) in rows(rooms, grant).await? {
        done = done.row(&scope, body);
    }
    Ok(done)
}

async fn rows(rooms: &Rooms, grant: &Grant) -> Result<Vec<(Scope, Value)>> {
    let body = serde_json::to_value(grant).map_err(|_| Error::internal("a grant could not be written"))?;
    let sides = [(&grant.from_account, &grant.from_project), (&grant.to_account, &grant.to_project)];
    let mut rows = Vec::with_capacity(3);
    for (account, project) in sides {
        // A side that was deleted has no chain any more; the other one's still tells.
        if let Ok(scope) = rooms.tenants.scope_of(account, project).await {
            rows.push((scope, body.clone()));
        }
    }
    rows.push((rooms.tenants.crossings(), body));
    Ok(rows)
}
