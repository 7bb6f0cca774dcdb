//! A world with two customers, and the credentials that come to its doors.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its own part

use std::{sync::Arc, time::Duration};

use tenantry::{
    Error, Options, Tenant, Tenantry,
    api::{Algorithm, IssuerSpec, KeySpec, RequestCredentials},
    client::Environment,
    clock::ManualClock,
    config::Storage,
};

pub const START: i64 = 1_767_225_600_000_000;
pub const SECRET: &str = "a secret of at least thirty-two bytes";

pub struct World {
    pub client: Tenantry,
    pub clock: ManualClock,
}

pub fn open(options: Options) -> World {
    let clock = ManualClock::at(START);
    let surroundings = Environment { clock: Arc::new(clock.clone()) };
    let options = Options { storage: Some(Storage::Memory), deadline: Some(Duration::from_secs(10)), ..options };
    World { client: Tenantry::open_with(options, surroundings).unwrap(), clock }
}

pub fn world() -> World {
    let world = open(Options::default());
    for (account, projects) in [("acme", &["prod", "default"][..]), ("globex", &["prod"][..])] {
        world.client.admin().accounts().create_blocking(account).unwrap();
        for project in projects {
            world.client.admin().projects().create_blocking(account, *project).unwrap();
        }
    }
    world
}

pub fn key(world: &World, account: &str, project: &str, scopes: &[&str]) -> (String, String) {
    let spec = KeySpec {
        name: "test".into(),
        account_id: account.into(),
        project_id: project.into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..KeySpec::default()
    };
    let made = world.client.identity().keys().create_blocking(spec.clone()).unwrap();
    (made.key, made.record.id)
}

pub fn enter(world: &World, headers: &[(&str, &str)]) -> Result<Tenant, Error> {
    world.client.authenticate_blocking(&RequestCredentials::headers(headers.iter().copied()))
}

pub fn code<T>(result: Result<T, Error>) -> String {
    result.err().map(|error| error.code().to_owned()).unwrap_or_default()
}

pub fn place(tenant: &Tenant) -> (String, String) {
    (tenant.account_id().to_owned(), tenant.project_id().to_owned())
}

pub fn issuer(accounts: &[&str]) -> IssuerSpec {
    IssuerSpec {
        issuer: "https://idp.example".into(),
        audience: vec!["tenantry".into()],
        algorithms: vec![Algorithm::HS256],
        secret: SECRET.into(),
        accounts: accounts.iter().map(|account| (*account).to_owned()).collect(),
        ..IssuerSpec::default()
    }
}

pub fn token(claims: serde_json::Value) -> String {
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
