//! Walks every text of a subject that detectors must see. Owns the order and the naming of places; touches `api`.

use serde_json::{Map, Number, Value};

use super::{Place, Subject};

/// One text and where it stands. The name of the place is only built for findings.
pub(super) struct Located<'a> {
    pub(super) text: &'a str,
    /// The name of the argument the text is the value of: `{"password": "…"}` says more than the value alone.
    pub(super) hint: Option<&'a str>,
    /// Whether the text came from somewhere other than the person speaking.
    pub(super) is_data: bool,
    at: At<'a>,
}

enum At<'a> {
    Content,
    Elsewhere(&'static str),
    Argument { trail: &'a [Step<'a>], node: usize, what: What },
}

#[derive(Clone, Copy)]
enum What {
    Text,
    Number,
    Key,
}

enum Name<'a> {
    Field(&'a str),
    Item(usize),
}

struct Step<'a> {
    parent: Option<usize>,
    name: Name<'a>,
}

impl Located<'_> {
    /// The public name of the place.
    pub(super) fn place(&self) -> Place {
        match &self.at {
            At::Content => Place::Content,
            At::Elsewhere(name) => Place::Elsewhere(name),
            At::Argument { trail, node, what } => {
                let pointer = pointer(trail, *node);
                match what {
                    What::Text => Place::Argument(pointer),
                    What::Number => Place::ArgumentNumber(pointer),
                    What::Key => Place::ArgumentKey(pointer),
                }
            }
        }
    }
}

/// RFC 6901.
fn pointer(trail: &[Step<'_>], node: usize) -> String {
    let mut names = Vec::new();
    let mut at = Some(node);
    while let Some(step) = at.and_then(|at| trail.get(at)) {
        names.push(&step.name);
        at = step.parent;
    }
    let mut text = String::new();
    for name in names.iter().rev() {
        text.push('/');
        match name {
            Name::Item(index) => text.push_str(&index.to_string()),
            Name::Field(name) => text.push_str(&name.replace('~', "~0").replace('/', "~1")),
        }
    }
    text
}

/// Calls `visit` for every text of `subject`.
pub(super) fn each(subject: &Subject<'_>, content_is_data: bool, mut visit: impl FnMut(&Located<'_>)) {
    visit(&Located { text: subject.content, hint: None, is_data: content_is_data, at: At::Content });
    for text in subject.contexts {
        visit(&Located { text, hint: None, is_data: true, at: At::Elsewhere("contexts") });
    }
    if let Some(tool) = subject.tool {
        if let Some(text) = &tool.description {
            visit(&Located { text, hint: None, is_data: true, at: At::Elsewhere("tool.description") });
        }
        if !tool.arguments.is_empty() {
            arguments(&tool.arguments, &mut visit);
        }
    }
    if let Some(file) = subject.file {
        visit(&Located { text: &file.path, hint: None, is_data: true, at: At::Elsewhere("file.path") });
    }
}

/// An explicit stack, since the nesting is the caller's choice and must not become our call depth.
fn arguments<'a>(arguments: &'a Map<String, Value>, visit: &mut impl FnMut(&Located<'_>)) {
    let mut trail: Vec<Step<'a>> = Vec::with_capacity(arguments.len());
    let mut open: Vec<(usize, &'a Value)> = Vec::with_capacity(arguments.len());
    let mut order: Vec<(usize, &'a Value)> = Vec::new();
    let enter = |fields: &'a Map<String, Value>, parent, trail: &mut Vec<Step<'a>>, order: &mut Vec<_>| {
        for (name, value) in fields {
            order.push((trail.len(), value));
            trail.push(Step { parent, name: Name::Field(name) });
        }
    };
    enter(arguments, None, &mut trail, &mut order);
    open.extend(order.drain(..).rev());
    while let Some((node, value)) = open.pop() {
        let hint = hint(&trail, node);
        if let Some(Step { name: Name::Field(name), .. }) = trail.get(node) {
            visit(&located(name, None, &trail, node, What::Key));
        }
        match value {
            Value::String(text) => visit(&located(text, hint, &trail, node, What::Text)),
            Value::Number(number) => {
                if let Some(digits) = long_integer(number, hint) {
                    visit(&located(&digits, hint, &trail, node, What::Number));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    order.push((trail.len(), item));
                    trail.push(Step { parent: Some(node), name: Name::Item(index) });
                }
                open.extend(order.drain(..).rev());
            }
            Value::Object(fields) => {
                enter(fields, Some(node), &mut trail, &mut order);
                open.extend(order.drain(..).rev());
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

fn located<'a>(text: &'a str, hint: Option<&'a str>, trail: &'a [Step<'a>], node: usize, what: What) -> Located<'a> {
    Located { text, hint, is_data: true, at: At::Argument { trail, node, what } }
}

/// The nearest field name: an item of `{"tokens": ["…"]}` is still a token.
fn hint<'a>(trail: &[Step<'a>], node: usize) -> Option<&'a str> {
    match trail.get(node)? {
        Step { name: Name::Field(name), .. } => Some(name),
        Step { parent, .. } => match trail.get((*parent)?)?.name {
            Name::Field(name) => Some(name),
            Name::Item(_) => None,
        },
    }
}

/// Integers long enough to be a card, also when a client sent them as a float; nine digits when the name says SSN.
fn long_integer(number: &Number, hint: Option<&str>) -> Option<String> {
    let digits = match (number.as_u64(), number.as_f64()) {
        (Some(whole), _) => whole.to_string(),
        (None, Some(float)) if (1e11..1e19).contains(&float) && float.fract() == 0.0 => format!("{float:.0}"),
        _ => return None,
    };
    let least = if hint.is_some_and(super::pii::names_ssn) { 9 } else { 12 };
    (digits.len() >= least).then_some(digits)
}
