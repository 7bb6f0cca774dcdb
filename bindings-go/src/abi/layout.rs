//! Written by `tenantry-go-gen`. Do not edit.

/// Of the surface this crate exports.
pub const FINGERPRINT: u64 = 0x6a1f_89b5_6ad8_4b3f;
