//! Accounts, projects, policies, limits and settings.

use napi::Unknown;
use tenantry::{
    api::{LimitSpec, Mode, PolicySpec, SettingsPatch, TenantFacts, parse_period},
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

pub fn limit(value: Unknown<'_>) -> Result<LimitSpec> {
    let mut given = Given::read("limit", value)?;
    let missing = |name| json::invalid(format!("`{name}` of `limit` is missing"));
    let spec = LimitSpec {
        id: given.required("id")?,
        rate: given.whole("rate")?.ok_or_else(|| missing("rate"))?,
        per_ms: match (given.parsed("per", parse_period)?, given.whole("perMs")?) {
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
    };
    given.end()?;
    Ok(patch)
}
