//! Operations on the installation as a whole.

use std::sync::Arc;

use super::{Authorized, Done, Nothing};
use crate::{
    api::{Page, VerifyReport},
    error::Result,
    rooms::Rooms,
};

/// Behind `admin.problems`.
pub async fn problems(rooms: &Arc<Rooms>, _: &Authorized, _: Nothing) -> Result<Done<Page<String>>> {
    let rows = [rooms.tenants.catalog().untrusted().await?, rooms.identity.untrusted().await?].concat();
    let mut problems: Vec<String> = rows.iter().map(|error| error.message().to_owned()).collect();
    problems.extend(rooms.audit.set_aside().await?);
    problems.sort();
    Ok(Page::from(problems).into())
}

/// Behind `admin.verify`.
pub async fn verify(rooms: &Arc<Rooms>, _: &Authorized, _: Nothing) -> Result<Done<VerifyReport>> {
    let platform = rooms.tenants.platform();
    // It has no head before its first row.
    rooms.audit.head(&platform).await?;
    Ok(rooms.audit.verify(&platform, None).await?.into())
}
