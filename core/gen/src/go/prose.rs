//! The table's Markdown as Go's comments.

use super::{
    line,
    names::{exported, method, type_name},
};
use crate::model::{Field, Model};

/// The longest line of a comment.
const WIDTH: usize = 120;

/// Kinds of errors, which have a sentinel each.
const KINDS: [&str; 5] = ["Conflict", "InvalidArgument", "NotFound", "PermissionDenied", "Unauthenticated"];

/// Words of the wire that are called as fields are.
const GRANT_TYPES: [&str; 2] = ["api_key", "refresh_token"];

/// Names that begin with a capital wherever they stand.
const PROPER: [&str; 3] = ["Cedar", "Ed25519", "OAuth"];

/// Docs with what they name called as Go calls it: fields in backticks, operations, errors and links.
pub fn of(model: &Model, fields: &[Field], docs: &str) -> String {
    let mut out = String::new();
    for (at, part) in docs.split('`').enumerate() {
        if at % 2 == 0 {
            out.push_str(part);
            continue;
        }
        match named(model, fields, part) {
            None if out.ends_with('[') && model.types.contains_key(part) => out.push_str(&type_name(part)),
            // Of a link the brackets stand around the backticks already.
            Some(name) if out.ends_with('[') => out.push_str(name.trim_matches(['[', ']'])),
            Some(name) => out.push_str(&name),
            None => out.push_str(&format!("`{part}`")),
        }
    }
    out
}

fn named(model: &Model, fields: &[Field], name: &str) -> Option<String> {
    if let Some((ty, field)) = name.split_once("::") {
        return Some(format!("[{}.{}]", type_name(ty), exported(field)));
    }
    if KINDS.contains(&name) {
        return Some(format!("[Err{name}]"));
    }
    if name.contains('_') && !GRANT_TYPES.contains(&name) && fields.iter().any(|field| field.name == name) {
        return Some(exported(name));
    }
    let of_operation = model.nouns.iter().find(|noun| noun.methods.iter().any(|method| method.operation == name))?;
    let (_, verb) = name.split_once('.')?;
    Some(format!("[{}.{}]", of_operation.handle, method(verb)))
}

/// A sentence as it goes on after a name.
pub fn lowered(text: &str) -> String {
    let word = text.split([' ', '-', ',', '.', ':']).next().unwrap_or_default();
    let is_name =
        PROPER.contains(&word) || word.chars().skip(1).any(char::is_uppercase) || word.starts_with(['`', '[']);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !is_name => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// What a type is, as a sentence about it.
pub fn about(name: &str, docs: &str) -> String {
    let first = docs.split(' ').next().unwrap_or_default();
    let verb = match first {
        "A" | "An" | "The" | "What" | "Where" | "How" | "Who" | "Which" | "One" => " is",
        "Whether" => " tells",
        _ => ":",
    };
    format!("{name}{verb} {}", lowered(docs))
}

/// Docs as comments, a paragraph at a time.
pub fn comment(out: &mut String, indent: &str, docs: &str) {
    let width = WIDTH - indent.len() * 4 - 3;
    for (at, paragraph) in docs.split("\n\n").enumerate() {
        if at > 0 {
            line!(out, "{indent}//");
        }
        let mut text = String::new();
        for word in paragraph.split_whitespace() {
            if !text.is_empty() && text.len() + word.len() >= width {
                line!(out, "{indent}// {text}");
                text.clear();
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        line!(out, "{indent}// {text}");
    }
}
