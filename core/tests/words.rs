//! What a refusal says: the thing, the place, and the next step. `tests/words.json` is the one table of typical mistakes; every
//! language and the command line compare what they show with it. `TENANTRY_WRITE_DOCS=1` writes it anew, for a person to read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/identity.rs"]
mod guests;
mod support;

use std::{collections::BTreeMap, fs, path::Path};

use guests::{enter, key, world};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use support::{memory, on, policy, project, put};
use tenantry::{
    Error, Options, Tenant, Tenantry,
    api::{
        Decision, GrantSpec, GuardRequest, GuardResponse, KeySpec, Principal, RequestCredentials, Settings,
        SettingsPatch,
    },
    config::Storage,
    scope::Layer,
};

// The table

#[derive(Deserialize)]
struct Mistake {
    id: String,
    r#do: String,
    given: Value,
}

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/words.json");

fn text(given: &Value, name: &str) -> String {
    given[name].as_str().unwrap_or_default().to_owned()
}

/// What somebody who makes the mistake reads.
fn made(mistake: &Mistake, folder: &Path) -> String {
    let given = &mistake.given;
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let error: Error = match mistake.r#do.as_str() {
        "open" => {
            let storage = Some(Storage::Folder(folder.join(text(given, "inside"))));
            Tenantry::open(Options { storage, ..Options::default() }).err()
        }
        "authenticate" => client.authenticate_blocking(&RequestCredentials::token(text(given, "token"))).err(),
        "tenant" => client.tenant_blocking(&text(given, "account"), &text(given, "project")).err(),
        "put" => tenant.policies().put_blocking(policy(&text(given, "name"), &text(given, "text"))).err(),
        "settings" => {
            let metadata_keys = serde_json::from_value(given["metadata_keys"].clone()).unwrap();
            tenant.settings().update_blocking(SettingsPatch { metadata_keys, ..SettingsPatch::default() }).err()
        }
        "key" => {
            let scopes = serde_json::from_value(given["scopes"].clone()).unwrap();
            let (account_id, project_id) = ("acme".into(), "prod".into());
            let spec = KeySpec { name: "bot".into(), scopes, account_id, project_id, ..KeySpec::default() };
            client.identity().keys().create_blocking(spec.clone()).err()
        }
        "evaluate" => {
            let request = GuardRequest::from_json(&given["request"].to_string()).unwrap();
            tenant.guard().evaluate_blocking(request).err()
        }
        "call" => {
            put(&tenant, "tools", &text(given, "text"));
            let response = tool(&tenant, &text(given, "tool"));
            let blocked = response.blocked().unwrap();
            return format!("{} ({})", blocked.message, blocked.code);
        }
        other => panic!("{other}"),
    }
    .unwrap_or_else(|| panic!("{} is no mistake", mistake.id));
    error.to_string().replace(folder.to_str().unwrap(), "{folder}")
}

#[test]
fn typical_mistakes_are_told_in_the_words_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "not a folder").unwrap();
    let mut rows: Vec<Value> = serde_json::from_str(&fs::read_to_string(TABLE).unwrap()).unwrap();
    let told = |row: &Value| made(&serde_json::from_value(row.clone()).unwrap(), folder.path());
    if std::env::var_os("TENANTRY_WRITE_DOCS").is_some() {
        for row in &mut rows {
            row["told"] = told(row).into();
        }
        fs::write(TABLE, serde_json::to_string_pretty(&rows).unwrap() + "\n").unwrap();
    }
    for row in &rows {
        assert_eq!(told(row), row["told"].as_str().unwrap(), "{}", row["id"]);
        assert!(row["told"].as_str().unwrap().contains("; "), "{} has no next step", row["id"]);
    }
}

// Policies

fn refused(tenant: &Tenant, text: &str) -> Error {
    tenant.policies().put_blocking(policy("p", text)).expect_err(text)
}

/// Line and column of a byte, counted apart from the code that is tested.
fn place(text: &str, at: usize) -> (u32, u32) {
    let lines: Vec<&str> = text[..at].split('\n').collect();
    (u32::try_from(lines.len()).unwrap(), u32::try_from(lines.last().unwrap().chars().count() + 1).unwrap())
}

/// `^` in a text says where the error stands, and is no part of it.
fn marked(marked: &str) -> (String, usize) {
    let at = marked.find('^').unwrap();
    (marked.replace('^', ""), at)
}

const BAD: &[(&str, &str)] = &[
    // Parsing.
    ("policy_syntax", "permit (principal, action, resource) when { context.tool_name ^= \"x\" };"),
    ("policy_syntax", "permit (principal, action, resource)^"),
    ("policy_syntax", "// a comment\n\npermit (principal, action, resource);\n\tforbid (principal ^action, resource);"),
    ("policy_syntax", "permit (principal == User::\"ann\", action == Action::\"call_tool\", resource) when ^};"),
    (
        "policy_syntax",
        "permit (principal is User, action, resource); @id(\"é\") permit (principal in ^User::\"ü\" && true);",
    ),
    ("policy_syntax", "^allow (principal, action, resource);"),
    ("policy_syntax", "permit (principal, action, resource) when { [User::\"a\", Agent::\"b\"].contains(^princpal) };"),
    ("policy_empty", "^"),
    ("policy_empty", "^// nothing but a comment\n"),
    ("policy_template", "permit (principal == ^?principal, action, resource);"),
    // Bounds.
    (
        "policy_too_complex",
        "permit (principal, action, resource) when { User::\"a\" == principal && ((((((((((((((((((((((((((((((((((((((^((true)))))))))))))))))))))))))))))))))))))))) };",
    ),
    (
        "policy_too_complex",
        "permit (principal, action, resource)\nwhen { context has a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q^.r };",
    ),
    // Annotations.
    ("annotation_invalid", "@id(\"x\")\n@^severity(\"awful\")\nforbid (principal, action, resource);"),
    (
        "annotation_invalid",
        "permit (principal, action, resource);\n@^redaction_strategy(\"blur\") forbid (principal, action, resource);",
    ),
    ("annotation_unsupported", "@^step_up_required(\"role=admin\") forbid (principal, action, resource);"),
    // Actions and entities.
    ("policy_action_unknown", "permit (principal, action == Action::^\"cal_tool\", resource);"),
    (
        "policy_action_unknown",
        "permit (principal, action in [Action::\"call_tool\", Action::^\"read_fil\"], resource);",
    ),
    ("policy_action_unknown", "permit (principal == User::\"a\", action == Guardrails::Action::^\"fly\", resource);"),
    (
        "policy_invalid",
        "permit (principal is User, action, resource);\npermit (principal == ^Usr::\"ann\", action, resource);",
    ),
    ("policy_invalid", "permit (principal is ^Guardrails::Agnt, action, resource);"),
    // Validation, behind names that are put into the namespace.
    (
        "policy_invalid",
        "permit (principal == User::\"ann\", action == Action::\"call_tool\", resource is Session)\n  when { principal == User::\"ann\" && context has tool_name && ^context.tool_name == 5 };",
    ),
    (
        "policy_invalid",
        "forbid (principal, action == Action::\"process_prompt\", resource in App::\"prod\") when { ^context.tool_name == \"x\" };",
    ),
    // Keys.
    (
        "policy_key_reserved",
        "permit (principal == User::\"ann\", action, resource) when { context.^contains_secrets };",
    ),
    ("policy_key_reserved", "permit (principal, action, resource) when { context has ^session_anything };"),
    (
        "policy_key_unknown",
        "permit (principal == User::\"ann\", action == Action::\"call_tool\", resource)\nwhen { context.^tool_nmae == \"x\" };",
    ),
    ("policy_key_unknown", "permit (principal, action, resource) when { context has ^toolName };"),
    ("policy_key_unknown", "permit (principal, action, resource) when { context[^\"tenant-tier\"] == \"x\" };"),
    (
        "policy_key_conflict",
        "permit (principal, action, resource) when { context.team == 1 }; forbid (principal, action, resource) when { context.^team == \"x\" };",
    ),
];

#[test]
fn errors_of_a_policys_text_stand_where_they_are_told_to() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    // What stands before moves the place and changes nothing else, names that are put into the namespace among it.
    let before = "permit (principal == User::\"a\", action in [Action::\"read_file\"], resource is Session); // ünï\n";
    for (code, text) in BAD {
        for (before, line_end) in [("", "\n"), ("", "\r\n"), ("\n\n // \"\n", "\n"), (before, "\n"), (before, "\r\n")] {
            if *code == "policy_empty" && !before.is_empty() {
                continue;
            }
            let (text, at) = marked(&format!("{before}{text}").replace('\n', line_end));
            let error = refused(&tenant, &text);
            assert_eq!(error.code(), *code, "{error}");
            let location = error.location().unwrap_or_else(|| panic!("{error}"));
            let told = (location.line, location.column);
            assert_eq!((location.policy.as_str(), told), ("p", place(&text, at)), "{error}");
            let (line, column) = told;
            assert!(error.message().starts_with(&format!("policy `p` at line {line}, column {column}: ")), "{error}");
            // The caret stands below the character itself.
            let lines: Vec<&str> = error.message().lines().collect();
            assert_eq!(lines.len(), 3, "{error}");
            let caret = lines[2].chars().position(|letter| letter == '^').unwrap();
            let below = lines[1].chars().nth(caret);
            let meant = text[at..].chars().next().filter(|letter| !matches!(letter, '\r' | '\n'));
            assert_eq!(below, meant, "{error}");
            assert!(error.help().is_some_and(|help| !help.is_empty()), "{error}");
        }
    }
}

#[test]
fn texts_that_are_too_large_or_hold_too_much_say_where_it_becomes_so() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let when = |condition: &str| format!("forbid (principal, action, resource)\nwhen {{ {condition} }};");
    for text in [
        "// x\n".repeat(60_000),
        when(&vec!["true"; 600].join(" || ")),
        when(&vec!["context has tool_name"; 200].join(" && ")),
        when(&vec!["context.tool_name == \"x\""; 450].join(" || ")).repeat(60),
        when(&format!("\"x\" like \"{}\"", "a".repeat(2_000))),
        when(&format!("context.{}", "a".repeat(300))),
        when(&(0..200).map(|key| format!("context has own_k{key}")).collect::<Vec<_>>().join("||")).replace("&&", "||"),
    ] {
        let error = refused(&tenant, &text);
        assert!(["policy_too_complex", "policy_too_large"].contains(&error.code()), "{error}");
        let location = error.location().unwrap();
        let lines = u32::try_from(text.lines().count()).unwrap();
        assert!((1..=lines + 1).contains(&location.line), "{error}");
        assert!(error.message().len() < 1_000 && error.message().contains('^'), "{error}");
    }
}

#[test]
fn a_key_that_reads_like_a_context_key_is_taken_once_the_project_declares_it() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let text = "forbid (principal, action, resource) when { context has tool_nmae && context.tool_nmae == \"x\" };";
    let error = refused(&tenant, text);
    assert!(error.help().unwrap().contains("`context.tool_name`"), "{error}");
    let declare = |kind: &str| SettingsPatch {
        metadata_keys: Some(BTreeMap::from([("tool_nmae".to_owned(), kind.to_owned())])),
        ..SettingsPatch::default()
    };
    tenant.settings().update_blocking(declare("Long")).unwrap();
    assert_eq!(refused(&tenant, text).code(), "policy_key_conflict");
    let settings = tenant.settings().update_blocking(declare("String")).unwrap();
    assert_eq!(settings.metadata_keys["tool_nmae"], "String");
    tenant.policies().put_blocking(policy("p", text)).unwrap();
    let request = |value: &str| GuardRequest {
        metadata: json!({ "tool_nmae": value }).as_object().cloned().unwrap(),
        ..GuardRequest::prompt("hello")
    };
    assert!(tenant.guard().evaluate_blocking(request("x")).unwrap().denied());
    assert!(tenant.guard().evaluate_blocking(request("y")).unwrap().allowed());
    // Another project's declarations are its own, and what is in force stays when the declaration goes.
    assert_eq!(refused(&project(&client, "acme", "other"), text).code(), "policy_key_unknown");
    let none = SettingsPatch { metadata_keys: Some(BTreeMap::new()), ..SettingsPatch::default() };
    assert_eq!(tenant.settings().update_blocking(none).unwrap(), Settings::default());
    assert!(tenant.guard().evaluate_blocking(request("x")).unwrap().denied());
    assert_eq!(tenant.guard().evaluate_blocking(request("x")).unwrap().degraded.len(), 0);
}

#[test]
fn declared_metadata_has_a_type_and_a_name_of_its_own() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let long = "k".repeat(300);
    for (name, kind) in [
        ("team", "Text"),
        ("team", "string"),
        ("team", ""),
        ("tool_name", "String"),
        ("contains_secrets", "Bool"),
        ("session_x", "String"),
        ("verified", "Bool"),
        ("", "String"),
        (long.as_str(), "String"),
    ] {
        let metadata_keys = Some(BTreeMap::from([(name.to_owned(), kind.to_owned())]));
        let patch = SettingsPatch { metadata_keys, ..SettingsPatch::default() };
        assert_eq!(tenant.settings().update_blocking(patch).unwrap_err().code(), "settings_invalid", "{name} {kind}");
    }
    let many = (0..129).map(|key| (format!("own{key}"), "Long".to_owned())).collect();
    let patch = SettingsPatch { metadata_keys: Some(many), ..SettingsPatch::default() };
    assert_eq!(tenant.settings().update_blocking(patch).unwrap_err().code(), "settings_invalid");
}

#[test]
fn what_is_in_force_before_is_neither_refused_nor_shown_to_who_may_not_read_it() {
    // A text of the account's that no longer compiles is told to a project by its name and place alone.
    let folder = tempfile::tempdir().unwrap();
    let client = on(folder.path());
    let tenant = project(&client, "acme", "prod");
    let spec =
        tenantry::api::PolicySpec { layer: Layer::Account, ..policy("house", "permit (principal, action, resource);") };
    tenant.policies().put_blocking(spec).unwrap();
    let listed = tenant.policies().list_blocking().unwrap();
    assert!(listed.iter().any(|policy| policy.name == "house"));
    let error = refused(&tenant, "permit (principal, action, resource) when { context.tool_nmae == \"x\" };");
    assert!(!error.message().contains("house"));
}

// Default deny

fn tool(tenant: &Tenant, name: &str) -> GuardResponse {
    tenant.guard().evaluate_blocking(GuardRequest::tool_call(name, Map::new())).unwrap()
}

fn reason(response: &GuardResponse) -> &str {
    assert_eq!(response.decision, Decision::Deny, "{response:?}");
    response.policy_reason.as_deref().unwrap()
}

#[test]
fn a_default_deny_says_what_was_asked_which_permits_came_near_and_what_to_do() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let scoped = |principal: &str, resource: &str| {
        format!(
            "permit ({principal}, action == Action::\"call_tool\", {resource}) when {{ context has tool_name && context.tool_name == \"search\" }};"
        )
    };
    put(&tenant, "tools", &scoped("principal", "resource"));
    let near = "the condition on `tool_name` of `project/tools#0` does not hold";
    let step = "; ask with `explain` for what policies read here, or put a permit for `call_tool`";
    assert_eq!(
        reason(&tool(&tenant, "shell")),
        format!("no policy permits `call_tool` of tool `shell` on this call's own `Session`: {near}{step}")
    );
    let in_session = GuardRequest { session_id: Some("s1".into()), ..GuardRequest::tool_call("shell", Map::new()) };
    let denied = tenant.guard().evaluate_blocking(in_session).unwrap();
    assert!(reason(&denied).contains("on `Session::\"s1\"`: "), "{}", reason(&denied));
    // What cannot match whoever and whatever is asked about did not come near.
    for (principal, resource, comes_near) in [
        ("principal == User::\"process\"", "resource", true),
        ("principal == User::\"ann\"", "resource", false),
        ("principal is Agent", "resource", false),
        ("principal is User", "resource is Session", true),
        ("principal", "resource in App::\"prod\"", true),
        ("principal", "resource in App::\"other\"", false),
        ("principal", "resource is Session in Project::\"prod\"", true),
        ("principal", "resource in Account::\"acme\"", true),
        ("principal", "resource in Account::\"globex\"", false),
        ("principal", "resource == Session::\"s1\"", false),
        ("principal in Project::\"prod\"", "resource", false),
    ] {
        put(&tenant, "tools", &scoped(principal, resource));
        let denied = tool(&tenant, "shell");
        let expected =
            if comes_near { near.to_owned() + step } else { "no permit is about this; put one for `call_tool`".into() };
        assert!(reason(&denied).ends_with(&format!(": {expected}")), "{principal}, {resource}: {}", reason(&denied));
    }
    // For agents the hierarchy is another one.
    put(&tenant, "tools", &scoped("principal in Project::\"prod\"", "resource in Agent::\"bot\""));
    let bot = tenant.acting_as(Principal::agent("bot")).unwrap();
    assert!(reason(&tool(&bot, "shell")).contains(near));
}

#[test]
fn near_permits_are_few_and_those_of_other_layers_have_no_names() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let permit = |key: &str| {
        format!(
            "permit (principal, action == Action::\"call_tool\", resource) when {{ context has {key} && context.{key} == \"x\" }};"
        )
    };
    for number in 0..50 {
        put(&tenant, &format!("own{number:02}"), &permit("team"));
    }
    let text = reason(&tool(&tenant, "shell")).to_owned();
    assert_eq!(text.matches("does not hold").count(), 3, "{text}");
    assert!(text.contains("nor do more of the project's"), "{text}");
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    tenant.policies().remove_blocking("baseline").unwrap();
    for layer in [Layer::Platform, Layer::Account] {
        let spec = tenantry::api::PolicySpec { layer, ..policy("hidden", &permit("secret_rule")) };
        tenant.policies().put_blocking(spec).unwrap();
    }
    let text = reason(&tool(&tenant, "shell")).to_owned();
    assert!(text.contains("a permit of a layer above has a condition that does not hold"), "{text}");
    assert!(!text.contains("hidden") && !text.contains("secret_rule"), "{text}");
    // Names that somebody sends steer nothing, and are no place for secrets.
    let text = reason(&tool(&tenant, "sh\u{1b}[31m\n`ell AKIA1234567890ABCDEF")).to_owned();
    assert!(!text.contains(['\u{1b}', '\n']) && !text.contains("AKIA1234567890ABCDEF"), "{text}");
    assert!(reason(&tool(&tenant, &"x".repeat(250))).len() < 400);
}

#[test]
fn a_ceiling_says_whose_it_is() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let mut text = String::from("permit (principal, action, resource) when { context.tenant_tier == \"x\" };");
    let spec = |text: &str| tenantry::api::PolicySpec { layer: Layer::Account, ceiling: true, ..policy("house", text) };
    tenant.policies().put_blocking(spec(&text)).unwrap();
    let told = "the account ceiling does not permit `call_tool` of tool `shell` on this call's own `Session`: its permits about \
                this have conditions that do not hold; ask whoever keeps the account's policies";
    assert_eq!(reason(&tool(&tenant, "shell")), told);
    text = text.replace("permit (principal", "permit (principal == User::\"nobody\"");
    tenant.policies().put_blocking(spec(&text)).unwrap();
    assert!(
        reason(&tool(&tenant, "shell"))
            .ends_with(": none of its permits is about this; ask whoever keeps the account's policies")
    );
}

#[test]
fn a_guest_is_told_what_was_decided_and_nothing_of_the_policies() {
    let text = "permit (principal, action == Action::\"process_prompt\", resource) when { context has team && context.team == \"x\" };";
    for (actions, told) in [(&["process_prompt"][..], false), (&["process_prompt", "tenant:read"], true)] {
        let world = world();
        let own = world.client.tenant_blocking("globex", "prod").unwrap();
        put(&own, "hidden-name", text);
        let spec = GrantSpec {
            from_account: "acme".into(),
            to_account: "globex".into(),
            to_project: "prod".into(),
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            expires_in_seconds: 60,
            reason: "test".into(),
            ..GrantSpec::default()
        };
        world.client.admin().grants().create_blocking(spec.clone()).unwrap();
        let (key, _) = key(&world, "acme", "prod", &["tools:read", "tenant:read"]);
        let guest =
            enter(&world, &[("x-api-key", &key), ("x-account-id", "globex"), ("x-project-id", "prod")]).unwrap();
        let ask = |tenant: &Tenant, optimize, explain| {
            let request = GuardRequest { optimize, explain, ..GuardRequest::prompt("hello") };
            tenant.guard().evaluate_blocking(request).unwrap()
        };
        let plain = ask(&guest, None, None);
        assert_eq!(reason(&plain), "no policy permits `process_prompt` on `App::\"prod\"`");
        let planned = ask(&guest, Some(true), None);
        assert!(planned.optimization.is_none() && reason(&planned) == reason(&plain));
        assert!(reason(&ask(&own, None, None)).contains("hidden-name"));
        if told {
            let explained = ask(&guest, Some(true), Some(true));
            assert!(explained.optimization.is_some() && reason(&explained).contains("hidden-name"));
        }
    }
}

// What a request may ask for

const FLAGS: [&str; 5] = ["early_exit", "explain", "debug", "optimize", "dryrun"];

#[test]
fn every_mixture_of_options_answers_as_each_of_them_says() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    put(
        &tenant,
        "no-secrets",
        "@name(\"No secrets\") @tags(\"a,b\") @owner(\"sec\") forbid (principal, action == Action::\"process_prompt\", resource) when { context.secrets_detected };",
    );
    for detectors in [vec![], vec!["pii"], vec!["toxicity"], vec!["toxicity", "pii", "keyword"]] {
        for mixture in 0..32_u32 {
            let is = |flag: &str| FLAGS.iter().position(|own| *own == flag).is_some_and(|at| mixture >> at & 1 == 1);
            let mut fields = json!({
                "content": "AKIA1234567890ABCDEF and ann@example.com", "content_type": "prompt", "action": "process_prompt",
                "session_id": "s", "detectors": detectors,
            });
            for flag in FLAGS.iter().filter(|flag| is(flag)) {
                fields[*flag] = true.into();
            }
            let request = GuardRequest::from_json(&fields.to_string()).unwrap();
            let response = tenant.guard().evaluate_blocking(request).unwrap();
            let absent: Vec<String> = ["keyword", "toxicity"]
                .into_iter()
                .filter(|name| detectors.contains(name))
                .map(|name| format!("detector_absent: {name}"))
                .collect();
            assert_eq!(response.degraded, absent, "{fields}");
            assert_eq!(response.optimization.is_some(), is("optimize"), "{fields}");
            if is("optimize") && is("dryrun") {
                // The plan, and nothing else.
                let mut rest = serde_json::to_value(&response).unwrap();
                let rest = rest.as_object_mut().unwrap();
                for kept in
                    ["decision", "latency_ms", "request_id", "timestamp", "policy_version", "optimization", "degraded"]
                {
                    rest.remove(kept);
                }
                let reason = "nothing was decided: `optimize` with `dryrun` answers the plan alone";
                assert_eq!(
                    Value::from(rest.clone()),
                    json!({"signals": [], "code": "plan_only", "policy_reason": reason})
                );
                assert!(response.denied());
                continue;
            }
            assert!(response.denied() && response.code.is_none(), "{fields}");
            let determining = &response.determining_policies[0];
            assert_eq!(determining.policy_name.as_deref(), Some("No secrets"));
            assert_eq!(determining.policy_id.as_deref(), Some("project/no-secrets#0"));
            assert_eq!(determining.annotations, BTreeMap::from([("owner".to_owned(), "sec".to_owned())]));
            assert_eq!(response.detectors.is_some(), is("debug"), "{fields}");
            assert_eq!(response.projected_context.is_some(), is("debug") || is("explain"), "{fields}");
            let ran = |name: &str| response.signals.iter().any(|signal| signal.category == name);
            let all = detectors.is_empty() && !is("optimize");
            assert!(ran("secrets"), "a policy reads it: {fields}");
            assert_eq!(ran("privacy"), all || detectors.contains(&"pii"), "{fields}");
            if let Some(report) = &response.optimization {
                let names = |entries: &[tenantry::api::DetectorPlanEntry]| {
                    entries.iter().map(|entry| format!("{} {}", entry.name, entry.reason)).collect::<Vec<_>>()
                };
                assert_eq!(
                    (report.fallback_to_all, report.active_policies.as_slice()),
                    (false, &["project/baseline".to_owned(), "project/no-secrets".to_owned()][..])
                );
                assert_eq!(report.required_context_keys, ["secrets_detected"]);
                let asked = if detectors.contains(&"pii") {
                    vec!["secrets policy_required", "pii always_run"]
                } else {
                    vec!["secrets policy_required"]
                };
                assert_eq!(names(&report.required_detectors), asked);
                assert_eq!(report.required_detectors.len() + report.skipped_detectors.len(), 5);
                assert!(report.skipped_detectors.iter().all(|entry| entry.reason == "not_required"));
            }
        }
    }
}

#[test]
fn an_unknown_detector_is_refused_wherever_it_is_named() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    for names in [vec!["secrts"], vec!["pii", "Toxicity"], vec!["", "pii"], vec!["all"], vec!["toxicity", "nothing"]] {
        let request = || GuardRequest {
            detectors: names.iter().map(|name| (*name).to_owned()).collect(),
            ..GuardRequest::prompt("x")
        };
        let error = tenant.guard().evaluate_blocking(request()).unwrap_err();
        assert_eq!(
            (error.code(), tenant.guard().detect_blocking(request()).unwrap_err()),
            ("detector_unknown", error.clone())
        );
    }
}

#[test]
fn detection_runs_what_is_asked_for_and_neither_more_nor_all() {
    let client = memory();
    let tenant = project(&client, "acme", "prod");
    let statuses = |detectors: &[&str]| {
        let detectors = detectors.iter().map(|name| (*name).to_owned()).collect();
        let request = GuardRequest { detectors, ..GuardRequest::prompt("ann@example.com AKIA1234567890ABCDEF") };
        let found = tenant.guard().detect_blocking(request).unwrap();
        let ran: Vec<String> =
            found.detectors.iter().filter(|run| run.status == "ok").map(|run| run.name.clone()).collect();
        (ran.join(" "), found.degraded.join(" "))
    };
    for (asked, ran, degraded) in [
        (&[][..], "secrets pii security injection", ""),
        (&["pii"], "pii", ""),
        (&["pii", "pii"], "pii", ""),
        (&["toxicity"], "", "detector_absent: toxicity"),
        (&["sentiment", "secrets", "code"], "secrets", "detector_absent: code detector_absent: sentiment"),
    ] {
        assert_eq!(statuses(asked), (ran.to_owned(), degraded.to_owned()), "{asked:?}");
    }
}
