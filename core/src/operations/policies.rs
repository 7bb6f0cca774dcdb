//! Operations on policies.

use std::sync::Arc;

use serde_json::json;

use super::{Authorized, Done, Nothing};
use crate::{
    api::{LayerOf, Mode, PackRef, Page, PolicyReceipt, PolicyRef, PolicySpec, PolicySummary},
    error::{Error, Result},
    policy::packs,
    rooms::Rooms,
    scope::Layer,
    store::DocumentKind,
};

/// Behind `policies.put`.
pub async fn put(rooms: &Arc<Rooms>, at: &Authorized, spec: PolicySpec) -> Result<Done<PolicyReceipt>> {
    let instance = at.instance()?;
    let scope = instance.scope();
    let level = scope.at(spec.layer)?;
    let turn = rooms.changes.of(&level).await;
    // Nothing is ever attached to a tombstone.
    rooms.tenants.snapshot(instance).await?;
    let mut others = rooms.tenants.policy_specs(scope).await?;
    others.retain(|other| (other.layer, &other.name) != (spec.layer, &spec.name));
    let receipt = rooms.tenants.check_policy(scope, spec.clone(), others).await?;
    rooms.tenants.put(&level, DocumentKind::Policy, &spec.name, Some(&spec)).await?;
    let (mode, layer) = (spec.mode.name(), spec.layer.name());
    let body = json!({ "policy": spec.name, "mode": mode, "layer": layer, "ceiling": spec.ceiling });
    Ok(Done::from(receipt).row(&level, body).keeping(turn))
}

/// Behind `policies.attach_pack`.
pub async fn attach_pack(rooms: &Arc<Rooms>, at: &Authorized, input: PackRef) -> Result<Done<PolicyReceipt>> {
    let pack = input.pack;
    let text = packs::text(&pack).ok_or_else(|| {
        Error::not_found("pack_unknown", format!("there is no pack `{pack}`")).with_help(format!(
            "packs are {}; a text of your own is attached by `policies.put`",
            packs::NAMES.join(" and ")
        ))
    })?;
    let (mode, layer) = (Mode::Enforce, Layer::Project);
    put(rooms, at, PolicySpec { name: pack, text: text.into(), mode, layer, ceiling: false }).await
}

/// Behind `policies.remove`.
pub async fn remove(rooms: &Arc<Rooms>, at: &Authorized, input: PolicyRef) -> Result<Done<()>> {
    let (name, layer) = (&input.name, input.layer());
    let instance = at.instance()?;
    let scope = instance.scope();
    let level = scope.at(layer)?;
    let turn = rooms.changes.of(&level).await;
    rooms.tenants.snapshot(instance).await?;
    let mut rest = rooms.tenants.policy_specs(scope).await?;
    rest.retain(|other| (other.layer, &other.name) != (layer, name));
    // What remains must still compile: a ceiling without its permits would close everything below it.
    rooms.tenants.compile(scope, rest).await?;
    if !rooms.tenants.put(&level, DocumentKind::Policy, name, None::<&PolicySpec>).await? {
        return Err(unknown(name, layer));
    }
    Ok(Done::from(()).row(&level, json!({ "policy": name, "layer": layer.name() })).keeping(turn))
}

/// Behind `policies.get`.
pub async fn get(rooms: &Arc<Rooms>, at: &Authorized, input: PolicyRef) -> Result<Done<PolicySummary>> {
    let snapshot = rooms.tenants.snapshot(at.instance()?).await?;
    let (name, layer) = (&input.name, input.layer());
    let found = snapshot.policies.summaries().iter().find(|summary| (summary.layer, &summary.name) == (layer, name));
    found.cloned().map(Done::from).ok_or_else(|| unknown(name, layer))
}

/// Behind `policies.list`.
pub async fn list(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Page<PolicySummary>>> {
    let snapshot = rooms.tenants.snapshot(at.instance()?).await?;
    Ok(Page::from(snapshot.policies.summaries().to_vec()).into())
}

fn unknown(name: &str, layer: Layer) -> Error {
    let (layer, text) = (layer.name(), format!("policy `{name}` does not exist on this layer"));
    Error::not_found("policy_not_found", text).with_help(format!(
        "it was looked for on the layer `{layer}`; `policies.list` shows those there are, with their layers"
    ))
}
