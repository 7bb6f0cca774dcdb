//! One question to the policies, and what each of them said.

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
}

/// What each policy said, by rule index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Policies whose scope and conditions hold.
    pub satisfied: Vec<usize>,
    /// Policies that could not be evaluated, with the reason.
    pub errors: Vec<(usize, String)>,
}
