//! What a tenant's policies may cost others: texts that recurse, texts that take long, changes that wait. Every case goes through
//! `put`, a call, and a cold load, on threads with little stack, since apps call from such.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr)]

mod support;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use support::{folder_options, memory, policy, project};
use tenantry::{
    Error, Options, Tenant, Tenantry,
    api::{Decision, GuardRequest, GuardResponse, LimitKey, LimitSpec, OnExceed},
    config::Storage,
    scope::Layer,
};

/// What `put` may answer beside taking a text.
const REFUSALS: [&str; 8] = [
    "policy_too_complex",
    "policy_too_large",
    "policy_too_many",
    "policy_syntax",
    "policy_invalid",
    "policy_empty",
    "policy_action_unknown",
    "policy_key_conflict",
];

fn when(condition: &str) -> String {
    format!("forbid (principal, action == Action::\"call_tool\", resource) when {{ {condition} }};")
}

/// One condition of each shape that parsers, validators and evaluators recurse over, `n` deep or long.
fn shapes(n: usize) -> Vec<(&'static str, String)> {
    let chain = |term: &str, operator: &str| vec![term; n].join(operator);
    let around = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    vec![
        ("parentheses", around("(", "true", ")")),
        ("and", chain("true", " && ")),
        ("or", chain("true", " || ")),
        ("or of comparisons", chain("context.tool_name == \"x\"", " || ")),
        ("and of or", chain("(false || true)", " && ")),
        ("plus", format!("1 == {}", chain("1", " + "))),
        ("minus", format!("1 == {}", chain("1", " - "))),
        ("times", format!("1 == {}", chain("1", " * "))),
        ("equal in brackets", around("(true == ", "true", ")")),
        ("not", around("(!", "true", ")")),
        ("nots", format!("{}true", "!".repeat(n))),
        ("negation", format!("1 == {}", around("-(", "1", ")"))),
        ("set", format!("{} == []", around("[", "1", "]"))),
        ("if then", format!("{}true{}", "if true then ".repeat(n), " else true".repeat(n))),
        ("else if", format!("{}true", "if true then true else ".repeat(n))),
        ("if condition", format!("{}true{}", "if (".repeat(n), ") then true else true".repeat(n))),
        ("attributes", format!("context.tenant{} == 1", ".a".repeat(n))),
        ("indexed attributes", format!("context.tenant{} == 1", "[\"a\"]".repeat(n))),
        ("has path", format!("context has {}", vec!["a"; n].join("."))),
        ("record", format!("{} == 1", around("{a: ", "1", "}"))),
        ("record of texts", format!("{} == 1", around("{\"a\": ", "1", "}"))),
        ("methods", format!("[1]{}", ".contains(1)".repeat(n))),
        ("methods inside", format!("{}1{}", "[1].contains(".repeat(n), ")".repeat(n))),
        ("mixed", around("(true && ", "true", ")")),
        ("mixed left", around("(", "true", " && true)")),
        ("in", format!("principal in {}", around("[", "", "]"))),
        ("is in", format!("principal is User in {}", around("(", "principal", ")"))),
        ("like", format!("\"x\" like \"{}\"", "*".repeat(n))),
        ("like long", format!("\"x\" like \"{}\"", "a".repeat(n))),
        ("likes", chain("context.tool_name like \"*a*\"", " || ")),
        ("names", format!("{}a::\"x\" == principal", "a::".repeat(n))),
        ("long name", format!("context.{} == 1", "a".repeat(n))),
        ("calls", around("ip(", "\"1.1.1.1\"", ")")),
        ("long set", format!("[{}].contains(1)", chain("1", ","))),
        ("extension calls", format!("[{}].isEmpty()", chain("ip(\"1\")", ","))),
        ("ifs in a set", format!("[{}].isEmpty()", chain("if 0 then 0 else 0", ","))),
        ("contexts in a set", format!("[{}].isEmpty()", chain("context", ","))),
        ("reads in a set", format!("context has m && [{}].isEmpty()", chain("context.m", ","))),
        ("has and has", chain("context has tool_name", " && ")),
        (
            "nested records in a set",
            format!("[{}].isEmpty()", chain(&format!("{}1{}", "{a:".repeat(30), "}".repeat(30)), ",")),
        ),
        ("many records", format!("[{}] == []", chain("{a: 1}", ","))),
        ("many keys", (0..n).map(|key| format!("context has k{key}")).collect::<Vec<_>>().join(" || ")),
        ("unclosed", "(".repeat(n)),
        ("unclosed set", "[".repeat(n)),
        ("unclosed record", "{a: ".repeat(n)),
        ("closed only", ")".repeat(n)),
        ("unclosed text", format!("\"{}", "(".repeat(n))),
        ("escapes", format!("\"{}\" == \"\"", "\\\"".repeat(n))),
    ]
}

/// Texts whose depth lies outside the conditions.
fn texts(n: usize) -> Vec<(&'static str, String)> {
    vec![
        ("clauses", format!("forbid (principal, action, resource) {};", "when { true } ".repeat(n))),
        ("unless", format!("forbid (principal, action, resource) {};", "unless { false } ".repeat(n))),
        ("annotations", {
            let annotations: String = (0..n).map(|at| format!("@a{at}(\"x\") ")).collect();
            format!("{annotations} forbid (principal, action, resource);")
        }),
        ("policies", "forbid (principal, action, resource);".repeat(n)),
        ("actions", {
            let actions = vec!["Action::\"call_tool\""; n].join(", ");
            format!("forbid (principal, action in [{actions}], resource);")
        }),
        ("scope in sets", format!("forbid (principal in {}{}, action, resource);", "[".repeat(n), "]".repeat(n))),
        ("semicolons", ";".repeat(n)),
        ("comments", format!("{}forbid (principal, action, resource);", "// ((((\n".repeat(n))),
    ]
}

/// On a thread with no more stack than small runtimes give theirs.
fn on_little_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let builder = std::thread::Builder::new().stack_size(512 * 1024);
    std::thread::scope(|scope| builder.spawn_scoped(scope, work).unwrap().join().unwrap())
}

fn put(tenant: &Tenant, name: &str, text: &str) -> Result<(), Error> {
    tenant.policies().put_blocking(policy(name, text)).map(|_| ())
}

fn call(tenant: &Tenant, arguments: Value) -> Result<GuardResponse, Error> {
    let arguments: Map<String, Value> = arguments.as_object().cloned().unwrap();
    tenant.guard().evaluate_blocking(GuardRequest::tool_call("x", arguments))
}

#[test]
fn no_text_ends_the_process_and_what_put_takes_a_cold_load_takes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut taken, mut refused) = (0, 0);
    for n in [8, 30, 45, 130, 200, 480, 1_000, 5_000, 60_000] {
        let client = Tenantry::open(folder_options(folder.path())).unwrap();
        let mut kept = Vec::new();
        let conditions = shapes(n).into_iter().map(|(name, condition)| (name, when(&condition)));
        for (at, (name, text)) in conditions.chain(texts(n)).enumerate() {
            let start = Instant::now();
            let id = format!("n{n}-{at}");
            let tenant = project(&client, "evil", &id);
            match on_little_stack(|| put(&tenant, "p", &text)) {
                Ok(()) => {
                    let answer = on_little_stack(|| call(&tenant, json!({})));
                    assert!(answer.is_ok(), "{name} {n}: {:?}", answer.err());
                    kept.push((name, id));
                    taken += 1;
                }
                Err(error) => {
                    assert!(REFUSALS.contains(&error.code()), "{name} {n}: {error:?}");
                    refused += 1;
                }
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{name} {n} took {:?}", start.elapsed());
        }
        client.close_blocking().unwrap();
        drop(client);
        let client = Tenantry::open(folder_options(folder.path())).unwrap();
        for (name, id) in kept {
            let answer =
                on_little_stack(|| client.tenant_blocking("evil", &id).and_then(|tenant| call(&tenant, json!({}))));
            assert!(answer.is_ok(), "after a cold load, {name} {n}: {:?}", answer.err());
        }
    }
    assert!(taken > 60 && refused > 150, "{taken} taken, {refused} refused");
}

#[test]
fn a_chain_people_write_is_taken_and_a_refusal_says_where_and_what_to_write() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let chain = |n: usize| when(&vec!["context.tool_name == \"x\""; n].join(" || "));
    put(&tenant, "long", &chain(450)).unwrap();
    assert_eq!(call(&tenant, json!({})).unwrap().decision, Decision::Deny);
    let error = put(&tenant, "longer", &format!("// a comment\n{}", chain(600))).unwrap_err();
    assert_eq!(error.code(), "policy_too_complex");
    assert!(error.message().contains("`longer`") && error.message().contains("line 2"), "{}", error.message());
    assert!(error.help().unwrap().contains("contains"));
}

/// Conditions that cost stock Cedar or the compiled form much for one call; each is put as often as `put` takes it.
fn heavy() -> Vec<(&'static str, String)> {
    let pattern = "a".repeat(1_000);
    let list: String = (0..20_000).map(|at| format!("\"m{at}\"")).collect::<Vec<_>>().join(",");
    let stock = "resource is Session && 1 + 1 == 2 && ";
    vec![
        ("like in stock", format!("{stock} context has path && context.path like \"*{pattern}b\"")),
        ("likes in stock", {
            let likes: Vec<String> = (0..30).map(|at| format!("context.path like \"*{pattern}b{at}\"")).collect();
            format!("{stock} context has path && ({})", likes.join(" || "))
        }),
        ("like compiled", format!("context has path && context.path like \"*{pattern}b*\"")),
        (
            "like and a missing key",
            format!("context has path && context.path like \"*{pattern}*b\" || context.region_x == 1"),
        ),
        ("like of metadata", format!("{stock} context has note && context.note like \"*{pattern}b\"")),
        (
            "like of a parameter",
            format!(
                "{stock} context has action_params && context.action_params has path && context.action_params.path like \"*{pattern}b\""
            ),
        ),
        ("stars", format!("{stock} context has path && context.path like \"{}b\"", "*a".repeat(500))),
        ("sets of the call", "context has s && context has t && context.s.containsAll(context.t)".to_owned()),
        (
            "sets of the call in stock",
            format!("{stock} context has s && context has t && context.s.containsAny(context.t)"),
        ),
        ("a set written out", format!("context has s && [{list}].containsAll(context.s)")),
        ("a set written out in stock", format!("{stock} context has s && [{list}].containsAny(context.s)")),
        ("texts of the call in a set", {
            let reads = vec!["context.note"; 900].join(", ");
            format!("context has note && context has path && [{reads}, context.path].isEmpty()")
        }),
        ("equal texts", format!("{stock} context has note && context has path && context.note == context.path")),
    ]
}

#[test]
fn a_heavy_policy_ends_with_the_deadline_and_stops_nobody_else() {
    let deadline = Duration::from_millis(250);
    let client =
        Tenantry::open(Options { storage: Some(Storage::Memory), deadline: Some(deadline), ..Options::default() })
            .unwrap();
    let victim = project(&client, "good", "prod");
    let text = "a".repeat(30_000);
    let members: Vec<String> = (0..8_000).map(|at| format!("m{at}")).collect();
    for (at, (name, condition)) in heavy().into_iter().enumerate() {
        let tenant = project(&client, "evil", &format!("p{at}"));
        let mut put_in = 0;
        for copy in 0..40 {
            // Different texts, or they would be one.
            let text = when(&format!("{condition} && \"{copy}\" != \"\""));
            match put(&tenant, &format!("p{copy}"), &text) {
                Ok(()) => put_in += 1,
                Err(error) => {
                    assert!(REFUSALS.contains(&error.code()), "{name}: {error:?}");
                    break;
                }
            }
        }
        assert!(put_in > 0, "{name} was refused");
        let mut request = GuardRequest::tool_call("x", json!({ "path": text }).as_object().cloned().unwrap());
        request.metadata = json!({ "note": text, "s": members, "t": members }).as_object().cloned().unwrap();
        let start = Instant::now();
        let answer = tenant.guard().evaluate_blocking(request);
        let spent = start.elapsed();
        if let Err(error) = answer {
            assert_eq!(error.code(), "deadline_exceeded", "{name}");
        }
        // A fifth over, and what a busy machine takes.
        assert!(spent < deadline + deadline / 5 + Duration::from_millis(100), "{name} ({put_in} put): {spent:?}");
        let start = Instant::now();
        assert_eq!(call(&victim, json!({})).unwrap().decision, Decision::Allow);
        assert!(start.elapsed() < Duration::from_millis(100), "the neighbour of {name} waited {:?}", start.elapsed());
    }
}

#[test]
fn a_policy_that_would_take_too_long_denies_and_says_so() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let pattern = "a".repeat(1_000);
    put(&tenant, "slow", &when(&format!("1 + 1 == 2 && context has path && context.path like \"*{pattern}b\"")))
        .unwrap();
    assert_eq!(call(&tenant, json!({"path": "a".repeat(100)})).unwrap().decision, Decision::Allow);
    let answer = call(&tenant, json!({"path": "a".repeat(500_000)})).unwrap();
    assert_eq!((answer.decision, answer.code.as_deref()), (Decision::Deny, Some("policy_error")));
    assert!(answer.eval_errors.unwrap().contains("steps"));
}

#[test]
fn another_tenants_change_never_waits_for_mine() {
    let client = memory();
    let (evil, good) = (project(&client, "evil", "prod"), project(&client, "good", "prod"));
    for text in 0..3 {
        let rules: String = (0..2_000)
            .map(|rule| format!("forbid (principal == User::\"u{text}-{rule}\", action, resource);"))
            .collect();
        put(&evil, &format!("f{text}"), &rules).unwrap();
    }
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (evil, stop) = (&evil, &stop);
            scope.spawn(move || {
                let mut at = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    at += 1;
                    let text = format!("forbid (principal == User::\"x{thread}-{at}\", action, resource);");
                    put(evil, "tiny", &text).unwrap();
                }
            });
        }
        let mut waited = Vec::new();
        // Whatever fails here, the others stop.
        let _stop = Stop(&stop);
        for rate in 1..16 {
            let start = Instant::now();
            good.limits()
                .set_blocking(LimitSpec {
                    id: "l".into(),
                    rate,
                    per_ms: 60_000,
                    key: LimitKey::Scope,
                    on_exceed: OnExceed::Reject,
                    max_wait_ms: 0,
                    layer: Layer::Project,
                    action: String::new(),
                    shared: false,
                })
                .unwrap();
            put(&good, "p", &when(&format!("context.tool_name == \"t{rate}\""))).unwrap();
            waited.push(start.elapsed());
        }
        waited.sort_unstable();
        assert!(waited[7] < Duration::from_millis(250), "the median change waited {:?}", waited[7]);
    });
}

struct Stop<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn one_put_compiles_its_own_text_once() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let rules: String =
        (0..3_000).map(|rule| format!("forbid (principal == User::\"u{rule}\", action, resource);")).collect();
    let start = Instant::now();
    put(&tenant, "large", &rules).unwrap();
    let large = start.elapsed();
    // A small text beside it costs its own size: neither the large one again, nor the call after it.
    let start = Instant::now();
    put(&tenant, "small", "forbid (principal == User::\"x\", action, resource);").unwrap();
    call(&tenant, json!({})).unwrap();
    assert!(start.elapsed() < large / 2, "{:?} beside {large:?}", start.elapsed());
}

/// Cedar as people write it, and worse: parts put together at random, broken here and there.
fn soup() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec![
        "true",
        "context has amount && context.amount > 5",
        "context.tool_name like \"*a*b\"",
        "context has path && context.path like \"/etc/*\"",
        "[\"a\", \"b\"].contains(context.tool_name)",
        "principal == User::\"ann\"",
        "resource is Session",
        "principal in Project::\"prod\"",
        "{a: 1}.a == 1",
        "context.tenant.tier == \"x\"",
        "context has \"a\\\"b\" && context[\"a\\\"b\"] == \"x\"",
        "1 + 2 * 3 == 7",
        "ip(\"10.0.0.1\").isLoopback()",
        "\\u{0}",
        "\"",
        "@",
        "context",
        "[",
        "}",
        "é",
    ])
    .prop_map(str::to_owned);
    let condition = atom.prop_recursive(6, 200, 12, |inner| {
        prop_oneof![
            3 => (prop::collection::vec(inner.clone(), 1..12), prop::sample::select(vec![" && ", " || ", ", ", " == ", "; "]))
                .prop_map(|(parts, with)| parts.join(with)),
            3 => (inner.clone(), 1_usize..60).prop_map(|(inner, n)| format!("{}{inner}{}", "(".repeat(n), ")".repeat(n))),
            1 => (inner.clone(), 1_usize..300).prop_map(|(inner, n)| vec![inner; n].join(" || ")),
            1 => (inner.clone(), 1_usize..30).prop_map(|(inner, n)| format!("{}{inner}", "if true then true else ".repeat(n))),
            1 => inner.prop_map(|inner| format!("!({inner})")),
        ]
    });
    let effect = prop::sample::select(vec![
        "forbid",
        "permit",
        "@id(\"x\") forbid",
        "@redaction_strategy(\"mask\") forbid",
        "prmit",
    ]);
    prop::collection::vec((effect, condition), 1..4).prop_map(|policies| {
        policies
            .iter()
            .map(|(effect, when)| format!("{effect} (principal, action, resource) when {{ {when} }};\n"))
            .collect()
    })
}

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// `PROPTEST_CASES` makes it longer: `make fuzz` runs it for minutes.
#[test]
fn any_text_is_put_judged_and_loaded_again_in_bounded_time_and_memory() {
    let folder = tempfile::tempdir().unwrap();
    let counted = std::cell::Cell::new((0_u32, 0_u32));
    let open = || Tenantry::open(folder_options(folder.path())).unwrap();
    let client = std::cell::RefCell::new(open());
    project(&client.borrow(), "fuzz", "prod");
    let before = resident();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    proptest!(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }, |(text in soup(), cold in prop::bool::weighted(0.1))| {
        let tenant = client.borrow().tenant_blocking("fuzz", "prod").unwrap();
        let start = Instant::now();
        let put = on_little_stack(|| put(&tenant, "p", &text));
        match &put {
            Ok(()) => counted.set((counted.get().0 + 1, counted.get().1)),
            Err(error) => {
                counted.set((counted.get().0, counted.get().1 + 1));
                prop_assert!(error.code().starts_with("policy_") || error.code() == "annotation_invalid", "{error:?}");
                let lines = text.split('\n').count();
                let is_inside = |location: &tenantry::error::Location| (1..=lines).contains(&(location.line as usize));
                prop_assert!(error.location().is_none_or(is_inside) && error.message().len() < 2_000, "{error:?}");
            }
        }
        let arguments = json!({"path": "a".repeat(5_000), "amount": 7});
        let first = on_little_stack(|| call(&tenant, arguments.clone()));
        prop_assert!(first.is_ok(), "{:?}", first.err());
        if cold {
            drop(tenant);
            client.borrow().close_blocking().unwrap();
            client.replace(open());
            let tenant = client.borrow().tenant_blocking("fuzz", "prod").unwrap();
            let again = on_little_stack(|| call(&tenant, arguments.clone()));
            prop_assert_eq!(again.unwrap().decision, first.unwrap().decision);
        }
        prop_assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        prop_assert!(resident().saturating_sub(before) < 256 * 1024 * 1024, "{} bytes more", resident() - before);
    });
    let (taken, refused) = counted.get();
    // Some 25 of 300 are taken, more or less by chance.
    assert!(taken > cases / 60 && refused > cases / 10, "{taken} taken, {refused} refused of {cases}");
}

#[test]
fn a_path_that_is_sent_twice_or_as_another_type_denies_where_it_is_read() {
    let client = memory();
    let tenant = project(&client, "acme", "paths");
    put(&tenant, "evil", &when("context has path && context.path like \"*evil*\"")).unwrap();
    let decide = |arguments: Value, file: Option<&str>| {
        let arguments: Map<String, Value> = arguments.as_object().cloned().unwrap();
        let mut request = GuardRequest::tool_call("x", arguments);
        request.file = file.and_then(|path| GuardRequest::file("", path, "read").file);
        tenant.guard().evaluate_blocking(request).unwrap().decision
    };
    for (arguments, file) in [
        (json!({"path": "/evil"}), None),
        (json!({"path": ["/evil"]}), None),
        (json!({"path": 7}), None),
        (json!({"path": ["/evil"]}), Some("/ok")),
        (json!({"path": "/evil"}), Some("/ok")),
        (json!({"path": {"a": "/evil"}}), Some("/ok")),
        (json!({}), Some("/evil")),
    ] {
        assert_eq!(decide(arguments.clone(), file), Decision::Deny, "{arguments} {file:?}");
    }
    for (arguments, file) in [
        (json!({"path": "/ok"}), None),
        (json!({"path": null}), None),
        (json!({}), None),
        (json!({"path": "/ok"}), Some("/ok")),
        (json!({"path": null}), Some("/ok")),
    ] {
        assert_eq!(decide(arguments.clone(), file), Decision::Allow, "{arguments} {file:?}");
    }
}
