//! Keys that sign the corpus, and issuers that use them. Nothing here is a secret of anybody.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{
        self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair as _, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use serde_json::{Value, json};
use tenantry::{
    api::Algorithm,
    identity::jwk::{KeySet, VerifyingKey},
};

pub const KID: &str = "key-7f3a";
pub const ALL: [Algorithm; 8] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::HS256,
];

/// `ring` makes no RSA keys. Each was made once and belongs to these tests alone:
/// `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -outform DER | openssl pkcs8 -topk8 -nocrypt -inform DER
/// -outform DER -out core/tests/data/jwt_rsa_issuer.pkcs8.der`
const RSA: [&[u8]; 2] =
    [include_bytes!("../data/jwt_rsa_issuer.pkcs8.der"), include_bytes!("../data/jwt_rsa_other.pkcs8.der")];

pub enum Signer {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Secret(Vec<u8>),
}

impl Signer {
    /// `which` is 0 for the issuer's key and 1 for a stranger's.
    pub fn new(algorithm: Algorithm, which: usize) -> Self {
        let random = SystemRandom::new();
        let ecdsa = |curve| {
            let document = EcdsaKeyPair::generate_pkcs8(curve, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(curve, document.as_ref(), &random).unwrap()
        };
        match algorithm {
            Algorithm::ES256 => Self::P256(ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)),
            Algorithm::ES384 => Self::P384(ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)),
            Algorithm::EdDSA => Self::Ed25519(
                Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref()).unwrap(),
            ),
            Algorithm::HS256 => Self::Secret(vec![b'a' + u8::try_from(which).unwrap(); 32]),
            _ => Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(RSA[which]).unwrap())),
        }
    }

    pub fn can(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa(_) => ALL[..4].contains(&algorithm),
            Self::P256(_) => algorithm == Algorithm::ES256,
            Self::P384(_) => algorithm == Algorithm::ES384,
            Self::Ed25519(_) => algorithm == Algorithm::EdDSA,
            Self::Secret(_) => algorithm == Algorithm::HS256,
        }
    }

    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let padding: &dyn signature::RsaEncoding = match algorithm {
                    Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
                    Algorithm::PS256 => &signature::RSA_PSS_SHA256,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signed = vec![0; key.public().modulus_len()];
                key.sign(padding, &random, message, &mut signed).unwrap();
                signed
            }
            Self::P256(key) | Self::P384(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::Secret(secret) => mac(secret, message),
        }
    }

    /// The RSA modulus.
    pub fn modulus(&self) -> Option<Vec<u8>> {
        let Self::Rsa(key) = self else { return None };
        Some(RsaPublicKeyComponents::<Vec<u8>>::from(key.public()).n)
    }

    /// The public key as a JWK; a shared secret has none.
    pub fn jwk(&self) -> Option<Value> {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        Some(match self {
            Self::Rsa(key) => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "n": text(&parts.n), "e": text(&parts.e), "kid": KID})
            }
            Self::P256(key) | Self::P384(key) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y), "kid": KID})
            }
            Self::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().as_ref()), "kid": KID})
            }
            Self::Secret(_) => return None,
        })
    }

    /// Every spelling of the public key that a library might take for a shared secret.
    pub fn public_spellings(&self) -> Vec<Vec<u8>> {
        let (prefix, key) = match self {
            Self::Rsa(key) => ("30820122300d06092a864886f70d01010105000382010f00", key.public_key().as_ref()),
            Self::P256(key) => ("3059301306072a8648ce3d020106082a8648ce3d030107034200", key.public_key().as_ref()),
            Self::P384(key) => ("3076301006072a8648ce3d020106052b81040022036200", key.public_key().as_ref()),
            Self::Ed25519(key) => ("302a300506032b6570032100", key.public_key().as_ref()),
            Self::Secret(_) => return Vec::new(),
        };
        let der = [&data_encoding::HEXLOWER.decode(prefix.as_bytes()).unwrap(), key].concat();
        let body = BASE64.encode(&der);
        let lines = |end: &str| {
            let wrapped: Vec<&str> =
                body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN PUBLIC KEY-----{end}{}{end}-----END PUBLIC KEY-----", wrapped.join(end))
        };
        let jwk = self.jwk().unwrap();
        let mut spellings = vec![
            lines("\n"),
            lines("\n") + "\n",
            lines("\r\n") + "\r\n",
            body.clone(),
            jwk.to_string(),
            serde_json::to_string_pretty(&jwk).unwrap(),
            json!({ "keys": [jwk] }).to_string(),
            KID.to_owned(),
            String::new(),
        ];
        spellings.extend(["n", "x"].iter().filter_map(|member| Some(jwk.get(member)?.as_str()?.to_owned())));
        spellings.into_iter().map(String::into_bytes).chain([key.to_vec(), der]).chain(self.modulus()).collect()
    }
}

pub fn mac(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
}

/// One algorithm, one key, as an issuer is configured.
pub struct Issuer {
    pub algorithm: Algorithm,
    pub signer: Signer,
    /// Of the same type as `signer`, and nobody's.
    pub stranger: Signer,
    pub keys: KeySet,
}

impl Issuer {
    pub fn new(algorithm: Algorithm) -> Self {
        let signer = Signer::new(algorithm, 0);
        let keys = match (&signer, signer.jwk()) {
            (Signer::Secret(secret), _) => KeySet::of_secret(VerifyingKey::from_secret(secret).unwrap()),
            (_, jwk) => KeySet::read(json!({ "keys": [jwk] }).as_object().unwrap()).unwrap(),
        };
        assert_eq!(keys.usable(&[algorithm]).len(), 1, "{algorithm:?}");
        Self { algorithm, signer, stranger: Signer::new(algorithm, 1), keys }
    }
}
