//! Core errors as Python exceptions. Owns that mapping and nothing else; the classes live in `tenantry/errors.py`.

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyModule},
};
use tenantry::error::Error;

use crate::types::GuardResponse;

/// What a method of this binding may fail with: the core's error, or whatever Python code it touched raised.
pub enum Failure {
    Core(Error),
    Python(PyErr),
}

/// Shorthand used by every fallible method of this crate.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Core(error) => Python::attach(|py| to_python(py, &error)),
            Failure::Python(error) => error,
        }
    }
}

/// The exception for `error`: the class is named as the error's kind.
pub fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    let exception = || {
        let details = PyDict::new(py);
        details.set_item("code", error.code())?;
        details.set_item("help", error.help())?;
        details.set_item("retry_after", error.retry_after().map(|after| after.as_secs_f64()))?;
        if let Some(location) = error.location() {
            details.set_item("policy", &location.policy)?;
            details.set_item("line", location.line)?;
            details.set_item("column", location.column)?;
        }
        classes(py)?.getattr(error.kind().name())?.call((error.message(),), Some(&details))
    };
    exception().map_or_else(|failure: PyErr| failure, PyErr::from_value)
}

/// The exception for a response that may not proceed.
pub fn blocked(response: &Bound<'_, GuardResponse>) -> PyErr {
    let exception = || classes(response.py())?.getattr("BlockedError")?.call1((response,));
    exception().map_or_else(|failure: PyErr| failure, PyErr::from_value)
}

/// Imported at the first error and not at import: `tenantry/errors.py` is itself part of the package being imported.
fn classes(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    Ok(CLASSES.get_or_try_init(py, || py.import("tenantry.errors").map(Bound::unbind))?.bind(py))
}
