//! A JWK set: which of its keys verify tokens, which one a token means, and why the others are left out. Owns that; touches only
//! `api`, `error` and the keys above it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{ASYMMETRIC, MAX_KID, VerifyingKey, given, shown};
use crate::{
    api::Algorithm,
    error::{Error, Result},
};

/// Most keys one set may have. Real sets have a handful; a longer one is a mistake or an attack.
pub const MAX_KEYS: usize = 100;

/// One key of a set.
struct Named {
    kid: Option<String>,
    key: Arc<VerifyingKey>,
    /// What it is called in words: by its `kid`, or by its place.
    name: String,
}

/// The keys of a set that verify tokens.
pub struct KeySet {
    keys: Vec<Named>,
    skipped: Vec<String>,
}

/// What a set answers to a token.
pub enum Found {
    /// The key it means.
    Key(Arc<VerifyingKey>),
    /// None that fits.
    None,
    /// Different keys, each of which it could mean.
    Many,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517 section 5).
    ///
    /// As the RFC asks, keys we cannot use are left out: for encryption, of unknown types, with private members. Each is told
    /// by [`KeySet::skipped`]. One key that stands there twice is one key. Different keys may share a `kid`, as long as the
    /// algorithm tells which one a token means.
    ///
    /// # Errors
    /// `jwks_invalid` when `keys` is no list or has more than 100 entries.
    pub fn read(jwks: &Map<String, Value>) -> Result<Self> {
        let Some(listed) = given(jwks, "keys") else {
            let error = Error::invalid("jwks_invalid", "a key set has no list `keys`");
            return Err(match given(jwks, "kty") {
                Some(_) => error.with_help("this is one key; a set is `{\"keys\": [...]}`"),
                None => error,
            });
        };
        let Value::Array(listed) = listed else {
            return Err(Error::invalid("jwks_invalid", "the `keys` of a key set are no list"));
        };
        if listed.len() > MAX_KEYS {
            let message = format!("a key set has {} keys, more than {MAX_KEYS}", listed.len());
            return Err(Error::invalid("jwks_invalid", message));
        }
        let mut set = Self { keys: Vec::new(), skipped: Vec::new() };
        for (place, jwk) in listed.iter().enumerate() {
            set.take(place + 1, jwk);
        }
        set.tell_ambiguous();
        Ok(set)
    }

    /// A set of one secret, which every token of its issuer means.
    #[must_use]
    pub fn of_secret(key: VerifyingKey) -> Self {
        let key = Named { kid: None, key: Arc::new(key), name: "the secret".into() };
        Self { keys: vec![key], skipped: Vec::new() }
    }

    fn take(&mut self, place: usize, jwk: &Value) {
        let Value::Object(jwk) = jwk else {
            self.skipped.push(format!("key {place} is no object"));
            return;
        };
        let (kid, name) = match given(jwk, "kid") {
            None => (None, format!("key {place}, which has no `kid`")),
            Some(Value::String(kid)) if kid.len() <= MAX_KID => (Some(kid.clone()), format!("key `{}`", shown(kid))),
            Some(Value::String(kid)) => {
                self.skipped.push(format!("key {place}: its `kid` has {} bytes, more than {MAX_KID}", kid.len()));
                return;
            }
            Some(_) => {
                self.skipped.push(format!("key {place}: its `kid` is no text"));
                return;
            }
        };
        match VerifyingKey::from_jwk(jwk) {
            Ok(key) => {
                let same = |own: &Named| own.kid == kid && own.key.only == key.only && own.key.is_same_key(&key);
                if !self.keys.iter().any(same) {
                    self.keys.push(Named { kid, key: Arc::new(key), name });
                }
            }
            Err(error) => {
                let (_, reason) = error.message().split_once(": ").unwrap_or(("", error.message()));
                self.skipped.push(format!("{name}: {reason}"));
            }
        }
    }

    /// Says which keys no token can mean, since another one has the same name and verifies the same.
    fn tell_ambiguous(&mut self) {
        for (place, later) in self.keys.iter().enumerate() {
            let Some(kid) = &later.kid else { continue };
            let earlier = self.keys.iter().take(place).filter(|key| key.kid.as_ref() == Some(kid));
            let mut different = earlier.filter(|key| !key.key.is_same_key(&later.key));
            let both = |key: &Named| ASYMMETRIC.into_iter().find(|one| key.key.fits(*one) && later.key.fits(*one));
            if let Some(algorithm) = different.find_map(both) {
                self.skipped.push(format!(
                    "{}: ambiguous, for another key of the set has the same `kid` and verifies {algorithm:?}, too",
                    later.name
                ));
            }
        }
    }

    /// What the keys are called that verify tokens signed by one of these algorithms.
    #[must_use]
    pub fn usable(&self, algorithms: &[Algorithm]) -> Vec<String> {
        self.keys.iter().filter(|key| self.is_usable(key, algorithms)).map(|key| key.name.clone()).collect()
    }

    /// Which keys verify no token signed by one of these algorithms, and why: a line each.
    #[must_use]
    pub fn skipped(&self, algorithms: &[Algorithm]) -> Vec<String> {
        let unfit = |named: &&Named| !algorithms.iter().any(|algorithm| named.key.fits(*algorithm));
        let told = |named: &Named| format!("{}: it verifies none of the `algorithms` taken", named.name);
        self.skipped.iter().cloned().chain(self.keys.iter().filter(unfit).map(told)).collect()
    }

    fn is_usable(&self, named: &Named, algorithms: &[Algorithm]) -> bool {
        algorithms.iter().filter(|algorithm| named.key.fits(**algorithm)).any(|algorithm| {
            let meant = self.keys.iter().filter(|other| other.kid == named.kid && other.key.fits(*algorithm));
            named.kid.is_none() || one_of(meant.map(|other| &other.key)).is_some()
        })
    }

    /// The key that a token with this `kid` means. One without gets the only key that `fits`; keys that share a name are told
    /// apart the same way. A single key of that name is answered whether or not it fits: its caller can say why not.
    #[must_use]
    pub fn find(&self, kid: Option<&str>, fits: &impl Fn(&VerifyingKey) -> bool) -> Found {
        let Some(kid) = kid else { return only(self.keys.iter().map(|named| &named.key), fits) };
        let mut named = self.keys.iter().filter(|named| named.kid.as_deref() == Some(kid)).map(|named| &named.key);
        match (named.next(), named.next()) {
            (None, _) => Found::None,
            (Some(key), None) => Found::Key(Arc::clone(key)),
            (Some(first), Some(second)) => only([first, second].into_iter().chain(named), fits),
        }
    }

    /// As [`KeySet::find`] among keys that somebody gave us: one without a `kid` may be meant by any name.
    #[must_use]
    pub fn find_given(&self, kid: Option<&str>, fits: &impl Fn(&VerifyingKey) -> bool) -> Found {
        match self.find(kid, fits) {
            Found::None => only(self.keys.iter().filter(|named| named.kid.is_none()).map(|named| &named.key), fits),
            found => found,
        }
    }
}

fn only<'a>(keys: impl Iterator<Item = &'a Arc<VerifyingKey>>, fits: &impl Fn(&VerifyingKey) -> bool) -> Found {
    let mut fitting = keys.filter(|key| fits(key)).peekable();
    match (fitting.peek().is_some(), one_of(fitting)) {
        (_, Some(key)) => Found::Key(Arc::clone(key)),
        (false, None) => Found::None,
        (true, None) => Found::Many,
    }
}

/// The one key all of these are, if there is any and they are one.
fn one_of<'a>(mut keys: impl Iterator<Item = &'a Arc<VerifyingKey>>) -> Option<&'a Arc<VerifyingKey>> {
    let first = keys.next()?;
    keys.all(|key| key.is_same_key(first)).then_some(first)
}
