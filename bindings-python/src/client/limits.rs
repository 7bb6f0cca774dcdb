//! Rate limits that apps take from themselves.

use pyo3::prelude::*;

use super::Tenant;
use crate::{
    errors::Result,
    runtime::{Awaits, Nothing, Work, wait},
    types::{Text, whole},
};

/// What `Tenant.limits` can do beside the operations of the table.
#[pyclass(frozen, subclass, module = "tenantry._tenantry")]
pub struct Limits(Py<Tenant>);

twins! {
    impl Limits {
        also {
            #[new]
            fn new(tenant: Py<Tenant>) -> Self {
                Self(tenant)
            }

            /// The tenant it is a handle of.
            #[getter]
            fn _native(&self, py: Python<'_>) -> Py<Tenant> {
                self.0.clone_ref(py)
            }
        }

        /// Takes `cost` from a limit for work of the app's own; `RateLimited` when there is not enough.
        #[arguments(id, key="", cost=1)]
        fn acquire / aacquire(&self, id: Text, key: &str, cost: i64) -> Nothing {
            let (limits, key, cost) = (self.0.get().0.limits(), key.to_owned(), whole("cost", cost)?);
            Work::new(async move { limits.acquire(&id.0, &key, cost).await.map(|()| Nothing) })
        }
    }
}
