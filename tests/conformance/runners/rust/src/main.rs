//! The conformance runner of the Rust crate: case files in, one line of JSON per step out. See `tests/conformance`.

mod house;
mod identity;

use std::{collections::BTreeMap, error::Error as StdError, fs, time::Duration};

use house::{fill, house, shapeless};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tenantry::{
    Error, Options, Result, Tenant, Tenantry,
    api::{
        self, AuditQuery, FileContext, GuardRequest, LimitRef, Mode, PolicyRef, PolicySpec, Principal, SettingsPatch,
        Shape, TenantFacts, ToolContext,
    },
    config::{Credential, Storage},
    testing,
};

const START: i64 = 1_767_225_600_000_000;
type Pair = (String, String);

#[derive(Deserialize)]
#[rustfmt::skip]
struct Case { id: String, tenants: Option<Vec<Pair>>, #[serde(default)] options: With, steps: Vec<Step> }

#[derive(Deserialize)]
#[rustfmt::skip]
struct Step {
    r#do: String, tenant: Option<Pair>, r#as: Option<Principal>, held: Option<String>, remember: Option<String>,
    #[serde(default)] with: Value,
}

/// The arguments of every operation; each reads its own.
#[derive(Default, Deserialize)]
#[serde(default)]
#[rustfmt::skip]
struct With {
    #[serde(flatten)] facts: TenantFacts,
    id: String, account: String, project: String, name: String, content: String, path: String, key: Option<String>,
    text: String, request: Value, since: Value, arguments: Option<Map<String, Value>>, metadata: Option<Map<String, Value>>,
    mode: Option<String>, layer: Option<String>, operation: Option<String>, content_type: Option<String>,
    on_exceed: Option<String>, mode_floor: Option<String>, audit_class: Option<String>, anchor: Option<String>,
    session_id: Option<String>, description: Option<String>, server_id: Option<String>,
    explain: Option<bool>, debug: Option<bool>, dryrun: Option<bool>, is_builtin: Option<bool>, ceiling: Option<bool>,
    shared: Option<bool>, redaction_originals: Option<bool>, model: Option<api::ModelContext>, tool: Option<ToolContext>,
    rate: i64, per_ms: i64, max_wait_ms: Option<i64>, cost: Option<i64>, limit: Option<i64>, ms: u64,
    session_ttl_seconds: Option<i64>, dev: Option<bool>, api_key: Option<String>, account_id: Option<String>,
    project_id: Option<String>, deadline_ms: Option<u64>, default_headers: Option<BTreeMap<String, String>>,
    require_credentials: Option<bool>, report: api::UsageReport, metadata_keys: Option<BTreeMap<String, String>>,
    detectors: Vec<String>,
    action: Option<String>, order: Option<String>,
    before: Option<i64>,
}

fn main() -> std::result::Result<(), Box<dyn StdError>> {
    for path in std::env::args().skip(1) {
        for case in serde_json::from_str::<Vec<Case>>(&fs::read_to_string(path)?)? {
            run(case)?;
        }
    }
    Ok(())
}

#[rustfmt::skip]
fn run(case: Case) -> Result<()> {
    testing::freeze(START);
    let With { dev, account_id, project_id, require_credentials, .. } = case.options;
    let deadline = Some(Duration::from_millis(case.options.deadline_ms.unwrap_or(10_000)));
    let (api_key, storage) = (case.options.api_key.map(Credential::new), Some(Storage::Memory));
    let default_headers = case.options.default_headers.unwrap_or_default();
    let client = Tenantry::open(Options {
        storage, dev, api_key, account_id, project_id, deadline, default_headers, require_credentials,
        ..Options::default()
    })?;
    let default = || ["acme", "globex"].map(|account| (account.to_owned(), "prod".to_owned())).to_vec();
    let tenants = case.tenants.unwrap_or_else(default);
    let (accounts, projects) = (client.admin().accounts(), client.admin().projects());
    for (account, project) in &tenants {
        accounts.get_blocking(account).or_else(|_| accounts.create_blocking(account))?;
        projects.create_blocking(account, project)?;
    }
    let (mut head, mut held, mut kept) = (None, BTreeMap::new(), BTreeMap::new());
    for (number, mut step) in case.steps.into_iter().enumerate() {
        let first = step.tenant.as_ref().or(tenants.first()).cloned().unwrap_or_default();
        fill(&mut step.with, &kept);
        let (remember, handle) = (step.remember.take(), step.held.as_ref().and_then(|name| held.get(name)).cloned());
        let with = if step.with.is_null() { With::default() } else { With::deserialize(&step.with).map_err(shapeless)? };
        let outcome = identity::credentials(&client, handle.as_ref(), &mut held, &step.r#do, &step.with)
            .or_else(|| house(&client, &step.r#do, &with))
            .unwrap_or_else(|| inside(&client, handle, &first, step, with, &mut head));
        if let (Some(name), Ok(value)) = (remember, &outcome) {
            kept.insert(name, value.clone());
        }
        let (key, value) = outcome.map_or_else(|error| ("error", json!(error)), |value| ("ok", value));
        println!("{}", json!({ "case": case.id, "step": number, key: value }));
    }
    Ok(())
}

// A dense table of operations reads better than one field a line.
#[rustfmt::skip]
fn inside(
    client: &Tenantry, held: Option<Tenant>, pair: &Pair, step: Step, with: With, head: &mut Option<api::AuditHead>,
) -> Result<Value> {
    let tenant = held.map_or_else(|| client.tenant_blocking(&pair.0, &pair.1), Ok)?;
    let tenant = step.r#as.map_or(Ok(tenant.clone()), |principal| tenant.acting_as(principal))?;
    let or = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    match step.r#do.as_str() {
        "guard.evaluate" | "guard.evaluate_once" => {
            let request = GuardRequest::from_json(&with.request.to_string())?;
            let content = if request.action == "call_tool" { String::new() } else { request.content.clone() };
            decide(&tenant, request, &content, with.key.as_deref())
        }
        "guard.detectors" => plain(tenant.guard().detectors_blocking()),
        "usage.report" => plain(tenant.usage().report_blocking(with.report)),
        "guard.detect" => {
            let content_type = api::ContentType::parse(&or(&with.content_type, "prompt"))?;
            let (tool, detectors) = (with.tool, with.detectors);
            let request = GuardRequest { content_type, tool, detectors, ..GuardRequest::prompt(with.content) };
            plain(tenant.guard().detect_blocking(request))
        }
        "policies.put" => plain(read::<PolicySpec>(&step.with).and_then(|spec| tenant.policies().put_blocking(spec))),
        "policies.attach_pack" => plain(tenant.policies().attach_pack_blocking(&with.name)),
        "policies.remove" => plain(read::<PolicyRef>(&step.with).and_then(|policy| tenant.policies().remove_blocking(policy))),
        "policies.list" => plain(tenant.policies().list_blocking()),
        "limits.set" => plain(read::<api::LimitSpec>(&step.with).and_then(|spec| tenant.limits().set_blocking(spec))),
        "limits.remove" => plain(read::<LimitRef>(&step.with).and_then(|limit| tenant.limits().remove_blocking(limit))),
        "limits.list" => plain(tenant.limits().list_blocking()),
        "limits.acquire" => plain(tenant.limits().acquire_blocking(
            &with.id, &or(&with.key, ""), api::whole("cost", with.cost.unwrap_or(1))?)),
        "settings.get" => plain(tenant.settings().get_blocking()),
        "settings.update" => {
            plain(read::<SettingsPatch>(&step.with).and_then(|patch| tenant.settings().update_blocking(patch)))
        }
        "audit.query" => plain(read::<AuditQuery>(&step.with).and_then(|query| tenant.audit().query_blocking(query))),
        "audit.head" => plain(Ok(&*head.insert(tenant.audit().head_blocking()?.head))),
        "audit.verify" => {
            let printed = with.anchor.as_deref().filter(|text| *text != "last_head");
            let printed = printed.map(api::AuditHead::from_text).transpose()?;
            let anchor = printed.as_ref().or(head.as_ref().filter(|_| with.anchor.is_some()));
            plain(tenant.audit().verify_blocking(api::AuditAnchor::of(anchor)))
        }
        other => {
            let shape: Shape = api::named("operation", other.trim_start_matches("guard.evaluate_"))?;
            let operation = or(&with.operation, "read");
            let mode = with.mode.as_deref().map(Mode::parse).transpose()?;
            let (arguments, is_builtin) = (with.arguments.unwrap_or_default(), with.is_builtin.unwrap_or_default());
            let With { name, description, server_id, content, session_id, explain, debug, dryrun, model, .. } = with;
            let tool = ToolContext { name, arguments, is_builtin, description, server_id };
            let file = FileContext { path: with.path, operation, ..FileContext::default() };
            let request = GuardRequest {
                tool: matches!(shape, Shape::ToolCall | Shape::ToolResponse).then_some(tool), file: (shape == Shape::File).then_some(file),
                metadata: with.metadata.unwrap_or_default(), content, mode, session_id, explain, debug, dryrun, model,
                ..GuardRequest::default()
            };
            let content = if shape == Shape::ToolCall { String::new() } else { request.content.clone() };
            decide(&tenant, request.shaped(shape), &content, None)
        }
    }
}

fn decide(tenant: &Tenant, request: GuardRequest, content: &str, key: Option<&str>) -> Result<Value> {
    let response = match key {
        Some(key) => tenant.guard().evaluate_once_blocking(request, key)?,
        None => tenant.guard().evaluate_blocking(request)?,
    };
    Ok(json!({
        "allowed": response.allowed(), "denied": response.denied(), "suspended": response.suspended(),
        "passed_on": response.passed_on(content), "blocked": response.blocked(), "response": response,
    }))
}

fn named(tenant: Tenant) -> Value {
    json!({ "account_id": tenant.account_id(), "project_id": tenant.project_id() })
}

fn read<T: DeserializeOwned>(with: &Value) -> Result<T> {
    api::from_value(if with.is_null() { json!({}) } else { with.clone() })
}

/// A result, of a page its items.
fn plain(result: Result<impl Serialize>) -> Result<Value> {
    let mut value = serde_json::to_value(result?).map_err(|_| Error::internal("a result cannot be written"))?;
    Ok(value.get_mut("items").map(Value::take).unwrap_or(value))
}
