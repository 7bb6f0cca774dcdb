//! The public names and forms of this language, where they are not those of the table.

use crate::model::{Method, Noun, Ty};

/// What types are called: on the wire, as they are given, what is left of them beside positional fields, and as they are told.
const TYPES: &[(&str, &str, &str, &str)] = &[
    ("AccountSpec", "", "Facts", ""),
    ("AutoProvision", "NewAutoProvision", "", "AutoProvision"),
    ("ClaimPaths", "ClaimPaths", "", "IssuerClaims"),
    ("FactsSpec", "Facts", "", ""),
    ("GrantSpec", "NewGrant", "", ""),
    ("IdentitySettings", "NewIdentitySettings", "", "IdentitySettings"),
    ("IssuerSpec", "Issuer", "", "IssuerSpec"),
    ("KeyFilter", "KeyQuery", "", ""),
    ("KeyRotation", "", "RotateOptions", ""),
    ("KeySpec", "", "KeyOptions", ""),
    ("LimitRef", "", "LayerOptions", ""),
    ("LimitSpec", "Limit", "", "LimitSpec"),
    ("PolicyRef", "", "LayerOptions", ""),
    ("PolicySpec", "NewPolicy", "PolicyOptions", "ProvisionedPolicy"),
    ("Principal", "", "", "CallerPrincipal"),
    ("PrincipalKind", "PrincipalType", "", "PrincipalType"),
    ("PrintedHead", "", "", "AuditHead"),
    ("ProjectSpec", "", "Facts", ""),
    ("SettingsPatch", "SettingsChange", "", ""),
    ("TenantFacts", "Facts", "", "Facts"),
    ("TokenSpec", "", "TokenOptions", ""),
];

/// What a method's one argument with fields is called, by its type; else `options`.
const ARGUMENTS: &[(&str, &str)] = &[
    ("Facts", "facts"),
    ("Issuer", "issuer"),
    ("Limit", "limit"),
    ("NewGrant", "grant"),
    ("NewIdentitySettings", "settings"),
    ("SettingsChange", "settings"),
    ("TokenRequest", "request"),
    ("UsageReport", "report"),
];

/// Fields that come first here and not in the table, or the other way round.
const POSITIONAL: &[(&str, &[&str])] =
    &[("audit.verify", &["anchor"]), ("limits.set", &[]), ("tokens.issue", &["subject"])];

/// Fields without which an input means nothing, although the wire can do without.
const REQUIRED: &[(&str, &[&str])] = &[
    ("GrantSpec", &["from_account", "to_account", "to_project", "actions", "expires_in_seconds", "reason"]),
    ("IssuerSpec", &["issuer", "audience", "algorithms", "accounts"]),
    ("LimitSpec", &["id"]),
    ("ModelContext", &["model"]),
    ("PolicySpec", &["name"]),
    ("TokenRequest", &["grant_type"]),
    ("TokenSpec", &["subject"]),
];

/// Fields whose type says more here: what it is, and how it is read where it is given.
const FIELDS: &[(&str, &str, &str)] = &[
    ("AuditAnchor.anchor", "AuditHead | string", "head"),
    ("IssuerSpec.jwks", "JsonWebKeySet", ""),
    ("TokenRequest.grant_type", "\"api_key\" | \"refresh_token\"", "text"),
    ("tokens.jwks", "JsonWebKeySet", ""),
];

/// Fields that are given beside the others, and those of their own that mean nothing there.
const BESIDE: &[(&str, &[&str])] = &[("UsageReport.model", &["max_tokens", "temperature", "tokens_used"])];

/// Records that are told as plain data: `tenant.actingAs` and inputs take them.
const PLAIN: &[&str] = &["ClaimPaths", "PolicySpec", "Principal", "TenantFacts"];

/// What records extend, where it is not `Value`.
const BASES: &[(&str, &str)] = &[("NewApiKey", "ApiKey"), ("PrintedHead", "Line")];

/// Nouns whose handle is written by hand, on top of the class that is made of the table.
const BY_HAND: &[&str] = &["guard", "limits"];

fn find<'a, T>(table: &'a [(&str, T)], key: &str) -> Option<&'a T> {
    table.iter().find(|(name, _)| *name == key).map(|(_, found)| found)
}

fn or(name: Option<&str>, wire: &str) -> String {
    name.filter(|name| !name.is_empty()).unwrap_or(wire).to_owned()
}

fn names(wire: &str) -> Option<&'static (&'static str, &'static str, &'static str, &'static str)> {
    TYPES.iter().find(|(name, ..)| *name == wire)
}

/// What a type is called as it is given.
pub fn given(wire: &str) -> String {
    or(names(wire).map(|names| names.1), wire)
}

/// What is left of a type beside its positional fields.
pub fn rest(wire: &str) -> String {
    or(names(wire).map(|names| names.2), wire)
}

/// What a type is called as it is told.
pub fn told(wire: &str) -> String {
    or(names(wire).map(|names| names.3), wire)
}

/// What the argument of a type is called.
pub fn argument(given: &str) -> &'static str {
    find(ARGUMENTS, given).copied().unwrap_or("options")
}

/// The fields of a method that come first and without a name.
pub fn positional(method: &Method) -> Vec<&str> {
    find(POSITIONAL, &method.operation).map_or(method.facts.positional, |fields| *fields).to_vec()
}

/// Whether an input cannot do without a field.
pub fn is_required(wire: &str, field: &str) -> bool {
    find(REQUIRED, wire).is_some_and(|fields| fields.contains(&field))
}

/// What a field that is given holds beyond its type in the table.
pub fn given_type(place: &str) -> Option<&'static str> {
    FIELDS.iter().find(|(name, _, reader)| *name == place && !reader.is_empty()).map(|(_, ty, _)| *ty)
}

/// What a field that is told, or what a method gives, is beyond its type in the table.
pub fn told_type(place: &str) -> Option<&'static str> {
    FIELDS.iter().find(|(name, _, reader)| *name == place && reader.is_empty()).map(|(_, ty, _)| *ty)
}

/// How a field of such a type is read.
pub fn reader_of(place: &str) -> Option<&'static str> {
    FIELDS.iter().find(|(name, _, reader)| *name == place && !reader.is_empty()).map(|(.., reader)| *reader)
}

/// Whether one of the types above has this word.
pub fn is_word(name: &str) -> bool {
    FIELDS.iter().any(|(_, ty, _)| ty.contains(&format!("\"{name}\"")))
}

/// The fields of a field that are given beside it, but for these.
pub fn beside(place: &str) -> Option<&'static [&'static str]> {
    find(BESIDE, place).copied()
}

/// Whether a record is told as plain data.
pub fn is_plain(wire: &str) -> bool {
    PLAIN.contains(&wire)
}

/// What the class of a record extends.
pub fn base(wire: &str) -> &'static str {
    find(BASES, wire).copied().unwrap_or("Value")
}

/// Whether the handle of a noun is written by hand.
pub fn is_by_hand(noun: &Noun) -> bool {
    BY_HAND.contains(&noun.place)
}

/// What the class of a noun is called.
pub fn class(noun: &Noun) -> String {
    if is_by_hand(noun) { format!("{}Operations", noun.handle) } else { noun.handle.to_owned() }
}

/// The file of a noun.
pub fn file(noun: &Noun) -> String {
    noun.place.rsplit('.').next().unwrap_or_default().to_owned()
}

/// Whether what is held is words or a record of this name.
pub fn item(ty: &Ty) -> Option<&str> {
    match ty {
        Ty::Named(name) => Some(name),
        Ty::List(item) | Ty::Map(item) => self::item(item),
        _ => None,
    }
}
