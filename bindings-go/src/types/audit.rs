//! The audit trail.
#![allow(unsafe_code, reason = "uniffi's derives implement unsafe traits")]

use tenantry::{
    Error, Result,
    api::{self, AuditRange, Since, whole},
};

use super::{AuditOrder, Decision, IntoCore, JsonObject, mirror};

mirror! { out
    /// One row of a scope's chain.
    AuditRecord: api::AuditRecord {
        /// Position in the chain, from 1, without gaps.
        sequence: u64,
        /// When it happened, RFC 3339 in UTC.
        at: String,
        /// `decision`, `error`, or an admin event such as `policy.put`.
        kind: String,
        /// The call's id, or the admin operation's.
        request_id: String,
        /// The decision, for guard calls.
        decision: Option<Decision>,
        /// The rest. Content is a keyed hash, never text.
        body: JsonObject,
        /// This row's hash, hexadecimal.
        hash: String,
        /// The hash of the row before, hexadecimal.
        previous: String,
    }
}

mirror! { both
    /// A signed statement of how long a chain is and what its last row hashes to.
    ///
    /// Its text form can be printed, stored elsewhere, and given to `VerifyAgainst` as an outside anchor.
    AuditHead: api::AuditHead {
        /// The scope's internal id.
        scope: String,
        /// The last row's sequence; 0 for an empty chain.
        sequence: u64,
        /// The last row's hash, hexadecimal.
        hash: String,
        /// When it was signed, microseconds since 1970.
        at: i64,
        /// Which key signed.
        key_id: String,
        /// Ed25519 signature, base64url.
        signature: String,
    }
}

mirror! { out
    /// What `Audit.Verify` found.
    VerifyReport: api::VerifyReport {
        /// Whether the chain is whole as far as it can be checked.
        ok: bool,
        /// Rows checked.
        rows: u64,
        /// The sequence covered by the newest signed head; later rows are chained but not yet covered.
        head_sequence: u64,
        /// Everything that is wrong, in order.
        problems: Option<Vec<String>>,
    }
}

/// Which rows to read. The zero value reads the first hundred.
#[derive(uniffi::Record)]
pub struct AuditQuery {
    /// Only rows since this RFC 3339 time, or this long before now, e.g. `7d`. Left out: from the first row.
    pub since: Option<String>,
    /// Only rows after this sequence. Excludes `since`.
    pub after: Option<i64>,
    /// Only rows before this sequence: where the next page of the newest goes on.
    pub before: Option<i64>,
    /// Which row comes first; the oldest when left out.
    pub order: Option<AuditOrder>,
    /// The most rows to return, up to 10,000; 100 when left out.
    pub limit: Option<i64>,
}

impl AuditQuery {
    /// Which rows, and how many at most.
    pub fn into_core(self) -> Result<(AuditRange, u32)> {
        let since = match (self.since, self.after) {
            (None, None) => Since::Start,
            (None, Some(sequence)) => Since::Sequence(whole("since", sequence)?),
            (Some(text), None) => Since::parse(&text)?,
            (Some(_), Some(_)) => {
                return Err(Error::invalid("since_invalid", "`since` and `after` exclude each other"));
            }
        };
        let before = self.before.map(|sequence| whole("sequence", sequence)).transpose()?;
        let range = AuditRange { since, before, order: self.order.into_core("order")? };
        Ok((range, whole("limit", self.limit.unwrap_or(100))?))
    }
}

/// Reads a printed head.
pub fn anchor(text: Option<String>) -> Result<Option<api::AuditHead>> {
    text.map(|text| api::AuditHead::from_text(&text)).transpose()
}
