//! Where random names and keys come from. Owns the system's random source; touches `clock`, `error` and, in test builds,
//! `testing`.

use std::{
    cell::RefCell,
    time::{SystemTime, UNIX_EPOCH},
};

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::{
    error::{Error, Result},
    runtime,
};

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

/// The id of one call: a version 7 UUID (RFC 9562), so that ids sort by time, to the millisecond.
#[must_use]
pub fn request_id() -> String {
    #[cfg(feature = "test-hooks")]
    if let Some(bytes) = crate::testing::counted() {
        return uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let id = match drawn() {
        Ok(random) => uuid::Builder::from_unix_timestamp_millis(millis, &random),
        // Where the system has nothing random an id is unlikely, and not impossible, to be met twice.
        Err(_) => {
            uuid::Builder::from_random_bytes((since.as_nanos() ^ u128::from(runtime::generation())).to_be_bytes())
        }
    };
    id.into_uuid().to_string()
}

/// Random bytes for an id, of a supply that each thread draws many of at once: a system call costs more than the rest of an
/// id. Ids are no secrets; what must not be guessed is drawn by [`bytes`].
fn drawn() -> Result<[u8; 10]> {
    const SUPPLY: usize = 512;
    struct Supply {
        process: u32,
        bytes: [u8; SUPPLY],
        left: usize,
    }
    thread_local! {
        static IDS: RefCell<Supply> = const { RefCell::new(Supply { process: 0, bytes: [0; SUPPLY], left: 0 }) };
    }
    IDS.with_borrow_mut(|supply| {
        let process = runtime::generation();
        // A child of a fork must not draw what its parent draws.
        if supply.left < 10 || supply.process != process {
            *supply = Supply { process, bytes: bytes()?, left: SUPPLY };
        }
        supply.left -= 10;
        let drawn = supply.bytes.get(supply.left..).and_then(|rest| rest.first_chunk());
        drawn.copied().ok_or_else(|| Error::internal("a supply of random bytes was misread"))
    })
}
