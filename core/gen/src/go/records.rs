//! Types of the table in Go: structs with the wire's names as tags, and words with a constant for each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use tenantry::operations::Method as HttpMethod;

use super::{
    FACTS, Hidden, NOTICE, line,
    names::{self, constant, exported, hidden, receiver, type_name},
    prose::{self, about, comment, lowered},
};
use crate::model::{Field, Method, Model, Record, Result, Ty, Type, Words};

/// Types that guard calls have as well: the codec declares them. Words among them get their constants here.
const OF_GUARD_CALLS: [&str; 2] = ["Mode", "ModelContext"];

/// Fields whose type is another in Go.
const TYPED: [((&str, &str), &str); 1] = [(("AuditRecord", "decision"), "Decision")];

/// Fields of which zero says something else than absence; with `*` all of the type.
const POINTERS: [(&str, &str); 5] = [
    ("AuditAnchor", "anchor"),
    ("AuditQuery", "before"),
    ("AuditQuery", "limit"),
    ("ClaimPaths", "*"),
    ("IssuerSpec", "leeway_seconds"),
];

/// Fields that are left out: `AuditHead.String` prints the text of a head.
const LEFT_OUT: [(&str, &str); 1] = [("PrintedHead", "text")];

/// Types whose documentation is of what is left out.
const DOCS: [(&str, &str); 1] = [(
    "PrintedHead",
    "A signed statement of how long a chain is and what its last row hashes to. Its text form can be printed, stored \
     elsewhere, and given to `audit.verify` as an outside anchor; see VerifyAgainst.",
)];

/// What the fields are called that a type has beside its own.
const OTHERS: [(&str, &str); 1] = [("Introspection", "Claims")];

/// The file.
pub fn file(model: &Model, given: &BTreeSet<Hidden>) -> Result<String> {
    let mut types = BTreeMap::new();
    for (name, ty) in &model.types {
        // Of two types with one name in Go the one that has it in the table, too, says more.
        let go = type_name(name);
        if !given.iter().any(|input| input.name == *name) && (!names::is_renamed(name) || !types.contains_key(&go)) {
            types.insert(go, (name.as_str(), ty));
        }
    }
    let mut body = String::new();
    for (go, (name, ty)) in &types {
        match ty {
            Type::Words(set) => words(&mut body, model, go, name, set),
            Type::Record(record) if !OF_GUARD_CALLS.contains(name) => public(&mut body, model, go, name, record)?,
            Type::Record(_) => {}
        }
    }
    for input in given {
        arguments(&mut body, model, input)?;
    }
    let packages = [("encoding/json", "json.Marshal"), ("fmt", "fmt."), ("log/slog", "slog.")];
    let used = packages.iter().filter(|(_, used)| body.contains(used));
    let imports: String = used.map(|(package, _)| format!("\t\"{package}\"\n")).collect();
    Ok(format!("{NOTICE}\n\npackage tenantry\n\nimport (\n{imports})\n{body}"))
}

/// What a type is in Go.
pub fn type_of(ty: &Ty) -> Result<String> {
    Ok(match ty {
        Ty::Text => "string".to_owned(),
        Ty::Boolean => "bool".to_owned(),
        Ty::Integer | Ty::Millis => "int64".to_owned(),
        Ty::Number => "float64".to_owned(),
        Ty::Json => "any".to_owned(),
        Ty::Object => "map[string]any".to_owned(),
        Ty::List(item) => format!("[]{}", type_of(item)?),
        Ty::Map(value) => format!("map[string]{}", type_of(value)?),
        Ty::Named(name) => type_name(name),
        Ty::Since => return Err("where a query starts is two fields in Go, and no argument".to_owned()),
    })
}

/// A set of words: a type, unless the codec has it, and a constant for each.
fn words(out: &mut String, model: &Model, go: &str, name: &str, set: &Words) {
    line!(out);
    let docs = prose::of(model, &[], &set.docs);
    if OF_GUARD_CALLS.contains(&name) {
        comment(out, "", &docs);
    } else {
        comment(out, "", &about(go, &docs));
        line!(out, "type {go} string\n");
        line!(out, "// The words of {go}.");
    }
    line!(out, "const (");
    for (word, docs) in &set.values {
        let name = constant(go, word);
        comment(out, "\t", &format!("{name}: {}", lowered(&prose::of(model, &[], docs))));
        line!(out, "\t{name} {go} = \"{word}\"");
    }
    line!(out, ")");
}

/// A record that apps make or are given, with what it takes to write, read and print it.
fn public(out: &mut String, model: &Model, go: &str, name: &str, record: &Record) -> Result<()> {
    let (given, told) = (record.input.as_deref().unwrap_or_default(), record.output.as_deref().unwrap_or_default());
    let all = fields_of(record);
    let fields: Vec<&Field> = all.iter().filter(|field| !LEFT_OUT.contains(&(name, &field.name))).collect();
    line!(out);
    let docs = DOCS.iter().find(|(own, _)| *own == name).map_or(record.docs.as_str(), |(_, docs)| docs);
    comment(out, "", &about(go, &prose::of(model, &all, docs)));
    line!(out, "type {go} struct {{");
    for (at, field) in fields.iter().enumerate() {
        let input = given.iter().find(|own| own.name == field.name);
        let output = told.iter().find(|own| own.name == field.name);
        entry(out, model, (at, name), field, &Way::of(model, name, input, output), &all)?;
    }
    let own = receiver(go);
    let others = record.open.then(|| OTHERS.iter().find(|(ty, _)| *ty == name));
    if let Some((_, others)) = others.flatten() {
        line!(out, "\n\t// {others} are the fields beside these. Numbers in them are json.Number.");
        line!(out, "\t{others} map[string]any `json:\"-\"`\n}}\n");
        line!(out, "// MarshalJSON writes {} beside the other fields.", others.to_lowercase());
        line!(out, "func ({own} {go}) MarshalJSON() ([]byte, error) {{");
        line!(out, "\ttype plain {go}\n\treturn writeBeside(plain({own}), {own}.{others})\n}}\n");
        line!(out, "// UnmarshalJSON reads what MarshalJSON writes.");
        line!(out, "func ({own} *{go}) UnmarshalJSON(text []byte) (err error) {{");
        let known: Vec<String> = fields.iter().map(|field| format!("\"{}\"", field.name)).collect();
        line!(
            out,
            "\ttype plain {go}\n\t{own}.{others}, err = readBeside(text, (*plain)({own}), {})",
            known.join(", ")
        );
        line!(out, "\treturn\n}}");
    } else if record.open {
        return Err(format!("`{name}` has fields of others' making, and no name for them in Go"));
    } else {
        line!(out, "}}");
    }
    if fields.iter().any(|field| field.ty == Ty::Since) {
        line!(out, "\n// MarshalJSON writes where the query starts under one name, whichever way it is given.");
        line!(out, "func ({own} {go}) MarshalJSON() ([]byte, error) {{");
        line!(out, "\tstart, err := since({own}.Since, {own}.After)\n\tif err != nil {{\n\t\treturn nil, err\n\t}}");
        line!(out, "\ttype plain {go}\n\treturn json.Marshal(struct {{\n\t\tplain");
        line!(out, "\t\tSince any `json:\"since,omitzero\"`\n\t\tAfter any `json:\"after,omitzero\"`");
        line!(out, "\t}}{{plain({own}), start, nil}})\n}}");
    }
    let secrets: Vec<String> = fields.iter().filter(|field| field.secret).map(|field| exported(&field.name)).collect();
    if !secrets.is_empty() {
        let but = format!("everything but {}", secrets.join(" and "));
        line!(out, "\n// Format prints {but}.");
        let shown = hidden(name);
        line!(out, "func ({own} {go}) Format(state fmt.State, verb rune) {{\n\ttype {shown} {go}");
        for secret in &secrets {
            line!(out, "\thide(&{own}.{secret})");
        }
        line!(out, "\tprinted(state, verb, {shown}({own}))\n}}");
        line!(out, "\n// String is {but}.\nfunc ({own} {go}) String() string {{\n\treturn fmt.Sprint({own})\n}}");
        line!(out, "\n// LogValue is {but}.");
        line!(out, "func ({own} {go}) LogValue() slog.Value {{\n\treturn slog.StringValue({own}.String())\n}}");
    }
    Ok(())
}

/// The fields of a record: as it is told, where it is.
fn fields_of(record: &Record) -> Vec<Field> {
    record.output.as_ref().or(record.input.as_ref()).cloned().unwrap_or_default()
}

/// The input of a method that takes its fields as arguments.
fn arguments(out: &mut String, model: &Model, input: &Hidden) -> Result<()> {
    let Some(Record { docs, input: Some(fields), .. }) = model.record(&input.name) else {
        return Err(format!("`{}` is no input", input.name));
    };
    let go = hidden(&input.name);
    line!(out);
    comment(out, "", &about(&go, &prose::of(model, fields, docs)));
    line!(out, "type {go} struct {{");
    let is_required = |field: &Field| input.required.contains(&field.name);
    // In the order of the arguments.
    let (mut own, rest): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(|field| is_required(field));
    if !input.with_facts {
        own.extend(rest);
    }
    for (at, field) in own.into_iter().enumerate() {
        let always = is_required(field) && !is_several(field);
        let way = Way { pointer: is_pointer(&input.name, field), always, means: None };
        entry(out, model, (at, &input.name), field, &way, fields)?;
    }
    if input.with_facts {
        line!(out, "\n\t{FACTS}");
    }
    line!(out, "}}");
    Ok(())
}

fn is_several(field: &Field) -> bool {
    matches!(field.ty, Ty::List(_) | Ty::Map(_) | Ty::Object)
}

fn is_pointer(of: &str, field: &Field) -> bool {
    POINTERS.contains(&(of, &field.name)) || POINTERS.contains(&(of, "*"))
}

/// How a field says that it is absent.
struct Way {
    /// By a nil pointer.
    pointer: bool,
    /// Not at all: zero is what it says.
    always: bool,
    /// What absence means, where that is not what zero says.
    means: Option<String>,
}

impl Way {
    fn of(model: &Model, record: &str, input: Option<&Field>, output: Option<&Field>) -> Self {
        let Some(field) = output.or(input) else { return Self { pointer: false, always: true, means: None } };
        let is_told = output.is_some_and(|field| field.required);
        let taking = |method: &&Method| method.input.as_deref() == Some(record);
        let methods = || model.nouns.iter().flat_map(|noun| &noun.methods).filter(taking);
        let own = |method: &Method| method.fields.iter().any(|own| own.name == field.name && own.required);
        let is_needed = input.is_some_and(|field| field.required) || methods().any(own);
        let is_patch = methods().any(|method| method.facts.method == HttpMethod::Patch);
        let is_scalar = matches!(field.ty, Ty::Text | Ty::Boolean | Ty::Integer | Ty::Millis | Ty::Number);
        let is_record = matches!(&field.ty, Ty::Named(name) if matches!(model.types.get(name), Some(Type::Record(_))));
        let is_word = matches!(field.ty, Ty::Named(_)) && !is_record;
        let pointer = is_pointer(record, field)
            || (is_patch && is_scalar && field.ty != Ty::Text)
            || (is_record && !is_told && !is_needed);
        // What is both given and told is left out as zero only where absence would say something else.
        let says_zero = input.and_then(|field| field.default.as_ref()).is_none_or(is_zero);
        let always = match input {
            // No word is empty, and an empty list that is given would be null.
            _ if is_word => false,
            Some(_) if is_several(field) => false,
            None => is_told,
            Some(_) => is_needed || (is_told && ((is_scalar && says_zero) || is_record)),
        };
        let always = always && !pointer;
        let default = input.and_then(|field| field.default.as_ref()).filter(|value| is_scalar && !is_zero(value));
        let absent = if pointer { "nil" } else { "zero" };
        let means = default.filter(|_| !always).map(|value| match value {
            Value::String(text) => format!("`{text}` when {}", if pointer { "nil" } else { "empty" }),
            value => format!("{value} when {absent}"),
        });
        Self { pointer, always, means }
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// A field of a struct.
fn entry(
    out: &mut String,
    model: &Model,
    (at, of): (usize, &str),
    field: &Field,
    way: &Way,
    beside: &[Field],
) -> Result<()> {
    if field.docs.is_empty() {
        return Err(format!("`{of}.{}` has no documentation", field.name));
    }
    if at > 0 {
        line!(out);
    }
    let mut docs = prose::of(model, beside, &field.docs);
    if let Some(means) = &way.means {
        docs = format!("{}; {means}.", docs.trim_end_matches('.'));
    }
    comment(out, "\t", &docs);
    if field.ty == Ty::Since {
        line!(out, "\tSince *string `json:\"{}\"`\n", format_args!("{},omitzero", field.name));
        line!(out, "\t// Only what comes after this sequence. Excludes Since.");
        line!(out, "\tAfter *int64 `json:\"after,omitzero\"`");
        return Ok(());
    }
    let typed = TYPED.iter().find(|(place, _)| *place == (of, &field.name));
    let ty = typed.map_or_else(|| type_of(&field.ty), |(_, ty)| Ok((*ty).to_owned()))?;
    let star = if way.pointer { "*" } else { "" };
    let omit = if way.always { "" } else { ",omitzero" };
    line!(out, "\t{} {star}{ty} `json:\"{}{omit}\"`", exported(&field.name), field.name);
    Ok(())
}
