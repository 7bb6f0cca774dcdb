//! Where random names and keys come from. Owns the system's random source; touches `clock`, `error` and, in test builds,
//! `testing`.

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::error::{Error, Result};

/// `N` bytes nobody can guess.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    #[cfg(feature = "test-hooks")]
    if let Some(bytes) = crate::testing::counted() {
        return Ok(bytes);
    }
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::unavailable("entropy_unavailable", "the system gave no random bytes"))?;
    Ok(bytes)
}

/// The id of one call: a version 7 UUID (RFC 9562), so that ids sort by time.
#[must_use]
pub fn request_id() -> String {
    #[cfg(feature = "test-hooks")]
    if let Some(bytes) = crate::testing::counted() {
        return uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
    }
    uuid::Uuid::now_v7().to_string()
}
