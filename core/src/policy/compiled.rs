//! A compiled form of the policies people mostly write: conditions over context keys, without the entity hierarchy.
//!
//! Stock Cedar is the reference. Whatever is not surely the same here is "unsure" and asked of stock Cedar: a policy of
//! another shape is not compiled at all, and a compiled one that meets an absent key or a wrong type is judged again there,
//! so that errors and their words are always Cedar's own. `tests` compare both on generated policies.

use serde_json::Value;

use super::ask::{Ask, Place};
use crate::context_keys::{ContextKey, KeyValue};

/// Only the scope constraints slicing has not settled already.
pub struct CompiledRule {
    /// The one principal id that can match, if there is one.
    pub principal: Option<String>,
    resource: Option<(&'static str, String)>,
    condition: Node,
}

enum Node {
    Literal(Literal),
    Key(ContextKey),
    Metadata(String),
    HasKey(ContextKey),
    HasMetadata(String),
    Field(Box<Self>, String),
    HasField(Box<Self>, String),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    If(Box<[Self; 3]>),
    Equal(Box<Self>, Box<Self>),
    Less(Box<Self>, Box<Self>),
    LessOrEqual(Box<Self>, Box<Self>),
    Like(Box<Self>, Vec<Piece>),
    Contains(Box<Self>, Box<Self>),
    ContainsAll(Box<Self>, Box<Self>),
    ContainsAny(Box<Self>, Box<Self>),
    Set(Vec<Literal>),
}

enum Literal {
    Bool(bool),
    Long(i64),
    Text(String),
}

enum Piece {
    Any,
    Text(String),
}

/// A value while a condition is evaluated; borrowed, never built.
#[derive(Clone, Copy)]
enum Seen<'a> {
    Bool(bool),
    Long(i64),
    Text(&'a str),
    Known(&'a KeyValue),
    Literals(&'a [Literal]),
}

/// Where a call's keys are, found by number instead of by search.
pub struct View<'a> {
    places: [u8; ContextKey::ALL.len()],
    ask: &'a Ask<'a>,
}

impl<'a> View<'a> {
    /// Indexes the keys of a call.
    pub fn new(ask: &'a Ask<'a>) -> Self {
        let mut places = [u8::MAX; ContextKey::ALL.len()];
        for (at, (key, _)) in ask.keys.iter().enumerate() {
            if let (Some(place), Ok(at)) = (places.get_mut(*key as usize), u8::try_from(at)) {
                *place = at;
            }
        }
        Self { places, ask }
    }

    fn key(&self, key: ContextKey) -> Option<&'a KeyValue> {
        let at = *self.places.get(key as usize)?;
        self.ask.keys.get(usize::from(at)).map(|(_, value)| value)
    }

    fn metadata(&self, name: &str) -> Option<&'a KeyValue> {
        self.ask.metadata.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl CompiledRule {
    /// Compiles a policy from its JSON form; none when it has a shape only stock Cedar knows.
    pub fn compile(policy: &Value) -> Option<Self> {
        let principal = match constraint(policy.get("principal"))? {
            Constraint::Any | Constraint::Is => None,
            Constraint::Equal(_, id) => Some(id),
        };
        let resource = match constraint(policy.get("resource"))? {
            Constraint::Any => None,
            // `resource is Session` is rare enough to leave to stock Cedar.
            Constraint::Is => return None,
            Constraint::Equal(kind, id) => Some((kind, id)),
        };
        let mut condition = Node::Literal(Literal::Bool(true));
        for clause in policy.get("conditions").and_then(Value::as_array)? {
            let body = node(clause.get("body")?)?;
            let body = match clause.get("kind")?.as_str()? {
                "when" => body,
                "unless" => Node::Not(Box::new(body)),
                _ => return None,
            };
            condition = Node::And(Box::new(condition), Box::new(body));
        }
        Some(Self { principal, resource, condition })
    }

    /// Whether the policy is satisfied; none when only stock Cedar can say.
    pub fn judge(&self, view: &View<'_>) -> Option<bool> {
        if let Some((kind, id)) = &self.resource {
            let matches = match view.ask.place {
                Place::App => *kind == "App" && id == view.ask.project_id,
                Place::Session(session) => *kind == "Session" && id == session,
            };
            if !matches {
                return Some(false);
            }
        }
        truth(&self.condition, view)
    }
}

enum Constraint {
    Any,
    Is,
    Equal(&'static str, String),
}

fn constraint(json: Option<&Value>) -> Option<Constraint> {
    let json = json?;
    match json.get("op")?.as_str()? {
        "All" => Some(Constraint::Any),
        "is" if json.get("in").is_none() => Some(Constraint::Is),
        "==" => {
            let entity = json.get("entity")?;
            let kind = entity.get("type")?.as_str()?.rsplit("::").next()?;
            let known =
                ["User", "Agent", "App", "Session", "Project", "Account"].into_iter().find(|name| *name == kind)?;
            Some(Constraint::Equal(known, entity.get("id")?.as_str()?.to_owned()))
        }
        _ => None,
    }
}

fn literal(json: &Value) -> Option<Literal> {
    match json {
        Value::Bool(value) => Some(Literal::Bool(*value)),
        Value::Number(value) => value.as_i64().map(Literal::Long),
        Value::String(text) => Some(Literal::Text(text.clone())),
        _ => None,
    }
}

fn node(json: &Value) -> Option<Node> {
    let fields = json.as_object()?;
    let (operator, operands) = fields.iter().next()?;
    let side = |name: &str| node(operands.get(name)?).map(Box::new);
    let attribute = || operands.get("attr").and_then(Value::as_str);
    let of_context =
        || operands.get("left").and_then(|left| left.get("Var")).and_then(Value::as_str) == Some("context");
    Some(match operator.as_str() {
        "Value" => Node::Literal(literal(operands)?),
        "Set" => {
            let items = operands.as_array()?.iter().map(|item| literal(item.get("Value")?));
            Node::Set(items.collect::<Option<Vec<_>>>()?)
        }
        "." if of_context() => match ContextKey::parse(attribute()?) {
            Some(key) => Node::Key(key),
            None => Node::Metadata(attribute()?.to_owned()),
        },
        "." => Node::Field(side("left")?, attribute()?.to_owned()),
        "has" if of_context() => match ContextKey::parse(attribute()?) {
            Some(key) => Node::HasKey(key),
            None => Node::HasMetadata(attribute()?.to_owned()),
        },
        "has" => Node::HasField(side("left")?, attribute()?.to_owned()),
        "!" => Node::Not(side("arg")?),
        "&&" => Node::And(side("left")?, side("right")?),
        "||" => Node::Or(side("left")?, side("right")?),
        "if-then-else" => Node::If(Box::new([*side("if")?, *side("then")?, *side("else")?])),
        "==" => Node::Equal(side("left")?, side("right")?),
        "!=" => Node::Not(Box::new(Node::Equal(side("left")?, side("right")?))),
        "<" => Node::Less(side("left")?, side("right")?),
        "<=" => Node::LessOrEqual(side("left")?, side("right")?),
        // Operands are evaluated in the order they stand in; an error in either is an error, so turning them round is safe.
        ">" => Node::Less(side("right")?, side("left")?),
        ">=" => Node::LessOrEqual(side("right")?, side("left")?),
        "like" => Node::Like(side("left")?, pattern(operands.get("pattern")?)?),
        "contains" => Node::Contains(side("left")?, side("right")?),
        "containsAll" => Node::ContainsAll(side("left")?, side("right")?),
        "containsAny" => Node::ContainsAny(side("left")?, side("right")?),
        _ => return None,
    })
}

/// Neighbouring literals joined, so that matching works on whole strings.
fn pattern(json: &Value) -> Option<Vec<Piece>> {
    let mut pieces: Vec<Piece> = Vec::new();
    for element in json.as_array()? {
        match (element.as_str(), element.get("Literal").and_then(Value::as_str), pieces.last_mut()) {
            (Some("Wildcard"), _, _) => pieces.push(Piece::Any),
            (_, Some(text), Some(Piece::Text(before))) => before.push_str(text),
            (_, Some(text), _) => pieces.push(Piece::Text(text.to_owned())),
            _ => return None,
        }
    }
    Some(pieces)
}

fn truth(node: &Node, view: &View<'_>) -> Option<bool> {
    match value(node, view)? {
        Seen::Bool(value) => Some(value),
        _ => None,
    }
}

/// None is "unsure": an error in Cedar, or something this form does not know.
fn value<'a>(node: &'a Node, view: &View<'a>) -> Option<Seen<'a>> {
    let bool = |value: bool| Some(Seen::Bool(value));
    match node {
        Node::Literal(literal) => Some(seen_literal(literal)),
        Node::Set(items) => Some(Seen::Literals(items)),
        Node::Key(key) => view.key(*key).map(seen),
        Node::Metadata(name) => view.metadata(name).map(seen),
        Node::HasKey(key) => bool(view.key(*key).is_some()),
        Node::HasMetadata(name) => bool(view.metadata(name).is_some()),
        Node::Field(of, name) => field(value(of, view)?, name)?.map(seen),
        Node::HasField(of, name) => bool(field(value(of, view)?, name)?.is_some()),
        Node::Not(inner) => bool(!truth(inner, view)?),
        Node::And(left, right) => bool(truth(left, view)? && truth(right, view)?),
        Node::Or(left, right) => bool(truth(left, view)? || truth(right, view)?),
        Node::If(parts) => {
            let [test, then, other] = &**parts;
            value(if truth(test, view)? { then } else { other }, view)
        }
        Node::Equal(left, right) => bool(equal(value(left, view)?, value(right, view)?)?),
        Node::Less(left, right) => bool(long(value(left, view)?)? < long(value(right, view)?)?),
        Node::LessOrEqual(left, right) => bool(long(value(left, view)?)? <= long(value(right, view)?)?),
        Node::Like(inner, pattern) => match value(inner, view)? {
            Seen::Text(text) => bool(matches(pattern, text)),
            _ => None,
        },
        Node::Contains(set, item) => bool(contains(value(set, view)?, value(item, view)?)?),
        Node::ContainsAll(set, items) => {
            let (set, items) = (value(set, view)?, value(items, view)?);
            every(items, |item| contains(set, item))
        }
        Node::ContainsAny(set, items) => {
            let (set, items) = (value(set, view)?, value(items, view)?);
            every(items, |item| contains(set, item).map(|found| !found)).and_then(|none| match none {
                Seen::Bool(none) => Some(Seen::Bool(!none)),
                _ => None,
            })
        }
    }
}

fn seen(value: &KeyValue) -> Seen<'_> {
    match value {
        KeyValue::Bool(value) => Seen::Bool(*value),
        KeyValue::Long(value) => Seen::Long(*value),
        KeyValue::Text(text) => Seen::Text(text),
        KeyValue::Set(_) | KeyValue::Record(_) => Seen::Known(value),
    }
}

fn seen_literal(literal: &Literal) -> Seen<'_> {
    match literal {
        Literal::Bool(value) => Seen::Bool(*value),
        Literal::Long(value) => Seen::Long(*value),
        Literal::Text(text) => Seen::Text(text),
    }
}

/// The field of a record; outer none when it is no record.
#[allow(clippy::option_option)]
fn field<'a>(of: Seen<'a>, name: &str) -> Option<Option<&'a KeyValue>> {
    match of {
        Seen::Known(KeyValue::Record(fields)) => {
            Some(fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value))
        }
        _ => None,
    }
}

const fn long(value: Seen<'_>) -> Option<i64> {
    match value {
        Seen::Long(value) => Some(value),
        _ => None,
    }
}

/// Scalars of different types are unequal in Cedar, not an error. Sets and records are left to it.
fn equal(left: Seen<'_>, right: Seen<'_>) -> Option<bool> {
    match (left, right) {
        (Seen::Known(_) | Seen::Literals(_), _) | (_, Seen::Known(_) | Seen::Literals(_)) => None,
        (Seen::Bool(left), Seen::Bool(right)) => Some(left == right),
        (Seen::Long(left), Seen::Long(right)) => Some(left == right),
        (Seen::Text(left), Seen::Text(right)) => Some(left == right),
        _ => Some(false),
    }
}

fn contains(set: Seen<'_>, item: Seen<'_>) -> Option<bool> {
    match (set, item) {
        (_, Seen::Known(_) | Seen::Literals(_)) => None,
        (Seen::Known(KeyValue::Set(items)), Seen::Text(text)) => Some(items.iter().any(|known| known == text)),
        (Seen::Known(KeyValue::Set(_)), _) => Some(false),
        (Seen::Literals(items), item) => Some(items.iter().any(|known| equal(seen_literal(known), item) == Some(true))),
        _ => None,
    }
}

/// Whether `holds` for every member of a set.
fn every<'a>(set: Seen<'a>, holds: impl Fn(Seen<'a>) -> Option<bool>) -> Option<Seen<'a>> {
    let mut all = true;
    match set {
        Seen::Known(KeyValue::Set(items)) => {
            for item in items {
                all &= holds(Seen::Text(item))?;
            }
        }
        Seen::Literals(items) => {
            for item in items {
                all &= holds(seen_literal(item))?;
            }
        }
        _ => return None,
    }
    Some(Seen::Bool(all))
}

/// Wildcard matching without backtracking over more than the last star: linear in the usual case, bounded by both lengths.
fn matches(pattern: &[Piece], text: &str) -> bool {
    let mut rest = text;
    let mut floating = false;
    for (at, piece) in pattern.iter().enumerate() {
        match piece {
            Piece::Any => floating = true,
            Piece::Text(part) => {
                let last = at + 1 == pattern.len();
                let found = match (floating, last) {
                    (true, true) => return rest.ends_with(part.as_str()),
                    (true, false) => rest.find(part.as_str()),
                    (false, _) => rest.starts_with(part.as_str()).then_some(0),
                };
                let Some(after) = found.and_then(|start| rest.get(start + part.len()..)) else { return false };
                rest = after;
                floating = false;
            }
        }
    }
    floating || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        api::{Mode, PolicySpec, Principal},
        context_keys::Action,
        policy::{ask::Mistyped, judge::JudgeBuilder, load, work::Budget},
        scope::Layer,
    };

    /// Conditions over keys of every type, some always present, some never, one of a wrong type for its use.
    fn condition() -> impl Strategy<Value = String> {
        let atom = prop_oneof![
            Just("context.injection_score >= 50".to_owned()),
            Just("context.injection_score < context.jailbreak_score".to_owned()),
            Just("context has secrets_detected && context.secrets_detected".to_owned()),
            Just("context has pii_types && context.pii_types.contains(\"email\")".to_owned()),
            Just("context.pii_types.containsAny([\"email\", \"ssn\"])".to_owned()),
            Just("context.pii_types.containsAll([\"email\", \"ssn\"])".to_owned()),
            Just("[\"a\", \"b\"].contains(context.tenant_tier)".to_owned()),
            Just("[\"a\", \"b\"].containsAll([\"a\"])".to_owned()),
            Just("context.tenant_tier == \"a\"".to_owned()),
            Just("context.tenant_tier != context.region".to_owned()),
            Just("context.tenant.tier == \"a\"".to_owned()),
            Just("context.tenant has plan && context.tenant.plan like \"*b*\"".to_owned()),
            Just("context.region like \"eu-*-1\"".to_owned()),
            Just("context.region like \"*\"".to_owned()),
            Just("context.region like \"\"".to_owned()),
            Just("context.region like \"e*-*t*1\"".to_owned()),
            Just("context has highest_severity".to_owned()),
            Just("context.highest_severity == \"none\"".to_owned()),
            Just("context has department && context.department == \"x\"".to_owned()),
            Just("context.department like \"x*\"".to_owned()),
            Just("context.injection_score == \"50\"".to_owned()),
            Just("context.pii_types == [\"email\"]".to_owned()),
            Just("true".to_owned()),
            Just("(if context.secrets_detected then context.injection_score else 7) <= 7".to_owned()),
        ];
        atom.prop_recursive(3, 12, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
                inner.clone().prop_map(|a| format!("!({a})")),
                (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("if ({a}) then ({b}) else ({c})")),
            ]
        })
    }

    fn scope_of_policy() -> impl Strategy<Value = String> {
        let principal = prop_oneof![
            3 => Just("principal"), 1 => Just("principal == User::\"ann\""), 1 => Just("principal == Agent::\"ann\""),
            1 => Just("principal is User"),
        ];
        let resource = prop_oneof![
            3 => Just("resource"), 1 => Just("resource == Session::\"s1\""), 1 => Just("resource == App::\"prod\""),
            1 => Just("resource in Account::\"acme\""), 1 => Just("resource is Session"),
        ];
        (principal, resource, any::<bool>()).prop_map(|(principal, resource, permit)| {
            let effect = if permit { "permit" } else { "forbid" };
            format!("{effect} ({principal}, action == Action::\"process_prompt\", {resource})")
        })
    }

    fn keys() -> impl Strategy<Value = Vec<(ContextKey, KeyValue)>> {
        let text =
            |texts: &'static [&'static str]| prop::sample::select(texts).prop_map(|text| KeyValue::Text(text.into()));
        let score = || (0_i64..100).prop_map(KeyValue::Long);
        let set = prop::sample::subsequence(vec!["email", "ssn", "phone"], 0..=3)
            .prop_map(|items| KeyValue::Set(items.into_iter().map(Into::into).collect()));
        let record = prop::sample::select(&["a", "abc", ""]).prop_map(|text| {
            KeyValue::Record(vec![("tier", KeyValue::Text(text.into())), ("plan", KeyValue::Text(text.into()))])
        });
        let all = (
            prop::option::of(score()),
            prop::option::of(score()),
            prop::option::of(any::<bool>().prop_map(KeyValue::Bool)),
            prop::option::of(set),
            text(&["a", "b", ""]),
            text(&["eu-west-1", "a", "", "eu--1"]),
            prop::option::of(text(&["none", "high"])),
            record,
        );
        all.prop_map(|(injection, jailbreak, secrets, pii, tier, region, severity, tenant)| {
            [
                (ContextKey::InjectionScore, injection),
                (ContextKey::JailbreakScore, jailbreak),
                (ContextKey::SecretsDetected, secrets),
                (ContextKey::PiiTypes, pii),
                (ContextKey::TenantTier, Some(tier)),
                (ContextKey::Region, Some(region)),
                (ContextKey::HighestSeverity, severity),
                (ContextKey::Tenant, Some(tenant)),
            ]
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
        #[test]
        fn compiled_and_stock_agree_on_decision_reasons_and_errors(
            policies in prop::collection::vec((scope_of_policy(), condition()), 1..6),
            keys in keys(),
            department in prop::option::of(prop::sample::select(&["x", "xy", "z"])),
            agent in any::<bool>(),
            session in any::<bool>(),
        ) {
            let text: String = policies.iter().map(|(scope, when)| format!("{scope} when {{ {when} }};\n")).collect();
            let spec =
                PolicySpec { name: "p".into(), text, mode: Mode::Enforce, layer: Layer::Project, ceiling: false };
            let rules = load::parse(&spec).unwrap();
            let [mut fast, mut stock] = [JudgeBuilder::default(), JudgeBuilder::stock()];
            for (index, rule) in rules.iter().enumerate() {
                fast.add(index, rule).unwrap();
                stock.add(index, rule).unwrap();
            }
            let principal = if agent { Principal::agent("ann") } else { Principal::user("ann") };
            let metadata: Vec<(String, KeyValue)> =
                department.into_iter().map(|text| ("department".to_owned(), KeyValue::Text(text.into()))).collect();
            let ask = Ask {
                action: Action::ProcessPrompt,
                principal: &principal,
                place: if session { Place::Session("s1") } else { Place::App },
                account_id: "acme",
                project_id: "prod",
                keys: &keys,
                metadata: &metadata,
                mistyped: &Mistyped::default(),
            };
            let said = |judge: JudgeBuilder| judge.build().unwrap().run(&ask, &mut Budget::new(&|| Ok(()))).unwrap();
            prop_assert_eq!(said(fast), said(stock), "{}", spec.text);
        }
    }

    #[test]
    fn ordinary_policies_compile_and_hierarchical_ones_do_not() {
        let compiles = |text: &str| {
            let spec = PolicySpec {
                name: "p".into(),
                text: text.into(),
                mode: Mode::Enforce,
                layer: Layer::Project,
                ceiling: false,
            };
            load::parse(&spec).unwrap()[0].compiled.is_some()
        };
        assert!(compiles(
            "permit (principal, action, resource) when { context has pii_types && context.pii_types.contains(\"x\") };"
        ));
        assert!(compiles(
            "forbid (principal == User::\"x\", action, resource) unless { context.tenant_tier like \"a*\" };"
        ));
        assert!(!compiles("forbid (principal, action, resource in Account::\"acme\");"));
        assert!(!compiles("forbid (principal, action, resource) when { context.injection_score + 1 > 3 };"));
    }
}
