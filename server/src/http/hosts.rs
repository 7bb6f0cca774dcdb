//! Whose requests a server for one machine answers. A page on the web can send requests to a port of this machine, and can
//! have its own name point here (DNS rebinding); a browser says which page asks (`Origin`) and by which name (`Host`).

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, Request, Uri, Version, header, uri::Authority},
};
use tenantry::{Error, ErrorKind, Result};

/// What this machine is called by its own programs.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// Refuses a request over HTTP/1 that does not name its host once (RFC 9112, section 3.2): two readers of it would take it for
/// two hosts. HTTP/1.0 needs none.
///
/// # Errors
/// `host_invalid`.
pub fn check_named(request: &Request<Body>) -> Result<()> {
    let wrong = |message: &str| {
        Err(Error::invalid("host_invalid", message).with_help("send one `Host` with the address of this server"))
    };
    let mut given = request.headers().get_all(header::HOST).iter();
    match (given.next(), given.next()) {
        (Some(_), Some(_)) => wrong("the request has more than one header `Host`"),
        (None, _) if request.version() == Version::HTTP_11 => wrong("the request has no header `Host`"),
        (Some(host), None) if !host.is_empty() => match host.to_str().map(str::parse::<Authority>) {
            Ok(Ok(read)) if !read.as_str().contains('@') && has_good_port(&read) => Ok(()),
            _ => wrong("the header `Host` is no name of a host"),
        },
        _ => Ok(()),
    }
}

/// A port that is a number, an empty one (RFC 3986, section 3.2.3), or none.
fn has_good_port(named: &Authority) -> bool {
    let rest = named.as_str().strip_prefix(named.host()).unwrap_or_default();
    matches!(rest, "" | ":") || named.port_u16().is_some()
}

/// The names a server answers to.
#[derive(Clone, Debug)]
pub struct Hosts {
    port: u16,
    /// Names beside those of this machine, in lower case; with no port any is meant.
    allowed: Vec<(String, Option<u16>)>,
}

impl Hosts {
    /// This machine at `port`, and `allowed` names: `NAME` or `NAME:PORT`.
    ///
    /// # Errors
    /// `host_invalid` for what is no name of a host.
    pub fn new(port: u16, allowed: &[String]) -> Result<Self> {
        let read = |name: &String| {
            let wrong = || {
                Error::invalid("host_invalid", "--allow-host is given something else than a host's name")
                    .with_help("write NAME or NAME:PORT, e.g. guard.test or guard.test:8787")
            };
            let named = authority(name).ok_or_else(wrong)?;
            Ok((named.host().to_ascii_lowercase(), named.port_u16()))
        };
        Ok(Self { port, allowed: allowed.iter().map(read).collect::<Result<_>>()? })
    }

    /// Refuses a request that a page of somebody else has sent, or that came here by somebody else's name.
    ///
    /// # Errors
    /// `host_not_allowed`, `origin_not_allowed`.
    pub fn check(&self, request: &Request<Body>) -> Result<()> {
        let refused = |code, message: &str| {
            Err(Error::new(ErrorKind::PermissionDenied, code, message)
                .with_help("use the address the server printed, or start it with --allow-host"))
        };
        let (headers, uri) = (request.headers(), request.uri());
        // An address in the request line says the host, too (RFC 9112, section 3.2.2).
        let in_line = uri.authority().is_none_or(|authority| self.is_own(authority, HTTP_PORT));
        let given = headers.contains_key(header::HOST) || uri.authority().is_some();
        if !given
            || !in_line
            || !all(headers, &header::HOST, |host| authority(host).is_some_and(|host| self.is_own(&host, HTTP_PORT)))
        {
            return refused("host_not_allowed", "the request is for another host than this one");
        }
        if !all(headers, &header::ORIGIN, |origin| self.is_own_origin(origin)) {
            return refused("origin_not_allowed", "a page of another origin has sent the request");
        }
        Ok(())
    }

    fn is_own(&self, named: &Authority, default_port: u16) -> bool {
        let (name, port) = (named.host().to_ascii_lowercase(), named.port_u16().unwrap_or(default_port));
        let local = LOCAL.contains(&name.as_str()) && port == self.port;
        local || self.allowed.iter().any(|(own, at)| *own == name && at.is_none_or(|at| at == port))
    }

    /// A page that this server itself could have served; one under an allowed name may have come through a proxy with TLS.
    fn is_own_origin(&self, origin: &str) -> bool {
        let Ok(address) = origin.parse::<Uri>() else { return false };
        let (Some(scheme), Some(named)) = (address.scheme_str(), address.authority()) else { return false };
        let default_port = match scheme {
            "http" => HTTP_PORT,
            "https" if !LOCAL.contains(&named.host()) => HTTPS_PORT,
            _ => return false,
        };
        named.as_str() == origin.get(scheme.len() + "://".len()..).unwrap_or_default()
            && authority(named.as_str()).is_some_and(|named| self.is_own(&named, default_port))
    }
}

/// Whether every value of a header is text that passes.
fn all(headers: &HeaderMap, name: &HeaderName, passes: impl Fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(&passes))
}

/// A host's name and perhaps its port, and nothing else: no user, no empty or unreadable port.
fn authority(text: &str) -> Option<Authority> {
    let read = text.parse::<Authority>().ok()?;
    let port = read.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    let host = read.host();
    let letters =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let named = !host.is_empty() && (host.starts_with('[') || letters(host));
    (named && format!("{host}{port}") == text).then_some(read)
}
