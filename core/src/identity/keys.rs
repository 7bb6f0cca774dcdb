//! API keys: how they read, how they are checked, and where the ones in use are kept. Owns the format and the cache;
//! touches only ground.
//!
//! A key reads `prefix_id_secret`: 24 characters of id, of which the last 8 prove that we made it, then 52 of secret and 7
//! of checksum. The catalog keeps HMAC-SHA256 of id and secret under a pepper from the keyring: the secret has 256 random
//! bits, so a slow hash would only help whoever floods us. Because an id proves itself, one we never made costs no look
//! at the store; because every check does the same work, its time tells an unknown id from a wrong secret to nobody.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use data_encoding::BASE32_DNSSEC as BASE32;
use parking_lot::RwLock;
use ring::digest::{SHA256, digest};

use super::verified::Verified;
use crate::{
    entropy,
    error::{Error, Result},
    keyring::Pepper,
};

const ID: usize = 24;
const ID_RANDOM: usize = 16;
const SECRET: usize = 52;
const CHECKSUM: usize = 7;
const MAX_PREFIX: usize = 16;
/// The longest text that can be a key, here or elsewhere.
const MAX_KEY: usize = 512;
/// How many characters of a key may be shown.
const SHOWN: usize = 16;

/// A key as it was presented, taken apart.
pub struct Parts<'a> {
    /// Names the key.
    pub id: &'a str,
    /// What the tag covers: id and secret.
    pub proof: &'a [u8],
}

/// A fresh key.
pub struct Fresh {
    /// The whole text, to be shown once.
    pub text: String,
    /// Names it.
    pub id: String,
    /// What is kept of it.
    pub tag: [u8; 32],
}

/// Refuses prefixes that could not be told from the rest of a key.
pub fn check_prefix(prefix: &str) -> Result<()> {
    let starts = prefix.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    let rest = prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if starts && rest && (2..=MAX_PREFIX).contains(&prefix.len()) && !prefix.ends_with('_') {
        return Ok(());
    }
    Err(Error::invalid("key_prefix_invalid", "the prefix of a key is not acceptable")
        .with_help("2 to 16 of `a-z`, `0-9` and `_`, starting with a letter and not ending with `_`"))
}

/// What an id is for: one of the one is none of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdOf {
    /// An API key.
    Key,
    /// A refresh token.
    Refresh,
}

fn id_proof(pepper: &Pepper, of: IdOf, random: &[u8]) -> String {
    let purpose: &[u8] = match of {
        IdOf::Key => b"id:",
        IdOf::Refresh => b"refresh id:",
    };
    let tag = pepper.tag(&[purpose, random].concat());
    BASE32.encode(tag.get(..5).unwrap_or_default())
}

/// Makes a key that starts with `prefix`.
pub fn make(prefix: &str, of: IdOf, pepper: &Pepper) -> Result<Fresh> {
    let mut id = BASE32.encode(&entropy::bytes::<10>()?);
    id.push_str(&id_proof(pepper, of, id.as_bytes()));
    let body = format!("{id}_{}", BASE32.encode(&entropy::bytes::<32>()?));
    let start = format!("{prefix}_{body}");
    let text = format!("{start}{}", checksum(start.as_bytes()));
    Ok(Fresh { tag: pepper.tag(body.as_bytes()), text, id })
}

fn checksum(start: &[u8]) -> String {
    BASE32.encode(&crc32fast::hash(start).to_be_bytes())
}

/// Takes a key of ours apart; none when it is not one, or mistyped.
#[must_use]
pub fn parse(text: &str) -> Option<Parts<'_>> {
    let start = text.len().checked_sub(CHECKSUM)?;
    let (start, sum) = (text.as_bytes().get(..start)?, text.as_bytes().get(start..)?);
    let body = start.len().checked_sub(ID + 1 + SECRET)?;
    let (prefix, proof) = (start.get(..body)?, start.get(body..)?);
    let well_formed = proof.get(ID) == Some(&b'_')
        && prefix.last() == Some(&b'_')
        && prefix.len() <= MAX_PREFIX + 1
        && checksum(start).as_bytes() == sum;
    let id = std::str::from_utf8(proof.get(..ID)?).ok()?;
    well_formed.then_some(Parts { id, proof })
}

impl Parts<'_> {
    /// Whether id and secret come to `tag`, in constant time.
    #[must_use]
    pub fn proves(&self, pepper: &Pepper, tag: &[u8; 32]) -> bool {
        pepper.check(self.proof, tag)
    }

    /// Whether we made this id, whatever became of its key.
    #[must_use]
    pub fn is_ours(&self, of: IdOf, pepper: &Pepper) -> bool {
        let (random, proof) = self.id.as_bytes().split_at_checked(ID_RANDOM).unwrap_or_default();
        same(id_proof(pepper, of, random).as_bytes(), proof)
    }
}

/// How a key starts, for people to find it by.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// Shannon's clients write `sk-shannon-X` for `sk_X`, and `sk-shannon-sk_X` for the same (`docs/wire/identity.md`).
#[must_use]
pub fn normalised(text: &str) -> std::borrow::Cow<'_, str> {
    let text = text.trim();
    match text.strip_prefix("sk-shannon-") {
        Some(rest) if rest.starts_with("sk_") => rest.into(),
        Some(rest) => format!("sk_{rest}").into(),
        None => text.into(),
    }
}

/// SHA-256 of a key another system made, hexadecimal, as that system keeps it.
#[must_use]
pub fn foreign_hash(text: &str) -> Option<String> {
    (8..=MAX_KEY)
        .contains(&text.len())
        .then(|| data_encoding::HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref()))
}

/// Whether a text is the id of a key of this installation, whatever became of the key: no subject may be one.
#[must_use]
pub fn is_id(pepper: &Pepper, text: &str) -> bool {
    let imported = text
        .strip_prefix("imported")
        .is_some_and(|rest| rest.len() == ID_RANDOM && BASE32.decode(rest.as_bytes()).is_ok());
    imported || (text.len() == ID && Parts { id: text, proof: &[] }.is_ours(IdOf::Key, pepper))
}

/// Names an imported key without telling its hash.
#[must_use]
pub fn import_id(pepper: &Pepper, sha256: &str) -> String {
    let tag = pepper.tag(&[b"import:", sha256.as_bytes()].concat());
    format!("imported{}", BASE32.encode(tag.get(..10).unwrap_or_default()))
}

/// A key in use.
pub struct CachedKey {
    /// Names it.
    pub id: String,
    /// What its proof must come to; of an imported key, of its hash.
    pub tag: [u8; 32],
    /// Who it is.
    pub verified: Arc<Verified>,
    /// When it was last used, microseconds since 1970.
    pub used_at: AtomicI64,
}

const SETS: usize = 4_096;
const WAYS: usize = 4;

/// A place in the cache; all zeroes when empty, which no id is equal to.
#[derive(Clone)]
struct Slot {
    id: [u8; ID],
    tag: [u8; 32],
    known: Option<Arc<CachedKey>>,
}

impl Slot {
    const EMPTY: Self = Self { id: [0; ID], tag: [0; 32], known: None };
}

/// Keys in use: a cache of fixed size in which a look costs the same whether the key is there or not.
pub struct KeyCache {
    sets: Box<[RwLock<[Slot; WAYS]>]>,
    hasher: foldhash::quality::RandomState,
    pepper: Pepper,
}

/// What a look at the cache came to.
pub enum Lookup {
    /// The key is good.
    Good(Arc<CachedKey>),
    /// The id is known and the secret is wrong, or it is no id of ours.
    Bad,
    /// The id is ours, and not in the cache.
    Absent,
}

impl KeyCache {
    /// An empty cache.
    pub fn new(pepper: Pepper) -> Self {
        Self {
            sets: (0..SETS).map(|_| RwLock::new([const { Slot::EMPTY }; WAYS])).collect(),
            hasher: foldhash::quality::RandomState::default(),
            pepper,
        }
    }

    /// The pepper of this installation.
    pub const fn pepper(&self) -> &Pepper {
        &self.pepper
    }

    fn set(&self, id: &str) -> Option<&RwLock<[Slot; WAYS]>> {
        use std::hash::BuildHasher as _;
        let place = usize::try_from(self.hasher.hash_one(id) % SETS as u64).unwrap_or_default();
        self.sets.get(place)
    }

    /// Checks a key. All of it is done whatever is found: the way to the answer must not tell.
    pub fn check(&self, parts: &Parts<'_>) -> Lookup {
        let (present, tag) = self.tag_of(parts.id);
        let good = self.pepper.check(parts.proof, &tag) & present;
        let ours = parts.is_ours(IdOf::Key, &self.pepper);
        if good {
            // Forgotten in between: the store knows best.
            return self.get(parts.id).map_or(Lookup::Absent, Lookup::Good);
        }
        if ours & !present { Lookup::Absent } else { Lookup::Bad }
    }

    /// A key that was read, if this proof is its own. As much is done where none was found.
    #[must_use]
    pub fn proven(&self, found: Option<Arc<CachedKey>>, proof: &[u8]) -> Option<Arc<CachedKey>> {
        let tag = found.as_ref().map_or([0; 32], |known| known.tag);
        let good = self.pepper.check(proof, &tag);
        found.filter(|_| good)
    }

    /// The tag of a key and whether there is one: every way is compared whole, and chosen by masks.
    fn tag_of(&self, id: &str) -> (bool, [u8; 32]) {
        let mut tag = [0; 32];
        let mut present = 0_u8;
        let Some(set) = self.set(id) else { return (false, tag) };
        for way in set.read().iter() {
            let hit = u8::from(same(&way.id, id.as_bytes()));
            // The compiler sees 0 or 1 here and would gladly skip what an empty mask leaves as it is.
            let mask = std::hint::black_box(0_u8.wrapping_sub(hit));
            present |= hit;
            tag.iter_mut().zip(&way.tag).for_each(|(byte, own)| *byte |= own & mask);
        }
        (present != 0, tag)
    }

    /// A key that is in the cache.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<CachedKey>> {
        let set = self.set(id)?.read();
        set.iter().find(|way| same(&way.id, id.as_bytes())).and_then(|way| way.known.clone())
    }

    /// Keeps a key, in place of one that was there by chance. Returns that one: its last use may not be written down yet. Of
    /// several who load one key at once the last one's stays, with the newest use of all.
    pub fn keep(&self, known: Arc<CachedKey>) -> Option<Arc<CachedKey>> {
        let id = <[u8; ID]>::try_from(known.id.as_bytes()).ok()?;
        let mut set = self.set(&known.id)?.write();
        let place = set.iter().position(|way| way.id == id);
        let place = place.or_else(|| set.iter().position(|way| way.known.is_none()));
        let place = place.unwrap_or_else(|| usize::from(known.tag.first().copied().unwrap_or_default()) % WAYS);
        let way = set.get_mut(place)?;
        let before = std::mem::replace(way, Slot { id, tag: known.tag, known: Some(Arc::clone(&known)) });
        let displaced = before.known?;
        if displaced.id != known.id {
            return Some(displaced);
        }
        known.used_at.fetch_max(displaced.used_at.load(Ordering::Relaxed), Ordering::Relaxed);
        None
    }

    /// Remembers that nothing is behind an id of ours, so that asking again costs no look at the store either.
    pub fn bury(&self, id: &str) {
        let (Ok(id_bytes), Some(set)) = (<[u8; ID]>::try_from(id.as_bytes()), self.set(id)) else { return };
        let mut set = set.write();
        let place = set.iter().position(|way| way.known.is_none()).unwrap_or_default();
        if set.iter().all(|way| way.id != id_bytes)
            && let Some(way) = set.get_mut(place)
        {
            // No secret comes to this tag: it is not what HMAC gives for any text anybody can find.
            *way = Slot { id: id_bytes, tag: [0; 32], known: None };
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.sets.iter().for_each(|set| *set.write() = [const { Slot::EMPTY }; WAYS]);
    }

    /// Forgets a key that changed.
    pub fn forget(&self, id: &str) {
        let Some(set) = self.set(id) else { return };
        for way in set.write().iter_mut().filter(|way| way.id == id.as_bytes()) {
            *way = Slot::EMPTY;
        }
    }

    /// Every key that was used after `since`, for writing that down.
    #[must_use]
    pub fn used_since(&self, since: i64) -> Vec<(String, i64)> {
        let mut used = Vec::new();
        for set in &self.sets {
            for known in set.read().iter().filter_map(|way| way.known.as_ref()) {
                let at = known.used_at.load(Ordering::Relaxed);
                if at > since {
                    used.push((known.id.clone(), at));
                }
            }
        }
        used
    }
}

/// Equality whose time depends on the lengths alone.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0_u8, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keyring::Keyring;

    fn pepper() -> Pepper {
        Keyring::ephemeral().unwrap().pepper().unwrap()
    }

    #[test]
    fn a_key_is_taken_apart_as_it_was_made_and_a_mistyped_one_is_not() {
        let pepper = pepper();
        let fresh = make("hf_sk", IdOf::Key, &pepper).unwrap();
        assert!(fresh.text.starts_with("hf_sk_"));
        let parts = parse(&fresh.text).unwrap();
        assert_eq!(parts.id, fresh.id);
        assert!(parts.is_ours(IdOf::Key, &pepper) && pepper.check(parts.proof, &fresh.tag));
        assert!(!parts.is_ours(IdOf::Refresh, &pepper), "an id is for one thing only");
        for place in 0..fresh.text.len() {
            let mut text = fresh.text.clone().into_bytes();
            text[place] ^= 1;
            assert!(parse(std::str::from_utf8(&text).unwrap()).is_none(), "{place}");
        }
        assert!(!parts.is_ours(IdOf::Key, &self::pepper()), "another installation did not make it");
    }

    #[test]
    fn both_spellings_of_a_shannon_key_are_one() {
        for text in ["sk_abc", "sk-shannon-abc", "sk-shannon-sk_abc", "  sk_abc "] {
            assert_eq!(normalised(text), "sk_abc");
        }
    }

    #[test]
    fn prefixes_of_the_public_clients_are_fine_and_odd_ones_are_not() {
        for prefix in ["tnt_sk", "zid_sk", "hf_sk", "hfa"] {
            check_prefix(prefix).unwrap();
        }
        for prefix in ["", "a", "A_k", "9k", "key_", "a-b", "aaaaaaaaaaaaaaaaa"] {
            assert!(check_prefix(prefix).is_err(), "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused(text in "\\PC{0,120}") {
            let _ = parse(&text);
            let _ = normalised(&text);
        }
    }
}
