//! What a text is checked against when it is put: the metadata keys a project declares, and the schema of what it reads. Owns the
//! words of what does not fit; touches only ground.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{PolicyId, PolicySet, Schema, ValidationError, ValidationMode, Validator, ffi::DetailedError};

use super::{
    DeclaredType, bounds,
    load::LoadedRule,
    source::{Source, Spot},
};
use crate::{
    context_keys::{ALIASES, Action, ContextKey, is_reserved, schema_text},
    error::{Error, Result},
};

/// The metadata keys a project declares by hand, and how policies read them.
pub type ByHand = BTreeMap<String, DeclaredType>;

/// A metadata key that cannot be read as it is.
pub struct Misread {
    /// Which of the rules reads it so.
    rule: usize,
    key: String,
    code: &'static str,
    what: String,
    help: String,
}

impl Misread {
    /// As the refusal of `source`, whose `rules` read the key.
    pub fn refused(self, source: Source<'_>, rules: &[LoadedRule]) -> Error {
        // Where other texts were looked at too, the number is not that of a rule of this one.
        let reads = |rule: &LoadedRule| rule.metadata.contains_key(&self.key);
        let own = rules.get(self.rule).filter(|rule| reads(rule)).map(|_| self.rule);
        let rule = own.or_else(|| rules.iter().position(reads)).unwrap_or(0);
        source.refuse_spot(self.code, rule, Spot::Key(&self.key), self.what).with_help(self.help)
    }
}

/// The metadata keys `rules` read, together; a text where nothing says otherwise. Refuses reserved names and contradicting types.
pub fn declare<'a>(
    rules: impl Iterator<Item = &'a LoadedRule>,
    by_hand: &ByHand,
) -> Result<BTreeMap<String, DeclaredType>, Misread> {
    let mut declared: BTreeMap<String, Option<DeclaredType>> = BTreeMap::new();
    for (number, rule) in rules.enumerate() {
        for (name, kind) in &rule.metadata {
            let misread = |code, what: String, help| Misread { rule: number, key: name.clone(), code, what, help };
            if is_reserved(name) {
                let alias = ALIASES.iter().find(|(raw, _)| raw == name).map(|(_, key)| key.name());
                let meant = alias.or_else(|| ContextKey::slip(name));
                let help = match meant {
                    Some(meant) => format!("policies read `context.{meant}` instead"),
                    None => "give metadata of your own another name; docs/policies.md says which are reserved".into(),
                };
                return Err(misread(
                    "policy_key_reserved",
                    format!("`context.{name}` is not a key policies can read"),
                    help,
                ));
            }
            let said = by_hand.get(name).copied();
            let known = declared.entry(name.clone()).or_insert(said);
            if let (Some(before), Some(kind)) = (*known, *kind)
                && before != kind
            {
                let what = match said {
                    Some(_) => format!("`context.{name}` is declared as {} and used as {}", before.name(), kind.name()),
                    None => format!("`context.{name}` is used as {} and as {}", before.name(), kind.name()),
                };
                let help = match said {
                    Some(_) => "the project's settings declare it in `metadata_keys`: change it there, or here",
                    None => "read it as one type in every policy of the project",
                };
                return Err(misread("policy_key_conflict", what, help.into()));
            }
            *known = known.or(*kind);
        }
    }
    Ok(declared.into_iter().map(|(name, kind)| (name, kind.unwrap_or(DeclaredType::Text))).collect())
}

/// Refuses a metadata key that reads like a contract key: it is one, misspelt, and a policy that waits for it never fires. Asked
/// when a text is put; what is in force stays.
fn refuse_slips(source: Source<'_>, rules: &[LoadedRule], by_hand: &ByHand) -> Result<()> {
    for (number, rule) in rules.iter().enumerate() {
        for (name, kind) in &rule.metadata {
            let Some(meant) = ContextKey::slip(name).filter(|_| !by_hand.contains_key(name)) else { continue };
            let kind = kind.unwrap_or(DeclaredType::Text).name();
            let what = format!("`context.{name}` is no context key, and reads like `context.{meant}`");
            return Err(source.refuse_spot("policy_key_unknown", number, Spot::Key(name), what).with_help(format!(
                "write `context.{meant}`, or, if it is metadata of your own, declare it in the project's settings: \
                 `metadata_keys` with `{name}` as `{kind}`"
            )));
        }
    }
    Ok(())
}

/// Checks `rules` against the schema. Optional keys read without `has` are warnings: the policy errs when one is absent,
/// and an error in an enforcing policy denies.
pub fn validate(source: Source<'_>, rules: &[LoadedRule], by_hand: &ByHand) -> Result<Vec<String>> {
    let declared = declare(rules.iter(), by_hand).map_err(|misread| misread.refused(source, rules))?;
    refuse_slips(source, rules, by_hand)?;
    let read = |key: ContextKey| rules.iter().any(|rule| rule.reads.contains(key));
    let keys: Vec<bool> = ContextKey::ALL.iter().map(|key| read(*key)).collect();
    let wanted = |key: ContextKey| keys.get(key as usize).copied().unwrap_or(true);
    let text = schema_text(wanted, declared.iter().map(|(name, kind)| (name.as_str(), kind.name())));
    let (schema, _) =
        Schema::from_cedarschema_str(&text).map_err(|_| Error::internal("the policy schema cannot be built"))?;
    let mut set = PolicySet::new();
    let mut numbers = HashMap::new();
    for (index, rule) in rules.iter().enumerate() {
        // Messages name a policy by its own id where it has one nobody else has.
        let named = rule.annotations.id.clone().map(|id| rule.policy.new_id(PolicyId::new(id)));
        let named = named.filter(|policy| set.add(policy.clone()).is_ok());
        let id = match named {
            Some(policy) => policy.id().clone(),
            None => {
                let numbered = rule.policy.new_id(PolicyId::new(format!("#{index}")));
                let id = numbered.id().clone();
                set.add(numbered).map_err(|_| Error::internal("a policy could not be collected"))?;
                id
            }
        };
        numbers.insert(id, index);
    }
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    // The validator answers in no fixed order.
    let mut warnings = BTreeSet::new();
    let mut refusals = BTreeSet::new();
    for error in result.validation_errors() {
        match error {
            ValidationError::UnsafeOptionalAttributeAccess(access) => {
                let text = access.to_string();
                warnings.insert(format!(
                    "{text}; guard it with `has`, or the policy errs (and so denies) when the key is absent"
                ));
            }
            other => {
                let told = DetailedError::from(other);
                let prefix = format!("for policy `{}`, ", other.policy_id());
                let what = told.message.strip_prefix(&prefix).unwrap_or(&told.message).to_owned();
                let rule = numbers.get(other.policy_id()).copied().unwrap_or(0);
                refusals.insert((told.source_locations.first().map(|label| label.loc.start), rule, what, told.help));
            }
        }
    }
    if let Some((at, rule, what, help)) = refusals.pop_first() {
        let given = |at: usize| bounds::qualified(source.text).map_or(0, |qualified| qualified.given(at));
        let error = match at {
            Some(at) => source.refuse("policy_invalid", given(at), what, None),
            None => source.refuse_spot("policy_invalid", rule, Spot::Start, what),
        };
        let help = help.unwrap_or_else(|| next_step(error.sentence_and_excerpt().0));
        return Err(error.with_help(help));
    }
    warnings.extend(result.validation_warnings().map(ToString::to_string));
    Ok(warnings.into_iter().collect())
}

/// What to do about something that does not fit the schema, where the validator does not say.
fn next_step(sentence: &str) -> String {
    let key = sentence.split("attribute `").nth(1).and_then(|rest| rest.split('`').next()).and_then(ContextKey::parse);
    let Some(key) = key else {
        return "docs/policies.md says what policies read, and docs/context-keys.md of which type".into();
    };
    let actions = Action::ALL.iter().filter(|action| key.info().allows(**action)).map(|action| action.name());
    format!("`context.{}` is a key of `{}`", key.name(), actions.collect::<Vec<_>>().join("`, `"))
}
