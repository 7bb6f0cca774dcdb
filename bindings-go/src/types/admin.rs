//! Accounts, projects, policies, limits and settings.
#![allow(unsafe_code, reason = "uniffi's derives implement unsafe traits")]

use std::collections::HashMap;

use tenantry::api;

use super::{AuditClass, Flag, Layer, LimitKey, Mode, OnExceed, Status, Text, mirror};

mirror! { both
    /// Facts about a tenant that policies may read as `context.tenant`. Empty means not set.
    TenantFacts: api::TenantFacts {
        /// The commercial tier, e.g. `free`.
        tier: Option<Text>,
        /// The plan.
        plan: Option<Text>,
        /// Where the tenant's data lives.
        region: Option<Text>,
        /// Free labels.
        labels: Option<Vec<String>>,
    }
}

mirror! { out
    /// An account: a customer organisation.
    Account: api::Account {
        /// The external id.
        id: String,
        /// The internal, never reused id.
        uid: String,
        /// Whether calls are decided.
        status: Status,
        /// Creation time, RFC 3339 in UTC.
        created_at: String,
        /// The commercial tier.
        tier (facts.tier): Option<Text>,
        /// The plan.
        plan (facts.plan): Option<Text>,
        /// Where the tenant's data lives.
        region (facts.region): Option<Text>,
        /// Free labels.
        labels (facts.labels): Option<Vec<String>>,
    }
}

mirror! { out
    /// A project: a workspace of an account.
    Project: api::Project {
        /// The external id, unique within the account.
        id: String,
        /// The account it belongs to.
        account_id: String,
        /// The internal, never reused id.
        uid: String,
        /// Whether calls are decided.
        status: Status,
        /// Creation time, RFC 3339 in UTC.
        created_at: String,
        /// The commercial tier.
        tier (facts.tier): Option<Text>,
        /// The plan.
        plan (facts.plan): Option<Text>,
        /// Where the tenant's data lives.
        region (facts.region): Option<Text>,
        /// Free labels.
        labels (facts.labels): Option<Vec<String>>,
    }
}

mirror! { both
    /// A policy text to attach.
    PolicySpec: api::PolicySpec {
        /// The name, unique within the layer.
        name: String,
        /// Cedar text: one or more policies.
        text: String,
        /// Whether it decides (`enforce`, the default) or only reports (`monitor`, `alert`).
        mode: Option<Mode>,
        /// Where it is attached; the project when left out.
        layer: Option<Layer>,
        /// Whether its layer bounds every layer below.
        ceiling: bool,
    }
}

mirror! { out
    /// What `Policies.Put` did and what it noticed.
    PolicyReceipt: api::PolicyReceipt {
        /// The name it was put under.
        name: String,
        /// Policies the text holds.
        policy_count: u64,
        /// Baseline permits it retired, by action.
        retired_baseline: Option<Vec<String>>,
        /// Metadata keys it reads, with the type inferred for each.
        metadata_keys: Option<HashMap<String, String>>,
        /// What a reviewer should look at; none of it refuses the policy.
        warnings: Option<Vec<String>>,
    }
}

mirror! { out
    /// A policy in force.
    PolicySummary: api::PolicySummary {
        /// The name it was put under.
        name: String,
        /// Where it is attached.
        layer: Layer,
        /// Its mode.
        mode: Mode,
        /// Whether its layer is a ceiling.
        ceiling: bool,
        /// The `@id` of each policy in the text, or its generated id.
        rule_ids: Vec<String>,
        /// Whether a project permit retires it now (baseline permits only).
        retired: Option<Flag>,
        /// The Cedar text.
        text: String,
    }
}

mirror! { both
    /// A rate limit.
    LimitSpec: api::LimitSpec {
        /// The id, unique within the layer.
        id: String,
        /// Calls allowed in each period; also the largest burst.
        rate: i64,
        /// The period in milliseconds.
        per_ms: i64,
        /// What is counted; the whole scope when left out.
        key: Option<LimitKey>,
        /// The action whose calls alone are counted, e.g. `process_prompt`; all when left out.
        action: Option<Text>,
        /// What happens beyond the rate; the call is rejected when left out.
        on_exceed: Option<OnExceed>,
        /// The longest wait in line, in milliseconds.
        max_wait_ms: i64,
        /// Where it is attached; the project when left out.
        layer: Option<Layer>,
        /// Count across processes that share the data folder (slower: takes a store transaction).
        shared: Option<Flag>,
    }
}

mirror! { out
    /// What a project may tune.
    Settings: api::Settings {
        /// Callers may not ask for a laxer mode than this.
        mode_floor: Mode,
        /// How strongly the audit trail is kept.
        audit_class: AuditClass,
        /// Whether redaction entries carry the original text.
        redaction_originals: bool,
        /// How long an idle session is remembered, in seconds.
        session_ttl_seconds: i64,
        /// Metadata keys the project declares by hand, each with its type.
        metadata_keys: Option<HashMap<String, String>>,
    }
}

mirror! { into
    /// A change to `Settings`: what is left out stays as it is.
    SettingsPatch: api::SettingsPatch {
        /// Callers may not ask for a laxer mode than this.
        mode_floor: Option<Mode>,
        /// How strongly the audit trail is kept.
        audit_class: Option<AuditClass>,
        /// Whether redaction entries carry the original text.
        redaction_originals: Option<bool>,
        /// How long an idle session is remembered, in seconds.
        session_ttl_seconds: Option<i64>,
        /// Metadata keys the project declares by hand, each with its type (`String`, `Long`, `Bool`, `Set<String>`), in the place
        /// of those before.
        metadata_keys: Option<HashMap<String, String>>,
    }
}
