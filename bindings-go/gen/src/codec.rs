//! `codec_gen.go`: Go types of everything that crosses, and how each is written and read.

use crate::{
    Kind, Record, Result, Surface,
    golang::{NOTICE, comment, exported, is_pointer, least, record, type_of},
    line,
};

/// The whole file.
pub fn codecs(surface: &Surface) -> Result<String> {
    let mut out = String::new();
    line!(out, "// {NOTICE}\n\npackage tenantry\n");
    line!(out, "// layoutFingerprint is of the Rust surface these codecs were written for.");
    line!(out, "const layoutFingerprint uint64 = 0x{:016x}", surface.fingerprint());
    for (name, docs) in &surface.names {
        line!(out);
        comment(&mut out, "", &format!("{name}: {docs}"));
        line!(out, "type {name} string");
    }
    for item in &surface.records {
        structure(&mut out, &record(&item.name), item);
        write(&mut out, &record(&item.name), item);
        read(&mut out, surface, &record(&item.name), item, None);
    }
    let Some((name, variant)) = &surface.failure else {
        return Err("the surface has no error".into());
    };
    let go = crate::golang::unexported(name);
    structure(&mut out, &go, variant);
    read(&mut out, surface, &go, variant, Some(1));
    Ok(out)
}

fn structure(out: &mut String, name: &str, record: &Record) {
    line!(out);
    comment(out, "", &record.docs);
    line!(out, "type {name} struct {{");
    for (position, field) in record.fields.iter().enumerate() {
        if position > 0 {
            line!(out);
        }
        comment(out, "\t", &field.docs);
        let omit = if matches!(field.kind, Kind::Maybe(_)) { ",omitzero" } else { "" };
        line!(out, "\t{} {} `json:\"{}{omit}\"`", exported(&field.name), type_of(&field.kind), field.name);
    }
    line!(out, "}}");
}

fn write(out: &mut String, name: &str, record: &Record) {
    line!(out, "\nfunc (v *{name}) write(w *writer) {{");
    for field in &record.fields {
        write_value(out, "\t", &format!("v.{}", exported(&field.name)), &field.kind);
    }
    line!(out, "}}");
}

fn read(out: &mut String, surface: &Surface, name: &str, record: &Record, variant: Option<i32>) {
    line!(out, "\nfunc (v *{name}) read(r *reader) {{");
    if let Some(variant) = variant {
        line!(out, "\tr.variant({variant})");
    }
    for field in &record.fields {
        read_value(out, surface, "\t", &format!("v.{}", exported(&field.name)), &field.kind);
    }
    line!(out, "}}");
}

/// Statements that append `value` to the writer `w`.
pub fn write_value(out: &mut String, indent: &str, value: &str, kind: &Kind) {
    match kind {
        Kind::Bool | Kind::OmitFlag => line!(out, "{indent}w.flag({value})"),
        Kind::I64 => line!(out, "{indent}w.signed({value})"),
        Kind::U64 => line!(out, "{indent}w.unsigned({value})"),
        Kind::F64 => line!(out, "{indent}w.float({value})"),
        Kind::Text | Kind::OmitText => line!(out, "{indent}w.text({value})"),
        Kind::Named(_) => line!(out, "{indent}w.text(string({value}))"),
        Kind::Json => line!(out, "{indent}w.json({value})"),
        Kind::Map => line!(out, "{indent}w.texts({value})"),
        Kind::Record(_) => line!(out, "{indent}{value}.write(w)"),
        Kind::Object(_) => {}
        Kind::List(inner) => {
            line!(out, "{indent}w.count(len({value}))");
            line!(out, "{indent}for i := range {value} {{");
            write_value(out, &format!("{indent}\t"), &format!("{value}[i]"), inner);
            line!(out, "{indent}}}");
        }
        Kind::Maybe(inner) => {
            let (given, target) = match inner.as_ref() {
                Kind::OmitFlag => (value.to_owned(), value.to_owned()),
                Kind::OmitText | Kind::Named(_) => (format!("{value} != \"\""), value.to_owned()),
                // Methods reach through a pointer, other values need a star.
                inner if is_pointer(inner) && !matches!(inner, Kind::Record(_)) => {
                    (format!("{value} != nil"), format!("*{value}"))
                }
                _ => (format!("{value} != nil"), value.to_owned()),
            };
            line!(out, "{indent}if w.given({given}) {{");
            write_value(out, &format!("{indent}\t"), &target, inner);
            line!(out, "{indent}}}");
        }
    }
}

/// Statements that set `target` from the reader `r`.
pub fn read_value(out: &mut String, surface: &Surface, indent: &str, target: &str, kind: &Kind) {
    match kind {
        Kind::Bool | Kind::OmitFlag => line!(out, "{indent}{target} = r.flag()"),
        Kind::I64 => line!(out, "{indent}{target} = r.signed()"),
        Kind::U64 => line!(out, "{indent}{target} = r.unsigned()"),
        Kind::F64 => line!(out, "{indent}{target} = r.float()"),
        Kind::Text | Kind::OmitText => line!(out, "{indent}{target} = r.text()"),
        Kind::Named(name) => line!(out, "{indent}{target} = {name}(r.text())"),
        Kind::Json => line!(out, "{indent}{target} = r.json()"),
        Kind::Map => line!(out, "{indent}{target} = r.texts()"),
        Kind::Record(_) => line!(out, "{indent}{target}.read(r)"),
        Kind::Object(_) => {}
        Kind::List(inner) => {
            let least = least(surface, inner);
            line!(out, "{indent}{target} = make({}, r.count({least}))", type_of(kind));
            line!(out, "{indent}for i := range {target} {{");
            read_value(out, surface, &format!("{indent}\t"), &format!("{target}[i]"), inner);
            line!(out, "{indent}}}");
        }
        Kind::Maybe(inner) => {
            line!(out, "{indent}if r.given() {{");
            let below = format!("{indent}\t");
            if is_pointer(inner) {
                line!(out, "{below}{target} = new({})", type_of(inner));
                let star = if matches!(**inner, Kind::Record(_)) { "" } else { "*" };
                read_value(out, surface, &below, &format!("{star}{target}"), inner);
            } else {
                read_value(out, surface, &below, target, inner);
            }
            line!(out, "{indent}}}");
        }
    }
}
