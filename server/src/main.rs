//! The binary `tenantry`. See `tenantry_server::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tenantry_server::cli::run()
}
