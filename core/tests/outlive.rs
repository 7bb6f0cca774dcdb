//! Nothing that was issued outlives what it was issued on: the key, the token or the issuer, and refreshes neither.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/identity.rs"]
mod support;

use std::time::Duration;

use support::{START, World, code, issuer, open, token, world};
use tenantry::{
    Error, Options, Tenant, Tenantry,
    api::{
        AccessToken, GuardRequest, IssuerSpec, KeyRotation, KeySpec, Principal, RequestCredentials, TokenRequest,
        TokenSpec,
    },
};

/// Everything that issuing may ask for, so that what is issued may issue in turn.
const SCOPES: [&str; 4] = ["users:manage", "credentials:manage", "tools:read", "tools:execute"];
/// How long what ends by itself lives, in seconds.
const LIFETIME: u64 = 600;

fn scopes() -> Vec<String> {
    SCOPES.map(str::to_owned).to_vec()
}

/// What everything was issued on.
struct Root {
    tenant: Tenant,
    /// The key at its beginning and those that took its place, newest last.
    keys: Vec<String>,
    text: String,
}

fn authenticate(client: &Tenantry, text: &str) -> Result<Tenant, Error> {
    let headers = [("authorization", format!("Bearer {text}")), ("x-project-id", "prod".into())];
    client.authenticate_blocking(&RequestCredentials::headers(headers))
}

fn exchange(world: &World, key: &str) -> Result<AccessToken, Error> {
    let request = TokenRequest { grant_type: "api_key".into(), api_key: key.into(), ..TokenRequest::default() };
    world.client.identity().tokens().exchange_blocking(request.clone())
}

fn refresh(world: &World, token: &str) -> Result<AccessToken, Error> {
    world.client.identity().tokens().exchange_blocking(TokenRequest {
        grant_type: "refresh_token".into(),
        refresh_token: token.into(),
        ..TokenRequest::default()
    })
}

fn spec(subject: &str) -> TokenSpec {
    TokenSpec { subject: subject.into(), scopes: scopes(), refresh: true, ..TokenSpec::default() }
}

fn entry() -> IssuerSpec {
    issuer(&["acme", "globex"])
}

fn root(world: &World, kind: &str) -> Root {
    let (text, keys) = match kind {
        "key" | "account key" | "key's token" | "issued token" | "named key" => {
            let made = world.client.identity().keys().create_blocking(KeySpec {
                account_id: "acme".into(),
                project_id: if kind == "account key" { String::new() } else { "prod".into() },
                subject: if kind == "named key" { "ann".into() } else { String::new() },
                scopes: scopes(),
                expires_in_seconds: LIFETIME,
                ..KeySpec::default()
            });
            let made = made.unwrap();
            let text = match kind {
                "key's token" => exchange(world, &made.key).unwrap().access_token,
                "issued token" => {
                    let maker = authenticate(&world.client, &made.key).unwrap();
                    maker.identity().tokens().issue_blocking(spec("carl")).unwrap().access_token
                }
                _ => made.key,
            };
            (text, vec![made.record.id])
        }
        _ => {
            world.client.identity().issuers().put_blocking(entry()).unwrap();
            let mut claims =
                serde_json::json!({ "scope": SCOPES.join(" "), "exp": START / 1_000_000 + LIFETIME as i64 });
            if kind == "outside token" {
                claims["jti"] = "j1".into();
            }
            (token(claims), Vec::new())
        }
    };
    Root { tenant: authenticate(&world.client, &text).unwrap(), keys, text }
}

struct Child {
    name: &'static str,
    pair: AccessToken,
    handle: Tenant,
}

/// Every way from a credential to a token.
fn children(world: &World, root: &Root) -> Vec<Child> {
    let issue = |tenant: &Tenant, name: &str| tenant.identity().tokens().issue_blocking(spec(name)).unwrap();
    let issued = issue(&root.tenant, "u1");
    let refreshed = refresh(world, &issue(&root.tenant, "u2").refresh_token).unwrap();
    let twice =
        refresh(world, &refresh(world, &issue(&root.tenant, "u3").refresh_token).unwrap().refresh_token).unwrap();
    let second = issue(&authenticate(&world.client, &issued.access_token).unwrap(), "u4");
    let third = issue(&authenticate(&world.client, &second.access_token).unwrap(), "u5");
    let of_refreshed = issue(&authenticate(&world.client, &refreshed.access_token).unwrap(), "u6");
    let acting = issue(&root.tenant.acting_as(Principal::user("boss")).unwrap(), "u7");
    let elsewhere = TokenSpec { account_id: "acme".into(), project_id: "prod".into(), ..spec("u8") };
    let signed_in = world.client.signed_in_blocking(&RequestCredentials::token(root.text.clone())).unwrap();
    let signed_in = signed_in.identity().tokens().issue_blocking(elsewhere.clone()).unwrap();
    let mut made = vec![
        ("issued", issued),
        ("refreshed", refreshed),
        ("refreshed twice", twice),
        ("issued by an issued one", second),
        ("issued by that", third),
        ("issued by a refreshed one", of_refreshed),
        ("issued while acting for somebody", acting),
        ("issued by a client that signed in", signed_in),
    ];
    if let Ok(exchanged) = exchange(world, &root.text) {
        let of_exchanged = issue(&authenticate(&world.client, &exchanged.access_token).unwrap(), "u9");
        made.extend([("exchanged", exchanged), ("issued by an exchanged one", of_exchanged)]);
    }
    let child = |(name, pair): (&'static str, AccessToken)| {
        let handle = authenticate(&world.client, &pair.access_token).unwrap();
        Child { name, pair, handle }
    };
    made.into_iter().map(child).collect()
}

fn assert_ended(world: &World, child: &Child, why: &str) {
    let name = child.name;
    assert_ne!(code(authenticate(&world.client, &child.pair.access_token)), "", "{name} is taken: {why}");
    assert_ne!(code(child.handle.guard().evaluate_blocking(GuardRequest::prompt("x"))), "", "{name}, held: {why}");
    let told = world.client.identity().tokens().introspect_blocking(&child.pair.access_token).unwrap();
    assert!(!told.active, "{name} is told as active: {why}");
    if !child.pair.refresh_token.is_empty() {
        assert_eq!(code(refresh(world, &child.pair.refresh_token)), "grant_invalid", "{name}, refreshed: {why}");
    }
}

fn rotate(world: &World, root: &mut Root, overlap: u64) -> String {
    let keys = world.client.identity().keys();
    let made = keys.rotate_blocking(KeyRotation::new(root.keys.last().unwrap(), overlap)).unwrap();
    root.keys.push(made.record.id);
    made.key
}

fn end(world: &World, root: &mut Root, how: &str) {
    let keys = world.client.identity().keys();
    let issuers = world.client.identity().issuers();
    let revoke = |id: &String| drop(keys.revoke_blocking(id).unwrap());
    match how {
        "its time is over" => world.clock.advance(Duration::from_secs(LIFETIME)),
        "revoked" if root.keys.is_empty() || root.text.starts_with("ey") => {
            world.client.identity().tokens().revoke_blocking(&root.text).unwrap();
        }
        "revoked" | "its key revoked" => revoke(&root.keys[0]),
        "rotated, its successor revoked" => {
            rotate(world, root, 0);
            revoke(&root.keys[1]);
        }
        "rotated with an overlap, its successor revoked" => {
            rotate(world, root, 60);
            revoke(&root.keys[1]);
        }
        "rotated, itself revoked" => {
            rotate(world, root, 60);
            revoke(&root.keys[0]);
        }
        "revoked when its overlap was over" => {
            rotate(world, root, 60);
            world.clock.advance(Duration::from_secs(61));
            revoke(&root.keys[0]);
        }
        "rotated three times, the last revoked" => {
            (0..3).for_each(|_| drop(rotate(world, root, 0)));
            revoke(&root.keys[3]);
        }
        "rotated three times, one between revoked" => {
            (0..3).for_each(|_| drop(rotate(world, root, 0)));
            revoke(&root.keys[2]);
        }
        "rotated, its successor's time over" => {
            world.clock.advance(Duration::from_secs(100));
            rotate(world, root, 0);
            world.clock.advance(Duration::from_secs(LIFETIME));
        }
        "its issuer removed" => issuers.remove_blocking("https://idp.example").unwrap(),
        "its issuer removed and put again" => {
            issuers.remove_blocking("https://idp.example").unwrap();
            issuers.put_blocking(entry()).unwrap();
        }
        "its issuer put anew" => {
            issuers.put_blocking(IssuerSpec { leeway_seconds: 5, ..entry() }).unwrap();
        }
        other => panic!("{other}"),
    }
}

#[test]
fn no_token_outlives_what_it_came_from() {
    let of_keys = [
        "rotated, its successor revoked",
        "rotated with an overlap, its successor revoked",
        "rotated, itself revoked",
        "revoked when its overlap was over",
        "rotated three times, the last revoked",
        "rotated three times, one between revoked",
        "rotated, its successor's time over",
    ];
    let of_issuers = ["its issuer removed", "its issuer removed and put again", "its issuer put anew"];
    let mut tried = 0;
    for (kind, more) in [
        ("key", &of_keys[..]),
        ("named key", &of_keys),
        ("account key", &of_keys),
        ("key's token", &[&["its key revoked"], &of_keys[..6]].concat()),
        ("issued token", &[&["its key revoked"], &of_keys[..6]].concat()),
        ("outside token", &of_issuers),
        ("outside token without an id", &of_issuers),
    ] {
        for how in ["its time is over", "revoked"].iter().chain(more) {
            if (kind, *how) == ("outside token without an id", "revoked") {
                continue;
            }
            let world = world();
            let mut root = root(&world, kind);
            let children = children(&world, &root);
            end(&world, &mut root, how);
            for child in &children {
                assert_ended(&world, child, &format!("{kind}, {how}"));
                tried += 1;
            }
        }
    }
    assert!(tried > 400, "{tried}");
}

#[test]
fn a_rotated_keys_tokens_pass_to_its_successor() {
    for kind in ["key", "named key", "account key", "key's token", "issued token"] {
        for (rotations, overlap, wait) in [(1, 0, 0), (1, 60, 0), (1, 60, 61), (3, 0, 0), (2, 60, 61)] {
            let world = world();
            let mut root = root(&world, kind);
            let children = children(&world, &root);
            let mut successor = String::new();
            for _ in 0..rotations {
                successor = rotate(&world, &mut root, overlap);
                world.clock.advance(Duration::from_secs(wait));
            }
            for child in &children {
                let why = format!("{kind}, {}: {rotations} rotations, {overlap} s, {wait} s later", child.name);
                assert_eq!(code(child.handle.guard().evaluate_blocking(GuardRequest::prompt("x"))), "", "{why}");
                assert_eq!(code(authenticate(&world.client, &child.pair.access_token)), "", "{why}");
                if !child.pair.refresh_token.is_empty() {
                    assert_eq!(code(refresh(&world, &child.pair.refresh_token)), "", "{why}");
                }
            }
            assert!(exchange(&world, &successor).is_ok());
        }
    }
}

#[test]
fn tokens_of_the_process_have_no_parent() {
    let world = world();
    let own = TokenSpec { account_id: "acme".into(), project_id: "prod".into(), ..spec("ann") };
    let tenant = world.client.tenant_blocking("acme", "prod").unwrap();
    let acting = tenant.acting_as(Principal::user("boss")).unwrap();
    for issued in 0..3 {
        let mut pair = match issued {
            0 => world.client.identity().tokens().issue_blocking(own.clone()),
            1 => tenant.identity().tokens().issue_blocking(spec("bob")),
            _ => acting.identity().tokens().issue_blocking(spec("eve")),
        }
        .unwrap();
        let mut root = root(&world, "key");
        end(&world, &mut root, "revoked");
        for _ in 0..30 {
            world.clock.advance(Duration::from_secs(20 * 86_400));
            pair = refresh(&world, &pair.refresh_token).unwrap();
            assert_eq!(pair.expires_in, 3_600);
        }
        assert!(authenticate(&world.client, &pair.access_token).is_ok());
    }
}

#[test]
fn the_time_a_token_has_is_the_time_its_parent_has_left() {
    for kind in ["key", "key's token", "issued token", "outside token", "outside token without an id"] {
        let world = world();
        let root = root(&world, kind);
        world.clock.advance(Duration::from_secs(LIFETIME / 2));
        for child in children(&world, &root) {
            assert!(child.pair.expires_in <= LIFETIME / 2, "{kind}, {}: {}", child.name, child.pair.expires_in);
            if child.pair.refresh_token.is_empty() {
                continue;
            }
            world.clock.advance(Duration::from_secs(1));
            let next = refresh(&world, &child.pair.refresh_token).unwrap();
            assert!(next.expires_in < LIFETIME / 2, "{kind}, {}: {}", child.name, next.expires_in);
        }
    }
}

/// A key that ends before its overlap would: what it gives has a successor to belong to, and that is gone.
#[test]
fn a_rotated_key_whose_successor_was_revoked_gives_no_more_tokens() {
    let world = world();
    let mut root = root(&world, "key");
    rotate(&world, &mut root, 60);
    assert!(exchange(&world, &root.text).is_ok());
    end(
        &world,
        &mut Root { keys: root.keys[1..].to_vec(), tenant: root.tenant.clone(), text: String::new() },
        "revoked",
    );
    assert_eq!(code(exchange(&world, &root.text)), "grant_invalid");
}

#[test]
fn deleting_one_account_ends_nothing_of_the_others_of_its_issuer() {
    let world = world();
    let root = root(&world, "outside token");
    let children = children(&world, &root);
    world.client.admin().accounts().delete_blocking("globex").unwrap();
    for child in &children {
        assert_eq!(code(authenticate(&world.client, &child.pair.access_token)), "", "{}", child.name);
        assert_eq!(code(refresh(&world, &child.pair.refresh_token)), "", "{}", child.name);
    }
    world.client.admin().accounts().delete_blocking("acme").unwrap();
    for child in &children {
        assert_ended(&world, child, "its account was deleted");
    }
}

#[test]
fn dev_mode_issues_as_ever() {
    let world = open(Options { dev: Some(true), ..Options::default() });
    let headers = [("x-tenant-id", "acme"), ("x-project-id", "prod"), ("x-user-id", "ann")];
    let tenant = world.client.authenticate_blocking(&RequestCredentials::headers(headers)).unwrap();
    let mut pair = tenant.identity().tokens().issue_blocking(spec("bob")).unwrap();
    for _ in 0..3 {
        pair = refresh(&world, &pair.refresh_token).unwrap();
        assert!(authenticate(&world.client, &pair.access_token).is_ok());
        world.clock.advance(Duration::from_secs(86_400));
    }
    let named = KeySpec { subject: "carl".into(), ..KeySpec::default() };
    assert!(tenant.identity().keys().create_blocking(named.clone()).is_ok());
}
