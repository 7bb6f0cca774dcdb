//! What apps hold: [`Tenantry`] and [`Tenant`], with guard calls, and one method for all operations of the table. Each method
//! converts its arguments and awaits one core future.
#![allow(unsafe_code, reason = "uniffi's macros implement unsafe traits")]

use std::{collections::HashMap, sync::Arc, time::Duration};

use tenantry::{
    Error,
    api::{self, parse_object},
    client as core,
    config::{Credential, Options, Storage},
    operations::{self, Row},
    runtime::poll_once,
};

use crate::{
    errors::Result,
    runtime::{Parked, detached, park, taken},
    types::{
        AboutParts, Begun, BlockedParts, DetectResponse, FromCore, GuardParts, GuardRequest, GuardResponse, JsonObject,
        PresentedParts, Text, json,
    },
};

/// What a client is opened with.
#[derive(uniffi::Record)]
pub struct OpenParts {
    /// Where data lives.
    pub data_dir: Option<Text>,
    /// Keep data in memory only.
    pub in_memory: bool,
    /// Dev mode.
    pub dev: Option<bool>,
    /// A credential to act with.
    pub api_key: Option<Text>,
    /// Whether tenants are named by verified credentials only.
    pub require_credentials: Option<bool>,
    /// The account to act in.
    pub account_id: Option<Text>,
    /// The project to act in.
    pub project_id: Option<Text>,
    /// A server to talk to.
    pub base_url: Option<Text>,
    /// How long a call may take.
    pub deadline_ms: Option<i64>,
    /// Recorded as request metadata.
    pub default_headers: Option<HashMap<String, String>>,
}

impl OpenParts {
    fn into_core(self) -> tenantry::Result<Options> {
        let text = |text: Option<Text>| text.map(|text| text.0);
        let storage = match (text(self.data_dir), self.in_memory) {
            (Some(_), true) => {
                return Err(Error::invalid("config_invalid", "`data_dir` and `in_memory` exclude each other"));
            }
            (None, true) => Some(Storage::Memory),
            (folder, false) => folder.map(|folder| Storage::Folder(folder.into())),
        };
        Ok(Options {
            storage,
            dev: self.dev,
            api_key: text(self.api_key).map(Credential::new),
            require_credentials: self.require_credentials,
            account_id: text(self.account_id),
            project_id: text(self.project_id),
            base_url: text(self.base_url),
            deadline: self.deadline_ms.map(|ms| api::whole("deadline", ms)).transpose()?.map(Duration::from_millis),
            root_key: None,
            default_headers: self.default_headers.into_iter().flatten().collect(),
        })
    }
}

/// Why a call may not proceed, or nothing when it may; `response` is a guard response.
#[uniffi::export]
pub fn blocked(response: JsonObject) -> Result<Option<BlockedParts>> {
    let response: api::GuardResponse = serde_json::from_str(&response.0)
        .map_err(|_| Error::invalid("response_invalid", "this is not a response of a guard call"))?;
    Ok(FromCore::from_core(response.blocked()))
}

/// Refuses a tool's name that no policy could mean.
#[uniffi::export]
pub fn check_tool_name(name: String) -> Result<()> {
    Ok(api::ToolContext::check_name(&name)?)
}

/// Reads a printed audit head; it is given as JSON.
#[uniffi::export]
pub fn parse_audit_head(text: String) -> Result<String> {
    Ok(json(&api::AuditHead::from_text(&text)?))
}

/// An audit head, which is JSON, as one printable line.
#[uniffi::export]
pub fn print_audit_head(head: String) -> Result<String> {
    Ok(api::from_json::<api::AuditHead>(&head)?.to_text())
}

/// One engine, many tenants.
#[derive(uniffi::Object)]
pub struct Tenantry(core::Tenantry);

#[uniffi::export]
impl Tenantry {
    /// Opens the engine: data in `./.tenantry` unless `parts`, `TENANTRY_*` or `tenantry.toml` say otherwise.
    #[uniffi::constructor]
    pub fn open(parts: OpenParts) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(core::Tenantry::open(parts.into_core()?)?)))
    }

    /// The handle of one project.
    pub async fn tenant(&self, account: String, project: String) -> Result<Arc<Tenant>> {
        let client = self.0.clone();
        detached(async move { client.tenant(&account, &project).await }).await
    }

    /// The handle of whoever presents this.
    pub async fn authenticate(&self, presented: PresentedParts) -> Result<Arc<Tenant>> {
        let client = self.0.clone();
        detached(async move { client.authenticate(&presented.into()).await }).await
    }

    /// The handle of the client's own project.
    pub async fn own(&self) -> Result<Arc<Tenant>> {
        let client = self.0.clone();
        detached(async move { client.own().await }).await
    }

    /// Writes down everything pending and refuses further calls.
    pub async fn shut(&self) -> Result<()> {
        let client = self.0.clone();
        detached(async move { client.close().await }).await
    }

    /// Does an operation of the table on what `levels` name, or on what the client reaches.
    pub async fn operate(&self, operation: String, levels: Vec<String>, input: String) -> Result<String> {
        let client = self.0.clone();
        detached(async move {
            let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
            client.operate(row(&operation)?, &levels, parse_object(&input)?.into()).await
        })
        .await
    }
}

fn row(operation: &str) -> tenantry::Result<&'static Row> {
    operations::row(operation).ok_or_else(|| Error::internal("the table has no such operation"))
}

/// The handle code holds to act inside one project.
#[derive(uniffi::Object)]
pub struct Tenant(core::Tenant);

impl FromCore<core::Tenant> for Arc<Tenant> {
    fn from_core(core: core::Tenant) -> Self {
        Self::new(Tenant(core))
    }
}

#[uniffi::export]
impl Tenant {
    /// What never changes about it, in one crossing.
    pub fn about(&self) -> AboutParts {
        AboutParts {
            account_id: self.0.account_id().to_owned(),
            project_id: self.0.project_id().to_owned(),
            caller: self.0.caller().map(|caller| Text(json(caller))),
        }
    }

    /// Refuses a caller that lacks one of `scopes`.
    pub async fn require_scopes(&self, scopes: Vec<String>) -> Result<()> {
        let tenant = self.0.clone();
        detached(async move { tenant.require_scopes(&scopes).await }).await
    }

    /// The same project on behalf of `principal`, which is JSON.
    pub fn acting_as(&self, principal: String) -> Result<Arc<Self>> {
        Ok(FromCore::from_core(self.0.acting_as(api::from_json(&principal)?)?))
    }

    /// Begins one call. A warm one is decided at its first poll; else `go_on` takes it from there.
    pub fn begin(&self, parts: GuardParts) -> Result<Begun> {
        let (guard, request) = (self.0.guard(), parts.into_core()?);
        match poll_once(Box::pin(async move { guard.evaluate(request).await }) as Parked) {
            Ok(result) => Ok(Begun { response: Some(FromCore::from_core(result?)), parked: 0 }),
            Err(call) => Ok(Begun { response: None, parked: park(call) }),
        }
    }

    /// Decides a call that was begun and has to wait.
    pub async fn go_on(&self, parked: u64) -> Result<GuardResponse> {
        detached(taken(parked).ok_or_else(|| Error::internal("no call was parked under this number"))?).await
    }

    /// Drops a call that was begun, unless it goes on.
    pub fn give_up(&self, parked: u64) {
        drop(taken(parked));
    }

    /// Decides one call, once under its key.
    pub async fn evaluate_once(&self, request: GuardRequest, key: String) -> Result<GuardResponse> {
        let guard = self.0.guard();
        let parts = GuardParts { shape: None, request };
        detached(async move { guard.evaluate_once(parts.into_core()?, &key).await }).await
    }

    /// Inspects without policies, limits or memory.
    pub async fn detect(&self, request: GuardRequest) -> Result<DetectResponse> {
        let guard = self.0.guard();
        let parts = GuardParts { shape: None, request };
        detached(async move { guard.detect(parts.into_core()?).await }).await
    }

    /// Takes `cost` from a limit.
    pub async fn acquire(&self, id: String, key: String, cost: i64) -> Result<()> {
        let limits = self.0.limits();
        detached(async move { limits.acquire(&id, &key, api::whole("cost", cost)?).await }).await
    }

    /// Does an operation of the table in this project.
    pub async fn operate(&self, operation: String, input: String) -> Result<String> {
        let tenant = self.0.clone();
        detached(async move { tenant.operate(row(&operation)?, parse_object(&input)?.into()).await }).await
    }
}
