//! Written by `tenantry-go-gen`. Do not edit.

/// Of the surface this crate exports.
pub const FINGERPRINT: u64 = 0xdc28_6292_c778_592b;
