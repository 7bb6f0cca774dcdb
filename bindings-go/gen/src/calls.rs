//! `ffi.h` and `calls_gen.go`: every exported function as C declares it and as Go calls it.

use std::collections::BTreeMap;

use crate::{
    Call, Kind, Object, Result, Surface,
    codec::{read_value, write_value},
    golang::{NOTICE, argument, comment, exported, object, type_of, unexported},
    line,
};

/// How a value crosses outside of a buffer.
fn ffi_type(kind: Option<&Kind>) -> &'static str {
    match kind {
        None => "void",
        Some(Kind::Bool | Kind::OmitFlag) => "int8_t",
        Some(Kind::I64) => "int64_t",
        Some(Kind::U64 | Kind::Object(_)) => "uint64_t",
        Some(Kind::F64) => "double",
        Some(_) => "RustBuffer",
    }
}

/// The futures in use: the suffix of their symbols, and what completing one gives.
fn futures(surface: &Surface) -> BTreeMap<&'static str, &'static str> {
    let kinds = surface.calls.iter().filter(|call| call.is_async).map(|call| ffi_type(call.returns.as_ref()));
    kinds.map(|kind| (suffix(kind), kind)).collect()
}

fn suffix(ffi_type: &str) -> &'static str {
    match ffi_type {
        "void" => "void",
        "uint64_t" => "u64",
        _ => "rust_buffer",
    }
}

/// The C header.
pub fn header(surface: &Surface) -> Result<String> {
    let mut out = String::new();
    let namespace = &surface.namespace;
    line!(out, "// {NOTICE}\n");
    line!(out, "#pragma once\n\n#include <stdint.h>\n");
    line!(out, "typedef struct {{\n\tuint64_t capacity;\n\tuint64_t len;\n\tuint8_t *data;\n}} RustBuffer;\n");
    line!(out, "typedef struct {{\n\tint32_t len;\n\tconst uint8_t *data;\n}} ForeignBytes;\n");
    line!(out, "typedef struct {{\n\tint8_t code;\n\tRustBuffer error_buf;\n}} RustCallStatus;\n");
    line!(out, "typedef void (*RustFutureContinuation)(uint64_t data, int8_t result);\n");
    line!(out, "uint64_t tenantry_layout_fingerprint(void);");
    line!(out, "uint64_t tenantry_operations_hash(void);");
    line!(out, "void tenantry_empty(void);");
    line!(out, "RustBuffer ffi_{namespace}_rustbuffer_from_bytes(ForeignBytes bytes, RustCallStatus *status);");
    line!(out, "void ffi_{namespace}_rustbuffer_free(RustBuffer buffer, RustCallStatus *status);");
    for (suffix, result) in futures(surface) {
        let future = format!("ffi_{namespace}_rust_future");
        line!(out, "void {future}_poll_{suffix}(uint64_t future, RustFutureContinuation then, uint64_t data);");
        line!(out, "void {future}_cancel_{suffix}(uint64_t future);");
        line!(out, "{result} {future}_complete_{suffix}(uint64_t future, RustCallStatus *status);");
        line!(out, "void {future}_free_{suffix}(uint64_t future);");
    }
    for Object { clone, free, .. } in &surface.objects {
        line!(out, "uint64_t {clone}(uint64_t object, RustCallStatus *status);");
        line!(out, "void {free}(uint64_t object, RustCallStatus *status);");
    }
    for call in &surface.calls {
        let mut arguments: Vec<String> = call.owner.iter().map(|_| "uint64_t object".to_owned()).collect();
        for field in &call.arguments {
            arguments.push(format!("{} {}", ffi_type(Some(&field.kind)), field.name));
        }
        let result = if call.is_async { "uint64_t" } else { ffi_type(call.returns.as_ref()) };
        if !call.is_async {
            arguments.push("RustCallStatus *status".to_owned());
        }
        let arguments = if arguments.is_empty() { "void".to_owned() } else { arguments.join(", ") };
        line!(out, "{result} {}({arguments});", call.symbol);
    }
    Ok(out)
}

/// The Go calls.
pub fn calls(surface: &Surface) -> Result<String> {
    let mut out = String::new();
    let namespace = &surface.namespace;
    line!(out, "// {NOTICE}\n\npackage tenantry\n");
    line!(out, "// #include \"runtime.h\"\nimport \"C\"\n");
    line!(out, "import \"context\"");
    for suffix in futures(surface).keys() {
        line!(out, "\nvar {} = futureKind{{", kind_of_future(suffix));
        for part in ["poll", "cancel", "free"] {
            let value = format!("C.future_{part}(C.ffi_{namespace}_rust_future_{part}_{suffix})");
            line!(out, "\t{:<8}{value},", format!("{part}:"));
        }
        line!(out, "}}");
    }
    for item in &surface.objects {
        let go = object(&item.name);
        line!(out);
        comment(&mut out, "", &item.docs);
        line!(out, "type {go} struct {{\n\tnative\n}}\n");
        line!(out, "func adopt{}(handle C.uint64_t) *{go} {{", item.name);
        line!(out, "\to := &{go}{{}}\n\to.adopt(handle, free{0})\n\treturn o\n}}\n", item.name);
        line!(out, "func clone{}(handle C.uint64_t) C.uint64_t {{", item.name);
        line!(out, "\tvar status C.RustCallStatus\n\treturn C.{}(handle, &status)\n}}\n", item.clone);
        line!(out, "func free{}(handle C.uint64_t) {{", item.name);
        line!(out, "\tvar status C.RustCallStatus\n\tC.{}(handle, &status)\n}}", item.free);
    }
    for item in &surface.calls {
        call(&mut out, surface, item)?;
    }
    Ok(out)
}

fn kind_of_future(suffix: &str) -> String {
    unexported(&format!("{suffix}_future"))
}

fn call(out: &mut String, surface: &Surface, call: &Call) -> Result<()> {
    let place = call.owner.as_ref().map_or_else(|| call.name.clone(), |owner| format!("{owner}::{}", call.name));
    let (mut parameters, mut passed, mut lowered) = (Vec::new(), Vec::new(), String::new());
    let mut writers = Vec::new();
    if call.is_async {
        parameters.push("ctx context.Context".to_owned());
    }
    if call.owner.is_some() {
        passed.push("self".to_owned());
    }
    for field in &call.arguments {
        let name = argument(&place, &field.name)?;
        parameters.push(format!("{name} {}", type_of(&field.kind)));
        match &field.kind {
            Kind::Object(_) => return Err(format!("`{place}({name})`: objects as arguments are not supported")),
            Kind::I64 | Kind::U64 | Kind::F64 => passed.push(format!("C.{}({name})", ffi_type(Some(&field.kind)))),
            Kind::Bool | Kind::OmitFlag => passed.push(format!("C.int8_t(oneIf({name}))")),
            kind => {
                let writer = format!("{name}Writer");
                lower(&mut lowered, &writer, &name, kind);
                passed.push(format!("{writer}.buffer()"));
                writers.push(writer);
            }
        }
    }
    let result = call.returns.as_ref().map_or_else(String::new, |kind| format!("result {}, ", type_of(kind)));
    let receiver = call.owner.as_ref().map_or_else(String::new, |owner| format!("(o *{}) ", object(owner)));
    let name = if call.owner.is_some() { unexported(&call.name) } else { format!("native{}", exported(&call.name)) };
    line!(out);
    comment(out, "", &call.docs);
    line!(out, "func {receiver}{name}({}) ({result}err error) {{", parameters.join(", "));
    if call.is_async {
        line!(out, "\tif err = over(ctx); err != nil {{\n\t\treturn\n\t}}");
    }
    out.push_str(&lowered);
    for writer in writers {
        line!(out, "\tif err = {writer}.err; err != nil {{\n\t\treturn\n\t}}");
    }
    if let Some(owner) = &call.owner {
        line!(out, "\tself, err := o.enter(clone{owner})\n\tif err != nil {{\n\t\treturn\n\t}}\n\tdefer o.leave()");
    }
    let lifted = if call.returns.is_some() { "lifted := " } else { "" };
    if call.is_async {
        let suffix = suffix(ffi_type(call.returns.as_ref()));
        let complete = format!("C.ffi_{}_rust_future_complete_{suffix}", surface.namespace);
        line!(out, "\tfuture := C.{}({})", call.symbol, passed.join(", "));
        line!(out, "\t{0}.await(ctx, future)", kind_of_future(suffix));
        line!(out, "\tvar status C.RustCallStatus");
        line!(out, "\t{lifted}{complete}(future, &status)");
        line!(out, "\t{}.release(future)", kind_of_future(suffix));
        line!(out, "\tif err = check(ctx, &status); err != nil {{\n\t\treturn\n\t}}");
    } else {
        passed.push("&status".to_owned());
        line!(out, "\tvar status C.RustCallStatus");
        line!(out, "\t{lifted}C.{}({})", call.symbol, passed.join(", "));
        line!(out, "\tif err = check(nil, &status); err != nil {{\n\t\treturn\n\t}}");
    }
    if let Some(kind) = &call.returns {
        lift(out, surface, kind);
    } else {
        line!(out, "\treturn");
    }
    line!(out, "}}");
    Ok(())
}

/// Statements that write the argument `name` into a buffer of its own.
fn lower(out: &mut String, writer: &str, name: &str, kind: &Kind) {
    line!(out, "\tvar {writer} writer");
    match kind {
        Kind::Text | Kind::OmitText => line!(out, "\t{writer}.bareText({name})"),
        Kind::Named(_) => line!(out, "\t{writer}.bareText(string({name}))"),
        Kind::Json => line!(out, "\t{writer}.bareJSON({name})"),
        _ => {
            line!(out, "\t{{\n\t\tw := &{writer}");
            write_value(out, "\t\t", name, kind);
            line!(out, "\t}}");
        }
    }
}

/// Statements that end a function with what it answers.
fn lift(out: &mut String, surface: &Surface, kind: &Kind) {
    match kind {
        Kind::Bool | Kind::OmitFlag => line!(out, "\treturn lifted != 0, nil"),
        Kind::I64 | Kind::U64 | Kind::F64 => line!(out, "\treturn {}(lifted), nil", type_of(kind)),
        Kind::Text | Kind::OmitText => line!(out, "\treturn take(lifted), nil"),
        Kind::Named(name) => line!(out, "\treturn {name}(take(lifted)), nil"),
        Kind::Json => line!(out, "\treturn readJSON(take(lifted))"),
        Kind::Object(name) => line!(out, "\treturn adopt{name}(lifted), nil"),
        _ => {
            line!(out, "\tr := &reader{{data: take(lifted)}}");
            read_value(out, surface, "\t", "result", kind);
            line!(out, "\treturn result, r.end()");
        }
    }
}
