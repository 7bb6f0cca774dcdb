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
pub mod hosts;
pub mod oauth;
pub mod openapi;
pub mod operations;
mod problem;
pub mod route;
pub mod shield;
pub mod table;

use std::{
    pin::pin,
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
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header},
    response::IntoResponse as _,
    routing::{MethodFilter, MethodRouter},
};
use bytes::Bytes;
pub use call::{Asking, Call};
use hosts::Hosts;
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
pub use problem::{OAuthError, Problem};
use tenantry::{Error, Result, Tenant, Tenantry, api::EVENT_LOOP_BYTES, entropy, runtime};
use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service as _;

use self::route::{Access, Errors, Route};
use crate::{
    fair::{Gate, Limits, Permit},
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
    /// How long a connection over HTTP/1.1 is kept on which nothing is asked.
    pub idle: Duration,
    /// How long anybody waits for an answer.
    pub answer_timeout: Duration,
    /// Whether every request is logged, or failures alone.
    pub log_requests: bool,
    /// Whether `/metrics` answers other machines.
    pub open_metrics: bool,
    /// The names it answers to, and to no other page or name; none means any, since callers have credentials then.
    pub hosts: Option<Hosts>,
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
    leaving: AtomicBool,
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
            light: Gate::new(Limits { total: 8_192, per_tenant: 128, line: 1_024 }),
            heavy: Gate::new(Limits { total: 32, per_tenant: (cores * 2).min(16), line: 128 }),
            admin: Gate::new(Limits { total: 1_024, per_tenant: 8, line: 128 }),
            streams: Gate::new(Limits { total: 512, per_tenant: 32, line: 0 }),
            work: TaskTracker::new(),
            ending: CancellationToken::new(),
            leaving: AtomicBool::new(false),
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

    /// Says to whoever asks by `/ready` that no more is to be sent here. What comes is still answered.
    pub fn leave(&self) {
        self.0.leaving.store(true, Ordering::Release);
    }

    fn is_leaving(&self) -> bool {
        self.0.leaving.load(Ordering::Acquire)
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

    /// A place among the account's streams.
    ///
    /// # Errors
    /// `overloaded`.
    pub async fn stream(&self, tenant: &Tenant) -> Result<Permit> {
        self.0.streams.turn(tenant.account_id()).await
    }

    /// Finds out who asks, and waits for the turn of its account: the projects of one are one customer's.
    async fn enter(&self, route: &Route, call: &mut Call, large: bool) -> Result<()> {
        let content = route.largest >= table::CONTENT;
        let (account, gate) = match route.access {
            Access::Open | Access::Client => return Ok(()),
            Access::Tenant => {
                let tenant = self.client().authenticate(&call.presented()?).await?;
                // Its own, where it crosses into another: what it takes up there would be that one's.
                let account = home_of(&tenant).to_owned();
                call.asking = Asking::Tenant(tenant);
                let gate = match (content, large) {
                    // It takes its place among the streams instead.
                    (false, _) if route.stream => return Ok(()),
                    (false, _) => &self.0.admin,
                    (true, true) => &self.0.heavy,
                    (true, false) => &self.0.light,
                };
                (account, gate)
            }
            Access::Caller => {
                let caller = self.client().signed_in(&call.presented_by_path()?).await?;
                let account = caller.caller()?.map(|caller| caller.account_id).unwrap_or_default();
                call.asking = Asking::Caller(caller);
                (account, &self.0.admin)
            }
        };
        call.turn = Some(gate.turn(&account).await?);
        Ok(())
    }
}

/// The account whoever acts is at home in; another one than it acts in where it crossed by a grant.
fn home_of(tenant: &Tenant) -> &str {
    let own = tenant.caller().map(|caller| caller.account_id.as_str());
    own.filter(|account| !account.is_empty()).unwrap_or(tenant.account_id())
}

/// Works on little here, and on much on a thread of its own.
async fn worked_on<T: Send + 'static>(
    heavy: bool,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    if !heavy {
        return work.await;
    }
    let runtime = Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(work)).await;
    done.map_err(|_| Error::internal("a handler panicked"))?
}

/// Most headers of one request; more are refused with 431.
pub const MAX_HEADERS: usize = 100;

/// What answers every request of every connection.
#[derive(Clone)]
pub struct Service {
    app: App,
    router: Router,
}

impl Service {
    /// All routes of an app.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { router: router(app.clone()), app }
    }

    /// Answers a request, whatever it asks for.
    pub async fn answer(mut self, request: Request<Body>) -> Response<Body> {
        // HTTP/2 counts their bytes alone. HTTP/1.1 is answered by hyper, and this as that.
        if request.headers().len() > MAX_HEADERS {
            self.app.metrics().failed("headers_too_many");
            return StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response();
        }
        // Whatever its route, also where there is none.
        if let Some(Err(error)) = self.app.settings().hosts.as_ref().map(|hosts| hosts.check(&request)) {
            return refused(&self.app, &request, &error);
        }
        if let Err(error) = hosts::check_named(&request) {
            return closed(refused(&self.app, &request, &error), request.version() < Version::HTTP_2);
        }
        self.router.call(request).await.unwrap_or_else(|error| match error {})
    }
}

/// All routes.
fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in table::routes() {
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        let path = route.path.clone();
        let route = Arc::new(route);
        let handler =
            move |State(app): State<App>,
                  path: std::result::Result<RawPathParams, RawPathParamsRejection>,
                  request: Request<Body>| edge(app, Arc::clone(&route), path.ok(), request);
        router = router.route(&path, MethodRouter::new().on(filter, handler));
    }
    let unknown = |State(app): State<App>, request: Request<Body>| async move {
        refused(&app, &request, &Error::not_found("route_unknown", "there is no such route"))
    };
    let wrong_method = |State(app): State<App>, request: Request<Body>| async move {
        refused(&app, &request, &Error::invalid("method_not_allowed", "this route is not for this method"))
    };
    router.fallback(unknown).method_not_allowed_fallback(wrong_method).with_state(app)
}

/// Whether an answer that comes before the body was read ends the connection.
fn closes(request: &Request<Body>) -> bool {
    request.version() < Version::HTTP_2 && !request.body().is_end_stream()
}

/// Says that the connection ends: a client that is not told sends its next request into the void.
fn closed(mut answer: Response<Body>, closes: bool) -> Response<Body> {
    if closes {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

fn refused(app: &App, request: &Request<Body>, error: &Error) -> Response<Body> {
    let request_id = entropy::request_id();
    let answer = signed(problem::problem(app, error, &request_id), &request_id);
    app.metrics().answered(&"unknown".into(), answer.status().as_u16(), Duration::ZERO);
    closed(answer, closes(request))
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

/// What the work on a request and whoever waits for it tell each other.
struct Progress {
    /// The body was read, so that the connection can go on.
    read: AtomicBool,
    /// It was answered without the work, which then has nothing to tell.
    given_up: AtomicBool,
}

/// The way of one request: read whole, worked on, answered, counted. Whoever waits may give up, also we; the work goes on.
async fn edge(app: App, route: Arc<Route>, path: Option<RawPathParams>, request: Request<Body>) -> Response<Body> {
    let request_id = entropy::request_id();
    let progress = Arc::new(Progress { read: AtomicBool::new(!closes(&request)), given_up: AtomicBool::new(false) });
    let (id, own, of_route, seen) = (request_id.clone(), app.clone(), Arc::clone(&route), Arc::clone(&progress));
    let token = app.0.work.token();
    let work = runtime::run_to_completion(async move {
        // Until it is done the server does not end.
        let _token = token;
        let began = Instant::now();
        let passed = runtime::catch_panic(pin!(pass(&own, &of_route, path, request, &id, &seen.read))).await;
        let (answer, error) = match passed {
            Ok(answer) => (answer, None),
            Err(error) => (failure(&own, &of_route, &error, &id), Some(error)),
        };
        let answer = closed(signed(answer, &id), !seen.read.load(Ordering::Acquire));
        if !seen.given_up.load(Ordering::Acquire) {
            tell(&own, &of_route, &id, answer.status().as_u16(), began.elapsed(), error.as_ref());
        }
        Ok(answer)
    });
    let longest = app.settings().answer_timeout;
    if let Ok(answered) = tokio::time::timeout(longest, work).await {
        return answered.unwrap_or_else(|error| signed(failure(&app, &route, &error, &request_id), &request_id));
    }
    progress.given_up.store(true, Ordering::Release);
    let error = Error::new(tenantry::ErrorKind::Timeout, "deadline_exceeded", "the answer took too long");
    let answer = signed(failure(&app, &route, &error, &request_id), &request_id);
    tell(&app, &route, &request_id, answer.status().as_u16(), longest, Some(&error));
    closed(answer, !progress.read.load(Ordering::Acquire))
}

fn failure(app: &App, route: &Route, error: &Error, request_id: &str) -> Response<Body> {
    match route.errors {
        Errors::OAuth => problem::oauth(app, error, request_id),
        Errors::Problem => problem::problem(app, error, request_id),
    }
}

/// Counts an answer, and logs it: one line, of names and numbers only.
fn tell(app: &App, route: &Route, request_id: &str, status: u16, took: Duration, error: Option<&Error>) {
    app.metrics().answered(&route.name, status, took);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let (route, code) = (route.name.as_ref(), error.map_or("", Error::code));
    let cause = error.map(problem::cause).unwrap_or_default();
    if status >= 500 {
        // The message of a defect or an outage has ids and file names at most.
        let message = error.map_or("", Error::message);
        tracing::error!(request_id, route, status, micros, code, message, cause, "request failed");
    } else if error.is_some_and(problem::is_for_operators) && !cause.is_empty() {
        // Something here is not as it should be, and who asks is not told what.
        tracing::warn!(request_id, route, status, micros, code, cause, "request refused");
    } else if app.settings().log_requests {
        tracing::info!(request_id, route, status, micros, code, "request");
    }
}

fn draining() -> Error {
    Error::unavailable("draining", "the server is about to end").with_retry_after(Duration::from_secs(1))
}

async fn pass(
    app: &App,
    route: &Route,
    path: Option<RawPathParams>,
    request: Request<Body>,
    id: &str,
    is_read: &AtomicBool,
) -> Answer {
    if app.is_draining() {
        return Err(draining());
    }
    let (parts, body) = request.into_parts();
    let path = path.ok_or_else(|| Error::invalid("path_invalid", "the path is not well encoded"))?;
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.clone()).unwrap_or_default();
    let mut call = Call {
        path: path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: Bytes::new(),
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        peer,
        request_id: id.to_owned(),
        asking: Asking::Anybody,
        turn: None,
    };
    let may_be_large = body.size_hint().upper().is_none_or(|upper| upper > EVENT_LOOP_BYTES as u64);
    let large = may_be_large && route.largest > EVENT_LOOP_BYTES;
    if large {
        // Before the body: nobody sends much without a credential, and of what is sent only so much is held at once.
        app.enter(route, &mut call, true).await?;
    }
    call.body = read(app, route, &call.headers, body).await?;
    is_read.store(true, Ordering::Release);
    if !large {
        // After it: who sends little slowly holds up nobody.
        app.enter(route, &mut call, false).await?;
    }
    worked_on(call.is_heavy(), (route.handler)(app.clone(), call)).await
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok())
}

/// A body is JSON, or a form where the route takes one. A page can send what calls itself something else, or nothing, without
/// asking the server first; where callers have credentials of their own, nothing is enough.
fn check_media_type(app: &App, route: &Route, headers: &HeaderMap, body: &Body) -> Result<()> {
    let refused = || {
        Error::invalid("media_type_unsupported", "the body does not say that it is JSON")
            .with_help("send `Content-Type: application/json`")
    };
    let mut given = headers.get_all(header::CONTENT_TYPE).iter().peekable();
    if given.peek().is_none() && app.settings().hosts.is_some() && !body.is_end_stream() {
        return Err(refused());
    }
    let form = route.takes.as_ref().is_some_and(|takes| takes.form);
    let is_taken = |value: &HeaderValue| {
        let name = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let json = name == "application/json" || name.starts_with("application/") && name.ends_with("+json");
        json || form && name == "application/x-www-form-urlencoded"
    };
    if route.method == Method::GET || given.all(is_taken) { Ok(()) } else { Err(refused()) }
}

async fn read(app: &App, route: &Route, headers: &HeaderMap, body: Body) -> Result<Bytes> {
    let too_large = || Error::invalid("body_too_large", format!("the body is larger than {} bytes", route.largest));
    if length(headers).is_some_and(|length| length > route.largest) {
        return Err(too_large());
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Error::invalid("media_type_unsupported", "compressed bodies are not taken"));
    }
    check_media_type(app, route, headers, &body)?;
    let whole = Limited::new(body, route.largest).collect();
    match tokio::time::timeout(app.settings().body_timeout, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Ok(Err(_)) => Err(Error::invalid("body_incomplete", "the body broke off")),
        Err(_) => Err(Error::invalid("body_timeout", "the body took too long to come")),
    }
}
