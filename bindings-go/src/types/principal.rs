//! Who acts.
#![allow(unsafe_code, reason = "uniffi's derives implement unsafe traits")]

use tenantry::api;

use super::{PrincipalType, mirror};

mirror! { both
    /// The caller on whose behalf guard calls are made; see `Tenant.ActingAs`.
    Principal: api::Principal {
        /// What it is; `user` when left out.
        r#type (kind): Option<PrincipalType>,
        /// Its id, 1 to 512 bytes.
        id: String,
        /// Its roles, highest first.
        roles: Option<Vec<String>>,
        /// Its OAuth scopes.
        scopes: Option<Vec<String>>,
    }
}
