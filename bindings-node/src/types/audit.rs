//! The audit trail.

use napi::{Unknown, ValueType};
use tenantry::{
    api::{AuditHead, Since},
    error::Error,
};

use super::json;
use crate::errors::Result;

/// Where a query starts: after a sequence, at an RFC 3339 time, or a duration such as `7d` ago.
pub fn since(value: Option<Unknown<'_>>) -> Result<Since> {
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
