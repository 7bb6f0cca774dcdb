//! Keys that verify tokens, read from JWKs. Owns which key verifies which algorithm; touches only `api` and `error`.

mod set;

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use ring::{hmac, signature};
use serde_json::{Map, Value};

pub use set::{Found, KeySet};

use crate::{
    api::Algorithm,
    error::{Error, ErrorKind, Result},
};

/// Every algorithm a published key may verify.
const ASYMMETRIC: [Algorithm; 7] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// The longest name of a key, in bytes. It is only ever compared with the names of keys we hold already: it is never part of a
/// path, a query or an address, so it may be any text.
const MAX_KID: usize = 1_024;
/// How many zeros before a coordinate may be left out. More are another curve's key, not chance.
const MAX_ZEROS: usize = 4;
/// How much of a text of a key is repeated.
const SHOWN: usize = 64;
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
    /// or `OKP` with Ed25519.
    ///
    /// A number is what counts, not how it is written: zeros before it, coordinates without them and padded base64url are
    /// taken, as providers write them. A member that is null says nothing. `use` must be `sig` and `key_ops` must name
    /// `verify`, where they are present; `alg` restricts the key to that algorithm. Certificates (`x5c`, `x5u`) are ignored:
    /// what makes a key trusted is where it came from.
    ///
    /// A point that is not on its curve is not noticed here; such a key verifies nothing.
    ///
    /// # Errors
    /// `jwk_private` for a key with private members, `jwk_invalid` for any other we cannot use; both name the member.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self> {
        // A private key that was published is everybody's key.
        let secret = PRIVATE.iter().find(|member| given(jwk, member).is_some());
        if let (Some(member), true) = (secret, text(jwk, "kty")? != "oct") {
            return Err(Error::invalid("jwk_private", format!("a verification key has the private member `{member}`"))
                .with_help("publish the public part only, and replace the key: it is no longer secret"));
        }
        check_purpose(jwk)?;
        let curve = given(jwk, "crv").and_then(Value::as_str);
        let material = match (text(jwk, "kty")?, curve) {
            ("RSA", _) => rsa(jwk)?,
            ("EC", Some("P-256")) => Material::P256(point(jwk, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(jwk, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(ed25519(jwk)?),
            ("oct", _) => return Err(invalid("its `kty` is `oct`: a shared secret is not a public key")),
            (kind @ ("EC" | "OKP"), None) => {
                return Err(invalid(format!("its `kty` is `{kind}`, and it has no `crv`")));
            }
            ("EC", Some(curve)) => {
                return Err(invalid(format!("its `crv` is `{}`, neither P-256 nor P-384", shown(curve))));
            }
            ("OKP", Some(curve)) => return Err(invalid(format!("its `crv` is `{}`, not Ed25519", shown(curve)))),
            (kind, _) => return Err(invalid(format!("its `kty` is `{}`, none of RSA, EC and OKP", shown(kind)))),
        };
        let mut key = Self { material, only: None };
        if given(jwk, "alg").is_some() {
            let name = text(jwk, "alg")?;
            let only = Algorithm::parse(name).filter(|algorithm| key.fits(*algorithm));
            let wrong = || invalid(format!("its `alg` is `{}`, which no key of its type verifies here", shown(name)));
            key.only = Some(only.ok_or_else(wrong)?);
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

    /// Whether both are one key, for whatever algorithm each was published. Secrets are compared with nothing.
    #[must_use]
    pub fn is_same_key(&self, other: &Self) -> bool {
        match (&self.material, &other.material) {
            (Material::Rsa(own), Material::Rsa(other)) => own.n == other.n && own.e == other.e,
            (Material::P256(own), Material::P256(other))
            | (Material::P384(own), Material::P384(other))
            | (Material::Ed25519(own), Material::Ed25519(other)) => own == other,
            _ => false,
        }
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

/// The refusal of an algorithm, by its name or because the key is of another type.
pub(super) fn unfit() -> Error {
    Error::new(ErrorKind::Unauthenticated, "token_algorithm_invalid", "the token's algorithm is not one its key takes")
}

fn check_purpose(jwk: &Map<String, Value>) -> Result<()> {
    match given(jwk, "use") {
        None => {}
        Some(Value::String(purpose)) if purpose == "sig" => {}
        Some(Value::String(purpose)) => {
            return Err(invalid(format!("its `use` is `{}`, not `sig`", shown(purpose))));
        }
        Some(_) => return Err(invalid("its `use` is no text")),
    }
    let verifies = |operations: &Value| {
        let Value::Array(names) = operations else { return false };
        names.iter().all(Value::is_string) && names.iter().any(|name| name == "verify")
    };
    match given(jwk, "key_ops") {
        Some(operations) if !verifies(operations) => Err(invalid("its `key_ops` do not name `verify`")),
        _ => Ok(()),
    }
}

fn rsa(jwk: &Map<String, Value>) -> Result<Material> {
    let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
    // `ring` looks at a key when it verifies; what it would then refuse is refused here, before a token needs the key.
    // It also rounds the length of `n` up to whole bytes, and we do not.
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if !RSA_BITS.contains(&bits) {
        return Err(invalid(format!("its modulus `n` has {bits} bits; 2048 to 8192 are taken")));
    }
    if !is_odd(&n) {
        return Err(invalid("its modulus `n` is even, so it is none"));
    }
    let exponent = e.iter().take(6).fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    if e.len() > 5 || !is_odd(&e) || !(3..1 << 33).contains(&exponent) {
        return Err(invalid("its exponent `e` is not an odd number from 3 to 2^33"));
    }
    Ok(Material::Rsa(signature::RsaPublicKeyComponents { n, e }))
}

/// Both coordinates at their full length, as SEC 1 writes an uncompressed point.
fn point(jwk: &Map<String, Value>, length: usize) -> Result<Vec<u8>> {
    let mut point = vec![4];
    for member in ["x", "y"] {
        let coordinate = number(jwk, member)?;
        // RFC 7518 section 6.2.1.2 wants all of its zeros, and some libraries leave them out or add one.
        let missing =
            length.checked_sub(coordinate.len()).filter(|missing| *missing <= MAX_ZEROS).ok_or_else(|| {
                invalid(format!("its `{member}` is a number of {} bytes; its curve has {length}", coordinate.len()))
            })?;
        point.extend(std::iter::repeat_n(0, missing));
        point.extend(coordinate);
    }
    Ok(point)
}

/// The octets of RFC 8032, which are no number: none may be missing.
fn ed25519(jwk: &Map<String, Value>) -> Result<Vec<u8>> {
    let bytes = decoded(jwk, "x")?;
    if bytes.len() == 32 {
        return Ok(bytes);
    }
    Err(invalid(format!("its `x` has {} bytes; an Ed25519 key has 32", bytes.len())))
}

/// A number without the zeros before it.
fn number(jwk: &Map<String, Value>, member: &str) -> Result<Vec<u8>> {
    let bytes = decoded(jwk, member)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    match bytes.get(zeros..) {
        Some(rest) if !bytes.is_empty() => Ok(rest.to_vec()),
        _ => Err(invalid(format!("its `{member}` is empty"))),
    }
}

fn decoded(jwk: &Map<String, Value>, member: &str) -> Result<Vec<u8>> {
    let text = text(jwk, member)?;
    // RFC 7515 section 2 leaves padding out; encoders that keep it write at most two.
    let bare = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let bare = if text.len() % 4 == 0 { bare } else { text };
    BASE64URL_NOPAD.decode(bare.as_bytes()).map_err(|_| {
        invalid(match text.contains(['+', '/']) {
            true => format!("its `{member}` is base64 and not base64url: `+` and `/` are `-` and `_` there"),
            false => format!("its `{member}` is not base64url"),
        })
    })
}

/// A member that says something: one that is null does not.
fn given<'j>(jwk: &'j Map<String, Value>, member: &str) -> Option<&'j Value> {
    jwk.get(member).filter(|value| !value.is_null())
}

fn text<'j>(jwk: &'j Map<String, Value>, member: &str) -> Result<&'j str> {
    let value = given(jwk, member).ok_or_else(|| invalid(format!("it has no `{member}`")))?;
    value.as_str().ok_or_else(|| invalid(format!("its `{member}` is no text")))
}

/// A text of a key as words may repeat it: short, and without what a terminal obeys.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN).flat_map(char::escape_debug).collect()
}

fn invalid(reason: impl fmt::Display) -> Error {
    Error::invalid("jwk_invalid", format!("a verification key cannot be used: {reason}"))
}

#[cfg(test)]
mod tests;
