//! Hostile tokens: each is one step away from a token that the same run accepts, and none of them is accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "jwt_corpus/claims.rs"]
mod claims;
#[path = "jwt_corpus/forms.rs"]
mod forms;
#[path = "jwt_corpus/keys.rs"]
mod keys;
#[path = "jwt_corpus/signatures.rs"]
mod signatures;

use std::{
    collections::{BTreeMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use data_encoding::BASE64URL_NOPAD;
use keys::{ALL, Issuer, KID};
use proptest::prelude::*;
use serde_json::{Value, json};
use tenantry::{
    Error, ErrorKind, Options, Result, Tenantry,
    api::{Algorithm, IssuerSpec},
    client::Environment,
    clock::{Clock, ManualClock},
    config::Storage,
    identity::{
        jwk::Found,
        jwt::{Expected, Token, check, encode, string_at},
    },
    scope::Id,
};

const NOW: i64 = 1_800_000_000;
const LEEWAY: i64 = 30;
const ISSUER: &str = "https://idp.example/tenant";
const AUDIENCE: &str = "https://api.example/v1";

/// Every code a refusal may have. The last two are those of the issuer, not of the token's own parts.
const CODES: &[&str] = &[
    "token_too_large",
    "token_malformed",
    "token_algorithm_invalid",
    "token_header_invalid",
    "token_claims_invalid",
    "token_signature_invalid",
    "token_issuer_invalid",
    "token_audience_invalid",
    "token_expired",
    "token_not_yet_valid",
    "token_key_unknown",
    "token_account_invalid",
];

/// What may never be in a message: texts of the base token.
const MARKS: &[&str] = &["alice-7f3a", "acme-7f3a", KID, ISSUER, AUDIENCE, "eyJ"];

/// One hostile token.
struct Case {
    class: &'static str,
    issuer: usize,
    text: String,
}

/// Hostile tokens, each once per issuer it is shown to.
#[derive(Default)]
struct Corpus {
    cases: Vec<Case>,
    seen: HashSet<(usize, String)>,
}

impl Corpus {
    fn add(&mut self, class: &'static str, issuer: usize, text: impl Into<String>) {
        let text = text.into();
        if self.seen.insert((issuer, text.clone())) {
            self.cases.push(Case { class, issuer, text });
        }
    }
}

fn base_header(algorithm: Algorithm) -> Value {
    json!({"alg": algorithm, "typ": "JWT", "kid": KID})
}

/// `note` is there for the letters `-` and `_` in its base64url.
fn base_claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice-7f3a",
        "exp": NOW + 300,
        "nbf": NOW - 10,
        "iat": NOW - 10,
        "jti": "0190a5b1",
        "account_id": "acme-7f3a",
        "ctx": {"level": 1, "list": [1, 2]},
        "note": "???>>>~~~ÿÿÿ",
    })
}

/// Signs any text as header and any bytes as payload with the issuer's own key: what is wrong is then never the signature.
fn signed(issuer: &Issuer, header: &[u8], payload: &[u8]) -> String {
    let text = format!("{}.{}", BASE64URL_NOPAD.encode(header), BASE64URL_NOPAD.encode(payload));
    signed_text(issuer, &text)
}

/// The same, of parts that are encoded already.
fn signed_text(issuer: &Issuer, text: &str) -> String {
    let signature = issuer.signer.sign(issuer.algorithm, text.as_bytes());
    format!("{text}.{}", BASE64URL_NOPAD.encode(&signature))
}

fn with_header(issuer: &Issuer, header: &Value) -> String {
    signed(issuer, header.to_string().as_bytes(), base_claims().to_string().as_bytes())
}

fn with_claims(issuer: &Issuer, claims: &Value) -> String {
    signed(issuer, base_header(issuer.algorithm).to_string().as_bytes(), claims.to_string().as_bytes())
}

fn set(mut object: Value, member: &str, value: Value) -> Value {
    object.as_object_mut().unwrap().insert(member.to_owned(), value);
    object
}

fn unset(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member).unwrap();
    object
}

/// Codes of the public door, which finds the issuer by the token's own word and reads more than the token's parts.
const AT_THE_DOOR: &[&str] = &["issuer_unknown", "credential_unknown"];

/// The public door of an engine that trusts one issuer.
fn door(issuer: &Issuer) -> Tenantry {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW * 1_000_000));
    let options = Options { storage: Some(Storage::Memory), ..Options::default() };
    let client = Tenantry::open_with(options, Environment { clock }).unwrap();
    let spec = IssuerSpec {
        issuer: ISSUER.into(),
        audience: vec!["other".into(), AUDIENCE.into()],
        algorithms: vec![issuer.algorithm],
        accounts: vec!["*".into()],
        leeway_seconds: u32::try_from(LEEWAY).unwrap(),
        jwks: issuer.signer.jwk().map(|jwk| json!({ "keys": [jwk] }).as_object().unwrap().clone()).unwrap_or_default(),
        secret: match &issuer.signer {
            keys::Signer::Secret(secret) => String::from_utf8(secret.clone()).unwrap(),
            _ => String::new(),
        },
        ..IssuerSpec::default()
    };
    client.identity().issuers().put_blocking(spec.clone()).unwrap();
    client
}

/// What an issuer does with a token, in its order.
fn accept(issuer: &Issuer, allowed: &[Algorithm], text: &str) -> Result<()> {
    let refused = |code| Error::new(ErrorKind::Unauthenticated, code, "the issuer refuses the token");
    let token = Token::parse(text)?;
    // An issuer is found by this. It is not compared here, so that `check` has to.
    token.issuer()?;
    if !allowed.contains(&token.algorithm()) {
        return Err(refused("token_algorithm_invalid"));
    }
    // The core takes any name where there is one secret.
    let is_secret = issuer.algorithm == Algorithm::HS256;
    if is_secret && token.kid().is_some_and(|kid| kid != KID) {
        return Err(refused("token_key_unknown"));
    }
    let Found::Key(key) = issuer.keys.find_given(token.kid(), &|key| key.fits(token.algorithm())) else {
        return Err(refused("token_key_unknown"));
    };
    token.verify(&key)?;
    let expected = Expected {
        issuer: ISSUER,
        audience: &["other".to_owned(), AUDIENCE.to_owned()],
        audience_claim: "",
        leeway_seconds: u32::try_from(LEEWAY).unwrap(),
        now_micros: NOW * 1_000_000,
    };
    check(token.claims(), &expected)?;
    let account = string_at(token.claims(), "account_id").and_then(Value::as_str);
    let account = account.and_then(|account| Id::parse("account", account).ok());
    account.map(|_| ()).ok_or_else(|| refused("token_account_invalid"))
}

/// Tokens that are accepted, so that a refusal beside them means what it says.
fn controls(issuer: &Issuer) -> Vec<String> {
    let header = base_header(issuer.algorithm);
    let mut texts = vec![
        encode(&header, &base_claims(), |message| Ok(issuer.signer.sign(issuer.algorithm, message))).unwrap(),
        with_header(issuer, &unset(header.clone(), "typ")),
        with_header(issuer, &unset(header.clone(), "kid")),
        with_header(issuer, &set(header.clone(), "typ", json!("application/AT+jwt"))),
        with_header(issuer, &set(header, "x5t#S256", json!("ignored"))),
    ];
    for (claim, value) in [
        ("exp", json!(NOW - LEEWAY + 1)),
        ("exp", json!(253_402_300_799_i64)),
        ("nbf", json!(NOW + LEEWAY)),
        ("iat", json!(NOW + LEEWAY)),
        ("aud", json!(["them", AUDIENCE])),
        ("sub", json!("аlice|ünïcode")),
        ("pad", json!("x".repeat(10_000))),
    ] {
        texts.push(with_claims(issuer, &set(base_claims(), claim, value)));
    }
    for claim in ["nbf", "iat", "jti"] {
        texts.push(with_claims(issuer, &unset(base_claims(), claim)));
    }
    // As long as a token may be, to the byte where base64url allows it.
    let room = 16 * 1024 - texts[0].len();
    texts.push(with_claims(issuer, &set(base_claims(), "pad", json!("x".repeat(room * 3 / 4 - 10)))));
    texts
}

#[test]
fn no_hostile_token_is_accepted() {
    let issuers = ALL.map(Issuer::new);
    let doors: Vec<Tenantry> = issuers.iter().map(door).collect();
    for (issuer, door) in issuers.iter().zip(&doors) {
        for text in controls(issuer) {
            let whose = door.identity().verify_blocking(&text).unwrap();
            assert_eq!((whose.account_id.as_str(), whose.issuer.as_str()), ("acme-7f3a", ISSUER));
            accept(issuer, &[issuer.algorithm], &text)
                .unwrap_or_else(|error| panic!("{:?}: {error}", issuer.algorithm));
        }
    }
    let mut corpus = Corpus::default();
    for index in 0..issuers.len() {
        forms::add(&mut corpus, &issuers, index);
        signatures::add(&mut corpus, &issuers[index], index);
        claims::add(&mut corpus, &issuers[index], index);
    }
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut accepted, mut panics) = (Vec::new(), Vec::new());
    for case in &corpus.cases {
        let issuer = &issuers[case.issuer];
        // An issuer that takes every algorithm is not fooled either: its keys know what they are for. Only a token that
        // its own key has signed by another algorithm is then good.
        let lists: &[&[Algorithm]] =
            if case.class == forms::OWN_KEY { &[&[issuer.algorithm]] } else { &[&ALL, &[issuer.algorithm]] };
        let shown = || format!("{} {:?} {}", case.class, issuer.algorithm, case.text.get(..400).unwrap_or(&case.text));
        let mut code = String::new();
        for allowed in lists {
            match catch_unwind(AssertUnwindSafe(|| accept(issuer, allowed, &case.text))) {
                Err(_) => panics.push(shown()),
                Ok(Ok(())) => accepted.push(shown()),
                Ok(Err(error)) => {
                    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{}", shown());
                    assert!(CODES.contains(&error.code()), "{error} {}", shown());
                    let said = format!("{error} {error:?}");
                    assert!(!MARKS.iter().any(|mark| said.contains(mark)), "{said}");
                    error.code().clone_into(&mut code);
                }
            }
        }
        let at_the_door = || doors[case.issuer].identity().verify_blocking(&case.text);
        match catch_unwind(AssertUnwindSafe(at_the_door)) {
            Err(_) => panics.push(shown()),
            // A shared secret has no kid, so a token may carry any: its signature is what counts.
            Ok(Ok(_)) if code == "token_key_unknown" && issuer.algorithm == Algorithm::HS256 => {}
            Ok(Ok(_)) => accepted.push(format!("at the door: {}", shown())),
            Ok(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error} {}", shown());
                assert!(CODES.contains(&error.code()) || AT_THE_DOOR.contains(&error.code()), "{error} {}", shown());
                // The help for an unknown issuer names the entry whose name is nearly the token's, to whoever runs this.
                let help = error.help().filter(|_| error.code() != "issuer_unknown").unwrap_or_default();
                let said = format!("{} {help} {error:?}", error.message());
                assert!(!MARKS.iter().any(|mark| said.contains(mark)), "{said}");
            }
        }
        *codes.entry(code).or_default() += 1;
        *classes.entry(case.class).or_default() += 1;
    }
    let distinct = corpus.cases.iter().map(|case| case.text.as_str()).collect::<HashSet<_>>().len();
    println!("{distinct} tokens, {} accepted, by code: {codes:?}", accepted.len());
    println!("by class: {classes:?}");
    assert!(panics.is_empty(), "{} panics: {panics:#?}", panics.len());
    assert!(accepted.is_empty(), "{} accepted: {accepted:#?}", accepted.len());
    assert!(distinct >= 2_000, "only {distinct} tokens");
    // A code that no token met is one nobody tested.
    assert_eq!(codes.keys().map(String::as_str).collect::<HashSet<_>>(), CODES.iter().copied().collect());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_no_token_panics(text in r"\PC{0,40}(\.\PC{0,40}){0,4}", bytes in any::<Vec<u8>>()) {
        prop_assert!(Token::parse(&text).is_err());
        let part = BASE64URL_NOPAD.encode(&bytes);
        let rubbish = format!("{part}.{part}.{part}");
        prop_assert!(Token::parse(&rubbish).is_err());
        // A payload of a few bytes may happen to be an object; then it lacks an issuer.
        let unclaimed = format!("{}.{part}.{part}", BASE64URL_NOPAD.encode(br#"{"alg":"EdDSA"}"#));
        prop_assert!(Token::parse(&unclaimed).and_then(|token| token.issuer().map(|_| ())).is_err());
    }
}
