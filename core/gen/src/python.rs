//! How Python writes the table: a module for each noun, with its class and the records that it gives.

mod methods;
mod names;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Field, Model, Noun, Output, Record, Result, Ty, Type};
use names::{DICTS, EXTENDED, MADE, MEMBERS, NATIVE, is_first, renamed};
use text::{docstring, plain_docs};

const FOLDER: &str = "bindings-python/python/tenantry/_operations";
const HEAD: &str = "# Written by core/gen from the table of operations; do not edit.\n";

/// The files, by their paths from the root of the repository.
///
/// # Errors
/// Where something in the table cannot be written.
pub fn files(model: &Model) -> Result<Vec<(String, String)>> {
    let python = Python { model, homes: homes(model) };
    let mut files = vec![file("__init__", python.index()), file("words", words(model))];
    for noun in &model.nouns {
        files.push(file(module(noun), python.noun(noun)?));
    }
    Ok(files)
}

fn file(name: &str, text: String) -> (String, String) {
    (format!("{FOLDER}/{name}.py"), text)
}

fn module(noun: &Noun) -> &'static str {
    noun.place.rsplit('.').next().unwrap_or(noun.place)
}

/// The module of each record: that of the last noun that gives it, which is the one it is about.
fn homes(model: &Model) -> BTreeMap<String, &'static str> {
    let mut homes = BTreeMap::new();
    for noun in &model.nouns {
        for method in &noun.methods {
            if let Output::One(ty) | Output::Page(ty) = &method.output {
                settle(model, ty, module(noun), &mut homes);
            }
        }
    }
    homes
}

fn settle(model: &Model, ty: &Ty, home: &'static str, homes: &mut BTreeMap<String, &'static str>) {
    match ty {
        Ty::List(inner) | Ty::Map(inner) => settle(model, inner, home, homes),
        Ty::Named(name) if !DICTS.contains(&name.as_str()) && !NATIVE.contains(&name.as_str()) => {
            let Some(Record { output: Some(fields), .. }) = model.record(name) else { return };
            homes.insert(name.clone(), home);
            fields.iter().for_each(|field| settle(model, &field.ty, home, homes));
        }
        _ => {}
    }
}

fn words(model: &Model) -> String {
    let mut text =
        format!("{HEAD}\"\"\"Words that stand for one of a few things.\"\"\"\n\nfrom typing import Literal\n\n");
    for (name, ty) in &model.types {
        let Type::Words(words) = ty else { continue };
        let values: Vec<String> = words.values.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        text += &format!("{name} = Literal[{}]\n", values.join(", "));
        text += &docstring("", &plain_docs(&words.docs));
    }
    text
}

/// The table, and where its records are.
struct Python<'a> {
    model: &'a Model,
    homes: BTreeMap<String, &'static str>,
}

impl Python<'_> {
    /// Which module has what, for those who ask for it by name.
    fn index(&self) -> String {
        let mut modules: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for noun in &self.model.nouns {
            modules.entry(module(noun)).or_default().insert(noun.handle);
        }
        for (name, home) in &self.homes {
            modules.entry(home).or_default().insert(renamed("", name));
        }
        let mut text = format!(
            "{HEAD}\"\"\"What can be done, a module for each noun. They are imported at first touch.\"\"\"\n\n"
        );
        text += "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n";
        for (module, names) in &modules {
            let names: Vec<&str> = names.iter().copied().collect();
            text += &text::import("    ", &format!(".{module}"), &names);
        }
        text += &format!(
            "\nHASH = \"{}\"\n\"\"\"The fingerprint of the table this was written from.\"\"\"\n\n",
            self.model.hash
        );
        let homes: BTreeMap<&str, &str> =
            modules.iter().flat_map(|(module, names)| names.iter().map(move |name| (*name, *module))).collect();
        text += "MODULES = {\n";
        text += &homes.iter().map(|(name, module)| format!("    \"{name}\": \"{module}\",\n")).collect::<String>();
        text += "}\n\"\"\"Where each name is.\"\"\"\n\n__all__ = [\n";
        let mut names: Vec<&str> = homes.keys().copied().collect();
        names.sort_by_key(|name| text::order(name));
        text += &names.iter().map(|name| format!("    \"{name}\",\n")).collect::<String>();
        text + "]\n"
    }

    fn noun(&self, noun: &Noun) -> Result<String> {
        let home = module(noun);
        let mut blocks = Vec::new();
        let mut names: Vec<&String> =
            self.homes.iter().filter(|(_, module)| **module == home).map(|(name, _)| name).collect();
        // What others hold comes before them.
        names.sort_by_key(|name| (self.holds_records_of(name, home), (*name).clone()));
        for name in names {
            blocks.push(self.record(name)?);
        }
        blocks.push(self.handle(noun)?);
        let body = blocks.join("\n\n");
        Ok(format!("{HEAD}{}\n{}\n\n{body}", docstring("", &noun.docs).trim_end(), self.imports(&body, home)))
    }

    fn holds_records_of(&self, name: &str, home: &str) -> bool {
        let here = |ty: &Ty| named(ty).is_some_and(|inner| self.homes.get(inner) == Some(&home));
        let fields = self.model.record(name).and_then(|record| record.output.as_ref());
        // A member may make one of another record.
        fields.into_iter().flatten().any(|field| here(&field.ty)) || MEMBERS.iter().any(|(record, _)| *record == name)
    }

    /// The imports of what `body` speaks of.
    fn imports(&self, body: &str, home: &str) -> String {
        let said: BTreeSet<&str> = body.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let of = |names: &[&'static str]| names.iter().copied().filter(|name| said.contains(name)).collect::<Vec<_>>();
        let mut text = "\nfrom __future__ import annotations\n\n".to_owned();
        let standard: [(&str, &[&'static str]); 3] = [
            ("collections.abc", &["Callable", "Coroutine", "Mapping", "Sequence"]),
            ("dataclasses", &["dataclass", "field"]),
            ("typing", &["TYPE_CHECKING", "Any", "ClassVar"]),
        ];
        let children: Vec<&Noun> = self.children(home).collect();
        for (module, names) in standard {
            let mut names = of(names);
            if module == "typing" && !children.is_empty() {
                names.insert(0, "TYPE_CHECKING");
            }
            text += &text::import("", module, &names);
        }
        text += "\n";
        let handles: Vec<&str> =
            EXTENDED.iter().copied().filter(|name| body.contains(&format!("_tenantry.{name}"))).collect();
        text += &text::import("", "..", if handles.is_empty() { &["_wire"] } else { &["_tenantry", "_wire"] });
        text += &text::import("", ".._tenantry", &of(NATIVE));
        let mut elsewhere: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, module) in self.homes.iter().filter(|(_, module)| **module != home) {
            if said.contains(renamed("", name)) {
                elsewhere.entry(module).or_default().push(renamed("", name));
            }
        }
        let words =
            self.model.types.iter().filter(|(name, ty)| matches!(ty, Type::Words(_)) && said.contains(name.as_str()));
        elsewhere.insert("words", words.map(|(name, _)| name.as_str()).collect());
        for (module, names) in elsewhere {
            text += &text::import("", &format!(".{module}"), &names);
        }
        if !children.is_empty() {
            text += "\nif TYPE_CHECKING:\n";
            let mut sorted = children;
            sorted.sort_by_key(|noun| module(noun));
            text += &sorted
                .iter()
                .map(|noun| text::import("    ", &format!(".{}", module(noun)), &[noun.handle]))
                .collect::<String>();
        }
        text
    }

    /// The nouns below another.
    fn children<'a>(&'a self, home: &'a str) -> impl Iterator<Item = &'a Noun> {
        self.model.nouns.iter().filter(move |noun| noun.place.rsplit_once('.').is_some_and(|(above, _)| above == home))
    }

    fn record(&self, name: &str) -> Result<String> {
        let record = self.model.record(name).ok_or_else(|| format!("`{name}` is no record"))?;
        let fields = record.output.as_ref().ok_or_else(|| format!("`{name}` is never told"))?;
        let python_name = renamed("", name);
        let mut text = "@dataclass(frozen=True, kw_only=True, slots=True, repr=False)\n".to_owned();
        text += &format!("class {python_name}(_wire.Record):\n{}\n", docstring("    ", &plain_docs(&record.docs)));
        let mut parts = Vec::new();
        for field in fields {
            let default = self.default(name, field);
            let told = self.told(&field.ty, field.nullable || default.ends_with("None"));
            text += &format!("    {}: {told}{default}\n", field.name);
            text += &docstring("    ", &plain_docs(&field.docs));
            if let Some(read) = self.reader(&field.ty) {
                parts.push(format!("\"{}\": {read}", field.name));
            }
        }
        if record.open {
            let more = renamed(name, "");
            text += &format!(
                "    {more}: dict[str, Any] = field(default_factory=dict)\n    \"\"\"Everything else it says.\"\"\"\n"
            );
            text += &format!("    _MORE: ClassVar[str] = \"{more}\"\n");
        }
        let secrets: Vec<String> =
            fields.iter().filter(|field| field.secret).map(|field| format!("\"{}\"", field.name)).collect();
        if !secrets.is_empty() {
            let comma = if secrets.len() == 1 { "," } else { "" };
            text += &format!("\n    _SECRETS: ClassVar[tuple[str, ...]] = ({}{comma})\n", secrets.join(", "));
        }
        if !parts.is_empty() {
            text += &format!("\n    _PARTS: ClassVar[dict[str, Callable[[Any], Any]]] = {{{}}}\n", parts.join(", "));
        }
        if MADE.contains(&name) {
            text += "\n    def __post_init__(self) -> None:\n        _wire.complete(self)\n";
        }
        for (_, member) in MEMBERS.iter().filter(|(of, _)| *of == python_name) {
            text += &format!("\n{member}");
        }
        Ok(text)
    }

    /// What a field holds that is absent.
    fn default(&self, record: &str, field: &Field) -> String {
        let value = match &field.ty {
            _ if MADE.contains(&record) && field.required => "_wire.UNSAID",
            _ if field.required => return String::new(),
            _ if field.nullable => "None",
            Ty::Text => "\"\"",
            Ty::Boolean => "False",
            Ty::Integer | Ty::Millis | Ty::Number => "0",
            Ty::List(_) => "field(default_factory=list)",
            Ty::Object | Ty::Map(_) => "field(default_factory=dict)",
            Ty::Named(name) if DICTS.contains(&name.as_str()) => "field(default_factory=dict)",
            _ => "None",
        };
        if is_first(record, &field.name) {
            return format!(" = field(default={value}, kw_only=False)");
        }
        format!(" = {value}")
    }

    /// The type of what is told.
    fn told(&self, ty: &Ty, nullable: bool) -> String {
        let told = match ty {
            Ty::Text | Ty::Since => "str".to_owned(),
            Ty::Boolean => "bool".to_owned(),
            Ty::Integer | Ty::Millis => "int".to_owned(),
            Ty::Number => "float".to_owned(),
            Ty::Json => "Any".to_owned(),
            Ty::Object => "dict[str, Any]".to_owned(),
            Ty::List(inner) => format!("list[{}]", self.told(inner, false)),
            Ty::Map(inner) => format!("dict[str, {}]", self.told(inner, false)),
            Ty::Named(name) if DICTS.contains(&name.as_str()) => "dict[str, Any]".to_owned(),
            Ty::Named(name) => renamed("", name).to_owned(),
        };
        if nullable { format!("{told} | None") } else { told }
    }

    /// What makes a record of plain data; none where plain data is what there is.
    fn reader(&self, ty: &Ty) -> Option<String> {
        match ty {
            Ty::List(inner) => Some(format!("_wire.each({})", self.reader(inner)?)),
            Ty::Named(name) if self.homes.contains_key(name) || NATIVE.contains(&name.as_str()) => {
                Some(format!("{}._read", renamed("", name)))
            }
            _ => None,
        }
    }

    fn handle(&self, noun: &Noun) -> Result<String> {
        let bases = if EXTENDED.contains(&noun.handle) {
            format!("_tenantry.{}, _wire.Calls", noun.handle)
        } else {
            "_wire.Handle".into()
        };
        let mut text = format!(
            "class {}({bases}):\n{}\n    __slots__ = ()\n",
            noun.handle,
            docstring("    ", &plain_docs(&noun.docs))
        );
        let home = module(noun);
        for child in self.children(home) {
            let (handle, from) = (child.handle, module(child));
            text += &format!(
                "\n    @property\n    def {from}(self) -> {handle}:\n{}",
                docstring("        ", &plain_docs(&child.docs))
            );
            text += &format!("        from .{from} import {handle}\n\n        return {handle}(self._native)\n");
        }
        for method in &noun.methods {
            text += &self.method(method)?;
        }
        Ok(text)
    }
}

fn named(ty: &Ty) -> Option<&str> {
    match ty {
        Ty::List(inner) | Ty::Map(inner) => named(inner),
        Ty::Named(name) => Some(name),
        _ => None,
    }
}
