//! From one tenant into another by a grant: looked up when a caller comes in, asked again and written down at every use.

use std::sync::Arc;

use super::{Authenticated, Caller, mask_not_found, refuse_suspended, refuse_suspended_scope};
use crate::{
    api::Grant,
    clock::Now,
    error::Result,
    identity::{CrossTenantAccess, Verified},
    rooms::Rooms,
    scope::{self, Id, Scope},
    tenant::Instance,
};

/// Lets a caller into a tenant that is not its credential's own, where a grant does. Whether that tenant exists is not told.
pub async fn enter_by_grant(
    rooms: &Rooms,
    mut own: Authenticated,
    account: &Id,
    project: Option<&Id>,
) -> Result<(Arc<Instance>, Caller)> {
    let from = home_of(rooms, &own.verified).await?;
    let access = rooms.identity.cross_tenant_access(&own.verified, &from, account, project).await?;
    let instance = rooms.tenants.instance(account, &access.to_project).await.map_err(mask_not_found)?;
    rooms.identity.check_cross_tenant_access(&access, instance.scope(), None, rooms.clock.now()).await?;
    refuse_suspended(rooms, &instance).await?;
    own.principal = access.principal(&own.verified.principal);
    own.crossing = Some((access, from));
    Ok((instance, own.into()))
}

/// The scope a credential is at home in, its only project or else its account: there now, the one it was made for, and open.
pub async fn home_of(rooms: &Rooms, verified: &Verified) -> Result<Scope> {
    let account = verified.authority.account_id().ok_or_else(scope::outside)?;
    let project = verified.authority.only().map_or("", |(_, project)| project.as_str());
    let home = rooms.tenants.scope_of(account.as_str(), project).await.map_err(mask_not_found)?;
    let own =
        if project.is_empty() { verified.authority.is_of(&home) } else { verified.authority.covers(&home).is_ok() };
    if !own {
        return Err(scope::outside());
    }
    refuse_suspended_scope(rooms, &home).await?;
    Ok(home)
}

/// A use of a grant: it must still hold for everything that is used, and is written down.
pub async fn used(
    rooms: &Rooms,
    own: &Authenticated,
    access: &CrossTenantAccess,
    from: &Scope,
    to: &Scope,
    names: &[&str],
    now: Now,
) -> Result<()> {
    if home_of(rooms, &own.verified).await? != *from {
        return Err(scope::outside());
    }
    let mut used = Vec::with_capacity(names.len());
    for name in names {
        used.push((name, rooms.identity.check_cross_tenant_access(access, to, Some(name), now).await?));
    }
    for (name, grant) in used {
        audit_use(rooms, own, from, to, name, &grant).await?;
    }
    Ok(())
}

async fn audit_use(
    rooms: &Rooms,
    own: &Authenticated,
    from: &Scope,
    to: &Scope,
    name: &str,
    grant: &Grant,
) -> Result<()> {
    // Written before anything is done, in both tenants and in the stream of its own: a use that cannot be proved is none.
    let body = serde_json::json!({
        "grant": grant.id,
        "from_account": grant.from_account,
        "from_project": grant.from_project,
        "to_account": grant.to_account,
        "to_project": grant.to_project,
        "principal": own.verified.principal.id,
        "use": name,
        "reason": grant.reason,
    });
    for scope in [from, to, &rooms.tenants.crossings()] {
        rooms.audit_event(scope, "cross_tenant", body.clone()).await?;
    }
    Ok(())
}
