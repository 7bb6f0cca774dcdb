//! Limits through the public door, on a clock that moves when told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use support::{limit, memory, on, project, put, with_clock};
use tenantry::{
    ErrorKind, Tenant,
    api::{
        AuditQuery, ContentType, Decision, FileContext, GuardRequest, GuardResponse, LimitKey, LimitSpec, OnExceed,
        Principal, Shape, ToolContext,
    },
    clock::ManualClock,
    scope::Layer,
};

fn ask(tenant: &Tenant) -> GuardResponse {
    tenant.guard().evaluate_blocking(GuardRequest::prompt("hi")).unwrap()
}

fn allowed(tenant: &Tenant) -> usize {
    (0..20).filter(|_| ask(tenant).allowed()).count()
}

#[test]
fn an_exhausted_limit_denies_with_its_id_and_an_exact_retry_after() {
    let (client, clock) = with_clock();
    let acme = project(&client, "acme", "prod");
    acme.limits().set_blocking(limit("prompts", 3, 60_000)).unwrap();
    assert_eq!(allowed(&acme), 3);
    let denied = ask(&acme);
    assert_eq!((denied.decision, denied.code.as_deref()), (Decision::Deny, Some("limit_exceeded")));
    assert_eq!((denied.limit_id.as_deref(), denied.retry_after_ms), (Some("prompts"), Some(20_000)));
    assert!(denied.signals.is_empty(), "an attacker over its limit is not inspected");
    clock.advance(Duration::from_millis(19_999));
    assert!(!ask(&acme).allowed());
    clock.advance(Duration::from_millis(1));
    assert!(ask(&acme).allowed());
    assert!(!ask(&acme).allowed());
}

#[test]
fn a_clock_that_steps_back_neither_gives_room_away_nor_locks_anyone_out() {
    let (client, clock) = with_clock();
    let acme = project(&client, "acme", "prod");
    clock.advance(Duration::from_secs(7_200));
    acme.limits().set_blocking(limit("l", 2, 1_000)).unwrap();
    assert_eq!(allowed(&acme), 2);
    clock.step_back(Duration::from_secs(3_600));
    assert_eq!(allowed(&acme), 0);
    clock.advance(Duration::from_millis(500));
    assert_eq!(allowed(&acme), 1);
}

#[test]
fn a_call_is_charged_at_every_level_or_at_none() {
    let (client, _) = with_clock();
    let (prod, test) = (project(&client, "acme", "prod"), project(&client, "acme", "test"));
    prod.limits().set_blocking(LimitSpec { layer: Layer::Account, ..limit("account", 5, 60_000) }).unwrap();
    prod.limits().set_blocking(limit("project", 2, 60_000)).unwrap();
    assert_eq!(allowed(&prod), 2);
    assert_eq!(allowed(&test), 3, "what the project refused cost the account nothing");
    assert_eq!(ask(&test).limit_id.as_deref(), Some("account"));
}

#[test]
fn limits_count_by_principal_session_tool_and_action() {
    let (client, _) = with_clock();
    let acme = project(&client, "acme", "prod");
    let set = |key| acme.limits().set_blocking(LimitSpec { key, ..limit("l", 1, 60_000) }).unwrap();
    set(LimitKey::Principal);
    let (ann, bob) = (acme.acting_as(Principal::user("ann")).unwrap(), acme.acting_as(Principal::user("bob")).unwrap());
    assert_eq!((allowed(&ann), allowed(&bob)), (1, 1));
    let agent = acme.acting_as(Principal::agent("ann")).unwrap();
    assert_eq!(allowed(&agent), 1, "an agent is nobody's namesake");
    acme.limits().remove_blocking("l").unwrap();
    set(LimitKey::Session);
    let turn = |session: &str| {
        let request = GuardRequest { session_id: Some(session.into()), ..GuardRequest::prompt("hi") };
        acme.guard().evaluate_blocking(request).unwrap().allowed()
    };
    assert_eq!([turn("s1"), turn("s1"), turn("s2")], [true, false, true]);
    assert_eq!(allowed(&acme), 1, "leaving the session out is no way around");
    set(LimitKey::Tool);
    let tool = |name: &str| {
        acme.guard().evaluate_blocking(GuardRequest::tool_call(name, serde_json::Map::new())).unwrap().allowed()
    };
    assert_eq!([tool("a"), tool("a"), tool("b")], [true, false, true]);
    assert_eq!(allowed(&acme), 20, "prompts use no tool");
}

#[test]
fn dry_runs_take_nothing_and_say_what_would_happen() {
    let (client, _) = with_clock();
    let acme = project(&client, "acme", "prod");
    acme.limits().set_blocking(limit("l", 1, 60_000)).unwrap();
    let dry = || {
        let request = GuardRequest { dryrun: Some(true), session_id: Some("s".into()), ..GuardRequest::prompt("hi") };
        acme.guard().evaluate_blocking(request).unwrap()
    };
    for _ in 0..5 {
        assert!(dry().allowed());
    }
    assert!(ask(&acme).allowed());
    assert_eq!(dry().code.as_deref(), Some("limit_exceeded"));
    let rows = acme.audit().query_blocking(AuditQuery::from(tenantry::api::Since::Start).limit(100)).unwrap();
    assert_eq!(rows.iter().filter(|row| row.body.get("dry_run").is_some()).count(), 6);
}

#[test]
fn a_report_limit_only_fills_keys() {
    let (client, _) = with_clock();
    let acme = project(&client, "acme", "prod");
    acme.limits().set_blocking(LimitSpec { on_exceed: OnExceed::Report, ..limit("l", 2, 60_000) }).unwrap();
    put(
        &acme,
        "busy",
        r#"forbid (principal, action == Action::"process_prompt", resource) when { context has rpm_exceeded && context.rpm_exceeded };"#,
    );
    let decisions: Vec<bool> = (0..4).map(|_| ask(&acme).allowed()).collect();
    assert_eq!(decisions, [true, true, false, false]);
    assert_eq!(ask(&acme).code, None, "a policy denied, not the limit");
}

#[test]
fn limits_that_mean_nothing_are_refused() {
    let client = memory();
    let acme = project(&client, "acme", "prod");
    for bad in [
        limit("", 1, 1_000),
        limit("l", 0, 1_000),
        limit("l", 1, 0),
        limit("l", 1, u64::MAX),
        LimitSpec { shared: true, on_exceed: OnExceed::Queue, ..limit("l", 1, 1_000) },
    ] {
        assert_eq!(acme.limits().set_blocking(bad).unwrap_err().code(), "limit_invalid");
    }
    assert_eq!(acme.limits().remove_blocking("none").unwrap_err().code(), "limit_not_found");
}

#[test]
fn acquire_raises_rate_limited_with_the_time_to_wait() {
    let (client, clock) = with_clock();
    let acme = project(&client, "acme", "prod");
    acme.limits().set_blocking(LimitSpec { key: LimitKey::Custom, ..limit("exports", 10, 60_000) }).unwrap();
    let limits = acme.limits();
    limits.acquire_blocking("exports", "ann", 7).unwrap();
    let error = limits.acquire_blocking("exports", "ann", 4).unwrap_err();
    assert_eq!(
        (error.kind(), error.code(), error.retry_after()),
        (ErrorKind::RateLimited, "limit_exceeded", Some(Duration::from_secs(6)))
    );
    limits.acquire_blocking("exports", "bob", 10).unwrap();
    clock.advance(Duration::from_secs(6));
    limits.acquire_blocking("exports", "ann", 4).unwrap();
    assert_eq!(limits.acquire_blocking("exports", "ann", 11).unwrap_err().retry_after(), None, "it can never fit");
    assert_eq!(limits.acquire_blocking("none", "", 1).unwrap_err().code(), "limit_not_found");
    assert_eq!(allowed(&acme), 20, "guard calls are not charged to a custom limit");
}

#[test]
fn acquire_shares_the_counters_of_guard_calls() {
    let (client, _) = with_clock();
    let acme = project(&client, "acme", "prod");
    acme.limits().set_blocking(limit("all", 2, 60_000)).unwrap();
    acme.limits().acquire_blocking("all", "", 1).unwrap();
    assert_eq!(allowed(&acme), 1);
    assert_eq!(acme.limits().acquire_blocking("all", "another key", 1).unwrap_err().kind(), ErrorKind::RateLimited);
    acme.limits().remove_blocking("all").unwrap();
    acme.limits().set_blocking(LimitSpec { key: LimitKey::Principal, ..limit("each", 2, 60_000) }).unwrap();
    acme.limits().acquire_blocking("each", "ann", 1).unwrap();
    assert_eq!(allowed(&acme.acting_as(Principal::user("ann")).unwrap()), 1);
}

#[test]
fn the_same_limit_in_another_project_is_another_budget() {
    let (client, _) = with_clock();
    let (a, b) = (project(&client, "a", "p"), project(&client, "b", "p"));
    for tenant in [&a, &b] {
        tenant.limits().set_blocking(limit("l", 3, 60_000)).unwrap();
    }
    assert_eq!((allowed(&a), allowed(&b)), (3, 3));
}

#[test]
fn what_a_caller_takes_of_a_shared_limit_and_does_not_wait_for_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let acme = project(&on(folder.path()), "acme", "prod");
    acme.limits().set_blocking(LimitSpec { shared: true, ..limit("l", 2, 86_400_000) }).unwrap();
    ask(&acme);
    // Somebody else charges: this one has to wait for the disk, and its caller does not.
    let charging = rusqlite::Connection::open(folder.path().join("counters.db")).unwrap();
    charging.execute_batch("BEGIN IMMEDIATE").unwrap();
    let guard = acme.guard();
    let call = Box::pin(async move { guard.evaluate(GuardRequest::prompt("hi")).await });
    drop(tenantry::runtime::poll_once(call).expect_err("it waits for the disk"));
    std::thread::sleep(Duration::from_millis(100));
    charging.execute_batch("COMMIT").unwrap();
    let would = || GuardRequest { dryrun: Some(true), ..GuardRequest::prompt("hi") };
    let end = Instant::now() + Duration::from_secs(20);
    while acme.guard().evaluate_blocking(would()).unwrap().denied() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(allowed(&acme), 1, "one was asked for, and one given up");
}

#[test]
fn a_shared_limit_counts_across_engines_on_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let client = on(folder.path());
    let acme = project(&client, "acme", "prod");
    acme.limits().set_blocking(LimitSpec { shared: true, ..limit("l", 3, 86_400_000) }).unwrap();
    assert_eq!(allowed(&acme), 3);
    drop((acme, client));
    let again = on(folder.path()).tenant_blocking("acme", "prod").unwrap();
    assert_eq!(allowed(&again), 0, "it outlives the engine");
}

fn queue(rate: u32, per_ms: u64, max_wait_ms: u64) -> LimitSpec {
    LimitSpec { on_exceed: OnExceed::Queue, max_wait_ms, ..limit("q", rate, per_ms) }
}

fn wait_until(what: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never happened");
        std::thread::yield_now();
    }
}

fn wait_for_sleepers(clock: &ManualClock, count: usize) {
    wait_until(|| clock.sleepers() >= count);
}

#[test]
fn a_queue_serves_in_order_of_arrival() {
    let (client, clock) = with_clock();
    let acme = project(&client, "acme", "prod");
    acme.limits().set_blocking(queue(1, 1_000, 60_000)).unwrap();
    assert!(ask(&acme).allowed());
    let order = Arc::new(Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for number in 0..4 {
            let (acme, order) = (acme.clone(), Arc::clone(&order));
            threads.spawn(move || {
                assert!(ask(&acme).allowed());
                order.lock().unwrap().push(number);
            });
            wait_for_sleepers(&clock, number + 1);
        }
        for served in 1..=4 {
            clock.advance(Duration::from_secs(1));
            wait_until(|| order.lock().unwrap().len() >= served);
            assert_eq!(order.lock().unwrap().len(), served, "one place a second");
        }
    });
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3]);
}

#[test]
fn in_a_line_of_the_platform_accounts_take_turns() {
    let (client, clock) = with_clock();
    let (evil, good) = (project(&client, "evil", "prod"), project(&client, "good", "prod"));
    good.limits().set_blocking(LimitSpec { layer: Layer::Platform, ..queue(1, 1_000, 3_600_000) }).unwrap();
    assert!(ask(&good).allowed());
    let order = Arc::new(Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for (number, tenant) in [&evil, &evil, &evil, &evil, &evil, &evil, &good, &good].into_iter().enumerate() {
            let (tenant, order) = (tenant.clone(), Arc::clone(&order));
            threads.spawn(move || {
                assert!(ask(&tenant).allowed());
                order.lock().unwrap().push(number);
            });
            wait_for_sleepers(&clock, number + 1);
        }
        for served in 1..=8 {
            clock.advance(Duration::from_secs(1));
            wait_until(|| order.lock().unwrap().len() >= served);
        }
    });
    assert_eq!(*order.lock().unwrap(), [0, 6, 1, 7, 2, 3, 4, 5]);
}

#[test]
fn a_queue_gives_up_at_its_cap() {
    let (client, clock) = with_clock();
    let acme = project(&client, "acme", "prod");
    acme.limits().set_blocking(queue(1, 60_000, 5_000)).unwrap();
    assert!(ask(&acme).allowed());
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| ask(&acme));
        wait_for_sleepers(&clock, 1);
        clock.advance(Duration::from_secs(5));
        let denied = waiting.join().unwrap();
        assert_eq!((denied.decision, denied.code.as_deref()), (Decision::Deny, Some("limit_exceeded")));
    });
}

#[test]
fn cancelling_a_waiting_call_frees_its_place() {
    let (client, clock) = with_clock();
    let acme = project(&client, "acme", "prod");
    acme.limits().set_blocking(queue(1, 1_000, 60_000)).unwrap();
    assert!(ask(&acme).allowed());
    let served = Arc::new(AtomicUsize::new(0));
    let (first, counter) = (acme.clone(), Arc::clone(&served));
    let cancel =
        tenantry::runtime::spawn(async move { first.guard().evaluate(GuardRequest::prompt("hi")).await }, move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
    wait_for_sleepers(&clock, 1);
    std::thread::scope(|threads| {
        let second = threads.spawn(|| ask(&acme));
        wait_for_sleepers(&clock, 2);
        cancel.abort();
        wait_until(|| clock.sleepers() == 1);
        // The place of the cancelled call is the second one's now: one period is enough.
        clock.advance(Duration::from_secs(1));
        assert!(second.join().unwrap().allowed());
    });
    assert_eq!(served.load(Ordering::SeqCst), 0);
}

#[test]
fn a_limit_that_names_an_action_counts_its_calls_alone() {
    let client = memory();
    let prompt = || GuardRequest::prompt("hi");
    let response = || GuardRequest { content_type: ContentType::Response, ..GuardRequest::prompt("hi") };
    let tool = || {
        let tool = ToolContext { name: "search".into(), ..ToolContext::default() };
        GuardRequest { tool: Some(tool), ..GuardRequest::default() }.shaped(Shape::ToolCall)
    };
    let file = |operation: &str| {
        let file = FileContext { path: "a".into(), operation: operation.into(), ..FileContext::default() };
        GuardRequest { file: Some(file), ..GuardRequest::default() }.shaped(Shape::File)
    };
    let calls: [(&str, &dyn Fn() -> GuardRequest); 5] = [
        ("process_prompt", &prompt),
        ("process_response", &response),
        ("call_tool", &tool),
        ("read_file", &|| file("read")),
        ("write_file", &|| file("write")),
    ];
    for (number, (counted, _)) in calls.iter().enumerate() {
        for shared in [false, true] {
            let acme = project(&client, &format!("acme{number}{shared}"), "prod");
            let spec = LimitSpec { action: (*counted).into(), shared, ..limit("one", 1, 86_400_000) };
            acme.limits().set_blocking(spec).unwrap();
            assert_eq!(acme.limits().list_blocking().unwrap()[0].action, *counted);
            for (action, call) in &calls {
                let codes = [(), ()].map(|()| acme.guard().evaluate_blocking(call()).unwrap().code);
                let exhausted = Some("limit_exceeded".to_owned());
                let expected = if action == counted { [None, exhausted] } else { [None, None] };
                assert_eq!(codes, expected, "{action} under a limit of {counted}, shared: {shared}");
            }
        }
    }
}

#[test]
fn limits_of_an_action_and_of_all_count_beside_each_other() {
    let client = memory();
    let acme = project(&client, "acme", "prod");
    acme.limits()
        .set_blocking(LimitSpec { action: "process_prompt".into(), ..limit("prompts", 2, 86_400_000) })
        .unwrap();
    acme.limits().set_blocking(LimitSpec { key: LimitKey::Action, ..limit("each", 3, 86_400_000) }).unwrap();
    let tool = || {
        let tool = ToolContext { name: "search".into(), ..ToolContext::default() };
        GuardRequest { tool: Some(tool), ..GuardRequest::default() }.shaped(Shape::ToolCall)
    };
    let by = |request: GuardRequest| acme.guard().evaluate_blocking(request).unwrap().limit_id;
    let prompts: Vec<Option<String>> = (0..3).map(|_| by(GuardRequest::prompt("a"))).collect();
    assert_eq!(prompts, [None, None, Some("prompts".into())]);
    let tools: Vec<Option<String>> = (0..4).map(|_| by(tool())).collect();
    assert_eq!(tools, [None, None, None, Some("each".into())]);
    // Set anew for all, it goes on counting where it was.
    acme.limits().set_blocking(limit("prompts", 2, 86_400_000)).unwrap();
    assert_eq!(acme.limits().list_blocking().unwrap().last().unwrap().action, "");
    let ann = acme.acting_as(Principal::user("ann")).unwrap();
    assert_eq!(ann.guard().evaluate_blocking(GuardRequest::prompt("a")).unwrap().limit_id.as_deref(), Some("prompts"));
}

#[test]
fn an_action_a_limit_cannot_count_is_refused() {
    let acme = project(&memory(), "acme", "prod");
    let set = |key, action: &str| {
        acme.limits().set_blocking(LimitSpec { key, action: action.into(), ..limit("l", 1, 1_000) })
    };
    let long = "x".repeat(100_000);
    for odd in
        ["process_prompts", "prompt", "Process_Prompt", " process_prompt", "process_prompt,call_tool", "*", &long]
    {
        let error = set(LimitKey::Scope, odd).unwrap_err();
        assert_eq!(error.code(), "limit_invalid", "{odd:.40}");
        assert!(error.message().len() < 200 && error.help().unwrap().contains("`process_prompt`"));
    }
    assert_eq!(set(LimitKey::Custom, "call_tool").unwrap_err().code(), "limit_invalid");
    assert!(acme.limits().list_blocking().unwrap().is_empty());
    for known in ["process_prompt", "process_response", "call_tool", "read_file", "write_file", "connect_server", ""] {
        set(LimitKey::Principal, known).unwrap();
    }
}
