//! Issuers, API keys, tokens and cross-tenant grants: the same rooms for the client and for a caller's own tenant.

use napi::{
    Env, Unknown,
    bindgen_prelude::{Either, PromiseRaw},
};
use napi_derive::napi;
use tenantry::client as core;

use crate::{
    runtime::{Work, promise, wait},
    types::{Given, audit_query, grant, identity_settings, issuer, key, required, token, token_request, wire},
};

/// Who credentials are, and what the platform decides about them.
#[napi]
pub struct Identities(pub(super) core::Identities);

/// Identity providers whose tokens are taken.
#[napi]
pub struct Issuers(core::Issuers);

/// API keys.
#[napi]
pub struct Keys(core::Keys);

/// Our own tokens.
#[napi]
pub struct Tokens(core::Tokens);

/// Cross-tenant grants.
#[napi]
pub struct Grants(pub(super) core::Grants);

#[napi]
impl Identities {
    #[napi(getter, catch_unwind)]
    pub fn issuers(&self) -> Issuers {
        Issuers(self.0.issuers())
    }

    #[napi(getter, catch_unwind)]
    pub fn keys(&self) -> Keys {
        Keys(self.0.keys())
    }

    #[napi(getter, catch_unwind)]
    pub fn tokens(&self) -> Tokens {
        Tokens(self.0.tokens())
    }
}

twins! {
    impl Identities {
        /// Who a token or key is, and what it reaches.
        #[arguments("credential: string")]
        fn verify_sync / verify(&self, credential) -> String {
            let (identity, credential) = (self.0.clone(), required("credential", credential)?);
            Work::new(async move { wire(&identity.verify(&credential).await?) })
        }

        /// The platform's settings of identity.
        #[arguments("")]
        fn settings_sync / settings(&self) -> String {
            let identity = self.0.clone();
            Work::new(async move { wire(&identity.settings().await?) })
        }

        /// Replaces the platform's settings of identity.
        #[arguments("settings: NewIdentitySettings")]
        fn put_settings_sync / put_settings(&self, settings) -> String {
            let (identity, settings) = (self.0.clone(), identity_settings(settings)?);
            // Policies of newcomers are compiled.
            Work::long(async move { wire(&identity.put_settings(settings).await?) })
        }
    }
}

twins! {
    impl Issuers {
        /// Takes an issuer's tokens from now on, replacing what was said of it before.
        #[arguments("issuer: Issuer")]
        fn put_sync / put(&self, issuer) -> String {
            let (issuers, spec) = (self.0.clone(), self::issuer(issuer)?);
            Work::new(async move { wire(&issuers.put(spec).await?) })
        }

        /// The keys of an issuer as they are now.
        #[arguments("issuer: string")]
        fn check_sync / check(&self, issuer) -> String {
            let (issuers, issuer) = (self.0.clone(), required("issuer", issuer)?);
            Work::new(async move { wire(&issuers.check(&issuer).await?) })
        }

        /// Takes none of an issuer's tokens any more.
        #[arguments("issuer: string")]
        fn remove_sync / remove(&self, issuer) -> () {
            let (issuers, issuer) = (self.0.clone(), required("issuer", issuer)?);
            Work::new(async move { issuers.remove(&issuer).await })
        }

        /// All issuers by name, without their secrets.
        #[arguments("")]
        fn list_sync / list(&self) -> String {
            let issuers = self.0.clone();
            Work::new(async move { wire(&issuers.list().await?.items) })
        }
    }
}

twins! {
    impl Keys {
        /// Makes a key, or imports one by its hash.
        #[arguments("name: string, options?: KeyOptions")]
        fn create_sync / create(&self, name, options) -> String {
            let (keys, spec) = (self.0.clone(), key(name, options)?);
            Work::new(async move { wire(&keys.create(spec).await?) })
        }

        /// The keys of a project, an account, or of the caller's own place.
        #[arguments("options?: KeyQuery")]
        fn list_sync / list(&self, options) -> String {
            let mut given = Given::read("options", options)?;
            let account = given.text("accountId")?.unwrap_or_default();
            let project = given.text("projectId")?.unwrap_or_default();
            given.end()?;
            let keys = self.0.clone();
            Work::new(async move { wire(&keys.list(tenantry::api::KeyFilter::of(&account, &project)).await?.items) })
        }

        /// One key, without its secret.
        #[arguments("id: string")]
        fn get_sync / get(&self, id) -> String {
            let (keys, id) = (self.0.clone(), required("id", id)?);
            Work::new(async move { wire(&keys.get(&id).await?) })
        }

        /// Ends a key and everything that was exchanged for it.
        #[arguments("id: string")]
        fn revoke_sync / revoke(&self, id) -> String {
            let (keys, id) = (self.0.clone(), required("id", id)?);
            Work::new(async move { wire(&keys.revoke(&id).await?) })
        }

        /// Makes a key to take another's place.
        #[arguments("id: string, options?: RotateOptions")]
        fn rotate_sync / rotate(&self, id, options) -> String {
            let (keys, id) = (self.0.clone(), required("id", id)?);
            let mut given = Given::read("options", options)?;
            let overlap = given.whole("overlapSeconds")?.unwrap_or_default();
            given.end()?;
            Work::new(async move { wire(&keys.rotate(tenantry::api::KeyRotation::new(&id, overlap)).await?) })
        }
    }
}

twins! {
    impl Tokens {
        /// The token endpoint.
        #[arguments("request: TokenRequest")]
        fn exchange_sync / exchange(&self, request) -> String {
            let (tokens, request) = (self.0.clone(), token_request(request)?);
            Work::new(async move { wire(&tokens.exchange(request).await?) })
        }

        /// A token for somebody the app itself has authenticated.
        #[arguments("subject: string, options?: TokenOptions")]
        fn issue_sync / issue(&self, subject, options) -> String {
            let (tokens, spec) = (self.0.clone(), token(subject, options)?);
            Work::new(async move { wire(&tokens.issue(spec).await?) })
        }

        /// What a token or key is worth now.
        #[arguments("token: string")]
        fn introspect_sync / introspect(&self, token) -> String {
            let (tokens, token) = (self.0.clone(), required("token", token)?);
            Work::new(async move { wire(&tokens.introspect(&token).await?) })
        }

        /// Ends a token; a refresh token with everything it led to.
        #[arguments("token: string")]
        fn revoke_sync / revoke(&self, token) -> () {
            let (tokens, token) = (self.0.clone(), required("token", token)?);
            Work::new(async move { tokens.revoke(&token).await })
        }

        /// Our public keys as a JWK set.
        #[arguments("")]
        fn jwks_sync / jwks(&self) -> String {
            let tokens = self.0.clone();
            Work::new(async move { wire(&tokens.jwks().await?) })
        }

        /// Signs with a new key from now on.
        #[arguments("")]
        fn rotate_signing_key_sync / rotate_signing_key(&self) -> () {
            let tokens = self.0.clone();
            Work::new(async move { tokens.rotate_signing_key().await })
        }
    }
}

twins! {
    impl Grants {
        /// Lets principals of one account act in a project of another, for named actions and a time.
        #[arguments("grant: NewGrant")]
        fn create_sync / create(&self, grant) -> String {
            let (grants, spec) = (self.0.clone(), self::grant(grant)?);
            Work::new(async move { wire(&grants.create(spec).await?) })
        }

        /// Grants that have not ended, by id.
        #[arguments("")]
        fn list_sync / list(&self) -> String {
            let grants = self.0.clone();
            Work::new(async move { wire(&grants.list().await?.items) })
        }

        /// Ends a grant at once.
        #[arguments("id: string")]
        fn revoke_sync / revoke(&self, id) -> () {
            let (grants, id) = (self.0.clone(), required("id", id)?);
            Work::new(async move { grants.revoke(&id).await })
        }

        /// Reads what crossed between tenants.
        #[arguments("options?: AuditQuery")]
        fn uses_sync / uses(&self, options) -> String {
            let (grants, (range, limit)) = (self.0.clone(), audit_query(options)?);
            Work::long(async move { wire(&grants.uses(tenantry::api::AuditQuery::from(range).limit(limit)).await?.items) })
        }
    }
}
