//! Step 3, inspect: what is inside. All fast detectors run, unless the caller prunes what no policy of the project reads.

use serde_json::{Map, Value};

use super::{Allowance, Call, Engine, History};
use crate::{
    api::{DetectorResult, Mode},
    context_keys::{Action, ContextKey},
    detect::{self, CATALOGUE, Findings},
    error::Result,
};

impl Engine {
    #[allow(clippy::unused_async)] // remote detectors will wait here
    pub(super) async fn inspect(&self, call: &Call, allowance: &Allowance, _history: &History) -> Result<Findings> {
        // An attacker over its limit is cheap: nothing is inspected and no policy judged.
        if allowance.refusal().is_some() {
            return Ok(Findings::default());
        }
        let request = &call.request;
        if request.detectors.is_empty() && request.optimize != Some(true) {
            return Ok(detect::inspect(&call.subject(), &[]));
        }
        let policies = &call.tenant.policies;
        let mode = request.mode.unwrap_or(Mode::Enforce).max(call.tenant.settings.mode_floor);
        let redacts = mode == Mode::Modify || request.mode == Some(Mode::Modify) || policies.redacts();
        // These are made of every detector's findings, and a session is read by later calls of any action.
        let sums_up = |key: &ContextKey| {
            key.name().starts_with("session_")
                || matches!(
                    key,
                    ContextKey::HighestSeverity | ContextKey::DetectorCount | ContextKey::MultiTurnDetection
                )
        };
        let read_anywhere = |key: &ContextKey| Action::ALL.iter().any(|action| policies.reads(*action).contains(*key));
        if redacts || ContextKey::ALL.iter().any(|key| sums_up(key) && read_anywhere(key)) {
            return Ok(detect::inspect(&call.subject(), &[]));
        }
        let reads = policies.reads(call.action);
        let needed = |detector: &detect::DetectorInfo| {
            detector.keys.iter().any(|key| reads.contains(*key))
                || request.detectors.iter().any(|name| name == detector.name)
        };
        let names: Vec<&'static str> =
            CATALOGUE.iter().filter(|detector| needed(detector)).map(|info| info.name).collect();
        if names.is_empty() {
            return Ok(Findings::default());
        }
        Ok(detect::inspect(&call.subject(), &names))
    }
}

/// The detectors of ours among `names`.
pub fn requested(names: &[String]) -> Vec<&'static str> {
    CATALOGUE.iter().map(|info| info.name).filter(|name| names.iter().any(|wanted| wanted == name)).collect()
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
