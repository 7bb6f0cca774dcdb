//! The keys that sign our own tokens: ES256 (RFC 7518), kept sealed in the catalog so that they survive restarts, and
//! published as long as a token they signed may live. Owns rotation; touches only ground and rows.

use std::sync::Arc;

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{CredentialRow, IdentityService, Kind, NEVER, jwk::VerifyingKey, jwt, parsed};
use crate::{
    entropy,
    error::{Error, Result},
    keyring::Sealer,
    scope::Scope,
};

/// How long a key is published after its successor came: longer than any access token lives.
const RETIRED_MICROS: i64 = 2 * 86_400 * 1_000_000;

#[derive(Serialize, Deserialize)]
struct KeyBody {
    sealed: String,
    created_at: i64,
}

/// One signing key.
pub struct SigningKey {
    kid: String,
    created_at: i64,
    pair: EcdsaKeyPair,
    public: Map<String, Value>,
    verifying: Arc<VerifyingKey>,
    ends_at: i64,
    row: CredentialRow,
}

/// All of them, newest first.
#[derive(Default)]
pub struct SigningKeys(Vec<SigningKey>);

fn failed() -> Error {
    Error::internal("a signing key could not be used")
}

impl SigningKeys {
    /// The keys of stored rows.
    pub fn read(rows: Vec<CredentialRow>, sealer: &Sealer) -> Result<Self> {
        let mut keys = rows.into_iter().map(|row| SigningKey::read(row, sealer)).collect::<Result<Vec<_>>>()?;
        keys.sort_by(|a, b| (b.created_at, &b.kid).cmp(&(a.created_at, &a.kid)));
        Ok(Self(keys))
    }

    /// The one that signs.
    pub fn current(&self) -> Option<&SigningKey> {
        self.0.first()
    }

    /// The one a token names, while it is published.
    pub fn by_kid(&self, kid: &str, now: i64) -> Option<Arc<VerifyingKey>> {
        self.0.iter().find(|key| key.kid == kid && key.ends_at > now).map(|key| Arc::clone(&key.verifying))
    }

    /// The public halves as a JWK set (RFC 7517).
    pub fn published(&self, now: i64) -> Value {
        let keys: Vec<&Map<String, Value>> =
            self.0.iter().filter(|key| key.ends_at > now).map(|key| &key.public).collect();
        json!({ "keys": keys })
    }
}

impl SigningKey {
    fn read(row: CredentialRow, sealer: &Sealer) -> Result<Self> {
        let body: KeyBody = parsed(&row)?;
        let pkcs8 = sealer.open(&row.id, &body.sealed)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new())
            .map_err(|_| Error::data("store_corrupt", "a stored signing key cannot be read"))?;
        // An uncompressed point: 4, then 32 bytes each of x and y (SEC 1, section 2.3.3).
        let point = pair.public_key().as_ref();
        let coordinate =
            |from: usize| point.get(from..from + 32).map(|bytes| data_encoding::BASE64URL_NOPAD.encode(bytes));
        let (x, y) = coordinate(1).zip(coordinate(33)).ok_or_else(failed)?;
        let public =
            json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": row.id, "alg": "ES256", "use": "sig" });
        let Value::Object(public) = public else { return Err(failed()) };
        Ok(Self {
            kid: row.id.clone(),
            created_at: body.created_at,
            verifying: Arc::new(VerifyingKey::from_jwk(&public)?),
            public,
            pair,
            ends_at: row.ends_at,
            row,
        })
    }

    /// A signed token over `claims`.
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String> {
        let header = json!({ "alg": "ES256", "kid": self.kid, "typ": "JWT" });
        jwt::encode(&header, &Value::Object(claims.clone()), |message| {
            let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| failed())?;
            Ok(signature.as_ref().to_vec())
        })
    }
}

impl IdentityService {
    /// Makes a key that signs from now on; the one before stays published until no token of it can live.
    pub async fn rotate_signing_key(&self, platform: &Scope) -> Result<()> {
        let config = self.config().await?;
        let now = self.clock.now().wall_micros;
        let kid = data_encoding::BASE32_DNSSEC.encode(&entropy::bytes::<10>()?);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| failed())?;
        // Later than the one it follows also where the clock stands or steps back.
        let created_at = config.signing.current().map_or(now, |current| now.max(current.created_at.saturating_add(1)));
        let body = KeyBody { sealed: self.sealer.seal(&kid, pkcs8.as_ref())?, created_at };
        let fresh = CredentialRow::new(Kind::SigningKey, platform, kid, super::json(&body)?, NEVER);
        match config.signing.current() {
            // Of several first callers one makes the key, and the others find it.
            None => match self.store.insert(vec![fresh], Some((1, now))).await {
                Err(error) if error.code() == "credentials_exhausted" => {}
                other => other?,
            },
            Some(current) => {
                let retired = CredentialRow { ends_at: now.saturating_add(RETIRED_MICROS), ..current.row.clone() };
                if !self.store.replace(retired, vec![fresh]).await? {
                    return Err(Error::conflict(
                        "signing_key_changed",
                        "another process rotated the key at the same time",
                    ));
                }
            }
        }
        self.changed().await
    }

    /// Our public keys, for `/.well-known/jwks.json`; makes the first one.
    pub async fn published_keys(&self, platform: &Scope) -> Result<Value> {
        self.with_signing_key(platform).await?;
        Ok(self.config().await?.signing.published(self.clock.now().wall_micros))
    }

    pub(super) async fn with_signing_key(&self, platform: &Scope) -> Result<()> {
        let config = self.config().await?;
        config.trusts(|row| row.kind == Some(Kind::SigningKey))?;
        if config.signing.current().is_none() {
            self.rotate_signing_key(platform).await?;
        }
        Ok(())
    }
}
