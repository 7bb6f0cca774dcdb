//! Judging: policies sliced at load by action, principal type and named principal; compiled ones are judged natively, the
//! others by stock Cedar, permits and forbids apart, since a satisfied forbid hides satisfied permits.
//!
//! Stock Cedar cannot be stopped half way, so it is asked in pieces of bounded work, with a look at the clock between them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    str::FromStr as _,
    sync::{Arc, LazyLock},
};

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet, Request,
    RestrictedExpression,
};

use super::{
    DeclaredType, KeySet,
    ask::{Ask, Judgement, Mistyped, Place},
    bounds,
    compiled::{CompiledRule, View},
    load::LoadedRule,
    work::{self, Budget, Size, Work},
};
use crate::{
    api::PrincipalKind,
    context_keys::{Action, ContextKey, KeyValue, NAMESPACE},
    error::{Error, Result},
};

struct Names {
    account: EntityTypeName,
    project: EntityTypeName,
    app: EntityTypeName,
    agent: EntityTypeName,
    session: EntityTypeName,
    user: EntityTypeName,
    actions: HashMap<Action, EntityUid>,
}

static NAMES: LazyLock<Option<Names>> = LazyLock::new(|| {
    let name = |kind: &str| EntityTypeName::from_str(&format!("{NAMESPACE}::{kind}")).ok();
    let action_type = name("Action")?;
    let action =
        |action: Action| (action, EntityUid::from_type_name_and_id(action_type.clone(), EntityId::new(action.name())));
    Some(Names {
        account: name("Account")?,
        project: name("Project")?,
        app: name("App")?,
        agent: name("Agent")?,
        session: name("Session")?,
        user: name("User")?,
        actions: Action::ALL.into_iter().map(action).collect(),
    })
});

/// Most policies stock Cedar is asked at once, and most work of them together.
const CHUNK: usize = 64;
const CHUNK_WORK: u64 = 500_000;

#[derive(Default)]
struct Slice {
    /// Compiled rules that name no principal, and those that do, by its id.
    anyone: Vec<Fast>,
    named: HashMap<String, Vec<Fast>>,
    /// What does not compile and costs the same for every call: permits and forbids, some at once.
    permits: Vec<Chunk>,
    forbids: Vec<Chunk>,
    /// What does not compile and costs more for larger calls: each alone.
    alone: Vec<Alone>,
    reads: KeySet,
    needs_hierarchy: bool,
    /// What all compiled rules cost that name nobody, and all others.
    compiled: Work,
    stock: Work,
    depth: usize,
    /// Rules that read what a caller may send as another type.
    readers: Vec<Reader>,
}

#[derive(Default)]
struct Chunk {
    set: PolicySet,
    rules: Vec<usize>,
    work: u64,
}

struct Alone {
    index: usize,
    set: Arc<PolicySet>,
    work: Work,
}

#[derive(Clone)]
struct Fast {
    index: usize,
    rule: Arc<CompiledRule>,
    work: Work,
    /// What stock Cedar is asked when the compiled form is unsure.
    policy: Arc<Policy>,
}

/// Keys of the table that callers send in fields of any type.
const TYPED_BY_CALLERS: [ContextKey; 3] = [ContextKey::UserRole, ContextKey::Path, ContextKey::ActionParams];

/// What one rule reads of the caller's own words.
#[derive(Clone)]
struct Reader {
    index: usize,
    /// The one principal it is about, if there is one.
    principal: Option<String>,
    reads: Arc<Read>,
}

struct Read {
    /// Whether it takes the context whole.
    everything: bool,
    metadata: BTreeMap<String, Option<DeclaredType>>,
    parameters: BTreeSet<Option<String>>,
    keys: KeySet,
}

impl Read {
    /// Whether a caller can send anything of it as another type.
    fn the_callers_words(&self) -> bool {
        !self.metadata.is_empty() || TYPED_BY_CALLERS.iter().any(|key| self.keys.contains(*key))
    }

    /// What this rule reads as something it is not.
    fn wrong<'a>(&self, mistyped: &'a Mistyped) -> Option<&'a str> {
        let metadata = mistyped.metadata.iter().find(|(name, taken)| match self.metadata.get(name) {
            Some(Some(kind)) => *taken != Some(*kind),
            Some(None) => taken.is_none(),
            None => self.everything,
        });
        let parameter = || {
            let read = |name: &&&str| self.parameters.iter().any(|own| own.as_deref().is_none_or(|own| own == **name));
            mistyped.parameters.iter().find(read).copied()
        };
        let key = || mistyped.keys.iter().find(|key| self.keys.contains(**key)).map(|key| key.name());
        metadata.map(|(name, _)| name.as_str()).or_else(parameter).or_else(key)
    }
}

/// Collects rules into slices.
#[derive(Default)]
pub struct JudgeBuilder {
    slices: HashMap<(Action, PrincipalKind), Slice>,
    stock_only: bool,
}

impl JudgeBuilder {
    /// A builder whose judge asks stock Cedar everything: what the compiled form is compared with.
    #[cfg(test)]
    pub fn stock() -> Self {
        Self { stock_only: true, ..Self::default() }
    }

    /// Adds a rule under its index.
    pub fn add(&mut self, index: usize, rule: &LoadedRule) -> Result<()> {
        // One copy however many slices it is in: a policy brings its text along.
        let policy = Arc::new(rule.policy.new_id(PolicyId::new(index.to_string())));
        let mut alone: Option<Arc<PolicySet>> = None;
        let reads = Arc::new(Read {
            everything: rule.reads_everything,
            metadata: rule.metadata.clone(),
            parameters: rule.parameters.clone(),
            keys: rule.reads.clone(),
        });
        for action in &rule.actions {
            for kind in [PrincipalKind::User, PrincipalKind::Agent] {
                if rule.principal.is_some_and(|only| only != kind) {
                    continue;
                }
                let slice = self.slices.entry((*action, kind)).or_default();
                slice.reads.extend(&rule.reads);
                slice.depth = slice.depth.max(rule.work.depth);
                let named = rule.compiled.as_ref().and_then(|compiled| compiled.principal.clone());
                if reads.the_callers_words() {
                    slice.readers.push(Reader { index, principal: named, reads: Arc::clone(&reads) });
                }
                if let (Some(compiled), false) = (&rule.compiled, self.stock_only) {
                    let fast = Fast { index, rule: Arc::clone(compiled), work: rule.work, policy: Arc::clone(&policy) };
                    match &compiled.principal {
                        Some(id) => slice.named.entry(id.clone()).or_default().push(fast),
                        None => {
                            slice.compiled = slice.compiled.plus(rule.work);
                            slice.anyone.push(fast);
                        }
                    }
                    continue;
                }
                slice.needs_hierarchy |= rule.needs_hierarchy;
                slice.stock = slice.stock.plus(rule.work);
                if rule.work.grows() || rule.work.stock_base() > CHUNK_WORK {
                    let set = match &alone {
                        Some(set) => Arc::clone(set),
                        None => Arc::clone(alone.insert(Arc::new(only(&policy)?))),
                    };
                    slice.alone.push(Alone { index, set, work: rule.work });
                    continue;
                }
                let chunks = if rule.permit { &mut slice.permits } else { &mut slice.forbids };
                let full =
                    |chunk: &Chunk| chunk.rules.len() >= CHUNK || chunk.work + rule.work.stock_base() > CHUNK_WORK;
                if chunks.last().is_none_or(full) {
                    chunks.push(Chunk::default());
                }
                if let Some(chunk) = chunks.last_mut() {
                    chunk.set.add(Policy::clone(&policy)).map_err(|_| uncollected())?;
                    chunk.rules.push(index);
                    chunk.work += rule.work.stock_base();
                }
            }
        }
        Ok(())
    }

    /// The finished judge.
    pub fn build(self) -> Result<Judge> {
        if NAMES.is_none() {
            return Err(Error::internal("the entity types are not valid names"));
        }
        let mut reads: HashMap<Action, KeySet> = HashMap::new();
        for ((action, _), slice) in &self.slices {
            reads.entry(*action).or_default().extend(&slice.reads);
        }
        Ok(Judge { authorizer: Authorizer::new(), slices: self.slices, reads, nothing: KeySet::default() })
    }
}

/// Policies ready to be asked.
pub struct Judge {
    authorizer: Authorizer,
    slices: HashMap<(Action, PrincipalKind), Slice>,
    reads: HashMap<Action, KeySet>,
    nothing: KeySet,
}

impl Judge {
    /// The keys policies of `action` read.
    pub fn reads(&self, action: Action) -> &KeySet {
        self.reads.get(&action).unwrap_or(&self.nothing)
    }

    /// The rules that may be about `ask`: those of its action and kind of principal that name no other principal.
    pub fn candidates(&self, ask: &Ask<'_>) -> impl Iterator<Item = usize> {
        self.slices.get(&(ask.action, ask.principal.kind)).into_iter().flat_map(|slice| {
            let named = slice.named.get(&ask.principal.id).into_iter().flatten();
            let stock = slice.permits.iter().flat_map(|chunk| chunk.rules.iter().copied());
            let fast = slice.anyone.iter().chain(named).map(|fast| fast.index);
            fast.chain(stock).chain(slice.alone.iter().map(|alone| alone.index))
        })
    }

    /// What judging `ask` will cost, in units of [`work`].
    pub fn estimate(&self, ask: &Ask<'_>) -> u64 {
        let Some(slice) = self.slices.get(&(ask.action, ask.principal.kind)) else { return 0 };
        let named = slice.named.get(&ask.principal.id).map_or(&[][..], Vec::as_slice);
        let grows = |work: &Work| work.grows();
        let size = if grows(&slice.compiled) || grows(&slice.stock) || named.iter().any(|fast| fast.work.grows()) {
            Size::of(ask)
        } else {
            Size::default()
        };
        named.iter().fold(slice.compiled.compiled(size).saturating_add(slice.stock.stock(size)), |work, fast| {
            work.saturating_add(fast.work.compiled(size))
        })
    }

    /// Judges every policy of the slice alone. Fails when `budget` does.
    pub fn run(&self, ask: &Ask<'_>, budget: &mut Budget<'_>) -> Result<Judgement> {
        let Some(slice) = self.slices.get(&(ask.action, ask.principal.kind)) else { return Ok(Judgement::default()) };
        // Conditions are evaluated by recursion, on whatever thread an app calls from.
        if slice.depth > bounds::SHALLOW {
            return stacker::grow(bounds::STACK, || self.judge(slice, ask, budget));
        }
        stacker::maybe_grow(bounds::RED_ZONE, bounds::STACK, || self.judge(slice, ask, budget))
    }

    fn judge(&self, slice: &Slice, ask: &Ask<'_>, budget: &mut Budget<'_>) -> Result<Judgement> {
        let mut judgement = Judgement::default();
        let mut unsure = Vec::new();
        let view = View::new(ask);
        let grows = slice.compiled.grows() || !slice.named.is_empty();
        let size = if grows { Size::of(ask) } else { Size::default() };
        let named = slice.named.get(&ask.principal.id).into_iter().flatten();
        for fast in slice.anyone.iter().chain(named) {
            let work = fast.work.compiled(size);
            budget.take(work)?;
            let said = if work > work::MAX_POLICY { None } else { fast.rule.judge(&view) };
            match said {
                Some(true) => judgement.satisfied.push(fast.index),
                Some(false) => {}
                None => unsure.push(fast),
            }
        }
        if !(unsure.is_empty() && slice.permits.is_empty() && slice.forbids.is_empty() && slice.alone.is_empty()) {
            self.ask_cedar(slice, ask, &unsure, budget, &mut judgement)?;
        }
        if !ask.mistyped.is_empty() {
            mistyped(slice, ask, &mut judgement);
        }
        // Cedar answers in the order of a hash map; people and tests want the order of the texts.
        judgement.satisfied.sort_unstable();
        judgement.errors.sort_unstable();
        Ok(judgement)
    }

    fn ask_cedar(
        &self,
        slice: &Slice,
        ask: &Ask<'_>,
        unsure: &[&Fast],
        budget: &mut Budget<'_>,
        judgement: &mut Judgement,
    ) -> Result<()> {
        let names = NAMES.as_ref().ok_or_else(|| Error::internal("the entity types are not valid names"))?;
        let action = names.actions.get(&ask.action).ok_or_else(|| Error::internal("an action has no name"))?;
        let size = Size::of(ask);
        budget.take(size.handing_over())?;
        let entities = if slice.needs_hierarchy { hierarchy(names, ask)? } else { Entities::empty() };
        let request =
            Request::new(principal(names, ask), action.clone(), resource(names, ask), context(slice, ask)?, None)
                .map_err(|_| Error::internal("the policy request could not be built"))?;
        let judge = |set: &PolicySet, judgement: &mut Judgement| {
            let response = self.authorizer.is_authorized(&request, set, &entities);
            judgement.satisfied.extend(response.diagnostics().reason().filter_map(index));
            for error in response.diagnostics().errors() {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
                if let Some(at) = index(error.policy_id()) {
                    judgement.errors.push((at, error.inner().to_string()));
                }
            }
        };
        for chunk in slice.permits.iter().chain(&slice.forbids) {
            budget.take(chunk.work)?;
            judge(&chunk.set, judgement);
        }
        // One that would take too long is an error, which denies: it can neither be stopped nor left out.
        let mut fits = |index: usize, work: Work, judgement: &mut Judgement| -> Result<bool> {
            let work = work.stock(size);
            if work > work::MAX_POLICY {
                judgement.errors.push((index, work::too_much(work).message().to_owned()));
                return Ok(false);
            }
            budget.take(work)?;
            Ok(true)
        };
        for alone in &slice.alone {
            if fits(alone.index, alone.work, judgement)? {
                judge(&alone.set, judgement);
            }
        }
        for fast in unsure {
            if fits(fast.index, fast.work, judgement)? {
                judge(&only(&fast.policy)?, judgement);
            }
        }
        Ok(())
    }
}

/// A rule that reads a value as another type than it has is an error of this call, whatever it said without the value.
fn mistyped(slice: &Slice, ask: &Ask<'_>, judgement: &mut Judgement) {
    let concerns = |reader: &&Reader| reader.principal.as_ref().is_none_or(|only| *only == ask.principal.id);
    let wrong: BTreeMap<usize, &str> = slice
        .readers
        .iter()
        .filter(concerns)
        .filter_map(|reader| Some((reader.index, reader.reads.wrong(ask.mistyped)?)))
        .collect();
    judgement.satisfied.retain(|index| !wrong.contains_key(index));
    judgement.errors.retain(|(index, _)| !wrong.contains_key(index));
    let said = |name: &str| format!("`{name}` was sent as another type than this policy reads, or as two values");
    judgement.errors.extend(wrong.into_iter().map(|(index, name)| (index, said(name))));
}

fn only(policy: &Policy) -> Result<PolicySet> {
    PolicySet::from_policies([policy.clone()]).map_err(|_| uncollected())
}

fn uncollected() -> Error {
    Error::internal("a policy could not be collected")
}

fn index(id: &PolicyId) -> Option<usize> {
    let text: &str = id.as_ref();
    text.parse().ok()
}

fn uid(name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id))
}

fn principal(names: &Names, ask: &Ask<'_>) -> EntityUid {
    let name = match ask.principal.kind {
        PrincipalKind::User => &names.user,
        PrincipalKind::Agent => &names.agent,
    };
    uid(name, &ask.principal.id)
}

fn resource(names: &Names, ask: &Ask<'_>) -> EntityUid {
    match ask.place {
        Place::App => uid(&names.app, ask.project_id),
        Place::Session(id) => uid(&names.session, id),
    }
}

fn hierarchy(names: &Names, ask: &Ask<'_>) -> Result<Entities> {
    let account = uid(&names.account, ask.account_id);
    let project = uid(&names.project, ask.project_id);
    let app = uid(&names.app, ask.project_id);
    let mut entities = vec![
        Entity::new_no_attrs(account.clone(), [].into()),
        Entity::new_no_attrs(project.clone(), [account].into()),
        Entity::new_no_attrs(app.clone(), [project.clone()].into()),
    ];
    let mut session_parents = std::collections::HashSet::from([app]);
    if ask.principal.kind == PrincipalKind::Agent {
        let agent = principal(names, ask);
        entities.push(Entity::new_no_attrs(agent.clone(), [project].into()));
        session_parents.insert(agent);
    }
    if let Place::Session(id) = ask.place {
        entities.push(Entity::new_no_attrs(uid(&names.session, id), session_parents));
    }
    Entities::from_entities(entities, None).map_err(|_| Error::internal("the entity hierarchy could not be built"))
}

/// Only the keys this slice reads; the table has already dropped what the action does not allow.
fn context(slice: &Slice, ask: &Ask<'_>) -> Result<Context> {
    let known = ask
        .keys
        .iter()
        .filter(|(key, _)| slice.reads.contains(*key))
        .map(|(key, value)| Ok((key.name().to_owned(), expression(value)?)));
    let claimed = ask.metadata.iter().map(|(name, value)| Ok((name.clone(), expression(value)?)));
    let pairs = known.chain(claimed).collect::<Result<Vec<_>>>()?;
    Context::from_pairs(pairs).map_err(|_| Error::internal("the policy context could not be built"))
}

fn expression(value: &KeyValue) -> Result<RestrictedExpression> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    Ok(match value {
        KeyValue::Bool(value) => RestrictedExpression::new_bool(*value),
        KeyValue::Long(value) => RestrictedExpression::new_long(*value),
        KeyValue::Text(value) => text(value),
        KeyValue::Set(items) => RestrictedExpression::new_set(items.iter().map(|item| text(item))),
        KeyValue::Record(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| Ok(((*name).to_owned(), expression(value)?)))
                .collect::<Result<Vec<_>>>()?;
            RestrictedExpression::new_record(fields)
                .map_err(|_| Error::internal("a context record could not be built"))?
        }
    })
}
