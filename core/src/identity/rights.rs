//! What a credential may do: scopes, the roles that mean scopes, and the ceiling over guard actions. Owns names and
//! implications; touches only ground. Source: `docs/wire/identity.md`.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    context_keys::Action,
    error::{Error, ErrorKind, Result},
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

/// Everything a caller may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights(BTreeSet<String>);

impl Rights {
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
pub const fn ceiling(action: Action) -> Option<&'static str> {
    match action {
        Action::ProcessPrompt | Action::ProcessResponse | Action::ReadFile => Some("tools:read"),
        Action::WriteFile => Some("tools:write"),
        Action::CallTool => Some("tools:execute"),
        Action::ConnectServer => None,
    }
}

/// The scope an action needs and `scopes` do not hold.
#[must_use]
pub fn beyond_ceiling(scopes: &[String], action: Action) -> Option<&'static str> {
    let wanted = ceiling(action)?;
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
            let rights = Rights::of(&[], &texts(&[role]), &table);
            for (place, scope) in shannon.iter().enumerate() {
                assert_eq!(rights.hold(scope), place < held, "{role} {scope}");
            }
        }
    }

    #[test]
    fn scopes_on_a_token_narrow_its_roles() {
        let table = IdentitySettings::default().roles;
        let rights = Rights::of(&texts(&["tools:read"]), &texts(&["owner"]), &table);
        assert!(rights.hold("tools:read") && !rights.hold(MANAGE) && rights.require(READ).is_err());
    }

    #[test]
    fn the_ceiling_asks_for_the_scope_of_the_action() {
        assert_eq!(beyond_ceiling(&[], Action::CallTool), Some("tools:execute"));
        assert_eq!(beyond_ceiling(&texts(&["tools:read"]), Action::CallTool), Some("tools:execute"));
        assert_eq!(beyond_ceiling(&texts(&["agents:execute"]), Action::CallTool), None);
        assert_eq!(beyond_ceiling(&texts(&["nhi:manage"]), Action::ConnectServer), None);
    }
}
