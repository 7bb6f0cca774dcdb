//! Step 5, decide: every policy judged alone, then a pure fold.

use std::{sync::Arc, time::Duration};

use super::{Admission, Call, PolicyInput, Refusal, check_deadline, too_late, within};
use crate::{
    clock::Now,
    context_keys::Action,
    error::Result,
    policy::{self, Ask, Budget, Judgement, Place},
    rooms::Rooms,
    scope::{OpaqueId, Scope},
};

/// What limits and policies say.
pub enum Verdict {
    /// Denied before any policy was asked.
    Refused(Refusal),
    /// Not asked: the answer is the plan alone.
    Planned,
    /// What the policies say together, and how long they took where somebody asked.
    Judged(policy::Verdict, Duration),
}

/// Judges every policy alone and folds what they say.
pub async fn decide(rooms: &Rooms, call: &Call, admission: &Admission, input: &PolicyInput) -> Result<Verdict> {
    if let Some(refusal) = admission.refusal() {
        return Ok(Verdict::Refused(refusal.clone()));
    }
    if call.flags.plan_only {
        return Ok(Verdict::Planned);
    }
    // Told in the explain tier alone; reading a clock twice is no small part of judging few policies.
    let start = call.flags.explain.then(|| rooms.clock.now());
    let policies = &call.tenant.policies;
    let ask = ask(call, input);
    let judgement = if policies.estimate(&ask) <= policy::INLINE_WORK {
        policies.judge(&ask, &mut Budget::new(&|| check_deadline(rooms, call, admission.waited())))?
    } else {
        Box::pin(judge_on_worker(rooms, call, admission.waited(), input)).await?
    };
    let since = |start: Now| rooms.clock.now().steady_nanos.saturating_sub(start.steady_nanos);
    let took = Duration::from_nanos(start.map_or(0, since));
    Ok(Verdict::Judged(policy::fold(policies, judgement), took))
}

/// Judges what is too much for the thread of whoever asks. Waiting for the account's turn counts towards the deadline.
async fn judge_on_worker(rooms: &Rooms, call: &Call, waited: Duration, input: &PolicyInput) -> Result<Judgement> {
    let left = call.time_left(rooms.clock.now(), waited).ok_or_else(too_late)?;
    let clock = Arc::clone(&rooms.clock);
    let ends = clock.now().steady_nanos.saturating_add(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX));
    let look = move || if clock.now().steady_nanos > ends { Err(too_late()) } else { Ok(()) };
    let policies = Arc::clone(&call.tenant.policies);
    let (action, principal) = (call.action, call.principal.clone());
    let (session, request_id) = (call.session.clone(), call.request_id.clone());
    let (scope, input) = (call.scope.clone(), input.clone());
    let work = move || {
        let (account_id, project_id) = ids(&scope);
        let place = place_of(session.as_ref(), action, &request_id);
        let (keys, metadata, mistyped) = (&input.keys, &input.metadata, &input.mistyped);
        let ask = Ask { action, principal: &principal, place, account_id, project_id, keys, metadata, mistyped };
        policies.judge(&ask, &mut Budget::new(&look))
    };
    within(rooms, left, rooms.tenants.workers().run(&call.scope, work)).await
}

/// The question a call puts to the policies.
pub fn ask<'a>(call: &'a Call, input: &'a PolicyInput) -> Ask<'a> {
    let (account_id, project_id) = names(call);
    Ask {
        action: call.action,
        principal: &call.principal,
        place: place(call),
        account_id,
        project_id,
        keys: &input.keys,
        metadata: &input.metadata,
        mistyped: &input.mistyped,
    }
}

/// The account and project of a call.
pub fn names(call: &Call) -> (&str, &str) {
    ids(&call.scope)
}

fn ids(scope: &Scope) -> (&str, &str) {
    (scope.account_id().map_or("", |id| id.as_str()), scope.project_id().map_or("", |id| id.as_str()))
}

/// The session when there is one; else the app, or for actions Cedar allows only on sessions, one made for this request.
pub fn place(call: &Call) -> Place<'_> {
    place_of(call.session.as_ref(), call.action, &call.request_id)
}

fn place_of<'a>(session: Option<&'a OpaqueId>, action: Action, request_id: &'a str) -> Place<'a> {
    match (session, action) {
        (Some(session), _) => Place::Session(session.as_str()),
        (None, Action::ProcessPrompt | Action::ProcessResponse) => Place::App,
        (None, _) => Place::Session(request_id),
    }
}
