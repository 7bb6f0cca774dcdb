//! Operations of the table: one crossing with plain data on both sides, and the Python classes that are written from the table and
//! call it (`core/gen`). Owns no name and no shape of what is done.

use pyo3::{exceptions::PyImportError, inspect::PyStaticExpr, prelude::*, sync::PyOnceLock, type_hint_identifier};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tenantry::{
    api,
    clock::BoxFuture,
    error::{Error, Result as CoreResult},
    operations::{self, Row},
};

use crate::{
    errors::Result,
    runtime::{Awaits, Work},
    types::{Fields, Json, Text, fields_of},
};

/// An operation's row, what its levels are named, and what is given. Python has the operation's name from the table.
pub struct Asked {
    pub row: &'static Row,
    pub levels: Vec<String>,
    pub given: Value,
}

impl Asked {
    pub fn read(operation: &str, levels: Vec<Bound<'_, PyAny>>, given: Fields) -> Result<Self> {
        let row = operations::row(operation).ok_or_else(|| Error::internal("the table has no such operation"))?;
        let text = |(level, named): (&&str, Bound<'_, PyAny>)| match named.extract::<Text>() {
            Ok(named) => Ok(named.0),
            Err(_) => Err(Error::invalid("request_invalid", format!("the name of the {level} is no text")).into()),
        };
        let levels = row.levels.iter().zip(levels).map(text).collect::<Result<_>>()?;
        Ok(Self { row, levels, given: Value::Object(given.0) })
    }
}

/// The answer of an operation, and what Python makes of it.
pub struct Answered {
    value: Value,
    read: Py<PyAny>,
}

impl<'py> IntoPyObject<'py> for Answered {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = type_hint_identifier!("typing", "Any");

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        self.read.into_bound(py).call1((Json(self.value),))
    }
}

/// A coroutine that ends with what `read` makes of the answer. `name` is what Python calls the method.
pub fn awaits(name: String, work: BoxFuture<'static, CoreResult<Value>>, read: Py<PyAny>) -> Awaits<Answered> {
    Awaits::new(name, Work::new(async move { Ok(Answered { value: work.await?, read }) }))
}

/// Classes of the Python package that are written from the table. They are imported at first touch.
macro_rules! written_in_python {
    ($($name:ident in $module:literal),+ $(,)?) => { $(
        pub struct $name(Py<PyAny>);

        impl $name {
            fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
                static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                let import = || {
                    let module = py.import(concat!("tenantry._operations.", $module))?;
                    module.getattr(stringify!($name)).map(Bound::unbind)
                };
                Ok(CLASS.get_or_try_init(py, import)?.bind(py))
            }
        }

        impl<'py> IntoPyObject<'py> for $name {
            type Target = PyAny;
            type Output = Bound<'py, PyAny>;
            type Error = PyErr;

            const OUTPUT_TYPE: PyStaticExpr =
                type_hint_identifier!(concat!("tenantry._operations.", $module), stringify!($name));

            fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
                Ok(self.0.into_bound(py))
            }
        }
    )+ };
}
written_in_python! {
    Admin in "admin",
    Audit in "audit",
    Guard in "guard",
    Identities in "identity",
    Identity in "identity",
    Limits in "limits",
    Policies in "policies",
    TenantSettings in "settings",
    Usage in "usage",
}

/// Makes handles that call through a client or a tenant.
macro_rules! handles {
    ($($name:ident),+ $(,)?) => { $(
        impl $name {
            pub fn of(native: &Bound<'_, PyAny>) -> PyResult<Self> {
                Self::class(native.py())?.call1((native,)).map(|handle| Self(handle.unbind()))
            }
        }
    )+ };
}
handles!(Admin, Audit, Guard, Identities, Limits, Policies, TenantSettings, Usage);

impl Identity {
    /// The record of who somebody is.
    pub fn read(py: Python<'_>, identity: &api::Identity) -> Result<Self> {
        Ok(Self(Self::class(py)?.call_method1("_read", (fields_of(identity)?,))?.unbind()))
    }
}

/// Refuses a package that was written from another table than this library has.
#[pyfunction]
pub fn _check_table(hash: &str) -> PyResult<()> {
    if hash == operations::HASH {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "the Python files of tenantry and its compiled library are of different versions; install the package anew, or, in a \
         checkout, run `make generate` and build the library",
    ))
}

/// A record that apps make, with the core's defaults for what they leave out.
#[pyfunction]
pub fn _completed(kind: &str, given: Fields) -> Result<Fields> {
    match kind {
        "AutoProvision" => completed::<api::AutoProvision>(given),
        "IdentitySettings" => completed::<api::IdentitySettings>(given),
        _ => Err(Error::internal("the core completes no such record").into()),
    }
}

fn completed<T: DeserializeOwned + Serialize>(given: Fields) -> Result<Fields> {
    fields_of(&api::from_value::<T>(Value::Object(given.0))?)
}

/// A time span: seconds, or text such as `minute` or `15m`.
#[derive(FromPyObject)]
pub enum Period {
    Text(Text),
    Seconds(f64),
}

/// A time span in milliseconds.
#[pyfunction]
pub fn _period(period: Period) -> Result<u64> {
    match period {
        Period::Text(text) => Ok(api::parse_period(&text.0)?),
        Period::Seconds(seconds) => Ok(api::period_of_seconds(seconds)?),
    }
}
