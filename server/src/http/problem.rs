//! Errors as HTTP answers: problem details (RFC 9457), and OAuth's own form (RFC 6749, section 5.2) where clients expect it.
//! Whoever makes such an answer counts it by making it, so that none goes uncounted.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use schemars::JsonSchema;
use serde::Serialize;
use tenantry::{Error, ErrorKind};

use super::{App, answer::json_body};

/// Problem details. `title` and `detail` are for people, `code` for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct Problem<'a> {
    /// `urn:tenantry:error:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The family, e.g. `InvalidArgument`.
    pub title: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// One sentence, and the next step where there is one.
    pub detail: String,
    /// The stable code, e.g. `request_invalid`; `docs/errors.md` lists them.
    pub code: &'a str,
    /// The request's id, also in the log.
    pub request_id: &'a str,
    /// When a retry may succeed, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The policy whose text it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'a str>,
    /// The line of that text, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, in characters from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// OAuth's errors.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OAuthError")]
pub struct OAuthError<'a> {
    /// One of RFC 6749's codes.
    pub error: &'a str,
    /// One sentence.
    pub error_description: String,
}

/// The status an error is answered with.
#[must_use]
pub fn status(error: &Error) -> StatusCode {
    match (error.kind(), error.code()) {
        (_, "idempotency_key_reused") => StatusCode::UNPROCESSABLE_ENTITY,
        (_, "content_too_large" | "body_too_large") => StatusCode::PAYLOAD_TOO_LARGE,
        (_, "media_type_unsupported") => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        (_, "body_timeout") => StatusCode::REQUEST_TIMEOUT,
        (_, "client_closed") => StatusCode::SERVICE_UNAVAILABLE,
        (_, "method_not_allowed") => StatusCode::METHOD_NOT_ALLOWED,
        (_, "headers_too_many") => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        (ErrorKind::InvalidArgument, _) => StatusCode::BAD_REQUEST,
        (ErrorKind::Unauthenticated, _) => StatusCode::UNAUTHORIZED,
        (ErrorKind::PermissionDenied | ErrorKind::QuotaExceeded, _) => StatusCode::FORBIDDEN,
        (ErrorKind::NotFound, _) => StatusCode::NOT_FOUND,
        (ErrorKind::Conflict, _) => StatusCode::CONFLICT,
        (ErrorKind::RateLimited, _) => StatusCode::TOO_MANY_REQUESTS,
        (ErrorKind::Timeout, _) => StatusCode::GATEWAY_TIMEOUT,
        (ErrorKind::Cancelled | ErrorKind::Unavailable, _) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Errors whose help tells what is trusted here, or how that was fetched: for whoever runs the server, and not for whoever
/// presents a token.
const FOR_OPERATORS: [&str; 3] = ["issuer_unknown", "jwks_unavailable", "token_key_unknown"];

/// Whether the help of an error stays in the log.
#[must_use]
pub fn is_for_operators(error: &Error) -> bool {
    FOR_OPERATORS.contains(&error.code())
}

/// What an error came from, for the log.
#[must_use]
pub fn cause(error: &Error) -> String {
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    if let (true, true, Some(help)) = (causes.is_empty(), is_for_operators(error), error.help()) {
        causes.push(help.to_owned());
    }
    causes.join(": ")
}

/// One sentence with the help line, as people read it; of a policy's text, the line it stands in follows. A defect's own words
/// stay in the log.
fn told(error: &Error) -> String {
    match (error.kind(), error.help().filter(|_| !is_for_operators(error))) {
        (ErrorKind::Internal, _) => "something went wrong here; the log has the request's id".into(),
        (_, Some(help)) => {
            let (sentence, excerpt) = error.sentence_and_excerpt();
            format!("{sentence}; {help}{excerpt}")
        }
        (_, None) => error.message().to_owned(),
    }
}

fn milliseconds(error: &Error) -> Option<u64> {
    error.retry_after().map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX))
}

/// What a client is told it has to present (RFC 6750, section 3, and RFC 9728, section 5.1): why what it presented is not taken,
/// if it presented any, and where it is written what would be.
fn challenge(app: &App, error: &Error) -> Option<HeaderValue> {
    let reason = match (error.kind(), error.code()) {
        (ErrorKind::Unauthenticated, "credential_missing" | "authorization_invalid") => String::new(),
        (ErrorKind::Unauthenticated, code) => format!(", error=\"invalid_token\", error_description=\"{code}\""),
        (ErrorKind::PermissionDenied, "scope_missing") => ", error=\"insufficient_scope\"".into(),
        _ => return None,
    };
    let metadata = format!("{}/.well-known/oauth-protected-resource", app.settings().issuer.trim_end_matches('/'));
    // What an address holds that a quoted text may not is nobody's issuer.
    let told = format!("Bearer realm=\"tenantry\"{reason}, resource_metadata=\"{metadata}\"");
    Some(HeaderValue::from_str(&told).unwrap_or(HeaderValue::from_static("Bearer realm=\"tenantry\"")))
}

/// An error as problem details, counted.
#[must_use]
pub fn problem(app: &App, error: &Error, request_id: &str) -> Response<Body> {
    app.metrics().failed(error.code());
    let status = status(error);
    let body = Problem {
        kind: format!("urn:tenantry:error:{}", error.code()),
        title: error.kind().name(),
        status: status.as_u16(),
        detail: told(error),
        code: error.code(),
        request_id,
        retry_after_ms: milliseconds(error),
        policy: error.location().map(|location| location.policy.as_str()),
        line: error.location().map(|location| location.line),
        column: error.location().map(|location| location.column),
    };
    let mut answer = Response::new(json_body(&body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(challenge) = challenge(app, error) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(after) = body.retry_after_ms {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(after.div_ceil(1_000)));
    }
    answer
}

/// An error as OAuth's clients read it, counted.
#[must_use]
pub fn oauth(app: &App, error: &Error, request_id: &str) -> Response<Body> {
    let (status, name) = match (error.kind(), error.code()) {
        (_, "grant_type_unsupported") => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        (_, "client_invalid") => (StatusCode::UNAUTHORIZED, "invalid_client"),
        // The one status RFC 6749 has for a request that is not what it should be.
        (_, "media_type_unsupported") => (StatusCode::BAD_REQUEST, "invalid_request"),
        (ErrorKind::PermissionDenied, "scope_missing")
        | (_, "scopes_invalid" | "scopes_required" | "scope_invalid") => (StatusCode::BAD_REQUEST, "invalid_scope"),
        (ErrorKind::InvalidArgument, _) => (status(error), "invalid_request"),
        (ErrorKind::Unauthenticated, _) => (StatusCode::BAD_REQUEST, "invalid_grant"),
        (ErrorKind::PermissionDenied | ErrorKind::NotFound, _) => (StatusCode::FORBIDDEN, "access_denied"),
        (ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited, _) => {
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
        }
        _ => return problem(app, error, request_id),
    };
    app.metrics().failed(error.code());
    let mut answer = Response::new(json_body(&OAuthError { error: name, error_description: told(error) }));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"tenantry\""));
    }
    answer
}
