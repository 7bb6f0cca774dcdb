//! Operations on the settings of a project.

use std::{collections::BTreeMap, sync::Arc};

use super::{Authorized, Done, Nothing};
use crate::{
    api::{Settings, SettingsPatch},
    context_keys::is_reserved,
    error::{Error, Result},
    nearest::shown,
    policy::{DeclaredType, MAX_METADATA_KEYS, MAX_METADATA_NAME},
    rooms::Rooms,
    store::DocumentKind,
    tenant::SETTINGS,
};

/// Behind `settings.get`.
pub async fn get(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Settings>> {
    Ok(rooms.tenants.snapshot(at.instance()?).await?.settings.clone().into())
}

/// Behind `settings.update`.
pub async fn update(rooms: &Arc<Rooms>, at: &Authorized, patch: SettingsPatch) -> Result<Done<Settings>> {
    let instance = at.instance()?;
    let scope = instance.scope();
    let turn = rooms.changes.of(scope).await;
    // Nothing is ever attached to a tombstone.
    rooms.tenants.snapshot(instance).await?;
    let mut settings = rooms.tenants.settings(scope).await?;
    let change = serde_json::to_value(&patch).map_err(|_| Error::internal("a settings patch could not be written"))?;
    settings.mode_floor = patch.mode_floor.unwrap_or(settings.mode_floor);
    settings.audit_class = patch.audit_class.unwrap_or(settings.audit_class);
    settings.redaction_originals = patch.redaction_originals.unwrap_or(settings.redaction_originals);
    settings.session_ttl_seconds = patch.session_ttl_seconds.unwrap_or(settings.session_ttl_seconds);
    if settings.session_ttl_seconds == 0 || settings.session_ttl_seconds > 10 * 366 * 24 * 60 * 60 {
        return Err(Error::invalid("settings_invalid", "session_ttl_seconds is at least 1 and at most ten years"));
    }
    settings.metadata_keys = patch.metadata_keys.unwrap_or(settings.metadata_keys);
    check_metadata_keys(&settings.metadata_keys)?;
    rooms.tenants.put(scope, DocumentKind::Settings, SETTINGS, Some(&settings)).await?;
    Ok(Done::from(settings).row(scope, change).keeping(turn))
}

fn check_metadata_keys(keys: &BTreeMap<String, String>) -> Result<()> {
    let refuse = |what: String| Error::invalid("settings_invalid", what);
    if keys.len() > MAX_METADATA_KEYS || keys.keys().any(|name| name.is_empty() || name.len() > MAX_METADATA_NAME) {
        return Err(refuse(format!(
            "`metadata_keys` declares at most {MAX_METADATA_KEYS} keys, of 1 to {MAX_METADATA_NAME} bytes each"
        )));
    }
    for (name, kind) in keys {
        if is_reserved(name) {
            return Err(refuse(format!("`{name}` in `metadata_keys` is a name of the contract's own, or reserved"))
                .with_help("choose another name for it; docs/policies.md says which are reserved"));
        }
        if DeclaredType::parse(kind).is_none() {
            return Err(refuse(format!("`{name}` in `metadata_keys` has the type `{}`, which is none", shown(kind)))
                .with_help("types are `String`, `Long`, `Bool` and `Set<String>`"));
        }
    }
    Ok(())
}
