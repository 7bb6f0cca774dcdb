//! Credentials, and who they turned out to be.

use std::collections::BTreeMap;

use pyo3::{
    IntoPyObjectExt,
    inspect::PyStaticExpr,
    prelude::*,
    type_hint_identifier, type_hint_subscript, type_hint_union,
    types::{PyBytes, PyList, PyString, PyTuple},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tenantry::{
    api::{self, name_of, whole},
    config::Credential,
    error::Error,
};

use super::{
    LimitSpec, Principal,
    json::{self, Fields, Text},
    request::owned,
    wrapped,
};
use crate::errors::{Failure, Result};

value_class! {
    /// Who a verified credential is, and what it reaches.
    Identity(api::Identity) shows (principal, credential, account_id, project_ids) {
        /// Who acts.
        principal: Principal = |identity| Principal(identity.principal.clone());
        /// What the credential was: `api_key`, `token` (ours), `jwt` (another issuer's) or `dev`.
        credential: String = |identity| name_of(&identity.credential);
        /// Its id: the key's id, or the token's `jti`; `""` when it has none.
        credential_id: &str = |identity| &identity.credential_id;
        /// The token's issuer; `""` for keys.
        issuer: &str = |identity| &identity.issuer;
        /// The account it reaches; `""` for the whole platform.
        account_id: &str = |identity| &identity.account_id;
        /// The projects it reaches; empty for all of the account.
        project_ids: Vec<String> = |identity| identity.project_ids.clone();
        /// What it may do, roles counted in.
        scopes: Vec<String> = |identity| identity.scopes.clone();
        /// When it ends, RFC 3339 in UTC; `None` for never.
        expires_at: Option<&str> = |identity| identity.expires_at.as_deref();
    }
}

value_class! {
    /// An API key: everything but the key.
    ApiKey(api::ApiKey) shows (id, name, state, account_id, project_id) {
        /// Names it; not secret.
        id: &str = |key| &key.id;
        /// What people call it.
        name: &str = |key| &key.name;
        /// How it starts, for finding it in a configuration.
        key_prefix: &str = |key| &key.key_prefix;
        /// The account it reaches; `""` for a platform key.
        account_id: &str = |key| &key.account_id;
        /// The project it reaches; `""` when it reaches a whole account.
        project_id: &str = |key| &key.project_id;
        /// `active`, `revoked` or `expired`.
        state: String = |key| name_of(&key.state);
        /// Its OAuth scopes.
        scopes: Vec<String> = |key| key.scopes.clone();
        /// What its holder is to policies: `user` or `agent`.
        r#type: String = |key| name_of(&key.kind);
        /// The principal's id.
        subject: &str = |key| &key.subject;
        /// Who made it.
        created_by: &str = |key| &key.created_by;
        /// RFC 3339 in UTC.
        created_at: &str = |key| &key.created_at;
        /// RFC 3339 in UTC; `None` for never.
        expires_at: Option<&str> = |key| key.expires_at.as_deref();
        /// RFC 3339 in UTC; written within a second of use.
        last_used_at: Option<&str> = |key| key.last_used_at.as_deref();
        /// The key that took its place.
        replaced_by: Option<&str> = |key| key.replaced_by.as_deref();
        /// What it is for, for people.
        description: &str = |key| &key.description;
        /// What the app calls the place it is used in.
        environment: &str = |key| &key.environment;
    }
}

value_class! {
    /// A key that was just made: the only time the key itself is shown. Its repr never shows it.
    NewApiKey(api::NewApiKey) shows (id, name, state, account_id, project_id) {
        /// The key; keep it now. `""` for an imported one.
        key: &str = |made| &made.key;
        /// Names it; not secret.
        id: &str = |made| &made.record.id;
        /// What people call it.
        name: &str = |made| &made.record.name;
        /// How it starts, for finding it in a configuration.
        key_prefix: &str = |made| &made.record.key_prefix;
        /// The account it reaches; `""` for a platform key.
        account_id: &str = |made| &made.record.account_id;
        /// The project it reaches; `""` when it reaches a whole account.
        project_id: &str = |made| &made.record.project_id;
        /// `active`.
        state: String = |made| name_of(&made.record.state);
        /// Its OAuth scopes.
        scopes: Vec<String> = |made| made.record.scopes.clone();
        /// What its holder is to policies: `user` or `agent`.
        r#type: String = |made| name_of(&made.record.kind);
        /// The principal's id.
        subject: &str = |made| &made.record.subject;
        /// Who made it.
        created_by: &str = |made| &made.record.created_by;
        /// RFC 3339 in UTC.
        created_at: &str = |made| &made.record.created_at;
        /// RFC 3339 in UTC; `None` for never.
        expires_at: Option<&str> = |made| made.record.expires_at.as_deref();
        /// `None`: nobody used it yet.
        last_used_at: Option<&str> = |made| made.record.last_used_at.as_deref();
        /// `None`: nothing took its place yet.
        replaced_by: Option<&str> = |made| made.record.replaced_by.as_deref();
        /// What it is for, for people.
        description: &str = |made| &made.record.description;
        /// What the app calls the place it is used in.
        environment: &str = |made| &made.record.environment;
    }
    with {
        /// The record without the key, as `keys.list` shows it.
        #[getter]
        fn record(&self) -> ApiKey {
            ApiKey(self.0.record.clone())
        }
    }
}

value_class! {
    /// The answer of the token endpoint. Its repr never shows a token.
    AccessToken(api::AccessToken) shows (jti, scope, expires_in, account_id, project_id) {
        /// The signed token.
        access_token: &str = |token| &token.access_token;
        /// `Bearer`.
        token_type: &str = |token| &token.token_type;
        /// Seconds until it expires.
        expires_in: u64 = |token| token.expires_in;
        /// The scopes it has, separated by spaces.
        scope: &str = |token| &token.scope;
        /// The token's id.
        jti: &str = |token| &token.jti;
        /// When it was issued, seconds since 1970.
        iat: i64 = |token| token.iat;
        /// The account it reaches; `""` for the whole platform.
        account_id: &str = |token| &token.account_id;
        /// The project it reaches; `""` when it reaches a whole account.
        project_id: &str = |token| &token.project_id;
        /// The principal's id.
        external_id: &str = |token| &token.external_id;
        /// Who made the key it was exchanged for; `""` when it was exchanged for none.
        user_id: &str = |token| &token.user_id;
        /// Gets the next pair, once; `""` when there is none.
        refresh_token: &str = |token| &token.refresh_token;
    }
}

value_class! {
    /// What a token is worth now (RFC 7662).
    Introspection(api::Introspection) shows (active) {
        /// Whether it would be taken.
        active: bool = |introspection| introspection.active;
        /// The rest of what it says; empty when it is not active.
        claims: Fields = |introspection| Fields(introspection.claims.clone());
    }
}

value_class! {
    /// Lets principals of one tenant act in another, for named actions and a limited time.
    Grant(api::Grant) shows (id, from_account, from_project, to_account, to_project, actions, until) {
        /// Names it.
        id: &str = |grant| &grant.id;
        /// The account whose principals may act.
        from_account: &str = |grant| &grant.from_account;
        /// Its project; `""` for all of them.
        from_project: &str = |grant| &grant.from_project;
        /// The account they may act in.
        to_account: &str = |grant| &grant.to_account;
        /// The project they may act in.
        to_project: &str = |grant| &grant.to_project;
        /// What it covers.
        actions: Vec<String> = |grant| grant.actions.clone();
        /// Why.
        reason: &str = |grant| &grant.reason;
        /// RFC 3339 in UTC.
        created_at: &str = |grant| &grant.created_at;
        /// When it ends, RFC 3339 in UTC.
        until: &str = |grant| &grant.until;
    }
}

value_class! {
    /// An identity provider whose tokens are taken. Its repr never shows the secret, and `issuers.list` does not know it.
    IssuerSpec(api::IssuerSpec) shows (issuer, audience, algorithms, accounts, project) {
        /// The exact `iss` of its tokens.
        issuer: &str = |spec| &spec.issuer;
        /// Tokens name one of these in `aud`.
        audience: Vec<String> = |spec| spec.audience.clone();
        /// Which claim names the audience in tokens without `aud`; `""` where one without is refused.
        audience_claim: &str = |spec| &spec.audience_claim;
        /// The algorithms taken.
        algorithms: Vec<String> = |spec| spec.algorithms.iter().map(name_of).collect();
        /// Where its public keys are published; `""` when they are given here.
        jwks_url: &str = |spec| &spec.jwks_url;
        /// Its public keys, as a JWK set.
        jwks: Fields = |spec| Fields(spec.jwks.clone());
        /// The shared secret; `""` in every list.
        secret: &str = |spec| &spec.secret;
        /// Whether `jwks_url` may name a private or loopback address, and plain HTTP.
        private_network: bool = |spec| spec.private_network;
        /// How far its clock may be off, in seconds.
        leeway_seconds: u32 = |spec| spec.leeway_seconds;
        /// The accounts it may speak for; `["*"]` for every account.
        accounts: Vec<String> = |spec| spec.accounts.clone();
        /// Every valid token is this project of its one account; `""` when tokens say it themselves.
        project: &str = |spec| &spec.project;
        /// Where its tokens say what: `account`, `project`, `roles` and `scopes`.
        claims: BTreeMap<String, String> = |spec| texts_of(&spec.claims);
        /// What the id of each of its principals starts with, before the token's subject; `""` where it names them bare.
        principal_prefix: &str = |spec| &spec.principal_prefix;
    }
}

value_class! {
    /// What came of putting an issuer, or what its keys are now.
    IssuerReceipt(api::IssuerReceipt) shows (issuer, keys, skipped, unreachable) {
        /// The issuer.
        issuer: &str = |receipt| &receipt.issuer;
        /// The keys that verify its tokens, each by its `kid` or its place in the set.
        keys: Vec<String> = |receipt| receipt.keys.clone();
        /// The keys that do not, each with the reason.
        skipped: Vec<String> = |receipt| receipt.skipped.clone();
        /// Why its keys could not be fetched; `""` where they were, or where they were given.
        unreachable: &str = |receipt| &receipt.unreachable;
    }
}

value_class! {
    /// What happens when a verified token names an account nobody created.
    AutoProvision(api::AutoProvision) shows (enabled, max_accounts, per_minute) {
        /// Whether it is created.
        enabled: bool = |provision| provision.enabled;
        /// Most accounts made up this way.
        max_accounts: u32 = |provision| provision.max_accounts;
        /// Most accounts made up this way in one minute.
        per_minute: u32 = |provision| provision.per_minute;
        /// Facts of what is created: `tier`, `plan`, `region` and `labels`.
        facts: Fields = |provision| json::fields_of(&provision.facts).unwrap_or_default();
        /// Policies every new project starts with, beside the baseline.
        policies: Vec<Fields> = |provision| {
            provision.policies.iter().map(|policy| json::fields_of(policy).unwrap_or_default()).collect()
        };
        /// Limits every new project starts with.
        limits: Vec<LimitSpec> = |provision| wrapped(&provision.limits);
    }
    with {
        #[new]
        #[pyo3(signature = (enabled=None, *, max_accounts=None, per_minute=None, facts=None, policies=None, limits=None))]
        fn new(
            enabled: Option<bool>,
            max_accounts: Option<i64>,
            per_minute: Option<i64>,
            facts: Option<Fields>,
            policies: Option<Vec<Fields>>,
            limits: Option<Vec<LimitSpec>>,
        ) -> Result<Self> {
            let default = api::AutoProvision::default();
            Ok(Self(api::AutoProvision {
                enabled: enabled.unwrap_or(default.enabled),
                max_accounts: counted("max_accounts", max_accounts, default.max_accounts)?,
                per_minute: counted("per_minute", per_minute, default.per_minute)?,
                facts: facts.map(|facts| read("facts", facts)).transpose()?.unwrap_or_default(),
                policies: policies.into_iter().flatten().map(|policy| read("policies", policy)).collect::<Result<_>>()?,
                limits: limits.into_iter().flatten().map(|limit| limit.0).collect(),
            }))
        }
    }
}

value_class! {
    /// What the platform decides about identity. What is left out has its default.
    IdentitySettings(api::IdentitySettings) shows (issuer, key_prefix, access_token_seconds, auto_provision) {
        /// The `iss` of our own tokens; `""` for one made from the installation's key id.
        issuer: &str = |settings| &settings.issuer;
        /// The trust domain of agents' SPIFFE ids in our own tokens.
        trust_domain: &str = |settings| &settings.trust_domain;
        /// What new API keys start with.
        key_prefix: &str = |settings| &settings.key_prefix;
        /// Lifetime of our access tokens, in seconds.
        access_token_seconds: u32 = |settings| settings.access_token_seconds;
        /// Lifetime of our refresh tokens, in seconds.
        refresh_token_seconds: u32 = |settings| settings.refresh_token_seconds;
        /// Most living API keys per project.
        max_keys: u32 = |settings| settings.max_keys;
        /// Which scopes a role means, for credentials that carry roles and no scopes.
        roles: BTreeMap<String, Vec<String>> = |settings| settings.roles.clone();
        /// What happens to accounts nobody has seen.
        auto_provision: AutoProvision = |settings| AutoProvision(settings.auto_provision.clone());
    }
    with {
        #[new]
        #[pyo3(signature = (*, issuer=None, trust_domain=None, key_prefix=None, access_token_seconds=None,
            refresh_token_seconds=None, max_keys=None, roles=None, auto_provision=None))]
        #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
        fn new(
            issuer: Option<Text>,
            trust_domain: Option<Text>,
            key_prefix: Option<Text>,
            access_token_seconds: Option<i64>,
            refresh_token_seconds: Option<i64>,
            max_keys: Option<i64>,
            roles: Option<BTreeMap<Text, Vec<Text>>>,
            auto_provision: Option<AutoProvision>,
        ) -> Result<Self> {
            let default = api::IdentitySettings::default();
            let named = |(role, scopes): (Text, Vec<Text>)| (role.0, scopes.into_iter().map(|scope| scope.0).collect());
            Ok(Self(api::IdentitySettings {
                issuer: owned(issuer).unwrap_or(default.issuer),
                trust_domain: owned(trust_domain).unwrap_or(default.trust_domain),
                key_prefix: owned(key_prefix).unwrap_or(default.key_prefix),
                access_token_seconds: counted("access_token_seconds", access_token_seconds, default.access_token_seconds)?,
                refresh_token_seconds:
                    counted("refresh_token_seconds", refresh_token_seconds, default.refresh_token_seconds)?,
                max_keys: counted("max_keys", max_keys, default.max_keys)?,
                roles: roles.map_or(default.roles, |roles| roles.into_iter().map(named).collect()),
                auto_provision: auto_provision.map_or(default.auto_provision, |provision| provision.0),
            }))
        }
    }
}

fn counted(what: &str, given: Option<i64>, default: u32) -> Result<u32> {
    Ok(given.map(|number| whole(what, number)).transpose()?.unwrap_or(default))
}

fn texts_of(value: &impl serde::Serialize) -> BTreeMap<String, String> {
    serde_json::to_value(value).and_then(serde_json::from_value).unwrap_or_default()
}

/// Plain data as one of the core's types.
pub fn read<T: DeserializeOwned>(what: &str, fields: Fields) -> Result<T> {
    serde_json::from_value(Value::Object(fields.0))
        .map_err(|error| Error::invalid("request_invalid", format!("{what} cannot be read: {error}")).into())
}

/// Settings as a value, or as the plain data its `to_dict` gives.
#[derive(FromPyObject)]
pub enum NewSettings {
    Value(IdentitySettings),
    Fields(Fields),
}

impl NewSettings {
    pub fn read(self) -> Result<api::IdentitySettings> {
        match self {
            Self::Value(settings) => Ok(settings.0),
            Self::Fields(fields) => read("settings", fields),
        }
    }
}

/// What a caller presents: a token or key as text or bytes, or headers in any shape Python's frameworks have them. A header that
/// stands twice stays twice.
pub enum RequestCredentials {
    Token(Text),
    Headers(Vec<(String, String)>),
}

/// The core refuses fewer; this only ends what is endless.
const MOST_HEADERS: usize = 10_000;

impl FromPyObject<'_, '_> for RequestCredentials {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(
        type_hint_identifier!("builtins", "str"),
        type_hint_identifier!("builtins", "bytes"),
        type_hint_subscript!(
            type_hint_identifier!("collections.abc", "Mapping"),
            type_hint_identifier!("typing", "Any"),
            type_hint_identifier!("typing", "Any")
        ),
        type_hint_subscript!(
            type_hint_identifier!("collections.abc", "Iterable"),
            type_hint_subscript!(
                type_hint_identifier!("builtins", "tuple"),
                type_hint_identifier!("typing", "Any"),
                type_hint_identifier!("typing", "Any")
            )
        )
    );

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return Text::extract(object).map(Self::Token);
        }
        if object.is_instance_of::<PyBytes>() {
            return Ok(Self::Token(Text(line(&object.to_owned())?)));
        }
        let object = object.to_owned();
        // `items` of a framework's headers has every line; what a mapping iterates over is its names.
        let pairs = if object.hasattr("items")? { object.call_method0("items")? } else { object };
        let Ok(pairs) = pairs.try_iter() else { return Err(shapeless(&pairs).into()) };
        let mut headers = Vec::new();
        for pair in pairs {
            let pair = pair?;
            let Some((name, value)) = two(&pair) else { return Err(shapeless(&pair).into()) };
            let name = line(&name)?;
            if let Ok(values) = value.cast::<PyList>() {
                for value in values {
                    headers.push((name.clone(), line(&value)?));
                }
            } else if let Ok(values) = value.cast::<PyTuple>() {
                for value in values {
                    headers.push((name.clone(), line(&value)?));
                }
            } else {
                headers.push((name, line(&value)?));
            }
            if headers.len() > MOST_HEADERS {
                break;
            }
        }
        Ok(Self::Headers(headers))
    }
}

impl RequestCredentials {
    pub fn read(self, method: &str, target: &str, peer: &str) -> api::RequestCredentials {
        let presented = api::RequestCredentials {
            method: method.into(),
            target: target.into(),
            peer: peer.into(),
            ..Default::default()
        };
        match self {
            Self::Token(token) => api::RequestCredentials { token: Some(Credential::new(token.0)), ..presented },
            Self::Headers(headers) => api::RequestCredentials { headers, ..presented },
        }
    }
}

fn two<'py>(pair: &Bound<'py, PyAny>) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    // Text of two characters is a sequence of two as well, and no header.
    let is_pair = pair.is_instance_of::<PyTuple>() || pair.is_instance_of::<PyList>();
    if is_pair {
        pair.extract().or_else(|_| pair.extract::<[Bound<'py, PyAny>; 2]>().map(|[a, b]| (a, b))).ok()
    } else {
        None
    }
}

/// A name or a value. Bytes are latin-1, as HTTP and ASGI have it.
fn line(text: &Bound<'_, PyAny>) -> Result<String> {
    if let Ok(bytes) = text.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().iter().copied().map(char::from).collect());
    }
    if text.is_instance_of::<PyString>() {
        return Ok(text.extract::<Text>()?.0);
    }
    Err(shapeless(text))
}

fn shapeless(object: &Bound<'_, PyAny>) -> Failure {
    // The type alone: what it holds may be a credential.
    let name = object.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    Error::invalid("request_invalid", format!("a `{name}` is neither a credential nor a header"))
        .with_help(
            "give a token as str or bytes, or headers as a mapping or as pairs of name and value, each str or bytes",
        )
        .into()
}
