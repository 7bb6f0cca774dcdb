//! Operations on projects.

use std::sync::Arc;

use serde_json::json;

use super::{
    Authorized, Done, Nothing,
    accounts::{ENSURE_TRIES, EXISTS, agreed, forget},
};
use crate::{
    api::{FactsSpec, Mode, Page, Project, ProjectSpec, Status, TenantFacts},
    error::{ErrorKind, Result},
    rooms::Rooms,
    tenant::check_facts,
};

async fn created(rooms: &Rooms, account: &str, id: &str, facts: TenantFacts) -> Result<Done<Project>> {
    // Dev projects start lax, so that a first policy can be watched before it bites.
    let floor = if rooms.dev { Mode::Monitor } else { Mode::Enforce };
    let (scope, project) = rooms.tenants.create_project(account, id, facts, floor).await?;
    Ok(Done::from(project).row(&scope, json!({ "account": account, "project": id })))
}

/// Behind `projects.create`.
pub async fn create(rooms: &Arc<Rooms>, at: &Authorized, input: ProjectSpec) -> Result<Done<Project>> {
    let (id, facts) = input.into_parts();
    created(rooms, at.account(), &id, facts).await
}

/// Behind `projects.ensure`.
pub async fn ensure(rooms: &Arc<Rooms>, at: &Authorized, input: FactsSpec) -> Result<Done<Project>> {
    let (account, id, facts) = (at.account(), at.project(), TenantFacts::from(input));
    check_facts(&facts)?;
    rooms.tenants.get_account(account).await?;
    for _ in 0..ENSURE_TRIES {
        match rooms.tenants.get_project(account, id).await {
            Ok(found) => {
                agreed(&format!("project `{account}/{id}`"), &found.facts, &facts)?;
                return Ok(found.into());
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        match created(rooms, account, id, facts.clone()).await {
            Err(error) if error.code() == EXISTS => {}
            made => return made,
        }
    }
    created(rooms, account, id, facts).await
}

/// Behind `projects.get`.
pub async fn get(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Project>> {
    Ok(rooms.tenants.get_project(at.account(), at.project()).await?.into())
}

/// Behind `projects.list`.
pub async fn list(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Page<Project>>> {
    Ok(Page::from(rooms.tenants.list_projects(at.account()).await?).into())
}

/// Behind `projects.suspend`.
pub async fn suspend(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Project>> {
    set_status(rooms, at, Status::Suspended).await
}

/// Behind `projects.resume`.
pub async fn resume(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Project>> {
    set_status(rooms, at, Status::Active).await
}

async fn set_status(rooms: &Rooms, at: &Authorized, status: Status) -> Result<Done<Project>> {
    let (scope, project) = rooms.tenants.set_project_status(at.account(), at.project(), status).await?;
    let body = json!({ "project": at.project(), "status": status.name() });
    Ok(Done::from(project).row(&scope, body))
}

/// Behind `projects.delete`.
pub async fn delete(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<()>> {
    let (account, id) = (at.account(), at.project());
    rooms.tenants.get_project(account, id).await?;
    super::grants::end_of(rooms, &rooms.tenants.scope_of(account, id).await?).await?;
    let scope = rooms.tenants.delete_project(account, id).await?;
    forget(rooms, &scope).await?;
    Ok(Done::from(()).row(&scope, json!({ "project": id })))
}
