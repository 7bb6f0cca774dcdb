//! One request, read and not yet believed: its parts, its body, and what it presents.

use axum::http::{HeaderMap, Method, Uri};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tenantry::{
    Error, Result,
    api::{Presented, from_json},
};

/// Headers that choose a tenant; a path that names one takes their place.
const SELECTORS: [&str; 4] = ["x-account-id", "x-project-id", "x-tenant-id", "snc-tenant"];

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
}

impl Call {
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
        let wrong = |_| Error::invalid("request_invalid", "a field of the form is missing or of the wrong type");
        serde_json::from_value(fields.into()).map_err(wrong)
    }

    /// What the request presents, for the one door that reads it.
    ///
    /// # Errors
    /// `header_invalid` for a header that is not text: what cannot be read cannot be refused twice either.
    pub fn presented(&self) -> Result<Presented> {
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let Ok(value) = value.to_str() else {
                if matters(name.as_str()) {
                    return Err(Error::invalid("header_invalid", format!("the header `{name}` is not ASCII text")));
                }
                continue;
            };
            headers.push((name.as_str().to_owned(), value.to_owned()));
        }
        Ok(Presented {
            headers,
            method: self.method.as_str().to_owned(),
            target: self.uri.path_and_query().map(|target| target.as_str().to_owned()).unwrap_or_default(),
            peer: self.peer.clone(),
            ..Presented::default()
        })
    }

    /// As [`Call::presented`], without the headers that choose a tenant: the path does.
    ///
    /// # Errors
    /// As [`Call::presented`].
    pub fn presented_by_path(&self) -> Result<Presented> {
        for name in SELECTORS {
            self.header(name)?;
        }
        let mut presented = self.presented()?;
        presented.headers.retain(|(name, _)| !SELECTORS.contains(&name.as_str()));
        Ok(presented)
    }
}

fn matters(name: &str) -> bool {
    SELECTORS.contains(&name) || matches!(name, "authorization" | "x-api-key" | "snc-userid" | "x-user-id")
}
