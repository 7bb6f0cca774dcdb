//! What a credential may do: scopes, the roles that mean scopes, and the scope each guard action needs. Owns names and
//! implications; touches only ground. Source: `docs/wire/identity.md`.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    context_keys::Action,
    error::{Error, ErrorKind, Result},
    nearest::{nearest, shown, slip_of},
};

/// Reads policies, limits, settings and the audit trail of a tenant.
pub const READ: &str = "tenant:read";
/// Changes them.
pub const MANAGE: &str = "tenant:manage";
/// Makes and revokes API keys.
pub const CREDENTIALS: &str = "credentials:manage";
/// Issues tokens for people.
pub const USERS: &str = "users:manage";

/// Scopes that include others: who holds the first holds the second.
const IMPLIED: &[(&str, &str)] = &[
    (MANAGE, READ),
    // Shannon's name for the same right.
    ("api_keys:manage", CREDENTIALS),
    // Whoever may run Shannon's agents may do what agents do.
    ("agents:execute", "tools:read"),
    ("agents:execute", "tools:write"),
    ("agents:execute", "tools:execute"),
];

/// Scopes that mean something to us or to the systems callers come from (`docs/wire/identity.md`). An app's own are those its
/// roles name.
const KNOWN: &[&str] = &[
    "agents:execute",
    "api_keys:manage",
    CREDENTIALS,
    "nhi:manage",
    "sessions:read",
    "sessions:write",
    "skills:dangerous",
    MANAGE,
    READ,
    "tools:agent",
    "tools:execute",
    "tools:network",
    "tools:read",
    "tools:vcs",
    "tools:write",
    USERS,
    "workflows:read",
    "workflows:write",
];

/// The namespaces in which every scope is one of ours. Apps have users, sessions and agents of their own.
const OURS: &[&str] = &["api_keys", "credentials", "nhi", "skills", "tenant", "tools"];

/// What roles mean.
pub type Roles = BTreeMap<String, Vec<String>>;

/// Refuses a scope nobody knows: a credential that carries it would open nothing, and nobody would see why. `held` are those of
/// whoever gives it, as its own issuer named them. A name in a namespace of the app's own, such as `orders:write`, is the
/// app's to know, unless it reads like a known one.
pub fn check_known(scopes: &[String], roles: &Roles, held: &[String]) -> Result<()> {
    let own = || roles.values().flatten().map(String::as_str);
    let is_known = |scope: &str| {
        KNOWN.contains(&scope) || own().chain(held.iter().map(String::as_str)).any(|known| known == scope)
    };
    let is_own = |scope: &str| {
        let space = scope.find([':', '/', '.']).and_then(|end| scope.get(..end)).unwrap_or_default();
        !space.is_empty()
            && !scope.contains('*')
            && OURS.iter().all(|ours| !space.eq_ignore_ascii_case(ours))
            && slip_of(scope, KNOWN.iter().copied().chain(own())).is_none()
    };
    let Some(unknown) = scopes.iter().find(|scope| !is_known(scope) && !is_own(scope)) else { return Ok(()) };
    let help = match nearest(unknown, KNOWN.iter().copied().chain(own())) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            let known = KNOWN.join("`, `");
            format!("a scope of your own has a namespace (`orders:write`), or is named by a role; ours are `{known}`")
        }
    };
    Err(Error::invalid("scope_unknown", format!("`{}` in `scopes` is not a scope that is known here", shown(unknown)))
        .with_help(help))
}

/// Refuses a role whose scopes have a slip of one of ours among them. Any other name is a scope of the app's own.
pub fn check_roles(roles: &Roles) -> Result<()> {
    for (role, scopes) in roles {
        for scope in scopes.iter().filter(|scope| !KNOWN.contains(&scope.as_str())) {
            let refuse = |what: String| {
                let what = format!("`{}` of role `{}` in `roles` {what}", shown(scope), shown(role));
                Error::invalid("scope_unknown", what)
            };
            if !is_well_formed(scope) {
                return Err(refuse("is no scope".into())
                    .with_help("a scope has 1 to 128 printable ASCII characters, no blanks"));
            }
            if let Some(meant) = slip_of(scope, KNOWN.iter().copied()) {
                return Err(refuse(format!("is not a scope, and reads like `{meant}`"))
                    .with_help(format!("write `{meant}`, or give a scope of your own another name")));
            }
        }
    }
    Ok(())
}

/// The grammar of RFC 6749, section 3.3.
#[must_use]
pub fn is_well_formed(scope: &str) -> bool {
    let token = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=128).contains(&scope.len()) && scope.bytes().all(token)
}

/// Everything a caller may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(BTreeSet<String>);

impl Permissions {
    /// The scopes a credential carries; where it carries none, those its roles mean. Scopes on a token narrow what its
    /// roles would allow, so the two are never added up.
    #[must_use]
    pub fn of(scopes: &[String], roles: &[String], table: &BTreeMap<String, Vec<String>>) -> Self {
        if scopes.is_empty() {
            return Self(roles.iter().filter_map(|role| table.get(role)).flatten().cloned().collect());
        }
        Self(scopes.iter().cloned().collect())
    }

    /// All there is to do inside one tenant.
    #[must_use]
    pub fn everything() -> Self {
        Self([MANAGE, CREDENTIALS, USERS, "agents:execute"].map(str::to_owned).into())
    }

    /// The scopes, by name.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }

    /// Whether `wanted` is among them, or implied by one.
    #[must_use]
    pub fn hold(&self, wanted: &str) -> bool {
        holds(|scope| self.0.contains(scope), wanted)
    }

    /// Refuses whoever does not hold `wanted`.
    pub fn require(&self, wanted: &str) -> Result<()> {
        if self.hold(wanted) { Ok(()) } else { Err(missing(wanted)) }
    }
}

fn holds(has: impl Fn(&str) -> bool, wanted: &str) -> bool {
    has(wanted) || IMPLIED.iter().any(|(scope, implied)| *implied == wanted && has(scope))
}

/// The error for a right that is not held.
#[must_use]
pub fn missing(wanted: &str) -> Error {
    Error::new(ErrorKind::PermissionDenied, "scope_missing", format!("this needs the scope `{wanted}`"))
}

/// The scope a guard action needs of a token that carries scopes; connecting to a server needs none.
#[must_use]
pub const fn scope_of(action: Action) -> Option<&'static str> {
    match action {
        Action::ProcessPrompt | Action::ProcessResponse | Action::ReadFile => Some("tools:read"),
        Action::WriteFile => Some("tools:write"),
        Action::CallTool => Some("tools:execute"),
        Action::ConnectServer => None,
    }
}

/// The scope an action needs and `scopes` do not hold.
#[must_use]
pub fn missing_scope(scopes: &[String], action: Action) -> Option<&'static str> {
    let wanted = scope_of(action)?;
    let held = holds(|scope| scopes.iter().any(|own| own == scope), wanted);
    (!held).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::IdentitySettings;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn each_role_holds_its_scopes_and_no_others() {
        let table = IdentitySettings::default().roles;
        let shannon = [
            "workflows:read",
            "workflows:write",
            "agents:execute",
            "sessions:read",
            "sessions:write",
            "api_keys:manage",
            "users:manage",
            "tenant:manage",
            "skills:dangerous",
        ];
        for (role, held) in [("user", 5), ("admin", 7), ("owner", 8), ("stranger", 0)] {
            let rights = Permissions::of(&[], &texts(&[role]), &table);
            for (place, scope) in shannon.iter().enumerate() {
                assert_eq!(rights.hold(scope), place < held, "{role} {scope}");
            }
        }
    }

    #[test]
    fn unknown_scopes_are_refused_with_the_nearest() {
        let table = IdentitySettings::default().roles;
        let mut own = table.clone();
        own.insert("clerk".into(), texts(&["orders:write", "https://api.example/read"]));
        for scope in KNOWN.iter().copied().chain(["orders:write", "https://api.example/read"]) {
            assert!(check_known(&texts(&[scope]), &own, &[]).is_ok(), "{scope}");
        }
        for (scope, meant) in [
            ("tool:read", "`tools:read`"),
            ("tools:raed", "`tools:read`"),
            ("Tools:Read", "`tools:read`"),
            ("tools.read", "`tools:read`"),
            ("tenant:mange", "`tenant:manage`"),
            ("credential:manage", "`credentials:manage`"),
            ("api-keys:manage", "`api_keys:manage`"),
            ("order:write", "`orders:write`"),
            ("banana", "ours are"),
            ("*", "ours are"),
            ("orders:*", "ours are"),
            ("tools:delete", "`tools:execute`"),
            ("tenant:own", "ours are"),
        ] {
            let error = check_known(&texts(&["tools:read", scope]), &own, &[]).unwrap_err();
            assert!(error.code() == "scope_unknown" && error.help().unwrap().contains(meant), "{scope}: {error}");
            assert!(check_known(&texts(&[scope]), &own, &texts(&[scope])).is_ok(), "{scope} of its issuer's");
        }
        for scope in
            ["orders:write", "order:read", "users:read", "sessions:list", "https://api.example/read", "urn:x:y"]
        {
            assert!(check_known(&texts(&[scope]), &table, &[]).is_ok(), "{scope} is the app's own");
        }
    }

    #[test]
    fn roles_name_scopes_of_an_apps_own_and_no_slips_of_ours() {
        assert!(check_roles(&IdentitySettings::default().roles).is_ok());
        let role = |scope: &str| Roles::from([("r".to_owned(), texts(&[scope]))]);
        for scope in ["orders:write", "files:read", "roles:read", "users:read", "reports:export", "urn:x:y", "admin"] {
            assert!(check_roles(&role(scope)).is_ok(), "{scope}");
        }
        for scope in
            ["tool:read", "tools:reed", "tenant:mange", "TOOLS:READ", "agent:execute", "no spaces", "", "\u{fc}:x"]
        {
            assert_eq!(check_roles(&role(scope)).unwrap_err().code(), "scope_unknown", "{scope}");
        }
    }

    #[test]
    fn scopes_on_a_token_narrow_its_roles() {
        let table = IdentitySettings::default().roles;
        let rights = Permissions::of(&texts(&["tools:read"]), &texts(&["owner"]), &table);
        assert!(rights.hold("tools:read") && !rights.hold(MANAGE) && rights.require(READ).is_err());
    }

    #[test]
    fn an_action_needs_its_scope() {
        assert_eq!(missing_scope(&[], Action::CallTool), Some("tools:execute"));
        assert_eq!(missing_scope(&texts(&["tools:read"]), Action::CallTool), Some("tools:execute"));
        assert_eq!(missing_scope(&texts(&["agents:execute"]), Action::CallTool), None);
        assert_eq!(missing_scope(&texts(&["nhi:manage"]), Action::ConnectServer), None);
    }
}
