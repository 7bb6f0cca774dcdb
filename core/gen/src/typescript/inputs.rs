//! What operations take: interfaces, and the tables by which their fields are read.

use std::collections::{BTreeMap, BTreeSet};

use super::{all_fields, camel, comment, import, lower, names, type_of};
use crate::model::{Field, Method, Model, Result, Ty, Type};

/// One interface: its fields, and what it is.
pub struct Shape {
    pub wire: String,
    pub docs: String,
    pub fields: Vec<Field>,
}

/// The fields of a method beside its positional ones; none where all are positional.
pub fn rest<'a>(model: &Model, method: &'a Method) -> Option<(&'a str, Vec<Field>)> {
    let wire = method.input.as_deref()?;
    let positional = names::positional(method);
    let fields = method.fields.iter().filter(|field| !positional.contains(&field.name.as_str()));
    let fields: Vec<Field> = fields.flat_map(|field| parts(model, wire, field)).collect();
    (!fields.is_empty()).then_some((wire, fields))
}

/// What a method's argument with fields is called, and its type.
pub fn argument(method: &Method, wire: &str) -> String {
    if names::positional(method).is_empty() { names::given(wire) } else { names::rest(wire) }
}

/// A field as it is given: itself, or its own fields where they stand beside the others. Names are paths on the wire.
fn parts(model: &Model, wire: &str, field: &Field) -> Vec<Field> {
    let place = format!("{wire}.{}", field.name);
    let record = if let Ty::Named(name) = &field.ty { model.record(name).map(|record| (name, record)) } else { None };
    match (names::beside(&place), record) {
        (Some(without), Some((name, record))) => {
            let fields = record.input.iter().flatten().filter(|part| !without.contains(&part.name.as_str()));
            let inner = |part: &Field| Field {
                name: format!("{}.{}", field.name, part.name),
                required: names::is_required(name, &part.name),
                ..part.clone()
            };
            fields.map(inner).collect()
        }
        _ => vec![Field { required: field.required || names::is_required(wire, &field.name), ..field.clone() }],
    }
}

/// Every interface by its name.
fn shapes(model: &Model) -> Result<BTreeMap<String, Shape>> {
    let mut shapes = BTreeMap::<String, Shape>::new();
    let mut users = BTreeMap::<String, Vec<&str>>::new();
    let mut add = |name: String, shape: Shape| {
        if let Some(there) = shapes.get(&name) {
            let same = |shape: &Shape| shape.fields.iter().map(|field| field.name.clone()).collect::<BTreeSet<_>>();
            if same(there) != same(&shape) {
                return Err(format!("`{name}` would be two different things in TypeScript"));
            }
            if there.docs.len() >= shape.docs.len() {
                return Ok(());
            }
        }
        shapes.insert(name, shape);
        Ok(())
    };
    let mut inner = Vec::new();
    for method in model.nouns.iter().flat_map(|noun| &noun.methods) {
        let Some((wire, fields)) = rest(model, method) else { continue };
        inner.extend(fields.iter().filter_map(|field| names::item(&field.ty)).map(str::to_owned));
        let name = argument(method, wire);
        let is_whole = names::positional(method).is_empty();
        let docs = if is_whole { model.record(wire).map(|record| record.docs.clone()) } else { None };
        users.entry(name.clone()).or_default().push(&method.operation);
        add(name, Shape { wire: wire.to_owned(), docs: docs.unwrap_or_default(), fields })?;
    }
    let mut seen = BTreeSet::new();
    while let Some(wire) = inner.pop() {
        let Some(record) = model.record(&wire) else { continue };
        let fields: Vec<Field> = record.input.iter().flatten().flat_map(|field| parts(model, &wire, field)).collect();
        if seen.insert(wire.clone()) {
            inner.extend(fields.iter().filter_map(|field| names::item(&field.ty)).map(str::to_owned));
        }
        add(names::given(&wire), Shape { docs: record.docs.clone(), wire, fields })?;
    }
    for (name, shape) in &mut shapes {
        if let (true, Some(users)) = (shape.docs.is_empty(), users.get(name)) {
            let users: Vec<String> = users.iter().map(|user| format!("`{user}`")).collect();
            shape.docs = format!("Options of {}.", users.join(", "));
        }
    }
    Ok(shapes)
}

/// The words, and the interfaces of what is given.
pub fn interfaces(model: &Model) -> Result<String> {
    let mut text = String::new();
    for (name, ty) in &model.types {
        let Type::Words(words) = ty else { continue };
        let meanings = words.values.iter().filter(|(_, docs)| !docs.is_empty());
        let meanings: Vec<String> = meanings.map(|(word, docs)| format!("\n\n- `{word}`: {docs}")).collect();
        text += &comment(model, &format!("{}{}", words.docs, meanings.concat()), &all_fields(model), "")
            .replace("\n *\n * -", "\n * -");
        let all: Vec<String> = words.values.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        text += &format!("export type {} = {};\n\n", names::told(name), all.join(" | "));
    }
    for (name, Shape { wire, docs, mut fields }) in shapes(model)? {
        let own: Vec<String> = fields.iter().map(|field| last(&field.name).to_owned()).collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        fields.sort_by_key(|field| !field.required);
        text += &comment(model, &docs, &own, "");
        text += &format!("export interface {name} {{\n");
        for field in &fields {
            let more = names::given_type(&format!("{wire}.{}", field.name)).map(str::to_owned);
            let ty = more.unwrap_or_else(|| type_of(&field.ty, &names::given));
            let name = camel(last(&field.name));
            match period(field) {
                Some(words) => {
                    let docs = format!(
                        "{} In words: `second`, `minute`, `hour`, `day`, or a duration such as `10s`.",
                        field.docs
                    );
                    text += &comment(model, &docs.replace(" in milliseconds", ""), &own, "  ");
                    text += &format!("  readonly {words}?: Maybe<string>;\n");
                    text += &comment(model, &format!("{} One of the two is given.", field.docs), &own, "  ");
                    text += &format!("  readonly {name}?: Maybe<number>;\n");
                }
                None => {
                    text += &comment(model, &field.docs, &own, "  ");
                    text += &match field.required {
                        true => format!("  readonly {name}: {ty};\n"),
                        false => format!("  readonly {name}?: Maybe<{ty}>;\n"),
                    };
                }
            }
        }
        text += "}\n\n";
    }
    let head = import("type ", "../data.js", &text, ["Maybe".to_owned()])
        + &import("type ", "../requests.js", &text, ["Json", "JsonObject"].map(str::to_owned));
    Ok(format!(
        "// What operations take. Absent, `undefined` and `null` are the same everywhere.\n\n{head}\n{}\n",
        text.trim_end()
    ))
}

/// What a period is called in words, where it has to be told.
fn period(field: &Field) -> Option<String> {
    let name = field.name.strip_suffix("_ms").filter(|_| field.required && field.ty == Ty::Millis);
    name.map(camel)
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// How fields are read, by interface.
pub fn tables(model: &Model) -> Result<String> {
    let mut left = shapes(model)?;
    // What comes first and may be left out is read by a table, too.
    for method in model.nouns.iter().flat_map(|noun| &noun.methods) {
        let Some(wire) = &method.input else { continue };
        let positional = names::positional(method);
        let mut fields = method.fields.iter().filter(|field| positional.contains(&field.name.as_str()));
        if fields.any(|field| !field.required && !names::is_required(wire, &field.name)) {
            let shape = Shape { wire: wire.clone(), docs: String::new(), fields: method.fields.clone() };
            left.insert(wire.clone(), shape);
        }
    }
    let mut text = String::new();
    while !left.is_empty() {
        // A table comes after those of its parts.
        let needs = |shape: &Shape| {
            let parts = shape.fields.iter().filter_map(|field| names::item(&field.ty));
            parts.map(names::given).collect::<Vec<_>>()
        };
        let ready = left.iter().find(|(_, shape)| !needs(shape).iter().any(|part| left.contains_key(part)));
        let name = ready.map(|(name, _)| name.clone()).ok_or("an input holds itself")?;
        let Some(shape) = left.remove(&name) else { continue };
        text += &format!("/** `{name}`. */\nexport const {}: Fields = {{\n", lower(&name));
        for field in &shape.fields {
            let reader = match names::reader_of(&format!("{}.{}", shape.wire, field.name)) {
                Some(reader) => reader.to_owned(),
                None => reader(model, &field.ty),
            };
            if let Some(words) = period(field) {
                text += &format!("  {words}: [\"{}\", period],\n", field.name);
            }
            text += &format!("  {}: [\"{}\", {reader}],\n", camel(last(&field.name)), field.name);
        }
        text += "};\n\n";
    }
    let readers =
        ["flag", "head", "integer", "json", "listOf", "mapOf", "number", "object", "part", "period", "since", "text"];
    let head = import("", "../fields.js", &text, readers.into_iter().map(str::to_owned)).replacen(
        "import {",
        "import type { Fields } from \"../fields.js\";\nimport {",
        1,
    );
    Ok(format!(
        "// How the fields of what operations take are read: their names on the wire, and what they hold.\n\n{head}\n\
         /** A fingerprint of the table of operations; the native library tells its own. */\n\
         export const HASH = \"{}\";\n\n{}\n",
        model.hash,
        text.trim_end(),
    ))
}

fn reader(model: &Model, ty: &Ty) -> String {
    match ty {
        Ty::Text => "text".into(),
        Ty::Boolean => "flag".into(),
        Ty::Integer | Ty::Millis => "integer".into(),
        Ty::Since => "since".into(),
        Ty::Number => "number".into(),
        Ty::Json => "json".into(),
        Ty::Object => "object".into(),
        Ty::List(item) => format!("listOf({})", reader(model, item)),
        Ty::Map(item) => format!("mapOf({})", reader(model, item)),
        Ty::Named(name) if model.record(name).is_some() => format!("part({})", lower(&names::given(name))),
        Ty::Named(_) => "text".into(),
    }
}
