//! A class for each noun, with a method for each verb and its twin that waits.

use super::{WIDTH, camel, comment, import, inputs, lower, names, type_of};
use crate::model::{Field, Method, Model, Noun, Output, Result, Ty, Type};

/// What the package exports of all this.
pub fn index(model: &Model) -> String {
    let handles = model.nouns.iter().filter(|noun| !names::is_by_hand(noun));
    let handles: String = handles.map(|noun| format!("export * from \"./{}.js\";\n", names::file(noun))).collect();
    format!(
        "// What the package exports of the operations.\n\n{handles}export type * from \"./inputs.js\";\nexport * from \"./records.js\";\n"
    )
}

/// The class of a noun.
pub fn class(model: &Model, noun: &Noun) -> Result<String> {
    let name = names::class(noun);
    let children: Vec<&Noun> = model
        .nouns
        .iter()
        .filter(|child| child.place.strip_prefix(noun.place).is_some_and(|rest| rest.starts_with('.')))
        .collect();
    let mut text = comment(model, &noun.docs, &[], "");
    let kind = if names::is_by_hand(noun) { "abstract class" } else { "class" };
    text += &format!("export {kind} {name} extends Operations {{\n");
    for child in &children {
        text += &comment(model, &child.docs, &[], "  ");
        text += &format!("  readonly {}: {};\n", names::file(child), names::class(child));
    }
    if !children.is_empty() {
        text += "\n  /** @internal */\n  constructor(place: Place) {\n    super(place);\n";
        for child in &children {
            text += &format!("    this.{} = new {}(place);\n", names::file(child), names::class(child));
        }
        text += "  }\n\n";
    }
    for one in &noun.methods {
        text += &method(model, one)?;
    }
    let text = format!("{}\n}}\n", text.trim_end());
    let is_told = |ty: &Type| matches!(ty, Type::Record(record) if record.output.is_some());
    let records = model.types.iter().filter(|(_, ty)| is_told(ty)).map(|(name, _)| names::told(name));
    let (values, types): (Vec<String>, Vec<String>) =
        records.partition(|name| ["one", "page"].iter().any(|read| text.contains(&format!("{read}({name})"))));
    let shapes = model
        .nouns
        .iter()
        .flat_map(|noun| &noun.methods)
        .filter_map(|method| inputs::rest(model, method).map(|(wire, _)| inputs::argument(method, wire)));
    let mut head = import("", "../fields.js", &text, ["fields", "required"].map(str::to_owned));
    let place = if children.is_empty() { "" } else { "type Place, " };
    head += &import(
        "",
        "../operate.js",
        &text,
        ["Operations", "nothing", "one", "page", "plain", "texts"].map(str::to_owned),
    )
    .replacen("{ ", &format!("{{ {place}"), 1);
    if text.contains("Page<") {
        head += "import type { Page } from \"../page.js\";\n";
    }
    head += &import("type ", "../requests.js", &text, ["JsonObject", "JsonWebKeySet"].map(str::to_owned));
    for child in &children {
        head += &format!("import {{ {} }} from \"./{}.js\";\n", names::class(child), names::file(child));
    }
    head += &import("type ", "./inputs.js", &text, shapes);
    head += &import("", "./records.js", &text, values);
    let types = types.into_iter().filter(|name| !head.contains(name.as_str())).collect::<Vec<_>>();
    head += &import("type ", "./records.js", &text, types);
    if text.contains("tables.") {
        head += "import * as tables from \"./tables.js\";\n";
    }
    Ok(format!("{head}\n{text}"))
}

/// A method that promises, and its twin that waits.
fn method(model: &Model, method: &Method) -> Result<String> {
    let (mut parameters, given) = parameters(model, method)?;
    let mut arguments = vec![format!("\"{}\"", method.operation)];
    let (ty, read) = match &method.output {
        Output::Nothing => ("void".to_owned(), "nothing".to_owned()),
        Output::One(ty) => match names::told_type(&method.operation) {
            Some(more) => (more.to_owned(), format!("plain<{more}>")),
            None => (type_of(ty, &names::told), format!("one({})", type_of(ty, &names::told))),
        },
        Output::Page(Ty::Text) => ("Page<string>".to_owned(), "texts".to_owned()),
        Output::Page(ty) => {
            let item = type_of(ty, &names::told);
            (format!("Page<{item}>"), format!("page({item})"))
        }
    };
    arguments.push(read);
    if !method.levels.is_empty() {
        arguments.push(format!("{{ {} }}", method.levels.join(", ")));
        parameters.splice(0..0, method.levels.iter().map(|level| format!("{level}: string")));
    } else if given.is_some() {
        arguments.push("{}".into());
    }
    arguments.extend(given.map(|given| format!("() => {given}")));
    let fields: Vec<&str> = method.fields.iter().map(|field| field.name.as_str()).collect();
    let name = camel(method.verb);
    let body = |call: &str| {
        let line = format!("    return this.{call}({});\n", arguments.join(", "));
        if line.len() <= WIDTH + 1 {
            return line;
        }
        let lines: String = arguments.iter().map(|argument| format!("      {argument},\n")).collect();
        format!("    return this.{call}(\n{lines}    );\n")
    };
    let parameters = parameters.join(", ");
    Ok(format!(
        "{}  {name}({parameters}): Promise<{ty}> {{\n{}  }}\n\n  /** As `{name}`, waiting. */\n  {name}Sync({parameters}): {ty} {{\n{}  }}\n\n",
        comment(model, &method.docs, &fields, "  "),
        body("promised"),
        body("waited"),
    ))
}

/// The parameters after the levels, and what becomes of them on the wire.
fn parameters(model: &Model, method: &Method) -> Result<(Vec<String>, Option<String>)> {
    let Some(wire) = method.input.as_deref() else { return Ok((Vec::new(), None)) };
    let positional: Vec<&Field> = names::positional(method)
        .into_iter()
        .map(|name| method.fields.iter().find(|field| field.name == name).ok_or(format!("`{wire}` has no `{name}`")))
        .collect::<Result<_>>()?;
    let is_required = |field: &Field| field.required || names::is_required(wire, &field.name);
    let mut parameters = Vec::new();
    let mut given = Vec::new();
    for field in positional {
        let name = camel(&field.name);
        let more = names::given_type(&format!("{wire}.{}", field.name)).map(str::to_owned);
        let ty = more.unwrap_or_else(|| type_of(&field.ty, &names::given));
        if is_required(field) {
            parameters.push(format!("{name}: {ty}"));
            given.push(format!("{}: required(\"{name}\", {name})", field.name));
        } else {
            parameters.push(format!("{name}?: {ty} | null"));
            given.push(format!("...fields(\"{}\", {{ {name} }}, tables.{})", method.verb, lower(wire)));
        }
    }
    if let Some((wire, fields)) = inputs::rest(model, method) {
        let ty = inputs::argument(method, wire);
        let name = names::argument(&ty);
        let is_optional = ["facts", "options"].contains(&name) && !fields.iter().any(|field| field.required);
        parameters.push(format!("{name}{}: {ty}", if is_optional { "?" } else { "" }));
        given.push(format!("...fields(\"{name}\", {name}, tables.{})", lower(&ty)));
    }
    let given = match given.as_slice() {
        [only] if only.starts_with("...") => only.trim_start_matches("...").to_owned(),
        all => format!("({{ {} }})", all.join(", ")),
    };
    Ok((parameters, Some(given)))
}
