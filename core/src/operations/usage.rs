//! Operations on what model calls cost.

use std::sync::Arc;

use super::{Authorized, Done};
use crate::{
    api::{UsageReceipt, UsageReport},
    entropy,
    error::Result,
    guard::model_name,
    rooms::Rooms,
    scope::OpaqueId,
    store::{Kept, Spend},
    usage,
};

/// Behind `usage.report`.
pub async fn report(rooms: &Arc<Rooms>, at: &Authorized, report: UsageReport) -> Result<Done<UsageReceipt>> {
    let instance = at.instance()?;
    rooms.tenants.snapshot(instance).await?;
    let id = OpaqueId::parse("usage_id", Some(&report.usage_id))?;
    // A call that was not named is never met again.
    let id = id.map_or_else(entropy::request_id, |id| id.as_str().to_owned());
    OpaqueId::parse("session_id", report.session_id.as_deref())?;
    let cost = usage::cost(&report.model)?;
    let spend = Spend {
        id: format!("report:{id}"),
        at: rooms.clock.now().wall_micros,
        model: model_name(&report.model, cost.model),
        micros: cost.micros,
    };
    let kept = rooms.audit.spend(instance.scope(), &spend).await?;
    let (recorded, differs) = (kept == Kept::Recorded, kept == Kept::Differs);
    Ok(UsageReceipt { cost_micros: cost.micros, priced: cost.priced, recorded, differs }.into())
}
