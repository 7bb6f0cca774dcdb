//! What Go reaches outside uniffi: the layout's fingerprint, an empty call, and the hooks of test builds.
#![allow(unsafe_code, reason = "names that C can link to")]

mod layout;

/// The fingerprint of everything that crosses. Go compares it with its own before the first call.
// SAFETY: no other symbol of the process has this name; the function touches nothing.
#[unsafe(no_mangle)]
pub extern "C" fn tenantry_layout_fingerprint() -> u64 {
    layout::FINGERPRINT
}

/// The fingerprint of the table of operations. Go compares it with that of its generated methods before the first call.
// SAFETY: no other symbol of the process has this name; the function touches nothing.
#[unsafe(no_mangle)]
pub extern "C" fn tenantry_operations_hash() -> u64 {
    u64::from_str_radix(tenantry::operations::HASH, 16).unwrap_or_default()
}

/// Does nothing. What a crossing costs at least; measured by `bench/go`.
// SAFETY: no other symbol of the process has this name; the function touches nothing.
#[unsafe(no_mangle)]
pub extern "C" fn tenantry_empty() {}

/// Hooks of test builds; plain functions, so that the described surface is the same with and without them.
#[cfg(feature = "test-hooks")]
mod hooks {
    use std::time::Duration;

    /// Clients opened from now on share a clock that stands at `wall_micros`; ids and keys are counted.
    // SAFETY: no other symbol of the process has this name; numbers cross by value.
    #[unsafe(no_mangle)]
    pub extern "C" fn tenantry_test_freeze(wall_micros: i64) {
        tenantry::testing::freeze(wall_micros);
    }

    /// Moves the standing clock.
    // SAFETY: no other symbol of the process has this name; numbers cross by value.
    #[unsafe(no_mangle)]
    pub extern "C" fn tenantry_test_advance(milliseconds: u64) {
        tenantry::testing::advance(Duration::from_millis(milliseconds));
    }

    /// Makes the next guard call panic inside the engine.
    // SAFETY: no other symbol of the process has this name.
    #[unsafe(no_mangle)]
    pub extern "C" fn tenantry_test_panic_next() {
        tenantry::testing::panic_next();
    }
}
