//! What a row says of an operation. Pure values, made while compiling: a row that contradicts itself does not compile.

use crate::{access::Needs, scope::Layer};

/// The platform alone.
pub const PLATFORM: &[Layer] = &[Layer::Platform];
/// An account.
pub const ACCOUNT: &[Layer] = &[Layer::Account];
/// A project.
pub const PROJECT: &[Layer] = &[Layer::Project];
/// Every level.
pub const ANY: &[Layer] = &[Layer::Platform, Layer::Account, Layer::Project];

/// Bodies up to 1 MiB: a policy, or the keys of an issuer.
pub const LARGE: usize = 1024 * 1024;
/// Bodies of a few fields.
const SMALL: usize = 32 * 1024;

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Does something, or makes something without a name.
    Post,
    /// Makes something what it is said to be.
    Put,
    /// Changes the given fields.
    Patch,
    /// Ends something.
    Delete,
}

/// What whoever got no answer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Ask again: nothing is done twice.
    Safe,
    /// Ask again under the same idempotency key.
    Once,
    /// Look first.
    Never,
}

/// How an operation is reached, what it needs, and how it stands in the audit.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The method.
    pub method: Method,
    /// The path below each of its levels; with a leading `/` the whole path, which is another system's.
    pub path: &'static str,
    /// The levels it exists at, where no leading arguments say so.
    pub at: &'static [Layer],
    /// What has to be held.
    pub needs: Needs,
    /// What a grant has to name for a guest; nothing where none opens it.
    pub crosses: Option<&'static str>,
    /// The kind of its row in the audit; none for what changes nothing.
    pub audits: Option<&'static str>,
    /// Whether it makes something new: 201.
    pub created: bool,
    /// What whoever got no answer may do.
    pub repeat: Repeat,
    /// Fields of the input that come first and without a name.
    pub positional: &'static [&'static str],
    /// The largest body, in bytes.
    pub body: usize,
    /// Whether it changes nothing although its method says so.
    reads: bool,
}

const fn facts(method: Method, path: &'static str) -> Facts {
    let repeat = match method {
        Method::Get | Method::Put | Method::Delete => Repeat::Safe,
        Method::Post | Method::Patch => Repeat::Never,
    };
    let needs = Needs::Caller;
    Facts {
        method,
        path,
        at: PROJECT,
        needs,
        crosses: None,
        audits: None,
        created: false,
        repeat,
        positional: &[],
        body: SMALL,
        reads: false,
    }
}

/// Reads.
pub const fn get(path: &'static str) -> Facts {
    facts(Method::Get, path)
}

/// Does something.
pub const fn post(path: &'static str) -> Facts {
    facts(Method::Post, path)
}

/// Makes something what it is said to be.
pub const fn put(path: &'static str) -> Facts {
    facts(Method::Put, path)
}

/// Changes the given fields.
pub const fn patch(path: &'static str) -> Facts {
    facts(Method::Patch, path)
}

/// Ends something.
pub const fn delete(path: &'static str) -> Facts {
    facts(Method::Delete, path)
}

impl Facts {
    /// Exists at these levels.
    pub const fn at(self, at: &'static [Layer]) -> Self {
        Self { at, ..self }
    }

    /// Needs a permission.
    pub const fn needs(self, permission: &'static str) -> Self {
        Self { needs: Needs::Permission(permission), ..self }
    }

    /// Needs no credential.
    pub const fn open(self) -> Self {
        Self { needs: Needs::Open, ..self }
    }

    /// Is open to a guest whose grant names this.
    pub const fn crosses(self, action: &'static str) -> Self {
        Self { crosses: Some(action), ..self }
    }

    /// Leaves a row of this kind.
    pub const fn audits(self, kind: &'static str) -> Self {
        Self { audits: Some(kind), ..self }
    }

    /// Makes something new.
    pub const fn created(self) -> Self {
        Self { created: true, ..self }
    }

    /// May be asked again: nothing is done twice.
    pub const fn safe(self) -> Self {
        Self { repeat: Repeat::Safe, ..self }
    }

    /// May be asked again under the same idempotency key.
    pub const fn once(self) -> Self {
        Self { repeat: Repeat::Once, ..self }
    }

    /// Changes nothing, although its method could.
    pub const fn reads(self) -> Self {
        Self { reads: true, repeat: Repeat::Safe, ..self }
    }

    /// These fields come first.
    pub const fn positional(self, fields: &'static [&'static str]) -> Self {
        Self { positional: fields, ..self }
    }

    /// Takes bodies up to this many bytes.
    pub const fn body(self, bytes: usize) -> Self {
        Self { body: bytes, ..self }
    }

    /// Whether it is about the platform, whoever's handle it is called by.
    pub const fn is_for_platform(&self) -> bool {
        matches!(self.at, [Layer::Platform])
    }

    /// The facts of a row whose leading arguments name so many levels.
    ///
    /// # Panics
    /// While compiling, where a change has no row in the audit.
    pub(super) const fn checked(self, levels: usize) -> Self {
        let changes = !matches!(self.method, Method::Get) && !self.reads;
        assert!(changes == self.audits.is_some(), "a change says how it stands in the audit, and nothing else does");
        // Below `admin` the platform decides, whatever is named.
        if levels == 0 { self } else { Self { at: PLATFORM, ..self } }
    }
}
