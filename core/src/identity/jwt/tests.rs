//! Tests of reading, checking and writing tokens. The hostile ones are in `core/tests/jwt_corpus.rs`.

use ring::hmac;
use serde_json::json;

use super::*;

const SECRET: &[u8] = b"a secret of thirty-two bytes, no more";
const NOW: i64 = 1_800_000_000;

fn sign(message: &[u8]) -> Result<Vec<u8>> {
    Ok(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message).as_ref().to_vec())
}

fn claims() -> Value {
    json!({"iss": "https://idp.example", "aud": "us", "sub": "alice", "exp": NOW + 300, "iat": NOW, "nbf": NOW})
}

fn checked(claims: &Value, leeway_seconds: u32) -> Result<Times> {
    let expected = Expected {
        issuer: "https://idp.example",
        audience: &["us".to_owned()],
        audience_claim: "",
        leeway_seconds,
        now_micros: NOW * MICROS,
    };
    check(&claims.as_object().unwrap().into(), &expected)
}

fn code_with(claim: &str, value: Value) -> String {
    let mut claims = claims();
    claims[claim] = value;
    checked(&claims, 0).map_or_else(|error| error.code().to_owned(), |_| "accepted".to_owned())
}

#[test]
fn what_we_write_we_read() {
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": "k:1"});
    let text = encode(&header, &claims(), sign).unwrap();
    let token = Token::parse(&text).unwrap();
    assert_eq!((token.algorithm(), token.kid()), (Algorithm::HS256, Some("k:1")));
    assert_eq!(token.issuer().unwrap(), "https://idp.example");
    token.verify(&VerifyingKey::from_secret(SECRET).unwrap()).unwrap();
    assert_eq!(Value::Object(token.claims().to_map()), claims());
    assert_eq!(format!("{token:?}"), "Token { algorithm: HS256, .. }");

    let long = json!({ "long": "x".repeat(MAX_TOKEN) });
    assert_eq!(encode(&header, &long, sign).unwrap_err().code(), "claims_too_large");
    assert_eq!(encode(&json!([]), &long, sign).unwrap_err().code(), "internal");
    let refusal = || Error::internal("no key");
    assert_eq!(encode(&header, &claims(), |_| Err(refusal())).unwrap_err(), refusal());
}

#[test]
fn types_of_tokens() {
    for (typ, taken) in [
        (json!("JWT"), true),
        (json!("jwt"), true),
        (json!("at+JWT"), true),
        (json!("application/at+jwt"), true),
        (json!("Application/JWT"), true),
        (json!("application/application/jwt"), false),
        (json!("JOSE"), false),
        (json!("dpop+jwt"), false),
        (json!(""), false),
        (json!(null), false),
        (json!(["JWT"]), false),
    ] {
        let text = encode(&json!({"alg": "HS256", "typ": typ}), &claims(), sign).unwrap();
        assert_eq!(Token::parse(&text).is_ok(), taken, "{typ}");
    }
}

#[test]
fn times_to_the_second() {
    let times = checked(&claims(), 60).unwrap();
    assert_eq!(times.expires_at, (NOW + 300) * MICROS);
    assert_eq!(times.ends_at, (NOW + 360) * MICROS);
    assert_eq!(times.issued_at, Some(NOW * MICROS));

    for (claim, seconds, leeway, expected) in [
        ("exp", 1, 0, None),
        ("exp", 0, 0, Some("token_expired")),
        ("exp", -59, 60, None),
        ("exp", -60, 60, Some("token_expired")),
        ("exp", -60, u32::MAX, None),
        ("nbf", 0, 0, None),
        ("nbf", 1, 0, Some("token_not_yet_valid")),
        ("nbf", 60, 60, None),
        ("nbf", 61, 60, Some("token_not_yet_valid")),
        ("iat", 60, 60, None),
        ("iat", 61, 60, Some("token_not_yet_valid")),
    ] {
        let mut claims = claims();
        claims[claim] = json!(NOW + seconds);
        let code = checked(&claims, leeway).err().map(|error| error.code().to_owned());
        assert_eq!(code.as_deref(), expected, "{claim} {seconds} {leeway}");
    }
    assert_eq!(code_with("exp", json!(LAST_SECOND)), "accepted");
    // What is written with a fraction or an exponent is a number, too (RFC 7519 section 2).
    for (claim, value, expected) in [
        ("exp", json!(1_800_000_000.5), "accepted"),
        ("exp", json!(1_800_000_300.999_999), "accepted"),
        ("exp", json!(1.800_000_001e9), "accepted"),
        ("exp", json!(1.8e9), "token_expired"),
        ("exp", json!(1_799_999_999.999), "token_expired"),
        ("exp", json!(0.5), "token_expired"),
        ("nbf", json!(1_799_999_999.5), "accepted"),
        ("nbf", json!(1.8e9), "accepted"),
        ("nbf", json!(1_800_000_000.5), "token_not_yet_valid"),
        ("iat", json!(1_799_999_990.123), "accepted"),
        ("iat", json!(1_800_000_009.999), "accepted"),
        ("iat", json!(1_800_000_010.5), "token_not_yet_valid"),
        ("iat", json!(NOW + 10), "accepted"),
        ("iat", json!(NOW + 11), "token_not_yet_valid"),
    ] {
        assert_eq!(code_with(claim, value.clone()), expected, "{claim} {value}");
    }
    for value in [
        json!(LAST_SECOND + 1),
        json!(LAST_SECOND as f64 + 0.5),
        json!(u64::MAX),
        json!(-1),
        json!(-0.5),
        json!(1e300),
        json!("1"),
        json!(null),
        json!([1]),
    ] {
        for claim in ["exp", "nbf", "iat"] {
            assert_eq!(code_with(claim, value.clone()), "token_claims_invalid", "{claim} {value}");
        }
    }
}

#[test]
fn names_of_people_and_audiences() {
    assert_eq!(code_with("aud", json!(["them", "us"])), "accepted");
    let mut many = vec!["us"; 64];
    assert_eq!(code_with("aud", json!(many)), "accepted");
    many.push("us");
    for aud in [json!(many), json!(["us", 1]), json!([["us"]]), json!([]), json!(""), json!("US"), json!({"us": 1})] {
        assert_eq!(code_with("aud", aud), "token_audience_invalid");
    }
    assert_eq!(code_with("sub", json!("x".repeat(512))), "accepted");
    for sub in [json!("x".repeat(513)), json!(""), json!(7), json!("alice\0"), json!("alice\nadmin")] {
        assert_eq!(code_with("sub", sub), "token_claims_invalid");
    }
    for jti in [json!("x".repeat(257)), json!(""), json!(7), json!(null)] {
        assert_eq!(code_with("jti", jti), "token_claims_invalid");
    }
    assert_eq!(code_with("jti", json!("x".repeat(256))), "accepted");
}

#[test]
fn an_issuer_without_a_name_or_an_audience_is_nobodys() {
    let expected = Expected {
        issuer: "https://idp.example",
        audience: &[],
        audience_claim: "",
        leeway_seconds: 0,
        now_micros: NOW * MICROS,
    };
    let claims = claims();
    assert_eq!(check(&claims.as_object().unwrap().into(), &expected).unwrap_err().code(), "token_audience_invalid");
    let empty = json!({"iss": "", "aud": "", "sub": "alice", "exp": NOW + 300});
    let nameless = Expected { issuer: "", audience: &[String::new()], ..expected };
    assert_eq!(check(&empty.as_object().unwrap().into(), &nameless).unwrap_err().code(), "token_issuer_invalid");
    let nobody = json!({"iss": "i", "aud": "", "sub": "alice", "exp": NOW + 300});
    let anybody = Expected { issuer: "i", ..nameless };
    assert_eq!(check(&nobody.as_object().unwrap().into(), &anybody).unwrap_err().code(), "token_audience_invalid");
}

#[test]
fn claims_are_found_by_name_or_pointer() {
    let claims =
        json!({"a": "top", "https://acme.example/tenant": "url", "m": {"a/b": {"~": ["x", "y"]}}, "": "empty"});
    let claims = Fields::from(claims.as_object().unwrap());
    let at = |path: &str| string_at(&claims, path).and_then(Value::as_str);
    for (path, expected) in [
        ("a", Some("top")),
        ("/a", Some("top")),
        ("https://acme.example/tenant", Some("url")),
        ("/https:~1~1acme.example~1tenant", Some("url")),
        ("/m/a~1b/~0/1", Some("y")),
        ("/m/a~1b/~0/01", None),
        ("m/a~1b", None),
        ("/missing/a", None),
        ("/", Some("empty")),
        ("", None),
    ] {
        assert_eq!(at(path), expected, "{path}");
    }
}
