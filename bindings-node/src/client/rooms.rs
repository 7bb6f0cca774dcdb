//! Policies, limits, settings and audit of one project.

use napi::{
    Env, Unknown,
    bindgen_prelude::{Either, PromiseRaw},
};
use napi_derive::napi;
use tenantry::{client as core, scope::Layer};

use crate::{
    errors::Result,
    runtime::{Work, promise, wait},
    types::{Given, anchor, audit_query, limit, patch, policy, required, wire},
};

/// Policies of one project and the layers above.
#[napi]
pub struct Policies(pub(super) core::Policies);

/// Rate limits of one project and the layers above.
#[napi]
pub struct Limits(pub(super) core::Limits);

/// Settings of one project.
#[napi]
pub struct TenantSettings(pub(super) core::TenantSettings);

/// The audit trail of one project.
#[napi]
pub struct Audit(pub(super) core::Audit);

twins! {
    impl Policies {
        /// Attaches Cedar text under a name, replacing what was there.
        #[arguments("name: string, text: string, options?: PolicyOptions")]
        fn put_sync / put(&self, name, text, options) -> String {
            let (policies, spec) = (self.0.clone(), policy(name, text, options)?);
            Work::reading(spec.text.len(), async move { wire(&policies.put(spec).await?) })
        }

        /// Attaches a pack of our own: `baseline` or `strict`.
        #[arguments("name: string")]
        fn attach_pack_sync / attach_pack(&self, name) -> String {
            let (policies, name) = (self.0.clone(), required("name", name)?);
            Work::new(async move { wire(&policies.attach_pack(&name).await?) })
        }

        /// Detaches a policy.
        #[arguments("name: string, options?: LayerOptions")]
        fn remove_sync / remove(&self, name, options) -> () {
            let (policies, name, layer) = (self.0.clone(), required("name", name)?, layer(options)?);
            Work::new(async move { policies.remove(tenantry::api::PolicyRef::on(layer, &name)).await })
        }

        /// The policies in force here, all layers.
        #[arguments("")]
        fn list_sync / list(&self) -> String {
            let policies = self.0.clone();
            Work::new(async move { wire(&policies.list().await?.items) })
        }
    }
}

twins! {
    impl Limits {
        /// Sets a rate limit, replacing the one with the same id on the same layer.
        #[arguments("limit: Limit")]
        fn set_sync / set(&self, limit) -> () {
            let (limits, spec) = (self.0.clone(), self::limit(limit)?);
            Work::new(async move { limits.set(spec).await })
        }

        /// Removes a rate limit.
        #[arguments("id: string, options?: LayerOptions")]
        fn remove_sync / remove(&self, id, options) -> () {
            let (limits, id, layer) = (self.0.clone(), required("id", id)?, layer(options)?);
            Work::new(async move { limits.remove(tenantry::api::LimitRef::on(layer, &id)).await })
        }

        /// The limits in force here, all layers.
        #[arguments("")]
        fn list_sync / list(&self) -> String {
            let limits = self.0.clone();
            Work::new(async move { wire(&limits.list().await?.items) })
        }

        /// Takes `cost` from a limit for work of the app's own.
        #[arguments("id: string, options?: AcquireOptions")]
        fn acquire_sync / acquire(&self, id, options) -> () {
            let (limits, id) = (self.0.clone(), required("id", id)?);
            let mut given = Given::read("options", options)?;
            let key = given.text("key")?.unwrap_or_default();
            let cost = given.whole("cost")?.unwrap_or(1);
            given.end()?;
            Work::new(async move { limits.acquire(&id, &key, cost).await })
        }
    }
}

twins! {
    impl TenantSettings {
        /// The settings in force.
        #[arguments("")]
        fn get_sync / get(&self) -> String {
            let settings = self.0.clone();
            Work::new(async move { wire(&settings.get().await?) })
        }

        /// Changes the given fields.
        #[arguments("settings: SettingsChange")]
        fn update_sync / update(&self, settings) -> String {
            let (room, patch) = (self.0.clone(), patch(settings)?);
            Work::new(async move { wire(&room.update(patch).await?) })
        }
    }
}

twins! {
    impl Audit {
        /// Reads rows of this project's chain.
        #[arguments("options?: AuditQuery")]
        fn query_sync / query(&self, options) -> String {
            let (audit, (range, limit)) = (self.0.clone(), audit_query(options)?);
            Work::long(async move { wire(&audit.query(tenantry::api::AuditQuery::from(range).limit(limit)).await?.items) })
        }

        /// Recomputes the chain and compares it with the signed heads and, if given, an outside anchor.
        #[arguments("anchor?: string")]
        fn verify_sync / verify(&self, anchor) -> String {
            let (audit, anchor) = (self.0.clone(), self::anchor(anchor)?);
            Work::long(async move { wire(&audit.verify(tenantry::api::AuditAnchor::of(anchor.as_ref())).await?) })
        }

        /// A freshly signed head.
        #[arguments("")]
        fn head_sync / head(&self) -> String {
            let audit = self.0.clone();
            Work::new(async move { wire(&audit.head().await?.head) })
        }
    }
}

fn layer(options: Unknown<'_>) -> Result<Layer> {
    let mut given = Given::read("options", options)?;
    let layer = given.parsed("layer", Layer::parse)?.unwrap_or(Layer::Project);
    given.end()?;
    Ok(layer)
}
