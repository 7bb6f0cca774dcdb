//! Redaction of one call: one finding is rewritten in every form of the call that is handed on, or the call is denied.
//!
//! The content and each string of the tool's arguments are texts of their own. In turns, each is rewritten and read again, and
//! what was found in one is looked for in all others, until nothing is left: what stood beside a finding may be one once that
//! is gone. Spans only ever grow and always count bytes of the original text. Keys and numbers of arguments cannot hold a
//! placeholder, so a finding there denies.

use std::{collections::HashSet, ops::Range};

use serde_json::{Map, Value};

use super::Call;
use crate::{
    api::RedactionEntry,
    detect::{self, Families, Finding, Findings, Leak, Place, Values},
    error::{Error, Result},
    policy::Redaction,
    redact::{self, Labels, Span, Strategy},
};

/// How many turns a call may take. Each but the last found something new beside what was rewritten before.
const MOST_TURNS: usize = 8;
/// Most bytes of different values that are looked for in a call's other texts. A call of one text goes without beyond it.
const MOST_VALUES: usize = 1_024 * 1_024;

/// What is handed on of a call.
pub struct Rewritten {
    /// The content.
    pub content: String,
    /// What was rewritten in it.
    pub entries: Vec<RedactionEntry>,
    /// The tool's arguments, if something was rewritten in them.
    pub arguments: Option<Map<String, Value>>,
}

/// One text that is handed on.
struct Text {
    /// The arguments' string at this pointer; the content when there is none.
    pointer: Option<String>,
    name: Option<String>,
    original: String,
    /// Sorted, free of overlaps, in bytes of the original.
    spans: Vec<Span>,
    /// As it reads once those are rewritten.
    rewritten: Option<String>,
    entries: Vec<RedactionEntry>,
    /// Where the entries' replacements stand in the rewritten text.
    replaced: Vec<Range<usize>>,
    /// Whether it is to be read (again), and written.
    is_new: bool,
}

impl Text {
    fn new(pointer: Option<String>, name: Option<&str>, original: &str) -> Self {
        let (name, original) = (name.map(str::to_owned), original.to_owned());
        let (spans, entries, replaced) = (Vec::new(), Vec::new(), Vec::new());
        Self { pointer, name, original, spans, rewritten: None, entries, replaced, is_new: true }
    }

    fn now(&self) -> &str {
        self.rewritten.as_deref().unwrap_or(&self.original)
    }

    /// Takes what was found in the text as it reads now. `is_known` is of values that were found elsewhere: what of them is
    /// being rewritten already is nothing new, while a finding in what was written in another's place leaves nothing of that.
    fn take(&mut self, found: &[Leak], is_known: bool) -> Result<()> {
        let mut fresh = Vec::new();
        for leak in found {
            let span = Span {
                start: self.origin(leak.start, false),
                end: self.origin(leak.end, true),
                kind: leak.kind,
                quotes: leak.number_in,
                is_whole: false,
            };
            let at = self.spans.partition_point(|known| known.end <= span.start);
            match self.spans.get_mut(at).filter(|known| known.start <= span.start && span.end <= known.end) {
                Some(_) if is_known => {}
                Some(known) if known.is_whole => return Err(impossible()),
                Some(known) => {
                    known.is_whole = true;
                    self.is_new = true;
                }
                None => fresh.push(span),
            }
        }
        if !fresh.is_empty() {
            self.is_new = true;
            self.spans.append(&mut fresh);
            self.spans = redact::merge(&self.spans);
        }
        Ok(())
    }

    /// Where a place of the text as it reads now stands in the original; the whole of what was replaced counts as one.
    fn origin(&self, at: usize, is_end: bool) -> usize {
        let next = self.replaced.partition_point(|place| if is_end { place.start < at } else { place.start <= at });
        let last = next.checked_sub(1).and_then(|last| Some((self.replaced.get(last)?, self.entries.get(last)?)));
        match last {
            Some((place, entry)) if at < place.end => {
                if is_end {
                    entry.end_pos
                } else {
                    entry.start_pos
                }
            }
            Some((place, entry)) => entry.end_pos + (at - place.end),
            None => at,
        }
    }

    fn write(&mut self, strategy: Strategy, labels: &mut Labels) -> Result<()> {
        let (text, entries) = redact::text(&self.original, &self.spans, strategy, labels, detect::plain)?;
        let (mut done, mut length) = (0, 0);
        self.replaced.clear();
        for entry in &entries {
            length += entry.start_pos - done;
            self.replaced.push(length..length + entry.replacement.len());
            length += entry.replacement.len();
            done = entry.end_pos;
        }
        (self.rewritten, self.entries) = (Some(text), entries);
        Ok(())
    }
}

/// Failing is the only safe answer: what could not be redacted must not travel on as if it had been.
fn impossible() -> Error {
    Error::invalid("redaction_impossible", "a finding cannot be rewritten where it stands")
}

/// Rewrites what `wanted` names in every form of the call that is handed on.
///
/// # Errors
/// `redaction_impossible` when a finding stands where nothing can be rewritten, or something is still left after the last turn.
pub fn rewrite(call: &Call, findings: &Findings, wanted: &Redaction) -> Result<Rewritten> {
    let content = &call.request.content;
    let chosen = |finding: &&Finding| match finding.detector {
        "pii" => wanted.pii,
        "secrets" => wanted.secrets,
        _ => false,
    };
    let mut hits = findings.hits.iter().filter(chosen).peekable();
    if hits.peek().is_none() {
        return Ok(Rewritten { content: content.clone(), entries: Vec::new(), arguments: None });
    }
    if hits.any(|finding| !matches!(finding.place, Place::Content | Place::Argument(_))) {
        return Err(impossible());
    }
    let arguments = call.request.tool.as_ref().map(|tool| &tool.arguments).filter(|arguments| !arguments.is_empty());
    let mut texts = vec![Text::new(None, None, content)];
    let mut fixed = Vec::new();
    if let Some(arguments) = arguments {
        detect::each_argument(arguments, |place, text, name| match place {
            Place::Argument(pointer) => texts.push(Text::new(Some(pointer), name, text)),
            _ => fixed.push(text.to_owned()),
        });
    }
    let strategy = Strategy::parse(&wanted.strategy).unwrap_or(Strategy::Redact);
    turns(&mut texts, &fixed, Families { secrets: wanted.secrets, pii: wanted.pii }, strategy)?;

    let mut root = arguments.cloned().map(Value::Object);
    let (mut rewritten, mut touched) = (content.clone(), false);
    let mut entries = Vec::new();
    for text in texts {
        let Some(now) = text.rewritten else { continue };
        if !detect::keeps_json(&text.original, &now) {
            return Err(impossible());
        }
        match (text.pointer, &mut root) {
            (None, _) => (rewritten, entries) = (now, text.entries),
            (Some(pointer), Some(root)) => {
                let Some(Value::String(place)) = root.pointer_mut(&pointer) else { return Err(impossible()) };
                (*place, touched) = (now, true);
            }
            (Some(_), None) => return Err(impossible()),
        }
    }
    if !call.tenant.settings.redaction_originals {
        entries.iter_mut().for_each(|entry| entry.original.clear());
    }
    let arguments = match root {
        Some(Value::Object(arguments)) if touched => Some(arguments),
        _ => None,
    };
    Ok(Rewritten { content: rewritten, entries, arguments })
}

/// Rewrites the texts until nothing is found in them. `fixed` are those that must not hold anything of it.
fn turns(texts: &mut [Text], fixed: &[String], families: Families, strategy: Strategy) -> Result<()> {
    let mut labels = Labels::default();
    let mut known: HashSet<String> = HashSet::new();
    let mut bytes = 0_usize;
    let is_alone = texts.len() == 1 && fixed.is_empty();
    for _ in 0..MOST_TURNS {
        let mut fresh: Vec<(String, &'static str, &'static str)> = Vec::new();
        for text in texts.iter_mut().filter(|text| text.is_new) {
            text.is_new = false;
            let found = detect::leaks(text.now(), text.name.as_deref(), families);
            text.take(&found, false)?;
            for leak in found {
                if bytes <= MOST_VALUES && known.insert(leak.value.clone()) {
                    bytes += leak.value.len();
                    fresh.push((leak.value, leak.detector, leak.kind));
                }
            }
        }
        if bytes > MOST_VALUES {
            if !is_alone {
                return Err(impossible());
            }
        } else if let Some(values) =
            Values::new(fresh.iter().map(|(value, detector, kind)| (value.as_str(), *detector, *kind)))
        {
            if fixed.iter().any(|text| !values.leaks(text).is_empty()) {
                return Err(impossible());
            }
            for text in texts.iter_mut() {
                let found = values.leaks(text.now());
                text.take(&found, true)?;
            }
        }
        if !texts.iter().any(|text| text.is_new) {
            return Ok(());
        }
        for text in texts.iter_mut().filter(|text| text.is_new) {
            text.write(strategy, &mut labels)?;
        }
    }
    Err(impossible())
}
