//! One row as the journal holds it until it is committed. Owns its bytes.

use super::{Answer, Beside, Entry, Spend};
use crate::{
    error::{Error, Result},
    scope::{Scope, Uid},
};

/// scope uid | at | four length-prefixed texts | where there is an answer or something spent, both as JSON or empty.
pub fn encode(scope: &Scope, entry: &Entry<'_>) -> Result<Vec<u8>> {
    let texts = [entry.kind, entry.request_id, entry.decision, entry.body];
    let beside = match &entry.beside {
        Beside { answer: None, spend: None } => Vec::new(),
        Beside { answer, spend } => vec![written(*answer)?, written(*spend)?],
    };
    let texts = texts.into_iter().chain(beside.iter().map(String::as_str));
    let mut payload = Vec::with_capacity(512 + entry.body.len());
    payload.extend_from_slice(scope.uid().as_bytes());
    payload.extend_from_slice(&entry.at.to_be_bytes());
    for text in texts {
        payload.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        payload.extend_from_slice(text.as_bytes());
    }
    Ok(payload)
}

fn written<T: serde::Serialize>(value: Option<&T>) -> Result<String> {
    let text = value.map(serde_json::to_string).transpose();
    text.map(Option::unwrap_or_default).map_err(|_| Error::internal("a record could not be written"))
}

/// A journal record taken apart.
pub struct Record<'a> {
    /// Whose chain it belongs to.
    pub scope: Uid,
    /// The row; what is beside it is below.
    pub entry: Entry<'a>,
    /// What the same request is answered from now on.
    pub answer: Option<Answer>,
    /// What it spent.
    pub spend: Option<Spend>,
}

fn broken() -> Error {
    Error::data("journal_corrupt", "a journal record cannot be read")
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<Option<T>> {
    if text.is_empty() { Ok(None) } else { serde_json::from_str(text).map(Some).map_err(|_| broken()) }
}

/// Takes a record apart.
pub fn decode(payload: &[u8]) -> Result<Record<'_>> {
    let take = |rest: &mut &[u8], count: usize| -> Result<Vec<u8>> {
        let (head, tail) = rest.split_at_checked(count).ok_or_else(broken)?;
        *rest = tail;
        Ok(head.to_vec())
    };
    let mut rest = payload;
    let uid = Uid::from_bytes(take(&mut rest, 16)?.try_into().map_err(|_| broken())?);
    let at = i64::from_be_bytes(take(&mut rest, 8)?.try_into().map_err(|_| broken())?);
    let (kind, request_id) = (take_text(&mut rest)?, take_text(&mut rest)?);
    let (decision, body) = (take_text(&mut rest)?, take_text(&mut rest)?);
    let (answer, spend) = if rest.is_empty() { ("", "") } else { (take_text(&mut rest)?, take_text(&mut rest)?) };
    let entry = Entry { at, kind, request_id, decision, body, beside: Beside::default() };
    Ok(Record { scope: uid, entry, answer: read(answer)?, spend: read(spend)? })
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str> {
    let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
    let (text, tail) = tail.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(broken)?;
    *rest = tail;
    std::str::from_utf8(text).map_err(|_| broken())
}
