//! Go's names, and those that are not what the table's would become.

/// Words that are written in capitals.
const INITIALISMS: [&str; 14] =
    ["api", "iat", "id", "json", "jti", "jwks", "jwt", "mcp", "ok", "sha256", "sha", "ttl", "uid", "url"];

/// Types that are called something else in Go.
const TYPES: [(&str, &str); 3] =
    [("FactsSpec", "TenantFacts"), ("PrincipalKind", "PrincipalType"), ("PrintedHead", "AuditHead")];

/// What the constants of a set of words begin with, where it is not its name.
const PREFIXES: [(&str, &str); 6] = [
    ("AuditClass", "Audit"),
    ("AuditOrder", "Audit"),
    ("CredentialKind", "Credential"),
    ("KeyState", "Key"),
    ("LimitKey", "LimitBy"),
    ("PrincipalType", "Principal"),
];

/// Names that an argument may not have: keywords, and what methods use themselves.
const TAKEN: [&str; 16] = [
    "any",
    "chan",
    "ctx",
    "default",
    "error",
    "func",
    "go",
    "import",
    "interface",
    "len",
    "map",
    "nil",
    "package",
    "range",
    "string",
    "type",
];

fn capital(word: &str) -> String {
    if INITIALISMS.contains(&word) {
        return word.to_uppercase();
    }
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `session_id` as `SessionID`.
pub fn exported(name: &str) -> String {
    name.split('_').map(capital).collect()
}

/// `session_id` as `sessionID`.
pub fn unexported(name: &str) -> String {
    let (first, rest) = name.split_once('_').unwrap_or((name, ""));
    first.to_lowercase() + &exported(rest)
}

/// The name of an argument; one that Go keeps for itself gets a line below it.
pub fn argument(name: &str) -> String {
    let name = unexported(name);
    if TAKEN.contains(&name.as_str()) { name + "_" } else { name }
}

/// The words of a type's name: `ApiKey` as `api_key`.
fn words(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// The name of a type.
pub fn type_name(name: &str) -> String {
    let own = TYPES.iter().find(|(table, _)| *table == name).map(|(_, go)| (*go).to_owned());
    own.unwrap_or_else(|| exported(&words(name)))
}

/// Whether a type is called something else in Go.
pub fn is_renamed(name: &str) -> bool {
    TYPES.iter().any(|(table, _)| *table == name)
}

/// The name of a type that is not public.
pub fn hidden(name: &str) -> String {
    unexported(&words(name))
}

/// The last word of a type's name, for an argument that holds one.
pub fn last_word(name: &str) -> String {
    words(name).rsplit('_').next().unwrap_or_default().to_owned()
}

/// The name of a constant.
pub fn constant(of: &str, word: &str) -> String {
    let prefix = PREFIXES.iter().find(|(name, _)| *name == of).map_or(of, |(_, prefix)| prefix);
    format!("{prefix}{}", exported(word))
}

/// The name of a method.
pub fn method(verb: &str) -> String {
    if verb == "whoami" { "WhoAmI".to_owned() } else { exported(verb) }
}

/// The name of a receiver.
pub fn receiver(ty: &str) -> String {
    ty.chars().take(1).flat_map(char::to_lowercase).collect()
}
