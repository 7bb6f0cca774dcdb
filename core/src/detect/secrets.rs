//! Finds credentials: formats with a known prefix, and assignments to names such as `password`. Owns its table and the
//! one automaton built from it; touches nothing.
//!
//! The automaton proposes, a bounded validator disposes: each hit costs a constant, so no text can be slow.

mod assignments;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;

use super::{
    Hit,
    bytes::{before, byte, distinct, is_base64, is_token, is_word, part, run_end, window_before},
};
use crate::api::Severity;

/// The kind of assignments whose value is told by the name alone.
const API_KEY: &str = "api_key";

/// Longest token looked at; longer runs are cut, which still covers every real format.
const LONGEST: usize = 4096;

#[derive(Clone, Copy)]
enum Alphabet {
    /// Letters and digits.
    Alnum,
    /// Also `_` and `-`.
    Token,
    /// Also `.`, `+`, `/` and `=`.
    Wide,
    /// Lower-case hexadecimal.
    Hex,
}

impl Alphabet {
    const fn has(self, b: u8) -> bool {
        match self {
            Self::Alnum => b.is_ascii_alphanumeric(),
            Self::Token => is_token(b),
            Self::Wide => is_token(b) || matches!(b, b'.' | b'+' | b'/' | b'=' | b'~'),
            Self::Hex => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        }
    }
}

/// A prefix in its exact case, then `least..=most` characters of `alphabet`.
struct Format {
    prefix: &'static str,
    kind: &'static str,
    alphabet: Alphabet,
    least: usize,
    most: usize,
}

const fn format(prefix: &'static str, kind: &'static str, alphabet: Alphabet, least: usize, most: usize) -> Format {
    Format { prefix, kind, alphabet, least, most }
}

use Alphabet::{Alnum, Hex, Token, Wide};

const FORMATS: &[Format] = &[
    format("ghp_", "github_token", Alnum, 36, 255),
    format("gho_", "github_token", Alnum, 36, 255),
    format("ghu_", "github_token", Alnum, 36, 255),
    format("ghs_", "github_token", Alnum, 36, 255),
    format("ghr_", "github_token", Alnum, 36, 255),
    format("github_pat_", "github_fine_grained", Token, 22, 255),
    format("glpat-", "gitlab_token", Token, 20, 255),
    format("gldt-", "gitlab_token", Token, 20, 255),
    format("glrt-", "gitlab_token", Token, 20, 255),
    format("glptt-", "gitlab_token", Token, 20, 255),
    format("xoxb-", "slack_token", Token, 10, 255),
    format("xoxp-", "slack_token", Token, 10, 255),
    format("xoxa-", "slack_token", Token, 10, 255),
    format("xoxr-", "slack_token", Token, 10, 255),
    format("xoxs-", "slack_token", Token, 10, 255),
    format("xapp-", "slack_token", Token, 20, 255),
    format("hooks.slack.com/services/T", "slack_token", Wide, 20, 255),
    format("sk_live_", "stripe_key", Alnum, 16, 255),
    format("sk_test_", "stripe_key", Alnum, 16, 255),
    format("rk_live_", "stripe_key", Alnum, 16, 255),
    format("rk_test_", "stripe_key", Alnum, 16, 255),
    format("whsec_", "stripe_key", Wide, 24, 255),
    format("sk-proj-", "openai_key", Token, 16, 255),
    format("sk-svcacct-", "openai_key", Token, 16, 255),
    format("sk-admin-", "openai_key", Token, 16, 255),
    format("sk-ant-", "anthropic_key", Token, 16, 255),
    format("sk-", "openai_key", Alnum, 20, 255),
    format("AIza", "gcp_api_key", Token, 35, 39),
    format("GOCSPX-", "gcp_api_key", Token, 28, 28),
    format("ya29.", "gcp_api_key", Token, 20, 1024),
    format("npm_", "npm_token", Alnum, 36, 36),
    format("pypi-AgE", "pypi_token", Token, 16, 1024),
    format("hf_", "huggingface_token", Alnum, 30, 64),
    format("SK", "twilio_key", Hex, 32, 32),
    // Formats without a kind of their own in the contract.
    format("dop_v1_", API_KEY, Hex, 64, 64),
    format("doo_v1_", API_KEY, Hex, 64, 64),
    format("shpat_", API_KEY, Alnum, 32, 32),
    format("shpss_", API_KEY, Alnum, 32, 32),
    format("shpca_", API_KEY, Alnum, 32, 32),
    format("shppa_", API_KEY, Alnum, 32, 32),
    format("dapi", API_KEY, Hex, 32, 32),
    format("hvs.", API_KEY, Token, 24, 255),
    format("hvb.", API_KEY, Token, 24, 255),
    format("sq0atp-", API_KEY, Token, 22, 60),
    format("sq0csp-", API_KEY, Token, 40, 60),
    format("EAAA", API_KEY, Token, 56, 100),
    format("NRAK-", API_KEY, Alnum, 27, 27),
    format("lin_api_", API_KEY, Alnum, 32, 64),
    format("ntn_", API_KEY, Alnum, 40, 60),
    format("dckr_pat_", API_KEY, Token, 24, 64),
    format("figd_", API_KEY, Token, 32, 64),
    format("r8_", API_KEY, Alnum, 37, 37),
    format("gsk_", API_KEY, Alnum, 40, 64),
    format("xai-", API_KEY, Alnum, 60, 100),
    format("pplx-", API_KEY, Alnum, 40, 64),
    format("tvly-", API_KEY, Token, 24, 64),
    format("PMAK-", API_KEY, Token, 40, 80),
    format("rubygems_", API_KEY, Hex, 48, 48),
    format("sntrys_", API_KEY, Wide, 40, 255),
    format("sntryu_", API_KEY, Hex, 64, 64),
    format("AGE-SECRET-KEY-1", API_KEY, Alnum, 50, 64),
    format("pscale_tkn_", API_KEY, Wide, 32, 64),
    format("pscale_pw_", API_KEY, Wide, 32, 64),
    format("glsa_", API_KEY, Token, 32, 64),
    format("glc_ey", API_KEY, Wide, 32, 400),
    format("dp.pt.", API_KEY, Alnum, 40, 64),
    format("CFPAT-", API_KEY, Token, 40, 64),
    format("ATATT3", API_KEY, Wide, 60, 255),
    format("ATBB", API_KEY, Alnum, 28, 40),
    format("FlyV1 fm2_", API_KEY, Wide, 60, 1024),
    format("fo1_", API_KEY, Token, 40, 64),
    format("aio_", API_KEY, Alnum, 28, 28),
    format("ops_eyJ", API_KEY, Wide, 100, 2048),
    format("pat-na1-", API_KEY, Token, 36, 36),
    format("sgp_", API_KEY, Token, 40, 80),
    format("AKCp", API_KEY, Alnum, 60, 80),
    format("oy2", API_KEY, Alnum, 43, 43),
    format("PRT", API_KEY, Hex, 64, 64),
    format("xkeysib-", API_KEY, Token, 64, 100),
    format("key-", API_KEY, Hex, 32, 32),
    format("EZAK", API_KEY, Alnum, 54, 54),
    format("EZTK", API_KEY, Alnum, 54, 54),
    format("duffel_live_", API_KEY, Token, 40, 48),
    format("duffel_test_", API_KEY, Token, 40, 48),
    format("live_pub_", API_KEY, Token, 24, 48),
    format("secret_", API_KEY, Alnum, 43, 43),
    format("tfp_", API_KEY, Token, 44, 64),
    format("dt0c01.", API_KEY, Wide, 80, 100),
    format("bkua_", API_KEY, Alnum, 40, 40),
    format("frpt_", API_KEY, Alnum, 40, 60),
    format("phx_", API_KEY, Alnum, 40, 50),
];

/// Hits that need more than a prefix and an alphabet.
#[derive(Clone, Copy)]
enum Shape {
    Format(usize),
    AwsAccessKey,
    AwsSecretKey,
    PrivateKey,
    Jwt,
    Bearer,
    Basic,
    Url,
    Sendgrid,
    AzureKey,
    Assignment(&'static str),
}

const SHAPES: &[(&str, Shape)] = &[
    ("akia", Shape::AwsAccessKey),
    ("asia", Shape::AwsAccessKey),
    ("abia", Shape::AwsAccessKey),
    ("acca", Shape::AwsAccessKey),
    ("secret_access_key", Shape::AwsSecretKey),
    ("secretaccesskey", Shape::AwsSecretKey),
    ("aws_secret_key", Shape::AwsSecretKey),
    ("-----begin", Shape::PrivateKey),
    ("eyj", Shape::Jwt),
    ("bearer", Shape::Bearer),
    ("basic", Shape::Basic),
    ("://", Shape::Url),
    ("sg.", Shape::Sendgrid),
    ("accountkey=", Shape::AzureKey),
    ("sharedaccesskey=", Shape::AzureKey),
    ("password", Shape::Assignment("password")),
    ("passwd", Shape::Assignment("password")),
    ("passphrase", Shape::Assignment("password")),
    ("passwort", Shape::Assignment("password")),
    ("pwd", Shape::Assignment("password")),
    ("pass", Shape::Assignment("password")),
    ("api_key", Shape::Assignment(API_KEY)),
    ("apikey", Shape::Assignment(API_KEY)),
    ("api-key", Shape::Assignment(API_KEY)),
    ("api key", Shape::Assignment(API_KEY)),
    ("access_key", Shape::Assignment(API_KEY)),
    ("accesskey", Shape::Assignment(API_KEY)),
    ("account_key", Shape::Assignment(API_KEY)),
    ("application_key", Shape::Assignment(API_KEY)),
    ("app_key", Shape::Assignment(API_KEY)),
    ("consumer_key", Shape::Assignment(API_KEY)),
    ("consumerkey", Shape::Assignment(API_KEY)),
    ("client_key", Shape::Assignment(API_KEY)),
    ("secret-key", Shape::Assignment("secret")),
    ("auth_key", Shape::Assignment(API_KEY)),
    ("authkey", Shape::Assignment(API_KEY)),
    ("secret", Shape::Assignment("secret")),
    ("private_key", Shape::Assignment("secret")),
    ("privatekey", Shape::Assignment("secret")),
    ("encryption_key", Shape::Assignment("secret")),
    ("signing_key", Shape::Assignment("secret")),
    ("credential", Shape::Assignment("secret")),
    ("token", Shape::Assignment("token")),
];

struct Table {
    automaton: Option<AhoCorasick>,
    shapes: Vec<Shape>,
}

/// Patterns in lower case, matched without regard to ASCII case; exact case is the validators' business.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let formats = FORMATS.iter().enumerate().map(|(at, format)| (format.prefix, Shape::Format(at)));
    let (patterns, shapes): (Vec<&str>, Vec<Shape>) = formats.chain(SHAPES.iter().copied()).unzip();
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(patterns)
        .ok();
    Table { automaton, shapes }
});

/// Adds every secret in `text`. `hint` is the name of the argument that `text` is the value of.
pub(super) fn scan(text: &str, hint: Option<&str>, hits: &mut Vec<Hit>) {
    let table = &*TABLE;
    // INVARIANT: the table is a constant and small, so the automaton always exists (a test holds it).
    let Some(automaton) = &table.automaton else { return };
    let bytes = text.as_bytes();
    let mut generic: Vec<Hit> = Vec::new();
    // A private key ends the search for further headers inside it, or many headers would each scan the whole text.
    let mut key_until = 0;
    for found in automaton.find_overlapping_iter(bytes) {
        let (start, end) = (found.start(), found.end());
        let Some(shape) = table.shapes.get(found.pattern().as_usize()) else { continue };
        let hit = match *shape {
            Shape::Format(at) => FORMATS.get(at).and_then(|format| known_format(bytes, start, format)),
            Shape::AwsAccessKey => aws_access_key(bytes, start),
            Shape::AwsSecretKey => aws_secret_key(bytes, end),
            Shape::PrivateKey if start >= key_until => private_key(bytes, start, end),
            Shape::PrivateKey => None,
            Shape::Jwt => jwt(bytes, start),
            Shape::Bearer => header_value(bytes, start, end, 20, "bearer_token"),
            Shape::Basic => basic(bytes, start, end),
            Shape::Url => url_credentials(bytes, start),
            Shape::Sendgrid => sendgrid(bytes, start),
            Shape::AzureKey => azure_key(bytes, end),
            Shape::Assignment(kind) => {
                generic.extend(assignments::assigned(bytes, start, end, kind));
                None
            }
        };
        if let Some(hit) = hit {
            if hit.kind == "private_key" {
                key_until = hit.end;
            }
            hits.push(hit);
        }
    }
    if hits.is_empty() && generic.is_empty() {
        // Nothing in the text itself: its name may still say what it is.
        generic.extend(hint.and_then(|name| assignments::named(name, bytes)));
    }
    settle(bytes, hits, generic);
}

/// Whether a name says that its value is a secret; cheap, and right to say so too often.
pub(super) fn announces(name: &str) -> bool {
    let table = &*TABLE;
    let is_word = |shape: &Shape| matches!(shape, Shape::Assignment(_) | Shape::AwsSecretKey);
    let Some(automaton) = &table.automaton else { return false };
    name.len() >= 3
        && (super::bytes::contains_folded(name.as_bytes(), b"auth")
            || automaton
                .find_overlapping_iter(name)
                .any(|found| table.shapes.get(found.pattern().as_usize()).is_some_and(is_word)))
}

/// Orders the hits, drops guesses that a known format explains, and keeps apart what covers what.
fn settle(bytes: &[u8], hits: &mut Vec<Hit>, generic: Vec<Hit>) {
    if hits.is_empty() && generic.is_empty() {
        return;
    }
    hits.sort_unstable_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)).then(a.kind.cmp(b.kind)));
    hits.dedup_by(|later, first| later.start == first.start && later.end == first.end && later.kind == first.kind);
    let mut reach = 0;
    for hit in hits.iter_mut() {
        hit.counted = hit.end > reach;
        reach = reach.max(hit.end);
    }
    let known = hits.len();
    let mut generic = generic;
    generic.sort_unstable_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
    let (mut next, mut known_reach, mut guess_reach) = (0, 0, 0);
    for guess in generic {
        while let Some(hit) = hits.get(next).filter(|hit| next < known && hit.start < guess.end) {
            known_reach = known_reach.max(hit.end);
            next += 1;
        }
        if known_reach <= guess.start && guess_reach <= guess.start {
            guess_reach = guess.end;
            hits.push(guess);
        }
    }
    hits.sort_by_key(|hit| hit.start);
    // Validators only ever stop at ASCII bytes or at the end, except where a bound cuts: move those to a boundary.
    for hit in hits.iter_mut() {
        while hit.end < bytes.len() && byte(bytes, hit.end) & 0xC0 == 0x80 {
            hit.end += 1;
        }
    }
}

fn hit(kind: &'static str, start: usize, end: usize) -> Hit {
    Hit { kind, start, end, counted: true }
}

/// `xxxxxxxx`, `00000000` and their like stand for a key in documentation.
fn is_filler(body: &[u8]) -> bool {
    distinct(body) <= 3 || super::bytes::contains_any_folded(part(body, 0, 64), &["xxxx", "your", "****"])
}

fn known_format(bytes: &[u8], start: usize, format: &Format) -> Option<Hit> {
    let from = start + format.prefix.len();
    if part(bytes, start, from) != format.prefix.as_bytes() || is_word(before(bytes, start)) {
        return None;
    }
    let end = run_end(bytes, from, format.most + 1, |b| format.alphabet.has(b));
    let body = part(bytes, from, end);
    let fits = (format.least..=format.most).contains(&body.len());
    // Prefixes such as `sk-` and `key-` also start ordinary hyphenated words; real tokens hold digits.
    let plausible = body.iter().any(u8::is_ascii_digit) || body.len() >= 36;
    (fits && plausible && !is_word(byte(bytes, end)) && !is_filler(body)).then(|| hit(format.kind, start, end))
}

/// Public documentation uses ids that are too short, so any plausible length counts.
fn aws_access_key(bytes: &[u8], start: usize) -> Option<Hit> {
    if !matches!(part(bytes, start, start + 4), b"AKIA" | b"ASIA" | b"ABIA" | b"ACCA")
        || before(bytes, start).is_ascii_alphanumeric()
    {
        return None;
    }
    let end = run_end(bytes, start + 4, 21, |b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let body = part(bytes, start + 4, end);
    let plausible = body.iter().any(u8::is_ascii_digit) && distinct(body) > 3;
    ((8..=20).contains(&body.len()) && plausible && !is_word(byte(bytes, end)))
        .then(|| hit("aws_access_key", start, end))
}

fn aws_secret_key(bytes: &[u8], end: usize) -> Option<Hit> {
    let from =
        run_end(bytes, end, 12, |b| matches!(b, b' ' | b'"' | b'\'' | b'`' | b':' | b'=' | b'>' | b'\\' | b'\t'));
    let until = run_end(bytes, from, 41, is_base64);
    (from > end && until - from == 40 && !is_filler(part(bytes, from, until)))
        .then(|| hit("aws_secret_key", from, until))
}

fn private_key(bytes: &[u8], start: usize, end: usize) -> Option<Hit> {
    let header = part(bytes, end, end + 48);
    let label = memmem::find(header, b"PRIVATE KEY")?;
    let body = end + label + memmem::find(header.get(label..)?, b"-----")? + 5;
    // Prose that merely names the header has no key after it.
    let text = run_end(bytes, body, 8, |b| b.is_ascii_whitespace() || matches!(b, b'\\' | b'n' | b'r' | b'"' | b'\''));
    let first = part(bytes, text, run_end(bytes, text, 16, |b| is_base64(b) || matches!(b, b'-' | b':')));
    if first.len() < 4 || !first.iter().any(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        return None;
    }
    let rest = bytes.get(text..)?;
    let footer = memmem::find(rest, b"-----END").and_then(|at| {
        let from = text + at + 8;
        memmem::find(part(bytes, from, from + 64), b"-----").map(|dashes| from + dashes + 5)
    });
    Some(hit("private_key", start, footer.unwrap_or(bytes.len())))
}

fn jwt(bytes: &[u8], start: usize) -> Option<Hit> {
    if part(bytes, start, start + 3) != b"eyJ" || is_token(before(bytes, start)) {
        return None;
    }
    let header = run_end(bytes, start, LONGEST, is_token);
    let claims = run_end(bytes, header + 1, LONGEST, is_token);
    let signature = run_end(bytes, claims + 1, LONGEST, is_token);
    (byte(bytes, header) == b'.'
        && byte(bytes, claims) == b'.'
        && header - start >= 10
        // Claims that are not JSON occur in signed blobs; then only a whole signature counts.
        && if part(bytes, header + 1, header + 4) == b"eyJ" {
            signature > claims + 5
        } else {
            header - start >= 16 && claims > header + 4 && signature > claims + 32
        })
    .then(|| hit("jwt_token", start, signature))
}

fn header_value(bytes: &[u8], start: usize, end: usize, least: usize, kind: &'static str) -> Option<Hit> {
    let from = run_end(bytes, end, 3, |b| b == b' ');
    let until = run_end(bytes, from, LONGEST, |b| Wide.has(b));
    let value = part(bytes, from, until);
    let mixed = value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
    (from > end && !is_word(before(bytes, start)) && value.len() >= least && mixed && !is_filler(value))
        .then(|| hit(kind, from, until))
}

/// `Authorization: Basic …`; the bare word is far too common, so the header's name has to be near.
fn basic(bytes: &[u8], start: usize, end: usize) -> Option<Hit> {
    let near = |window: &[u8]| super::bytes::contains_any_folded(window, &["auth"]);
    let found = header_value(bytes, start, end, 12, "basic_auth")?;
    (near(window_before(bytes, start, 32)) || near(part(bytes, found.end, found.end + 40))).then_some(found)
}

const DATABASES: &[&str] = &[
    "postgres",
    "mysql",
    "mariadb",
    "mongodb",
    "redis",
    "amqp",
    "mssql",
    "sqlserver",
    "oracle",
    "cockroach",
    "clickhouse",
];

fn url_credentials(bytes: &[u8], separator: usize) -> Option<Hit> {
    let scheme = window_before(bytes, separator, 24);
    let length =
        scheme.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-')).count();
    let start = separator - length;
    let name = part(bytes, start, separator);
    if length < 2 || !name.first()?.is_ascii_alphabetic() {
        return None;
    }
    let from = separator + 3;
    let ends_authority =
        |b: u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'?' | b'"' | b'\'' | b'`' | b'\\' | b'|' | b',' | b';');
    let authority = part(bytes, from, run_end(bytes, from, 512, |b| !ends_authority(b)));
    let at = memchr::memrchr(b'@', authority)?;
    let (user_info, host) = (authority.get(..at)?, authority.get(at + 1..)?);
    let colon = memchr::memchr(b':', user_info)?;
    let (user, password) = (user_info.get(..colon)?, user_info.get(colon + 1..)?);
    let one_of = |value: &[u8], words: &[&str]| words.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()));
    let is_example = one_of(user, &["user", "username", "usr", "name", "login"])
        && one_of(password, &["password", "pass", "passwd", "pwd", "pw", "secret"]);
    let is_template = matches!(host.first(), None | Some(b'%' | b'$' | b'{' | b'<'));
    if password.is_empty() || is_template || is_example || assignments::is_placeholder(password) {
        return None;
    }
    let authority_end = from + authority.len();
    let stops =
        |b: u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b')' | b',' | b';');
    let end = run_end(bytes, authority_end, 1024, |b| !stops(b));
    let is_database = DATABASES.iter().any(|database| name.starts_with(database.as_bytes()));
    Some(hit(if is_database { "database_url" } else { "url_credentials" }, start, end))
}

fn sendgrid(bytes: &[u8], start: usize) -> Option<Hit> {
    let first = run_end(bytes, start + 3, 64, is_token);
    let second = run_end(bytes, first + 1, 80, is_token);
    (part(bytes, start, start + 3) == b"SG."
        && !is_word(before(bytes, start))
        && first - start >= 15
        && byte(bytes, first) == b'.'
        && second >= first + 17)
        .then(|| hit("sendgrid_key", start, second))
}

fn azure_key(bytes: &[u8], end: usize) -> Option<Hit> {
    let until = run_end(bytes, end, 128, is_base64);
    let key = part(bytes, end, until);
    (key.len() >= 24 && key.ends_with(b"=") && !is_filler(key) && !assignments::is_placeholder(key))
        .then(|| hit("azure_connection_string", end, until))
}

/// The readable name and the weight of a kind.
pub(super) fn describe(kind: &str) -> (&'static str, Severity) {
    match kind {
        "aws_access_key" => ("AWS access key", Severity::Critical),
        "aws_secret_key" => ("AWS secret key", Severity::Critical),
        "github_token" => ("GitHub token", Severity::Critical),
        "github_fine_grained" => ("GitHub fine-grained token", Severity::Critical),
        "gitlab_token" => ("GitLab token", Severity::Critical),
        "slack_token" => ("Slack token", Severity::Critical),
        "stripe_key" => ("Stripe key", Severity::Critical),
        "openai_key" => ("OpenAI key", Severity::Critical),
        "anthropic_key" => ("Anthropic key", Severity::Critical),
        "gcp_api_key" => ("Google Cloud key", Severity::Critical),
        "private_key" => ("private key", Severity::Critical),
        "jwt_token" => ("JSON web token", Severity::High),
        "bearer_token" => ("bearer token", Severity::High),
        "basic_auth" => ("basic authorization", Severity::High),
        "database_url" => ("database URL with credentials", Severity::Critical),
        "url_credentials" => ("URL with credentials", Severity::High),
        "npm_token" => ("npm token", Severity::Critical),
        "pypi_token" => ("PyPI token", Severity::Critical),
        "huggingface_token" => ("Hugging Face token", Severity::Critical),
        "sendgrid_key" => ("SendGrid key", Severity::Critical),
        "twilio_key" => ("Twilio key", Severity::Critical),
        "azure_connection_string" => ("Azure connection string", Severity::Critical),
        API_KEY => ("API key", Severity::High),
        "password" => ("password", Severity::High),
        "token" => ("access token", Severity::High),
        _ => ("secret", Severity::High),
    }
}
