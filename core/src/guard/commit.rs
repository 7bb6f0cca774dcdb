//! Step 7, commit: write the proof, keep the charge, remember the turn. After this the call cannot be undone.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

use super::{
    Admission, Call, Decided, DraftResponse, Guard, History,
    once::{Answered, Once},
};
use crate::{
    api::{AuditClass, Decision, GuardResponse, ModelContext, Principal},
    clock::Now,
    detect,
    error::{Error, Result},
    rooms::Rooms,
    runtime,
    scope::Scope,
    store::{Entry, SessionTurns, Spend},
    usage,
};

/// What the audit keeps of a call. Content, session id and metadata are keyed hashes or absent, never text (law 10); secrets in
/// names are masked.
#[derive(Serialize)]
struct Body<'a> {
    action: &'a str,
    content_type: &'a str,
    principal: &'a Principal,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual_decision: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policies: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policy_errors: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signals: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    degraded: Vec<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    dry_run: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: &'a BTreeMap<String, String>,
    policy_version: &'a str,
    latency_us: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's shape
const fn is_false(value: &bool) -> bool {
    !*value
}

fn texts(items: &[String]) -> Vec<&str> {
    items.iter().map(String::as_str).collect()
}

/// What the call says its model call used, under the name of its model call.
fn spend_of(call: &Call, name: &str) -> Result<Option<Spend>> {
    let Some(model) = call.request.model.as_ref().filter(|model| !call.flags.dry_run && usage::reports_usage(model))
    else {
        return Ok(None);
    };
    let cost = usage::cost_of(model);
    Ok(Some(Spend {
        id: format!("guard:{name}"),
        at: call.received_at.wall_micros,
        model: model_name(model, cost.model),
        micros: cost.micros,
    }))
}

/// A model's name as it is written down.
/// Secrets are told by their case, which the price book's name has lost.
pub fn model_name(model: &ModelContext, priced: String) -> String {
    match model.model.as_deref().map(detect::masked_name) {
        Some(Cow::Owned(masked)) => masked.trim().to_lowercase(),
        _ => priced,
    }
}

fn entry<'a>(call: &'a Call, decision: Decision, body: &'a str, spend: Option<&'a Spend>) -> Entry<'a> {
    Entry {
        at: call.received_at.wall_micros,
        kind: "decision",
        request_id: &call.request_id,
        decision: decision.name(),
        body,
        spend,
    }
}

impl Guard {
    pub(super) async fn commit(&self, call: &Call, decided: Decided) -> Result<GuardResponse> {
        let class = call.tenant.settings.audit_class;
        let _committing = self.committing(class).await;
        let Decided { admission, history, draft: DraftResponse { response, turn } } = decided;
        let body = self.body(call, &response)?;
        let spend = spend_of(call, &call.request_id)?;
        let entry = entry(call, response.decision, &body, spend.as_ref());
        self.rooms.audit.record(&call.scope, class, &entry).await?;
        self.keep(call, admission, history, turn).await?;
        Ok(response)
    }

    /// As [`Guard::commit`], together with the answer to the call's request; where that was answered meanwhile, by another
    /// process, this call leaves nothing, and that answer holds.
    pub(super) async fn commit_once(&self, call: &Call, once: &Once, decided: Decided) -> Result<Answered> {
        // Whatever the class, its row and its answer are synced.
        let _committing = self.committing(AuditClass::Required).await;
        let Decided { admission, history, draft: DraftResponse { response, turn } } = decided;
        let body = self.body(call, &response)?;
        // A repetition under the same key is the same model call.
        let spend = spend_of(call, once.id())?;
        let entry = entry(call, response.decision, &body, spend.as_ref());
        let scope = call.scope.uid();
        let (answered, answer, room) = self.answer_of(scope, once, response, call.received_at.wall_micros)?;
        let recorded = self.rooms.audit.commit(&call.scope, &entry, Some(answer)).await;
        if !matches!(recorded, Ok(None)) {
            self.answer_quota.give_back(scope, room);
        }
        match recorded? {
            Some(sealed) => self.read_answer(once, &sealed),
            None => self.keep(call, admission, history, turn).await.map(|()| answered),
        }
    }

    /// What a call holds that waits for the disk while it commits: its caller may have gone by then, and `settle` waits for it.
    async fn committing(&self, class: AuditClass) -> Option<tokio::sync::RwLockReadGuard<'_, ()>> {
        match class {
            AuditClass::Required => Some(self.committing.read().await),
            AuditClass::Standard | AuditClass::Sampled => None,
        }
    }

    /// What is left to do once the proof is written: keep the charge, remember the turn.
    async fn keep(&self, call: &Call, admission: Admission, history: History, turn: SessionTurns) -> Result<()> {
        if !call.flags.dry_run
            && let Ok(granted) = admission.0
        {
            granted.reservation.settle();
            // A call that was refused before inspection taught the session nothing.
            if let Some(session) = &call.session {
                let ttl = call.tenant.settings.session_ttl_seconds;
                self.rooms.sessions.remember(&call.scope, session, history.turns, turn, call.received_at, ttl).await?;
            }
        }
        Ok(())
    }

    fn body(&self, call: &Call, response: &GuardResponse) -> Result<String> {
        let hasher = &call.tenant.hasher;
        let spent = self.rooms.clock.now().steady_nanos.saturating_sub(call.received_at.steady_nanos);
        let body = Body {
            action: &call.request.action,
            content_type: call.request.content_type.name(),
            principal: &call.principal,
            content: hasher.hash(&call.request.content),
            session: call.session.as_ref().map(|session| hasher.hash(session.as_str())),
            tool: call.request.tool.as_ref().map(|tool| detect::masked_name(&tool.name)),
            code: response.code.as_deref(),
            limit_id: response.limit_id.as_deref(),
            actual_decision: response.actual_decision.map(crate::api::Decision::name),
            mode: response.effective_mode.map(crate::api::Mode::name),
            policies: response.determining_policies.iter().filter_map(|policy| policy.policy_id.as_deref()).collect(),
            policy_errors: texts(&response.policy_error),
            signals: response.signals.iter().map(|signal| signal.name.as_str()).collect(),
            degraded: texts(&response.degraded),
            dry_run: call.flags.dry_run,
            headers: &call.headers,
            policy_version: call.tenant.policies.version(),
            latency_us: spent / 1_000,
        };
        serde_json::to_string(&body).map_err(|_| Error::internal("an audit record could not be written"))
    }
}

/// Writes an error down and hands it on; when even that fails, the audit's error is the one that matters.
pub async fn audit_failure(rooms: &Rooms, scope: &Scope, request_id: &str, at: Now, error: Error) -> Error {
    // A child of a fork has no business in its parent's ledger.
    if rooms.generation != runtime::generation() {
        return error;
    }
    let body = serde_json::json!({ "error": error.kind().name(), "code": error.code() }).to_string();
    let entry = Entry { at: at.wall_micros, kind: "error", request_id, decision: "", body: &body, spend: None };
    match rooms.audit.record(scope, AuditClass::Standard, &entry).await {
        Ok(()) => error,
        Err(audit) => audit,
    }
}
