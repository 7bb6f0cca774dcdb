//! Where Python says something otherwise than the table does: names, what is needed, and what stays by hand.

/// What Python calls otherwise than the table does: where, what, and its name in Python.
pub const NAMES: &[(&str, &str, &str)] = &[
    ("", "PrintedHead", "AuditHead"),
    ("accounts", "account", "id"),
    ("projects", "project", "id"),
    ("policies.attach_pack", "pack", "name"),
    ("identity.put_settings", "", "settings"),
    ("Introspection", "", "claims"),
];
/// What comes first and without a name, beside what the table says.
pub const FIRST: &[(&str, &str)] = &[
    ("issuers.put", "issuer"),
    ("tokens.exchange", "grant_type"),
    ("tokens.issue", "subject"),
    ("AutoProvision", "enabled"),
];
/// What has to be given, though the wire lets it be absent: nothing is done without it.
pub const NEEDED: &[(&str, &[&str])] = &[
    ("issuers.put", &["audience", "accounts"]),
    ("grants.create", &["from_account", "to_account", "to_project", "actions", "expires_in_seconds", "reason"]),
];
/// Records whose fields are arguments of their own: where, which, and those of its fields that say something there.
pub const SPREAD: &[(&str, &str, &[&str])] = &[(
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
/// Texts that may be given as the record whose printed form they are.
pub const PRINTED: &[(&str, &str, &str)] = &[("audit.verify", "anchor", "AuditHead")];
/// Records that apps make; the core says what they leave out.
pub const MADE: &[&str] = &["AutoProvision", "IdentitySettings"];
/// Records that are dicts here.
pub const DICTS: &[&str] = &["ClaimPaths", "TenantFacts", "PolicySpec"];
/// Records of guard calls, which the native library has.
pub const NATIVE: &[&str] = &["Principal"];
/// Handles that can do more than the table says, in the native library.
pub const EXTENDED: &[&str] = &["Guard", "Limits"];
/// Members beside the fields.
pub const MEMBERS: &[(&str, &str)] = &[
    ("AuditHead", "    def __str__(self) -> str:\n        return self.text\n"),
    (
        "NewApiKey",
        "    @property\n    def record(self) -> ApiKey:\n        \"\"\"Everything else about it.\"\"\"\n        \
         return ApiKey._read({name: value for name, value in self.to_dict().items() if name != \"key\"})\n",
    ),
];

/// What Python calls something.
pub fn renamed<'a>(place: &str, name: &'a str) -> &'a str {
    NAMES.iter().find(|(at, from, _)| *at == place && *from == name).map_or(name, |(.., to)| to)
}

/// Whether it comes first and without a name.
pub fn is_first(place: &str, name: &str) -> bool {
    FIRST.contains(&(place, name))
}

/// Whether it has to be given.
pub fn is_needed(place: &str, name: &str) -> bool {
    NEEDED.iter().any(|(at, names)| *at == place && names.contains(&name))
}
