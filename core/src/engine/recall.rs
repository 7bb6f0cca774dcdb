//! Step 2, recall: what earlier turns of the session left.

use super::{Call, Engine};
use crate::{error::Result, store::SessionTurns};

/// Earlier turns; empty without a session.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Everything they left.
    pub turns: SessionTurns,
}

impl Engine {
    pub(super) async fn recall(&self, call: &Call) -> Result<History> {
        match &call.session {
            None => Ok(History::default()),
            Some(id) => {
                let recalled = self.sessions.recall(&call.scope, id, call.received_at);
                Ok(History { turns: self.within(call.deadline, recalled).await? })
            }
        }
    }
}
