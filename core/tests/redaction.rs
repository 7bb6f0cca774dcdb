//! Redaction through the public door: what was found in one form of a call is handed on in none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use support::{memory, project, put};
use tenantry::{
    Tenant, Tenantry,
    api::{
        AuditQuery, Decision, FileContext, GuardRequest, GuardResponse, McpContext, Mode, ModelContext, SettingsPatch,
        Since, ToolContext,
    },
};

const STRATEGIES: [&str; 4] = ["redact", "replace", "mask", "anonymize"];

fn redacting(client: &Tenantry, name: &str, strategy: &str) -> Tenant {
    let tenant = project(client, "acme", name);
    let text = format!(
        "@id(\"soft\") @redaction_strategy(\"{strategy}\") forbid (principal, action, resource) when {{ \
         (context has pii_detected && context.pii_detected) || (context has secrets_detected && context.secrets_detected) }};"
    );
    put(&tenant, "soft", &text);
    let patch = SettingsPatch { redaction_originals: Some(true), ..SettingsPatch::default() };
    tenant.settings().update_blocking(patch).unwrap();
    tenant
}

fn ask(tenant: &Tenant, request: GuardRequest) -> GuardResponse {
    tenant.guard().evaluate_blocking(request).unwrap()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// A tool call with a content of its own.
fn call(content: &str, arguments: Option<&Value>) -> GuardRequest {
    let mut request = GuardRequest::tool_call("send", arguments.map(object).unwrap_or_default());
    request.content = content.to_owned();
    request
}

/// Every text that can be read out of what is handed on: strings, keys, numbers, and JSON in strings.
fn readings(text: &str, depth: u32, out: &mut Vec<String>) {
    out.push(text.to_owned());
    if depth == 0 {
        return;
    }
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        values(&value, depth, out);
    }
}

fn values(value: &Value, depth: u32, out: &mut Vec<String>) {
    match value {
        Value::String(text) => readings(text, depth - 1, out),
        Value::Number(number) => {
            out.push(number.to_string());
            out.extend(number.as_f64().map(|float| format!("{float:.0}")));
        }
        Value::Array(items) => items.iter().for_each(|item| values(item, depth, out)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            readings(name, depth - 1, out);
            values(value, depth, out);
        }),
        Value::Null | Value::Bool(_) => {}
    }
}

/// What is handed on of a call, fully read; nothing of a denied one is.
fn handed_on(response: &GuardResponse, content: &str, arguments: Option<&Value>) -> Vec<String> {
    let mut out = Vec::new();
    if response.allowed() {
        readings(response.passed_on(content), 12, &mut out);
        if let Some(arguments) = arguments {
            let going = response.redacted_arguments.clone().map_or_else(|| arguments.clone(), Value::Object);
            values(&going, 12, &mut out);
        }
    }
    out
}

/// Without what people write between digits.
fn ungrouped(text: &str) -> String {
    text.replace([' ', '-', '.', '\u{a0}'], "")
}

fn check(response: &GuardResponse, content: &str, arguments: Option<&Value>, planted: &[&str]) -> Result<(), String> {
    let seen = handed_on(response, content, arguments);
    for value in planted {
        let is_number = value.len() > 12 && value.bytes().all(|b| b.is_ascii_digit());
        let holds = |text: &&String| text.contains(value) || (is_number && ungrouped(text).contains(value));
        if let Some(text) = seen.iter().find(holds) {
            return Err(format!("{value} is left in {text:?} of {content:?} {arguments:?}: {response:?}"));
        }
    }
    if !response.allowed() {
        return match response.code.as_deref() {
            Some("redaction_impossible") if response.redacted_content.is_none() => Ok(()),
            code => Err(format!("denied with {code:?}: {content:?} {arguments:?}")),
        };
    }
    let passed = response.passed_on(content);
    let is_json = serde_json::from_str::<Value>(content).is_ok_and(|value| value.is_object() || value.is_array());
    if is_json && serde_json::from_str::<Value>(passed).is_err() {
        return Err(format!("no longer JSON: {passed:?} of {content:?}"));
    }
    let is_object = |line: &&str| serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object());
    if content.lines().filter(is_object).count() != passed.lines().filter(is_object).count() {
        return Err(format!("a line is no longer JSON: {passed:?} of {content:?}"));
    }
    if response.decision == Decision::Modify {
        let mut rebuilt = content.to_owned();
        for entry in response.redaction_entries.iter().rev() {
            if content.get(entry.start_pos..entry.end_pos) != Some(entry.original.as_str()) {
                return Err(format!("{entry:?} is not of the original {content:?}"));
            }
            rebuilt.replace_range(entry.start_pos..entry.end_pos, &entry.replacement);
        }
        if rebuilt != passed {
            return Err(format!("the entries lead to {rebuilt:?}, not to {passed:?}"));
        }
    }
    Ok(())
}

// Split so that no scanner takes this file for a leak.
static GITHUB: LazyLock<String> = LazyLock::new(|| ["ghp", "_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat());
const CARD: &str = "4111111111111111";
const MAIL: &str = "ann@example.org";
const SSN: &str = "078-05-1120";
const AWS: &str = "AKIAIOSFODNN7EXAMPLF";

fn planted() -> [&'static str; 6] {
    [CARD, MAIL, SSN, AWS, &GITHUB, "203.0.113.7"]
}

/// `\u` escapes of the characters `which` chooses.
fn escaped(text: &str, which: impl Fn(usize) -> bool) -> String {
    let letter =
        |(at, letter): (usize, char)| if which(at) { format!("\\u{:04x}", u32::from(letter)) } else { letter.into() };
    text.chars().enumerate().map(letter).collect()
}

#[test]
fn a_finding_in_one_form_is_handed_on_in_none() {
    let client = memory();
    let tenants = STRATEGIES.map(|strategy| redacting(&client, strategy, strategy));
    let mut tried = 0;
    let mut try_all = |content: &str, arguments: Option<&Value>, gone: &[&str]| {
        for tenant in &tenants {
            for mode in [None, Some(Mode::Modify)] {
                let response = ask(tenant, GuardRequest { mode, ..call(content, arguments) });
                assert_ne!(response.decision, Decision::Allow, "{content} {arguments:?}");
                check(&response, content, arguments, gone).unwrap();
                tried += 1;
            }
        }
    };
    for value in planted() {
        let middle = value.len() / 2;
        let plain = json!({ "x": value });
        let text = plain.to_string();
        for written in [
            escaped(value, |at| at == value.len() - 1),
            escaped(value, |at| at == 0),
            escaped(value, |at| at == middle),
            escaped(value, |_| true),
        ] {
            let body = format!("{{\"x\":\"{written}\"}}");
            let doubled = json!({ "s": body }).to_string();
            let tripled = json!({ "s": doubled }).to_string();
            let decoded: Value = serde_json::from_str(&body).unwrap();
            for content in [&body, &doubled, &tripled, &body.replace("\\u", "\\\\u"), &format!("log: {body} {body}")] {
                try_all(content, None, &[value]);
                try_all(content, Some(&json!({ "other": 1 })), &[value]);
            }
            try_all(&body, Some(&decoded), &[value]);
            try_all("{}", Some(&json!({ "s": body })), &[value]);
            try_all("{}", Some(&json!({ "deep": [{ "s": doubled }] })), &[value]);
        }
        // The forms need not agree: what one shows, the other hides.
        try_all(&text, Some(&json!({ "build_host": value, "list": [value, { "version": value }] })), &[value]);
        try_all("no json at all", Some(&plain), &[value]);
        try_all(&format!("call me\\n{value}"), Some(&plain), &[value]);
        try_all(&text, Some(&json!({ "k": { value: 1 } })), &[value]);
        try_all(&text[..text.len() - 1], Some(&plain), &[value]);
        try_all(
            &format!("{value} {value}\n{value},{value}"),
            Some(&json!([value, value]).as_array().map_or(plain.clone(), |list| json!({ "l": list }))),
            &[value],
        );
    }
    for number in [
        json!(4_111_111_111_111_111_u64),
        json!(-4_111_111_111_111_111_i64),
        json!(4_111_111_111_111_111.0),
        json!(-4.111_111_111_111_111e15),
        json!(4_111_111_111_111_111_000_u64),
    ] {
        for arguments in
            [json!({ "n": number }), json!({ "l": [1, [number]] }), json!({ "a": { "b": number }, "s": CARD })]
        {
            try_all(&arguments.to_string(), Some(&arguments), &[CARD]);
            try_all("{}", Some(&arguments), &[CARD]);
            try_all(&arguments.to_string(), None, &[CARD]);
            let nested = json!({ "s": arguments.to_string() });
            try_all(&nested.to_string(), Some(&nested), &[CARD]);
            try_all(&nested.to_string(), None, &[CARD]);
        }
    }
    for written in ["4.111111111111111e15", "41111111111111110e-1", "4111111111111111.0", "0.4111111111111111E+16"] {
        try_all(&format!("{{\"n\": {written}, \"m\":[-{written}]}}"), None, &[CARD, written]);
    }
    // A name tells what its value is, beside it or above it.
    for (arguments, gone) in [
        (json!({ "phone": 491_701_234_567_u64 }), "491701234567"),
        (json!({ "mobile": 15_551_234_567_u64 }), "15551234567"),
        (json!({ "homeTel": "0151 23456789" }), "23456789"),
        (json!({ "phones": [["0301234567"]] }), "0301234567"),
        (json!({ "Passwort": "S3cr3tPw9x" }), "S3cr3tPw9x"),
        (json!({ "app_key": "S3cr3tPw9xQ" }), "S3cr3tPw9xQ"),
        (json!({ "account_key": "abcdefghijABCDEFGHIJ0123456789abcdefghij" }), "ABCDEFGHIJ"),
        (json!({ "authorization": "Basic YW5uOlMzY3IzdFB3OXg=" }), "YW5uOlMzY3IzdFB3OXg"),
        (json!({ "env": [{ "name": "DB_PASSWORD", "value": "S3cr3tPw9x" }] }), "S3cr3tPw9x"),
        (json!({ "env": [{ "value": "S3cr3tPw9x", "key": "DB_PASSWORD" }] }), "S3cr3tPw9x"),
        (json!({ "headers": [{ "name": "X-Api-Key", "value": "S3cr3tPw9xabcdef0123" }] }), "S3cr3tPw9x"),
        (json!({ "password": "S3cr3tPw9x\"tail7zz" }), "tail7zz"),
        (json!({ "password": "S3c\\r3tPw9x\ttail" }), "r3tPw9x"),
        (json!({ "ssn": 219_099_999 }), "219099999"),
        (json!({ "ssn": "219099999", "copy": 219_099_999 }), "219099999"),
        (json!({ "password": "S3cr3tPw9x", "note": "it is S3cr3tPw9x again", "l": [["S3cr3tPw9x"]] }), "S3cr3tPw9x"),
    ] {
        try_all(&arguments.to_string(), Some(&arguments), &[gone]);
        try_all("{}", Some(&arguments), &[gone]);
        try_all(&arguments.to_string(), None, &[gone]);
    }
    assert!(tried > 1_500, "{tried}");
}

#[test]
fn rewriting_keeps_json_and_what_is_no_finding() {
    let client = memory();
    let acme = redacting(&client, "prod", "replace");
    for (content, expected) in [
        (r#"{"note":"call me\nann@example.org"}"#, r#"{"note":"call me\n[EMAIL]"}"#),
        (r#"{"rows":["x\r\n","ok\rann@example.org"]}"#, r#"{"rows":["x\r\n","ok\r[EMAIL]"]}"#),
        (r#"{"cmd":"export X=\"password=S3cr3tPw9x\""}"#, r#"{"cmd":"export X=\"password=[PASSWORD]\""}"#),
        (r#"{"password":"S3cr3tPw9x\"tail7zz"}"#, r#"{"password":"[PASSWORD]"}"#),
        (r#"{"n": -4111111111111111, "m": 1.5}"#, r#"{"n": "[CREDIT_CARD]", "m": 1.5}"#),
        (r#"{"s":"{\"n\":4111111111111111}"}"#, r#"{"s":"{\"n\":\"[CREDIT_CARD]\"}"}"#),
        (r#"{"s":"[\"[4111111111111111]\"]"}"#, r#"{"s":"[\"[\\\"[CREDIT_CARD]\\\"]\"]"}"#),
        (r#"{"s":"{\"a\":\"x\\nann@example.org\"}"}"#, r#"{"s":"{\"a\":\"x\\n[EMAIL]\"}"}"#),
        (r#"{"to ann@example.org": true}"#, r#"{"to [EMAIL]": true}"#),
        (r#"[4111111111111111e0]"#, r#"["[CREDIT_CARD]"]"#),
        (r#"{"a":"\u0061nn@example.org\u0020"}"#, r#"{"a":"[EMAIL]\u0020"}"#),
        (r#"say: {\"to\":\"x\nann@example.org\"}"#, r#"say: {\"to\":\"x\n[EMAIL]\"}"#),
        (r"password = 'it\'s5ecretTail9'", "password = '[PASSWORD]'"),
        (r"C:\temp\new is fine, ann@example.org", r"C:\temp\new is fine, [EMAIL]"),
    ] {
        for request in [GuardRequest::prompt(content), GuardRequest::response(content), call(content, None)] {
            let kind = request.content_type;
            let response = ask(&acme, request);
            assert_eq!(response.passed_on(content), expected, "{kind:?}");
            check(&response, content, None, &[]).unwrap();
        }
    }
    let kept = json!({ "a": 1, "b": [1.25, -3, null], "t": "2024-05-17", "s": "[1, 2]", "id": 1_700_000_000_000_u64 });
    let response = ask(&acme, call(&kept.to_string(), Some(&kept)));
    assert_eq!((response.decision, response.redacted_arguments), (Decision::Allow, None));
}

#[test]
fn what_appears_once_a_neighbour_is_gone_is_found_and_entries_count_bytes_of_the_original() {
    let client = memory();
    for strategy in STRATEGIES {
        let tenant = redacting(&client, strategy, strategy);
        for (content, gone) in [
            // An address within a password, a token within a URL: what is left of the outer one is still one.
            (r#"{"password":"pre1:ann@corp.io:post22"}"#.to_owned(), vec!["pre1", "post22"]),
            (format!("https://bob:abc{}def12345@host/x", *GITHUB), vec!["def12345", GITHUB.as_str()]),
            (format!("{MAIL}{MAIL} {CARD}{MAIL} {SSN}{CARD}"), vec![MAIL]),
            (format!("a@b.co c@d.co longname@a.co {MAIL},{MAIL}"), vec!["a@b.co", "c@d.co", "e@a.co", MAIL]),
            ("ip token: 203.0.113.7 phone 0301234567 0301234567".to_owned(), vec!["203.0.113.7", "0301234567"]),
        ] {
            for request in [GuardRequest::prompt(content.clone()), GuardRequest::response(content.clone())] {
                check(&ask(&tenant, request), &content, None, &gone).unwrap();
            }
            let arguments = json!({ "text": content, "again": [content] });
            check(
                &ask(&tenant, call(&arguments.to_string(), Some(&arguments))),
                &arguments.to_string(),
                Some(&arguments),
                &gone,
            )
            .unwrap();
        }
    }
}

#[test]
fn policies_see_what_escapes_and_nesting_hide() {
    let client = memory();
    let acme = project(&client, "acme", "prod");
    put(
        &acme,
        "no",
        "forbid (principal, action, resource) when { (context has pii_detected && context.pii_detected) \
         || (context has secrets_detected && context.secrets_detected) };",
    );
    let mut tried = 0;
    for value in planted() {
        for written in
            [escaped(value, |at| at % 3 == 0), escaped(value, |_| true), escaped(value, |at| at == value.len() - 1)]
        {
            let body = format!("{{\"x\":\"{written}\"}}");
            let nested = json!({ "s": json!({ "s": body }).to_string() });
            for request in [
                call(&body, None),
                call(&nested.to_string(), None),
                call(&body, Some(&json!({ "x": "y" }))),
                call("{}", Some(&nested)),
                GuardRequest::prompt(body.clone()),
                GuardRequest::response(nested.to_string()),
            ] {
                assert_eq!(ask(&acme, request).decision, Decision::Deny, "{written}");
                tried += 1;
            }
        }
    }
    // What the content alone says, beside arguments that say something else.
    let other = json!({ "x": "y" });
    for content in [
        r#"{"n": 4.111111111111111e15}"#,
        r#"{"n": 4111111111111111.0}"#,
        r#"{"n": [-4.111111111111111E+15]}"#,
        r#"{"name": "DB_PASSWORD", "value": "Zq7kR4tW8x9"}"#,
        r#"{"list": [{"val": "Zq7kR4tW8x9", "key": "api_secret"}]}"#,
    ] {
        for arguments in [Some(&other), None] {
            assert_eq!(ask(&acme, call(content, arguments)).decision, Decision::Deny, "{content}");
            tried += 1;
        }
    }
    assert!(tried > 110);
}

#[test]
fn a_number_that_is_known_is_found_in_every_spelling() {
    let client = memory();
    let tenants = STRATEGIES.map(|strategy| redacting(&client, strategy, strategy));
    let iban = "DE89370400440532013000";
    let mut tried = 0;
    for tenant in &tenants {
        for sign in ["-", " ", ".", "\u{a0}", "/", "\u{2011}", " - ", "\u{200b}", ""] {
            for (before, after) in [("", ""), ("x", "y"), ("id", ""), ("%20", "%20"), ("(", ")")] {
                let spelled = format!("{before}{}{after}", grouped(CARD, sign));
                for (content, arguments) in [
                    (format!("{CARD} is {spelled}"), None),
                    ("{}".to_owned(), Some(json!({ "n": CARD, "s": spelled }))),
                    (json!({ "n": CARD, "s": spelled }).to_string(), None),
                    (spelled.clone(), Some(json!({ "n": CARD }))),
                ] {
                    let response = ask(tenant, call(&content, arguments.as_ref()));
                    check(&response, &content, arguments.as_ref(), &[CARD]).unwrap();
                    tried += 1;
                }
            }
        }
        for spelled in ["DE89 3704 0044 0532 0130 00", "de89370400440532013000", "xde89-3704-0044-0532-0130-00y"] {
            let content = format!("{iban} is {spelled}");
            let response = ask(tenant, GuardRequest::prompt(content.clone()));
            let passed = ungrouped(response.passed_on(&content)).to_uppercase();
            assert!(response.denied() || !passed.contains(iban), "{passed}");
            tried += 1;
        }
    }
    assert!(tried > 700);
}

#[test]
fn json_within_text_stays_json() {
    let client = memory();
    let tenants = STRATEGIES.map(|strategy| redacting(&client, strategy, strategy));
    let record = json!({ "n": 4_111_111_111_111_111_u64, "f": 4_111_111_111_111_111.0_f64, "m": MAIL, "k": [1, "x"] });
    let line = record.to_string();
    let pretty = serde_json::to_string_pretty(&record).unwrap();
    let password = r#"{"name": "DB_PASSWORD", "value": "Zq7kR4tW8x9"}"#;
    let mut tried = 0;
    for tenant in &tenants {
        for (text, pieces) in [
            (format!("{line}\n{line}\n"), 2),
            (format!("Here it is:\n```json\n{pretty}\n```\nand mail {SSN}"), 1),
            (format!("data: {line}\n\ndata: {line}\n\n"), 2),
            (format!("the answer is {line}, I think, of {MAIL}"), 1),
            (format!("[4111111111111111, 7]\n[{line}]\n"), 2),
            (format!("{password}\n{line}"), 2),
            (format!("broken {{ [ {line} ] }} \\n{MAIL}"), 1),
        ] {
            for request in [GuardRequest::prompt(text.clone()), GuardRequest::response(text.clone()), call(&text, None)]
            {
                let response = ask(tenant, request);
                assert_eq!(response.decision, Decision::Modify, "{text} {response:?}");
                check(&response, &text, None, &[CARD, MAIL, SSN, "Zq7kR4tW8x9"]).unwrap();
                let passed = response.passed_on(&text);
                // As one who reads the pieces would: each still holds all its fields.
                let kept = passed.match_indices(['{', '[']).filter(|(at, _)| {
                    let mut values = serde_json::Deserializer::from_str(&passed[*at..]).into_iter::<Value>();
                    matches!(values.next(), Some(Ok(value)) if value == json!(value) && value.to_string().len() > 12
                        && (value.get("m").is_some() || value.get("name").is_some() || value[1] == json!(7)
                            || value[0].get("m").is_some()))
                });
                assert!(kept.count() >= pieces, "{passed}");
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 84);
}

#[test]
fn two_names_of_fields_never_become_one() {
    let client = memory();
    let tenant = redacting(&client, "keys", "replace");
    let numbered = redacting(&client, "numbered", "anonymize");
    for (text, strategy, decision) in [
        (r#"{"4111111111111111": 1, "5500005555555559": 2}"#, &tenant, Decision::Deny),
        (r#"{"ann@example.org": 1, "[EMAIL]": 2}"#, &tenant, Decision::Deny),
        (r#"{"a": {"ann@example.org": 1}, "b": {"bob@example.org": 2}}"#, &tenant, Decision::Modify),
        (r#"{"4111111111111111": 1, "5500005555555559": 2}"#, &numbered, Decision::Modify),
    ] {
        let response = ask(strategy, GuardRequest::response(text.to_owned()));
        assert_eq!(response.decision, decision, "{text} {response:?}");
        check(&response, text, None, &[CARD, MAIL, "5500005555555559", "bob@example.org"]).unwrap();
    }
}

#[test]
fn what_is_connected_to_is_read_as_any_content() {
    let client = memory();
    let tenant = redacting(&client, "connect", "redact");
    for value in planted() {
        for content_type in ["prompt", "response", "tool_call", "file"] {
            let request: GuardRequest = serde_json::from_value(json!({
                "content": format!("to {value}"), "content_type": content_type, "action": "connect_server",
                "mcp": { "server_name": "files" },
            }))
            .unwrap();
            let content = request.content.clone();
            let response = ask(&tenant, request);
            check(&response, &content, None, &[value]).unwrap();
            assert_eq!(response.decision, Decision::Modify, "{value} {content_type}");
        }
    }
}

#[test]
fn secrets_in_names_are_masked_in_what_is_stored_and_feed_no_content_key() {
    let client = memory();
    let acme = project(&client, "acme", "prod");
    put(
        &acme,
        "seen",
        "@id(\"seen\") forbid (principal, action == Action::\"call_tool\", resource) when { context.tool_name like \"*ghp*\" };",
    );
    put(
        &acme,
        "content",
        "@id(\"content\") forbid (principal, action, resource) when { context has secrets_detected && context.secrets_detected };",
    );
    let secret = GITHUB.as_str();
    let named = |name: String| GuardRequest::tool_call(name, Map::new());
    let denied = ask(&acme, named(secret.to_owned()));
    let rules: Vec<_> = denied.determining_policies.iter().map(|policy| policy.rule_id.as_str()).collect();
    assert_eq!((denied.decision, rules), (Decision::Deny, vec!["seen"]), "policies see the name as it is");
    let mut requests = vec![named(format!("x_{AWS}")), named(format!("send?token={secret}"))];
    for at in 0..7 {
        let mut request = named("send".into());
        let tool = request.tool.get_or_insert_with(ToolContext::default);
        match at {
            0 => tool.server_id = Some(format!("https://u:S3cr3tPw9x@h/?t={secret}")),
            1 => request.file = Some(FileContext { file_name: Some(secret.into()), ..FileContext::default() }),
            2 => request.mcp = Some(McpContext { server_name: secret.into(), ..McpContext::default() }),
            3 => {
                let server_url = Some(format!("https://u:S3cr3tPw9x@h/sse?token={secret}"));
                request.mcp = Some(McpContext { server_name: "files".into(), server_url, ..McpContext::default() });
            }
            4 => {
                request.action = "connect_server".into();
                request.mcp = Some(McpContext { server_name: secret.into(), ..McpContext::default() });
            }
            5 => {
                request.model = Some(ModelContext {
                    model: Some(format!(" {AWS} ")),
                    input_tokens: Some(3),
                    ..ModelContext::default()
                })
            }
            _ => request.metadata = object(&json!({ secret: 1 })),
        }
        requests.push(request);
    }
    for request in requests {
        let response = ask(&acme, request);
        assert!(response.determining_policies.iter().all(|policy| policy.rule_id != "content"), "{response:?}");
    }
    let page = acme.audit().query_blocking(AuditQuery::from(Since::Start).limit(100)).unwrap();
    let rows = serde_json::to_string(&page).unwrap();
    for shown in [secret, AWS, &AWS.to_lowercase(), "S3cr3tPw9x"] {
        assert!(!rows.contains(shown), "{shown} in {rows}");
    }
    assert!(rows.contains("[GITHUB_TOKEN]") && rows.contains("\"send\""), "{rows}");
}

/// A card as people write it.
fn grouped(card: &str, sign: &str) -> String {
    [&card[..4], &card[4..8], &card[8..12], &card[12..]].join(sign)
}

/// Decisions of a generated call, in the order they are made; beyond its end the simplest is taken, so that cases shrink.
struct Choices<'a>(std::slice::Iter<'a, u32>);

impl Choices<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.0.next().map_or(0, |choice| *choice as usize % bound)
    }

    fn of<'b>(&mut self, all: &[&'b str]) -> &'b str {
        all[self.below(all.len())]
    }

    fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        // Mixed in any case: what has no digit or few different letters is a placeholder.
        (0..length)
            .map(|at| char::from(alphabet[(at * 7 + at / 3 + self.below(alphabet.len())) % alphabet.len()]))
            .collect()
    }

    fn card(&mut self) -> String {
        let digits = format!("4{}", self.letters(b"0123456789", 14));
        let sum: u32 = digits.bytes().rev().enumerate().fold(0, |sum, (at, digit)| {
            let digit = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
            sum + digit / 10 + digit % 10
        });
        format!("{digits}{}", (10 - sum % 10) % 10)
    }

    /// A value a detector finds wherever it stands apart.
    fn plant(&mut self, planted: &mut Vec<String>) -> String {
        const ALNUM: &[u8] = b"a1B2c3D4e5F6g7H8i9J0kLmNpQrStUvWbYz";
        let value = match self.below(7) {
            0 => self.card(),
            1 => format!("{}@{}.org", self.letters(b"abcdefgk", 5), self.letters(b"mnoprstu", 4)),
            2 => format!("{}-{:02}-{:04}", 101 + self.below(500), 1 + self.below(98), 1 + self.below(9_998)),
            3 => format!("{}_7x4{}", "ghp", self.letters(ALNUM, 33)),
            4 => format!("AKIA7X4Q{}", self.letters(b"A2B3C4D5E6F7GHJK", 12)),
            5 => format!("203.0.113.{}", 11 + self.below(200)),
            _ => format!("{}_live_7x4Q9{}", "sk", self.letters(ALNUM, 24)),
        };
        planted.push(value.clone());
        value
    }

    fn text(&mut self, planted: &mut Vec<String>) -> String {
        let mut text = self.of(&["", "see ", "zu Händen ", "{\"half\": ", "\\", "\"", "日本 "]).to_owned();
        for _ in 0..=self.below(3) {
            text.push_str(&self.plant(planted));
            if let Some(card) =
                planted.iter().rfind(|value| value.len() == 16 && value.starts_with('4') && text.contains(*value))
                && self.below(4) == 3
            {
                text.push_str(self.of(&[" x", " ", "/"]));
                text.push_str(&grouped(card, self.of(&["-", " ", ".", "\u{a0}"])));
                text.push_str(self.of(&["", "y"]));
            }
            text.push_str(self.of(&[" ", ", ", "\n", "\t", "\"", " | ", "\r\n", "; ", " \u{1F600} "]));
        }
        text
    }

    fn value(&mut self, depth: usize, planted: &mut Vec<String>) -> Value {
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 => json!(self.text(planted)),
            1 => json!(self.of(&["hello", "", "2024-05-17", "[1, 2]", "a\\b"])),
            2 => [json!(null), json!(true), json!(0.5), json!(-7), json!(1e300), json!(1_700_000_000)][self.below(6)]
                .clone(),
            3 => {
                let card: i64 = self.card().parse().unwrap();
                planted.push(card.to_string());
                [json!(card), json!(-card), json!(card as f64), json!(-card as f64), json!(card as u64 * 1_000)]
                    [self.below(5)]
                .clone()
            }
            4 => json!(self.text(planted)),
            5 => {
                let password = format!("Zq{}x9", self.letters(b"B7kR4tW8", 8));
                planted.push(password.clone());
                json!({ "name": "DB_PASSWORD", "value": password })
            }
            6 => Value::Array((0..=self.below(3)).map(|_| self.value(depth - 1, planted)).collect()),
            7 | 8 => {
                let inner = self.fields(depth - 1, planted);
                json!(self.written(&inner))
            }
            _ => self.fields(depth - 1, planted),
        }
    }

    fn fields(&mut self, depth: usize, planted: &mut Vec<String>) -> Value {
        let mut fields = Map::new();
        for _ in 0..=self.below(4) {
            let name = match self.below(12) {
                11 => self.plant(planted),
                at => ["a", "b", "list", "note", "version", "build", "x/y~", "é", "value", "host", "to"][at].to_owned(),
            };
            let value = self.value(depth, planted);
            fields.insert(name, value);
        }
        Value::Object(fields)
    }

    /// JSON text of a value, as some client may write it.
    fn written(&mut self, value: &Value) -> String {
        let every = [0, 1, 2, 5, 11][self.below(5)];
        let text = if self.below(4) == 3 { serde_json::to_string_pretty(value).unwrap() } else { value.to_string() };
        if every == 0 {
            return text;
        }
        // Letters and digits within strings may be written as escapes.
        let (mut out, mut is_inside, mut is_escaped) = (String::new(), false, false);
        for (at, letter) in text.chars().enumerate() {
            if is_inside && !is_escaped && letter.is_alphanumeric() && at % every == 0 && u32::from(letter) < 0x1_0000 {
                out.push_str(&format!("\\u{:04x}", u32::from(letter)));
                continue;
            }
            is_inside ^= letter == '"' && !is_escaped;
            is_escaped = letter == '\\' && !is_escaped;
            out.push(letter);
        }
        out
    }
}

/// Calls of the property; `PROPTEST_CASES` chooses another number.
fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn nothing_planted_is_handed_on() {
    let client = memory();
    let tenants = STRATEGIES.map(|strategy| redacting(&client, strategy, strategy));
    let modifying = project(&client, "acme", "modify");
    let generated = proptest::collection::vec(any::<u32>(), 0..400);
    let (mut rewritten, mut denied) = (0_u32, 0_u32);
    let counts = std::cell::RefCell::new((&mut rewritten, &mut denied));
    let mut runner = proptest::test_runner::TestRunner::new(cases());
    runner
        .run(&generated, |choices| {
            let mut choices = Choices(choices.iter());
            let mut planted = Vec::new();
            let arguments = choices.fields(3, &mut planted);
            let (content, arguments) = match choices.below(10) {
                8 => (format!("{arguments}\n{}\n", choices.written(&arguments)), None),
                9 => (format!("{}\n```json\n{}\n```\n", choices.text(&mut planted), choices.written(&arguments)), None),
                0..=2 => (arguments.to_string(), Some(arguments)),
                3 => (choices.written(&arguments), Some(arguments)),
                4 | 5 => (choices.written(&arguments), None),
                6 => (choices.text(&mut planted), Some(arguments)),
                _ => ("{}".to_owned(), Some(arguments)),
            };
            let which = choices.below(5);
            let mode = [None, Some(Mode::Modify), Some(Mode::Enforce), Some(Mode::Alert), Some(Mode::Monitor)]
                [choices.below(5)];
            let (tenant, mode) = if which == 4 { (&modifying, Some(Mode::Modify)) } else { (&tenants[which], mode) };
            // Content alone travels as any kind of text.
            let request = match (&arguments, choices.below(3)) {
                (None, 1) => GuardRequest::prompt(content.clone()),
                (None, 2) => GuardRequest::response(content.clone()),
                _ => call(&content, arguments.as_ref()),
            };
            let response = ask(tenant, GuardRequest { mode, ..request });
            let mut counts = counts.borrow_mut();
            *counts.0 += u32::from(response.decision == Decision::Modify);
            *counts.1 += u32::from(response.denied());
            let planted: Vec<&str> = planted.iter().map(String::as_str).collect();
            check(&response, &content, arguments.as_ref(), &planted).map_err(TestCaseError::fail)
        })
        .unwrap_or_else(|error| panic!("{error}"));
    println!("{rewritten} rewritten, {denied} denied");
    assert!(rewritten > denied / 2 && denied > 0, "{rewritten} rewritten, {denied} denied");
}

#[test]
fn what_a_hostile_reader_found_stays_found() {
    let client = memory();
    let tenant = project(&client, "acme", "found");
    put(
        &tenant,
        "redact",
        "@redaction_strategy(\"replace\") forbid (principal, action, resource) \
         when { context has pii_detected && context.pii_detected };",
    );
    let mail = "ann.lee@example.org";
    for text in [
        format!("curl https://a.io -d email:{mail}"),
        format!("https://a.io\nemail:{mail}"),
        format!("url: https://a.io/x, contact:{mail}"),
    ] {
        let answer = tenant.guard().evaluate_blocking(GuardRequest::prompt(&text)).unwrap();
        assert!(!answer.redacted_content.unwrap_or(text).contains(mail));
    }
    // JSON in a text in JSON, ten times over: each time doubles the backslashes.
    let mut nested = r#"{"a":"\u0034111111111111111"}"#.to_owned();
    for depth in 0..10 {
        let answer = tenant.guard().evaluate_blocking(GuardRequest::response(&nested)).unwrap();
        assert!(answer.decision == Decision::Deny || answer.redacted_content.is_some(), "{depth}");
        nested = serde_json::json!({ "a": nested }).to_string();
    }
}
