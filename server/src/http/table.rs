//! The one table of routes. What is not here is not served, and what is here is in `/openapi.json`.

use axum::http::{Method, StatusCode};
use tenantry::api::{
    AccessToken, Account, ApiKey, DetectResponse, Grant, GrantSpec, GuardResponse, Identity, IdentitySettings,
    Introspection, IssuerReceipt, IssuerSpec, LimitSpec, NewApiKey, PolicyReceipt, PolicySpec, Project, Settings,
    SettingsPatch, TenantFacts, TokenRequest, TokenSpec, UsageReceipt, UsageReport, VerifyReport,
};

use super::{
    admin, api_keys, events, health, oauth,
    route::{Access, Route},
    shield, tenant,
};

/// A body of content: the largest text a guard call takes, and room for escapes.
pub const CONTENT: usize = 12 * 1024 * 1024;
/// A policy, or the keys of an issuer.
const TEXT: usize = 1024 * 1024;
const EVENTS: Option<&str> = Some("text/event-stream");
const OK: StatusCode = StatusCode::OK;
const CREATED: StatusCode = StatusCode::CREATED;
const EMPTY: StatusCode = StatusCode::NO_CONTENT;

impl Route {
    /// Reads a chain: from where, in which order, how much.
    fn reads_rows(self) -> Self {
        self.query("after", "integer", "After this row.")
            .query("since", "string", "A time (RFC 3339) or how long ago (`7d`).")
            .query("before", "integer", "Before this row: where the next page of the newest goes on.")
            .query("order", "string", "`oldest` first, or `newest`.")
            .query("limit", "integer", "At most 10,000.")
            .gives::<admin::RecordList>(OK, "The rows.")
    }
}

/// Every route.
#[must_use]
pub fn routes() -> Vec<Route> {
    let mut routes = guard();
    routes.extend(documented(&routes));
    routes.extend(tokens());
    routes.extend(keys());
    routes.extend(platform().into_iter().chain(project()).map(|route| route.access(Access::Caller)));
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
        post("/v1/shield/guard", "guard", "Decides one call.", shield::guard)
            .takes::<shield::GuardCall>()
            .up_to(CONTENT)
            .gives::<GuardResponse>(OK, "The decision.")
            .gives::<GuardResponse>(StatusCode::UNAUTHORIZED, "The decision is `step_up`; or a problem.")
            .gives::<GuardResponse>(StatusCode::TOO_EARLY, "The decision is `defer`."),
        post(
            "/v1/shield/guard/stream",
            "guard_stream",
            "Decides one call, and tells what each detector found before.",
            shield::guard_stream,
        )
        .takes::<shield::GuardCall>()
        .up_to(CONTENT)
        .streams()
        .gives_text(OK, EVENTS, "`detector_result` for each detector, then `decision`; or `error`."),
        post("/v1/shield/detect", "detect", "Inspects without judging.", shield::detect)
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
        ("guard", "/v1/guard", "documented_guard"),
        ("guard_stream", "/v1/guard/stream", "documented_guard_stream"),
        ("detect", "/v1/detect", "documented_detect"),
        ("detectors", "/v1/detectors", "documented_detectors"),
        ("debug_policies", "/v1/debug/policies", "documented_debug_policies"),
        ("shield_health", "/v1/health", "documented_health"),
    ];
    let also = |(of, path, name)| routes.iter().find(|route| route.name == of).map(|route| route.also(path, name));
    PATHS.into_iter().filter_map(also).collect()
}

fn tokens() -> Vec<Route> {
    vec![
        post("/oauth2/token", "token", "An access token for an API key or a refresh token.", oauth::token)
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

fn platform() -> Vec<Route> {
    const ACCOUNTS: &str = "/v1/admin/accounts";
    const ACCOUNT: &str = "/v1/admin/accounts/{account}";
    const PROJECTS: &str = "/v1/admin/accounts/{account}/projects";
    const PROJECT: &str = "/v1/admin/accounts/{account}/projects/{project}";
    const ISSUERS: &str = "/v1/admin/issuers";
    let delete = |path, name, summary| (Method::DELETE, path, name, summary);
    let (method, path, name, summary) = delete(ACCOUNT, "delete_account", "Deletes an account and its projects.");
    let delete_account =
        Route::new(method, path, name, summary, admin::delete_account).gives_text(EMPTY, None, "Gone.");
    vec![
        post(ACCOUNTS, "create_account", "Creates an account.", admin::create_account)
            .takes::<admin::NewScope>()
            .gives::<Account>(CREATED, "The account."),
        get(ACCOUNTS, "list_accounts", "All accounts.", admin::list_accounts)
            .gives::<admin::AccountList>(OK, "The accounts."),
        Route::new(
            Method::PUT,
            ACCOUNT,
            "ensure_account",
            "Gives the account, and creates it where there is none.",
            admin::ensure_account,
        )
        .may_take::<TenantFacts>()
        .gives::<Account>(OK, "The account."),
        get(ACCOUNT, "get_account", "One account.", admin::get_account).gives::<Account>(OK, "The account."),
        Route::new(Method::PATCH, ACCOUNT, "change_account", "Suspends or resumes an account.", admin::change_account)
            .takes::<admin::Change>()
            .gives::<Account>(OK, "The account."),
        delete_account,
        post(PROJECTS, "create_project", "Creates a project.", admin::create_project)
            .takes::<admin::NewScope>()
            .gives::<Project>(CREATED, "The project."),
        get(PROJECTS, "list_projects", "The projects of an account.", admin::list_projects)
            .gives::<admin::ProjectList>(OK, "The projects."),
        Route::new(
            Method::PUT,
            PROJECT,
            "ensure_project",
            "Gives the project, and creates it where there is none.",
            admin::ensure_project,
        )
        .may_take::<TenantFacts>()
        .gives::<Project>(OK, "The project."),
        get(PROJECT, "get_project", "One project.", admin::get_project).gives::<Project>(OK, "The project."),
        Route::new(Method::PATCH, PROJECT, "change_project", "Suspends or resumes a project.", admin::change_project)
            .takes::<admin::Change>()
            .gives::<Project>(OK, "The project."),
        Route::new(Method::DELETE, PROJECT, "delete_project", "Deletes a project.", admin::delete_project)
            .gives_text(EMPTY, None, "Gone."),
        Route::new(Method::PUT, ISSUERS, "put_issuer", "Takes an issuer's tokens from now on.", admin::put_issuer)
            .takes::<IssuerSpec>()
            .up_to(TEXT)
            .gives::<IssuerReceipt>(OK, "Which keys verify its tokens, and which do not."),
        get(ISSUERS, "list_issuers", "All issuers.", admin::list_issuers)
            .gives::<admin::IssuerList>(OK, "The issuers."),
        Route::new(Method::DELETE, ISSUERS, "remove_issuer", "Takes none of an issuer's tokens.", admin::remove_issuer)
            .query("issuer", "string", "The issuer.")
            .gives_text(EMPTY, None, "Gone."),
        get("/v1/admin/identity", "identity_settings", "The settings of identity.", admin::settings)
            .gives::<IdentitySettings>(OK, "The settings."),
        Route::new(
            Method::PATCH,
            "/v1/admin/identity",
            "change_identity_settings",
            "Changes the given settings of identity.",
            admin::change_settings,
        )
        .takes::<IdentitySettings>()
        .up_to(TEXT)
        .gives::<IdentitySettings>(OK, "The settings."),
        post(
            "/v1/admin/signing-keys/rotate",
            "rotate_signing_key",
            "Signs with a new key from now on.",
            admin::rotate_signing_key,
        )
        .gives_text(EMPTY, None, "Done."),
        get("/v1/admin/keys/{id}", "admin_key", "One API key, wherever the caller reaches.", admin::key)
            .gives::<ApiKey>(OK, "The key."),
        post(
            "/v1/admin/keys/{id}/revoke",
            "admin_revoke_key",
            "Ends a key, wherever the caller reaches, and every token for it.",
            admin::revoke_key,
        )
        .gives::<ApiKey>(OK, "The key as it is now."),
        post("/v1/admin/tokens", "issue_token", "A token for somebody the app has authenticated.", admin::issue_token)
            .takes::<TokenSpec>()
            .gives::<AccessToken>(CREATED, "The token."),
        post("/v1/admin/grants", "create_grant", "Lets one account act in another's project.", admin::create_grant)
            .takes::<GrantSpec>()
            .gives::<Grant>(CREATED, "The grant."),
        get("/v1/admin/grants", "list_grants", "The grants there are.", admin::list_grants)
            .gives::<admin::GrantList>(OK, "The grants."),
        Route::new(Method::DELETE, "/v1/admin/grants/{id}", "revoke_grant", "Ends a grant.", admin::revoke_grant)
            .gives_text(EMPTY, None, "Gone."),
        get("/v1/admin/grants/uses", "grant_uses", "What crossed between tenants.", admin::grant_uses).reads_rows(),
    ]
}

/// Paths below a project.
macro_rules! below {
    ($rest:literal) => {
        concat!("/v1/admin/accounts/{account}/projects/{project}", $rest)
    };
}

fn project() -> Vec<Route> {
    vec![
        get(below!("/policies"), "list_policies", "The policies in force.", tenant::list_policies)
            .gives::<tenant::PolicyList>(OK, "The policies."),
        Route::new(
            Method::PUT,
            below!("/policies/{name}"),
            "put_policy",
            "Attaches Cedar text under a name.",
            tenant::put_policy,
        )
        .takes::<PolicySpec>()
        .up_to(TEXT)
        .gives::<PolicyReceipt>(OK, "What came of it."),
        Route::new(
            Method::DELETE,
            below!("/policies/{name}"),
            "remove_policy",
            "Detaches a policy.",
            tenant::remove_policy,
        )
        .query("layer", "string", "`project`, unless it is attached above.")
        .gives_text(EMPTY, None, "Gone."),
        post(below!("/policies/packs/{pack}"), "attach_pack", "Attaches a pack of ours.", tenant::attach_pack)
            .gives::<PolicyReceipt>(OK, "What came of it."),
        get(below!("/limits"), "list_limits", "The limits in force.", tenant::list_limits)
            .gives::<tenant::LimitList>(OK, "The limits."),
        Route::new(Method::PUT, below!("/limits/{id}"), "set_limit", "Sets a rate limit.", tenant::set_limit)
            .takes::<LimitSpec>()
            .gives_text(EMPTY, None, "Done."),
        Route::new(
            Method::DELETE,
            below!("/limits/{id}"),
            "remove_limit",
            "Removes a rate limit.",
            tenant::remove_limit,
        )
        .query("layer", "string", "`project`, unless it is set above.")
        .gives_text(EMPTY, None, "Gone."),
        get(below!("/settings"), "settings", "The settings in force.", tenant::settings)
            .gives::<Settings>(OK, "The settings."),
        Route::new(
            Method::PATCH,
            below!("/settings"),
            "change_settings",
            "Changes the given fields.",
            tenant::change_settings,
        )
        .takes::<SettingsPatch>()
        .gives::<Settings>(OK, "The settings."),
        get(below!("/audit"), "audit", "Rows of the audit trail.", tenant::audit).reads_rows(),
        get(below!("/audit/head"), "audit_head", "A freshly signed head, for keeping elsewhere.", tenant::audit_head)
            .gives::<tenant::Head>(OK, "The head."),
        post(below!("/audit/verify"), "audit_verify", "Recomputes the chain.", tenant::audit_verify)
            .may_take::<tenant::Anchor>()
            .gives::<VerifyReport>(OK, "What was found."),
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
