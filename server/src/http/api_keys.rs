//! API keys in ZeroID's shapes. Source: `docs/wire/identity.md`.

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry::{
    Error, Result,
    api::{ApiKey, KeyFilter, KeyRotation, KeySpec, NewApiKey, PrincipalKind},
};

use super::{
    App, Call,
    answer::{Answer, json, ok},
};

const DAY_SECONDS: u64 = 86_400;
const PAGE: u64 = 100;

/// What a key is to be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KeyRequest {
    /// What people call it.
    #[schemars(extend("minLength" = 1))]
    name: String,
    /// What it is for, for people.
    description: Option<String>,
    /// Identities of agents are not registered here yet: anything but empty is refused.
    identity_id: Option<String>,
    /// What it may do at most; none means the `tools:` scopes of its maker.
    scopes: Option<Vec<String>>,
    /// What the client calls the place it is used in, e.g. `live` or `test`.
    environment: Option<String>,
    /// Its lifetime in days.
    expires_in_days: Option<u64>,
    /// Taken for the sake of ZeroID's clients, whose answers have no place to show it; not kept.
    metadata: Option<serde_json::Value>,
    /// How its text begins; empty means as the platform set it.
    prefix: Option<String>,
    /// Whether a person or an agent holds it.
    #[serde(rename = "type")]
    kind: PrincipalKind,
    /// Who holds it; empty means the key itself.
    subject: Option<String>,
    /// SHA-256 of a key another system made, for taking that one over.
    import_sha256: Option<String>,
}

/// A key without its secret.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Key {
    #[serde(flatten)]
    record: ApiKey,
    /// When it last changed, as far as that is kept: when it was made.
    updated_at: String,
}

/// Several keys.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Keys {
    /// One page of them, oldest first.
    keys: Vec<Key>,
    /// How many there are.
    total: usize,
}

fn shown(record: ApiKey) -> Key {
    Key { updated_at: record.created_at.clone(), record }
}

/// `POST /api-keys`
pub async fn create(_: App, call: Call) -> Answer {
    let tenant = call.tenant()?;
    let asked: KeyRequest = call.json()?;
    if asked.name.is_empty() {
        return Err(Error::invalid("key_invalid", "`name` is missing"));
    }
    if asked.identity_id.is_some_and(|id| !id.is_empty()) {
        return Err(Error::not_found("identity_unknown", "there is no such identity"));
    }
    let days = asked.expires_in_days.unwrap_or_default();
    let seconds = days.checked_mul(DAY_SECONDS);
    let spec = KeySpec {
        name: asked.name,
        scopes: asked.scopes.unwrap_or_default(),
        expires_in_seconds: seconds.ok_or_else(|| Error::invalid("key_invalid", "that lifetime is too long"))?,
        prefix: asked.prefix.unwrap_or_default(),
        kind: asked.kind,
        subject: asked.subject.unwrap_or_default(),
        import_sha256: asked.import_sha256.unwrap_or_default(),
        description: asked.description.unwrap_or_default(),
        environment: asked.environment.unwrap_or_default(),
        ..KeySpec::default()
    };
    let made: NewApiKey = tenant.identity().keys().create(spec.clone()).await?;
    json(StatusCode::CREATED, &made)
}

/// `GET /api-keys`
pub async fn list(_: App, call: Call) -> Answer {
    let tenant = call.tenant()?;
    let (page, limit) = (call.number("page")?.unwrap_or(1), call.number("limit")?.unwrap_or(PAGE));
    if page == 0 || limit == 0 || limit > PAGE {
        return Err(Error::invalid("query_invalid", "`page` is at least 1, and `limit` 1 to 100"));
    }
    let all = tenant.identity().keys().list(KeyFilter::default()).await?;
    let total = all.len();
    let skipped = usize::try_from((page - 1).saturating_mul(limit)).unwrap_or(usize::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    ok(&Keys { keys: all.into_iter().skip(skipped).take(limit).map(shown).collect(), total })
}

/// `GET /api-keys/{id}`
pub async fn get(_: App, call: Call) -> Answer {
    let tenant = call.tenant()?;
    ok(&shown(tenant.identity().keys().get(call.named("id")).await?))
}

/// Why a key is revoked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct Reason {
    /// Taken for the sake of ZeroID's clients.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A body that may be left out.
fn optional<T: Default + serde::de::DeserializeOwned>(call: &Call) -> Result<T> {
    if call.body.is_empty() { Ok(T::default()) } else { call.json() }
}

/// `POST /api-keys/{id}/revoke`
pub async fn revoke(_: App, call: Call) -> Answer {
    let tenant = call.tenant()?;
    let _: Reason = optional(&call)?;
    ok(&shown(tenant.identity().keys().revoke(call.named("id")).await?))
}

/// How a key is replaced.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Rotation {
    /// How long the old key is taken beside the new one, in seconds.
    pub overlap_seconds: u64,
}

/// `POST /api-keys/{id}/rotate`
pub async fn rotate(_: App, call: Call) -> Answer {
    let tenant = call.tenant()?;
    let rotation: Rotation = optional(&call)?;
    let made = tenant.identity().keys().rotate(KeyRotation::new(call.named("id"), rotation.overlap_seconds)).await?;
    json(StatusCode::CREATED, &made)
}
