//! Builders the tests share.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its own part

use std::sync::Arc;

use tenantry::{
    Options, Tenant, Tenantry,
    api::{LimitKey, LimitSpec, Mode, OnExceed, PolicySpec, TenantFacts},
    client::Environment,
    clock::ManualClock,
    config::{RootKey, Storage},
    scope::Layer,
};

pub const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

pub fn memory() -> Tenantry {
    Tenantry::open(Options { storage: Some(Storage::Memory), deadline: Some(PATIENT), ..Options::default() }).unwrap()
}

/// Builds on a busy machine may stall; only tests about deadlines want the real one.
pub const PATIENT: std::time::Duration = std::time::Duration::from_secs(30);

pub fn on(folder: &std::path::Path) -> Tenantry {
    Tenantry::open(folder_options(folder)).unwrap()
}

pub fn folder_options(folder: &std::path::Path) -> Options {
    Options {
        storage: Some(Storage::Folder(folder.to_owned())),
        root_key: Some(RootKey::parse(KEY).unwrap()),
        deadline: Some(PATIENT),
        ..Options::default()
    }
}

/// A client whose clock stands at 2026-01-01.
pub fn with_clock() -> (Tenantry, ManualClock) {
    let clock = ManualClock::at(1_767_225_600_000_000);
    let surroundings = Environment { clock: Arc::new(clock.clone()) };
    let options = Options { storage: Some(Storage::Memory), deadline: Some(PATIENT), ..Options::default() };
    (Tenantry::open_with(options, surroundings).unwrap(), clock)
}

pub fn facts(tier: &str) -> TenantFacts {
    TenantFacts { tier: tier.into(), ..TenantFacts::default() }
}

/// Creates what is missing and returns the project's handle.
pub fn project(client: &Tenantry, account: &str, project: &str) -> Tenant {
    let accounts = client.admin().accounts();
    if accounts.get_blocking(account).is_err() {
        accounts.create_blocking(account).unwrap();
    }
    client.admin().projects().create_blocking(account, project).unwrap();
    client.tenant_blocking(account, project).unwrap()
}

pub fn policy(name: &str, text: &str) -> PolicySpec {
    PolicySpec { name: name.into(), text: text.into(), mode: Mode::Enforce, layer: Layer::Project, ceiling: false }
}

pub fn put(tenant: &Tenant, name: &str, text: &str) {
    tenant.policies().put_blocking(policy(name, text)).unwrap();
}

pub fn limit(id: &str, rate: u32, per_ms: u64) -> LimitSpec {
    LimitSpec {
        id: id.into(),
        rate,
        per_ms,
        key: LimitKey::Scope,
        on_exceed: OnExceed::Reject,
        max_wait_ms: 0,
        layer: Layer::Project,
        action: String::new(),
        shared: false,
    }
}
