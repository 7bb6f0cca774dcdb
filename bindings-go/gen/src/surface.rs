//! The surface the library exports, as far as this generator can say it. Owns reading it, refusing what is beyond it,
//! and its fingerprint.

use camino::Utf8Path;
use uniffi_bindgen::{
    BindgenLoader, BindgenPaths, ComponentInterface, GlobalConfig,
    interface::{AsType, Callable, Type},
};

use crate::Result;

/// A type that crosses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `bool`.
    Bool,
    /// `i64`.
    I64,
    /// `u64`.
    U64,
    /// `f64`.
    F64,
    /// `String`.
    Text,
    /// The custom type `Text`: `""` means absent.
    OmitText,
    /// The custom type `Flag`: `false` means absent.
    OmitFlag,
    /// The custom type `JsonObject`.
    Json,
    /// Any other custom type over `String`: a named string type in Go.
    Named(String),
    /// `HashMap<String, String>`.
    Map,
    /// A record.
    Record(String),
    /// `Arc` of an object.
    Object(String),
    /// `Vec`.
    List(Box<Kind>),
    /// `Option`.
    Maybe(Box<Kind>),
}

/// A field or an argument.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in Rust and on the wire.
    pub name: String,
    /// Its documentation.
    pub docs: String,
    /// Its type.
    pub kind: Kind,
}

/// A record, or the one variant of the error.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub docs: String,
    /// Its fields in the order they cross.
    pub fields: Vec<Field>,
}

/// An object that lives in Rust.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub docs: String,
    /// The symbol that counts one more owner.
    pub clone: String,
    /// The symbol that counts one less.
    pub free: String,
}

/// A function, method or constructor.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub docs: String,
    /// Its symbol.
    pub symbol: String,
    /// The object it is a method of.
    pub owner: Option<String>,
    /// Whether it answers with a future.
    pub is_async: bool,
    /// Its arguments, the object aside.
    pub arguments: Vec<Field>,
    /// What it answers.
    pub returns: Option<Kind>,
    /// Whether it may fail.
    pub throws: bool,
}

/// Everything that crosses.
#[derive(Clone, Debug, Default)]
pub struct Surface {
    /// The namespace, part of built-in symbols.
    pub namespace: String,
    /// uniffi's contract version.
    pub contract: u32,
    /// Named string types with their documentation.
    pub names: Vec<(String, String)>,
    /// Records.
    pub records: Vec<Record>,
    /// The error: its name and its one variant.
    pub failure: Option<(String, Record)>,
    /// Objects.
    pub objects: Vec<Object>,
    /// Functions, constructors and methods.
    pub calls: Vec<Call>,
}

impl Surface {
    /// Reads the metadata of a built library.
    pub fn of_library(path: &Utf8Path) -> Result<Self> {
        let loader = BindgenLoader::new(BindgenPaths::default(), GlobalConfig::default());
        let load = || loader.load_metadata(path).and_then(|metadata| loader.load_cis(metadata));
        let mut interfaces = load().map_err(|error| format!("{path}: {error:#}"))?;
        match (interfaces.pop(), interfaces.pop()) {
            (Some(mut interface), None) => {
                interface.derive_ffi_funcs().map_err(|error| format!("{path}: {error:#}"))?;
                Self::of_interface(&interface)
            }
            _ => Err(format!("{path}: exactly one crate may export a surface")),
        }
    }

    /// Reads a component, refusing what the Go side cannot say.
    pub fn of_interface(interface: &ComponentInterface) -> Result<Self> {
        let mut surface = Self {
            namespace: interface.namespace().to_owned(),
            contract: interface.uniffi_contract_version(),
            ..Self::default()
        };
        if let Some(callback) = interface.callback_interface_definitions().first() {
            return Err(format!("`{}`: callback interfaces are not supported", callback.name()));
        }
        if let Some(external) = interface.iter_external_types().next() {
            return Err(format!("`{external:?}`: types of other crates are not supported"));
        }
        for ty in interface.iter_local_types() {
            if let Type::Custom { name, .. } = ty
                && let Kind::Named(name) = kind(name, ty)?
            {
                let docs = interface.get_custom_type_definition(&name).and_then(|custom| custom.docstring());
                surface.names.push((name, text(docs)));
            }
        }
        for record in interface.record_definitions() {
            let name = record.name();
            if !record.methods().is_empty() || !record.constructors().is_empty() {
                return Err(format!("`{name}`: methods of records are not supported"));
            }
            surface.records.push(Record {
                name: name.to_owned(),
                docs: text(record.docstring()),
                fields: fields(name, record.fields())?,
            });
        }
        for definition in interface.enum_definitions() {
            let name = definition.name();
            let [variant] = definition.variants() else {
                return Err(format!("`{name}`: an enum other than an error of one variant is not supported"));
            };
            if !interface.is_name_used_as_error(name) || surface.failure.is_some() || variant.has_nameless_fields() {
                return Err(format!("`{name}`: exactly one enum is supported, an error with named fields"));
            }
            let fields = fields(name, variant.fields())?;
            let record = Record { name: variant.name().to_owned(), docs: text(variant.docstring()), fields };
            surface.failure = Some((name.to_owned(), record));
        }
        for function in interface.function_definitions() {
            surface.call(None, function.name(), function.ffi_func().name(), function.docstring(), function)?;
        }
        for object in interface.object_definitions() {
            let name = object.name();
            if object.is_trait_interface() || !object.uniffi_traits().is_empty() || !object.trait_impls().is_empty() {
                return Err(format!("`{name}`: traits are not supported"));
            }
            surface.objects.push(Object {
                name: name.to_owned(),
                docs: text(object.docstring()),
                clone: object.ffi_object_clone().name().to_owned(),
                free: object.ffi_object_free().name().to_owned(),
            });
            for call in object.constructors() {
                surface.call(None, call.name(), call.ffi_func().name(), call.docstring(), call)?;
            }
            for call in object.methods() {
                surface.call(Some(name), call.name(), call.ffi_func().name(), call.docstring(), call)?;
            }
        }
        surface.names.sort();
        surface.names.dedup();
        Ok(surface)
    }

    fn call(
        &mut self,
        owner: Option<&str>,
        name: &str,
        symbol: &str,
        docs: Option<&str>,
        call: &dyn Callable,
    ) -> Result<()> {
        let item = owner.map_or_else(|| name.to_owned(), |owner| format!("{owner}::{name}"));
        let arguments = call.arguments().into_iter().map(|argument| {
            let place = format!("{item}({})", argument.name());
            if argument.default_value().is_some() {
                return Err(format!("`{place}`: default values are not supported"));
            }
            Ok(Field {
                name: argument.name().to_owned(),
                docs: String::new(),
                kind: kind(&place, &argument.as_type())?,
            })
        });
        let returns = call.return_type().map(|ty| kind(&item, ty)).transpose()?;
        if call.is_async() && matches!(returns, Some(Kind::Bool | Kind::I64 | Kind::U64 | Kind::F64 | Kind::OmitFlag)) {
            return Err(format!("`{item}`: an async call that answers a bare number is not supported"));
        }
        let call = Call {
            name: name.to_owned(),
            docs: text(docs),
            symbol: symbol.to_owned(),
            owner: owner.map(str::to_owned),
            is_async: call.is_async(),
            arguments: arguments.collect::<Result<_>>()?,
            returns,
            throws: call.throws_type().is_some(),
        };
        self.calls.push(call);
        Ok(())
    }

    /// A record by its name.
    #[must_use]
    pub fn record(&self, name: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.name == name)
    }

    /// What the layout hashes to: names, types and order of everything that crosses; documentation aside.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut lines = vec![format!("namespace {} contract {}", self.namespace, self.contract)];
        lines.extend(self.names.iter().map(|(name, _)| format!("name {name}")));
        lines.extend(self.records.iter().map(|record| format!("record {}", shape(&record.name, &record.fields))));
        lines.extend(
            self.failure
                .iter()
                .map(|(name, variant)| format!("error {name} {}", shape(&variant.name, &variant.fields))),
        );
        lines.extend(
            self.objects.iter().map(|object| format!("object {} {} {}", object.name, object.clone, object.free)),
        );
        lines.extend(self.calls.iter().map(|call| {
            let Call { symbol, is_async, returns, throws, .. } = call;
            format!("call {} async {is_async} throws {throws} returns {returns:?}", shape(symbol, &call.arguments))
        }));
        lines.sort();
        // FNV-1a: stable across releases of Rust, unlike the standard hasher.
        lines
            .join("\n")
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }
}

fn shape(name: &str, fields: &[Field]) -> String {
    let fields: Vec<_> = fields.iter().map(|field| format!("{}: {:?}", field.name, field.kind)).collect();
    format!("{name} {{ {} }}", fields.join(", "))
}

fn fields(owner: &str, fields: &[uniffi_bindgen::interface::Field]) -> Result<Vec<Field>> {
    let read = |field: &uniffi_bindgen::interface::Field| {
        let place = format!("{owner}.{}", field.name());
        if field.default_value().is_some() {
            return Err(format!("`{place}`: default values are not supported"));
        }
        match kind(&place, &field.as_type())? {
            Kind::Object(_) => Err(format!("`{place}`: objects inside records are not supported")),
            kind => Ok(Field { name: field.name().to_owned(), docs: text(field.docstring()), kind }),
        }
    };
    fields.iter().map(read).collect()
}

/// The kind of a type; `place` names the Rust item in errors.
fn kind(place: &str, ty: &Type) -> Result<Kind> {
    let unsupported = || Err(format!("`{place}`: the type `{ty:?}` is not supported"));
    Ok(match ty {
        Type::Boolean => Kind::Bool,
        Type::Int64 => Kind::I64,
        Type::UInt64 => Kind::U64,
        Type::Float64 => Kind::F64,
        Type::String => Kind::Text,
        Type::Record { name, .. } => Kind::Record(name.clone()),
        Type::Object { name, imp, .. } if imp.has_struct() => Kind::Object(name.clone()),
        Type::Custom { name, builtin, .. } => match (name.as_str(), builtin.as_ref()) {
            ("Text", Type::String) => Kind::OmitText,
            ("Flag", Type::Boolean) => Kind::OmitFlag,
            ("JsonObject", Type::String) => Kind::Json,
            (_, Type::String) => Kind::Named(name.clone()),
            _ => return unsupported(),
        },
        Type::Map { key_type, value_type } if **key_type == Type::String && **value_type == Type::String => Kind::Map,
        Type::Sequence { inner_type } => match kind(place, inner_type)? {
            Kind::Object(_) | Kind::Maybe(_) => return unsupported(),
            inner => Kind::List(Box::new(inner)),
        },
        Type::Optional { inner_type } => match kind(place, inner_type)? {
            Kind::Object(_) | Kind::Maybe(_) => return unsupported(),
            inner => Kind::Maybe(Box::new(inner)),
        },
        _ => return unsupported(),
    })
}

fn text(docs: Option<&str>) -> String {
    docs.unwrap_or_default().lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}
