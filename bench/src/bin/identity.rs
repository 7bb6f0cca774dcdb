//! What knowing a caller costs: an API key, a token met before, a token met for the first time, and beside each the raw
//! crypto library doing the least that would have to be done. Rounds alternate, so that noise meets all of them alike.

use std::{error::Error, hint::black_box, sync::Arc, time::Instant};

use data_encoding::BASE64URL_NOPAD;
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents, UnparsedPublicKey,
    },
};
use serde_json::json;
use tenantry::{
    Options, Tenantry,
    api::{Algorithm, IssuerSpec, KeySpec, Mode, RequestCredentials, TenantFacts},
    clock::SystemClock,
    config::Storage,
    identity::{
        Owner,
        jwk::VerifyingKey,
        jwt::{self, Expected, Token},
    },
    keyring::Keyring,
    rooms::Rooms,
    runtime::block_on,
};

/// A key of these figures and the tests alone; see `core/tests/jwt_corpus/keys.rs`.
const RSA: &[u8] = include_bytes!("../../../core/tests/data/jwt_rsa_issuer.pkcs8.der");
const ROUNDS: usize = 9;
const ISSUER: &str = "https://idp.example/";

type Work<'a> = (&'static str, usize, Box<dyn Fn() + 'a>);

fn main() -> Result<(), Box<dyn Error>> {
    let random = SystemRandom::new();
    let rsa = RsaKeyPair::from_pkcs8(RSA).map_err(|_| "the RSA key cannot be read")?;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(|_| "no EC key")?;
    let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
        .map_err(|_| "the EC key cannot be read")?;
    let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let parts = RsaPublicKeyComponents::<Vec<u8>>::from(rsa.public());
    let point = ec.public_key().as_ref();
    let half = |from: usize| point.get(from..from + 32).map(text).unwrap_or_default();
    let rsa_jwk = json!({ "kty": "RSA", "n": text(&parts.n), "e": text(&parts.e), "kid": "r" });
    let ec_jwk = json!({ "kty": "EC", "crv": "P-256", "x": half(1), "y": half(33), "kid": "e" });

    let client = Tenantry::open(Options { storage: Some(Storage::Memory), ..Options::default() })?;
    client.admin().accounts().create_blocking("acme")?;
    client.admin().projects().create_blocking("acme", "prod")?;
    let identity = client.identity();
    let Some(jwks) = json!({ "keys": [rsa_jwk, ec_jwk] }).as_object().cloned() else { return Err("no keys".into()) };
    let entry = IssuerSpec {
        issuer: ISSUER.into(),
        audience: vec!["tenantry".into()],
        algorithms: vec![Algorithm::RS256, Algorithm::ES256],
        accounts: vec!["acme".into()],
        jwks,
        ..IssuerSpec::default()
    };
    identity.issuers().put_blocking(entry.clone())?;
    let spec = KeySpec { account_id: "acme".into(), project_id: "prod".into(), ..KeySpec::default() };
    let key = identity.keys().create_blocking(spec.clone())?.key;
    // The room itself, without handles around it: what every door costs at least.
    let rooms = Rooms::open(None, false, Keyring::ephemeral()?, Arc::new(SystemClock::default()))?;
    let room_key = block_on(async {
        rooms.tenants.create_account("acme", TenantFacts::default()).await?;
        let (scope, _) = rooms.tenants.create_project("acme", "prod", TenantFacts::default(), Mode::Enforce).await?;
        rooms.identity.put_issuer(&rooms.tenants.platform(), &entry).await?;
        rooms.identity.create_key(Owner::Process, &scope, &spec).await
    })?
    .key;
    let room = &rooms.identity;

    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let claims = json!({ "iss": ISSUER, "aud": ["tenantry"], "sub": "auth0|5f7c8ec7c33c6c004bbafe82", "iat": now,
        "exp": now + 36_000, "jti": "0190a5b1-7b1c-7c3e-9f2a-1f2e3d4c5b6a", "account_id": "acme", "project_id": "prod",
        "scopes": ["tools:read", "tools:execute"], "name": "Ann Example", "email": "ann@example.org" });
    let by_rsa = jwt::encode(&json!({ "alg": "RS256", "typ": "JWT", "kid": "r" }), &claims, |message| {
        let mut signature = vec![0; rsa.public().modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
            .map_err(|_| tenantry::Error::internal("cannot sign"))?;
        Ok(signature)
    })?;
    let by_ec = jwt::encode(&json!({ "alg": "ES256", "typ": "JWT", "kid": "e" }), &claims, |message| {
        Ok(ec.sign(&random, message).map_err(|_| tenantry::Error::internal("cannot sign"))?.as_ref().to_vec())
    })?;
    let split = |token: &str| -> Option<(Vec<u8>, Vec<u8>)> {
        let (message, signature) = token.rsplit_once('.')?;
        Some((message.as_bytes().to_vec(), BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?))
    };
    let ((rsa_message, rsa_signature), (ec_message, ec_signature)) =
        split(&by_rsa).zip(split(&by_ec)).ok_or("a token is not whole")?;
    let raw_rsa = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa.public().as_ref().to_vec());
    let raw_ec = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.to_vec());
    let (own_rsa, own_ec) = (jwk(&rsa_jwk)?, jwk(&ec_jwk)?);
    let audience = ["tenantry".to_owned()];
    let expected = Expected {
        issuer: ISSUER,
        audience: &audience,
        audience_claim: "",
        leeway_seconds: 0,
        now_micros: i64::try_from(now)? * 1_000_000,
    };
    let whole = |token: &str, key: &VerifyingKey| {
        let token = Token::parse(black_box(token)).and_then(|token| {
            token.verify(key)?;
            jwt::check(token.claims(), &expected)
        });
        assert!(token.is_ok());
    };
    let known_key = || assert!(block_on(room.verify(black_box(&room_key))).is_ok());
    let presented =
        RequestCredentials::headers([("Authorization", format!("Bearer {by_rsa}")), ("X-Account-ID", "acme".into())]);
    let keyed = RequestCredentials::headers([("X-API-Key", key.as_str())]);
    let works: Vec<Work<'_>> = vec![
        ("API key: verify", 40_000, Box::new(known_key)),
        ("API key: headers to tenant", 40_000, Box::new(|| assert!(client.authenticate_blocking(&keyed).is_ok()))),
        ("token met before: verify", 40_000, Box::new(|| assert!(block_on(room.verify(black_box(&by_rsa))).is_ok()))),
        (
            "token met before: headers to tenant",
            40_000,
            Box::new(|| assert!(client.authenticate_blocking(&presented).is_ok())),
        ),
        ("RS256: ring alone", 4_000, Box::new(|| assert!(raw_rsa.verify(&rsa_message, &rsa_signature).is_ok()))),
        (
            "RS256: signature",
            4_000,
            Box::new(|| assert!(own_rsa.verify(Algorithm::RS256, &rsa_message, &rsa_signature).is_ok())),
        ),
        ("RS256: whole token", 4_000, Box::new(|| whole(&by_rsa, &own_rsa))),
        ("ES256: ring alone", 4_000, Box::new(|| assert!(raw_ec.verify(&ec_message, &ec_signature).is_ok()))),
        (
            "ES256: signature",
            4_000,
            Box::new(|| assert!(own_ec.verify(Algorithm::ES256, &ec_message, &ec_signature).is_ok())),
        ),
        ("ES256: whole token", 4_000, Box::new(|| whole(&by_ec, &own_ec))),
    ];
    let mut nanos = vec![Vec::new(); works.len()];
    for round in 0..=ROUNDS {
        for ((_, times, work), found) in works.iter().zip(&mut nanos) {
            let start = Instant::now();
            (0..*times).for_each(|_| work());
            // The first round warms.
            if round > 0 {
                found.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(u32::try_from(*times)?));
            }
        }
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("identity, one thread, median of {ROUNDS} alternating rounds; load {}", load.trim());
    let median = |found: &mut Vec<f64>| {
        found.sort_by(f64::total_cmp);
        found.get(found.len() / 2).copied().unwrap_or_default()
    };
    let figures: Vec<f64> = nanos.iter_mut().map(median).collect();
    for ((name, ..), nanos) in works.iter().zip(&figures) {
        println!("{name:<38} {nanos:>10.0} ns {:>12.0}/s", 1e9 / nanos);
    }
    let [key, _, hit, _, raw_rsa, own_rsa, whole_rsa, raw_ec, own_ec, whole_ec] = figures.as_slice() else {
        return Err("a figure is missing".into());
    };
    println!("API keys verified per second: {:.0} (floor 500,000)", 1e9 / key);
    println!("RS256 whole token over a token met before: {:.0} times (floor 100)", whole_rsa / hit);
    println!(
        "RS256 signature over ring alone: {:+.1} % (floor +10 %), whole token {:+.1} %",
        over(own_rsa, raw_rsa),
        over(whole_rsa, raw_rsa)
    );
    println!(
        "ES256 signature over ring alone: {:+.1} % (floor +10 %), whole token {:+.1} %",
        over(own_ec, raw_ec),
        over(whole_ec, raw_ec)
    );
    Ok(())
}

fn over(own: &f64, raw: &f64) -> f64 {
    (own / raw - 1.0) * 100.0
}

fn jwk(value: &serde_json::Value) -> Result<VerifyingKey, Box<dyn Error>> {
    Ok(VerifyingKey::from_jwk(value.as_object().ok_or("no key")?)?)
}
