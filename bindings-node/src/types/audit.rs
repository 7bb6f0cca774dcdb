//! The audit trail.

use napi::{Unknown, ValueType};
use tenantry::{
    api::{AuditHead, AuditRange, Since},
    error::Error,
};

use super::{Given, json};
use crate::errors::Result;

/// Which rows a query reads, and how many at most.
pub fn audit_query(options: Unknown<'_>) -> Result<(AuditRange, u32)> {
    let mut given = Given::read("options", options)?;
    let range = AuditRange {
        since: since(given.take("since")?)?,
        before: given.whole("before")?,
        order: given.named("order", "order of rows")?.unwrap_or_default(),
    };
    let limit = given.whole("limit")?.unwrap_or(100);
    given.end()?;
    Ok((range, limit))
}

/// Where a query starts: after a sequence, at an RFC 3339 time, or a duration such as `7d` ago.
fn since(value: Option<Unknown<'_>>) -> Result<Since> {
    match value {
        None => Ok(Since::Start),
        Some(value) if value.get_type()? == ValueType::Number => {
            Ok(Since::Sequence(json::whole_number("sequence", value)?))
        }
        Some(value) => Ok(Since::parse(&json::text("since", value)?)?),
    }
}

/// A head's printed line.
pub fn anchor(value: Unknown<'_>) -> Result<Option<AuditHead>> {
    if json::is_absent(value)? {
        return Ok(None);
    }
    Ok(Some(AuditHead::from_text(&json::text("anchor", value)?)?))
}

/// The printed line of a head that crossed as JSON.
pub fn line(head: &str) -> Result<String> {
    let head: AuditHead =
        serde_json::from_str(head).map_err(|_| Error::invalid("anchor_invalid", "not an audit head"))?;
    Ok(head.to_text())
}
