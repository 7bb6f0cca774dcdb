//! One row as it is held until it is committed. Owns its bytes.

use super::{Entry, Spend};
use crate::{
    error::{Error, Result},
    scope::{Scope, Uid},
    store::journal::MAX_RECORD,
};

/// scope uid | at | four length-prefixed texts | where something was spent, that as JSON.
pub fn encode(scope: &Scope, entry: &Entry<'_>) -> Result<Vec<u8>> {
    let spend = entry.spend.map(serde_json::to_string).transpose();
    let spend = spend.map_err(|_| Error::internal("a record could not be written"))?;
    let texts = [entry.kind, entry.request_id, entry.decision, entry.body];
    let mut payload = Vec::with_capacity(512 + entry.body.len());
    payload.extend_from_slice(scope.uid().as_bytes());
    payload.extend_from_slice(&entry.at.to_be_bytes());
    for text in texts.into_iter().chain(spend.as_deref()) {
        payload.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        payload.extend_from_slice(text.as_bytes());
    }
    if payload.len() > MAX_RECORD {
        return Err(Error::invalid("audit_record_too_large", "the call's audit record would exceed 1 MiB"));
    }
    Ok(payload)
}

/// A record taken apart.
pub struct Record<'a> {
    /// Whose chain it belongs to.
    pub scope: Uid,
    /// The row; what it spent is below.
    pub entry: Entry<'a>,
    /// What it spent.
    pub spend: Option<Spend>,
}

fn broken() -> Error {
    Error::data("journal_corrupt", "a journal record cannot be read")
}

/// Takes a record apart.
pub fn decode(payload: &[u8]) -> Result<Record<'_>> {
    let (uid, rest) = payload.split_first_chunk::<16>().ok_or_else(broken)?;
    let (at, mut rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
    let (kind, request_id) = (take_text(&mut rest)?, take_text(&mut rest)?);
    let (decision, body) = (take_text(&mut rest)?, take_text(&mut rest)?);
    let spend =
        if rest.is_empty() { None } else { Some(serde_json::from_str(take_text(&mut rest)?).map_err(|_| broken())?) };
    let entry = Entry { at: i64::from_be_bytes(*at), kind, request_id, decision, body, spend: None };
    Ok(Record { scope: Uid::from_bytes(*uid), entry, spend })
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str> {
    let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
    let (text, tail) = tail.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(broken)?;
    *rest = tail;
    std::str::from_utf8(text).map_err(|_| broken())
}
