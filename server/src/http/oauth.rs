//! The authorization server's endpoints: tokens for keys, introspection, revocation, keys and discovery. Source:
//! `docs/wire/identity.md`, RFC 6749, RFC 7009, RFC 7517, RFC 7662, RFC 8414, RFC 9728.

use axum::http::{HeaderName, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry::{
    Error, ErrorKind, Result, Tenantry,
    api::{AccessToken, Algorithm, Introspection, Presented, TokenRequest},
};

use super::{
    App, Call,
    answer::{Answer, cached, ok},
};

/// `POST /oauth2/token`
pub async fn token(app: App, call: Call) -> Answer {
    let request: TokenRequest = call.json_or_form()?;
    if request.grant_type.is_empty() {
        return Err(Error::invalid("request_invalid", "`grant_type` is missing"));
    }
    let token: AccessToken = app.client().identity().tokens().exchange(&request).await?;
    Ok(cached(ok(&token)?, "no-store"))
}

/// A token somebody asks about or ends, and who asks.
#[derive(Deserialize, JsonSchema)]
pub struct TokenQuestion {
    /// The token or key.
    pub token: String,
    /// A hint that is not needed here.
    #[serde(default)]
    pub token_type_hint: Option<String>,
    /// Who asks: the id of an API key, or anything where the secret is a whole key.
    #[serde(default)]
    pub client_id: Option<String>,
    /// An API key, whole.
    #[serde(default)]
    pub client_secret: Option<String>,
}

fn client_invalid(message: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, "client_invalid", message)
        .with_help("authenticate with an API key, as Bearer, in X-API-Key, or as client_secret")
}

/// Who asks: by a credential in the headers, or by an API key as the client's secret.
async fn client(app: &App, call: &Call, question: &TokenQuestion) -> Result<Tenantry> {
    let in_headers = [header::AUTHORIZATION, HeaderName::from_static("x-api-key")]
        .iter()
        .any(|name| call.headers.contains_key(name));
    let presented = match (in_headers, &question.client_secret) {
        (true, _) => call.presented_by_path()?,
        (false, Some(secret)) if !secret.is_empty() => {
            Presented { peer: call.peer.clone(), ..Presented::token(secret.clone()) }
        }
        (false, _) => return Err(client_invalid("the client is not authenticated")),
    };
    let client = app.client().signed_in(&presented).await.map_err(|error| match error.kind() {
        ErrorKind::Unauthenticated => client_invalid("the client's credential is not taken"),
        _ => error,
    })?;
    let named = question.client_id.as_deref().filter(|id| !id.is_empty() && !in_headers);
    let Some(named) = named else { return Ok(client) };
    let secret = question.client_secret.as_deref().unwrap_or_default();
    let own = client.identity().verify(secret).await?;
    if named == own.credential_id || named == own.principal.id {
        Ok(client)
    } else {
        Err(client_invalid("the secret is another client's"))
    }
}

/// `POST /oauth2/token/introspect`
pub async fn introspect(app: App, call: Call) -> Answer {
    let question: TokenQuestion = call.json_or_form()?;
    let asking = client(&app, &call, &question).await?;
    let found: Introspection = asking.identity().tokens().introspect(&question.token).await?;
    Ok(cached(ok(&found)?, "no-store"))
}

/// That a token is ended, or never was.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Revoked {
    /// True, whatever was known of the token (RFC 7009, section 2.2).
    pub revoked: bool,
}

/// `POST /oauth2/token/revoke`
pub async fn revoke(app: App, call: Call) -> Answer {
    let question: TokenQuestion = call.json_or_form()?;
    let asking = client(&app, &call, &question).await?;
    asking.identity().tokens().revoke(&question.token).await?;
    ok(&Revoked { revoked: true })
}

/// A JWK set.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeySet {
    /// The public keys.
    pub keys: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// `GET /.well-known/jwks.json`
pub async fn jwks(app: App, _call: Call) -> Answer {
    Ok(cached(ok(&app.client().identity().tokens().jwks().await?)?, "public, max-age=300"))
}

/// What RFC 8414 has clients look up.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Metadata {
    issuer: String,
    token_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    jwks_uri: String,
    grant_types_supported: Vec<&'static str>,
    response_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    id_token_signing_alg_values_supported: Vec<Algorithm>,
}

/// `GET /.well-known/oauth-authorization-server`
pub async fn metadata(app: App, _call: Call) -> Answer {
    let issuer = app.settings().issuer.clone();
    let at = |path: &str| format!("{}{path}", issuer.trim_end_matches('/'));
    let found = Metadata {
        token_endpoint: at("/oauth2/token"),
        introspection_endpoint: at("/oauth2/token/introspect"),
        revocation_endpoint: at("/oauth2/token/revoke"),
        jwks_uri: at("/.well-known/jwks.json"),
        grant_types_supported: vec!["api_key", "refresh_token"],
        response_types_supported: Vec::new(),
        token_endpoint_auth_methods_supported: vec!["none"],
        introspection_endpoint_auth_methods_supported: vec!["client_secret_post"],
        revocation_endpoint_auth_methods_supported: vec!["client_secret_post"],
        id_token_signing_alg_values_supported: vec![Algorithm::ES256],
        issuer,
    };
    Ok(cached(ok(&found)?, "public, max-age=300"))
}

/// What RFC 9728 has clients look up.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Resource {
    resource: String,
    authorization_servers: Vec<String>,
    bearer_methods_supported: Vec<&'static str>,
}

/// `GET /.well-known/oauth-protected-resource`
pub async fn resource(app: App, _call: Call) -> Answer {
    let issuer = app.settings().issuer.clone();
    let found = Resource {
        authorization_servers: vec![issuer.clone()],
        resource: issuer,
        bearer_methods_supported: vec!["header"],
    };
    Ok(cached(ok(&found)?, "public, max-age=300"))
}
