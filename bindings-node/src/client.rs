//! What apps hold, in the order of the core's `client`: each method reads its arguments, makes one core future, and comes
//! twice, waiting (`…Sync`) and promising.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use napi::{
    Env, Unknown,
    bindgen_prelude::{Either, PromiseRaw},
};
use napi_derive::napi;
use tenantry::{
    client as core,
    config::{Credential, Options, Storage},
    error::Error,
};

use crate::{
    errors::{Result, catch_panic},
    runtime::{Work, promise, wait},
    types::{Given, presented, principal, required, texts, wire},
};

/// Pairs of a waiting and a promising method made from one body.
macro_rules! twins {
    (impl $class:ident { $(
        $(#[doc = $doc:tt])+
        #[arguments($types:tt)]
        fn $waiting:ident / $promising:ident(&$this:ident $(, $argument:ident)* $(,)?) -> $result:tt $body:block
    )* }) => {
        #[napi]
        impl $class {
            $(
                $(#[doc = $doc])+
                #[napi(ts_args_type = $types)]
                pub fn $waiting(&$this $(, $argument: Unknown<'_>)*) -> napi::Result<$result> {
                    wait(|| Ok($body))
                }

                $(#[doc = $doc])+
                #[napi(ts_args_type = $types)]
                pub fn $promising<'env>(
                    &$this,
                    env: &'env Env
                    $(, $argument: Unknown<'_>)*
                ) -> napi::Result<Either<$result, PromiseRaw<'env, $result>>> {
                    promise(env, || Ok($body))
                }
            )*
        }
    };
}

mod guard;
mod limits;
mod operations;

pub use guard::Guard;

/// One engine, many tenants.
#[napi]
pub struct Tenantry(core::Tenantry);

#[napi]
impl Tenantry {
    /// Opens the engine: data in `./.tenantry` unless the options, `TENANTRY_*` or `tenantry.toml` say otherwise.
    #[napi(constructor, ts_args_type = "options?: Options")]
    pub fn new(options: Unknown<'_>) -> napi::Result<Self> {
        catch_panic(|| Ok(Self(core::Tenantry::open(self::options(options)?)?)))
    }

    #[napi(getter, catch_unwind)]
    pub fn closed(&self) -> bool {
        self.0.is_closed()
    }
}

twins! {
    impl Tenantry {
        /// The handle of one project. Never creates it, except in dev mode.
        #[arguments("account: string, project: string")]
        fn tenant_sync / tenant(&self, account, project) -> Tenant {
            let (account, project) = (required("account", account)?, required("project", project)?);
            let client = self.0.clone();
            Work::new(async move { client.tenant(&account, &project).await.map(Tenant) })
        }

        /// The handle of whoever presents this.
        #[arguments("token: string | undefined, headers: readonly (readonly [string, string])[], options?: AuthenticateOptions")]
        fn authenticate_sync / authenticate(&self, token, headers, options) -> Tenant {
            let (client, presented) = (self.0.clone(), presented(token, headers, options)?);
            Work::new(async move { client.authenticate(&presented).await.map(Tenant) })
        }

        /// The handle of the client's own project: the one its credential or configuration names.
        #[arguments("")]
        fn own_sync / own(&self) -> Tenant {
            let client = self.0.clone();
            Work::new(async move { client.own().await.map(Tenant) })
        }

        /// Writes down everything pending and refuses further calls. Safe to call twice.
        #[arguments("")]
        fn close_sync / close(&self) -> () {
            let client = self.0.clone();
            Work::new(async move { client.close().await })
        }
    }
}

/// The handle code holds to act inside one project.
#[napi]
pub struct Tenant(core::Tenant);

#[napi]
impl Tenant {
    #[napi(getter, catch_unwind)]
    pub fn account_id(&self) -> &str {
        self.0.account_id()
    }

    #[napi(getter, catch_unwind)]
    pub fn project_id(&self) -> &str {
        self.0.project_id()
    }

    /// The same project on behalf of a principal; this process vouches for it.
    #[napi(ts_args_type = "principal: Principal")]
    pub fn acting_as(&self, principal: Unknown<'_>) -> napi::Result<Self> {
        catch_panic(|| Ok(Self(self.0.acting_as(self::principal(principal)?)?)))
    }

    /// Who the credential behind this handle is, as JSON; nobody when the process itself named the tenant.
    #[napi(getter)]
    pub fn caller(&self) -> napi::Result<Option<String>> {
        catch_panic(|| Ok(self.0.caller().map(wire).transpose()?))
    }

    #[napi(getter, catch_unwind)]
    pub fn guard(&self) -> Guard {
        Guard(self.0.guard())
    }
}

twins! {
    impl Tenant {
        /// Refuses a caller that lacks one of `scopes`.
        #[arguments("scopes: readonly string[]")]
        fn require_scopes_sync / require_scopes(&self, scopes) -> () {
            let (tenant, scopes) = (self.0.clone(), texts("scopes", scopes)?);
            Work::new(async move { tenant.require_scopes(&scopes).await })
        }
    }
}

fn options(value: Unknown<'_>) -> Result<Options> {
    let mut given = Given::read("options", value)?;
    let storage = match (given.text("dataDir")?, given.flag("inMemory")?.unwrap_or_default()) {
        (Some(_), true) => {
            return Err(Error::invalid("config_invalid", "`dataDir` and `inMemory` exclude each other").into());
        }
        (None, true) => Some(Storage::Memory),
        (folder, false) => folder.map(|folder| Storage::Folder(PathBuf::from(folder))),
    };
    let options = Options {
        storage,
        dev: given.flag("dev")?,
        api_key: given.text("apiKey")?.map(Credential::new),
        require_credentials: given.flag("requireCredentials")?,
        account_id: given.text("accountId")?,
        project_id: given.text("projectId")?,
        base_url: given.text("baseUrl")?,
        deadline: given.whole("deadlineMs")?.map(Duration::from_millis),
        root_key: None,
        default_headers: given.text_map("defaultHeaders")?.into_iter().collect::<BTreeMap<_, _>>(),
    };
    given.end()?;
    Ok(options)
}
