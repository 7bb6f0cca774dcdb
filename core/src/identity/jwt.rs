//! Signed tokens: reading them strictly, and writing them. Owns the compact form and the registered claims; touches only
//! `api`, `error` and the keys beside it. Which issuers, keys and tenants are believed is decided elsewhere.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::jwk::{VerifyingKey, unfit};
use crate::{
    api::{Algorithm, Fields, MAX_JSON_DEPTH},
    error::{Error, ErrorKind, Result},
};

/// Longest token. Web servers take headers of 8 to 16 KiB, so a longer one cannot have come by HTTP.
pub const MAX_TOKEN: usize = 16 * 1024;
/// 9999-12-31T23:59:59Z: what is later, RFC 3339 cannot say, and is no time but a mistake in the unit.
const LAST_SECOND: u64 = 253_402_300_799;
const MICROS: i64 = 1_000_000;
/// How far `iat` may be ahead of our clock whatever the leeway, in microseconds.
const ISSUED_AHEAD: i64 = 10 * MICROS;
const MAX_AUDIENCES: usize = 64;
const MAX_NAME: usize = 512;
const MAX_TOKEN_ID: usize = 256;

/// Header members that change what is signed, bring their own key, or wrap another token. `crit` (RFC 7515 section 4.1.11)
/// and `b64` (RFC 7797) make a reader refuse what it does not understand, and we understand no extension; `zip` and `enc`
/// are of encrypted tokens; `cty` is of nested ones; the others name a key, which a token may not do for itself
/// (RFC 8725 sections 3.5 and 3.10).
const REFUSED_MEMBERS: &[&str] = &["crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5u", "x5c"];

/// A token that was read and not yet verified: nothing in it is true before [`Token::verify`], and nothing is for us
/// before [`check`].
pub struct Token<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    claims: Fields,
    /// Header and payload as they were sent; what was signed is never written anew.
    signed: &'a str,
    signature: Vec<u8>,
}

/// Prints no claim and no signature.
impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl<'a> Token<'a> {
    /// Reads a JWT (RFC 7519) in the compact form of JWS (RFC 7515 section 7.1), with the care RFC 8725 asks for.
    ///
    /// There is one way to write a token: three parts of base64url without padding, white space or spare bits, of which
    /// two are JSON objects in UTF-8 where no key stands twice at any depth. `alg` is an [`Algorithm`] exactly as RFC 7518
    /// spells it; `typ`, where present, is `JWT` or `at+jwt` (RFC 9068); `kid`, where present, is any text.
    ///
    /// # Errors
    /// `token_too_large`, `token_malformed`, `token_algorithm_invalid`, `token_header_invalid`, `token_claims_invalid`.
    pub fn parse(text: &'a str) -> Result<Self> {
        if text.len() > MAX_TOKEN {
            return Err(refused("token_too_large", format!("the token is longer than {MAX_TOKEN} bytes")));
        }
        // From the right, so that what was signed is a piece of the text; a third dot fails to decode.
        let parts = text.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            Some((signed, header, payload, signature))
        });
        let Some((signed, header, payload, signature)) = parts else {
            return Err(malformed("does not have three parts"));
        };
        let (header, payload, signature) = (part(header)?, part(payload)?, part(signature)?);
        let header = object(&header, "token_header_invalid", "header")?;
        let algorithm = match header.get("alg") {
            None => return Err(refused("token_algorithm_invalid", "the token's header has no `alg`")),
            Some(name) => name.as_str().and_then(Algorithm::parse).ok_or_else(unfit)?,
        };
        if let Some(member) = REFUSED_MEMBERS.iter().find(|member| header.get(member).is_some()) {
            let message = format!("the token's header has the member `{member}`, which is not taken");
            return Err(refused("token_header_invalid", message));
        }
        if !header.get("typ").is_none_or(is_token_type) {
            return Err(refused("token_header_invalid", "the `typ` of the token's header is neither JWT nor at+jwt"));
        }
        let kid = match header.get("kid") {
            None => None,
            // Any text: it is only ever compared with the names of keys we hold.
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(refused("token_header_invalid", "the `kid` of the token's header is no text")),
        };
        let claims = object(&payload, "token_claims_invalid", "payload")?;
        Ok(Self { algorithm, kid, claims, signed, signature })
    }

    /// The algorithm the token claims to be signed with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of the key the token claims to be signed with.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The issuer the token claims to be of. Not verified: only for finding the keys that would verify it.
    ///
    /// # Errors
    /// `token_claims_invalid` when it is not a text of 1 to 512 bytes.
    pub fn issuer(&self) -> Result<&str> {
        name(&self.claims, "iss", MAX_NAME)
    }

    /// Verifies the signature over what was sent.
    ///
    /// # Errors
    /// `token_algorithm_invalid` when the key is not for the token's algorithm, else `token_signature_invalid`.
    pub fn verify(&self, key: &VerifyingKey) -> Result<()> {
        if !key.fits(self.algorithm) {
            return Err(unfit());
        }
        key.verify(self.algorithm, self.signed.as_bytes(), &self.signature)
    }

    /// What the token says.
    #[must_use]
    pub const fn claims(&self) -> &Fields {
        &self.claims
    }
}

/// What a token must say to be for us, now.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The one `iss`, compared byte by byte (RFC 8725 section 3.8).
    pub issuer: &'a str,
    /// `aud` names one of these (RFC 8725 section 3.9). None: nothing is for us.
    pub audience: &'a [String],
    /// Where the claim is that stands in for `aud` in tokens without one; empty for none.
    pub audience_claim: &'a str,
    /// How far the issuer's clock may be from ours.
    pub leeway_seconds: u32,
    /// Microseconds since 1970.
    pub now_micros: i64,
}

/// When a token holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Its `exp`, in microseconds since 1970.
    pub expires_at: i64,
    /// The first moment at which we refuse it: `exp` and the leeway. What is kept about the token ends here.
    pub ends_at: i64,
    /// Its `iat`, in microseconds since 1970.
    pub issued_at: Option<i64>,
}

/// Checks the registered claims (RFC 7519 section 4.1) of a token whose signature was verified.
///
/// `iss`, `aud`, `sub` and `exp` are required. `exp` is the first moment at which the token no longer holds. `iat` is no
/// "not before" (RFC 7519 section 4.1.6): one that is at most ten seconds ahead, as clocks differ, is taken. Texts that name
/// somebody hold no control characters, for the sake of logs.
///
/// # Errors
/// `token_issuer_invalid`, `token_audience_invalid`, `token_expired`, `token_not_yet_valid`, `token_claims_invalid`.
pub fn check(claims: &Fields, expected: &Expected<'_>) -> Result<Times> {
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    if issuer.is_empty() || issuer != expected.issuer {
        return Err(refused("token_issuer_invalid", "the token is of another issuer"));
    }
    check_audience(claims, expected)?;
    name(claims, "sub", MAX_NAME)?;
    if claims.get("jti").is_some() {
        name(claims, "jti", MAX_TOKEN_ID)?;
    }
    let (expires_at, not_before, issued_at) = (time(claims, "exp")?, time(claims, "nbf")?, time(claims, "iat")?);
    let expires_at = expires_at.ok_or_else(|| claim_invalid("exp", "is missing"))?;
    let leeway = i64::from(expected.leeway_seconds) * MICROS;
    let ends_at = expires_at.saturating_add(leeway);
    if ends_at <= expected.now_micros {
        return Err(refused("token_expired", "the token has expired"));
    }
    let starts = [("nbf", not_before, leeway), ("iat", issued_at, leeway.max(ISSUED_AHEAD))];
    for (claim, start, ahead) in starts {
        if start.is_some_and(|start| start > expected.now_micros.saturating_add(ahead)) {
            let message = format!("the token does not hold yet: its `{claim}` is ahead of the clock here");
            return Err(refused("token_not_yet_valid", message)
                .with_help("`leeway_seconds` of the issuer's entry, 0 to 300, says how far its clock may be off"));
        }
    }
    Ok(Times { expires_at, ends_at, issued_at })
}

/// A claim, by a JSON pointer (RFC 6901) if `path` starts with `/`, else by its top-level name. An empty path finds nothing.
#[must_use]
pub fn string_at<'c>(claims: &'c Fields, path: &str) -> Option<&'c Value> {
    let Some(pointer) = path.strip_prefix('/') else { return claims.get(path).filter(|_| !path.is_empty()) };
    let end = pointer.find('/').unwrap_or(pointer.len());
    let (first, rest) = pointer.split_at_checked(end)?;
    claims.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
}

/// Writes a token in the compact form, signed by `sign`.
///
/// # Errors
/// What `sign` raises; `claims_too_large` for a token that [`Token::parse`] would refuse for its length; `internal` when a
/// part is not an object.
pub fn encode(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Result<Vec<u8>>) -> Result<String> {
    if !header.is_object() || !claims.is_object() {
        return Err(Error::internal("a token's header and claims are objects"));
    }
    let mut text = BASE64URL_NOPAD.encode(header.to_string().as_bytes());
    text.push('.');
    text.push_str(&BASE64URL_NOPAD.encode(claims.to_string().as_bytes()));
    let signature = sign(text.as_bytes())?;
    text.push('.');
    text.push_str(&BASE64URL_NOPAD.encode(&signature));
    if text.len() > MAX_TOKEN {
        return Err(Error::invalid("claims_too_large", format!("the token would be longer than {MAX_TOKEN} bytes")));
    }
    Ok(text)
}

fn part(text: &str) -> Result<Vec<u8>> {
    if text.is_empty() {
        return Err(malformed("has an empty part"));
    }
    // Spare bits, padding and white space are refused: a token has one spelling.
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| malformed("is not base64url without padding"))
}

fn object(bytes: &[u8], code: &'static str, what: &str) -> Result<Fields> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("is not UTF-8"))?;
    Fields::parse(text)
        .ok()
        // The reader cuts what is nested too deep, one level below what is acceptable.
        .filter(|fields| fields.values().all(|value| nests_within(value, MAX_JSON_DEPTH)))
        .ok_or_else(|| refused(code, format!("the token's {what} is not an acceptable JSON object")))
}

fn nests_within(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => items.iter().all(|item| nests_within(item, below)),
        Value::Object(fields) => fields.values().all(|field| nests_within(field, below)),
        _ => true,
    }
}

/// RFC 7515 section 4.1.9: a media type, in any case, from which `application/` may be left out.
fn is_token_type(value: &Value) -> bool {
    let Value::String(name) = value else { return false };
    let name = name.to_ascii_lowercase();
    matches!(name.strip_prefix("application/").unwrap_or(&name), "jwt" | "at+jwt")
}

fn check_audience(claims: &Fields, expected: &Expected<'_>) -> Result<()> {
    let refusal =
        |reason: &str| refused("token_audience_invalid", format!("the token is not for this audience: {reason}"));
    let is_ours = |name: &String| !name.is_empty() && expected.audience.contains(name);
    // A token that says whom it is for is asked for nothing else.
    let found = match claims.get("aud").or_else(|| string_at(claims, expected.audience_claim)) {
        None => {
            return Err(refusal("its `aud` is missing").with_help(
                "where the issuer's tokens name it elsewhere, e.g. in `client_id`, its entry says so by `audience_claim`",
            ));
        }
        Some(Value::String(name)) => is_ours(name),
        Some(Value::Array(names)) if names.len() > MAX_AUDIENCES => {
            return Err(refusal(&format!("its `aud` has {} names, more than {MAX_AUDIENCES}", names.len())));
        }
        Some(Value::Array(names)) => {
            let mut found = false;
            for name in names {
                // One that is no text is not passed over: another reader may see our name in it.
                let Value::String(name) = name else { return Err(refusal("a name in its `aud` is no text")) };
                found |= is_ours(name);
            }
            found
        }
        Some(_) => return Err(refusal("its `aud` is neither a text nor a list of texts")),
    };
    if found { Ok(()) } else { Err(refusal("its `aud` names somebody else")) }
}

/// A NumericDate (RFC 7519 section 2) in microseconds, what is finer cut off.
fn time(claims: &Fields, claim: &str) -> Result<Option<i64>> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let wrong = || claim_invalid(claim, "is no time in seconds since 1970");
    if let Some(seconds) = value.as_u64() {
        let whole =
            Some(seconds).filter(|seconds| *seconds <= LAST_SECOND).and_then(|seconds| i64::try_from(seconds).ok());
        return whole.map(|seconds| Some(seconds.saturating_mul(MICROS))).ok_or_else(wrong);
    }
    let seconds = value.as_f64().filter(|seconds| seconds.is_sign_positive() && *seconds <= LAST_SECOND as f64);
    let seconds = seconds.ok_or_else(wrong)?;
    // Within the range of both: the year 9999 has 2.5e17 microseconds.
    Ok(Some((seconds * MICROS as f64) as i64))
}

fn name<'c>(claims: &'c Fields, claim: &str, longest: usize) -> Result<&'c str> {
    let value = claims.get(claim).ok_or_else(|| claim_invalid(claim, "is missing"))?;
    let text = value.as_str().ok_or_else(|| claim_invalid(claim, "is no text"))?;
    match text {
        "" => Err(claim_invalid(claim, "is empty")),
        _ if text.len() > longest => Err(claim_invalid(claim, &format!("is longer than {longest} bytes"))),
        _ if text.chars().any(char::is_control) => Err(claim_invalid(claim, "holds control characters")),
        _ => Ok(text),
    }
}

/// `claim` is one of ours, never a text of the token.
fn claim_invalid(claim: &str, reason: &str) -> Error {
    refused("token_claims_invalid", format!("the token's `{claim}` {reason}"))
}

fn malformed(reason: &str) -> Error {
    refused("token_malformed", format!("the token {reason}"))
}

fn refused(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unauthenticated, code, message)
}

#[cfg(test)]
mod tests;
