//! Admin operations on accounts and projects.

use napi::{
    Env, Unknown,
    bindgen_prelude::{Either, PromiseRaw},
};
use napi_derive::napi;
use tenantry::{
    api::{AccountSpec, ProjectSpec},
    client as core,
};

use crate::{
    runtime::{Work, promise, wait},
    types::{facts, required, wire},
};

/// Customer organisations.
#[napi]
pub struct Accounts(pub(super) core::Accounts);

/// Workspaces of an account.
#[napi]
pub struct Projects(pub(super) core::Projects);

twins! {
    impl Accounts {
        /// Creates an account. `Conflict` when an id that differs at most in case exists.
        #[arguments("id: string, facts?: Facts")]
        fn create_sync / create(&self, id, facts) -> String {
            let (accounts, id, facts) = (self.0.clone(), required("id", id)?, self::facts(facts)?);
            Work::new(async move { wire(&accounts.create(AccountSpec::with(&id, facts)).await?) })
        }

        /// Gives the account of this id, and creates it where there is none.
        #[arguments("id: string, facts?: Facts")]
        fn ensure_sync / ensure(&self, id, facts) -> String {
            let (accounts, id, facts) = (self.0.clone(), required("id", id)?, self::facts(facts)?);
            Work::new(async move { wire(&accounts.ensure(&id, facts).await?) })
        }

        /// One account.
        #[arguments("id: string")]
        fn get_sync / get(&self, id) -> String {
            let (accounts, id) = (self.0.clone(), required("id", id)?);
            Work::new(async move { wire(&accounts.get(&id).await?) })
        }

        /// All accounts, by id.
        #[arguments("")]
        fn list_sync / list(&self) -> String {
            let accounts = self.0.clone();
            Work::new(async move { wire(&accounts.list().await?.items) })
        }

        /// Suspends an account: every call in it is denied until it is resumed.
        #[arguments("id: string")]
        fn suspend_sync / suspend(&self, id) -> String {
            let (accounts, id) = (self.0.clone(), required("id", id)?);
            Work::new(async move { wire(&accounts.suspend(&id).await?) })
        }

        /// Ends a suspension.
        #[arguments("id: string")]
        fn resume_sync / resume(&self, id) -> String {
            let (accounts, id) = (self.0.clone(), required("id", id)?);
            Work::new(async move { wire(&accounts.resume(&id).await?) })
        }

        /// Deletes an account and its projects.
        #[arguments("id: string")]
        fn delete_sync / delete(&self, id) -> () {
            let (accounts, id) = (self.0.clone(), required("id", id)?);
            Work::new(async move { accounts.delete(&id).await })
        }
    }
}

twins! {
    impl Projects {
        /// Creates a project in an account, with the baseline permits, floor `enforce` and audit `standard`.
        #[arguments("account: string, id: string, facts?: Facts")]
        fn create_sync / create(&self, account, id, facts) -> String {
            let (account, id) = (required("account", account)?, required("id", id)?);
            let (projects, facts) = (self.0.clone(), self::facts(facts)?);
            Work::new(async move { wire(&projects.create(&account, ProjectSpec::with(&id, facts)).await?) })
        }

        /// Gives the project of this id, and creates it where there is none.
        #[arguments("account: string, id: string, facts?: Facts")]
        fn ensure_sync / ensure(&self, account, id, facts) -> String {
            let (account, id) = (required("account", account)?, required("id", id)?);
            let (projects, facts) = (self.0.clone(), self::facts(facts)?);
            Work::new(async move { wire(&projects.ensure(&account, &id, facts).await?) })
        }

        /// One project.
        #[arguments("account: string, id: string")]
        fn get_sync / get(&self, account, id) -> String {
            let (projects, account, id) = (self.0.clone(), required("account", account)?, required("id", id)?);
            Work::new(async move { wire(&projects.get(&account, &id).await?) })
        }

        /// The projects of an account, by id.
        #[arguments("account: string")]
        fn list_sync / list(&self, account) -> String {
            let (projects, account) = (self.0.clone(), required("account", account)?);
            Work::new(async move { wire(&projects.list(&account).await?.items) })
        }

        /// Suspends a project: every call in it is denied until it is resumed.
        #[arguments("account: string, id: string")]
        fn suspend_sync / suspend(&self, account, id) -> String {
            let (projects, account, id) = (self.0.clone(), required("account", account)?, required("id", id)?);
            Work::new(async move { wire(&projects.suspend(&account, &id).await?) })
        }

        /// Ends a suspension.
        #[arguments("account: string, id: string")]
        fn resume_sync / resume(&self, account, id) -> String {
            let (projects, account, id) = (self.0.clone(), required("account", account)?, required("id", id)?);
            Work::new(async move { wire(&projects.resume(&account, &id).await?) })
        }

        /// Deletes a project.
        #[arguments("account: string, id: string")]
        fn delete_sync / delete(&self, account, id) -> () {
            let (projects, account, id) = (self.0.clone(), required("account", account)?, required("id", id)?);
            Work::new(async move { projects.delete(&account, &id).await })
        }
    }
}
