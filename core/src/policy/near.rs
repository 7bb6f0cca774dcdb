//! Which permits came near a call that none of them permitted: about its action, its principal and its resource, and with a
//! condition that does not hold. Owns what a policy's scope covers; touches only `context_keys`. Asked on a default deny alone.

use serde_json::Value;

use super::{Ask, Place, PolicySet, Rule, load::LoadedRule};
use crate::{api::PrincipalKind, context_keys::ContextKey, scope::Layer};

/// Most permits that are named, and most keys of each.
const MOST: usize = 3;
/// Most rules that are looked at for them: a denial must not cost much more than the judging before it.
pub const LOOKED_AT: usize = 500;

/// Whom and what a policy is about, as its head says.
#[derive(Debug, Default)]
pub struct RuleScope {
    principal: Constraint,
    resource: Constraint,
}

#[derive(Debug, Default)]
enum Constraint {
    #[default]
    Any,
    Equal(Named),
    In(Named),
    /// Of this type, and in something where that is said too.
    Is(String, Option<Named>),
}

/// An entity by the last part of its type, and its id.
#[derive(Debug, PartialEq, Eq)]
struct Named(String, String);

impl RuleScope {
    /// Reads it from a policy's JSON form.
    pub fn of(policy: &Value) -> Self {
        Self { principal: Constraint::of(policy.get("principal")), resource: Constraint::of(policy.get("resource")) }
    }

    fn covers(&self, ask: &Ask<'_>) -> bool {
        let (id, project) = (ask.principal.id.as_str(), ask.project_id);
        let agent = ask.principal.kind == PrincipalKind::Agent;
        let around = [("Project", project), ("Account", ask.account_id)];
        let kind = ask.principal.kind.entity_type();
        let above: &[(&str, &str)] = if agent { &around } else { &[] };
        if !self.principal.covers((kind, id), above) {
            return false;
        }
        match ask.place {
            Place::App => self.resource.covers(("App", project), &around),
            Place::Session(session) => {
                let mut above = vec![("App", project)];
                above.extend(around);
                above.extend(agent.then_some(("Agent", id)));
                self.resource.covers(("Session", session), &above)
            }
        }
    }
}

impl Constraint {
    fn of(constraint: Option<&Value>) -> Self {
        let last = |name: &str| name.rsplit("::").next().unwrap_or_default().to_owned();
        let named = |entity: &Value| {
            let text = |field: &str| entity.get(field).and_then(Value::as_str).unwrap_or_default();
            Named(last(text("type")), text("id").to_owned())
        };
        let entity = |of: &Value| of.get("entity").map(named);
        let Some(constraint) = constraint else { return Self::Any };
        match constraint.get("op").and_then(Value::as_str) {
            Some("==") => entity(constraint).map_or(Self::Any, Self::Equal),
            Some("in") => entity(constraint).map_or(Self::Any, Self::In),
            Some("is") => {
                let kind = constraint.get("entity_type").and_then(Value::as_str).unwrap_or_default();
                Self::Is(last(kind), constraint.get("in").and_then(entity))
            }
            _ => Self::Any,
        }
    }

    fn covers(&self, itself: (&str, &str), above: &[(&str, &str)]) -> bool {
        let is = |named: &Named, (kind, id): (&str, &str)| named.0 == kind && named.1 == id;
        let within = |named: &Named| is(named, itself) || above.iter().any(|entity| is(named, *entity));
        match self {
            Self::Any => true,
            Self::Equal(named) => is(named, itself),
            Self::In(named) => within(named),
            Self::Is(kind, inside) => kind == itself.0 && inside.as_ref().is_none_or(within),
        }
    }
}

/// Permits that came near.
#[derive(Debug, Default)]
pub struct Near<'a> {
    /// The project's own, each with the keys its condition reads.
    pub own: Vec<(&'a Rule, Vec<&'a str>)>,
    /// Whether there are more of its own.
    pub more: bool,
    /// Whether there are some of the layers above, whose policies are not a project's to read.
    pub above: bool,
    /// Whether there were more rules than are looked at.
    pub cut: bool,
}

impl PolicySet {
    /// The permits that came near `ask`: of the ceiling `missing` where it is one that did not permit, else of any layer that is
    /// none.
    #[must_use]
    pub fn near(&self, ask: &Ask<'_>, missing: Option<Layer>) -> Near<'_> {
        let mut near = Near::default();
        let counts = |rule: &Rule| {
            let there = missing.map_or(!rule.ceiling, |layer| rule.ceiling && rule.layer == layer);
            rule.permit && rule.enforces() && there
        };
        let mut candidates = self.judge.candidates(ask);
        for rule in candidates.by_ref().take(LOOKED_AT).filter_map(|index| self.rules.get(index)) {
            if !counts(rule) {
                continue;
            }
            let Some(loaded) = self.texts.get(rule.text).and_then(|text| text.get(rule.number)) else { continue };
            match (loaded.scope.covers(ask), rule.layer) {
                (false, _) => {}
                (true, Layer::Project) if near.own.len() == MOST => {
                    near.more = true;
                    break;
                }
                (true, Layer::Project) => near.own.push((rule, keys(rule, loaded))),
                (true, _) => near.above = true,
            }
        }
        near.cut = candidates.next().is_some();
        near
    }
}

/// What a condition reads, if it is not too much to say.
fn keys<'a>(rule: &'a Rule, loaded: &'a LoadedRule) -> Vec<&'a str> {
    if loaded.reads_everything {
        return Vec::new();
    }
    let known = ContextKey::ALL.iter().filter(|key| rule.reads.contains(**key)).map(|key| key.name());
    let mut keys: Vec<&str> = known.chain(loaded.metadata.keys().map(String::as_str)).take(MOST + 1).collect();
    if keys.len() > MOST {
        keys.clear();
    }
    keys
}
