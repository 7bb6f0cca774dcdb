//! Policies, limits, settings and audit of one project.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use tenantry::{
    api::{self, AuditAnchor, AuditQuery, LimitRef, Mode, PolicyRef},
    client as core,
    scope::Layer,
};

use crate::{
    errors::Result,
    runtime::{Awaits, Nothing, Work, wait},
    types::{
        Anchor, AuditHead, AuditRecord, LimitSpec, Period, PolicyReceipt, PolicySummary, Settings, Since, Text,
        VerifyReport, audit_range, named, whole,
    },
};

/// See `Tenant.policies`.
#[pyclass(frozen, module = "tenantry")]
pub struct Policies(pub core::Policies);

twins! {
    impl Policies {
        /// Attaches Cedar text under a name, replacing what was there. Bad text is refused and the old stays.
        #[arguments(name, text, mode="enforce", layer="project", ceiling=false)]
        fn put / aput(&self, name: Text, text: Text, mode: &str, layer: &str, ceiling: bool) -> PolicyReceipt {
            let (mode, layer) = (Mode::parse(mode)?, Layer::parse(layer)?);
            let spec = api::PolicySpec { name: name.0, text: text.0, mode, layer, ceiling };
            let policies = self.0.clone();
            Work::new(async move { policies.put(spec).await.map(PolicyReceipt) })
        }

        /// Attaches a pack of our own: `baseline` or `strict`.
        #[arguments(name)]
        fn attach_pack / aattach_pack(&self, name: Text) -> PolicyReceipt {
            let policies = self.0.clone();
            Work::new(async move { policies.attach_pack(&name.0).await.map(PolicyReceipt) })
        }

        /// Detaches a policy.
        #[arguments(name, layer="project")]
        fn remove / aremove(&self, name: Text, layer: &str) -> Nothing {
            let (policies, layer) = (self.0.clone(), Layer::parse(layer)?);
            Work::new(async move { policies.remove(PolicyRef::on(layer, &name.0)).await.map(|()| Nothing) })
        }

        /// The policies in force here, all layers.
        #[arguments()]
        fn list / alist(&self) -> Vec<PolicySummary> {
            let policies = self.0.clone();
            Work::new(async move { Ok(policies.list().await?.into_iter().map(PolicySummary).collect()) })
        }
    }
}

/// See `Tenant.limits`.
#[pyclass(frozen, module = "tenantry")]
pub struct Limits(pub core::Limits);

twins! {
    impl Limits {
        /// Sets a rate limit, replacing the one with the same id on the same layer.
        ///
        /// `per` and `max_wait` are seconds, or text such as `minute` or `15m`. `action` names the action whose calls alone are
        /// counted, e.g. `process_prompt`; all when empty.
        #[arguments(id, rate, per, key="scope", on_exceed="reject", *, action="", max_wait=None, layer="project", shared=false)]
        fn set / aset(
            &self,
            id: Text,
            rate: i64,
            per: Period,
            key: &str,
            on_exceed: &str,
            action: &str,
            max_wait: Option<Period>,
            layer: &str,
            shared: bool,
        ) -> Nothing {
            let spec = api::LimitSpec {
                id: id.0,
                rate: whole("rate", rate)?,
                per_ms: per.milliseconds()?,
                key: named("key of a limit", key)?,
                action: action.into(),
                on_exceed: named("way to exceed a limit", on_exceed)?,
                max_wait_ms: max_wait.map(Period::milliseconds).transpose()?.unwrap_or_default(),
                layer: Layer::parse(layer)?,
                shared,
            };
            let limits = self.0.clone();
            Work::new(async move { limits.set(spec).await.map(|()| Nothing) })
        }

        /// Removes a rate limit.
        #[arguments(id, layer="project")]
        fn remove / aremove(&self, id: Text, layer: &str) -> Nothing {
            let (limits, layer) = (self.0.clone(), Layer::parse(layer)?);
            Work::new(async move { limits.remove(LimitRef::on(layer, &id.0)).await.map(|()| Nothing) })
        }

        /// The limits in force here, all layers.
        #[arguments()]
        fn list / alist(&self) -> Vec<LimitSpec> {
            let limits = self.0.clone();
            Work::new(async move { Ok(limits.list().await?.into_iter().map(LimitSpec).collect()) })
        }

        /// Takes `cost` from a limit for work of the app's own; `RateLimited` when there is not enough.
        #[arguments(id, key="", cost=1)]
        fn acquire / aacquire(&self, id: Text, key: &str, cost: i64) -> Nothing {
            let (limits, key, cost) = (self.0.clone(), key.to_owned(), whole("cost", cost)?);
            Work::new(async move { limits.acquire(&id.0, &key, cost).await.map(|()| Nothing) })
        }
    }
}

/// See `Tenant.settings`.
#[pyclass(frozen, module = "tenantry")]
pub struct TenantSettings(pub core::TenantSettings);

twins! {
    impl TenantSettings {
        /// The settings in force.
        #[arguments()]
        fn get / aget(&self) -> Settings {
            let settings = self.0.clone();
            Work::new(async move { settings.get().await.map(Settings) })
        }

        /// Changes the given fields. `metadata_keys` are the metadata keys the project declares by hand, each with its type
        /// (`String`, `Long`, `Bool`, `Set<String>`), in the place of those before.
        #[arguments(mode_floor=None, audit_class=None, redaction_originals=None, session_ttl_seconds=None,
            metadata_keys=None)]
        fn update / aupdate(
            &self,
            mode_floor: Option<&str>,
            audit_class: Option<&str>,
            redaction_originals: Option<bool>,
            session_ttl_seconds: Option<i64>,
            metadata_keys: Option<BTreeMap<Text, Text>>,
        ) -> Settings {
            let patch = api::SettingsPatch {
                mode_floor: mode_floor.map(Mode::parse).transpose()?,
                audit_class: audit_class.map(|class| named("audit class", class)).transpose()?,
                redaction_originals,
                session_ttl_seconds: session_ttl_seconds.map(|ttl| whole("session_ttl_seconds", ttl)).transpose()?,
                metadata_keys: metadata_keys.map(|keys| keys.into_iter().map(|(k, v)| (k.0, v.0)).collect()),
            };
            let settings = self.0.clone();
            Work::new(async move { settings.update(patch).await.map(Settings) })
        }
    }
}

/// See `Tenant.audit`.
#[pyclass(frozen, module = "tenantry")]
pub struct Audit(pub core::Audit);

twins! {
    impl Audit {
        /// Reads rows of this project's chain, at most `limit` (up to 10,000) and 8 MiB of text.
        ///
        /// `since` is a sequence to start after, an RFC 3339 time, or a duration such as `7d`. `order` is `oldest` or
        /// `newest` first; `before` is a sequence to end before, where the next page of the newest goes on.
        #[arguments(since=None, limit=100, *, order="oldest", before=None)]
        fn query / aquery(&self, since: Option<Since>, limit: i64, order: &str, before: Option<i64>) -> Vec<AuditRecord> {
            let (audit, limit) = (self.0.clone(), whole("limit", limit)?);
            let range = audit_range(since, order, before)?;
            Work::new(async move { Ok(audit.query(AuditQuery::from(range).limit(limit)).await?.into_iter().map(AuditRecord).collect()) })
        }

        /// Recomputes the chain and compares it with the signed heads and, if given, an outside anchor.
        #[arguments(anchor=None)]
        fn verify / averify(&self, anchor: Option<Anchor>) -> VerifyReport {
            let (audit, anchor) = (self.0.clone(), anchor.map(Anchor::read).transpose()?);
            Work::new(async move { audit.verify(AuditAnchor::of(anchor.as_ref())).await.map(VerifyReport) })
        }

        /// A freshly signed head: print it, keep it elsewhere, and give it to `verify` later.
        #[arguments()]
        fn head / ahead(&self) -> AuditHead {
            let audit = self.0.clone();
            Work::new(async move { audit.head().await.map(|printed| AuditHead(printed.head)) })
        }
    }
}
