//! Dev mode's callers: whoever they say they are. Owns the authority that dev mode hands out, over exactly one project, and
//! what is no key that anybody could have made up.

use std::sync::atomic::AtomicU64;

use super::{NEVER, PermissionsBy, Verified, unauthenticated};
use crate::{
    api::{CredentialKind, Principal},
    error::{Error, Result},
    scope::{Authority, Id, Named},
};

/// Lets a credential that did not verify pass as a key that nobody made, which in dev mode is anybody's.
///
/// # Errors
/// Why it did not verify. A text in the form of a token is no such key: it says itself who it is, and was meant to be verified.
pub fn pass_unknown_key(text: &str, refusal: Error) -> Result<()> {
    match refusal.code() {
        "credential_unknown" if looks_like_jwt(text) => Err(unauthenticated(
            "token_malformed",
            "the credential looks like a token, and is none that can be verified",
        )
        .with_help("dev mode takes any key, but tokens only of an issuer it knows")),
        "credential_unknown" => Ok(()),
        _ => Err(refusal),
    }
}

/// Whether a text has the form of a signed or encrypted token: parts between dots, the first of which is the base64 of a JSON
/// object. Read as loosely as any reader might, since it is read only to refuse.
fn looks_like_jwt(text: &str) -> bool {
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\''));
    let text = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    let mut parts = text.split('.');
    let (Some(first), Some(_), Some(_)) = (parts.next(), parts.next(), parts.next()) else { return false };
    loosely_decoded(first).is_some_and(|bytes| {
        String::from_utf8_lossy(&bytes).trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('{')
    })
}

/// Base64 in either alphabet, with or without padding, whatever its spare bits.
fn loosely_decoded(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    let mut loose = data_encoding::BASE64URL_NOPAD.specification();
    loose.check_trailing_bits = false;
    loose.encoding().ok()?.decode(text.as_bytes()).ok()
}

/// A caller of dev mode. It holds every right in its own project: there is nothing to protect from it.
#[must_use]
pub fn dev_caller(account: Id, project: Id, user: &str) -> Verified {
    Verified {
        credential: CredentialKind::Dev,
        id: String::new(),
        issuer: String::new(),
        issuer_version: 0,
        principal: Principal::user(user),
        authority: Authority::projects(Named { id: account, uid: None }, vec![Named { id: project, uid: None }]),
        permissions_by: PermissionsBy::DevMode,
        ends_at: NEVER,
        presentable_until: NEVER,
        ends_with: Vec::new(),
        entry: None,
        key: None,
        machine: false,
        seen: AtomicU64::default(),
    }
}
