//! Step 3, inspect: what is inside. `plan` says which detectors run.

use serde_json::{Map, Value};

use super::{Admission, Call, History, plan};
use crate::{
    api::DetectorResult,
    detect::{self, Findings},
    error::Result,
};

/// Runs the detectors of the call's plan.
#[allow(clippy::unused_async)] // remote detectors will wait here
pub async fn inspect(call: &Call, admission: &Admission, _history: &History) -> Result<Findings> {
    // An attacker over its limit is cheap: nothing is inspected and no policy judged.
    if admission.refusal().is_some() {
        return Ok(Findings::default());
    }
    if call.flags.plan_only {
        return Ok(Findings::default());
    }
    Ok(detect::inspect(&call.subject(), plan::of(call).only.as_deref()))
}

/// Every raw key, by its detector's own name.
pub fn raw_context(findings: &Findings) -> Map<String, Value> {
    findings.runs.iter().flat_map(|run| &run.raw).map(|(name, value)| ((*name).to_owned(), value.to_json())).collect()
}

/// What each detector did.
pub fn detector_results(findings: &Findings) -> Vec<DetectorResult> {
    let result = |run: &detect::DetectorRun| DetectorResult {
        name: run.name.into(),
        status: run.status.into(),
        tier: run.tier.into(),
        latency_ms: 0,
        context: run.raw.iter().map(|(name, value)| ((*name).to_owned(), value.to_json())).collect(),
        error: None,
    };
    findings.runs.iter().map(result).collect()
}
