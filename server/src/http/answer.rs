//! Answers that are not errors.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde::Serialize;
use tenantry::{Error, Result};

/// What a handler gives back.
pub type Answer = Result<Response<Body>>;

/// JSON, or nothing where it cannot be written, which our types never are.
pub(super) fn json_body(value: &impl Serialize) -> Body {
    Body::from(serde_json::to_vec(value).unwrap_or_default())
}

/// JSON with a status.
///
/// # Errors
/// `internal` when the value cannot be written.
pub fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(value).map_err(|_| Error::internal("an answer could not be written"))?;
    let mut answer = Response::new(Body::from(bytes));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(answer)
}

/// JSON and 200.
///
/// # Errors
/// As [`json`].
pub fn ok(value: &impl Serialize) -> Answer {
    json(StatusCode::OK, value)
}

/// 204.
#[must_use]
pub fn nothing() -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// Adds a header that says how long an answer may be kept.
#[must_use]
pub fn cached(mut answer: Response<Body>, how: &'static str) -> Response<Body> {
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(how));
    answer
}
