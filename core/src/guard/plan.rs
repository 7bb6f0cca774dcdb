//! Which detectors a call runs, and why: all fast ones, unless the caller prunes what no policy of the project needs. Pure.

use super::Call;
use crate::{
    api::{DetectorPlanEntry, Mode, OptimizationReport},
    context_keys::{Action, ContextKey},
    detect::{CATALOGUE, DetectorInfo},
};

/// Most policies a report names.
const MOST_POLICIES: usize = 1_000;

/// The detectors of one call.
pub struct Plan {
    /// Those that run; all where it is none.
    pub only: Option<Vec<&'static str>>,
    why: &'static str,
}

/// The plan of a call.
pub fn of(call: &Call) -> Plan {
    let all = |why| Plan { only: None, why };
    if !call.detectors.named && !call.flags.optimize {
        return all("nothing was asked to be left out");
    }
    let policies = &call.tenant.policies;
    let asked = call.request.mode;
    let mode = asked.unwrap_or(Mode::Enforce).max(call.tenant.settings.mode_floor);
    if mode == Mode::Modify || asked == Some(Mode::Modify) || policies.redacts() {
        return all("what is found may be redacted, so everything is looked for");
    }
    // These are made of every detector's findings, and a session is read by later calls of any action.
    let sums_up = |key: &ContextKey| {
        key.name().starts_with("session_")
            || matches!(key, ContextKey::HighestSeverity | ContextKey::DetectorCount | ContextKey::MultiTurnDetection)
    };
    let read_anywhere = |key: &ContextKey| Action::ALL.iter().any(|action| policies.reads(*action).contains(*key));
    if ContextKey::ALL.iter().any(|key| sums_up(key) && read_anywhere(key)) {
        return all("a policy reads a key that sums up what all detectors find");
    }
    let runs =
        |detector: &&DetectorInfo| read_by_policies(call, detector) || call.detectors.present.contains(&detector.name);
    Plan {
        only: Some(CATALOGUE.iter().filter(runs).map(|detector| detector.name).collect()),
        why: "detectors run whose keys a policy for this action reads, or that were asked for",
    }
}

fn read_by_policies(call: &Call, detector: &DetectorInfo) -> bool {
    let reads = call.tenant.policies.reads(call.action);
    detector.keys.iter().any(|key| reads.contains(*key))
}

/// The plan as `optimize` tells it.
pub fn report(call: &Call) -> OptimizationReport {
    let plan = of(call);
    let policies = &call.tenant.policies;
    let reads = policies.reads(call.action);
    let entry = |detector: &DetectorInfo, runs: bool| DetectorPlanEntry {
        name: detector.name.into(),
        reason: match runs {
            true if read_by_policies(call, detector) => "policy_required",
            true => "always_run",
            false => "not_required",
        }
        .into(),
        tier: detector.tier.into(),
    };
    let runs = |detector: &&DetectorInfo| plan.only.as_ref().is_none_or(|only| only.contains(&detector.name));
    let (required, skipped): (Vec<&DetectorInfo>, Vec<&DetectorInfo>) = CATALOGUE.iter().partition(runs);
    OptimizationReport {
        fallback_to_all: plan.only.is_none(),
        reason: plan.why.into(),
        active_policies: policies.asked_about(call.action, MOST_POLICIES),
        required_context_keys: ContextKey::ALL
            .iter()
            .filter(|key| reads.contains(**key))
            .map(|key| key.name().to_owned())
            .collect(),
        required_detectors: required.into_iter().map(|detector| entry(detector, true)).collect(),
        skipped_detectors: skipped.into_iter().map(|detector| entry(detector, false)).collect(),
    }
}
