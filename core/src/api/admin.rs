//! Accounts, projects, policies, limits and settings as callers see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Mode;
use crate::{
    context_keys::Action,
    error::{Error, Result},
    scope::Layer,
};

/// Whether a tenant may be acted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Calls are decided.
    #[default]
    Active,
    /// Every call is denied with code `suspended`.
    Suspended,
}

impl Status {
    /// The wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// Facts about a tenant that policies may read as `context.tenant`. Empty means not set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TenantFacts {
    /// The commercial tier, e.g. `free`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tier: String,
    /// The plan.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// Where the tenant's data lives.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// Free labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// An account as admin calls return it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Account {
    /// The external id.
    pub id: String,
    /// The internal, never reused id.
    pub uid: String,
    /// Whether calls are decided.
    pub status: Status,
    /// Creation time, RFC 3339 in UTC.
    pub created_at: String,
    /// Facts inherited by its projects where they set none.
    #[serde(flatten)]
    pub facts: TenantFacts,
}

/// A project as admin calls return it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Project {
    /// The external id, unique within the account.
    pub id: String,
    /// The account it belongs to.
    pub account_id: String,
    /// The internal, never reused id.
    pub uid: String,
    /// Whether calls are decided.
    pub status: Status,
    /// Creation time, RFC 3339 in UTC.
    pub created_at: String,
    /// Facts policies may read.
    #[serde(flatten)]
    pub facts: TenantFacts,
}

/// A policy text to attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PolicySpec {
    /// The name, unique within the layer.
    #[serde(default)]
    pub name: String,
    /// Cedar text: one or more policies.
    pub text: String,
    /// Whether it decides (`enforce`) or only reports (`monitor`, `alert`).
    #[serde(default)]
    pub mode: Mode,
    /// Where it is attached.
    #[serde(default)]
    pub layer: Layer,
    /// Whether its layer bounds every layer below.
    #[serde(default)]
    pub ceiling: bool,
}

/// What `policies.put` did and what it noticed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PolicyReceipt {
    /// The name it was put under.
    pub name: String,
    /// Policies the text holds.
    pub policy_count: usize,
    /// Baseline permits it retired, by action.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired_baseline: Vec<String>,
    /// Metadata keys it reads, with the type inferred for each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata_keys: BTreeMap<String, String>,
    /// What a reviewer should look at; none of it refuses the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A policy in force, as `policies.list` returns it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PolicySummary {
    /// The name it was put under.
    pub name: String,
    /// Where it is attached.
    pub layer: Layer,
    /// Its mode.
    pub mode: Mode,
    /// Whether its layer is a ceiling.
    pub ceiling: bool,
    /// The `@id` of each policy in the text, or its generated id.
    pub rule_ids: Vec<String>,
    /// Whether a project permit retires it now (baseline permits only).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
    /// The Cedar text.
    pub text: String,
}

/// What a rate is counted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitKey {
    /// One counter for the whole layer the limit is attached to.
    #[default]
    Scope,
    /// One per principal.
    Principal,
    /// One per session.
    Session,
    /// One per tool name.
    Tool,
    /// One per action.
    Action,
    /// Only by `limits.acquire`, one per key given there; guard calls are not charged.
    Custom,
}

/// What happens when a rate is exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnExceed {
    /// Deny with code `limit_exceeded`.
    #[default]
    Reject,
    /// Wait in line at most `max_wait_ms`, then deny. First come first served; accounts that share a line take turns.
    Queue,
    /// Only fill context keys.
    Report,
}

/// A rate limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LimitSpec {
    /// The id, unique within the layer.
    #[serde(default)]
    pub id: String,
    /// Calls allowed in each period; also the largest burst.
    pub rate: u32,
    /// The period in milliseconds.
    pub per_ms: u64,
    /// What is counted.
    #[serde(default)]
    pub key: LimitKey,
    /// The action whose calls alone are counted, e.g. `process_prompt`; all when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// What happens beyond the rate.
    #[serde(default)]
    pub on_exceed: OnExceed,
    /// The longest wait in line, in milliseconds.
    #[serde(default)]
    pub max_wait_ms: u64,
    /// Where it is attached.
    #[serde(default)]
    pub layer: Layer,
    /// Count across processes that share the data folder (slower: takes a store transaction).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
}

/// Longest period and longest wait a limit may have: 366 days.
pub const MAX_LIMIT_PERIOD_MS: u64 = 366 * 24 * 60 * 60 * 1000;

/// The longest a call waits for a limit: an hour. A server holds the place of whoever waits.
pub const MAX_LIMIT_WAIT_MS: u64 = 60 * 60 * 1000;

impl LimitSpec {
    /// A limit on the project, with one counter for all its calls, that rejects beyond `rate` calls in `per_ms` milliseconds.
    #[must_use]
    pub fn new(id: &str, rate: u32, per_ms: u64) -> Self {
        Self {
            id: id.into(),
            rate,
            per_ms,
            key: LimitKey::default(),
            action: String::new(),
            on_exceed: OnExceed::default(),
            max_wait_ms: 0,
            layer: Layer::default(),
            shared: false,
        }
    }

    /// Refuses limits that mean nothing or could overflow.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::invalid("limit_invalid", message));
        if self.id.is_empty() || self.id.len() > 128 {
            return refuse("a limit id has 1 to 128 bytes");
        }
        if self.rate == 0 || self.rate > 1_000_000_000 {
            return refuse("a limit's rate is 1 to 1,000,000,000");
        }
        if self.per_ms == 0 || self.per_ms > MAX_LIMIT_PERIOD_MS || self.max_wait_ms > MAX_LIMIT_PERIOD_MS {
            return refuse("a limit's period is at least 1 ms and at most 366 days");
        }
        if self.max_wait_ms > MAX_LIMIT_WAIT_MS {
            return refuse("a line is waited in for at most an hour");
        }
        if self.id.chars().any(char::is_control) {
            return refuse("a limit id has no control characters");
        }
        if !self.action.is_empty() && Action::parse(&self.action).is_none() {
            let told: String = self.action.chars().take(64).collect();
            let known = Action::ALL.map(|action| format!("`{}`", action.name())).join(", ");
            return Err(Error::invalid("limit_invalid", format!("`{told}` is no action"))
                .with_help(format!("actions are {known}")));
        }
        if self.key == LimitKey::Custom && !self.action.is_empty() {
            return refuse("a limit with the key `custom` counts no calls, so it names no action");
        }
        if self.shared && self.on_exceed == OnExceed::Queue {
            return refuse("a shared limit cannot queue");
        }
        Ok(())
    }
}

/// How strongly the audit trail of a project is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditClass {
    /// Synced to disk before the call answers.
    Required,
    /// In the journal before the call answers; at most the last second is lost on power loss.
    #[default]
    Standard,
    /// One call in ten is kept; any of them may be lost.
    Sampled,
}

/// What a project may tune.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Settings {
    /// Callers may not ask for a laxer mode than this.
    pub mode_floor: Mode,
    /// How strongly the audit trail is kept.
    pub audit_class: AuditClass,
    /// Whether redaction entries carry the original text.
    pub redaction_originals: bool,
    /// How long an idle session is remembered, in seconds.
    pub session_ttl_seconds: u64,
    /// Metadata keys the project declares by hand, each with its type: `String`, `Long`, `Bool` or `Set<String>`. The others are
    /// declared by the policies that read them; one that reads like a context key has to stand here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata_keys: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode_floor: Mode::Enforce,
            audit_class: AuditClass::Standard,
            redaction_originals: true,
            session_ttl_seconds: 30 * 24 * 60 * 60,
            metadata_keys: BTreeMap::new(),
        }
    }
}

/// A change to [`Settings`]: absent fields stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsPatch {
    /// See [`Settings::mode_floor`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_floor: Option<Mode>,
    /// See [`Settings::audit_class`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_class: Option<AuditClass>,
    /// See [`Settings::redaction_originals`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction_originals: Option<bool>,
    /// See [`Settings::session_ttl_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_ttl_seconds: Option<u64>,
    /// See [`Settings::metadata_keys`]; takes the place of all that were declared before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_keys: Option<BTreeMap<String, String>>,
}
