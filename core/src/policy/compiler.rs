//! Compiles policy sets. Owns what is shared of them: a set between scopes with equal layers, a text between sets.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use ring::digest::{Context as Digest, SHA256};

use super::{
    PolicySet, Text, all_rules, bounds, is_baseline,
    load::{self, LoadedRule},
    retired_actions,
    source::Source,
    validate::{self, ByHand},
};
use crate::{
    api::{Mode, PolicyReceipt, PolicySpec},
    context_keys::{ContextKey, Provenance},
    error::{Error, Result},
    scope::Uid,
};

/// Compiles policy sets. Equal sets are shared, and equal texts of different sets.
#[derive(Default)]
pub struct Compiler {
    sets: Mutex<Shared<PolicySet>>,
    texts: Mutex<Shared<Text>>,
    // Keeps what `put` has just compiled until the next call takes it up: the newest of each account, so that one that puts
    // again and again holds no more than others.
    recent: Mutex<VecDeque<(Uid, Arc<PolicySet>)>>,
}

const RECENT: usize = 64;

/// What somebody holds, by its digest.
struct Shared<T> {
    held: HashMap<[u8; 32], Weak<T>>,
    /// At how many what nobody holds any more is forgotten.
    sweep_at: usize,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { held: HashMap::new(), sweep_at: 1024 }
    }
}

impl<T> Shared<T> {
    fn get(&self, key: &[u8; 32]) -> Option<Arc<T>> {
        self.held.get(key).and_then(Weak::upgrade)
    }

    fn insert(&mut self, key: [u8; 32], made: &Arc<T>) {
        if self.held.len() >= self.sweep_at {
            self.held.retain(|_, held| held.strong_count() > 0);
            // In proportion to what is held, so that sweeping costs each insertion the same however many there are.
            self.sweep_at = 1024.max(self.held.len() * 2);
        }
        self.held.insert(key, Arc::downgrade(made));
    }
}

impl Compiler {
    /// The set of all `specs` of a scope, every layer, if it is compiled.
    pub fn compiled(&self, specs: &[PolicySpec]) -> Option<Arc<PolicySet>> {
        self.sets.lock().get(&fingerprint(specs))
    }

    /// The set of all `specs` of a scope of `account`, every layer. May take seconds, in proportion to the texts that are new:
    /// call it on a worker.
    pub fn compile(&self, account: Uid, specs: &[PolicySpec]) -> Result<Arc<PolicySet>> {
        if let Some(found) = self.compiled(specs) {
            return Ok(found);
        }
        stacker::grow(bounds::STACK, || {
            let texts = specs.iter().map(|spec| self.text(spec)).collect::<Result<Vec<_>>>()?;
            self.assemble(account, specs, texts)
        })
    }

    fn assemble(&self, account: Uid, specs: &[PolicySpec], texts: Vec<Arc<Text>>) -> Result<Arc<PolicySet>> {
        let key = fingerprint(specs);
        let version = data_encoding::HEXLOWER.encode(key.get(..8).unwrap_or_default());
        let compiled = Arc::new(PolicySet::compile(specs, texts, version)?);
        self.sets.lock().insert(key, &compiled);
        let mut recent = self.recent.lock();
        recent.retain(|(owner, _)| *owner != account);
        if recent.len() >= RECENT {
            recent.pop_front();
        }
        recent.push_back((account, Arc::clone(&compiled)));
        Ok(compiled)
    }

    /// What a text says, parsed once however many sets hold it.
    fn text(&self, spec: &PolicySpec) -> Result<Arc<Text>> {
        let mut digest = Digest::new(&SHA256);
        digest.update(spec.text.as_bytes());
        let key = finished(digest);
        if let Some(found) = self.texts.lock().get(&key) {
            load::check_name(&spec.name)?;
            return Ok(found);
        }
        let parsed = Arc::new(load::parse(spec)?);
        self.texts.lock().insert(key, &parsed);
        Ok(parsed)
    }

    /// Checks `new` for `put`: strictly against the schema, alone and among the `others` in force, in whose order it takes its
    /// place, and against the metadata keys the project declares `by_hand`. May take seconds, like [`Self::compile`].
    pub fn check(
        &self,
        account: Uid,
        new: &PolicySpec,
        others: &[PolicySpec],
        by_hand: &ByHand,
    ) -> Result<PolicyReceipt> {
        if !matches!(new.mode, Mode::Enforce | Mode::Monitor | Mode::Alert) {
            return Err(Error::invalid("mode_invalid", "a policy's mode is `enforce`, `monitor` or `alert`"));
        }
        stacker::grow(bounds::STACK, || self.checked(account, new, others, by_hand))
    }

    fn checked(
        &self,
        account: Uid,
        new: &PolicySpec,
        others: &[PolicySpec],
        by_hand: &ByHand,
    ) -> Result<PolicyReceipt> {
        let source = Source { name: &new.name, text: &new.text };
        let rules = self.text(new)?;
        let mut warnings = validate::validate(source, &rules, by_hand)?;
        warnings.extend(rules.iter().filter_map(claimed_permit));
        let mut all: Vec<PolicySpec> = others.to_vec();
        let place = all.partition_point(|other| (other.layer, &other.name) < (new.layer, &new.name));
        all.insert(place, new.clone());
        // Whoever puts this one may not read what another layer holds.
        let texts = others.iter().map(|spec| self.text(spec).map_err(Error::without_excerpt));
        let mut texts = texts.collect::<Result<Vec<_>>>()?;
        let before = retired_actions(others, &all_rules(&texts));
        texts.insert(place, Arc::clone(&rules));
        let loaded = all_rules(&texts);
        // Two policies that read one key differently cannot both be right; those in force before stay valid.
        let among_others = validate::declare(loaded.iter().map(|(_, rule)| *rule), &ByHand::new());
        among_others.map_err(|misread| misread.refused(source, &rules))?;
        let retired_baseline = retired_actions(&all, &loaded)
            .into_iter()
            .filter(|action| !before.contains(action) && all.iter().any(is_baseline))
            .map(|action| action.name().to_owned())
            .collect();
        drop(loaded);
        self.assemble(account, &all, texts)?;
        let declared = validate::declare(rules.iter(), by_hand).map_err(|misread| misread.refused(source, &rules))?;
        Ok(PolicyReceipt {
            name: new.name.clone(),
            policy_count: rules.len(),
            retired_baseline,
            metadata_keys: declared.into_iter().map(|(name, kind)| (name, kind.name().to_owned())).collect(),
            warnings,
        })
    }
}

/// A permit that rests on nothing but what callers claim is worth a second look.
fn claimed_permit(rule: &LoadedRule) -> Option<String> {
    let measured = ContextKey::ALL.iter().any(|key| {
        rule.reads.contains(*key) && key.info().provenance != Provenance::Claimed && *key != ContextKey::UserRole
    });
    let claimed: Vec<&str> = rule
        .metadata
        .keys()
        .map(String::as_str)
        .chain(
            ContextKey::ALL
                .iter()
                // `user_role` is the caller's word where the credential has no role.
                .filter(|key| key.info().provenance == Provenance::Claimed || **key == ContextKey::UserRole)
                .filter(|key| rule.reads.contains(**key))
                .map(|key| key.name()),
        )
        .collect();
    (rule.permit && !rule.reads_everything && !measured && !claimed.is_empty()).then(|| {
        format!(
            "permit `{}` rests only on what the caller claims: {}",
            rule.annotations.id.as_deref().unwrap_or("(no @id)"),
            claimed.join(", ")
        )
    })
}

fn fingerprint(specs: &[PolicySpec]) -> [u8; 32] {
    let mut digest = Digest::new(&SHA256);
    for spec in specs {
        for field in [spec.name.as_str(), spec.text.as_str(), spec.mode.name(), spec.layer.name()] {
            digest.update(&(field.len() as u64).to_be_bytes());
            digest.update(field.as_bytes());
        }
        digest.update(&[u8::from(spec.ceiling)]);
    }
    finished(digest)
}

fn finished(digest: Digest) -> [u8; 32] {
    // INVARIANT: SHA-256 gives 32 bytes.
    digest.finish().as_ref().try_into().unwrap_or_default()
}
