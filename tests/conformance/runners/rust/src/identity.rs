//! Operations on credentials, for the client or for the caller of a held handle.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tenantry::{Result, Tenant, Tenantry, api, config::Credential};

use crate::{house::shapeless, plain};

fn text(with: &Value, name: &str) -> String {
    with[name].as_str().unwrap_or_default().to_owned()
}

/// The arguments as one of the crate's own types, `account` and `project` under the names it has for them.
fn spec<T: DeserializeOwned>(with: &Value) -> Result<T> {
    let mut fields = with.as_object().cloned().unwrap_or_default();
    for (short, long) in [("account", "account_id"), ("project", "project_id")] {
        if let Some(value) = fields.remove(short) {
            fields.insert(long.into(), value);
        }
    }
    serde_json::from_value(fields.into()).map_err(shapeless)
}

pub fn credentials(
    client: &Tenantry,
    held: Option<&Tenant>,
    handles: &mut BTreeMap<String, Tenant>,
    operation: &str,
    with: &Value,
) -> Option<Result<Value>> {
    let identity = held.map_or_else(|| client.identity(), Tenant::identity);
    let (issuers, keys, tokens) = (identity.issuers(), identity.keys(), identity.tokens());
    let grants = client.admin().grants();
    let (id, given) = (text(with, "id"), |name: &str| text(with, name));
    Some(match operation {
        "authenticate" => authenticate(client, handles, with),
        "caller" => Ok(json!(held.and_then(Tenant::caller))),
        "require_scopes" => {
            let scopes: Vec<String> = serde_json::from_value(with["scopes"].clone()).unwrap_or_default();
            plain(held.map_or(Ok(()), |tenant| tenant.require_scopes_blocking(&scopes)))
        }
        "identity.verify" => plain(identity.verify_blocking(&given("credential"))),
        "identity.settings" => plain(identity.settings_blocking()),
        "identity.put_settings" => plain(
            spec::<api::IdentitySettings>(&with["settings"])
                .and_then(|settings| identity.put_settings_blocking(settings)),
        ),
        "issuers.put" => {
            let entry = serde_json::from_value::<api::IssuerSpec>(with["issuer"].clone()).map_err(shapeless);
            plain(entry.and_then(|entry| issuers.put_blocking(entry)))
        }
        "issuers.check" => plain(issuers.check_blocking(&id)),
        "issuers.remove" => plain(issuers.remove_blocking(&id)),
        "issuers.list" => plain(issuers.list_blocking()),
        "keys.create" => plain(spec::<api::KeySpec>(with).and_then(|spec| keys.create_blocking(spec))),
        "keys.list" => plain(keys.list_blocking(api::KeyFilter::of(&given("account"), &given("project")))),
        "keys.get" => plain(keys.get_blocking(&id)),
        "keys.revoke" => plain(keys.revoke_blocking(&id)),
        "keys.rotate" => plain(
            keys.rotate_blocking(api::KeyRotation::new(&id, with["overlap_seconds"].as_u64().unwrap_or_default())),
        ),
        "tokens.exchange" => {
            plain(spec::<api::TokenRequest>(with).and_then(|request| tokens.exchange_blocking(request)))
        }
        "tokens.issue" => plain(spec::<api::TokenSpec>(with).and_then(|spec| tokens.issue_blocking(spec))),
        "tokens.introspect" => plain(tokens.introspect_blocking(&given("token"))),
        "tokens.revoke" => plain(tokens.revoke_blocking(&given("token"))),
        "tokens.jwks" => plain(tokens.jwks_blocking()),
        "tokens.rotate_signing_key" => plain(tokens.rotate_signing_key_blocking()),
        "grants.create" => {
            let entry = serde_json::from_value::<api::GrantSpec>(with.clone()).map_err(shapeless);
            plain(entry.and_then(|entry| grants.create_blocking(entry)))
        }
        "grants.list" => plain(grants.list_blocking()),
        "grants.revoke" => plain(grants.revoke_blocking(&id)),
        "grants.uses" => {
            let limit = with["limit"].as_u64().and_then(|limit| limit.try_into().ok()).unwrap_or(100);
            plain(grants.uses_blocking(api::AuditQuery::from(api::Since::Start).limit(limit)))
        }
        _ => return None,
    })
}

fn authenticate(client: &Tenantry, handles: &mut BTreeMap<String, Tenant>, with: &Value) -> Result<Value> {
    let tenant = client.authenticate_blocking(&api::RequestCredentials {
        headers: serde_json::from_value(with["headers"].clone()).unwrap_or_default(),
        token: with["token"].as_str().map(Credential::new),
        method: text(with, "method"),
        target: text(with, "target"),
        peer: text(with, "peer"),
    })?;
    handles.insert(text(with, "hold"), tenant.clone());
    let (account, project, caller) = (tenant.account_id(), tenant.project_id(), tenant.caller());
    Ok(json!({ "account_id": account, "project_id": project, "caller": caller }))
}
