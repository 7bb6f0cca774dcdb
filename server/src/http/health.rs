//! Whether the server is there, can work, what it counts and how it describes itself.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use axum::{
    body::Body,
    http::{HeaderValue, Response, header},
};
use schemars::JsonSchema;
use serde::Serialize;
use tenantry::{Error, ErrorKind, Result, api::Presented, clock::rfc3339, detect::CATALOGUE};

use super::{
    App, Call,
    answer::{Answer, cached, ok},
};

/// That the server is there: Shield's and ZeroID's shapes in one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// `healthy`.
    pub status: &'static str,
    /// `tenantry`.
    pub service: &'static str,
    /// The version that runs.
    pub version: &'static str,
    /// Now, RFC 3339.
    pub timestamp: String,
    /// How long it has been running.
    pub uptime_ms: u64,
    /// Each detector's status.
    pub detectors: BTreeMap<&'static str, &'static str>,
    /// `ready`.
    pub evaluator: &'static str,
}

/// `GET /health` and `GET /v1/shield/health`
pub async fn health(app: App, _call: Call) -> Answer {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    ok(&Health {
        status: "healthy",
        service: "tenantry",
        version: env!("CARGO_PKG_VERSION"),
        timestamp: rfc3339(i64::try_from(now.as_micros()).unwrap_or(i64::MAX)),
        uptime_ms: u64::try_from(app.0.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        detectors: CATALOGUE.iter().map(|info| (info.name, "healthy")).collect(),
        evaluator: "ready",
    })
}

/// Whether requests may be sent here.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Ready {
    /// `ready`.
    pub status: &'static str,
}

/// How long the store may take before the server is not ready.
const READY: Duration = Duration::from_secs(1);

/// `GET /ready`: what is stored can be read, by the threads that requests need. While the server ends, the edge answers 503
/// before this is asked.
pub async fn ready(app: App, _call: Call) -> Answer {
    let accounts = app.client().admin().accounts();
    match tokio::time::timeout(READY, accounts.get("ready")).await {
        Ok(Err(error)) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(_) => ok(&Ready { status: "ready" }),
        Err(_) => Err(Error::unavailable("store_unavailable", "the store does not answer")),
    }
}

/// `GET /metrics`: for this machine, or whoever may administer the platform.
pub async fn metrics(app: App, call: Call) -> Answer {
    let local = call.peer.parse::<std::net::SocketAddr>().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
    if !local && !app.settings().open_metrics {
        platform(&app, &call.presented()?).await?;
    }
    let (running, waiting) = app.load();
    let mut answer = Response::new(Body::from(app.metrics().text(running, waiting)));
    let media = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, media);
    Ok(answer)
}

async fn platform(app: &App, presented: &Presented) -> Result<()> {
    app.client().signed_in(presented).await?.identity().settings().await.map(drop)
}

/// `GET /openapi.json`
pub async fn openapi(app: App, _call: Call) -> Answer {
    let mut answer = Response::new(Body::from(app.0.described.clone()));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(cached(answer, "public, max-age=300"))
}
