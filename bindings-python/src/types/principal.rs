//! Who acts.

use pyo3::{IntoPyObjectExt, prelude::*};
use serde_json::Value;
use tenantry::api::{self, name_of, named};

use super::json::{self, Fields, Text};
use crate::errors::Result;

value_class! {
    /// The caller on whose behalf guard calls are made; see `Tenant.acting_as`.
    Principal(api::Principal) shows (id, r#type, roles) {
        /// Its id, 1 to 512 bytes.
        id: &str = |principal| &principal.id;
        /// `user` or `agent`.
        r#type: String = |principal| name_of(&principal.kind);
        /// Its roles, highest first.
        roles: Vec<String> = |principal| principal.roles.clone();
        /// Its OAuth scopes.
        scopes: Vec<String> = |principal| principal.scopes.clone();
    }
    with {
        #[new]
        #[pyo3(signature = (id, r#type="user", roles=None, scopes=None))]
        fn new(id: Text, r#type: &str, roles: Option<Vec<Text>>, scopes: Option<Vec<Text>>) -> Result<Self> {
            let principal = api::Principal {
                kind: named("kind of principal", r#type)?,
                id: id.0,
                roles: texts(roles),
                scopes: texts(scopes),
            };
            principal.check()?;
            Ok(Self(principal))
        }

        /// What `to_dict` gives, as a value again.
        #[staticmethod]
        fn _read(fields: Fields) -> Result<Self> {
            Ok(Self(api::from_value(Value::Object(fields.0))?))
        }
    }
}

/// Absent is empty.
pub fn texts(items: Option<Vec<Text>>) -> Vec<String> {
    items.unwrap_or_default().into_iter().map(|text| text.0).collect()
}
