//! The root key as it is given: 32 bytes from which every key of an installation is derived.

use std::{fmt, sync::Arc};

use crate::error::{Error, Result};

const BYTES: usize = 32;

/// The 32 bytes all keys of an installation are derived from. Never prints.
#[derive(Clone)]
pub struct RootKey(Arc<[u8; BYTES]>);

impl RootKey {
    /// These bytes.
    #[must_use]
    pub fn new(bytes: [u8; BYTES]) -> Self {
        Self(Arc::new(bytes))
    }

    /// Reads 32 bytes in hexadecimal or base64.
    ///
    /// # Errors
    /// `root_key_invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_from(text, &"given in code")
    }

    /// As [`RootKey::parse`]; the error says in which `place` the text was found.
    pub(crate) fn parse_from(text: &str, place: &dyn fmt::Display) -> Result<Self> {
        let text = text.trim();
        let bytes = data_encoding::HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .or_else(|_| data_encoding::BASE64.decode(text.as_bytes()))
            .or_else(|_| data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()))
            .ok()
            .and_then(|bytes| <[u8; BYTES]>::try_from(bytes).ok())
            .ok_or_else(|| {
                let words = format!("the root key {place} is not 32 bytes in hexadecimal or base64");
                Error::invalid("root_key_invalid", words).with_help("make one with `openssl rand -hex 32`")
            })?;
        Ok(Self::new(bytes))
    }

    /// Whether somebody typed it rather than made it: of 32 random bytes hardly ever less than 20 differ, and almost never
    /// all are letters and digits.
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        let mut bytes = *self.0;
        bytes.sort_unstable();
        let distinct = bytes.chunk_by(|a, b| a == b).count();
        distinct < 16 || bytes.iter().all(u8::is_ascii_graphic)
    }

    /// The bytes, for whoever derives from them.
    pub(crate) fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(..)")
    }
}
