//! How Python writes the table: a module for each noun, with its class and the records that it gives.

mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Field, Method, Model, Noun, Output, Record, Result, Ty, Type};
use text::{call, docstring, plain_docs, signature};

const FOLDER: &str = "bindings-python/python/tenantry/_operations";
const HEAD: &str = "# Written by core/gen from the table of operations; do not edit.\n";

/// What Python calls otherwise than the table does: where, what, and its name in Python.
const NAMES: &[(&str, &str, &str)] = &[
    ("", "PrintedHead", "AuditHead"),
    ("accounts", "account", "id"),
    ("projects", "project", "id"),
    ("policies.attach_pack", "pack", "name"),
    ("identity.put_settings", "", "settings"),
    ("Introspection", "", "claims"),
];
/// What comes first and without a name, beside what the table says.
const FIRST: &[(&str, &str)] = &[
    ("issuers.put", "issuer"),
    ("tokens.exchange", "grant_type"),
    ("tokens.issue", "subject"),
    ("AutoProvision", "enabled"),
];
/// What has to be given, though the wire lets it be absent: nothing is done without it.
const NEEDED: &[(&str, &[&str])] = &[
    ("issuers.put", &["audience", "accounts"]),
    ("grants.create", &["from_account", "to_account", "to_project", "actions", "expires_in_seconds", "reason"]),
];
/// Records whose fields are arguments of their own: where, which, and those of its fields that say something there.
const SPREAD: &[(&str, &str, &[&str])] = &[(
    "usage.report",
    "model",
    &[
        "model",
        "provider",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "cache_write_1h_tokens",
    ],
)];
/// Records that apps make; the core says what they leave out.
const MADE: &[&str] = &["AutoProvision", "IdentitySettings"];
/// Records that are dicts here.
const DICTS: &[&str] = &["ClaimPaths", "TenantFacts", "PolicySpec"];
/// Records of guard calls, which the native library has.
const NATIVE: &[&str] = &["Principal"];
/// Handles that can do more than the table says, in the native library.
const EXTENDED: &[&str] = &["Guard", "Limits"];
/// Members beside the fields.
const MEMBERS: &[(&str, &str)] = &[
    ("AuditHead", "    def __str__(self) -> str:\n        return self.text\n"),
    (
        "NewApiKey",
        "    @property\n    def record(self) -> ApiKey:\n        \"\"\"Everything else about it.\"\"\"\n        \
         return ApiKey._read({name: value for name, value in self.to_dict().items() if name != \"key\"})\n",
    ),
];

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

fn renamed<'a>(place: &str, name: &'a str) -> &'a str {
    NAMES.iter().find(|(at, from, _)| *at == place && *from == name).map_or(name, |(.., to)| to)
}

fn is_first(place: &str, name: &str) -> bool {
    FIRST.contains(&(place, name))
}

fn is_needed(place: &str, name: &str) -> bool {
    NEEDED.iter().any(|(at, names)| *at == place && names.contains(&name))
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

/// One argument of a method.
struct Argument {
    name: String,
    wire: String,
    annotation: String,
    /// What is sent of it.
    sent: String,
    is_needed: bool,
    docs: String,
}

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

    /// The type of what is given, and what is sent of it.
    fn given(&self, ty: &Ty, name: &str) -> Result<(String, String)> {
        let as_is = |annotation: &str| Ok((annotation.to_owned(), name.to_owned()));
        match ty {
            Ty::Text => as_is("str"),
            Ty::Boolean => as_is("bool"),
            Ty::Integer => as_is("int"),
            Ty::Number => as_is("float"),
            Ty::Json => as_is("Any"),
            Ty::Millis => Ok(("_wire.Period".into(), format!("_wire.period({name})"))),
            Ty::Since => Ok(("_wire.Since".into(), format!("_wire.since({name})"))),
            Ty::Object => Ok(("Mapping[str, Any]".into(), format!("_wire.fields({name})"))),
            Ty::Map(inner) => {
                Ok((format!("Mapping[str, {}]", self.given(inner, "")?.0), format!("_wire.fields({name})")))
            }
            Ty::List(inner) => {
                Ok((format!("Sequence[{}]", self.given(inner, "")?.0), format!("_wire.texts(\"{name}\", {name})")))
            }
            Ty::Named(named) if DICTS.contains(&named.as_str()) => {
                Ok(("Mapping[str, Any]".into(), format!("_wire.fields({name})")))
            }
            Ty::Named(named) if matches!(self.model.types.get(named), Some(Type::Words(_))) => as_is(named),
            Ty::Named(named) => Err(format!("`{name}` is a `{named}`, which Python has no words for")),
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

    fn arguments(&self, method: &Method) -> Result<Vec<Argument>> {
        let operation = method.operation.as_str();
        let mut arguments = Vec::new();
        for field in &method.fields {
            if let Some((_, _, spread)) = SPREAD.iter().find(|(at, of, _)| *at == operation && *of == field.name) {
                let Ty::Named(record) = &field.ty else { return Err(format!("`{}` is no record", field.name)) };
                let inner = self.model.record(record).and_then(|record| record.input.as_ref());
                for name in *spread {
                    let found = inner.and_then(|fields| fields.iter().find(|field| field.name == *name));
                    let found = found.ok_or_else(|| format!("`{record}` has no `{name}`"))?;
                    arguments.push(self.argument(
                        operation,
                        found,
                        format!("{}.{name}", field.name),
                        *name == spread[0],
                    )?);
                }
                continue;
            }
            let is_needed = field.required || is_first(operation, &field.name) || is_needed(operation, &field.name);
            arguments.push(self.argument(operation, field, field.name.clone(), is_needed)?);
        }
        arguments.sort_by_key(|argument| !argument.is_needed);
        Ok(arguments)
    }

    fn argument(&self, operation: &str, field: &Field, wire: String, is_needed: bool) -> Result<Argument> {
        let name = renamed(operation, &field.name);
        let name = if field.ty == Ty::Millis { name.trim_end_matches("_ms") } else { name };
        if (operation, name) == ("audit.verify", "anchor") {
            let (annotation, sent) = ("AuditHead | str".into(), "_wire.printed(anchor)".into());
            return Ok(Argument {
                name: name.into(),
                wire,
                annotation,
                sent,
                is_needed,
                docs: plain_docs(&field.docs),
            });
        }
        let (annotation, sent) = self.given(&field.ty, name)?;
        let mut docs = plain_docs(&field.docs);
        if field.ty == Ty::Millis {
            docs = docs.replace(", in milliseconds", "").replace(" in milliseconds", "");
            docs += " A `timedelta`, text such as `minute` or `15m`, or seconds.";
        }
        Ok(Argument { name: name.into(), wire, annotation, sent, is_needed, docs })
    }

    fn method(&self, method: &Method) -> Result<String> {
        let operation = method.operation.as_str();
        let noun = operation.split('.').next().unwrap_or_default();
        let whole = NAMES.iter().find(|(at, from, _)| *at == operation && from.is_empty()).map(|(.., name)| *name);
        let arguments = if whole.is_some() { Vec::new() } else { self.arguments(method)? };
        let levels: Vec<&str> = method.levels.iter().map(|level| renamed(noun, level)).collect();
        let mut parameters: Vec<String> = levels.iter().map(|level| format!("{level}: str")).collect();
        if let (Some(name), Some(input)) = (whole, &method.input) {
            parameters.push(format!("{name}: {} | Mapping[str, Any]", renamed("", input)));
        }
        let is_spread_first =
            |wire: &str| SPREAD.iter().any(|(at, of, names)| *at == operation && wire == format!("{of}.{}", names[0]));
        let (first, named): (Vec<&Argument>, Vec<&Argument>) = arguments.iter().partition(|argument| {
            let positional = method.fields.iter().take(method.positional).any(|field| field.name == argument.wire);
            positional || is_first(operation, &argument.wire) || is_spread_first(&argument.wire)
        });
        parameters.extend(first.iter().map(|argument| format!("{}: {}", argument.name, argument.annotation)));
        if !named.is_empty() {
            parameters.push("*".into());
        }
        for argument in &named {
            let Argument { name, annotation, .. } = argument;
            parameters.push(if argument.is_needed {
                format!("{name}: {annotation}")
            } else {
                format!("{name}: {annotation} | None = None")
            });
        }
        let (gives, read) = self.gives(&method.output);
        let input = whole
            .map_or_else(|| vec![sent(&arguments)], |name| vec![text::Sent::Value(format!("_wire.fields({name})"))]);
        let mut docs = plain_docs(&method.docs);
        let told: Vec<String> =
            first.iter().chain(&named).map(|argument| format!("    {}: {}", argument.name, argument.docs)).collect();
        if !told.is_empty() {
            docs += &format!("\n\nArgs:\n{}", told.join("\n"));
        }
        let mut text = signature(method.verb, &parameters, &gives) + &docstring("        ", &docs);
        text += &call("_call", operation, &input, &read, &levels);
        text += &signature(&format!("a{}", method.verb), &parameters, &format!("Coroutine[Any, Any, {gives}]"));
        text += &format!("        \"\"\"As `{}`, awaited.\"\"\"\n", method.verb);
        Ok(text + &call("_acall", operation, &input, &read, &levels))
    }

    /// What a method gives, and what makes it of plain data.
    fn gives(&self, output: &Output) -> (String, String) {
        let as_is = || "_wire.as_is".to_owned();
        match output {
            Output::Nothing => ("None".into(), "_wire.nothing".into()),
            Output::One(ty) => (self.told(ty, false), self.reader(ty).unwrap_or_else(as_is)),
            Output::Page(ty) => {
                let read = self.reader(ty).unwrap_or_else(as_is);
                (format!("_wire.Page[{}]", self.told(ty, false)), format!("_wire.page({read})"))
            }
        }
    }
}

/// What is sent of the arguments, nested where they are fields of a record.
fn sent(arguments: &[Argument]) -> text::Sent {
    let mut fields: Vec<(String, text::Sent)> = Vec::new();
    for argument in arguments {
        let value = text::Sent::Value(argument.sent.clone());
        let Some((record, inner)) = argument.wire.split_once('.') else {
            fields.push((argument.wire.clone(), value));
            continue;
        };
        match fields.iter_mut().find(|(name, _)| name == record) {
            Some((_, text::Sent::Fields(nested))) => nested.push((inner.to_owned(), value)),
            _ => fields.push((record.to_owned(), text::Sent::Fields(vec![(inner.to_owned(), value)]))),
        }
    }
    text::Sent::Fields(fields)
}

fn named(ty: &Ty) -> Option<&str> {
    match ty {
        Ty::List(inner) | Ty::Map(inner) => named(inner),
        Ty::Named(name) => Some(name),
        _ => None,
    }
}
