//! Cedar policies: load, judge, fold. Owns what a policy text means; touches only ground.
//!
//! Texts are parsed, checked and analysed when they are put or loaded, never on the request path. A [`PolicySet`] is one
//! immutable compilation of all layers of a scope, shared by every scope whose layers are equal.

mod ask;
mod bounds;
mod compiled;
mod compiler;
mod fold;
mod judge;
mod load;
mod near;
pub mod packs;
mod source;
mod tokens;
mod validate;
mod work;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub use ask::{Ask, Judgement, Mistyped, Place};
pub use compiler::Compiler;
pub use fold::{Outcome, Redaction, Verdict, fold};
pub use load::{MAX_METADATA_KEYS, MAX_METADATA_NAME};
pub use near::{LOOKED_AT, Near};
pub use validate::ByHand;
pub use work::{Budget, INLINE as INLINE_WORK};

use load::LoadedRule;

use crate::{
    api::{Mode, PolicySpec, PolicySummary},
    context_keys::{Action, ContextKey},
    error::{Error, Result},
    scope::Layer,
};

/// Most policies on one layer.
pub const MAX_POLICIES: usize = 10_000;
/// Largest policy text, in bytes.
pub const MAX_TEXT: usize = 256 * 1024;
/// All policy texts of one layer together, in bytes.
pub const MAX_LAYER_TEXT: usize = 1024 * 1024;

/// A metadata key policies read, with the type the caller's value must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclaredType {
    /// `String`
    Text,
    /// `Long`
    Long,
    /// `Bool`
    Bool,
    /// `Set<String>`
    Set,
}

impl DeclaredType {
    /// The Cedar name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Long => "Long",
            Self::Bool => "Bool",
            Self::Set => "Set<String>",
        }
    }

    /// Reads the Cedar name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Text, Self::Long, Self::Bool, Self::Set].into_iter().find(|kind| kind.name() == name)
    }
}

/// A set of context keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet([u64; 4]);

impl KeySet {
    /// Every key there is.
    #[must_use]
    pub const fn all() -> Self {
        Self([u64::MAX; 4])
    }

    /// Adds a key.
    pub fn insert(&mut self, key: ContextKey) {
        let index = key as usize;
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    /// Whether it holds a key.
    #[must_use]
    pub fn contains(&self, key: ContextKey) -> bool {
        let index = key as usize;
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    fn extend(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }
}

/// One policy of a set, with everything the fold and the response need to know of it.
#[derive(Debug)]
pub struct Rule {
    /// Where it is attached.
    pub layer: Layer,
    /// Whether its layer bounds those below.
    pub ceiling: bool,
    /// Its own mode.
    pub mode: Mode,
    /// Whether it is a permit.
    pub permit: bool,
    /// The name its text was put under.
    pub name: Arc<str>,
    /// `layer/name#index`.
    pub policy_id: String,
    /// What its annotations say.
    pub annotations: Arc<load::Annotations>,
    /// Which findings its redaction rewrites.
    pub redaction: Option<Redaction>,
    /// The context keys it reads.
    pub reads: KeySet,
    /// Which of the set's texts it stands in, and where in that.
    text: usize,
    number: usize,
}

impl Rule {
    /// Whether it decides.
    #[must_use]
    pub const fn enforces(&self) -> bool {
        matches!(self.mode, Mode::Enforce)
    }

    /// `@id`, else the name.
    #[must_use]
    pub fn rule_id(&self) -> &str {
        self.annotations.id.as_deref().unwrap_or(&self.name)
    }
}

/// Every policy of a scope, compiled.
pub struct PolicySet {
    rules: Vec<Rule>,
    judge: judge::Judge,
    declared: BTreeMap<String, Vec<DeclaredType>>,
    summaries: Vec<PolicySummary>,
    ceilings: Vec<Layer>,
    redacts: bool,
    version: String,
    id: u64,
    weight: u64,
    // Also keeps them for the next set that holds them.
    texts: Vec<Arc<Text>>,
}

/// What a text was parsed to.
type Text = Vec<LoadedRule>;

impl std::fmt::Debug for PolicySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PolicySet({} rules, version {})", self.rules.len(), self.version)
    }
}

impl PolicySet {
    fn compile(specs: &[PolicySpec], texts: Vec<Arc<Text>>, version: String) -> Result<Self> {
        let loaded = all_rules(&texts);
        for layer in [Layer::Platform, Layer::Account, Layer::Project] {
            // Per layer: what a project holds must never decide whether its account's policies load.
            let count = loaded.iter().filter(|(at, _)| specs.get(*at).is_some_and(|spec| spec.layer == layer)).count();
            let bytes: usize = specs.iter().filter(|spec| spec.layer == layer).map(|spec| spec.text.len()).sum();
            if count > MAX_POLICIES || bytes > MAX_LAYER_TEXT {
                return Err(Error::invalid(
                    "policy_too_many",
                    format!("a layer holds at most {MAX_POLICIES} policies, and {MAX_LAYER_TEXT} bytes of their texts"),
                ));
            }
        }

        let ceilings = ceilings(specs, &loaded)?;
        let retired = retired_actions(specs, &loaded);
        let declared = load::declared(loaded.iter().map(|(_, rule)| *rule));
        let mut rules = Vec::with_capacity(loaded.len());
        let mut judge = judge::JudgeBuilder::default();
        let mut summaries: Vec<PolicySummary> = specs
            .iter()
            .map(|spec| PolicySummary {
                name: spec.name.clone(),
                layer: spec.layer,
                mode: spec.mode,
                ceiling: spec.ceiling,
                rule_ids: Vec::new(),
                retired: false,
                text: spec.text.clone(),
            })
            .collect();
        let rules_in_all = loaded.len();
        for (at, rule) in loaded {
            let Some((spec, summary)) = specs.get(at).zip(summaries.get_mut(at)) else { continue };
            let number = summary.rule_ids.len();
            let policy_id = format!("{}/{}#{number}", spec.layer.name(), spec.name);
            summary.rule_ids.push(rule.annotations.id.clone().unwrap_or_else(|| policy_id.clone()));
            let is_retired =
                rule.permit && is_baseline(spec) && rule.actions.iter().all(|action| retired.contains(action));
            if is_retired {
                summary.retired = true;
                continue;
            }
            judge.add(rules.len(), rule)?;
            rules.push(Rule {
                layer: spec.layer,
                ceiling: ceilings.contains(&spec.layer),
                mode: spec.mode,
                permit: rule.permit,
                name: spec.name.as_str().into(),
                policy_id,
                redaction: rule.redaction(),
                reads: rule.reads.clone(),
                annotations: Arc::clone(&rule.annotations),
                text: at,
                number,
            });
        }
        let bounding = |layer: &Layer| rules.iter().any(|rule: &Rule| rule.ceiling && rule.layer == *layer);
        Ok(Self {
            ceilings: [Layer::Platform, Layer::Account].into_iter().filter(bounding).collect(),
            redacts: rules.iter().any(|rule| rule.redaction.is_some()),
            rules,
            judge: judge.build()?,
            declared,
            weight: weight(specs, rules_in_all),
            summaries,
            version,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            texts,
        })
    }

    /// A rule by the index [`Judgement`] and [`Verdict`] speak in.
    #[must_use]
    pub fn rule(&self, index: usize) -> Option<&Rule> {
        self.rules.get(index)
    }

    /// How many policies are in force.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether nothing is in force, so that everything is denied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Metadata keys policies read, each with the types it is read as.
    #[must_use]
    pub const fn declared(&self) -> &BTreeMap<String, Vec<DeclaredType>> {
        &self.declared
    }

    /// What `policies.list` shows.
    #[must_use]
    pub fn summaries(&self) -> &[PolicySummary] {
        &self.summaries
    }

    /// Changes whenever a text, mode, layer or ceiling does.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Names this compilation in this process: no other has it.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// What it takes in memory, in bytes, the parsed texts included: rather more than less.
    #[must_use]
    pub const fn weight(&self) -> u64 {
        self.weight
    }

    /// The context keys policies of `action` read.
    #[must_use]
    pub fn reads(&self, action: Action) -> &KeySet {
        self.judge.reads(action)
    }

    /// The texts with a policy that is asked about `action`, as `layer/name`; at most `most`.
    #[must_use]
    pub fn asked_about(&self, action: Action, most: usize) -> Vec<String> {
        let asked = |rule: &&Rule| {
            let loaded = self.texts.get(rule.text).and_then(|text| text.get(rule.number));
            loaded.is_some_and(|loaded| loaded.actions.contains(&action))
        };
        let mut texts: Vec<&Rule> = self.rules.iter().filter(asked).collect();
        texts.dedup_by_key(|rule| rule.text);
        texts.into_iter().take(most).map(|rule| format!("{}/{}", rule.layer.name(), rule.name)).collect()
    }

    /// Whether any policy rewrites what detectors find.
    #[must_use]
    pub const fn redacts(&self) -> bool {
        self.redacts
    }

    /// What judging a call will cost at most, in about a nanosecond; above [`INLINE_WORK`] it belongs on a worker.
    pub fn estimate(&self, ask: &Ask<'_>) -> u64 {
        self.judge.estimate(ask)
    }

    /// Judges every policy that can match, each alone. Fails when `budget` does.
    pub fn judge(&self, ask: &Ask<'_>, budget: &mut Budget<'_>) -> Result<Judgement> {
        self.judge.run(ask, budget)
    }

    /// The ceiling layers, from the top.
    pub(crate) fn ceiling_layers(&self) -> &[Layer] {
        &self.ceilings
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// What a compiled set takes: measured, per policy and per byte of its text, with a margin.
fn weight(specs: &[PolicySpec], rules: usize) -> u64 {
    const SET: usize = 4 * 1_024;
    const RULE: usize = 3 * 1_024;
    const BYTE: usize = 48;
    let bytes: usize = specs.iter().map(|spec| spec.name.len() + spec.text.len()).sum();
    (SET + rules * RULE + bytes * BYTE) as u64
}

/// Every rule of every text, with the index of its text.
fn all_rules(texts: &[Arc<Text>]) -> Vec<(usize, &LoadedRule)> {
    texts.iter().enumerate().flat_map(|(index, text)| text.iter().map(move |rule| (index, rule))).collect()
}

/// Whether a spec is the pack every new project gets, whose permits retire when the project permits for itself.
fn is_baseline(spec: &PolicySpec) -> bool {
    spec.layer == Layer::Project && spec.name == packs::BASELINE
}

/// Actions for which the project has an enforcing permit of its own.
fn retired_actions(specs: &[PolicySpec], loaded: &[(usize, &LoadedRule)]) -> Vec<Action> {
    let mut retired: Vec<Action> = loaded
        .iter()
        .filter_map(|(at, rule)| specs.get(*at).map(|spec| (spec, *rule)))
        .filter(|(spec, rule)| {
            rule.permit && spec.mode == Mode::Enforce && spec.layer == Layer::Project && !is_baseline(spec)
        })
        .flat_map(|(_, rule)| rule.actions.iter().copied())
        .collect();
    retired.sort_unstable();
    retired.dedup();
    retired
}

/// The layers that are ceilings; refuses layers that are half one, or that would permit nothing for an action.
fn ceilings(specs: &[PolicySpec], loaded: &[(usize, &LoadedRule)]) -> Result<Vec<Layer>> {
    let mut found = Vec::new();
    for layer in [Layer::Platform, Layer::Account, Layer::Project] {
        let permits = || {
            loaded
                .iter()
                .filter_map(|(at, rule)| specs.get(*at).map(|spec| (spec, *rule)))
                .filter(move |(spec, rule)| spec.layer == layer && spec.mode == Mode::Enforce && rule.permit)
        };
        if !specs.iter().any(|spec| spec.layer == layer && spec.ceiling) {
            continue;
        }
        if layer == Layer::Project {
            return Err(Error::invalid("ceiling_invalid", "a project has no layer below it to bound"));
        }
        if let Some((spec, _)) = permits().find(|(spec, _)| !spec.ceiling) {
            return Err(Error::invalid(
                "ceiling_mixed",
                format!("`{}` permits on the {} layer without being part of its ceiling", spec.name, layer.name()),
            )
            .with_help("put every permit of a ceiling layer with ceiling set"));
        }
        for action in Action::ALL {
            if !permits().any(|(_, rule)| rule.actions.contains(&action)) {
                return Err(Error::invalid(
                    "ceiling_incomplete",
                    format!(
                        "the {} ceiling has no permit for `{}`, so nothing below could ever do it",
                        layer.name(),
                        action.name()
                    ),
                )
                .with_help("add a permit for it; say what is forbidden with forbid policies"));
            }
        }
        found.push(layer);
    }
    Ok(found)
}
