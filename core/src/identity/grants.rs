//! Cross-tenant grants: the only way from one tenant into another, named from both sides, for a time, for actions. Owns
//! their rows and what is allowed through them.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{CredentialRow, IdentityService, Kind, Verified, json, parsed};
use crate::{
    api::{Grant, GrantSpec, Principal},
    clock::{Now, rfc3339},
    context_keys::Action,
    entropy,
    error::{Error, ErrorKind, Result},
    scope::{self, Id, Scope, Uid},
};

const MAX_SECONDS: u64 = 366 * 86_400;
/// Most living grants of one account.
const MAX_GRANTS: usize = 1_000;
/// What a principal from elsewhere is called; no tenant's own may be.
pub const FOREIGN: &str = "cross-tenant:";

#[derive(Clone, Serialize, Deserialize)]
struct Body {
    grant: Grant,
    from_account: Uid,
    from_project: Option<Uid>,
    to_project: Uid,
    until: i64,
}

/// From where into which project of another tenant a handle came. What it may do there is asked of the grants at each use.
#[derive(Clone)]
pub struct CrossTenantAccess {
    from_account: Uid,
    from_name: String,
    from_project: Option<Uid>,
    /// The project acted in.
    pub to_project: Id,
    to: Uid,
}

impl CrossTenantAccess {
    /// The principal as the other tenant sees it: never one of its own, with none of its roles.
    #[must_use]
    pub fn principal(&self, of: &Principal) -> Principal {
        Principal {
            kind: of.kind,
            id: format!("{FOREIGN}{}:{}", self.from_name, of.id),
            roles: Vec::new(),
            scopes: of.scopes.clone(),
        }
    }
}

/// All grants, by the account whose principals they let act.
#[derive(Default)]
pub struct Grants(HashMap<Uid, Vec<Arc<Body>>>);

impl Grants {
    /// The grants of stored rows.
    pub fn read(rows: &[CredentialRow]) -> Result<Self> {
        let mut grants: HashMap<Uid, Vec<_>> = HashMap::new();
        for row in rows {
            let body: Body = parsed(row)?;
            grants.entry(body.from_account).or_default().push(Arc::new(body));
        }
        Ok(Self(grants))
    }

    /// Living grants that principals of one place may use.
    fn of(&self, account: Uid, project: Option<Uid>, now: i64) -> impl Iterator<Item = &Arc<Body>> {
        let all = self.0.get(&account).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(move |body| body.until > now && (body.from_project.is_none() || body.from_project == project))
    }
}

fn well_known(action: &str) -> bool {
    Action::parse(action).is_some() || action == super::READ || action == super::MANAGE
}

impl IdentityService {
    /// Adds a grant between two scopes that exist.
    pub async fn create_grant(&self, from: &Scope, to: &Scope, spec: &GrantSpec) -> Result<Grant> {
        let refuse = |message: &str| Err(Error::invalid("grant_spec_invalid", message));
        let now = self.clock.now().wall_micros;
        if from.account_uid() == to.account_uid() {
            return refuse("both sides are one account; its own credentials can be given more projects instead");
        }
        if spec.actions.is_empty() || spec.actions.len() > 32 || !spec.actions.iter().all(|action| well_known(action)) {
            return refuse("`actions` names actions of guard calls, `tenant:read` or `tenant:manage`");
        }
        if spec.expires_in_seconds == 0 || spec.expires_in_seconds > MAX_SECONDS {
            return refuse("a grant ends: `expires_in_seconds` is 1 to 366 days");
        }
        if spec.reason.trim().is_empty() || spec.reason.len() > 512 {
            return refuse("`reason` says why, in up to 512 bytes: both tenants read it in their audit");
        }
        let until = now.saturating_add(i64::try_from(spec.expires_in_seconds * 1_000_000).unwrap_or(i64::MAX));
        let id = data_encoding::BASE32_DNSSEC.encode(&entropy::bytes::<10>()?);
        let grant = Grant {
            id: id.clone(),
            from_account: spec.from_account.clone(),
            from_project: spec.from_project.clone(),
            to_account: spec.to_account.clone(),
            to_project: spec.to_project.clone(),
            actions: spec.actions.clone(),
            reason: spec.reason.clone(),
            created_at: rfc3339(now),
            until: rfc3339(until),
        };
        let body = Body {
            grant: grant.clone(),
            from_account: from.account_uid(),
            from_project: from.project_id().map(|_| from.uid()),
            to_project: to.uid(),
            until,
        };
        let row = CredentialRow::new(Kind::Grant, from, id, json(&body)?, until);
        self.store.insert(vec![row], Some((MAX_GRANTS, now))).await?;
        self.changed().await?;
        Ok(grant)
    }

    /// Removes the grants from and to a scope that is about to be deleted, and gives them.
    pub async fn forget_grants(&self, of: &Scope) -> Result<Vec<Grant>> {
        let config = self.config().await?;
        let account = of.account_id().map(Id::as_str);
        let names = |body: &Body| {
            if of.project_id().is_some() {
                body.from_project == Some(of.uid()) || body.to_project == of.uid()
            } else {
                body.from_account == of.uid() || Some(body.grant.to_account.as_str()) == account
            }
        };
        let gone: Vec<Grant> =
            config.grants.0.values().flatten().filter(|body| names(body)).map(|body| body.grant.clone()).collect();
        for grant in &gone {
            self.store.remove(Kind::Grant, &grant.id).await?;
        }
        if !gone.is_empty() {
            self.changed().await?;
        }
        Ok(gone)
    }

    /// Forgets what was revoked in a scope that was deleted.
    pub async fn forget_revoked(&self, scope: &Scope) -> Result<()> {
        self.store.forget_revoked(scope).await
    }

    /// All grants that have not ended, by id.
    pub async fn grants(&self) -> Result<Vec<Grant>> {
        let now = self.clock.now().wall_micros;
        let config = self.config().await?;
        let all = config.grants.0.values().flatten().filter(|body| body.until > now);
        let mut living: Vec<Grant> = all.map(|body| body.grant.clone()).collect();
        living.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(living)
    }

    /// Ends a grant, at once for every handle that came through it.
    pub async fn revoke_grant(&self, id: &str) -> Result<Grant> {
        let missing = || Error::not_found("grant_not_found", "there is no such grant");
        let row = self.store.find(Kind::Grant, id).await?.ok_or_else(missing)?;
        let body: Body = parsed(&row)?;
        if !self.store.remove(Kind::Grant, id).await? {
            return Err(missing());
        }
        self.changed().await?;
        Ok(body.grant)
    }

    /// The way from the scope a credential is at home in to a project outside its authority; the refusal is the same
    /// whether that tenant exists or not.
    pub async fn cross_tenant_access(
        &self,
        verified: &Verified,
        from: &Scope,
        account: &Id,
        project: Option<&Id>,
    ) -> Result<CrossTenantAccess> {
        let now = self.clock.now().wall_micros;
        let config = self.config().await?;
        let from_project = verified.authority.only().map(|_| from.uid());
        let mut fitting: Vec<&Arc<Body>> = config
            .grants
            .of(from.account_uid(), from_project, now)
            .filter(|body| body.grant.to_account == account.as_str())
            .filter(|body| project.is_none_or(|project| body.grant.to_project == project.as_str()))
            .collect();
        if fitting.is_empty() {
            // One of its own may be what is missing.
            let own = [Some(from.account_uid()), Some(from.uid())];
            config.trusts(|row| row.kind == Some(Kind::Grant) && own.contains(&row.scope))?;
        }
        let first = fitting.pop().ok_or_else(scope::outside)?;
        if fitting.iter().any(|other| other.to_project != first.to_project) {
            return Err(Error::invalid("project_required", "grants reach several projects there; name one")
                .with_help("send `X-Project-ID`"));
        }
        Ok(CrossTenantAccess {
            from_account: from.account_uid(),
            from_name: from.account_id().map(ToString::to_string).unwrap_or_default(),
            from_project,
            to_project: Id::parse("project", &first.grant.to_project)?,
            to: first.to_project,
        })
    }

    /// A grant that still stands and names `action`: asked at every use.
    pub async fn check_cross_tenant_access(
        &self,
        crossing: &CrossTenantAccess,
        to: &Scope,
        action: Option<&str>,
        now: Now,
    ) -> Result<Grant> {
        let refused = |code, message: String| Error::new(ErrorKind::PermissionDenied, code, message);
        let config = self.config().await?;
        let standing: Vec<&Arc<Body>> = config
            .grants
            .of(crossing.from_account, crossing.from_project, now.wall_micros)
            .filter(|body| body.to_project == crossing.to && crossing.to == to.uid())
            .collect();
        let first =
            standing.first().ok_or_else(|| refused("grant_ended", "the cross-tenant grant has ended".into()))?;
        let Some(action) = action else { return Ok(first.grant.clone()) };
        let naming = standing.iter().find(|body| body.grant.actions.iter().any(|own| own == action));
        naming
            .map(|body| body.grant.clone())
            .ok_or_else(|| refused("grant_insufficient", format!("the cross-tenant grant does not cover `{action}`")))
    }
}
