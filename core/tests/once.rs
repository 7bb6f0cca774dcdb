//! What is done once: a request under its key, a model call under its id. And what outlives the process that did it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{path::Path, pin::Pin, sync::Arc, time::Duration};

use tenantry::{
    Error, Options, Tenant, Tenantry,
    api::{
        AuditClass, AuditQuery, AuditRecord, Decision, GuardRequest, GuardResponse, KeySpec, LimitSpec, ModelContext,
        Principal, RequestCredentials, SettingsPatch, Since, TokenRequest, TokenSpec, UsageReport,
    },
    client::Environment,
    clock::ManualClock,
    config::{RootKey, Storage},
    runtime,
};

const START: i64 = 1_767_225_600_000_000;

fn open(storage: Storage, clock: &ManualClock) -> Tenantry {
    let options = Options {
        storage: Some(storage),
        root_key: Some(RootKey::parse(&"5a".repeat(32)).unwrap()),
        deadline: Some(Duration::from_secs(30)),
        ..Options::default()
    };
    Tenantry::open_with(options, Environment { clock: Arc::new(clock.clone()) }).unwrap()
}

fn acme(client: &Tenantry) -> Tenant {
    client.admin().accounts().create_blocking("acme").unwrap();
    client.admin().projects().create_blocking("acme", "prod").unwrap();
    client.tenant_blocking("acme", "prod").unwrap()
}

fn world() -> (Tenantry, Tenant, ManualClock) {
    let clock = ManualClock::at(START);
    let client = open(Storage::Memory, &clock);
    let tenant = acme(&client);
    (client, tenant, clock)
}

fn decisions(tenant: &Tenant) -> Vec<String> {
    let rows = tenant.audit().query_blocking(AuditQuery::from(Since::Start).limit(1_000)).unwrap();
    rows.into_iter().filter(|row| row.kind == "decision").map(|row| row.request_id).collect()
}

fn code<T>(result: Result<T, Error>) -> String {
    result.err().map(|error| error.code().to_owned()).unwrap_or_default()
}

fn once(tenant: &Tenant, content: &str, key: &str) -> Result<GuardResponse, Error> {
    tenant.guard().evaluate_once_blocking(GuardRequest::prompt(content), key)
}

#[test]
fn a_request_under_its_key_is_decided_once_and_another_request_is_refused() {
    let (_client, tenant, _clock) = world();
    let first = once(&tenant, "hello", "k1").unwrap();
    let again = once(&tenant, "hello", "k1").unwrap();
    assert_eq!(first, again);
    assert_eq!(decisions(&tenant), std::slice::from_ref(&first.request_id));
    assert_eq!(code(once(&tenant, "goodbye", "k1")), "idempotency_key_reused");
    assert_ne!(once(&tenant, "hello", "k2").unwrap().request_id, first.request_id);
    for bad in ["", "a b", "\u{e9}", &"x".repeat(257)] {
        assert_eq!(code(once(&tenant, "hello", bad)), "idempotency_key_invalid");
    }
}

#[test]
fn a_key_is_its_principals_own_and_its_tenants() {
    let (client, tenant, _clock) = world();
    let first = once(&tenant, "hello", "k").unwrap();
    let ann = tenant.acting_as(Principal::user("ann")).unwrap();
    assert_ne!(once(&ann, "hello", "k").unwrap().request_id, first.request_id);
    client.admin().projects().create_blocking("acme", "test").unwrap();
    let other = client.tenant_blocking("acme", "test").unwrap();
    assert_ne!(once(&other, "hello", "k").unwrap().request_id, first.request_id);
}

#[test]
fn a_suspended_tenant_gets_no_answer_of_better_days() {
    let (client, tenant, _clock) = world();
    assert_eq!(once(&tenant, "hello", "k").unwrap().decision, Decision::Allow);
    client.admin().projects().suspend_blocking("acme", "prod").unwrap();
    assert_eq!(once(&tenant, "hello", "k").unwrap().decision, Decision::Deny);
}

#[test]
fn of_many_at_once_one_decides_and_all_get_its_answer() {
    let (_client, tenant, _clock) = world();
    let ids: Vec<String> = std::thread::scope(|threads| {
        let asking: Vec<_> =
            (0..16).map(|_| threads.spawn(|| once(&tenant, "hello", "k").unwrap().request_id)).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(decisions(&tenant).len(), 1);
}

#[test]
fn waiting_calls_inside_somebodys_task_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let client = open(Storage::Folder(folder.path().to_owned()), &ManualClock::at(START));
    let tenant = acme(&client);
    // A task may do only so much before it gives others a turn, which it cannot while it blocks.
    let host = tokio::runtime::Builder::new_current_thread().build().unwrap();
    host.block_on(async { (0..300).for_each(|number| drop(once(&tenant, "hello", &number.to_string()).unwrap())) });
    assert_eq!(decisions(&tenant).len(), 300);
}

#[test]
fn a_call_that_is_being_written_down_is_made_whoever_waits_for_it() {
    let kinds = [(Some("k"), AuditClass::Standard), (None, AuditClass::Required)];
    for ((key, class), gives_up) in kinds.into_iter().flat_map(|kind| [(kind, true), (kind, false)]) {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(START);
        let storage = || Storage::Folder(folder.path().to_owned());
        let (client, other) = (open(storage(), &clock), open(storage(), &clock));
        let tenant = acme(&client);
        let settings = SettingsPatch { audit_class: Some(class), ..SettingsPatch::default() };
        tenant.settings().update_blocking(settings).unwrap();
        let limit = serde_json::json!({ "id": "calls", "rate": 2, "per_ms": 86_400_000 });
        let limit = serde_json::from_value::<LimitSpec>(limit).unwrap();
        tenant.limits().set_blocking(limit).unwrap();
        let hello = || GuardRequest { session_id: Some("s".into()), ..GuardRequest::prompt("hello") };
        let would = || {
            let dry = GuardRequest { dryrun: Some(true), ..hello() };
            tenant.guard().evaluate_blocking(dry).unwrap()
        };
        // What is loaded first may wait for other things.
        tenant.guard().evaluate_blocking(hello()).unwrap();
        tenant.audit().head_blocking().unwrap();
        // Somebody else writes: nothing can be committed until they are done.
        let writer = rusqlite::Connection::open(folder.path().join("ledger.db")).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        let guard = tenant.guard();
        let call: Pin<Box<dyn Future<Output = _> + Send>> = match key {
            Some(key) => Box::pin(async move { guard.evaluate_once(hello(), key).await }),
            None => Box::pin(async move { guard.evaluate(hello()).await }),
        };
        let poll = |call| runtime::poll_once::<_, GuardResponse>(call).expect_err("it waits for the disk");
        let mut call = poll(call);
        // Of a `required` project each row waits, a dry run's too.
        while class == AuditClass::Standard && would().decision == Decision::Allow {
            std::thread::sleep(Duration::from_millis(20));
            call = poll(call);
        }
        // It has taken its share of the limit; nothing it does from there on takes as long.
        std::thread::sleep(Duration::from_secs(1));
        // Or kept, and never looked at again: it hangs on nobody.
        let _kept = (!gives_up).then_some(call);
        writer.execute_batch("COMMIT").unwrap();
        // Closing any client of the folder waits for what was given up: a process that ends then has lost nothing.
        other.close_blocking().unwrap();
        let ended = tempfile::tempdir().unwrap();
        copy(folder.path(), ended.path());
        let next = would();
        assert_eq!(next.decision, Decision::Deny, "the call that was given up was charged ({key:?})");
        let after = open(Storage::Folder(ended.path().to_owned()), &clock).tenant_blocking("acme", "prod").unwrap();
        let rows = after.audit().query_blocking(AuditQuery::from(Since::Start).limit(10_000)).unwrap();
        let made = |row: &&AuditRecord| row.kind == "decision" && !row.body.contains_key("dry_run");
        assert_eq!(rows.iter().filter(made).count(), 2, "{key:?}");
        let turn = after.guard().evaluate_blocking(hello()).unwrap().session_delta.map(|session| session.turn_count);
        assert_eq!(turn, Some(3), "its turn is remembered ({key:?})");
        client.close_blocking().unwrap();
    }
}

#[test]
fn one_accounts_large_answers_push_out_its_own_and_nobody_elses() {
    let (client, quiet, _clock) = world();
    client.admin().accounts().create_blocking("loud").unwrap();
    client.admin().projects().create_blocking("loud", "prod").unwrap();
    let loud = client.tenant_blocking("loud", "prod").unwrap();
    // So large that it is kept in memory alone; together far more than there is room for.
    let request = |number: usize| GuardRequest {
        mode: Some(tenantry::api::Mode::Modify),
        ..GuardRequest::prompt(format!("4111 1111 1111 1111 {}{number}", "x ".repeat(80_000)))
    };
    let ask =
        |tenant: &Tenant, number: usize| tenant.guard().evaluate_once_blocking(request(number), &format!("k{number}"));
    let first: Vec<GuardResponse> = (0..3).map(|number| ask(&quiet, number).unwrap()).collect();
    for number in 0..150 {
        ask(&loud, number).unwrap();
    }
    for (number, first) in first.iter().enumerate() {
        assert_eq!(ask(&quiet, number).unwrap(), *first, "the answer that was given before");
    }
    let gone = (0..150).filter(|number| code(ask(&loud, *number)) == "idempotency_answer_gone").count();
    assert!(gone > 20, "{gone}: of what is too much, its own had to go");
}

#[test]
fn a_required_call_that_cannot_be_written_is_no_call_and_ends_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let client = open(Storage::Folder(folder.path().to_owned()), &ManualClock::at(START));
    let required = |tenant: Tenant| {
        let settings = SettingsPatch { audit_class: Some(AuditClass::Required), ..SettingsPatch::default() };
        tenant.settings().update_blocking(settings).unwrap();
        tenant
    };
    let bad = required(acme(&client));
    let others: Vec<Tenant> = (0..3)
        .map(|n| {
            let account = format!("other{n}");
            client.admin().accounts().create_blocking(&account).unwrap();
            client.admin().projects().create_blocking(&account, "prod").unwrap();
            required(client.tenant_blocking(&account, "prod").unwrap())
        })
        .collect();
    let limit = serde_json::json!({ "id": "calls", "rate": 2, "per_ms": 86_400_000 });
    bad.limits().set_blocking(serde_json::from_value::<LimitSpec>(limit).unwrap()).unwrap();
    // Everything journalled so far is committed; then decisions of one chain meet an error, each time.
    bad.audit().head_blocking().unwrap();
    let disk = rusqlite::Connection::open(folder.path().join("ledger.db")).unwrap();
    let refuse = format!(
        "CREATE TRIGGER refuse BEFORE INSERT ON rows WHEN NEW.scope = x'{}' AND NEW.kind = 'decision'
         BEGIN SELECT RAISE(ABORT, 'no'); END",
        bad.scope().uid().to_hex()
    );
    disk.execute_batch(&refuse).unwrap();
    let ask = |tenant: &Tenant| tenant.guard().evaluate_blocking(GuardRequest::prompt("hello"));
    std::thread::scope(|threads| {
        let refused = threads.spawn(|| (0..20).all(|_| ask(&bad).is_err_and(|error| error.code() == "store_error")));
        let asking: Vec<_> = others
            .iter()
            .flat_map(|tenant| [tenant; 2])
            .map(|tenant| threads.spawn(|| (0..20).map(|_| ask(tenant).unwrap().request_id).collect::<Vec<_>>()))
            .collect();
        let ids: Vec<String> = asking.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert!(refused.join().unwrap());
        disk.execute_batch("DROP TRIGGER refuse").unwrap();
        let mut written: Vec<String> = others.iter().flat_map(decisions).collect();
        let mut ids = ids;
        written.sort();
        ids.sort();
        assert_eq!(written, ids, "each that was acknowledged, once");
    });
    assert!(decisions(&bad).is_empty());
    // None of the twenty was charged: two are left of two.
    let left: Vec<Decision> = (0..3).map(|_| ask(&bad).unwrap().decision).collect();
    assert_eq!(left, [Decision::Allow, Decision::Allow, Decision::Deny]);
    let errors = bad.audit().query_blocking(AuditQuery::from(Since::Start).limit(1_000)).unwrap();
    assert_eq!(
        errors.iter().filter(|row| row.kind == "error").count(),
        20,
        "each stands in the trail as the error it was"
    );
    client.close_blocking().unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn an_answer_outlives_the_process_for_a_day_and_is_not_readable_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(START);
    let storage = || Storage::Folder(folder.path().to_owned());
    let marker = "a marker nobody else writes: AKIAIOSFODNN7EXAMPLE";
    let mut request = GuardRequest::prompt(marker);
    request.mode = Some(tenantry::api::Mode::Modify);
    let first = {
        let client = open(storage(), &clock);
        let first = acme(&client).guard().evaluate_once_blocking(request.clone(), "k").unwrap();
        assert_eq!(first.decision, Decision::Modify);
        client.close_blocking().unwrap();
        first
    };
    for file in ["ledger.db", "ledger.db-wal"] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap_or_default();
        assert!(!contains(&bytes, b"a marker nobody else writes"), "{file} shows content");
    }
    let client = open(storage(), &clock);
    let tenant = client.tenant_blocking("acme", "prod").unwrap();
    assert_eq!(tenant.guard().evaluate_once_blocking(request.clone(), "k").unwrap(), first);
    assert_eq!(decisions(&tenant).len(), 1);
    client.close_blocking().unwrap();
    drop((tenant, client));
    clock.advance(Duration::from_secs(86_401));
    let client = open(storage(), &clock);
    let tenant = client.tenant_blocking("acme", "prod").unwrap();
    let later = tenant.guard().evaluate_once_blocking(request, "k").unwrap();
    assert_ne!(later.request_id, first.request_id);
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn gpt(input: i64) -> ModelContext {
    ModelContext { model: Some("gpt-4o".into()), input_tokens: Some(input), ..ModelContext::default() }
}

#[test]
fn a_model_call_is_written_down_once_in_48_hours_and_per_scope() {
    let (client, tenant, clock) = world();
    let report = UsageReport { usage_id: "u".into(), model: gpt(1_000), session_id: None };
    let recorded = |tenant: &Tenant| tenant.usage().report_blocking(report.clone()).unwrap().recorded;
    assert_eq!(tenant.usage().report_blocking(report.clone()).unwrap().cost_micros, 2_500);
    assert!(!recorded(&tenant), "the same call again");
    client.admin().projects().create_blocking("acme", "test").unwrap();
    assert!(recorded(&client.tenant_blocking("acme", "test").unwrap()), "another scope's id is another call");
    clock.advance(Duration::from_secs(48 * 3_600 - 1));
    assert!(!recorded(&tenant));
    clock.advance(Duration::from_secs(2));
    assert!(recorded(&tenant), "after 48 hours it is a new call");
}

fn spent(folder: &Path) -> Vec<(String, i64)> {
    let ledger = rusqlite::Connection::open(folder.join("ledger.db")).unwrap();
    let mut rows = ledger.prepare("SELECT model, micros FROM spend").unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_guard_call_that_tells_its_tokens_is_spend_once_per_key() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(START);
    let client = open(Storage::Folder(folder.path().to_owned()), &clock);
    let tenant = acme(&client);
    let request = GuardRequest { model: Some(gpt(2_000)), ..GuardRequest::prompt("hello") };
    tenant.guard().evaluate_once_blocking(request.clone(), "k").unwrap();
    tenant.guard().evaluate_once_blocking(request.clone(), "k").unwrap();
    tenant.guard().evaluate_blocking(GuardRequest { dryrun: Some(true), ..request }).unwrap();
    client.close_blocking().unwrap();
    assert_eq!(spent(folder.path()), [("gpt-4o".to_owned(), 5_000)]);
}

#[test]
fn what_a_narrowed_token_makes_is_bounded_by_its_key_and_by_no_other() {
    let (client, _tenant, _clock) = world();
    let spec = |scopes: &[&str]| KeySpec {
        account_id: "acme".into(),
        project_id: "prod".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..KeySpec::default()
    };
    let own = |scopes: &[&str]| KeySpec { account_id: String::new(), project_id: String::new(), ..spec(scopes) };
    let maker =
        client.identity().keys().create_blocking(spec(&["tools:read", "credentials:manage", "users:manage"])).unwrap();
    let request = TokenRequest {
        grant_type: "api_key".into(),
        api_key: maker.key.clone(),
        scope: "credentials:manage".into(),
        ..TokenRequest::default()
    };
    let token = client.identity().tokens().exchange_blocking(request.clone()).unwrap();
    let keys = client.authenticate_blocking(&RequestCredentials::token(token.access_token)).unwrap().identity().keys();
    assert_eq!(keys.create_blocking(own(&["tools:read"])).unwrap().record.scopes, ["tools:read"]);
    assert_eq!(keys.create_blocking(own(&[])).unwrap().record.scopes, ["tools:read"]);
    // What it may guard with is its key's; what it may administer is its own.
    for wider in [&["tools:execute"][..], &["users:manage"], &["tools:read", "tenant:manage"]] {
        assert_eq!(code(keys.create_blocking(own(wider))), "scope_missing", "{wider:?}");
    }
    // A token the maker issued to somebody else is that person's, and no wider for whose strength it was issued on.
    let by_key = client.authenticate_blocking(&RequestCredentials::token(maker.key)).unwrap();
    let spec = TokenSpec { subject: "ann".into(), scopes: vec!["credentials:manage".into()], ..TokenSpec::default() };
    let anns = by_key.identity().tokens().issue_blocking(spec.clone()).unwrap();
    let keys = client.authenticate_blocking(&RequestCredentials::token(anns.access_token)).unwrap().identity().keys();
    assert_eq!(code(keys.create_blocking(own(&["tools:read"]))), "scope_missing");
    assert_eq!(code(keys.create_blocking(own(&[]))), "scopes_required");
}

#[test]
fn a_sample_of_the_audit_is_no_sample_of_what_was_spent() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(START);
    let client = open(Storage::Folder(folder.path().to_owned()), &clock);
    let tenant = acme(&client);
    let sampled = SettingsPatch { audit_class: Some(AuditClass::Sampled), ..SettingsPatch::default() };
    tenant.settings().update_blocking(sampled).unwrap();
    for number in 0..40 {
        let request = GuardRequest { model: Some(gpt(400)), ..GuardRequest::prompt("hello") };
        tenant.guard().evaluate_once_blocking(request, &format!("k{number}")).unwrap();
    }
    client.close_blocking().unwrap();
    assert_eq!(spent(folder.path()).len(), 40);
}

#[test]
fn an_answer_too_large_to_be_kept_is_not_decided_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(START);
    let text = format!("4111 1111 1111 1111 {}", "x".repeat(200_000));
    let request = GuardRequest { mode: Some(tenantry::api::Mode::Modify), ..GuardRequest::prompt(text) };
    {
        let client = open(Storage::Folder(folder.path().to_owned()), &clock);
        let tenant = acme(&client);
        let first = tenant.guard().evaluate_once_blocking(request.clone(), "k").unwrap();
        assert_eq!(tenant.guard().evaluate_once_blocking(request.clone(), "k").unwrap(), first);
        client.close_blocking().unwrap();
    }
    let client = open(Storage::Folder(folder.path().to_owned()), &clock);
    let tenant = client.tenant_blocking("acme", "prod").unwrap();
    assert_eq!(code(tenant.guard().evaluate_once_blocking(request, "k")), "idempotency_answer_gone");
    assert_eq!(decisions(&tenant).len(), 1);
}

#[test]
fn one_tenants_answers_do_not_fill_the_disk_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(START);
    let request = |content: &str| GuardRequest {
        mode: Some(tenantry::api::Mode::Modify),
        ..GuardRequest::prompt(format!("4111 1111 1111 1111 {}{content}", "x ".repeat(62_000)))
    };
    {
        let client = open(Storage::Folder(folder.path().to_owned()), &clock);
        let tenant = acme(&client);
        client.admin().projects().create_blocking("acme", "test").unwrap();
        // 64 MiB of answers, 124 kB each.
        for number in 0..560 {
            let text = number.to_string();
            tenant.guard().evaluate_once_blocking(request(&text), &format!("k{text}")).unwrap();
        }
        let other = client.tenant_blocking("acme", "test").unwrap();
        other.guard().evaluate_once_blocking(request("other"), "k").unwrap();
        client.close_blocking().unwrap();
    }
    let client = open(Storage::Folder(folder.path().to_owned()), &clock);
    let tenant = client.tenant_blocking("acme", "prod").unwrap();
    let again = |tenant: &Tenant, text: &str, key: &str| {
        tenant.guard().evaluate_once_blocking(request(text), key).map(|response| response.decision)
    };
    assert_eq!(again(&tenant, "3", "k3").unwrap(), Decision::Modify);
    assert_eq!(code(again(&tenant, "559", "k559")), "idempotency_answer_gone", "known, and not kept");
    assert_eq!(decisions(&tenant).len(), 560, "nothing was decided again");
    let other = client.tenant_blocking("acme", "test").unwrap();
    assert_eq!(again(&other, "other", "k").unwrap(), Decision::Modify, "another's room is its own");
}

#[test]
fn a_key_of_one_name_with_less_rights_gets_no_answer_of_the_other() {
    let (client, _tenant, _clock) = world();
    let key = |scopes: &[&str]| {
        let spec = KeySpec {
            account_id: "acme".into(),
            project_id: "prod".into(),
            subject: "ann".into(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..KeySpec::default()
        };
        let made = client.identity().keys().create_blocking(spec.clone()).unwrap();
        client.authenticate_blocking(&RequestCredentials::token(made.key)).unwrap()
    };
    let (able, limited) = (key(&["tools:read", "tools:execute"]), key(&["tools:read"]));
    let call = || GuardRequest::tool_call("search", serde_json::Map::new());
    assert_eq!(able.guard().evaluate_once_blocking(call(), "k").unwrap().decision, Decision::Allow);
    assert_eq!(limited.guard().evaluate_once_blocking(call(), "k").unwrap().decision, Decision::Deny);
}

#[test]
fn a_caller_with_other_roles_or_scopes_gets_no_answer_of_a_former_one() {
    let (client, tenant, _clock) = world();
    let text = "@id(\"admins\")\nforbid(principal, action, resource) unless { context.role == \"admin\" };";
    let text = text.replace("context.role ==", "context has role && context.role ==");
    let mode = tenantry::api::Mode::Enforce;
    let layer = tenantry::scope::Layer::Project;
    let spec = tenantry::api::PolicySpec { name: "admins".into(), text, mode, layer, ceiling: false };
    tenant.policies().put_blocking(spec).unwrap();
    let issued = |roles: &[&str], scopes: &[&str]| {
        let spec = TokenSpec {
            subject: "ann".into(),
            account_id: "acme".into(),
            project_id: "prod".into(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..TokenSpec::default()
        };
        let token = client.identity().tokens().issue_blocking(spec.clone()).unwrap();
        client.authenticate_blocking(&RequestCredentials::token(token.access_token)).unwrap()
    };
    let named = |roles: &[&str], scopes: &[&str]| {
        let mut ann = tenantry::api::Principal::user("ann");
        ann.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        ann.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        tenant.acting_as(ann).unwrap()
    };
    // One name throughout, and one key: each of these is a caller of its own, and an admin first.
    let callers = [
        issued(&["admin"], &["tools:read"]),
        issued(&["admin"], &["tools:read", "tools:write"]),
        issued(&["admin"], &[]),
        issued(&["user"], &["tools:read"]),
        issued(&["user", "admin"], &["tools:read"]),
        issued(&[], &["tools:read"]),
        issued(&[], &[]),
        named(&["admin"], &[]),
        named(&["admin"], &["tools:read"]),
        named(&["user"], &[]),
        named(&[], &[]),
    ];
    let ask = |caller: &Tenant| once(caller, "hello", "k").unwrap();
    let answers: Vec<GuardResponse> = callers.iter().map(ask).collect();
    for (number, (caller, answer)) in callers.iter().zip(&answers).enumerate() {
        let admin = [0, 1, 2, 7, 8].contains(&number);
        assert_eq!(answer.decision == Decision::Allow, admin, "{number}");
        assert_eq!(ask(caller).request_id, answer.request_id, "{number}: its own answer again");
        assert!(answers.iter().filter(|other| other.request_id == answer.request_id).count() == 1, "{number}");
    }
    assert_eq!(decisions(&tenant).len(), callers.len());
}
