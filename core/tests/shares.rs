//! What one tenant takes of what all share, through the public door: keys of limits, names, pages of audit, and what is left
//! when it is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::{Map, Value, json};
use support::{limit, memory, on, project};
use tenantry::{
    Tenant, Tenantry,
    api::{
        AuditAnchor, AuditQuery, AuditRange, FileContext, GrantSpec, GuardRequest, KeySpec, LimitKey, LimitSpec,
        McpContext, ModelContext, Principal, Since, ToolContext,
    },
    scope::Layer,
};

/// What every holder of keys may have at a time.
const SHARE: usize = 131_072;

fn code<T: std::fmt::Debug>(result: tenantry::Result<T>) -> String {
    result.map_or_else(|error| error.code().to_owned(), |_| "ok".to_owned())
}

/// A guard call that every kind of key counts, with values of its own.
fn call(tenant: &Tenant, name: &str) -> tenantry::Result<tenantry::api::GuardResponse> {
    let request = GuardRequest { session_id: Some(name.into()), ..GuardRequest::tool_call(name, Map::new()) };
    tenant.acting_as(Principal::user(name))?.guard().evaluate_blocking(request)
}

#[test]
fn one_account_s_keys_never_use_up_another_s() {
    for (layer, key, shared) in [
        (Layer::Platform, LimitKey::Session, false),
        (Layer::Platform, LimitKey::Principal, false),
        (Layer::Platform, LimitKey::Tool, false),
        (Layer::Platform, LimitKey::Custom, false),
        (Layer::Platform, LimitKey::Tool, true),
        (Layer::Account, LimitKey::Session, false),
        (Layer::Project, LimitKey::Custom, false),
    ] {
        let client = memory();
        let (evil, good) = (project(&client, "evil", "prod"), project(&client, "good", "prod"));
        for tenant in [&evil, &good] {
            let spec = LimitSpec { key, layer, shared, ..limit("each", 2, 86_400_000) };
            tenant.limits().set_blocking(spec).unwrap();
        }
        let take = |tenant: &Tenant, name: &str| code(tenant.limits().acquire_blocking("each", name, 1));
        let taken = (0..SHARE * 3 / 2).map(|i| take(&evil, &format!("e{i}"))).filter(|code| code == "ok").count();
        assert!((SHARE / 2..=SHARE).contains(&taken), "{layer:?} {key:?} {shared}: {taken}");
        assert_eq!(take(&evil, "one more"), "limit_keys_exhausted");
        for i in 0..200 {
            assert_eq!(take(&good, &format!("g{i}")), "ok", "{layer:?} {key:?} {shared}");
            assert!(call(&good, &format!("c{i}")).unwrap().allowed(), "{layer:?} {key:?} {shared}");
        }
        // The rate itself is shared by all that a platform's limit counts as one.
        if layer == Layer::Platform && matches!(key, LimitKey::Tool | LimitKey::Custom) {
            assert_eq!(take(&good, "e0"), "ok");
            assert_eq!(take(&good, "e0"), "limit_exceeded");
        }
    }
}

fn long(length: usize) -> String {
    "é".repeat(length / 2) + &"x".repeat(length % 2)
}

fn with_tool(change: impl Fn(&mut ToolContext)) -> GuardRequest {
    let mut request = GuardRequest::tool_call("t", Map::new());
    change(request.tool.as_mut().unwrap());
    request
}

fn with_file(change: impl Fn(&mut FileContext)) -> GuardRequest {
    let mut request = GuardRequest::file("x", "a.txt", "read");
    change(request.file.as_mut().unwrap());
    request
}

fn with_mcp(change: impl Fn(&mut McpContext)) -> GuardRequest {
    let mut mcp = McpContext { server_name: "s".into(), ..McpContext::default() };
    change(&mut mcp);
    GuardRequest { action: "connect_server".into(), mcp: Some(mcp), ..GuardRequest::prompt("x") }
}

type Build = fn(usize) -> GuardRequest;
type Ask<'a> = Box<dyn Fn(GuardRequest) -> tenantry::Result<()> + 'a>;

/// Each field with its bound, and a request in which it is so long.
const FIELDS: &[(&str, usize, Build)] = &[
    ("tool.name", 256, |n| with_tool(|tool| tool.name = long(n))),
    ("tool.server_id", 256, |n| with_tool(|tool| tool.server_id = Some(long(n)))),
    ("model.provider", 256, |n| GuardRequest {
        model: Some(ModelContext { provider: Some(long(n)), ..ModelContext::default() }),
        ..GuardRequest::prompt("x")
    }),
    ("file.path", 4_096, |n| with_file(|file| file.path = long(n))),
    ("file.operation", 256, |n| with_file(|file| file.operation = long(n))),
    ("file.file_name", 1_024, |n| with_file(|file| file.file_name = Some(long(n)))),
    ("file.file_extension", 256, |n| with_file(|file| file.file_extension = Some(long(n)))),
    ("file.mime_type", 256, |n| with_file(|file| file.mime_type = Some(long(n)))),
    ("file.mip_label_id", 256, |n| with_file(|file| file.mip_label_id = Some(long(n)))),
    ("file.mip_label_name", 256, |n| with_file(|file| file.mip_label_name = Some(long(n)))),
    ("file.sensitivity_level", 256, |n| with_file(|file| file.sensitivity_level = Some(long(n)))),
    ("mcp.server_name", 256, |n| with_mcp(|mcp| mcp.server_name = long(n))),
    ("mcp.server_url", 2_048, |n| with_mcp(|mcp| mcp.server_url = Some(long(n)))),
    ("mcp.transport", 256, |n| with_mcp(|mcp| mcp.transport = Some(long(n)))),
    ("mcp.capabilities", 256, |n| with_mcp(|mcp| mcp.capabilities = vec![String::new(), long(n)])),
    ("mcp.capabilities", 1_024, |n| with_mcp(|mcp| mcp.capabilities = vec![String::new(); n])),
    ("contexts", 1_024, |n| GuardRequest { contexts: vec![String::new(); n], ..GuardRequest::prompt("x") }),
    ("detectors", 1_024, |n| GuardRequest { detectors: vec!["pii".into(); n], ..GuardRequest::prompt("x") }),
    ("detectors", 256, |n| GuardRequest { detectors: vec![long(n)], ..GuardRequest::prompt("x") }),
    ("metadata", 1_024, |n| GuardRequest {
        metadata: (0..n).map(|i| (format!("k{i}"), Value::Null)).collect(),
        ..GuardRequest::prompt("x")
    }),
    ("metadata", 256, |n| GuardRequest {
        metadata: Map::from_iter([(long(n), json!(1))]),
        ..GuardRequest::prompt("x")
    }),
    ("metadata", 256, |n| {
        let inner = Value::Object(Map::from_iter([(long(n), json!(1))]));
        GuardRequest { metadata: Map::from_iter([("a".into(), json!([{ "b": inner }]))]), ..GuardRequest::prompt("x") }
    }),
];

#[test]
fn every_name_of_a_request_has_a_bound_and_the_error_says_which() {
    let client = memory();
    let acme = project(&client, "acme", "prod");
    acme.limits().set_blocking(LimitSpec { key: LimitKey::Tool, ..limit("t", 1_000, 60_000) }).unwrap();
    for (field, most, build) in FIELDS {
        let ways: [(&str, Ask<'_>); 2] = [
            ("evaluate", Box::new(|request| acme.guard().evaluate_blocking(request).map(drop))),
            ("detect", Box::new(|request| acme.guard().detect_blocking(request).map(drop))),
        ];
        for (way, ask) in ways {
            assert_ne!(code(ask(build(*most))), "request_field_too_large", "{way} {field} {most}");
            for beyond in [most + 1, most * 2, 100_000] {
                let error = ask(build(beyond)).expect_err(field);
                assert_eq!(error.code(), "request_field_too_large", "{way} {field} {beyond}");
                assert!(error.message().contains(field) && error.message().contains(&most.to_string()), "{error}");
            }
        }
    }
    // Others keep errors of their own.
    let session = |n| GuardRequest { session_id: Some(long(n)), ..GuardRequest::prompt("x") };
    assert_eq!(code(acme.guard().evaluate_blocking(session(513))), "opaque_id_invalid");
    let model = ModelContext { model: Some(long(257)), ..ModelContext::default() };
    let model = GuardRequest { model: Some(model), ..GuardRequest::prompt("x") };
    assert_eq!(code(acme.guard().evaluate_blocking(model)), "usage_invalid");
    assert_eq!(code(acme.limits().acquire_blocking("t", &long(513), 1)), "limit_acquire_invalid");
    // What is no name is content, whose bound is for all of it together.
    let mut arguments = Map::new();
    arguments.insert("k".repeat(6 << 20), Value::Null);
    arguments.insert("l".repeat(6 << 20), Value::Null);
    assert_eq!(code(acme.guard().evaluate_blocking(GuardRequest::tool_call("t", arguments))), "content_too_large");
    for names in [vec!["r".repeat(257)], vec![String::new(); 257]] {
        let by_role = Principal { roles: names.clone(), ..Principal::user("ann") };
        let by_scope = Principal { scopes: names, ..Principal::user("ann") };
        for principal in [by_role, by_scope] {
            assert_eq!(acme.acting_as(principal).err().unwrap().code(), "request_field_too_large");
        }
    }
}

/// All bytes of a data folder.
fn bytes_of(folder: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("counters.db") {
            all.extend(std::fs::read(entry.path()).unwrap());
        }
    }
    all
}

#[test]
fn no_text_of_a_caller_lies_among_the_counters() {
    let folder = tempfile::tempdir().unwrap();
    let client = on(folder.path());
    let acme = project(&client, "acme", "prod");
    for (index, key) in
        [LimitKey::Session, LimitKey::Principal, LimitKey::Tool, LimitKey::Custom, LimitKey::Action].iter().enumerate()
    {
        let layer = if index % 2 == 0 { Layer::Platform } else { Layer::Project };
        let spec = LimitSpec { key: *key, layer, shared: true, ..limit(&format!("l{index}"), 9, 86_400_000) };
        acme.limits().set_blocking(spec).unwrap();
    }
    for secret in ["hunter2", "AKIAIOSFODNN7EXAMPLE", "ann@example.com"] {
        assert!(call(&acme, secret).unwrap().allowed());
        acme.limits().acquire_blocking("l3", secret, 1).unwrap();
        let found = bytes_of(folder.path());
        assert!(!found.is_empty() && !found.windows(secret.len()).any(|text| text == secret.as_bytes()), "{secret}");
    }
}

#[test]
fn a_page_of_the_audit_ends_by_its_bytes_and_no_row_is_missed() {
    let client = memory();
    let acme = project(&client, "acme", "prod");
    let fat =
        Principal { roles: vec!["r".repeat(256); 256], scopes: vec!["s".repeat(256); 256], ..Principal::user("a") };
    let fat = acme.acting_as(fat).unwrap();
    for _ in 0..100 {
        fat.guard().evaluate_blocking(GuardRequest::prompt("hi")).unwrap();
    }
    let (mut after, mut rows, mut pages) = (0, 0, 0);
    loop {
        let page = acme.audit().query_blocking(AuditQuery::from(Since::Sequence(after)).limit(10_000)).unwrap();
        let Some(last) = page.last() else { break };
        let size: usize = page.iter().map(|row| serde_json::to_string(&row.body).unwrap().len()).sum();
        assert!(size <= 8 << 20, "{size}");
        assert_eq!(page[0].sequence, after + 1);
        (after, rows, pages) = (last.sequence, rows + page.len(), pages + 1);
    }
    assert!(rows >= 100 && pages >= 2, "{rows} rows in {pages} pages");
    // Backwards alike.
    let (mut before, mut back, mut pages) = (None, 0, 0);
    loop {
        let range = AuditRange { before, ..AuditRange::newest() };
        let page = acme.audit().query_blocking(AuditQuery::from(range).limit(10_000)).unwrap();
        let Some(last) = page.last() else { break };
        let size: usize = page.iter().map(|row| serde_json::to_string(&row.body).unwrap().len()).sum();
        assert!(size <= 8 << 20, "{size}");
        assert_eq!(page[0].sequence, before.map_or(rows as u64, |before| before - 1));
        (before, back, pages) = (Some(last.sequence), back + page.len(), pages + 1);
    }
    assert!(back == rows && pages >= 2, "{back} of {rows} rows in {pages} pages");
    assert_eq!(usize::try_from(acme.audit().head_blocking().unwrap().sequence).unwrap(), rows);
    assert!(acme.audit().verify_blocking(AuditAnchor::default()).unwrap().ok);
}

/// Rows of a kind in the catalog, and counters.
fn left(folder: &std::path::Path) -> (i64, i64, i64) {
    let count = |file: &str, sql: &str| -> i64 {
        let database = rusqlite::Connection::open(folder.join(file)).unwrap();
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let of_kind = |kind: i64| count("catalog.db", &format!("SELECT count(*) FROM credentials WHERE kind = {kind}"));
    (of_kind(3), of_kind(5), count("counters.db", "SELECT count(*) FROM cells"))
}

/// Two accounts of three projects, each with revoked keys, grants both ways and counters at every level.
fn busy(client: &Tenantry) {
    let tenants: Vec<Tenant> =
        ["a", "b"].iter().flat_map(|account| ["p", "q", "r"].map(|name| project(client, account, name))).collect();
    for (key, layer) in [
        (LimitKey::Session, Layer::Platform),
        (LimitKey::Tool, Layer::Platform),
        (LimitKey::Principal, Layer::Account),
        (LimitKey::Scope, Layer::Project),
    ] {
        for tenant in &tenants {
            let id = format!("{key:?}");
            tenant
                .limits()
                .set_blocking(LimitSpec { key, layer, shared: true, ..limit(&id, 1_000, 86_400_000) })
                .unwrap();
        }
    }
    for (index, tenant) in tenants.iter().enumerate() {
        assert!(call(tenant, &format!("c{index}")).unwrap().allowed());
        let keys = tenant.identity().keys();
        let made = keys.create_blocking(KeySpec { name: "k".into(), ..KeySpec::default() }).unwrap();
        keys.revoke_blocking(&made.record.id).unwrap();
    }
    for (from, to) in [("a", "b"), ("b", "a")] {
        for (from_project, to_project) in [("", "p"), ("p", "q"), ("q", "r"), ("r", "p")] {
            let spec = GrantSpec {
                from_account: from.into(),
                from_project: from_project.into(),
                to_account: to.into(),
                to_project: to_project.into(),
                actions: vec!["process_prompt".into()],
                expires_in_seconds: 3_600,
                reason: "test".into(),
            };
            client.admin().grants().create_blocking(spec.clone()).unwrap();
        }
    }
}

#[test]
fn what_was_kept_for_a_tenant_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let client = on(folder.path());
    busy(&client);
    // Six revoked keys, eight grants; of each project a session, a tool, a principal and itself.
    assert_eq!(left(folder.path()), (6, 8, 24));
    let admin = client.admin();
    admin.projects().delete_blocking("a", "q").unwrap();
    // Grants from a/q and to a/q; the counters on layers above are the account's.
    assert_eq!(left(folder.path()), (5, 6, 23));
    assert_eq!(code(admin.projects().delete_blocking("a", "")), "scope_id_invalid");
    assert_eq!(code(admin.accounts().delete_blocking("")), "scope_id_invalid");
    assert_eq!(left(folder.path()), (5, 6, 23));
    let told = client.tenant_blocking("b", "q").unwrap();
    let ended = |tenant: &Tenant| {
        let rows = tenant.audit().query_blocking(AuditQuery::from(Since::Start).limit(1_000)).unwrap();
        rows.iter().filter(|row| row.kind == "grant.revoke").count()
    };
    let before = ended(&told);
    admin.accounts().delete_blocking("a").unwrap();
    assert_eq!(left(folder.path()), (3, 0, 12), "what is left is the other account's");
    assert!(admin.grants().list_blocking().unwrap().is_empty() && ended(&told) > before);
    assert!(call(&told, "still there").unwrap().allowed());
    admin.accounts().delete_blocking("b").unwrap();
    assert_eq!(left(folder.path()), (0, 0, 0));
}
