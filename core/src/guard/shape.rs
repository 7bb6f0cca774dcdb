//! Step 6, shape: mode and floor, redaction, and the words of the answer. Pure.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Call, History, PolicyInput, Refusal, Verdict, decide, inspect, plan, reason, rewrite::rewrite};
use crate::{
    api::{
        AgentIdentity, DebugEntity, DebugInfo, DebugTenant, Decision, DeterminingPolicy, GuardResponse, Mode,
        PrincipalKind, RootCause, SessionDelta,
    },
    clock::Now,
    context_keys::{Action, ContextKey, NAMESPACE},
    detect::{CATALOGUE, Findings},
    policy::{self, Outcome, Redaction, Rule},
    redact::Strategy,
    rooms::Rooms,
    store::SessionTurns,
};

/// The answer before it is proven.
pub struct DraftResponse {
    /// What the caller will get.
    pub response: GuardResponse,
    /// What the session will remember.
    pub turn: SessionTurns,
}

/// Redaction of `modify` requests: typed placeholders, personal data and secrets alike.
fn by_request() -> Redaction {
    Redaction { strategy: Strategy::Replace.name().into(), pii: true, secrets: true }
}

/// Whole milliseconds between two readings.
pub fn milliseconds(start: Now, end: Now) -> i64 {
    i64::try_from(end.steady_nanos.saturating_sub(start.steady_nanos) / 1_000_000).unwrap_or(i64::MAX)
}

/// Makes the answer of the verdict: mode and floor, redaction, the words.
pub fn shape(
    rooms: &Rooms,
    call: &Call,
    findings: &Findings,
    _history: &History,
    input: &PolicyInput,
    verdict: Verdict,
) -> DraftResponse {
    let mut response = blank(rooms, call, findings, input);
    let is_refused = matches!(verdict, Verdict::Refused(_));
    match verdict {
        Verdict::Refused(refusal) => refuse(&mut response, &refusal, call.action),
        Verdict::Planned => planned(&mut response),
        Verdict::Judged(verdict, spent) => {
            apply_mode(call, findings, input, &verdict, &mut response);
            report(call, &verdict, &mut response);
            if call.flags.explain {
                explain(call, findings, input, &verdict, spent, &mut response);
            }
        }
    }
    if call.flags.debug {
        debug(call, findings, &mut response);
    }
    // A plan tells of policies, as an explanation does; where nothing was asked of them there is none.
    if call.flags.optimize && call.flags.tells_policies && !is_refused {
        response.optimization = Some(plan::report(call));
    }
    response.latency_ms = milliseconds(call.received_at, rooms.clock.now());
    DraftResponse { response, turn: input.turn.clone() }
}

/// Everything that does not depend on the verdict.
fn blank(rooms: &Rooms, call: &Call, findings: &Findings, input: &PolicyInput) -> GuardResponse {
    let mut degraded: Vec<String> = call.tenant.degraded.iter().map(|what| (*what).to_owned()).collect();
    if rooms.dev {
        degraded.push("dev_mode".into());
    }
    degraded.extend(call.detectors.degraded());
    GuardResponse {
        decision: Decision::Deny,
        request_id: call.request_id.clone(),
        timestamp: call.received_at.rfc3339(),
        latency_ms: 0,
        signals: findings.signals.clone(),
        actual_decision: None,
        alerted: None,
        effective_mode: None,
        mode_overridden: None,
        mode_reason: None,
        policy_reason: None,
        determining_policies: Vec::new(),
        redacted_content: None,
        redaction_entries: Vec::new(),
        redacted_arguments: None,
        eval_errors: None,
        session_delta: call
            .session
            .as_ref()
            .map(|_| SessionDelta { turn_count: input.turns.turns, cumulative_risk: input.turns.cumulative_risk }),
        agent_identity: (call.principal.kind == PrincipalKind::Agent).then(|| AgentIdentity {
            auth_method: "process".into(),
            external_id: call.principal.id.clone(),
            identity_type: Some("agent".into()),
            ..AgentIdentity::default()
        }),
        code: None,
        degraded,
        retry_after_ms: None,
        limit_id: None,
        context_conflict: input.conflicts.clone(),
        policy_error: Vec::new(),
        policy_version: Some(call.tenant.policies.version().to_owned()),
        optimization: None,
        detectors: None,
        context: None,
        debug_info: None,
        projected_context: None,
        eval_latency_ms: None,
        tiers_evaluated: None,
        tiers_skipped: None,
        root_causes: None,
    }
}

/// Neither a limit nor a suspension bends to a mode.
fn refuse(response: &mut GuardResponse, refusal: &Refusal, action: Action) {
    match refusal {
        Refusal::Suspended => {
            response.code = Some("suspended".into());
            response.policy_reason = Some("the tenant is suspended".into());
        }
        Refusal::Scopes(wanted) => {
            response.code = Some("insufficient_scope".into());
            // The words of the public service (`docs/wire/identity.md`).
            let action = action.name();
            response.policy_reason = Some(format!("token missing required scope \"{wanted}\" for action \"{action}\""));
        }
        Refusal::Limit(exceeded) => {
            response.code = Some("limit_exceeded".into());
            response.policy_reason = Some(format!("limit `{}` is exhausted", exceeded.limit_id));
            response.limit_id = Some(exceeded.limit_id.clone());
            // Rounded up: a client that waits this long must find room.
            response.retry_after_ms = exceeded
                .retry_after
                .map(|after| u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX));
        }
    }
}

/// Nothing was looked at and no policy asked, so nothing may proceed on the strength of this.
fn planned(response: &mut GuardResponse) {
    response.code = Some("plan_only".into());
    response.policy_reason = Some("nothing was decided: `optimize` with `dryrun` answers the plan alone".into());
    response.session_delta = None;
    response.context_conflict.clear();
}

fn apply_mode(
    call: &Call,
    findings: &Findings,
    input: &PolicyInput,
    verdict: &policy::Verdict,
    response: &mut GuardResponse,
) {
    let asked = call.request.mode.unwrap_or(Mode::Enforce);
    let floor = call.tenant.settings.mode_floor;
    let mode = asked.max(floor);
    response.effective_mode = Some(mode);
    if mode != asked {
        response.mode_overridden = Some(true);
        response.mode_reason =
            Some(format!("`{}` was asked for; the project's mode floor is `{}`", asked.name(), floor.name()));
    }
    let permitted = verdict.outcome == Outcome::Permit;
    let fired = !permitted || verdict.redaction.is_some() || !verdict.reported.is_empty();
    if verdict.alert || (mode == Mode::Alert && fired) {
        response.alerted = Some(true);
    }
    if !permitted {
        response.policy_reason = Some(reason::reason(call, input, verdict));
        if verdict.outcome == Outcome::PolicyError {
            response.code = Some("policy_error".into());
        }
        if mode == Mode::Enforce {
            return;
        }
        response.actual_decision = Some(Decision::Deny);
        response.mode_overridden = Some(true);
        response.mode_reason.get_or_insert_with(|| format!("mode `{}` reports what `enforce` would deny", mode.name()));
    }
    let wanted = match (&verdict.redaction, asked == Mode::Modify || mode == Mode::Modify) {
        (Some(policy), true) => Some(policy.clone().combine(by_request())),
        (Some(policy), false) => Some(policy.clone()),
        (None, true) => Some(by_request()),
        (None, false) => None,
    };
    response.decision = Decision::Allow;
    let Some(wanted) = wanted else { return };
    match rewrite(call, findings, &wanted) {
        Ok(rewritten) => {
            if !rewritten.entries.is_empty() || rewritten.arguments.is_some() {
                response.decision = Decision::Modify;
                if let (Outcome::Permit, Some(policy)) = (verdict.outcome, verdict.determining.first()) {
                    let rule = call.tenant.policies.rule(*policy);
                    response.policy_reason = rule.and_then(|rule| rule.annotations.reject_message.clone());
                }
            }
            response.redacted_content = Some(rewritten.content);
            response.redacted_arguments = rewritten.arguments;
            response.redaction_entries = rewritten.entries;
        }
        Err(_) => {
            response.decision = Decision::Deny;
            response.actual_decision = None;
            response.code = Some("redaction_impossible".into());
            response.policy_reason = Some("a finding stands where it cannot be redacted".into());
        }
    }
}

/// Which policies decided, fired, or failed.
fn report(call: &Call, verdict: &policy::Verdict, response: &mut GuardResponse) {
    let set = &call.tenant.policies;
    let fired = verdict.determining.iter().chain(&verdict.reported).filter_map(|index| set.rule(*index));
    response.determining_policies = fired.map(determining).collect();
    if !verdict.errors.is_empty() {
        let named =
            |(index, text): &(usize, String)| set.rule(*index).map(|rule| (rule.policy_id.clone(), text.clone()));
        let errors: Vec<(String, String)> = verdict.errors.iter().filter_map(named).collect();
        response.eval_errors =
            Some(errors.iter().map(|(policy, text)| format!("{policy}: {text}")).collect::<Vec<_>>().join("; "));
        response.policy_error = errors.into_iter().map(|(policy, _)| policy).collect();
    }
}

fn determining(rule: &Rule) -> DeterminingPolicy {
    let annotations = &rule.annotations;
    DeterminingPolicy {
        rule_id: rule.rule_id().to_owned(),
        annotations: annotations.custom.clone(),
        category: annotations.category.clone(),
        effect: Some(if rule.permit { "permit" } else { "forbid" }.into()),
        mode: Some(rule.mode.name().into()),
        policy_id: Some(rule.policy_id.clone()),
        policy_name: Some(annotations.name.clone().unwrap_or_else(|| rule.name.to_string())),
        severity: annotations.severity.clone(),
        tags: annotations.tags.clone(),
    }
}

fn explain(
    call: &Call,
    findings: &Findings,
    input: &PolicyInput,
    verdict: &policy::Verdict,
    spent: Duration,
    response: &mut GuardResponse,
) {
    let known = input.keys.iter().map(|(key, value)| (key.name().to_owned(), value.to_json()));
    let claimed = input.metadata.iter().map(|(name, value)| (name.clone(), value.to_json()));
    response.projected_context = Some(known.chain(claimed).collect());
    response.eval_latency_ms = Some(i64::try_from(spent.as_millis()).unwrap_or(i64::MAX));
    response.tiers_evaluated = Some(if findings.runs.is_empty() { Vec::new() } else { vec!["fast".into()] });
    response.tiers_skipped = Some(vec!["standard".into(), "slow".into()]);
    let set = &call.tenant.policies;
    let rules = verdict.determining.iter().filter_map(|index| set.rule(*index)).filter(|rule| !rule.permit);
    response.root_causes = Some(rules.flat_map(|rule| root_causes(rule, input)).collect());
}

/// One cause per detector whose keys the policy read.
fn root_causes(rule: &Rule, input: &PolicyInput) -> Vec<RootCause> {
    let read = |keys: &[ContextKey]| -> Map<String, Value> {
        let wanted = |key: &ContextKey| keys.contains(key) && rule.reads.contains(*key);
        input
            .keys
            .iter()
            .filter(|(key, _)| wanted(key))
            .map(|(key, value)| (key.name().to_owned(), value.to_json()))
            .collect()
    };
    CATALOGUE
        .iter()
        .map(|detector| (detector, read(detector.keys)))
        .filter(|(_, context)| !context.is_empty())
        .map(|(detector, triggering_context)| RootCause {
            detector: detector.name.into(),
            summary: format!("policy `{}` read what `{}` found", rule.rule_id(), detector.name),
            triggering_context,
            triggered_policies: Some(vec![rule.policy_id.clone()]),
        })
        .collect()
}

fn debug(call: &Call, findings: &Findings, response: &mut GuardResponse) {
    response.detectors = Some(inspect::detector_results(findings));
    response.context = Some(inspect::raw_context(findings));
    let (account, project) = decide::names(call);
    let (resource_type, resource_id) = match decide::place(call) {
        policy::Place::App => ("App", project),
        policy::Place::Session(id) => ("Session", id),
    };
    response.debug_info = Some(DebugInfo {
        action: call.action.name().into(),
        loaded_policy_count: call.tenant.policies.len(),
        namespace: NAMESPACE.into(),
        principal_id: call.principal.id.clone(),
        principal_type: call.principal.kind.entity_type().into(),
        product: "guardrails".into(),
        resource_id: resource_id.to_owned(),
        resource_type: resource_type.into(),
        tenant: DebugTenant { account_id: account.into(), application_id: project.into(), project_id: project.into() },
        entities: entities(call, account, project),
    });
}

/// The hierarchy policies see: `policy::judge` builds the same one for those that ask for it.
fn entities(call: &Call, account: &str, project: &str) -> Vec<DebugEntity> {
    let named = |kind: &str, id: &str| format!("{kind}::{id:?}");
    let entity = |kind: &str, id: &str, parents: Vec<String>| DebugEntity { id: id.into(), kind: kind.into(), parents };
    let within = vec![named("Project", project)];
    let principal = &call.principal;
    let agent = principal.kind == PrincipalKind::Agent;
    let mut entities = vec![
        entity(principal.kind.entity_type(), &principal.id, if agent { within.clone() } else { Vec::new() }),
        entity("Account", account, Vec::new()),
        entity("Project", project, vec![named("Account", account)]),
        entity("App", project, within),
    ];
    if let policy::Place::Session(id) = decide::place(call) {
        let mut parents = vec![named("App", project)];
        parents.extend(agent.then(|| named("Agent", &principal.id)));
        entities.push(entity("Session", id, parents));
    }
    entities
}
