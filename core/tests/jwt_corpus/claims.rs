//! Hostile claims, signed as they should be: only what the token says is wrong.

use serde_json::{Value, json};

use crate::{
    AUDIENCE, Corpus, ISSUER, LEEWAY, NOW, base_claims, base_header, keys::Issuer, set, signed, unset, with_claims,
};

pub fn add(corpus: &mut Corpus, issuer: &Issuer, index: usize) {
    times(corpus, issuer, index);
    names(corpus, issuer, index);
    for claim in ["iss", "aud", "sub", "exp", "account_id"] {
        corpus.add("claim missing", index, with_claims(issuer, &unset(base_claims(), claim)));
        let renamed = set(unset(base_claims(), claim), &claim.to_uppercase(), base_claims()[claim].clone());
        corpus.add("claim missing", index, with_claims(issuer, &renamed));
        let below = set(unset(base_claims(), claim), "claims", json!({ claim: base_claims()[claim] }));
        corpus.add("claim missing", index, with_claims(issuer, &below));
    }
    for claim in ["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "account_id"] {
        let own = base_claims()[claim].clone();
        for value in [
            json!(null),
            json!(true),
            json!(false),
            json!(""),
            json!([]),
            json!({}),
            json!([[own]]),
            json!({ "value": own }),
            json!({ "$eq": own }),
            json!([null]),
            json!(-7),
            json!([own, 7]),
            json!([own, null]),
            json!({ own.to_string(): true }),
        ] {
            corpus.add("claim of a wrong type", index, with_claims(issuer, &set(base_claims(), claim, value)));
        }
    }
    texts(corpus, issuer, index);
}

fn times(corpus: &mut Corpus, issuer: &Issuer, index: usize) {
    let last = 253_402_300_799_i64;
    for claim in ["exp", "nbf", "iat"] {
        for value in [
            json!(last + 1),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(-1),
            json!((NOW + 300) * 1_000), // milliseconds
            json!((NOW + 300) * 1_000_000),
            json!(-0.5),
            json!(last as f64 + 1.0),
            json!(1e300),
            json!(NOW.to_string()),
            json!((NOW + 300).to_string()),
            json!("never"),
            json!("2100-01-01T00:00:00Z"),
            json!([NOW + 300]),
            json!({"seconds": NOW + 300}),
        ] {
            corpus.add("time of a wrong kind", index, with_claims(issuer, &set(base_claims(), claim, value)));
        }
        // Numbers as they may be written, though `serde_json` would not write them so.
        for raw in [
            "-1800000300.5",
            "18000003e9",
            "-0",
            "-0.0",
            "1e999",
            "99999999999999999999999",
            "0x6b49d200",
            "01800000300",
            "+1800000300",
            "NaN",
            "Infinity",
            "1_800_000_300",
        ] {
            let text = set(base_claims(), claim, json!("@")).to_string().replace("\"@\"", raw);
            let header = base_header(issuer.algorithm).to_string();
            corpus.add("time of a wrong kind", index, signed(issuer, header.as_bytes(), text.as_bytes()));
        }
    }
    for seconds in [-LEEWAY, -LEEWAY - 1, -LEEWAY - 300, -NOW, -NOW + 1] {
        corpus.add("expired", index, with_claims(issuer, &set(base_claims(), "exp", json!(NOW + seconds))));
    }
    for seconds in [LEEWAY + 1, LEEWAY + 300, 86_400 * 365] {
        for claim in ["nbf", "iat"] {
            corpus.add("not yet valid", index, with_claims(issuer, &set(base_claims(), claim, json!(NOW + seconds))));
        }
    }
    for claim in ["nbf", "iat"] {
        corpus.add("not yet valid", index, with_claims(issuer, &set(base_claims(), claim, json!(last))));
    }
}

fn names(corpus: &mut Corpus, issuer: &Issuer, index: usize) {
    let mut changed = Vec::new();
    for iss in [
        "https://idp.example/Tenant",
        "HTTPS://idp.example/tenant",
        "https://idp.example/tenant/",
        "https://idp.example/",
        "https://idp.example/tenant ",
        " https://idp.example/tenant",
        "https://idp.example/tenant\0",
        "\0https://idp.example/tenant",
        "http://idp.example/tenant",
        "https://idp.example:443/tenant",
        "https://idp.example/./tenant",
        "https://idp.example/tenant#",
        "https://idp.example/tenant?",
        "https://idp.exаmple/tenant",
        "https://idp.example／tenant",
        "https://idp.example/ｔenant",
        "https://idp.example/tenant\u{200b}",
        "https://idp.example.evil.example/tenant",
        "https://idp.example@evil.example/tenant",
        "https://evil.example/?https://idp.example/tenant",
        "//idp.example/tenant",
        "https://idp.example/tenan",
        "*",
        "null",
        "https://idp.example/%74enant",
        "https://idp.example/tenant\n",
    ] {
        changed.push(("issuer", "iss", json!(iss)));
    }
    changed.push(("issuer", "iss", json!([ISSUER])));
    changed.push(("issuer", "iss", json!([ISSUER, "https://evil.example"])));
    changed.push(("issuer", "iss", json!({ "iss": ISSUER })));
    changed.push(("issuer", "iss", json!(ISSUER.repeat(40))));
    for aud in [
        "https://api.example/v",
        "https://api.example/v1/",
        "https://api.example/v11",
        "https://API.example/v1",
        "https://api.example/V1",
        " https://api.example/v1",
        "https://api.example/v1 ",
        "https://api.example/v1\0",
        "https://api.example/v1,other",
        "*",
        ".*",
        "https://api.example/*",
        "https://аpi.example/v1",
        "https://evil.example/https://api.example/v1",
        "other ",
        "Other",
        "othe",
        "others",
        "[\"https://api.example/v1\"]",
        "https://api.example/v1 other",
        "%",
        "account",
    ] {
        changed.push(("audience", "aud", json!(aud)));
        changed.push(("audience", "aud", json!([aud])));
    }
    for aud in [
        json!([[AUDIENCE]]),
        json!([AUDIENCE, ["x"]]),
        json!([AUDIENCE, 1]),
        json!([AUDIENCE, true]),
        json!([1, AUDIENCE]),
        json!([AUDIENCE, {}]),
        json!({ AUDIENCE: 1 }),
        json!({"0": AUDIENCE, "length": 1}),
        json!(["", ""]),
        json!([AUDIENCE, 0.5]),
        json!(vec![AUDIENCE; 65]),
        json!(vec!["x"; 64]),
        json!(0),
        json!(1),
    ] {
        changed.push(("audience", "aud", aud));
    }
    for sub in [
        json!("x".repeat(513)),
        json!("é".repeat(257)),
        json!("\0"),
        json!("alice-7f3a\0"),
        json!("\0alice-7f3a"),
        json!("alice\nadmin"),
        json!("alice\radmin"),
        json!("alice\u{7f}"),
        json!("alice\u{1b}[2J"),
        json!("alice\u{85}"),
        json!(["alice-7f3a"]),
        json!(7),
        json!({"id": "alice-7f3a"}),
    ] {
        changed.push(("subject", "sub", sub));
    }
    for jti in [json!("x".repeat(257)), json!(""), json!("a\0b"), json!(7), json!(["a"])] {
        changed.push(("token id", "jti", jti));
    }
    for account in [
        "../acme-7f3a",
        "acme-7f3a/../other",
        "acme-7f3a/",
        "acme 7f3a",
        " acme-7f3a",
        "acme-7f3a ",
        "acme-7f3a\0",
        "acme-7f3a\n",
        "аcme-7f3a",
        "-acme",
        ".",
        "..",
        "*",
        "acme*",
        "acme%",
        "' OR 1=1 --",
        "acme:7f3a",
        "acme\\7f3a",
        "acme,other",
        "acme|other",
        "acme@other",
        "${x}",
        "_",
    ] {
        changed.push(("account", "account_id", json!(account)));
    }
    changed.push(("account", "account_id", json!("a".repeat(129))));
    changed.push(("account", "account_id", json!(["acme-7f3a"])));
    changed.push(("account", "account_id", json!(["acme-7f3a", "other"])));
    changed.push(("account", "account_id", json!(7)));
    for (class, claim, value) in changed {
        corpus.add(class, index, with_claims(issuer, &set(base_claims(), claim, value)));
    }
}

/// Payloads that are no object, or one that two readers would read differently.
fn texts(corpus: &mut Corpus, issuer: &Issuer, index: usize) {
    let header = base_header(issuer.algorithm).to_string();
    let mut add = |class, raw: &[u8]| corpus.add(class, index, signed(issuer, header.as_bytes(), raw));
    let text = base_claims().to_string();
    let inside = text.strip_suffix('}').unwrap();
    for claim in ["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "account_id"] {
        let own: &Value = &base_claims()[claim];
        let escaped = format!("\\u{:04x}{}", claim.as_bytes()[0], &claim[1..]);
        let last = format!("{}\\u{:04X}", &claim[..claim.len() - 1], claim.as_bytes()[claim.len() - 1]);
        for name in [claim, &escaped, &last] {
            add("duplicate key", format!("{inside},\"{name}\":{own}}}").as_bytes());
            add("duplicate key", format!("{inside},\"{name}\":\"other\"}}").as_bytes());
            add("duplicate key", format!("{{\"{name}\":null,{}", &text[1..]).as_bytes());
        }
    }
    for raw in [
        r#""x":1,"x":1"#,
        r#""x":{"a":1,"a":1}"#,
        r#""x":{"a":1,"\u0061":1}"#,
        r#""x":[[{"a":{"b":1,"b":2}}]]"#,
        r#""":1,"":2"#,
        r#""e\u0078p":9999999999"#,
        r#""x":{"\u0000":1,"\u0000":2}"#,
    ] {
        add("duplicate key", format!("{inside},{raw}}}").as_bytes());
    }
    for levels in [65, 66, 100, 127, 128, 129, 1_000, 5_000] {
        add("deep nesting", format!("{inside},\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels)).as_bytes());
        add("deep nesting", format!("{inside},\"x\":{}", "[".repeat(levels)).as_bytes());
        let levels = levels.min(1_500);
        add("deep nesting", format!("{inside},\"x\":{}1{}}}", "{\"a\":".repeat(levels), "}".repeat(levels)).as_bytes());
    }
    // A key that stands twice below where reading stops.
    let deep = format!("{inside},\"x\":{}{{\"a\":1,\"a\":2}}{}}}", "[".repeat(70), "]".repeat(70));
    add("deep nesting", deep.as_bytes());
    for raw in [
        "".into(),
        " ".into(),
        "{}".into(),
        "[]".into(),
        "null".into(),
        "true".into(),
        "0".into(),
        "\"\"".into(),
        "{".into(),
        inside.to_owned(),
        format!("[{text}]"),
        json!(text).to_string(),
        format!("{text}{text}"),
        format!("{text},"),
        format!("{text}\0"),
        format!("\0{text}"),
        format!("\u{feff}{text}"),
        format!("{text}//"),
        format!("/**/{text}"),
        format!("{inside},}}"),
        format!("{inside},\"x\":\"\\ud800\"}}"),
        format!("{inside},\"x\":\"\\udc00\\ud800\"}}"),
        format!("{inside},\"x\":\"\u{1}\"}}"),
        format!("{inside},\"x\":\"\n\"}}"),
        format!("{inside},\"x\":undefined}}"),
        format!("{inside},x:1}}"),
        format!("{inside},\"x\":'1'}}"),
        format!("{inside},\"x\":\"\\x41\"}}"),
        text.replace('"', "'"),
        text.replace(':', "="),
        format!("{inside},\"x\":01}}"),
        format!("{inside},\"x\":.5}}"),
        format!("\u{a0}{text}"),
        format!("{text}\u{2028}"),
    ] {
        add("payload text", raw.as_bytes());
    }
    for bytes in [
        &[0xff][..],
        &[0xc0, 0xaf],
        &[0xed, 0xa0, 0x80],
        &[0xf4, 0x90, 0x80, 0x80],
        &[0x80],
        &[0xe2, 0x82],
        &[0xc0, 0x80],
    ] {
        add("invalid UTF-8", &[inside.as_bytes(), b",\"x\":\"", bytes, b"\"}"].concat());
        add("invalid UTF-8", &[text.as_bytes(), bytes].concat());
        add("invalid UTF-8", &[inside.as_bytes(), b",\"", bytes, b"\":1}"].concat());
        add(
            "invalid UTF-8",
            text.replace("alice", "\u{1}")
                .as_bytes()
                .iter()
                .flat_map(|byte| if *byte == 1 { bytes.to_vec() } else { vec![*byte] })
                .collect::<Vec<_>>()
                .as_slice(),
        );
    }
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    add("invalid UTF-8", &wide);
    add("invalid UTF-8", &[&[0xff, 0xfe], &wide[..]].concat());
}
