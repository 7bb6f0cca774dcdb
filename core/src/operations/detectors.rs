//! Operations on the detectors there are.

use std::sync::Arc;

use super::{Authorized, Done, Nothing};
use crate::{
    api::{Detector, DetectorKey, Page},
    context_keys::KeyType,
    detect,
    error::Result,
    rooms::Rooms,
};

/// Behind `guard.detectors`.
pub async fn detectors(rooms: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<Page<Detector>>> {
    rooms.tenants.snapshot(at.instance()?).await?;
    Ok(Page::from(detect::CATALOGUE.iter().map(described).collect::<Vec<_>>()).into())
}

fn described(info: &detect::DetectorInfo) -> Detector {
    let raw = info.raw_keys.iter().map(|(name, kind)| key(name, *kind, format!("Written by `{}`.", info.name)));
    let read =
        info.keys.iter().map(|read| read.info()).filter(|read| info.raw_keys.iter().all(|(raw, _)| *raw != read.name));
    let read = read.map(|read| {
        key(read.name, read.kind, format!("What policies read of `{}`, as `context.{}`.", info.name, read.name))
    });
    Detector {
        name: info.name.into(),
        status: "healthy".into(),
        tier: info.tier.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        category: info.category.into(),
        description: info.description.into(),
        context_keys: raw.chain(read).collect(),
    }
}

fn key(name: &str, kind: KeyType, description: String) -> DetectorKey {
    let kind = match kind {
        KeyType::Bool => "bool",
        KeyType::Long => "long",
        KeyType::String => "string",
        KeyType::Set => "set",
        KeyType::Record => "record",
    };
    let scored = name.ends_with("_score") || name.ends_with("_confidence");
    DetectorKey { key: name.into(), kind: kind.into(), description, range: scored.then(|| "0-100".to_owned()) }
}
