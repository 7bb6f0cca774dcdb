//! The core's types as Python classes. Owns conversions; laid out as the core's `api`, one file per file there.

/// A frozen Python class over a core type: lazy getters, `to_dict`, value equality, pickles and copies, and a repr of the
/// fields named in `shows`, which are never content.
macro_rules! value_class {
    (
        $(#[doc = $doc:literal])+
        $name:ident($inner:ty) shows ($($shown:ident),*) {
            $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty = |$value:ident| $read:expr;)*
        }
        $(with { $($more:tt)* })?
    ) => {
        $(#[doc = $doc])+
        #[pyclass(frozen, eq, from_py_object, module = "tenantry")]
        #[derive(Clone, PartialEq)]
        pub struct $name(pub $inner);

        #[pymethods]
        impl $name {
            $($($more)*)?

            $(
                $(#[doc = $field_doc])+
                #[getter]
                #[allow(clippy::wrong_self_convention, reason = "a field may be called from_account")]
                fn $field(&self) -> $type {
                    let $value = &self.0;
                    $read
                }
            )*

            /// As plain data under the wire's names; absent fields are left out.
            fn to_dict(&self) -> Result<Fields> {
                json::fields_of(&self.0)
            }

            /// It never changes, so it is its own copy.
            fn __copy__(slf: Py<Self>) -> Py<Self> {
                slf
            }

            fn __deepcopy__(slf: Py<Self>, _memo: Py<PyAny>) -> Py<Self> {
                slf
            }

            /// As the wire's JSON, from which any process that has this package makes it again.
            fn __reduce__(slf: &Bound<'_, Self>) -> Result<json::Restored> {
                json::reduced(slf.py(), slf.as_any(), &slf.get().0)
            }

            #[staticmethod]
            fn _from_json(text: &str) -> Result<Self> {
                json::read_back(text).map(Self)
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let mut shown = Vec::<String>::new();
                $(shown.push(format!("{}={}", stringify!($shown), self.$shown().into_bound_py_any(py)?.repr()?));)*
                Ok(format!("{}({})", stringify!($name), shown.join(", ")))
            }
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }
    };
}

mod identity;
mod json;
mod principal;
mod request;
mod response;

pub use identity::*;
pub use json::{_restored, Fields, Json, Text, fields_of};
pub use principal::*;
pub use request::*;
pub use response::*;
pub use tenantry::api::whole;

/// Wraps each item of a list the core returned.
fn wrapped<A: Clone, B: From<A>>(items: &[A]) -> Vec<B> {
    items.iter().cloned().map(B::from).collect()
}
