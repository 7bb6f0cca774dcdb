//! Written by `tenantry-go-gen`. Do not edit.

/// Of the surface this crate exports.
pub const FINGERPRINT: u64 = 0xfb92_18ec_0c54_bf04;
