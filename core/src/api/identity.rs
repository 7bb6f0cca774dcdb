//! Credentials as callers see them: issuers, API keys, tokens, cross-tenant grants, and who a credential turned out to be.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{LimitSpec, PolicySpec, Principal, PrincipalKind, TenantFacts};
use crate::config::Credential;

/// A signature algorithm of a token (RFC 7518, RFC 8037). `none` is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
    /// HMAC with SHA-256; only for an issuer whose secret we hold.
    HS256,
}

impl Algorithm {
    /// Reads the name in a token's header, exactly as RFC 7518 spells it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::RS256,
            "RS384" => Self::RS384,
            "RS512" => Self::RS512,
            "PS256" => Self::PS256,
            "ES256" => Self::ES256,
            "ES384" => Self::ES384,
            "EdDSA" => Self::EdDSA,
            "HS256" => Self::HS256,
            _ => return None,
        })
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn rs256_alone() -> Vec<Algorithm> {
    vec![Algorithm::RS256]
}

/// Where an issuer's tokens say what we need to know. A text that starts with `/` is a JSON pointer (RFC 6901); any other
/// is the name of a top-level claim: letters, digits, `_`, `-` and `:`, or a URL such as `https://acme.example/tenant`. Names
/// with other characters are written as pointers, too: `/kubernetes.io/namespace`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimPaths {
    /// The account. Required in every token, unless the issuer speaks for one tenant only.
    pub account: String,
    /// The project, or a list of projects; a token without it reaches every project of its account.
    pub project: String,
    /// Roles: a list of strings, or one string, which is one role whatever is in it.
    pub roles: String,
    /// OAuth scopes: a list of strings, or one string separated by spaces. A token without the claim that is named here may
    /// do nothing. Empty: `scope`, `scp` and `scopes` are read, and a token without any of them may do what its roles mean.
    pub scopes: String,
}

impl Default for ClaimPaths {
    fn default() -> Self {
        Self { account: "account_id".into(), project: "project_id".into(), roles: "role".into(), scopes: String::new() }
    }
}

/// An identity provider whose tokens are taken, and for which accounts.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["issuer", "audience", "accounts"]))]
pub struct IssuerSpec {
    /// The exact `iss` of its tokens.
    pub issuer: String,
    /// Tokens must name one of these in `aud`. Never empty.
    pub audience: Vec<String>,
    /// Which claim names the audience in tokens that have no `aud`, e.g. `client_id` for access tokens of Cognito; written as
    /// the paths of `claims` are. Empty: a token without `aud` is refused.
    #[serde(skip_serializing_if = "is_default")]
    pub audience_claim: String,
    /// The algorithms taken, and no others: `RS256` where none is said. Never empty; `HS256` stands alone.
    #[serde(default = "rs256_alone")]
    pub algorithms: Vec<Algorithm>,
    /// Where its public keys are published. One of `jwks_url`, `jwks`, `secret` and `secret_base64` is given.
    #[serde(skip_serializing_if = "is_default")]
    pub jwks_url: String,
    /// Its public keys, as a JWK set (RFC 7517).
    #[serde(skip_serializing_if = "is_default")]
    pub jwks: Map<String, Value>,
    /// The shared secret for `HS256`, at least 32 bytes. Kept sealed; never shown again.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("format" = "password"))]
    pub secret: String,
    /// The same, of bytes that are no text: in base64 or base64url, with padding or without.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("format" = "password"))]
    pub secret_base64: String,
    /// Allows `jwks_url` to name a private or loopback address, and plain HTTP.
    #[serde(skip_serializing_if = "is_default")]
    pub private_network: bool,
    /// How far its clock may be off, in seconds: 0 to 300.
    #[serde(skip_serializing_if = "is_default")]
    pub leeway_seconds: u32,
    /// The accounts it may speak for; `["*"]` for every account. Never empty.
    pub accounts: Vec<String>,
    /// Every valid token is this project of the one account in `accounts`: single-tenant mode.
    #[serde(skip_serializing_if = "is_default")]
    pub project: String,
    /// Where its tokens say what.
    #[serde(skip_serializing_if = "is_default")]
    pub claims: ClaimPaths,
    /// What the id of each of its principals starts with, before the token's subject, e.g. `okta:`. Of the issuers of one
    /// account one may do without, so that no two name the same principal. At most 64 printable ASCII characters.
    #[serde(skip_serializing_if = "is_default")]
    pub principal_prefix: String,
}

impl std::fmt::Debug for IssuerSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuerSpec")
            .field("issuer", &self.issuer)
            .field("accounts", &self.accounts)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// What came of putting an issuer. The entry holds whatever this says; tokens are taken as soon as a key for them is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct IssuerReceipt {
    /// The issuer.
    pub issuer: String,
    /// The keys that verify its tokens, each by its `kid` or its place in the set.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The keys that do not, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Why its keys could not be fetched; absent where they were, or where they were given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unreachable: String,
}

/// What happens when a verified credential names an account nobody created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoProvision {
    /// Whether it is created.
    pub enabled: bool,
    /// Most accounts made up this way.
    pub max_accounts: u32,
    /// Most accounts made up this way in one minute.
    pub per_minute: u32,
    /// Facts of what is created.
    #[serde(skip_serializing_if = "is_default")]
    pub facts: TenantFacts,
    /// Policies every new project starts with, beside the baseline.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicySpec>,
    /// Limits every new project starts with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitSpec>,
}

impl Default for AutoProvision {
    fn default() -> Self {
        Self {
            enabled: false,
            max_accounts: 1_000,
            per_minute: 60,
            facts: TenantFacts::default(),
            policies: Vec::new(),
            limits: Vec::new(),
        }
    }
}

/// What the platform decides about identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {
    /// The `iss` of our own tokens; empty for one made from the installation's key id.
    pub issuer: String,
    /// The trust domain of agents' SPIFFE ids in our own tokens.
    pub trust_domain: String,
    /// What new API keys start with, e.g. `tnt_sk`, or `hf_sk` for Highflame's clients.
    pub key_prefix: String,
    /// Lifetime of our access tokens, in seconds.
    pub access_token_seconds: u32,
    /// Lifetime of our refresh tokens, in seconds.
    pub refresh_token_seconds: u32,
    /// Most living API keys per project.
    pub max_keys: u32,
    /// Which scopes a role means, for credentials that carry roles and no scopes.
    pub roles: BTreeMap<String, Vec<String>>,
    /// What happens to accounts nobody has seen.
    pub auto_provision: AutoProvision,
}

impl Default for IdentitySettings {
    /// The roles of the systems callers come from: Shannon's `user`, `admin`, `owner` and Highflame's `member`, `admin`,
    /// `owner` (`docs/wire/identity.md`). A role that is not in the table means nothing.
    fn default() -> Self {
        const USER: &[&str] =
            &["workflows:read", "workflows:write", "agents:execute", "sessions:read", "sessions:write"];
        const MEMBER: &[&str] = &["tools:read", "tools:write", "tools:execute"];
        const ADMIN: &[&str] = &["api_keys:manage", "users:manage", "nhi:manage", "credentials:manage", "tenant:read"];
        const OWNER: &[&str] = &["tenant:manage"];
        let role =
            |name: &str, parts: &[&[&str]]| (name.to_owned(), parts.concat().into_iter().map(str::to_owned).collect());
        Self {
            issuer: String::new(),
            trust_domain: "tenantry".into(),
            key_prefix: "tnt_sk".into(),
            access_token_seconds: 3_600,
            refresh_token_seconds: 30 * 24 * 3_600,
            max_keys: 100,
            roles: BTreeMap::from([
                role("user", &[USER]),
                role("member", &[MEMBER]),
                role("admin", &[USER, MEMBER, ADMIN]),
                role("owner", &[USER, MEMBER, ADMIN, OWNER]),
            ]),
            auto_provision: AutoProvision::default(),
        }
    }
}

/// An API key to make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub struct KeySpec {
    /// What people call it.
    pub name: String,
    /// The account it reaches; empty for the caller's own.
    pub account_id: String,
    /// The project it reaches; empty for the caller's own, or for a whole account where the caller reaches one.
    pub project_id: String,
    /// Its OAuth scopes, no wider than its owner's. Empty: guard calls only.
    pub scopes: Vec<String>,
    /// What its holder is to policies.
    #[serde(rename = "type")]
    pub kind: PrincipalKind,
    /// The principal's id; empty for the key's own id. Naming one needs `users:manage`.
    pub subject: String,
    /// How long it lives, in seconds; 0 for ever.
    pub expires_in_seconds: u64,
    /// What the key starts with; empty for the platform's setting.
    pub prefix: String,
    /// SHA-256 of a key another system made, hexadecimal: the key itself is then never known here.
    #[serde(skip_serializing_if = "is_default")]
    pub import_sha256: String,
    /// What it is for, for people; at most 1,024 bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub description: String,
    /// What the app calls the place it is used in, e.g. `live` or `test`; at most 64 bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub environment: String,
}

/// Whether a key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It is.
    Active,
    /// Somebody revoked it.
    Revoked,
    /// Its time is over.
    Expired,
}

/// An API key as admin calls return it: everything but the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ApiKey {
    /// Names it; not secret.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How it starts, for finding it in a configuration.
    pub key_prefix: String,
    /// The account it reaches; absent for a platform key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account_id: String,
    /// The project it reaches; absent when it reaches a whole account.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project_id: String,
    /// Whether it is taken.
    pub state: KeyState,
    /// Its OAuth scopes.
    pub scopes: Vec<String>,
    /// What its holder is to policies.
    #[serde(rename = "type")]
    pub kind: PrincipalKind,
    /// The principal's id.
    pub subject: String,
    /// Who made it.
    pub created_by: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
    /// RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// RFC 3339 in UTC; written within a second of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    /// The key that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What the app calls the place it is used in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub environment: String,
}

/// A key that was just made. The only time the key itself is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NewApiKey {
    /// The key. Empty for an imported one.
    #[schemars(extend("format" = "password"))]
    pub key: String,
    /// Everything else about it.
    #[serde(flatten)]
    pub record: ApiKey,
}

impl std::fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApiKey").field("record", &self.record).finish_non_exhaustive()
    }
}

/// A token pair to issue for somebody the app itself has authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["subject"]))]
pub struct TokenSpec {
    /// The principal's id.
    pub subject: String,
    /// What it is to policies.
    #[serde(rename = "type")]
    pub kind: PrincipalKind,
    /// The account.
    pub account_id: String,
    /// The project; empty for every project of the account.
    pub project_id: String,
    /// Its roles, highest first.
    pub roles: Vec<String>,
    /// Its OAuth scopes; empty for those its roles mean.
    pub scopes: Vec<String>,
    /// Whether a refresh token comes with it.
    pub refresh: bool,
}

/// What a client sends to the token endpoint (RFC 6749; `docs/wire/identity.md`).
// Unknown fields are passed over, as the RFC asks.
#[derive(Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["grant_type"]))]
pub struct TokenRequest {
    /// `api_key` or `refresh_token`.
    pub grant_type: String,
    /// The key, for `api_key`.
    #[schemars(extend("format" = "password"))]
    pub api_key: String,
    /// The refresh token, for `refresh_token`.
    #[schemars(extend("format" = "password"))]
    pub refresh_token: String,
    /// The scopes wanted, separated by spaces; empty for all the credential has.
    pub scope: String,
    /// May confirm the credential's account; `default` and empty say nothing.
    pub account_id: String,
    /// May confirm the credential's project; `default` and empty say nothing.
    pub project_id: String,
}

impl std::fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenRequest").field("grant_type", &self.grant_type).finish_non_exhaustive()
    }
}

/// The answer of the token endpoint. Absent fields are left out: clients reject null.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AccessToken {
    /// The signed token.
    #[schemars(extend("format" = "password"))]
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// Seconds until it expires.
    pub expires_in: u64,
    /// The scopes it has, separated by spaces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The token's id.
    pub jti: String,
    /// When it was issued, seconds since 1970.
    pub iat: i64,
    /// The account it reaches.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account_id: String,
    /// The project it reaches; absent when it reaches a whole account.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project_id: String,
    /// The principal's id.
    pub external_id: String,
    /// Who made the key it was exchanged for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_id: String,
    /// Gets the next pair, once.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(extend("format" = "password"))]
    pub refresh_token: String,
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessToken").field("jti", &self.jti).field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// What a token is worth now (RFC 7662): `active` alone when nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Introspection {
    /// Whether it would be taken.
    pub active: bool,
    /// The rest of its claims, when active.
    #[serde(flatten)]
    pub claims: Map<String, Value>,
}

/// What a credential was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// An API key.
    ApiKey,
    /// A token we issued.
    Token,
    /// A token of another issuer.
    Jwt,
    /// Anything at all, in dev mode.
    Dev,
}

/// Who a verified credential is, and what it reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Identity {
    /// Who acts.
    pub principal: Principal,
    /// What the credential was.
    pub credential: CredentialKind,
    /// Its id: the key's id, or the token's `jti`; absent when it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub credential_id: String,
    /// The token's issuer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub issuer: String,
    /// The account it reaches; absent for the whole platform.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account_id: String,
    /// The projects it reaches; absent for all of the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub project_ids: Vec<String>,
    /// What it may do, roles counted in.
    pub scopes: Vec<String>,
    /// When it ends, RFC 3339 in UTC; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// Lets principals of one tenant act in another, for named actions and a limited time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["from_account", "to_account", "to_project", "actions", "expires_in_seconds", "reason"]))]
pub struct GrantSpec {
    /// The account whose principals may act.
    pub from_account: String,
    /// Its project; empty for all of them.
    pub from_project: String,
    /// The account they may act in.
    pub to_account: String,
    /// The project they may act in.
    pub to_project: String,
    /// Actions of guard calls (`process_prompt`) and rights (`tenant:read`) it covers. Never empty.
    pub actions: Vec<String>,
    /// How long it holds, in seconds; at most 366 days.
    pub expires_in_seconds: u64,
    /// Why, for the audit of both.
    pub reason: String,
}

/// A cross-tenant grant as admin calls return it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Grant {
    /// Names it.
    pub id: String,
    /// The account whose principals may act.
    pub from_account: String,
    /// Its project; absent for all of them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from_project: String,
    /// The account they may act in.
    pub to_account: String,
    /// The project they may act in.
    pub to_project: String,
    /// What it covers.
    pub actions: Vec<String>,
    /// Why.
    pub reason: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
    /// RFC 3339 in UTC.
    pub until: String,
}

/// What a caller presents, as it came: headers in any case and order, duplicates kept.
#[derive(Clone, Default)]
pub struct RequestCredentials {
    /// Header names and values. A value that stands for several lines is given several times.
    pub headers: Vec<(String, String)>,
    /// A token or key on its own, where there are no headers.
    pub token: Option<Credential>,
    /// The request's method, where there is one.
    pub method: String,
    /// The request's path and query, where there is one; a query may carry a token for streams only.
    pub target: String,
    /// The peer's address, where there is one. Dev mode's headers are taken from this machine only.
    pub peer: String,
}

impl RequestCredentials {
    /// The headers that mean anything; whatever else is in `headers` changes nothing.
    pub const HEADERS: [&str; 8] = [
        "authorization",
        "x-api-key",
        "x-account-id",
        "x-project-id",
        "x-tenant-id",
        "snc-tenant",
        "snc-userid",
        "x-user-id",
    ];

    /// A token or key on its own.
    #[must_use]
    pub fn token(text: impl Into<String>) -> Self {
        Self { token: Some(Credential::new(text)), ..Self::default() }
    }

    /// The headers of a request.
    #[must_use]
    pub fn headers<N: Into<String>, V: Into<String>>(headers: impl IntoIterator<Item = (N, V)>) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { headers, ..Self::default() }
    }
}

impl std::fmt::Debug for RequestCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("RequestCredentials").field("headers", &names).finish_non_exhaustive()
    }
}
