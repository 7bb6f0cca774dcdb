//! What a guard call answers: [`GuardResponse`] and its parts, with the exact null rules of `docs/wire/shield.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Mode;
use crate::error::{Error, Result};

/// What stands between texts that are judged as the content of one call.
const BETWEEN: &str = "\n";

/// Several texts as the content of one call; see [`GuardResponse::passed_on_each`].
#[must_use]
pub fn joined(texts: &[String]) -> String {
    texts.join(BETWEEN)
}

/// The outcome of a guard call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Decision {
    /// Proceed.
    Allow,
    /// Proceed with the redacted content.
    Modify,
    /// Wait for somebody's approval.
    StepUp,
    /// Ask again when more is known.
    Defer,
    /// Do not proceed.
    Deny,
}

impl Decision {
    /// The wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Modify => "modify",
            Self::StepUp => "step_up",
            Self::Defer => "defer",
            Self::Deny => "deny",
        }
    }

    /// `allow` or `modify`.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allow | Self::Modify)
    }
}

/// How bad a finding is. Ordered from harmless to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing found.
    None,
    /// Worth knowing.
    Low,
    /// Worth a look.
    Medium,
    /// Worth acting on.
    High,
    /// Worth acting on at once.
    Critical,
}

impl Severity {
    /// The wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a detector reports to people. Sorted most severe first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Signal {
    /// The family, e.g. `privacy`.
    pub category: String,
    /// The context key policies read for it.
    pub context_key: String,
    /// A readable name.
    pub name: String,
    /// 0–100; boolean detectors report 100.
    pub score: i64,
    /// How bad it is.
    pub severity: Severity,
    /// The entry of the OWASP Top 10 for LLM applications (2025) it belongs to.
    pub vulnerability_id: String,
}

/// A policy that decided, or would have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeterminingPolicy {
    /// The `@id` annotation, else the policy's name. Not unique across tenants.
    pub rule_id: String,
    /// Annotations without a meaning of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// `@category`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// `permit` or `forbid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// The policy's own mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// `layer/name#index`: unique within the scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<String>,
    /// `@name`, else the name it was put under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_name: Option<String>,
    /// `@severity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// `@tags`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
}

/// What one detector did (debug tier).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DetectorResult {
    /// The detector's id.
    pub name: String,
    /// `ok`, `not_run` or `error`.
    pub status: String,
    /// `fast`, `standard` or `slow`.
    pub tier: String,
    /// How long it took, in whole milliseconds.
    pub latency_ms: i64,
    /// The raw keys it emitted.
    pub context: Map<String, Value>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Who acted, as far as the credential told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AgentIdentity {
    /// How the caller proved who it is.
    pub auth_method: String,
    /// The id in the caller's own system.
    pub external_id: String,
    /// The kind of agent.
    pub sub_type: String,
    /// How far the identity is trusted.
    pub trust_level: String,
    /// The identity's class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_type: Option<String>,
}

/// What this turn adds to its session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SessionDelta {
    /// Turns so far, this one included.
    pub turn_count: i64,
    /// Sum of each turn's highest score.
    pub cumulative_risk: i64,
}

/// One rewritten span. Offsets are bytes into the original, end exclusive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RedactionEntry {
    /// First byte.
    pub start_pos: usize,
    /// One past the last byte.
    pub end_pos: usize,
    /// What stood there, or `""` where the tenant keeps originals out of responses.
    pub original: String,
    /// What stands there now.
    pub replacement: String,
    /// What was found, e.g. `credit_card`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Who was asked, about what, with which policies (debug tier).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DebugInfo {
    /// The Cedar action.
    pub action: String,
    /// Policies in force.
    pub loaded_policy_count: usize,
    /// The Cedar namespace.
    pub namespace: String,
    /// The principal's id.
    pub principal_id: String,
    /// The principal's entity type.
    pub principal_type: String,
    /// The policy product.
    pub product: String,
    /// The resource's id.
    pub resource_id: String,
    /// The resource's entity type.
    pub resource_type: String,
    /// Whose call it was.
    pub tenant: DebugTenant,
    /// Principal, resource and what encloses them, as policies see them.
    #[serde(default)]
    pub entities: Vec<DebugEntity>,
}

/// An entity of a call (debug tier).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DebugEntity {
    /// Its id.
    pub id: String,
    /// Its Cedar type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it lies in, as `Type::"id"`.
    #[serde(default)]
    pub parents: Vec<String>,
}

/// The scope of a call (debug tier).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DebugTenant {
    /// The account.
    pub account_id: String,
    /// The application; equal to the project here.
    pub application_id: String,
    /// The project.
    pub project_id: String,
}

/// Why a call was stopped, in terms of what was found (explain tier).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RootCause {
    /// The detector behind it.
    pub detector: String,
    /// One sentence.
    pub summary: String,
    /// The keys and values that made the policies fire.
    pub triggering_context: Map<String, Value>,
    /// The policies that read them.
    #[serde(default)]
    pub triggered_policies: Option<Vec<String>>,
}

/// Whether a detector runs, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DetectorPlanEntry {
    /// The detector's name.
    pub name: String,
    /// `policy_required`, `always_run` (somebody asked for it, or all run) or `not_required`.
    pub reason: String,
    /// The tier it runs in.
    pub tier: String,
}

/// Which detectors a call with `optimize` runs, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OptimizationReport {
    /// Whether all detectors run after all.
    pub fallback_to_all: bool,
    /// Why the plan is what it is, for a person.
    pub reason: String,
    /// The policies that are asked about this action, as `layer/name`; the first thousand of them.
    #[serde(default)]
    pub active_policies: Vec<String>,
    /// The context keys they read.
    #[serde(default)]
    pub required_context_keys: Vec<String>,
    /// The detectors that run.
    #[serde(default)]
    pub required_detectors: Vec<DetectorPlanEntry>,
    /// Those that do not.
    #[serde(default)]
    pub skipped_detectors: Vec<DetectorPlanEntry>,
}

/// The answer to a guard call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GuardResponse {
    /// The decision to act on.
    pub decision: Decision,
    /// This call's id, also in the audit trail.
    pub request_id: String,
    /// When the call arrived, RFC 3339 in UTC.
    pub timestamp: String,
    /// How long the call took, in whole milliseconds.
    pub latency_ms: i64,
    /// What was found, most severe first.
    #[serde(default)]
    pub signals: Vec<Signal>,
    /// The unmodified decision where a mode changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_decision: Option<Decision>,
    /// Whether a policy fired in alert mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerted: Option<bool>,
    /// The mode in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_mode: Option<Mode>,
    /// Whether a mode changed the outcome, or the floor changed the mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_overridden: Option<bool>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_reason: Option<String>,
    /// Why the decision is what it is, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_reason: Option<String>,
    /// The policies that decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub determining_policies: Vec<DeterminingPolicy>,
    /// The content with findings rewritten; absent when redaction did not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted_content: Option<String>,
    /// What was rewritten in `content`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redaction_entries: Vec<RedactionEntry>,
    /// The tool arguments with findings rewritten in place; absent when redaction did not run or changed none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted_arguments: Option<Map<String, Value>>,
    /// Errors of policies that could not be evaluated, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_errors: Option<String>,
    /// What this turn adds to its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_delta: Option<SessionDelta>,
    /// Who acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_identity: Option<AgentIdentity>,
    /// A stable code for a decision that no policy made, e.g. `limit_exceeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What was not at full strength: `dev_mode`, `policy_stale`, `detector_absent: NAME`, …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<String>,
    /// When a retry may pass a limit, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The limit that was exceeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_id: Option<String>,
    /// Metadata keys that contradicted verified facts and were dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context_conflict: Vec<String>,
    /// Policies that could not be evaluated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_error: Vec<String>,
    /// The version of the policies in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<String>,
    /// With `optimize`: which detectors run, and why. With `dryrun` too, all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimization: Option<OptimizationReport>,
    /// Debug tier: what each detector did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detectors: Option<Vec<DetectorResult>>,
    /// Debug tier: every raw key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Map<String, Value>>,
    /// Debug tier: who was asked about what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug_info: Option<DebugInfo>,
    /// Explain tier: the keys policies could read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projected_context: Option<Map<String, Value>>,
    /// Explain tier: time spent in policies, in whole milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_latency_ms: Option<i64>,
    /// Explain tier: detector tiers that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers_evaluated: Option<Vec<String>>,
    /// Explain tier: detector tiers that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers_skipped: Option<Vec<String>>,
    /// Explain tier: findings behind the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_causes: Option<Vec<RootCause>>,
}

impl GuardResponse {
    /// Whether the call may proceed (`allow` or `modify`).
    #[must_use]
    pub const fn allowed(&self) -> bool {
        self.decision.is_allowed()
    }

    /// Whether the call must not proceed.
    #[must_use]
    pub const fn denied(&self) -> bool {
        matches!(self.decision, Decision::Deny)
    }

    /// Whether the call waits for somebody (`step_up` or `defer`).
    #[must_use]
    pub const fn suspended(&self) -> bool {
        matches!(self.decision, Decision::StepUp | Decision::Defer)
    }

    /// `content` as it may be passed on: rewritten where the decision is `modify`, empty where nothing may be.
    #[must_use]
    pub fn passed_on<'a>(&'a self, content: &'a str) -> &'a str {
        match &self.redacted_content {
            _ if !self.allowed() => "",
            Some(redacted) if self.decision == Decision::Modify => redacted,
            _ => content,
        }
    }

    /// As [`Self::passed_on`], for a call whose content was [`joined`] from several texts: each as it may be passed on. What was found
    /// across two of them is rewritten in the first and gone from the next.
    pub fn passed_on_each(&self, texts: &[String]) -> Result<Vec<String>> {
        let redacted = match &self.redacted_content {
            _ if !self.allowed() => return Ok(vec![String::new(); texts.len()]),
            Some(redacted) if self.decision == Decision::Modify => redacted,
            _ => return Ok(texts.to_vec()),
        };
        let lost = || Error::internal("a redaction could not be placed in the texts it was found in");
        let joined = joined(texts);
        let (mut start, mut placed) = (0, Vec::with_capacity(texts.len()));
        for text in texts {
            placed.push(self.rewritten(&joined, start, start + text.len()).ok_or_else(lost)?);
            start += text.len() + BETWEEN.len();
        }
        // Texts that the entries do not account for are not passed on.
        if self.rewritten(&joined, 0, joined.len()).as_ref() == Some(redacted) { Ok(placed) } else { Err(lost()) }
    }

    /// What stands in `content` from `start` to `end`, with the entries written in. One that began earlier is only cut out.
    fn rewritten(&self, content: &str, start: usize, end: usize) -> Option<String> {
        let mut entries: Vec<_> =
            self.redaction_entries.iter().filter(|entry| entry.start_pos < end && entry.end_pos > start).collect();
        entries.sort_by_key(|entry| entry.start_pos);
        let (mut text, mut at) = (String::new(), start);
        for entry in entries {
            text.push_str(content.get(at..entry.start_pos.max(at))?);
            // One that began on what lies between two texts is written in the second.
            if entry.start_pos + BETWEEN.len() >= start {
                text.push_str(&entry.replacement);
            }
            at = entry.end_pos.min(end).max(at);
        }
        text.push_str(content.get(at..end)?);
        Some(text)
    }

    /// Why the call may not proceed, as guarded functions raise it; `None` when it may.
    #[must_use]
    pub fn blocked(&self) -> Option<Blocked> {
        if self.allowed() {
            return None;
        }
        let decision = || self.decision.name().to_owned();
        let code = self.code.clone().unwrap_or_else(decision);
        let reason = self.policy_reason.as_ref().filter(|reason| !reason.is_empty()).unwrap_or(&code);
        Some(Blocked { message: format!("blocked: {reason}"), code, retry_after_ms: self.retry_after_ms })
    }
}

/// What a guarded function raises when its call may not proceed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Blocked {
    /// One sentence.
    pub message: String,
    /// The response's `code`, else its decision.
    pub code: String,
    /// When a retry may pass, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// What [`detect`](GuardResponse) alone answers: no policy, no limit, nothing remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DetectResponse {
    /// Every raw key.
    pub context: Map<String, Value>,
    /// How long it took, in whole milliseconds.
    pub latency_ms: i64,
    /// What each detector did.
    #[serde(default)]
    pub detectors: Vec<DetectorResult>,
    /// What was found, most severe first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Signal>,
    /// Detector tiers that ran.
    #[serde(default)]
    pub tiers_evaluated: Vec<String>,
    /// What was not at full strength: `detector_absent: NAME` for a detector of the wire contract that is not here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(start_pos: usize, end_pos: usize, replacement: &str) -> RedactionEntry {
        let (original, kind) = (String::new(), "x".to_owned());
        RedactionEntry { start_pos, end_pos, original, replacement: replacement.into(), kind }
    }

    fn placed(texts: &[&str], entries: Vec<RedactionEntry>, redacted: &str) -> Result<Vec<String>> {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let response: GuardResponse = serde_json::from_value(serde_json::json!({
            "decision": "modify", "latency_ms": 0, "request_id": "r", "signals": [], "timestamp": "t",
            "redacted_content": redacted, "redaction_entries": entries,
        }))
        .unwrap();
        response.passed_on_each(&texts)
    }

    #[test]
    fn what_is_found_in_joined_texts_is_rewritten_in_each() {
        let cases = [
            (vec!["ab", "cd"], vec![], "ab\ncd", vec!["ab", "cd"]),
            (vec!["ab", "cd"], vec![entry(3, 5, "X")], "ab\nX", vec!["ab", "X"]),
            (vec!["ab", "cd"], vec![entry(4, 5, "Y"), entry(0, 1, "X")], "Xb\ncY", vec!["Xb", "cY"]),
            (vec!["ab", "cd", "ef"], vec![entry(1, 7, "X")], "aXf", vec!["aX", "", "f"]),
            (vec!["ab", "cd"], vec![entry(2, 4, "X")], "abXd", vec!["ab", "Xd"]),
            (vec!["", "ab", ""], vec![entry(1, 3, "X")], "\nX\n", vec!["", "X", ""]),
            (vec!["é", "ñ"], vec![entry(3, 5, "X")], "é\nX", vec!["é", "X"]),
            (vec!["ab"], vec![entry(0, 2, "")], "", vec![""]),
        ];
        for (texts, entries, redacted, expected) in cases {
            assert_eq!(placed(&texts, entries, redacted).unwrap(), expected, "{texts:?}");
        }
    }

    #[test]
    fn texts_that_the_entries_do_not_account_for_are_not_passed_on() {
        for entries in
            [vec![], vec![entry(0, 1, "Z")], vec![entry(0, 9, "X")], vec![entry(1, 2, "X"), entry(1, 2, "X")]]
        {
            assert!(placed(&["ab", "cd"], entries, "aX\ncd").is_err());
        }
        assert!(placed(&["é"], vec![entry(1, 2, "X")], "X").is_err());
    }
}
