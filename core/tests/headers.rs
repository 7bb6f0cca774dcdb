//! Headers change nothing: they select within what a credential reaches, or the call is refused. And whatever is resolved
//! lies inside the credential's authority.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use tenantry::{
    Error, Options, Tenant, Tenantry,
    api::{KeyFilter, KeyRotation, KeySpec, LimitRef, PolicyRef, RequestCredentials},
    client::Environment,
    clock::ManualClock,
    config::Storage,
};

/// Everything that some system somewhere takes a tenant, a host or a caller from.
const NAMES: [&str; 40] = [
    "X-Account-ID",
    "X-Project-ID",
    "snc-tenant",
    "x-tenant-id",
    "snc-userid",
    "x-user-id",
    "X-Tenant",
    "X-Tenant-Name",
    "Tenant",
    "Tenant-ID",
    "X-Org-ID",
    "X-Organization-ID",
    "X-Workspace-ID",
    "X-Customer-ID",
    "X-Company-ID",
    "X-Scope-OrgID",
    "X-Namespace",
    "X-Realm",
    "X-Site",
    "X-Forwarded-Host",
    "X-Forwarded-For",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Proto",
    "X-Forwarded-Prefix",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Original-Host",
    "X-Host",
    "X-HTTP-Host-Override",
    "Forwarded",
    "Host",
    "X-Real-IP",
    "X-Remote-User",
    "Remote-User",
    "X-Auth-Request-User",
    "X-Auth-Request-Groups",
    "X-Impersonate-User",
    "X-Amzn-Oidc-Identity",
    "Cookie",
];

fn world() -> Tenantry {
    let surroundings = Environment { clock: Arc::new(ManualClock::at(1_767_225_600_000_000)) };
    let options =
        Options { storage: Some(Storage::Memory), deadline: Some(Duration::from_secs(10)), ..Options::default() };
    let client = Tenantry::open_with(options, surroundings).unwrap();
    for account in ["acme", "globex"] {
        client.admin().accounts().create_blocking(account).unwrap();
        for project in ["prod", "dev"] {
            client.admin().projects().create_blocking(account, project).unwrap();
        }
    }
    client
}

fn key(client: &Tenantry, account: &str, project: &str) -> String {
    let spec = KeySpec {
        account_id: account.into(),
        project_id: project.into(),
        scopes: ["tools:read", "tenant:manage", "credentials:manage"].map(str::to_owned).to_vec(),
        ..KeySpec::default()
    };
    client.identity().keys().create_blocking(spec.clone()).unwrap().key
}

fn enter(client: &Tenantry, headers: Vec<(String, String)>) -> Result<Tenant, Error> {
    client.authenticate_blocking(&RequestCredentials::headers(headers))
}

fn spellings(name: &str) -> Vec<String> {
    let mixed = name.chars().enumerate().map(|(at, letter)| match at % 2 {
        0 => letter.to_ascii_uppercase(),
        _ => letter.to_ascii_lowercase(),
    });
    vec![
        name.to_owned(),
        name.to_lowercase(),
        name.to_uppercase(),
        mixed.collect(),
        name.replace('-', "_"),
        format!("{name}-bin"),
        format!("{name} "),
        format!(" {name}"),
        format!("HTTP_{}", name.replace('-', "_").to_uppercase()),
    ]
}

#[test]
fn header_matrix() {
    let client = world();
    let key = key(&client, "acme", "prod");
    let mut requests = 0;
    let (mut entered, mut refused) = (0, 0);
    for name in NAMES {
        for spelling in spellings(name) {
            for value in ["globex", "dev", "default", "GLOBEX", "acme", "prod", "../globex", "*", "globex%00"] {
                let one = vec![(spelling.clone(), value.to_owned())];
                let two = vec![one[0].clone(), (spelling.clone(), "acme".to_owned())];
                let comma = vec![(spelling.clone(), format!("acme, {value}"))];
                for headers in [one, two, comma] {
                    for (before, after) in [(true, false), (false, true)] {
                        let own = ("Authorization".to_owned(), format!("Bearer {key}"));
                        let mut all = Vec::new();
                        all.extend(before.then(|| own.clone()));
                        all.extend(headers.clone());
                        all.extend(after.then(|| own.clone()));
                        requests += 1;
                        match enter(&client, all) {
                            Ok(tenant) => {
                                let place = (tenant.account_id(), tenant.project_id());
                                assert_eq!(place, ("acme", "prod"), "{headers:?}");
                                // A caller is who its credential says, too.
                                assert_ne!(tenant.caller().unwrap().principal.id, value);
                                entered += 1;
                            }
                            Err(error) => {
                                let known =
                                    ["outside_authority", "header_duplicate", "scope_id_invalid", "tenant_conflict"];
                                assert!(known.contains(&error.code()), "{error} {headers:?}");
                                refused += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    println!("{requests} requests: 0 tenant changes, {entered} entered their own, {refused} refused");
    assert!(requests >= 720 && entered > 0 && refused > 0);
}

#[test]
fn selecting_inside_the_authority_works() {
    let client = world();
    let key = key(&client, "acme", "");
    for name in ["X-Project-ID", "x-project-id", "X-PROJECT-ID"] {
        for project in ["prod", "dev"] {
            let headers = vec![("X-API-Key".into(), key.clone()), (name.into(), project.into())];
            assert_eq!(enter(&client, headers).unwrap().project_id(), project);
        }
    }
    for name in ["X-Account-ID", "x-tenant-id", "snc-tenant"] {
        let headers = vec![
            ("X-API-Key".into(), key.clone()),
            (name.into(), "acme".into()),
            ("x-project-id".into(), "dev".into()),
        ];
        assert_eq!(enter(&client, headers).unwrap().project_id(), "dev", "{name}");
    }
}

#[derive(Clone, Debug)]
struct Ask {
    credential: usize,
    headers: Vec<(usize, usize)>,
}

fn asks() -> impl Strategy<Value = Ask> {
    let header = (0..7_usize, 0..9_usize);
    (0..6_usize, prop::collection::vec(header, 0..4)).prop_map(|(credential, headers)| Ask { credential, headers })
}

/// The property of issue and law: 100,000 random requests, none of which leaves the authority of its credential.
#[test]
fn the_resolved_scope_lies_inside_the_authority() {
    const CASES: u32 = 100_000;
    let client = world();
    let places = [("acme", "prod"), ("acme", "dev"), ("acme", ""), ("globex", "prod"), ("globex", ""), ("", "")];
    let keys = places.map(|(account, project)| key(&client, account, project));
    let names = ["X-Account-ID", "x-project-id", "snc-tenant", "X-Tenant-Id", "snc-userid", "x-user-id", "X-Org-ID"];
    let values = ["acme", "globex", "prod", "dev", "default", "", "Acme", "acme,globex", "nowhere"];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let entered = std::cell::Cell::new(0_u32);
    runner
        .run(&asks(), |ask| {
            let (account, project) = places[ask.credential];
            let mut headers = vec![("X-API-Key".to_owned(), keys[ask.credential].clone())];
            headers
                .extend(ask.headers.iter().map(|(name, value)| (names[*name].to_owned(), values[*value].to_owned())));
            if let Ok(tenant) = enter(&client, headers) {
                entered.set(entered.get() + 1);
                prop_assert!(account.is_empty() || tenant.account_id() == account);
                prop_assert!(project.is_empty() || tenant.project_id() == project);
                let said = |wanted: &[usize], value: &str| {
                    ask.headers.iter().any(|(name, at)| wanted.contains(name) && values[*at] == value)
                };
                // What was not the credential's own was at least asked for by a header that may select.
                prop_assert!(!account.is_empty() || said(&[0, 2, 3], tenant.account_id()));
            }
            Ok(())
        })
        .unwrap();
    println!("{CASES} requests, {} entered", entered.get());
    assert!(entered.get() > CASES / 20);
}

/// Every call that takes an id: another tenant's is answered byte for byte like one that never was.
#[test]
fn another_tenants_object_is_answered_like_a_missing_one() {
    let client = world();
    let own = enter(&client, vec![("X-API-Key".into(), key(&client, "acme", "prod"))]).unwrap();
    let theirs = client.tenant_blocking("globex", "prod").unwrap();
    let foreign_key = client.identity().keys().list_blocking(KeyFilter::of("globex", "prod")).unwrap();
    assert!(foreign_key.is_empty());
    let made = KeySpec { account_id: "globex".into(), project_id: "prod".into(), ..KeySpec::default() };
    let foreign = client.identity().keys().create_blocking(made.clone()).unwrap().record.id;
    let spec = tenantry::api::LimitSpec {
        id: "theirs".into(),
        rate: 1,
        per_ms: 1_000,
        key: tenantry::api::LimitKey::Scope,
        on_exceed: tenantry::api::OnExceed::Reject,
        max_wait_ms: 0,
        layer: tenantry::scope::Layer::Project,
        action: String::new(),
        shared: false,
    };
    theirs.limits().set_blocking(spec).unwrap();
    theirs.policies().attach_pack_blocking("strict").unwrap();
    let layer = tenantry::scope::Layer::Project;
    type Call<'a> = Box<dyn Fn(&str) -> Error + 'a>;
    let calls: Vec<(&str, &str, Call<'_>)> = vec![
        ("keys.revoke", &foreign, Box::new(|id| own.identity().keys().revoke_blocking(id).unwrap_err())),
        (
            "keys.rotate",
            &foreign,
            Box::new(|id| own.identity().keys().rotate_blocking(KeyRotation::new(id, 0)).unwrap_err()),
        ),
        ("limits.remove", "theirs", Box::new(|id| own.limits().remove_blocking(LimitRef::on(layer, id)).unwrap_err())),
        ("limits.acquire", "theirs", Box::new(|id| own.limits().acquire_blocking(id, "k", 1).unwrap_err())),
        (
            "policies.remove",
            "strict",
            Box::new(|id| own.policies().remove_blocking(PolicyRef::on(layer, id)).unwrap_err()),
        ),
    ];
    for (name, foreign, call) in &calls {
        let missing = "x".repeat(foreign.len());
        let said = |id: &str| serde_json::to_string(&call(id)).unwrap().replace(id, "ID");
        assert_eq!(said(foreign), said(&missing), "{name}");
    }
    // The control: their owner reaches them.
    assert!(theirs.limits().remove_blocking(LimitRef::on(layer, "theirs")).is_ok());
    assert!(client.identity().keys().revoke_blocking(&foreign).is_ok());
    // Entering another tenant, and one that never was, is one answer too.
    let key = key(&client, "acme", "prod");
    let ask = |account: &str| {
        let headers = vec![("X-API-Key".into(), key.clone()), ("X-Account-ID".into(), account.into())];
        serde_json::to_string(&enter(&client, headers).err().unwrap()).unwrap()
    };
    assert_eq!(ask("globex"), ask("nowhere"));
}
