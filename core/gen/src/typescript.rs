//! How TypeScript writes the table: records and what they take, and a class for each noun. [`names`] has the public ones.

mod inputs;
mod names;
mod nouns;
mod records;

use crate::model::{Model, Result, Ty, Type};

const FIRST: &str = "// Written by core/gen from the table of operations; do not edit.\n";
const FOLDER: &str = "bindings-node/src-ts/operations";
const WIDTH: usize = 120;

/// The files, by their paths from the root of the repository.
///
/// # Errors
/// Where something in the table cannot be written.
pub fn files(model: &Model) -> Result<Vec<(String, String)>> {
    let mut files = vec![
        ("inputs".to_owned(), inputs::interfaces(model)?),
        ("records".to_owned(), records::records(model)?),
        ("tables".to_owned(), inputs::tables(model)?),
        ("index".to_owned(), nouns::index(model)),
    ];
    for noun in &model.nouns {
        files.push((names::file(noun), nouns::class(model, noun)?));
    }
    let placed = |(name, text): (String, String)| (format!("{FOLDER}/{name}.ts"), format!("{FIRST}\n{text}"));
    Ok(files.into_iter().map(placed).collect())
}

/// `overlap_seconds` as `overlapSeconds`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| name + &upper(part))
}

/// With its first letter as a capital.
fn upper(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// With its first letter as a small one.
fn lower(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The type of what a caller gives, or of what is told.
fn type_of(ty: &Ty, named: &dyn Fn(&str) -> String) -> String {
    match ty {
        Ty::Text => "string".into(),
        Ty::Boolean => "boolean".into(),
        Ty::Integer | Ty::Millis | Ty::Number => "number".into(),
        Ty::Since => "Date | number | string".into(),
        Ty::Json => "Json".into(),
        Ty::Object => "JsonObject".into(),
        Ty::List(item) => format!("readonly {}[]", type_of(item, named)),
        Ty::Map(item) => format!("Readonly<Record<string, {}>>", type_of(item, named)),
        Ty::Named(name) => named(name),
    }
}

/// A doc comment. Names of `fields` in backticks are written as this language has them.
fn comment(model: &Model, docs: &str, fields: &[&str], indent: &str) -> String {
    let paragraphs: Vec<String> = docs
        .split("\n\n")
        .map(|text| recased(model, &text.split_whitespace().collect::<Vec<_>>().join(" "), fields))
        .collect();
    if let [only] = paragraphs.as_slice()
        && indent.len() + only.chars().count() + "/**  */".len() <= WIDTH
    {
        return format!("{indent}/** {only} */\n");
    }
    let mut lines = Vec::new();
    for (number, paragraph) in paragraphs.iter().enumerate() {
        if number > 0 {
            lines.push(String::new());
        }
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && indent.len() + " * ".len() + line.chars().count() + 1 + word.chars().count() > WIDTH
            {
                lines.push(std::mem::take(&mut line));
            }
            line = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        }
        lines.push(line);
    }
    let lines: Vec<String> =
        lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n").collect();
    format!("{indent}/**\n{}{indent} */\n", lines.concat())
}

fn recased(model: &Model, text: &str, fields: &[&str]) -> String {
    let mut parts: Vec<String> = text.replace("[`", "`").replace("`]", "`").split('`').map(str::to_owned).collect();
    for part in parts.iter_mut().skip(1).step_by(2) {
        *part = match part.split_once("::") {
            Some((record, field)) => format!("{}.{}", names::told(record), camel(field)),
            None if fields.contains(&part.as_str()) && !is_word(model, part) => camel(part),
            None => continue,
        };
    }
    parts.join("`")
}

/// Names of all fields.
fn all_fields(model: &Model) -> Vec<&str> {
    let records = model.types.values().filter_map(|ty| match ty {
        Type::Record(record) => Some(record),
        Type::Words(_) => None,
    });
    let fields = records.flat_map(|record| record.input.iter().chain(&record.output).flatten());
    fields.map(|field| field.name.as_str()).collect()
}

/// Whether a name is also a word on the wire, which stays as it is.
fn is_word(model: &Model, name: &str) -> bool {
    let of = |ty: &Type| matches!(ty, Type::Words(words) if words.values.iter().any(|(word, _)| word == name));
    model.types.values().any(of) || names::is_word(name)
}

/// The names among `names` that `text` has as whole words, for an import.
fn used(text: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let is_code = |line: &&str| !line.trim_start().starts_with(['*', '/']);
    let words: std::collections::BTreeSet<&str> = text
        .lines()
        .filter(is_code)
        .flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric() && letter != '_'))
        .collect();
    let mut found: Vec<String> = names.into_iter().filter(|name| words.contains(name.as_str())).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// An import of those of `names` that the rest of the file has; empty where it has none.
fn import(kind: &str, from: &str, text: &str, names: impl IntoIterator<Item = String>) -> String {
    let names = used(text, names);
    let line = format!("import {kind}{{ {} }} from \"{from}\";\n", names.join(", "));
    if names.is_empty() {
        String::new()
    } else if line.len() > WIDTH {
        let lines: String = names.iter().map(|name| format!("  {name},\n")).collect();
        format!("import {kind}{{\n{lines}}} from \"{from}\";\n")
    } else {
        line
    }
}
