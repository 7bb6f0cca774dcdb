//! What a verified token of an outside issuer says of its bearer: roles, scopes, project, name, and who vouches for that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/identity.rs"]
mod support;

use serde_json::{Value, json};
use support::{START, code, enter, issuer, key, token, world};
use tenantry::{
    Error, Tenant, Tenantry,
    api::{
        ClaimPaths, Decision, GuardRequest, IssuerSpec, KeyRotation, KeySpec, Mode, PolicySpec, Principal,
        PrincipalKind, RequestCredentials, TokenSpec,
    },
    scope::Layer,
};

const RIGHTS: [&str; 5] = ["tenant:read", "tenant:manage", "credentials:manage", "users:manage", "tools:execute"];

fn by(client: &Tenantry, claims: Value) -> Result<Tenant, Error> {
    let bearer = format!("Bearer {}", token(claims));
    client.authenticate_blocking(&RequestCredentials::headers([
        ("authorization", bearer.as_str()),
        ("x-project-id", "prod"),
    ]))
}

fn rights(tenant: &Tenant) -> Vec<&'static str> {
    let held = |right: &&str| tenant.require_scopes_blocking(&[(*right).to_owned()]).is_ok();
    RIGHTS.into_iter().filter(held).collect()
}

fn call_tool(tenant: &Tenant) -> Decision {
    tenant.guard().evaluate_blocking(GuardRequest::tool_call("search", serde_json::Map::new())).unwrap().decision
}

#[test]
fn one_string_is_one_role() {
    let member = ["tools:execute"];
    let cases = [
        (json!("billing admin"), &["billing admin"][..], &[][..]),
        (json!("product owner"), &["product owner"], &[]),
        (json!("admin owner"), &["admin owner"], &[]),
        (json!("owner "), &["owner "], &[]),
        (json!(" owner"), &[" owner"], &[]),
        (json!("owner\tadmin"), &["owner\tadmin"], &[]),
        (json!("owner,admin"), &["owner,admin"], &[]),
        (json!("owner;admin"), &["owner;admin"], &[]),
        (json!("owner\u{a0}x"), &["owner\u{a0}x"], &[]),
        (json!("not an owner"), &["not an owner"], &[]),
        (json!(["billing admin"]), &["billing admin"], &[]),
        (json!(["product owner", "member"]), &["product owner", "member"], &member),
        (json!("member"), &["member"], &member),
        (json!(["member"]), &["member"], &member),
        (json!(""), &[], &[]),
        (json!([]), &[], &[]),
    ];
    for paths in ["role", "roles", "/realm_access/roles", "https://acme.example/roles"] {
        let world = world();
        let claims = ClaimPaths { roles: paths.into(), ..ClaimPaths::default() };
        world.client.identity().issuers().put_blocking(IssuerSpec { claims, ..issuer(&["acme"]) }).unwrap();
        for (value, roles, held) in &cases {
            let claims = match paths {
                "/realm_access/roles" => json!({ "realm_access": { "roles": value } }),
                name => json!({ name: value }),
            };
            let tenant = by(&world.client, claims).unwrap();
            assert_eq!(tenant.caller().unwrap().principal.roles, *roles, "{paths} {value}");
            assert_eq!(rights(&tenant), *held, "{paths} {value}");
        }
    }
}

#[test]
fn one_string_is_one_project() {
    let world = world();
    world.client.identity().issuers().put_blocking(issuer(&["acme"])).unwrap();
    for refused in ["prod dev", "prod default", "prod ", " prod", "prod,default", "prod\tdefault", ""] {
        let claims = json!({ "project_id": refused });
        assert_eq!(code(by(&world.client, claims)), "token_claims_invalid", "{refused:?}");
    }
    for taken in [json!("prod"), json!(["prod"]), json!(["prod", "default"])] {
        assert_eq!(code(by(&world.client, json!({ "project_id": taken }))), "", "{taken}");
    }
    for refused in [json!(["prod dev"]), json!(["prod", "x y"]), json!([]), json!(7), json!(null)] {
        assert_eq!(code(by(&world.client, json!({ "project_id": refused }))), "token_claims_invalid", "{refused}");
    }
}

#[test]
fn scopes_bound_a_token_under_each_of_their_usual_names() {
    let world = world();
    world.client.identity().issuers().put_blocking(issuer(&["acme"])).unwrap();
    let reading =
        [json!("tools:read"), json!(["tools:read"]), json!("openid tools:read"), json!(["openid", "tools:read"])];
    let nothing = [json!(""), json!([]), json!(" "), json!("openid profile"), json!("tools:read,tools:execute")];
    for name in ["scope", "scp", "scopes"] {
        for (number, value) in reading.iter().chain(&nothing).enumerate() {
            for role in [json!([]), json!("owner"), json!("admin"), json!("member"), json!(["user", "owner"])] {
                let tenant = by(&world.client, json!({ name: value, "role": role })).unwrap();
                let why = format!("{name} {value} {role}");
                assert!(rights(&tenant).is_empty(), "{why}: {:?}", rights(&tenant));
                assert_eq!(call_tool(&tenant), Decision::Deny, "{why}");
                let prompt = tenant.guard().evaluate_blocking(GuardRequest::prompt("hello")).unwrap().decision;
                let expected = if number < reading.len() { Decision::Allow } else { Decision::Deny };
                assert_eq!(prompt, expected, "{why}");
            }
        }
        for refused in [json!(7), json!(null), json!({}), json!([7]), json!(true)] {
            assert_eq!(code(by(&world.client, json!({ name: refused }))), "token_claims_invalid", "{name} {refused}");
        }
    }
    // What each name says counts; one does not hide another.
    let both = by(&world.client, json!({ "scope": "tools:read", "scp": ["tools:execute"], "role": "owner" })).unwrap();
    assert_eq!((rights(&both), call_tool(&both)), (vec!["tools:execute"], Decision::Allow));
    // Without any of them roles speak, as ever.
    let owner = by(&world.client, json!({ "role": "owner" })).unwrap();
    assert_eq!((rights(&owner).len(), call_tool(&owner)), (RIGHTS.len(), Decision::Allow));
    assert_eq!(call_tool(&by(&world.client, json!({})).unwrap()), Decision::Allow);
}

#[test]
fn a_token_without_the_scope_claim_its_issuer_states_may_do_nothing() {
    for stated in
        ["scopes", "scope", "scp", "permissions", "/auth/scopes", "https://acme.example/scopes", "urn:acme:scopes"]
    {
        let world = world();
        let claims = ClaimPaths { scopes: stated.into(), ..ClaimPaths::default() };
        world.client.identity().issuers().put_blocking(IssuerSpec { claims, ..issuer(&["acme"]) }).unwrap();
        let elsewhere = if stated == "scope" { "scp" } else { "scope" };
        for claims in [
            json!({}),
            json!({ "role": "owner" }),
            json!({ "role": ["admin", "owner"], elsewhere: "tenant:manage tools:execute" }),
            json!({ "auth": {}, "role": "member" }),
            json!({ "auth": { "scope": "tools:execute" }, "role": "member" }),
        ] {
            let tenant = by(&world.client, claims.clone()).unwrap();
            assert!(rights(&tenant).is_empty(), "{stated} {claims}");
            assert_eq!(call_tool(&tenant), Decision::Deny, "{stated} {claims}");
            let answer = tenant.guard().evaluate_blocking(GuardRequest::prompt("hello")).unwrap();
            assert_eq!(answer.code.as_deref(), Some("insufficient_scope"), "{stated} {claims}");
            for refused in [
                code(tenant.policies().list_blocking()),
                code(tenant.identity().keys().create_blocking(KeySpec::default())),
                code(
                    tenant
                        .identity()
                        .tokens()
                        .issue_blocking(TokenSpec { subject: "x".into(), ..TokenSpec::default() }),
                ),
            ] {
                assert_eq!(refused, "scope_missing", "{stated} {claims}");
            }
        }
        let value = json!("tools:execute");
        let claims =
            if stated == "/auth/scopes" { json!({ "auth": { "scopes": value } }) } else { json!({ stated: value }) };
        assert_eq!(call_tool(&by(&world.client, claims).unwrap()), Decision::Allow, "{stated}");
    }
}

#[test]
fn a_path_that_finds_nothing_is_refused_when_it_is_put() {
    let world = world();
    let issuers = world.client.identity().issuers();
    let put = |field: &str, path: &str| {
        let mut claims = ClaimPaths::default();
        match field {
            "account" => claims.account = path.into(),
            "project" => claims.project = path.into(),
            "roles" => claims.roles = path.into(),
            _ => claims.scopes = path.into(),
        }
        issuers.put_blocking(IssuerSpec { claims, ..issuer(&["acme"]) })
    };
    let wrong = [
        "$.scp",
        "$.realm_access.roles",
        "$",
        "$['scp']",
        "@.scp",
        "scp[0]",
        "scp[*]",
        "['scp']",
        "realm_access/roles",
        "a/b/c",
        "realm.scp",
        "realm_access.roles",
        ".scp",
        "scp.",
        "#/scp",
        "./scp",
        "../scp",
        "{scp}",
        "scp ",
        " scp",
        "a b",
        "scp,scope",
        "scp\u{301}",
        "scöpe",
        "/a~b",
        "/a~",
        "/~2",
        "//.~",
        "://x",
        "https://",
        "ht tp://x",
        "https://x y",
        "$://x",
        "1://x",
        "*",
        "?x",
    ];
    for field in ["account", "project", "roles", "scopes"] {
        for path in wrong {
            let refused = put(field, path).expect_err(path);
            assert_eq!(refused.code(), "issuer_invalid", "{field} {path}");
            let words = format!("{refused} {}", refused.help().unwrap_or_default());
            assert!(words.contains("JSON pointer") && words.contains(field), "{words}");
        }
        assert_eq!(code(put(field, &"a".repeat(513))), "issuer_invalid");
        for path in [
            "tenant",
            "tenant_id",
            "cognito:groups",
            "urn:zitadel:iam:roles",
            "x-roles",
            "https://acme.example/roles",
            "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
            "/a",
            "/realm_access/roles",
            "/kubernetes.io/namespace",
            "/https:~1~1acme.example~1roles",
            "/a~0b",
            "/a b/0",
        ] {
            assert_eq!(code(put(field, path)), "", "{field} {path}");
        }
    }
}

fn entry(name: &str, prefix: &str, accounts: &[&str]) -> IssuerSpec {
    IssuerSpec { issuer: format!("https://{name}.example"), principal_prefix: prefix.into(), ..issuer(accounts) }
}

#[test]
fn two_issuers_of_one_account_name_no_principal_alike() {
    let (acme, both, all) = (&["acme"][..], &["acme", "globex"][..], &["*"][..]);
    let (required, taken) = ("principal_prefix_required", "principal_prefix_taken");
    for (first, second, expected) in [
        (("", acme), ("", acme), required),
        (("", acme), ("", both), required),
        (("", both), ("", acme), required),
        (("", acme), ("", all), required),
        (("", all), ("", acme), required),
        (("", all), ("", all), required),
        (("", acme), ("", &["globex"]), ""),
        (("", acme), ("okta:", acme), ""),
        (("okta:", acme), ("", acme), ""),
        (("okta:", acme), ("okta:", acme), taken),
        (("okta:", acme), ("okta:", all), taken),
        (("okta:", all), ("okta:", &["globex"]), taken),
        (("okta:", acme), ("okta:", &["globex"]), ""),
        (("okta:", acme), ("okta", acme), taken),
        (("okta", acme), ("okta:", acme), taken),
        (("o", acme), ("okta:", both), taken),
        (("okta:", acme), ("azure:", acme), ""),
        (("a", acme), ("b", all), ""),
    ] {
        let world = world();
        let issuers = world.client.identity().issuers();
        issuers.put_blocking(entry("one", first.0, first.1)).unwrap();
        assert_eq!(code(issuers.put_blocking(entry("two", second.0, second.1))), expected, "{first:?} {second:?}");
        // The same one may be put again, and the name is free once it is removed.
        assert_eq!(code(issuers.put_blocking(entry("one", first.0, first.1))), "");
        issuers.remove_blocking("https://one.example").unwrap();
        assert_eq!(code(issuers.put_blocking(entry("two", second.0, second.1))), "");
    }
    for wrong in ["a b", " ", "é:", "a\n", &"x".repeat(65)] {
        let world = world();
        let refused = world.client.identity().issuers().put_blocking(entry("one", wrong, acme));
        assert_eq!(code(refused), "issuer_invalid", "{wrong:?}");
    }
    let world = world();
    for own in ["tenantry", "process", "dev"] {
        let named = IssuerSpec { issuer: own.into(), ..issuer(acme) };
        assert_eq!(code(world.client.identity().issuers().put_blocking(named.clone())), "issuer_invalid", "{own}");
    }
}

#[test]
fn no_token_takes_a_name_that_somebody_else_gives() {
    let world = world();
    let issuers = world.client.identity().issuers();
    issuers.put_blocking(entry("bare", "", &["acme", "globex"])).unwrap();
    issuers.put_blocking(entry("okta", "okta:", &["acme"])).unwrap();
    issuers.put_blocking(entry("hosts", "cross", &["globex"])).unwrap();
    let ask = |issuer: &str, account: &str, more: Value| {
        let mut claims = json!({ "iss": format!("https://{issuer}.example"), "account_id": account });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        by(&world.client, claims)
    };
    let (_, id) = key(&world, "acme", "prod", &[]);
    let imported = format!("imported{}", "a".repeat(16));
    for (issuer, account, subject, expected) in [
        ("bare", "acme", "ann", "ann"),
        ("okta", "acme", "ann", "okta:ann"),
        ("okta", "acme", "okta:ann", "okta:okta:ann"),
        ("bare", "globex", "okta:ann", "okta:ann"),
        ("bare", "acme", "okta", "okta"),
        ("bare", "acme", "okta:ann", ""),
        ("bare", "acme", "okta:", ""),
        ("bare", "acme", id.as_str(), ""),
        ("bare", "acme", imported.as_str(), ""),
        ("bare", "acme", "process", ""),
        ("bare", "acme", "cross-tenant:globex:ann", ""),
        ("hosts", "globex", "-tenant:acme:ann", ""),
    ] {
        for agent in [false, true] {
            let claims = match agent {
                false => json!({ "sub": subject }),
                true => json!({ "sub": "spiffe://x", "identity_type": "agent", "external_id": subject }),
            };
            let why = format!("{issuer} {account} {subject} {agent}");
            match (ask(issuer, account, claims), expected) {
                (Err(refused), "") => assert_eq!(refused.code(), "token_claims_invalid", "{why}"),
                (taken, name) => assert_eq!(taken.expect(&why).caller().unwrap().principal.id, name, "{why}"),
            }
        }
    }
    for subject in [id.as_str(), imported.as_str(), "process", "cross-tenant:acme:x"] {
        let place = ("acme".to_owned(), "prod".to_owned());
        let named = KeySpec {
            subject: subject.into(),
            account_id: place.0.clone(),
            project_id: place.1.clone(),
            ..KeySpec::default()
        };
        assert_eq!(code(world.client.identity().keys().create_blocking(named.clone())), "key_invalid", "{subject}");
        let spec =
            TokenSpec { subject: subject.into(), account_id: place.0, project_id: place.1, ..TokenSpec::default() };
        assert_eq!(
            code(world.client.identity().tokens().issue_blocking(spec.clone())),
            "opaque_id_invalid",
            "{subject}"
        );
    }
}

#[test]
fn naming_somebody_needs_the_right_to_manage_users() {
    let world = world();
    let named = |kind, import: &str| KeySpec {
        subject: "ann".into(),
        kind,
        import_sha256: import.into(),
        ..KeySpec::default()
    };
    let of = |client: &Tenantry, spec: KeySpec| {
        let spec = KeySpec { account_id: "acme".into(), project_id: "prod".into(), ..spec };
        client.identity().keys().create_blocking(spec.clone())
    };
    let anns = of(&world.client, named(PrincipalKind::User, "")).unwrap();
    let plain = of(&world.client, KeySpec::default()).unwrap();
    for (scopes, expected) in [
        (&["credentials:manage", "tools:read"][..], "scope_missing"),
        (&["api_keys:manage", "tools:read"], "scope_missing"),
        (&["credentials:manage", "tenant:manage", "tools:read"], "scope_missing"),
        (&["credentials:manage", "users:manage", "tools:read"], ""),
    ] {
        let (text, id) = key(&world, "acme", "prod", scopes);
        let tenant = enter(&world, &[("x-api-key", &text)]).unwrap();
        let client = world.client.signed_in_blocking(&RequestCredentials::token(text)).unwrap();
        for kind in [PrincipalKind::User, PrincipalKind::Agent] {
            assert_eq!(code(tenant.identity().keys().create_blocking(named(kind, ""))), expected, "{scopes:?}");
            assert_eq!(code(of(&client, named(kind, ""))), expected, "{scopes:?}");
            let spec =
                TokenSpec { subject: "ann".into(), kind, scopes: vec!["tools:read".into()], ..TokenSpec::default() };
            assert_eq!(code(tenant.identity().tokens().issue_blocking(spec.clone())), expected, "{scopes:?}");
        }
        assert_eq!(code(tenant.identity().keys().create_blocking(KeySpec::default())), "", "{scopes:?}");
        // Whoever replaces a key holds what it names; a key's own name is no person's, and its own it has already.
        let maker =
            of(&world.client, KeySpec { scopes: vec!["tools:read".into()], ..named(PrincipalKind::User, "") }).unwrap();
        assert_eq!(
            code(tenant.identity().keys().rotate_blocking(KeyRotation::new(&maker.record.id, 0))),
            expected,
            "{scopes:?}"
        );
        let other = of(&world.client, KeySpec { scopes: vec!["tools:read".into()], ..KeySpec::default() }).unwrap();
        let second = tenant.identity().keys().rotate_blocking(KeyRotation::new(&other.record.id, 0)).unwrap();
        assert_eq!(
            code(tenant.identity().keys().rotate_blocking(KeyRotation::new(&second.record.id, 0))),
            "",
            "{scopes:?}"
        );
        assert_eq!(code(tenant.identity().keys().rotate_blocking(KeyRotation::new(&id, 60))), "", "{scopes:?}");
    }
    assert_eq!((anns.record.subject.as_str(), plain.record.subject == plain.record.id), ("ann", true));
}

#[test]
fn who_vouches_for_a_principal_is_verified_and_no_callers_word() {
    let world = world();
    world.client.identity().issuers().put_blocking(entry("idp", "", &["acme"])).unwrap();
    world.client.identity().issuers().put_blocking(entry("okta", "okta:", &["acme"])).unwrap();
    let process = world.client.tenant_blocking("acme", "prod").unwrap();
    let (text, _) = key(&world, "acme", "prod", &[]);
    let by_key = enter(&world, &[("x-api-key", &text)]).unwrap();
    let spec = TokenSpec { subject: "ann".into(), ..TokenSpec::default() };
    let issued = process.identity().tokens().issue_blocking(spec.clone()).unwrap();
    let by_token = world.client.authenticate_blocking(&RequestCredentials::token(issued.access_token)).unwrap();
    let outside = by(&world.client, json!({ "iss": "https://idp.example" })).unwrap();
    let okta = by(&world.client, json!({ "iss": "https://okta.example", "exp": START / 1_000_000 + 9 })).unwrap();
    let words = ["process", "tenantry", "https://idp.example", "https://okta.example"];
    for (tenant, own) in [
        (process.clone(), "process"),
        (process.acting_as(Principal::user("ann")).unwrap(), "process"),
        (by_key.clone(), "tenantry"),
        (by_key.acting_as(Principal::user("ann")).unwrap(), "process"),
        (by_token, "tenantry"),
        (outside.clone(), "https://idp.example"),
        (outside.acting_as(Principal::user("ann")).unwrap(), "process"),
        (okta, "https://okta.example"),
    ] {
        for word in words {
            let text = format!(
                "@id(\"who\")\nforbid(principal, action, resource) when {{ context.principal_issuer == \"{word}\" }};"
            );
            process
                .policies()
                .put_blocking(PolicySpec {
                    name: "who".into(),
                    text,
                    mode: Mode::Enforce,
                    layer: Layer::Project,
                    ceiling: false,
                })
                .unwrap();
            let mut request = GuardRequest::prompt("hello");
            request.metadata.insert("principal_issuer".into(), "https://idp.example".into());
            let calls =
                [request, GuardRequest::prompt("hello"), GuardRequest::tool_call("search", serde_json::Map::new())];
            for call in calls {
                let claimed = !call.metadata.is_empty();
                let answer = tenant.guard().evaluate_blocking(call).unwrap();
                let expected = if word == own { Decision::Deny } else { Decision::Allow };
                assert_eq!(answer.decision, expected, "{own} {word}");
                assert_eq!(!answer.context_conflict.is_empty(), claimed && own != "https://idp.example", "{own}");
            }
        }
    }
}
