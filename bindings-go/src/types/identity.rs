//! What callers present, and what a handle is.
#![allow(unsafe_code, reason = "uniffi's derives implement unsafe traits")]

use tenantry::{api, config};

use super::Text;

/// One line of a header.
#[derive(uniffi::Record)]
pub struct HeaderParts {
    /// Its name, in any case.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What a caller presents, as it came.
#[derive(uniffi::Record)]
pub struct PresentedParts {
    /// Every line of every header.
    pub headers: Vec<HeaderParts>,
    /// A token or key on its own.
    pub token: Option<String>,
    /// The request's method.
    pub method: String,
    /// The request's path and query.
    pub target: String,
    /// The peer's address.
    pub peer: String,
}

impl From<PresentedParts> for api::RequestCredentials {
    fn from(parts: PresentedParts) -> Self {
        Self {
            headers: parts.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            token: parts.token.map(config::Credential::new),
            method: parts.method,
            target: parts.target,
            peer: parts.peer,
        }
    }
}

/// What never changes about a handle.
#[derive(uniffi::Record)]
pub struct AboutParts {
    /// The account's id.
    pub account_id: String,
    /// The project's id.
    pub project_id: String,
    /// Who the credential behind it is, as JSON.
    pub caller: Option<Text>,
}
