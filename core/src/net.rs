//! The only way out of this process. Owns what may be fetched from where; touches `error` and `runtime`.
//!
//! Addresses come from customers (an issuer's key set), so every request is treated as an attempt to reach the inside:
//! the scheme, the literal address and every resolved address are checked, and nothing an answer says is followed.

mod address;
mod client;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc, time::Duration};

use reqwest::Url;
use tokio::task::JoinHandle;

use crate::{
    error::{Error, ErrorKind, Result},
    runtime,
};
use client::{Clients, Reach, Why};

/// Longer addresses are nobody's key set.
const MAX_URL_BYTES: usize = 2_048;

/// One GET, with everything that bounds it.
#[derive(Clone, Copy, Debug)]
pub struct Fetch<'a> {
    /// What to get.
    pub url: &'a str,
    /// Whether addresses that are not public, and plain `http`, are allowed.
    pub private_network: bool,
    /// The longest body accepted.
    pub max_bytes: usize,
    /// How long everything together may take: looking up, connecting, reading.
    pub deadline: Duration,
}

/// Fetches. Cheap to make and to clone: sockets and certificates come with the first request of a process.
#[derive(Clone, Default)]
pub struct Net(Arc<Clients>);

impl Net {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The body of a 200 answer. May be awaited on any thread; dropping the future drops the request.
    pub async fn get(&self, fetch: &Fetch<'_>) -> Result<Vec<u8>> {
        let (reach, url) = admit(fetch.url, fetch.private_network)?;
        let (max_bytes, deadline) = (fetch.max_bytes, fetch.deadline);
        let origin = url.origin().ascii_serialization();
        let request = Arc::clone(&self.0).get(reach, url, max_bytes);
        // The request needs the runtime's sockets and timers, the caller may be on a thread that has neither.
        let task = runtime::handle()?.spawn(async move {
            let timed = tokio::time::timeout(deadline, request).await;
            timed.unwrap_or_else(|_| {
                let why = format!("no answer within {} ms", deadline.as_millis());
                let message = format!("{origin} could not be read: {why}");
                Err(Error::new(ErrorKind::Timeout, "deadline_exceeded", message).with_source(Why(why)))
            })
        });
        let mut task = Dropped(task);
        (&mut task.0).await.unwrap_or_else(|_| Err(Error::internal("a request ended unexpectedly")))
    }
}

/// Whether `url` may be asked for at all; resolved addresses are checked again at every request. For input checks.
pub fn check_url(url: &str, private_network: bool) -> Result<()> {
    admit(url, private_network).map(|_| ())
}

/// Why nothing was fetched, without the address it was to come from. None where the error is about something else.
#[must_use]
pub fn why(error: &Error) -> Option<&str> {
    std::error::Error::source(error)?.downcast_ref::<Why>().map(|why| why.0.as_str())
}

/// Ends its request when nobody waits for it any more.
struct Dropped(JoinHandle<Result<Vec<u8>>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn admit(text: &str, private_network: bool) -> Result<(Reach, Url)> {
    if text.len() > MAX_URL_BYTES {
        return Err(url_invalid("the URL is too long"));
    }
    // The parser repairs these silently; two readers of the same text would see two hosts.
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(url_invalid("the URL holds spaces, control characters or backslashes"));
    }
    let url = Url::parse(text).map_err(|error| url_invalid(format!("the URL cannot be read: {error}")))?;
    let reach = match (url.scheme(), private_network) {
        ("https", false) => Reach::Public,
        ("https", true) => Reach::Private,
        ("http", true) => Reach::PrivateClear,
        ("http", false) => return Err(url_invalid("the URL must begin with https://")),
        _ => return Err(url_invalid("only https:// can be fetched")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(url_invalid("the URL must not hold a user name or password"));
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| url_invalid("the URL names no host"))?;
    if url.port() == Some(0) {
        return Err(url_invalid("the URL names port 0"));
    }
    // Literals never pass the resolver. By here every odd spelling of an address is the usual one.
    let literal: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    if !private_network && literal.is_some_and(|literal| !address::is_global(literal)) {
        return Err(not_allowed(&url.origin().ascii_serialization()));
    }
    Ok((reach, url))
}

fn url_invalid(message: impl Into<String>) -> Error {
    Error::invalid("url_invalid", message)
}

/// Which address it was is left out: the answer must not map the inside for whoever asks.
fn not_allowed(origin: &str) -> Error {
    let why = "its address is not on the public internet; hosts of your own network need `private_network`";
    let message = format!("{origin} is not on the public internet");
    Error::new(ErrorKind::PermissionDenied, "address_not_allowed", message)
        .with_help("hosts of your own network need `private_network`")
        .with_source(Why(why.into()))
}
