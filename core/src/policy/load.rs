//! From text to rules: parse, put bare names into the namespace, read annotations, find what is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr as _,
    sync::Arc,
};

use cedar_policy::{Effect, ParseErrors, Policy, PolicySet, ffi::DetailedError};
use serde_json::Value;

use super::{
    DeclaredType, KeySet, MAX_TEXT, Redaction,
    bounds::{self, Qualified},
    compiled::CompiledRule,
    near::RuleScope,
    source::{Source, Spot},
    work::{self, Work},
};
use crate::{
    api::{PolicySpec, PrincipalKind},
    context_keys::{Action, ContextKey, is_reserved},
    error::{Error, Result},
};

/// Most metadata keys one text reads: the schema a text is checked against names each once per action.
pub const MAX_METADATA_KEYS: usize = 128;
/// Longest name of a metadata key a policy reads, in bytes.
pub const MAX_METADATA_NAME: usize = 256;
const STRATEGIES: [&str; 4] = ["redact", "replace", "mask", "anonymize"];
/// Annotations whose meaning needs rooms this version does not have; ignoring them would weaken the policy.
const UNSUPPORTED: [&str; 8] = [
    "step_up_required",
    "step_up_scope",
    "step_up_four_eyes",
    "step_up_unless_granted",
    "defer_below_confidence",
    "defer_until_context",
    "defer_on_conflict",
    "single_use",
];

/// What a policy's annotations say (`docs/wire/shield.md`, "Annotations").
#[derive(Clone, Debug, Default)]
pub struct Annotations {
    /// `@id`: not unique across tenants.
    pub id: Option<String>,
    /// `@name`: what responses call the policy.
    pub name: Option<String>,
    /// `@severity`.
    pub severity: Option<String>,
    /// `@category`.
    pub category: Option<String>,
    /// `@tags`, split at commas.
    pub tags: Option<Vec<String>>,
    /// `@reject_message`.
    pub reject_message: Option<String>,
    /// `@description`.
    pub description: Option<String>,
    /// `@redaction_strategy`: makes a forbid soft.
    pub redaction_strategy: Option<String>,
    /// The rest.
    pub custom: BTreeMap<String, String>,
}

/// One parsed policy. It is made once for each text, and shared by every set that holds the text.
pub struct LoadedRule {
    pub policy: Policy,
    pub permit: bool,
    pub actions: Vec<Action>,
    /// The only principal type that can match, if there is one.
    pub principal: Option<PrincipalKind>,
    /// Whom and what it is about.
    pub scope: RuleScope,
    pub reads: KeySet,
    pub reads_everything: bool,
    /// The metadata keys it reads, each with the type its use implies; none where it only asks whether the key is there.
    pub metadata: BTreeMap<String, Option<DeclaredType>>,
    /// The parameters of a tool call it reads; `None` among them stands for all.
    pub parameters: BTreeSet<Option<String>>,
    /// Whether `in` is used, so that the hierarchy matters.
    pub needs_hierarchy: bool,
    pub annotations: Arc<Annotations>,
    /// What judging it costs.
    pub work: Work,
    /// The fast form, when the policy has one.
    pub compiled: Option<Arc<CompiledRule>>,
}

impl LoadedRule {
    /// What its redaction rewrites: the families whose keys it reads, or all when it reads neither.
    pub fn redaction(&self) -> Option<Redaction> {
        let strategy = self.annotations.redaction_strategy.clone()?;
        let reads =
            |part: &str| ContextKey::ALL.iter().any(|key| self.reads.contains(*key) && key.name().contains(part));
        let (pii, secrets) = (reads("pii"), reads("secret"));
        Some(Redaction { strategy, pii: pii || !secrets, secrets: secrets || !pii })
    }
}

/// Refuses what is no name of a policy.
pub fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
        return Err(Error::invalid("policy_name_invalid", "a policy's name has 1 to 128 bytes, none of them control"));
    }
    Ok(())
}

/// The rules of a text. Refuses one that is out of bounds before anything is parsed.
pub fn parse(spec: &PolicySpec) -> Result<Vec<LoadedRule>> {
    check_name(&spec.name)?;
    let source = Source { name: &spec.name, text: &spec.text };
    if spec.text.len() > MAX_TEXT {
        let what = format!("the text is longer than {MAX_TEXT} bytes");
        return Err(source.refuse("policy_too_large", MAX_TEXT, what, None).with_help("split it into several texts"));
    }
    let qualified = bounds::qualified(&spec.text).map_err(|beyond| {
        let help = beyond.help.unwrap_or("write it shorter, or split it into several policies");
        source.refuse("policy_too_complex", beyond.at, beyond.what, None).with_help(help)
    })?;
    let set = PolicySet::from_str(&qualified.text).map_err(|errors| unreadable(source, &qualified, &errors))?;
    if set.templates().next().is_some() {
        let what = "templates with ?principal or ?resource are not supported";
        let slot = source.slot();
        return Err(source
            .refuse("policy_template", slot, what, None)
            .with_help("write one policy for each principal or resource"));
    }
    // `policies()` has no promised order; generated ids (policy0, policy1, …) do.
    let mut policies: Vec<&Policy> = set.policies().collect();
    policies.sort_by_key(|policy| {
        let id: &str = policy.id().as_ref();
        (id.len(), id.to_owned())
    });
    if policies.is_empty() {
        return Err(source
            .refuse("policy_empty", 0, "the text holds no policy", None)
            .with_help("write `permit (principal, action, resource);` or `forbid (…);`, or remove the policy"));
    }
    let rules = policies
        .into_iter()
        .enumerate()
        .map(|(number, policy)| rule(policy, At { source, number }))
        .collect::<Result<Vec<_>>>()?;
    let mut keys = BTreeSet::new();
    for (number, rule) in rules.iter().enumerate() {
        let at = At { source, number };
        if rule.compiled.is_none() && rule.work.stock_base() > work::MAX_POLICY {
            return Err(at
                .refuse("policy_too_complex", Spot::Start, "one policy is too large to be judged in time")
                .with_help("split it into several policies"));
        }
        for key in rule.metadata.keys() {
            keys.insert(key);
            if keys.len() > MAX_METADATA_KEYS || key.len() > MAX_METADATA_NAME {
                let what = format!(
                    "a text reads at most {MAX_METADATA_KEYS} metadata keys, of at most {MAX_METADATA_NAME} bytes each"
                );
                return Err(at
                    .refuse("policy_too_complex", Spot::Key(key), what)
                    .with_help("split it into several texts, or shorten the names"));
            }
        }
    }
    Ok(rules)
}

/// One policy of a text that is being read.
#[derive(Clone, Copy)]
struct At<'a> {
    source: Source<'a>,
    number: usize,
}

impl At<'_> {
    fn refuse(self, code: &'static str, spot: Spot<'_>, what: impl Display) -> Error {
        self.source.refuse_spot(code, self.number, spot, what)
    }
}

/// What the parser says, where it says it: the first of several errors in the text.
fn unreadable(source: Source<'_>, qualified: &Qualified<'_>, errors: &ParseErrors) -> Error {
    let told = errors.iter().map(DetailedError::from);
    let place = |error: &DetailedError| error.source_locations.first().map_or(0, |label| label.loc.start);
    let Some(first) = told.min_by_key(place) else {
        return source.refuse("policy_syntax", 0, errors, None);
    };
    let label = first.source_locations.first().and_then(|label| label.label.as_deref());
    let at = qualified.given(place(&first));
    let equals = if first.message.starts_with("'='") { source.lone_equals(at) } else { None };
    source
        .refuse("policy_syntax", equals.unwrap_or(at), &first.message, label)
        .with_help(first.help.as_deref().unwrap_or("see the Cedar grammar at docs/policies.md"))
}

fn rule(policy: &Policy, at: At<'_>) -> Result<LoadedRule> {
    let json = policy.to_json().map_err(|error| at.refuse("policy_syntax", Spot::Start, error))?;
    let annotations = annotations(policy, at)?;
    let mut analysis = Analysis::default();
    for condition in json.get("conditions").and_then(Value::as_array).into_iter().flatten() {
        if let Some(body) = condition.get("body") {
            analysis.walk(body, Some(DeclaredType::Bool));
        }
    }
    let uses_in = |side: &str| json.get(side).is_some_and(|constraint| constraint.to_string().contains("\"in\""));
    Ok(LoadedRule {
        permit: policy.effect() == Effect::Permit,
        actions: actions(json.get("action"), at)?,
        principal: principal_type(json.get("principal")),
        scope: RuleScope::of(&json),
        needs_hierarchy: analysis.uses_in || uses_in("principal") || uses_in("resource"),
        reads: if analysis.reads_everything { KeySet::all() } else { analysis.reads },
        reads_everything: analysis.reads_everything,
        metadata: analysis.metadata,
        parameters: analysis.parameters,
        annotations: Arc::new(annotations),
        work: Work::of(&json),
        compiled: CompiledRule::compile(&json).map(Arc::new),
        policy: policy.clone(),
    })
}

fn annotations(policy: &Policy, at: At<'_>) -> Result<Annotations> {
    let mut found = Annotations::default();
    for (key, value) in policy.annotations() {
        let value = value.to_owned();
        let refuse = |code, what: String| at.refuse(code, Spot::Annotation(key), what);
        match key {
            "id" => found.id = Some(value),
            "name" => found.name = Some(value),
            "severity" => match value.as_str() {
                "critical" | "high" | "medium" | "low" => found.severity = Some(value),
                _ => {
                    let what = "@severity is `critical`, `high`, `medium` or `low`";
                    return Err(
                        refuse("annotation_invalid", what.into()).with_help("write one of these, or leave it out")
                    );
                }
            },
            "category" => found.category = Some(value),
            "tags" => found.tags = Some(value.split(',').map(|tag| tag.trim().to_owned()).collect()),
            "reject_message" => found.reject_message = Some(value),
            "description" => found.description = Some(value),
            "redaction_strategy" if STRATEGIES.contains(&value.as_str()) => found.redaction_strategy = Some(value),
            "redaction_strategy" => {
                let what = format!("@redaction_strategy is one of {}", STRATEGIES.join(", "));
                return Err(refuse("annotation_invalid", what).with_help("write one of these, or leave it out"));
            }
            _ if UNSUPPORTED.contains(&key) => {
                return Err(refuse("annotation_unsupported", format!("@{key} is not supported by this version"))
                    .with_help("ignoring it would weaken the policy, so it is refused"));
            }
            _ => drop(found.custom.insert(key.to_owned(), value)),
        }
    }
    Ok(found)
}

fn actions(constraint: Option<&Value>, at: At<'_>) -> Result<Vec<Action>> {
    let named = |entity: &Value| -> Result<Action> {
        let id = entity.get("id").and_then(Value::as_str).unwrap_or_default();
        Action::parse(id).ok_or_else(|| {
            at.refuse("policy_action_unknown", Spot::Action(id), format!("`{id}` is not an action"))
                .with_help(Action::meant_by(id))
        })
    };
    let Some(constraint) = constraint else { return Ok(Action::ALL.to_vec()) };
    match (constraint.get("entity"), constraint.get("entities").and_then(Value::as_array)) {
        (Some(entity), _) => Ok(vec![named(entity)?]),
        (None, Some(entities)) => {
            // The same one written twice is one.
            let named = entities.iter().map(named).collect::<Result<BTreeSet<_>>>()?;
            Ok(named.into_iter().collect())
        }
        (None, None) => Ok(Action::ALL.to_vec()),
    }
}

fn principal_type(constraint: Option<&Value>) -> Option<PrincipalKind> {
    let constraint = constraint?;
    let named = match constraint.get("op").and_then(Value::as_str)? {
        "==" => constraint.get("entity")?.get("type")?.as_str()?,
        "is" => constraint.get("entity_type")?.as_str()?,
        _ => return None,
    };
    match named.rsplit("::").next()? {
        "User" => Some(PrincipalKind::User),
        "Agent" => Some(PrincipalKind::Agent),
        _ => None,
    }
}

/// What a policy's conditions read, found on its JSON form.
#[derive(Default)]
struct Analysis {
    reads: KeySet,
    reads_everything: bool,
    uses_in: bool,
    metadata: BTreeMap<String, Option<DeclaredType>>,
    parameters: BTreeSet<Option<String>>,
}

impl Analysis {
    /// Notes a context key, and for metadata the type its use implies.
    fn read(&mut self, name: &str, implied: Option<DeclaredType>) {
        match ContextKey::parse(name) {
            Some(key) => self.reads.insert(key),
            None => {
                let known = self.metadata.entry(name.to_owned()).or_default();
                *known = known.or(implied);
            }
        }
    }

    /// `expected` is the type this place gives an attribute that stands in it.
    fn walk(&mut self, expression: &Value, expected: Option<DeclaredType>) {
        let Some((operator, operands)) = expression.as_object().and_then(|fields| fields.iter().next()) else { return };
        let context_attribute = |operands: &Value| -> Option<String> {
            let is_context = operands.get("left")?.get("Var").and_then(Value::as_str) == Some("context");
            is_context.then(|| operands.get("attr").and_then(Value::as_str).map(str::to_owned)).flatten()
        };
        match operator.as_str() {
            "Var" => self.reads_everything |= operands.as_str() == Some("context"),
            "Value" | "Slot" => {}
            "." | "has" => {
                let of_parameters = operands.get("left").and_then(|left| context_attribute(left.get(".")?)).as_deref()
                    == Some(ContextKey::ActionParams.name());
                match context_attribute(operands) {
                    Some(name) => {
                        if operator == "." && name == ContextKey::ActionParams.name() {
                            self.parameters.insert(None);
                        }
                        self.read(&name, if operator == "." { expected } else { None });
                    }
                    None if of_parameters => {
                        self.reads.insert(ContextKey::ActionParams);
                        self.parameters.insert(operands.get("attr").and_then(Value::as_str).map(str::to_owned));
                    }
                    None => self.operands(operands, None),
                }
            }
            "==" | "!=" => {
                for (side, other) in [("left", "right"), ("right", "left")] {
                    if let (Some(one), Some(two)) = (operands.get(side), operands.get(other)) {
                        self.walk(one, literal_type(two));
                    }
                }
            }
            "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "neg" => self.operands(operands, Some(DeclaredType::Long)),
            "&&" | "||" | "!" | "if-then-else" => self.operands(operands, Some(DeclaredType::Bool)),
            "like" => self.operands(operands, Some(DeclaredType::Text)),
            "contains" => {
                if let Some(set) = operands.get("left") {
                    self.walk(set, Some(DeclaredType::Set));
                }
                if let Some(item) = operands.get("right") {
                    self.walk(item, Some(DeclaredType::Text));
                }
            }
            "containsAll" | "containsAny" | "isEmpty" => self.operands(operands, Some(DeclaredType::Set)),
            "in" => {
                self.uses_in = true;
                self.operands(operands, None);
            }
            "is" => {
                self.uses_in |= operands.get("in").is_some();
                self.operands(operands, None);
            }
            _ => self.operands(operands, None),
        }
    }

    fn operands(&mut self, operands: &Value, expected: Option<DeclaredType>) {
        match operands {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, expected)),
            Value::Object(fields) => fields.values().for_each(|field| self.walk(field, expected)),
            _ => {}
        }
    }
}

fn literal_type(expression: &Value) -> Option<DeclaredType> {
    match expression.get("Value") {
        Some(Value::String(_)) => Some(DeclaredType::Text),
        Some(Value::Number(_)) => Some(DeclaredType::Long),
        Some(Value::Bool(_)) => Some(DeclaredType::Bool),
        _ => expression.get("Set").map(|_| DeclaredType::Set),
    }
}

/// The metadata keys `rules` read, together, each with every type it is read as, none where they only ask whether it is there.
/// Never fails: a project's policies must not decide whether those of its account load.
pub fn declared<'a>(rules: impl Iterator<Item = &'a LoadedRule>) -> BTreeMap<String, Vec<DeclaredType>> {
    let mut declared: BTreeMap<String, Vec<DeclaredType>> = BTreeMap::new();
    for (name, kind) in rules.flat_map(|rule| &rule.metadata).filter(|(name, _)| !is_reserved(name)) {
        let kinds = declared.entry(name.clone()).or_default();
        if let Some(kind) = kind
            && !kinds.contains(kind)
        {
            kinds.push(*kind);
        }
    }
    declared
}
