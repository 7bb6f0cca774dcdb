//! The static library behind the Go module `tenantry`. Converts types, errors and async; every decision is the core's.
//!
//! Laid out as the core: `client`, `types`, `errors`, `runtime`. What crosses is described by uniffi's metadata, from
//! which `gen` writes the Go side; `abi` proves at start that both sides were made from the same description.

mod abi;
mod client;
mod errors;
mod runtime;
mod types;

pub use abi::tenantry_layout_fingerprint;

uniffi::setup_scaffolding!();
