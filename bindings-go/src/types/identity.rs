//! Credentials: issuers, API keys, tokens, grants, and who a credential turned out to be.
#![allow(unsafe_code, reason = "uniffi's derives implement unsafe traits")]

use tenantry::{
    Result,
    api::{self, whole},
    config,
};

use super::{
    Algorithm, CredentialKind, Flag, FromCore, IntoCore, JsonObject, KeyState, LimitSpec, PolicySpec, Principal,
    PrincipalType, TenantFacts, Text, mirror,
};

/// One line of a header.
#[derive(uniffi::Record)]
pub struct HeaderParts {
    /// Its name, in any case.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What a caller presents, as it came.
#[derive(uniffi::Record)]
pub struct PresentedParts {
    /// Every line of every header.
    pub headers: Vec<HeaderParts>,
    /// A token or key on its own.
    pub token: Option<String>,
    /// The request's method.
    pub method: String,
    /// The request's path and query.
    pub target: String,
    /// The peer's address.
    pub peer: String,
}

impl From<PresentedParts> for api::RequestCredentials {
    fn from(parts: PresentedParts) -> Self {
        Self {
            headers: parts.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            token: parts.token.map(config::Credential::new),
            method: parts.method,
            target: parts.target,
            peer: parts.peer,
        }
    }
}

/// What never changes about a handle.
#[derive(uniffi::Record)]
pub struct AboutParts {
    /// The account's id.
    pub account_id: String,
    /// The project's id.
    pub project_id: String,
    /// Who the credential behind it is.
    pub caller: Option<Identity>,
}

mirror! { out
    /// Who a verified credential is, and what it reaches.
    Identity: api::Identity {
        /// Who acts.
        principal: Principal,
        /// What the credential was.
        credential: CredentialKind,
        /// Its id: the key's id, or the token's `jti`; empty when it has none.
        credential_id: Option<Text>,
        /// The token's issuer.
        issuer: Option<Text>,
        /// The account it reaches; empty for the whole platform.
        account_id: Option<Text>,
        /// The projects it reaches; empty for all of the account.
        project_ids: Option<Vec<String>>,
        /// What it may do, roles counted in.
        scopes: Vec<String>,
        /// When it ends, RFC 3339 in UTC; empty for never.
        expires_at: Option<Text>,
    }
}

/// Where an issuer's tokens say what we need to know. A text that starts with `/` is a JSON pointer (RFC 6901); any other
/// is the name of a top-level claim. What is nil is read from the usual claim, and what is empty is not read, scopes aside.
#[derive(uniffi::Record)]
pub struct ClaimPaths {
    /// The account; `account_id` when left out.
    pub account: Option<String>,
    /// The project, or a list of projects; `project_id` when left out.
    pub project: Option<String>,
    /// Roles: a list of strings, or one string, which is one role whatever is in it; `role` when left out.
    pub roles: Option<String>,
    /// OAuth scopes: a list, or one string separated by spaces. A token without the claim that is named here may do nothing.
    /// Left out or empty, `scope`, `scp` and `scopes` are read, and a token without any may do what its roles mean.
    pub scopes: Option<String>,
}

impl FromCore<api::ClaimPaths> for Option<ClaimPaths> {
    fn from_core(core: api::ClaimPaths) -> Self {
        (core != api::ClaimPaths::default()).then_some(ClaimPaths {
            account: Some(core.account),
            project: Some(core.project),
            roles: Some(core.roles),
            scopes: Some(core.scopes),
        })
    }
}

impl IntoCore<api::ClaimPaths> for Option<ClaimPaths> {
    fn into_core(self, _what: &str) -> Result<api::ClaimPaths> {
        let usual = api::ClaimPaths::default();
        Ok(match self {
            None => usual,
            Some(paths) => api::ClaimPaths {
                account: paths.account.unwrap_or(usual.account),
                project: paths.project.unwrap_or(usual.project),
                roles: paths.roles.unwrap_or(usual.roles),
                scopes: paths.scopes.unwrap_or(usual.scopes),
            },
        })
    }
}

mirror! { both
    /// An identity provider whose tokens are taken, and for which accounts. Printed, its secret is hidden.
    IssuerSpec: api::IssuerSpec {
        /// The exact `iss` of its tokens.
        issuer: String,
        /// Tokens must name one of these in `aud`. Never empty.
        audience: Vec<String>,
        /// Which claim names the audience in tokens that have no `aud`, e.g. `client_id` for access tokens of Cognito.
        audience_claim: Option<Text>,
        /// The algorithms taken, and no others. Never empty; `HS256` stands alone.
        algorithms: Vec<Algorithm>,
        /// Where its public keys are published. One of `jwks_url`, `jwks`, `secret` and `secret_base64` is
        /// given.
        jwks_url: Option<Text>,
        /// Its public keys, as a JWK set (RFC 7517).
        jwks: Option<JsonObject>,
        /// The shared secret for `HS256`, at least 32 bytes. Kept sealed; never shown again.
        secret: Option<Text>,
        /// The same, of bytes that are no text: in base64 or base64url.
        secret_base64: Option<Text>,
        /// Allows `jwks_url` to name a private or loopback address, and plain HTTP.
        private_network: Option<Flag>,
        /// How far its clock may be off, in seconds: 0 to 300; 0 when left out.
        leeway_seconds: Option<i64>,
        /// The accounts it may speak for; `*` for every account. Never empty.
        accounts: Vec<String>,
        /// Every valid token is this project of the one account in `accounts`: single-tenant mode.
        project: Option<Text>,
        /// Where its tokens say what.
        claims: Option<ClaimPaths>,
        /// What the id of each of its principals starts with, before the token's subject, e.g. `okta:`. Of the issuers of one
        /// account one may do without.
        principal_prefix: Option<Text>,
    }
}

mirror! { out
    /// What came of putting an issuer, or what its keys are now.
    IssuerReceipt: api::IssuerReceipt {
        /// The issuer.
        issuer: String,
        /// The keys that verify its tokens, each by its `kid` or its place in the set.
        keys: Vec<String>,
        /// The keys that do not, each with the reason.
        skipped: Option<Vec<String>>,
        /// Why its keys could not be fetched; absent where they were, or where they were given.
        unreachable: Option<Text>,
    }
}

mirror! { both
    /// What happens when a verified credential names an account nobody created.
    AutoProvision: api::AutoProvision {
        /// Whether it is created.
        enabled: bool,
        /// Most accounts made up this way; 1,000 when zero.
        max_accounts: i64,
        /// Most accounts made up this way in one minute; 60 when zero.
        per_minute: i64,
        /// Facts of what is created.
        facts: Option<TenantFacts>,
        /// Policies every new project starts with, beside the baseline.
        policies: Option<Vec<PolicySpec>>,
        /// Limits every new project starts with.
        limits: Option<Vec<LimitSpec>>,
    }
}

/// Which scopes a role means.
#[derive(uniffi::Record)]
pub struct RoleParts {
    /// The role.
    pub name: String,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// What the platform decides about identity; `IdentitySettings` in Go, which has the roles as a map.
#[derive(uniffi::Record)]
pub struct IdentitySettingsParts {
    /// The `iss` of our own tokens.
    pub issuer: String,
    /// The trust domain of agents' SPIFFE ids.
    pub trust_domain: Option<Text>,
    /// What new API keys start with.
    pub key_prefix: Option<Text>,
    /// Lifetime of access tokens, in seconds.
    pub access_token_seconds: i64,
    /// Lifetime of refresh tokens, in seconds.
    pub refresh_token_seconds: i64,
    /// Most living API keys per project.
    pub max_keys: i64,
    /// Which scopes a role means.
    pub roles: Option<Vec<RoleParts>>,
    /// What happens to accounts nobody has seen.
    pub auto_provision: AutoProvision,
}

impl FromCore<api::IdentitySettings> for IdentitySettingsParts {
    fn from_core(core: api::IdentitySettings) -> Self {
        Self {
            issuer: core.issuer,
            trust_domain: FromCore::from_core(core.trust_domain),
            key_prefix: FromCore::from_core(core.key_prefix),
            access_token_seconds: FromCore::from_core(core.access_token_seconds),
            refresh_token_seconds: FromCore::from_core(core.refresh_token_seconds),
            max_keys: FromCore::from_core(core.max_keys),
            roles: Some(core.roles.into_iter().map(|(name, scopes)| RoleParts { name, scopes }).collect()),
            auto_provision: FromCore::from_core(core.auto_provision),
        }
    }
}

/// A number of which zero means the default.
fn counted(what: &str, given: i64, default: u32) -> Result<u32> {
    if given == 0 { Ok(default) } else { whole(what, given) }
}

impl IntoCore<api::IdentitySettings> for IdentitySettingsParts {
    fn into_core(self, _what: &str) -> Result<api::IdentitySettings> {
        let usual = api::IdentitySettings::default();
        let provision = &self.auto_provision;
        let max_accounts = counted("max_accounts", provision.max_accounts, usual.auto_provision.max_accounts)?;
        let per_minute = counted("per_minute", provision.per_minute, usual.auto_provision.per_minute)?;
        let named = |roles: Vec<RoleParts>| roles.into_iter().map(|role| (role.name, role.scopes)).collect();
        Ok(api::IdentitySettings {
            issuer: self.issuer,
            trust_domain: self.trust_domain.map_or(usual.trust_domain, |text| text.0),
            key_prefix: self.key_prefix.map_or(usual.key_prefix, |text| text.0),
            access_token_seconds: counted(
                "access_token_seconds",
                self.access_token_seconds,
                usual.access_token_seconds,
            )?,
            refresh_token_seconds: counted(
                "refresh_token_seconds",
                self.refresh_token_seconds,
                usual.refresh_token_seconds,
            )?,
            max_keys: counted("max_keys", self.max_keys, usual.max_keys)?,
            roles: self.roles.map_or(usual.roles, named),
            auto_provision: api::AutoProvision {
                max_accounts,
                per_minute,
                ..self.auto_provision.into_core("auto_provision")?
            },
        })
    }
}

mirror! { into
    /// An API key to make.
    KeySpec: api::KeySpec {
        /// What people call it.
        name: String,
        /// The account it reaches; empty for the caller's own.
        account_id: Option<Text>,
        /// The project it reaches; empty for the caller's own, or for a whole account where the caller reaches one.
        project_id: Option<Text>,
        /// Its OAuth scopes, no wider than its owner's. Empty: guard calls only.
        scopes: Option<Vec<String>>,
        /// What its holder is to policies; `user` when left out.
        r#type (kind): Option<PrincipalType>,
        /// The principal's id; empty for the key's own id.
        subject: Option<Text>,
        /// How long it lives, in seconds; 0 for ever.
        expires_in_seconds: i64,
        /// What the key starts with; empty for the platform's setting.
        prefix: Option<Text>,
        /// SHA-256 of a key another system made, hexadecimal: the key itself is then never known here.
        import_sha256: Option<Text>,
        /// What it is for, for people; at most 1,024 bytes.
        description: Option<Text>,
        /// What the app calls the place it is used in, e.g. `live` or `test`; at most 64 bytes.
        environment: Option<Text>,
    }
}

mirror! { out
    /// An API key as admin calls return it: everything but the key.
    APIKey: api::ApiKey {
        /// Names it; not secret.
        id: String,
        /// What people call it.
        name: String,
        /// How it starts, for finding it in a configuration.
        key_prefix: String,
        /// The account it reaches; empty for a platform key.
        account_id: Option<Text>,
        /// The project it reaches; empty when it reaches a whole account.
        project_id: Option<Text>,
        /// Whether it is taken.
        state: KeyState,
        /// Its OAuth scopes.
        scopes: Vec<String>,
        /// What its holder is to policies.
        r#type (kind): PrincipalType,
        /// The principal's id.
        subject: String,
        /// Who made it.
        created_by: String,
        /// RFC 3339 in UTC.
        created_at: String,
        /// RFC 3339 in UTC; empty for never.
        expires_at: Option<Text>,
        /// RFC 3339 in UTC; written within a second of use.
        last_used_at: Option<Text>,
        /// The key that took its place.
        replaced_by: Option<Text>,
        /// What it is for, for people.
        description: Option<Text>,
        /// What the app calls the place it is used in.
        environment: Option<Text>,
    }
}

mirror! { out
    /// A key that was just made. The only time the key itself is shown; printed, it is hidden, and JSON has it.
    NewAPIKey: api::NewApiKey {
        /// The key. Empty for an imported one.
        key: String,
        /// Names it; not secret.
        id (record.id): String,
        /// What people call it.
        name (record.name): String,
        /// How it starts, for finding it in a configuration.
        key_prefix (record.key_prefix): String,
        /// The account it reaches; empty for a platform key.
        account_id (record.account_id): Option<Text>,
        /// The project it reaches; empty when it reaches a whole account.
        project_id (record.project_id): Option<Text>,
        /// Whether it is taken.
        state (record.state): KeyState,
        /// Its OAuth scopes.
        scopes (record.scopes): Vec<String>,
        /// What its holder is to policies.
        r#type (record.kind): PrincipalType,
        /// The principal's id.
        subject (record.subject): String,
        /// Who made it.
        created_by (record.created_by): String,
        /// RFC 3339 in UTC.
        created_at (record.created_at): String,
        /// RFC 3339 in UTC; empty for never.
        expires_at (record.expires_at): Option<Text>,
        /// RFC 3339 in UTC; written within a second of use.
        last_used_at (record.last_used_at): Option<Text>,
        /// The key that took its place.
        replaced_by (record.replaced_by): Option<Text>,
        /// What it is for, for people.
        description (record.description): Option<Text>,
        /// What the app calls the place it is used in.
        environment (record.environment): Option<Text>,
    }
}

mirror! { into
    /// A token pair to issue for somebody the app itself has authenticated.
    TokenSpec: api::TokenSpec {
        /// The principal's id.
        subject: String,
        /// What it is to policies; `user` when left out.
        r#type (kind): Option<PrincipalType>,
        /// The account.
        account_id: Option<Text>,
        /// The project; empty for every project of the account.
        project_id: Option<Text>,
        /// Its roles, highest first.
        roles: Option<Vec<String>>,
        /// Its OAuth scopes; empty for those its roles mean.
        scopes: Option<Vec<String>>,
        /// Whether a refresh token comes with it.
        refresh: Option<Flag>,
    }
}

mirror! { into
    /// What a client sends to the token endpoint (RFC 6749). Printed, its credentials are hidden.
    TokenRequest: api::TokenRequest {
        /// `api_key` or `refresh_token`.
        grant_type: String,
        /// The key, for `api_key`.
        api_key: Option<Text>,
        /// The refresh token, for `refresh_token`.
        refresh_token: Option<Text>,
        /// The scopes wanted, separated by spaces; empty for all the credential has.
        scope: Option<Text>,
        /// May confirm the credential's account; `default` and empty say nothing.
        account_id: Option<Text>,
        /// May select a project within the credential's reach; `default` and empty say nothing.
        project_id: Option<Text>,
    }
}

mirror! { out
    /// The answer of the token endpoint. Printed, its tokens are hidden, and JSON has them.
    AccessToken: api::AccessToken {
        /// The signed token.
        access_token: String,
        /// `Bearer`.
        token_type: String,
        /// Seconds until it expires.
        expires_in: u64,
        /// The scopes it has, separated by spaces.
        scope: Option<Text>,
        /// The token's id.
        jti: String,
        /// When it was issued, seconds since 1970.
        iat: i64,
        /// The account it reaches.
        account_id: Option<Text>,
        /// The project it reaches; empty when it reaches a whole account.
        project_id: Option<Text>,
        /// The principal's id.
        external_id: String,
        /// Who made the key it was exchanged for.
        user_id: Option<Text>,
        /// Gets the next pair, once.
        refresh_token: Option<Text>,
    }
}

mirror! { out
    /// What a token is worth now (RFC 7662): not active, and nothing else, when nothing. JSON has the claims beside `active`.
    Introspection: api::Introspection {
        /// Whether it would be taken.
        active: bool,
        /// The rest of its claims, when active.
        claims: JsonObject,
    }
}

mirror! { into
    /// Lets principals of one tenant act in another, for named actions and a limited time.
    GrantSpec: api::GrantSpec {
        /// The account whose principals may act.
        from_account: String,
        /// Its project; empty for all of them.
        from_project: Option<Text>,
        /// The account they may act in.
        to_account: String,
        /// The project they may act in.
        to_project: String,
        /// Actions of guard calls (`process_prompt`) and rights (`tenant:read`) it covers. Never empty.
        actions: Vec<String>,
        /// How long it holds, in seconds; at most 366 days.
        expires_in_seconds: i64,
        /// Why, for the audit of both.
        reason: String,
    }
}

mirror! { out
    /// A cross-tenant grant as admin calls return it.
    Grant: api::Grant {
        /// Names it.
        id: String,
        /// The account whose principals may act.
        from_account: String,
        /// Its project; empty for all of them.
        from_project: Option<Text>,
        /// The account they may act in.
        to_account: String,
        /// The project they may act in.
        to_project: String,
        /// What it covers.
        actions: Vec<String>,
        /// Why.
        reason: String,
        /// RFC 3339 in UTC.
        created_at: String,
        /// RFC 3339 in UTC.
        until: String,
    }
}
