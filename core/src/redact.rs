//! Rewrites what detectors found, in text and inside tool arguments. Owns the strategies; touches only `api` and `error`.

use std::{borrow::Cow, cmp::Reverse, collections::HashMap};

use crate::{
    api::RedactionEntry,
    error::{Error, Result},
};

/// How a span is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// `[REDACTED]`.
    Redact,
    /// The kind, e.g. `[CREDIT_CARD]`.
    Replace,
    /// Stars of the same length; the last four letters or digits of personal data stay.
    Mask,
    /// A numbered label per distinct value, e.g. `[CREDIT_CARD_1]`.
    Anonymize,
}

impl Strategy {
    /// Reads a wire name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Redact, Self::Replace, Self::Mask, Self::Anonymize].into_iter().find(|strategy| strategy.name() == text)
    }

    /// The wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redact => "redact",
            Self::Replace => "replace",
            Self::Mask => "mask",
            Self::Anonymize => "anonymize",
        }
    }
}

/// What to rewrite: bytes `start..end`, because they are a `kind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What was found, e.g. `credit_card`.
    pub kind: &'static str,
    /// The span is a JSON number, in so many strings: what replaces it stands in quotation marks.
    pub quotes: Option<u32>,
    /// No strategy leaves anything of it.
    pub is_whole: bool,
}

/// Failing is the only safe answer: content that could not be redacted must not travel on as if it had been.
fn impossible(why: &'static str) -> Error {
    Error::invalid("redaction_impossible", why)
}

/// Numbers given to values so far: the same value keeps its number within one call.
#[derive(Default)]
pub struct Labels {
    numbers: HashMap<(&'static str, String), usize>,
    last: HashMap<&'static str, usize>,
}

impl Labels {
    fn number(&mut self, kind: &'static str, value: &str) -> usize {
        let last = &mut self.last;
        *self.numbers.entry((kind, value.to_owned())).or_insert_with(|| {
            let next = last.entry(kind).or_insert(0);
            *next += 1;
            *next
        })
    }
}

/// Rewrites every span of `text`. Overlapping spans become one, of the kind of the longest.
///
/// The entries carry byte offsets into the original text, in its order. `plain` reads a piece of it without escapes: a value
/// has the same label however it is written, and no mask leaves half an escape.
pub fn text(
    text: &str,
    spans: &[Span],
    strategy: Strategy,
    labels: &mut Labels,
    plain: fn(&str) -> Cow<'_, str>,
) -> Result<(String, Vec<RedactionEntry>)> {
    // Before merging: a broken span must not hide behind a sound one that covers it.
    if spans.iter().any(|span| text.get(span.start..span.end).is_none_or(str::is_empty)) {
        return Err(impossible("a finding is empty, outside the text or not on character boundaries"));
    }
    let mut out = String::with_capacity(text.len());
    let mut entries = Vec::new();
    let mut done = 0;
    for Span { start, end, kind, quotes, is_whole } in merge(spans) {
        let (Some(kept), Some(original)) = (text.get(done..start), text.get(start..end)) else {
            return Err(impossible("a finding does not lie on character boundaries inside the text"));
        };
        let replacement = match strategy {
            Strategy::Redact => "[REDACTED]".to_owned(),
            Strategy::Replace => format!("[{}]", kind.to_ascii_uppercase()),
            Strategy::Mask if is_whole => "*".repeat(original.chars().count()),
            Strategy::Mask => masked(original, &plain(original), kind),
            Strategy::Anonymize => format!("[{}_{}]", kind.to_ascii_uppercase(), labels.number(kind, &plain(original))),
        };
        let replacement = quotes.map_or_else(|| replacement.clone(), |strings| quoted(&replacement, strings));
        out.push_str(kept);
        out.push_str(&replacement);
        done = end;
        entries.push(RedactionEntry {
            start_pos: start,
            end_pos: end,
            original: original.to_owned(),
            replacement,
            kind: kind.to_owned(),
        });
    }
    out.push_str(text.get(done..).ok_or_else(|| impossible("a finding ends outside the text"))?);
    Ok((out, entries))
}

/// `replacement` as a JSON string that stands within so many other strings.
fn quoted(replacement: &str, strings: u32) -> String {
    let mut mark = "\"".to_owned();
    for _ in 0..strings {
        mark = mark.replace('\\', "\\\\").replace('"', "\\\"");
    }
    format!("{mark}{replacement}{mark}")
}

/// Sorted and free of overlaps. Neighbours that merely touch stay apart: they are two findings.
pub fn merge(spans: &[Span]) -> Vec<Span> {
    let mut sorted = spans.to_vec();
    sorted.sort_by_key(|span| (span.start, Reverse(span.end)));
    let mut merged: Vec<Span> = Vec::with_capacity(sorted.len());
    // Length of the finding that gave the last merged span its kind.
    let mut longest = 0;
    for span in sorted {
        let length = span.end.saturating_sub(span.start);
        match merged.last_mut() {
            Some(last) if span.start < last.end => {
                // What is more than a number needs no quotation marks of its own.
                last.quotes = match (span.end > last.end, (span.start, span.end) == (last.start, last.end)) {
                    (true, _) => None,
                    (false, true) => last.quotes.or(span.quotes),
                    (false, false) => last.quotes,
                };
                last.is_whole |= span.is_whole;
                last.end = last.end.max(span.end);
                if length > longest {
                    (last.kind, longest) = (span.kind, length);
                }
            }
            _ => {
                longest = length;
                merged.push(span);
            }
        }
    }
    merged
}

/// Personal data people recognise by its last characters; of anything else, a tail is a piece of the secret.
const RECOGNISABLE: &[&str] = &["credit_card", "ssn", "iban", "phone", "email", "ip_address"];

/// As [`mask`]; of a piece with escapes nothing is left that could be read as one.
fn masked(original: &str, plain: &str, kind: &str) -> String {
    if original == plain {
        return mask(original, kind);
    }
    mask(plain, kind).chars().map(|b| if matches!(b, '"' | '\\') || b.is_control() { '*' } else { b }).collect()
}

/// Keeps the length and the separators, so that the shape of a text survives.
fn mask(original: &str, kind: &str) -> String {
    let letters = original.chars().count();
    let keep = if RECOGNISABLE.contains(&kind) && letters > 8 { 4 } else { 0 };
    if keep == 0 {
        return "*".repeat(letters);
    }
    // With a letter before the sign, what is left would be an address again.
    let original_tail = original.rfind('@').map_or(original, |sign| original.get(sign..).unwrap_or_default());
    let all = original.chars().filter(|letter| letter.is_alphanumeric()).count();
    let keep = keep.min(original_tail.chars().filter(|letter| letter.is_alphanumeric()).count());
    let mut seen = 0;
    original
        .chars()
        .map(|letter| {
            if !letter.is_alphanumeric() {
                return letter;
            }
            seen += 1;
            if seen + keep > all { letter } else { '*' }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy as Generator, prop_assert, prop_assert_eq, proptest};

    use super::*;

    const ALL: [Strategy; 4] = [Strategy::Redact, Strategy::Replace, Strategy::Mask, Strategy::Anonymize];

    fn span(start: usize, end: usize, kind: &'static str) -> Span {
        Span { start, end, kind, quotes: None, is_whole: false }
    }

    fn as_is(text: &str) -> Cow<'_, str> {
        Cow::Borrowed(text)
    }

    fn one(value: &str, kind: &'static str, strategy: Strategy) -> String {
        text(value, &[span(0, value.len(), kind)], strategy, &mut Labels::default(), as_is).unwrap().0
    }

    #[test]
    fn names_are_read_back() {
        for strategy in ALL {
            assert_eq!(Strategy::parse(strategy.name()), Some(strategy));
        }
        assert_eq!(Strategy::parse("hide"), None);
    }

    #[test]
    fn each_strategy_writes_its_form() {
        let card = "4111 1111 1111 1111";
        assert_eq!(one(card, "credit_card", Strategy::Redact), "[REDACTED]");
        assert_eq!(one(card, "credit_card", Strategy::Replace), "[CREDIT_CARD]");
        assert_eq!(one(card, "credit_card", Strategy::Mask), "**** **** **** 1111");
        assert_eq!(one(card, "credit_card", Strategy::Anonymize), "[CREDIT_CARD_1]");
    }

    #[test]
    fn secrets_and_short_values_are_masked_whole() {
        assert_eq!(one("AKIA1234EXAMPLE", "aws_access_key", Strategy::Mask), "***************");
        assert_eq!(one("1.2.3.4", "ip_address", Strategy::Mask), "*******");
    }

    #[test]
    fn the_same_value_keeps_its_number() {
        let spans = [span(0, 1, "email"), span(2, 3, "email"), span(4, 5, "email"), span(6, 7, "phone")];
        let (out, _) = text("a b a c", &spans, Strategy::Anonymize, &mut Labels::default(), as_is).unwrap();
        assert_eq!(out, "[EMAIL_1] [EMAIL_2] [EMAIL_1] [PHONE_1]");
    }

    #[test]
    fn overlaps_become_the_union_with_the_kind_of_the_longest() {
        let spans = [span(0, 4, "email"), span(2, 9, "iban"), span(8, 10, "ssn"), span(10, 11, "phone")];
        let (out, entries) = text("0123456789abc", &spans, Strategy::Replace, &mut Labels::default(), as_is).unwrap();
        assert_eq!(out, "[IBAN][PHONE]bc");
        assert_eq!((entries[0].start_pos, entries[0].end_pos, entries[0].kind.as_str()), (0, 10, "iban"));
    }

    #[test]
    fn offsets_are_bytes_of_the_original_also_behind_other_scripts() {
        let content = "日本語 🎉 a@b.co";
        let start = content.find('a').unwrap();
        let (out, entries) =
            text(content, &[span(start, content.len(), "email")], Strategy::Redact, &mut Labels::default(), as_is)
                .unwrap();
        assert_eq!(out, "日本語 🎉 [REDACTED]");
        assert_eq!((entries[0].start_pos, entries[0].end_pos), (start, content.len()));
        assert_eq!(entries[0].original, "a@b.co");
    }

    #[test]
    fn spans_outside_the_text_or_inside_a_character_are_refused() {
        for bad in
            [span(0, 99, "email"), span(50, 60, "email"), span(1, 3, "email"), span(2, 1, "email"), span(3, 3, "email")]
        {
            assert_eq!(
                text("日本", &[bad], Strategy::Redact, &mut Labels::default(), as_is).unwrap_err().code(),
                "redaction_impossible"
            );
        }
    }

    fn cuts() -> impl Generator<Value = (String, Vec<Span>)> {
        ("\\PC{1,60}", proptest::collection::vec((0.0..1.0, 0.0..1.0, 0..3_usize), 0..6)).prop_map(|(content, cuts)| {
            let places: Vec<usize> = content.char_indices().map(|(at, _)| at).chain([content.len()]).collect();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let at = |share: f64| places[((share * places.len() as f64) as usize).min(places.len() - 1)];
            let spans = cuts
                .into_iter()
                .map(|(a, b, kind)| (at(a).min(at(b)), at(a).max(at(b)), ["credit_card", "api_key", "email"][kind]))
                .filter(|(start, end, _)| start < end)
                .map(|(start, end, kind)| span(start, end, kind))
                .collect();
            (content, spans)
        })
    }

    proptest! {
        #[test]
        fn entries_lead_from_the_original_to_the_output((content, spans) in cuts(), which in 0..4_usize) {
            let (out, entries) = text(&content, &spans, ALL[which], &mut Labels::default(), as_is).unwrap();
            let mut rebuilt = content.clone();
            for entry in entries.iter().rev() {
                prop_assert_eq!(&content[entry.start_pos..entry.end_pos], entry.original.as_str());
                rebuilt.replace_range(entry.start_pos..entry.end_pos, &entry.replacement);
            }
            prop_assert_eq!(rebuilt, out);
            for hit in &spans {
                prop_assert!(entries.iter().any(|entry| entry.start_pos <= hit.start && hit.end <= entry.end_pos));
            }
            if which < 2 {
                for entry in &entries {
                    prop_assert!(entry.replacement.starts_with('['));
                }
            }
        }

        #[test]
        fn without_spans_nothing_changes(content in "\\PC*", which in 0..4_usize) {
            let (out, entries) = text(&content, &[], ALL[which], &mut Labels::default(), as_is).unwrap();
            prop_assert_eq!(out, content);
            prop_assert!(entries.is_empty());
        }
    }
}
