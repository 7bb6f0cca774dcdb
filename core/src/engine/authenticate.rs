//! From what a caller presents to the one project it acts in: verify, select within the authority, and only then look the
//! tenant up. The one door through which headers come in; nothing else reads them.

use std::{collections::BTreeMap, sync::Arc};

use super::Engine;
use crate::{
    api::{AutoProvision, CredentialKind, Grant, Identity, Presented, Principal, Status, TenantFacts},
    clock::Now,
    error::{Error, ErrorKind, Result},
    identity::{self, Asked, Crossing, Verified},
    scope::{self, DEFAULT_PROJECT, Id, Scope},
    tenant::Instance,
};

/// The account dev mode acts in when nobody names one.
pub const DEV_ACCOUNT: &str = "dev";
/// Most accounts and projects dev mode makes up.
const MAX_DEV_TENANTS: usize = 1_000;

/// What a handle from `authenticate` rests on. It holds no credential; every use asks whether the credential still stands.
pub struct Session {
    /// What was verified.
    pub verified: Arc<Verified>,
    /// Who that is, as it was then.
    pub identity: Identity,
    /// Who acts, as the tenant acted in sees it.
    pub principal: Principal,
    /// Recorded with each call: on whose behalf a machine says it acts.
    pub headers: BTreeMap<String, String>,
    /// The grant it came in by, when the tenant is not its own, and the scope it came from.
    pub crossing: Option<(Crossing, Scope)>,
}

impl Session {
    /// A session within the credential's own authority.
    fn own(verified: Arc<Verified>, identity: Identity) -> Self {
        let principal = verified.principal.clone();
        Self { principal, identity, verified, headers: BTreeMap::new(), crossing: None }
    }
}

fn invalid_or(error: Error, code: &'static str, message: &str) -> Error {
    if error.kind() == ErrorKind::NotFound { Error::new(ErrorKind::PermissionDenied, code, message) } else { error }
}

impl Engine {
    /// Who presents this, and in which project.
    pub async fn authenticate(self: &Arc<Self>, presented: &Presented) -> Result<(Arc<Instance>, Session)> {
        self.housekeep();
        let asked = identity::read_presented(presented)?;
        let verified = self.believe(&asked).await?;
        self.enter(verified, &asked).await
    }

    /// A session of whoever presents this, wherever its credential reaches.
    pub async fn signed_in(self: &Arc<Self>, presented: &Presented) -> Result<Session> {
        self.housekeep();
        let asked = identity::read_presented(presented)?;
        let verified = self.believe(&asked).await?;
        if verified.machine {
            // On whose behalf, and in which tenant, is said with each request, and asked by `authenticate` alone.
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "outside_authority",
                "a machine's credential acts in one project, for somebody it names",
            ));
        }
        self.session_of(verified).await
    }

    /// A session of what was verified, within its own authority.
    pub async fn session_of(&self, verified: Arc<Verified>) -> Result<Session> {
        let identity = self.identity.identity_of(&verified).await?;
        Ok(Session::own(verified, identity))
    }

    /// Verifies a credential on its own.
    pub async fn verify(self: &Arc<Self>, text: &str) -> Result<Arc<Verified>> {
        self.housekeep();
        self.identity.verify(text).await
    }

    async fn believe(&self, asked: &Asked) -> Result<Arc<Verified>> {
        let missing = || {
            Error::new(ErrorKind::Unauthenticated, "credential_missing", "no credential is given")
                .with_help("send `Authorization: Bearer` or `X-API-Key`")
        };
        let Some(text) = &asked.credential else {
            // Shannon's and AgentFlow's dev headers and variables; a credential that is sent is verified like any other.
            return if self.dev && asked.local { dev(asked) } else { Err(missing()) };
        };
        match self.identity.verify(text.as_str()).await {
            // A token says itself who it is; a key that nobody made is anybody's in dev mode.
            Err(error) if self.dev && asked.local => {
                identity::pass_unknown_key(text.as_str(), error)?;
                dev(asked)
            }
            other => other,
        }
    }

    async fn enter(self: &Arc<Self>, verified: Arc<Verified>, asked: &Asked) -> Result<(Arc<Instance>, Session)> {
        if verified.machine && asked.acting_for.is_none() {
            return Err(Error::invalid("machine_user_required", "a machine's request names whom it acts for")
                .with_help("send `snc-userid`"));
        }
        if verified.machine && asked.machine_tenant.is_none() {
            return Err(Error::invalid("machine_tenant_required", "a machine's request confirms its tenant")
                .with_help("send `snc-tenant`"));
        }
        let mut session = self.session_of(Arc::clone(&verified)).await?;
        if let (true, Some(person)) = (verified.machine, &asked.acting_for) {
            session.headers.insert("snc-userid".into(), person.as_str().to_owned());
        }
        let account = match (verified.authority.account_id(), &asked.account) {
            (None, None) if self.dev && asked.local => Id::parse("account", DEV_ACCOUNT)?,
            (None, None) => {
                return Err(Error::invalid("account_required", "the credential reaches every account; name one")
                    .with_help("send `X-Account-ID`"));
            }
            (Some(own), Some(other)) if own != other => {
                // A machine confirms its tenant; it never leaves it.
                if verified.machine {
                    return Err(scope::outside());
                }
                return Box::pin(self.cross(session, other, asked.project.as_ref())).await;
            }
            (Some(own), _) => own.clone(),
            (None, Some(named)) => named.clone(),
        };
        let project = self.choose(&verified, &account, asked.project.as_ref()).await?;
        let instance = self.instance_of(&verified, &account, &project).await?;
        verified.authority.covers(instance.scope())?;
        self.refuse_suspended(&instance).await?;
        Ok((instance, session))
    }

    /// The project: what was asked for within reach, else `default`, else the only one.
    async fn choose(&self, verified: &Verified, account: &Id, asked: Option<&Id>) -> Result<Id> {
        if let Some(project) = asked {
            verified.authority.check(account, project)?;
            return Ok(project.clone());
        }
        let mut held: Vec<Id> = verified.authority.project_ids().cloned().collect();
        if held.is_empty() {
            self.refuse_successor(verified, account).await?;
            held = match self.tenants.project_ids(account).await {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(held) if !held.is_empty() => held,
                // Whether it may be made up is decided where it is looked up.
                _ => vec![Id::parse("project", DEFAULT_PROJECT)?],
            };
        }
        if let Some(default) = held.iter().find(|project| project.as_str() == DEFAULT_PROJECT) {
            return Ok(default.clone());
        }
        match held.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Error::invalid("project_required", "the credential reaches several projects; name one")
                .with_help("send `X-Project-ID`")),
        }
    }

    /// A credential of a deleted account is told nothing of the next one of that name, not even which projects it has.
    pub async fn refuse_successor(&self, verified: &Verified, account: &Id) -> Result<()> {
        match self.tenants.scope_of(account.as_str(), "").await {
            Ok(scope) if verified.authority.is_platform() || verified.authority.is_of(&scope) => Ok(()),
            Ok(_) => Err(scope::outside()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn instance_of(self: &Arc<Self>, verified: &Verified, account: &Id, project: &Id) -> Result<Arc<Instance>> {
        let error = match self.tenants.instance(account, project).await {
            Err(error) if error.kind() == ErrorKind::NotFound => error,
            other => return other,
        };
        match verified.credential {
            // In dev mode the platform's own key, too, has what it names made up.
            _ if self.dev && verified.authority.is_platform() => Box::pin(self.make_up(account, project)).await?,
            CredentialKind::Dev => Box::pin(self.make_up(account, project)).await?,
            CredentialKind::Jwt => Box::pin(self.provision(verified, account, project, error)).await?,
            // What we made a credential for existed then.
            CredentialKind::ApiKey | CredentialKind::Token => {
                self.refuse_successor(verified, account).await?;
                return Err(invalid_or(error, "tenant_unknown", "the tenant of this credential does not exist"));
            }
        }
        self.tenants.instance(account, project).await
    }

    /// Creates what a verified token names and nobody has seen, where the platform opened that: the projects the token
    /// itself names, or `default`. A header selects, and creates nothing.
    async fn provision(&self, verified: &Verified, account: &Id, project: &Id, missing: Error) -> Result<()> {
        let settings: AutoProvision = self.identity.settings().await?.auto_provision;
        let named = verified.authority.project_ids().any(|own| own == project) || project.as_str() == DEFAULT_PROJECT;
        let unknown = || invalid_or(missing.clone(), "tenant_unknown", "the tenant of this credential does not exist");
        if !settings.enabled || !named {
            return Err(unknown());
        }
        // One at a time: of two hundred first callers one creates, and the cap is counted right.
        let _one = self.changes.of_registry().await;
        if self.tenants.scope_of(account.as_str(), project.as_str()).await.is_ok() {
            return Ok(());
        }
        let exists = self.tenants.scope_of(account.as_str(), "").await.is_ok();
        if !exists && self.identity.is_retired(account.as_str()).await? {
            return Err(unknown());
        }
        let body = serde_json::json!({ "account": account.as_str(), "project": project.as_str() });
        let found = |error: Error| if error.code() == "scope_exists" { Ok(None) } else { Err(error) };
        let now = self.clock.now().wall_micros;
        // Another process may have been first; each scope that is new here is written down before the next is made.
        if let Some(scope) = self.tenants.provision_account(account, &settings, now).await.or_else(found)? {
            self.note(&scope, "tenant.provision", body.clone()).await?;
        }
        if let Some(scope) = self.tenants.provision_project(account, project, &settings, now).await.or_else(found)? {
            self.note(&scope, "tenant.provision", body).await?;
        }
        Ok(())
    }

    /// Into a tenant that is not the credential's own, by a grant. Whether that tenant exists is not told.
    async fn cross(
        self: &Arc<Self>,
        mut session: Session,
        account: &Id,
        project: Option<&Id>,
    ) -> Result<(Arc<Instance>, Session)> {
        let from = self.home(&session.verified).await?;
        let crossing = self.identity.crossing(&session.verified, &from, account, project).await?;
        let instance = self.tenants.instance(account, &crossing.to_project).await.map_err(hidden)?;
        self.identity.check_crossing(&crossing, instance.scope(), None, self.clock.now()).await?;
        self.refuse_suspended(&instance).await?;
        session.principal = crossing.principal(&session.verified.principal);
        session.crossing = Some((crossing, from));
        Ok((instance, session))
    }

    /// The scope a credential is at home in, its only project or else its account: there now, the one it was made for,
    /// and open.
    async fn home(&self, verified: &Verified) -> Result<Scope> {
        let account = verified.authority.account_id().ok_or_else(scope::outside)?;
        let project = verified.authority.only().map_or("", |(_, project)| project.as_str());
        let home = self.tenants.scope_of(account.as_str(), project).await.map_err(hidden)?;
        let own =
            if project.is_empty() { verified.authority.is_of(&home) } else { verified.authority.covers(&home).is_ok() };
        if !own {
            return Err(scope::outside());
        }
        self.refuse_suspended_scope(&home).await?;
        Ok(home)
    }

    async fn refuse_suspended(&self, instance: &Instance) -> Result<()> {
        if self.tenants.snapshot(instance).await?.status == Status::Suspended {
            return Err(suspended());
        }
        Ok(())
    }

    /// As [`Engine::refuse_suspended`] for any scope.
    pub(super) async fn refuse_suspended_scope(&self, scope: &Scope) -> Result<()> {
        if self.tenants.status_of(scope).await? == Status::Suspended { Err(suspended()) } else { Ok(()) }
    }

    /// Asked at every use of a handle that came from a credential: does it still stand, and may it do this?
    pub async fn standing(&self, session: &Session, to: &Instance, use_of: Use<'_>) -> Result<()> {
        let now = self.clock.now();
        self.identity.check(&session.verified, now).await?;
        let (name, reading) = match use_of {
            // The seven steps deny what is suspended, as a decision.
            Use::Guard(action) => (action, None),
            // What explains a decision tells of policies, limits and history: a guest reads those only where the grant says so.
            Use::Explained(action) => (action, Some(identity::READ)),
            Use::Work(work) => {
                self.refuse_suspended(to).await?;
                (work, None)
            }
            Use::Right(right) => {
                self.refuse_suspended(to).await?;
                self.identity.rights_of(&session.verified).await?.require(right)?;
                (right, None)
            }
        };
        match &session.crossing {
            None => Ok(()),
            Some((crossing, from)) => {
                let names = std::iter::once(name).chain(reading);
                Box::pin(self.use_crossing(session, crossing, from, to, names, now)).await
            }
        }
    }

    /// A use of a grant: it must still hold for everything that is used, and is written down.
    async fn use_crossing(
        &self,
        session: &Session,
        crossing: &Crossing,
        from: &Scope,
        to: &Instance,
        names: impl Iterator<Item = &str>,
        now: Now,
    ) -> Result<()> {
        let now_home = self.home(&session.verified).await?;
        if now_home != *from {
            return Err(scope::outside());
        }
        let mut used = Vec::with_capacity(2);
        for name in names {
            used.push((name, self.identity.check_crossing(crossing, to.scope(), Some(name), now).await?));
        }
        for (name, grant) in used {
            self.note_crossing(session, from, to, name, &grant).await?;
        }
        Ok(())
    }

    async fn note_crossing(
        &self,
        session: &Session,
        from: &Scope,
        to: &Instance,
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
            "principal": session.verified.principal.id,
            "use": name,
            "reason": grant.reason,
        });
        for scope in [from, to.scope(), &self.tenants.crossings()] {
            self.note(scope, "cross_tenant", body.clone()).await?;
        }
        Ok(())
    }

    /// Behind `Tenant::require_scopes`.
    pub async fn require_scopes(
        &self,
        session: Option<&Session>,
        principal: Option<&Principal>,
        to: &Instance,
        scopes: &[String],
    ) -> Result<()> {
        let now = self.clock.now();
        if let Some(session) = session {
            self.identity.check(&session.verified, now).await?;
            self.refuse_suspended(to).await?;
            if let Some((_, from)) = &session.crossing
                && self.home(&session.verified).await? != *from
            {
                return Err(scope::outside());
            }
            let rights = self.identity.rights_of(&session.verified).await?;
            for scope in scopes {
                rights.require(scope)?;
                if let Some((crossing, _)) = &session.crossing {
                    // In another tenant a caller holds what a grant names, as far as it holds it at all.
                    self.identity.check_crossing(crossing, to.scope(), Some(scope), now).await?;
                }
            }
        }
        let rights = match principal {
            Some(principal) => {
                let table = self.identity.settings().await?.roles;
                identity::Rights::of(&principal.scopes, &principal.roles, &table)
            }
            None if session.is_some() => return Ok(()),
            None => identity::Rights::default(),
        };
        scopes.iter().try_for_each(|scope| rights.require(scope))
    }

    /// Dev mode creates what it has not seen, up to a cap; of several first callers one creates and the others find it.
    pub async fn make_up(&self, account: &Id, project: &Id) -> Result<()> {
        let accounts = self.list_accounts().await?;
        let mut count = accounts.len();
        for account in &accounts {
            count += self.list_projects(&account.id).await?.len();
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
        ignore_existing(self.create_account(DEV, account.as_str(), TenantFacts::default()).await.map(drop))?;
        ignore_existing(
            self.create_project(DEV, account.as_str(), project.as_str(), TenantFacts::default()).await.map(drop),
        )
    }
}

/// Who makes tenants up in dev mode.
const DEV: &str = "dev mode";

/// What a handle is used for.
#[derive(Clone, Copy)]
pub enum Use<'a> {
    /// A guard call of this action.
    Guard(&'a str),
    /// A guard call of this action whose answer explains itself.
    Explained(&'a str),
    /// Work beside guard calls that needs no right of its own.
    Work(&'a str),
    /// Something that needs this right.
    Right(&'a str),
}

fn suspended() -> Error {
    Error::new(ErrorKind::Unauthenticated, "tenant_suspended", "the tenant is suspended")
}

/// What does not exist reads as what lies elsewhere; an outage stays one.
pub(super) fn hidden(error: Error) -> Error {
    if error.kind() == ErrorKind::NotFound { scope::outside() } else { error }
}

/// Dev mode's caller, from headers or AgentFlow's variables.
fn dev(asked: &Asked) -> Result<Arc<Verified>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let account = match (&asked.account, variable("DEV_TENANT_NAME")) {
        (Some(account), _) => account.clone(),
        (None, named) => Id::parse("account", named.as_deref().unwrap_or(DEV_ACCOUNT))?,
    };
    let project = asked.project.clone().map_or_else(|| Id::parse("project", DEFAULT_PROJECT), Ok)?;
    let user = asked.dev_user.as_ref().map(|user| user.as_str().to_owned());
    let user = user.or_else(|| variable("DEV_USER_ID")).unwrap_or_else(|| "dev".into());
    Ok(Arc::new(identity::dev_caller(account, project, &user)))
}
