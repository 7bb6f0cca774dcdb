//! What countless hostile requests leave in memory: less than 64 MB for each kind, however many there are.
//!
//! 100,000 of each here; `make soak` sends ten times as many. The data folder lies in memory where there is a file system for
//! that, so that the time goes into the requests and not into a disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value};
use support::{limit, on, policy, project};
use tenantry::{
    Tenant, Tenantry,
    api::{
        GuardRequest, LimitKey, LimitSpec, ModelContext, Principal, RequestCredentials, SettingsPatch, ToolContext,
        UsageReport,
    },
    scope::Layer,
};

const MOST_MB: usize = 64;
const THREADS: usize = 4;

type Ask<'a> = &'a (dyn Fn(usize) + Sync);

fn resident_mb() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096 / (1 << 20)
}

/// Sends `count` requests of a kind from some threads; how much the process grew.
fn growth(count: usize, ask: Ask<'_>) -> usize {
    let (before, next) = (resident_mb(), AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    ask(number);
                }
            });
        }
    });
    resident_mb().saturating_sub(before)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Text that is long as far as it goes, and never twice the same.
fn name(kind: &str, number: usize, length: usize) -> String {
    let mut text = format!("{kind}-{number}-");
    text.push_str(&"x".repeat(length.saturating_sub(text.len())));
    text
}

fn in_session(tenant: &Tenant, number: usize) {
    let request = GuardRequest { session_id: Some(name("session", number, 512)), ..GuardRequest::prompt("hi") };
    drop(tenant.guard().evaluate_blocking(request));
}

/// Principal, tool, server, metadata names and model are all new.
fn by_tool(tenant: &Tenant, number: usize) {
    let tool = ToolContext {
        name: name("tool", number, 256),
        server_id: Some(name("server", number, 256)),
        ..ToolContext::default()
    };
    let model =
        ModelContext { model: Some(name("model", number, 256)), input_tokens: Some(1), ..ModelContext::default() };
    let request = GuardRequest {
        metadata: Map::from_iter([(name("key", number, 256), Value::from(number))]),
        tool: Some(tool),
        model: Some(model),
        // Or all of them would be counted as one session, and refused before they are counted as anything else.
        session_id: Some(format!("s{number}")),
        ..GuardRequest::tool_call("t", Map::new())
    };
    let principal = Principal::user(name("user", number, 512));
    drop(tenant.acting_as(principal).unwrap().guard().evaluate_blocking(request));
}

fn presented(client: &Tenantry, number: usize) {
    let key = format!("tnt_sk_{number:024}_{number:052}{number:07}");
    let token = format!("eyJhbGciOiJFUzI1NiJ9.{}.c2ln", base64url(&format!("{{\"iss\":\"i{number}\"}}")));
    let headers = [
        ("Authorization", format!("Bearer {key}")),
        ("Authorization", format!("Bearer {token}")),
        ("X-API-Key", name("sk", number, 512)),
        ("X-API-Key", name("sk", number, 100_000)),
    ];
    for (header, value) in headers {
        assert!(client.authenticate_blocking(&RequestCredentials::headers([(header, value.as_str())])).is_err());
    }
}

/// Base64url without padding.
fn base64url(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: String = text.bytes().map(|byte| format!("{byte:08b}")).collect();
    let six = |chunk: &[u8]| {
        let chunk = std::str::from_utf8(chunk).unwrap();
        DIGITS.get(usize::from_str_radix(&format!("{chunk:0<6}"), 2).unwrap()).copied().unwrap() as char
    };
    bits.as_bytes().chunks(6).map(six).collect()
}

fn report(tenant: &Tenant, number: usize) {
    let model = ModelContext { model: Some(name("m", number, 256)), input_tokens: Some(1), ..ModelContext::default() };
    let report = UsageReport { usage_id: name("u", number, 512), model, session_id: None };
    tenant.usage().report_blocking(report).unwrap();
}

fn oversize(tenant: &Tenant, number: usize) {
    let long = name("long", number, 20_000);
    let request = match number % 4 {
        0 => GuardRequest::tool_call(long, Map::new()),
        1 => GuardRequest::file("x", long, "read"),
        2 => GuardRequest { session_id: Some(long), ..GuardRequest::prompt("x") },
        _ => GuardRequest { metadata: Map::from_iter([(long, Value::Null)]), ..GuardRequest::prompt("x") },
    };
    assert!(tenant.guard().evaluate_blocking(request).is_err());
}

fn refused(tenant: &Tenant, number: usize) {
    let bad = LimitSpec { rate: 0, ..limit(&name("l", number, 100_000), 1, 1) };
    assert!(tenant.limits().set_blocking(bad).is_err());
    assert!(tenant.limits().remove_blocking(&name("l", number, 64)).is_err());
    let patch = SettingsPatch { session_ttl_seconds: Some(0), ..SettingsPatch::default() };
    assert!(tenant.settings().update_blocking(patch).is_err());
}

#[test]
fn hostile_requests_leave_little_behind() {
    let soak = std::env::var_os("TENANTRY_SOAK").is_some();
    let count = if soak { 1_000_000 } else { 100_000 };
    let folder = folder();
    let client = on(folder.path());
    let acme = project(&client, "acme", "prod");
    for (key, layer) in [
        (LimitKey::Session, Layer::Platform),
        (LimitKey::Principal, Layer::Account),
        (LimitKey::Tool, Layer::Project),
        (LimitKey::Custom, Layer::Platform),
    ] {
        acme.limits().set_blocking(LimitSpec { key, layer, ..limit(&format!("{key:?}"), 9, 86_400_000) }).unwrap();
    }
    // What the first call of a kind sets up is no growth.
    in_session(&acme, usize::MAX);
    by_tool(&acme, usize::MAX);
    let custom = |number: usize| drop(acme.limits().acquire_blocking("Custom", &name("c", number, 512), 1));
    let unknown = |number: usize| {
        assert!(client.tenant_blocking(&name("nobody", number, 100), "prod").is_err());
        assert!(client.tenant_blocking("acme", &name("nothing", number, 100)).is_err());
    };
    let once = |number: usize| {
        let key = name("key", number, 200);
        drop(acme.guard().evaluate_once_blocking(GuardRequest::prompt("hi"), &key));
    };
    let policies = |number: usize| {
        let text = format!("permit(principal, action, resource) when {{ context.{} }}", name("k", number, 1_000));
        assert!(acme.policies().put_blocking(policy(&format!("p{number}"), &text)).is_err());
    };
    // A put compiles all there is: a tenth of them takes as long as the rest together.
    let kinds: [(&str, usize, Ask<'_>); 10] = [
        ("fresh sessions", count, &|i| in_session(&acme, i)),
        ("fresh principals, tools, servers, metadata names and models", count, &|i| by_tool(&acme, i)),
        ("fresh custom keys", count, &custom),
        ("bad credentials", count / 4, &|i| presented(&client, i)),
        ("unknown accounts and projects", count / 2, &unknown),
        ("reports of fresh models", count, &|i| report(&acme, i)),
        ("oversize names", count, &|i| oversize(&acme, i)),
        ("refused limits and settings", count / 3, &|i| refused(&acme, i)),
        ("fresh idempotency keys", count, &once),
        ("refused policies", count / 10, &policies),
    ];
    let mut failed = Vec::new();
    for (kind, count, ask) in kinds {
        let began = std::time::Instant::now();
        let grown = growth(count, ask);
        println!("{kind}: {count} calls in {:.1} s, {grown} MB", began.elapsed().as_secs_f64());
        if grown >= MOST_MB {
            failed.push(format!("{kind}: {grown} MB"));
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
