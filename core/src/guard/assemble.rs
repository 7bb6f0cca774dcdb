//! Step 4, assemble: everything policies may read, closed per action, from the one table of context keys. Pure.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Number, Value};

use super::{Admission, Call, History};
use crate::{
    api::{PrincipalKind, Severity},
    context_keys::{ACTION_PARAMETERS, ContextKey as K, KeyValue, is_reserved},
    detect::{Direction, Findings},
    policy::{DeclaredType, KeySet, Mistyped},
    session,
    store::SessionTurns,
};

/// What policies read, and what the session will remember.
#[derive(Clone)]
pub struct PolicyInput {
    /// Keys of the table.
    pub keys: Vec<(K, KeyValue)>,
    /// Declared metadata, as the caller claims it.
    pub metadata: Vec<(String, KeyValue)>,
    /// Metadata that contradicted verified facts or its declared type, and was dropped.
    pub conflicts: Vec<String>,
    /// What was sent as another type than policies read.
    pub mistyped: Mistyped,
    /// What this turn adds.
    pub turn: SessionTurns,
    /// What the session holds with it.
    pub turns: SessionTurns,
}

/// Collects only what the action allows and somebody reads.
struct Keys<'a> {
    call: &'a Call,
    reads: &'a KeySet,
    list: Vec<(K, KeyValue)>,
}

impl Keys<'_> {
    fn wants(&self, key: K) -> bool {
        (self.call.flags.explain || self.reads.contains(key)) && key.info().allows(self.call.action)
    }

    fn add(&mut self, key: K, value: impl FnOnce() -> KeyValue) {
        if self.wants(key) {
            let value = value();
            self.list.push((key, value));
        }
    }

    fn text(&mut self, key: K, text: &str) {
        self.add(key, || KeyValue::Text(Cow::Owned(text.to_owned())));
    }
}

/// Fills the context keys that policies of this project read for the call's action.
pub fn assemble(call: &Call, admission: &Admission, history: &History, findings: &Findings) -> PolicyInput {
    let mut keys = Keys { call, reads: call.tenant.policies.reads(call.action), list: Vec::with_capacity(16) };
    let turn = turn_of(findings);
    let mut turns = history.turns.clone();
    turns.merge(&turn);
    let (mut conflicts, mut mistyped) = (Vec::new(), Mistyped::default());
    if admission.refusal().is_none() {
        core(&mut keys, findings);
        identity(&mut keys);
        registry(&mut keys);
        tool(&mut keys, &mut mistyped);
        for (key, value) in &findings.keys {
            keys.add(*key, || value.clone());
        }
        if call.session.is_some() {
            for (key, value) in session::keys(&turns) {
                keys.add(key, || value);
            }
        }
        if let Ok(granted) = &admission.0
            && let Some(left) = granted.per_minute_left
        {
            keys.add(K::RpmRemainingPct, || KeyValue::Long(i64::from(left)));
            keys.add(K::RpmExceeded, || KeyValue::Bool(granted.per_minute_exceeded));
        }
    }
    let metadata = metadata(call, &mut keys, &mut conflicts, &mut mistyped);
    PolicyInput { keys: keys.list, metadata, conflicts, mistyped, turn, turns }
}

fn core(keys: &mut Keys<'_>, findings: &Findings) {
    let call = keys.call;
    keys.text(K::RequestId, &call.request_id);
    keys.add(K::Timestamp, || KeyValue::Long(call.received_at.wall_micros / 1_000));
    keys.add(K::Direction, || {
        KeyValue::Text(Cow::Borrowed(match call.direction() {
            Direction::Input => "input",
            Direction::Output => "output",
        }))
    });
    keys.add(K::ContentType, || KeyValue::Text(Cow::Borrowed(call.request.content_type.name())));
    keys.add(K::DetectorCount, || {
        let ran = findings.runs.iter().filter(|run| run.status == "ok").count();
        KeyValue::Long(i64::try_from(ran).unwrap_or(i64::MAX))
    });
    keys.add(K::HighestSeverity, || KeyValue::Text(Cow::Borrowed(findings.highest_severity().name())));
}

fn identity(keys: &mut Keys<'_>) {
    let principal = &keys.call.principal;
    keys.text(K::PrincipalIssuer, &keys.call.principal_issuer);
    if let Some(role) = principal.roles.first() {
        keys.text(K::Role, role);
        keys.text(K::UserRole, role);
    }
    if !principal.scopes.is_empty() {
        keys.add(K::PrivilegeScope, || KeyValue::Set(principal.scopes.iter().cloned().map(Cow::Owned).collect()));
    }
    if principal.kind == PrincipalKind::Agent {
        keys.text(K::AgentId, &principal.id);
        keys.text(K::IdentityType, "agent");
    }
}

fn registry(keys: &mut Keys<'_>) {
    let (scope, facts) = (&keys.call.scope, &keys.call.tenant.facts);
    let account = scope.account_id().map_or("", crate::scope::Id::as_str);
    let project = scope.project_id().map_or("", crate::scope::Id::as_str);
    keys.text(K::TenantId, account);
    keys.text(K::AccountId, account);
    keys.text(K::ProjectId, project);
    keys.text(K::TenantTier, &facts.tier);
    keys.text(K::Plan, &facts.plan);
    keys.text(K::Region, &facts.region);
    keys.add(K::Tenant, || {
        let text = |text: &str| KeyValue::Text(Cow::Owned(text.to_owned()));
        KeyValue::Record(vec![
            ("account_id", text(account)),
            ("project_id", text(project)),
            ("tier", text(&facts.tier)),
            ("plan", text(&facts.plan)),
            ("region", text(&facts.region)),
            ("labels", KeyValue::Set(facts.labels.iter().cloned().map(Cow::Owned).collect())),
        ])
    });
}

/// Tool parameters policies may read by name; one of the wrong type is named, and an error for the policies that read it.
fn tool(keys: &mut Keys<'_>, mistyped: &mut Mistyped) {
    let request = &keys.call.request;
    if let Some(model) = request.model.as_ref().and_then(|model| model.model.as_deref()) {
        keys.add(K::BudgetModel, || KeyValue::Text(Cow::Owned(model.trim().to_lowercase())));
    }
    let argument_path = request.tool.as_ref().and_then(|tool| tool.arguments.get("path"));
    match (request.file.as_ref().map(|file| file.path.as_str()), argument_path) {
        // The tool is given both: where they differ, a policy that reads the one would not see the other.
        (Some(path), Some(argument)) if argument.as_str() != Some(path) && !argument.is_null() => {
            mistyped.keys.push(K::Path);
            keys.text(K::Path, path);
        }
        (Some(path), _) => keys.text(K::Path, path),
        (None, Some(Value::String(path))) => keys.text(K::Path, path),
        (None, None | Some(Value::Null)) => {}
        (None, Some(_)) => mistyped.keys.push(K::Path),
    }
    let Some(tool) = &request.tool else { return };
    let mut fields = Vec::new();
    let mut wrong = BTreeSet::new();
    for (name, kind, _) in ACTION_PARAMETERS {
        match (tool.arguments.get(*name), *kind) {
            (None | Some(Value::Null), _) => {}
            (Some(Value::String(text)), "String") => fields.push((*name, KeyValue::Text(Cow::Owned(text.clone())))),
            (Some(Value::Number(number)), "Long") if long(number).is_some() => {
                fields.push((*name, KeyValue::Long(long(number).unwrap_or_default())));
            }
            (Some(_), _) => {
                wrong.insert(*name);
                mistyped.parameters.push(name);
            }
        }
    }
    if !fields.is_empty() {
        keys.add(K::ActionParams, || KeyValue::Record(fields));
    }
    keys.add(K::ParamTypeViolation, || KeyValue::Bool(!wrong.is_empty()));
    keys.add(K::ParamTypeViolations, || KeyValue::Set(wrong.into_iter().map(Cow::Borrowed).collect()));
}

/// What the caller claims: declared keys pass with their declared type, one of another type is an error for the policies that
/// read it, and everything that names a verified fact is dropped, and reported when it differs.
fn metadata(
    call: &Call,
    keys: &mut Keys<'_>,
    conflicts: &mut Vec<String>,
    mistyped: &mut Mistyped,
) -> Vec<(String, KeyValue)> {
    if call.request.metadata.is_empty() {
        return Vec::new();
    }
    let declared = call.tenant.policies.declared();
    let mut accepted = Vec::new();
    for (name, value) in &call.request.metadata {
        if name == K::UserRole.name() && call.principal.roles.is_empty() {
            match value.as_str() {
                Some(role) => keys.text(K::UserRole, role),
                None => {
                    conflicts.push(name.clone());
                    mistyped.keys.push(K::UserRole);
                }
            }
        } else if is_reserved(name) {
            if verified(call, name) != Some(value.clone()) {
                conflicts.push(name.clone());
            }
        } else if let Some(kinds) = declared.get(name) {
            let any = &[DeclaredType::Text, DeclaredType::Long, DeclaredType::Bool, DeclaredType::Set];
            let readable = if kinds.is_empty() { any } else { kinds.as_slice() };
            let taken = readable.iter().find_map(|kind| typed(value, *kind).map(|value| (*kind, value)));
            // Null is absent; a key read as several types is wrong for all but one of them.
            if !value.is_null() && (taken.is_none() || kinds.len() > 1) {
                mistyped.metadata.push((name.clone(), taken.as_ref().map(|(kind, _)| *kind)));
            }
            match taken {
                Some((_, value)) => accepted.push((name.clone(), value)),
                None => conflicts.push(name.clone()),
            }
        }
    }
    accepted
}

/// What the registry or the credential says about a name callers like to send.
fn verified(call: &Call, name: &str) -> Option<Value> {
    let facts = &call.tenant.facts;
    let text = match K::parse(name)? {
        K::TenantId | K::AccountId => call.scope.account_id()?.as_str(),
        K::ProjectId => call.scope.project_id()?.as_str(),
        K::TenantTier => &facts.tier,
        K::Plan => &facts.plan,
        K::Region => &facts.region,
        K::PrincipalIssuer => &call.principal_issuer,
        K::UserRole | K::Role => call.principal.roles.first()?,
        K::AgentId if call.principal.kind == PrincipalKind::Agent => &call.principal.id,
        _ => return None,
    };
    Some(Value::from(text))
}

/// A whole number; also one that a client wrote as a float, where nothing is lost.
fn long(number: &Number) -> Option<i64> {
    // Above 2^53 a float no longer tells neighbours apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = |float: f64| float.fract() == 0.0 && float.abs() <= EXACT;
    #[allow(clippy::cast_possible_truncation)]
    number.as_i64().or_else(|| number.as_f64().filter(|float| whole(*float)).map(|float| float as i64))
}

fn typed(value: &Value, kind: DeclaredType) -> Option<KeyValue> {
    match kind {
        DeclaredType::Text => value.as_str().map(|text| KeyValue::Text(Cow::Owned(text.to_owned()))),
        DeclaredType::Long => value.as_number().and_then(long).map(KeyValue::Long),
        DeclaredType::Bool => value.as_bool().map(KeyValue::Bool),
        DeclaredType::Set => {
            let items = value.as_array()?.iter().map(|item| item.as_str().map(|text| Cow::Owned(text.to_owned())));
            items.collect::<Option<Vec<_>>>().map(KeyValue::Set)
        }
    }
}

/// What this turn adds to its session.
fn turn_of(findings: &Findings) -> SessionTurns {
    let mut turn = SessionTurns {
        turns: 1,
        threat_turns: i64::from(findings.highest_severity() >= Severity::High),
        cumulative_risk: findings.highest_score(),
        ..SessionTurns::default()
    };
    let names = |items: &[Cow<'static, str>]| items.iter().map(|item| item.as_ref().to_owned()).collect();
    for (key, value) in &findings.keys {
        match (key, value) {
            (K::PiiTypes, KeyValue::Set(types)) => turn.pii_types = names(types),
            (K::SecretTypes, KeyValue::Set(types)) => turn.secret_types = names(types),
            (K::PiiScore, KeyValue::Long(score)) => turn.max_pii = *score,
            (K::SecretCount, KeyValue::Long(count)) => turn.max_secret = if *count > 0 { 100 } else { 0 },
            (K::InjectionScore, KeyValue::Long(score)) => {
                turn.max_injection = *score;
                turn.injection_detected = *score >= 50;
            }
            (K::JailbreakScore, KeyValue::Long(score)) => turn.max_jailbreak = *score,
            _ => {}
        }
    }
    turn
}
