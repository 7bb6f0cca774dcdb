//! The one error type. Owns what can go wrong and how it reads; touches nothing.
//!
//! A denial is a *decision* and never an [`Error`]; an [`Error`] means no decision could be made (law 4).

mod codes;

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

pub use codes::{CODES, Code};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

/// Shorthand used by every fallible operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The closed set of error families, the same in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is not acceptable; the same call can never succeed.
    InvalidArgument,
    /// No credential, or one that could not be verified.
    Unauthenticated,
    /// The credential is good but does not reach this far.
    PermissionDenied,
    /// The object does not exist in this scope (or exists in another one: the answer is the same).
    NotFound,
    /// The object exists already, or was changed meanwhile.
    Conflict,
    /// A rate was exceeded. Only `limits.acquire` and admin calls raise it.
    RateLimited,
    /// A cap on stored objects was reached.
    QuotaExceeded,
    /// The deadline passed.
    Timeout,
    /// The caller gave up.
    Cancelled,
    /// Something needed for a decision is out of reach; retrying may help.
    Unavailable,
    /// Stored data is not what it should be.
    Data,
    /// A defect in Tenantry.
    Internal,
}

impl ErrorKind {
    /// Every family, for tests and generated docs.
    pub const ALL: [Self; 12] = [
        Self::InvalidArgument,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::Conflict,
        Self::RateLimited,
        Self::QuotaExceeded,
        Self::Timeout,
        Self::Cancelled,
        Self::Unavailable,
        Self::Data,
        Self::Internal,
    ];

    /// The name every language uses for the family.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "InvalidArgument",
            Self::Unauthenticated => "Unauthenticated",
            Self::PermissionDenied => "PermissionDenied",
            Self::NotFound => "NotFound",
            Self::Conflict => "Conflict",
            Self::RateLimited => "RateLimited",
            Self::QuotaExceeded => "QuotaExceeded",
            Self::Timeout => "Timeout",
            Self::Cancelled => "Cancelled",
            Self::Unavailable => "Unavailable",
            Self::Data => "Data",
            Self::Internal => "Internal",
        }
    }

    /// Whether the same call may succeed later without a change by the caller.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Timeout | Self::Unavailable)
    }
}

/// Where in a policy's text an error stands. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The name the text was put under.
    pub policy: String,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// What went wrong (`kind`), its stable `code`, and a sentence for a person.
///
/// Messages never hold content, keys or tokens (law 10); ids a caller gave are quoted in backticks.
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    code: Cow<'static, str>,
    message: String,
    help: Option<String>,
    retry_after: Option<Duration>,
    location: Option<Box<Location>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with a stable machine-readable `code`.
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: Cow::Borrowed(code),
            message: message.into(),
            help: None,
            retry_after: None,
            location: None,
            source: None,
        }
    }

    /// Shorthand for [`ErrorKind::InvalidArgument`].
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, code, message)
    }

    /// Shorthand for [`ErrorKind::NotFound`].
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, code, message)
    }

    /// Shorthand for [`ErrorKind::Conflict`].
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, code, message)
    }

    /// Shorthand for [`ErrorKind::Unavailable`].
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, code, message)
    }

    /// Shorthand for [`ErrorKind::Data`].
    pub fn data(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, code, message)
    }

    /// Shorthand for [`ErrorKind::Internal`] with code `internal`.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "internal", message)
    }

    /// Adds the next step for the reader.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds when a retry may succeed.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Adds where in a policy's text it stands.
    #[must_use]
    pub fn with_location(mut self, location: Location) -> Self {
        self.location = Some(Box::new(location));
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The family.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code, e.g. `scope_id_invalid`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// One sentence, lower case, without the help line. Of a policy's text, the line it stands in follows, and a caret below it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The sentence alone, and the lines of the policy that follow it, if any.
    #[must_use]
    pub fn sentence_and_excerpt(&self) -> (&str, &str) {
        let end = self.message.find('\n').unwrap_or(self.message.len());
        self.message.split_at(end)
    }

    /// Without the lines of the policy: for somebody who may not read it.
    #[must_use]
    pub fn without_excerpt(mut self) -> Self {
        self.message.truncate(self.message.find('\n').unwrap_or(self.message.len()));
        self
    }

    /// What to do about it, if we know.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Where in a policy's text it stands, if it is about one.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.location.as_deref()
    }

    /// When a retry may succeed.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sentence, excerpt) = self.sentence_and_excerpt();
        write!(f, "{sentence} ({})", self.code)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        f.write_str(excerpt)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("location", &self.location)
            .field("source", &self.source)
            .finish()
    }
}

/// As bindings and wires carry it: `kind`, `code`, `message` and, when known, `help`, `retry_after_ms` and, of a policy's text,
/// `policy`, `line` and `column`.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let located = if self.location.is_some() { 3 } else { 0 };
        let length = 3 + usize::from(self.help.is_some()) + usize::from(self.retry_after.is_some()) + located;
        let mut fields = serializer.serialize_struct("Error", length)?;
        fields.serialize_field("kind", &self.kind)?;
        fields.serialize_field("code", &self.code)?;
        fields.serialize_field("message", &self.message)?;
        if let Some(help) = &self.help {
            fields.serialize_field("help", help)?;
        }
        if let Some(after) = self.retry_after {
            fields.serialize_field("retry_after_ms", &u64::try_from(after.as_millis()).unwrap_or(u64::MAX))?;
        }
        if let Some(location) = &self.location {
            fields.serialize_field("policy", &location.policy)?;
            fields.serialize_field("line", &location.line)?;
            fields.serialize_field("column", &location.column)?;
        }
        fields.end()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.code == other.code && self.message == other.message
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::unavailable("io_error", format!("input or output failed: {error}")).with_source(error)
    }
}
