//! What the app reports of its model calls, and the detectors there are.

use super::{Engine, seal};
use crate::{
    api::{Detector, DetectorKey, UsageReceipt, UsageReport},
    context_keys::KeyType,
    detect, entropy,
    error::Result,
    scope::OpaqueId,
    store::{Kept, Spend},
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
        let spend = Spend {
            id: format!("report:{id}"),
            at,
            model: seal::model_name(&report.model, cost.model),
            micros: cost.micros,
        };
        let kept = self.audit.spend(instance.scope(), &spend).await?;
        let (recorded, differs) = (kept == Kept::Recorded, kept == Kept::Differs);
        Ok(UsageReceipt { cost_micros: cost.micros, priced: cost.priced, recorded, differs })
    }

    /// Behind `Guard::detectors`.
    pub async fn detectors(&self, instance: &Instance) -> Result<Vec<Detector>> {
        self.tenants.snapshot(instance).await?;
        Ok(detect::CATALOGUE.iter().map(described).collect())
    }
}

fn described(info: &detect::DetectorInfo) -> Detector {
    let raw = info.raw_keys.iter().map(|(name, kind)| key(name, *kind, format!("Written by `{}`.", info.name)));
    let read =
        info.keys.iter().map(|read| read.info()).filter(|read| info.raw_keys.iter().all(|(raw, _)| *raw != read.name));
    let read = read.map(|read| {
        key(read.name, read.kind, format!("What policies read of `{}`, as `context.{}`.", info.name, read.name))
    });
    Detector {
        name: info.name.into(),
        status: "healthy".into(),
        tier: info.tier.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        category: info.category.into(),
        description: info.description.into(),
        context_keys: raw.chain(read).collect(),
    }
}

fn key(name: &str, kind: KeyType, description: String) -> DetectorKey {
    let kind = match kind {
        KeyType::Bool => "bool",
        KeyType::Long => "long",
        KeyType::String => "string",
        KeyType::Set => "set",
        KeyType::Record => "record",
    };
    let scored = name.ends_with("_score") || name.ends_with("_confidence");
    DetectorKey { key: name.into(), kind: kind.into(), description, range: scored.then(|| "0-100".to_owned()) }
}
