//! Finds the strings and numbers of JSON text, where they stand and what they are named. Touches nothing.
//!
//! Names of fields say what their values are (`"password": …`), also where a list of records says it beside them
//! (`{"name": "DB_PASSWORD", "value": …}`). The nesting is the sender's choice and never becomes our call depth.

use std::{borrow::Cow, ops::Range};

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

/// Whether a text is worth reading as JSON.
fn is_likely(text: &str) -> bool {
    matches!(text.trim_ascii_start().as_bytes().first(), Some(b'{' | b'['))
}

/// Whether a text is an object or a list in JSON, whatever its nesting.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    is_likely(text) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The tokens of `text` when it is an object or a list in JSON.
pub(super) fn tokens(text: &str) -> Option<Tokens<'_>> {
    if !is_valid(text) {
        return None;
    }
    struct Frame {
        object: Option<usize>,
        name: Option<usize>,
    }
    let bytes = text.as_bytes();
    let mut tokens = Tokens { source: text, all: Vec::new(), labels: Vec::new() };
    let mut open: Vec<Frame> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (name, object) = open.last().map_or((None, None), |frame| (frame.name, frame.object));
        match byte {
            b'{' => {
                open.push(Frame { object: Some(tokens.labels.len()), name });
                tokens.labels.push(None);
            }
            b'[' => open.push(Frame { object: None, name }),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let end = string_end(bytes, at + 1);
                let next = bytes.get(end + 1..).unwrap_or_default().iter().find(|b| !b.is_ascii_whitespace());
                let kind = if next == Some(&b':') { Kind::Key } else { Kind::Text };
                let index = tokens.all.len();
                if kind == Kind::Key {
                    if let Some(frame) = open.last_mut() {
                        frame.name = Some(index);
                    }
                } else if let (Some(object), Some(name)) = (object, name)
                    && tokens.short(name).is_some_and(|name| is_label_field(&name))
                    && let Some(label) = tokens.labels.get_mut(object)
                {
                    label.get_or_insert(index);
                }
                tokens.all.push(Token { kind, range: at + 1..end, name, object });
                at = end;
            }
            b'-' | b'0'..=b'9' => {
                let rest = bytes.get(at..).unwrap_or_default();
                let is_part = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
                let end = at + rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
                tokens.all.push(Token { kind: Kind::Number, range: at..end, name, object });
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    Some(tokens)
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

impl Tokens<'_> {
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
