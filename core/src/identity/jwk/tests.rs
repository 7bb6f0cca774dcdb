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
        modulus(&[&[0], &n[..]].concat()),
        modulus(&[0xff; 1025]),
        modulus(&[]),
        with(rsa_jwk(), "n", json!(format!("{N}="))),
        with(rsa_jwk(), "n", json!(N.replace('-', "+").replace('_', "/"))),
        with(rsa_jwk(), "n", json!([N])),
        exponent(&[]),
        exponent(&[0]),
        exponent(&[1]),
        exponent(&[2]),
        exponent(&[0, 1, 0, 1]),
        exponent(&[1, 0, 0]),
        exponent(&[2, 0, 0, 0, 1]),
        exponent(&[1; 9]),
        with(p256_jwk(), "crv", json!("P-384")),
        with(p256_jwk(), "crv", json!("P-521")),
        with(p256_jwk(), "crv", json!("secp256k1")),
        with(p256_jwk(), "x", json!(BASE64URL_NOPAD.encode(&[1; 31]))),
        with(p256_jwk(), "y", json!("")),
        with(p256_jwk(), "kty", json!("OKP")),
        with(ed25519_jwk(), "crv", json!("X25519")),
        with(ed25519_jwk(), "crv", json!("Ed448")),
        with(ed25519_jwk(), "x", json!(BASE64URL_NOPAD.encode(&[1; 33]))),
    ];
    for (member, value) in [
        ("use", json!("enc")),
        ("use", json!(null)),
        ("use", json!(["sig"])),
        ("key_ops", json!(["sign"])),
        ("key_ops", json!([])),
        ("key_ops", json!("verify")),
        ("key_ops", json!(["verify", 1])),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!(null)),
    ] {
        refused.push(with(rsa_jwk(), member, value));
    }
    for jwk in &refused {
        let error = read(jwk).expect_err(&jwk.to_string());
        assert_eq!(error.code(), "jwk_invalid", "{jwk}");
    }
    for member in ["d", "p", "oth", "k"] {
        for jwk in [rsa_jwk(), p256_jwk(), ed25519_jwk()] {
            assert_eq!(read(&with(jwk, member, json!(null))).unwrap_err().code(), "jwk_private");
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

#[test]
fn a_set_gives_the_keys_we_can_use_by_unambiguous_names() {
    let set = |keys: Value| key_set(json!({ "keys": keys }).as_object().unwrap());
    let kids = |keys: Value| set(keys).unwrap().into_iter().map(|(kid, _)| kid).collect::<Vec<_>>();
    let named = |jwk: Value, kid: &str| with(jwk, "kid", json!(kid));
    let some = |kid: &str| Some(kid.to_owned());
    assert_eq!(
        kids(json!([named(rsa_jwk(), "a"), p256_jwk(), named(ed25519_jwk(), "a/b+c=:~._-"), ed25519_jwk()])),
        [some("a"), None, some("a/b+c=:~._-"), None]
    );
    // Two that could be meant are none; one for another purpose is not in the way.
    assert_eq!(kids(json!([named(rsa_jwk(), "a"), named(p256_jwk(), "b"), named(rsa_jwk(), "a")])), [some("b")]);
    assert_eq!(kids(json!([named(rsa_jwk(), "a"), with(named(rsa_jwk(), "a"), "use", json!("enc"))])), [some("a")]);
    let unusable = json!([
        "key", null, 7, {"kty": "oct", "k": "AAAA"}, with(rsa_jwk(), "d", json!("AA")), with(rsa_jwk(), "kid", json!(1)),
        named(rsa_jwk(), ""), named(rsa_jwk(), "a b"), named(rsa_jwk(), "a\0"), named(rsa_jwk(), &"k".repeat(129)),
    ]);
    assert_eq!(kids(unusable), []);
    assert_eq!(kids(Value::Array(vec![rsa_jwk(); 100])).len(), 100);
    for wrong in [json!({}), json!({"keys": {}}), json!({"keys": null}), json!({"keys": vec![rsa_jwk(); 101]})] {
        assert_eq!(key_set(wrong.as_object().unwrap()).unwrap_err().code(), "jwks_invalid");
    }
}
