//! Shield: guard calls, detection, usage and what there is to see of them. Source: `docs/wire/shield.md`.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::{IntoResponse as _, Sse, sse::Event},
};
use futures_util::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenantry::{
    Error, Result,
    api::{
        ContentType, Decision, Detector, FileContext, GuardRequest, GuardResponse, McpContext, Mode, ModelContext,
        PolicySummary, ToolContext, UsageReport, from_json,
    },
};

use super::{
    App, Call,
    answer::{Answer, json, ok},
    problem::problem,
    worked_on,
};

/// The one product there are policies for.
const PRODUCT: &str = "guardrails";
/// How often a stream that has nothing to say says so.
pub(super) const PING: Duration = Duration::from_secs(10);

/// Policies of another product are not ours to judge by: deciding by these would look like deciding by those. Clients name it in a
/// header, the public documentation in the body.
fn check_product(call: &Call) -> Result<()> {
    let text = call.text()?;
    // Most bodies name none and are not read twice for it; an escape may spell the name.
    let named =
        if text.contains("\"product\"") || text.contains("\\u") { from_json::<Named>(text)?.product } else { None };
    for product in [call.header("x-product")?, named.as_deref()] {
        if !matches!(product, None | Some("" | PRODUCT)) {
            return Err(Error::invalid("product_unknown", "there are policies for the product `guardrails` only"));
        }
    }
    Ok(())
}

/// The product a body names.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    product: Option<String>,
}

/// A call to decide.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "for the description: the core reads its part, and `check_product` the rest")]
pub struct GuardCall {
    #[serde(flatten)]
    request: GuardRequest,
    /// The product whose policies decide: `guardrails`, or left out.
    #[serde(default)]
    product: Option<String>,
}

/// The status a decision is answered with: clients take a suspended one from these and from no others.
const fn status(decision: Decision) -> StatusCode {
    match decision {
        Decision::StepUp => StatusCode::UNAUTHORIZED,
        Decision::Defer => StatusCode::TOO_EARLY,
        Decision::Allow | Decision::Modify | Decision::Deny => StatusCode::OK,
    }
}

/// `POST /v1/shield/guard`
pub async fn guard(app: App, call: Call) -> Answer {
    check_product(&call)?;
    let guard = call.tenant()?.guard();
    let request = GuardRequest::from_json(call.text()?)?;
    let response = match call.header("idempotency-key")? {
        Some(key) => guard.evaluate_once(request, key).await?,
        None => guard.evaluate(request).await?,
    };
    app.metrics().decided(response.decision.name());
    let mut answer = json(status(response.decision), &response)?;
    if response.decision == Decision::StepUp {
        let challenge = HeaderValue::from_static("Bearer error=\"insufficient_user_authentication\"");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    Ok(answer)
}

/// `POST /v1/shield/guard/stream`: what each detector found, then the decision.
pub async fn guard_stream(app: App, mut call: Call) -> Answer {
    check_product(&call)?;
    // Here, to refuse what is no request by its status: once told, a stream has none.
    let mut request = GuardRequest::from_json(call.text()?)?;
    let (debug, explain) = (request.debug == Some(true), request.explain == Some(true));
    request.debug = Some(true);
    if let Some(model) = &mut request.model {
        // What a stream's model call used is not known yet; it is reported after.
        let used =
            ModelContext { provider: model.provider.take(), model: model.model.take(), ..ModelContext::default() };
        *model = ModelContext { temperature: model.temperature, max_tokens: model.max_tokens, ..used };
    }
    let (send, events) = tokio::sync::mpsc::channel(64);
    let (guard, turn) = (call.tenant()?.guard(), call.turn.take());
    // Like every decision, it is made to its end, and in its turn; where nobody listens any more it is not told.
    app.0.work.clone().spawn(async move {
        let told = match worked_on(call.is_heavy(), async move { guard.evaluate(request).await }).await {
            Ok(response) => {
                app.metrics().decided(response.decision.name());
                tell(response, debug, explain)
            }
            Err(error) => failed(&app, &error, &call.request_id).await,
        };
        drop(turn);
        for event in told {
            // A client that does not read holds its connection, and nothing else, when the server ends.
            tokio::select! {
                () = app.ending().cancelled() => return,
                sent = send.send(event) => if sent.is_err() { return },
            }
        }
    });
    Ok(sent(stream::unfold(events, |mut events| async { events.recv().await.map(|event| (Ok(event), events)) })))
}

pub(super) fn sent<S>(events: S) -> Response<Body>
where
    S: futures_util::Stream<Item = std::result::Result<Event, Infallible>> + Send + 'static,
{
    let pings = axum::response::sse::KeepAlive::new().interval(PING).text("ping");
    let mut answer = Sse::new(events).keep_alive(pings).into_response();
    // What nginx, and others after it, would else collect before they pass it on.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}

pub(super) fn event(name: &str, value: &impl Serialize) -> Event {
    Event::default().event(name).data(serde_json::to_string(value).unwrap_or_default())
}

fn tell(mut response: GuardResponse, debug: bool, explain: bool) -> Vec<Event> {
    let found = response.detectors.take();
    let mut events: Vec<Event> = found.iter().flatten().map(|result| event("detector_result", result)).collect();
    if debug {
        response.detectors = found;
    } else {
        response.context = None;
        response.debug_info = None;
    }
    if !debug && !explain {
        response.projected_context = None;
        response.eval_latency_ms = None;
        response.tiers_evaluated = None;
        response.tiers_skipped = None;
        response.root_causes = None;
    }
    events.push(event("decision", &response));
    events
}

/// The same problem that would have been the answer, without the member whose name clients take for a kind of event.
pub(super) async fn failed(app: &App, error: &Error, request_id: &str) -> Vec<Event> {
    let body = problem(app, error, request_id).into_body();
    let bytes = axum::body::to_bytes(body, 64 * 1024).await.unwrap_or_default();
    let mut fields: Map<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
    fields.remove("type");
    vec![event("error", &fields)]
}

/// What is inspected without being judged.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct DetectRequest {
    /// The text to inspect.
    pub content: String,
    /// What kind of text it is.
    pub content_type: ContentType,
    /// Further texts that belong to it.
    #[serde(default)]
    pub contexts: Option<Vec<String>>,
    /// Detectors to run; none means all.
    #[serde(default)]
    pub detectors: Option<Vec<String>>,
    /// The tool, if it is about one.
    #[serde(default)]
    pub tool: Option<ToolContext>,
    /// The model, if it is about one.
    #[serde(default)]
    pub model: Option<ModelContext>,
    /// The file, if it is about one.
    #[serde(default)]
    pub file: Option<FileContext>,
    /// The server, if it is about one.
    #[serde(default)]
    pub mcp: Option<McpContext>,
    /// The conversation it belongs to; nothing is remembered of it.
    #[serde(default)]
    pub session_id: Option<String>,
    /// Facts the caller claims.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// The product it belongs to; what is found depends on none.
    #[serde(default)]
    pub product: Option<String>,
}

/// `POST /v1/shield/detect`
pub async fn detect(_: App, call: Call) -> Answer {
    let asked: DetectRequest = call.json()?;
    let request = GuardRequest {
        content: asked.content,
        content_type: asked.content_type,
        contexts: asked.contexts.unwrap_or_default(),
        detectors: asked.detectors.unwrap_or_default(),
        tool: asked.tool,
        model: asked.model,
        file: asked.file,
        mcp: asked.mcp,
        session_id: asked.session_id,
        metadata: asked.metadata.unwrap_or_default(),
        ..GuardRequest::default()
    };
    ok(&call.tenant()?.guard().detect(request).await?)
}

/// `POST /v1/shield/usage`
pub async fn usage(_: App, call: Call) -> Answer {
    let tenant = call.tenant()?;
    let report: UsageReport = call.json()?;
    ok(&tenant.usage().report(report).await?)
}

/// The detectors there are.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Detectors {
    /// How many.
    pub count: usize,
    /// Each of them.
    pub detectors: Vec<Detector>,
}

/// `GET /v1/shield/detectors`
pub async fn detectors(_: App, call: Call) -> Answer {
    let tenant = call.tenant()?;
    let detectors = tenant.guard().detectors().await?.items;
    ok(&Detectors { count: detectors.len(), detectors })
}

/// A policy in force.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LoadedPolicy {
    /// Layer and name: unique in a project.
    pub policy_id: String,
    /// The name it was put under.
    pub policy_name: String,
    /// `enforce`, `monitor` or `alert`.
    pub mode: Mode,
    /// The `@id` of each of its rules.
    pub rule_ids: Vec<String>,
    /// Whose policy it is; left out for the platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Left out for the account's and the platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
}

/// The policies a project is judged by.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LoadedPolicies {
    /// Whether there are any.
    pub has_policies: bool,
    /// How many.
    pub policy_count: usize,
    /// The product they belong to.
    pub product: String,
    /// Each of them.
    pub policies: Vec<LoadedPolicy>,
}

/// `GET /v1/shield/debug/policies`
pub async fn policies(_: App, call: Call) -> Answer {
    let product = call.query("product")?.unwrap_or_else(|| PRODUCT.into());
    let tenant = call.tenant()?;
    let mut summaries: Vec<PolicySummary> = tenant.policies().list().await?.items;
    if product != PRODUCT {
        summaries.clear();
    }
    summaries.retain(|summary| !summary.retired);
    let (account, project) = (tenant.account_id().to_owned(), tenant.project_id().to_owned());
    let loaded = |summary: PolicySummary| LoadedPolicy {
        policy_id: format!("{}/{}", summary.layer.name(), summary.name),
        policy_name: summary.name,
        mode: summary.mode,
        rule_ids: summary.rule_ids,
        account_id: (summary.layer != tenantry::scope::Layer::Platform).then(|| account.clone()),
        project_id: (summary.layer == tenantry::scope::Layer::Project).then(|| project.clone()),
    };
    let policies: Vec<LoadedPolicy> = summaries.into_iter().map(loaded).collect();
    ok(&LoadedPolicies { has_policies: !policies.is_empty(), policy_count: policies.len(), product, policies })
}
