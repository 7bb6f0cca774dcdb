//! What operations take beside the specs of their nouns.

use serde::{Deserialize, Serialize};

use super::{
    AuditHead, AuditOrder, AuditRange, GrantSpec, Identity, IdentitySettings, IssuerSpec, KeySpec, LimitSpec,
    PolicySpec, SettingsPatch, Since, TenantFacts, TokenRequest, TokenSpec, UsageReport,
};
use crate::{error::Result, scope::Layer};

/// A JSON object whose fields are another's to define.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WhoAmI {
    /// Who the caller's credential is, and what it reaches; absent for the embedding process itself.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

/// The layer that an operation is done on: above its own project a caller needs authority over all of that layer.
pub trait LayerOf {
    /// The project's own, unless the input says otherwise.
    fn layer(&self) -> Layer {
        Layer::Project
    }
}

macro_rules! on_their_project {
    ($($input:ty),+) => { $(impl LayerOf for $input {})+ };
}
on_their_project!(
    AccountSpec,
    ProjectSpec,
    FactsSpec,
    GrantSpec,
    GrantRef,
    AuditQuery,
    AuditAnchor,
    CredentialRef,
    IdentitySettings,
    IssuerSpec,
    IssuerRef,
    KeySpec,
    KeyRef,
    KeyFilter,
    KeyRotation,
    TokenRequest,
    TokenSpec,
    TokenRef,
    UsageReport,
    PackRef,
    SettingsPatch
);

impl LayerOf for PolicySpec {
    fn layer(&self) -> Layer {
        self.layer
    }
}

impl LayerOf for PolicyRef {
    fn layer(&self) -> Layer {
        self.layer.unwrap_or_default()
    }
}

impl LayerOf for LimitSpec {
    fn layer(&self) -> Layer {
        self.layer
    }
}

impl LayerOf for LimitRef {
    fn layer(&self) -> Layer {
        self.layer.unwrap_or_default()
    }
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountSpec {
    /// The external id.
    pub id: String,
    /// The commercial tier, e.g. `free`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Where the tenant's data lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Free labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}

impl From<&str> for AccountSpec {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<&String> for AccountSpec {
    fn from(id: &String) -> Self {
        Self::new(id)
    }
}

impl AccountSpec {
    /// An account of this id, of which nothing more is known.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), tier: None, plan: None, region: None, labels: None }
    }

    /// An account of this id, and what is known of it.
    #[must_use]
    pub fn with(id: impl Into<String>, facts: TenantFacts) -> Self {
        let FactsSpec { tier, plan, region, labels } = facts.into();
        Self { id: id.into(), tier, plan, region, labels }
    }

    /// The id, and what is known of it.
    #[must_use]
    pub fn into_parts(self) -> (String, TenantFacts) {
        let Self { id, tier, plan, region, labels } = self;
        (id, FactsSpec { tier, plan, region, labels }.into())
    }
}

/// A new project of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectSpec {
    /// The external id, unique within the account.
    pub id: String,
    /// The commercial tier, e.g. `free`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Where the tenant's data lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Free labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}

impl From<&str> for ProjectSpec {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<&String> for ProjectSpec {
    fn from(id: &String) -> Self {
        Self::new(id)
    }
}

impl ProjectSpec {
    /// A project of this id, of which nothing more is known.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), tier: None, plan: None, region: None, labels: None }
    }

    /// A project of this id, and what is known of it.
    #[must_use]
    pub fn with(id: impl Into<String>, facts: TenantFacts) -> Self {
        let FactsSpec { tier, plan, region, labels } = facts.into();
        Self { id: id.into(), tier, plan, region, labels }
    }

    /// The id, and what is known of it.
    #[must_use]
    pub fn into_parts(self) -> (String, TenantFacts) {
        let Self { id, tier, plan, region, labels } = self;
        (id, FactsSpec { tier, plan, region, labels }.into())
    }
}

/// What has to be true of a tenant; what is absent may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactsSpec {
    /// The commercial tier, e.g. `free`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Where the tenant's data lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Free labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}

impl From<FactsSpec> for TenantFacts {
    fn from(spec: FactsSpec) -> Self {
        Self {
            tier: spec.tier.unwrap_or_default(),
            plan: spec.plan.unwrap_or_default(),
            region: spec.region.unwrap_or_default(),
            labels: spec.labels.unwrap_or_default(),
        }
    }
}

impl From<TenantFacts> for FactsSpec {
    fn from(facts: TenantFacts) -> Self {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            tier: some(facts.tier),
            plan: some(facts.plan),
            region: some(facts.region),
            labels: Some(facts.labels).filter(|labels| !labels.is_empty()),
        }
    }
}

/// Defines inputs that name one thing, which may be given as bare text.
macro_rules! names {
    ($($(#[doc = $doc:literal])+ $input:ident { $(#[doc = $field_doc:literal])+ $field:ident })+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $input {
            $(#[doc = $field_doc])+
            pub $field: String,
        }

        impl From<&str> for $input {
            fn from($field: &str) -> Self {
                Self { $field: $field.to_owned() }
            }
        }

        impl From<&String> for $input {
            fn from($field: &String) -> Self {
                $field.as_str().into()
            }
        }
    )+ };
}
names! {
    /// Which grant.
    GrantRef {
        /// Names it.
        id
    }
    /// Which issuer.
    IssuerRef {
        /// The exact `iss` of its tokens.
        issuer
    }
    /// Which API key.
    KeyRef {
        /// Names it; not secret.
        id
    }
    /// Which pack of policies.
    PackRef {
        /// `baseline` or `strict`.
        pack
    }
}

/// Defines inputs that carry one secret, which no debug output shows.
macro_rules! secrets {
    ($($(#[doc = $doc:literal])+ $input:ident { $(#[doc = $field_doc:literal])+ $field:ident })+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $input {
            $(#[doc = $field_doc])+
            #[schemars(extend("format" = "password"))]
            pub $field: String,
        }

        impl From<&str> for $input {
            fn from($field: &str) -> Self {
                Self { $field: $field.to_owned() }
            }
        }

        impl From<&String> for $input {
            fn from($field: &String) -> Self {
                $field.as_str().into()
            }
        }

        impl std::fmt::Debug for $input {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($input)).finish_non_exhaustive()
            }
        }
    )+ };
}
secrets! {
    /// A credential to look at.
    CredentialRef {
        /// The token or key.
        credential
    }
    /// Which token.
    TokenRef {
        /// The token or key itself.
        token
    }
}

/// Which keys are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyFilter {
    /// Those of this account; absent for the caller's own place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Those of this project of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
}

impl KeyFilter {
    /// Those of a project, or of an account; empty for what is not said.
    #[must_use]
    pub fn of(account: &str, project: &str) -> Self {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self { account_id: some(account), project_id: some(project) }
    }
}

/// How a key is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRotation {
    /// Names the key; not secret.
    pub id: String,
    /// How long the old key is taken beside the new one, in seconds; absent for not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap_seconds: Option<u64>,
}

impl KeyRotation {
    /// Replaces the key of this id, and lets both be taken for a while.
    #[must_use]
    pub fn new(id: impl Into<String>, overlap_seconds: u64) -> Self {
        Self { id: id.into(), overlap_seconds: Some(overlap_seconds) }
    }
}

/// Which policy, on which layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRef {
    /// Its name.
    pub name: String,
    /// Where it is attached; absent for the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
}

impl From<&str> for PolicyRef {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), layer: None }
    }
}

impl From<&String> for PolicyRef {
    fn from(name: &String) -> Self {
        name.as_str().into()
    }
}

impl PolicyRef {
    /// The policy of this name on `layer`.
    #[must_use]
    pub fn on(layer: Layer, name: impl Into<String>) -> Self {
        Self { name: name.into(), layer: Some(layer) }
    }
}

/// Which limit, on which layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitRef {
    /// Its id.
    pub id: String,
    /// Where it is attached; absent for the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
}

impl From<&str> for LimitRef {
    fn from(id: &str) -> Self {
        Self { id: id.to_owned(), layer: None }
    }
}

impl From<&String> for LimitRef {
    fn from(id: &String) -> Self {
        id.as_str().into()
    }
}

impl LimitRef {
    /// The limit of this id on `layer`.
    #[must_use]
    pub fn on(layer: Layer, id: impl Into<String>) -> Self {
        Self { id: id.into(), layer: Some(layer) }
    }
}

/// What an audit trail is held against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditAnchor {
    /// A head printed earlier, as text (`tnh1.…`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
}

impl From<&AuditHead> for AuditAnchor {
    fn from(head: &AuditHead) -> Self {
        Self::of(Some(head))
    }
}

impl From<&super::PrintedHead> for AuditAnchor {
    fn from(printed: &super::PrintedHead) -> Self {
        Self::of(Some(&printed.head))
    }
}

impl AuditAnchor {
    /// A head that was kept, if one was.
    #[must_use]
    pub fn of(head: Option<&AuditHead>) -> Self {
        Self { anchor: head.map(AuditHead::to_text) }
    }
}

/// Where a query starts, as it was given: text as [`Since::parse`] reads it, or a sequence as a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SinceText(pub String);

impl<'de> Deserialize<'de> for SinceText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = SinceText;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a sequence, an RFC 3339 time, or a duration such as `7d`")
            }

            fn visit_u64<E: serde::de::Error>(self, sequence: u64) -> std::result::Result<SinceText, E> {
                Ok(SinceText(sequence.to_string()))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<SinceText, E> {
                Ok(SinceText(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for SinceText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Since".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "x-type": "since" })
    }
}

/// Which rows of a chain are read, in which order, and how many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// A sequence to start after, a time (RFC 3339), or how long ago (`7d`). No row before it is read, whatever the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<SinceText>,
    /// Before this row: where the next page of the newest goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Which row comes first; the oldest where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<AuditOrder>,
    /// How many at most, up to 10,000; 100 where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl AuditQuery {
    /// The whole chain, newest first.
    #[must_use]
    pub fn newest() -> Self {
        AuditRange::newest().into()
    }

    /// At most so many rows.
    #[must_use]
    pub fn limit(self, rows: u32) -> Self {
        Self { limit: Some(rows), ..self }
    }

    /// Only what comes before this sequence.
    #[must_use]
    pub fn before(self, sequence: u64) -> Self {
        Self { before: Some(sequence), ..self }
    }

    /// The range and the number of rows it stands for.
    ///
    /// # Errors
    /// `since_invalid`.
    pub fn range(&self) -> Result<(AuditRange, usize)> {
        let since = self.since.as_ref().map_or(Ok(Since::Start), |since| Since::parse(&since.0))?;
        let range = AuditRange { since, before: self.before, order: self.order.unwrap_or_default() };
        Ok((range, self.limit.map_or(100, |rows| usize::try_from(rows).unwrap_or(usize::MAX))))
    }
}

impl From<Since> for AuditQuery {
    fn from(since: Since) -> Self {
        AuditRange::from(since).into()
    }
}

impl From<AuditRange> for AuditQuery {
    fn from(range: AuditRange) -> Self {
        let AuditRange { since, before, order } = range;
        let since = Some(since).filter(|since| *since != Since::Start).map(|since| SinceText(since.to_string()));
        Self { since, before, order: Some(order), limit: None }
    }
}
