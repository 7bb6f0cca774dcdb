//! Looks for secrets, personal data, invisible characters, injections and risky tools in one call's texts.
//! Owns the detectors and their catalogue; touches only `api` and `context_keys`.
//!
//! Every detector is a pure function of the text: linear time, bounded look-around, no regular expressions, so that
//! no input can be slow. A detector that ran always answers; a key that is absent means "not known", never zero.

mod bytes;
mod escapes;
mod injection;
mod json;
mod names;
mod pii;
mod places;
mod reveal;
mod secrets;
mod security;
mod tool_risk;
mod values;

pub use json::keeps_json;
pub use names::masked as masked_name;
pub use reveal::{Leak, plain};
pub use values::Values;

use std::{borrow::Cow, collections::HashSet};

use serde_json::{Map, Value};

use crate::{
    api::{ContentType, FileContext, McpContext, Severity, Signal, ToolContext},
    context_keys::{ContextKey, KeyType, KeyValue},
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

/// What the catalogue says about a detector.
pub struct DetectorInfo {
    /// The detector's name.
    pub name: &'static str,
    /// The tier it runs in.
    pub tier: &'static str,
    /// The family its signals belong to.
    pub category: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// The keys it emits under its own names, and their types.
    pub raw_keys: &'static [(&'static str, KeyType)],
    /// The keys policies read.
    pub keys: &'static [ContextKey],
}

/// Every detector, in the order they run.
pub const CATALOGUE: &[DetectorInfo] = &[
    DetectorInfo {
        name: "secrets",
        tier: "fast",
        category: "secrets",
        description: "Finds keys, tokens, passwords and private keys.",
        raw_keys: &[
            ("contains_secrets", KeyType::Bool),
            ("secret_types", KeyType::Set),
            ("secret_count", KeyType::Long),
        ],
        keys: &[ContextKey::SecretsDetected, ContextKey::SecretCount, ContextKey::SecretTypes],
    },
    DetectorInfo {
        name: "pii",
        tier: "fast",
        category: "privacy",
        description: "Finds structured personal data: cards, bank accounts, social security numbers, addresses.",
        raw_keys: &[("pii_detected", KeyType::Bool), ("pii_types", KeyType::Set), ("pii_count", KeyType::Long)],
        keys: &[ContextKey::PiiDetected, ContextKey::PiiCount, ContextKey::PiiTypes, ContextKey::PiiScore],
    },
    DetectorInfo {
        name: "security",
        tier: "fast",
        category: "security",
        description: "Finds characters that people cannot see and models can.",
        raw_keys: &[
            ("contains_non_ascii", KeyType::Bool),
            ("non_ascii_score", KeyType::Long),
            ("contains_invisible_chars", KeyType::Bool),
            ("invisible_chars_score", KeyType::Long),
        ],
        keys: &[ContextKey::ContainsNonAscii, ContextKey::InvisibleCharsDetected, ContextKey::InvisibleCharsScore],
    },
    DetectorInfo {
        name: "injection",
        tier: "fast",
        category: "injection",
        description: "Scores attempts to override instructions, extract prompts or talk a model out of its rules.",
        raw_keys: &[
            ("injection_confidence", KeyType::Long),
            ("jailbreak_confidence", KeyType::Long),
            ("injection_type", KeyType::String),
        ],
        keys: &[
            ContextKey::InjectionScore,
            ContextKey::JailbreakScore,
            ContextKey::InjectionType,
            ContextKey::InjectionPulseScore,
            ContextKey::JailbreakPulseScore,
            ContextKey::IndirectInjectionScore,
            ContextKey::IndirectInjectionType,
        ],
    },
    DetectorInfo {
        name: "tool_risk",
        tier: "fast",
        category: "agent-security",
        description: "Rates a tool by what its name says it does.",
        raw_keys: &[
            ("tool_name", KeyType::String),
            ("tool_risk_score", KeyType::Long),
            ("tool_is_sensitive", KeyType::Bool),
            ("tool_category", KeyType::String),
            ("tool_is_builtin", KeyType::Bool),
            ("mcp_server", KeyType::String),
            ("mcp_tool", KeyType::String),
            ("mcp_server_verified", KeyType::Bool),
        ],
        keys: &[
            ContextKey::ToolName,
            ContextKey::ToolRiskScore,
            ContextKey::ToolIsSensitive,
            ContextKey::ToolCategory,
            ContextKey::ToolIsBuiltin,
            ContextKey::McpServer,
            ContextKey::McpTool,
            ContextKey::McpServerVerified,
        ],
    },
];

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

/// Which detectors to run: names of the catalogue; empty means all.
#[must_use]
pub fn inspect(subject: &Subject<'_>, only: &[&'static str]) -> Findings {
    let wanted = |name: &str| only.is_empty() || only.contains(&name);
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

    let mut output = Output { findings, raw: Vec::new() };
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

    let mut findings = output.findings;
    findings.signals.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then_with(|| b.score.cmp(&a.score)).then_with(|| a.name.cmp(&b.name))
    });
    findings
}

/// Turns what the scanners gathered into keys, raw keys and signals.
struct Output {
    findings: Findings,
    raw: Vec<(&'static str, KeyValue)>,
}

impl Output {
    fn close(&mut self, position: usize, ran: bool) {
        if let Some(info) = CATALOGUE.get(position) {
            let status = if ran { "ok" } else { "not_run" };
            let raw = std::mem::take(&mut self.raw);
            self.findings.runs.push(DetectorRun { name: info.name, tier: info.tier, status, raw });
        }
    }

    fn emit(&mut self, key: ContextKey, raw: &'static str, value: KeyValue) {
        self.raw.push((raw, value.clone()));
        self.findings.keys.push((key, value));
    }

    fn key(&mut self, key: ContextKey, value: KeyValue) {
        self.findings.keys.push((key, value));
    }

    fn signal(&mut self, category: &str, key: ContextKey, name: &str, score: i64, severity: Severity, owasp: &str) {
        self.findings.signals.push(Signal {
            category: category.to_owned(),
            context_key: key.name().to_owned(),
            name: name.to_owned(),
            score,
            severity,
            vulnerability_id: owasp.to_owned(),
        });
    }

    fn secrets(&mut self, tally: &mut Tally) {
        let kinds = tally.kinds();
        self.emit(ContextKey::SecretsDetected, "contains_secrets", KeyValue::Bool(!kinds.is_empty()));
        self.emit(ContextKey::SecretCount, "secret_count", KeyValue::Long(tally.count()));
        self.emit(ContextKey::SecretTypes, "secret_types", KeyValue::Set(kinds));
        for kind in &tally.kinds {
            let (name, severity) = secrets::describe(kind);
            self.signal("secrets", ContextKey::SecretTypes, name, 100, severity, "LLM02:2025");
        }
    }

    fn pii(&mut self, tally: &mut Tally) {
        let kinds = tally.kinds();
        let count = tally.count();
        self.emit(ContextKey::PiiDetected, "pii_detected", KeyValue::Bool(!kinds.is_empty()));
        self.emit(ContextKey::PiiCount, "pii_count", KeyValue::Long(count));
        self.emit(ContextKey::PiiTypes, "pii_types", KeyValue::Set(kinds));
        // The shipped contract: the score is the count, so that its thresholds mean what they mean elsewhere.
        self.key(ContextKey::PiiScore, KeyValue::Long(count.min(100)));
        for kind in &tally.kinds {
            let (name, severity) = pii::describe(kind);
            self.signal("privacy", ContextKey::PiiTypes, name, 100, severity, "LLM02:2025");
        }
    }

    fn security(&mut self, unseen: &security::Unseen) {
        let score = unseen.score();
        self.emit(ContextKey::ContainsNonAscii, "contains_non_ascii", KeyValue::Bool(unseen.has_non_ascii()));
        self.raw.push(("non_ascii_score", KeyValue::Long(unseen.non_ascii_score())));
        self.emit(ContextKey::InvisibleCharsDetected, "contains_invisible_chars", KeyValue::Bool(score > 0));
        self.emit(ContextKey::InvisibleCharsScore, "invisible_chars_score", KeyValue::Long(score));
        if score > 0 {
            let severity = if score >= 90 { Severity::High } else { Severity::Medium };
            let key = ContextKey::InvisibleCharsDetected;
            self.signal("security", key, "invisible characters", score, severity, "LLM01:2025");
        }
    }

    fn injection(&mut self, attack: &injection::Attack, is_tool_call: bool) {
        let verdict = attack.verdict();
        let (injection, jailbreak) = (KeyValue::Long(verdict.injection), KeyValue::Long(verdict.jailbreak));
        self.emit(ContextKey::InjectionScore, "injection_confidence", injection.clone());
        self.emit(ContextKey::JailbreakScore, "jailbreak_confidence", jailbreak.clone());
        self.key(ContextKey::InjectionPulseScore, injection);
        self.key(ContextKey::JailbreakPulseScore, jailbreak);
        if let Some(kind) = verdict.kind {
            self.emit(ContextKey::InjectionType, "injection_type", KeyValue::Text(kind.into()));
        }
        if is_tool_call {
            self.key(ContextKey::IndirectInjectionScore, KeyValue::Long(verdict.injection));
            if let Some(kind) = verdict.kind {
                self.key(ContextKey::IndirectInjectionType, KeyValue::Text(kind.into()));
            }
        }
        let rows = [
            (ContextKey::InjectionScore, "prompt injection", verdict.injection),
            (ContextKey::JailbreakScore, "jailbreak attempt", verdict.jailbreak),
        ];
        for (key, name, score) in rows {
            let severity = match score {
                86.. => Severity::Critical,
                61.. => Severity::High,
                50.. => Severity::Medium,
                _ => continue,
            };
            self.signal("injection", key, name, score, severity, "LLM01:2025");
        }
    }

    fn tool_risk(&mut self, tool: Option<&ToolContext>, mcp: Option<&McpContext>) {
        if let Some(tool) = tool {
            let risk = tool_risk::rate(&tool.name);
            self.emit(ContextKey::ToolName, "tool_name", KeyValue::Text(tool.name.clone().into()));
            self.emit(ContextKey::ToolRiskScore, "tool_risk_score", KeyValue::Long(risk.score));
            self.emit(ContextKey::ToolIsSensitive, "tool_is_sensitive", KeyValue::Bool(risk.is_sensitive));
            self.emit(ContextKey::ToolIsBuiltin, "tool_is_builtin", KeyValue::Bool(tool.is_builtin));
            if let Some(category) = risk.category {
                self.emit(ContextKey::ToolCategory, "tool_category", KeyValue::Text(category.into()));
            }
            if risk.category == Some("dangerous") {
                let key = ContextKey::ToolRiskScore;
                self.signal("agent-security", key, "dangerous tool", risk.score, Severity::High, "LLM06:2025");
            }
        }
        let of_tool = tool.and_then(|tool| tool.server_id.as_deref()).filter(|server| !server.is_empty());
        let of_mcp = mcp.map(|mcp| mcp.server_name.as_str()).filter(|server| !server.is_empty());
        if let Some(server) = of_tool.or(of_mcp) {
            self.emit(ContextKey::McpServer, "mcp_server", KeyValue::Text(server.to_owned().into()));
        }
        if let (Some(tool), Some(_)) = (tool, of_tool) {
            self.emit(ContextKey::McpTool, "mcp_tool", KeyValue::Text(tool.name.clone().into()));
        }
        if let Some(verified) = mcp.and_then(|mcp| mcp.verified) {
            self.emit(ContextKey::McpServerVerified, "mcp_server_verified", KeyValue::Bool(verified));
        }
    }
}

#[cfg(test)]
mod tests;
