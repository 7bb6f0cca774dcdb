//! What is counted, for Prometheus. Owns names and labels: routes as the table names them, status classes and decisions.
//! Nothing a caller chooses becomes a label, and no tenant does, so their number is fixed when the server starts.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicI64, AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use tenantry::error::Code;

/// From a tenth of a millisecond to ten seconds.
const BUCKETS: [f64; 11] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: Cow<'static, str>,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRoute {
    route: Cow<'static, str>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Decided {
    decision: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Failed {
    code: &'static str,
}

/// All counters of one server.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<OfRoute, Histogram, fn() -> Histogram>,
    decisions: Family<Decided, Counter>,
    errors: Family<Failed, Counter>,
    running: Gauge<i64, AtomicI64>,
    waiting: Gauge<i64, AtomicI64>,
    connections: Gauge<i64, AtomicI64>,
    refused: Counter<u64, AtomicU64>,
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("tenantry");
        let requests = Family::default();
        let seconds: Family<OfRoute, Histogram, fn() -> Histogram> = Family::new_with_constructor(histogram);
        let decisions = Family::default();
        let errors = Family::default();
        let (running, waiting, connections) = (Gauge::default(), Gauge::default(), Gauge::default());
        let refused = Counter::default();
        registry.register("http_requests", "Requests answered, by route and status class", requests.clone());
        registry.register_with_unit("http_request", "Time to the answer", Unit::Seconds, seconds.clone());
        registry.register("decisions", "Guard decisions", decisions.clone());
        registry.register("http_errors", "Errors told to clients, by code", errors.clone());
        registry.register("requests_running", "Requests being worked on", running.clone());
        registry.register("requests_waiting", "Requests waiting for their turn", waiting.clone());
        registry.register("connections", "Open connections", connections.clone());
        registry.register("connections_refused", "Connections refused for want of room", refused.clone());
        Self { registry, requests, seconds, decisions, errors, running, waiting, connections, refused }
    }
}

impl Metrics {
    /// Counts an answer.
    #[allow(clippy::ptr_arg)] // a name of the program costs nothing to keep
    pub fn answered(&self, route: &Cow<'static, str>, status: u16, took: Duration) {
        self.requests.get_or_create(&Answered { route: route.clone(), status: class(status) }).inc();
        self.seconds.get_or_create(&OfRoute { route: route.clone() }).observe(took.as_secs_f64());
    }

    /// Counts a decision.
    pub fn decided(&self, decision: &'static str) {
        self.decisions.get_or_create(&Decided { decision }).inc();
    }

    /// Counts an error that a client is told of.
    pub fn failed(&self, code: &str) {
        let code = Code::named(code).map_or("other", |code| code.name);
        self.errors.get_or_create(&Failed { code }).inc();
    }

    /// Open connections.
    pub const fn connections(&self) -> &Gauge<i64, AtomicI64> {
        &self.connections
    }

    /// Counts a connection there was no room for.
    pub fn refused(&self) {
        self.refused.inc();
    }

    /// All of it in OpenMetrics text.
    #[must_use]
    pub fn text(&self, running: usize, waiting: usize) -> String {
        self.running.set(i64::try_from(running).unwrap_or(i64::MAX));
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// The same in Prometheus' older text (0.0.4): there a counter's own name ends with `_total`, and there are neither units
    /// nor an end.
    #[must_use]
    pub fn plain_text(&self, running: usize, waiting: usize) -> String {
        let text = self.text(running, waiting);
        let counters: std::collections::BTreeSet<&str> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
        let mut plain = String::with_capacity(text.len());
        for line in text.lines().filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF") {
            let described = ["# HELP ", "# TYPE "].into_iter().find_map(|mark| Some((mark, line.strip_prefix(mark)?)));
            match described.and_then(|(mark, rest)| Some((mark, rest.split_once(' ')?))) {
                Some((mark, (name, rest))) if counters.contains(name) => {
                    plain.extend([mark, name, "_total ", rest, "\n"]);
                }
                _ => plain.extend([line, "\n"]),
            }
        }
        plain
    }
}
