//! What apps hold: [`Tenantry`] and [`Tenant`], in the order of the core's `client`. Each method converts its arguments,
//! makes one core future, and has an async twin that awaits the same future.

use std::{collections::BTreeMap, ffi::CString, path::PathBuf, time::Duration};

use pyo3::{exceptions::PyUserWarning, prelude::*};
use serde_json::Value;
use tenantry::{
    client as core,
    clock::BoxFuture,
    config::{Credential, Options, Storage, untold_variables},
    error::{Error, Result as CoreResult},
    runtime,
};

use crate::{
    errors::Result,
    operations::{self as written, Answered, Asked},
    runtime::{Awaits, Nothing, Work, wait},
    types::{Fields, Json, Principal, RequestCredentials, Text, owned, texts, whole},
};

/// Methods of a class: those of `also`, and pairs of a waiting and an awaiting one made from one body.
macro_rules! twins {
    (impl $class:ident {
        $(also { $($also:tt)* })?
        $(
            $(#[doc = $doc:literal])+
            #[arguments($($signature:tt)*)]
            fn $name:ident / $twin:ident(&$this:ident $(, $argument:ident: $type:ty)* $(,)?) -> $result:ty $body:block
        )*
    }) => {
        #[pymethods]
        #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
        impl $class {
            $($($also)*)?
            $(
                $(#[doc = $doc])+
                #[pyo3(signature = ($($signature)*))]
                fn $name(&$this, py: Python<'_> $(, $argument: $type)*) -> Result<$result> {
                    let work = $body;
                    wait(py, work)
                }

                #[doc = concat!("As `", stringify!($name), "`, awaited.")]
                #[pyo3(signature = ($($signature)*))]
                fn $twin(&$this $(, $argument: $type)*) -> Result<Awaits<$result>> {
                    let work = $body;
                    Ok(Awaits::new(concat!(stringify!($class), ".", stringify!($twin)), work))
                }
            )*
        }
    };
}

mod guard;
mod limits;

pub use guard::Guard;
pub use limits::Limits;

/// One engine, many tenants. Share it between threads; close it, or use it in a `with` block.
#[pyclass(frozen, subclass, weakref, module = "tenantry")]
pub struct Tenantry(core::Tenantry);

/// Warns of variables that nothing reads, once each. Where warnings are errors, it is one.
fn warn_of_variables(py: Python<'_>) -> PyResult<()> {
    for variable in untold_variables() {
        let message = CString::new(variable.to_string())?;
        PyErr::warn(py, &py.get_type::<PyUserWarning>(), &message, 1)?;
    }
    Ok(())
}

twins! {
    impl Tenantry {
        also {
            /// Opens the engine: data in `./.tenantry` unless the arguments, `TENANTRY_*` or `tenantry.toml` say otherwise.
            #[new]
            #[pyo3(signature = (data_dir=None, *, api_key=None, account_id=None, project_id=None, base_url=None, dev=None,
                in_memory=false, deadline_ms=None, default_headers=None, require_credentials=None))]
            fn new(
                py: Python<'_>,
                data_dir: Option<PathBuf>,
                api_key: Option<Text>,
                account_id: Option<Text>,
                project_id: Option<Text>,
                base_url: Option<Text>,
                dev: Option<bool>,
                in_memory: bool,
                deadline_ms: Option<i64>,
                default_headers: Option<BTreeMap<Text, Text>>,
                require_credentials: Option<bool>,
            ) -> Result<Self> {
                let storage = match (data_dir, in_memory) {
                    (Some(_), true) => {
                        let message = "`data_dir` and `in_memory` exclude each other";
                        return Err(Error::invalid("config_invalid", message).into());
                    }
                    (None, true) => Some(Storage::Memory),
                    (folder, false) => folder.map(Storage::Folder),
                };
                let options = Options {
                    storage,
                    dev,
                    api_key: api_key.map(|key| Credential::new(key.0)),
                    require_credentials,
                    account_id: owned(account_id),
                    project_id: owned(project_id),
                    base_url: owned(base_url),
                    deadline: deadline_ms.map(|ms| whole("deadline_ms", ms)).transpose()?.map(Duration::from_millis),
                    root_key: None,
                    default_headers: default_headers.unwrap_or_default().into_iter().map(|(k, v)| (k.0, v.0)).collect(),
                };
                warn_of_variables(py)?;
                // Another process may hold the folder's files for a while.
                let opened = runtime::aside("tenantry-open", || core::Tenantry::open(options));
                wait(py, Work::new(opened)).map(Self)
            }

            /// Accounts and projects. Needs platform authority at each call.
            #[getter]
            fn admin(slf: &Bound<'_, Self>) -> PyResult<written::Admin> {
                written::Admin::of(slf)
            }

            /// Issuers, API keys and tokens, as the client itself.
            #[getter]
            fn identity(slf: &Bound<'_, Self>) -> PyResult<written::Identities> {
                written::Identities::of(slf)
            }

            /// Whether `close` was called.
            #[getter]
            fn closed(&self) -> bool {
                self.0.is_closed()
            }

            /// Guard calls of the client's own project: the one its credential or configuration names.
            #[getter]
            fn guard(&self, py: Python<'_>) -> Result<written::Guard> {
                Ok(written::Guard::of(&self.own(py)?)?)
            }

            /// What model calls of the client's own project cost.
            #[getter]
            fn usage(&self, py: Python<'_>) -> Result<written::Usage> {
                Ok(written::Usage::of(&self.own(py)?)?)
            }

            /// Policies of the client's own project.
            #[getter]
            fn policies(&self, py: Python<'_>) -> Result<written::Policies> {
                Ok(written::Policies::of(&self.own(py)?)?)
            }

            /// Rate limits of the client's own project.
            #[getter]
            fn limits(&self, py: Python<'_>) -> Result<written::Limits> {
                Ok(written::Limits::of(&self.own(py)?)?)
            }

            /// Settings of the client's own project.
            #[getter]
            fn settings(&self, py: Python<'_>) -> Result<written::TenantSettings> {
                Ok(written::TenantSettings::of(&self.own(py)?)?)
            }

            /// The audit trail of the client's own project.
            #[getter]
            fn audit(&self, py: Python<'_>) -> Result<written::Audit> {
                Ok(written::Audit::of(&self.own(py)?)?)
            }

            fn __enter__(slf: Py<Self>) -> Py<Self> {
                slf
            }

            #[pyo3(signature = (*_raised: "object"))]
            fn __exit__(&self, py: Python<'_>, _raised: Py<PyAny>) -> Result<()> {
                self.close(py).map(drop)
            }

            fn __aenter__(slf: Py<Self>) -> Awaits<Py<Self>> {
                Awaits::new("Tenantry.__aenter__", Work::new(async move { Ok(slf) }))
            }

            #[pyo3(signature = (*_raised: "object"))]
            fn __aexit__(&self, _raised: Py<PyAny>) -> Result<Awaits<Nothing>> {
                self.aclose()
            }

            /// Does an operation of the table, with plain data on both sides.
            fn _operate(&self, py: Python<'_>, operation: &str, levels: Vec<Bound<'_, PyAny>>, given: Fields) -> Result<Json> {
                wait(py, Work::new(self.operated(Asked::read(operation, levels, given)?))).map(Json)
            }

            /// As `_operate`, awaited: ends with what `read` makes of the answer. `name` is what Python calls the method.
            fn _aoperate(
                &self,
                name: String,
                operation: &str,
                levels: Vec<Bound<'_, PyAny>>,
                given: Fields,
                read: Py<PyAny>,
            ) -> Result<Awaits<Answered>> {
                Ok(written::awaits(name, self.operated(Asked::read(operation, levels, given)?), read))
            }

            fn __repr__(&self) -> &'static str {
                if self.0.is_closed() { "Tenantry(closed)" } else { "Tenantry(open)" }
            }
        }

        /// The handle of one project. Never creates it, except in dev mode.
        #[arguments(account, project)]
        fn tenant / atenant(&self, account: Text, project: Text) -> Tenant {
            let client = self.0.clone();
            Work::new(async move { client.tenant(&account.0, &project.0).await.map(Tenant) })
        }

        /// The handle of whoever presents this: of the one project its credential reaches, or selects by a header within
        /// what it reaches. It acts as the credential's principal and ends with the credential.
        ///
        /// `credential` is a token or key as `str` or `bytes`, or the headers of a request: a mapping, or pairs of name and value
        /// such as ASGI's `scope["headers"]`. Whatever is said twice is refused. `method` and `target` (path and query) let
        /// a stream carry its token in the query; `peer` is the caller's address.
        #[arguments(credential, *, method="", target="", peer="")]
        fn authenticate / aauthenticate(&self, credential: RequestCredentials, method: &str, target: &str, peer: &str) -> Tenant {
            let (client, presented) = (self.0.clone(), credential.read(method, target, peer));
            Work::new(async move { client.authenticate(&presented).await.map(Tenant) })
        }

        /// The handle of the client's own project.
        #[arguments()]
        fn _own / _aown(&self) -> Tenant {
            let client = self.0.clone();
            Work::new(async move { client.own().await.map(Tenant) })
        }

        /// Writes down everything pending and refuses further calls. Safe to call twice.
        #[arguments()]
        fn close / aclose(&self) -> Nothing {
            let client = self.0.clone();
            Work::new(async move { client.close().await.map(|()| Nothing) })
        }
    }
}

impl Tenantry {
    fn operated(&self, asked: Asked) -> BoxFuture<'static, CoreResult<Value>> {
        let Asked { row, levels, given } = asked;
        let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
        self.0.operate(row, &levels, given)
    }

    fn own<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        let client = self.0.clone();
        let own = wait(py, Work::new(async move { client.own().await }))?;
        Ok(Bound::new(py, Tenant(own))?.into_any())
    }
}

/// The handle code holds to act inside one project. Cheap, shareable between threads, holds no credential.
#[pyclass(frozen, weakref, module = "tenantry")]
pub struct Tenant(core::Tenant);

twins! {
    impl Tenant {
        also {
            /// The account's id.
            #[getter]
            fn account_id(&self) -> &str {
                self.0.account_id()
            }

            /// The project's id.
            #[getter]
            fn project_id(&self) -> &str {
                self.0.project_id()
            }

            /// Who the credential behind this handle is; `None` when this process itself named the tenant.
            #[getter]
            fn caller(&self, py: Python<'_>) -> Result<Option<written::Identity>> {
                self.0.caller().map(|caller| written::Identity::read(py, caller)).transpose()
            }

            /// The same project on behalf of `principal`; this process vouches for it.
            fn acting_as(&self, principal: Principal) -> Result<Self> {
                Ok(Self(self.0.acting_as(principal.0)?))
            }

            /// API keys and tokens of this project, as its caller.
            #[getter]
            fn identity(slf: &Bound<'_, Self>) -> PyResult<written::Identities> {
                written::Identities::of(slf)
            }

            /// Guard calls.
            #[getter]
            fn guard(slf: &Bound<'_, Self>) -> PyResult<written::Guard> {
                written::Guard::of(slf)
            }

            /// What model calls cost.
            #[getter]
            fn usage(slf: &Bound<'_, Self>) -> PyResult<written::Usage> {
                written::Usage::of(slf)
            }

            /// Policies of this project and the layers above.
            #[getter]
            fn policies(slf: &Bound<'_, Self>) -> PyResult<written::Policies> {
                written::Policies::of(slf)
            }

            /// Rate limits of this project and the layers above.
            #[getter]
            fn limits(slf: &Bound<'_, Self>) -> PyResult<written::Limits> {
                written::Limits::of(slf)
            }

            /// Settings of this project.
            #[getter]
            fn settings(slf: &Bound<'_, Self>) -> PyResult<written::TenantSettings> {
                written::TenantSettings::of(slf)
            }

            /// The audit trail of this project.
            #[getter]
            fn audit(slf: &Bound<'_, Self>) -> PyResult<written::Audit> {
                written::Audit::of(slf)
            }

            /// Does an operation of the table, with plain data on both sides.
            fn _operate(&self, py: Python<'_>, operation: &str, levels: Vec<Bound<'_, PyAny>>, given: Fields) -> Result<Json> {
                wait(py, Work::new(self.operated(Asked::read(operation, levels, given)?))).map(Json)
            }

            /// As `_operate`, awaited: ends with what `read` makes of the answer. `name` is what Python calls the method.
            fn _aoperate(
                &self,
                name: String,
                operation: &str,
                levels: Vec<Bound<'_, PyAny>>,
                given: Fields,
                read: Py<PyAny>,
            ) -> Result<Awaits<Answered>> {
                Ok(written::awaits(name, self.operated(Asked::read(operation, levels, given)?), read))
            }

            fn __repr__(&self) -> String {
                format!("Tenant('{}', '{}')", self.0.account_id(), self.0.project_id())
            }
        }

        /// Refuses a caller that lacks one of `scopes` with `PermissionDenied`. The process itself holds none.
        #[arguments(*scopes: "str")]
        fn require_scopes / arequire_scopes(&self, scopes: Vec<Text>) -> Nothing {
            let (tenant, scopes) = (self.0.clone(), texts(Some(scopes)));
            Work::new(async move { tenant.require_scopes(&scopes).await.map(|()| Nothing) })
        }
    }
}

impl Tenant {
    /// Nothing below a tenant has levels.
    fn operated(&self, asked: Asked) -> BoxFuture<'static, CoreResult<Value>> {
        self.0.operate(asked.row, asked.given)
    }
}
