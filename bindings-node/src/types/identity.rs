//! What a caller presents, and issuers, API keys, tokens, grants and settings of identity.

use std::collections::BTreeMap;

use napi::Unknown;
use tenantry::{
    api::{
        Algorithm, AutoProvision, ClaimPaths, GrantSpec, IdentitySettings, IssuerSpec, KeySpec, Mode, PolicySpec,
        RequestCredentials, TokenRequest, TokenSpec, named,
    },
    config::Credential,
    scope::Layer,
};

use super::{Given, facts, json, limit};
use crate::errors::Result;

/// A token, or headers as pairs of texts; the TypeScript half has made either of what the caller gave.
pub fn presented(token: Unknown<'_>, headers: Unknown<'_>, options: Unknown<'_>) -> Result<RequestCredentials> {
    let mut given = Given::read("options", options)?;
    let pair = |pair| {
        let texts = json::items("headers", pair, |item| json::text("headers", item))?;
        <[String; 2]>::try_from(texts)
            .map(|[name, value]| (name, value))
            .map_err(|_| json::invalid("a header is not a name and a value"))
    };
    let presented = RequestCredentials {
        headers: json::items("headers", headers, pair)?,
        token: if json::is_absent(token)? { None } else { Some(Credential::new(json::text("credential", token)?)) },
        method: given.text("method")?.unwrap_or_default(),
        target: given.text("target")?.unwrap_or_default(),
        peer: given.text("peer")?.unwrap_or_default(),
    };
    given.end()?;
    Ok(presented)
}

/// The texts of an argument that is a list of them.
pub fn texts(what: &str, value: Unknown<'_>) -> Result<Vec<String>> {
    json::items(what, value, |item| json::text(what, item))
}

pub fn issuer(value: Unknown<'_>) -> Result<IssuerSpec> {
    let mut given = Given::read("issuer", value)?;
    let spec = IssuerSpec {
        issuer: given.text("issuer")?.unwrap_or_default(),
        audience: given.texts("audience")?,
        audience_claim: given.text("audienceClaim")?.unwrap_or_default(),
        algorithms: given.list("algorithms", algorithm)?,
        jwks_url: given.text("jwksUrl")?.unwrap_or_default(),
        jwks: given.fields("jwks")?,
        secret: given.text("secret")?.unwrap_or_default(),
        secret_base64: given.text("secretBase64")?.unwrap_or_default(),
        private_network: given.flag("privateNetwork")?.unwrap_or_default(),
        leeway_seconds: given.whole("leewaySeconds")?.unwrap_or_default(),
        accounts: given.texts("accounts")?,
        project: given.text("project")?.unwrap_or_default(),
        claims: given.part("claims")?.map(claims).transpose()?.unwrap_or_default(),
        principal_prefix: given.text("principalPrefix")?.unwrap_or_default(),
    };
    given.end()?;
    Ok(spec)
}

fn algorithm(value: Unknown<'_>) -> Result<Algorithm> {
    Ok(named("signature algorithm", &json::text("algorithms", value)?)?)
}

fn claims(mut given: Given<'_>) -> Result<ClaimPaths> {
    let usual = ClaimPaths::default();
    let paths = ClaimPaths {
        account: given.text("account")?.unwrap_or(usual.account),
        project: given.text("project")?.unwrap_or(usual.project),
        roles: given.text("roles")?.unwrap_or(usual.roles),
        scopes: given.text("scopes")?.unwrap_or(usual.scopes),
    };
    given.end()?;
    Ok(paths)
}

pub fn key(name: Unknown<'_>, options: Unknown<'_>) -> Result<KeySpec> {
    let mut given = Given::read("options", options)?;
    let spec = KeySpec {
        name: json::required("name", name)?,
        account_id: given.text("accountId")?.unwrap_or_default(),
        project_id: given.text("projectId")?.unwrap_or_default(),
        scopes: given.texts("scopes")?,
        kind: given.named("type", "kind of principal")?.unwrap_or_default(),
        subject: given.text("subject")?.unwrap_or_default(),
        expires_in_seconds: given.whole("expiresInSeconds")?.unwrap_or_default(),
        prefix: given.text("prefix")?.unwrap_or_default(),
        import_sha256: given.text("importSha256")?.unwrap_or_default(),
        description: given.text("description")?.unwrap_or_default(),
        environment: given.text("environment")?.unwrap_or_default(),
    };
    given.end()?;
    Ok(spec)
}

pub fn token(subject: Unknown<'_>, options: Unknown<'_>) -> Result<TokenSpec> {
    let mut given = Given::read("options", options)?;
    let spec = TokenSpec {
        subject: json::required("subject", subject)?,
        kind: given.named("type", "kind of principal")?.unwrap_or_default(),
        account_id: given.text("accountId")?.unwrap_or_default(),
        project_id: given.text("projectId")?.unwrap_or_default(),
        roles: given.texts("roles")?,
        scopes: given.texts("scopes")?,
        refresh: given.flag("refresh")?.unwrap_or_default(),
    };
    given.end()?;
    Ok(spec)
}

pub fn token_request(value: Unknown<'_>) -> Result<TokenRequest> {
    let mut given = Given::read("request", value)?;
    let request = TokenRequest {
        grant_type: given.text("grantType")?.unwrap_or_default(),
        api_key: given.text("apiKey")?.unwrap_or_default(),
        refresh_token: given.text("refreshToken")?.unwrap_or_default(),
        scope: given.text("scope")?.unwrap_or_default(),
        account_id: given.text("accountId")?.unwrap_or_default(),
        project_id: given.text("projectId")?.unwrap_or_default(),
    };
    given.end()?;
    Ok(request)
}

pub fn grant(value: Unknown<'_>) -> Result<GrantSpec> {
    let mut given = Given::read("grant", value)?;
    let spec = GrantSpec {
        from_account: given.text("fromAccount")?.unwrap_or_default(),
        from_project: given.text("fromProject")?.unwrap_or_default(),
        to_account: given.text("toAccount")?.unwrap_or_default(),
        to_project: given.text("toProject")?.unwrap_or_default(),
        actions: given.texts("actions")?,
        expires_in_seconds: given.whole("expiresInSeconds")?.unwrap_or_default(),
        reason: given.text("reason")?.unwrap_or_default(),
    };
    given.end()?;
    Ok(spec)
}

/// Settings whole: those left out take their default.
pub fn identity_settings(value: Unknown<'_>) -> Result<IdentitySettings> {
    let mut given = Given::read("settings", value)?;
    let usual = IdentitySettings::default();
    let settings = IdentitySettings {
        issuer: given.text("issuer")?.unwrap_or(usual.issuer),
        trust_domain: given.text("trustDomain")?.unwrap_or(usual.trust_domain),
        key_prefix: given.text("keyPrefix")?.unwrap_or(usual.key_prefix),
        access_token_seconds: given.whole("accessTokenSeconds")?.unwrap_or(usual.access_token_seconds),
        refresh_token_seconds: given.whole("refreshTokenSeconds")?.unwrap_or(usual.refresh_token_seconds),
        max_keys: given.whole("maxKeys")?.unwrap_or(usual.max_keys),
        roles: given.take("roles")?.map(roles).transpose()?.unwrap_or(usual.roles),
        auto_provision: given.part("autoProvision")?.map(auto_provision).transpose()?.unwrap_or(usual.auto_provision),
    };
    given.end()?;
    Ok(settings)
}

/// Names of roles are the caller's own.
fn roles(value: Unknown<'_>) -> Result<BTreeMap<String, Vec<String>>> {
    json::fields("roles", value)?.into_iter().map(|(role, scopes)| Ok((role, texts("roles", scopes)?))).collect()
}

fn auto_provision(mut given: Given<'_>) -> Result<AutoProvision> {
    let usual = AutoProvision::default();
    let provision = AutoProvision {
        enabled: given.flag("enabled")?.unwrap_or(usual.enabled),
        max_accounts: given.whole("maxAccounts")?.unwrap_or(usual.max_accounts),
        per_minute: given.whole("perMinute")?.unwrap_or(usual.per_minute),
        facts: given.take("facts")?.map(facts).transpose()?.unwrap_or(usual.facts),
        policies: given.list("policies", policy)?,
        limits: given.list("limits", limit)?,
    };
    given.end()?;
    Ok(provision)
}

fn policy(value: Unknown<'_>) -> Result<PolicySpec> {
    let mut given = Given::read("policy", value)?;
    let spec = PolicySpec {
        name: given.required("name")?,
        text: given.required("text")?,
        mode: given.parsed("mode", Mode::parse)?.unwrap_or(Mode::Enforce),
        layer: given.parsed("layer", Layer::parse)?.unwrap_or(Layer::Project),
        ceiling: given.flag("ceiling")?.unwrap_or_default(),
    };
    given.end()?;
    Ok(spec)
}
