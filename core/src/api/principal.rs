//! Who acts: what a verified credential, or the process that owns the engine, says of the caller.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    scope::OpaqueId,
};

/// Most roles, and most scopes, of a principal that the app names, and their longest name in bytes.
const MAX_NAMES: usize = 256;
const MAX_NAME: usize = 256;

/// What a principal is to policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PrincipalKind {
    /// A person, or the embedding process: Cedar `User`.
    #[default]
    User,
    /// An agent: Cedar `Agent`.
    Agent,
}

impl PrincipalKind {
    /// The Cedar entity type.
    #[must_use]
    pub const fn entity_type(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Agent => "Agent",
        }
    }
}

/// The caller on whose behalf a guard call is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Principal {
    /// What it is.
    #[serde(default, rename = "type")]
    pub kind: PrincipalKind,
    /// Its id, 1–512 bytes.
    pub id: String,
    /// Its roles, highest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Its OAuth scopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

impl Principal {
    /// The embedding process itself; never an admin.
    #[must_use]
    pub fn process() -> Self {
        Self { kind: PrincipalKind::User, id: "process".into(), roles: Vec::new(), scopes: Vec::new() }
    }

    /// A person.
    #[must_use]
    pub fn user(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::process() }
    }

    /// An agent.
    #[must_use]
    pub fn agent(id: impl Into<String>) -> Self {
        Self { kind: PrincipalKind::Agent, id: id.into(), ..Self::process() }
    }

    /// Refuses ids that are empty or too long, and more or longer roles and scopes than a row of the audit has room for.
    pub fn check(&self) -> Result<()> {
        for (field, names) in [("roles", &self.roles), ("scopes", &self.scopes)] {
            if names.len() > MAX_NAMES || names.iter().any(|name| name.len() > MAX_NAME) {
                let bound = format!("a principal has at most {MAX_NAMES} `{field}` of up to {MAX_NAME} bytes");
                return Err(Error::invalid("request_field_too_large", bound));
            }
        }
        match OpaqueId::parse("principal id", Some(&self.id))? {
            Some(_) => Ok(()),
            None => Err(Error::invalid("opaque_id_invalid", "principal id is empty")),
        }
    }
}
