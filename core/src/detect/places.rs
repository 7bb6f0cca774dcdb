//! Walks every text of a subject that detectors must see. Owns the order and the naming of places; touches `api`.

use serde_json::{Map, Number, Value};

use super::{Place, Subject, json};

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
    /// What another field of its object says it is, where it is just called `value`.
    label: Option<&'a str>,
}

impl Located<'_> {
    /// Whether the text is the digits of a number.
    pub(super) const fn is_number(&self) -> bool {
        matches!(self.at, At::Argument { what: What::Number, .. })
    }

    /// Whether the text is the content.
    pub(super) const fn is_content(&self) -> bool {
        matches!(self.at, At::Content)
    }

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
pub(super) fn arguments<'a>(arguments: &'a Map<String, Value>, visit: &mut impl FnMut(&Located<'_>)) {
    let mut trail: Vec<Step<'a>> = Vec::with_capacity(arguments.len());
    let mut open: Vec<(usize, &'a Value)> = Vec::with_capacity(arguments.len());
    let mut order: Vec<(usize, &'a Value)> = Vec::new();
    let enter = |fields: &'a Map<String, Value>, parent, trail: &mut Vec<Step<'a>>, order: &mut Vec<_>| {
        for (name, value) in fields {
            order.push((trail.len(), value));
            let label = if json::is_value_field(name) { label(fields) } else { None };
            trail.push(Step { parent, name: Name::Field(name), label });
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
                if let Some(digits) = long_integer(number) {
                    visit(&located(&digits, hint, &trail, node, What::Number));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    order.push((trail.len(), item));
                    trail.push(Step { parent: Some(node), name: Name::Item(index), label: None });
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
    let mut step = trail.get(node)?;
    // No longer path than the text is deep; and what is that deep has no telling name.
    for _ in 0..DEEPEST_LIST {
        match step.name {
            Name::Field(name) => return step.label.or(Some(name)).filter(|name| name.len() <= json::LONGEST_NAME),
            Name::Item(_) => step = trail.get(step.parent?)?,
        }
    }
    None
}

/// How many lists within lists a name is looked for behind.
const DEEPEST_LIST: usize = 16;

/// What an object says of its `value`.
fn label(fields: &Map<String, Value>) -> Option<&str> {
    fields.iter().find(|(name, _)| json::is_label_field(name)).and_then(|(_, value)| value.as_str())
}

/// The digits of a number that may be something, however it is written.
fn long_integer(number: &Number) -> Option<String> {
    // Most numbers are short, and cost nothing.
    if number.as_f64().is_some_and(|value| value.abs() < 1e6) {
        return None;
    }
    json::digits(&number.to_string()).map(std::borrow::Cow::into_owned)
}
