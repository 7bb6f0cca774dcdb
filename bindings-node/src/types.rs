//! The core's types as JavaScript sees them. Arguments are read field by field from plain objects; results leave as JSON
//! text in the wire's shape, which the TypeScript half reads lazily. Laid out as the core's `api`.

mod given;
mod identity;
mod json;
mod principal;
mod request;
mod response;

pub use given::Given;
pub use identity::{presented, texts};
pub use json::required;
pub use principal::principal;
pub use request::{FileCall, ToolAnswer, ToolCall, detection, once, plain_call, request};

use serde::Serialize;
use tenantry::error::{Error, Result};

/// A result of the core as JSON text.
pub fn wire(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::internal("a result could not be written as JSON"))
}
