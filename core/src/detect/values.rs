//! Finds again what was found: the same value in another form of a call, also where nothing around it tells. Touches nothing.

use aho_corasick::{AhoCorasick, MatchKind};

use super::{
    Hit,
    reveal::{self, Leak},
};

/// Values that were found, to be looked for elsewhere.
pub struct Values {
    automaton: AhoCorasick,
    kinds: Vec<(&'static str, &'static str)>,
}

impl Values {
    /// Shortest value that is looked for: shorter ones stand in too many words.
    const SHORTEST: usize = 6;

    /// What to look for; `None` when nothing is worth it.
    #[must_use]
    pub fn new<'a>(found: impl Iterator<Item = (&'a str, &'static str, &'static str)>) -> Option<Self> {
        let (values, kinds): (Vec<&str>, Vec<_>) = found
            .filter(|(value, ..)| value.len() >= Self::SHORTEST)
            .map(|(value, detector, kind)| (value, (detector, kind)))
            .unzip();
        if values.is_empty() {
            return None;
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(values).ok()?;
        Some(Self { automaton, kinds })
    }

    /// Where they stand in a text, read as deep as it can be.
    #[must_use]
    pub fn leaks(&self, text: &str) -> Vec<Leak> {
        let mut found = Vec::new();
        let mut look = |text: &str, _: Option<&str>, found: &mut Vec<Leak>| {
            found.extend(self.automaton.find_iter(text).filter_map(|at| {
                let (detector, kind) = *self.kinds.get(at.pattern().as_usize())?;
                Some(Leak::new(detector, &Hit { kind, start: at.start(), end: at.end(), counted: true }, text))
            }));
        };
        reveal::each(text, None, true, &mut look, &mut found);
        found
    }
}
