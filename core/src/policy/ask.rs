//! One question to the policies, and what each of them said.

use super::DeclaredType;
use crate::{
    api::Principal,
    context_keys::{Action, ContextKey, KeyValue},
};

/// What a policy's resource is for this call.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// No session: the project's app.
    App,
    /// The session, or a synthetic one for this request.
    Session(&'a str),
}

/// One question to the policies.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The action.
    pub action: Action,
    /// Who asks.
    pub principal: &'a Principal,
    /// About what.
    pub place: Place<'a>,
    /// The account's id.
    pub account_id: &'a str,
    /// The project's id; also the app's.
    pub project_id: &'a str,
    /// Every context key of the call.
    pub keys: &'a [(ContextKey, KeyValue)],
    /// Declared metadata.
    pub metadata: &'a [(String, KeyValue)],
    /// What the caller sent as another type than policies read.
    pub mistyped: &'a Mistyped,
}

/// Values of another type than some policy reads: for it they are an error, since leaving them out could let through what it
/// forbids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistyped {
    /// Metadata, each with the type it was taken as for those that read it so; none when no policy reads it as what it is.
    pub metadata: Vec<(String, Option<DeclaredType>)>,
    /// Keys of the table.
    pub keys: Vec<ContextKey>,
    /// Parameters of a tool call.
    pub parameters: Vec<&'static str>,
}

impl Mistyped {
    /// Whether everything has the type that is read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.metadata.is_empty() && self.keys.is_empty() && self.parameters.is_empty()
    }
}

/// What each policy said, by rule index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Policies whose scope and conditions hold.
    pub satisfied: Vec<usize>,
    /// Policies that could not be evaluated, with the reason.
    pub errors: Vec<(usize, String)>,
}
