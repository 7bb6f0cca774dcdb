//! Written by `tenantry-go-gen`. Do not edit.

/// Of the surface this crate exports.
pub const FINGERPRINT: u64 = 0xf53d_bf96_668f_5c7e;
