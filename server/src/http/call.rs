//! One request: its parts, its body, and who asks, once that is known.

use axum::http::{HeaderMap, Method, Uri};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tenantry::{
    Error, Result, Tenant, Tenantry,
    api::{EVENT_LOOP_BYTES, RequestCredentials, from_json, from_value},
};

use crate::fair::Permit;

/// Headers that choose a tenant; a path that names one takes their place.
const SELECTORS: [&str; 4] = ["x-account-id", "x-project-id", "x-tenant-id", "snc-tenant"];

/// Who asks.
pub enum Asking {
    /// Nobody in particular, or who it is stands in the body.
    Anybody,
    /// A caller in the one project it acts in.
    Tenant(Tenant),
    /// A caller, wherever it reaches.
    Caller(Tenantry),
}

/// One request.
pub struct Call {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// What stands in the path, by name.
    pub path: Vec<(String, String)>,
    /// The body, whole.
    pub body: Bytes,
    /// Who is at the other end.
    pub peer: String,
    /// Its id here.
    pub request_id: String,
    /// Who asks, as far as the route has to know.
    pub asking: Asking,
    /// Its leave to work; given back with the call, or by whoever takes it on.
    pub turn: Option<Permit>,
}

impl Call {
    /// The project of whoever asks, on a route for tenants.
    ///
    /// # Errors
    /// `internal` on any other route.
    pub fn tenant(&self) -> Result<&Tenant> {
        match &self.asking {
            Asking::Tenant(tenant) => Ok(tenant),
            _ => Err(Error::internal("the route is not for tenants")),
        }
    }

    /// The engine as whoever asks, on a route whose path says what it is about.
    ///
    /// # Errors
    /// `internal` on any other route.
    pub fn caller(&self) -> Result<&Tenantry> {
        match &self.asking {
            Asking::Caller(caller) => Ok(caller),
            _ => Err(Error::internal("the route does not name what it is about")),
        }
    }

    /// The project the path names, as whoever asks.
    ///
    /// # Errors
    /// As `Tenantry::tenant`: what lies outside the caller's authority and what does not exist there read the same.
    pub async fn tenant_by_path(&self) -> Result<Tenant> {
        self.caller()?.tenant(self.named("account"), self.named("project")).await
    }

    /// Whether its body is too long to be inspected on an event loop's thread.
    #[must_use]
    pub fn is_heavy(&self) -> bool {
        self.body.len() > EVENT_LOOP_BYTES
    }

    /// What stands in the path under a name.
    #[must_use]
    pub fn named(&self, name: &str) -> &str {
        self.path.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query, decoded.
    ///
    /// # Errors
    /// `query_duplicate` when it stands twice.
    pub fn query(&self, name: &str) -> Result<Option<String>> {
        let query = self.uri.query().unwrap_or_default().as_bytes();
        let mut found = form_urlencoded::parse(query).filter(|(own, _)| own == name);
        let first = found.next().map(|(_, value)| value.into_owned());
        if found.next().is_some() {
            return Err(Error::invalid("query_duplicate", format!("`{name}` stands in the query twice")));
        }
        Ok(first)
    }

    /// A whole number of the query.
    ///
    /// # Errors
    /// `query_invalid` when it is none.
    pub fn number(&self, name: &str) -> Result<Option<u64>> {
        let parsed = |text: String| {
            let wrong = || Error::invalid("query_invalid", format!("`{name}` is not a whole number"));
            text.parse().map_err(|_| wrong())
        };
        self.query(name)?.map(parsed).transpose()
    }

    /// A header that may stand once.
    ///
    /// # Errors
    /// `header_duplicate`, `header_invalid`.
    pub fn header(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.headers.get_all(name).iter();
        let Some(first) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Error::invalid("header_duplicate", format!("the header `{name}` is given twice")));
        }
        let wrong = |_| Error::invalid("header_invalid", format!("the header `{name}` is not ASCII text"));
        first.to_str().map(Some).map_err(wrong)
    }

    /// The body as text.
    ///
    /// # Errors
    /// `request_invalid` when it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body).map_err(|_| Error::invalid("request_invalid", "the body is not UTF-8"))
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `request_invalid`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        from_json(self.text()?)
    }

    /// The body as JSON, or as a form where the client says so. A field that stands twice in a form is refused.
    ///
    /// # Errors
    /// `request_invalid`.
    pub fn json_or_form<T: DeserializeOwned>(&self) -> Result<T> {
        let media = self.header("content-type")?.unwrap_or_default();
        if !media.trim().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return self.json();
        }
        let mut fields = serde_json::Map::new();
        for (name, value) in form_urlencoded::parse(&self.body) {
            if fields.insert(name.into_owned(), value.into_owned().into()).is_some() {
                return Err(Error::invalid("request_invalid", "a field of the form is given twice"));
            }
        }
        from_value(fields.into())
    }

    /// What the request presents, for the one door that reads it.
    ///
    /// # Errors
    /// `header_invalid` for a header that is not text: what cannot be read cannot be refused twice either.
    pub fn presented(&self) -> Result<RequestCredentials> {
        let mut headers = Vec::new();
        for (name, value) in
            self.headers.iter().filter(|(name, _)| RequestCredentials::HEADERS.contains(&name.as_str()))
        {
            let wrong = |_| Error::invalid("header_invalid", format!("the header `{name}` is not ASCII text"));
            headers.push((name.as_str().to_owned(), value.to_str().map_err(wrong)?.to_owned()));
        }
        Ok(RequestCredentials {
            headers,
            method: self.method.as_str().to_owned(),
            target: self.uri.path_and_query().map(|target| target.as_str().to_owned()).unwrap_or_default(),
            peer: self.peer.clone(),
            ..RequestCredentials::default()
        })
    }

    /// As [`Call::presented`], without the headers that choose a tenant: the path does.
    ///
    /// # Errors
    /// As [`Call::presented`].
    pub fn presented_by_path(&self) -> Result<RequestCredentials> {
        for name in SELECTORS {
            self.header(name)?;
        }
        let mut presented = self.presented()?;
        presented.headers.retain(|(name, _)| !SELECTORS.contains(&name.as_str()));
        Ok(presented)
    }
}
