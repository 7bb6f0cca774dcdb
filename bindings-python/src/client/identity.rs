//! Issuers, API keys, tokens and cross-tenant grants.

use pyo3::prelude::*;
use tenantry::{api, client as core};

use crate::{
    errors::Result,
    runtime::{Awaits, Nothing, Work, wait},
    types::{
        AccessToken, ApiKey, AuditRecord, Fields, Grant, Identity, IdentitySettings, Introspection, IssuerReceipt,
        IssuerSpec, NewApiKey, NewSettings, Since, Text, audit_range, named, owned, read, texts, whole,
    },
};

/// See `Tenantry.identity` and `Tenant.identity`.
#[pyclass(frozen, module = "tenantry")]
pub struct Identities(pub core::Identities);

twins! {
    impl Identities {
        also {
            /// Whose tokens are taken.
            #[getter]
            fn issuers(&self) -> Issuers {
                Issuers(self.0.issuers())
            }

            /// API keys.
            #[getter]
            fn keys(&self) -> Keys {
                Keys(self.0.keys())
            }

            /// Our own tokens.
            #[getter]
            fn tokens(&self) -> Tokens {
                Tokens(self.0.tokens())
            }
        }

        /// Who a token or key is, and what it reaches. `Unauthenticated` when it is not taken.
        #[arguments(credential)]
        fn verify / averify(&self, credential: Text) -> Identity {
            let identity = self.0.clone();
            Work::new(async move { identity.verify(&credential.0).await.map(Identity) })
        }

        /// The platform's settings of identity.
        #[arguments()]
        fn settings / asettings(&self) -> IdentitySettings {
            let identity = self.0.clone();
            Work::new(async move { identity.settings().await.map(IdentitySettings) })
        }

        /// Replaces the platform's settings of identity; those left out take their default.
        #[arguments(settings)]
        fn put_settings / aput_settings(&self, settings: NewSettings) -> IdentitySettings {
            let (identity, settings) = (self.0.clone(), settings.read()?);
            Work::new(async move { identity.put_settings(settings).await.map(IdentitySettings) })
        }
    }
}

/// See `Identities.issuers`.
#[pyclass(frozen, module = "tenantry")]
pub struct Issuers(core::Issuers);

twins! {
    impl Issuers {
        /// Takes an issuer's tokens from now on, replacing what was said of it before.
        ///
        /// Published keys are fetched at once. The receipt says which keys there are, which are not used and why, and why none
        /// could be fetched; the entry holds whatever it says.
        ///
        /// One of `jwks_url`, `jwks`, `secret` (32 bytes or more, for `HS256`) and `secret_base64` (the same, of bytes that are
        /// no text) says how they are verified; `algorithms` not given is `RS256` alone. `audience_claim` names the claim that
        /// stands in for `aud` in tokens without one, e.g. `client_id`. `accounts` are those it may speak for, `["*"]` for every one. With `project` each of
        /// its tokens is that project of its one account. `claims` says where tokens have `account`, `project`, `roles`
        /// and `scopes`: the name of a claim, or a JSON pointer. Without `scopes` the claims `scope`, `scp` and `scopes` are
        /// read; with it a token that lacks the claim may do nothing. The second issuer of an account needs a
        /// `principal_prefix`, which the ids of its principals then start with.
        #[arguments(issuer, *, audience, accounts, algorithms=None, jwks_url="", jwks=None, secret=None,
            private_network=false, leeway_seconds=0, project="", claims=None, principal_prefix="", audience_claim="",
            secret_base64=None)]
        fn put / aput(
            &self,
            issuer: Text,
            audience: Vec<Text>,
            accounts: Vec<Text>,
            algorithms: Option<Vec<Text>>,
            jwks_url: &str,
            jwks: Option<Fields>,
            secret: Option<Text>,
            private_network: bool,
            leeway_seconds: i64,
            project: &str,
            claims: Option<Fields>,
            principal_prefix: &str,
            audience_claim: &str,
            secret_base64: Option<Text>,
        ) -> IssuerReceipt {
            let algorithms = algorithms.map_or_else(|| vec!["RS256".to_owned()], |names| texts(Some(names)));
            let algorithm = |name: &String| named("signature algorithm", name);
            let spec = api::IssuerSpec {
                issuer: issuer.0,
                audience: texts(Some(audience)),
                audience_claim: audience_claim.into(),
                algorithms: algorithms.iter().map(algorithm).collect::<tenantry::Result<_>>()?,
                jwks_url: jwks_url.into(),
                jwks: jwks.unwrap_or_default().0,
                secret: owned(secret).unwrap_or_default(),
                secret_base64: owned(secret_base64).unwrap_or_default(),
                private_network,
                leeway_seconds: whole("leeway_seconds", leeway_seconds)?,
                accounts: texts(Some(accounts)),
                project: project.into(),
                claims: claims.map(|claims| read("claims", claims)).transpose()?.unwrap_or_default(),
                principal_prefix: principal_prefix.into(),
            };
            let issuers = self.0.clone();
            Work::new(async move { issuers.put(spec).await.map(IssuerReceipt) })
        }

        /// The keys of an issuer as they are now; published ones are fetched.
        #[arguments(issuer)]
        fn check / acheck(&self, issuer: Text) -> IssuerReceipt {
            let issuers = self.0.clone();
            Work::new(async move { issuers.check(&issuer.0).await.map(IssuerReceipt) })
        }

        /// Takes none of an issuer's tokens any more, also none that were taken before.
        #[arguments(issuer)]
        fn remove / aremove(&self, issuer: Text) -> Nothing {
            let issuers = self.0.clone();
            Work::new(async move { issuers.remove(&issuer.0).await.map(|()| Nothing) })
        }

        /// All issuers by name, without their secrets.
        #[arguments()]
        fn list / alist(&self) -> Vec<IssuerSpec> {
            let issuers = self.0.clone();
            Work::new(async move { Ok(issuers.list().await?.into_iter().map(IssuerSpec).collect()) })
        }
    }
}

/// See `Identities.keys`.
#[pyclass(frozen, module = "tenantry")]
pub struct Keys(core::Keys);

twins! {
    impl Keys {
        /// Makes a key, no wider than its maker, or imports one by its hash. The key is shown this once.
        ///
        /// Without `account_id` and `project_id` it reaches what its maker does. No `scopes` means guard calls only.
        /// `expires_in_seconds` 0 is for ever. `import_sha256` is the hexadecimal SHA-256 of a key another system made.
        /// `description` and `environment` are for people.
        #[arguments(name, *, account_id="", project_id="", scopes=None, r#type="user", subject="", expires_in_seconds=0,
            prefix="", import_sha256="", description="", environment="")]
        fn create / acreate(
            &self,
            name: Text,
            account_id: &str,
            project_id: &str,
            scopes: Option<Vec<Text>>,
            r#type: &str,
            subject: &str,
            expires_in_seconds: i64,
            prefix: &str,
            import_sha256: &str,
            description: &str,
            environment: &str,
        ) -> NewApiKey {
            let spec = api::KeySpec {
                name: name.0,
                account_id: account_id.into(),
                project_id: project_id.into(),
                scopes: texts(scopes),
                kind: named("kind of principal", r#type)?,
                subject: subject.into(),
                expires_in_seconds: whole("expires_in_seconds", expires_in_seconds)?,
                prefix: prefix.into(),
                import_sha256: import_sha256.into(),
                description: description.into(),
                environment: environment.into(),
            };
            let keys = self.0.clone();
            Work::new(async move { keys.create(spec).await.map(NewApiKey) })
        }

        /// The keys of a project or an account; with neither, of the caller's own project or the platform. Oldest first.
        #[arguments(account_id="", project_id="")]
        fn list / alist(&self, account_id: &str, project_id: &str) -> Vec<ApiKey> {
            let (keys, account, project) = (self.0.clone(), account_id.to_owned(), project_id.to_owned());
            Work::new(async move { Ok(keys.list(api::KeyFilter::of(&account, &project)).await?.into_iter().map(ApiKey).collect()) })
        }

        /// One key, without its secret.
        #[arguments(id)]
        fn get / aget(&self, id: Text) -> ApiKey {
            let keys = self.0.clone();
            Work::new(async move { keys.get(&id.0).await.map(ApiKey) })
        }

        /// Ends a key and everything that was exchanged for it, at once.
        #[arguments(id)]
        fn revoke / arevoke(&self, id: Text) -> ApiKey {
            let keys = self.0.clone();
            Work::new(async move { keys.revoke(&id.0).await.map(ApiKey) })
        }

        /// Makes a key to take another's place; the old one is taken for `overlap_seconds` more.
        #[arguments(id, overlap_seconds=0)]
        fn rotate / arotate(&self, id: Text, overlap_seconds: i64) -> NewApiKey {
            let (keys, overlap) = (self.0.clone(), whole("overlap_seconds", overlap_seconds)?);
            Work::new(async move { keys.rotate(api::KeyRotation::new(&id.0, overlap)).await.map(NewApiKey) })
        }
    }
}

/// See `Identities.tokens`.
#[pyclass(frozen, module = "tenantry")]
pub struct Tokens(core::Tokens);

twins! {
    impl Tokens {
        /// The token endpoint: an access token for an API key, or the next pair for a refresh token.
        ///
        /// `grant_type` is `api_key` or `refresh_token`. `scope` narrows: the scopes wanted, separated by spaces.
        #[arguments(grant_type, *, api_key="", refresh_token="", scope="", account_id="", project_id="")]
        fn exchange / aexchange(
            &self,
            grant_type: &str,
            api_key: &str,
            refresh_token: &str,
            scope: &str,
            account_id: &str,
            project_id: &str,
        ) -> AccessToken {
            let request = api::TokenRequest {
                grant_type: grant_type.into(),
                api_key: api_key.into(),
                refresh_token: refresh_token.into(),
                scope: scope.into(),
                account_id: account_id.into(),
                project_id: project_id.into(),
            };
            let tokens = self.0.clone();
            Work::new(async move { tokens.exchange(request).await.map(AccessToken) })
        }

        /// A token for somebody the app itself has authenticated; with `refresh`, one that gets the next pair too.
        #[arguments(subject, *, account_id="", project_id="", r#type="user", roles=None, scopes=None, refresh=false)]
        fn issue / aissue(
            &self,
            subject: Text,
            account_id: &str,
            project_id: &str,
            r#type: &str,
            roles: Option<Vec<Text>>,
            scopes: Option<Vec<Text>>,
            refresh: bool,
        ) -> AccessToken {
            let spec = api::TokenSpec {
                subject: subject.0,
                kind: named("kind of principal", r#type)?,
                account_id: account_id.into(),
                project_id: project_id.into(),
                roles: texts(roles),
                scopes: texts(scopes),
                refresh,
            };
            let tokens = self.0.clone();
            Work::new(async move { tokens.issue(spec).await.map(AccessToken) })
        }

        /// What a token or key is worth now; to a caller only those it reaches are worth anything.
        #[arguments(token)]
        fn introspect / aintrospect(&self, token: Text) -> Introspection {
            let tokens = self.0.clone();
            Work::new(async move { tokens.introspect(&token.0).await.map(Introspection) })
        }

        /// Ends a token; a refresh token with everything it led to. One that is not known is answered the same.
        #[arguments(token)]
        fn revoke / arevoke(&self, token: Text) -> Nothing {
            let tokens = self.0.clone();
            Work::new(async move { tokens.revoke(&token.0).await.map(|()| Nothing) })
        }

        /// Our public keys as a JWK set.
        #[arguments()]
        fn jwks / ajwks(&self) -> Fields {
            let tokens = self.0.clone();
            Work::new(async move { tokens.jwks().await.map(Fields) })
        }

        /// Signs with a new key from now on; the one before stays published until its last token has ended.
        #[arguments()]
        fn rotate_signing_key / arotate_signing_key(&self) -> Nothing {
            let tokens = self.0.clone();
            Work::new(async move { tokens.rotate_signing_key().await.map(|()| Nothing) })
        }
    }
}

/// See `Admin.grants`.
#[pyclass(frozen, module = "tenantry")]
pub struct Grants(pub core::Grants);

twins! {
    impl Grants {
        /// Lets principals of one account act in a project of another, for named actions and a time.
        ///
        /// `actions` are those of guard calls (`process_prompt`) and rights (`tenant:read`); `reason` is read in the audit of
        /// both. Without `from_project` it is for every project of `from_account`.
        #[arguments(*, from_account, from_project="", to_account, to_project, actions, expires_in_seconds, reason)]
        fn create / acreate(
            &self,
            from_account: Text,
            from_project: &str,
            to_account: Text,
            to_project: Text,
            actions: Vec<Text>,
            expires_in_seconds: i64,
            reason: &str,
        ) -> Grant {
            let spec = api::GrantSpec {
                from_account: from_account.0,
                from_project: from_project.into(),
                to_account: to_account.0,
                to_project: to_project.0,
                actions: texts(Some(actions)),
                expires_in_seconds: whole("expires_in_seconds", expires_in_seconds)?,
                reason: reason.into(),
            };
            let grants = self.0.clone();
            Work::new(async move { grants.create(spec).await.map(Grant) })
        }

        /// Grants that have not ended, by id.
        #[arguments()]
        fn list / alist(&self) -> Vec<Grant> {
            let grants = self.0.clone();
            Work::new(async move { Ok(grants.list().await?.into_iter().map(Grant).collect()) })
        }

        /// Ends a grant at once.
        #[arguments(id)]
        fn revoke / arevoke(&self, id: Text) -> Nothing {
            let grants = self.0.clone();
            Work::new(async move { grants.revoke(&id.0).await.map(|()| Nothing) })
        }

        /// Reads what crossed between tenants, as `audit.query` reads a project's chain.
        #[arguments(since=None, limit=100, *, order="oldest", before=None)]
        fn uses / auses(&self, since: Option<Since>, limit: i64, order: &str, before: Option<i64>) -> Vec<AuditRecord> {
            let (grants, limit) = (self.0.clone(), whole("limit", limit)?);
            let range = audit_range(since, order, before)?;
            Work::new(async move { Ok(grants.uses(api::AuditQuery::from(range).limit(limit)).await?.into_iter().map(AuditRecord).collect()) })
        }
    }
}
