//! The root key and what is derived from it. Owns secrets; touches only ground.
//!
//! Where the root key comes from, first match wins: given in code, `TENANTRY_ROOT_KEY` (base64 or hex, 32 bytes),
//! `TENANTRY_ROOT_KEY_FILE`, else a file only its owner may read, made at first use under the user's configuration
//! folder. It never lies in the data folder, which keeps only [`Keyring::id`].

use std::{
    fmt, fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use ring::{
    aead,
    digest::{SHA256, digest},
    hkdf, hmac,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};

use crate::{
    config::{ROOT_KEY, ROOT_KEY_FILE, RootKey},
    disk, entropy,
    error::{Error, Result},
    scope::{Scope, Uid},
};

const KEY_BYTES: usize = 32;

/// Makes a root key that nobody else has.
pub fn new_root_key() -> Result<RootKey> {
    entropy::bytes().map(RootKey::new)
}

/// What a derived key is for: keys of different purposes have nothing in common.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Keyed hashes of content.
    ContentHash,
    /// Signing audit heads.
    AuditHead,
    /// Hashes of API keys and refresh tokens.
    Pepper,
    /// Sealing what the catalog keeps secret.
    Seal,
    /// Naming the counters of limits.
    LimitKey,
    /// Sealing the records of one journal file; the uid is the file's.
    Journal,
    /// Proving that rows of the catalog are ours.
    Rows,
    /// Hashing the ids of a scope's sessions.
    SessionId,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::ContentHash => b"tenantry content hash v1",
            Self::AuditHead => b"tenantry audit head v1",
            Self::Pepper => b"tenantry credential pepper v1",
            Self::Seal => b"tenantry seal v1",
            Self::LimitKey => b"tenantry limit key v1",
            Self::Journal => b"tenantry journal v1",
            Self::Rows => b"tenantry rows v1",
            Self::SessionId => b"tenantry session id v1",
        }
    }
}

/// Derives every key a scope needs from the one root key (HKDF-SHA256, RFC 5869).
#[derive(Clone)]
pub struct Keyring {
    root: RootKey,
    id: Arc<str>,
    place: Place,
}

/// Where a root key is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Given in code, or made for this process alone.
    Given,
    /// `TENANTRY_ROOT_KEY`.
    Variable,
    /// The file that `TENANTRY_ROOT_KEY_FILE` names.
    NamedFile(PathBuf),
    /// The file below the user's configuration folder, which is made at first use.
    OwnFile(PathBuf),
}

impl Place {
    /// Where the root key is looked for when code gives none; makes nothing.
    pub fn find() -> Result<Self> {
        if ROOT_KEY.text(ROOT_KEY.value())?.is_some() {
            return Ok(Self::Variable);
        }
        match ROOT_KEY_FILE.path(ROOT_KEY_FILE.value()) {
            Some(path) => Ok(Self::NamedFile(path)),
            None => config_folder().map(|folder| Self::OwnFile(folder.join("root.key"))),
        }
    }

    /// The file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::NamedFile(path) | Self::OwnFile(path) => Some(path),
            Self::Given | Self::Variable => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("given in code"),
            Self::Variable => f.write_str("in TENANTRY_ROOT_KEY"),
            Self::NamedFile(path) => write!(f, "in `{}`, which TENANTRY_ROOT_KEY_FILE names", path.display()),
            Self::OwnFile(path) => write!(f, "in `{}`", path.display()),
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({})", self.id)
    }
}

impl Keyring {
    /// A keyring over a given root key.
    #[must_use]
    pub fn new(root: RootKey) -> Self {
        let mut labelled = b"tenantry root key id v1".to_vec();
        labelled.extend_from_slice(root.bytes());
        let id = data_encoding::HEXLOWER.encode(digest(&SHA256, &labelled).as_ref().get(..8).unwrap_or_default());
        Self { root, id: id.into(), place: Place::Given }
    }

    /// A keyring that is gone with its last handle.
    pub fn ephemeral() -> Result<Self> {
        new_root_key().map(Self::new)
    }

    /// Finds or makes the root key as the module's text says.
    pub fn open(given: Option<RootKey>) -> Result<Self> {
        if let Some(secret) = given {
            return Ok(Self::new(secret));
        }
        let place = Place::find()?;
        let secret = match &place {
            Place::OwnFile(path) => find_or_make(path)?,
            _ => from_environment()?.ok_or_else(|| Error::internal("the root key is gone from the environment"))?,
        };
        Ok(Self { place, ..Self::new(secret) })
    }

    /// Where the root key is kept.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Names the root key without telling it; a data folder remembers this and refuses another key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    fn derive(&self, uid: Uid, purpose: Purpose) -> Result<[u8; KEY_BYTES]> {
        struct Length;
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                KEY_BYTES
            }
        }
        let info = [purpose.label(), uid.as_bytes().as_slice()];
        let mut key = [0; KEY_BYTES];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"tenantry")
            .extract(self.root.bytes())
            .expand(&info, Length)
            .and_then(|okm| okm.fill(&mut key))
            .map_err(|_| Error::internal("key derivation failed"))?;
        Ok(key)
    }

    /// A key for hashes that only this scope can compare.
    pub fn hasher(&self, scope: &Scope) -> Result<Hasher> {
        Ok(Hasher(hmac::Key::new(hmac::HMAC_SHA256, &self.derive(scope.uid(), Purpose::ContentHash)?)))
    }

    /// What names the counters of limits by the texts of callers.
    pub fn limit_hasher(&self) -> Result<Hasher> {
        Ok(Hasher(hmac::Key::new(hmac::HMAC_SHA256, &self.derive(Uid::PLATFORM, Purpose::LimitKey)?)))
    }

    /// What hashes credentials of this installation.
    pub fn pepper(&self) -> Result<Pepper> {
        Ok(Pepper(hmac::Key::new(hmac::HMAC_SHA256, &self.derive(Uid::PLATFORM, Purpose::Pepper)?)))
    }

    /// What seals the secrets of this installation's catalog.
    pub fn sealer(&self) -> Result<Sealer> {
        aead::UnboundKey::new(&aead::AES_256_GCM, &self.derive(Uid::PLATFORM, Purpose::Seal)?)
            .map(|key| Sealer(Arc::new(aead::LessSafeKey::new(key))))
            .map_err(|_| Error::internal("a sealing key could not be derived"))
    }

    /// What seals the records of one journal file: another file's records, or its own at another place, do not open.
    pub fn journal(&self, file: Uid) -> Result<JournalKey> {
        aead::UnboundKey::new(&aead::AES_256_GCM, &self.derive(file, Purpose::Journal)?)
            .map(|key| JournalKey(aead::LessSafeKey::new(key)))
            .map_err(|_| Error::internal("a journal's key could not be derived"))
    }

    /// What proves that rows of this installation's catalog were written by who holds the root key.
    pub fn row_key(&self) -> Result<RowKey> {
        Ok(RowKey(hmac::Key::new(hmac::HMAC_SHA256, &self.derive(Uid::PLATFORM, Purpose::Rows)?)))
    }

    /// What hashes the ids of a scope's sessions, so that the disk does not tell them.
    pub fn session_hasher(&self, scope: Uid) -> Result<Hasher> {
        Ok(Hasher(hmac::Key::new(hmac::HMAC_SHA256, &self.derive(scope, Purpose::SessionId)?)))
    }

    /// The key that signs a scope's audit heads.
    pub fn signer(&self, scope: &Scope) -> Result<Signer> {
        Ed25519KeyPair::from_seed_unchecked(&self.derive(scope.uid(), Purpose::AuditHead)?)
            .map(Signer)
            .map_err(|_| Error::internal("a signing key could not be derived"))
    }
}

/// Hashes credentials so that a stolen catalog holds nothing that can be presented, or tested without the root key.
/// One HMAC is enough: what is hashed has 256 random bits (RFC 2104).
#[derive(Clone)]
pub struct Pepper(hmac::Key);

impl Pepper {
    /// HMAC-SHA256 of the credential.
    #[must_use]
    pub fn tag(&self, text: &[u8]) -> [u8; KEY_BYTES] {
        let mut tag = [0; KEY_BYTES];
        tag.copy_from_slice(hmac::sign(&self.0, text).as_ref());
        tag
    }

    /// Whether `tag` is the credential's, in constant time.
    #[must_use]
    pub fn check(&self, text: &[u8], tag: &[u8; KEY_BYTES]) -> bool {
        hmac::verify(&self.0, text, tag).is_ok()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

/// Seals what the catalog must keep but never show (AES-256-GCM, NIST SP 800-38D, a random nonce each).
#[derive(Clone)]
pub struct Sealer(Arc<aead::LessSafeKey>);

impl Sealer {
    /// The sealed form, base64url; `name` is bound to it, so that one row's secret cannot be moved to another.
    pub fn seal(&self, name: &str, secret: &[u8]) -> Result<String> {
        let nonce: [u8; aead::NONCE_LEN] = entropy::bytes()?;
        let mut sealed = secret.to_vec();
        self.0
            .seal_in_place_append_tag(
                aead::Nonce::assume_unique_for_key(nonce),
                aead::Aad::from(name.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| Error::internal("a secret could not be sealed"))?;
        Ok(data_encoding::BASE64URL_NOPAD.encode(&[nonce.as_slice(), &sealed].concat()))
    }

    /// Reads [`Sealer::seal`].
    pub fn open(&self, name: &str, sealed: &str) -> Result<Vec<u8>> {
        let wrong = || Error::data("store_corrupt", "a sealed secret cannot be opened");
        let bytes = data_encoding::BASE64URL_NOPAD.decode(sealed.as_bytes()).map_err(|_| wrong())?;
        let (nonce, sealed) = bytes.split_at_checked(aead::NONCE_LEN).ok_or_else(wrong)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut secret = sealed.to_vec();
        let length =
            self.0.open_in_place(nonce, aead::Aad::from(name.as_bytes()), &mut secret).map_err(|_| wrong())?.len();
        secret.truncate(length);
        Ok(secret)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// Seals journal records, each at its place (AES-256-GCM, NIST SP 800-38D). A place is written once, and a file's key is no other
/// file's: so the place is the nonce.
pub struct JournalKey(aead::LessSafeKey);

impl JournalKey {
    /// Bytes that a sealed record is longer.
    pub const TAG: usize = 16;

    fn nonce(place: u64) -> aead::Nonce {
        let mut nonce = [0; aead::NONCE_LEN];
        for (into, from) in nonce.iter_mut().zip(place.to_be_bytes()) {
            *into = from;
        }
        aead::Nonce::assume_unique_for_key(nonce)
    }

    /// Seals `secret` in place; `open` is bound to it and stays readable. The tag that goes with it.
    pub fn seal(&self, place: u64, open: &[u8], secret: &mut [u8]) -> Result<[u8; Self::TAG]> {
        let tag = self.0.seal_in_place_separate_tag(Self::nonce(place), aead::Aad::from(open), secret);
        tag.ok()
            .and_then(|tag| tag.as_ref().try_into().ok())
            .ok_or_else(|| Error::internal("a journal record could not be sealed"))
    }

    /// What [`JournalKey::seal`] sealed at this place, with its tag behind it; none when that is not so.
    #[must_use]
    pub fn open(&self, place: u64, open: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = sealed.to_vec();
        let length = self.0.open_in_place(Self::nonce(place), aead::Aad::from(open), &mut bytes).ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    }
}

impl fmt::Debug for JournalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JournalKey(..)")
    }
}

/// Proves rows (HMAC-SHA256, RFC 2104), over the table and every field.
#[derive(Clone)]
pub struct RowKey(hmac::Key);

impl RowKey {
    /// What goes beside the row.
    #[must_use]
    pub fn tag(&self, table: &str, fields: &[&[u8]]) -> [u8; KEY_BYTES] {
        let mut tag = [0; KEY_BYTES];
        tag.copy_from_slice(hmac::sign(&self.0, &statement(table, fields)).as_ref());
        tag
    }

    /// Whether the row is ours, in constant time.
    #[must_use]
    pub fn check(&self, table: &str, fields: &[&[u8]], tag: &[u8]) -> bool {
        hmac::verify(&self.0, &statement(table, fields), tag).is_ok()
    }
}

/// Every field with its length before it: no two rows have one statement.
fn statement(table: &str, fields: &[&[u8]]) -> Vec<u8> {
    let mut statement = Vec::new();
    for field in std::iter::once(table.as_bytes()).chain(fields.iter().copied()) {
        statement.extend_from_slice(&(field.len() as u64).to_be_bytes());
        statement.extend_from_slice(field);
    }
    statement
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowKey(..)")
    }
}

/// Computes keyed hashes: equal for equal content inside one scope, meaningless elsewhere.
#[derive(Clone)]
pub struct Hasher(hmac::Key);

impl Hasher {
    /// HMAC-SHA256 of `content`, hexadecimal, cut to 128 bits.
    #[must_use]
    pub fn hash(&self, content: &str) -> String {
        let tag = hmac::sign(&self.0, content.as_bytes());
        data_encoding::HEXLOWER.encode(tag.as_ref().get(..16).unwrap_or_default())
    }
}

impl Hasher {
    /// HMAC-SHA256 of the concatenation of `parts`, cut to 128 bits. The caller sees to it that no two lists of parts that
    /// differ come to the same text.
    #[must_use]
    pub fn short<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.0);
        parts.into_iter().for_each(|part| context.update(part));
        let mut short = [0; 16];
        short.copy_from_slice(context.sign().as_ref().get(..16).unwrap_or(&[0; 16]));
        short
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher(..)")
    }
}

/// Signs and checks statements of one scope (Ed25519).
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// The signature, base64url.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> String {
        data_encoding::BASE64URL_NOPAD.encode(self.0.sign(message).as_ref())
    }

    /// Whether `signature` is ours.
    #[must_use]
    pub fn check(&self, message: &[u8], signature: &str) -> bool {
        data_encoding::BASE64URL_NOPAD.decode(signature.as_bytes()).is_ok_and(|signature| {
            UnparsedPublicKey::new(&ED25519, self.0.public_key().as_ref()).verify(message, &signature).is_ok()
        })
    }
}

/// The root key that the variables name, if they do.
pub fn from_environment() -> Result<Option<RootKey>> {
    if let Some(text) = ROOT_KEY.text(ROOT_KEY.value())? {
        return RootKey::parse_from(&text, &Place::Variable).map(Some);
    }
    ROOT_KEY_FILE.path(ROOT_KEY_FILE.value()).map(|path| read_key(&path, Place::NamedFile(path.clone()))).transpose()
}

fn config_folder() -> Result<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    var("XDG_CONFIG_HOME")
        .or_else(|| var("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("tenantry"))
        .ok_or_else(|| {
            Error::unavailable("root_key_unavailable", "there is no configuration folder to keep a root key in")
                .with_help("set TENANTRY_ROOT_KEY, TENANTRY_ROOT_KEY_FILE or HOME")
        })
}

fn read_key(path: &Path, place: Place) -> Result<RootKey> {
    if matches!(disk::keeps_a_secret(path), Ok(false)) {
        let text = format!("the root key file `{}` is open to others than its owner", path.display());
        return Err(Error::invalid("root_key_exposed", text)
            .with_help("`chmod 600` it, and make another key if somebody may have read this one"));
    }
    let text = fs::read_to_string(path).map_err(|error| {
        Error::unavailable("root_key_unavailable", format!("the root key file `{}` cannot be read", path.display()))
            .with_help("set TENANTRY_ROOT_KEY, or TENANTRY_ROOT_KEY_FILE to a file that can be read")
            .with_source(error)
    })?;
    RootKey::parse_from(&text, &place)
}

/// Reads the key, or makes it in one step that two processes cannot both win.
fn find_or_make(path: &Path) -> Result<RootKey> {
    if path.exists() {
        return read_key(path, Place::OwnFile(path.to_owned()));
    }
    let cannot = |error: std::io::Error| {
        Error::unavailable("root_key_unavailable", format!("no root key can be kept at `{}`", path.display()))
            .with_help("set TENANTRY_ROOT_KEY or TENANTRY_ROOT_KEY_FILE")
            .with_source(error)
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    disk::make_folder(folder).map_err(cannot)?;
    let secret = new_root_key()?;
    let draft = folder.join(format!("root.key.{}.{}", std::process::id(), crate::scope::Uid::random()?.to_hex()));
    let written = disk::create_new(&draft).and_then(|mut file| {
        writeln!(file, "{}", data_encoding::HEXLOWER.encode(secret.bytes()))?;
        file.sync_all()
    });
    // A hard link fails when the name is taken, so the first of several processes wins and the others read its key.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => Ok(secret),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            read_key(path, Place::OwnFile(path.to_owned()))
        }
        Err(error) => Err(cannot(error)),
    }
}
