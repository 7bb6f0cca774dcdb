//! Step 2, recall: what earlier turns of the session left.

use super::{Call, within};
use crate::{error::Result, rooms::Rooms, store::SessionTurns};

/// Earlier turns; empty without a session.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Everything they left.
    pub turns: SessionTurns,
}

/// Reads what earlier turns of the call's session left.
pub async fn recall(rooms: &Rooms, call: &Call) -> Result<History> {
    match &call.session {
        None => Ok(History::default()),
        Some(id) => {
            let recalled = rooms.sessions.recall(&call.scope, id, call.received_at);
            Ok(History { turns: within(rooms, call.deadline, recalled).await? })
        }
    }
}
