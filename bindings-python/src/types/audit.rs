//! The audit trail.

use pyo3::{IntoPyObjectExt, prelude::*};
use tenantry::api::{self, named, whole};

use super::json::{self, Fields, Text};
use crate::errors::Result;

value_class! {
    /// One row of a project's chain.
    AuditRecord(api::AuditRecord) shows (sequence, at, kind, request_id, decision) {
        /// Position in the chain, from 1, without gaps.
        sequence: u64 = |record| record.sequence;
        /// When it happened, RFC 3339 in UTC.
        at: &str = |record| &record.at;
        /// `decision`, `error`, or an admin event such as `policy.put`.
        kind: &str = |record| &record.kind;
        /// The call's id, or the admin operation's.
        request_id: &str = |record| &record.request_id;
        /// The decision, for guard calls.
        decision: Option<&str> = |record| record.decision.as_deref();
        /// The rest. Content is a keyed hash, never text.
        body: Fields = |record| Fields(record.body.clone());
        /// This row's hash, hexadecimal.
        hash: &str = |record| &record.hash;
        /// The hash of the row before, hexadecimal.
        previous: &str = |record| &record.previous;
    }
}

value_class! {
    /// A signed statement of how long a chain is and what its last row hashes to.
    ///
    /// `str(head)` is one line to print and keep elsewhere; `audit.verify` takes it back as an outside anchor.
    AuditHead(api::AuditHead) shows (scope, sequence, hash) {
        /// The scope's internal id.
        scope: &str = |head| &head.scope;
        /// The last row's sequence; 0 for an empty chain.
        sequence: u64 = |head| head.sequence;
        /// The last row's hash, hexadecimal.
        hash: &str = |head| &head.hash;
        /// When it was signed, microseconds since 1970.
        at: i64 = |head| head.at;
        /// Which key signed.
        key_id: &str = |head| &head.key_id;
        /// Ed25519 signature, base64url.
        signature: &str = |head| &head.signature;
    }
    with {
        fn __str__(&self) -> String {
            self.0.to_text()
        }
    }
}

value_class! {
    /// What `audit.verify` found.
    VerifyReport(api::VerifyReport) shows (ok, rows, problems) {
        /// Whether the chain is whole as far as it can be checked.
        ok: bool = |report| report.ok;
        /// Rows checked.
        rows: u64 = |report| report.rows;
        /// The sequence covered by the newest signed head; later rows are chained but not yet covered.
        head_sequence: u64 = |report| report.head_sequence;
        /// Everything that is wrong, in order.
        problems: Vec<String> = |report| report.problems.clone();
    }
}

/// A head, or its printed line.
#[derive(FromPyObject)]
pub enum Anchor {
    Head(AuditHead),
    Line(Text),
}

impl Anchor {
    pub fn read(self) -> Result<api::AuditHead> {
        match self {
            Self::Head(head) => Ok(head.0),
            Self::Line(line) => Ok(api::AuditHead::from_text(&line.0)?),
        }
    }
}

/// Which rows a query reads.
pub fn audit_range(since: Option<Since>, order: &str, before: Option<i64>) -> Result<api::AuditRange> {
    let before = before.map(|sequence| whole("sequence", sequence)).transpose()?;
    Ok(api::AuditRange { since: Since::read(since)?, before, order: named("order of rows", order)? })
}

/// Where a query starts: after a sequence, at an RFC 3339 time, or a duration such as `7d` ago.
#[derive(FromPyObject)]
pub enum Since {
    Text(Text),
    Sequence(i64),
}

impl Since {
    pub fn read(since: Option<Self>) -> Result<api::Since> {
        match since {
            None => Ok(api::Since::Start),
            Some(Self::Sequence(sequence)) => Ok(api::Since::Sequence(whole("sequence", sequence)?)),
            Some(Self::Text(text)) => Ok(api::Since::parse(&text.0)?),
        }
    }
}
