//! The server's description of itself (OpenAPI 3.1), made from the table of routes and the types they take and give.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{
    problem::{OAuthError, Problem},
    route::{Access, Errors, Route},
};

/// What any route may answer beside what it says itself.
const FAILURES: [(&str, &str); 15] = [
    ("400", "The request is not acceptable."),
    ("401", "No credential, or one that is not taken."),
    ("403", "The credential does not reach this far."),
    ("404", "There is no such thing, or not for this caller."),
    ("405", "Not for this method."),
    ("408", "The body took too long to come."),
    ("409", "It exists, or was changed meanwhile."),
    ("413", "The body is too large."),
    ("415", "Not a body that is taken."),
    ("422", "The idempotency key was used for another request."),
    ("429", "Too many of them."),
    ("431", "The headers are too large."),
    ("500", "A defect here."),
    ("503", "Out of reach, overloaded or about to end; come again."),
    ("504", "It took too long."),
];

/// Headers that say which tenant is meant, among those the credential reaches, and that a call is a repetition.
const ACCOUNT: (&str, &str) = ("X-Account-ID", "The account, where the credential reaches several.");
const PROJECT: (&str, &str) = ("X-Project-ID", "The project, where the credential reaches several.");
const KEY: (&str, &str) =
    ("Idempotency-Key", "Names the call: repeated under it within a day, it is answered as before.");

/// The document.
#[must_use]
pub fn document(routes: &[Route], issuer: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem<'_>>();
    let oauth = generator.subschema_for::<OAuthError<'_>>();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let failure = match route.errors {
            Errors::Problem => json!({ "application/problem+json": { "schema": problem } }),
            Errors::OAuth => json!({
                "application/json": { "schema": oauth },
                "application/problem+json": { "schema": problem },
            }),
        };
        let mut responses: Map<String, Value> = FAILURES
            .iter()
            .map(|(status, what)| ((*status).to_owned(), json!({ "description": what, "content": failure })))
            .collect();
        for gives in &route.gives {
            let mut content = Map::new();
            if let Some(media) = gives.media {
                let schema = gives.schema.as_ref().map(|describe| describe(&mut generator));
                content.insert(media.into(), schema.map_or_else(|| json!({}), |schema| json!({ "schema": schema })));
            }
            let status = gives.status.as_str().to_owned();
            if !gives.status.is_success()
                && let Some(failures) = failure.as_object()
            {
                content.extend(failures.clone());
            }
            let mut answer = fields(json!({ "description": gives.what }));
            if !content.is_empty() {
                answer.insert("content".into(), Value::Object(content));
            }
            responses.insert(status, Value::Object(answer));
        }
        let mut operation = fields(json!({
            "operationId": route.name,
            "summary": route.summary,
            "parameters": parameters(route),
            "responses": responses,
        }));
        if let Some(takes) = &route.takes {
            let schema = (takes.schema)(&mut generator);
            let mut content = fields(json!({ "application/json": { "schema": schema } }));
            if takes.form {
                content.insert("application/x-www-form-urlencoded".into(), json!({ "schema": schema }));
            }
            operation.insert("requestBody".into(), json!({ "required": !takes.optional, "content": content }));
        }
        let security = match route.access {
            Access::Open => json!([]),
            Access::Tenant | Access::Caller => json!([{ "bearer": [] }, { "api_key": [] }]),
            Access::Client => json!([{ "bearer": [] }, { "api_key": [] }, {}]),
        };
        operation.insert("security".into(), security);
        if let Value::Object(path) = paths.entry(route.path.as_ref()).or_insert_with(|| json!({})) {
            path.insert(route.method.as_str().to_ascii_lowercase(), Value::Object(operation));
        }
    }
    let mut schemas = Value::Object(generator.take_definitions(true));
    let mut paths = Value::Object(paths);
    plain(&mut schemas);
    plain(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tenantry",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The boundary between the customers of an AI product.",
        },
        "servers": [{ "url": issuer }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An access token, a token of an issuer that is trusted here, or an API key." },
                "api_key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            },
        },
    })
}

/// Writes schemas as every generator of clients reads them. A default makes a field required to some and is refused by others where it
/// is nothing; what is absent is said in words. Null says the same as absence. A choice of constants is a list of words.
fn plain(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("default");
            for choice in ["oneOf", "anyOf"] {
                let Some(Value::Array(choices)) = fields.get_mut(choice) else { continue };
                choices.retain(|one| one.get("type").is_none_or(|kind| kind != "null"));
                let words = words(choices);
                let only = (choices.len() == 1).then(|| choices.first().cloned()).flatten();
                match (words, only) {
                    (Some((words, meanings)), _) => {
                        fields.remove(choice);
                        fields.insert("type".into(), json!("string"));
                        fields.insert("enum".into(), words);
                        let own = fields.get("description").and_then(Value::as_str).unwrap_or_default();
                        fields.insert("description".into(), json!(format!("{own}\n\n{meanings}").trim()));
                    }
                    (None, Some(Value::Object(only))) => {
                        fields.remove(choice);
                        fields.extend(only);
                    }
                    _ => {}
                }
            }
            if let Some(Value::Array(kinds)) = fields.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [only] = kinds.as_slice() {
                    let only = only.clone();
                    fields.insert("type".into(), only);
                }
            }
            fields.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

/// The words of a choice of constants, and what each means.
fn words(choices: &[Value]) -> Option<(Value, String)> {
    let mut words = Vec::new();
    let mut meanings = Vec::new();
    for choice in choices {
        let constant = choice.get("const").and_then(Value::as_str);
        let listed = choice.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let before = words.len();
        words.extend(constant.into_iter().chain(listed));
        if words.len() == before {
            return None;
        }
        let meaning = choice.get("description").and_then(Value::as_str).unwrap_or_default();
        if let (Some(word), false) = (words.last(), meaning.is_empty()) {
            meanings.push(format!("- `{word}`: {meaning}"));
        }
    }
    (!words.is_empty()).then(|| (json!(words), meanings.join("\n")))
}

/// The members of an object that was just written.
fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(
        |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }),
    );
    let in_query = route.query.iter().map(|query| {
        json!({ "name": query.name, "in": "query", "description": query.what, "schema": { "type": query.kind } })
    });
    let headers: &[(&str, &str)] = match (route.access, route.once) {
        (Access::Tenant, true) => &[ACCOUNT, PROJECT, KEY],
        (Access::Tenant, false) => &[ACCOUNT, PROJECT],
        _ => &[],
    };
    let in_header = headers.iter().map(
        |(name, what)| json!({ "name": name, "in": "header", "description": what, "schema": { "type": "string" } }),
    );
    in_path.chain(in_query).chain(in_header).collect()
}
