//! Judging: policies sliced at load by action, principal type and named principal; compiled ones are judged natively, the
//! others by stock Cedar in two calls, permits and forbids apart, since a satisfied forbid hides satisfied permits.

use std::{
    collections::HashMap,
    str::FromStr as _,
    sync::{Arc, LazyLock},
};

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet, Request,
    RestrictedExpression,
};

use super::{
    KeySet,
    ask::{Ask, Judgement, Place},
    compiled::{CompiledRule, View},
    load::LoadedRule,
};
use crate::{
    api::PrincipalKind,
    context_keys::{Action, KeyValue, NAMESPACE},
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

#[derive(Default)]
struct Slice {
    /// Compiled rules that name no principal, and those that do, by its id.
    anyone: Vec<Fast>,
    named: HashMap<String, Vec<Fast>>,
    /// Everything that does not compile.
    permits: PolicySet,
    forbids: PolicySet,
    reads: KeySet,
    needs_hierarchy: bool,
}

#[derive(Clone)]
struct Fast {
    index: usize,
    rule: Arc<CompiledRule>,
    /// What stock Cedar is asked when the compiled form is unsure.
    policy: Policy,
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
        let policy = rule.policy.new_id(PolicyId::new(index.to_string()));
        for action in &rule.actions {
            for kind in [PrincipalKind::User, PrincipalKind::Agent] {
                if rule.principal.is_some_and(|only| only != kind) {
                    continue;
                }
                let slice = self.slices.entry((*action, kind)).or_default();
                slice.reads.extend(&rule.reads);
                if let (Some(compiled), false) = (&rule.compiled, self.stock_only) {
                    let fast = Fast { index, rule: Arc::clone(compiled), policy: policy.clone() };
                    match &compiled.principal {
                        Some(id) => slice.named.entry(id.clone()).or_default().push(fast),
                        None => slice.anyone.push(fast),
                    }
                    continue;
                }
                let set = if rule.permit { &mut slice.permits } else { &mut slice.forbids };
                set.add(policy.clone()).map_err(|_| Error::internal("a policy could not be collected"))?;
                slice.needs_hierarchy |= rule.needs_hierarchy;
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

    /// Judges every policy of the slice alone.
    pub fn run(&self, ask: &Ask<'_>) -> Result<Judgement> {
        let mut judgement = Judgement::default();
        let Some(slice) = self.slices.get(&(ask.action, ask.principal.kind)) else { return Ok(judgement) };
        let mut unsure = Vec::new();
        let view = View::new(ask);
        let named = slice.named.get(&ask.principal.id).into_iter().flatten();
        for fast in slice.anyone.iter().chain(named) {
            match fast.rule.judge(&view) {
                Some(true) => judgement.satisfied.push(fast.index),
                Some(false) => {}
                None => unsure.push(&fast.policy),
            }
        }
        if !unsure.is_empty() || !slice.permits.is_empty() || !slice.forbids.is_empty() {
            self.ask_cedar(slice, ask, &unsure, &mut judgement)?;
        }
        // Cedar answers in the order of a hash map; people and tests want the order of the texts.
        judgement.satisfied.sort_unstable();
        judgement.errors.sort_unstable();
        Ok(judgement)
    }

    fn ask_cedar(&self, slice: &Slice, ask: &Ask<'_>, unsure: &[&Policy], judgement: &mut Judgement) -> Result<()> {
        let names = NAMES.as_ref().ok_or_else(|| Error::internal("the entity types are not valid names"))?;
        let action = names.actions.get(&ask.action).ok_or_else(|| Error::internal("an action has no name"))?;
        let entities = if slice.needs_hierarchy { hierarchy(names, ask)? } else { Entities::empty() };
        let request =
            Request::new(principal(names, ask), action.clone(), resource(names, ask), context(slice, ask)?, None)
                .map_err(|_| Error::internal("the policy request could not be built"))?;
        let mut judge = |set: &PolicySet| {
            if set.is_empty() {
                return;
            }
            let response = self.authorizer.is_authorized(&request, set, &entities);
            judgement.satisfied.extend(response.diagnostics().reason().filter_map(index));
            for error in response.diagnostics().errors() {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
                if let Some(at) = index(error.policy_id()) {
                    judgement.errors.push((at, error.inner().to_string()));
                }
            }
        };
        judge(&slice.permits);
        judge(&slice.forbids);
        for policy in unsure {
            let alone = PolicySet::from_policies([(*policy).clone()])
                .map_err(|_| Error::internal("a policy could not be collected"))?;
            judge(&alone);
        }
        Ok(())
    }
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
