//! The static library behind the Go module `tenantry`. Converts types, errors and async; every decision is the core's.
//!
//! Laid out as the core: `client`, `types`, `errors`, `runtime`. What crosses is described by uniffi's metadata, from
//! which `gen` writes the Go side; `abi` proves at start that both sides were made from the same description.

#![allow(clippy::result_large_err, reason = "what uniffi carries to Go is flat, and made once per failed call")]

mod abi;
mod client;
mod errors;
mod runtime;
mod types;

pub use abi::tenantry_layout_fingerprint;

uniffi::setup_scaffolding!();
