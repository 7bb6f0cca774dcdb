//! Operations on rate limits, and taking from one by hand.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Authorized, Done, Nothing};
use crate::{
    api::{LayerOf, LimitKey, LimitRef, LimitSpec, OnExceed, Page},
    error::{Error, ErrorKind, Result},
    rooms::Rooms,
    scope::Layer,
    store::DocumentKind,
    tenant::Instance,
};

/// How long a queue waits when nobody said.
const DEFAULT_WAIT_MS: u64 = 30_000;
/// Most limits on one layer of one scope.
const MAX_LIMITS: usize = 100;

/// Behind `limits.set`.
pub async fn set(rooms: &Arc<Rooms>, at: &Authorized, mut spec: LimitSpec) -> Result<Done<()>> {
    if spec.on_exceed == OnExceed::Queue && spec.max_wait_ms == 0 {
        spec.max_wait_ms = DEFAULT_WAIT_MS;
    }
    spec.check()?;
    let instance = at.instance()?;
    let level = instance.scope().at(spec.layer)?;
    let turn = rooms.changes.of(&level).await;
    // Nothing is ever attached to a tombstone.
    rooms.tenants.snapshot(instance).await?;
    let existing = rooms.tenants.catalog().documents(&level, DocumentKind::Limit).await?;
    if existing.len() >= MAX_LIMITS && !existing.iter().any(|document| document.name == spec.id) {
        return Err(Error::new(
            ErrorKind::QuotaExceeded,
            "limit_too_many",
            format!("a layer holds at most {MAX_LIMITS} limits"),
        ));
    }
    rooms.tenants.put(&level, DocumentKind::Limit, &spec.id, Some(&spec)).await?;
    let mut body = json!({ "limit": spec.id, "rate": spec.rate, "per_ms": spec.per_ms });
    if let Value::Object(fields) = &mut body
        && !spec.action.is_empty()
    {
        fields.insert("action".into(), json!(spec.action));
    }
    Ok(Done::from(()).row(&level, body).keeping(turn))
}

/// Behind `limits.remove`.
pub async fn remove(rooms: &Arc<Rooms>, at: &Authorized, input: LimitRef) -> Result<Done<()>> {
    let instance = at.instance()?;
    rooms.tenants.snapshot(instance).await?;
    let layer = input.layer();
    let level = instance.scope().at(layer)?;
    if !rooms.tenants.put(&level, DocumentKind::Limit, &input.id, None::<&LimitSpec>).await? {
        return Err(unknown(&input.id));
    }
    Ok(Done::from(()).row(&level, json!({ "limit": input.id, "layer": layer.name() })))
}

/// Behind `limits.list`.
pub async fn list(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Page<LimitSpec>>> {
    let snapshot = rooms.tenants.snapshot(at.instance()?).await?;
    Ok(Page::from(snapshot.limits.iter().map(|limit| limit.spec.clone()).collect::<Vec<_>>()).into())
}

/// Takes `cost` from a limit that is attached no higher than `widest`, for work of the app's own.
///
/// # Errors
/// `limit_exceeded` when there is not enough, `limit_not_found`, `limit_acquire_invalid`.
pub async fn acquire(rooms: &Rooms, instance: &Instance, id: &str, key: &str, cost: u32, widest: Layer) -> Result<()> {
    if cost == 0 || key.len() > 512 {
        return Err(Error::invalid("limit_acquire_invalid", "cost is at least 1 and key at most 512 bytes"));
    }
    let snapshot = rooms.tenants.snapshot(instance).await?;
    // The project's own limit first, then its account's, then the platform's.
    let within = |layer: Layer| layer >= widest;
    let mut limits = snapshot.limits.iter().rev();
    let limit = limits.find(|limit| limit.spec.id == id && within(limit.spec.layer)).ok_or_else(|| unknown(id))?;
    if limit.spec.key != LimitKey::Custom && limit.spec.key != LimitKey::Scope && key.is_empty() {
        return Err(Error::invalid("limit_acquire_invalid", format!("limit `{id}` is counted by a key; name one")));
    }
    rooms.quota.acquire(limit, instance.scope(), key, cost).await
}

fn unknown(id: &str) -> Error {
    Error::not_found("limit_not_found", format!("limit `{id}` does not exist here"))
        .with_help("`limits.list` shows those there are, with their layers")
}
