//! Step 1, admit: is the tenant active, and is there room at every level? Reserves all or none.

use std::time::Duration;

use super::Call;
use crate::{
    api::Status,
    error::Result,
    identity,
    quota::{Charged, Exceeded, Granted, Subject},
    rooms::Rooms,
};

/// Why nothing further is asked of this call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The project or its account is suspended.
    Suspended,
    /// The credential's scopes do not reach the action; what they lack.
    Scopes(&'static str),
    /// A limit has no room.
    Limit(Exceeded),
}

/// What the call may use; gives back what it reserved when dropped unsettled.
pub struct Admission(pub std::result::Result<Granted, Refusal>);

impl Admission {
    /// Why the call is refused, if it is.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match &self.0 {
            Ok(_) => None,
            Err(refusal) => Some(refusal),
        }
    }

    /// How long it stood in line.
    pub fn waited(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |granted| granted.waited)
    }
}

/// Reserves what the call needs at every level, or says why it gets nothing.
pub async fn admit(rooms: &Rooms, call: &Call) -> Result<Admission> {
    if call.tenant.status == Status::Suspended {
        return Ok(Admission(Err(Refusal::Suspended)));
    }
    if let Some(scopes) = &call.scopes
        && let Some(wanted) = identity::missing_scope(scopes, call.action)
    {
        return Ok(Admission(Err(Refusal::Scopes(wanted))));
    }
    let subject = Subject {
        scope: &call.scope,
        principal: &call.principal,
        session: call.session.as_ref(),
        tool: call.request.tool.as_ref().map(|tool| tool.name.as_str()),
        action: call.action,
    };
    Ok(Admission(match rooms.quota.admit(&call.tenant.limits, subject, call.flags.dry_run).await? {
        Charged::Granted(granted) => Ok(granted),
        Charged::Exceeded(exceeded) => Err(Refusal::Limit(exceeded)),
    }))
}
