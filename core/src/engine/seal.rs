//! Step 7, seal: write the proof, keep the charge, remember the turn. After this the call cannot be undone.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Allowance, Call, Engine, History, Unsealed, once::Once};
use crate::{
    api::{AuditClass, GuardResponse, Principal},
    clock::Now,
    error::{Error, Result},
    scope::Scope,
    store::{Beside, Entry, Spend},
    usage,
};

/// What the audit keeps of a call. Content, session id and metadata are keyed hashes or absent, never text (law 10).
#[derive(Serialize)]
struct Body<'a> {
    action: &'a str,
    content_type: &'a str,
    principal: &'a Principal,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'a str>,
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

/// What the call says its model call used. A repetition under the same key is the same model call.
fn spend_of(call: &Call, once: Option<&Once>, response: &GuardResponse) -> Result<Option<Spend>> {
    let Some(model) = call.request.model.as_ref().filter(|model| !call.flags.dry_run && usage::tells_spend(model))
    else {
        return Ok(None);
    };
    let cost = usage::cost_of(model);
    let id = once.map_or(response.request_id.as_str(), Once::id);
    let at = call.received_at.wall_micros;
    Ok(Some(Spend { id: format!("guard:{id}"), at, model: cost.model, micros: cost.micros }))
}

impl Engine {
    pub(super) async fn seal(
        &self,
        call: &Call,
        once: Option<&mut Once>,
        allowance: Allowance,
        history: History,
        unsealed: Unsealed,
    ) -> Result<GuardResponse> {
        let Unsealed { response, turn } = unsealed;
        let body = self.body(call, &response)?;
        let now = call.received_at.wall_micros;
        let spend = spend_of(call, once.as_deref(), &response)?;
        let answer = once.map(|once| self.answer_of(&call.scope, once, &response, now)).transpose()?;
        let entry = Entry {
            at: now,
            kind: "decision",
            request_id: &call.request_id,
            decision: response.decision.name(),
            body: &body,
            beside: Beside { answer: answer.as_ref(), spend: spend.as_ref() },
        };
        self.audit.record(&call.scope, call.tenant.settings.audit_class, &entry).await?;
        if !call.flags.dry_run
            && let Ok(granted) = allowance.0
        {
            granted.reservation.settle();
            // A call that was refused before inspection taught the session nothing.
            if let Some(session) = &call.session {
                let ttl = call.tenant.settings.session_ttl_seconds;
                self.sessions.remember(&call.scope, session, history.turns, turn, call.received_at, ttl).await?;
            }
        }
        Ok(response)
    }

    fn body(&self, call: &Call, response: &GuardResponse) -> Result<String> {
        let hasher = &call.tenant.hasher;
        let spent = self.clock.now().steady_nanos.saturating_sub(call.received_at.steady_nanos);
        let body = Body {
            action: &call.request.action,
            content_type: call.request.content_type.name(),
            principal: &call.principal,
            content: hasher.hash(&call.request.content),
            session: call.session.as_ref().map(|session| hasher.hash(session.as_str())),
            tool: call.request.tool.as_ref().map(|tool| tool.name.as_str()),
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

    /// Writes an error down and hands it on; when even that fails, the audit's error is the one that matters.
    pub(super) async fn audit_failure(&self, scope: &Scope, request_id: &str, at: Now, error: Error) -> Error {
        // A child of a fork has no business in its parent's ledger.
        if error.code() == "forked" {
            return error;
        }
        let body = serde_json::json!({ "error": error.kind().name(), "code": error.code() }).to_string();
        let entry = Entry {
            at: at.wall_micros,
            kind: "error",
            request_id,
            decision: "",
            body: &body,
            beside: Beside::default(),
        };
        match self.audit.record(scope, AuditClass::Standard, &entry).await {
            Ok(()) => error,
            Err(audit) => audit,
        }
    }
}
