//! What callers present.

use pyo3::{
    inspect::PyStaticExpr,
    prelude::*,
    type_hint_identifier, type_hint_subscript, type_hint_union,
    types::{PyBytes, PyList, PyString, PyTuple},
};
use tenantry::{api, config::Credential, error::Error};

use super::json::Text;
use crate::errors::{Failure, Result};

/// What a caller presents: a token or key as text or bytes, or headers in any shape Python's frameworks have them. A header that
/// stands twice stays twice.
pub enum RequestCredentials {
    Token(Text),
    Headers(Vec<(String, String)>),
}

/// The core refuses fewer; this only ends what is endless.
const MOST_HEADERS: usize = 10_000;

impl FromPyObject<'_, '_> for RequestCredentials {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(
        type_hint_identifier!("builtins", "str"),
        type_hint_identifier!("builtins", "bytes"),
        type_hint_subscript!(
            type_hint_identifier!("collections.abc", "Mapping"),
            type_hint_identifier!("typing", "Any"),
            type_hint_identifier!("typing", "Any")
        ),
        type_hint_subscript!(
            type_hint_identifier!("collections.abc", "Iterable"),
            type_hint_subscript!(
                type_hint_identifier!("builtins", "tuple"),
                type_hint_identifier!("typing", "Any"),
                type_hint_identifier!("typing", "Any")
            )
        )
    );

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return Text::extract(object).map(Self::Token);
        }
        if object.is_instance_of::<PyBytes>() {
            return Ok(Self::Token(Text(line(&object.to_owned())?)));
        }
        let object = object.to_owned();
        // `items` of a framework's headers has every line; what a mapping iterates over is its names.
        let pairs = if object.hasattr("items")? { object.call_method0("items")? } else { object };
        let Ok(pairs) = pairs.try_iter() else { return Err(shapeless(&pairs).into()) };
        let mut headers = Vec::new();
        for pair in pairs {
            let pair = pair?;
            let Some((name, value)) = two(&pair) else { return Err(shapeless(&pair).into()) };
            let name = line(&name)?;
            if let Ok(values) = value.cast::<PyList>() {
                for value in values {
                    headers.push((name.clone(), line(&value)?));
                }
            } else if let Ok(values) = value.cast::<PyTuple>() {
                for value in values {
                    headers.push((name.clone(), line(&value)?));
                }
            } else {
                headers.push((name, line(&value)?));
            }
            if headers.len() > MOST_HEADERS {
                break;
            }
        }
        Ok(Self::Headers(headers))
    }
}

impl RequestCredentials {
    pub fn read(self, method: &str, target: &str, peer: &str) -> api::RequestCredentials {
        let presented = api::RequestCredentials {
            method: method.into(),
            target: target.into(),
            peer: peer.into(),
            ..Default::default()
        };
        match self {
            Self::Token(token) => api::RequestCredentials { token: Some(Credential::new(token.0)), ..presented },
            Self::Headers(headers) => api::RequestCredentials { headers, ..presented },
        }
    }
}

fn two<'py>(pair: &Bound<'py, PyAny>) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    // Text of two characters is a sequence of two as well, and no header.
    let is_pair = pair.is_instance_of::<PyTuple>() || pair.is_instance_of::<PyList>();
    if is_pair {
        pair.extract().or_else(|_| pair.extract::<[Bound<'py, PyAny>; 2]>().map(|[a, b]| (a, b))).ok()
    } else {
        None
    }
}

/// A name or a value. Bytes are latin-1, as HTTP and ASGI have it.
fn line(text: &Bound<'_, PyAny>) -> Result<String> {
    if let Ok(bytes) = text.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().iter().copied().map(char::from).collect());
    }
    if text.is_instance_of::<PyString>() {
        return Ok(text.extract::<Text>()?.0);
    }
    Err(shapeless(text))
}

fn shapeless(object: &Bound<'_, PyAny>) -> Failure {
    // The type alone: what it holds may be a credential.
    let name = object.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    Error::invalid("request_invalid", format!("a `{name}` is neither a credential nor a header"))
        .with_help(
            "give a token as str or bytes, or headers as a mapping or as pairs of name and value, each str or bytes",
        )
        .into()
}
