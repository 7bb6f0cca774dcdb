//! What the app reports of its model calls, and the detectors there are.

use super::Engine;
use crate::{
    api::{Detector, DetectorKey, UsageReceipt, UsageReport},
    context_keys::{ContextKey, KeyType},
    detect, entropy,
    error::Result,
    scope::OpaqueId,
    store::Spend,
    tenant::Instance,
    usage,
};

impl Engine {
    /// Behind `Usage::report`.
    pub async fn report_usage(&self, instance: &Instance, report: &UsageReport) -> Result<UsageReceipt> {
        self.tenants.snapshot(instance).await?;
        let id = OpaqueId::parse("usage_id", Some(&report.usage_id))?;
        // A call that was not named is never met again.
        let id = id.map_or_else(entropy::request_id, |id| id.as_str().to_owned());
        OpaqueId::parse("session_id", report.session_id.as_deref())?;
        let cost = usage::cost(&report.model)?;
        let at = self.clock.now().wall_micros;
        let spend = Spend { id: format!("report:{id}"), at, model: cost.model, micros: cost.micros };
        let recorded = self.audit.spend(instance.scope(), &spend).await?;
        Ok(UsageReceipt { cost_micros: cost.micros, priced: cost.priced, recorded })
    }

    /// Behind `Guard::detectors`.
    pub async fn detectors(&self, instance: &Instance) -> Result<Vec<Detector>> {
        self.tenants.snapshot(instance).await?;
        Ok(detect::CATALOGUE.iter().map(described).collect())
    }
}

fn described(info: &detect::DetectorInfo) -> Detector {
    Detector {
        name: info.name.into(),
        status: "healthy".into(),
        tier: info.tier.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        category: info.category.into(),
        description: info.description.into(),
        context_keys: info.keys.iter().map(|key| described_key(*key, info)).collect(),
    }
}

fn described_key(key: ContextKey, detector: &detect::DetectorInfo) -> DetectorKey {
    let info = key.info();
    let kind = match info.kind {
        KeyType::Bool => "bool",
        KeyType::Long => "long",
        KeyType::String => "string",
        KeyType::Set => "set",
        KeyType::Record => "record",
    };
    DetectorKey {
        key: info.name.into(),
        kind: kind.into(),
        description: format!("Written by `{}`; policies read it as `context.{}`.", detector.name, info.name),
        range: info.name.ends_with("_score").then(|| "0-100".to_owned()),
    }
}
