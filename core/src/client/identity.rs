//! Credentials as apps handle them: issuers, keys, tokens and grants. The same rooms for the client and for a caller's own
//! tenant, where everything is bounded by what the caller reaches.

use std::sync::Arc;

use super::{Tenant, Tenantry, with_blocking_twins};
use crate::{
    api::{
        AccessToken, ApiKey, AuditRange, AuditRecord, Grant, GrantSpec, Identity, IdentitySettings, Introspection,
        IssuerReceipt, IssuerSpec, KeySpec, NewApiKey, TokenRequest, TokenSpec,
    },
    engine::{Acting, Engine, Session},
    error::Result,
    runtime::block_on,
};

/// See [`Tenantry::identity`] and [`Tenant::identity`].
#[derive(Clone)]
pub struct Identities {
    client: Tenantry,
    tenant: Option<Tenant>,
}

/// See [`Identities::issuers`].
#[derive(Clone)]
pub struct Issuers(Identities);

/// See [`Identities::keys`].
#[derive(Clone)]
pub struct Keys(Identities);

/// See [`Identities::tokens`].
#[derive(Clone)]
pub struct Tokens(Identities);

/// See [`super::Admin::grants`].
#[derive(Clone)]
pub struct Grants(Tenantry);

/// The engine and on whose behalf it is asked, kept alive together.
struct Asking {
    engine: Arc<Engine>,
    session: Option<Arc<Session>>,
    tenant: Option<Tenant>,
}

impl Asking {
    fn acting(&self) -> Acting<'_> {
        Acting { session: self.session.as_deref(), scope: self.tenant.as_ref().map(Tenant::scope) }
    }
}

impl Identities {
    pub(super) const fn new(client: Tenantry, tenant: Option<Tenant>) -> Self {
        Self { client, tenant }
    }

    /// Whose tokens are taken.
    #[must_use]
    pub fn issuers(&self) -> Issuers {
        Issuers(self.clone())
    }

    /// API keys.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys(self.clone())
    }

    /// Our own tokens.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        Tokens(self.clone())
    }

    fn asking(&self) -> Result<Asking> {
        let session = match &self.tenant {
            Some(tenant) => tenant.session.clone(),
            None => self.client.0.session()?,
        };
        Ok(Asking { engine: self.client.0.engine()?, session, tenant: self.tenant.clone() })
    }

    async fn platform(&self) -> Result<Arc<Engine>> {
        // What a tenant's own handle asks for, it asks for itself, also where the client could do more.
        match &self.tenant {
            Some(tenant) if tenant.session.is_some() => Err(crate::scope::outside()),
            _ => self.client.0.platform().await,
        }
    }
}

impl Grants {
    pub(super) const fn new(client: Tenantry) -> Self {
        Self(client)
    }
}

with_blocking_twins! {
    impl Identities {
        /// Who a token or key is, and what it reaches.
        pub async fn verify / verify_blocking(&self, credential: &str) -> Result<Identity> {
            let asking = self.asking()?;
            asking.engine.whose(asking.acting(), credential).await
        }

        /// The platform's settings of identity.
        pub async fn settings / settings_blocking(&self) -> Result<IdentitySettings> {
            self.platform().await?.identity_settings().await
        }

        /// Replaces the platform's settings of identity.
        pub async fn put_settings / put_settings_blocking(&self, settings: IdentitySettings) -> Result<IdentitySettings> {
            self.platform().await?.put_identity_settings(settings).await
        }
    }

    impl Issuers {
        /// Takes an issuer's tokens from now on, replacing what was said of it before. Published keys are fetched at once;
        /// the receipt says which keys there are, which are not used and why, and why none could be fetched.
        ///
        /// # Errors
        /// `issuer_invalid` and others for an entry that could never take a token. Keys that cannot be fetched now are no
        /// error: the entry is kept.
        pub async fn put / put_blocking(&self, spec: &IssuerSpec) -> Result<IssuerReceipt> {
            self.0.platform().await?.put_issuer(spec).await
        }

        /// The keys of an issuer as they are now; published ones are fetched. For the doctor.
        ///
        /// # Errors
        /// `issuer_unknown`.
        pub async fn check / check_blocking(&self, issuer: &str) -> Result<IssuerReceipt> {
            self.0.platform().await?.check_issuer(issuer).await
        }

        /// Takes none of an issuer's tokens any more, also none that were taken before.
        pub async fn remove / remove_blocking(&self, issuer: &str) -> Result<()> {
            self.0.platform().await?.remove_issuer(issuer).await
        }

        /// All issuers by name, without their secrets.
        pub async fn list / list_blocking(&self) -> Result<Vec<IssuerSpec>> {
            self.0.platform().await?.list_issuers().await
        }
    }

    impl Keys {
        /// Makes a key, no wider than its maker, or imports one by its hash. The key is shown this once.
        pub async fn create / create_blocking(&self, spec: &KeySpec) -> Result<NewApiKey> {
            let asking = self.0.asking()?;
            asking.engine.create_key(asking.acting(), spec).await
        }

        /// The keys of a project, an account, or with both empty of the caller's own project or the platform; oldest first.
        pub async fn list / list_blocking(&self, account: &str, project: &str) -> Result<Vec<ApiKey>> {
            let asking = self.0.asking()?;
            asking.engine.list_keys(asking.acting(), account, project).await
        }

        /// One key, without its secret.
        pub async fn get / get_blocking(&self, id: &str) -> Result<ApiKey> {
            let asking = self.0.asking()?;
            asking.engine.get_key(asking.acting(), id).await
        }

        /// Ends a key and everything that was exchanged for it, at once.
        pub async fn revoke / revoke_blocking(&self, id: &str) -> Result<ApiKey> {
            let asking = self.0.asking()?;
            asking.engine.revoke_key(asking.acting(), id).await
        }

        /// Makes a key to take another's place; the old one is taken for `overlap_seconds` more.
        pub async fn rotate / rotate_blocking(&self, id: &str, overlap_seconds: u64) -> Result<NewApiKey> {
            let asking = self.0.asking()?;
            asking.engine.rotate_key(asking.acting(), id, overlap_seconds).await
        }
    }

    impl Tokens {
        /// The token endpoint: an access token for an API key, or the next pair for a refresh token.
        pub async fn exchange / exchange_blocking(&self, request: &TokenRequest) -> Result<AccessToken> {
            self.0.asking()?.engine.exchange_token(request).await
        }

        /// A token for somebody the app itself has authenticated.
        pub async fn issue / issue_blocking(&self, spec: &TokenSpec) -> Result<AccessToken> {
            let asking = self.0.asking()?;
            asking.engine.issue_token(asking.acting(), spec).await
        }

        /// What a token or key is worth now; to a caller only those it reaches are worth anything.
        pub async fn introspect / introspect_blocking(&self, token: &str) -> Result<Introspection> {
            let asking = self.0.asking()?;
            asking.engine.introspect_token(asking.acting(), token).await
        }

        /// Ends a token; a refresh token with everything it led to. One that is not known is answered the same.
        pub async fn revoke / revoke_blocking(&self, token: &str) -> Result<()> {
            let asking = self.0.asking()?;
            asking.engine.revoke_token(asking.acting(), token).await
        }

        /// Our public keys as a JWK set.
        pub async fn jwks / jwks_blocking(&self) -> Result<serde_json::Value> {
            self.0.asking()?.engine.published_keys().await
        }

        /// Signs with a new key from now on; the one before stays published until its last token has ended.
        pub async fn rotate_signing_key / rotate_signing_key_blocking(&self) -> Result<()> {
            self.0.platform().await?.rotate_signing_key().await
        }
    }

    impl Grants {
        /// Lets principals of one account act in a project of another, for named actions and a time.
        pub async fn create / create_blocking(&self, spec: &GrantSpec) -> Result<Grant> {
            self.0.0.platform().await?.create_grant(spec).await
        }

        /// Grants that have not ended, by id.
        pub async fn list / list_blocking(&self) -> Result<Vec<Grant>> {
            self.0.0.platform().await?.list_grants().await
        }

        /// Ends a grant at once.
        pub async fn revoke / revoke_blocking(&self, id: &str) -> Result<()> {
            self.0.0.platform().await?.revoke_grant(id).await
        }

        /// Reads what crossed between tenants: a stream of its own, read as [`Audit::query`](super::Audit::query) reads a project's.
        pub async fn uses / uses_blocking(&self, range: impl Into<AuditRange>, limit: usize) -> Result<Vec<AuditRecord>> {
            let range = range.into();
            self.0.0.platform().await?.grant_uses(range, limit).await
        }
    }
}
