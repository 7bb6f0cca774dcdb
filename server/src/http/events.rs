//! What happens in a project, as it happens: the rows of its audit chain as server-sent events. A row's sequence is the
//! event's id, so that a client that comes back with `Last-Event-ID` misses nothing and sees nothing twice.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::response::sse::Event;
use futures_util::stream;
use tenantry::{
    Error, ErrorKind, Result, Tenant,
    api::{AuditQuery, AuditRecord, Since},
};

use super::{
    App, Call,
    answer::Answer,
    home_of,
    shield::{event, failed, sent},
};
use crate::fair::Permit;

/// How often the chain is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Most rows read in one look.
const ROWS: u32 = 256;

struct Following {
    app: App,
    tenant: Tenant,
    after: u64,
    pending: VecDeque<AuditRecord>,
    request_id: String,
    ended: bool,
    _turn: Permit,
}

/// Where to go on: after the event last seen, after a row the query names, or after the newest row.
async fn start(tenant: &Tenant, call: &Call) -> Result<u64> {
    if let Some(last) = call.header("last-event-id")? {
        let wrong = |_| Error::invalid("event_id_invalid", "`Last-Event-ID` is not the id of an event");
        return last.trim().parse().map_err(wrong);
    }
    match call.number("after")? {
        Some(after) => Ok(after),
        None => Ok(tenant.audit().head().await?.sequence),
    }
}

/// `GET /v1/events`
pub async fn follow(app: App, call: Call) -> Answer {
    let tenant = call.tenant()?.clone();
    // Each look of a caller from another tenant would be a use of its grant, and a row in both their trails.
    if home_of(&tenant) != tenant.account_id() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            "outside_authority",
            "another tenant's events are not followed",
        ));
    }
    // Whoever may not read the audit learns it here, as a status.
    let after = start(&tenant, &call).await?;
    tenant.audit().query(AuditQuery::from(Since::Sequence(after)).limit(1)).await?;
    let turn = app.stream(&tenant).await?;
    let following = Following {
        app,
        tenant,
        after,
        pending: VecDeque::new(),
        request_id: call.request_id.clone(),
        ended: false,
        _turn: turn,
    };
    Ok(sent(stream::unfold(following, |following| async { next(following).await })))
}

async fn next(mut following: Following) -> Option<(std::result::Result<Event, Infallible>, Following)> {
    if following.ended {
        return None;
    }
    loop {
        if let Some(record) = following.pending.pop_front() {
            following.after = record.sequence;
            let told = event(&record.kind, &record).id(record.sequence.to_string());
            return Some((Ok(told), following));
        }
        if following.app.ending().is_cancelled() {
            return None;
        }
        match following.tenant.audit().query(AuditQuery::from(Since::Sequence(following.after)).limit(ROWS)).await {
            Ok(rows) if rows.is_empty() => {
                tokio::select! {
                    () = following.app.ending().cancelled() => return None,
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
            Ok(rows) => following.pending = rows.items.into(),
            // The credential ended, or the tenant is closed: said once, and the stream ends.
            Err(error) => {
                following.ended = true;
                let told = failed(&following.app, &error, &following.request_id).await.pop()?;
                return Some((Ok(told), following));
            }
        }
    }
}
