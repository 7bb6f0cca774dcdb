//! Finds the strings and numbers of JSON, where they stand and what they are named. Touches nothing.
//!
//! A text may be JSON as a whole or hold some: a line each, in a fenced block, within a sentence.
//! Names of fields say what their values are (`"password": …`), also where a list of records says it beside them
//! (`{"name": "DB_PASSWORD", "value": …}`). The nesting is the sender's choice and never becomes our call depth.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use serde::de::IgnoredAny;

use super::escapes;

/// Longest name that says what a value is.
pub(super) const LONGEST_NAME: usize = 256;

/// What a token of JSON text is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The name of a field.
    Key,
    /// A string; the range is what its quotation marks hold.
    Text,
    /// A number.
    Number,
    /// What stands between two pieces of JSON, before the first or behind the last.
    Between,
}

/// A string or number of JSON text.
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
    /// The token that names it.
    name: Option<usize>,
    /// The object it is a field of, when it is one.
    object: Option<usize>,
}

/// The tokens of one JSON text.
pub(super) struct Tokens<'a> {
    source: &'a str,
    pub(super) all: Vec<Token>,
    /// For each object the token that says what its `value` is.
    labels: Vec<Option<usize>>,
}

/// Whether a field called this holds what another field of its object names.
pub(super) fn is_value_field(name: &str) -> bool {
    ["value", "val"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a field called this names what another field of its object holds.
pub(super) fn is_label_field(name: &str) -> bool {
    ["name", "key", "field", "variable", "header", "param"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether JSON may say what its text does not show: escapes, numbers with a point or an exponent, a name in another field.
pub(super) fn hides(text: &[u8]) -> bool {
    memchr::memchr(b'\\', text).is_some()
        || text.windows(2).any(|pair| matches!(pair, [b'0'..=b'9', b'.' | b'e' | b'E']))
        || text.windows(4).any(|window| window.eq_ignore_ascii_case(b"\"val"))
}

/// Whether a text is worth reading as JSON.
fn is_likely(text: &str) -> bool {
    matches!(text.trim_ascii_start().as_bytes().first(), Some(b'{' | b'['))
}

/// Whether a text is an object or a list in JSON, whatever its nesting.
fn is_valid(text: &str) -> bool {
    is_likely(text) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The tokens of all objects and lists in JSON that `text` holds, and what stands between them; `None` without one.
pub(super) fn tokens(text: &str) -> Option<Tokens<'_>> {
    let mut tokens = Tokens { source: text, all: Vec::new(), labels: Vec::new() };
    if is_valid(text) {
        tokens.read(0..text.len());
        return Some(tokens);
    }
    let mut done = 0;
    for piece in pieces(text) {
        tokens.between(done..piece.start);
        done = piece.end;
        tokens.read(piece);
    }
    if done == 0 {
        return None;
    }
    tokens.between(done..text.len());
    Some(tokens)
}

/// Where JSON stands in a text that is more than that: objects anywhere, lists on lines of their own. Within a line, `[12]` is
/// somebody's footnote.
fn pieces(text: &str) -> Vec<Range<usize>> {
    /// How often the text may be read in vain, as bytes for each of its own: what opens a bracket a thousand times and closes
    /// none would be read a thousand times.
    const IN_VAIN: usize = 4;
    let mut left = text.len().saturating_mul(IN_VAIN);
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(offset) = memchr::memchr2(b'{', b'[', text.as_bytes().get(at..).unwrap_or_default()) {
        let start = at + offset;
        let rest = text.get(start..).unwrap_or_default();
        if !may_open(rest) {
            at = start + 1;
            continue;
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        let told = values.next();
        let end = start + values.byte_offset();
        if matches!(told, Some(Ok(_))) && (rest.starts_with('{') || is_alone(text, start..end)) {
            pieces.push(start..end);
            at = end;
            continue;
        }
        let read = match &told {
            Some(Err(error)) => place(rest, error).min(rest.len()),
            _ => end - start,
        };
        let Some(now) = left.checked_sub(read) else { break };
        (left, at) = (now, start + 1);
    }
    pieces
}

/// Whether nothing but blanks stands between a piece and the ends of its lines. Looks at blanks alone: a line may be long and
/// hold many pieces.
fn is_alone(text: &str, piece: Range<usize>) -> bool {
    let ends = |byte: Option<&u8>| byte.is_none_or(|byte| *byte == b'\n');
    let is_text = |byte: &&u8| !matches!(**byte, b' ' | b'\t' | b'\r');
    let before = text.as_bytes().get(..piece.start).unwrap_or_default();
    let after = text.as_bytes().get(piece.end..).unwrap_or_default();
    ends(before.iter().rev().find(is_text)) && ends(after.iter().find(is_text))
}

/// Whether the bracket that a text begins with may open JSON that is looked for: fields have names.
fn may_open(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next() == Some(b'[') || bytes.find(|byte| !byte.is_ascii_whitespace()) == Some(b'"')
}

/// The byte where reading JSON came to a halt.
fn place(text: &str, error: &serde_json::Error) -> usize {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    before + error.column()
}

/// Whether `after`, what `before` became, is still JSON where that was, with every field: no two names became one.
#[must_use]
pub fn keeps_json(before: &str, after: &str) -> bool {
    let Some(read) = tokens(before) else { return true };
    let Some(now) = tokens(after) else { return false };
    let pieces = |tokens: &Tokens<'_>| tokens.all.iter().filter(|token| token.kind != Kind::Between).count();
    is_valid(before) <= is_valid(after) && pieces(&read) == pieces(&now) && read.doubles() == now.doubles()
}

/// Where the string that begins at `from` has its closing quotation mark.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(offset) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += offset;
        if bytes.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

/// An object or a list that is being read.
struct Frame {
    object: Option<usize>,
    name: Option<usize>,
}

impl Tokens<'_> {
    /// Takes what stands between two pieces.
    fn between(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.all.push(Token { kind: Kind::Between, range, name: None, object: None });
        }
    }

    /// Takes the strings and numbers of the JSON at `range`, which is valid.
    fn read(&mut self, range: Range<usize>) {
        let source = self.source;
        let bytes = source.as_bytes().get(..range.end).unwrap_or_default();
        let mut open: Vec<Frame> = Vec::new();
        let mut at = range.start;
        while let Some(byte) = bytes.get(at) {
            let (name, object) = open.last().map_or((None, None), |frame| (frame.name, frame.object));
            match byte {
                b'{' => {
                    open.push(Frame { object: Some(self.labels.len()), name });
                    self.labels.push(None);
                }
                b'[' => open.push(Frame { object: None, name }),
                b'}' | b']' => drop(open.pop()),
                b'"' => {
                    let end = string_end(bytes, at + 1);
                    let next = bytes.get(end + 1..).unwrap_or_default().iter().find(|b| !b.is_ascii_whitespace());
                    let kind = if next == Some(&b':') { Kind::Key } else { Kind::Text };
                    let index = self.all.len();
                    if kind == Kind::Key {
                        if let Some(frame) = open.last_mut() {
                            frame.name = Some(index);
                        }
                    } else if let (Some(object), Some(name)) = (object, name)
                        && self.short(name).is_some_and(|name| is_label_field(&name))
                        && let Some(label) = self.labels.get_mut(object)
                    {
                        label.get_or_insert(index);
                    }
                    self.all.push(Token { kind, range: at + 1..end, name, object });
                    at = end;
                }
                b'-' | b'0'..=b'9' => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let is_part = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
                    let end = at + rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
                    self.all.push(Token { kind: Kind::Number, range: at..end, name, object });
                    at = end - 1;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// How many names of fields stand twice in one object: of two that read alike, readers keep one value.
    fn doubles(&self) -> usize {
        let mut seen = HashSet::new();
        let keys = self.all.iter().filter(|token| token.kind == Kind::Key);
        keys.filter(|token| {
            let name = escapes::decoded(self.source.get(token.range.clone()).unwrap_or_default()).text;
            !seen.insert((token.object, name))
        })
        .count()
    }

    fn raw(&self, token: usize) -> &str {
        self.all.get(token).and_then(|token| self.source.get(token.range.clone())).unwrap_or_default()
    }

    /// What the value is named: its field, or what stands beside it where the field is just called `value`.
    pub(super) fn name(&self, token: &Token) -> Option<Cow<'_, str>> {
        let name = self.short(token.name.filter(|_| token.kind != Kind::Key)?)?;
        let label = token.object.filter(|_| is_value_field(&name)).and_then(|object| *self.labels.get(object)?);
        label.and_then(|label| self.short(label)).or(Some(name))
    }

    /// Longer texts name nothing; and many values may share one name.
    fn short(&self, token: usize) -> Option<Cow<'_, str>> {
        Some(self.raw(token)).filter(|text| text.len() <= LONGEST_NAME).map(|text| escapes::decoded(text).text)
    }
}

/// The digits of a number as the integer it stands for, however it is written; `None` for fractions and short ones.
pub(super) fn digits(number: &str) -> Option<Cow<'_, str>> {
    /// Nothing of ours has fewer.
    const LEAST: usize = 7;
    let number = number.trim_start_matches('-');
    if number.len() < LEAST && !number.contains(['e', 'E']) {
        return None;
    }
    if number.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Cow::Borrowed(number));
    }
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent: i32 = exponent.trim_start_matches('+').parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The point moves to the right by `exponent`; what is left behind it has to be zeros.
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let length = usize::try_from(point).ok().filter(|length| (LEAST..=40).contains(length))?;
    let mut all: String = [whole, fraction].concat();
    let rest = all.split_off(length.min(all.len()));
    if rest.bytes().any(|b| b != b'0') {
        return None;
    }
    all.extend(std::iter::repeat_n('0', length - all.len()));
    let all = all.trim_start_matches('0');
    (all.len() >= LEAST).then(|| Cow::Owned(all.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stand_where_they_are_and_have_names() {
        let text = r#" {"a\n": [1, {"b": "x\"y"}], "list": [["t"]], "e": {"value": "v", "name": "DB"}, "n": -1.5e3} "#;
        let tokens = tokens(text).unwrap();
        let seen: Vec<_> = tokens
            .all
            .iter()
            .filter(|token| token.kind != Kind::Key)
            .map(|token| (&text[token.range.clone()], tokens.name(token).map(Cow::into_owned)))
            .collect();
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(
            seen,
            [
                ("1", named("a\n")),
                (r#"x\"y"#, named("b")),
                ("t", named("list")),
                ("v", named("DB")),
                ("DB", named("name")),
                ("-1.5e3", named("n")),
            ]
        );
        assert!(super::tokens("plain").is_none() && super::tokens("{\"a\":").is_none());
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(super::tokens(&deep).unwrap().all.len(), 0);
    }

    #[test]
    fn json_is_found_within_text() {
        for (text, read) in [
            ("{\"a\": 1}\n{\"a\": 2}\n", vec!["a", "1", "\n", "a", "2", "\n"]),
            ("[1]\n[2]", vec!["1", "\n", "2"]),
            ("```json\n[1]\n```", vec!["```json\n", "1", "\n```"]),
            ("see {\"a\": {\"b\": 1}} there", vec!["see ", "a", "b", "1", " there"]),
            ("[ {\"a\": 1} ", vec!["[ ", "a", "1", " "]),
            ("{ x {\"a\": 1}", vec!["{ x ", "a", "1"]),
        ] {
            let tokens = tokens(text).unwrap();
            assert_eq!(tokens.all.iter().map(|token| &text[token.range.clone()]).collect::<Vec<_>>(), read, "{text}");
        }
        for text in ["see [12] there", "{x}", "[\n", "a [1] b [2]"] {
            assert!(tokens(text).is_none(), "{text}");
        }
        // What is read in vain is bounded: each of these would take minutes otherwise.
        for hostile in ["[", "[1]", "[1] ", "{\"a\":", "{ ", "[\n", "{\"a\":1", "[{\"a\":[", "[1]\t{"] {
            let began = std::time::Instant::now();
            let text = format!("x{}", hostile.repeat(1_000_000 / hostile.len()));
            assert!(tokens(&text).is_none(), "{hostile}");
            assert!(began.elapsed().as_secs() < 5, "{hostile} {:?}", began.elapsed());
        }
    }

    #[test]
    fn what_was_json_stays_json_with_every_field() {
        for (before, after, kept) in [
            ("{\"a\": 1}", "{\"a\": \"x\"}", true),
            ("{\"a\": 1}", "{\"a\": x}", false),
            ("{\"a\": 1, \"b\": 2}", "{\"x\": 1, \"x\": 2}", false),
            ("{\"a\": 1, \"a\": 2}", "{\"x\": 1, \"x\": 2}", true),
            ("{\"a\": {\"b\": 1}}", "{\"x\": {\"x\": 1}}", true),
            ("{\"a\": 1}\n{\"b\": 2}", "{\"a\": 1}\n{\"b\": x}", false),
            ("plain", "[REDACTED]", true),
        ] {
            assert_eq!(keeps_json(before, after), kept, "{before} {after}");
        }
    }

    #[test]
    fn numbers_are_read_as_the_integers_they_stand_for() {
        for (number, read) in [
            ("4111111111111111", Some("4111111111111111")),
            ("-4111111111111111", Some("4111111111111111")),
            ("4111111111111111.0", Some("4111111111111111")),
            ("4.111111111111111e15", Some("4111111111111111")),
            ("4.111111111111111E+15", Some("4111111111111111")),
            ("41111111111111110e-1", Some("4111111111111111")),
            ("0.4111111111111111e16", Some("4111111111111111")),
            ("4111111111111111.5", None),
            ("123456", None),
            ("1e999999999", None),
            ("1e-999999999", None),
        ] {
            assert_eq!(digits(number).as_deref(), read, "{number}");
        }
    }
}
