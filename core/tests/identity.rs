//! Identity through the public doors: who a credential is, where it may act, and when that ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{sync::Arc, time::Duration};

use tenantry::{
    Error, Options, Tenant, Tenantry,
    api::{
        Algorithm, AutoProvision, CredentialKind, Decision, GrantSpec, GuardRequest, IdentitySettings, IssuerSpec,
        KeySpec, KeyState, Presented, Principal, Since, TenantFacts, TokenRequest, TokenSpec,
    },
    client::Surroundings,
    clock::ManualClock,
    config::{Credential, Storage},
    error::ErrorKind,
};

const START: i64 = 1_767_225_600_000_000;
const SECRET: &str = "a secret of at least thirty-two bytes";

struct World {
    client: Tenantry,
    clock: ManualClock,
}

fn open(options: Options) -> World {
    let clock = ManualClock::at(START);
    let surroundings = Surroundings { clock: Arc::new(clock.clone()) };
    let options = Options { storage: Some(Storage::Memory), deadline: Some(Duration::from_secs(10)), ..options };
    World { client: Tenantry::open_with(options, surroundings).unwrap(), clock }
}

fn world() -> World {
    let world = open(Options::default());
    for (account, projects) in [("acme", &["prod", "default"][..]), ("globex", &["prod"][..])] {
        world.client.admin().accounts().create_blocking(account, TenantFacts::default()).unwrap();
        for project in projects {
            world.client.admin().projects().create_blocking(account, project, TenantFacts::default()).unwrap();
        }
    }
    world
}

fn key(world: &World, account: &str, project: &str, scopes: &[&str]) -> (String, String) {
    let spec = KeySpec {
        name: "test".into(),
        account_id: account.into(),
        project_id: project.into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..KeySpec::default()
    };
    let made = world.client.identity().keys().create_blocking(&spec).unwrap();
    (made.key, made.record.id)
}

fn enter(world: &World, headers: &[(&str, &str)]) -> Result<Tenant, Error> {
    world.client.authenticate_blocking(&Presented::headers(headers.iter().copied()))
}

fn code<T>(result: Result<T, Error>) -> String {
    result.err().map(|error| error.code().to_owned()).unwrap_or_default()
}

fn place(tenant: &Tenant) -> (String, String) {
    (tenant.account_id().to_owned(), tenant.project_id().to_owned())
}

fn issuer(accounts: &[&str]) -> IssuerSpec {
    IssuerSpec {
        issuer: "https://idp.example".into(),
        audience: vec!["tenantry".into()],
        algorithms: vec![Algorithm::HS256],
        secret: SECRET.into(),
        accounts: accounts.iter().map(|account| (*account).to_owned()).collect(),
        ..IssuerSpec::default()
    }
}

fn token(claims: serde_json::Value) -> String {
    let mut all = serde_json::json!({ "iss": "https://idp.example", "aud": "tenantry", "sub": "ann",
        "exp": START / 1_000_000 + 3_600, "account_id": "acme" });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let header = serde_json::json!({ "alg": "HS256", "typ": "JWT" });
    tenantry::identity::jwt::encode(&header, &all, |message| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
        Ok(ring::hmac::sign(&key, message).as_ref().to_vec())
    })
    .unwrap()
}

#[test]
fn a_key_opens_the_one_project_it_was_made_for() {
    let world = world();
    let (key, id) = key(&world, "acme", "prod", &[]);
    let bearer = format!("Bearer {key}");
    let tenant = enter(&world, &[("Authorization", &bearer)]).unwrap();
    assert_eq!(place(&tenant), ("acme".into(), "prod".into()));
    assert_eq!(tenant.caller().unwrap().credential_id, id);
    assert_eq!(tenant.caller().unwrap().credential, CredentialKind::ApiKey);
    // Public clients send `default` when they were told nothing.
    let said = [("x-api-key", key.as_str()), ("X-Account-ID", "default"), ("X-Project-ID", "default")];
    assert_eq!(place(&enter(&world, &said).unwrap()), ("acme".into(), "prod".into()));
    for (header, value) in [("X-Account-ID", "globex"), ("x-tenant-id", "globex"), ("X-Project-ID", "default2")] {
        assert_eq!(code(enter(&world, &[("x-api-key", &key), (header, value)])), "outside_authority", "{header}");
    }
    let answer = tenant.guard().evaluate_blocking(GuardRequest::prompt("hello")).unwrap();
    assert_eq!(answer.decision, Decision::Allow);
}

#[test]
fn a_key_of_an_account_selects_its_projects_and_no_others() {
    let world = world();
    let (key, _) = key(&world, "acme", "", &[]);
    let project = |name: &str| enter(&world, &[("x-api-key", &key), ("x-project-id", name)]);
    assert_eq!(place(&enter(&world, &[("x-api-key", &key)]).unwrap()).1, "default");
    assert_eq!(place(&project("prod").unwrap()).1, "prod");
    assert_eq!(code(project("nowhere")), "tenant_unknown");
    world.client.admin().projects().delete_blocking("acme", "default").unwrap();
    assert_eq!(place(&enter(&world, &[("x-api-key", &key)]).unwrap()).1, "prod", "the only one left");
    world.client.admin().projects().create_blocking("acme", "dev", TenantFacts::default()).unwrap();
    assert_eq!(code(enter(&world, &[("x-api-key", &key)])), "project_required");
}

#[test]
fn revocation_ends_keys_handles_and_exchanged_tokens_at_once() {
    let world = world();
    let (key, id) = key(&world, "acme", "prod", &["tools:read"]);
    let tenant = enter(&world, &[("x-api-key", &key)]).unwrap();
    let request = TokenRequest { grant_type: "api_key".into(), api_key: key.clone(), ..TokenRequest::default() };
    let token = world.client.identity().tokens().exchange_blocking(&request).unwrap();
    let by_token = world.client.authenticate_blocking(&Presented::token(&token.access_token)).unwrap();
    let ask = |tenant: &Tenant| code(tenant.guard().evaluate_blocking(GuardRequest::prompt("hello")));
    assert_eq!((ask(&tenant), ask(&by_token)), (String::new(), String::new()));

    let record = world.client.identity().keys().revoke_blocking(&id).unwrap();
    assert_eq!(record.state, KeyState::Revoked);
    assert_eq!(code(enter(&world, &[("x-api-key", &key)])), "credential_unknown");
    assert_eq!((ask(&tenant), ask(&by_token)), ("credential_revoked".into(), "credential_revoked".into()));
    let introspection = world.client.identity().tokens().introspect_blocking(&token.access_token).unwrap();
    assert!(!introspection.active && introspection.claims.is_empty());
    assert_eq!(code(world.client.identity().tokens().exchange_blocking(&request)), "grant_invalid");
}

#[test]
fn an_expired_key_ends_its_handles() {
    let world = world();
    let spec =
        KeySpec { account_id: "acme".into(), project_id: "prod".into(), expires_in_seconds: 60, ..KeySpec::default() };
    let made = world.client.identity().keys().create_blocking(&spec).unwrap();
    let tenant = enter(&world, &[("x-api-key", &made.key)]).unwrap();
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(code(tenant.guard().evaluate_blocking(GuardRequest::prompt("x"))), "credential_expired");
    assert_eq!(code(enter(&world, &[("x-api-key", &made.key)])), "credential_expired");
    assert_eq!(world.client.identity().keys().list_blocking("acme", "prod").unwrap()[0].state, KeyState::Expired);
}

#[test]
fn a_rotated_key_overlaps_its_successor_and_then_ends() {
    let world = world();
    let (old, id) = key(&world, "acme", "prod", &[]);
    let held = enter(&world, &[("x-api-key", &old)]).unwrap();
    let new = world.client.identity().keys().rotate_blocking(&id, 30).unwrap();
    assert!(enter(&world, &[("x-api-key", &old)]).is_ok());
    assert_eq!(
        enter(&world, &[("x-api-key", &new.key)]).unwrap().caller().unwrap().principal.id,
        held.caller().unwrap().principal.id,
        "the same principal goes on"
    );
    assert_eq!(code(world.client.identity().keys().rotate_blocking(&id, 0)), "key_not_active");
    world.clock.advance(Duration::from_secs(30));
    assert!(enter(&world, &[("x-api-key", &old)]).is_err());
    assert_eq!(code(held.guard().evaluate_blocking(GuardRequest::prompt("x"))), "credential_revoked");
    assert!(enter(&world, &[("x-api-key", &new.key)]).is_ok());
}

#[test]
fn imported_keys_are_known_by_their_hash_alone() {
    let world = world();
    let import = |text: &str| {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let import_sha256 = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let spec =
            KeySpec { account_id: "acme".into(), project_id: "prod".into(), import_sha256, ..KeySpec::default() };
        world.client.identity().keys().create_blocking(&spec).unwrap()
    };
    let shannon = format!("sk_{}", "ab".repeat(32));
    assert_eq!(import(&shannon).key, "");
    for text in [shannon.clone(), shannon.replace("sk_", "sk-shannon-"), shannon.replace("sk_", "sk-shannon-sk_")] {
        assert!(enter(&world, &[("x-api-key", &text)]).is_ok(), "{text}");
    }
    let mut wrong = shannon;
    wrong.replace_range(wrong.len() - 1.., "c");
    assert_eq!(code(enter(&world, &[("x-api-key", &wrong)])), "credential_unknown");
    import("zid_sk_0123456789abcdefghijklmnopqrstuv");
    assert!(enter(&world, &[("x-api-key", "zid_sk_0123456789abcdefghijklmnopqrstuv")]).is_ok());
}

#[test]
fn an_issuer_speaks_for_its_own_accounts_only() {
    let world = world();
    let issuers = world.client.identity().issuers();
    issuers.put_blocking(&issuer(&["acme"])).unwrap();
    let ask = |claims| world.client.authenticate_blocking(&Presented::token(token(claims)));
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
    world.client.identity().issuers().put_blocking(&spec).unwrap();
    let tenant =
        world.client.authenticate_blocking(&Presented::token(token(serde_json::json!({ "account_id": "globex" }))));
    assert_eq!(place(&tenant.unwrap()), ("acme".into(), "prod".into()));
}

#[test]
fn a_machine_confirms_its_tenant_and_names_whom_it_acts_for() {
    let world = world();
    world.client.identity().issuers().put_blocking(&issuer(&["acme", "globex"])).unwrap();
    let bearer = format!("Bearer {}", token(serde_json::json!({ "gty": "client-credentials" })));
    let ask = |more: &[(&str, &str)]| enter(&world, &[&[("authorization", bearer.as_str())], more].concat());
    assert_eq!(code(ask(&[])), "machine_user_required");
    assert_eq!(code(ask(&[("snc-userid", "u1")])), "machine_tenant_required");
    assert_eq!(code(ask(&[("snc-userid", ""), ("snc-tenant", "acme")])), "machine_user_required");
    assert_eq!(code(ask(&[("snc-userid", "u1"), ("snc-tenant", "globex")])), "outside_authority");
    assert_eq!(code(ask(&[("snc-userid", "u1"), ("snc-tenant", "acme"), ("Snc-Tenant", "acme")])), "header_duplicate");
    let tenant = ask(&[("snc-userid", "u1"), ("snc-tenant", "acme")]).unwrap();
    tenant.guard().evaluate_blocking(GuardRequest::prompt("x")).unwrap();
    let rows =
        world.client.tenant_blocking("acme", "default").unwrap().audit().query_blocking(Since::Start, 100).unwrap();
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
        keys.create_blocking(&KeySpec {
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
    assert_eq!(code(narrow.identity().keys().list_blocking("", "")), "scope_missing");
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
fn a_refresh_token_works_once_and_its_reuse_ends_the_family() {
    let world = world();
    let tokens = world.client.identity().tokens();
    let spec = TokenSpec {
        subject: "ann".into(),
        account_id: "acme".into(),
        project_id: "prod".into(),
        roles: vec!["admin".into()],
        refresh: true,
        ..TokenSpec::default()
    };
    let first = tokens.issue_blocking(&spec).unwrap();
    let refresh = |token: &str| {
        tokens.exchange_blocking(&TokenRequest {
            grant_type: "refresh_token".into(),
            refresh_token: token.into(),
            ..TokenRequest::default()
        })
    };
    let second = refresh(&first.refresh_token).unwrap();
    let held = world.client.authenticate_blocking(&Presented::token(&second.access_token)).unwrap();
    assert_eq!(held.caller().unwrap().principal.roles, ["admin"]);
    assert!(held.require_scopes_blocking(&["users:manage".into()]).is_ok());
    assert_eq!(code(refresh(&first.refresh_token)), "refresh_token_reused");
    assert_eq!(code(refresh(&second.refresh_token)), "grant_invalid");
    assert_eq!(code(held.guard().evaluate_blocking(GuardRequest::prompt("x"))), "credential_revoked");
}

#[test]
fn signing_keys_rotate_and_old_tokens_still_work() {
    let world = world();
    let tokens = world.client.identity().tokens();
    let (key, _) = key(&world, "acme", "prod", &[]);
    let request = TokenRequest { grant_type: "api_key".into(), api_key: key, ..TokenRequest::default() };
    let old = tokens.exchange_blocking(&request).unwrap();
    tokens.rotate_signing_key_blocking().unwrap();
    let new = tokens.exchange_blocking(&request).unwrap();
    let jwks = tokens.jwks_blocking().unwrap();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    for token in [&old, &new] {
        assert!(world.client.authenticate_blocking(&Presented::token(&token.access_token)).is_ok());
    }
    tokens.revoke_blocking(&old.access_token).unwrap();
    let refused = world.client.authenticate_blocking(&Presented::token(&old.access_token));
    assert_eq!(code(refused), "credential_revoked");
}

#[test]
fn signing_keys_revocations_and_keys_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let secret = tenantry::keyring::Secret::parse(&"07".repeat(32)).unwrap();
    let reopen = || {
        let options = Options {
            storage: Some(Storage::Folder(folder.path().into())),
            root_key: Some(secret.clone()),
            deadline: Some(Duration::from_secs(10)),
            ..Options::default()
        };
        let client = Tenantry::open(options).unwrap();
        World { client, clock: ManualClock::at(START) }
    };
    let world = reopen();
    world.client.admin().accounts().create_blocking("acme", TenantFacts::default()).unwrap();
    world.client.admin().projects().create_blocking("acme", "prod", TenantFacts::default()).unwrap();
    let (key, _) = key(&world, "acme", "prod", &[]);
    let request = TokenRequest { grant_type: "api_key".into(), api_key: key.clone(), ..TokenRequest::default() };
    let tokens = world.client.identity().tokens();
    let (kept, ended) = (tokens.exchange_blocking(&request).unwrap(), tokens.exchange_blocking(&request).unwrap());
    tokens.revoke_blocking(&ended.access_token).unwrap();
    let published = tokens.jwks_blocking().unwrap();
    world.client.close_blocking().unwrap();
    drop(tokens);
    drop(world);
    let world = reopen();
    assert_eq!(world.client.identity().tokens().jwks_blocking().unwrap(), published);
    assert!(enter(&world, &[("x-api-key", &key)]).is_ok());
    assert!(world.client.authenticate_blocking(&Presented::token(&kept.access_token)).is_ok());
    let ended = world.client.authenticate_blocking(&Presented::token(&ended.access_token));
    assert_eq!(code(ended), "credential_revoked");
    let listed = world.client.identity().keys().list_blocking("acme", "prod").unwrap();
    assert!(listed[0].last_used_at.is_some(), "written down at close");
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
    let grant = grants.create_blocking(&spec).unwrap();
    let tenant = enter(&world, &headers).unwrap();
    assert_eq!(place(&tenant), ("globex".into(), "prod".into()));
    let answer = tenant.guard().evaluate_blocking(GuardRequest::prompt("hello")).unwrap();
    assert_eq!(answer.decision, Decision::Allow);
    let call = GuardRequest { action: "call_tool".into(), ..GuardRequest::prompt("{}") };
    assert_eq!(code(tenant.guard().evaluate_blocking(call)), "grant_insufficient");
    assert_eq!(code(tenant.policies().list_blocking()), "grant_insufficient");
    assert_eq!(code(tenant.identity().keys().list_blocking("", "")), "outside_authority");

    let uses = grants.uses_blocking(Since::Start, 100).unwrap();
    let kinds: Vec<&str> = uses.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, ["grant.create", "cross_tenant"], "what was refused was no use");
    for (account, project) in [("acme", "prod"), ("globex", "prod")] {
        let audit = world.client.tenant_blocking(account, project).unwrap().audit();
        let rows = audit.query_blocking(Since::Start, 100).unwrap();
        assert_eq!(rows.iter().filter(|row| row.kind == "cross_tenant").count(), 1, "{account}");
    }
    let globex =
        world.client.tenant_blocking("globex", "prod").unwrap().audit().query_blocking(Since::Start, 100).unwrap();
    let decision = globex.iter().find(|row| row.kind == "decision").unwrap();
    assert!(decision.body["principal"]["id"].as_str().unwrap().starts_with("cross-tenant:acme:"));

    grants.revoke_blocking(&grant.id).unwrap();
    assert_eq!(code(tenant.guard().evaluate_blocking(GuardRequest::prompt("x"))), "grant_ended");
    assert_eq!(code(enter(&world, &headers)), "outside_authority");
}

#[test]
fn a_deleted_accounts_credentials_do_not_open_its_successor() {
    let world = world();
    let (key, _) = key(&world, "globex", "prod", &[]);
    let request = TokenRequest { grant_type: "api_key".into(), api_key: key.clone(), ..TokenRequest::default() };
    let token = world.client.identity().tokens().exchange_blocking(&request).unwrap();
    world.client.admin().accounts().delete_blocking("globex").unwrap();
    assert_eq!(code(enter(&world, &[("x-api-key", &key)])), "tenant_unknown");
    world.client.admin().accounts().create_blocking("globex", TenantFacts::default()).unwrap();
    world.client.admin().projects().create_blocking("globex", "prod", TenantFacts::default()).unwrap();
    assert_eq!(code(enter(&world, &[("x-api-key", &key)])), "outside_authority");
    let by_token = world.client.authenticate_blocking(&Presented::token(&token.access_token));
    assert_eq!(code(by_token), "outside_authority");
}

#[test]
fn a_suspended_tenant_lets_nobody_in() {
    let world = world();
    let (key, _) = key(&world, "acme", "prod", &[]);
    world.client.admin().accounts().set_status_blocking("acme", tenantry::api::Status::Suspended).unwrap();
    assert_eq!(code(enter(&world, &[("x-api-key", &key)])), "tenant_suspended");
}

#[test]
fn unseen_tenants_are_made_up_only_where_that_was_opened_and_only_so_many() {
    let world = world();
    let identity = world.client.identity();
    identity.issuers().put_blocking(&issuer(&["*"])).unwrap();
    let ask = |account: &str| {
        world.client.authenticate_blocking(&Presented::token(token(serde_json::json!({ "account_id": account }))))
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
    let rows = tenant.audit().query_blocking(Since::Start, 1_000).unwrap();
    assert_eq!(rows.iter().filter(|row| row.kind == "tenant.provision").count(), 1, "made and set up once");
    assert!(tenant.policies().list_blocking().unwrap().iter().any(|policy| policy.name == "house"));
    ask("fourth").unwrap();
    assert_eq!(code(ask("fifth")), "provisioning_exhausted");
    assert_eq!(world.client.admin().accounts().list_blocking().unwrap().len(), 4);
}

#[test]
fn require_credentials_closes_the_door_that_takes_names() {
    let world = open(Options { require_credentials: Some(true), ..Options::default() });
    world.client.admin().accounts().create_blocking("acme", TenantFacts::default()).unwrap();
    world.client.admin().projects().create_blocking("acme", "prod", TenantFacts::default()).unwrap();
    assert_eq!(code(world.client.tenant_blocking("acme", "prod")), "credentials_required");
    let (key, _) = key(&world, "acme", "prod", &[]);
    assert!(enter(&world, &[("x-api-key", &key)]).is_ok());
}

#[test]
fn dev_mode_believes_anybody_on_this_machine_and_checks_tokens_all_the_same() {
    let world = open(Options { dev: Some(true), ..Options::default() });
    let tenant = enter(&world, &[("x-tenant-id", "acme"), ("x-user-id", "ann")]).unwrap();
    assert_eq!((place(&tenant).0.as_str(), tenant.caller().unwrap().principal.id.as_str()), ("acme", "ann"));
    let any = enter(&world, &[("authorization", "Bearer anything"), ("x-account-id", "globex")]).unwrap();
    assert_eq!(place(&any), ("globex".into(), "default".into()));
    assert!(enter(&world, &[("authorization", "Bearer eyJhbGciOiJub25lIn0.e30.x")]).is_err());
    let remote = Presented { peer: "203.0.113.9".into(), ..Presented::headers([("x-tenant-id", "acme")]) };
    assert_eq!(code(world.client.authenticate_blocking(&remote)), "credential_missing");
    let closed = self::world();
    assert_eq!(code(enter(&closed, &[("x-tenant-id", "acme"), ("x-user-id", "ann")])), "credential_missing");
}

#[test]
fn a_client_acts_with_its_own_key() {
    let folder = tempfile::tempdir().unwrap();
    let secret = tenantry::keyring::Secret::parse(&"07".repeat(32)).unwrap();
    let reopen = |api_key: Option<&str>| {
        Tenantry::open(Options {
            storage: Some(Storage::Folder(folder.path().into())),
            root_key: Some(secret.clone()),
            api_key: api_key.map(Credential::new),
            deadline: Some(Duration::from_secs(10)),
            ..Options::default()
        })
    };
    let client = reopen(None).unwrap();
    client.admin().accounts().create_blocking("acme", TenantFacts::default()).unwrap();
    client.admin().projects().create_blocking("acme", "prod", TenantFacts::default()).unwrap();
    let make = |account: &str, project: &str, scopes: &[&str]| {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let spec = KeySpec { account_id: account.into(), project_id: project.into(), scopes, ..KeySpec::default() };
        client.identity().keys().create_blocking(&spec).unwrap().key
    };
    let (own, platform) = (make("acme", "prod", &["tools:read"]), make("", "", &["tenant:manage"]));
    let bound = reopen(Some(&own)).unwrap();
    assert_eq!(place(&bound.own_blocking().unwrap()), ("acme".into(), "prod".into()));
    assert_eq!(code(bound.admin().accounts().list_blocking()), "outside_authority");
    assert_eq!(code(bound.tenant_blocking("globex", "prod")), "outside_authority");
    assert_eq!(bound.own_blocking().unwrap().caller().unwrap().credential, CredentialKind::ApiKey);
    assert_eq!(reopen(Some(&platform)).unwrap().admin().accounts().list_blocking().unwrap().len(), 1);
    assert_eq!(reopen(Some("anything")).err().unwrap().kind(), ErrorKind::Unauthenticated);
    assert_eq!(code(bound.own_blocking().unwrap().acting_as(Principal::user("x"))), "");
}

/// Two engines on one folder are what two processes have: nothing in memory is shared between them.
#[test]
fn what_one_process_revokes_the_others_refuse_soon_after() {
    use tenantry::{clock::SystemClock, engine::Acting, engine::Engine, identity::Owner, keyring::Keyring};
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let keyring = Keyring::new(tenantry::keyring::Secret::parse(&"07".repeat(32)).unwrap());
        Arc::new(Engine::open(Some(folder.path()), false, keyring, Arc::new(SystemClock::default())).unwrap())
    };
    let run = tenantry::runtime::block_on::<()>;
    let (one, two) = (open(), open());
    let process = Acting { session: None, scope: None };
    assert_eq!(Owner::Process.name(), "process");
    run(async {
        one.create_account("acme", TenantFacts::default()).await?;
        one.create_project("acme", "prod", TenantFacts::default()).await?;
        let spec = KeySpec { account_id: "acme".into(), project_id: "prod".into(), ..KeySpec::default() };
        let (key, kept) = (one.create_key(process, &spec).await?, one.create_key(process, &spec).await?);
        let request =
            TokenRequest { grant_type: "api_key".into(), api_key: kept.key.clone(), ..TokenRequest::default() };
        let token = one.exchange_token(&request).await?;
        // The other process has both warm, and a handle of each.
        let presented = |text: &str| Presented::token(text);
        let (instance, by_key) = two.authenticate(&presented(&key.key)).await?;
        let (_, by_token) = two.authenticate(&presented(&token.access_token)).await?;
        one.revoke_key(process, &key.record.id).await?;
        one.revoke_token(process, &token.access_token).await?;
        let begun = std::time::Instant::now();
        loop {
            let use_of = tenantry::engine::Use::Guard("process_prompt");
            let refused = [
                two.standing(&by_key, &instance, use_of).await.is_err(),
                two.standing(&by_token, &instance, use_of).await.is_err(),
                two.authenticate(&presented(&key.key)).await.is_err(),
                two.authenticate(&presented(&token.access_token)).await.is_err(),
            ];
            if refused == [true; 4] {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(1), "{refused:?}");
            std::thread::yield_now();
        }
        println!("refused in the other process after {:?}", begun.elapsed());
        two.authenticate(&presented(&kept.key)).await.map(drop)
    })
    .unwrap();
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
    world.client.admin().grants().create_blocking(&spec).unwrap();
    let headers = [("x-api-key", narrow.as_str()), ("x-account-id", "globex")];
    let tenant = enter(&world, &headers).unwrap();
    assert_eq!(code(tenant.policies().attach_pack_blocking("strict")), "scope_missing");
    assert_eq!(code(tenant.policies().list_blocking()), "scope_missing");
    assert_eq!(code(tenant.acting_as(Principal::user("ann"))), "outside_authority", "nobody of the other tenant");
    // A home that closes ends what came from it.
    world.client.admin().accounts().set_status_blocking("acme", tenantry::api::Status::Suspended).unwrap();
    assert_eq!(code(tenant.guard().evaluate_blocking(GuardRequest::prompt("x"))), "tenant_suspended");
    assert_eq!(code(enter(&world, &headers)), "tenant_suspended");
}

#[test]
fn a_deleted_accounts_key_does_not_cross_by_its_successors_grants() {
    let world = world();
    let (old, _) = key(&world, "acme", "", &[]);
    world.client.admin().accounts().delete_blocking("acme").unwrap();
    world.client.admin().accounts().create_blocking("acme", TenantFacts::default()).unwrap();
    let spec = GrantSpec {
        from_account: "acme".into(),
        to_account: "globex".into(),
        to_project: "prod".into(),
        actions: vec!["process_prompt".into()],
        expires_in_seconds: 60,
        reason: "test".into(),
        ..GrantSpec::default()
    };
    world.client.admin().grants().create_blocking(&spec).unwrap();
    assert_eq!(code(enter(&world, &[("x-api-key", &old), ("x-account-id", "globex")])), "outside_authority");
}

#[test]
fn an_issuer_does_not_speak_for_the_successor_of_a_deleted_account() {
    let world = world();
    let identity = world.client.identity();
    identity.issuers().put_blocking(&issuer(&["acme", "globex"])).unwrap();
    let auto_provision = AutoProvision { enabled: true, ..AutoProvision::default() };
    identity.put_settings_blocking(IdentitySettings { auto_provision, ..IdentitySettings::default() }).unwrap();
    world.client.admin().accounts().delete_blocking("acme").unwrap();
    let ask = || world.client.authenticate_blocking(&Presented::token(token(serde_json::json!({}))));
    assert_eq!(code(ask()), "issuer_not_for_account", "nor is the name made up again");
    world.client.admin().accounts().create_blocking("acme", TenantFacts::default()).unwrap();
    assert_eq!(code(ask()), "issuer_not_for_account");
    assert_eq!(identity.issuers().list_blocking().unwrap()[0].accounts, ["globex"]);
}

#[test]
fn an_entry_made_again_is_another_one_to_handles_of_the_first() {
    let world = world();
    let issuers = world.client.identity().issuers();
    issuers.put_blocking(&issuer(&["acme"])).unwrap();
    let claims = serde_json::json!({ "role": "owner", "scopes": [] });
    let tenant = world.client.authenticate_blocking(&Presented::token(token(claims))).unwrap();
    assert!(tenant.caller().unwrap().scopes.is_empty(), "an empty claim of scopes is not all that the role means");
    issuers.remove_blocking("https://idp.example").unwrap();
    issuers.put_blocking(&issuer(&["acme"])).unwrap();
    assert_eq!(code(tenant.guard().evaluate_blocking(GuardRequest::prompt("x"))), "issuer_unknown");
}

#[test]
fn rights_follow_the_table_of_roles() {
    let world = world();
    world.client.identity().issuers().put_blocking(&issuer(&["acme"])).unwrap();
    let claims = serde_json::json!({ "role": "owner" });
    let tenant = world.client.authenticate_blocking(&Presented::token(token(claims))).unwrap();
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
    assert_eq!(code(rooms.keys().create_blocking(&wider)), "outside_authority");
    let made = rooms.keys().create_blocking(&KeySpec::default()).unwrap();
    assert_eq!((made.record.account_id.as_str(), made.record.project_id.as_str()), ("acme", "prod"));
}

#[test]
fn a_header_creates_nothing() {
    let world = world();
    let identity = world.client.identity();
    identity.issuers().put_blocking(&issuer(&["*"])).unwrap();
    let auto_provision = AutoProvision { enabled: true, ..AutoProvision::default() };
    identity.put_settings_blocking(IdentitySettings { auto_provision, ..IdentitySettings::default() }).unwrap();
    let bearer = format!("Bearer {}", token(serde_json::json!({ "account_id": "initech" })));
    let ask = |project: &str| enter(&world, &[("authorization", &bearer), ("x-project-id", project)]);
    assert_eq!(code(ask("p1")), "tenant_unknown");
    assert_eq!(place(&ask("default").unwrap()), ("initech".into(), "default".into()));
    assert_eq!(code(ask("p1")), "tenant_unknown");
}

#[test]
fn a_refresh_while_suspended_uses_nothing_up() {
    let world = world();
    let tokens = world.client.identity().tokens();
    let place = ("acme".to_owned(), "prod".to_owned());
    let spec = TokenSpec {
        subject: "ann".into(),
        account_id: place.0.clone(),
        project_id: place.1.clone(),
        refresh: true,
        ..TokenSpec::default()
    };
    let pair = tokens.issue_blocking(&spec).unwrap();
    let refresh = || {
        tokens.exchange_blocking(&TokenRequest {
            grant_type: "refresh_token".into(),
            refresh_token: pair.refresh_token.clone(),
            ..TokenRequest::default()
        })
    };
    let status = |status| world.client.admin().accounts().set_status_blocking("acme", status).unwrap();
    status(tenantry::api::Status::Suspended);
    assert_eq!(code(refresh()), "tenant_suspended");
    status(tenantry::api::Status::Active);
    assert!(refresh().is_ok(), "the same token, and no theft");
}

#[test]
fn what_was_issued_on_a_tokens_strength_ends_with_it_for_good() {
    let world = world();
    let identity = world.client.identity();
    let (admin, _) = key(&world, "acme", "prod", &["users:manage", "tools:read"]);
    let request = TokenRequest { grant_type: "api_key".into(), api_key: admin, ..TokenRequest::default() };
    let root = identity.tokens().exchange_blocking(&request).unwrap();
    let caller = world.client.authenticate_blocking(&Presented::token(&root.access_token)).unwrap();
    let spec = TokenSpec {
        subject: "mallory".into(),
        scopes: vec!["tools:read".into()],
        refresh: true,
        ..TokenSpec::default()
    };
    let child = caller.identity().tokens().issue_blocking(&spec).unwrap();
    identity.tokens().revoke_blocking(&root.access_token).unwrap();
    let refresh = || {
        identity.tokens().exchange_blocking(&TokenRequest {
            grant_type: "refresh_token".into(),
            refresh_token: child.refresh_token.clone(),
            ..TokenRequest::default()
        })
    };
    assert_eq!(code(refresh()), "grant_invalid");
    world.clock.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(code(refresh()), "grant_invalid", "long after the token itself would have expired");
}

#[test]
fn rotations_do_not_pile_keys_up() {
    let world = world();
    let keys = world.client.identity().keys();
    let (_, id) = key(&world, "acme", "prod", &[]);
    let second = keys.rotate_blocking(&id, 3_600).unwrap();
    assert_eq!(code(keys.rotate_blocking(&second.record.id, 3_600)), "key_not_active");
    world.clock.advance(Duration::from_secs(3_600));
    assert!(keys.rotate_blocking(&second.record.id, 3_600).is_ok());
}
