//! Methods: an operation's arguments, what is sent of them, and what is made of the answer.

use super::{
    Python,
    names::{DICTS, NAMES, PRINTED, SPREAD, is_first, is_needed, renamed},
    text::{self, call, docstring, plain_docs, signature},
};
use crate::model::{Field, Method, Output, Result, Ty, Type};

/// One argument of a method.
struct Argument {
    name: String,
    wire: String,
    annotation: String,
    /// What is sent of it.
    sent: String,
    is_needed: bool,
    docs: String,
}

impl Python<'_> {
    /// The type of what is given, and what is sent of it.
    fn given(&self, ty: &Ty, name: &str) -> Result<(String, String)> {
        let as_is = |annotation: &str| Ok((annotation.to_owned(), name.to_owned()));
        match ty {
            Ty::Text => as_is("str"),
            Ty::Boolean => as_is("bool"),
            Ty::Integer => as_is("int"),
            Ty::Number => as_is("float"),
            Ty::Json => as_is("Any"),
            Ty::Millis => Ok(("_wire.Period".into(), format!("_wire.period(\"{name}\", {name})"))),
            Ty::Since => Ok(("_wire.Since".into(), format!("_wire.since({name})"))),
            Ty::Object => Ok(("Mapping[str, Any]".into(), format!("_wire.fields(\"{name}\", {name})"))),
            Ty::Map(inner) => {
                Ok((format!("Mapping[str, {}]", self.given(inner, "")?.0), format!("_wire.fields(\"{name}\", {name})")))
            }
            Ty::List(inner) => {
                Ok((format!("Sequence[{}]", self.given(inner, "")?.0), format!("_wire.texts(\"{name}\", {name})")))
            }
            Ty::Named(named) if DICTS.contains(&named.as_str()) => {
                Ok(("Mapping[str, Any]".into(), format!("_wire.fields(\"{name}\", {name})")))
            }
            Ty::Named(named) if matches!(self.model.types.get(named), Some(Type::Words(_))) => as_is(named),
            Ty::Named(named) => Err(format!("`{name}` is a `{named}`, which Python has no words for")),
        }
    }

    fn arguments(&self, method: &Method) -> Result<Vec<Argument>> {
        let operation = method.operation.as_str();
        let mut arguments = Vec::new();
        for field in &method.fields {
            if let Some((_, _, spread)) = SPREAD.iter().find(|(at, of, _)| *at == operation && *of == field.name) {
                let Ty::Named(record) = &field.ty else { return Err(format!("`{}` is no record", field.name)) };
                let inner = self.model.record(record).and_then(|record| record.input.as_ref());
                for name in *spread {
                    let found = inner.and_then(|fields| fields.iter().find(|field| field.name == *name));
                    let found = found.ok_or_else(|| format!("`{record}` has no `{name}`"))?;
                    arguments.push(self.argument(
                        operation,
                        found,
                        format!("{}.{name}", field.name),
                        Some(name) == spread.first(),
                    )?);
                }
                continue;
            }
            let is_needed = field.required || is_first(operation, &field.name) || is_needed(operation, &field.name);
            arguments.push(self.argument(operation, field, field.name.clone(), is_needed)?);
        }
        arguments.sort_by_key(|argument| !argument.is_needed);
        Ok(arguments)
    }

    fn argument(&self, operation: &str, field: &Field, wire: String, is_needed: bool) -> Result<Argument> {
        let name = renamed(operation, &field.name);
        let name = if field.ty == Ty::Millis { name.trim_end_matches("_ms") } else { name };
        let (mut annotation, mut sent) = self.given(&field.ty, name)?;
        if let Some((.., record)) = PRINTED.iter().find(|(at, printed, _)| *at == operation && *printed == field.name) {
            annotation = format!("{record} | {annotation}");
            sent = format!("_wire.printed({sent})");
        }
        let mut docs = plain_docs(&field.docs);
        if field.ty == Ty::Millis {
            docs = docs.replace(", in milliseconds", "").replace(" in milliseconds", "");
            docs += " A `timedelta`, text such as `minute` or `15m`, or seconds.";
        }
        Ok(Argument { name: name.into(), wire, annotation, sent, is_needed, docs })
    }

    /// A method and its awaited twin.
    pub(super) fn method(&self, method: &Method) -> Result<String> {
        let operation = method.operation.as_str();
        let noun = operation.split('.').next().unwrap_or_default();
        let whole = NAMES.iter().find(|(at, from, _)| *at == operation && from.is_empty()).map(|(.., name)| *name);
        let arguments = if whole.is_some() { Vec::new() } else { self.arguments(method)? };
        let levels: Vec<&str> = method.levels.iter().map(|level| renamed(noun, level)).collect();
        let mut parameters: Vec<String> = levels.iter().map(|level| format!("{level}: str")).collect();
        if let (Some(name), Some(input)) = (whole, &method.input) {
            parameters.push(format!("{name}: {} | Mapping[str, Any]", renamed("", input)));
        }
        let is_spread_first = |wire: &str| {
            SPREAD.iter().any(|(at, of, names)| {
                *at == operation && names.first().is_some_and(|first| wire == format!("{of}.{first}"))
            })
        };
        let (first, named): (Vec<&Argument>, Vec<&Argument>) = arguments.iter().partition(|argument| {
            let positional = method.fields.iter().take(method.positional).any(|field| field.name == argument.wire);
            positional || is_first(operation, &argument.wire) || is_spread_first(&argument.wire)
        });
        parameters.extend(first.iter().map(|argument| format!("{}: {}", argument.name, argument.annotation)));
        if !named.is_empty() {
            parameters.push("*".into());
        }
        parameters.extend(named.iter().map(|Argument { name, annotation, is_needed, .. }| match is_needed {
            true => format!("{name}: {annotation}"),
            false => format!("{name}: {annotation} | None = None"),
        }));
        let (gives, read) = self.gives(&method.output);
        let input = whole.map_or_else(
            || vec![sent(&arguments)],
            |name| vec![text::Sent::Value(format!("_wire.fields(\"{name}\", {name})"))],
        );
        let mut docs = plain_docs(&method.docs);
        let told: Vec<String> =
            first.iter().chain(&named).map(|argument| format!("    {}: {}", argument.name, argument.docs)).collect();
        if let (Some(name), Some(input)) = (whole, &method.input) {
            docs += &format!(
                "\n\nArgs:\n    {name}: `{input}`, or the same as plain data. What is left out has its default."
            );
        }
        if !told.is_empty() {
            docs += &format!("\n\nArgs:\n{}", told.join("\n"));
        }
        let mut text = signature(method.verb, &parameters, &gives) + &docstring("        ", &docs);
        text += &call("_call", operation, &input, &read, &levels);
        text += &signature(&format!("a{}", method.verb), &parameters, &format!("Coroutine[Any, Any, {gives}]"));
        text += &format!("        \"\"\"As `{}`, awaited.\"\"\"\n", method.verb);
        Ok(text + &call("_acall", operation, &input, &read, &levels))
    }

    /// What a method gives, and what makes it of plain data.
    fn gives(&self, output: &Output) -> (String, String) {
        let as_is = || "_wire.as_is".to_owned();
        match output {
            Output::Nothing => ("None".into(), "_wire.nothing".into()),
            Output::One(ty) => (self.told(ty, false), self.reader(ty).unwrap_or_else(as_is)),
            Output::Page(ty) => {
                let read = self.reader(ty).unwrap_or_else(as_is);
                (format!("_wire.Page[{}]", self.told(ty, false)), format!("_wire.page({read})"))
            }
        }
    }
}

/// What is sent of the arguments, nested where they are fields of a record.
fn sent(arguments: &[Argument]) -> text::Sent {
    let mut fields: Vec<(String, text::Sent)> = Vec::new();
    for argument in arguments {
        let value = text::Sent::Value(argument.sent.clone());
        let Some((record, inner)) = argument.wire.split_once('.') else {
            fields.push((argument.wire.clone(), value));
            continue;
        };
        match fields.iter_mut().find(|(name, _)| name == record) {
            Some((_, text::Sent::Fields(nested))) => nested.push((inner.to_owned(), value)),
            _ => fields.push((record.to_owned(), text::Sent::Fields(vec![(inner.to_owned(), value)]))),
        }
    }
    text::Sent::Fields(fields)
}
