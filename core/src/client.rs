//! What apps hold and every binding wraps: [`Tenantry`] and [`Tenant`]. Owns handles and their lifecycle; touches the
//! rooms only through `access`, `guard` and `operations`.
//!
//! Every operation is async and has a `_blocking` twin. A warm guard call is ready at its first poll, so the twin costs
//! nothing and starts no thread.

mod embedded;
mod handles;

use std::sync::Arc;

use serde_json::Value;

use embedded::Embedded;
pub use embedded::Environment;
use handles::At;
pub use handles::{
    Accounts, Admin, Audit, Grants, Guard, Identities, Issuers, Keys, Limits, Policies, Projects, TenantSettings,
    Tokens, Usage,
};

use crate::{
    access::{self, Caller, Demand, Needs, Place},
    api::{DetectResponse, GuardRequest, GuardResponse, Identity, Principal, RequestCredentials},
    clock::BoxFuture,
    config::{Config, Options, tell_untold},
    error::Result,
    guard,
    operations::{self, Row, with_operations},
    rooms::Rooms,
    runtime::block_on,
    scope::{Layer, Scope},
    tenant::Instance,
};

/// Writes each async operation once and adds its twin that waits on the calling thread.
macro_rules! with_blocking_twins {
    ($(impl $type:ident { $(
        $(#[$doc:meta])*
        pub async fn $name:ident / $twin:ident(&$this:ident $(, $argument:ident: $kind:ty)* $(,)?) -> Result<$result:ty> $body:block
    )+ })+) => {
        $(impl $type { $(
            $(#[$doc])*
            pub async fn $name(&$this $(, $argument: $kind)*) -> Result<$result> $body

            #[doc = concat!("As [`", stringify!($type), "::", stringify!($name), "`], waiting on this thread.")]
            pub fn $twin(&$this $(, $argument: $kind)*) -> Result<$result> {
                block_on($this.$name($($argument),*))
            }
        )+ })+
    };
}

/// One engine (or one connection), many tenants. Cheap to clone; share it.
#[derive(Clone)]
pub struct Tenantry(Arc<Embedded>);

impl Tenantry {
    /// Opens the engine: data in `./.tenantry` unless `options`, `TENANTRY_*` or `tenantry.toml` say otherwise.
    pub fn open(options: Options) -> Result<Self> {
        Self::open_with(options, Environment::default())
    }

    /// As [`Tenantry::open`] with the clock given. For tests and simulations.
    pub fn open_with(options: Options, environment: Environment) -> Result<Self> {
        tell_untold();
        Ok(Self(Arc::new(Embedded::open(Config::resolve(options)?, environment)?)))
    }

    /// Accounts and projects. Needs platform authority at each call.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin(At::Client(self.clone()))
    }

    /// Issuers, API keys and tokens, as the client itself.
    #[must_use]
    pub fn identity(&self) -> Identities {
        Identities(At::Client(self.clone()))
    }

    async fn reach(&self, account: &str, project: &str) -> Result<Tenant> {
        let instance = self.0.tenant(account, project).await?;
        Ok(Tenant { client: self.clone(), instance, caller: self.as_caller()? })
    }

    fn rooms(&self) -> Result<Arc<Rooms>> {
        Ok(Arc::clone(self.0.guard()?.rooms()))
    }

    fn as_caller(&self) -> Result<Caller> {
        self.0.caller()
    }

    /// Whose credential this client acts with; nobody's when it is the process itself.
    pub fn caller(&self) -> Result<Option<Identity>> {
        Ok(self.as_caller()?.authenticated.map(|own| own.identity.clone()))
    }

    /// Does an operation of the table with JSON on both sides, on the account and project that `levels` name, or on what the
    /// client reaches. For bindings and doors.
    pub fn operate(&self, row: &Row, levels: &[&str], input: Value) -> BoxFuture<'static, Result<Value>> {
        At::Client(self.clone()).operate(row, levels, input)
    }

    /// Whether [`Tenantry::close`] was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

with_blocking_twins! {
    impl Tenantry {
        /// The handle of one project. Never creates it, except in dev mode.
        pub async fn tenant / tenant_blocking(&self, account: &str, project: &str) -> Result<Tenant> {
            self.0.check_naming()?;
            self.reach(account, project).await
        }

        /// The handle of whoever presents this: of the one project its credential reaches, or selects by a header within
        /// what it reaches. It acts as the credential's principal and ends with the credential.
        pub async fn authenticate / authenticate_blocking(&self, presented: &RequestCredentials) -> Result<Tenant> {
            let (instance, caller) = access::authenticate(&self.rooms()?, presented).await?;
            Ok(Tenant { client: self.clone(), instance, caller })
        }

        /// This installation as whoever presents this: everything that client does is bounded by the credential, which is asked
        /// again at every use. For what is done in several projects, or on accounts; `authenticate` gives one project.
        pub async fn signed_in / signed_in_blocking(&self, presented: &RequestCredentials) -> Result<Tenantry> {
            Ok(Self(Arc::new(self.0.signed_in(presented).await?)))
        }

        /// The handle of the client's own project: the one its credential or configuration names.
        pub async fn own / own_blocking(&self) -> Result<Tenant> {
            let (account, project) = self.0.own_names()?;
            self.reach(&account, &project).await
        }

        /// Writes down everything pending and refuses further calls. Safe to call twice.
        pub async fn close / close_blocking(&self) -> Result<()> {
            self.0.close().await
        }
    }
}

impl Admin {
    /// Customer organisations.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts(self.0.clone())
    }

    /// Workspaces of an account.
    #[must_use]
    pub fn projects(&self) -> Projects {
        Projects(self.0.clone())
    }

    /// Cross-tenant grants.
    #[must_use]
    pub fn grants(&self) -> Grants {
        Grants(self.0.clone())
    }
}

impl Identities {
    /// Whose tokens are taken.
    #[must_use]
    pub fn issuers(&self) -> Issuers {
        Issuers(self.0.clone())
    }

    /// API keys.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys(self.0.clone())
    }

    /// Our own tokens.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        Tokens(self.0.clone())
    }
}

/// The handle code holds to act inside one project. Cheap to clone, shareable between threads, holds no credential.
#[derive(Clone)]
pub struct Tenant {
    client: Tenantry,
    instance: Arc<Instance>,
    caller: Caller,
}

impl Tenant {
    /// The scope this handle acts in.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        self.instance.scope()
    }

    /// The account's external id.
    #[must_use]
    pub fn account_id(&self) -> &str {
        self.scope().account_id().map_or("", crate::scope::Id::as_str)
    }

    /// The project's external id.
    #[must_use]
    pub fn project_id(&self) -> &str {
        self.scope().project_id().map_or("", crate::scope::Id::as_str)
    }

    /// The same project on behalf of `principal`; the process vouches for it. A handle that came by a credential keeps that
    /// credential's ceiling, and one that crossed from another tenant acts for nobody else.
    pub fn acting_as(&self, principal: Principal) -> Result<Self> {
        principal.check()?;
        Ok(Self { caller: self.caller.acting_as(principal)?, ..self.clone() })
    }

    /// Who the credential behind this handle is, as it was when the handle was made; nobody when the process itself named
    /// the tenant.
    #[must_use]
    pub fn caller(&self) -> Option<&Identity> {
        self.caller.authenticated.as_ref().map(|own| &own.identity)
    }

    /// API keys and tokens of this tenant, as its caller.
    #[must_use]
    pub fn identity(&self) -> Identities {
        Identities(self.at())
    }

    /// Does an operation of the table in this project, with JSON on both sides. For bindings and doors.
    pub fn operate(&self, row: &Row, input: Value) -> BoxFuture<'static, Result<Value>> {
        self.at().operate(row, &[], input)
    }

    fn at(&self) -> At {
        At::Tenant(self.clone())
    }

    /// The rooms, for work beside guard calls that needs no permission: `work` is what a grant names.
    async fn rooms_for(&self, work: &str) -> Result<Arc<Rooms>> {
        let rooms = self.client.rooms()?;
        let place = Place::Tenant(&self.instance, Layer::Project);
        let demand = Demand { needs: Needs::Caller, place, crosses: &[work], refuses_suspended: true };
        access::authorize(&rooms, &self.caller, demand).await?;
        Ok(rooms)
    }

    /// Guard calls.
    #[must_use]
    pub fn guard(&self) -> Guard {
        Guard(self.at())
    }

    /// What model calls cost.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage(self.at())
    }

    /// Policies of this project and the layers above.
    #[must_use]
    pub fn policies(&self) -> Policies {
        Policies(self.at())
    }

    /// Rate limits of this project and the layers above.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits(self.at())
    }

    /// Settings of this project.
    #[must_use]
    pub fn settings(&self) -> TenantSettings {
        TenantSettings(self.at())
    }

    /// The audit trail of this project.
    #[must_use]
    pub fn audit(&self) -> Audit {
        Audit(self.at())
    }
}

impl Guard {
    fn tenant(&self) -> Result<&Tenant> {
        self.0.tenant()
    }

    async fn answered(&self, request: GuardRequest, key: Option<&str>) -> Result<GuardResponse> {
        let Tenant { client, instance, caller } = self.tenant()?;
        client.0.guard()?.evaluate(instance, caller, client.0.terms(), request, key).await
    }
}

with_blocking_twins! {
    impl Tenant {
        /// Refuses a caller that lacks one of `scopes`. The process itself holds none.
        pub async fn require_scopes / require_scopes_blocking(&self, scopes: &[String]) -> Result<()> {
            access::require_scopes(&*self.client.rooms()?, &self.caller, &self.instance, scopes).await
        }
    }

    impl Guard {
        /// Decides one call. A denial is an answer; only an outage or bad input is an error.
        pub async fn evaluate / evaluate_blocking(&self, request: GuardRequest) -> Result<GuardResponse> {
            self.answered(request, None).await
        }

        /// As [`Guard::evaluate`], once: whoever repeats the request under the same key within a day gets the same answer,
        /// and nothing is decided, charged or remembered a second time.
        pub async fn evaluate_once / evaluate_once_blocking(&self, request: GuardRequest, key: &str) -> Result<GuardResponse> {
            self.answered(request, Some(key)).await
        }

        /// Inspects without policies, limits or memory.
        pub async fn detect / detect_blocking(&self, request: GuardRequest) -> Result<DetectResponse> {
            let tenant = self.tenant()?;
            guard::detect(&*tenant.rooms_for("detect").await?, &tenant.instance, request).await
        }
    }

    impl Limits {
        /// Takes `cost` from a limit for work of the app's own; `RateLimited` when there is not enough.
        pub async fn acquire / acquire_blocking(&self, id: &str, key: &str, cost: u32) -> Result<()> {
            let tenant = self.0.tenant()?;
            let rooms = tenant.rooms_for("acquire").await?;
            // What several tenants share is not one caller's to use up.
            let widest = if tenant.caller.authenticated.is_some() { Layer::Project } else { Layer::Platform };
            operations::acquire(&rooms, &tenant.instance, id, key, cost, widest).await
        }
    }
}
