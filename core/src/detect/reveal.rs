//! Reads what a text holds: escapes, JSON in it, JSON in the strings of that. Owns the depth; touches nothing.
//!
//! Whatever is found inside is led back to the bytes of the text it was found in, so that it can be rewritten there.

use std::{borrow::Cow, ops::Range};

use super::{
    Hit,
    escapes::{self, Decoded},
    json::{self, Kind, Tokens},
};

/// How many times what a text holds is read again: JSON in a string of JSON is two. Each time doubles the backslashes, so that the
/// largest text there may be, of 10 MiB, holds no more.
const DEEPEST: u32 = 24;

/// Something found in a text, where its bytes stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The detector that found it.
    pub detector: &'static str,
    /// What it is, as policies name it.
    pub kind: &'static str,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What it says, without the escapes it was written with.
    pub value: String,
    /// The whole of a JSON number, and in how many strings that JSON stands: what replaces it needs quotation marks.
    pub number_in: Option<u32>,
    /// False when a longer one covers it, or another reading of the same bytes tells better where it begins.
    pub(super) counted: bool,
}

impl Leak {
    pub(super) fn new(detector: &'static str, hit: &Hit, text: &str) -> Self {
        let value = text.get(hit.start..hit.end).unwrap_or_default().to_owned();
        let Hit { kind, start, end, counted } = *hit;
        Self { detector, kind, start, end, value, number_in: None, counted }
    }
}

/// A piece of a text without the escapes it was written with, however deep they are.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    let mut plain = escapes::decoded(text).text;
    for _ in 1..DEEPEST {
        match escapes::decoded(&plain).text {
            Cow::Borrowed(_) => break,
            Cow::Owned(further) if further == plain => break,
            Cow::Owned(further) => plain = Cow::Owned(further),
        }
    }
    plain
}

/// Finds something in a text, of which the name may be known.
pub(super) type Look<'a> = dyn FnMut(&str, Option<&str>, &mut Vec<Leak>) + 'a;

/// Looks at `text` and, when `deep`, at everything it holds. Without escapes and JSON that is one look.
pub(super) fn each(text: &str, name: Option<&str>, deep: bool, look: &mut Look<'_>, found: &mut Vec<Leak>) {
    read(text, name, if deep { DEEPEST } else { 0 }, look, found);
}

/// Calls itself at most `left` times over.
fn read(text: &str, name: Option<&str>, left: u32, look: &mut Look<'_>, found: &mut Vec<Leak>) {
    let mark = found.len();
    look(text, name, found);
    if left == 0 {
        return;
    }
    if let Some(tokens) = json::tokens(text) {
        if found.len() > mark {
            clip(&tokens, text, found, mark);
        }
        inside(&tokens, text, name, left, look, found);
    } else if memchr::memchr(b'\\', text.as_bytes()).is_some() {
        let decoded = escapes::decoded(text);
        for mut leak in found.split_off(mark) {
            narrow(&mut leak, &decoded, 0, text);
            found.extend((leak.start < leak.end).then_some(leak));
        }
        let mark = found.len();
        if decoded.text.len() != text.len() {
            read(&decoded.text, name, left - 1, look, found);
            lead_back(found, mark, &decoded, 0);
        }
    }
}

/// Looks at the strings and numbers of the JSON in a text called `outer`, and behind the escapes of what stands between.
fn inside(tokens: &Tokens<'_>, text: &str, outer: Option<&str>, left: u32, look: &mut Look<'_>, found: &mut Vec<Leak>) {
    for token in &tokens.all {
        let Some(source) = text.get(token.range.clone()) else { continue };
        let name = tokens.name(token);
        let mark = found.len();
        match token.kind {
            Kind::Number => {
                let Some(digits) = json::digits(source) else { continue };
                number(&digits, name.as_deref(), look, found);
                for leak in found.iter_mut().skip(mark) {
                    (leak.start, leak.end, leak.number_in) = (token.range.start, token.range.end, Some(0));
                }
            }
            Kind::Between if memchr::memchr(b'\\', source.as_bytes()).is_none() => {}
            Kind::Between => {
                let decoded = escapes::decoded(source);
                read(&decoded.text, outer, left - 1, look, found);
                lead_back(found, mark, &decoded, token.range.start);
            }
            Kind::Key | Kind::Text => {
                let decoded = escapes::decoded(source);
                read(&decoded.text, name.as_deref(), left - 1, look, found);
                lead_back(found, mark, &decoded, token.range.start);
            }
        }
    }
}

/// Looks at the digits of a number, also without the zeros that some units put behind them.
pub(super) fn number(digits: &str, name: Option<&str>, look: &mut Look<'_>, found: &mut Vec<Leak>) {
    /// Shorter ones are no card, and nothing else is told by its digits alone.
    const SHORTEST: usize = 13;
    const MOST_ZEROS: usize = 6;
    let mark = found.len();
    look(digits, name, found);
    let mut rest = digits;
    for _ in 0..MOST_ZEROS {
        let Some(shorter) = rest.strip_suffix('0').filter(|rest| rest.len() >= SHORTEST && found.len() == mark) else {
            break;
        };
        rest = shorter;
        look(rest, name, found);
    }
}

/// Turns places of a decoded text into those of the text it was decoded from, which begins at `base`.
fn lead_back(found: &mut [Leak], mark: usize, decoded: &Decoded<'_>, base: usize) {
    for leak in found.iter_mut().skip(mark) {
        let Range { start, end } = decoded.source(leak.start..leak.end);
        (leak.start, leak.end) = (base + start, base + end);
        leak.number_in = leak.number_in.map(|depth| depth + 1);
    }
}

/// Leaves of each finding in JSON text what lies in the first string or number it touches: what holds the text together stays.
fn clip(tokens: &Tokens<'_>, text: &str, found: &mut Vec<Leak>, mark: usize) {
    let flat = found.split_off(mark);
    // A long string may hold many findings, and is decoded once.
    let mut last: Option<(usize, Decoded<'_>)> = None;
    for mut leak in flat {
        let first = tokens.all.partition_point(|token| token.range.end <= leak.start);
        let Some(token) = tokens.all.get(first).filter(|token| token.range.start < leak.end) else { continue };
        if token.kind == Kind::Number {
            (leak.start, leak.end, leak.number_in) = (token.range.start, token.range.end, Some(0));
        } else {
            (leak.start, leak.end) = (leak.start.max(token.range.start), leak.end.min(token.range.end));
            if last.as_ref().is_none_or(|(index, _)| *index != first) {
                last = Some((first, escapes::decoded(text.get(token.range.clone()).unwrap_or_default())));
            }
            if let Some((_, decoded)) = &last {
                narrow(&mut leak, decoded, token.range.start, text);
            }
        }
        if leak.start < leak.end {
            found.push(leak);
        }
    }
}

/// No finding begins or ends within an escape: what is left out there, the reading without escapes finds.
fn narrow(leak: &mut Leak, decoded: &Decoded<'_>, base: usize, text: &str) {
    let Range { start, end } = decoded.narrowed(leak.start - base..leak.end - base);
    (leak.start, leak.end) = (base + start, base + end);
    // `\\n` in JSON in a string of JSON: the letter belongs to an escape of the inner text.
    let bytes = text.as_bytes();
    let is_after_slash = leak.start.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'\\');
    if is_after_slash && matches!(bytes.get(leak.start), Some(b'n' | b'r' | b't' | b'b' | b'f' | b'u')) {
        leak.start += 1;
    }
    leak.value = escapes::decoded(text.get(leak.start..leak.end).unwrap_or_default()).text.into_owned();
}
