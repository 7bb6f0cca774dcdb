//! Tests of verification keys: the examples of the RFCs, and everything that is no key of ours.

use serde_json::json;

use super::*;

const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ\
                 S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2\
                 R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD\
                 TW9gb54h4FRWyuXpoQ";
const ALL: [Algorithm; 8] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::HS256,
];

fn rsa_jwk() -> Value {
    json!({"kty": "RSA", "n": N, "e": "AQAB"})
}

fn p256_jwk() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

fn p384_jwk() -> Value {
    json!({"kty": "EC", "crv": "P-384", "x": BASE64URL_NOPAD.encode(&[1; 48]), "y": BASE64URL_NOPAD.encode(&[2; 48])})
}

fn ed25519_jwk() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

fn read(jwk: &Value) -> Result<VerifyingKey> {
    VerifyingKey::from_jwk(jwk.as_object().unwrap())
}

fn with(mut jwk: Value, member: &str, value: Value) -> Value {
    jwk.as_object_mut().unwrap().insert(member.to_owned(), value);
    jwk
}

fn verified(key: &VerifyingKey, algorithm: Algorithm, message: &str, signature: &str) -> Result<()> {
    key.verify(algorithm, message.as_bytes(), &BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap())
}

/// RFC 7515 appendices A.1 to A.3 and RFC 8037 appendix A.4.
#[test]
fn the_examples_of_the_rfcs_verify() {
    let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let secret = VerifyingKey::from_secret(&BASE64URL_NOPAD.decode(secret.as_bytes()).unwrap()).unwrap();
    let message = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}");
    verified(&secret, Algorithm::HS256, &message, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();

    let message = format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}");
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9\
                     uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB\
                     _eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rq\
                     Vt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let rsa = read(&rsa_jwk()).unwrap();
    verified(&rsa, Algorithm::RS256, &message, signature).unwrap();
    for other in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        assert_eq!(verified(&rsa, other, &message, signature).unwrap_err().code(), "token_signature_invalid");
    }

    let message = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}");
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    verified(&read(&p256_jwk()).unwrap(), Algorithm::ES256, &message, signature).unwrap();

    let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    verified(&read(&ed25519_jwk()).unwrap(), Algorithm::EdDSA, message, signature).unwrap();
}

#[test]
fn the_key_decides_the_algorithm() {
    let keys = [
        (read(&rsa_jwk()).unwrap(), &ALL[..4]),
        (read(&p256_jwk()).unwrap(), &ALL[4..5]),
        (read(&p384_jwk()).unwrap(), &ALL[5..6]),
        (read(&ed25519_jwk()).unwrap(), &ALL[6..7]),
        (VerifyingKey::from_secret(&[7; 32]).unwrap(), &ALL[7..]),
        (read(&with(rsa_jwk(), "alg", json!("PS256"))).unwrap(), &ALL[3..4]),
    ];
    for (key, taken) in &keys {
        for algorithm in ALL {
            assert_eq!(key.fits(algorithm), taken.contains(&algorithm), "{key:?} {algorithm:?}");
            let expected =
                if taken.contains(&algorithm) { "token_signature_invalid" } else { "token_algorithm_invalid" };
            assert_eq!(key.verify(algorithm, b"x", &[1; 64]).unwrap_err().code(), expected, "{key:?} {algorithm:?}");
        }
    }
}

#[test]
fn what_we_cannot_use_is_refused() {
    let n = BASE64URL_NOPAD.decode(N.as_bytes()).unwrap();
    let modulus = |bytes: &[u8]| with(rsa_jwk(), "n", json!(BASE64URL_NOPAD.encode(bytes)));
    let exponent = |bytes: &[u8]| with(rsa_jwk(), "e", json!(BASE64URL_NOPAD.encode(bytes)));
    let mut too_small = n.clone();
    too_small[0] = 0x7f; // 2047 bits
    let mut even = n.clone();
    even[255] &= 0xfe;
    let mut refused = vec![
        json!({}),
        json!({"kty": 1}),
        json!({"kty": "oct", "k": BASE64URL_NOPAD.encode(&[7; 32])}),
        json!({"kty": "rsa", "n": N, "e": "AQAB"}),
        json!({"kty": "RSA", "e": "AQAB"}),
        modulus(&too_small),
        modulus(&even),
        modulus(&n[..255]),
        modulus(&[0xff; 1025]),
        modulus(&[]),
        with(rsa_jwk(), "n", json!(format!("{N}="))),
        with(rsa_jwk(), "n", json!(format!("{N}==="))),
        with(rsa_jwk(), "n", json!(format!("{N} "))),
        with(rsa_jwk(), "n", json!(N.replace('-', "+").replace('_', "/"))),
        with(rsa_jwk(), "n", json!([N])),
        exponent(&[]),
        exponent(&[0]),
        exponent(&[1]),
        exponent(&[2]),
        exponent(&[1, 0, 0]),
        exponent(&[2, 0, 0, 0, 1]),
        exponent(&[1; 9]),
        with(p256_jwk(), "crv", json!("P-384")),
        with(p256_jwk(), "crv", json!("P-521")),
        with(p256_jwk(), "crv", json!("secp256k1")),
        with(p256_jwk(), "x", json!(BASE64URL_NOPAD.encode(&[1; 33]))),
        with(p256_jwk(), "y", json!("")),
        with(p256_jwk(), "kty", json!("OKP")),
        with(ed25519_jwk(), "crv", json!("X25519")),
        with(ed25519_jwk(), "crv", json!("Ed448")),
        with(ed25519_jwk(), "x", json!(BASE64URL_NOPAD.encode(&[1; 33]))),
    ];
    for (member, value) in [
        ("use", json!("enc")),
        ("use", json!("")),
        ("use", json!(["sig"])),
        ("key_ops", json!(["sign"])),
        ("key_ops", json!([])),
        ("key_ops", json!("verify")),
        ("key_ops", json!(["verify", 1])),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!(7)),
    ] {
        refused.push(with(rsa_jwk(), member, value));
    }
    for jwk in &refused {
        let error = read(jwk).expect_err(&jwk.to_string());
        assert_eq!(error.code(), "jwk_invalid", "{jwk}");
    }
    for member in ["d", "p", "oth", "k"] {
        for jwk in [rsa_jwk(), p256_jwk(), ed25519_jwk()] {
            assert_eq!(read(&with(jwk, member, json!(""))).unwrap_err().code(), "jwk_private");
        }
    }
    assert_eq!(VerifyingKey::from_secret(&[7; 31]).unwrap_err().code(), "secret_too_short");
    let good = with(with(rsa_jwk(), "use", json!("sig")), "key_ops", json!(["verify"]));
    assert!(read(&with(good, "e", json!("Aw"))).is_ok());
}

#[test]
fn nothing_of_a_key_is_printed() {
    let shown = format!("{:?}", VerifyingKey::from_secret(b"correct horse battery staple etc").unwrap());
    assert_eq!(shown, r#"VerifyingKey { kind: "secret", only: None, .. }"#);
    assert!(!format!("{:?}", read(&with(rsa_jwk(), "d", json!("hush-hush"))).unwrap_err()).contains("hush"));
}

/// What counts is the number, however it is written; null says nothing.
#[test]
fn keys_as_providers_write_them() {
    let n = BASE64URL_NOPAD.decode(N.as_bytes()).unwrap();
    let text = |bytes: &[u8]| json!(BASE64URL_NOPAD.encode(bytes));
    let padded = |bytes: &[u8]| json!(data_encoding::BASE64URL.encode(bytes));
    let zeros = |count: usize, bytes: &[u8]| [vec![0; count], bytes.to_vec()].concat();
    let plain = read(&rsa_jwk()).unwrap();
    for (member, value) in [
        ("n", text(&zeros(1, &n))),
        ("n", text(&zeros(9, &n))),
        ("n", padded(&n)),
        ("n", padded(&zeros(1, &n))),
        ("n", padded(&zeros(2, &n))),
        ("e", text(&[0, 1, 0, 1])),
        ("e", text(&[0, 0, 0, 0, 0, 0, 1, 0, 1])),
        ("e", padded(&[0, 1, 0, 1])),
    ] {
        let key = read(&with(rsa_jwk(), member, value.clone())).unwrap_or_else(|error| panic!("{value}: {error}"));
        assert!(key.is_same_key(&plain), "{value}");
    }
    for (length, jwk) in [(32, p256_jwk()), (48, p384_jwk())] {
        for member in ["x", "y"] {
            for missing in 1..=4 {
                let bytes = vec![7; length - missing];
                let whole = read(&with(jwk.clone(), member, text(&zeros(missing, &bytes)))).unwrap();
                for written in [text(&bytes), text(&zeros(missing + 1, &bytes)), padded(&bytes)] {
                    let key = read(&with(jwk.clone(), member, written)).unwrap();
                    assert!(key.is_same_key(&whole), "{member} without {missing} zeros");
                }
            }
        }
    }
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "alg", "use", "key_ops", "x5c", "x5t", "crv"] {
        let key = read(&with(rsa_jwk(), member, json!(null))).unwrap_or_else(|error| panic!("{member}: {error}"));
        assert!(key.is_same_key(&plain) && key.only.is_none());
    }
}

/// A refusal names the member, and what about it.
#[test]
fn refusals_name_the_member() {
    let n = BASE64URL_NOPAD.decode(N.as_bytes()).unwrap();
    let text = |bytes: &[u8]| json!(BASE64URL_NOPAD.encode(bytes));
    for (jwk, member, reason) in [
        (with(rsa_jwk(), "n", text(&n[..128])), "`n`", "1024 bits"),
        (with(rsa_jwk(), "n", text(&[1; 2_000])), "`n`", "15993 bits"),
        (with(rsa_jwk(), "n", json!(format!("{N} "))), "`n`", "base64url"),
        (with(rsa_jwk(), "n", json!(N.replace('_', "/"))), "`n`", "base64 and not base64url"),
        (with(rsa_jwk(), "n", json!(7)), "`n`", "no text"),
        (with(rsa_jwk(), "n", json!(null)), "`n`", "has no"),
        (with(rsa_jwk(), "n", json!("")), "`n`", "empty"),
        (with(rsa_jwk(), "e", json!("AQ")), "`e`", "odd number"),
        (with(rsa_jwk(), "d", json!("AQAB")), "`d`", "private"),
        (with(rsa_jwk(), "use", json!("enc")), "`use`", "`enc`"),
        (with(rsa_jwk(), "use", json!(["sig"])), "`use`", "no text"),
        (with(rsa_jwk(), "key_ops", json!(["sign"])), "`key_ops`", "verify"),
        (with(rsa_jwk(), "alg", json!("RSA-OAEP")), "`alg`", "`RSA-OAEP`"),
        (with(rsa_jwk(), "kty", json!("rsa")), "`kty`", "`rsa`"),
        (with(rsa_jwk(), "kty", json!("\u{1b}[31m")), "`kty`", "\\u{1b}"),
        (with(p256_jwk(), "x", text(&[1; 33])), "`x`", "33 bytes"),
        (with(p256_jwk(), "y", text(&[1; 27])), "`y`", "27 bytes"),
        (with(p256_jwk(), "crv", json!("P-384")), "`x`", "32 bytes"),
        (with(p256_jwk(), "crv", json!("secp256k1")), "`crv`", "`secp256k1`"),
        (with(p256_jwk(), "crv", json!(null)), "`crv`", "no"),
        (with(ed25519_jwk(), "x", text(&[1; 31])), "`x`", "31 bytes"),
        (with(ed25519_jwk(), "crv", json!("X25519")), "`crv`", "`X25519`"),
    ] {
        let error = read(&jwk).unwrap_err().to_string();
        assert!(error.contains(member) && error.contains(reason), "{error}");
    }
}

fn set_of(keys: Value) -> Result<KeySet> {
    KeySet::read(json!({ "keys": keys }).as_object().unwrap())
}

fn named(jwk: Value, kid: &str) -> Value {
    with(jwk, "kid", json!(kid))
}

/// Another number of the size of `N`, and as odd.
fn other_rsa_jwk() -> Value {
    let mut n = BASE64URL_NOPAD.decode(N.as_bytes()).unwrap();
    n[100] ^= 1;
    with(rsa_jwk(), "n", json!(BASE64URL_NOPAD.encode(&n)))
}

fn found(set: &KeySet, kid: Option<&str>, algorithm: Algorithm) -> String {
    match set.find(kid, &|key| key.fits(algorithm)) {
        Found::Key(key) if !key.fits(algorithm) => "none".into(),
        Found::Key(key) => format!("{key:?}").split('"').nth(1).unwrap().to_owned(),
        Found::None => "none".into(),
        Found::Many => "many".into(),
    }
}

#[test]
fn a_set_gives_the_keys_we_can_use_and_tells_of_the_others() {
    let set = set_of(json!([
        named(rsa_jwk(), "a"),
        "key",
        null,
        named(p256_jwk(), ""),
        with(ed25519_jwk(), "kid", json!(null)),
        named(json!({"kty": "oct", "k": "AAAA"}), "s"),
        with(rsa_jwk(), "kid", json!(1)),
        named(with(rsa_jwk(), "use", json!("enc")), "e"),
        named(rsa_jwk(), &"k".repeat(1_025)),
    ]))
    .unwrap();
    assert_eq!(set.usable(&ALL), ["key `a`", "key ``", "key 5, which has no `kid`"]);
    let skipped = set.skipped(&ALL);
    let expected = [
        "key 2 is no object",
        "key 3 is no object",
        "key `s`: its `kty` is `oct`",
        "key 7: its `kid` is no text",
        "key `e`: its `use` is `enc`",
        "key 9: its `kid` has 1025 bytes",
    ];
    assert_eq!(skipped.len(), expected.len(), "{skipped:?}");
    for (line, beginning) in skipped.iter().zip(expected) {
        assert!(line.starts_with(beginning), "{line}");
    }
    assert_eq!(
        set.skipped(&[Algorithm::RS256]).len(),
        expected.len() + 2,
        "what no token may be signed by is told, too"
    );
    assert_eq!(
        (found(&set, Some("a"), Algorithm::RS256), found(&set, Some("e"), Algorithm::RS256)),
        ("RSA".into(), "none".into())
    );

    assert_eq!(
        set_of(Value::Array((0..100).map(|kid| named(rsa_jwk(), &kid.to_string())).collect()))
            .unwrap()
            .usable(&ALL)
            .len(),
        100
    );
    for wrong in
        [json!({}), json!({"keys": {}}), json!({"keys": null}), json!({"keys": vec![rsa_jwk(); 101]}), rsa_jwk()]
    {
        assert_eq!(KeySet::read(wrong.as_object().unwrap()).err().unwrap().code(), "jwks_invalid");
    }
}

/// A kid is only compared.
#[test]
fn a_kid_is_any_text() {
    for kid in [
        "did:web:acme.example#key-1",
        "a@b",
        "a b",
        "{0}",
        "../../etc/passwd",
        "ключ",
        "'; DROP TABLE",
        "a\0b",
        "",
        "%2e",
        "a\nb",
    ] {
        let set = set_of(json!([named(rsa_jwk(), kid), named(p256_jwk(), "other")])).unwrap();
        assert_eq!(set.usable(&ALL).len(), 2, "{kid:?}");
        assert_eq!(found(&set, Some(kid), Algorithm::RS256), "RSA", "{kid:?}");
        assert_eq!(found(&set, Some(&format!("{kid} ")), Algorithm::RS256), "none", "{kid:?}");
        assert!(!set.usable(&ALL)[0].chars().any(char::is_control));
    }
}

#[test]
fn keys_of_one_kid_are_told_apart_where_they_can_be() {
    let alg = |jwk: Value, name: &str| with(named(jwk, "a"), "alg", json!(name));
    let (rs256, rs512, es256) = (Algorithm::RS256, Algorithm::RS512, Algorithm::ES256);
    let (one, other) = (named(rsa_jwk(), "a"), named(other_rsa_jwk(), "a"));
    let cases = [
        // One key, however often it stands there and for whatever.
        (json!([one, one]), "RSA", "RSA", "none", 0),
        (json!([one, named(with(rsa_jwk(), "n", json!(format!("{N}=="))), "a")]), "RSA", "RSA", "none", 0),
        (json!([one, alg(rsa_jwk(), "RS256")]), "RSA", "RSA", "none", 0),
        (json!([alg(rsa_jwk(), "RS256"), alg(rsa_jwk(), "RS512")]), "RSA", "RSA", "none", 0),
        // Told apart by algorithm, or by type.
        (json!([alg(rsa_jwk(), "RS256"), alg(other_rsa_jwk(), "RS512")]), "RSA", "RSA", "none", 0),
        (json!([one, named(p256_jwk(), "a")]), "RSA", "RSA", "P-256", 0),
        (json!([one, named(with(other_rsa_jwk(), "use", json!("enc")), "a")]), "RSA", "RSA", "none", 1),
        // Which one is meant cannot be told.
        (json!([one, other]), "many", "many", "none", 1),
        (json!([alg(rsa_jwk(), "RS256"), alg(other_rsa_jwk(), "RS256")]), "many", "none", "none", 1),
        (json!([alg(rsa_jwk(), "RS256"), other]), "many", "RSA", "none", 1),
        (json!([one, other, named(p256_jwk(), "a")]), "many", "many", "P-256", 1),
    ];
    for (keys, by_rs256, by_rs512, by_es256, told) in cases {
        let set = set_of(keys.clone()).unwrap();
        let all = [rs256, rs512, es256].map(|algorithm| found(&set, Some("a"), algorithm));
        assert_eq!(all, [by_rs256, by_rs512, by_es256], "{keys}");
        let skipped = set.skipped(&ALL);
        assert_eq!(skipped.len(), told, "{skipped:?}");
    }
    let set = set_of(json!([one, other])).unwrap();
    assert!(set.skipped(&[rs256])[0].contains("key `a`: ambiguous"), "{:?}", set.skipped(&[rs256]));
    assert!(set.usable(&[rs256]).is_empty());
    // Without a name the only key that fits is meant, also when it stands there under two names.
    let set = set_of(json!([one, named(rsa_jwk(), "b"), p256_jwk()])).unwrap();
    assert_eq!((found(&set, None, rs256), found(&set, None, es256)), ("RSA".into(), "P-256".into()));
    assert_eq!(found(&set_of(json!([rsa_jwk(), other_rsa_jwk()])).unwrap(), None, rs256), "many");
}
