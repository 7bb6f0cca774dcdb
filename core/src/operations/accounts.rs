//! Operations on accounts.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::json;

use super::{Authorized, Done, Nothing};
use crate::{
    api::{Account, AccountSpec, FactsSpec, Page, Status, TenantFacts},
    error::{Error, ErrorKind, Result},
    rooms::Rooms,
    scope::{Layer, Scope},
    tenant::check_facts,
};

/// How often `ensure` looks again where others create and delete the same name meanwhile.
pub const ENSURE_TRIES: usize = 16;
/// The code of a name that is taken.
pub const EXISTS: &str = "scope_exists";

async fn created(rooms: &Rooms, id: &str, facts: TenantFacts) -> Result<Done<Account>> {
    let (scope, account) = rooms.tenants.create_account(id, facts).await?;
    Ok(Done::from(account).row(&scope, json!({ "account": id })))
}

/// Behind `accounts.create`.
pub async fn create(rooms: &Arc<Rooms>, _: &Authorized, input: AccountSpec) -> Result<Done<Account>> {
    let (id, facts) = input.into_parts();
    created(rooms, &id, facts).await
}

/// Behind `accounts.ensure`.
pub async fn ensure(rooms: &Arc<Rooms>, at: &Authorized, input: FactsSpec) -> Result<Done<Account>> {
    let (id, facts) = (at.account(), TenantFacts::from(input));
    check_facts(&facts)?;
    for _ in 0..ENSURE_TRIES {
        match rooms.tenants.get_account(id).await {
            Ok(account) => {
                agreed(&format!("account `{id}`"), &account.facts, &facts)?;
                return Ok(account.into());
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        match created(rooms, id, facts.clone()).await {
            // Somebody else made it meanwhile, or there is one that differs in case: the next look tells.
            Err(error) if error.code() == EXISTS => {}
            made => return made,
        }
    }
    created(rooms, id, facts).await
}

/// Behind `accounts.get`.
pub async fn get(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Account>> {
    Ok(rooms.tenants.get_account(at.account()).await?.into())
}

/// Behind `accounts.list`.
pub async fn list(rooms: &Arc<Rooms>, _: &Authorized, _: Nothing) -> Result<Done<Page<Account>>> {
    Ok(Page::from(rooms.tenants.list_accounts().await?).into())
}

/// Behind `accounts.suspend`.
pub async fn suspend(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Account>> {
    set_status(rooms, at, Status::Suspended).await
}

/// Behind `accounts.resume`.
pub async fn resume(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Account>> {
    set_status(rooms, at, Status::Active).await
}

async fn set_status(rooms: &Rooms, at: &Authorized, status: Status) -> Result<Done<Account>> {
    let (scope, account) = rooms.tenants.set_account_status(at.account(), status).await?;
    let body = json!({ "account": at.account(), "status": status.name() });
    Ok(Done::from(account).row(&scope, body))
}

/// Behind `accounts.delete`.
pub async fn delete(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<()>> {
    let id = at.account();
    // Nobody is made up under the name in between; and first what can be done again, since the deletion cannot.
    let turn = rooms.changes.of_registry().await;
    rooms.tenants.get_account(id).await?;
    rooms.identity.forget_account(&rooms.tenants.platform(), id).await?;
    super::grants::end_of(rooms, &rooms.tenants.scope_of(id, "").await?).await?;
    let mut done = Done::from(()).keeping(turn);
    for scope in rooms.tenants.delete_account(id).await? {
        forget(rooms, &scope).await?;
        if scope.layer() == Layer::Account {
            done = done.row(&scope, json!({ "account": id }));
        }
    }
    Ok(done)
}

/// Forgets what was kept for a scope that was deleted; its audit trail stays.
pub async fn forget(rooms: &Rooms, scope: &Scope) -> Result<()> {
    rooms.sessions.forget(scope).await?;
    rooms.identity.forget_revoked(scope).await?;
    rooms.quota.forget(scope).await
}

/// Refuses facts that what exists has not; those that are not given are not asked for.
///
/// # Errors
/// `facts_differ`.
pub fn agreed(what: &str, has: &TenantFacts, asked: &TenantFacts) -> Result<()> {
    let differ = |name: &str, has: &str, asked: &str| {
        let has = if has.is_empty() { format!("no {name}") } else { format!("the {name} `{has}`") };
        Error::conflict("facts_differ", format!("{what} exists and has {has}, not `{asked}`"))
            .with_help(format!("ensure changes nothing that exists: leave the {name} out to take it as it is"))
    };
    let texts =
        [("tier", &has.tier, &asked.tier), ("plan", &has.plan, &asked.plan), ("region", &has.region, &asked.region)];
    for (name, has, asked) in texts {
        if !asked.is_empty() && has != asked {
            return Err(differ(name, has, asked));
        }
    }
    let labels = |facts: &TenantFacts| facts.labels.iter().cloned().collect::<BTreeSet<_>>();
    if !asked.labels.is_empty() && labels(has) != labels(asked) {
        return Err(differ("labels", &has.labels.join(", "), &asked.labels.join(", ")));
    }
    Ok(())
}
