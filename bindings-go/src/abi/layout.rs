//! Written by `tenantry-go-gen`. Do not edit.

/// Of the surface this crate exports.
pub const FINGERPRINT: u64 = 0x5df2_6aab_4513_8094;
