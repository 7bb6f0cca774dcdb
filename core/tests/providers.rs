//! Issuers as real providers are: keys as they write them, sets that cannot be fetched, claims that are long, odd or elsewhere.
//! What is not taken is refused by words that name what it is about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/identity.rs"]
mod support;

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use support::{START, World, code, issuer, token, world};
use tenantry::{
    Error, Tenant,
    api::{Algorithm, IssuerReceipt, IssuerSpec, RequestCredentials},
    identity::jwt::encode,
};

/// A key of a provider that signs.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random).unwrap())
    }

    /// One whose coordinate begins with a zero, as one in 128 does.
    fn with_a_zero() -> (Self, &'static str) {
        loop {
            let signer = Self::new();
            let (x, y) = signer.point();
            match (x[0], y[0]) {
                (0, _) => return (signer, "x"),
                (_, 0) => return (signer, "y"),
                _ => {}
            }
        }
    }

    fn point(&self) -> (Vec<u8>, Vec<u8>) {
        let point = self.0.public_key().as_ref();
        (point[1..33].to_vec(), point[33..].to_vec())
    }

    fn jwk(&self, kid: &str) -> Value {
        let (x, y) = self.point();
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": text(&x), "y": text(&y)})
    }

    fn token(&self, kid: Option<&str>, claims: Value) -> String {
        let mut header = json!({"alg": "ES256", "typ": "JWT"});
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        signed(&header, claims, |bytes| self.0.sign(&SystemRandom::new(), bytes).unwrap().as_ref().to_vec())
    }
}

fn signed(header: &Value, claims: Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let mut whole = json!({
        "iss": "https://idp.example", "aud": "tenantry", "sub": "ann", "exp": START / 1_000_000 + 600, "account_id": "acme",
    });
    for (name, value) in claims.as_object().unwrap() {
        whole[name] = value.clone();
    }
    encode(header, &whole, |bytes| Ok(sign(bytes))).unwrap()
}

fn es256(jwks: Value) -> IssuerSpec {
    IssuerSpec {
        algorithms: vec![Algorithm::ES256],
        secret: String::new(),
        jwks: json!({ "keys": jwks }).as_object().unwrap().clone(),
        ..issuer(&["acme"])
    }
}

fn put(world: &World, spec: &IssuerSpec) -> Result<IssuerReceipt, Error> {
    world.client.identity().issuers().put_blocking(spec.clone())
}

fn enter(world: &World, token: &str) -> Result<Tenant, Error> {
    world.client.authenticate_blocking(&RequestCredentials::headers([
        ("authorization", format!("Bearer {token}")),
        ("x-project-id", "prod".into()),
    ]))
}

fn with(mut jwk: Value, member: &str, value: Value) -> Value {
    jwk[member] = value;
    jwk
}

#[test]
fn a_coordinate_is_a_number_however_many_zeros_it_has() {
    let (signer, member) = Signer::with_a_zero();
    let whole = BASE64URL_NOPAD.decode(signer.jwk("a")[member].as_str().unwrap().as_bytes()).unwrap();
    let short: Vec<u8> = whole.iter().copied().skip_while(|byte| *byte == 0).collect();
    for written in [
        BASE64URL_NOPAD.encode(&whole),
        BASE64URL_NOPAD.encode(&short),
        BASE64URL_NOPAD.encode(&[&[0], &whole[..]].concat()),
        BASE64URL.encode(&whole),
        BASE64URL.encode(&short),
    ] {
        let world = world();
        let receipt = put(&world, &es256(json!([with(signer.jwk("a"), member, json!(written))]))).unwrap();
        assert_eq!((receipt.keys, receipt.skipped), (vec!["key `a`".to_owned()], Vec::<String>::new()), "{written}");
        enter(&world, &signer.token(Some("a"), json!({}))).unwrap();
    }
}

#[test]
fn members_that_are_null_and_names_of_any_kind() {
    let signer = Signer::new();
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "alg", "use", "key_ops", "x5c", "n", "e"] {
        let world = world();
        put(&world, &es256(json!([with(signer.jwk("a"), member, json!(null))])))
            .unwrap_or_else(|e| panic!("{member} {e}"));
        enter(&world, &signer.token(Some("a"), json!({}))).unwrap();
    }
    for kid in ["did:web:acme.example#key-1", "me@acme.example", "a key", "{guid}", "ключ", "../k", "%00", "a\nb", ""]
    {
        let world = world();
        put(&world, &es256(json!([signer.jwk(kid), Signer::new().jwk("other")]))).unwrap();
        enter(&world, &signer.token(Some(kid), json!({}))).unwrap_or_else(|error| panic!("{kid:?}: {error}"));
        let wrong = enter(&world, &signer.token(Some("another"), json!({})));
        assert_eq!(code(wrong), "token_key_unknown", "{kid:?}");
    }
}

#[test]
fn a_put_tells_of_each_key_that_is_not_used() {
    let (good, other) = (Signer::new(), Signer::new());
    let small = json!({"kty": "RSA", "kid": "old", "n": BASE64URL_NOPAD.encode(&[0xff; 128]), "e": "AQAB"});
    let bad = json!([
        small,
        with(good.jwk("enc"), "use", json!("enc")),
        with(good.jwk("private"), "d", json!("AAAA")),
        with(good.jwk("long"), "x", json!(BASE64URL_NOPAD.encode(&[1; 40]))),
        {"kty": "oct", "kid": "shared", "k": "AAAA"},
        good.jwk("twice"),
        other.jwk("twice"),
    ]);
    let told = [
        ("`old`", "1024 bits"),
        ("`enc`", "`use`"),
        ("`private`", "`d`"),
        ("`long`", "`x`"),
        ("`shared`", "`kty`"),
        ("`twice`", "ambiguous"),
    ];
    // None that can be used: the entry is refused, and says why of each.
    let world = world();
    let refused = put(&world, &es256(bad.clone())).unwrap_err();
    assert_eq!(refused.code(), "issuer_invalid");
    for (name, reason) in told {
        assert!(refused.message().contains(name) && refused.message().contains(reason), "{refused}");
    }
    // One that can: the receipt says it of the others, also when asked again.
    let mut some = bad.as_array().unwrap().clone();
    some.push(good.jwk("good"));
    let receipt = put(&world, &es256(json!(some))).unwrap();
    let again = world.client.identity().issuers().check_blocking("https://idp.example").unwrap();
    assert_eq!(receipt, again);
    assert_eq!(receipt.keys, ["key `good`"]);
    for ((name, reason), line) in told.iter().zip(&receipt.skipped) {
        assert!(line.contains(name) && line.contains(reason), "{line}");
    }
    assert_eq!(receipt.skipped.len(), told.len());
    enter(&world, &good.token(Some("good"), json!({}))).unwrap();
    assert_eq!(code(enter(&world, &good.token(Some("twice"), json!({})))), "token_key_ambiguous");
    assert_eq!(code(enter(&world, &good.token(Some("enc"), json!({})))), "token_key_unknown");
    // Keys there are, and none for what is taken.
    let wrong = IssuerSpec { algorithms: vec![Algorithm::RS256], ..es256(json!([good.jwk("a")])) };
    assert!(put(&world, &wrong).unwrap_err().message().contains("key `a`: it verifies none of the `algorithms`"));
    assert!(put(&world, &es256(json!([]))).unwrap_err().message().contains("empty"));
    assert_eq!(code(world.client.identity().issuers().check_blocking("https://nobody.example")), "issuer_not_found");
}

/// Answers every request with these bytes, as long as the test runs.
fn answering(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(&answer);
        }
    });
    format!("http://{address}/keys-of-acme")
}

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn published(url: &str) -> IssuerSpec {
    IssuerSpec {
        algorithms: vec![Algorithm::ES256],
        secret: String::new(),
        jwks_url: url.into(),
        private_network: true,
        ..issuer(&["acme"])
    }
}

#[test]
fn sets_are_read_as_providers_publish_them() {
    let (signer, other) = (Signer::new(), Signer::new());
    let set = json!({ "keys": [null, with(other.jwk("a"), "alg", json!("ES384")), signer.jwk("a"), signer.jwk("a")] })
        .to_string();
    let small = json!({ "keys": [signer.jwk("a"), {"kty": "RSA", "kid": "old", "n": "AQ", "e": "AQAB"}] }).to_string();
    for (body, skipped) in [
        (set.clone().into_bytes(), 2),
        ([b"\xef\xbb\xbf", set.as_bytes()].concat(), 2),
        (format!("\n  {small}\n").into_bytes(), 1),
    ] {
        for media in ["application/json", "application/jwk-set+json", "text/plain", "text/html; charset=utf-8"] {
            let url = answering(http("200 OK", &format!("Content-Type: {media}\r\n"), &body));
            let world = world();
            let receipt = put(&world, &published(&url)).unwrap();
            assert_eq!((receipt.keys.len(), receipt.skipped.len()), (1, skipped), "{receipt:?}");
            enter(&world, &signer.token(Some("a"), json!({}))).unwrap();
        }
    }
}

#[test]
fn why_a_set_cannot_be_fetched_is_told_with_its_address_to_who_puts_the_issuer_and_without_it_to_who_presents_a_token()
{
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/keys-of-acme", listener.local_addr().unwrap())
    };
    let tls = answering(http("200 OK", "", b"{}")).replace("http://", "https://");
    let moved = http("301 Moved Permanently", "Location: http://127.0.0.1:1/\r\n", b"");
    let cases = [
        (refused, "the connection was refused"),
        ("http://nosuchhost.invalid/keys-of-acme".to_owned(), "DNS"),
        (tls, "does not speak TLS"),
        (answering(moved), "status 301; redirects are not followed"),
        (answering(http("404 Not Found", "", b"")), "status 404"),
        (answering(http("500 Internal Server Error", "", b"")), "status 500"),
        (answering(http("200 OK", "", b"<!DOCTYPE html><html>")), "is a web page"),
        (answering(http("200 OK", "", b"[1]")), "is not a JSON object"),
        (answering(http("200 OK", "", b"{\"keys\": {}}")), "`keys` of a key set are no list"),
        (answering(http("200 OK", "", b"{\"kty\": \"RSA\"}")), "no list `keys`"),
        (answering(http("200 OK", "", &[b' '; 300 * 1_024])), "more than 262144 bytes"),
        (answering(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()), "HTTP"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{".to_vec()), "broke off"),
        (answering(Vec::new()), "broke off"),
    ];
    let signer = Signer::new();
    for (url, why) in cases {
        let world = world();
        let receipt = put(&world, &published(&url)).unwrap();
        assert!(receipt.keys.is_empty() && receipt.unreachable.contains(why), "{url}: {receipt:?}");
        let error = enter(&world, &signer.token(Some("a"), json!({}))).err().unwrap();
        let said = error.to_string();
        assert_eq!(error.code(), "jwks_unavailable");
        assert!(said.contains(why), "{said}");
        for inside in ["127.0.0.1", "nosuchhost", "keys-of-acme"] {
            assert!(!said.contains(inside), "{said}");
        }
        // The cause has it all, for a log.
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(why), "{cause}");
    }
}

/// Nobody waits for the next window after mending what was wrong.
#[test]
fn a_put_that_could_not_fetch_keeps_no_token_waiting() {
    let world = world();
    let signer = Signer::new();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(!put(&world, &published(&format!("http://{address}/"))).unwrap().unreachable.is_empty());
    let listener = TcpListener::bind(address).unwrap();
    let answer = http("200 OK", "", json!({ "keys": [signer.jwk("a")] }).to_string().as_bytes());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4_096]);
        let _ = stream.write_all(&answer);
    });
    enter(&world, &signer.token(Some("a"), json!({}))).unwrap();
}

fn refusal(world: &World, claims: Value) -> String {
    let error = enter(world, &token(claims)).err().unwrap();
    assert_eq!(error.kind().name(), "Unauthenticated");
    error.to_string()
}

#[test]
fn lists_in_claims_are_refused_by_true_words() {
    let world = world();
    put(&world, &issuer(&["acme"])).unwrap();
    let many: Vec<String> = (0..300).map(|number| format!("g{number}")).collect();
    let long = "x".repeat(300);
    for (claim, what) in [("role", "roles"), ("scopes", "scopes"), ("scp", "scopes"), ("project_id", "projects")] {
        for (value, said) in [
            (json!(many), format!("has 300 {what}; at most 256")),
            (json!(["a", long]), format!("entry 2 of the token's {what} is 300 bytes long; at most 256")),
            (json!(["a", "b", ""]), format!("entry 3 of the token's {what} is empty")),
            (json!(["a", 7]), format!("entry 2 of the token's {what} is no text")),
            (json!([null]), format!("entry 1 of the token's {what} is no text")),
            (json!([["a"]]), format!("entry 1 of the token's {what} is no text")),
            (json!({"a": true}), format!("{what} are neither a text nor a list")),
            (json!(true), format!("{what} are neither a text nor a list")),
        ] {
            let told = refusal(&world, json!({ claim: value }));
            assert!(told.contains(&said), "{told}");
        }
    }
    let most: Vec<String> = (0..256).map(|number| format!("g{number}")).collect();
    enter(&world, &token(json!({ "role": most }))).unwrap();
}

#[test]
fn refusals_name_the_claim() {
    let world = world();
    put(&world, &issuer(&["acme"])).unwrap();
    for (claims, said) in [
        (json!({"sub": 7}), "`sub` is no text"),
        (json!({"sub": ""}), "`sub` is empty"),
        (json!({"sub": "x".repeat(513)}), "`sub` is longer than 512 bytes"),
        (json!({"sub": "a\u{7}"}), "`sub` holds control characters"),
        (json!({"jti": 7}), "`jti` is no text"),
        (json!({"exp": "soon"}), "`exp` is no time"),
        (json!({"nbf": -1}), "`nbf` is no time"),
        (json!({"iat": true}), "`iat` is no time"),
        (json!({"nbf": START / 1_000_000 + 2}), "`nbf` is ahead"),
        (json!({"iat": START / 1_000_000 + 11}), "leeway_seconds"),
        (json!({"account_id": true}), "`account_id` is no text"),
        (json!({"account_id": 1.5}), "`account_id` is no text"),
        (json!({"account_id": -7}), "`account_id` is no text"),
        (json!({"account_id": 12345}), "`account_id` is no text"),
        (json!({"account_id": ["acme"]}), "`account_id` is no text"),
        (json!({"account_id": null}), "`account_id` is no text"),
        (json!({"account_id": ""}), "`account_id` is empty"),
        (json!({"account_id": "a b"}), "`account_id`, is no account id"),
        (json!({"aud": "other"}), "`aud` names somebody else"),
        (json!({"aud": 7}), "`aud` is neither"),
        (json!({"aud": ["tenantry", 7]}), "`aud` is no text"),
        (json!({"aud": vec!["a"; 65]}), "`aud` has 65 names"),
    ] {
        let told = refusal(&world, claims);
        assert!(told.contains(said), "{told} is not {said}");
    }
    let second = START / 1_000_000;
    for claims in [
        json!({"iat": second as f64 + 0.25, "exp": second as f64 + 60.75, "nbf": second as f64 - 0.5}),
        json!({"iat": second + 2}),
        json!({"iat": second + 10}),
    ] {
        enter(&world, &token(claims.clone())).unwrap_or_else(|error| panic!("{claims}: {error}"));
    }
}

#[test]
fn refusals_of_a_header_name_the_member() {
    let world = world();
    let signer = Signer::new();
    put(&world, &es256(json!([signer.jwk("a")]))).unwrap();
    let by = |member: &str, value: Value| {
        let header = with(json!({"alg": "ES256", "typ": "JWT", "kid": "a"}), member, value);
        let sign = |bytes: &[u8]| signer.0.sign(&SystemRandom::new(), bytes).unwrap().as_ref().to_vec();
        enter(&world, &signed(&header, json!({}), sign))
    };
    for (member, value) in [
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("cty", json!("JWT")),
        ("jwk", signer.jwk("a")),
        ("jku", json!("https://idp.example/keys")),
        ("x5u", json!("https://idp.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("typ", json!("dpop+jwt")),
        ("typ", json!(7)),
        ("kid", json!(7)),
        ("kid", json!(null)),
    ] {
        let error = by(member, value).err().unwrap();
        assert_eq!(error.code(), "token_header_invalid");
        assert!(error.message().contains(&format!("`{member}`")), "{error}");
    }
    for (member, value) in [("x5t", json!("AAAA")), ("nonce", json!("n")), ("ver", json!(1)), ("typ", json!("at+jwt"))]
    {
        by(member, value).unwrap();
    }
}

#[test]
fn the_audience_may_stand_elsewhere_where_the_entry_says_so() {
    let without_aud = |claims: Value| {
        let mut whole =
            json!({"iss": "https://idp.example", "sub": "ann", "exp": START / 1_000_000 + 600, "account_id": "acme"});
        for (name, value) in claims.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let sign = |bytes: &[u8]| {
            Ok(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, support::SECRET.as_bytes()), bytes).as_ref().to_vec())
        };
        encode(&json!({"alg": "HS256"}), &whole, sign).unwrap()
    };
    let world = world();
    put(&world, &issuer(&["acme"])).unwrap();
    let error = enter(&world, &without_aud(json!({"client_id": "tenantry"}))).err().unwrap();
    assert_eq!(error.code(), "token_audience_invalid");
    assert!(error.to_string().contains("`aud` is missing") && error.to_string().contains("audience_claim"), "{error}");
    for (path, claims, taken) in [
        ("client_id", json!({"client_id": "tenantry"}), true),
        ("client_id", json!({"client_id": ["x", "tenantry"]}), true),
        ("/app/client", json!({"app": {"client": "tenantry"}}), true),
        ("client_id", json!({"client_id": "other"}), false),
        ("client_id", json!({"client_id": 7}), false),
        ("client_id", json!({"client_id": ""}), false),
        ("client_id", json!({}), false),
        // A token that says whom it is for is asked for nothing else.
        ("client_id", json!({"aud": "other", "client_id": "tenantry"}), false),
        ("client_id", json!({"aud": null, "client_id": "tenantry"}), false),
        ("client_id", json!({"aud": "tenantry", "client_id": "other"}), true),
    ] {
        put(&world, &IssuerSpec { audience_claim: path.into(), ..issuer(&["acme"]) }).unwrap();
        let entered = enter(&world, &without_aud(claims.clone()));
        assert_eq!(code(entered), if taken { "" } else { "token_audience_invalid" }, "{path} {claims}");
    }
    for wrong in ["client.id", "$.client_id", "a b", "/a~2"] {
        let refused = put(&world, &IssuerSpec { audience_claim: wrong.into(), ..issuer(&["acme"]) }).unwrap_err();
        assert!(refused.message().contains("`audience_claim`"), "{refused}");
    }
}

#[test]
fn a_secret_may_be_bytes_that_are_no_text() {
    let secret: Vec<u8> = (0..48_u8).map(|byte| byte.wrapping_mul(37).wrapping_add(200)).collect();
    let bearer = {
        let sign = |bytes: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), bytes).as_ref().to_vec();
        signed(&json!({"alg": "HS256", "typ": "JWT"}), json!({}), sign)
    };
    let entry = |text: String| IssuerSpec { secret: String::new(), secret_base64: text, ..issuer(&["acme"]) };
    let unpadded = BASE64_NOPAD.encode(&secret);
    for text in [BASE64.encode(&secret), unpadded, BASE64URL.encode(&secret), BASE64URL_NOPAD.encode(&secret)] {
        let world = world();
        let receipt = put(&world, &entry(text.clone())).unwrap();
        assert_eq!(receipt.keys, ["the secret"]);
        enter(&world, &bearer).unwrap();
        let listed = world.client.identity().issuers().list_blocking().unwrap();
        assert!(listed[0].secret_base64.is_empty() && !format!("{:?}", entry(text.clone())).contains(&text));
    }
    let world = world();
    let spki = [&b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"[..], &[7; 64]].concat();
    for (wrong, said) in [
        (entry("not base64!".into()), "`secret_base64`"),
        (entry(BASE64.encode(&[7; 31])), "shorter than 32"),
        (entry(BASE64.encode(b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZI\n")), "public key"),
        (entry(BASE64.encode(&spki)), "public key"),
        (IssuerSpec { secret_base64: BASE64.encode(&secret), ..issuer(&["acme"]) }, "exactly one"),
        (IssuerSpec { algorithms: vec![Algorithm::RS256], ..entry(BASE64.encode(&secret)) }, "`algorithms`"),
    ] {
        let refused = put(&world, &wrong).unwrap_err();
        assert!(refused.message().contains(said), "{refused}");
    }
}

#[test]
fn an_issuer_of_nearly_that_name_is_pointed_at() {
    let world = world();
    put(&world, &issuer(&["acme"])).unwrap();
    for near in
        ["https://idp.example/", "http://idp.example", "HTTPS://IDP.example", "idp.example", "https://idp.example//"]
    {
        let told = refusal(&world, json!({ "iss": near }));
        assert!(told.contains("(issuer_unknown)") && told.contains("`https://idp.example`"), "{told}");
    }
    for far in ["https://idp.example.org", "https://evil.example", "https://idp.example/tenant"] {
        let told = refusal(&world, json!({ "iss": far }));
        assert!(!told.contains("`https://idp.example`") && told.contains("identity.issuers.put"), "{told}");
    }
}

#[test]
fn a_credential_is_taken_as_it_is_pasted_or_refused_by_words() {
    let world = world();
    let (key, _) = support::key(&world, "acme", "prod", &["tools:read"]);
    let by_token = |text: String| world.client.authenticate_blocking(&RequestCredentials::token(text));
    for text in [
        key.clone(),
        format!("Bearer {key}"),
        format!("bearer {key}"),
        format!("BEARER  {key} "),
        format!(" Bearer\t{key}\n"),
        format!("{key}\r\n"),
    ] {
        by_token(text.clone()).unwrap_or_else(|error| panic!("{error}"));
        let header =
            world.client.authenticate_blocking(&RequestCredentials::headers([("X-API-Key", text.trim().to_owned())]));
        header.unwrap_or_else(|error| panic!("{error}"));
    }
    for beginning in
        ["Basic", "Token", "ApiKey", "DPoP", "Authorization:", "Authorization: Bearer", "X-API-Key:", "Digest"]
    {
        let error = by_token(format!("{beginning} {key}")).err().unwrap();
        assert_eq!(error.code(), "authorization_invalid", "{beginning}");
        let word = beginning.split([' ', ':']).next().unwrap();
        assert!(error.message().contains(word) && !error.to_string().contains(&key), "{error}");
    }
    for empty in ["Bearer", "bearer "] {
        assert_eq!(code(by_token(empty.into())), "authorization_invalid");
    }
    assert_eq!(code(by_token(format!("Bearer {key} x"))), "authorization_invalid");
    let both = RequestCredentials::headers([
        ("X-API-Key", format!("Bearer {key}")),
        ("Authorization", format!("Bearer {key}")),
    ]);
    world.client.authenticate_blocking(&both).unwrap();
}
