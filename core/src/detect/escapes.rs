//! Reads texts with backslash escapes as the strings they stand for. Touches nothing.
//!
//! In `"x\nann@example.org"` the `n` belongs to the line break, not to the address, and `4111\u0031111…` is a card: scanners read
//! the text without its escapes, and what they find is led back to the bytes it was written with.

use std::{borrow::Cow, ops::Range};

/// A text with its escapes read, and where each stood.
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    escapes: Vec<Escape>,
}

/// An escape: its first byte in the decoded text and its bytes in the source. The decoded character ends where `until` says.
struct Escape {
    at: usize,
    until: usize,
    source: Range<usize>,
}

impl Decoded<'_> {
    /// The bytes of the source that a range of the decoded text was written with; whole escapes at both ends.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        self.before(range.start, false)..self.before(range.end, true)
    }

    /// A range of the source without the parts of escapes at its ends.
    pub(super) fn narrowed(&self, range: Range<usize>) -> Range<usize> {
        let cut = |at: usize| {
            let next = self.escapes.partition_point(|escape| escape.source.start < at);
            let last = next.checked_sub(1).and_then(|last| self.escapes.get(last));
            last.map(|escape| &escape.source).filter(|source| at < source.end)
        };
        cut(range.start).map_or(range.start, |source| source.end)
            ..cut(range.end).map_or(range.end, |source| source.start)
    }

    /// Where a place of the decoded text stood; inside an escape that is its beginning, or its end for an end.
    fn before(&self, at: usize, is_end: bool) -> usize {
        let next = self.escapes.partition_point(|escape| escape.at < at);
        match next.checked_sub(1).and_then(|last| self.escapes.get(last)) {
            Some(escape) if at < escape.until => {
                if is_end {
                    escape.source.end
                } else {
                    escape.source.start
                }
            }
            Some(escape) => escape.source.end + (at - escape.until),
            None => at,
        }
    }
}

/// Reads every escape of JSON and its relatives; a backslash that escapes nothing stays.
pub(super) fn decoded(text: &str) -> Decoded<'_> {
    let bytes = text.as_bytes();
    if memchr::memchr(b'\\', bytes).is_none() {
        return Decoded { text: Cow::Borrowed(text), escapes: Vec::new() };
    }
    let mut out = String::with_capacity(text.len());
    let mut escapes = Vec::new();
    let mut done = 0;
    while let Some(offset) = memchr::memchr(b'\\', bytes.get(done..).unwrap_or_default()) {
        let start = done + offset;
        out.push_str(text.get(done..start).unwrap_or_default());
        let at = out.len();
        let (letter, width) = match bytes.get(start + 1) {
            Some(b'n') => ('\n', 2),
            Some(b'r') => ('\r', 2),
            Some(b't') => ('\t', 2),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(sign @ (b'"' | b'\'' | b'\\' | b'/' | b'`')) => (char::from(*sign), 2),
            Some(b'u') => unicode(text, start).unwrap_or(('\\', 1)),
            _ => ('\\', 1),
        };
        out.push(letter);
        done = start + width;
        if width > 1 {
            escapes.push(Escape { at, until: out.len(), source: start..done });
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Decoded { text: Cow::Owned(out), escapes }
}

/// The character of the `\uXXXX` at `start`, of two where they are the halves of one, and how many bytes that takes.
fn unicode(text: &str, start: usize) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let first = unit(start)?;
    if let (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) = (first, unit(start + 6)) {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return char::from_u32(code).map(|letter| (letter, 12));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_led_back_to_their_bytes() {
        let text = r#"x\nann\u0040example.org \\ \"q\" \ud83d\ude00 \u00e9 \d"#;
        let decoded = decoded(text);
        assert!(decoded.text.starts_with("x\nann@example.org"), "{}", decoded.text);
        assert!(decoded.text.ends_with("\u{1F600} é \\d"), "{}", decoded.text);
        let found = decoded.text.find("ann").unwrap();
        let span = decoded.source(found..found + "ann@example.org".len());
        assert_eq!(&text[span], r"ann\u0040example.org");
        let sign = decoded.text.find('@').unwrap();
        assert_eq!(&text[decoded.source(sign..sign + 1)], r"\u0040");
        let smile = decoded.text.find('\u{1F600}').unwrap();
        assert_eq!(&text[decoded.source(smile..smile + 4)], r"\ud83d\ude00");
        assert_eq!(decoded.source(0..decoded.text.len()), 0..text.len());
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in ["plain", "\\", "\\u12", "\\u12é4", "\\é", "a\\", "\\u+123", r"C:\dir"] {
            assert_eq!(decoded(text).text, text);
        }
    }
}
