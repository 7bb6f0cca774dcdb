//! Accounts, projects, policies, limits and settings.

use std::collections::BTreeMap;

use pyo3::{IntoPyObjectExt, prelude::*};
use tenantry::api::{self, name_of};

use super::json::{self, Fields, Text};
use crate::errors::Result;

value_class! {
    /// A customer organisation.
    Account(api::Account) shows (id, status) {
        /// The external id.
        id: &str = |account| &account.id;
        /// The internal, never reused id.
        uid: &str = |account| &account.uid;
        /// `active` or `suspended`.
        status: &'static str = |account| account.status.name();
        /// Creation time, RFC 3339 in UTC.
        created_at: &str = |account| &account.created_at;
        /// The commercial tier; `""` when not set.
        tier: &str = |account| &account.facts.tier;
        /// The plan; `""` when not set.
        plan: &str = |account| &account.facts.plan;
        /// Where its data lives; `""` when not set.
        region: &str = |account| &account.facts.region;
        /// Free labels.
        labels: Vec<String> = |account| account.facts.labels.clone();
    }
}

value_class! {
    /// A workspace of an account.
    Project(api::Project) shows (account_id, id, status) {
        /// The external id, unique within the account.
        id: &str = |project| &project.id;
        /// The account it belongs to.
        account_id: &str = |project| &project.account_id;
        /// The internal, never reused id.
        uid: &str = |project| &project.uid;
        /// `active` or `suspended`.
        status: &'static str = |project| project.status.name();
        /// Creation time, RFC 3339 in UTC.
        created_at: &str = |project| &project.created_at;
        /// The commercial tier; `""` when not set.
        tier: &str = |project| &project.facts.tier;
        /// The plan; `""` when not set.
        plan: &str = |project| &project.facts.plan;
        /// Where its data lives; `""` when not set.
        region: &str = |project| &project.facts.region;
        /// Free labels.
        labels: Vec<String> = |project| project.facts.labels.clone();
    }
}

value_class! {
    /// What `policies.put` did and what it noticed.
    PolicyReceipt(api::PolicyReceipt) shows (name, policy_count, warnings) {
        /// The name it was put under.
        name: &str = |receipt| &receipt.name;
        /// Policies the text holds.
        policy_count: usize = |receipt| receipt.policy_count;
        /// Baseline permits it retired, by action.
        retired_baseline: Vec<String> = |receipt| receipt.retired_baseline.clone();
        /// Metadata keys it reads, with the type inferred for each.
        metadata_keys: BTreeMap<String, String> = |receipt| receipt.metadata_keys.clone();
        /// What a reviewer should look at; none of it refuses the policy.
        warnings: Vec<String> = |receipt| receipt.warnings.clone();
    }
}

value_class! {
    /// A policy in force.
    PolicySummary(api::PolicySummary) shows (name, layer, mode) {
        /// The name it was put under.
        name: &str = |policy| &policy.name;
        /// `platform`, `account` or `project`.
        layer: &'static str = |policy| policy.layer.name();
        /// `enforce`, `alert` or `monitor`.
        mode: &'static str = |policy| policy.mode.name();
        /// Whether its layer bounds every layer below.
        ceiling: bool = |policy| policy.ceiling;
        /// The `@id` of each policy in the text, or its generated id.
        rule_ids: Vec<String> = |policy| policy.rule_ids.clone();
        /// Whether a project permit retires it now (baseline permits only).
        retired: bool = |policy| policy.retired;
        /// The Cedar text.
        text: &str = |policy| &policy.text;
    }
}

value_class! {
    /// A rate limit.
    LimitSpec(api::LimitSpec) shows (id, rate, per_ms, key, on_exceed, layer) {
        /// The id, unique within the layer.
        id: &str = |limit| &limit.id;
        /// Calls allowed in each period; also the largest burst.
        rate: u32 = |limit| limit.rate;
        /// The period in milliseconds.
        per_ms: u64 = |limit| limit.per_ms;
        /// What is counted by: `scope`, `principal`, `session`, `tool`, `action` or `custom`.
        key: String = |limit| name_of(&limit.key);
        /// The action whose calls alone are counted; `""` for all.
        action: &str = |limit| &limit.action;
        /// Beyond the rate: `reject`, `queue` or `report`.
        on_exceed: String = |limit| name_of(&limit.on_exceed);
        /// The longest wait in line, in milliseconds.
        max_wait_ms: u64 = |limit| limit.max_wait_ms;
        /// `platform`, `account` or `project`.
        layer: &'static str = |limit| limit.layer.name();
        /// Whether it is counted across the processes that share the data folder.
        shared: bool = |limit| limit.shared;
    }
}

value_class! {
    /// What a project may tune.
    Settings(api::Settings) shows (mode_floor, audit_class, redaction_originals, session_ttl_seconds) {
        /// Callers may not ask for a laxer mode than this.
        mode_floor: &'static str = |settings| settings.mode_floor.name();
        /// How strongly the audit trail is kept: `required`, `standard` or `sampled`.
        audit_class: String = |settings| name_of(&settings.audit_class);
        /// Whether redaction entries carry the original text.
        redaction_originals: bool = |settings| settings.redaction_originals;
        /// How long an idle session is remembered, in seconds.
        session_ttl_seconds: u64 = |settings| settings.session_ttl_seconds;
        /// Metadata keys the project declares by hand, each with its type.
        metadata_keys: BTreeMap<String, String> = |settings| settings.metadata_keys.clone();
    }
}

/// A time span: seconds, or text such as `minute` or `15m`.
#[derive(FromPyObject)]
pub enum Period {
    Text(Text),
    Seconds(f64),
}

impl Period {
    pub fn milliseconds(self) -> Result<u64> {
        match self {
            Self::Text(text) => Ok(api::parse_period(&text.0)?),
            Self::Seconds(seconds) => Ok(api::period_of_seconds(seconds)?),
        }
    }
}
