//! What a caller presents.

use napi::Unknown;
use tenantry::{api::RequestCredentials, config::Credential};

use super::{Given, json};
use crate::errors::Result;

/// A token, or headers as pairs of texts; the TypeScript half has made either of what the caller gave.
pub fn presented(token: Unknown<'_>, headers: Unknown<'_>, options: Unknown<'_>) -> Result<RequestCredentials> {
    let mut given = Given::read("options", options)?;
    let pair = |pair| {
        let texts = json::items("headers", pair, |item| json::text("headers", item))?;
        <[String; 2]>::try_from(texts)
            .map(|[name, value]| (name, value))
            .map_err(|_| json::invalid("a header is not a name and a value"))
    };
    let presented = RequestCredentials {
        headers: json::items("headers", headers, pair)?,
        token: if json::is_absent(token)? { None } else { Some(Credential::new(json::text("credential", token)?)) },
        method: given.text("method")?.unwrap_or_default(),
        target: given.text("target")?.unwrap_or_default(),
        peer: given.text("peer")?.unwrap_or_default(),
    };
    given.end()?;
    Ok(presented)
}

/// The texts of an argument that is a list of them.
pub fn texts(what: &str, value: Unknown<'_>) -> Result<Vec<String>> {
    json::items(what, value, |item| json::text(what, item))
}
