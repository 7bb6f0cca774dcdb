//! The detectors there are, what each emits, and the names a caller may ask for. Owns the catalogue; touches only ground.

use crate::{
    context_keys::{ContextKey, KeyType},
    error::{Error, Result},
    nearest::{nearest, shown},
};

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

/// Detectors of the wire contract that are not here (`docs/wire/shield.md`, "Detectors"). Asking for one is no mistake, and no
/// reason to run others in its place: the answer names it as absent.
const ABSENT: [&str; 28] = [
    "keyword",
    "script",
    "code",
    "action_pattern",
    "loop_detector",
    "budget_checker",
    "file_metadata",
    "command_injection",
    "path_traversal",
    "sql_injection",
    "mcp_risk",
    "mcp_input_request",
    "tool_poisoning",
    "rug_pull",
    "cross_origin",
    "encoded_injection",
    "language",
    "toxicity",
    "hallucination",
    "deepcontext",
    "pii_model",
    "content_safety",
    "phishing",
    "malicious_package",
    "package_reputation",
    "sentiment",
    "topic",
    "bash_ast_classifier",
];

/// The detectors a caller asked for by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// Whether any was named at all; else all are meant.
    pub named: bool,
    /// Those there are, in the order they run.
    pub present: Vec<&'static str>,
    /// Those the wire contract has and we lack, in its order.
    pub absent: Vec<&'static str>,
}

impl Requested {
    /// Reads names. Refuses one that is no detector's, here or in the contract: leaving it out would run fewer than were meant,
    /// or all.
    pub fn parse(names: &[String]) -> Result<Self> {
        if names.is_empty() {
            return Ok(Self::default());
        }
        let known = || CATALOGUE.iter().map(|info| info.name);
        let is = |own: &&'static str| names.iter().any(|name| name == own);
        if let Some(unknown) = names.iter().find(|name| !known().chain(ABSENT).any(|own| own == name.as_str())) {
            let help = match nearest(unknown, known().chain(ABSENT)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("detectors are `{}`", known().collect::<Vec<_>>().join("`, `")),
            };
            let what = format!("`{}` in `detectors` is not the name of a detector", shown(unknown));
            return Err(Error::invalid("detector_unknown", what).with_help(help));
        }
        Ok(Self { named: true, present: known().filter(is).collect(), absent: ABSENT.into_iter().filter(is).collect() })
    }

    /// What the answer's `degraded` says of those that are absent.
    pub fn degraded(&self) -> impl Iterator<Item = String> {
        self.absent.iter().map(|name| format!("detector_absent: {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(names: &[&str]) -> Result<Requested> {
        Requested::parse(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn every_name_of_the_contract_is_known_and_each_once() {
        assert_eq!(CATALOGUE.len() + ABSENT.len(), 33);
        for name in ABSENT {
            let asked = parse(&[name]).unwrap();
            assert_eq!((asked.named, asked.present.len(), asked.absent), (true, 0, vec![name]));
        }
        for info in CATALOGUE {
            let asked = parse(&[info.name, info.name]).unwrap();
            assert_eq!((asked.present, asked.absent.len()), (vec![info.name], 0));
        }
        assert_eq!(parse(&[]).unwrap(), Requested::default());
    }

    #[test]
    fn a_name_nobody_knows_is_refused_with_the_nearest() {
        for (name, meant) in [
            ("secrts", "`secrets`"),
            ("Secrets", "`secrets`"),
            (" secrets", "`secrets`"),
            ("secrets,pii", "`secrets`"),
            ("injecton", "`injection`"),
            ("tool-risk", "`tool_risk`"),
            ("toxcity", "`toxicity`"),
            ("", "detectors are"),
            ("all", "detectors are"),
            ("*", "detectors are"),
        ] {
            let error = parse(&["pii", name]).unwrap_err();
            assert_eq!(error.code(), "detector_unknown");
            assert!(error.help().unwrap().contains(meant), "{name}: {error}");
        }
        assert!(parse(&[&"\u{1b}x".repeat(10_000)]).unwrap_err().message().len() < 300);
    }
}
