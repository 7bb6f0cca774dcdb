//! Operations of the table: one way in for the client and one for a tenant's handle, with JSON on both sides.

use napi::{
    Env, Unknown,
    bindgen_prelude::{Either, PromiseRaw},
};
use napi_derive::napi;
use serde_json::Value;
use tenantry::{
    api::from_json,
    error::{Error, Result as CoreResult},
    operations::{self, Row},
};

use super::{Tenant, Tenantry};
use crate::{
    errors::Result,
    runtime::{Work, promise, wait},
    types::{required, texts, wire},
};

/// What reads long, whatever it is given: chains and folders, and policies of newcomers, which are compiled.
const LONG: &[&str] =
    &["admin.problems", "admin.verify", "audit.query", "audit.verify", "grants.uses", "identity.put_settings"];

/// An operation, the account and project it names, and what it takes.
struct Call {
    row: &'static Row,
    levels: Vec<String>,
    input: Value,
    bytes: usize,
}

impl Call {
    fn read(operation: Unknown<'_>, levels: Unknown<'_>, input: Unknown<'_>) -> Result<Self> {
        let (name, levels) = (required("operation", operation)?, texts("levels", levels)?);
        let input = required("input", input)?;
        let row = operations::row(&name).ok_or_else(|| Error::internal("the package and its native library differ"))?;
        Ok(Self { row, levels, bytes: input.len(), input: from_json(&input)? })
    }
}

/// The work of `row`, which was given `bytes` of JSON.
fn work<F>(row: &Row, bytes: usize, done: F) -> Work<impl Future<Output = CoreResult<String>> + Send + 'static + use<F>>
where
    F: Future<Output = CoreResult<Value>> + Send + 'static,
{
    let told = async move { wire(&done.await?) };
    if LONG.contains(&row.name().as_str()) { Work::long(told) } else { Work::reading(bytes, told) }
}

twins! {
    impl Tenantry {
        /// Does an operation of the table, on what `levels` name or on what the client reaches.
        #[arguments("operation: string, levels: readonly string[], input: string")]
        fn operate_sync / operate(&self, operation, levels, input) -> String {
            let Call { row, levels, input, bytes } = Call::read(operation, levels, input)?;
            let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
            work(row, bytes, self.0.operate(row, &levels, input))
        }
    }
}

twins! {
    impl Tenant {
        /// Does an operation of the table in this project; none of its operations names another.
        #[arguments("operation: string, levels: readonly string[], input: string")]
        fn operate_sync / operate(&self, operation, levels, input) -> String {
            let Call { row, input, bytes, .. } = Call::read(operation, levels, input)?;
            work(row, bytes, self.0.operate(row, input))
        }
    }
}

/// Fingerprint of the table this library was built with.
#[napi(catch_unwind)]
pub fn table_hash() -> &'static str {
    operations::HASH
}
