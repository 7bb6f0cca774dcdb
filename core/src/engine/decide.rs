//! Step 5, decide: every policy judged alone, then a pure fold.

use std::time::Duration;

use super::{Allowance, Call, Engine, PolicyInput, Refusal};
use crate::{
    clock::Now,
    context_keys::Action,
    error::Result,
    policy::{self, Ask, Place},
};

/// What limits and policies say.
pub enum Verdict {
    /// Denied before any policy was asked.
    Refused(Refusal),
    /// What the policies say together, and how long they took where somebody asked.
    Judged(policy::Verdict, Duration),
}

impl Engine {
    pub(super) fn decide(&self, call: &Call, allowance: &Allowance, input: &PolicyInput) -> Result<Verdict> {
        if let Some(refusal) = allowance.refusal() {
            return Ok(Verdict::Refused(refusal.clone()));
        }
        // Told in the explain tier alone; reading a clock twice is no small part of judging few policies.
        let start = call.flags.explain.then(|| self.clock.now());
        let (account_id, project_id) = names(call);
        let ask = Ask {
            action: call.action,
            principal: &call.principal,
            place: place(call),
            account_id,
            project_id,
            keys: &input.keys,
            metadata: &input.metadata,
        };
        let judgement = call.tenant.policies.judge(&ask)?;
        let since = |start: Now| self.clock.now().steady_nanos.saturating_sub(start.steady_nanos);
        let took = Duration::from_nanos(start.map_or(0, since));
        Ok(Verdict::Judged(policy::fold(&call.tenant.policies, judgement), took))
    }
}

/// The account and project of a call.
pub fn names(call: &Call) -> (&str, &str) {
    (call.scope.account_id().map_or("", |id| id.as_str()), call.scope.project_id().map_or("", |id| id.as_str()))
}

/// The session when there is one; else the app, or for actions Cedar allows only on sessions, one made for this request.
pub fn place(call: &Call) -> Place<'_> {
    match (&call.session, call.action) {
        (Some(session), _) => Place::Session(session.as_str()),
        (None, Action::ProcessPrompt | Action::ProcessResponse) => Place::App,
        (None, _) => Place::Session(&call.request_id),
    }
}
