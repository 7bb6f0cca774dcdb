//! Core errors as JavaScript errors. Owns that mapping and nothing else; the classes live in `src-ts/errors.ts`.
//!
//! An error crosses as JSON in the message of a plain `Error`; the TypeScript half reads it and throws the class.

use std::panic::AssertUnwindSafe;

use serde::Serialize;
use tenantry::error::{Error, Location};

/// What a method of this binding may fail with: the core's error, or what Node answered (an exception of the caller's
/// own getters, among others).
pub enum Failure {
    Core(Error),
    Node(napi::Error),
}

/// Shorthand used by every fallible function of this crate.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<napi::Error> for Failure {
    fn from(error: napi::Error) -> Self {
        Self::Node(error)
    }
}

impl From<Failure> for napi::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Core(error) => thrown(&error),
            Failure::Node(error) => error,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    kind: &'static str,
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(flatten)]
    location: Option<&'a Location>,
}

/// What is thrown for `error`.
pub fn thrown(error: &Error) -> napi::Error {
    let payload = Payload {
        kind: error.kind().name(),
        code: error.code(),
        message: error.message(),
        help: error.help(),
        retry_after_ms: error.retry_after().and_then(|after| u64::try_from(after.as_millis()).ok()),
        location: error.location(),
    };
    napi::Error::from_reason(serde_json::to_string(&payload).unwrap_or_default())
}

/// Runs the body of an exported function: a panic inside is `Internal` and never crosses into Node.
pub fn catch_panic<T>(body: impl FnOnce() -> Result<T>) -> napi::Result<T> {
    let panicked = |_| Err(Error::internal("the Node binding failed unexpectedly; nothing was decided").into());
    std::panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(panicked).map_err(napi::Error::from)
}
