//! The routes of the table of operations: whatever stands there has a route for each of its levels. Routes that another system
//! defines are doors of their own.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value};
use tenantry::{
    Error, Result,
    api::parse_object,
    operations::{self, Row, TABLE},
    scope::Layer,
};

use super::{
    App, Call,
    answer::{Answer, json, nothing},
    route::{Access, Describe, Query, Route},
};

/// Every route of the table.
pub fn routes() -> Vec<Route> {
    let own = |row: &&'static Row| !row.facts.path.starts_with('/');
    TABLE.iter().filter(own).flat_map(|row| levels(row).into_iter().map(|level| route(row, level))).collect()
}

/// The levels a row has routes at, the deepest first: that one has its bare name.
fn levels(row: &Row) -> Vec<Layer> {
    match row.levels.len() {
        0 => row.facts.at.iter().rev().copied().collect(),
        1 => vec![Layer::Account],
        _ => vec![Layer::Project],
    }
}

fn route(row: &'static Row, level: Layer) -> Route {
    let prefix = match level {
        Layer::Platform => "/v1/admin",
        Layer::Account => "/v1/admin/accounts/{account}",
        Layer::Project => "/v1/admin/accounts/{account}/projects/{project}",
    };
    let path = match row.facts.path {
        "" => prefix.to_owned(),
        rest => format!("{prefix}/{rest}"),
    };
    let name = match level {
        level if levels(row).first() == Some(&level) => format!("{}_{}", row.module, row.verb),
        level => format!("{}_{}_{}", row.module, row.verb, level.name()),
    };
    let method = match row.facts.method {
        operations::Method::Get => Method::GET,
        operations::Method::Post => Method::POST,
        operations::Method::Put => Method::PUT,
        operations::Method::Patch => Method::PATCH,
        operations::Method::Delete => Method::DELETE,
    };
    let reads_query = matches!(method, Method::GET | Method::DELETE);
    let takes = Arc::new(Takes::of(row));
    let handler = {
        let takes = Arc::clone(&takes);
        move |_: App, call: Call| answer(row, level, Arc::clone(&takes), call)
    };
    let mut route = Route::new(method, path, name, row.docs.join("\n").trim().to_owned(), handler)
        .access(Access::Caller)
        .up_to(row.facts.body);
    if reads_query {
        route.query = takes.query.clone();
    } else if let Some(body) = &takes.body {
        route = route.takes_as(Arc::clone(body), takes.required.is_empty());
    }
    match row.output {
        Some(output) => {
            let status = if row.facts.created { StatusCode::CREATED } else { StatusCode::OK };
            route.gives_as(status, Arc::new(output), "Done.")
        }
        None => route.gives_text(StatusCode::NO_CONTENT, None, "Done."),
    }
}

/// What a row takes beside the names in its path.
struct Takes {
    in_path: Vec<&'static str>,
    query: Vec<Query>,
    required: Vec<String>,
    body: Option<Describe>,
}

impl Takes {
    fn of(row: &'static Row) -> Self {
        let names = row.facts.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let in_path: Vec<&str> = names.collect();
        let Some(input) = row.input else {
            return Self { in_path, query: Vec::new(), required: Vec::new(), body: None };
        };
        let mut generator = schemars::SchemaGenerator::default();
        let schema = inline(&mut generator, input);
        let fields = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let query = fields
            .iter()
            .filter(|(name, _)| !in_path.contains(&name.as_str()))
            .map(|(name, field)| Query {
                name: name.clone().into(),
                what: field.get("description").and_then(Value::as_str).unwrap_or_default().to_owned().into(),
                kind: if is_integer(field) { "integer" } else { "string" },
            })
            .collect();
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let required = required.filter(|name| !in_path.contains(name)).map(str::to_owned).collect();
        let hidden = in_path.clone();
        let body: Describe = Arc::new(move |generator| {
            if hidden.is_empty() {
                return input(generator);
            }
            // What stands in the path need not stand in the body.
            let mut schema = inline(generator, input);
            if let Some(Value::Object(fields)) = schema.get_mut("properties") {
                fields.retain(|name, _| !hidden.contains(&name.as_str()));
            }
            if let Some(Value::Array(required)) = schema.get_mut("required") {
                required.retain(|name| !hidden.iter().any(|own| name == own));
            }
            schema
        });
        Self { in_path, query, required, body: Some(body) }
    }

    /// The input of one request.
    fn read(&self, call: &Call, in_query: bool) -> Result<Map<String, Value>> {
        let refuse = |text: String| Error::invalid("request_invalid", text);
        let mut input = if in_query {
            if !call.body.is_empty() {
                return Err(refuse("this route takes no body".into()));
            }
            self.read_query(call)?
        } else if call.body.is_empty() {
            Map::new()
        } else {
            parse_object(call.text()?)?
        };
        for name in &self.in_path {
            let named = Value::from(call.named(name));
            match input.get(*name) {
                Some(Value::Null) | None => {}
                Some(Value::String(text)) if text.is_empty() => {}
                Some(given) if *given == named => {}
                Some(_) => return Err(refuse(format!("the `{name}` of the body is not that of the path"))),
            }
            input.insert((*name).to_owned(), named);
        }
        Ok(input)
    }

    fn read_query(&self, call: &Call) -> Result<Map<String, Value>> {
        let mut input = Map::new();
        for field in &self.query {
            let value = match field.kind {
                "integer" => call.number(&field.name)?.map(Value::from),
                _ => call.query(&field.name)?.map(Value::from),
            };
            if let Some(value) = value {
                input.insert(field.name.to_string(), value);
            }
        }
        Ok(input)
    }
}

fn is_integer(field: &Value) -> bool {
    let kind = field.get("type");
    let integer = |kind: &Value| kind == "integer";
    kind.is_some_and(|kind| integer(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(integer)))
}

/// The schema of a type itself, where the generator gives a reference to it.
fn inline(
    generator: &mut schemars::SchemaGenerator,
    describe: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
) -> schemars::Schema {
    let schema = describe(generator);
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let found = name.and_then(|name| generator.definitions().get(name)).cloned();
    found.and_then(|found| found.try_into().ok()).unwrap_or(schema)
}

async fn answer(row: &'static Row, level: Layer, takes: Arc<Takes>, call: Call) -> Answer {
    let client = call.caller()?;
    let in_query = matches!(row.facts.method, operations::Method::Get | operations::Method::Delete);
    let input = Value::Object(takes.read(&call, in_query)?);
    let named = [call.named("account"), call.named("project")];
    let done = match (level, row.levels) {
        (Layer::Project, []) => call.tenant_by_path().await?.operate(row, input).await,
        (Layer::Platform, _) => client.operate(row, &[], input).await,
        (Layer::Account, _) => client.operate(row, &named[..1], input).await,
        (Layer::Project, _) => client.operate(row, &named, input).await,
    };
    let output = done.map_err(|error| match error.code() {
        "request_invalid" if in_query => {
            Error::invalid("query_invalid", error.message().replace("the request", "the query"))
        }
        _ => error,
    })?;
    if row.output.is_none() {
        return Ok(nothing());
    }
    tell_operators(row, &output);
    json(if row.facts.created { StatusCode::CREATED } else { StatusCode::OK }, &output)
}

/// What a receipt says could not be used is for whoever runs this, too: nobody else may ever look at it.
fn tell_operators(row: &Row, receipt: &Value) {
    let text = |name: &str| receipt.get(name).and_then(Value::as_str).unwrap_or_default();
    let skipped: Vec<&str> =
        receipt.get("skipped").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let (skipped, unreachable) = (skipped.join("; "), text("unreachable"));
    if !skipped.is_empty() || !unreachable.is_empty() {
        let (operation, issuer) = (row.name(), text("issuer"));
        tracing::warn!(operation, issuer, skipped, unreachable, "keys of an issuer are not used");
    }
}
