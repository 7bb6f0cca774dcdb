//! Which issuer names which principals. Owns the issuers in force and the rule that no two of them name one principal of an
//! account; touches only ground.

use std::{collections::HashMap, sync::Arc};

use super::issuers::{ANY, Issuer};
use crate::{
    api::IssuerSpec,
    error::{Error, ErrorKind, Result},
};

/// The longest prefix, in bytes.
const MAX_PREFIX: usize = 64;

/// The issuers in force, by name and by the accounts they speak for.
#[derive(Default)]
pub struct Issuers {
    by_name: HashMap<String, Arc<Issuer>>,
    by_account: HashMap<String, Vec<Arc<Issuer>>>,
    /// The exact names by what people take to be the same: see [`loosely`].
    by_loose_name: HashMap<String, String>,
}

/// An `iss` without what people leave out or add: its scheme, its case, and slashes at its end.
fn loosely(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    let rest = name.split_once("://").map_or(name.as_str(), |(_, rest)| rest);
    rest.trim_end_matches('/').to_owned()
}

impl Issuers {
    /// Adds one.
    pub fn add(&mut self, issuer: Issuer) {
        let issuer = Arc::new(issuer);
        for account in &issuer.spec.accounts {
            self.by_account.entry(account.clone()).or_default().push(Arc::clone(&issuer));
        }
        self.by_loose_name.insert(loosely(&issuer.spec.issuer), issuer.spec.issuer.clone());
        self.by_name.insert(issuer.spec.issuer.clone(), issuer);
    }

    /// The refusal of a token whose issuer is none of these. The help is for whoever runs this: it may name one of them.
    pub fn unknown(&self, name: &str) -> Error {
        let error = Error::new(
            ErrorKind::Unauthenticated,
            "issuer_unknown",
            "the token's issuer is not, or no longer, trusted here",
        );
        match self.by_loose_name.get(&loosely(name)) {
            Some(near) => error.with_help(format!(
                "`{near}` is, and the token's `iss` differs from it: put the issuer with the exact `iss` of its tokens, to \
                 the last slash and letter"
            )),
            None => error.with_help("add it with identity.issuers.put"),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// One, by its exact name.
    pub fn get(&self, name: &str) -> Option<&Arc<Issuer>> {
        self.by_name.get(name)
    }

    /// All of them, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Issuer>> {
        self.by_name.values()
    }

    /// Those that speak for an account; for every account they all do.
    fn speaking_for(&self, account: &str) -> impl Iterator<Item = &Arc<Issuer>> {
        let of = |account: &str| self.by_account.get(account).map(Vec::as_slice).unwrap_or_default();
        let everybody = account == ANY;
        let all = self.by_name.values().filter(move |_| everybody);
        let some = of(account).iter().chain(of(ANY)).filter(move |_| !everybody);
        all.chain(some)
    }

    /// Refuses an entry whose principals could be taken for those of another issuer of the same account.
    pub fn check_naming(&self, spec: &IssuerSpec) -> Result<()> {
        let prefix = spec.principal_prefix.as_str();
        if prefix.len() > MAX_PREFIX || !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid(
                "issuer_invalid",
                "`principal_prefix` has at most 64 printable ASCII characters, none of them a space",
            ));
        }
        for account in &spec.accounts {
            for other in self.speaking_for(account).filter(|other| other.spec.issuer != spec.issuer) {
                match (prefix, other.spec.principal_prefix.as_str()) {
                    ("", "") => {
                        return Err(Error::conflict(
                            "principal_prefix_required",
                            format!("another issuer names the principals of account `{account}` without a prefix"),
                        )
                        .with_help("give this one a `principal_prefix` such as `okta:`, or remove the other"));
                    }
                    // Whoever names bare may not use a prefix of another: that is asked of each of its tokens.
                    ("", _) | (_, "") => {}
                    (own, other) if own.starts_with(other) || other.starts_with(own) => {
                        return Err(Error::conflict(
                            "principal_prefix_taken",
                            format!("another issuer of account `{account}` has the `principal_prefix` `{other}`"),
                        )
                        .with_help("neither of two prefixes may begin with the other"));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Refuses a principal that another issuer of its account could name, too.
    pub fn check_named(&self, issuer: &Issuer, account: &str, principal: &str) -> Result<()> {
        let own = issuer.spec.principal_prefix.len();
        let taken = self.speaking_for(account).any(|other| {
            let prefix = &other.spec.principal_prefix;
            other.spec.issuer != issuer.spec.issuer && prefix.len() >= own && principal.starts_with(prefix.as_str())
        });
        if taken {
            let message = "the token's subject is a name that another issuer of its account gives";
            return Err(Error::new(ErrorKind::Unauthenticated, "token_claims_invalid", message)
                .with_help("give each issuer of an account a `principal_prefix` of its own"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Algorithm;

    fn entry(name: &str, prefix: &str, accounts: &[&str]) -> IssuerSpec {
        IssuerSpec {
            issuer: name.into(),
            audience: vec!["a".into()],
            algorithms: vec![Algorithm::HS256],
            secret: "s".repeat(32),
            accounts: accounts.iter().map(|account| (*account).to_owned()).collect(),
            principal_prefix: prefix.into(),
            ..IssuerSpec::default()
        }
    }

    /// Two that were put at once by two processes: neither is believed until one has a prefix.
    #[test]
    fn of_two_that_name_bare_neither_is_believed() {
        let mut issuers = Issuers::default();
        for name in ["x", "y"] {
            issuers.add(Issuer::read(entry(name, "", &["acme"]), 1, 1).unwrap());
        }
        for name in ["x", "y"] {
            assert!(issuers.check_named(issuers.get(name).unwrap(), "acme", "ann").is_err());
        }
        issuers.add(Issuer::read(entry("z", "", &["globex"]), 1, 1).unwrap());
        assert!(issuers.check_named(issuers.get("z").unwrap(), "globex", "ann").is_ok());
    }
}
