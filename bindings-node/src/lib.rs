//! The native half of the npm package `tenantry`. Converts types, errors and async; every decision is the core's.
//!
//! Private on purpose: apps import `tenantry`, whose errors, values and wrappers are plain TypeScript on top of this module.
#![cfg_attr(test, allow(dead_code, reason = "napi exports nothing in a test build"))]

mod client;
mod errors;
mod runtime;
mod types;

use napi::{Env, bindgen_prelude::Object};
use napi_derive::napi;

/// What the process was not yet told of variables that nothing reads; each is handed out once.
#[napi(catch_unwind)]
pub fn untold_variables() -> Vec<String> {
    tenantry::config::untold_variables().iter().map(ToString::to_string).collect()
}

/// Runs once for the main thread and once for every worker that loads the module.
#[napi(module_exports)]
pub fn load(_exports: Object<'_>, _env: Env) -> napi::Result<()> {
    // The core's threads outlive the last worker that loaded this module, so the module must stay mapped.
    napi::bindgen_prelude::retain_current_module_for_unload_safety();
    Ok(())
}
