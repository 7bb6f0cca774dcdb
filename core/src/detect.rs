//! Looks for secrets, personal data, invisible characters, injections and risky tools in one call's texts.
//! Owns the detectors and their catalogue; touches only ground.
//!
//! Every detector is a pure function of the text: linear time, bounded look-around, no regular expressions, so that
//! no input can be slow. A detector that ran always answers; a key that is absent means "not known", never zero.

mod bytes;
mod catalogue;
mod escapes;
mod injection;
mod json;
mod names;
mod output;
mod pii;
mod places;
mod reveal;
mod secrets;
mod security;
mod tool_risk;
mod values;

pub use catalogue::{CATALOGUE, DetectorInfo, Requested};
pub use json::keeps_json;
pub use names::masked as masked_name;
pub use reveal::{Leak, plain};
pub use values::Values;

use std::{borrow::Cow, collections::HashSet};

use output::Output;
use serde_json::{Map, Value};

use crate::{
    api::{ContentType, FileContext, McpContext, Severity, Signal, ToolContext},
    context_keys::{ContextKey, KeyValue},
};

/// Which way the content travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the model or tool.
    Input,
    /// Back from it.
    Output,
}

/// What is inspected.
pub struct Subject<'a> {
    /// The text itself; for tool calls the JSON text of the arguments.
    pub content: &'a str,
    /// What kind of text it is.
    pub content_type: ContentType,
    /// Which way it travels.
    pub direction: Direction,
    /// Further texts of the call.
    pub contexts: &'a [String],
    /// The tool of a tool call.
    pub tool: Option<&'a ToolContext>,
    /// The file of a file action.
    pub file: Option<&'a FileContext>,
    /// The MCP server of a connection.
    pub mcp: Option<&'a McpContext>,
}

/// Where a finding stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the content.
    Content,
    /// In the string at this JSON pointer (RFC 6901) of the tool's arguments.
    Argument(String),
    /// The number at this pointer; the span covers its decimal digits. Cannot be redacted in place.
    ArgumentNumber(String),
    /// An object key at this pointer. Cannot be redacted in place.
    ArgumentKey(String),
    /// Another part of the call, e.g. `contexts`. Cannot be redacted in place.
    Elsewhere(&'static str),
}

/// One secret or piece of personal data: the detectors whose findings can be redacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The detector that found it.
    pub detector: &'static str,
    /// What it is, as policies name it.
    pub kind: &'static str,
    /// Where it stands.
    pub place: Place,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What one detector did.
pub struct DetectorRun {
    /// The detector's name.
    pub name: &'static str,
    /// The tier it belongs to.
    pub tier: &'static str,
    /// `ok` or `not_run`.
    pub status: &'static str,
    /// Its raw keys.
    pub raw: Vec<(&'static str, KeyValue)>,
}

/// Everything the detectors found.
#[derive(Default)]
pub struct Findings {
    /// Keys by the names policies use.
    pub keys: Vec<(ContextKey, KeyValue)>,
    /// Spans of secrets and personal data.
    pub hits: Vec<Finding>,
    /// What to tell people, most severe first.
    pub signals: Vec<Signal>,
    /// One entry per detector of the catalogue.
    pub runs: Vec<DetectorRun>,
}

impl Findings {
    /// The worst severity among the signals.
    #[must_use]
    pub fn highest_severity(&self) -> Severity {
        self.signals.iter().map(|signal| signal.severity).max().unwrap_or(Severity::None)
    }

    /// The highest score among the signals.
    #[must_use]
    pub fn highest_score(&self) -> i64 {
        self.signals.iter().map(|signal| signal.score).max().unwrap_or(0)
    }
}

/// A span one of the text scanners found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hit {
    kind: &'static str,
    start: usize,
    end: usize,
    /// False when a longer hit covers it: it names a second kind of the same secret, not a second secret.
    counted: bool,
}

/// What one of the two span detectors gathered over all places.
#[derive(Default)]
struct Tally {
    seen: HashSet<(&'static str, String)>,
    kinds: Vec<&'static str>,
}

impl Tally {
    fn add(&mut self, leak: &Leak) {
        if !self.kinds.contains(&leak.kind) {
            self.kinds.push(leak.kind);
        }
        if leak.counted {
            self.seen.insert((leak.kind, fingerprint(&leak.value)));
        }
    }

    fn count(&self) -> i64 {
        i64::try_from(self.seen.len()).unwrap_or(i64::MAX)
    }

    fn kinds(&mut self) -> Vec<Cow<'static, str>> {
        self.kinds.sort_unstable();
        self.kinds.iter().copied().map(Cow::Borrowed).collect()
    }
}

/// A tool call shows the same value twice, plain and inside JSON text: escapes and separators must not make it two.
fn fingerprint(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            letters.next_if(|next| matches!(next, 'n' | 'r' | 't' | '"' | '\\' | '/'));
        } else if letter.is_alphanumeric() {
            out.push(letter);
        }
    }
    // A value of nothing but signs still has to be told from another.
    if out.is_empty() { text.to_owned() } else { out }
}

/// The two families of detectors whose findings can be redacted.
#[derive(Clone, Copy, Debug)]
pub struct Families {
    /// Keys, tokens, passwords.
    pub secrets: bool,
    /// Personal data.
    pub pii: bool,
}

/// Looks at one text as it stands. `name` is the name of what the text is the value of.
fn scan(text: &str, name: Option<&str>, families: Families, found: &mut Vec<Leak>) {
    let mark = found.len();
    flat(text, name, families, |detector, hit| found.push(Leak::new(detector, hit, text)));
    // A name announces what a value is as the words of a sentence do: `{"app_key": "…"}` reads like `app_key: "…"`.
    let Some(name) = name.filter(|name| text.len() <= LONGEST_NAMED && announces(name)) else { return };
    let sentence = format!("\"{name}\": \"{text}\"");
    let from = name.len() + 5;
    let told = found.len();
    flat(&sentence, None, families, |detector, hit| {
        let (start, end) = (hit.start.max(from) - from, hit.end.min(from + text.len()).saturating_sub(from));
        if hit.start < from || start >= end {
            return;
        }
        let is_known =
            found.get(mark..told).unwrap_or_default().iter().any(|leak| leak.start < end && start < leak.end);
        found.push(Leak::new(detector, &Hit { start, end, counted: hit.counted && !is_known, ..*hit }, text));
    });
}

/// Longest value that is read together with its name.
const LONGEST_NAMED: usize = 1_024;

fn announces(name: &str) -> bool {
    secrets::announces(name) || pii::announces(name)
}

fn flat(text: &str, name: Option<&str>, families: Families, mut each: impl FnMut(&'static str, &Hit)) {
    let mut hits = Vec::new();
    if families.secrets {
        secrets::scan(text, name, &mut hits);
        hits.drain(..).for_each(|hit| each("secrets", &hit));
    }
    if families.pii {
        pii::scan(text, name, &mut hits);
        hits.drain(..).for_each(|hit| each("pii", &hit));
    }
}

/// Everything of these families in a text, as deep as it can be read, where its bytes stand.
#[must_use]
pub fn leaks(text: &str, name: Option<&str>, families: Families) -> Vec<Leak> {
    let mut found = Vec::new();
    reveal::each(text, name, true, &mut |text, name, found| scan(text, name, families, found), &mut found);
    found
}

/// As [`leaks`], for the digits of a number.
#[must_use]
pub fn number_leaks(digits: &str, name: Option<&str>, families: Families) -> Vec<Leak> {
    let mut found = Vec::new();
    reveal::number(digits, name, &mut |text, name, found| scan(text, name, families, found), &mut found);
    found
}

/// Calls `visit` for every string, key and long number of a tool's arguments, with its name.
pub fn each_argument(arguments: &Map<String, Value>, mut visit: impl FnMut(Place, &str, Option<&str>)) {
    places::arguments(arguments, &mut |located| visit(located.place(), located.text, located.hint));
}

/// Runs the detectors `only` names, of the catalogue; all where it is none. The others are told as not run.
#[must_use]
pub fn inspect(subject: &Subject<'_>, only: Option<&[&'static str]>) -> Findings {
    let wanted = |name: &str| only.is_none_or(|only| only.contains(&name));
    let [secrets_on, pii_on, security_on, injection_on] = ["secrets", "pii", "security", "injection"].map(wanted);
    let tool_on = wanted("tool_risk") && (subject.tool.is_some() || subject.mcp.is_some());
    let content_is_data = subject.direction == Direction::Output
        || matches!(subject.content_type, ContentType::Response | ContentType::ToolCall | ContentType::File);

    let mut findings = Findings::default();
    let (mut secrets, mut pii) = (Tally::default(), Tally::default());
    let mut unseen = security::Unseen::default();
    let mut attack = injection::Attack::default();
    let families = Families { secrets: secrets_on, pii: pii_on };
    let is_tool_call = subject.content_type == ContentType::ToolCall;
    // The strings and numbers of a tool's content are its arguments, which are looked at one by one; only what a text
    // cannot show as it stands is not yet seen there.
    let content_is_told = is_tool_call
        && subject.tool.is_some_and(|tool| !tool.arguments.is_empty())
        && !json::hides(subject.content.as_bytes());
    let mut leaks: Vec<Leak> = Vec::new();
    places::each(subject, content_is_data, |located| {
        let text = located.text;
        let mut look = |text: &str, name: Option<&str>, found: &mut Vec<Leak>| scan(text, name, families, found);
        if located.is_number() {
            reveal::number(text, located.hint, &mut look, &mut leaks);
        } else {
            let deep = !(located.is_content() && content_is_told);
            reveal::each(text, located.hint, deep, &mut look, &mut leaks);
        }
        for leak in leaks.drain(..) {
            let tally = if leak.detector == "pii" { &mut pii } else { &mut secrets };
            tally.add(&leak);
            let Leak { detector, kind, start, end, .. } = leak;
            findings.hits.push(Finding { detector, kind, place: located.place(), start, end });
        }
        if located.is_number() {
            return;
        }
        let decoded = (is_tool_call && located.is_content()).then(|| escapes::decoded(text));
        let text = decoded.as_ref().map_or(text, |decoded| &decoded.text);
        if security_on {
            unseen.scan(text);
        }
        if injection_on {
            attack.scan(text, located.is_data);
        }
    });

    let mut output = Output::over(findings);
    if secrets_on {
        output.secrets(&mut secrets);
    }
    output.close(0, secrets_on);
    if pii_on {
        output.pii(&mut pii);
    }
    output.close(1, pii_on);
    if security_on {
        output.security(&unseen);
    }
    output.close(2, security_on);
    if injection_on {
        output.injection(&attack, subject.tool.is_some());
    }
    output.close(3, injection_on);
    if tool_on {
        output.tool_risk(subject.tool, subject.mcp);
    }
    output.close(4, tool_on);

    let mut findings = output.findings();
    findings.signals.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then_with(|| b.score.cmp(&a.score)).then_with(|| a.name.cmp(&b.name))
    });
    findings
}

#[cfg(test)]
mod tests;
