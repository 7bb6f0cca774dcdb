//! Decides whether something assigned to a telling name is a secret. Owns the rules against noise; touches nothing.
//!
//! Names alone are the noisiest evidence there is, so placeholders, look-ups, prose and identifiers are refused.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::{super::bytes::*, Hit, hit};

/// Longest value that still counts as one.
const LONGEST: usize = 256;
const SHORTEST: usize = 8;

/// Every assignment is checked against these, so they are one automaton: a text of nothing but assignments stays cheap.
static PLACEHOLDERS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    words(&[
        "xxxx",
        "****",
        "...",
        "${",
        "{{",
        "$(",
        "<%",
        "#{",
        "your",
        "example",
        "changeme",
        "change_me",
        "change-me",
        "placeholder",
        "redacted",
        "dummy",
        "replace",
        "insert",
        "environ",
        "getenv",
        "env.",
        "env[",
        "env(",
        "todo",
        "secrets.",
        "vault:",
        "undefined",
        "mysecret",
        "my-secret",
        "my_secret",
        "goes-here",
        "goes_here",
        "foobar",
        "sample",
        "fake",
        "\u{2026}",
        "\u{2022}\u{2022}",
        "____",
        "----",
        // The public key of Azure's storage emulator.
        "eby8vdm02xnocqfl",
    ])
});

/// Where code says that the value comes from somewhere else.
static LOOKUPS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| words(&["::", "->", "this.", "self.", "req.", "args.", "opts.", "options.", "params.", "://"]));

fn words(words: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(words).ok()
}

/// What may follow the telling word within the same name: `secret_key_base` names a secret, `token_count` does not.
fn is_secret_name_tail(tail: &[u8]) -> bool {
    let tail: &[u8] = match tail {
        [b'_' | b'-', rest @ ..] => rest,
        whole => whole,
    };
    tail.iter().all(u8::is_ascii_digit)
        || [
            "key",
            "key_base",
            "keybase",
            "value",
            "val",
            "string",
            "str",
            "token",
            "secret",
            "access_key",
            "base",
            "prod",
            "dev",
            "test",
            "plain",
            "text",
            "default",
            "data",
            "live",
            "root",
            "admin",
            "db",
            "password",
            "hash_secret",
            "passwd",
            "pass",
            "auth",
            "api",
            "access",
            "refresh",
            "production",
            "staging",
        ]
        .iter()
        .any(|word| tail.eq_ignore_ascii_case(word.as_bytes()))
}

/// The value assigned to the telling word at `start..end`, if it looks like a secret.
pub(super) fn assigned(bytes: &[u8], start: usize, end: usize, kind: &'static str) -> Option<Hit> {
    // `pass` alone is a verb; as a name it stands for itself or ends one, as in `db_pass`.
    if part(bytes, start, end).eq_ignore_ascii_case(b"pass") && before(bytes, start).is_ascii_alphanumeric() {
        return None;
    }
    let name_end = run_end(bytes, end, 25, is_token);
    if !is_secret_name_tail(part(bytes, end, name_end)) {
        return None;
    }
    let (from, quote) = value_start(bytes, start, name_end)?;
    let until = if quote == 0 {
        let bare = |b: u8| {
            !b.is_ascii_whitespace() && !matches!(b, b',' | b';' | b'"' | b'\'' | b'`' | b'<' | b')' | b'}' | b']')
        };
        let until = run_end(bytes, from, LONGEST + 1, bare);
        // A full stop, question or exclamation mark that ends the sentence is not part of the value.
        if matches!(before(bytes, until), b'.' | b'?') { until - 1 } else { until }
    } else {
        quoted_end(bytes, start, from, quote)?
    };
    // `token=…&user=…`: the next parameter is not part of the value.
    let until = from + before_next_parameter(part(bytes, from, until));
    let value = part(bytes, from, until);
    let certain = quote != 0
        || (byte(bytes, name_end) == b'=' && part(bytes, start, end).iter().all(|b| !b.is_ascii_lowercase()));
    let is_secret =
        is_secret_value(value, quote != 0, kind) || (certain && is_gibberish(value, kind) && !is_placeholder(value));
    (value.len() <= LONGEST && is_secret).then(|| hit(kind, from, until))
}

/// Where a quoted value ends. A quotation mark behind a backslash belongs to it, unless the value began behind one as well.
fn quoted_end(bytes: &[u8], start: usize, from: usize, quote: u8) -> Option<usize> {
    // `\"password\": \"…\"`: the whole of it stands in a string.
    let is_escaped = from - start >= 2 && byte(bytes, from - 2) == b'\\';
    let mut at = from;
    loop {
        at = run_end(bytes, at, LONGEST + 1, |b| b != quote && b != b'\n' && b != b'\\');
        match byte(bytes, at) {
            b if b == quote => return Some(at),
            b'\\' if is_escaped && byte(bytes, at + 1) == quote => return Some(at),
            b'\\' if !is_escaped && at - from < LONGEST && byte(bytes, at + 1) != b'\n' => at += 2,
            _ => return None,
        }
    }
}

fn before_next_parameter(value: &[u8]) -> usize {
    memchr::memchr_iter(b'&', value)
        .find(|at| {
            let name_end = run_end(value, at + 1, 40, is_token);
            name_end > at + 2 && byte(value, name_end) == b'='
        })
        .unwrap_or(value.len())
}

/// Letters nobody can pronounce: few words have four consonants in a row, hardly any has five.
fn is_gibberish(value: &[u8], kind: &str) -> bool {
    let needed = if kind == "password" { 4 } else { 5 };
    let least = if kind == "password" { SHORTEST } else { 16 };
    let (mut streak, mut longest) = (0, 0);
    for b in value {
        let letter = b.to_ascii_lowercase();
        let consonant = letter.is_ascii_lowercase() && !matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
        streak = if consonant { streak + 1 } else { 0 };
        longest = longest.max(streak);
    }
    value.len() >= least
        && longest >= needed
        && distinct(value) > 5
        && value.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

/// Where the value starts and which quote opens it (0 for none).
fn value_start(bytes: &[u8], start: usize, name_end: usize) -> Option<(usize, u8)> {
    let is_blank = |b: u8| b == b' ' || b == b'\t';
    let mut at = name_end;
    // The name itself may be quoted, bracketed or escaped: `"password":`, `['token'] =`, `\"secret\":`.
    at = run_end(bytes, at, 4, |b| matches!(b, b'"' | b'\'' | b'`' | b']' | b'\\'));
    let after_name = at;
    if let Some(value) = apart(bytes, start, name_end, after_name) {
        return Some(value);
    }
    at = run_end(bytes, at, 16, is_blank);
    match (byte(bytes, at), byte(bytes, at + 1)) {
        (b':' | b'=', b'=' | b'>') | (b'!', b'=') | (b'-', b'>') => at += 2,
        (b':' | b'=', _) => at += 1,
        // `<password>value</password>`
        (b'>', _) if at == name_end => at += 1,
        // `setPassword("value")`
        (b'(', b'"' | b'\'') if at == name_end => at += 1,
        // `--password value`
        _ if at > name_end && is_option(bytes, start) => {}
        // `my password is value`
        (b'i' | b'I', b's' | b'S') if at > after_name && is_blank(byte(bytes, at + 2)) => {
            at = run_end(bytes, at + 2, 4, |b| is_blank(b) || b == b':');
            // Without an operator only an unmistakable value counts; the sentence may go on in words.
            let until = run_end(bytes, at, 64, |b| !b.is_ascii_whitespace());
            let value = part(bytes, at, until);
            let mixed = value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
            let quoted = matches!(byte(bytes, at), b'"' | b'\'' | b'`');
            return mixed.then(|| if quoted { (at + 1, byte(bytes, at)) } else { (at, 0) });
        }
        _ => return None,
    }
    at = run_end(bytes, at, 16, is_blank);
    // `password: str = "value"`, `token: &str = "value"`
    let annotation =
        run_end(bytes, at, 24, |b| b.is_ascii_alphanumeric() || matches!(b, b'&' | b'[' | b']' | b'<' | b'>'));
    let equals = run_end(bytes, annotation, 4, is_blank);
    if byte(bytes, name_end) == b':'
        && byte(bytes, equals) == b'='
        && byte(bytes, equals + 1) != b'='
        && annotation > at
    {
        at = run_end(bytes, equals + 1, 16, is_blank);
    }
    if byte(bytes, at) == b'\\' && matches!(byte(bytes, at + 1), b'"' | b'\'') {
        at += 1;
    }
    // Literal prefixes: b"…", r"…", f"…", @"…".
    if matches!(byte(bytes, at), b'b' | b'r' | b'u' | b'@' | b'L') && matches!(byte(bytes, at + 1), b'"' | b'\'') {
        at += 1;
    }
    match byte(bytes, at) {
        0 | b'\n' | b'\r' => None,
        quote @ (b'"' | b'\'' | b'`') => Some((at + 1, quote)),
        _ => Some((at, 0)),
    }
}

/// The value beside its name, in forms that hold the name as a value itself: a list of environment variables, an element with
/// attributes, a call, `ENV` in a Dockerfile.
fn apart(bytes: &[u8], start: usize, name_end: usize, after_name: usize) -> Option<(usize, u8)> {
    let is_quote = |b: u8| matches!(b, b'"' | b'\'' | b'`');
    let is_space = |b: u8| b.is_ascii_whitespace();
    let quoted = |at: usize| if is_quote(byte(bytes, at)) { (at + 1, byte(bytes, at)) } else { (at, 0) };
    let is_closed = after_name > name_end;
    // The name may be longer than its telling word: `DB_PASSWORD`.
    let head = start - window_before(bytes, start, 64).iter().rev().take_while(|b| is_token(**b)).count();
    match byte(bytes, after_name) {
        // `<entry key="password">value</entry>`
        b'>' if is_closed && is_quote(before(bytes, head)) && before(bytes, head - 1) == b'=' => {
            Some((run_end(bytes, after_name + 1, 16, is_space), 0))
        }
        // `setProperty("password", "value")`
        b',' if is_closed && is_quote(before(bytes, head)) && head >= 2 && before(bytes, head - 1) == b'(' => {
            let at = run_end(bytes, after_name + 1, 16, is_space);
            is_quote(byte(bytes, at)).then(|| quoted(at))
        }
        // `{"name": "DB_PASSWORD", "value": "…"}`, `- name: DB_PASSWORD` with `value: …` below, `name="password" value="…"`
        b',' | b'\n' | b'\r' | b' ' => {
            let at = run_end(bytes, after_name, 40, |b| is_space(b) || b == b',');
            let at = at + usize::from(is_quote(byte(bytes, at)));
            if part(bytes, at, at + 5).eq_ignore_ascii_case(b"value") {
                let at = at + 5;
                let at = run_end(bytes, at + usize::from(is_quote(byte(bytes, at))), 8, |b| b == b' ');
                return matches!(byte(bytes, at), b':' | b'=')
                    .then(|| quoted(run_end(bytes, at + 1, 8, |b| b == b' ')));
            }
            // `ENV DB_PASSWORD value`
            let is_env = matches!(window_before(bytes, head, 4), b"ENV " | b"ARG ");
            (is_env && !is_closed && byte(bytes, after_name) == b' ')
                .then(|| quoted(run_end(bytes, after_name, 16, |b| b == b' ')))
        }
        _ => None,
    }
}

fn is_option(bytes: &[u8], start: usize) -> bool {
    let window = window_before(bytes, start, 24);
    let name = window.iter().rev().take_while(|b| is_token(**b)).count();
    window.get(window.len() - name..).is_some_and(|option| option.starts_with(b"--"))
}

/// The whole of `value` when `name` says it is a secret: arguments of tools are named, not assigned.
pub(super) fn named(name: &str, value: &[u8]) -> Option<Hit> {
    let folded = name.as_bytes();
    let (kind, word) = [
        ("password", "password"),
        ("password", "passwd"),
        ("password", "pwd"),
        ("password", "passphrase"),
        ("password", "passwort"),
        ("api_key", "api_key"),
        ("api_key", "apikey"),
        ("api_key", "api-key"),
        ("api_key", "access_key"),
        ("api_key", "account_key"),
        ("api_key", "app_key"),
        ("api_key", "auth_key"),
        ("api_key", "client_key"),
        ("api_key", "consumer_key"),
        ("secret", "secret"),
        ("secret", "credential"),
        ("secret", "encryption_key"),
        ("secret", "private_key"),
        ("secret", "signing_key"),
        ("token", "token"),
    ]
    .into_iter()
    .find(|(_, word)| contains_folded(folded, word.as_bytes()))?;
    let at = folded.windows(word.len()).rposition(|window| window.eq_ignore_ascii_case(word.as_bytes()))?;
    let tail = folded.get(at + word.len()..)?;
    (is_secret_name_tail(tail) && value.len() <= LONGEST && is_secret_value(value, true, kind))
        .then(|| hit(kind, 0, value.len()))
}

fn is_secret_value(value: &[u8], quoted: bool, kind: &str) -> bool {
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    let digits = has(u8::is_ascii_digit);
    let letters = has(u8::is_ascii_alphabetic);
    // The cheapest questions first: most assignments end here.
    if value.len() < SHORTEST || !(letters || digits) || !(quoted || (letters && digits)) {
        return false;
    }
    if value.contains(&b' ')
        || distinct(value) <= 3
        || is_placeholder(value)
        || is_uuid(value)
        || looks_like_code(value, quoted)
    {
        return false;
    }
    let is_sign = |b: &u8| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'-' | b'.' | b'/' | b':');
    match (quoted, digits && letters, value.iter().any(is_sign)) {
        (false, ..) => !is_plain_name(value),
        (true, true, _) | (true, _, true) => true,
        // Words and identifiers: no digit and nothing a keyboard needs a second thought for.
        (true, false, false) => kind == "password" && letters && !is_identifier(value),
    }
}

/// `user_password2`, `token.value1`: an unquoted word with a digit at its end is a variable.
fn is_plain_name(value: &[u8]) -> bool {
    let letters = value.iter().take_while(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.')).count();
    let rest = value.get(letters..).unwrap_or_default();
    let short =
        rest.len() <= 2 && rest.iter().all(u8::is_ascii_digit) && value.iter().any(|b| matches!(b, b'_' | b'.'));
    // `Constants.TEST_KEY_2`: a path through names.
    let names = value.split(|b| *b == b'.');
    let is_name = |name: &[u8]| name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(|b| is_word(*b));
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    short || (value.contains(&b'.') && digits <= 2 && names.clone().all(is_name))
}

fn is_identifier(value: &[u8]) -> bool {
    let words =
        ["pass", "pwd", "token", "secret", "key", "auth", "user", "login", "field", "input", "valid", "credential"];
    let camel = value.windows(2).any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    value.iter().any(|b| matches!(b, b'_' | b'-' | b'.' | b'/' | b':')) || camel || contains_any_folded(value, &words)
}

/// Calls, look-ups, templates and paths say where a secret comes from, not what it is.
fn looks_like_code(value: &[u8], quoted: bool) -> bool {
    let starts = |prefix: &[u8]| value.starts_with(prefix);
    if starts(b"http://")
        || starts(b"https://")
        || starts(b"./")
        || starts(b"../")
        || starts(b"data:")
        || starts(b"arn:")
    {
        return true;
    }
    if quoted {
        return value.contains(&b'(') && value.contains(&b')');
    }
    value.iter().any(|b| matches!(b, b'(' | b'[' | b'{' | b'|'))
        || starts(b"&")
        || starts(b"*")
        || LOOKUPS.as_ref().is_some_and(|words| words.is_match(value))
}

/// What people write where a secret belongs.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let starts_like_one = matches!(value, [b'$' | b'<' | b'%' | b'{' | b'[', ..]);
    let template = matches!(value, [b'$', next, ..] if !next.is_ascii_digit())
        || matches!(value, [b'<' | b'{' | b'[', ..] if matches!(value.last(), Some(b'>' | b'}' | b']')))
        || matches!(value, [b'%', .., b'%'] | [b'%', b's' | b'd' | b'v'] | [b':' | b'@', ..] if value.len() < 3);
    (starts_like_one && template) || PLACEHOLDERS.as_ref().is_some_and(|words| words.is_match(value))
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}
