//! Admin operations on accounts and projects.

use pyo3::prelude::*;
use tenantry::{
    api::{AccountSpec, ProjectSpec, TenantFacts},
    client as core,
};

use crate::{
    errors::Result,
    runtime::{Awaits, Nothing, Work, wait},
    types::{Account, Project, Text, texts},
};

use super::Grants;

/// See `Tenantry.admin`.
#[pyclass(frozen, module = "tenantry")]
pub struct Admin(pub core::Admin);

#[pymethods]
impl Admin {
    /// Customer organisations.
    #[getter]
    fn accounts(&self) -> Accounts {
        Accounts(self.0.accounts())
    }

    /// Workspaces of an account.
    #[getter]
    fn projects(&self) -> Projects {
        Projects(self.0.projects())
    }

    /// Cross-tenant grants.
    #[getter]
    fn grants(&self) -> Grants {
        Grants(self.0.grants())
    }
}

/// See `Admin.accounts`.
#[pyclass(frozen, module = "tenantry")]
pub struct Accounts(core::Accounts);

/// See `Admin.projects`.
#[pyclass(frozen, module = "tenantry")]
pub struct Projects(core::Projects);

twins! {
    impl Accounts {
        /// Creates an account. `Conflict` when an id that differs at most in case exists.
        #[arguments(id, *, tier="", plan="", region="", labels=None)]
        fn create / acreate(&self, id: Text, tier: &str, plan: &str, region: &str, labels: Option<Vec<Text>>) -> Account {
            let (accounts, facts) = (self.0.clone(), facts(tier, plan, region, labels));
            Work::new(async move { accounts.create(AccountSpec::with(&id.0, facts)).await.map(Account) })
        }

        /// Gives the account of this id, and creates it where there is none.
        ///
        /// What exists stays as it is; `Conflict` (`facts_differ`) when a fact that is given differs from what it has.
        #[arguments(id, *, tier="", plan="", region="", labels=None)]
        fn ensure / aensure(&self, id: Text, tier: &str, plan: &str, region: &str, labels: Option<Vec<Text>>) -> Account {
            let (accounts, facts) = (self.0.clone(), facts(tier, plan, region, labels));
            Work::new(async move { accounts.ensure(&id.0, facts).await.map(Account) })
        }

        /// One account.
        #[arguments(id)]
        fn get / aget(&self, id: Text) -> Account {
            let accounts = self.0.clone();
            Work::new(async move { accounts.get(&id.0).await.map(Account) })
        }

        /// All accounts, by id.
        #[arguments()]
        fn list / alist(&self) -> Vec<Account> {
            let accounts = self.0.clone();
            Work::new(async move { Ok(accounts.list().await?.into_iter().map(Account).collect()) })
        }

        /// Suspends an account: every call in it is denied until it is resumed.
        #[arguments(id)]
        fn suspend / asuspend(&self, id: Text) -> Account {
            let accounts = self.0.clone();
            Work::new(async move { accounts.suspend(&id.0).await.map(Account) })
        }

        /// Ends a suspension.
        #[arguments(id)]
        fn resume / aresume(&self, id: Text) -> Account {
            let accounts = self.0.clone();
            Work::new(async move { accounts.resume(&id.0).await.map(Account) })
        }

        /// Deletes an account and its projects. The name may be used again, with nothing of the old one in it.
        #[arguments(id)]
        fn delete / adelete(&self, id: Text) -> Nothing {
            let accounts = self.0.clone();
            Work::new(async move { accounts.delete(&id.0).await.map(|()| Nothing) })
        }
    }
}

twins! {
    impl Projects {
        /// Creates a project in an account, with the baseline permits, floor `enforce` and audit `standard`.
        #[arguments(account, id, *, tier="", plan="", region="", labels=None)]
        fn create / acreate(
            &self,
            account: Text,
            id: Text,
            tier: &str,
            plan: &str,
            region: &str,
            labels: Option<Vec<Text>>,
        ) -> Project {
            let (projects, facts) = (self.0.clone(), facts(tier, plan, region, labels));
            Work::new(async move { projects.create(&account.0, ProjectSpec::with(&id.0, facts)).await.map(Project) })
        }

        /// Gives the project of this id, and creates it where there is none. The account has to exist.
        ///
        /// What exists stays as it is; `Conflict` (`facts_differ`) when a fact that is given differs from what it has.
        #[arguments(account, id, *, tier="", plan="", region="", labels=None)]
        fn ensure / aensure(
            &self,
            account: Text,
            id: Text,
            tier: &str,
            plan: &str,
            region: &str,
            labels: Option<Vec<Text>>,
        ) -> Project {
            let (projects, facts) = (self.0.clone(), facts(tier, plan, region, labels));
            Work::new(async move { projects.ensure(&account.0, &id.0, facts).await.map(Project) })
        }

        /// One project.
        #[arguments(account, id)]
        fn get / aget(&self, account: Text, id: Text) -> Project {
            let projects = self.0.clone();
            Work::new(async move { projects.get(&account.0, &id.0).await.map(Project) })
        }

        /// The projects of an account, by id.
        #[arguments(account)]
        fn list / alist(&self, account: Text) -> Vec<Project> {
            let projects = self.0.clone();
            Work::new(async move { Ok(projects.list(&account.0).await?.into_iter().map(Project).collect()) })
        }

        /// Suspends a project: every call in it is denied until it is resumed.
        #[arguments(account, id)]
        fn suspend / asuspend(&self, account: Text, id: Text) -> Project {
            let projects = self.0.clone();
            Work::new(async move { projects.suspend(&account.0, &id.0).await.map(Project) })
        }

        /// Ends a suspension.
        #[arguments(account, id)]
        fn resume / aresume(&self, account: Text, id: Text) -> Project {
            let projects = self.0.clone();
            Work::new(async move { projects.resume(&account.0, &id.0).await.map(Project) })
        }

        /// Deletes a project. The name may be used again, with nothing of the old one in it.
        #[arguments(account, id)]
        fn delete / adelete(&self, account: Text, id: Text) -> Nothing {
            let projects = self.0.clone();
            Work::new(async move { projects.delete(&account.0, &id.0).await.map(|()| Nothing) })
        }
    }
}

fn facts(tier: &str, plan: &str, region: &str, labels: Option<Vec<Text>>) -> TenantFacts {
    TenantFacts { tier: tier.into(), plan: plan.into(), region: region.into(), labels: texts(labels) }
}
