//! Operations on the audit trail of a project.

use std::sync::Arc;

use super::{Authorized, Done, Nothing};
use crate::{
    api::{AuditAnchor, AuditHead, AuditQuery, AuditRecord, Page, PrintedHead, VerifyReport},
    error::Result,
    rooms::Rooms,
};

/// Behind `audit.query`.
pub async fn query(rooms: &Arc<Rooms>, at: &Authorized, input: AuditQuery) -> Result<Done<Page<AuditRecord>>> {
    let (range, limit) = input.range()?;
    Ok(Page::from(rooms.audit.query(at.instance()?.scope(), range, limit).await?).into())
}

/// Behind `audit.verify`.
pub async fn verify(rooms: &Arc<Rooms>, at: &Authorized, input: AuditAnchor) -> Result<Done<VerifyReport>> {
    let anchor = input.anchor.as_deref().map(AuditHead::from_text).transpose()?;
    Ok(rooms.audit.verify(at.instance()?.scope(), anchor.as_ref()).await?.into())
}

/// Behind `audit.head`.
pub async fn head(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<PrintedHead>> {
    Ok(PrintedHead::from(rooms.audit.head(at.instance()?.scope()).await?).into())
}
