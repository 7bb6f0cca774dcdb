//! What operations give: views of wire JSON.

use super::{camel, comment, import, names, type_of};
use crate::model::{Field, Model, Record, Result, Ty, Type};

/// The classes, and the interfaces of what is told as plain data.
pub fn records(model: &Model) -> Result<String> {
    let mut text = String::new();
    let mut told: Vec<(&String, &Record, &Vec<Field>)> = Vec::new();
    for (name, ty) in &model.types {
        if let Type::Record(Record { output: Some(fields), .. }) = ty {
            told.push((name, model.record(name).ok_or("no record")?, fields));
        }
    }
    for (name, record, fields) in &told {
        if names::told(name) != names::given(name) || !names::is_plain(name) {
            text += &match names::is_plain(name) {
                true => plain(model, name, record, fields),
                false => class(model, name, record, fields),
            };
            text += "\n";
        }
    }
    let words = model.types.iter().filter(|(_, ty)| matches!(ty, Type::Words(_))).map(|(name, _)| names::told(name));
    let head = import("type ", "../requests.js", &text, ["JsonObject", "JsonWebKeySet"].map(str::to_owned))
        + &import("", "../value.js", &text, ["Line", "Value"].map(str::to_owned))
        + &import("type ", "./inputs.js", &text, words.chain(["Facts".to_owned()]));
    Ok(format!("// What operations give; views of wire JSON as in `responses.ts`.\n\n{head}\n{}\n", text.trim_end()))
}

fn own_names(fields: &[Field]) -> Vec<&str> {
    fields.iter().map(|field| field.name.as_str()).collect()
}

fn plain(model: &Model, name: &str, record: &Record, fields: &[Field]) -> String {
    let mut text = comment(model, &record.docs, &own_names(fields), "");
    text += &format!("export interface {} {{\n", names::told(name));
    for field in fields {
        text += &comment(model, &field.docs, &own_names(fields), "  ");
        text += &format!("  readonly {}: {};\n", field.name, type_of(&field.ty, &names::told));
    }
    text + "}\n"
}

fn class(model: &Model, name: &str, record: &Record, fields: &[Field]) -> String {
    let base = names::base(name);
    let inherited = model.record(base).and_then(|base| base.output.as_deref()).unwrap_or_default();
    // What is given and never told again has no getter.
    let is_kept = |field: &&Field| field.secret && record.input.is_some();
    let is_inherited = |field: &&Field| inherited.iter().any(|own| own.name == field.name);
    let own: Vec<&Field> = fields.iter().filter(|field| !is_kept(field) && !is_inherited(field)).collect();
    let mut text = comment(model, &record.docs, &own_names(fields), "");
    text += &format!("export class {} extends {base} {{\n", names::told(name));
    for field in &own {
        text += &getter(model, name, field, fields);
    }
    if record.open {
        let known: Vec<String> = fields.iter().map(|field| format!("{}: _", field.name)).collect();
        text += &format!(
            "  /** The rest of its claims, under their own names. */\n  get claims(): JsonObject {{\n    const {{ {}, ...claims }} = \
             this.toJSON();\n    return claims;\n  }}\n\n",
            known.join(", ")
        );
    }
    let shown: Vec<String> =
        own.iter().filter(|field| is_shown(model, field)).map(|field| format!("\"{}\"", camel(&field.name))).collect();
    if !shown.is_empty() || inherited.is_empty() {
        text += &list(&shown);
    }
    format!("{}\n}}\n", text.trim_end())
}

/// The names of getters that are worth printing.
fn list(shown: &[String]) -> String {
    let line = format!("    return [{}];\n", shown.join(", "));
    let body = if line.len() <= super::WIDTH {
        line
    } else {
        format!("    return [\n{}    ];\n", shown.iter().map(|name| format!("      {name},\n")).collect::<String>())
    };
    format!("  protected override get shown(): readonly string[] {{\n{body}  }}\n")
}

/// Short and always there, and nobody's secret.
fn is_shown(model: &Model, field: &Field) -> bool {
    let is_short = match &field.ty {
        Ty::Object | Ty::Json | Ty::Map(_) => false,
        Ty::List(item) => names::item(item).is_none_or(|name| model.record(name).is_none()),
        Ty::Named(name) => model.record(name).is_none() || names::is_plain(name),
        Ty::Text => field.name != "text",
        _ => true,
    };
    field.required && is_short && !field.secret
}

fn getter(model: &Model, record: &str, field: &Field, fields: &[Field]) -> String {
    let wire = &field.name;
    let told = names::told_type(&format!("{record}.{wire}")).map(str::to_owned);
    let ty = told.unwrap_or_else(|| type_of(&field.ty, &names::told));
    let is_record = |name: &str| model.record(name).is_some();
    let absent = match &field.ty {
        _ if field.required || field.nullable => None,
        Ty::Text => Some("\"\""),
        Ty::Boolean => Some("false"),
        Ty::Integer | Ty::Millis | Ty::Number => Some("0"),
        Ty::List(_) => Some("[]"),
        Ty::Map(_) => Some("{}"),
        _ => None,
    };
    let mut may_lack = !field.required && absent.is_none();
    let value = match &field.ty {
        Ty::Named(name) if names::is_plain(name) => {
            let parts = model.record(name).and_then(|record| record.output.as_deref()).unwrap_or_default();
            let usual: Vec<String> = parts
                .iter()
                .filter(|part| !part.required && matches!(part.ty, Ty::List(_)))
                .map(|part| format!("{}: []", part.name))
                .collect();
            may_lack &= parts.iter().any(|part| part.required);
            let usual = if usual.is_empty() || !parts.iter().any(|part| part.required) {
                "{}".into()
            } else {
                format!("{{ {} }}", usual.join(", "))
            };
            let plain = format!("this.plain(\"{wire}\", {usual})");
            if may_lack { format!("this.field(\"{wire}\") === undefined ? undefined : {plain}") } else { plain }
        }
        Ty::Named(name) if is_record(name) && may_lack => format!("this.part(\"{wire}\", {})", names::told(name)),
        Ty::Named(name) if is_record(name) => {
            format!("new {}(JSON.stringify(this.field(\"{wire}\")))", names::told(name))
        }
        Ty::List(item) => match &**item {
            Ty::Named(name) if names::is_plain(name) => {
                format!("this.field<readonly JsonObject[]>(\"{wire}\", []) as unknown as {ty}")
            }
            Ty::Named(name) if is_record(name) => format!("this.parts(\"{wire}\", {}) ?? []", names::told(name)),
            _ => field_of(wire, absent),
        },
        Ty::Object if ty != "JsonObject" => {
            format!("this.field<JsonObject | undefined>(\"{wire}\") as {ty} | undefined")
        }
        _ => field_of(wire, absent),
    };
    let docs = match absent {
        Some("\"\"") => field.docs.replace("; absent ", "; `\"\"` "),
        Some("[]") => field.docs.replace("; absent ", "; empty "),
        _ => field.docs.clone(),
    };
    let ty = if may_lack { format!("{ty} | undefined") } else { ty };
    let docs = comment(model, &docs, &own_names(fields), "  ");
    format!("{docs}  get {}(): {ty} {{\n    return {value};\n  }}\n\n", camel(wire))
}

fn field_of(wire: &str, absent: Option<&str>) -> String {
    match absent {
        Some(absent) => format!("this.field(\"{wire}\", {absent})"),
        None => format!("this.field(\"{wire}\")"),
    }
}
