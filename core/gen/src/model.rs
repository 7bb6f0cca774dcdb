//! The table of operations as languages see it: nouns with methods, and the types these take and give. Owns no spelling.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};
use tenantry::operations::{Facts, NOUNS, Row, TABLE};

/// What is wrong with the table, for whoever changed it.
pub type Result<T> = std::result::Result<T, String>;

/// Everything languages are written from.
pub struct Model {
    /// Nouns in the order of the table.
    pub nouns: Vec<Noun>,
    /// Types by name.
    pub types: BTreeMap<String, Type>,
    /// A fingerprint of all of it, compared when a library is loaded.
    pub hash: String,
}

/// A handle: a place in the tree, and what can be done there.
pub struct Noun {
    /// Its place, e.g. `identity.keys`.
    pub place: &'static str,
    /// Its type, e.g. `Keys`.
    pub handle: &'static str,
    /// What it is, in Markdown.
    pub docs: String,
    /// What can be done.
    pub methods: Vec<Method>,
}

/// One operation.
pub struct Method {
    /// Its name in the table, e.g. `keys.create`.
    pub operation: String,
    /// What it is called at its noun, e.g. `create`.
    pub verb: &'static str,
    /// What it does, in Markdown; begins with a verb in -s.
    pub docs: String,
    /// Leading arguments that name what it is about: `account`, `project`.
    pub levels: &'static [&'static str],
    /// The type it takes.
    pub input: Option<String>,
    /// The fields of that type: positional ones first, each as its language writes it.
    pub fields: Vec<Field>,
    /// How many of the fields are positional.
    pub positional: usize,
    /// What it gives.
    pub output: Output,
    /// How it is reached.
    pub facts: Facts,
}

/// What a method gives.
pub enum Output {
    /// Nothing.
    Nothing,
    /// One value.
    One(Ty),
    /// A page of values.
    Page(Ty),
}

/// A type with a name.
pub enum Type {
    /// Named fields.
    Record(Record),
    /// One of some words.
    Words(Words),
}

/// Named fields.
pub struct Record {
    /// What it is, in Markdown.
    pub docs: String,
    /// Its fields as they are given, where it is an input.
    pub input: Option<Vec<Field>>,
    /// Its fields as they are told, where it is an output.
    pub output: Option<Vec<Field>>,
    /// Whether it has fields of others' making beside its own.
    pub open: bool,
}

/// One of some words.
pub struct Words {
    /// What they say, in Markdown.
    pub docs: String,
    /// Each, and what it means.
    pub values: Vec<(String, String)>,
}

/// One field.
#[derive(Clone)]
pub struct Field {
    /// Its name on the wire.
    pub name: String,
    /// What it means, in Markdown.
    pub docs: String,
    /// What it holds.
    pub ty: Ty,
    /// Whether it has to be there.
    pub required: bool,
    /// Whether its absence says something of its own, and is not what an empty text or list says.
    pub nullable: bool,
    /// Whether it is nobody's to see.
    pub secret: bool,
    /// What it is where it is left out, if the type says so.
    pub default: Option<Value>,
}

/// What a field or a list holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ty {
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// A whole number that fits 53 bits.
    Integer,
    /// A whole number of milliseconds; its name ends in `_ms`.
    Millis,
    /// Where a query starts: a sequence, a time, or how long ago.
    Since,
    /// Any number.
    Number,
    /// Any JSON.
    Json,
    /// A JSON object of others' making.
    Object,
    /// Several of the same.
    List(Box<Ty>),
    /// The same under names.
    Map(Box<Ty>),
    /// A type with a name.
    Named(String),
}

/// Reads the table.
///
/// # Errors
/// Where a row or a type is one that some language cannot write.
pub fn model() -> Result<Model> {
    let mut inputs = generator(SchemaSettings::draft2020_12().for_deserialize());
    let mut outputs = generator(SchemaSettings::draft2020_12().for_serialize());
    let mut described = Vec::new();
    for row in TABLE {
        let input = row.input.map(|describe| describe(&mut inputs));
        let output = row.output.map(|describe| describe(&mut outputs));
        described.push((row, input, output));
    }
    let mut types = BTreeMap::new();
    read_types(inputs.definitions(), true, &mut types)?;
    read_types(outputs.definitions(), false, &mut types)?;
    let mut nouns = Vec::new();
    for (place, handle, docs) in NOUNS {
        let of_noun = described.iter().filter(|(row, ..)| row.place == *place);
        let methods = of_noun.map(|(row, input, output)| method(row, input.as_ref(), output.as_ref(), &types));
        nouns.push(Noun { place, handle, docs: text(docs), methods: methods.collect::<Result<_>>()? });
    }
    let hash = hash(&described, inputs.definitions(), outputs.definitions());
    // A page is written by hand once for all types.
    types.retain(|name, _| !name.starts_with("Page"));
    Ok(Model { nouns, types, hash })
}

impl Model {
    /// The record of a name.
    #[must_use]
    pub fn record(&self, name: &str) -> Option<&Record> {
        match self.types.get(name) {
            Some(Type::Record(record)) => Some(record),
            _ => None,
        }
    }

    /// Types that some method gives, with all that is in them.
    #[must_use]
    pub fn told(&self) -> BTreeSet<&str> {
        let told = |(name, ty): (&'_ String, &Type)| match ty {
            Type::Record(record) => record.output.is_some().then(|| name.clone()),
            Type::Words(_) => None,
        };
        let names: BTreeSet<String> = self.types.iter().filter_map(told).collect();
        self.types.keys().filter(|name| names.contains(*name)).map(String::as_str).collect()
    }
}

fn generator(settings: SchemaSettings) -> SchemaGenerator {
    settings.with(|settings| settings.meta_schema = None).into_generator()
}

/// Doc lines as Markdown.
fn text(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    lines.join("\n").trim().to_owned()
}

fn method(
    row: &'static Row,
    input: Option<&Schema>,
    output: Option<&Schema>,
    types: &BTreeMap<String, Type>,
) -> Result<Method> {
    let input = input.map(|schema| named(schema.as_value())).transpose()?;
    let mut fields = match &input {
        None => Vec::new(),
        Some(name) => match types.get(name) {
            Some(Type::Record(Record { input: Some(fields), .. })) => fields.clone(),
            _ => return Err(format!("`{}` takes `{name}`, which is no record", row.name())),
        },
    };
    // A name in the path, and whatever comes first, has to be there, also where the wire lets a body leave it out.
    let in_path = |field: &Field| row.facts.path.split('/').any(|part| part == format!("{{{}}}", field.name));
    for field in &mut fields {
        field.required |= in_path(field) || row.facts.positional.contains(&field.name.as_str());
    }
    let place = |field: &Field| row.facts.positional.iter().position(|name| *name == field.name);
    for name in row.facts.positional {
        if !fields.iter().any(|field| field.name == *name) {
            return Err(format!("`{}` has no field `{name}` to come first", row.name()));
        }
    }
    // Those that have to be there come before those that need not.
    fields.sort_by_key(|field| (place(field).unwrap_or(usize::MAX), !field.required));
    Ok(Method {
        operation: row.name(),
        verb: row.verb,
        docs: text(row.docs),
        levels: row.levels,
        input,
        fields,
        positional: row.facts.positional.len(),
        output: output.map_or(Ok(Output::Nothing), |schema| output_of(schema.as_value(), &row.name()))?,
        facts: row.facts,
    })
}

fn output_of(schema: &Value, what: &str) -> Result<Output> {
    let name = schema.get("$ref").and_then(Value::as_str).map(last);
    if let Some(item) = name.as_deref().and_then(|name| name.strip_prefix("Page_of_")) {
        return Ok(Output::Page(match item {
            "string" => Ty::Text,
            item => Ty::Named(item.to_owned()),
        }));
    }
    Ok(Output::One(ty(schema, what)?))
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn named(schema: &Value) -> Result<String> {
    let found = schema.get("$ref").and_then(Value::as_str).map(last);
    found.ok_or_else(|| format!("a type has no name: {schema}"))
}

fn read_types(definitions: &Map<String, Value>, is_input: bool, types: &mut BTreeMap<String, Type>) -> Result<()> {
    for (name, schema) in definitions {
        if let Some(words) = words(schema) {
            types.insert(name.clone(), Type::Words(words));
            continue;
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return Err(format!("`{name}` is neither a record nor words: {schema}"));
        };
        let required: BTreeSet<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut fields = Vec::new();
        for (field, schema) in properties {
            let ty = match ty(schema, &format!("{name}.{field}"))? {
                Ty::Integer if field.ends_with("_ms") => Ty::Millis,
                ty => ty,
            };
            fields.push(Field {
                name: field.clone(),
                docs: docs(schema),
                ty,
                required: required.contains(field.as_str()),
                nullable: nullable(schema),
                secret: schema.get("format").is_some_and(|format| format == "password"),
                default: schema.get("default").cloned(),
            });
        }
        let open = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
        let entry = types
            .entry(name.clone())
            .or_insert_with(|| Type::Record(Record { docs: docs(schema), input: None, output: None, open }));
        let Type::Record(record) = entry else { return Err(format!("`{name}` is a record and words")) };
        record.open |= open;
        if is_input {
            record.input = Some(fields);
        } else {
            record.output = Some(fields);
        }
    }
    Ok(())
}

fn nullable(schema: &Value) -> bool {
    let null = |kind: &Value| kind == "null";
    let choices = ["anyOf", "oneOf"].iter().filter_map(|choice| schema.get(choice)?.as_array()).flatten();
    let in_type = schema.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(null));
    in_type || choices.into_iter().any(|choice| choice.get("type").is_some_and(null))
}

fn docs(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

/// The words of a closed set: an `enum`, or a choice of constants.
fn words(schema: &Value) -> Option<Words> {
    let mut values = Vec::new();
    if let Some(all) = schema.get("enum").and_then(Value::as_array) {
        values.extend(all.iter().filter_map(Value::as_str).map(|word| (word.to_owned(), String::new())));
    }
    for choice in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        if let Some(word) = choice.get("const").and_then(Value::as_str) {
            values.push((word.to_owned(), docs(choice)));
        }
        for word in choice.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            values.push((word.to_owned(), docs(choice)));
        }
    }
    (!values.is_empty()).then(|| Words { docs: docs(schema), values })
}

/// What a schema holds. Null says the same as absence, and is passed over.
fn ty(schema: &Value, what: &str) -> Result<Ty> {
    if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
        return Ok(Ty::Named(last(path)));
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(choices) = schema.get(choice).and_then(Value::as_array) {
            let mut real = choices.iter().filter(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
            return match (real.next(), real.next()) {
                (Some(only), None) => ty(only, what),
                _ => Err(format!("`{what}` may be several things: {schema}")),
            };
        }
    }
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => return Ok(Ty::Json),
    };
    Ok(match kinds.as_slice() {
        ["string"] if schema.get("x-type").is_some_and(|mark| mark == "since") => Ty::Since,
        ["string"] => Ty::Text,
        ["boolean"] => Ty::Boolean,
        ["integer"] => Ty::Integer,
        ["number"] => Ty::Number,
        ["array"] => match schema.get("items") {
            Some(items) => Ty::List(Box::new(ty(items, what)?)),
            None => Ty::List(Box::new(Ty::Json)),
        },
        ["object"] => match schema.get("additionalProperties") {
            Some(Value::Bool(true)) | None => Ty::Object,
            Some(values) => match ty(values, what)? {
                Ty::Json => Ty::Object,
                values => Ty::Map(Box::new(values)),
            },
        },
        _ => return Err(format!("`{what}` may be several things: {schema}")),
    })
}

/// FNV-1a, 64 bits: enough to tell one table from another.
fn hash(
    rows: &[(&'static Row, Option<Schema>, Option<Schema>)],
    inputs: &Map<String, Value>,
    outputs: &Map<String, Value>,
) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (row, input, output) in rows {
        take(&row.name());
        take(row.facts.path);
        for schema in [input, output].into_iter().flatten() {
            take(&schema.as_value().to_string());
        }
    }
    for (name, schema) in inputs.iter().chain(outputs) {
        take(name);
        take(&schema.to_string());
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_written_in_every_language() {
        let model = model().unwrap_or_else(|error| unreachable!("{error}"));
        assert!(model.nouns.iter().all(|noun| !noun.methods.is_empty()));
        for method in model.nouns.iter().flat_map(|noun| &noun.methods) {
            let first = method.docs.split_whitespace().next().unwrap_or_default();
            assert!(first.ends_with('s'), "{} begins with `{first}`, which is no verb in -s", method.operation);
            assert!(method.fields.iter().take(method.positional).all(|field| field.required), "{}", method.operation);
        }
    }
}
