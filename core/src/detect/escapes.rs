//! Reads the JSON text of a tool call as the strings it stands for, without moving a byte. Touches nothing.
//!
//! In `"x\nann@example.org"` the `n` belongs to the line break, not to the address: scanners read a text of the same length
//! in which an escape ends with the character it means and is blank before it, so their offsets hold in the original.

use std::{borrow::Cow, ops::Range};

/// `text` with the escapes that could join or hide a finding resolved in place, and where those of several bytes stand.
pub(super) fn resolved(text: &str) -> (Cow<'_, str>, Vec<Range<usize>>) {
    if !text.contains('\\') {
        return (Cow::Borrowed(text), Vec::new());
    }
    let mut out = String::with_capacity(text.len());
    let mut escapes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let start = out.len();
        // `\"` and `\\` stay: scanners know them, and a bare quotation mark would end a string early.
        let taken = match escape.as_bytes().get(1) {
            Some(b'n' | b'b' | b'f') => blank(&mut out, 2, '\n'),
            Some(b'r') => blank(&mut out, 2, '\r'),
            Some(b't') => blank(&mut out, 2, '\t'),
            Some(b'u') => match escape.get(2..6).and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
                Some(code) => blank(&mut out, 6, char::from_u32(code).unwrap_or(' ')),
                None => keep(&mut out, escape),
            },
            _ => keep(&mut out, escape),
        };
        if taken == 6 {
            escapes.push(start..start + taken);
        }
        rest = escape.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    (Cow::Owned(out), escapes)
}

/// Writes `width` bytes that end with `letter`.
fn blank(out: &mut String, width: usize, letter: char) -> usize {
    out.extend(std::iter::repeat_n(' ', width - letter.len_utf8().min(width)));
    out.push(letter);
    width
}

/// Writes an escape that is left as it stands: a backslash and the character after it.
fn keep(out: &mut String, escape: &str) -> usize {
    let taken = escape.chars().take(2).map(char::len_utf8).sum();
    out.push_str(escape.get(..taken).unwrap_or_default());
    taken
}

/// The span with whole escapes at both ends: half of one cannot be rewritten.
pub(super) fn widened(span: Range<usize>, escapes: &[Range<usize>]) -> Range<usize> {
    let inside = |at: usize| escapes.iter().find(|escape| escape.start < at && at < escape.end);
    let start = inside(span.start).map_or(span.start, |escape| escape.start);
    let end = inside(span.end).map_or(span.end, |escape| escape.end);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_becomes_its_character_at_the_same_length() {
        let text = r#"{"a":"x\nann@example.org \u0041\t\"q\" \\n \u00e9 \ud83d\ude00"}"#;
        let (read, escapes) = resolved(text);
        assert_eq!(read.len(), text.len());
        assert_eq!(read, "{\"a\":\"x \nann@example.org      A \t\\\"q\\\" \\\\n     é             \"}");
        assert_eq!(escapes.len(), 4);
        assert_eq!(resolved("plain").0, "plain");
        for broken in ["\\", "\\u12", "\\u12é4", "\\é", "a\\"] {
            assert_eq!(resolved(broken).0, broken);
        }
    }

    #[test]
    fn a_span_never_cuts_an_escape() {
        let (_, escapes) = resolved(r"ab\u0041cd\u0042");
        assert_eq!(widened(7..9, &escapes), 2..9);
        assert_eq!(widened(8..12, &escapes), 8..16);
        assert_eq!(widened(0..2, &escapes), 0..2);
    }
}
