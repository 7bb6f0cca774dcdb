//! The HTTP clients below `net`. Owns TLS, the resolver and the sockets of this process; touches `error`, `runtime`.

use std::{error::Error as StdError, fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Client, Url,
    dns::{Name, Resolve, Resolving},
    header::{ACCEPT_ENCODING, HeaderMap, HeaderValue},
    redirect, retry,
};
use rustls::{CertificateError, ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

use super::{address, not_allowed};
use crate::{
    error::{Error, ErrorKind, Result},
    runtime::{self, PerProcess},
};

/// How far one request may reach, and by what scheme.
#[derive(Clone, Copy)]
pub(super) enum Reach {
    /// Public addresses over TLS.
    Public,
    /// Any address over TLS.
    Private,
    /// Any address in clear. Its client trusts no certificate, so it also works where none are installed.
    PrivateClear,
}

/// One client for each reach, made when first needed. A child of a fork makes its own: sockets are never shared.
#[derive(Default)]
pub(super) struct Clients {
    public: PerProcess<Client>,
    private: PerProcess<Client>,
    private_clear: PerProcess<Client>,
}

impl Clients {
    /// Gets `url`, which was checked to be within `reach`.
    pub(super) async fn get(self: Arc<Self>, reach: Reach, url: Url, max_bytes: usize) -> Result<Vec<u8>> {
        let origin = url.origin().ascii_serialization();
        let client = self.client(reach).await?;
        let mut response = client.get(url).send().await.map_err(|error| failed(&origin, error))?;
        let status = response.status().as_u16();
        if status != 200 {
            let also = if (300..400).contains(&status) { "; redirects are not followed" } else { "" };
            return Err(not_read(&origin, &format!("it answered with status {status}{also}")));
        }
        let too_large = || {
            let why = format!("it answered with more than {max_bytes} bytes");
            let message = format!("{origin} could not be read: {why}");
            Error::unavailable("response_too_large", message).with_source(Why(why))
        };
        // What is announced is refused before it is read, what is not as soon as it is too much.
        if response
            .content_length()
            .is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > max_bytes))
        {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&origin, error))? {
            if chunk.len() > max_bytes.saturating_sub(body.len()) {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn client(self: Arc<Self>, reach: Reach) -> Result<Client> {
        if let Some(made) = self.slot(reach).get() {
            return Ok(made.1.clone());
        }
        // Reading the machine's certificates is disk work.
        runtime::blocking(move || Ok(self.slot(reach).get_or_try_init(|| make(reach))?.1.clone())).await
    }

    fn slot(&self, reach: Reach) -> &PerProcess<Client> {
        match reach {
            Reach::Public => &self.public,
            Reach::Private => &self.private,
            Reach::PrivateClear => &self.private_clear,
        }
    }
}

fn make(reach: Reach) -> Result<Client> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls(reach)?)
        .dns_resolver(Resolver { private_network: !matches!(reach, Reach::Public) })
        // The environment must not be able to redirect what is trusted, and neither must an answer.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
        .https_only(!matches!(reach, Reach::PrivateClear))
        .user_agent(concat!("tenantry/", env!("CARGO_PKG_VERSION")))
        .default_headers(HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]))
        // Requests to one host are minutes apart. Without idle connections every request resolves and is checked anew.
        .pool_max_idle_per_host(0)
        .pool_idle_timeout(Duration::ZERO);
    builder.build().map_err(|error| fetch_failed("the HTTP client could not be made").with_source(error.without_url()))
}

fn tls(reach: Reach) -> Result<ClientConfig> {
    let broken = |error: rustls::Error| {
        fetch_failed("TLS could not be set up")
            .with_help("install the certificates of the system, e.g. the package `ca-certificates`")
            .with_source(error)
    };
    // Named here and never installed as the default of the process, which belongs to the application.
    let provider = Arc::new(ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(broken)?;
    Ok(match reach {
        Reach::Public | Reach::Private => versions.with_platform_verifier().map_err(broken)?.with_no_client_auth(),
        Reach::PrivateClear => versions.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    })
}

/// Looks names up by the system and hands out either all addresses of a name or none. What it hands out is what is
/// connected to: there is no second look-up in between that could answer otherwise.
struct Resolver {
    private_network: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private_network = self.private_network;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| NameUnknown)?;
            let found: Vec<SocketAddr> = found.collect();
            if !private_network && !admits(&found) {
                return Err(Refused.into());
            }
            Ok(Box::new(found.into_iter()) as _)
        })
    }
}

/// Whether every address is public. One that is not means the name cannot be trusted with the others either.
pub(super) fn admits(found: &[SocketAddr]) -> bool {
    found.iter().all(|found| address::is_global(found.ip()))
}

/// How the resolver says no through the layers above it.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address is not public")
    }
}

impl StdError for Refused {}

/// How the resolver says that a name has no address.
#[derive(Debug)]
struct NameUnknown;

impl fmt::Display for NameUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name could not be resolved")
    }
}

impl StdError for NameUnknown {}

/// Why nothing was fetched, in words without the address.
#[derive(Debug)]
pub(super) struct Why(pub(super) String);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Why {}

fn failed(origin: &str, error: reqwest::Error) -> Error {
    // Paths and queries may hold secrets and stay out.
    let error = error.without_url();
    let mut why = match (error.is_connect(), error.is_body() || error.is_decode()) {
        (true, _) => "no connection came about",
        (false, true) => "its answer broke off",
        (false, false) => "its answer broke off, or is not HTTP",
    };
    let mut detail = String::new();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(this) = cause {
        if this.is::<Refused>() {
            return not_allowed(origin);
        }
        if this.is::<NameUnknown>() {
            why = "its host's name could not be resolved (DNS)";
        } else if let Some(tls) = this.downcast_ref::<rustls::Error>() {
            (why, detail) = (of_tls(tls), format!(" ({tls})"));
        } else if let Some(io) = this.downcast_ref::<io::Error>() {
            why = of_io(io).unwrap_or(why);
            // `source` would pass over what it holds.
            if let Some(inner) = io.get_ref() {
                cause = Some(inner);
                continue;
            }
        }
        cause = this.source();
    }
    let message = format!("{origin} could not be read: {why}{detail}");
    fetch_failed(message).with_source(Why(why.into()))
}

fn of_io(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection was refused",
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => "the connection broke off",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "its host cannot be reached",
        io::ErrorKind::TimedOut => "the connection timed out",
        _ => return None,
    })
}

fn of_tls(error: &rustls::Error) -> &'static str {
    use CertificateError::{Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer};
    match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "its TLS certificate is of nobody this machine trusts; install its CA, or name it in SSL_CERT_FILE"
        }
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => "its TLS certificate has expired",
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "its TLS certificate is for another name"
        }
        rustls::Error::InvalidCertificate(_) => "its TLS certificate is not valid",
        rustls::Error::InvalidMessage(_) => "what answers there does not speak TLS",
        _ => "TLS could not be agreed on",
    }
}

fn not_read(origin: &str, why: &str) -> Error {
    fetch_failed(format!("{origin} could not be read: {why}")).with_source(Why(why.to_owned()))
}

fn fetch_failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, "fetch_failed", message)
}
