//! Dev mode takes any key, and no text that looks like a token and does not verify.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use data_encoding::{BASE64, BASE64URL, BASE64URL_NOPAD};
use tenantry::{
    ErrorKind, Options, Tenantry,
    api::RequestCredentials,
    config::{Credential, Storage},
};

fn dev(key: Option<&str>) -> tenantry::Result<Tenantry> {
    Tenantry::open(Options {
        storage: Some(Storage::Memory),
        dev: Some(true),
        api_key: Some(Credential::new(key.unwrap_or_default())),
        ..Options::default()
    })
}

/// Headers as tokens have them, and as readers that forgive much may take them.
fn token_like() -> Vec<String> {
    let headers = [
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":"RS256","kid":"k1"}"#,
        r#" {"alg":"ES256"}"#,
        "\n\t{\"alg\":\"ES256\"}",
        "\u{feff}{\"alg\":\"ES256\"}",
        r#"{"ALG":"HS256"}"#,
        r#"{"\u0061lg":"HS256"}"#,
        r#"{"typ":"JWT","alg":"EdDSA","alg":"none"}"#,
        r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
        r#"{"alg":5}"#,
        r#"{"alg":"HS256""#,
    ];
    let deep = format!(r#"{{"alg":"none","x":{}}}"#, "[".repeat(300) + &"]".repeat(300));
    let payload = BASE64URL_NOPAD.encode(br#"{"sub":"ann","iss":"https://login.example","exp":4102444800}"#);
    let mut found = Vec::new();
    for header in headers.iter().copied().chain([deep.as_str()]) {
        for encoding in [BASE64URL_NOPAD, BASE64URL, BASE64] {
            let header = encoding.encode(header.as_bytes());
            for tail in [
                format!("{payload}.c2ln"),
                format!("{payload}."),
                ".".into(),
                format!("{payload}.!!"),
                format!("{payload}.a.b.c"),
            ] {
                found.push(format!("{header}.{tail}"));
            }
        }
    }
    found
}

#[test]
fn what_looks_like_a_token_and_does_not_verify_is_refused() {
    let client = dev(None).unwrap();
    let tokens = token_like();
    assert!(tokens.len() >= 150);
    for token in &tokens {
        for given in [token.clone(), format!(" {token}"), format!("\"{token}\""), format!("Bearer {token}")] {
            let error = client.authenticate_blocking(&RequestCredentials::token(given.clone())).err();
            let error = error.unwrap_or_else(|| panic!("{given} was taken for a key"));
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{given}: {error}");
            assert!(!error.to_string().contains(token.as_str()), "a credential is told");
        }
        for name in ["X-API-Key", "Authorization"] {
            let value = if name == "X-API-Key" { token.clone() } else { format!("Bearer {token}") };
            let error =
                client.authenticate_blocking(&RequestCredentials::headers([(name, value.as_str())])).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{name}: {error}");
        }
        let error = dev(Some(token)).err().unwrap_or_else(|| panic!("{token} opened a client"));
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    }
}

#[test]
fn any_other_key_is_taken() {
    let client = dev(None).unwrap();
    for key in [
        "hf_sk_anything",
        "x",
        "a.b.c",
        "sk-proj-1.2.3",
        "host.example.com",
        "....",
        "a..b",
        "Z29v.Z29v.Z29v",
        "key with blanks",
        "AAAA.BBBB.CCCC",
        "10.0.0.1",
        "{\"alg\":1}",
    ] {
        let tenant = client.authenticate_blocking(&RequestCredentials::token(key.to_owned())).unwrap();
        assert_eq!((tenant.account_id(), tenant.project_id()), ("dev", "default"), "{key}");
        dev(Some(key)).unwrap().own_blocking().unwrap();
    }
}
