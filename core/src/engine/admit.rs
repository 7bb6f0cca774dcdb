//! Step 1, admit: is the tenant active, and is there room at every level? Reserves all or none.

use std::time::Duration;

use super::{Call, Engine};
use crate::{
    api::Status,
    error::Result,
    identity,
    quota::{Admission, Exceeded, Granted, Subject},
};

/// Why nothing further is asked of this call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The project or its account is suspended.
    Suspended,
    /// The credential's scopes do not reach the action; what they lack.
    Ceiling(&'static str),
    /// A limit has no room.
    Limit(Exceeded),
}

/// What the call may use; gives back what it reserved when dropped unsealed.
pub struct Allowance(pub(super) std::result::Result<Granted, Refusal>);

impl Allowance {
    /// Why the call is refused, if it is.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match &self.0 {
            Ok(_) => None,
            Err(refusal) => Some(refusal),
        }
    }

    pub(super) fn waited(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |granted| granted.waited)
    }
}

impl Engine {
    pub(super) async fn admit(&self, call: &Call) -> Result<Allowance> {
        if call.tenant.status == Status::Suspended {
            return Ok(Allowance(Err(Refusal::Suspended)));
        }
        if let Some(scopes) = &call.ceiling
            && let Some(wanted) = identity::beyond_ceiling(scopes, call.action)
        {
            return Ok(Allowance(Err(Refusal::Ceiling(wanted))));
        }
        let subject = Subject {
            scope: &call.scope,
            principal: &call.principal,
            session: call.session.as_ref(),
            tool: call.request.tool.as_ref().map(|tool| tool.name.as_str()),
            action: call.action,
        };
        Ok(Allowance(match self.quota.admit(&call.tenant.limits, subject, call.flags.dry_run).await? {
            Admission::Granted(granted) => Ok(granted),
            Admission::Exceeded(exceeded) => Err(Refusal::Limit(exceeded)),
        }))
    }
}
