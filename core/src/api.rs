//! The types that cross every boundary: FFI, HTTP and disk share one definition. Owns shapes and null rules; no logic.
//!
//! Wire source: `docs/wire/shield.md`. Absent and null are the same on input; on output absent fields are left out and
//! never sent as null, since clients reject null for several of them.

mod admin;
mod audit;
mod fit;
mod identity;
mod inputs;
mod json;
mod page;
mod principal;
mod request;
mod response;
mod usage;
mod words;

pub use admin::*;
pub use audit::*;
pub use fit::{from_json, from_value};
pub use identity::*;
pub use inputs::*;
pub use json::{Fields, parse_object};
pub use page::*;
pub use principal::*;
pub use request::*;
pub use response::*;
pub use usage::*;
pub use words::*;
