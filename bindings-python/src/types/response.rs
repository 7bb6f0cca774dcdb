//! What a guard call answers.

use std::collections::BTreeMap;

use pyo3::{IntoPyObjectExt, prelude::*};
use tenantry::{api, error::Error};

use super::{
    json::{self, Fields, Text},
    principal::texts,
    wrapped,
};
use crate::errors::{Result, blocked};

value_class! {
    /// What a detector reports to people.
    Signal(api::Signal) shows (name, category, score, severity) {
        /// The family, e.g. `privacy`.
        category: &str = |signal| &signal.category;
        /// The context key policies read for it.
        context_key: &str = |signal| &signal.context_key;
        /// A readable name.
        name: &str = |signal| &signal.name;
        /// 0 to 100; boolean detectors report 100.
        score: i64 = |signal| signal.score;
        /// `none`, `low`, `medium`, `high` or `critical`.
        severity: &'static str = |signal| signal.severity.name();
        /// The entry of the OWASP Top 10 for LLM applications (2025) it belongs to.
        vulnerability_id: &str = |signal| &signal.vulnerability_id;
    }
}

value_class! {
    /// A policy that decided, or would have.
    DeterminingPolicy(api::DeterminingPolicy) shows (rule_id, effect, mode) {
        /// The `@id` annotation, else the policy's name. Not unique across tenants.
        rule_id: &str = |policy| &policy.rule_id;
        /// Annotations without a meaning of their own.
        annotations: BTreeMap<String, String> = |policy| policy.annotations.clone();
        /// `@category`.
        category: Option<&str> = |policy| policy.category.as_deref();
        /// `permit` or `forbid`.
        effect: Option<&str> = |policy| policy.effect.as_deref();
        /// The policy's own mode.
        mode: Option<&str> = |policy| policy.mode.as_deref();
        /// `layer/name#index`: unique within the scope.
        policy_id: Option<&str> = |policy| policy.policy_id.as_deref();
        /// `@name`, else the name it was put under.
        policy_name: Option<&str> = |policy| policy.policy_name.as_deref();
        /// `@severity`.
        severity: Option<&str> = |policy| policy.severity.as_deref();
        /// `@tags`.
        tags: Option<Vec<String>> = |policy| policy.tags.clone();
    }
}

value_class! {
    /// What one detector did (debug tier).
    DetectorResult(api::DetectorResult) shows (name, status, tier) {
        /// The detector's id.
        name: &str = |detector| &detector.name;
        /// `ok`, `not_run` or `error`.
        status: &str = |detector| &detector.status;
        /// `fast`, `standard` or `slow`.
        tier: &str = |detector| &detector.tier;
        /// How long it took, in whole milliseconds.
        latency_ms: i64 = |detector| detector.latency_ms;
        /// The raw keys it emitted.
        context: Fields = |detector| Fields(detector.context.clone());
        /// What went wrong.
        error: Option<&str> = |detector| detector.error.as_deref();
    }
}

value_class! {
    /// Who acted, as far as the credential told.
    AgentIdentity(api::AgentIdentity) shows (auth_method, external_id) {
        /// How the caller proved who it is.
        auth_method: &str = |agent| &agent.auth_method;
        /// The id in the caller's own system.
        external_id: &str = |agent| &agent.external_id;
        /// The kind of agent.
        sub_type: &str = |agent| &agent.sub_type;
        /// How far the identity is trusted.
        trust_level: &str = |agent| &agent.trust_level;
        /// The identity's class.
        identity_type: Option<&str> = |agent| agent.identity_type.as_deref();
    }
}

value_class! {
    /// What this turn adds to its session.
    SessionDelta(api::SessionDelta) shows (turn_count, cumulative_risk) {
        /// Turns so far, this one included.
        turn_count: i64 = |delta| delta.turn_count;
        /// Sum of each turn's highest score.
        cumulative_risk: i64 = |delta| delta.cumulative_risk;
    }
}

value_class! {
    /// One rewritten span. Offsets are UTF-8 bytes into the original, end exclusive.
    RedactionEntry(api::RedactionEntry) shows (r#type, start_pos, end_pos) {
        /// First byte.
        start_pos: usize = |entry| entry.start_pos;
        /// One past the last byte.
        end_pos: usize = |entry| entry.end_pos;
        /// What stood there, or `""` where the tenant keeps originals out of responses.
        original: &str = |entry| &entry.original;
        /// What stands there now.
        replacement: &str = |entry| &entry.replacement;
        /// What was found, e.g. `credit_card`.
        r#type: &str = |entry| &entry.kind;
    }
}

value_class! {
    /// An entity of a call (debug tier).
    DebugEntity(api::DebugEntity) shows (r#type, id) {
        /// Its id.
        id: &str = |entity| &entity.id;
        /// Its Cedar type.
        r#type: &str = |entity| &entity.kind;
        /// What it lies in, as `Type::"id"`.
        parents: Vec<String> = |entity| entity.parents.clone();
    }
}

value_class! {
    /// Who was asked, about what, with which policies (debug tier).
    DebugInfo(api::DebugInfo) shows (principal_type, principal_id, action, resource_type, resource_id) {
        /// The Cedar action.
        action: &str = |info| &info.action;
        /// Policies in force.
        loaded_policy_count: usize = |info| info.loaded_policy_count;
        /// The Cedar namespace.
        namespace: &str = |info| &info.namespace;
        /// The principal's id.
        principal_id: &str = |info| &info.principal_id;
        /// The principal's entity type.
        principal_type: &str = |info| &info.principal_type;
        /// The policy product.
        product: &str = |info| &info.product;
        /// The resource's id.
        resource_id: &str = |info| &info.resource_id;
        /// The resource's entity type.
        resource_type: &str = |info| &info.resource_type;
        /// Whose call it was: `account_id`, `application_id` and `project_id`.
        tenant: Fields = |info| json::fields_of(&info.tenant).unwrap_or_default();
        /// Principal, resource and what encloses them, as policies see them.
        entities: Vec<DebugEntity> = |info| wrapped(&info.entities);
    }
}

value_class! {
    /// Why a call was stopped, in terms of what was found (explain tier).
    RootCause(api::RootCause) shows (detector, summary) {
        /// The detector behind it.
        detector: &str = |cause| &cause.detector;
        /// One sentence.
        summary: &str = |cause| &cause.summary;
        /// The keys and values that made the policies fire.
        triggering_context: Fields = |cause| Fields(cause.triggering_context.clone());
        /// The policies that read them.
        triggered_policies: Option<Vec<String>> = |cause| cause.triggered_policies.clone();
    }
}

value_class! {
    /// Whether a detector runs, and why.
    DetectorPlanEntry(api::DetectorPlanEntry) shows (name, reason) {
        /// The detector's name.
        name: &str = |entry| &entry.name;
        /// `policy_required`, `always_run` (somebody asked for it, or all run) or `not_required`.
        reason: &str = |entry| &entry.reason;
        /// The tier it runs in.
        tier: &str = |entry| &entry.tier;
    }
}

value_class! {
    /// Which detectors a call with `optimize` runs, and why.
    OptimizationReport(api::OptimizationReport) shows (fallback_to_all, reason) {
        /// Whether all detectors run after all.
        fallback_to_all: bool = |report| report.fallback_to_all;
        /// Why the plan is what it is, for a person.
        reason: &str = |report| &report.reason;
        /// The policies that are asked about this action, as `layer/name`; the first thousand of them.
        active_policies: Vec<String> = |report| report.active_policies.clone();
        /// The context keys they read.
        required_context_keys: Vec<String> = |report| report.required_context_keys.clone();
        /// The detectors that run.
        required_detectors: Vec<DetectorPlanEntry> = |report| wrapped(&report.required_detectors);
        /// Those that do not.
        skipped_detectors: Vec<DetectorPlanEntry> = |report| wrapped(&report.skipped_detectors);
    }
}

value_class! {
    /// The answer to a guard call.
    GuardResponse(api::GuardResponse) shows (decision, request_id, policy_reason) {
        /// The decision to act on: `allow`, `modify`, `step_up`, `defer` or `deny`.
        decision: &'static str = |response| response.decision.name();
        /// Whether the call may proceed (`allow` or `modify`).
        allowed: bool = |response| response.allowed();
        /// Whether the call must not proceed.
        denied: bool = |response| response.denied();
        /// Whether the call waits for somebody (`step_up` or `defer`).
        suspended: bool = |response| response.suspended();
        /// This call's id, also in the audit trail.
        request_id: &str = |response| &response.request_id;
        /// When the call arrived, RFC 3339 in UTC.
        timestamp: &str = |response| &response.timestamp;
        /// How long the call took, in whole milliseconds.
        latency_ms: i64 = |response| response.latency_ms;
        /// What was found, most severe first.
        signals: Vec<Signal> = |response| wrapped(&response.signals);
        /// The unmodified decision where a mode changed it.
        actual_decision: Option<&'static str> = |response| response.actual_decision.map(api::Decision::name);
        /// Whether a policy fired in alert mode.
        alerted: Option<bool> = |response| response.alerted;
        /// The mode in force.
        effective_mode: Option<&'static str> = |response| response.effective_mode.map(api::Mode::name);
        /// Whether a mode changed the outcome, or the floor changed the mode.
        mode_overridden: Option<bool> = |response| response.mode_overridden;
        /// Why.
        mode_reason: Option<&str> = |response| response.mode_reason.as_deref();
        /// Why the decision is what it is, for a person.
        policy_reason: Option<&str> = |response| response.policy_reason.as_deref();
        /// The policies that decided.
        determining_policies: Vec<DeterminingPolicy> = |response| wrapped(&response.determining_policies);
        /// The content with findings rewritten; absent when redaction did not run.
        redacted_content: Option<&str> = |response| response.redacted_content.as_deref();
        /// What was rewritten in `content`.
        redaction_entries: Vec<RedactionEntry> = |response| wrapped(&response.redaction_entries);
        /// The tool arguments with findings rewritten in place; absent when redaction did not run or changed none.
        redacted_arguments: Option<Fields> = |response| response.redacted_arguments.clone().map(Fields);
        /// Errors of policies that could not be evaluated, in one line.
        eval_errors: Option<&str> = |response| response.eval_errors.as_deref();
        /// What this turn adds to its session.
        session_delta: Option<SessionDelta> = |response| response.session_delta.clone().map(SessionDelta);
        /// Who acted.
        agent_identity: Option<AgentIdentity> = |response| response.agent_identity.clone().map(AgentIdentity);
        /// A stable code for a decision that no policy made, e.g. `limit_exceeded`.
        code: Option<&str> = |response| response.code.as_deref();
        /// What was not at full strength, e.g. `dev_mode` or `detector_absent: toxicity`.
        degraded: Vec<String> = |response| response.degraded.clone();
        /// When a retry may pass a limit, in milliseconds.
        retry_after_ms: Option<u64> = |response| response.retry_after_ms;
        /// The limit that was exceeded.
        limit_id: Option<&str> = |response| response.limit_id.as_deref();
        /// Metadata keys that contradicted verified facts and were dropped.
        context_conflict: Vec<String> = |response| response.context_conflict.clone();
        /// Policies that could not be evaluated.
        policy_error: Vec<String> = |response| response.policy_error.clone();
        /// The version of the policies in force.
        policy_version: Option<&str> = |response| response.policy_version.as_deref();
        /// With `optimize`: which detectors run, and why. With `dryrun` too, all there is.
        optimization: Option<OptimizationReport> = |response| response.optimization.clone().map(OptimizationReport);
        /// Debug tier: what each detector did.
        detectors: Option<Vec<DetectorResult>> = |response| response.detectors.as_deref().map(wrapped);
        /// Debug tier: every raw key.
        context: Option<Fields> = |response| response.context.clone().map(Fields);
        /// Debug tier: who was asked about what.
        debug_info: Option<DebugInfo> = |response| response.debug_info.clone().map(DebugInfo);
        /// Explain tier: the keys policies could read.
        projected_context: Option<Fields> = |response| response.projected_context.clone().map(Fields);
        /// Explain tier: time spent in policies, in whole milliseconds.
        eval_latency_ms: Option<i64> = |response| response.eval_latency_ms;
        /// Explain tier: detector tiers that ran.
        tiers_evaluated: Option<Vec<String>> = |response| response.tiers_evaluated.clone();
        /// Explain tier: detector tiers that did not.
        tiers_skipped: Option<Vec<String>> = |response| response.tiers_skipped.clone();
        /// Explain tier: findings behind the decision.
        root_causes: Option<Vec<RootCause>> = |response| response.root_causes.as_deref().map(wrapped);
    }
    with {
        /// As JSON, exactly as the wire has it.
        fn to_json(&self) -> Result<String> {
            serde_json::to_string(&self.0).map_err(|_| Error::internal("a response could not be written as JSON").into())
        }

        /// `content` as it may be passed on: rewritten where the decision is `modify`.
        fn passed_on(&self, content: Text) -> String {
            self.0.passed_on(&content.0).to_owned()
        }

        /// As `passed_on` for content that was `_joined` from these texts.
        fn _passed_on_each(&self, parts: Vec<Text>) -> Result<Vec<String>> {
            Ok(self.0.passed_on_each(&texts(Some(parts)))?)
        }

        /// Message, code and seconds until a retry of the `BlockedError` this response raises.
        fn _blocked(&self) -> Option<(String, String, Option<f64>)> {
            let seconds = |ms: u64| std::time::Duration::from_millis(ms).as_secs_f64();
            self.0.blocked().map(|blocked| (blocked.message, blocked.code, blocked.retry_after_ms.map(seconds)))
        }

        /// Raises `BlockedError` unless the call may proceed.
        fn raise_for_denied(slf: &Bound<'_, Self>) -> PyResult<()> {
            if slf.get().0.allowed() { Ok(()) } else { Err(blocked(slf)) }
        }
    }
}

value_class! {
    /// What `guard.detect` answers: no policy, no limit, nothing remembered.
    DetectResponse(api::DetectResponse) shows (latency_ms, tiers_evaluated) {
        /// Every raw key.
        context: Fields = |response| Fields(response.context.clone());
        /// How long it took, in whole milliseconds.
        latency_ms: i64 = |response| response.latency_ms;
        /// What each detector did.
        detectors: Vec<DetectorResult> = |response| wrapped(&response.detectors);
        /// What was found, most severe first.
        signals: Vec<Signal> = |response| wrapped(&response.signals);
        /// Detector tiers that ran.
        tiers_evaluated: Vec<String> = |response| response.tiers_evaluated.clone();
        /// What was not at full strength: `detector_absent: NAME`.
        degraded: Vec<String> = |response| response.degraded.clone();
    }
}
