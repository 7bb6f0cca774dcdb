//! Hostile headers and spellings, and the algorithms they name.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};
use tenantry::api::Algorithm;

use crate::{
    Corpus, base_claims, base_header,
    keys::{Issuer, KID, mac},
    set, signed, signed_text, unset, with_claims, with_header,
};

/// Signed by the issuer's own key, with an algorithm the issuer does not take.
pub const OWN_KEY: &str = "algorithm of another kind, own key";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub fn add(corpus: &mut Corpus, issuers: &[Issuer; 8], index: usize) {
    let issuer = &issuers[index];
    let base = with_claims(issuer, &base_claims());
    unsigned(corpus, issuer, index, &base);
    swapped(corpus, issuers, index, &base);
    headers(corpus, issuer, index);
    spellings(corpus, issuer, index, &base);
}

fn encoded(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

fn parts(text: &str) -> [&str; 3] {
    text.split('.').collect::<Vec<_>>().try_into().unwrap()
}

fn unsigned(corpus: &mut Corpus, issuer: &Issuer, index: usize, base: &str) {
    let [_, payload, signature] = parts(base);
    let names =
        ["none", "None", "nOnE", "NONE", "", " ", "null", "HS384", "HS512", "PS384", "PS512", "ES512", "ES256K"];
    let spelled =
        ["hs256", "rs256", "RS256 ", " RS256", "RS256\0", "ＲＳ256", "EDDSA", "Ed25519", "RSA-OAEP", "dir", "A128KW"];
    let others = [json!(null), json!(true), json!(0), json!(["none"]), json!(["RS256"]), json!({"alg": "RS256"})];
    for alg in names.iter().chain(&spelled).map(|name| json!(name)).chain(others) {
        let header = encoded(&json!({"alg": alg, "typ": "JWT", "kid": KID}));
        for end in ["", signature, "AA", "bm9uZQ"] {
            corpus.add("no algorithm of ours", index, format!("{header}.{payload}.{end}"));
        }
        corpus.add("no algorithm of ours", index, format!("{header}.{payload}"));
        // Signed as it should be, so that only the name is wrong.
        corpus.add("no algorithm of ours", index, signed_text(issuer, &format!("{header}.{payload}")));
    }
    let header = encoded(&json!({"typ": "JWT", "kid": KID}));
    corpus.add("no algorithm of ours", index, format!("{header}.{payload}.{signature}"));
}

fn swapped(corpus: &mut Corpus, issuers: &[Issuer; 8], index: usize, base: &str) {
    let issuer = &issuers[index];
    let [_, payload, signature] = parts(base);
    for other in issuers.iter().filter(|other| other.algorithm != issuer.algorithm) {
        let start = format!("{}.{payload}", encoded(&base_header(other.algorithm)));
        corpus.add("algorithm swapped, signature kept", index, format!("{start}.{signature}"));
        let own_key = issuer.signer.can(other.algorithm);
        let class = if own_key { OWN_KEY } else { "algorithm swapped, key of its kind" };
        let resigned = other.signer.sign(other.algorithm, start.as_bytes());
        corpus.add(class, index, format!("{start}.{}", BASE64URL_NOPAD.encode(&resigned)));
        if own_key {
            // The header says one algorithm and the signature is of the other, for RSA with its four.
            let start = format!("{}.{payload}", encoded(&base_header(issuer.algorithm)));
            let resigned = issuer.signer.sign(other.algorithm, start.as_bytes());
            let text = format!("{start}.{}", BASE64URL_NOPAD.encode(&resigned));
            corpus.add("signature of another algorithm", index, text);
        }
    }
    for algorithm in [Algorithm::HS256, issuer.algorithm] {
        let start = format!("{}.{payload}", encoded(&base_header(algorithm)));
        for spelling in issuer.signer.public_spellings() {
            let text = format!("{start}.{}", BASE64URL_NOPAD.encode(&mac(&spelling, start.as_bytes())));
            corpus.add("public key as a secret", index, text);
        }
    }
    // Whoever knows no key at all.
    let start = format!("{}.{payload}", encoded(&base_header(issuer.algorithm)));
    for secret in [&b""[..], b"secret", b"changeme", &[0; 32], &[0; 64], KID.as_bytes(), b"your-256-bit-secret"] {
        let text = format!("{start}.{}", BASE64URL_NOPAD.encode(&mac(secret, start.as_bytes())));
        corpus.add("guessed secret", index, text);
    }
    let by_stranger = issuer.stranger.sign(issuer.algorithm, start.as_bytes());
    corpus.add("wrong key", index, format!("{start}.{}", BASE64URL_NOPAD.encode(&by_stranger)));
    let without_kid = format!("{}.{payload}", encoded(&unset(base_header(issuer.algorithm), "kid")));
    let by_stranger = issuer.stranger.sign(issuer.algorithm, without_kid.as_bytes());
    corpus.add("wrong key", index, format!("{without_kid}.{}", BASE64URL_NOPAD.encode(&by_stranger)));
    let of_another = with_claims(issuer, &set(base_claims(), "sub", json!("mallory")));
    corpus.add("signature of another token", index, format!("{start}.{}", parts(&of_another)[2]));
    corpus.add("signature of another token", index, format!("{start}.{}", parts(base)[0]));
}

fn headers(corpus: &mut Corpus, issuer: &Issuer, index: usize) {
    let base = base_header(issuer.algorithm);
    let mut members = vec![
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(null)),
        ("crit", json!("exp")),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("cty", json!("JWT")),
        ("cty", json!("json")),
        ("jwk", json!(null)),
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("x5c", json!(["MIIB"])),
        ("x5c", json!([])),
        ("typ", json!("JWE")),
        ("typ", json!("JOSE+JSON")),
        ("typ", json!("dpop+jwt")),
        ("typ", json!("logout+jwt")),
        ("typ", json!("JWT\0")),
        ("typ", json!("")),
        ("typ", json!(1)),
        ("typ", json!(null)),
        ("typ", json!(["JWT"])),
    ];
    for url in ["https://evil.example/keys", "http://169.254.169.254/", "file:///etc/passwd", "gopher://x", ""] {
        members.extend([("jku", json!(url)), ("x5u", json!(url))]);
    }
    for kid in [
        "../../../../etc/passwd",
        "/dev/null",
        "..\\..\\windows\\win.ini",
        "file:///etc/passwd",
        "https://evil.example/k",
        "' OR '1'='1",
        "x' UNION SELECT 'secret' --",
        "key-7f3a\0",
        "\0",
        "key-7f3a ",
        " key-7f3a",
        "KEY-7F3A",
        "key-7f3",
        "key-7f3a.",
        "",
        "*",
        "%",
        "key-7f3a\n",
        "$(id)",
        "{{7*7}}",
        "|id",
        "кey-7f3a",
        "__proto__",
        "0",
        "undefined",
    ] {
        members.push(("kid", json!(kid)));
    }
    members.extend([
        ("kid", json!("k".repeat(128))),
        ("kid", json!("k".repeat(129))),
        ("kid", json!("k".repeat(8_000))),
    ]);
    members.extend([json!([KID]), json!({"kid": KID}), json!(null), json!(7), json!(true)].map(|kid| ("kid", kid)));
    for (member, value) in members {
        corpus.add("header member", index, with_header(issuer, &set(base.clone(), member, value)));
    }
    // Both at once: what is critical is `b64`, and the payload is as it stands.
    let header = set(set(base.clone(), "b64", json!(false)), "crit", json!(["b64"]));
    corpus.add("header member", index, with_header(issuer, &header));
    corpus.add("header member", index, signed_text(issuer, &format!("{}.{}", encoded(&header), "payload")));
    // It brings the key that verifies it.
    if let Some(jwk) = issuer.stranger.jwk() {
        for header in [set(base.clone(), "jwk", jwk.clone()), unset(set(base.clone(), "jwk", jwk), "kid")] {
            let start = format!("{}.{}", encoded(&header), encoded(&base_claims()));
            let signature = BASE64URL_NOPAD.encode(&issuer.stranger.sign(issuer.algorithm, start.as_bytes()));
            corpus.add("its own key", index, format!("{start}.{signature}"));
        }
    }
    let claims = base_claims().to_string();
    let text = base.to_string();
    let name = json!(issuer.algorithm).to_string();
    let inside = text.strip_suffix('}').unwrap();
    for raw in [
        format!(r#"{inside},"alg":"none"}}"#),
        format!(r#"{inside},"alg":{name}}}"#),
        format!(r#"{inside},"\u0061lg":"none"}}"#),
        format!(r#"{inside},"kid":"other"}}"#),
        format!(r#"{inside},"k\u0069d":"key-7f3a"}}"#),
        format!(r#"{inside},"x":{{"y":[{{"z":1,"\u007a":2}}]}}}}"#),
        format!(r#"{inside},"x":{}{}}}"#, "[".repeat(65), "]".repeat(65)),
        format!(r#"{inside},"x":{}{}}}"#, "[".repeat(4_000), "]".repeat(4_000)),
        format!("{inside},\"x\":{}", "[".repeat(4_000)),
        format!("{inside},}}"),
        format!("{text}{text}"),
        format!("{text}\0"),
        format!("\u{feff}{text}"),
        format!("[{text}]"),
        format!("/**/{text}"),
        text.replace('"', "'"),
        json!(text).to_string(),
        "{}".into(),
        "[]".into(),
        "null".into(),
        "\"\"".into(),
        inside.to_owned(),
    ] {
        corpus.add("header text", index, signed(issuer, raw.as_bytes(), claims.as_bytes()));
    }
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for raw in [text.replace("JWT", "J\u{1}T").into_bytes(), wide, [text.as_bytes(), &[0xff]].concat()] {
        corpus.add("header text", index, signed(issuer, &raw, claims.as_bytes()));
    }
}

fn spellings(corpus: &mut Corpus, issuer: &Issuer, index: usize, base: &str) {
    let [header, payload, signature] = parts(base);
    let start = format!("{header}.{payload}");
    // Every letter of what was signed.
    for (at, letter) in start.bytes().enumerate().filter(|(_, letter)| *letter != b'.') {
        let value = ALPHABET.iter().position(|known| *known == letter).unwrap();
        let mut changed = base.as_bytes().to_vec();
        changed[at] = ALPHABET[value ^ (1 << (at % 6))];
        corpus.add("bit flipped in header or payload", index, String::from_utf8(changed).unwrap());
    }
    // Inside, outside and between; signed anew where what is signed has changed, so that only the spelling is wrong.
    for stray in [" ", "\n", "\r\n", "\t", "\0", "=", "==", "%3D", "\u{feff}", "\u{a0}", "*", ".", "..", ",", "é"] {
        for at in [0, 5, header.len(), header.len() + 1, header.len() + 9, start.len()] {
            let changed = format!("{}{stray}{}", &start[..at], &start[at..]);
            corpus.add("stray characters", index, format!("{changed}.{signature}"));
            corpus.add("stray characters", index, signed_text(issuer, &changed));
        }
        for at in [start.len() + 1, start.len() + 7, base.len()] {
            corpus.add("stray characters", index, format!("{}{stray}{}", &base[..at], &base[at..]));
        }
    }
    for scheme in ["Bearer ", "bearer ", "JWT ", "\"", "access_token="] {
        corpus.add("stray characters", index, format!("{scheme}{base}"));
    }
    for texts in [
        ["", payload, signature],
        [header, "", signature],
        [header, payload, ""],
        ["", "", signature],
        [header, "", ""],
        ["", "", ""],
        [payload, header, signature],
        [header, header, signature],
        [payload, payload, signature],
        [signature, payload, header],
        [header, signature, payload],
    ] {
        corpus.add("parts", index, texts.join("."));
    }
    for texts in [
        vec![header],
        vec![header, payload],
        vec![payload, signature],
        vec![header, payload, signature, signature],
        vec![header, payload, signature, ""],
        vec!["", header, payload, signature],
        vec![header, payload, "", signature],
        vec![header, payload, signature, signature, signature],
    ] {
        corpus.add("parts", index, texts.join("."));
    }
    corpus.add("parts", index, signed_text(issuer, &format!("{header}.")));
    corpus.add("parts", index, signed_text(issuer, &format!(".{payload}")));
    corpus.add("parts", index, signed_text(issuer, &format!("{start}.{payload}")));
    let standard = base.replace('-', "+").replace('_', "/");
    assert_ne!(standard, base);
    corpus.add("other base64", index, standard);
    corpus.add("other base64", index, signed_text(issuer, &start.replace('-', "+").replace('_', "/")));
    // Of a signature of 96 bytes, one in 56 has no digit that the alphabets write differently, and no padding.
    let other = BASE64.encode(&BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap());
    if other != signature {
        corpus.add("other base64", index, format!("{start}.{other}"));
    }
    corpus.add("other base64", index, base.to_ascii_lowercase());
    corpus.add("other base64", index, signed_text(issuer, &format!("{}.{}", base_header(issuer.algorithm), payload)));
    spare_bits(corpus, issuer, index, base);
    // Other serialisations, and what is encrypted.
    let json_form = json!({"payload": payload, "protected": header, "signature": signature});
    corpus.add("JSON form", index, json_form.to_string());
    let general = json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]});
    corpus.add("JSON form", index, general.to_string());
    corpus.add("JSON form", index, json!(base).to_string());
    let encrypted = encoded(&json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT"}));
    for header in [&encrypted[..], header] {
        corpus.add("encrypted", index, format!("{header}..{payload}.{signature}.{signature}"));
        corpus.add("encrypted", index, format!("{header}.{payload}.{payload}.{signature}.{signature}"));
    }
    corpus.add("nested", index, signed(issuer, base_header(issuer.algorithm).to_string().as_bytes(), base.as_bytes()));
    let nested = set(base_header(issuer.algorithm), "cty", json!("JWT"));
    corpus.add("nested", index, signed(issuer, nested.to_string().as_bytes(), base.as_bytes()));
    for (class, text) in [
        ("too large", "A".repeat(1 << 20)),
        ("too large", ".".repeat(1 << 20)),
        ("too large", format!("{base}{}", "A".repeat(1 << 20))),
        ("too large", with_claims(issuer, &set(base_claims(), "pad", json!("x".repeat(1 << 20))))),
        ("too large", with_claims(issuer, &set(base_claims(), "pad", json!("x".repeat(12_300))))),
        ("rubbish", String::new()),
        ("rubbish", ".".repeat(16_000)),
        ("rubbish", "A".repeat(16_000)),
    ] {
        corpus.add(class, index, text);
    }
}

/// The last letter of a part may carry bits that decode to nothing: other spellings of the same bytes.
fn spare_bits(corpus: &mut Corpus, issuer: &Issuer, index: usize, base: &str) {
    let respelled = |part: &str| -> Vec<String> {
        let spare = [0, 0, 4, 2][part.len() % 4];
        let (rest, last) = part.split_at(part.len() - usize::from(!part.is_empty()));
        let value = ALPHABET.iter().position(|known| *known == last.as_bytes()[0]).unwrap();
        (1..1_usize << spare).map(|bits| format!("{rest}{}", char::from(ALPHABET[value | bits]))).collect()
    };
    let (start, signature) = base.rsplit_once('.').unwrap();
    for signature in respelled(signature) {
        corpus.add("spare bits", index, format!("{start}.{signature}"));
    }
    for length in 0..3 {
        let pad = "x".repeat(length);
        let header = encoded(&set(base_header(issuer.algorithm), "pad", json!(pad)));
        let payload = encoded(&set(base_claims(), "pad", json!(pad)));
        for other in respelled(&header) {
            corpus.add("spare bits", index, signed_text(issuer, &format!("{other}.{payload}")));
        }
        for other in respelled(&payload) {
            corpus.add("spare bits", index, signed_text(issuer, &format!("{header}.{other}")));
        }
    }
}
