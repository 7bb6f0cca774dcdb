//! The one table of context keys: what policies may read, for which action, of which type, and who vouches for it.
//! Owns the table and everything derived from it (schema text, lookup); touches no other room.
//!
//! Wire source: `docs/wire/shield.md`, "Context keys". A key that is not in this table does not exist for policies,
//! except metadata keys a project declares.

use std::{borrow::Cow, collections::HashMap, fmt::Write as _, sync::LazyLock};

use serde_json::{Map, Value};

use crate::nearest::{nearest, slip_of};

/// The Cedar namespace of guard decisions.
pub const NAMESPACE: &str = "Guardrails";

/// The six actions policies judge. Keys are closed per action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Action {
    /// Text on its way to a model.
    ProcessPrompt,
    /// Text on its way back.
    ProcessResponse,
    /// A tool call.
    CallTool,
    /// Reading a file.
    ReadFile,
    /// Writing a file.
    WriteFile,
    /// Connecting to an MCP server.
    ConnectServer,
}

impl Action {
    /// Every action, in table order.
    pub const ALL: [Self; 6] = [
        Self::ProcessPrompt,
        Self::ProcessResponse,
        Self::CallTool,
        Self::ReadFile,
        Self::WriteFile,
        Self::ConnectServer,
    ];

    /// The name policies and callers use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProcessPrompt => "process_prompt",
            Self::ProcessResponse => "process_response",
            Self::CallTool => "call_tool",
            Self::ReadFile => "read_file",
            Self::WriteFile => "write_file",
            Self::ConnectServer => "connect_server",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// The next step for whoever named an action that is none.
    #[must_use]
    pub fn meant_by(name: &str) -> String {
        let all = Self::ALL.map(Self::name);
        match nearest(name, all) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("actions are `{}`", all.join("`, `")),
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::ProcessPrompt | Self::ProcessResponse => P,
            Self::CallTool => T,
            Self::ReadFile => R,
            Self::WriteFile => W,
            Self::ConnectServer => C,
        }
    }
}

const P: u8 = 1;
const T: u8 = 2;
const R: u8 = 4;
const W: u8 = 8;
const C: u8 = 16;

/// A key's Cedar type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// `Bool`
    Bool,
    /// `Long`
    Long,
    /// `String`
    String,
    /// `Set<String>`
    Set,
    /// One of the fixed records.
    Record,
}

/// A key's value, kept native until Cedar or a caller asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyValue {
    /// `Bool`
    Bool(bool),
    /// `Long`; scores are 0–100.
    Long(i64),
    /// `String`
    Text(Cow<'static, str>),
    /// `Set<String>`
    Set(Vec<Cow<'static, str>>),
    /// A record of fixed fields.
    Record(Vec<(&'static str, KeyValue)>),
}

impl KeyValue {
    /// The JSON callers see.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Long(value) => Value::from(*value),
            Self::Text(text) => Value::from(text.as_ref()),
            Self::Set(items) => Value::Array(items.iter().map(|item| Value::from(item.as_ref())).collect()),
            Self::Record(fields) => Value::Object(
                fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }
}

/// Who vouches for a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The engine itself.
    Engine,
    /// A verified credential.
    Verified,
    /// The tenant registry.
    Registry,
    /// A detector, limit or session measured it.
    Measured,
    /// The caller said so.
    Claimed,
}

/// One row of the table.
#[derive(Debug)]
pub struct KeyInfo {
    /// The name policies use.
    pub name: &'static str,
    /// Its type.
    pub kind: KeyType,
    actions: u8,
    /// Whether every request of its actions carries it.
    pub required: bool,
    /// Who vouches for it.
    pub provenance: Provenance,
}

impl KeyInfo {
    /// Whether policies of `action` may read it.
    #[must_use]
    pub const fn allows(&self, action: Action) -> bool {
        self.actions & action.bit() != 0
    }
}

macro_rules! context_keys {
    (@required required) => { true };
    (@required optional) => { false };
    ($($variant:ident $name:literal $kind:ident [$($action:ident)+] $required:ident $provenance:ident;)+) => {
        /// A key policies may read as `context.<name>`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        #[allow(missing_docs)] // the table below is the documentation
        pub enum ContextKey { $($variant),+ }

        impl ContextKey {
            /// Every key, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The key's row.
            #[must_use]
            pub const fn info(self) -> &'static KeyInfo {
                match self {
                    $(Self::$variant => &KeyInfo {
                        name: $name,
                        kind: KeyType::$kind,
                        actions: $($action)|+,
                        required: context_keys!(@required $required),
                        provenance: Provenance::$provenance,
                    }),+
                }
            }
        }
    };
}

context_keys! {
    // Core
    RequestId "request_id" String [P T R W C] required Engine;
    Timestamp "timestamp" Long [P T R W C] required Engine;
    Direction "direction" String [P] required Claimed;
    ContentType "content_type" String [P] required Claimed;
    DetectorCount "detector_count" Long [P] required Measured;
    HighestSeverity "highest_severity" String [P] optional Measured;
    // Identity / principal
    Role "role" String [P T R W C] optional Verified;
    PrivilegeScope "privilege_scope" Set [P T R W C] optional Verified;
    IdentityType "identity_type" String [P T R W C] optional Verified;
    Principal "principal" Record [P T R W C] optional Verified;
    Actor "actor" Record [P T R W C] optional Verified;
    AgentId "agent_id" String [P T R W C] optional Verified;
    AgentType "agent_type" String [P T R W C] optional Verified;
    AgentTrustLevel "agent_trust_level" String [P T R W C] optional Verified;
    AgentFramework "agent_framework" String [P T R W C] optional Verified;
    AgentPublisher "agent_publisher" String [P T R W C] optional Verified;
    // Session history
    ConversationTurn "conversation_turn" Long [P T] optional Measured;
    MultiTurnDetection "multi_turn_detection" Bool [P T] optional Measured;
    SessionPiiDetected "session_pii_detected" Bool [P T R W C] optional Measured;
    SessionPiiTypes "session_pii_types" Set [P T R W C] optional Measured;
    SessionSecretsDetected "session_secrets_detected" Bool [P T R W C] optional Measured;
    SessionSecretTypes "session_secret_types" Set [P T R W C] optional Measured;
    SessionInjectionDetected "session_injection_detected" Bool [P T R W C] optional Measured;
    SessionCommandInjection "session_command_injection" Bool [P T R W C] optional Measured;
    SessionThreatTurns "session_threat_turns" Long [P T R W C] optional Measured;
    SessionMaxInjectionScore "session_max_injection_score" Long [P T R W C] optional Measured;
    SessionMaxJailbreakScore "session_max_jailbreak_score" Long [P T R W C] optional Measured;
    SessionMaxCommandInjectionScore "session_max_command_injection_score" Long [P T R W C] optional Measured;
    SessionMaxPiiScore "session_max_pii_score" Long [P T R W C] optional Measured;
    SessionMaxSecretScore "session_max_secret_score" Long [P T R W C] optional Measured;
    SessionCumulativeRiskScore "session_cumulative_risk_score" Long [P T R W C] optional Measured;
    SessionOriginalRequest "session_original_request" String [P T R W C] optional Measured;
    SessionMaxSensitivity "session_max_sensitivity" String [P T R W C] optional Measured;
    // Budgets and rates
    BudgetRemainingPct "budget_remaining_pct" Long [P T R W C] optional Measured;
    BudgetExceeded "budget_exceeded" Bool [P T R W C] optional Measured;
    BudgetModel "budget_model" String [P T R W C] optional Claimed;
    BudgetCostPctDaily "budget_cost_pct_daily" Long [P T R W C] optional Measured;
    BudgetCostPctMonthly "budget_cost_pct_monthly" Long [P T R W C] optional Measured;
    BudgetExceededDaily "budget_exceeded_daily" Bool [P T R W C] optional Measured;
    BudgetExceededMonthly "budget_exceeded_monthly" Bool [P T R W C] optional Measured;
    AgentSpendCentsDaily "agent_spend_cents_daily" Long [P T R W C] optional Measured;
    AgentSpendCentsMonthly "agent_spend_cents_monthly" Long [P T R W C] optional Measured;
    RpmRemainingPct "rpm_remaining_pct" Long [P T R W C] optional Measured;
    RpmExceeded "rpm_exceeded" Bool [P T R W C] optional Measured;
    TpmRemainingPct "tpm_remaining_pct" Long [P T R W C] optional Measured;
    TpmExceeded "tpm_exceeded" Bool [P T R W C] optional Measured;
    // Tool / parameters
    ToolName "tool_name" String [T] optional Claimed;
    ToolRiskScore "tool_risk_score" Long [T] optional Measured;
    ToolIsSensitive "tool_is_sensitive" Bool [T] optional Measured;
    ToolCategory "tool_category" String [T] optional Measured;
    ToolIsBuiltin "tool_is_builtin" Bool [T] optional Claimed;
    ActionParams "action_params" Record [T] optional Claimed;
    ParamTypeViolation "param_type_violation" Bool [T] optional Measured;
    ParamTypeViolations "param_type_violations" Set [T] optional Measured;
    SuspiciousPattern "suspicious_pattern" Bool [T] optional Measured;
    PatternType "pattern_type" String [T] optional Measured;
    SequenceRisk "sequence_risk" Long [T] optional Measured;
    LoopDetected "loop_detected" Bool [T] optional Measured;
    LoopCount "loop_count" Long [T] optional Measured;
    LoopTool "loop_tool" String [T] optional Measured;
    Path "path" String [T R W] optional Claimed;
    ToolOperationClasses "tool_operation_classes" Set [T] optional Measured;
    ResolvedTargetPaths "resolved_target_paths" String [T] optional Measured;
    ReadTargetPaths "read_target_paths" String [T] optional Measured;
    WriteTargetPaths "write_target_paths" String [T] optional Measured;
    ExecTargetPaths "exec_target_paths" String [T] optional Measured;
    UnresolvedTarget "unresolved_target" Bool [T] optional Measured;
    // MCP / agentic
    CrossOriginDetected "cross_origin_detected" Bool [P T C] optional Measured;
    CrossOriginType "cross_origin_type" String [P T C] optional Measured;
    CrossOriginScore "cross_origin_score" Long [P T C] optional Measured;
    McpServer "mcp_server" String [T C] optional Claimed;
    McpTool "mcp_tool" String [T] optional Claimed;
    McpServerVerified "mcp_server_verified" Bool [T C] optional Claimed;
    ToolPoisoningDetected "tool_poisoning_detected" Bool [T C] optional Measured;
    ToolPoisoningScore "tool_poisoning_score" Long [T C] optional Measured;
    ToolPoisoningType "tool_poisoning_type" String [T C] optional Measured;
    RugPullDetected "rug_pull_detected" Bool [T] optional Measured;
    RugPullScore "rug_pull_score" Long [T] optional Measured;
    RugPullType "rug_pull_type" String [T] optional Measured;
    IndirectInjectionScore "indirect_injection_score" Long [T] optional Measured;
    IndirectInjectionType "indirect_injection_type" String [T] optional Measured;
    McpConfigRisk "mcp_config_risk" Bool [T C] optional Measured;
    McpRiskType "mcp_risk_type" String [T C] optional Measured;
    McpRiskScore "mcp_risk_score" Long [T C] optional Measured;
    McpInputRequestDetected "mcp_input_request_detected" Bool [T] optional Measured;
    McpInputRequestScore "mcp_input_request_score" Long [T] optional Measured;
    McpInputRequestTypes "mcp_input_request_types" Set [T] optional Measured;
    McpInputRequestMethods "mcp_input_request_methods" Set [T] optional Measured;
    // Injection family
    InjectionScore "injection_score" Long [P T] optional Measured;
    JailbreakScore "jailbreak_score" Long [P] optional Measured;
    InjectionPulseScore "injection_pulse_score" Long [P T] optional Measured;
    InjectionDeepContextScore "injection_deep_context_score" Long [P T] optional Measured;
    JailbreakPulseScore "jailbreak_pulse_score" Long [P] optional Measured;
    JailbreakDeepContextScore "jailbreak_deep_context_score" Long [P] optional Measured;
    InjectionType "injection_type" String [P] optional Measured;
    InvisibleCharsDetected "invisible_chars_detected" Bool [P T W] optional Measured;
    InvisibleCharsScore "invisible_chars_score" Long [P T W] optional Measured;
    CommandInjectionDetected "command_injection_detected" Bool [P T] optional Measured;
    CommandInjectionType "command_injection_type" String [P T] optional Measured;
    CommandInjectionScore "command_injection_score" Long [P T] optional Measured;
    PathTraversalDetected "path_traversal_detected" Bool [P T R W] optional Measured;
    PathTraversalSeverity "path_traversal_severity" String [P T R W] optional Measured;
    PathTraversalType "path_traversal_type" String [P T R W] optional Measured;
    SqlInjectionDetected "sql_injection_detected" Bool [P T] optional Measured;
    SqlInjectionType "sql_injection_type" String [P T] optional Measured;
    SqlInjectionScore "sql_injection_score" Long [P T] optional Measured;
    EncodedContentDetected "encoded_content_detected" Bool [P T] optional Measured;
    EncodedTypes "encoded_types" Set [P T] optional Measured;
    EncodedCount "encoded_count" Long [P T] optional Measured;
    EncodedScore "encoded_score" Long [P T] optional Measured;
    ContainsNonAscii "contains_non_ascii" Bool [P] optional Measured;
    PhishingDetected "phishing_detected" Bool [P] optional Measured;
    // Secrets / PII; wherever there is content, so also where the wire's own table leaves them out (`connect_server`)
    SecretsDetected "secrets_detected" Bool [P T R W C] optional Measured;
    SecretCount "secret_count" Long [P T R W C] optional Measured;
    SecretTypes "secret_types" Set [P T R W C] optional Measured;
    PiiDetected "pii_detected" Bool [P T R W C] optional Measured;
    PiiCount "pii_count" Long [P T] optional Measured;
    PiiTypes "pii_types" Set [P T R W C] optional Measured;
    PiiScore "pii_score" Long [P T] optional Measured;
    // Content / semantic
    ViolenceScore "violence_score" Long [P] optional Measured;
    HateSpeechScore "hate_speech_score" Long [P] optional Measured;
    SexualScore "sexual_score" Long [P] optional Measured;
    WeaponsScore "weapons_score" Long [P] optional Measured;
    CrimeScore "crime_score" Long [P] optional Measured;
    ProfanityScore "profanity_score" Long [P] optional Measured;
    ContentTopics "content_topics" Set [P T] optional Measured;
    TopicConfidence "topic_confidence" Long [P T] optional Measured;
    DetectedLanguage "detected_language" String [P] optional Measured;
    IsEnglish "is_english" Bool [P] optional Measured;
    LanguageConfidence "language_confidence" Long [P] optional Measured;
    DetectedScript "detected_script" String [P] optional Measured;
    IsLatinScript "is_latin_script" Bool [P] optional Measured;
    ScriptConfidence "script_confidence" Long [P] optional Measured;
    HallucinationScore "hallucination_score" Long [P] optional Measured;
    FactualityScore "factuality_score" Long [P] optional Measured;
    SentimentScore "sentiment_score" Long [P] optional Measured;
    ContainsCode "contains_code" Bool [P] optional Measured;
    CodeLanguages "code_languages" Set [P] optional Measured;
    CodeRatio "code_ratio" Long [P] optional Measured;
    KeywordMatched "keyword_matched" Bool [P] optional Measured;
    KeywordCategories "keyword_categories" Set [P] optional Measured;
    KeywordCount "keyword_count" Long [P] optional Measured;
    ContentSafetyScore "content_safety_score" Long [P] optional Measured;
    ContentSafetyBlocked "content_safety_blocked" Bool [P] optional Measured;
    TenantId "tenant_id" String [P T R W C] required Registry;
    TenantTier "tenant_tier" String [P T R W C] required Registry;
    AccountId "account_id" String [P T R W C] required Registry;
    ProjectId "project_id" String [P T R W C] required Registry;
    Region "region" String [P T R W C] required Registry;
    Plan "plan" String [P T R W C] required Registry;
    Tenant "tenant" Record [P T R W C] required Registry;
    UserRole "user_role" String [P T R W C] optional Verified;
    // Ours
    PrincipalIssuer "principal_issuer" String [P T R W C] required Verified;
}

impl ContextKey {
    /// Finds a key by name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        static BY_NAME: LazyLock<HashMap<&'static str, ContextKey>> =
            LazyLock::new(|| ContextKey::ALL.iter().map(|key| (key.name(), *key)).collect());
        BY_NAME.get(name).copied()
    }

    /// The name policies use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// The key that `name`, which is none, is most probably a slip of.
    #[must_use]
    pub fn slip(name: &str) -> Option<&'static str> {
        slip_of(name, Self::ALL.iter().map(|key| key.name()))
    }
}

/// Raw detector keys and the key policies read instead (`docs/wire/shield.md`, "Aliases").
pub const ALIASES: &[(&str, ContextKey)] = &[
    ("contains_secrets", ContextKey::SecretsDetected),
    ("contains_invisible_chars", ContextKey::InvisibleCharsDetected),
    ("injection_confidence", ContextKey::InjectionScore),
    ("jailbreak_confidence", ContextKey::JailbreakScore),
    ("prompt_injection_score", ContextKey::InjectionScore),
];

/// Names no project may declare for its metadata: contract keys, raw detector keys, aliases, reserved prefixes.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    ContextKey::parse(name).is_some()
        || ALIASES.iter().any(|(raw, _)| *raw == name)
        || RAW_ONLY.contains(&name)
        || ["session_", "budget_", "tenantry_", "verified", "__"].iter().any(|prefix| name.starts_with(prefix))
}

/// Raw keys detectors emit that no policy can read.
const RAW_ONLY: &[&str] = &[
    "non_ascii_score",
    "content_safety_categories",
    "pii_model_detected",
    "pii_model_types",
    "pii_model_count",
    "phishing_urls",
    "file_name",
    "file_extension",
    "file_size_bytes",
    "file_type",
    "is_encrypted",
    "is_rights_managed",
    "mip_label_id",
    "mip_label_name",
    "sensitivity_level",
    "sentiment_label",
];

const PRINCIPAL_FIELDS: &[(&str, &str, bool)] = &[
    ("identity_type", "String", false),
    ("sub_type", "String", false),
    ("trust_level", "String", false),
    ("framework", "String", false),
    ("publisher", "String", false),
    ("act_sub", "String", false),
    ("act_iss", "String", false),
    ("mission_id", "String", false),
    ("grant_type", "String", false),
    ("status", "String", false),
    ("origin", "String", false),
    ("idp_iss", "String", false),
    ("idp_parent", "String", false),
    ("capabilities", "Set<String>", false),
    ("scopes", "Set<String>", false),
    ("delegation_depth", "Long", true),
];
const ACTOR_FIELDS: &[(&str, &str, bool)] = &[
    ("status", "String", false),
    ("origin", "String", false),
    ("idp_iss", "String", false),
    ("idp_parent", "String", false),
];
/// The parameters of a tool call that policies may read by name, with their types.
pub const ACTION_PARAMETERS: &[(&str, &str, bool)] = &[
    ("amount", "Long", false),
    ("count", "Long", false),
    ("command", "String", false),
    ("path", "String", false),
    ("url", "String", false),
    ("recipient", "String", false),
    ("target", "String", false),
    ("query", "String", false),
];
const TENANT_FIELDS: &[(&str, &str, bool)] = &[
    ("account_id", "String", true),
    ("project_id", "String", true),
    ("tier", "String", true),
    ("plan", "String", true),
    ("region", "String", true),
    ("labels", "Set<String>", true),
];

fn record_type(fields: &[(&str, &str, bool)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, kind, required)| format!("\"{name}\"{}: {kind}", if *required { "" } else { "?" }))
        .collect();
    format!("{{ {} }}", fields.join(", "))
}

/// The Cedar schema of guard decisions: the `wanted` keys of the table, and the metadata keys a project declares (name, and Cedar's
/// name of the type). A validator copies the context's type at each place that reads it, so keys that nobody reads cost much.
#[must_use]
pub fn schema_text<'a>(
    wanted: impl Fn(ContextKey) -> bool,
    declared: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let declared: Vec<(&str, &str)> = declared.into_iter().collect();
    let mut text = format!(
        "namespace {NAMESPACE} {{\n\
         entity Account; entity Project in [Account]; entity App in [Project]; entity Agent in [Project];\n\
         entity User; entity Session in [App, Agent];\n\
         type PrincipalContext = {};\ntype ActorContext = {};\ntype ActionParameters = {};\ntype TenantContext = {};\n",
        record_type(PRINCIPAL_FIELDS),
        record_type(ACTOR_FIELDS),
        record_type(ACTION_PARAMETERS),
        record_type(TENANT_FIELDS),
    );
    for action in Action::ALL {
        let resources = match action {
            Action::ProcessPrompt | Action::ProcessResponse => "App, Agent, Session",
            _ => "Agent, Session",
        };
        let _ = writeln!(
            text,
            "action \"{}\" appliesTo {{ principal: [User, Agent], resource: [{resources}], context: {{",
            action.name()
        );
        for key in ContextKey::ALL.iter().filter(|key| wanted(**key) && key.info().allows(action)) {
            let kind = match (key.info().kind, key) {
                (KeyType::Bool, _) => "Bool",
                (KeyType::Long, _) => "Long",
                (KeyType::String, _) => "String",
                (KeyType::Set, _) => "Set<String>",
                (KeyType::Record, ContextKey::Principal) => "PrincipalContext",
                (KeyType::Record, ContextKey::Actor) => "ActorContext",
                (KeyType::Record, ContextKey::ActionParams) => "ActionParameters",
                (KeyType::Record, _) => "TenantContext",
            };
            let _ = writeln!(text, "  \"{}\"{}: {kind},", key.name(), if key.info().required { "" } else { "?" });
        }
        for (name, kind) in &declared {
            // The name is the caller's: quoted, it is data whatever it holds.
            let _ = writeln!(text, "  {name:?}?: {kind},");
        }
        text.push_str("} };\n");
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_schema_is_valid_cedar() {
        let (_schema, _warnings) =
            cedar_policy::Schema::from_cedarschema_str(&schema_text(|_| true, [("department", "String")])).unwrap();
    }

    #[test]
    fn names_are_unique_and_found() {
        for key in ContextKey::ALL {
            assert_eq!(ContextKey::parse(key.name()), Some(*key));
        }
    }

    #[test]
    fn contract_and_raw_names_are_reserved() {
        for name in ["injection_score", "contains_secrets", "session_anything", "mip_label_id", "verified"] {
            assert!(is_reserved(name), "{name}");
        }
        assert!(!is_reserved("department"));
    }
}
