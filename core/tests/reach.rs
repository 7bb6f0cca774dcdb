//! How far a credential reaches through the public doors, and what it never opens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/identity.rs"]
mod support;

use support::{code, enter, issuer, key, place, token, world};
use tenantry::api::{
    AuditQuery, AutoProvision, Decision, GrantSpec, GuardRequest, IdentitySettings, IssuerSpec, KeyFilter, KeySpec,
    Principal, RequestCredentials, Since, TokenRequest,
};

#[test]
fn an_issuer_speaks_for_its_own_accounts_only() {
    let world = world();
    let issuers = world.client.identity().issuers();
    issuers.put_blocking(issuer(&["acme"])).unwrap();
    let ask = |claims| world.client.authenticate_blocking(&RequestCredentials::token(token(claims)));
    let tenant = ask(serde_json::json!({ "project_id": "prod" })).unwrap();
    assert_eq!(place(&tenant), ("acme".into(), "prod".into()));
    assert_eq!(code(ask(serde_json::json!({ "account_id": "globex" }))), "issuer_not_for_account");
    assert_eq!(code(ask(serde_json::json!({ "iss": "https://other.example" }))), "issuer_unknown");
    assert_eq!(code(ask(serde_json::json!({ "account_id": "" }))), "token_claims_invalid");
    assert_eq!(code(ask(serde_json::json!({ "project_id": [] }))), "token_claims_invalid");
    issuers.remove_blocking("https://idp.example").unwrap();
    assert_eq!(code(tenant.guard().evaluate_blocking(GuardRequest::prompt("x"))), "issuer_unknown");
}

#[test]
fn single_tenant_mode_makes_every_valid_token_one_tenant() {
    let world = world();
    let spec = IssuerSpec { project: "prod".into(), ..issuer(&["acme"]) };
    world.client.identity().issuers().put_blocking(spec.clone()).unwrap();
    let tenant = world
        .client
        .authenticate_blocking(&RequestCredentials::token(token(serde_json::json!({ "account_id": "globex" }))));
    assert_eq!(place(&tenant.unwrap()), ("acme".into(), "prod".into()));
}

#[test]
fn a_machine_confirms_its_tenant_and_names_whom_it_acts_for() {
    let world = world();
    world.client.identity().issuers().put_blocking(issuer(&["acme", "globex"])).unwrap();
    let bearer = format!("Bearer {}", token(serde_json::json!({ "gty": "client-credentials" })));
    let ask = |more: &[(&str, &str)]| enter(&world, &[&[("authorization", bearer.as_str())], more].concat());
    assert_eq!(code(ask(&[])), "machine_user_required");
    assert_eq!(code(ask(&[("snc-userid", "u1")])), "machine_tenant_required");
    assert_eq!(code(ask(&[("snc-userid", ""), ("snc-tenant", "acme")])), "machine_user_required");
    assert_eq!(code(ask(&[("snc-userid", "u1"), ("snc-tenant", "globex")])), "outside_authority");
    assert_eq!(code(ask(&[("snc-userid", "u1"), ("snc-tenant", "acme"), ("Snc-Tenant", "acme")])), "header_duplicate");
    let tenant = ask(&[("snc-userid", "u1"), ("snc-tenant", "acme")]).unwrap();
    tenant.guard().evaluate_blocking(GuardRequest::prompt("x")).unwrap();
    let rows = world
        .client
        .tenant_blocking("acme", "default")
        .unwrap()
        .audit()
        .query_blocking(AuditQuery::from(Since::Start).limit(100))
        .unwrap();
    assert_eq!(rows.last().unwrap().body["headers"]["snc-userid"], "u1");
}

#[test]
fn nothing_a_caller_makes_is_wider_than_itself() {
    let world = world();
    let (admin, _) = key(&world, "acme", "prod", &["tools:read", "credentials:manage"]);
    let tenant = enter(&world, &[("x-api-key", &admin)]).unwrap();
    let keys = tenant.identity().keys();
    let ask = |scopes: &[&str], account: &str, project: &str| {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        keys.create_blocking(KeySpec {
            scopes,
            account_id: account.into(),
            project_id: project.into(),
            ..KeySpec::default()
        })
    };
    assert_eq!(code(ask(&["tools:execute"], "", "")), "scope_missing");
    assert_eq!(ask(&[], "", "").unwrap().record.scopes, ["tools:read"]);
    assert_eq!(code(ask(&["tools:read"], "globex", "prod")), "outside_authority");
    assert_eq!(code(ask(&["tools:read"], "acme", "default")), "outside_authority");
    assert_eq!(code(ask(&["tools:read"], "acme", "")), "outside_authority");
    let made = ask(&["tools:read"], "", "").unwrap();
    assert_eq!((made.record.account_id.as_str(), made.record.project_id.as_str()), ("acme", "prod"));
    let narrow = enter(&world, &[("x-api-key", &made.key)]).unwrap();
    assert_eq!(code(narrow.identity().keys().list_blocking(KeyFilter::default())), "scope_missing");
    assert_eq!(code(narrow.policies().list_blocking()), "scope_missing");
    assert_eq!(code(narrow.settings().update_blocking(tenantry::api::SettingsPatch::default())), "scope_missing");
    assert_eq!(code(narrow.identity().issuers().list_blocking()), "outside_authority");
    // Another tenant's key is answered like one that never was.
    let (_, foreign) = key(&world, "globex", "prod", &[]);
    let missing = keys.revoke_blocking("nothing").unwrap_err();
    assert_eq!(keys.revoke_blocking(&foreign).unwrap_err(), missing);
}

#[test]
fn the_ceiling_denies_what_a_tokens_scopes_do_not_reach() {
    let world = world();
    let (key, _) = key(&world, "acme", "prod", &["tools:read"]);
    let tenant = enter(&world, &[("x-api-key", &key)]).unwrap();
    let allowed = tenant.guard().evaluate_blocking(GuardRequest::prompt("hello")).unwrap();
    assert_eq!(allowed.decision, Decision::Allow);
    let call = GuardRequest { action: "call_tool".into(), ..GuardRequest::prompt("{}") };
    let denied = tenant.guard().evaluate_blocking(call).unwrap();
    assert_eq!((denied.decision, denied.code.as_deref()), (Decision::Deny, Some("insufficient_scope")));
    assert_eq!(
        denied.policy_reason.as_deref(),
        Some("token missing required scope \"tools:execute\" for action \"call_tool\"")
    );
    let wanted = |scopes: &[&str]| {
        code(tenant.require_scopes_blocking(&scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>()))
    };
    assert_eq!(
        (wanted(&["tools:read"]), wanted(&["tools:read", "tenant:read"])),
        (String::new(), "scope_missing".into())
    );
    let process = world.client.tenant_blocking("acme", "prod").unwrap();
    assert_eq!(code(process.require_scopes_blocking(&["tools:read".into()])), "scope_missing");
}

#[test]
fn a_grant_crosses_for_what_it_names_and_both_sides_can_prove_it() {
    let world = world();
    let (key, _) = key(&world, "acme", "prod", &["tools:read", "tenant:manage"]);
    let headers = [("x-api-key", key.as_str()), ("x-account-id", "globex"), ("x-project-id", "prod")];
    assert_eq!(code(enter(&world, &headers)), "outside_authority");
    let grants = world.client.admin().grants();
    let spec = GrantSpec {
        from_account: "acme".into(),
        to_account: "globex".into(),
        to_project: "prod".into(),
        actions: vec!["process_prompt".into()],
        expires_in_seconds: 3_600,
        reason: "shared support desk".into(),
        ..GrantSpec::default()
    };
    let grant = grants.create_blocking(spec).unwrap();
    let tenant = enter(&world, &headers).unwrap();
    assert_eq!(place(&tenant), ("globex".into(), "prod".into()));
    let answer = tenant.guard().evaluate_blocking(GuardRequest::prompt("hello")).unwrap();
    assert_eq!(answer.decision, Decision::Allow);
    let call = GuardRequest { action: "call_tool".into(), ..GuardRequest::prompt("{}") };
    assert_eq!(code(tenant.guard().evaluate_blocking(call)), "grant_insufficient");
    assert_eq!(code(tenant.policies().list_blocking()), "grant_insufficient");
    assert_eq!(code(tenant.identity().keys().list_blocking(KeyFilter::default())), "outside_authority");

    let uses = grants.uses_blocking(AuditQuery::from(Since::Start).limit(100)).unwrap();
    let kinds: Vec<&str> = uses.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, ["grant.create", "cross_tenant"], "what was refused was no use");
    for (account, project) in [("acme", "prod"), ("globex", "prod")] {
        let audit = world.client.tenant_blocking(account, project).unwrap().audit();
        let rows = audit.query_blocking(AuditQuery::from(Since::Start).limit(100)).unwrap();
        assert_eq!(rows.iter().filter(|row| row.kind == "cross_tenant").count(), 1, "{account}");
    }
    let globex = world
        .client
        .tenant_blocking("globex", "prod")
        .unwrap()
        .audit()
        .query_blocking(AuditQuery::from(Since::Start).limit(100))
        .unwrap();
    let decision = globex.iter().find(|row| row.kind == "decision").unwrap();
    assert!(decision.body["principal"]["id"].as_str().unwrap().starts_with("cross-tenant:acme:"));

    // A call under a key is one use, and its repetition another; the second is answered and not decided.
    for uses in [2, 3] {
        tenant.guard().evaluate_once_blocking(GuardRequest::prompt("once"), "k").unwrap();
        let rows = world
            .client
            .tenant_blocking("acme", "prod")
            .unwrap()
            .audit()
            .query_blocking(AuditQuery::from(Since::Start).limit(100));
        assert_eq!(rows.unwrap().iter().filter(|row| row.kind == "cross_tenant").count(), uses);
    }

    grants.revoke_blocking(&grant.id).unwrap();
    assert_eq!(code(tenant.guard().evaluate_blocking(GuardRequest::prompt("x"))), "grant_ended");
    assert_eq!(code(tenant.guard().evaluate_once_blocking(GuardRequest::prompt("once"), "k")), "grant_ended");
    assert_eq!(code(enter(&world, &headers)), "outside_authority");
}

#[test]
fn a_deleted_accounts_credentials_do_not_open_its_successor() {
    let world = world();
    let (key, _) = key(&world, "globex", "prod", &[]);
    let request = TokenRequest { grant_type: "api_key".into(), api_key: key.clone(), ..TokenRequest::default() };
    let token = world.client.identity().tokens().exchange_blocking(request.clone()).unwrap();
    world.client.admin().accounts().delete_blocking("globex").unwrap();
    assert_eq!(code(enter(&world, &[("x-api-key", &key)])), "tenant_unknown");
    world.client.admin().accounts().create_blocking("globex").unwrap();
    world.client.admin().projects().create_blocking("globex", "prod").unwrap();
    assert_eq!(code(enter(&world, &[("x-api-key", &key)])), "outside_authority");
    let by_token = world.client.authenticate_blocking(&RequestCredentials::token(&token.access_token));
    assert_eq!(code(by_token), "outside_authority");
}

#[test]
fn a_suspended_tenant_lets_nobody_in() {
    let world = world();
    let (key, _) = key(&world, "acme", "prod", &[]);
    world.client.admin().accounts().suspend_blocking("acme").unwrap();
    assert_eq!(code(enter(&world, &[("x-api-key", &key)])), "tenant_suspended");
}

#[test]
fn unseen_tenants_are_made_up_only_where_that_was_opened_and_only_so_many() {
    let world = world();
    let identity = world.client.identity();
    identity.issuers().put_blocking(issuer(&["*"])).unwrap();
    let ask = |account: &str| {
        world
            .client
            .authenticate_blocking(&RequestCredentials::token(token(serde_json::json!({ "account_id": account }))))
    };
    assert_eq!(code(ask("initech")), "tenant_unknown");
    let policies = vec![tenantry::api::PolicySpec {
        name: "house".into(),
        text: "permit(principal, action, resource);".into(),
        mode: tenantry::api::Mode::Enforce,
        layer: tenantry::scope::Layer::Project,
        ceiling: false,
    }];
    let auto_provision = AutoProvision { enabled: true, max_accounts: 4, policies, ..AutoProvision::default() };
    identity.put_settings_blocking(IdentitySettings { auto_provision, ..IdentitySettings::default() }).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| assert_eq!(place(&ask("initech").unwrap()), ("initech".into(), "default".into())));
        }
    });
    let tenant = world.client.tenant_blocking("initech", "default").unwrap();
    let rows = tenant.audit().query_blocking(AuditQuery::from(Since::Start).limit(1_000)).unwrap();
    assert_eq!(rows.iter().filter(|row| row.kind == "tenant.provision").count(), 1, "made and set up once");
    assert!(tenant.policies().list_blocking().unwrap().iter().any(|policy| policy.name == "house"));
    ask("fourth").unwrap();
    assert_eq!(code(ask("fifth")), "provisioning_exhausted");
    assert_eq!(world.client.admin().accounts().list_blocking().unwrap().len(), 4);
}

#[test]
fn a_grant_gives_no_rights_that_the_credential_lacks() {
    let world = world();
    let (narrow, _) = key(&world, "acme", "prod", &["tools:read"]);
    let spec = GrantSpec {
        from_account: "acme".into(),
        to_account: "globex".into(),
        to_project: "prod".into(),
        actions: vec!["tenant:read".into(), "tenant:manage".into(), "process_prompt".into()],
        expires_in_seconds: 60,
        reason: "test".into(),
        ..GrantSpec::default()
    };
    world.client.admin().grants().create_blocking(spec.clone()).unwrap();
    let headers = [("x-api-key", narrow.as_str()), ("x-account-id", "globex")];
    let tenant = enter(&world, &headers).unwrap();
    assert_eq!(code(tenant.policies().attach_pack_blocking("strict")), "scope_missing");
    assert_eq!(code(tenant.policies().list_blocking()), "scope_missing");
    assert_eq!(code(tenant.acting_as(Principal::user("ann"))), "outside_authority", "nobody of the other tenant");
    // A home that closes ends what came from it.
    world.client.admin().accounts().suspend_blocking("acme").unwrap();
    assert_eq!(code(tenant.guard().evaluate_blocking(GuardRequest::prompt("x"))), "tenant_suspended");
    assert_eq!(code(enter(&world, &headers)), "tenant_suspended");
}

#[test]
fn a_deleted_accounts_key_does_not_cross_by_its_successors_grants() {
    let world = world();
    let (old, _) = key(&world, "acme", "", &[]);
    world.client.admin().accounts().delete_blocking("acme").unwrap();
    world.client.admin().accounts().create_blocking("acme").unwrap();
    let spec = GrantSpec {
        from_account: "acme".into(),
        to_account: "globex".into(),
        to_project: "prod".into(),
        actions: vec!["process_prompt".into()],
        expires_in_seconds: 60,
        reason: "test".into(),
        ..GrantSpec::default()
    };
    world.client.admin().grants().create_blocking(spec.clone()).unwrap();
    assert_eq!(code(enter(&world, &[("x-api-key", &old), ("x-account-id", "globex")])), "outside_authority");
}

#[test]
fn an_issuer_does_not_speak_for_the_successor_of_a_deleted_account() {
    let world = world();
    let identity = world.client.identity();
    identity.issuers().put_blocking(issuer(&["acme", "globex"])).unwrap();
    let auto_provision = AutoProvision { enabled: true, ..AutoProvision::default() };
    identity.put_settings_blocking(IdentitySettings { auto_provision, ..IdentitySettings::default() }).unwrap();
    world.client.admin().accounts().delete_blocking("acme").unwrap();
    let ask = || world.client.authenticate_blocking(&RequestCredentials::token(token(serde_json::json!({}))));
    assert_eq!(code(ask()), "issuer_not_for_account", "nor is the name made up again");
    world.client.admin().accounts().create_blocking("acme").unwrap();
    assert_eq!(code(ask()), "issuer_not_for_account");
    assert_eq!(identity.issuers().list_blocking().unwrap()[0].accounts, ["globex"]);
}

#[test]
fn an_entry_made_again_is_another_one_to_handles_of_the_first() {
    let world = world();
    let issuers = world.client.identity().issuers();
    issuers.put_blocking(issuer(&["acme"])).unwrap();
    let claims = serde_json::json!({ "role": "owner", "scopes": [] });
    let tenant = world.client.authenticate_blocking(&RequestCredentials::token(token(claims))).unwrap();
    assert!(tenant.caller().unwrap().scopes.is_empty(), "an empty claim of scopes is not all that the role means");
    issuers.remove_blocking("https://idp.example").unwrap();
    issuers.put_blocking(issuer(&["acme"])).unwrap();
    assert_eq!(code(tenant.guard().evaluate_blocking(GuardRequest::prompt("x"))), "issuer_unknown");
}

#[test]
fn rights_follow_the_table_of_roles() {
    let world = world();
    world.client.identity().issuers().put_blocking(issuer(&["acme"])).unwrap();
    let claims = serde_json::json!({ "role": "owner" });
    let tenant = world.client.authenticate_blocking(&RequestCredentials::token(token(claims))).unwrap();
    assert!(tenant.policies().list_blocking().is_ok());
    let settings = IdentitySettings { roles: std::collections::BTreeMap::new(), ..IdentitySettings::default() };
    world.client.identity().put_settings_blocking(settings).unwrap();
    assert_eq!(code(tenant.policies().list_blocking()), "scope_missing");
}

#[test]
fn what_is_shared_by_tenants_is_not_one_callers_to_use_up() {
    let world = world();
    let (key, _) = key(&world, "acme", "prod", &[]);
    let tenant = enter(&world, &[("x-api-key", &key)]).unwrap();
    let limit = |id: &str, layer| tenantry::api::LimitSpec {
        id: id.into(),
        rate: 1,
        per_ms: 60_000,
        key: tenantry::api::LimitKey::Scope,
        on_exceed: tenantry::api::OnExceed::Reject,
        max_wait_ms: 0,
        layer,
        action: String::new(),
        shared: false,
    };
    let process = world.client.tenant_blocking("acme", "prod").unwrap();
    process.limits().set_blocking(limit("all", tenantry::scope::Layer::Platform)).unwrap();
    process.limits().set_blocking(limit("own", tenantry::scope::Layer::Project)).unwrap();
    assert_eq!(code(tenant.limits().acquire_blocking("all", "", 1)), "limit_not_found");
    assert_eq!(code(tenant.limits().acquire_blocking("own", "", 1)), "");
}

#[test]
fn a_tenants_own_rooms_are_bound_to_it_also_for_the_process() {
    let world = world();
    let (foreign, foreign_id) = key(&world, "globex", "prod", &[]);
    let rooms = world.client.tenant_blocking("acme", "prod").unwrap().identity();
    assert_eq!(code(rooms.keys().revoke_blocking(&foreign_id)), "key_not_found");
    assert_eq!(code(rooms.verify_blocking(&foreign)), "outside_authority");
    assert!(!rooms.tokens().introspect_blocking(&foreign).unwrap().active);
    let wider = KeySpec { account_id: "acme".into(), project_id: "default".into(), ..KeySpec::default() };
    assert_eq!(code(rooms.keys().create_blocking(wider)), "outside_authority");
    let made = rooms.keys().create_blocking(KeySpec::default()).unwrap();
    assert_eq!((made.record.account_id.as_str(), made.record.project_id.as_str()), ("acme", "prod"));
}

#[test]
fn a_header_creates_nothing() {
    let world = world();
    let identity = world.client.identity();
    identity.issuers().put_blocking(issuer(&["*"])).unwrap();
    let auto_provision = AutoProvision { enabled: true, ..AutoProvision::default() };
    identity.put_settings_blocking(IdentitySettings { auto_provision, ..IdentitySettings::default() }).unwrap();
    let bearer = format!("Bearer {}", token(serde_json::json!({ "account_id": "initech" })));
    let ask = |project: &str| enter(&world, &[("authorization", &bearer), ("x-project-id", project)]);
    assert_eq!(code(ask("p1")), "tenant_unknown");
    assert_eq!(place(&ask("default").unwrap()), ("initech".into(), "default".into()));
    assert_eq!(code(ask("p1")), "tenant_unknown");
}

#[test]
fn a_guest_is_told_why_only_where_its_grant_lets_it_read() {
    let flags: &[fn(&mut GuardRequest)] = &[
        |request| request.explain = Some(true),
        |request| request.debug = Some(true),
        |request| (request.explain, request.debug) = (Some(true), Some(true)),
        |request| (request.explain, request.dryrun) = (Some(true), Some(true)),
        |request| (request.debug, request.explain) = (Some(true), Some(false)),
        |request| (request.optimize, request.dryrun) = (Some(true), Some(true)),
    ];
    for (actions, told) in [
        (&["process_prompt"][..], false),
        (&["process_prompt", "call_tool"], false),
        (&["process_prompt", "tenant:manage"], false),
        (&["process_prompt", "tenant:read"], true),
        (&["tenant:read"], false),
    ] {
        let world = world();
        let (key, _) = key(&world, "acme", "prod", &["tools:read", "tenant:manage"]);
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
        let guest = enter(&world, &[("x-api-key", &key), ("x-account-id", "globex")]).unwrap();
        let uses =
            || world.client.admin().grants().uses_blocking(AuditQuery::from(Since::Start).limit(1_000)).unwrap().len();
        for (number, ask) in flags.iter().enumerate() {
            let mut request = GuardRequest::prompt("hello");
            ask(&mut request);
            let before = uses();
            let answers = [
                guest.guard().evaluate_blocking(request.clone()),
                guest.guard().evaluate_once_blocking(request, &format!("k{number}")),
            ];
            for answer in answers {
                let why = format!("{actions:?} {number}");
                match told {
                    true => {
                        let answer = answer.unwrap();
                        let explained = answer.projected_context.is_some_and(|context| !context.is_empty());
                        assert!(explained || answer.optimization.is_some(), "{why}");
                    }
                    false => assert_eq!(code(answer), "grant_insufficient", "{why}"),
                }
            }
            assert_eq!(uses() - before, if told { 4 } else { 0 }, "what was refused was no use: {actions:?} {number}");
        }
        // An answer that explains nothing needs no more than before.
        let plain = guest.guard().evaluate_blocking(GuardRequest::prompt("hello"));
        assert_eq!(code(plain), if actions.contains(&"process_prompt") { "" } else { "grant_insufficient" });
        // At home nobody needs a grant to be told.
        let home = enter(&world, &[("x-api-key", &key)]).unwrap();
        let request = GuardRequest { explain: Some(true), ..GuardRequest::prompt("hello") };
        assert_eq!(code(home.guard().evaluate_blocking(request)), "");
    }
}
