//! What a credential turned out to be: principal, authority, rights, and until when. Touches only ground.

use std::{borrow::Cow, collections::BTreeMap, sync::atomic::AtomicU64};

use super::{lineage::IssuerEntry, permissions::Permissions};
use crate::{
    api::{CredentialKind, Identity, Principal},
    clock::rfc3339,
    scope::Authority,
};

/// What says what a credential may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionsBy {
    /// The scopes it carries, also when it carries none.
    Scopes,
    /// Its roles, where it says nothing of scopes.
    Roles,
    /// Nothing: dev mode lets everybody do everything in the one project it opens.
    DevMode,
}

/// Who vouches for a principal that no credential names, or that the process itself named. Policies read these words as
/// `context.principal_issuer`, so no issuer may be called so.
pub const PROCESS: &str = "process";
/// Who vouches for the principals of API keys, and of the tokens issued here.
const OWN: &str = "tenantry";
/// Who vouches for the callers of dev mode: nobody.
const DEV: &str = "dev";

/// Whether a name says where a principal comes from that comes from no outside issuer.
#[must_use]
pub fn is_own_issuer(name: &str) -> bool {
    [PROCESS, OWN, DEV].contains(&name)
}

/// A credential that was verified. Everything that follows from it asks [`super::IdentityService::check`] each time, so that
/// expiry and revocation end it wherever it is held.
#[derive(Debug)]
pub struct Verified {
    /// What it was.
    pub credential: CredentialKind,
    /// Its id; empty when it has none.
    pub id: String,
    /// The issuer of a token.
    pub issuer: String,
    /// Which state of the issuer's entry it was verified against.
    pub(super) issuer_version: u64,
    /// Who acts.
    pub principal: Principal,
    /// Where.
    pub authority: Authority,
    /// What says what it may do.
    pub(super) permissions_by: PermissionsBy,
    /// Until when, microseconds since 1970.
    pub ends_at: i64,
    /// How long its text could be presented again: what is revoked is remembered at least so long.
    pub(super) presentable_until: i64,
    /// Ids whose revocation ends it: its own, and those of what it was exchanged for.
    pub(super) ends_with: Vec<String>,
    /// The entry of the outside issuer that it, or what it was issued on, came by.
    pub(super) entry: Option<IssuerEntry>,
    /// The API key a token was exchanged for. What is made on the token's strength is bounded by that key: its holder could
    /// have used it, and public clients narrow their tokens to what an endpoint needs.
    pub(super) key: Option<String>,
    /// Whether a machine asks, on behalf of somebody it names itself.
    pub machine: bool,
    /// The state of revocations it was last held against.
    pub(super) seen: AtomicU64,
}

impl Verified {
    /// What it may do, by the table of roles as it stands.
    #[must_use]
    pub fn permissions(&self, table: &BTreeMap<String, Vec<String>>) -> Permissions {
        match self.permissions_by {
            PermissionsBy::Scopes => Permissions::of(&self.principal.scopes, &[], table),
            PermissionsBy::Roles => Permissions::of(&self.principal.scopes, &self.principal.roles, table),
            PermissionsBy::DevMode => Permissions::everything(),
        }
    }

    /// The scopes that bound guard calls by it; none at all where it says nothing of scopes.
    #[must_use]
    pub fn scopes(&self) -> Option<Vec<String>> {
        let scopes = &self.principal.scopes;
        // A token that says "no scopes" means it; a key without any was made for guard calls.
        let says_so = self.credential == CredentialKind::Jwt && self.permissions_by == PermissionsBy::Scopes;
        (says_so || !scopes.is_empty()).then(|| scopes.clone())
    }

    /// Who vouches for its principal: the issuer of an outside token, else a fixed word.
    #[must_use]
    pub fn principal_issuer(&self) -> Cow<'static, str> {
        match self.credential {
            CredentialKind::Jwt => Cow::Owned(self.issuer.clone()),
            CredentialKind::ApiKey | CredentialKind::Token => Cow::Borrowed(OWN),
            CredentialKind::Dev => Cow::Borrowed(DEV),
        }
    }

    /// Whether this is the very credential `other` is.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        !self.id.is_empty() && (self.credential, &self.issuer, &self.id) == (other.credential, &other.issuer, &other.id)
    }

    /// As callers see it.
    #[must_use]
    pub fn identity(&self, table: &BTreeMap<String, Vec<String>>) -> Identity {
        Identity {
            principal: self.principal.clone(),
            credential: self.credential,
            credential_id: self.id.clone(),
            issuer: self.issuer.clone(),
            account_id: self.authority.account_id().map(ToString::to_string).unwrap_or_default(),
            project_ids: self.authority.project_ids().map(ToString::to_string).collect(),
            scopes: self.permissions(table).names(),
            expires_at: (self.ends_at != i64::MAX).then(|| rfc3339(self.ends_at)),
        }
    }
}
