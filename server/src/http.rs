//! HTTP: one table of routes, and one edge every request passes. Owns what all of them share: ids, limits, turns, the clock,
//! errors and the log. What a route does is in the modules below.
//!
//! A request that has been read is worked on to its end, whoever hangs up: the decision is made, charged and written down.

pub mod admin;
mod answer;
pub mod api_keys;
mod call;
pub mod events;
pub mod health;
pub mod oauth;
pub mod openapi;
mod problem;
pub mod route;
pub mod shield;
pub mod table;
pub mod tenant;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

pub use answer::Answer;
use axum::{
    Router,
    body::Body,
    extract::{RawPathParams, State, rejection::RawPathParamsRejection},
    http::{HeaderValue, Request, Response, Version, header},
    routing::{MethodFilter, MethodRouter},
};
use bytes::Bytes;
pub use call::Call;
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
pub use problem::{OAuthError, Problem};
use tenantry::{
    Error, Result, Tenant, Tenantry,
    api::{EVENT_LOOP_BYTES, Presented},
    entropy,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::route::{Access, Errors, Route};
use crate::{
    fair::{Gate, Turn, Width},
    metrics::Metrics,
};

/// Who is at the other end of a connection; put into each request by the listener.
#[derive(Clone, Debug)]
pub struct Peer(pub String);

/// What can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer of our tokens, which is also where clients reach this server.
    pub issuer: String,
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
    /// How long anybody waits for an answer.
    pub answer_timeout: Duration,
    /// Whether every request is logged, or failures alone.
    pub log_requests: bool,
    /// Whether `/metrics` answers other machines.
    pub open_metrics: bool,
}

struct Inner {
    client: Tenantry,
    settings: Settings,
    metrics: Metrics,
    /// Requests with little text, and those whose text takes a core for a while.
    light: Arc<Gate>,
    heavy: Arc<Gate>,
    /// Requests that administer: seldom, and each may cost much.
    admin: Arc<Gate>,
    streams: Arc<Gate>,
    work: TaskTracker,
    ending: CancellationToken,
    draining: AtomicBool,
    started: Instant,
    described: Bytes,
}

/// What every handler reaches.
#[derive(Clone)]
pub struct App(Arc<Inner>);

impl App {
    /// A server over a client.
    #[must_use]
    pub fn new(client: Tenantry, settings: Settings) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let described = openapi::document(&table::routes(), &settings.issuer).to_string();
        Self(Arc::new(Inner {
            client,
            metrics: Metrics::default(),
            // Some wait, in the line of a limit: the number in all is no bound on anybody but the one account.
            light: Gate::new(Width { total: 8_192, per_tenant: 128, line: 1_024 }),
            heavy: Gate::new(Width { total: 32, per_tenant: (cores * 2).min(16), line: 128 }),
            admin: Gate::new(Width { total: 1_024, per_tenant: 8, line: 128 }),
            streams: Gate::new(Width { total: 512, per_tenant: 32, line: 0 }),
            work: TaskTracker::new(),
            ending: CancellationToken::new(),
            draining: AtomicBool::new(false),
            started: Instant::now(),
            described: described.into(),
            settings,
        }))
    }

    /// The client all of it runs on.
    #[must_use]
    pub fn client(&self) -> &Tenantry {
        &self.0.client
    }

    /// What was set.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Set once the server is asked to end: streams then end, too.
    #[must_use]
    pub fn ending(&self) -> &CancellationToken {
        &self.0.ending
    }

    fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    fn load(&self) -> (usize, usize) {
        let ((running, waiting), (heavy, heavy_waiting)) = (self.0.light.load(), self.0.heavy.load());
        (running + heavy, waiting + heavy_waiting)
    }

    /// Says that no more is to come, and waits for what is under way.
    pub async fn drain(&self, longest: Duration) -> bool {
        self.0.draining.store(true, Ordering::Release);
        self.0.ending.cancel();
        self.0.work.close();
        tokio::time::timeout(longest, self.0.work.wait()).await.is_ok()
    }

    /// The project of whoever presents this.
    ///
    /// # Errors
    /// As `Tenantry::authenticate`.
    pub async fn tenant(&self, call: &Call) -> Result<Tenant> {
        self.client().authenticate(&call.presented()?).await
    }

    /// Whoever presents this, for routes that name in their path what they are about.
    ///
    /// # Errors
    /// As `Tenantry::signed_in`.
    pub async fn signed_in(&self, call: &Call) -> Result<Tenantry> {
        self.client().signed_in(&call.presented_by_path()?).await
    }

    /// The project the path names, as whoever presents this.
    ///
    /// # Errors
    /// As `Tenantry::tenant`: what lies outside the caller's authority and what does not exist there read the same.
    pub async fn tenant_by_path(&self, call: &Call) -> Result<Tenant> {
        self.signed_in(call).await?.tenant(call.named("account"), call.named("project")).await
    }

    /// Inspects content. Much of it is worked on beside the event loop.
    ///
    /// # Errors
    /// What the work raises.
    pub async fn inspect<T, W>(&self, body: &Bytes, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        if is_heavy(body) { beside(work).await } else { work.await }
    }

    /// A place among the account's streams.
    ///
    /// # Errors
    /// `overloaded`.
    pub async fn stream(&self, tenant: &Tenant) -> Result<Turn> {
        self.0.streams.turn(&account_of(tenant)).await
    }

    /// Waits for the turn of whoever asks: of its account, for the projects of one are one customer's.
    async fn turn(&self, route: &Route, presented: &Presented, large: bool) -> Result<Option<Turn>> {
        if route.access != Access::Credential {
            return Ok(None);
        }
        if route.stream && route.largest < table::CONTENT {
            // It takes its place among the streams instead.
            return Ok(None);
        }
        if route.largest < table::CONTENT {
            let caller = self.client().signed_in(presented).await?;
            let account = caller.caller()?.map(|caller| caller.account_id).unwrap_or_default();
            return self.0.admin.turn(&account).await.map(Some);
        }
        let tenant = self.client().authenticate(presented).await?;
        let gate = if large { &self.0.heavy } else { &self.0.light };
        gate.turn(&account_of(&tenant)).await.map(Some)
    }
}

fn account_of(tenant: &Tenant) -> String {
    tenant.scope().account_uid().to_hex()
}

/// Such a body is neither read nor inspected on an event loop's thread.
fn is_heavy(body: &Bytes) -> bool {
    body.len() > EVENT_LOOP_BYTES
}

/// Runs work that takes its time on a thread of its own.
async fn beside<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(work)).await;
    done.map_err(|_| Error::internal("a handler panicked"))?
}

/// All routes as a service.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in table::routes() {
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        let path = route.path;
        let route = Arc::new(route);
        let handler = move |State(app): State<App>,
                            path: std::result::Result<RawPathParams, RawPathParamsRejection>,
                            request: Request<Body>| {
            let route = Arc::clone(&route);
            let close = closes(&request);
            async move { closing(edge(app, route, path.ok(), request).await, close) }
        };
        router = router.route(path, MethodRouter::new().on(filter, handler));
    }
    let unknown = |State(app): State<App>, request: Request<Body>| async move {
        let error = Error::not_found("route_unknown", "there is no such route");
        closing(refused(&app, "unknown", &error), closes(&request))
    };
    let wrong_method = |State(app): State<App>, request: Request<Body>| async move {
        let error = Error::invalid("method_not_allowed", "this route is not for this method");
        closing(refused(&app, "unknown", &error), closes(&request))
    };
    router.fallback(unknown).method_not_allowed_fallback(wrong_method).with_state(app)
}

/// Whether a connection ends with an answer that comes before the body was read, as it may where there is one.
fn closes(request: &Request<Body>) -> bool {
    request.version() < Version::HTTP_2 && !request.body().is_end_stream()
}

/// Says that the connection ends, where it may: a client that is not told sends its next request into the void.
fn closing(mut answer: Response<Body>, may_close: bool) -> Response<Body> {
    let unread = matches!(answer.status().as_u16(), 401 | 403 | 404 | 405 | 408 | 413 | 415 | 503);
    if may_close && unread {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

fn refused(app: &App, route: &'static str, error: &Error) -> Response<Body> {
    let request_id = entropy::request_id();
    let answer = signed(problem::problem(error, &request_id), &request_id);
    app.metrics().answered(route, answer.status().as_u16(), Duration::ZERO);
    answer
}

/// What every answer carries.
fn signed(mut answer: Response<Body>, request_id: &str) -> Response<Body> {
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // What is decided for one caller is nobody else's to see.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// The way of one request: read whole, worked on, answered, counted, by a task of its own. Whoever waits may give up, also
/// we; the task goes on.
async fn edge(app: App, route: Arc<Route>, path: Option<RawPathParams>, request: Request<Body>) -> Response<Body> {
    let request_id = entropy::request_id();
    let (id, own, of_route) = (request_id.clone(), app.clone(), Arc::clone(&route));
    let task = app.0.work.spawn(async move {
        let began = Instant::now();
        let result = pass(&own, &of_route, path, request, &id).await;
        let error = result.as_ref().err().cloned();
        let answer = signed(result.unwrap_or_else(|error| failure(&of_route, &error, &id)), &id);
        let (took, status) = (began.elapsed(), answer.status().as_u16());
        own.metrics().answered(of_route.name, status, took);
        log(&own, &of_route, &id, status, took, error.as_ref());
        answer
    });
    let error = match tokio::time::timeout(app.settings().answer_timeout, task).await {
        Ok(Ok(answer)) => return answer,
        Ok(Err(_)) => Error::internal("a handler panicked"),
        Err(_) => Error::new(tenantry::ErrorKind::Timeout, "deadline_exceeded", "the answer took too long"),
    };
    let answer = signed(failure(&route, &error, &request_id), &request_id);
    log(&app, &route, &request_id, answer.status().as_u16(), app.settings().answer_timeout, Some(&error));
    answer
}

fn failure(route: &Route, error: &Error, request_id: &str) -> Response<Body> {
    match route.errors {
        Errors::OAuth => problem::oauth(error, request_id),
        Errors::Problem => problem::problem(error, request_id),
    }
}

/// One line, of names and numbers only.
fn log(app: &App, route: &Route, request_id: &str, status: u16, took: Duration, error: Option<&Error>) {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let (route, code) = (route.name, error.map_or("", Error::code));
    if status >= 500 {
        // The message of a defect or an outage has ids and file names at most.
        let message = error.map_or("", Error::message);
        tracing::error!(request_id, route, status, micros, code, message, "request failed");
    } else if app.settings().log_requests {
        tracing::info!(request_id, route, status, micros, code, "request");
    }
}

async fn pass(app: &App, route: &Arc<Route>, path: Option<RawPathParams>, request: Request<Body>, id: &str) -> Answer {
    if app.is_draining() {
        return Err(
            Error::unavailable("draining", "the server is about to end").with_retry_after(Duration::from_secs(1))
        );
    }
    let (parts, body) = request.into_parts();
    let path = path.ok_or_else(|| Error::invalid("path_invalid", "the path is not well encoded"))?;
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.clone()).unwrap_or_default();
    let expected = length(&parts.headers);
    let mut call = Call {
        path: path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: Bytes::new(),
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        peer,
        request_id: id.to_owned(),
    };
    let large = body.size_hint().upper().is_none_or(|upper| upper > EVENT_LOOP_BYTES as u64);
    let presented = if route.by_path() { call.presented_by_path() } else { call.presented() };
    let _turn = if large {
        // Before the body: nobody sends much without a credential, and of what is sent only so much is held at once.
        let turn = app.turn(route, &presented?, true).await?;
        call.body = read(app, route, expected, &call.headers, body).await?;
        turn
    } else {
        // After it: who sends little slowly holds up nobody.
        call.body = read(app, route, expected, &call.headers, body).await?;
        app.turn(route, &presented?, false).await?
    };
    (route.handler)(app.clone(), call).await
}

fn length(headers: &axum::http::HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok())
}

async fn read(
    app: &App,
    route: &Route,
    told: Option<usize>,
    headers: &axum::http::HeaderMap,
    body: Body,
) -> Result<Bytes> {
    let too_large = || Error::invalid("body_too_large", format!("the body is larger than {} bytes", route.largest));
    if told.is_some_and(|length| length > route.largest) {
        return Err(too_large());
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Error::invalid("media_type_unsupported", "compressed bodies are not taken"));
    }
    let whole = Limited::new(body, route.largest).collect();
    match tokio::time::timeout(app.settings().body_timeout, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Ok(Err(_)) => Err(Error::invalid("body_incomplete", "the body broke off")),
        Err(_) => Err(Error::invalid("body_timeout", "the body took too long to come")),
    }
}
