//! `make bench`: what one embedded guard call costs in Rust, all steps on, the ledger's writer included.
//!
//! Prints one line per case; with `--json` one object. CPU is process CPU time over the whole run, so that work moved to
//! other threads is not hidden; the audit rows are counted afterwards and must equal the calls.

use std::{error::Error, time::Duration, time::Instant};

use cpu_time::ProcessTime;
use tenantry::{
    Options, Tenant, Tenantry,
    api::{AccountSpec, Decision, GuardRequest, LimitKey, LimitSpec, Mode, OnExceed, PolicySpec, TenantFacts},
    config::{RootKey, Storage},
    scope::Layer,
};

/// 200 bytes of ordinary English, and the same with a leaked key.
const PROMPT: &str = "Could you summarise the attached quarterly report for the board, list the three largest risks with \
                      one sentence each, and suggest which of the open questions we should settle before Friday? Thank you";
const LEAK: &str = "Could you summarise the attached quarterly report for the board, list the three largest risks with one \
                    sentence each, and check whether AKIA1234EXAMPLE still works before the call on Friday? Thank you a lot";

struct Figure {
    name: &'static str,
    cpu_micros: f64,
    wall_micros: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let json = std::env::args().any(|argument| argument == "--json");
    let only = std::env::var("TENANTRY_BENCH_ONLY").unwrap_or_default();
    let calls: usize = std::env::var("TENANTRY_BENCH_CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30_000);
    let (one, twenty) = (include_str!("../data/one.cedar"), include_str!("../data/twenty.cedar"));
    let cases = [
        ("1 policy, allow", one, PROMPT, Decision::Allow),
        ("20 policies, allow", twenty, PROMPT, Decision::Allow),
        ("20 policies, deny", twenty, LEAK, Decision::Deny),
    ];
    let mut figures = Vec::new();
    for (name, policies, content, expected) in cases {
        if name.contains(&only) {
            figures.push(measure(name, policies, content, expected, calls)?);
        }
    }
    if json {
        let figure =
            |figure: &Figure| (figure.name.to_owned(), serde_json::json!([figure.cpu_micros, figure.wall_micros]));
        println!("{}", serde_json::Value::Object(figures.iter().map(figure).collect()));
        return Ok(());
    }
    println!(
        "{:<24} {:>12} {:>12}   ({calls} calls each, {}-byte prompt)",
        "Rust, embedded",
        "CPU µs/call",
        "wall µs/call",
        PROMPT.len()
    );
    for figure in figures {
        println!("{:<24} {:>12.2} {:>12.2}", figure.name, figure.cpu_micros, figure.wall_micros);
    }
    Ok(())
}

fn measure(
    name: &'static str,
    policies: &str,
    content: &str,
    expected: Decision,
    calls: usize,
) -> Result<Figure, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let client = Tenantry::open(Options {
        storage: Some(Storage::Folder(folder.path().to_owned())),
        root_key: Some(RootKey::parse(&"ab".repeat(32))?),
        // A profiler slows a call down fifty times; the deadline is not what is measured.
        deadline: Some(Duration::from_secs(10)),
        ..Options::default()
    })?;
    let tenant = set_up(&client, policies)?;
    let request = GuardRequest { session_id: Some("bench/s1".into()), ..GuardRequest::prompt(content) };
    for _ in 0..calls / 20 {
        let response = tenant.guard().evaluate_blocking(request.clone())?;
        if response.decision != expected {
            return Err(format!("{name}: expected {expected:?}, got {response:?}").into());
        }
    }
    let rows_before = tenant.audit().head_blocking()?.sequence;
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    for _ in 0..calls {
        let _response = tenant.guard().evaluate_blocking(request.clone())?;
    }
    let wall_micros = wall.elapsed().as_secs_f64() * 1e6;
    // The writer's share belongs to the calls: wait until everything is committed.
    let rows = tenant.audit().head_blocking()?.sequence - rows_before;
    let cpu_micros = cpu.elapsed().as_secs_f64() * 1e6;
    if rows != calls as u64 {
        return Err(format!("{name}: {calls} calls left {rows} audit rows").into());
    }
    client.close_blocking()?;
    Ok(Figure { name, cpu_micros: cpu_micros / calls as f64, wall_micros: wall_micros / calls as f64 })
}

fn set_up(client: &Tenantry, policies: &str) -> Result<Tenant, Box<dyn Error>> {
    let facts = TenantFacts { tier: "enterprise".into(), ..TenantFacts::default() };
    client.admin().accounts().create_blocking(AccountSpec::with("acme", facts))?;
    client.admin().projects().create_blocking("acme", "prod")?;
    let tenant = client.tenant_blocking("acme", "prod")?;
    tenant.policies().put_blocking(PolicySpec {
        name: "bench".into(),
        text: policies.into(),
        mode: Mode::Enforce,
        layer: Layer::Project,
        ceiling: false,
    })?;
    for (id, layer) in [("project", Layer::Project), ("account", Layer::Account)] {
        tenant.limits().set_blocking(LimitSpec {
            id: id.into(),
            rate: 100_000_000,
            per_ms: 60_000,
            key: LimitKey::Scope,
            on_exceed: OnExceed::Reject,
            max_wait_ms: 0,
            layer,
            action: String::new(),
            shared: false,
        })?;
    }
    Ok(tenant)
}
