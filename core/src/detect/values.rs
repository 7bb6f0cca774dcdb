//! Finds again what was found: the same value in another form of a call, also where nothing around it tells. Touches nothing.

use aho_corasick::{AhoCorasick, MatchKind};

use super::{
    Hit,
    reveal::{self, Leak},
};

/// Values that were found, to be looked for elsewhere.
pub struct Values {
    as_written: Sought,
    /// Digits (and letters, of account numbers) without what people write between them.
    compact: Option<Sought>,
}

/// What is looked for, and the detector and kind of each.
struct Sought {
    automaton: AhoCorasick,
    kinds: Vec<(&'static str, &'static str)>,
}

impl Sought {
    fn new<'a>(found: impl Iterator<Item = (&'a str, &'static str, &'static str)>) -> Option<Self> {
        let (values, kinds): (Vec<&str>, Vec<_>) =
            found.map(|(value, detector, kind)| (value, (detector, kind))).unzip();
        if values.is_empty() {
            return None;
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(values).ok()?;
        Some(Self { automaton, kinds })
    }

    fn each(&self, text: &str, mut found: impl FnMut(&'static str, Hit)) {
        for at in self.automaton.find_iter(text) {
            if let Some((detector, kind)) = self.kinds.get(at.pattern().as_usize()) {
                found(detector, Hit { kind, start: at.start(), end: at.end(), counted: true });
            }
        }
    }
}

impl Values {
    /// Shortest value that is looked for: shorter ones stand in too many words.
    const SHORTEST: usize = 6;
    /// Shortest number that is looked for in other spellings: those of a shorter one are many other numbers.
    const SHORTEST_NUMBER: usize = 9;
    /// The kinds that people group as they like.
    const GROUPED: [&str; 4] = ["credit_card", "iban", "phone", "ssn"];

    /// What to look for; `None` when nothing is worth it.
    #[must_use]
    pub fn new<'a>(found: impl Iterator<Item = (&'a str, &'static str, &'static str)>) -> Option<Self> {
        let found: Vec<_> = found.filter(|(value, ..)| value.len() >= Self::SHORTEST).collect();
        let compact: Vec<_> = found
            .iter()
            .filter(|(.., kind)| Self::GROUPED.contains(kind))
            .map(|(value, detector, kind)| (Compact::new(value).text, *detector, *kind))
            .filter(|(value, ..)| value.len() >= Self::SHORTEST_NUMBER)
            .collect();
        let compact = Sought::new(compact.iter().map(|(value, detector, kind)| (value.as_str(), *detector, *kind)));
        Some(Self { as_written: Sought::new(found.into_iter())?, compact })
    }

    /// Where they stand in a text, read as deep as it can be.
    #[must_use]
    pub fn leaks(&self, text: &str) -> Vec<Leak> {
        let mut found = Vec::new();
        let mut look = |text: &str, _: Option<&str>, found: &mut Vec<Leak>| {
            self.as_written.each(text, |detector, hit| found.push(Leak::new(detector, &hit, text)));
            let Some(sought) = &self.compact else { return };
            for (from, run) in runs(text) {
                let compact = Compact::new(run);
                sought.each(&compact.text, |detector, hit| {
                    let (start, end) = compact.source(hit.start, hit.end);
                    found.push(Leak::new(detector, &Hit { start: from + start, end: from + end, ..hit }, text));
                });
            }
        };
        reveal::each(text, None, true, &mut look, &mut found);
        found
    }
}

/// The pieces of a text that may be a grouped number, and where they begin.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    text.split_inclusive(|letter: char| !letter.is_alphanumeric() && !is_grouping(letter)).filter_map(move |run| {
        let at = from;
        from += run.len();
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        (digits >= Values::SHORTEST_NUMBER).then_some((at, run))
    })
}

/// A text without what people group digits with, in capitals, and where each byte of it stood.
struct Compact {
    text: String,
    places: Vec<usize>,
}

impl Compact {
    fn new(source: &str) -> Self {
        let (mut text, mut places) = (String::with_capacity(source.len()), Vec::with_capacity(source.len()));
        for (at, letter) in source.char_indices() {
            if is_grouping(letter) {
                continue;
            }
            let letter = letter.to_ascii_uppercase();
            text.push(letter);
            places.extend(at..at + letter.len_utf8());
        }
        Self { text, places }
    }

    fn source(&self, start: usize, end: usize) -> (usize, usize) {
        let place = |at: usize| self.places.get(at).copied().unwrap_or_default();
        (place(start), place(end.saturating_sub(1)) + 1)
    }
}

/// Blanks, dashes, dots, slashes, brackets and what is not seen at all.
const fn is_grouping(letter: char) -> bool {
    matches!(
        letter,
        ' ' | '\t' | '-' | '.' | '/' | '(' | ')' | '+' | '_' | '\u{a0}' | '\u{ad}' | '\u{2000}'
            ..='\u{2015}' | '\u{202f}' | '\u{2212}' | '\u{feff}'
    )
}
