//! What a guard call answers.
#![allow(unsafe_code, reason = "uniffi's derives implement unsafe traits")]

use std::collections::HashMap;

use tenantry::api;

use super::{Decision, JsonObject, Mode, Severity, Text, mirror};

mirror! { out
    /// What a detector reports to people. Sorted most severe first.
    Signal: api::Signal {
        /// The family, e.g. `privacy`.
        category: String,
        /// The context key policies read for it.
        context_key: String,
        /// A readable name.
        name: String,
        /// 0–100; boolean detectors report 100.
        score: i64,
        /// How bad it is.
        severity: Severity,
        /// The entry of the OWASP Top 10 for LLM applications (2025) it belongs to.
        vulnerability_id: String,
    }
}

mirror! { out
    /// A policy that decided, or would have.
    DeterminingPolicy: api::DeterminingPolicy {
        /// The `@id` annotation, else the policy's name. Not unique across tenants.
        rule_id: String,
        /// Annotations without a meaning of their own.
        annotations: Option<HashMap<String, String>>,
        /// `@category`.
        category: Option<String>,
        /// `permit` or `forbid`.
        effect: Option<Text>,
        /// The policy's own mode.
        mode: Option<Text>,
        /// `layer/name#index`: unique within the scope.
        policy_id: Option<Text>,
        /// The name it was put under.
        policy_name: Option<Text>,
        /// `@severity`.
        severity: Option<String>,
        /// `@tags`.
        tags: Option<Vec<String>>,
    }
}

mirror! { out
    /// What one detector did (debug tier).
    DetectorResult: api::DetectorResult {
        /// The detector's id.
        name: String,
        /// `ok`, `not_run` or `error`.
        status: String,
        /// `fast`, `standard` or `slow`.
        tier: String,
        /// How long it took, in whole milliseconds.
        latency_ms: i64,
        /// The raw keys it emitted.
        context: JsonObject,
        /// What went wrong.
        error: Option<String>,
    }
}

mirror! { out
    /// Who acted, as far as the credential told.
    AgentIdentity: api::AgentIdentity {
        /// How the caller proved who it is.
        auth_method: String,
        /// The id in the caller's own system.
        external_id: String,
        /// The kind of agent.
        sub_type: String,
        /// How far the identity is trusted.
        trust_level: String,
        /// The identity's class.
        identity_type: Option<String>,
    }
}

mirror! { out
    /// What this turn adds to its session.
    SessionDelta: api::SessionDelta {
        /// Turns so far, this one included.
        turn_count: i64,
        /// Sum of each turn's highest score.
        cumulative_risk: i64,
    }
}

mirror! { out
    /// One rewritten span. Offsets are bytes into the original, end exclusive.
    RedactionEntry: api::RedactionEntry {
        /// First byte.
        start_pos: u64,
        /// One past the last byte.
        end_pos: u64,
        /// What stood there, or `""` where the tenant keeps originals out of responses.
        original: String,
        /// What stands there now.
        replacement: String,
        /// What was found, e.g. `credit_card`.
        r#type (kind): String,
    }
}

mirror! { out
    /// The scope of a call (debug tier).
    DebugTenant: api::DebugTenant {
        /// The account.
        account_id: String,
        /// The application; equal to the project here.
        application_id: String,
        /// The project.
        project_id: String,
    }
}

mirror! { out
    /// An entity of a call (debug tier).
    DebugEntity: api::DebugEntity {
        /// Its id.
        id: String,
        /// Its Cedar type.
        r#type (kind): String,
        /// What it lies in, as `Type::"id"`.
        parents: Vec<String>,
    }
}

mirror! { out
    /// Who was asked, about what, with which policies (debug tier).
    DebugInfo: api::DebugInfo {
        /// The Cedar action.
        action: String,
        /// Policies in force.
        loaded_policy_count: u64,
        /// The Cedar namespace.
        namespace: String,
        /// The principal's id.
        principal_id: String,
        /// The principal's entity type.
        principal_type: String,
        /// The policy product.
        product: String,
        /// The resource's id.
        resource_id: String,
        /// The resource's entity type.
        resource_type: String,
        /// Whose call it was.
        tenant: DebugTenant,
        /// Principal, resource and what encloses them, as policies see them.
        entities: Vec<DebugEntity>,
    }
}

mirror! { out
    /// Why a call was stopped, in terms of what was found (explain tier).
    RootCause: api::RootCause {
        /// The detector behind it.
        detector: String,
        /// One sentence.
        summary: String,
        /// The keys and values that made the policies fire.
        triggering_context: JsonObject,
        /// The policies that read them.
        triggered_policies: Option<Vec<String>>,
    }
}

mirror! { out
    /// Whether a detector runs, and why.
    DetectorPlanEntry: api::DetectorPlanEntry {
        /// The detector's name.
        name: String,
        /// `policy_required`, `always_run` (somebody asked for it, or all run) or `not_required`.
        reason: String,
        /// The tier it runs in.
        tier: String,
    }
}

mirror! { out
    /// Which detectors a call with `Optimize` runs, and why.
    OptimizationReport: api::OptimizationReport {
        /// Whether all detectors run after all.
        fallback_to_all: bool,
        /// Why the plan is what it is, for a person.
        reason: String,
        /// The policies that are asked about this action, as `layer/name`; the first thousand of them.
        active_policies: Vec<String>,
        /// The context keys they read.
        required_context_keys: Vec<String>,
        /// The detectors that run.
        required_detectors: Vec<DetectorPlanEntry>,
        /// Those that do not.
        skipped_detectors: Vec<DetectorPlanEntry>,
    }
}

mirror! { out
    /// The answer to a guard call.
    GuardResponse: api::GuardResponse {
        /// The decision to act on.
        decision: Decision,
        /// This call's id, also in the audit trail.
        request_id: String,
        /// When the call arrived, RFC 3339 in UTC.
        timestamp: String,
        /// How long the call took, in whole milliseconds.
        latency_ms: i64,
        /// What was found, most severe first.
        signals: Vec<Signal>,
        /// The unmodified decision where a mode changed it.
        actual_decision: Option<Decision>,
        /// Whether a policy fired in alert mode.
        alerted: Option<bool>,
        /// The mode in force.
        effective_mode: Option<Mode>,
        /// Whether a mode changed the outcome, or the floor changed the mode.
        mode_overridden: Option<bool>,
        /// Why.
        mode_reason: Option<Text>,
        /// Why the decision is what it is, for a person.
        policy_reason: Option<String>,
        /// The policies that decided.
        determining_policies: Option<Vec<DeterminingPolicy>>,
        /// The content with findings rewritten; absent when redaction did not run.
        redacted_content: Option<String>,
        /// What was rewritten in `content`.
        redaction_entries: Option<Vec<RedactionEntry>>,
        /// The tool arguments with findings rewritten in place; absent when redaction did not run or changed none.
        redacted_arguments: Option<JsonObject>,
        /// Errors of policies that could not be evaluated, in one line.
        eval_errors: Option<Text>,
        /// What this turn adds to its session.
        session_delta: Option<SessionDelta>,
        /// Who acted.
        agent_identity: Option<AgentIdentity>,
        /// A stable code for a decision that no policy made, e.g. `limit_exceeded`.
        code: Option<Text>,
        /// What was not at full strength: `dev_mode`, `policy_stale`, `detector_absent: NAME`, …
        degraded: Option<Vec<String>>,
        /// When a retry may pass a limit, in milliseconds.
        retry_after_ms: Option<u64>,
        /// The limit that was exceeded.
        limit_id: Option<Text>,
        /// Metadata keys that contradicted verified facts and were dropped.
        context_conflict: Option<Vec<String>>,
        /// Policies that could not be evaluated.
        policy_error: Option<Vec<String>>,
        /// The version of the policies in force.
        policy_version: Option<Text>,
        /// With `Optimize`: which detectors run, and why. With `Dryrun` too, all there is.
        optimization: Option<OptimizationReport>,
        /// Debug tier: what each detector did.
        detectors: Option<Vec<DetectorResult>>,
        /// Debug tier: every raw key.
        context: Option<JsonObject>,
        /// Debug tier: who was asked about what.
        debug_info: Option<DebugInfo>,
        /// Explain tier: the keys policies could read.
        projected_context: Option<JsonObject>,
        /// Explain tier: time spent in policies, in whole milliseconds.
        eval_latency_ms: Option<i64>,
        /// Explain tier: detector tiers that ran.
        tiers_evaluated: Option<Vec<String>>,
        /// Explain tier: detector tiers that did not.
        tiers_skipped: Option<Vec<String>>,
        /// Explain tier: findings behind the decision.
        root_causes: Option<Vec<RootCause>>,
    }
}

mirror! { out
    /// What `Guard.Detect` answers: no policy, no limit, nothing remembered.
    DetectResponse: api::DetectResponse {
        /// Every raw key.
        context: JsonObject,
        /// How long it took, in whole milliseconds.
        latency_ms: i64,
        /// What each detector did.
        detectors: Vec<DetectorResult>,
        /// What was found, most severe first.
        signals: Option<Vec<Signal>>,
        /// Detector tiers that ran.
        tiers_evaluated: Vec<String>,
        /// What was not at full strength: `detector_absent: NAME`.
        degraded: Option<Vec<String>>,
    }
}

mirror! { out
    /// Why a call may not proceed, as an error tells it.
    BlockedParts: api::Blocked {
        /// One sentence.
        message: String,
        /// The response's `code`, else its decision.
        code: String,
        /// When a retry may pass, in milliseconds.
        retry_after_ms: Option<u64>,
    }
}
