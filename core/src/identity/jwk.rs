//! Keys that verify tokens, read from JWKs. Owns which key verifies which algorithm; touches only `api` and `error`.

use std::{collections::HashMap, fmt, sync::Arc};

use data_encoding::BASE64URL_NOPAD;
use ring::{hmac, signature};
use serde_json::{Map, Value};

use crate::{
    api::Algorithm,
    error::{Error, ErrorKind, Result},
};

/// Most keys one set may have. Real sets have a handful; a longer one is a mistake or an attack.
const MAX_KEYS: usize = 100;
const MAX_KID: usize = 128;
/// RFC 7518 section 3.2: an HS256 key is at least as long as its hash.
const MIN_SECRET: usize = 32;
/// RFC 7518 section 3.3 asks for 2048 bits; above 8192 a verification costs more than a caller may make us spend.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;
/// Members that only private or symmetric keys have (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1; RFC 8037 section 2).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// What `ring` needs at each verification, taken apart once.
enum Material {
    Rsa(signature::RsaPublicKeyComponents<Vec<u8>>),
    /// An uncompressed point.
    P256(Vec<u8>),
    /// An uncompressed point.
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
    Secret(Box<hmac::Key>),
}

/// A key that verifies tokens, and nothing else.
///
/// The type of the key decides the algorithms, never the token (RFC 8725 sections 2.1 and 3.1): an RSA key verifies
/// `RS256`, `RS384`, `RS512` and `PS256`, a P-256 key `ES256`, a P-384 key `ES384`, an Ed25519 key `EdDSA` and a shared
/// secret `HS256`.
pub struct VerifyingKey {
    material: Material,
    /// The one algorithm its owner published it for, where it said so.
    only: Option<Algorithm>,
}

/// Prints what kind of key it is and nothing of the key.
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.material {
            Material::Rsa(_) => "RSA",
            Material::P256(_) => "P-256",
            Material::P384(_) => "P-384",
            Material::Ed25519(_) => "Ed25519",
            Material::Secret(_) => "secret",
        };
        f.debug_struct("VerifyingKey").field("kind", &kind).field("only", &self.only).finish_non_exhaustive()
    }
}

impl VerifyingKey {
    /// Reads one public JWK (RFC 7517, RFC 7518 section 6, RFC 8037): `RSA` of 2048 to 8192 bits, `EC` on P-256 or P-384,
    /// or `OKP` with Ed25519. Its base64url has no padding and its numbers no leading zeros, as the RFCs demand.
    ///
    /// `use` must be `sig` and `key_ops` must name `verify`, where they are present; `alg` restricts the key to that
    /// algorithm. Certificates (`x5c`, `x5u`) are ignored: what makes a key trusted is where it came from.
    ///
    /// A point that is not on its curve is not noticed here; such a key verifies nothing.
    ///
    /// # Errors
    /// `jwk_private` for a key with private members, `jwk_invalid` for any other we cannot use.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self> {
        // A private key that was published is everybody's key.
        if text(jwk, "kty")? != "oct" && PRIVATE.iter().any(|member| jwk.contains_key(*member)) {
            return Err(Error::invalid("jwk_private", "a verification key has private members")
                .with_help("publish the public part only, and replace the key: it is no longer secret"));
        }
        check_purpose(jwk)?;
        let material = match (text(jwk, "kty")?, jwk.get("crv").and_then(Value::as_str)) {
            ("RSA", _) => rsa(jwk)?,
            ("EC", Some("P-256")) => Material::P256(point(jwk, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(jwk, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes_of(jwk, "x", 32)?),
            ("oct", _) => return Err(invalid("a shared secret is not a public key")),
            _ => return Err(invalid("its type is none of RSA, EC with P-256 or P-384, and OKP with Ed25519")),
        };
        let mut key = Self { material, only: None };
        if jwk.contains_key("alg") {
            let only = Algorithm::parse(text(jwk, "alg")?).filter(|algorithm| key.fits(*algorithm));
            key.only = Some(only.ok_or_else(|| invalid("its alg is not one that a key of its type verifies here"))?);
        }
        Ok(key)
    }

    /// A secret shared with an issuer, for `HS256` alone (RFC 7518 section 3.2).
    ///
    /// # Errors
    /// `secret_too_short` for fewer than 32 bytes.
    pub fn from_secret(secret: &[u8]) -> Result<Self> {
        if secret.len() < MIN_SECRET {
            return Err(Error::invalid("secret_too_short", format!("the secret is shorter than {MIN_SECRET} bytes"))
                .with_help("make one with `openssl rand -hex 32`"));
        }
        Ok(Self { material: Material::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))), only: None })
    }

    /// Whether this key verifies signatures of `algorithm`. No key verifies both a MAC and a signature.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, HS256, PS256, RS256, RS384, RS512};
        self.only.is_none_or(|only| only == algorithm)
            && match &self.material {
                Material::Rsa(_) => matches!(algorithm, RS256 | RS384 | RS512 | PS256),
                Material::P256(_) => algorithm == ES256,
                Material::P384(_) => algorithm == ES384,
                Material::Ed25519(_) => algorithm == EdDSA,
                Material::Secret(_) => algorithm == HS256,
            }
    }

    /// Verifies a signature as JWS carries it (RFC 7518 section 3, RFC 8037 section 3.1): for `ES256` and `ES384` that is
    /// `R || S`, not DER. A MAC is compared in constant time.
    ///
    /// # Errors
    /// `token_algorithm_invalid` when the key does not [fit](Self::fits), else `token_signature_invalid`.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], given: &[u8]) -> Result<()> {
        if !self.fits(algorithm) {
            return Err(unfit());
        }
        let verified = match (&self.material, algorithm) {
            (Material::Rsa(key), Algorithm::RS256) => {
                key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, given)
            }
            (Material::Rsa(key), Algorithm::RS384) => {
                key.verify(&signature::RSA_PKCS1_2048_8192_SHA384, message, given)
            }
            (Material::Rsa(key), Algorithm::RS512) => {
                key.verify(&signature::RSA_PKCS1_2048_8192_SHA512, message, given)
            }
            (Material::Rsa(key), Algorithm::PS256) => key.verify(&signature::RSA_PSS_2048_8192_SHA256, message, given),
            (Material::P256(point), Algorithm::ES256) => {
                signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(message, given)
            }
            (Material::P384(point), Algorithm::ES384) => {
                signature::UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).verify(message, given)
            }
            (Material::Ed25519(point), Algorithm::EdDSA) => {
                signature::UnparsedPublicKey::new(&signature::ED25519, point).verify(message, given)
            }
            (Material::Secret(key), Algorithm::HS256) => hmac::verify(key, message, given),
            // A second lock: whatever `fits` says, no other pair verifies.
            _ => return Err(unfit()),
        };
        verified.map_err(|_| {
            Error::new(ErrorKind::Unauthenticated, "token_signature_invalid", "the token's signature is not valid")
        })
    }
}

/// The keys of a JWK set (RFC 7517 section 5) that verify tokens, each with its `kid`.
///
/// As the RFC asks, keys we cannot use are skipped: for encryption, of unknown types, with private members, or with a
/// `kid` no token could name (see [`kid_is_acceptable`]). A `kid` that two usable keys share is refused with both of them:
/// which one a token means would otherwise hang on their order. Keys without a `kid` are all returned.
///
/// # Errors
/// `jwks_invalid` when `keys` is no list or has more than 100 entries.
pub fn key_set(jwks: &Map<String, Value>) -> Result<Vec<(Option<String>, Arc<VerifyingKey>)>> {
    let Some(Value::Array(listed)) = jwks.get("keys") else {
        return Err(Error::invalid("jwks_invalid", "a key set has no list of keys"));
    };
    if listed.len() > MAX_KEYS {
        return Err(Error::invalid("jwks_invalid", format!("a key set has more than {MAX_KEYS} keys")));
    }
    let mut keys = Vec::new();
    let mut uses: HashMap<String, usize> = HashMap::new();
    for jwk in listed.iter().filter_map(Value::as_object) {
        let kid = match jwk.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid_is_acceptable(kid) => Some(kid.clone()),
            Some(_) => continue,
        };
        let Ok(key) = VerifyingKey::from_jwk(jwk) else { continue };
        if let Some(kid) = &kid {
            *uses.entry(kid.clone()).or_default() += 1;
        }
        keys.push((kid, Arc::new(key)));
    }
    keys.retain(|(kid, _)| kid.as_ref().is_none_or(|kid| uses.get(kid) == Some(&1)));
    Ok(keys)
}

/// Whether a `kid` may name a key: 1 to 128 characters of `[A-Za-z0-9._~+/=:-]`.
///
/// `+`, `/` and `=` are there because providers use base64, `:` because of URNs (RFC 9278). A `kid` is only ever compared
/// with the names of keys we hold already: it is never part of a path, a query or an address.
#[must_use]
pub fn kid_is_acceptable(kid: &str) -> bool {
    let acceptable = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b':' | b'-')
    };
    (1..=MAX_KID).contains(&kid.len()) && kid.bytes().all(acceptable)
}

/// The refusal of an algorithm, by its name or because the key is of another type.
pub(super) fn unfit() -> Error {
    Error::new(ErrorKind::Unauthenticated, "token_algorithm_invalid", "the token's algorithm is not one its key takes")
}

fn check_purpose(jwk: &Map<String, Value>) -> Result<()> {
    if jwk.get("use").is_some_and(|purpose| purpose.as_str() != Some("sig")) {
        return Err(invalid("its use is not sig"));
    }
    let verifies = |operations: &Value| {
        let Value::Array(names) = operations else { return false };
        names.iter().all(Value::is_string) && names.iter().any(|name| name == "verify")
    };
    match jwk.get("key_ops") {
        Some(operations) if !verifies(operations) => Err(invalid("its key_ops do not name verify")),
        _ => Ok(()),
    }
}

fn rsa(jwk: &Map<String, Value>) -> Result<Material> {
    let (n, e) = (decoded(jwk, "n")?, decoded(jwk, "e")?);
    // `ring` looks at a key when it verifies; what it would then refuse is refused here, before a token needs the key.
    // It also rounds the length of `n` up to whole bytes, and we do not.
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if n.first() == Some(&0) || !RSA_BITS.contains(&bits) || !is_odd(&n) {
        return Err(invalid("its modulus is not an odd number of 2048 to 8192 bits without leading zeros"));
    }
    let exponent = e.iter().take(6).fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    if e.len() > 5 || e.first() == Some(&0) || !is_odd(&e) || !(3..1 << 33).contains(&exponent) {
        return Err(invalid("its exponent is not an odd number from 3 to 2^33 without leading zeros"));
    }
    Ok(Material::Rsa(signature::RsaPublicKeyComponents { n, e }))
}

/// Both coordinates at their full length (RFC 7518 section 6.2.1.2), as SEC 1 writes an uncompressed point.
fn point(jwk: &Map<String, Value>, length: usize) -> Result<Vec<u8>> {
    Ok([vec![4], bytes_of(jwk, "x", length)?, bytes_of(jwk, "y", length)?].concat())
}

fn bytes_of(jwk: &Map<String, Value>, member: &str, length: usize) -> Result<Vec<u8>> {
    let bytes = decoded(jwk, member)?;
    if bytes.len() == length { Ok(bytes) } else { Err(invalid(&format!("its {member} is not {length} bytes long"))) }
}

fn decoded(jwk: &Map<String, Value>, member: &str) -> Result<Vec<u8>> {
    BASE64URL_NOPAD
        .decode(text(jwk, member)?.as_bytes())
        .map_err(|_| invalid(&format!("its {member} is not base64url without padding")))
}

fn text<'j>(jwk: &'j Map<String, Value>, member: &str) -> Result<&'j str> {
    jwk.get(member).and_then(Value::as_str).ok_or_else(|| invalid(&format!("its {member} is not a text")))
}

fn invalid(reason: &str) -> Error {
    Error::invalid("jwk_invalid", format!("a verification key cannot be used: {reason}"))
}

#[cfg(test)]
mod tests;
