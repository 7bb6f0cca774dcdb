//! Core errors as they cross to Go. Owns that mapping and nothing else.
#![allow(unsafe_code, reason = "uniffi's derives implement unsafe traits")]

use std::fmt;

use tenantry::error::Error;

/// Shorthand used by every exported operation.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What an operation may fail with.
#[derive(Debug, uniffi::Error)]
pub enum Failure {
    /// The core's error.
    Core {
        /// The family's name.
        kind: String,
        /// Stable and machine-readable.
        code: String,
        /// One sentence.
        message: String,
        /// What to do about it, if known.
        help: Option<String>,
        /// When a retry may succeed, in milliseconds.
        retry_after_ms: Option<u64>,
        /// The policy whose text it is about.
        policy: Option<String>,
        /// The line of that text, from 1.
        line: Option<i64>,
        /// The column, in characters from 1.
        column: Option<i64>,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core {
            kind: error.kind().name().to_owned(),
            code: error.code().to_owned(),
            message: error.message().to_owned(),
            help: error.help().map(str::to_owned),
            retry_after_ms: error.retry_after().map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
            policy: error.location().map(|location| location.policy.clone()),
            line: error.location().map(|location| location.line.into()),
            column: error.location().map(|location| location.column.into()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Core { code, message, .. } = self;
        write!(f, "{message} ({code})")
    }
}

impl std::error::Error for Failure {}
