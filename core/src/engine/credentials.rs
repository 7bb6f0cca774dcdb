//! Operations on credentials: each is one change, within what its owner reaches, and one row in the audit of the scope it
//! is about.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Engine, Session, authenticate::hidden};
use crate::{
    api::{
        AccessToken, ApiKey, AuditRange, AuditRecord, Grant, GrantSpec, Identity, IdentitySettings, Introspection,
        IssuerReceipt, IssuerSpec, KeySpec, NewApiKey, TokenRequest, TokenSpec,
    },
    error::{Error, ErrorKind, Result},
    identity::{CREDENTIALS, Exchange, KeyPlace, Owner, USERS, Verified},
    scope::{Authority, Id, Scope},
};

/// On whose behalf credentials are made and seen: the process, or a caller in the project it acts in.
#[derive(Clone, Copy)]
pub struct Acting<'a> {
    /// The caller, if it is one.
    pub session: Option<&'a Session>,
    /// The project it acts in.
    pub scope: Option<&'a Scope>,
}

impl<'a> Acting<'a> {
    fn owner(&self) -> Owner<'a> {
        match (self.session, self.scope) {
            (Some(session), _) => Owner::Caller(&session.verified),
            (None, Some(scope)) => Owner::ProcessIn(scope),
            (None, None) => Owner::Process,
        }
    }
}

impl Engine {
    /// Refuses a caller whose credential no longer stands, or lacks a right.
    pub async fn allow(&self, acting: Acting<'_>, right: &str) -> Result<()> {
        let Some(session) = acting.session else { return Ok(()) };
        if session.crossing.is_some() {
            // Credentials of a tenant are its own affair, whatever else it granted.
            return Err(crate::scope::outside());
        }
        self.identity.check(&session.verified, self.clock.now()).await?;
        if let Some(scope) = acting.scope {
            self.refuse_suspended_scope(scope).await?;
        }
        self.identity.rights_of(&session.verified).await?.require(right)
    }

    /// The scope that `account` and `project` name, empty for the caller's own; refused when it lies outside its reach.
    async fn place(&self, acting: Acting<'_>, account: &str, project: &str) -> Result<Scope> {
        let own = acting.scope.filter(|_| account.is_empty() && project.is_empty());
        let scope = match (own, acting.scope.and_then(Scope::account_id)) {
            (Some(own), _) => own.clone(),
            (None, None) if account.is_empty() && project.is_empty() && acting.session.is_some() => {
                // A client with a credential of its own and no project named: where that credential is at home.
                let Some(authority) = acting.session.map(|session| &session.verified.authority) else {
                    return Err(crate::scope::outside());
                };
                self.scope_for(authority).await.map_err(hidden)?
            }
            (None, home) => {
                let account = if account.is_empty() { home.map_or("", Id::as_str) } else { account };
                let found = self.tenants.scope_of(account, project).await;
                // Another tenant's scope and one that never was are the same to a caller.
                if acting.session.is_some() { found.map_err(hidden)? } else { found? }
            }
        };
        acting.owner().reaches(&scope)?;
        // A token of another issuer knows names only, and a name may have been given to somebody else since.
        let narrow = acting.session.is_some_and(|session| !session.verified.authority.is_platform());
        if acting.session.is_some() {
            self.refuse_suspended_scope(&scope).await?;
        }
        if narrow && acting.scope.is_some_and(|own| own.account_uid() != scope.account_uid()) {
            return Err(crate::scope::outside());
        }
        Ok(scope)
    }

    /// Behind `Keys::create`.
    pub async fn create_key(&self, acting: Acting<'_>, spec: &KeySpec) -> Result<NewApiKey> {
        self.allow(acting, CREDENTIALS).await?;
        if !spec.subject.is_empty() {
            // Its holder is somebody else to policies: naming people is another right than making keys.
            self.allow(acting, USERS).await?;
        }
        let scope = self.place(acting, &spec.account_id, &spec.project_id).await?;
        // Whoever imports a hash takes in whoever holds the key: only the platform knows whose it is.
        let platform = acting.session.is_none_or(|session| session.verified.authority.is_platform());
        if !spec.import_sha256.is_empty() && !platform {
            return Err(crate::scope::outside());
        }
        let made = self.identity.create_key(acting.owner(), &scope, spec).await?;
        let body = json!({ "key": made.record.id, "name": made.record.name, "scopes": made.record.scopes,
            "by": made.record.created_by, "imported": made.key.is_empty() });
        self.note(&scope, "key.create", body).await?;
        Ok(made)
    }

    /// Behind `Keys::list`.
    pub async fn list_keys(&self, acting: Acting<'_>, account: &str, project: &str) -> Result<Vec<ApiKey>> {
        self.allow(acting, CREDENTIALS).await?;
        let scope = self.place(acting, account, project).await?;
        self.identity.keys_of(&scope).await
    }

    /// Where a key lives: in the project acted in, or without one wherever the caller reaches. A key elsewhere is answered
    /// like one that never was.
    async fn key_scope(&self, acting: Acting<'_>, id: &str) -> Result<Scope> {
        let place = self.identity.key_place(id).await?;
        let found = self.tenants.scope_of(&place.account_id(), &place.project_id()).await;
        let here = |scope: &Scope| acting.scope.is_none_or(|own| own == scope) && acting.owner().reaches(scope).is_ok();
        match found {
            Ok(scope) if here(&scope) => {
                if acting.session.is_some() {
                    self.refuse_suspended_scope(&scope).await?;
                }
                Ok(scope)
            }
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Err(crate::identity::unknown_key()),
        }
    }

    /// Behind `Keys::get`.
    pub async fn get_key(&self, acting: Acting<'_>, id: &str) -> Result<ApiKey> {
        self.allow(acting, CREDENTIALS).await?;
        let scope = self.key_scope(acting, id).await?;
        self.identity.key_of(&scope, id).await
    }

    /// Behind `Keys::revoke`.
    pub async fn revoke_key(&self, acting: Acting<'_>, id: &str) -> Result<ApiKey> {
        self.allow(acting, CREDENTIALS).await?;
        let scope = self.key_scope(acting, id).await?;
        let record = self.identity.revoke_key(&scope, id).await?;
        self.note(&scope, "key.revoke", json!({ "key": id, "by": acting.owner().name() })).await?;
        Ok(record)
    }

    /// Behind `Keys::rotate`.
    pub async fn rotate_key(&self, acting: Acting<'_>, id: &str, overlap_seconds: u64) -> Result<NewApiKey> {
        self.allow(acting, CREDENTIALS).await?;
        let scope = self.key_scope(acting, id).await?;
        // Who holds the successor is whom the key names; a key that replaces itself is that already.
        let own = acting.session.is_some_and(|session| session.verified.id == id);
        let key = self.identity.key_of(&scope, id).await?;
        if !own && self.identity.names_somebody(&key.subject) {
            self.allow(acting, USERS).await?;
        }
        let made = self.identity.rotate_key(acting.owner(), &scope, id, overlap_seconds).await?;
        let body = json!({ "key": id, "successor": made.record.id, "overlap_seconds": overlap_seconds,
            "by": acting.owner().name() });
        self.note(&scope, "key.rotate", body).await?;
        Ok(made)
    }

    /// The scope of a place that is still there and open: no token of another is given out.
    async fn open_scope(&self, place: &KeyPlace) -> Result<Scope> {
        let gone = |error: Error| {
            if error.kind() != ErrorKind::NotFound {
                return error;
            }
            Error::new(ErrorKind::Unauthenticated, "grant_invalid", "the tenant of this credential does not exist")
        };
        let scope = self.tenants.scope_of(&place.account_id(), &place.project_id()).await.map_err(gone)?;
        place.authority().covers(&scope)?;
        self.refuse_suspended_scope(&scope).await?;
        Ok(scope)
    }

    /// Behind `Tokens::exchange`: needs no authority, since what it is given is the credential.
    pub async fn exchange_token(self: &Arc<Self>, request: &TokenRequest) -> Result<AccessToken> {
        self.housekeep();
        // First whether its tenant takes it: a refresh token that is used up for nothing would look stolen next time.
        let scope = self.open_scope(&self.identity.exchanged_place(request).await?).await?;
        match self.identity.exchange(&self.tenants.platform(), request).await? {
            Exchange::Issued(issued) => {
                let body = json!({ "jti": issued.token.jti, "grant": request.grant_type, "subject": issued.subject,
                    "scope": issued.token.scope });
                self.note(&scope, "token.issue", body).await?;
                Ok(issued.token)
            }
            Exchange::Reused { family, subject } => {
                self.note(&scope, "token.reuse", json!({ "family": family, "subject": subject })).await?;
                Err(Error::new(
                    ErrorKind::Unauthenticated,
                    "refresh_token_reused",
                    "the refresh token was used before; its whole family is ended now",
                ))
            }
        }
    }

    /// Behind `Tokens::issue`.
    pub async fn issue_token(&self, acting: Acting<'_>, spec: &TokenSpec) -> Result<AccessToken> {
        self.allow(acting, USERS).await?;
        let scope = self.place(acting, &spec.account_id, &spec.project_id).await?;
        let issued = self.identity.issue(&self.tenants.platform(), &scope, acting.owner(), spec).await?;
        let body = json!({ "jti": issued.token.jti, "grant": "issued", "subject": issued.subject,
            "scope": issued.token.scope, "by": acting.owner().name() });
        self.note(&scope, "token.issue", body).await?;
        Ok(issued.token)
    }

    /// Behind `Tokens::introspect`.
    pub async fn introspect_token(self: &Arc<Self>, acting: Acting<'_>, text: &str) -> Result<Introspection> {
        self.housekeep();
        self.acting_any(acting).await?;
        let Some(verified) = self.identity.introspected(acting.owner(), text).await? else {
            return Ok(Introspection::default());
        };
        // A token of a tenant that is gone or closed opens nothing, so it is worth nothing.
        let worth = match self.home_of(&verified).await {
            Ok(scope) => self.refuse_suspended_scope(&scope).await,
            Err(error) => Err(error),
        };
        match worth {
            Ok(()) => self.identity.introspection(&verified, text).await,
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::Data) => {
                Err(error)
            }
            Err(_) => Ok(Introspection::default()),
        }
    }

    /// The scope in whose audit something about a credential belongs: its project, else its account, else the platform.
    async fn home_of(&self, verified: &Verified) -> Result<Scope> {
        let scope = self.scope_for(&verified.authority).await?;
        if verified.authority.is_platform() || verified.authority.is_of(&scope) {
            Ok(scope)
        } else {
            Err(crate::scope::outside())
        }
    }

    async fn scope_for(&self, authority: &Authority) -> Result<Scope> {
        let account = authority.account_id().map_or("", Id::as_str);
        let project = authority.only().map_or("", |(_, project)| project.as_str());
        self.tenants.scope_of(account, project).await
    }

    /// Behind `Tokens::revoke`.
    pub async fn revoke_token(self: &Arc<Self>, acting: Acting<'_>, text: &str) -> Result<()> {
        self.housekeep();
        self.acting_any(acting).await?;
        let ended = self.identity.revoke_token(&self.tenants.platform(), acting.owner(), text).await?;
        let Some(ended) = ended else { return Ok(()) };
        let scope = match self.scope_for(&ended.authority).await {
            Ok(scope) => Some(scope),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // A tenant that is gone has no chain to write to, and its successor's is none of this.
        let own = |scope: &Scope| ended.authority.is_platform() || ended.authority.is_of(scope);
        if let Some(scope) = scope.filter(own) {
            self.note(&scope, "token.revoke", json!({ "token": ended.id, "by": acting.owner().name() })).await?;
        }
        Ok(())
    }

    /// Behind `Identities::verify`.
    pub async fn whose(self: &Arc<Self>, acting: Acting<'_>, text: &str) -> Result<Identity> {
        self.acting_any(acting).await?;
        let verified = self.verify(text).await?;
        if !acting.owner().sees(&verified) {
            return Err(crate::scope::outside());
        }
        self.identity.identity_of(&verified).await
    }

    async fn acting_any(&self, acting: Acting<'_>) -> Result<()> {
        match acting.session {
            Some(session) => self.identity.check(&session.verified, self.clock.now()).await,
            None => Ok(()),
        }
    }

    /// Behind `Tokens::jwks`.
    pub async fn published_keys(&self) -> Result<Value> {
        self.identity.published_keys(&self.tenants.platform()).await
    }

    /// Behind `Tokens::rotate_signing_key`.
    pub async fn rotate_signing_key(&self) -> Result<()> {
        let platform = self.tenants.platform();
        self.identity.rotate_signing_key(&platform).await?;
        self.note(&platform, "signing_key.rotate", json!({})).await
    }

    /// Behind `Issuers::put`.
    pub async fn put_issuer(&self, spec: &IssuerSpec) -> Result<IssuerReceipt> {
        let platform = self.tenants.platform();
        self.identity.put_issuer(&platform, spec).await?;
        let body = json!({ "issuer": spec.issuer, "accounts": spec.accounts, "algorithms": spec.algorithms });
        self.note(&platform, "issuer.put", body).await?;
        self.identity.check_issuer(&spec.issuer).await
    }

    /// Behind `Issuers::check`.
    pub async fn check_issuer(&self, issuer: &str) -> Result<IssuerReceipt> {
        self.identity.check_issuer(issuer).await
    }

    /// Behind `Issuers::remove`.
    pub async fn remove_issuer(&self, issuer: &str) -> Result<()> {
        self.identity.remove_issuer(issuer).await?;
        self.note(&self.tenants.platform(), "issuer.remove", json!({ "issuer": issuer })).await
    }

    /// Behind `Issuers::list`.
    pub async fn list_issuers(&self) -> Result<Vec<IssuerSpec>> {
        self.identity.issuers().await
    }

    /// Behind `Identities::settings`.
    pub async fn identity_settings(&self) -> Result<IdentitySettings> {
        self.identity.settings().await
    }

    /// Behind `Identities::update_settings`.
    pub async fn put_identity_settings(&self, settings: IdentitySettings) -> Result<IdentitySettings> {
        let platform = self.tenants.platform();
        let provisioned = &settings.auto_provision;
        // A policy that does not compile would be found out by the first newcomer.
        self.tenants.check_provisioned(provisioned)?;
        self.identity.put_settings(&platform, &settings).await?;
        self.note(&platform, "identity.settings", json!({ "auto_provision": provisioned.enabled })).await?;
        Ok(settings)
    }

    /// Behind `Grants::create`.
    pub async fn create_grant(&self, spec: &GrantSpec) -> Result<Grant> {
        let from = self.tenants.scope_of(&spec.from_account, &spec.from_project).await?;
        if spec.from_account.is_empty() || spec.to_account.is_empty() || spec.to_project.is_empty() {
            return Err(Error::invalid(
                "grant_spec_invalid",
                "a grant names an account it is from, and a project it is to",
            ));
        }
        let to = self.tenants.scope_of(&spec.to_account, &spec.to_project).await?;
        let grant = self.identity.create_grant(&from, &to, spec).await?;
        self.note_grant(&grant, "grant.create").await?;
        Ok(grant)
    }

    pub(super) async fn note_grant(&self, grant: &Grant, kind: &str) -> Result<()> {
        let body = serde_json::to_value(grant).map_err(|_| Error::internal("a grant could not be written"))?;
        let sides = [(&grant.from_account, &grant.from_project), (&grant.to_account, &grant.to_project)];
        for (account, project) in sides {
            // A side that was deleted has no chain any more; the other one's still tells.
            if let Ok(scope) = self.tenants.scope_of(account, project).await {
                self.note(&scope, kind, body.clone()).await?;
            }
        }
        self.note(&self.tenants.crossings(), kind, body).await
    }

    /// Behind `Grants::list`.
    pub async fn list_grants(&self) -> Result<Vec<Grant>> {
        self.identity.grants().await
    }

    /// Behind `Grants::revoke`.
    pub async fn revoke_grant(&self, id: &str) -> Result<()> {
        let grant = self.identity.revoke_grant(id).await?;
        self.note_grant(&grant, "grant.revoke").await
    }

    /// Behind `Grants::uses`: the stream of everything that crossed between tenants.
    pub async fn grant_uses(&self, range: AuditRange, limit: usize) -> Result<Vec<AuditRecord>> {
        self.audit.query(&self.tenants.crossings(), range, limit).await
    }
}
