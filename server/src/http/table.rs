//! The one table of routes, beside those of the table of operations. What is not here is not served, and what is here is in `/openapi.json`.

use axum::http::{Method, StatusCode};
use tenantry::api::{
    AccessToken, DetectResponse, GuardResponse, Identity, IdentitySettings, Introspection, NewApiKey, TokenRequest,
    UsageReceipt, UsageReport,
};

use super::{
    admin, api_keys, events, health, oauth, operations,
    route::{Access, Route},
    shield,
};

/// A body of content: the largest text a guard call takes, and room for escapes.
pub const CONTENT: usize = 12 * 1024 * 1024;
/// Settings with the policies and limits new projects start with.
const TEXT: usize = 1024 * 1024;
const EVENTS: Option<&str> = Some("text/event-stream");
const OK: StatusCode = StatusCode::OK;
const CREATED: StatusCode = StatusCode::CREATED;

/// Every route.
#[must_use]
pub fn routes() -> Vec<Route> {
    let mut routes = guard();
    routes.extend(documented(&routes));
    routes.extend(tokens());
    routes.extend(keys());
    routes.extend(operations::routes());
    routes.extend(identity_settings());
    routes.extend(operation());
    routes
}

fn get<F, Fut>(path: &'static str, name: &'static str, summary: &'static str, handler: F) -> Route
where
    F: Fn(super::App, super::Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = super::Answer> + Send + 'static,
{
    Route::new(Method::GET, path, name, summary, handler)
}

fn post<F, Fut>(path: &'static str, name: &'static str, summary: &'static str, handler: F) -> Route
where
    F: Fn(super::App, super::Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = super::Answer> + Send + 'static,
{
    Route::new(Method::POST, path, name, summary, handler)
}

fn guard() -> Vec<Route> {
    vec![
        post("/v1/shield/guard", "shield_guard", "Decides one call.", shield::guard)
            .once()
            .takes::<shield::GuardCall>()
            .up_to(CONTENT)
            .gives::<GuardResponse>(OK, "The decision.")
            .gives::<GuardResponse>(StatusCode::UNAUTHORIZED, "The decision is `step_up`; or a problem.")
            .gives::<GuardResponse>(StatusCode::TOO_EARLY, "The decision is `defer`."),
        post(
            "/v1/shield/guard/stream",
            "shield_guard_stream",
            "Decides one call, and tells what each detector found before.",
            shield::guard_stream,
        )
        .takes::<shield::GuardCall>()
        .up_to(CONTENT)
        .streams()
        .gives_text(OK, EVENTS, "`detector_result` for each detector, then `decision`; or `error`."),
        post("/v1/shield/detect", "shield_detect", "Inspects without judging.", shield::detect)
            .takes::<shield::DetectRequest>()
            .up_to(CONTENT)
            .gives::<DetectResponse>(OK, "What was found."),
        post("/v1/shield/usage", "usage", "Writes down what a model call cost.", shield::usage)
            .takes::<UsageReport>()
            .gives::<UsageReceipt>(OK, "The cost."),
        get("/v1/shield/detectors", "detectors", "The detectors there are.", shield::detectors)
            .gives::<shield::Detectors>(OK, "The detectors."),
        get("/v1/shield/debug/policies", "debug_policies", "The policies in force.", shield::policies)
            .query("product", "string", "The product; `guardrails` is the only one with policies.")
            .gives::<shield::LoadedPolicies>(OK, "The policies."),
        get("/v1/shield/health", "shield_health", "Whether the server is there.", health::health)
            .access(Access::Open)
            .gives::<health::Health>(OK, "It is."),
        get("/v1/events", "events", "What happens in the caller's project, as it happens.", events::follow)
            .query("after", "integer", "The sequence of the row to go on after; `Last-Event-ID` comes first.")
            .streams()
            .gives_text(OK, EVENTS, "A row of the audit trail per event, its sequence as id."),
        get("/v1/whoami", "whoami", "Who the caller is, and what it reaches.", admin::whoami)
            .gives::<Identity>(OK, "The caller."),
    ]
}

/// The paths of Highflame's public documentation, where they differ from those its clients call: the same handlers.
fn documented(routes: &[Route]) -> Vec<Route> {
    const PATHS: [(&str, &str, &str); 6] = [
        ("shield_guard", "/v1/guard", "documented_guard"),
        ("shield_guard_stream", "/v1/guard/stream", "documented_guard_stream"),
        ("shield_detect", "/v1/detect", "documented_detect"),
        ("detectors", "/v1/detectors", "documented_detectors"),
        ("debug_policies", "/v1/debug/policies", "documented_debug_policies"),
        ("shield_health", "/v1/health", "documented_health"),
    ];
    let also = |(of, path, name)| routes.iter().find(|route| route.name == of).map(|route| route.also(path, name));
    PATHS.into_iter().filter_map(also).collect()
}

fn tokens() -> Vec<Route> {
    vec![
        post("/oauth2/token", "oauth_token", "An access token for an API key or a refresh token.", oauth::token)
            .access(Access::Open)
            .oauth()
            .takes::<TokenRequest>()
            .or_form()
            .gives::<AccessToken>(OK, "The token."),
        post("/oauth2/token/introspect", "introspect", "What a token is worth now (RFC 7662).", oauth::introspect)
            .access(Access::Client)
            .oauth()
            .takes::<oauth::TokenQuestion>()
            .or_form()
            .gives::<Introspection>(OK, "What it is worth."),
        post("/oauth2/token/revoke", "revoke", "Ends a token (RFC 7009).", oauth::revoke)
            .access(Access::Client)
            .oauth()
            .takes::<oauth::TokenQuestion>()
            .or_form()
            .gives::<oauth::Revoked>(OK, "It is ended, or never was."),
        get("/.well-known/jwks.json", "jwks", "The public keys of our tokens (RFC 7517).", oauth::jwks)
            .access(Access::Open)
            .gives::<oauth::KeySet>(OK, "The keys."),
        get(
            "/.well-known/oauth-authorization-server",
            "authorization_server",
            "Where tokens come from (RFC 8414).",
            oauth::metadata,
        )
        .access(Access::Open)
        .gives::<oauth::Metadata>(OK, "The addresses."),
        get(
            "/.well-known/oauth-protected-resource",
            "protected_resource",
            "Whose tokens are taken (RFC 9728).",
            oauth::resource,
        )
        .access(Access::Open)
        .gives::<oauth::Resource>(OK, "The issuer."),
    ]
}

fn keys() -> Vec<Route> {
    vec![
        post("/api-keys", "create_key", "Makes an API key in the caller's project.", api_keys::create)
            .takes::<api_keys::KeyRequest>()
            .gives::<NewApiKey>(CREATED, "The key, shown this once."),
        get("/api-keys", "list_keys", "The API keys of the caller's project.", api_keys::list)
            .query("page", "integer", "From 1.")
            .query("limit", "integer", "At most 100.")
            .gives::<api_keys::Keys>(OK, "The keys."),
        get("/api-keys/{id}", "get_key", "One API key.", api_keys::get).gives::<api_keys::Key>(OK, "The key."),
        post("/api-keys/{id}/revoke", "revoke_key", "Ends a key, and every token for it.", api_keys::revoke)
            .may_take::<api_keys::Reason>()
            .gives::<api_keys::Key>(OK, "The key as it is now."),
        post("/api-keys/{id}/rotate", "rotate_key", "Makes a key to take another's place.", api_keys::rotate)
            .may_take::<api_keys::Rotation>()
            .gives::<NewApiKey>(CREATED, "The new key, shown this once."),
    ]
}

/// What the table of operations leaves to this server: its own address among the settings of identity is not changed under its
/// feet.
fn identity_settings() -> Vec<Route> {
    const PATH: &str = "/v1/admin/identity";
    vec![
        get(PATH, "identity_settings", "Reads the settings of identity.", admin::settings)
            .access(Access::Caller)
            .gives::<IdentitySettings>(OK, "The settings."),
        Route::new(
            Method::PATCH,
            PATH,
            "change_identity_settings",
            "Changes the given settings of identity.",
            admin::change_settings,
        )
        .access(Access::Caller)
        .takes::<IdentitySettings>()
        .up_to(TEXT)
        .gives::<IdentitySettings>(OK, "The settings."),
    ]
}

fn operation() -> Vec<Route> {
    vec![
        get("/health", "health", "Whether the server is there.", health::health)
            .access(Access::Open)
            .gives::<health::Health>(OK, "It is."),
        get("/ready", "ready", "Whether requests may be sent here.", health::ready)
            .access(Access::Open)
            .gives::<health::Ready>(OK, "They may."),
        get("/metrics", "metrics", "What is counted; for this machine, or the platform's keys.", health::metrics)
            .access(Access::Open)
            .gives_text(OK, Some("application/openmetrics-text"), "OpenMetrics."),
        get("/openapi.json", "openapi", "This description.", health::openapi).access(Access::Open).gives_text(
            OK,
            Some("application/json"),
            "OpenAPI 3.1.",
        ),
    ]
}
