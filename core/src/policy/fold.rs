//! From what each policy said to what that means together: a pure function, in the order of DESIGN §6.

use super::{Judgement, PolicySet};
use crate::{api::Mode, scope::Layer};

/// What a redacting policy rewrites, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// `redact`, `replace`, `mask` or `anonymize`.
    pub strategy: String,
    /// Whether personal data is rewritten.
    pub pii: bool,
    /// Whether secrets are rewritten.
    pub secrets: bool,
}

impl Redaction {
    /// The stricter of two: both families, and the strategy that tells least.
    #[must_use]
    pub fn combine(self, other: Self) -> Self {
        let rank =
            |strategy: &str| ["anonymize", "mask", "replace", "redact"].iter().position(|name| *name == strategy);
        let strategy = if rank(&self.strategy) >= rank(&other.strategy) { self.strategy } else { other.strategy };
        Self { strategy, pii: self.pii || other.pii, secrets: self.secrets || other.secrets }
    }
}

/// What the policies say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Permitted.
    Permit,
    /// A hard forbid of an enforcing policy.
    Forbid,
    /// No permit, or none in this ceiling layer.
    DefaultDeny(Option<Layer>),
    /// An enforcing policy could not be evaluated.
    PolicyError,
}

/// The fold's result. Numbers are rule indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it comes to.
    pub outcome: Outcome,
    /// The policies that made it so.
    pub determining: Vec<usize>,
    /// Policies in monitor or alert mode that fired.
    pub reported: Vec<usize>,
    /// Policies that could not be evaluated.
    pub errors: Vec<(usize, String)>,
    /// What to rewrite, when the call proceeds.
    pub redaction: Option<Redaction>,
    /// Whether a forbid in alert mode fired.
    pub alert: bool,
}

/// Folds what each policy said.
#[must_use]
pub fn fold(set: &PolicySet, judgement: Judgement) -> Verdict {
    let rule = |index: &usize| set.rule(*index);
    let enforcing = |index: &usize| rule(index).is_some_and(super::Rule::enforces);
    let (deciding, reported): (Vec<usize>, Vec<usize>) = judgement.satisfied.into_iter().partition(enforcing);
    let is_permit = |index: &usize| rule(index).is_some_and(|rule| rule.permit);
    let (permits, forbids): (Vec<usize>, Vec<usize>) = deciding.into_iter().partition(is_permit);
    let is_soft = |index: &usize| rule(index).is_some_and(|rule| rule.redaction.is_some());
    let (soft, hard): (Vec<usize>, Vec<usize>) = forbids.into_iter().partition(is_soft);

    // Redaction applies in any mode, and also when a permit asks for it.
    let shaping = soft.iter().chain(&reported).chain(permits.iter().filter(|index| is_soft(index)));
    let redaction = shaping.filter_map(rule).filter_map(|rule| rule.redaction.clone()).reduce(Redaction::combine);
    let alert = reported.iter().filter_map(rule).any(|rule| rule.mode == Mode::Alert && !rule.permit);

    let failed: Vec<usize> = judgement.errors.iter().map(|(index, _)| *index).filter(enforcing).collect();
    let missing = missing_permit(set, &permits);
    let (outcome, determining) = if !failed.is_empty() {
        (Outcome::PolicyError, failed)
    } else if !hard.is_empty() {
        (Outcome::Forbid, hard)
    } else if let Some(layer) = missing {
        (Outcome::DefaultDeny(layer), Vec::new())
    } else if soft.is_empty() {
        (Outcome::Permit, permits)
    } else {
        (Outcome::Permit, soft)
    };
    Verdict { outcome, determining, reported, errors: judgement.errors, redaction, alert }
}

/// The first place where a permit is needed and none is satisfied: a ceiling layer, or anywhere else (`None`).
#[allow(clippy::option_option)] // outer: is one missing; inner: in which ceiling
fn missing_permit(set: &PolicySet, permits: &[usize]) -> Option<Option<Layer>> {
    let granted =
        |wanted: &dyn Fn(&super::Rule) -> bool| permits.iter().filter_map(|index| set.rule(*index)).any(wanted);
    for layer in set.ceiling_layers() {
        if !granted(&|rule| rule.ceiling && rule.layer == *layer) {
            return Some(Some(*layer));
        }
    }
    (!granted(&|rule| !rule.ceiling)).then_some(None)
}
