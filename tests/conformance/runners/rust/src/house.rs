//! What a case asks of the client itself, and how earlier answers get into later steps.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tenantry::{
    Error, Result, Tenantry,
    api::{AccountSpec, ProjectSpec},
    testing,
};

use crate::{With, named, plain};

pub fn shapeless(error: serde_json::Error) -> Error {
    Error::internal(format!("a case's arguments cannot be read: {error}"))
}

/// Puts what earlier steps answered in the place of `${name.field}`.
pub fn fill(value: &mut Value, kept: &BTreeMap<String, Value>) {
    match value {
        Value::String(text) => {
            while let Some((start, end)) = text.find("${").and_then(|at| text[at..].find('}').map(|end| (at, at + end)))
            {
                let (name, field) = text[start + 2..end].split_once('.').unwrap_or_default();
                let found = kept.get(name).and_then(|answer| answer[field].as_str()).unwrap_or_default();
                *text = format!("{}{found}{}", &text[..start], &text[end + 1..]);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, kept)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, kept)),
        _ => {}
    }
}

/// Operations on the client itself; `None` for those of a tenant.
pub fn house(client: &Tenantry, operation: &str, with: &With) -> Option<Result<Value>> {
    let (accounts, projects) = (client.admin().accounts(), client.admin().projects());
    let (account, id) = (with.account.as_str(), with.id.as_str());
    Some(match operation {
        "accounts.create" => plain(accounts.create_blocking(AccountSpec::with(id, with.facts.clone()))),
        "accounts.ensure" => plain(accounts.ensure_blocking(id, with.facts.clone())),
        "accounts.get" => plain(accounts.get_blocking(id)),
        "accounts.list" => plain(accounts.list_blocking()),
        "accounts.suspend" => plain(accounts.suspend_blocking(id)),
        "accounts.resume" => plain(accounts.resume_blocking(id)),
        "accounts.delete" => plain(accounts.delete_blocking(id)),
        "projects.create" => plain(projects.create_blocking(account, ProjectSpec::with(id, with.facts.clone()))),
        "projects.ensure" => plain(projects.ensure_blocking(account, id, with.facts.clone())),
        "projects.get" => plain(projects.get_blocking(account, id)),
        "projects.list" => plain(projects.list_blocking(account)),
        "projects.suspend" => plain(projects.suspend_blocking(account, id)),
        "projects.resume" => plain(projects.resume_blocking(account, id)),
        "projects.delete" => plain(projects.delete_blocking(account, id)),
        "tenant" => client.tenant_blocking(account, &with.project).map(named),
        "advance" => Ok(json!(testing::advance(Duration::from_millis(with.ms)))),
        "panic_next" => Ok(json!(testing::panic_next())),
        "close" => plain(client.close_blocking()),
        _ => return None,
    })
}
