//! What a caller presents: at most one credential, and headers that may select within it. Owns which headers mean
//! anything and how they may be spelt; touches only ground. Source: `docs/wire/identity.md`.
//!
//! Nothing here decides a tenant. Every other header, parameter and spelling is ignored, so it can change nothing.

use std::net::{IpAddr, SocketAddr};

use crate::{
    api::RequestCredentials,
    error::{Error, ErrorKind, Result},
    scope::{DEFAULT_PROJECT, Id, OpaqueId},
};

/// Most headers looked at.
const MAX_HEADERS: usize = 1_000;

/// What was presented, read and not yet believed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ParsedCredentials {
    /// The token or key.
    pub credential: Option<Text>,
    /// The account asked for.
    pub account: Option<Id>,
    /// The project asked for.
    pub project: Option<Id>,
    /// The tenant a machine names for confirmation.
    pub machine_tenant: Option<Id>,
    /// On whose behalf a machine asks; its own word.
    pub acting_for: Option<OpaqueId>,
    /// The person dev mode is to take the caller for.
    pub dev_user: Option<OpaqueId>,
    /// Whether the caller sits on this machine, as far as anybody said.
    pub local: bool,
}

/// A credential's text. Never prints.
#[derive(PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Text(..)")
    }
}

/// A request that carries the same header twice is refused: two readers of it would believe different ones.
fn single<'a>(presented: &'a RequestCredentials, name: &str) -> Result<Option<&'a str>> {
    debug_assert!(
        RequestCredentials::HEADERS.contains(&name),
        "`{name}` is missing from the list of headers that mean anything"
    );
    let mut values = presented.headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
    let first = values.next().map(|(_, value)| value.trim());
    if values.next().is_some() {
        return Err(Error::invalid("header_duplicate", format!("the header `{name}` is given twice")));
    }
    Ok(first)
}

/// A header that names a tenant. Public clients send the literal `default` when they were told nothing.
fn selector(presented: &RequestCredentials, name: &str) -> Result<Option<Id>> {
    match single(presented, name)? {
        None | Some("" | DEFAULT_PROJECT) => Ok(None),
        Some(value) => Id::parse(name, value).map(Some),
    }
}

/// The token after `Bearer`.
fn bearer(value: &str) -> Result<&str> {
    let wrong = || {
        Error::new(
            ErrorKind::Unauthenticated,
            "authorization_invalid",
            "the Authorization header is not `Bearer` and a token",
        )
    };
    let (scheme, rest) = value.split_once([' ', '\t']).ok_or_else(wrong)?;
    let token = rest.trim();
    let well_formed = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains([' ', '\t', ',']);
    if well_formed { Ok(token) } else { Err(wrong()) }
}

/// What else is pasted in front of a credential: other schemes, and names of headers.
const NO_TOKENS: [&str; 8] = ["basic", "digest", "dpop", "negotiate", "token", "apikey", "authorization", "x-api-key"];

/// A token or key on its own, or the whole value of a header as people paste it: `Bearer` and the token.
///
/// # Errors
/// `authorization_invalid` for the value of another scheme.
fn bare(text: &str) -> Result<&str> {
    let text = text.trim();
    let Some((scheme, _)) = text.split_once([' ', '\t']) else {
        return if text.eq_ignore_ascii_case("bearer") { Err(no_token(text)) } else { Ok(text) };
    };
    if scheme.eq_ignore_ascii_case("bearer") {
        return bearer(text);
    }
    let scheme = scheme.trim_end_matches(':');
    match NO_TOKENS.iter().any(|other| scheme.eq_ignore_ascii_case(other)) {
        true => Err(no_token(scheme)),
        false => Ok(text),
    }
}

fn no_token(begins: &str) -> Error {
    let message = format!("the credential begins with `{begins}`, which no token or key does");
    Error::new(ErrorKind::Unauthenticated, "authorization_invalid", message)
        .with_help("give the token or key alone, or `Bearer` and the token, or the headers as a mapping")
}

/// Streams may carry their token in the query, since a browser's EventSource cannot set headers; nothing else may, since
/// addresses end up in logs.
fn from_query(presented: &RequestCredentials) -> Result<Option<String>> {
    let Some((path, query)) = presented.target.split_once('?') else { return Ok(None) };
    let stream = ["/api/v1/stream/", "/v1/ws/", "/v1/events"].iter().any(|start| path.starts_with(start));
    if presented.method != "GET" || !stream {
        return Ok(None);
    }
    let pairs: Vec<_> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, value)| matches!(*name, "api_key" | "token") && !value.is_empty())
        .collect();
    match pairs.as_slice() {
        [] => Ok(None),
        [(_, value)] => Ok(Some(unescaped(value)?)),
        _ => Err(Error::invalid("credential_duplicate", "the query carries two credentials")),
    }
}

/// Undoes percent-encoding (RFC 3986).
fn unescaped(text: &str) -> Result<String> {
    let wrong = || Error::invalid("credential_malformed", "the credential in the query is not well encoded");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().ok_or_else(wrong)?, rest.next().ok_or_else(wrong)?];
                let decoded = data_encoding::HEXLOWER_PERMISSIVE.decode(&digits).map_err(|_| wrong())?;
                decoded.first().copied().ok_or_else(wrong)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

/// Whether an address, with or without a port, is this machine's own; dual-stack sockets write 127.0.0.1 as an IPv6 one.
fn is_this_machine(peer: &str) -> bool {
    let address = peer.parse::<IpAddr>().or_else(|_| peer.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Reads what was presented. Believes nothing.
pub fn read(presented: &RequestCredentials) -> Result<ParsedCredentials> {
    if presented.headers.len() > MAX_HEADERS {
        return Err(Error::invalid("headers_too_many", format!("more than {MAX_HEADERS} headers")));
    }
    let mut credentials = Vec::new();
    if let Some(token) = &presented.token {
        credentials.push(bare(token.text())?.to_owned());
    }
    if let Some(key) = single(presented, "x-api-key")? {
        credentials.push(bare(key)?.to_owned());
    }
    if let Some(value) = single(presented, "authorization")? {
        credentials.push(bearer(value)?.to_owned());
    }
    // A credential in a header hides one in the query, as the clients that send both expect.
    if credentials.is_empty() {
        credentials.extend(from_query(presented)?);
    }
    credentials.dedup();
    let credential = match (credentials.pop(), credentials.is_empty()) {
        (_, false) => return Err(Error::invalid("credential_duplicate", "two different credentials are given")),
        (Some(text), true) if text.is_empty() => {
            return Err(Error::new(ErrorKind::Unauthenticated, "credential_missing", "the credential is empty"));
        }
        (text, true) => text.map(Text),
    };
    let accounts = [selector(presented, "x-account-id")?, selector(presented, "x-tenant-id")?];
    let machine_tenant = selector(presented, "snc-tenant")?;
    let mut named = accounts.into_iter().flatten().chain(machine_tenant.clone());
    let account = named.next();
    if named.any(|other| Some(&other) != account.as_ref()) {
        return Err(Error::invalid("tenant_conflict", "the headers name different tenants"));
    }
    let person = |name: &str| OpaqueId::parse(name, single(presented, name)?);
    Ok(ParsedCredentials {
        credential,
        account,
        project: selector(presented, "x-project-id")?,
        machine_tenant,
        acting_for: person("snc-userid")?,
        dev_user: person("x-user-id")?,
        local: presented.peer.is_empty() || is_this_machine(&presented.peer),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(presented: &RequestCredentials) -> String {
        read(presented).err().map(|error| error.code().to_owned()).unwrap_or_default()
    }

    #[test]
    fn bearer_is_read_as_shannons_table_says() {
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("BEARER   abc  ", Some("abc")),
            ("Bearerabc", None),
            ("Bearer ", None),
            ("", None),
            ("Basic abc", None),
            ("Bearer a, Bearer b", None),
        ] {
            let asked = read(&RequestCredentials::headers([("Authorization", value)]));
            assert_eq!(asked.ok().and_then(|asked| asked.credential).map(|text| text.0).as_deref(), token, "{value}");
        }
    }

    #[test]
    fn a_query_carries_a_token_for_streams_only() {
        let ask = |method: &str, target: &str| {
            let presented =
                RequestCredentials { method: method.into(), target: target.into(), ..RequestCredentials::default() };
            read(&presented).unwrap().credential.map(|text| text.0)
        };
        assert_eq!(ask("GET", "/api/v1/stream/sse?token=a%2Db&x=1").as_deref(), Some("a-b"));
        assert_eq!(ask("GET", "/api/v1/tasks?token=a"), None);
        assert_eq!(ask("POST", "/api/v1/stream/sse?token=a"), None);
        assert_eq!(ask("GET", "/api/v1/streams?token=a"), None);
    }

    #[test]
    fn this_machine_has_many_spellings_and_nobody_else_has() {
        for peer in
            ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:9"]
        {
            assert!(is_this_machine(peer), "{peer}");
        }
        for peer in ["203.0.113.9", "::ffff:203.0.113.9", "localhost", "127.0.0.1.example", "unix:", "10.0.0.1:80"] {
            assert!(!is_this_machine(peer), "{peer}");
        }
    }

    #[test]
    fn whatever_is_said_twice_is_refused() {
        assert_eq!(code(&RequestCredentials::headers([("X-API-Key", "a"), ("x-api-key", "a")])), "header_duplicate");
        assert_eq!(
            code(&RequestCredentials::headers([("X-API-Key", "a"), ("authorization", "Bearer b")])),
            "credential_duplicate"
        );
        assert_eq!(code(&RequestCredentials::headers([("X-API-Key", "a"), ("authorization", "Bearer a")])), "");
        assert_eq!(
            code(&RequestCredentials::headers([("x-account-id", "a"), ("x-tenant-id", "b")])),
            "tenant_conflict"
        );
        assert_eq!(code(&RequestCredentials::headers([("x-account-id", "a, a")])), "scope_id_invalid");
    }
}
