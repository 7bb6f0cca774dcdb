//! What model calls used and cost, and what detectors there are, as callers see them.

use serde::{Deserialize, Serialize};

use super::ModelContext;

/// One model call, reported after it was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UsageReport {
    /// Names the call: a report with the same id within 48 hours is the same call. Empty gets a fresh id.
    #[serde(default)]
    pub usage_id: String,
    /// The model and its tokens; `model.model` is required, and what is not about tokens says nothing.
    pub model: ModelContext,
    /// The conversation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

/// What a report came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UsageReceipt {
    /// What the call cost, in millionths of a US dollar; 0 when the price book does not know the model.
    pub cost_micros: i64,
    /// Whether the price book knows the model.
    pub priced: bool,
    /// Whether it was written down now; false for a repetition.
    pub recorded: bool,
    /// Whether reports of this call said different things. The larger of them counts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub differs: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_false(value: &bool) -> bool {
    !*value
}

/// A key policies read, and which detector writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DetectorKey {
    /// The name policies use.
    pub key: String,
    /// `bool`, `long`, `string` or `set`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence.
    pub description: String,
    /// The least and the greatest value, where there are such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
}

/// A detector as callers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Detector {
    /// Its name.
    pub name: String,
    /// `healthy`, `degraded` or `disabled`.
    pub status: String,
    /// `fast`, `standard` or `slow`.
    pub tier: String,
    /// The version of this engine: a detector changes with it alone.
    pub version: String,
    /// The family its signals belong to.
    pub category: String,
    /// One sentence.
    pub description: String,
    /// The keys it writes.
    pub context_keys: Vec<DetectorKey>,
}
