//! Accounts, projects, policies, limits and settings.

use napi::{Unknown, ValueType};
use tenantry::{
    api::{LimitSpec, Mode, PolicySpec, SettingsPatch, TenantFacts, parse_period},
    error::Error,
    scope::Layer,
};

use super::{Given, json};
use crate::errors::Result;

pub fn facts(value: Unknown<'_>) -> Result<TenantFacts> {
    let mut given = Given::read("facts", value)?;
    let facts = TenantFacts {
        tier: given.text("tier")?.unwrap_or_default(),
        plan: given.text("plan")?.unwrap_or_default(),
        region: given.text("region")?.unwrap_or_default(),
        labels: given.texts("labels")?,
    };
    given.end()?;
    Ok(facts)
}

pub fn policy(name: Unknown<'_>, text: Unknown<'_>, options: Unknown<'_>) -> Result<PolicySpec> {
    let mut given = Given::read("options", options)?;
    let spec = PolicySpec {
        name: json::required("name", name)?,
        text: json::required("text", text)?,
        mode: given.parsed("mode", Mode::parse)?.unwrap_or(Mode::Enforce),
        layer: given.parsed("layer", Layer::parse)?.unwrap_or(Layer::Project),
        ceiling: given.flag("ceiling")?.unwrap_or_default(),
    };
    given.end()?;
    Ok(spec)
}

/// A period in words. A bare number could be seconds as well as milliseconds.
fn period(given: &mut Given<'_>, name: &str) -> Result<Option<u64>> {
    let Some(value) = given.take(name)? else { return Ok(None) };
    match value.get_type()? {
        ValueType::String => Ok(Some(parse_period(&json::text(name, value)?)?)),
        _ => Err(Error::invalid(
            "request_invalid",
            format!("`{name}` is not a string: a period is told as `minute` or `15m`"),
        )
        .with_help(format!("write seconds as `6s`, or give milliseconds as `{name}Ms`"))
        .into()),
    }
}

pub fn limit(value: Unknown<'_>) -> Result<LimitSpec> {
    let mut given = Given::read("limit", value)?;
    let missing = |name| json::invalid(format!("`{name}` of `limit` is missing"));
    let spec = LimitSpec {
        id: given.required("id")?,
        rate: given.whole("rate")?.ok_or_else(|| missing("rate"))?,
        per_ms: match (period(&mut given, "per")?, given.whole("perMs")?) {
            (Some(_), Some(_)) => return Err(json::invalid("`per` and `perMs` exclude each other")),
            (per, per_ms) => per.or(per_ms).ok_or_else(|| missing("per"))?,
        },
        key: given.named("key", "key of a limit")?.unwrap_or_default(),
        action: given.text("action")?.unwrap_or_default(),
        on_exceed: given.named("onExceed", "way to exceed a limit")?.unwrap_or_default(),
        max_wait_ms: given.whole("maxWaitMs")?.unwrap_or_default(),
        layer: given.parsed("layer", Layer::parse)?.unwrap_or(Layer::Project),
        shared: given.flag("shared")?.unwrap_or_default(),
    };
    given.end()?;
    Ok(spec)
}

pub fn patch(value: Unknown<'_>) -> Result<SettingsPatch> {
    let mut given = Given::read("settings", value)?;
    let patch = SettingsPatch {
        mode_floor: given.parsed("modeFloor", Mode::parse)?,
        audit_class: given.named("auditClass", "audit class")?,
        redaction_originals: given.flag("redactionOriginals")?,
        session_ttl_seconds: given.whole("sessionTtlSeconds")?,
        metadata_keys: given.maybe_text_map("metadataKeys")?.map(|keys| keys.into_iter().collect()),
    };
    given.end()?;
    Ok(patch)
}
