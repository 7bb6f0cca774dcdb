//! The authorization server's endpoints: tokens for keys, introspection, revocation, keys and discovery. Source:
//! `docs/wire/identity.md`, RFC 6749, RFC 7009, RFC 7517, RFC 7662, RFC 8414, RFC 9728.

use axum::http::{HeaderName, header};
use data_encoding::BASE64_NOPAD;
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry::{
    Error, ErrorKind, Result, Tenantry,
    api::{AccessToken, Algorithm, Introspection, RequestCredentials, TokenRequest},
};

use super::{
    App, Call,
    answer::{Answer, cached, ok},
};

/// `POST /oauth2/token`
pub async fn token(app: App, call: Call) -> Answer {
    let mut request: TokenRequest = call.json_or_form()?;
    if request.grant_type.is_empty() {
        return Err(Error::invalid("request_invalid", "`grant_type` is missing"));
    }
    if let Some(basic) = Basic::of(&call)? {
        if request.grant_type == "api_key" && request.api_key.is_empty() {
            request.api_key = basic.key(&app, &call).await?;
        } else {
            // It names who asks, beside what is asked with.
            basic.key(&app, &call).await?;
        }
    }
    let token: AccessToken = app.client().identity().tokens().exchange(request).await?;
    Ok(cached(ok(&token)?, "no-store"))
}

/// A client's id and secret as `Authorization: Basic` has them (RFC 6749, section 2.3.1). The secret is a whole API key, which says
/// who asks; the id says nothing more.
struct Basic(String);

impl Basic {
    /// None where the request authenticates otherwise, or not at all.
    fn of(call: &Call) -> Result<Option<Self>> {
        let wrong = || client_invalid("the client's Basic credentials cannot be read");
        let Some(value) = call.header("authorization")? else { return Ok(None) };
        let Some((scheme, rest)) = value.trim().split_once(' ') else { return Ok(None) };
        if !scheme.eq_ignore_ascii_case("basic") {
            return Ok(None);
        }
        if call.headers.contains_key("x-api-key") {
            return Err(Error::invalid("credential_duplicate", "two credentials are given"));
        }
        let bare = rest.trim().trim_end_matches('=');
        let decoded = BASE64_NOPAD.decode(bare.as_bytes()).map_err(|_| wrong())?;
        let text = String::from_utf8(decoded).map_err(|_| wrong())?;
        let (_, secret) = text.split_once(':').ok_or_else(wrong)?;
        if secret.is_empty() {
            Err(client_invalid("the client gives no secret"))
        } else {
            Ok(Some(Self(secret.to_owned())))
        }
    }

    /// What the secret reads: form-encoded, as the RFC has it, or as it is, as most clients send it.
    fn spellings(&self) -> Vec<String> {
        let decoded = percent_decode_str(&self.0.replace('+', " ")).decode_utf8().map(|text| text.into_owned());
        let mut spellings = vec![self.0.clone()];
        spellings.extend(decoded.ok().filter(|decoded| *decoded != self.0));
        spellings
    }

    /// The key, once it is known to be one.
    async fn key(self, app: &App, call: &Call) -> Result<String> {
        Ok(self.signed_in(app, call).await?.1)
    }

    async fn signed_in(self, app: &App, call: &Call) -> Result<(Tenantry, String)> {
        let mut refusal = client_invalid("the client's credential is not taken");
        for secret in self.spellings() {
            match signed_in(app, call, &secret).await {
                Ok(client) => return Ok((client, secret)),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }
}

async fn signed_in(app: &App, call: &Call, secret: &str) -> Result<Tenantry> {
    let presented = RequestCredentials { peer: call.peer.clone(), ..RequestCredentials::token(secret) };
    app.client().signed_in(&presented).await.map_err(not_taken)
}

fn not_taken(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unauthenticated => client_invalid("the client's credential is not taken"),
        _ => error,
    }
}

/// A token somebody asks about or ends, and who asks.
#[derive(Deserialize, JsonSchema)]
pub struct TokenQuestion {
    /// The token or key.
    pub token: String,
    /// A hint that is not needed here.
    #[serde(default)]
    pub token_type_hint: Option<String>,
    /// Anything: the secret is a whole key, and says who asks.
    #[serde(default)]
    pub client_id: Option<String>,
    /// An API key, whole.
    #[serde(default)]
    pub client_secret: Option<String>,
}

fn client_invalid(message: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, "client_invalid", message).with_help(
        "authenticate with an API key, as Bearer, in X-API-Key, or as client_secret, by Basic or in the body",
    )
}

/// Who asks: by a credential in the headers, or by an API key as the client's secret, in a header or in the body.
async fn client(app: &App, call: &Call, question: &TokenQuestion) -> Result<Tenantry> {
    if let Some(basic) = Basic::of(call)? {
        return Ok(basic.signed_in(app, call).await?.0);
    }
    let in_headers = [header::AUTHORIZATION, HeaderName::from_static("x-api-key")]
        .iter()
        .any(|name| call.headers.contains_key(name));
    if in_headers {
        return app.client().signed_in(&call.presented_by_path()?).await.map_err(not_taken);
    }
    match &question.client_secret {
        Some(secret) if !secret.is_empty() => signed_in(app, call, secret).await,
        _ => Err(client_invalid("the client is not authenticated")),
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
        token_endpoint_auth_methods_supported: vec!["none", "client_secret_basic"],
        introspection_endpoint_auth_methods_supported: vec!["client_secret_basic", "client_secret_post"],
        revocation_endpoint_auth_methods_supported: vec!["client_secret_basic", "client_secret_post"],
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
