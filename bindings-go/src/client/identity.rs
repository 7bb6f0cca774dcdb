//! Identity: the same operations on the client, for itself, and on a tenant, for its caller; grants on the client alone.
#![allow(unsafe_code, reason = "uniffi's macros implement unsafe traits")]

use super::{Tenant, Tenantry};
use crate::{
    errors::Result,
    runtime::detached,
    types::{
        APIKey, AccessToken, AuditQuery, AuditRecord, Grant, GrantSpec, Identity, IdentitySettingsParts, IntoCore,
        Introspection, IssuerReceipt, IssuerSpec, JsonObject, KeySpec, NewAPIKey, TokenRequest, TokenSpec,
    },
};

macro_rules! identity_of {
    ($($object:ident)+) => {$(
        #[uniffi::export]
        impl $object {
            /// Who a token or key is.
            pub async fn verify_credential(&self, credential: String) -> Result<Identity> {
                let identity = self.0.identity();
                detached(async move { identity.verify(&credential).await }).await
            }

            /// The platform's settings of identity.
            pub async fn identity_settings(&self) -> Result<IdentitySettingsParts> {
                let identity = self.0.identity();
                detached(async move { identity.settings().await }).await
            }

            /// Replaces the platform's settings of identity.
            pub async fn put_identity_settings(
                &self,
                settings: IdentitySettingsParts,
            ) -> Result<IdentitySettingsParts> {
                let identity = self.0.identity();
                detached(async move { identity.put_settings(settings.into_core("settings")?).await }).await
            }

            /// Takes an issuer's tokens from now on.
            pub async fn put_issuer(&self, spec: IssuerSpec) -> Result<IssuerReceipt> {
                let issuers = self.0.identity().issuers();
                detached(async move { issuers.put(spec.into_core("spec")?).await }).await
            }

            /// The keys of an issuer as they are now.
            pub async fn check_issuer(&self, issuer: String) -> Result<IssuerReceipt> {
                let issuers = self.0.identity().issuers();
                detached(async move { issuers.check(&issuer).await }).await
            }

            /// Takes none of an issuer's tokens any more.
            pub async fn remove_issuer(&self, issuer: String) -> Result<()> {
                let issuers = self.0.identity().issuers();
                detached(async move { issuers.remove(&issuer).await }).await
            }

            /// All issuers, without their secrets.
            pub async fn list_issuers(&self) -> Result<Vec<IssuerSpec>> {
                let issuers = self.0.identity().issuers();
                detached(async move { issuers.list().await }).await
            }

            /// Makes or imports a key.
            pub async fn create_key(&self, spec: KeySpec) -> Result<NewAPIKey> {
                let keys = self.0.identity().keys();
                detached(async move { keys.create(spec.into_core("spec")?).await }).await
            }

            /// The keys of a project, an account or the platform.
            pub async fn list_keys(&self, account: String, project: String) -> Result<Vec<APIKey>> {
                let keys = self.0.identity().keys();
                detached(async move { keys.list(tenantry::api::KeyFilter::of(&account, &project)).await }).await
            }

            /// One key.
            pub async fn get_key(&self, id: String) -> Result<APIKey> {
                let keys = self.0.identity().keys();
                detached(async move { keys.get(&id).await }).await
            }

            /// Ends a key.
            pub async fn revoke_key(&self, id: String) -> Result<APIKey> {
                let keys = self.0.identity().keys();
                detached(async move { keys.revoke(&id).await }).await
            }

            /// Makes a key to take another's place.
            pub async fn rotate_key(&self, id: String, overlap_seconds: i64) -> Result<NewAPIKey> {
                let keys = self.0.identity().keys();
                detached(async move { keys.rotate(tenantry::api::KeyRotation::new(&id, overlap_seconds.into_core("overlap_seconds")?)).await }).await
            }

            /// The token endpoint.
            pub async fn exchange_token(&self, request: TokenRequest) -> Result<AccessToken> {
                let tokens = self.0.identity().tokens();
                detached(async move { tokens.exchange(request.into_core("request")?).await }).await
            }

            /// A token for somebody the app itself has authenticated.
            pub async fn issue_token(&self, spec: TokenSpec) -> Result<AccessToken> {
                let tokens = self.0.identity().tokens();
                detached(async move { tokens.issue(spec.into_core("spec")?).await }).await
            }

            /// What a token or key is worth now.
            pub async fn introspect_token(&self, token: String) -> Result<Introspection> {
                let tokens = self.0.identity().tokens();
                detached(async move { tokens.introspect(&token).await }).await
            }

            /// Ends a token.
            pub async fn revoke_token(&self, token: String) -> Result<()> {
                let tokens = self.0.identity().tokens();
                detached(async move { tokens.revoke(&token).await }).await
            }

            /// Our public keys.
            pub async fn published_keys(&self) -> Result<JsonObject> {
                let tokens = self.0.identity().tokens();
                detached(async move { tokens.jwks().await }).await
            }

            /// Signs with a new key from now on.
            pub async fn rotate_signing_key(&self) -> Result<()> {
                let tokens = self.0.identity().tokens();
                detached(async move { tokens.rotate_signing_key().await }).await
            }
        }
    )+};
}

identity_of! { Tenantry Tenant }

#[uniffi::export]
impl Tenantry {
    /// Lets principals of one account act in a project of another.
    pub async fn create_grant(&self, spec: GrantSpec) -> Result<Grant> {
        let grants = self.0.admin().grants();
        detached(async move { grants.create(spec.into_core("spec")?).await }).await
    }

    /// Grants that have not ended.
    pub async fn list_grants(&self) -> Result<Vec<Grant>> {
        let grants = self.0.admin().grants();
        detached(async move { grants.list().await }).await
    }

    /// Ends a grant.
    pub async fn revoke_grant(&self, id: String) -> Result<()> {
        let grants = self.0.admin().grants();
        detached(async move { grants.revoke(&id).await }).await
    }

    /// Reads what crossed between tenants.
    pub async fn grant_uses(&self, query: AuditQuery) -> Result<Vec<AuditRecord>> {
        let grants = self.0.admin().grants();
        detached(async move {
            let (range, limit) = query.into_core()?;
            grants.uses(tenantry::api::AuditQuery::from(range).limit(limit)).await
        })
        .await
    }
}
