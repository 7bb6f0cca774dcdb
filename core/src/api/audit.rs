//! The audit trail as callers see it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// One row of a scope's chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AuditRecord {
    /// Position in the chain, from 1, without gaps.
    pub sequence: u64,
    /// When it happened, RFC 3339 in UTC.
    pub at: String,
    /// `decision`, `error`, or an admin event such as `policy.put`.
    pub kind: String,
    /// The call's id, or the admin operation's.
    pub request_id: String,
    /// The decision, for guard calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// The rest. Content is a keyed hash, never text.
    pub body: Map<String, Value>,
    /// This row's hash, hexadecimal.
    pub hash: String,
    /// The hash of the row before, hexadecimal.
    pub previous: String,
}

/// A signed statement of how long a chain is and what its last row hashes to.
///
/// Its text form can be printed, stored elsewhere, and given to `verify` as an outside anchor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AuditHead {
    /// The scope's internal id.
    pub scope: String,
    /// The last row's sequence; 0 for an empty chain.
    pub sequence: u64,
    /// The last row's hash, hexadecimal.
    pub hash: String,
    /// When it was signed, microseconds since 1970.
    pub at: i64,
    /// Which key signed.
    pub key_id: String,
    /// Ed25519 signature, base64url.
    pub signature: String,
}

impl AuditHead {
    /// One printable line.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("tnh1.{}.{}.{}.{}.{}.{}", self.scope, self.sequence, self.hash, self.at, self.key_id, self.signature)
    }

    /// Reads [`AuditHead::to_text`].
    pub fn from_text(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid("anchor_invalid", "the anchor is not a printed audit head")
                .with_help("give the whole line that `audit.head` printed; it begins with `tnh1.`")
        };
        let mut parts = text.trim().split('.');
        let mut next = || parts.next().ok_or_else(wrong);
        if next()? != "tnh1" {
            return Err(wrong());
        }
        let head = Self {
            scope: next()?.to_owned(),
            sequence: next()?.parse().map_err(|_| wrong())?,
            hash: next()?.to_owned(),
            at: next()?.parse().map_err(|_| wrong())?,
            key_id: next()?.to_owned(),
            signature: next()?.to_owned(),
        };
        if parts.next().is_some() { Err(wrong()) } else { Ok(head) }
    }
}

/// A head, and the line that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PrintedHead {
    /// The head.
    #[serde(flatten)]
    pub head: AuditHead,
    /// The same as one line, for keeping elsewhere.
    pub text: String,
}

impl From<AuditHead> for PrintedHead {
    fn from(head: AuditHead) -> Self {
        Self { text: head.to_text(), head }
    }
}

impl std::ops::Deref for PrintedHead {
    type Target = AuditHead;

    fn deref(&self) -> &AuditHead {
        &self.head
    }
}

/// What `audit.verify` found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VerifyReport {
    /// Whether the chain is whole as far as it can be checked.
    pub ok: bool,
    /// Rows checked.
    pub rows: u64,
    /// The sequence covered by the newest signed head; later rows are chained but not yet covered.
    pub head_sequence: u64,
    /// Everything that is wrong, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// Where a query starts. As text it is a sequence, an RFC 3339 time, or a duration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// At the first row.
    #[default]
    Start,
    /// After this sequence.
    Sequence(u64),
    /// At this time, microseconds since 1970.
    Time(i64),
    /// This long before now.
    Ago(Duration),
}

/// In which order rows are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditOrder {
    /// As they were written.
    #[default]
    Oldest,
    /// The last one first.
    Newest,
}

/// Which rows of a chain are read, and in which order. From a [`Since`] it is everything after it, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditRange {
    /// No row before this is read, whatever the order.
    pub since: Since,
    /// Only rows before this sequence: where the next page of the newest goes on.
    pub before: Option<u64>,
    /// Which row comes first.
    pub order: AuditOrder,
}

impl AuditRange {
    /// The whole chain, newest first.
    #[must_use]
    pub fn newest() -> Self {
        Self { order: AuditOrder::Newest, ..Self::default() }
    }

    /// Only what comes before this sequence.
    #[must_use]
    pub const fn before(self, sequence: u64) -> Self {
        Self { before: Some(sequence), ..self }
    }
}

impl From<Since> for AuditRange {
    fn from(since: Since) -> Self {
        Self { since, ..Self::default() }
    }
}

impl std::fmt::Display for Since {
    /// What [`Since::parse`] reads; a sequence is a number on its own.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => f.write_str("1970-01-01T00:00:00Z"),
            Self::Sequence(sequence) => write!(f, "{sequence}"),
            Self::Time(micros) => {
                let since = Duration::from_micros(u64::try_from(*micros).unwrap_or_default());
                write!(f, "{}", humantime::format_rfc3339_micros(std::time::UNIX_EPOCH + since))
            }
            Self::Ago(back) => write!(f, "{}", humantime::format_duration(*back)),
        }
    }
}

impl Since {
    /// Reads an RFC 3339 time, a duration such as `7d` counted back from now, or a sequence.
    pub fn parse(text: &str) -> Result<Self> {
        if let Ok(sequence) = text.parse() {
            return Ok(Self::Sequence(sequence));
        }
        if let Ok(back) = humantime::parse_duration(text) {
            return Ok(Self::Ago(back));
        }
        let time = humantime::parse_rfc3339_weak(text).map_err(|_| {
            Error::invalid("since_invalid", format!("`{text}` is neither a time nor a duration"))
                .with_help("use RFC 3339, a duration such as `7d`, or a sequence number")
        })?;
        let micros = |since: Duration| i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Ok(Self::Time(time.duration_since(std::time::UNIX_EPOCH).map_or(0, micros)))
    }
}
