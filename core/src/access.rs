//! Who acts, and whether they may: the only door of authorization. Every operation and every guard call passes [`authorize`];
//! nothing above it checks a credential for itself.

mod authenticate;
mod crossing;
mod provision;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

pub use authenticate::{authenticate, sign_in, verified_caller, verify};
pub use crossing::home_of;
pub use provision::{DEV_ACCOUNT, auto_create, refuse_successor};

use crate::{
    api::{Identity, Principal, Status},
    error::{Error, ErrorKind, Result},
    identity::{self, CrossTenantAccess, Owner, Permissions, Verified},
    rooms::Rooms,
    scope::{self, Layer, Scope},
    tenant::Instance,
};

/// Whose the changes of the embedding process are.
pub const PROCESS: &str = "process";

/// Who acts: the embedding process, or whoever a credential was verified for; both may act on behalf of somebody they name.
#[derive(Clone, Default)]
pub struct Caller {
    /// What was verified; nothing for the process itself.
    pub authenticated: Option<Arc<Authenticated>>,
    /// On whose behalf, where somebody is named.
    pub acting_as: Option<Arc<Principal>>,
}

/// What a caller with a credential rests on. It holds no credential; every use asks whether that still stands.
pub struct Authenticated {
    /// What was verified.
    pub verified: Arc<Verified>,
    /// Who that is, as it was then.
    pub identity: Identity,
    /// Who acts, as the tenant acted in sees it.
    pub principal: Principal,
    /// Recorded with each call: on whose behalf a machine says it acts.
    pub headers: BTreeMap<String, String>,
    /// The grant it came in by, when the tenant is not its own, and the scope it came from.
    pub crossing: Option<(CrossTenantAccess, Scope)>,
}

impl From<Authenticated> for Caller {
    fn from(authenticated: Authenticated) -> Self {
        Self { authenticated: Some(Arc::new(authenticated)), acting_as: None }
    }
}

impl Caller {
    /// The embedding process itself.
    #[must_use]
    pub fn process() -> Self {
        Self::default()
    }

    /// The same caller on behalf of `principal`.
    ///
    /// # Errors
    /// `outside_authority` for one that came from another tenant: it acts for nobody else.
    pub fn acting_as(&self, principal: Principal) -> Result<Self> {
        if self.is_guest() {
            return Err(scope::outside());
        }
        Ok(Self { acting_as: Some(Arc::new(principal)), authenticated: self.authenticated.clone() })
    }

    /// Whether it came into the tenant it acts in by a grant.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        self.authenticated.as_ref().is_some_and(|own| own.crossing.is_some())
    }

    /// Whether it is the process, or has a credential that reaches everything.
    #[must_use]
    pub fn is_platform(&self) -> bool {
        self.authenticated.as_ref().is_none_or(|own| own.verified.authority.is_platform())
    }

    /// Who acts in a guard call, and who vouches for that.
    #[must_use]
    pub fn principal(&self) -> (Principal, Cow<'static, str>) {
        match (&self.acting_as, &self.authenticated) {
            (Some(named), _) => ((**named).clone(), Cow::Borrowed(identity::PROCESS)),
            (None, Some(own)) => (own.principal.clone(), own.verified.principal_issuer()),
            (None, None) => (Principal::process(), Cow::Borrowed(identity::PROCESS)),
        }
    }

    /// The scopes that bound guard calls by its credential; a principal it acts for is no way around them.
    #[must_use]
    pub fn scopes(&self) -> Option<Vec<String>> {
        self.authenticated.as_ref().and_then(|own| own.verified.scopes())
    }

    /// Whose its changes are, for the audit.
    #[must_use]
    pub fn name(&self) -> &str {
        let own = || self.authenticated.as_ref().map(|own| &own.verified.principal);
        self.acting_as.as_deref().or_else(own).map_or(PROCESS, |principal| &principal.id)
    }

    /// As what it makes and sees credentials, where it acts in `scope`.
    #[must_use]
    pub fn owner<'a>(&'a self, scope: Option<&'a Scope>) -> Owner<'a> {
        match (&self.authenticated, scope) {
            (Some(own), _) => Owner::Caller(&own.verified),
            (None, Some(scope)) => Owner::ProcessIn(scope),
            (None, None) => Owner::Process,
        }
    }
}

/// What has to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing, not even a credential: what is given is the credential.
    Open,
    /// A credential that stands.
    Caller,
    /// This permission.
    Permission(&'static str),
}

/// Where it has to be held.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// Wherever the caller reaches; the operation looks that up.
    Reach,
    /// The whole platform.
    Platform,
    /// A project, at one of its layers.
    Tenant(&'a Instance, Layer),
}

/// What one use asks for.
#[derive(Clone, Copy)]
pub struct Demand<'a> {
    /// What has to be held.
    pub needs: Needs,
    /// Which part of the installation it has to be held for.
    pub place: Place<'a>,
    /// What a grant has to name for a guest; nothing where none opens it.
    pub crosses: &'a [&'a str],
    /// Whether a suspended tenant is refused. Guard calls deny it instead, as a decision.
    pub refuses_suspended: bool,
}

/// Refuses whoever may not do what is asked. Uses of grants are written down before it returns.
///
/// # Errors
/// `outside_authority`, `scope_missing`, `tenant_suspended`, and whatever ended the credential.
pub async fn authorize(rooms: &Rooms, caller: &Caller, demand: Demand<'_>) -> Result<()> {
    let Some(own) = &caller.authenticated else { return Ok(()) };
    if demand.needs == Needs::Open {
        return Ok(());
    }
    let scope = match demand.place {
        Place::Reach => None,
        Place::Platform => {
            own.verified.authority.check_platform()?;
            None
        }
        Place::Tenant(instance, layer) => {
            match &own.crossing {
                None => own.verified.authority.covers(&instance.scope().at(layer)?)?,
                // A grant opens one project, and nothing above it.
                Some(_) if layer == Layer::Project => {}
                Some(_) => return Err(scope::outside()),
            }
            Some(instance.scope())
        }
    };
    if own.crossing.is_some() && demand.crosses.is_empty() {
        return Err(scope::outside());
    }
    let now = rooms.clock.now();
    rooms.identity.check(&own.verified, now).await?;
    if let (Place::Tenant(instance, _), true) = (demand.place, demand.refuses_suspended) {
        refuse_suspended(rooms, instance).await?;
    }
    if let Needs::Permission(permission) = demand.needs {
        permissions_of(rooms, own).await?.require(permission)?;
    }
    match (&own.crossing, scope) {
        (Some((access, from)), Some(to)) => {
            Box::pin(crossing::used(rooms, own, access, from, to, demand.crosses, now)).await
        }
        (Some(_), None) => Err(scope::outside()),
        (None, _) => Ok(()),
    }
}

async fn permissions_of(rooms: &Rooms, own: &Authenticated) -> Result<Permissions> {
    rooms.identity.permissions_of(&own.verified).await
}

/// Refuses a caller that lacks one of `scopes`, in the tenant it acts in. The process itself holds none.
///
/// # Errors
/// `scope_missing`, and those of [`authorize`].
pub async fn require_scopes(rooms: &Rooms, caller: &Caller, to: &Instance, scopes: &[String]) -> Result<()> {
    let now = rooms.clock.now();
    if let Some(own) = &caller.authenticated {
        rooms.identity.check(&own.verified, now).await?;
        refuse_suspended(rooms, to).await?;
        if let Some((_, from)) = &own.crossing
            && home_of(rooms, &own.verified).await? != *from
        {
            return Err(scope::outside());
        }
        let held = permissions_of(rooms, own).await?;
        for scope in scopes {
            held.require(scope)?;
            if let Some((access, _)) = &own.crossing {
                // In another tenant a caller holds what a grant names, as far as it holds it at all.
                rooms.identity.check_cross_tenant_access(access, to.scope(), Some(scope), now).await?;
            }
        }
    }
    let held = match &caller.acting_as {
        Some(principal) => {
            let table = rooms.identity.settings().await?.roles;
            Permissions::of(&principal.scopes, &principal.roles, &table)
        }
        None if caller.authenticated.is_some() => return Ok(()),
        None => Permissions::default(),
    };
    scopes.iter().try_for_each(|scope| held.require(scope))
}

async fn refuse_suspended(rooms: &Rooms, instance: &Instance) -> Result<()> {
    if rooms.tenants.snapshot(instance).await?.status == Status::Suspended { Err(suspended()) } else { Ok(()) }
}

/// Refuses what is done in a scope that is suspended, or lies in one.
///
/// # Errors
/// `tenant_suspended`.
pub async fn refuse_suspended_scope(rooms: &Rooms, scope: &Scope) -> Result<()> {
    if rooms.tenants.status_of(scope).await? == Status::Suspended { Err(suspended()) } else { Ok(()) }
}

fn suspended() -> Error {
    Error::new(ErrorKind::Unauthenticated, "tenant_suspended", "the tenant is suspended")
}

/// What does not exist reads as what lies elsewhere; an outage stays one.
#[must_use]
pub fn mask_not_found(error: Error) -> Error {
    if error.kind() == ErrorKind::NotFound { scope::outside() } else { error }
}
