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
use tenantry::{Error, ErrorKind, Result, api::RequestCredentials, clock::rfc3339, detect::CATALOGUE};

use super::{
    App, Call,
    answer::{Answer, cached, ok},
    draining,
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

/// `GET /ready`: what is stored can be read, by the threads that requests need. From the moment the server is asked to end it
/// answers 503: first for a while in which all else is still answered, then the edge says it of everything.
pub async fn ready(app: App, _call: Call) -> Answer {
    if app.is_leaving() {
        return Err(draining());
    }
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
    let (text, media) = if prefers_plain(call.header("accept")?.unwrap_or_default()) {
        (app.metrics().plain_text(running, waiting), "text/plain; version=0.0.4; charset=utf-8")
    } else {
        (app.metrics().text(running, waiting), "application/openmetrics-text; version=1.0.0; charset=utf-8")
    };
    let mut answer = Response::new(Body::from(text));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    Ok(answer)
}

/// Whether an `Accept` (RFC 9110, section 12.5.1) asks for Prometheus' older text rather than for OpenMetrics.
fn prefers_plain(accept: &str) -> bool {
    let weight = |media: &str| {
        let kind = media.split('/').next().unwrap_or_default();
        let ranges = [media.to_owned(), format!("{kind}/*"), "*/*".to_owned()];
        // The most specific range counts; of equal ones the one that weighs most.
        let of_range = |range: &String| {
            let named = accept
                .split(',')
                .filter(|part| part.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(range)));
            let weights = named.map(|part| {
                let quality = part.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
                quality.map_or(1.0, |quality| quality.trim().parse::<f32>().unwrap_or(0.0))
            });
            weights.reduce(f32::max)
        };
        ranges.iter().find_map(of_range).unwrap_or(0.0)
    };
    weight("text/plain") > weight("application/openmetrics-text")
}

async fn platform(app: &App, presented: &RequestCredentials) -> Result<()> {
    app.client().signed_in(presented).await?.identity().settings().await.map(drop)
}

/// `GET /openapi.json`
pub async fn openapi(app: App, _call: Call) -> Answer {
    let mut answer = Response::new(Body::from(app.0.described.clone()));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(cached(answer, "public, max-age=300"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_text_is_for_whoever_asks_for_it() {
        for (accept, plain) in [
            ("", false),
            ("*/*", false),
            ("text/plain", true),
            ("TEXT/PLAIN", true),
            ("text/*", true),
            ("text/plain;version=0.0.4", true),
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", true),
            ("text/plain;q=0.3, application/openmetrics-text;q=0.5", false),
            ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.9", true),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                false,
            ),
            ("application/openmetrics-text", false),
            ("text/plain;q=0", false),
            ("application/json", false),
            ("text/plain;q=x", false),
        ] {
            assert_eq!(prefers_plain(accept), plain, "{accept}");
        }
    }
}
