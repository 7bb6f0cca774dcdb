//! Identity through the public doors: who a credential is, and when that ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/identity.rs"]
mod support;

use std::{sync::Arc, time::Duration};

use support::{START, World, code, enter, key, open, place, world};
use tenantry::{
    Options, Tenant, Tenantry,
    api::{
        CredentialKind, Decision, GuardRequest, KeyFilter, KeyRotation, KeySpec, KeyState, Principal,
        RequestCredentials, TokenRequest, TokenSpec,
    },
    clock::ManualClock,
    config::{Credential, Storage},
    error::ErrorKind,
};

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
    world.client.admin().projects().create_blocking("acme", "dev").unwrap();
    assert_eq!(code(enter(&world, &[("x-api-key", &key)])), "project_required");
}

#[test]
fn revocation_ends_keys_handles_and_exchanged_tokens_at_once() {
    let world = world();
    let (key, id) = key(&world, "acme", "prod", &["tools:read"]);
    let tenant = enter(&world, &[("x-api-key", &key)]).unwrap();
    let request = TokenRequest { grant_type: "api_key".into(), api_key: key.clone(), ..TokenRequest::default() };
    let token = world.client.identity().tokens().exchange_blocking(request.clone()).unwrap();
    let by_token = world.client.authenticate_blocking(&RequestCredentials::token(&token.access_token)).unwrap();
    let ask = |tenant: &Tenant| code(tenant.guard().evaluate_blocking(GuardRequest::prompt("hello")));
    assert_eq!((ask(&tenant), ask(&by_token)), (String::new(), String::new()));

    let record = world.client.identity().keys().revoke_blocking(&id).unwrap();
    assert_eq!(record.state, KeyState::Revoked);
    assert_eq!(code(enter(&world, &[("x-api-key", &key)])), "credential_unknown");
    assert_eq!((ask(&tenant), ask(&by_token)), ("credential_revoked".into(), "credential_revoked".into()));
    let introspection = world.client.identity().tokens().introspect_blocking(&token.access_token).unwrap();
    assert!(!introspection.active && introspection.claims.is_empty());
    assert_eq!(code(world.client.identity().tokens().exchange_blocking(request.clone())), "grant_invalid");
}

#[test]
fn an_expired_key_ends_its_handles() {
    let world = world();
    let spec =
        KeySpec { account_id: "acme".into(), project_id: "prod".into(), expires_in_seconds: 60, ..KeySpec::default() };
    let made = world.client.identity().keys().create_blocking(spec.clone()).unwrap();
    let tenant = enter(&world, &[("x-api-key", &made.key)]).unwrap();
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(code(tenant.guard().evaluate_blocking(GuardRequest::prompt("x"))), "credential_expired");
    assert_eq!(code(enter(&world, &[("x-api-key", &made.key)])), "credential_expired");
    assert_eq!(
        world.client.identity().keys().list_blocking(KeyFilter::of("acme", "prod")).unwrap()[0].state,
        KeyState::Expired
    );
}

#[test]
fn a_rotated_key_overlaps_its_successor_and_then_ends() {
    let world = world();
    let (old, id) = key(&world, "acme", "prod", &[]);
    let held = enter(&world, &[("x-api-key", &old)]).unwrap();
    let new = world.client.identity().keys().rotate_blocking(KeyRotation::new(&id, 30)).unwrap();
    assert!(enter(&world, &[("x-api-key", &old)]).is_ok());
    assert_eq!(
        enter(&world, &[("x-api-key", &new.key)]).unwrap().caller().unwrap().principal.id,
        held.caller().unwrap().principal.id,
        "the same principal goes on"
    );
    assert_eq!(code(world.client.identity().keys().rotate_blocking(KeyRotation::new(&id, 0))), "key_not_active");
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
        world.client.identity().keys().create_blocking(spec.clone()).unwrap()
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
    let first = tokens.issue_blocking(spec).unwrap();
    let refresh = |token: &str| {
        tokens.exchange_blocking(TokenRequest {
            grant_type: "refresh_token".into(),
            refresh_token: token.into(),
            ..TokenRequest::default()
        })
    };
    let second = refresh(&first.refresh_token).unwrap();
    let held = world.client.authenticate_blocking(&RequestCredentials::token(&second.access_token)).unwrap();
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
    let old = tokens.exchange_blocking(request.clone()).unwrap();
    tokens.rotate_signing_key_blocking().unwrap();
    let new = tokens.exchange_blocking(request).unwrap();
    let jwks = tokens.jwks_blocking().unwrap();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    for token in [&old, &new] {
        assert!(world.client.authenticate_blocking(&RequestCredentials::token(&token.access_token)).is_ok());
    }
    tokens.revoke_blocking(&old.access_token).unwrap();
    let refused = world.client.authenticate_blocking(&RequestCredentials::token(&old.access_token));
    assert_eq!(code(refused), "credential_revoked");
}

#[test]
fn signing_keys_revocations_and_keys_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let secret = tenantry::config::RootKey::parse(&"07".repeat(32)).unwrap();
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
    world.client.admin().accounts().create_blocking("acme").unwrap();
    world.client.admin().projects().create_blocking("acme", "prod").unwrap();
    let (key, _) = key(&world, "acme", "prod", &[]);
    let request = TokenRequest { grant_type: "api_key".into(), api_key: key.clone(), ..TokenRequest::default() };
    let tokens = world.client.identity().tokens();
    let (kept, ended) =
        (tokens.exchange_blocking(request.clone()).unwrap(), tokens.exchange_blocking(request).unwrap());
    tokens.revoke_blocking(&ended.access_token).unwrap();
    let published = tokens.jwks_blocking().unwrap();
    world.client.close_blocking().unwrap();
    drop(tokens);
    drop(world);
    let world = reopen();
    assert_eq!(world.client.identity().tokens().jwks_blocking().unwrap(), published);
    assert!(enter(&world, &[("x-api-key", &key)]).is_ok());
    assert!(world.client.authenticate_blocking(&RequestCredentials::token(&kept.access_token)).is_ok());
    let ended = world.client.authenticate_blocking(&RequestCredentials::token(&ended.access_token));
    assert_eq!(code(ended), "credential_revoked");
    let listed = world.client.identity().keys().list_blocking(KeyFilter::of("acme", "prod")).unwrap();
    assert!(listed[0].last_used_at.is_some(), "written down at close");
}

#[test]
fn require_credentials_closes_the_door_that_takes_names() {
    let world = open(Options { require_credentials: Some(true), ..Options::default() });
    world.client.admin().accounts().create_blocking("acme").unwrap();
    world.client.admin().projects().create_blocking("acme", "prod").unwrap();
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
    let remote =
        RequestCredentials { peer: "203.0.113.9".into(), ..RequestCredentials::headers([("x-tenant-id", "acme")]) };
    assert_eq!(code(world.client.authenticate_blocking(&remote)), "credential_missing");
    let closed = self::world();
    assert_eq!(code(enter(&closed, &[("x-tenant-id", "acme"), ("x-user-id", "ann")])), "credential_missing");
}

#[test]
fn a_client_acts_with_its_own_key() {
    let folder = tempfile::tempdir().unwrap();
    let secret = tenantry::config::RootKey::parse(&"07".repeat(32)).unwrap();
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
    client.admin().accounts().create_blocking("acme").unwrap();
    client.admin().projects().create_blocking("acme", "prod").unwrap();
    let make = |account: &str, project: &str, scopes: &[&str]| {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let spec = KeySpec { account_id: account.into(), project_id: project.into(), scopes, ..KeySpec::default() };
        client.identity().keys().create_blocking(spec.clone()).unwrap().key
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

/// Two clients whose rooms are opened apart are what two processes have: nothing in memory is shared between them.
#[test]
fn what_one_process_revokes_the_others_refuse_soon_after() {
    use tenantry::{
        access::{self, Caller, Demand, Needs, Place},
        clock::SystemClock,
        keyring::Keyring,
        operations::{Target, call, ops},
        rooms::Rooms,
        scope::Layer,
    };
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let keyring = Keyring::new(tenantry::config::RootKey::parse(&"07".repeat(32)).unwrap());
        Arc::new(Rooms::open(Some(folder.path()), false, keyring, Arc::new(SystemClock::default())).unwrap())
    };
    let run = tenantry::runtime::block_on::<()>;
    let (one, two) = (open(), open());
    let reach = || (Caller::process(), Target::Reach);
    run(async {
        let named = Target::Named { account: "acme".into(), project: String::new() };
        let (caller, target) = reach();
        call::<ops::accounts::create>(&one, caller, target, "acme".into()).await?;
        call::<ops::projects::create>(&one, Caller::process(), named, "prod".into()).await?;
        let spec = KeySpec { account_id: "acme".into(), project_id: "prod".into(), ..KeySpec::default() };
        let made = || async {
            let (caller, target) = reach();
            call::<ops::keys::create>(&one, caller, target, spec.clone()).await
        };
        let (key, kept) = (made().await?, made().await?);
        let request =
            TokenRequest { grant_type: "api_key".into(), api_key: kept.key.clone(), ..TokenRequest::default() };
        let (caller, target) = reach();
        let token = call::<ops::tokens::exchange>(&one, caller, target, request).await?;
        // The other process has both warm, and a handle of each.
        let presented = |text: &str| RequestCredentials::token(text);
        let (instance, by_key) = access::authenticate(&two, &presented(&key.key)).await?;
        let (_, by_token) = access::authenticate(&two, &presented(&token.access_token)).await?;
        let (caller, target) = reach();
        call::<ops::keys::revoke>(&one, caller, target, (&key.record.id).into()).await?;
        let (caller, target) = reach();
        call::<ops::tokens::revoke>(&one, caller, target, (&token.access_token).into()).await?;
        let begun = std::time::Instant::now();
        loop {
            let place = Place::Tenant(&instance, Layer::Project);
            let demand = Demand { needs: Needs::Caller, place, crosses: &[], refuses_suspended: true };
            let refused = [
                access::authorize(&two, &by_key, demand).await.is_err(),
                access::authorize(&two, &by_token, demand).await.is_err(),
                access::authenticate(&two, &presented(&key.key)).await.is_err(),
                access::authenticate(&two, &presented(&token.access_token)).await.is_err(),
            ];
            if refused == [true; 4] {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(1), "{refused:?}");
            std::thread::yield_now();
        }
        println!("refused in the other process after {:?}", begun.elapsed());
        access::authenticate(&two, &presented(&kept.key)).await.map(drop)
    })
    .unwrap();
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
    let pair = tokens.issue_blocking(spec).unwrap();
    let refresh = || {
        tokens.exchange_blocking(TokenRequest {
            grant_type: "refresh_token".into(),
            refresh_token: pair.refresh_token.clone(),
            ..TokenRequest::default()
        })
    };
    let accounts = world.client.admin().accounts();
    accounts.suspend_blocking("acme").unwrap();
    assert_eq!(code(refresh()), "tenant_suspended");
    accounts.resume_blocking("acme").unwrap();
    assert!(refresh().is_ok(), "the same token, and no theft");
}

#[test]
fn what_was_issued_on_a_tokens_strength_ends_with_it_for_good() {
    let world = world();
    let identity = world.client.identity();
    let (admin, _) = key(&world, "acme", "prod", &["users:manage", "tools:read"]);
    let request = TokenRequest { grant_type: "api_key".into(), api_key: admin, ..TokenRequest::default() };
    let root = identity.tokens().exchange_blocking(request).unwrap();
    let caller = world.client.authenticate_blocking(&RequestCredentials::token(&root.access_token)).unwrap();
    let spec = TokenSpec {
        subject: "mallory".into(),
        scopes: vec!["tools:read".into()],
        refresh: true,
        ..TokenSpec::default()
    };
    let child = caller.identity().tokens().issue_blocking(spec.clone()).unwrap();
    identity.tokens().revoke_blocking(&root.access_token).unwrap();
    let refresh = || {
        identity.tokens().exchange_blocking(TokenRequest {
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
    let second = keys.rotate_blocking(KeyRotation::new(&id, 3_600)).unwrap();
    assert_eq!(code(keys.rotate_blocking(KeyRotation::new(&second.record.id, 3_600))), "key_not_active");
    world.clock.advance(Duration::from_secs(3_600));
    assert!(keys.rotate_blocking(KeyRotation::new(&second.record.id, 3_600)).is_ok());
}

#[test]
fn a_fresh_key_is_known_to_many_at_once_while_changes_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let client = Tenantry::open(Options {
        storage: Some(Storage::Folder(folder.path().to_owned())),
        root_key: Some(tenantry::config::RootKey::parse(&"5a".repeat(32)).unwrap()),
        ..Options::default()
    })
    .unwrap();
    client.admin().accounts().create_blocking("acme").unwrap();
    client.admin().projects().create_blocking("acme", "prod").unwrap();
    let spec = KeySpec { account_id: "acme".into(), project_id: "prod".into(), ..KeySpec::default() };
    for _ in 0..6 {
        let key = client.identity().keys().create_blocking(spec.clone()).unwrap().key;
        // Long enough that the follower meets the new key's change while it is loaded again and again.
        let until = std::time::Instant::now() + Duration::from_millis(150);
        std::thread::scope(|threads| {
            for _ in 0..16 {
                threads.spawn(|| {
                    while std::time::Instant::now() < until {
                        client.authenticate_blocking(&RequestCredentials::token(key.clone())).unwrap();
                    }
                });
            }
        });
    }
}
