//! The binary `tenantry`. See `tenantry_server::cli`.

use std::process::ExitCode;

/// Requests are many small pieces of memory, taken on one thread and given back on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tenantry_server::cli::run()
}
